//! Format version and key layouts of every column. Restated byte by byte in `ledger/README.md`,
//! section 2; a change of any of them raises the version.

use proto::codec::{Canonical, DecodeError, Reader, Writer};
use proto::history::LogKey;
use proto::namespace::{Class, Namespace};
use proto::receipt::Subject;
use proto::types::Height;

use crate::store::Column;

/// Version of everything below. A store of another version is refused.
pub const FORMAT: u32 = 3;

/// Heights below the head whose state can still be read and proven. A checkpoint is hardened within
/// a few heights; 1,024 heights are 17 minutes of one-second blocks, longer than any page token lives.
pub const WINDOW_HEIGHTS: u64 = 1_024;

/// Heights between two removals of what left the window: each one costs the store a range tombstone.
pub(crate) const PRUNE_EVERY_HEIGHTS: u64 = 64;

/// Keys of column `meta`.
pub(crate) mod meta {
    /// Version of the format, u32.
    pub(crate) const FORMAT: &[u8] = b"format";
    /// Chain, 32 bytes.
    pub(crate) const CHAIN: &[u8] = b"chain";
    /// Genesis document, canonical bytes.
    pub(crate) const GENESIS: &[u8] = b"genesis";
    /// Sum over the working rows as of the head, 2,048 bytes.
    pub(crate) const WORKING: &[u8] = b"working";
    /// Height of the last block, u64.
    pub(crate) const HEAD: &[u8] = b"head";
    /// Size of the highest certified checkpoint, u64.
    pub(crate) const CERTIFIED: &[u8] = b"certified";
    /// Size of the highest hardened checkpoint, u64.
    pub(crate) const HARDENED: &[u8] = b"hardened";
}

/// A height, alone: blocks, commits, history.
pub(crate) fn height(height: Height) -> Vec<u8> {
    height.value().to_be_bytes().to_vec()
}

/// A height and a position in it: bodies, and the first of the receipts of a row.
pub(crate) fn placed(height: Height, position: u32) -> Vec<u8> {
    let mut out = Writer::default();
    out.u64(height.value()).u32(position);
    out.into_bytes()
}

/// Level and index of a node of the history tree.
pub(crate) fn node(level: u8, index: u64) -> Vec<u8> {
    let mut out = Writer::default();
    out.u8(level).u64(index);
    out.into_bytes()
}

/// Namespace and key of the state.
pub(crate) fn state(namespace: Namespace, key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + key.len());
    out.push(namespace.code());
    out.extend_from_slice(key);
    out
}

/// Column of the keys of a namespace.
pub(crate) const fn column(namespace: Namespace) -> Column {
    match namespace.class() {
        Class::Proved => Column::State,
        Class::Working => Column::Working,
    }
}

/// Namespace and key of a row of the state.
pub(crate) fn split_state(state_key: &[u8]) -> Option<(Namespace, &[u8])> {
    let (code, key) = state_key.split_first()?;
    Some((Namespace::from_code(*code)?, key))
}

/// Every entry of a log.
pub(crate) fn log_prefix(key: &LogKey) -> Vec<u8> {
    let mut out = Writer::default();
    out.u8(key.kind.code()).u32(key.bucket).bytes16(&key.subject);
    out.into_bytes()
}

/// Every day of a subject's directory.
pub(crate) fn days_prefix(subject: &Subject) -> Vec<u8> {
    let mut out = Writer::default();
    out.u8(subject.kind.code()).bytes16(&subject.key);
    out.into_bytes()
}

/// One row of a log, by the index of its last entry, or of a directory.
pub(crate) fn row(prefix: &[u8], index: u64) -> Vec<u8> {
    [prefix, &index.to_be_bytes()].concat()
}

/// Where a transaction stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TxPlace {
    /// Height of its block.
    pub height: Height,
    /// Position in the block.
    pub position: u32,
    /// Index of the receipt of its first operation; the others follow.
    pub first_receipt: u32,
}

impl Canonical for TxPlace {
    fn encode_to(&self, out: &mut Writer) {
        out.u64(self.height.value()).u32(self.position).u32(self.first_receipt);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            height: Height::new(input.u64("height")?),
            position: input.u32("position")?,
            first_receipt: input.u32("first receipt")?,
        })
    }
}
