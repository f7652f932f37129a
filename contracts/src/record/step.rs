//! What the system did by itself, as the record behind a SYSTEM receipt.

use super::shipment::Amount;
use proto::schema::act::Relation;

use super::matching::MatchStatus;

/// What kind of step it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum StepKind {
    /// Says nothing.
    Unspecified = 0,
    /// A match changed its status.
    Match = 1,
    /// An OPAQUE unit turned out to be a unit of a scheme.
    Recognised = 2,
    /// A deadline passed.
    Deadline = 3,
    /// A job of the risk rules went on.
    RiskJob = 4,
    /// Links of a correction that its receipt had no room for; the detail is agency u16, `op_uid` and
    /// number u32.
    Correction = 5,
}

/// The record of a step; its hash under the tag `jjj/step/v1` is the leaf in the receipt.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct StepRecord {
    /// What happened.
    #[prost(enumeration = "StepKind", tag = "1")]
    pub kind: i32,
    /// Height of the block, so that no two steps have one record.
    #[prost(uint64, tag = "2")]
    pub height: u64,
    /// Giving unit of a match; the OPAQUE unit.
    #[prost(bytes = "vec", tag = "3")]
    pub from: Vec<u8>,
    /// Taking unit of a match; the unit of the scheme.
    #[prost(bytes = "vec", tag = "4")]
    pub to: Vec<u8>,
    /// Relation of a match.
    #[prost(enumeration = "Relation", tag = "5")]
    pub relation: i32,
    /// Status of a match from now on.
    #[prost(enumeration = "MatchStatus", tag = "6")]
    pub status: i32,
    /// Status of a match before.
    #[prost(enumeration = "MatchStatus", tag = "7")]
    pub status_before: i32,
    /// Document of the delivery that decided, if one did.
    #[prost(string, tag = "8")]
    pub document: String,
    /// Sent under that document.
    #[prost(message, repeated, tag = "9")]
    pub shipped: Vec<Amount>,
    /// Received under that document.
    #[prost(message, repeated, tag = "10")]
    pub received: Vec<Amount>,
    /// What a deadline or a job of the risk rules says; whose links these are.
    #[prost(bytes = "vec", tag = "11")]
    pub detail: Vec<u8>,
}
