//! Entries of the journal: the replica's records, and the bodies that they need.

use std::sync::Arc;

use consensus::Record;
use proto::codec::{Canonical as _, DecodeError, Reader, Writer};
use proto::transaction::Transaction;
use proto::{Hash, Height};

use crate::bodies::AdmittedBody;

const KIND_RECORD: u8 = 1;
const KIND_BODY: u8 = 2;

/// An entry that a compacted journal still needs.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    height: Option<Height>,
    leaf: Option<Hash>,
    bytes: Arc<[u8]>,
}

impl Entry {
    /// A record of the replica.
    pub(crate) fn record(record: &Record) -> Self {
        Self { height: record.height(), leaf: None, bytes: record.encode().into() }
    }

    /// A body for a block at `height`.
    pub(crate) fn body(leaf: Hash, height: Option<Height>, body: &AdmittedBody) -> Self {
        Self { height, leaf: Some(leaf), bytes: Arc::clone(&body.bytes) }
    }

    /// Whether this is the body of `leaf`.
    pub(crate) fn is_body(&self, leaf: &Hash) -> bool {
        self.leaf.as_ref() == Some(leaf)
    }

    /// Keeps the entry for a later height too.
    pub(crate) fn raise_to(&mut self, height: Option<Height>) {
        self.height = self.height.max(height);
    }

    /// Whether the entry is needed once heights below `floor` are released.
    pub(crate) fn is_needed_from(&self, floor: Height) -> bool {
        self.height.is_none_or(|height| height >= floor)
    }

    /// The journal's bytes: kind, height (0 for none), content.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u8(if self.leaf.is_some() { KIND_BODY } else { KIND_RECORD });
        out.u64(self.height.map_or(0, Height::value)).raw(&self.bytes);
        out.into_bytes()
    }
}

/// What a journal's bytes say, with the entry to keep.
#[derive(Debug)]
pub(crate) enum Read {
    /// A record of the replica.
    Record(Record),
    /// A body for a block at a height.
    Body(AdmittedBody, Height),
}

/// Reads one entry of a journal whose checksums hold.
pub(crate) fn read(bytes: &[u8]) -> Result<(Entry, Read), DecodeError> {
    let mut input = Reader::new(bytes);
    let kind = input.u8("entry kind")?;
    let height = Height::new(input.u64("entry height")?);
    let content = input.raw("entry", input.remaining())?;
    let at = (height != Height::GENESIS).then_some(height);
    let bytes: Arc<[u8]> = content.into();
    match kind {
        KIND_RECORD => {
            let record = Record::decode(content)?;
            Ok((Entry { height: at, leaf: None, bytes }, Read::Record(record)))
        }
        KIND_BODY => {
            let transaction = Arc::new(Transaction::decode(content)?);
            let leaf = Some(transaction.leaf());
            let body = AdmittedBody { transaction, bytes: Arc::clone(&bytes) };
            Ok((Entry { height: at, leaf, bytes }, Read::Body(body, height)))
        }
        _ => Err(DecodeError::Invalid { field: "entry kind", rule: "is 1 or 2" }),
    }
}
