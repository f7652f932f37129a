//! Entries of the journal: the replica's records, and the bodies that they need.

use std::collections::BTreeMap;
use std::sync::Arc;

use consensus::{Own, Record};
use proto::codec::{Canonical as _, DecodeError, Reader, Writer};
use proto::transaction::Transaction;
use proto::{Hash, Height};

use crate::bodies::AdmittedBody;

const KIND_RECORD: u8 = 1;
const KIND_BODY: u8 = 2;

/// A record of the replica, as the journal holds it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    height: Option<Height>,
    kind: EntryKind,
    bytes: Arc<[u8]>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum EntryKind {
    /// Needed until its height is released.
    Usual,
    /// A CHECKPOINT of this node: the last one is never released (L115).
    OwnCheckpoint,
}

impl Entry {
    /// A record of the replica.
    pub(crate) fn record(record: &Record) -> Self {
        let kind = match record {
            Record::Own(Own::Checkpoint(_)) => EntryKind::OwnCheckpoint,
            Record::Own(
                Own::PrePrepare(_) | Own::Prepare(_) | Own::Commit(_) | Own::ViewChange(_),
            )
            | Record::Proposal(_)
            | Record::Prepared(_)
            | Record::Decided(_)
            | Record::NotVoting(_) => EntryKind::Usual,
        };
        Self { height: record.height(), kind, bytes: record.encode().into() }
    }

    /// The journal's bytes: kind, height (0 for none), content.
    pub(crate) fn encode(&self) -> Vec<u8> {
        encode(KIND_RECORD, self.height, &self.bytes)
    }
}

fn encode(kind: u8, height: Option<Height>, content: &[u8]) -> Vec<u8> {
    let mut out = Writer::default();
    out.u8(kind).u64(height.map_or(0, Height::value)).raw(content);
    out.into_bytes()
}

/// The journal's bytes of a body for a block at `height`.
pub(crate) fn encode_body(height: Option<Height>, body: &AdmittedBody) -> Vec<u8> {
    encode(KIND_BODY, height, body.0.bytes())
}

/// What a compacted journal still holds: bodies by their leaf, since every block looks them up, and the
/// replica's records, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Live {
    bodies: BTreeMap<Hash, (Option<Height>, Arc<[u8]>)>,
    records: Vec<Entry>,
}

impl Live {
    /// Keeps a body that is here for a later height too; `false` where it is not here.
    pub(crate) fn raise(&mut self, leaf: &Hash, height: Option<Height>) -> bool {
        let Some((kept_for, _)) = self.bodies.get_mut(leaf) else { return false };
        *kept_for = height.max(*kept_for);
        true
    }

    /// Adds a body for a block at `height`.
    pub(crate) fn add_body(&mut self, leaf: Hash, height: Option<Height>, body: &AdmittedBody) {
        self.bodies.insert(leaf, (height, Arc::clone(body.0.bytes())));
    }

    /// Adds a record.
    pub(crate) fn add_record(&mut self, entry: Entry) {
        self.records.push(entry);
    }

    /// Forgets what only heights below `floor` need.
    pub(crate) fn release_below(&mut self, floor: Height) {
        let needed = |height: Option<Height>| height.is_none_or(|height| height >= floor);
        self.bodies.retain(|_, (height, _)| needed(*height));
        let own = |entry: &Entry| entry.kind == EntryKind::OwnCheckpoint;
        let last = self.records.iter().rposition(own);
        let mut at = 0;
        self.records.retain(|entry| {
            let keep = needed(entry.height) || Some(at) == last;
            at += 1;
            keep
        });
    }

    /// The records of a compacted journal: bodies before what names them.
    pub(crate) fn encode(&self) -> Vec<Vec<u8>> {
        let bodies = self.bodies.values().map(|(height, bytes)| encode(KIND_BODY, *height, bytes));
        bodies.chain(self.records.iter().map(Entry::encode)).collect()
    }
}

/// What a journal's bytes say.
#[derive(Debug)]
pub(crate) enum Read {
    /// A record of the replica.
    Record(Record),
    /// A body for a block at a height.
    Body(AdmittedBody, Height),
}

/// Reads one entry of a journal whose checksums hold.
pub(crate) fn read(bytes: &[u8]) -> Result<Read, DecodeError> {
    let mut input = Reader::new(bytes);
    let kind = input.u8("entry kind")?;
    let height = Height::new(input.u64("entry height")?);
    let content = input.raw("entry", input.remaining())?;
    match kind {
        KIND_RECORD => Ok(Read::Record(Record::decode(content)?)),
        KIND_BODY => Ok(Read::Body(AdmittedBody(Transaction::decode(content)?), height)),
        _ => Err(DecodeError::Invalid { field: "entry kind", rule: "is 1 or 2" }),
    }
}
