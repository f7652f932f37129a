//! What the state holds of a match between two codes.

use prost::Message as _;
use proto::schema::act::Relation;
use proto::schema::event::Uom;
use proto::trie::Namespace;

use super::codec::{Byte, In, Out, Unreadable, Value};
use super::list::{List, fields, read_lists, write_lists};
use super::row::Row;
use super::unit::AgencyCount;

/// Where a match stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum MatchStatus {
    /// Nothing speaks for it.
    Unspecified = 0,
    /// One side has spoken.
    OneSided = 1,
    /// Both sides agree.
    Confirmed = 2,
    /// The sides disagree, or one disputes it.
    InDoubt = 3,
    /// Withdrawn.
    Voided = 4,
}

/// What contradicts a match.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum Conflict {
    /// Not stated.
    Unspecified = 0,
    /// Codes of one goods come from different declarations.
    Origins = 1,
    /// A code is its own source.
    Cycle = 2,
    /// More was received under the code than was sent.
    OverAllocated = 3,
}

/// How much an agency declared of a match.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, prost::Message)]
pub struct DeclaredAmount {
    /// The agency.
    #[prost(uint32, tag = "1")]
    pub agency: u32,
    /// Document that it named.
    #[prost(string, tag = "2")]
    pub document: String,
    /// The unit of measure.
    #[prost(enumeration = "Uom", tag = "3")]
    pub uom: i32,
    /// Thousandths of it.
    #[prost(sint64, tag = "4")]
    pub milli: i64,
}

/// What a unit knows of a match of its own, so that a walk need not read the match. Value of the
/// unit's list of matches.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Matched {
    /// Where the match stands.
    pub status: MatchStatus,
    /// Whether an agency declared or confirmed it.
    pub is_spoken: bool,
}

/// Bit of [`Matched`] that says that an agency spoke.
const SPOKEN_BIT: u8 = 0x80;

impl Value for Matched {
    fn is_nothing(&self) -> bool {
        false
    }

    fn write(&self, out: &mut Out) {
        let status = u8::try_from(i32::from(self.status)).expect("statuses are below 128");
        out.byte(if self.is_spoken { status | SPOKEN_BIT } else { status });
    }

    fn read(input: &mut In<'_>) -> Result<Self, Unreadable> {
        let byte = input.byte()?;
        let status = MatchStatus::try_from(i32::from(byte & !SPOKEN_BIT));
        let status = status.map_err(|_| Unreadable("a match has no such status"))?;
        Ok(Self { status, is_spoken: byte & SPOKEN_BIT != 0 })
    }
}

/// Namespace MATCH, key = u16 length, giving unit, taking unit: the record and its documents.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct MatchRow {
    /// What the match says.
    pub record: MatchRecord,
    /// Documents with the verdict that is counted of each.
    pub(crate) documents: List<Byte>,
}

impl Row for MatchRow {
    const NAMESPACE: Namespace = Namespace::Match;

    fn write(&self, out: &mut Out) {
        out.bytes(&self.record.encode_to_vec());
        write_lists(out, &[&self.documents]);
    }

    fn read(input: &mut In<'_>) -> Result<Self, Unreadable> {
        let record = MatchRecord::decode(input.bytes()?);
        let record = record.map_err(|_| Unreadable("the match is not readable"))?;
        let mut row = Self { record, documents: List::default() };
        read_lists(input, &mut [&mut row.documents])?;
        Ok(row)
    }
}

fields! { MatchRow {
    DOCUMENTS: Byte = 1, documents;
} }

/// What speaks for and against a match.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct MatchRecord {
    /// The relation.
    #[prost(enumeration = "Relation", tag = "1")]
    pub relation: i32,
    /// Where it stands.
    #[prost(enumeration = "MatchStatus", tag = "2")]
    pub status: i32,
    /// Deliveries that agree.
    #[prost(sint64, tag = "3")]
    pub agreeing: i64,
    /// Deliveries with one side.
    #[prost(sint64, tag = "4")]
    pub one_sided: i64,
    /// Deliveries that disagree.
    #[prost(sint64, tag = "5")]
    pub disagreeing: i64,
    /// Agencies that claim the pair by RECEIVE, ascending.
    #[prost(message, repeated, tag = "6")]
    pub claimants: Vec<AgencyCount>,
    /// Agencies that declared the pair, ascending.
    #[prost(uint32, repeated, tag = "7")]
    pub declared: Vec<u32>,
    /// Agencies that confirmed it, ascending.
    #[prost(uint32, repeated, tag = "8")]
    pub confirmed: Vec<u32>,
    /// Agencies that dispute it, ascending.
    #[prost(uint32, repeated, tag = "9")]
    pub disputed: Vec<u32>,
    /// Height of its withdrawal; 0 where it stands.
    #[prost(uint64, tag = "10")]
    pub voided_height: u64,
    /// Whether one agency's word is enough: a new label on goods that only it has named, or a delivery
    /// between parties of its own.
    #[prost(bool, tag = "11")]
    pub own_matter: bool,
    /// What contradicts it, ascending.
    #[prost(enumeration = "Conflict", repeated, tag = "12")]
    pub conflicts: Vec<i32>,
    /// What agencies declared with a quantity and a document, one for each, ascending.
    #[prost(message, repeated, tag = "13")]
    pub declared_amounts: Vec<DeclaredAmount>,
    /// Agencies that declared or confirmed it while none of their events in force names either unit,
    /// ascending: their word is no voice.
    #[prost(uint32, repeated, tag = "14")]
    pub bystanders: Vec<u32>,
}
