//! The state as a contract sees it: what a storage answers, and the rows of one block, which are
//! decoded once, changed in place and encoded at its end. Where it is stored is the ledger's business.

mod index;
mod queue;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use proto::Height;
use proto::trie::Namespace;
use thiserror::Error;

pub(crate) use index::Index;
pub(crate) use queue::{Noted, Queue, leave};
pub use rows::Rows;
pub(crate) use rows::{Said, Wanted};

/// The state could not be read. It aborts the block and is never a refusal: a node that answered
/// differently from the others because its disk failed would be on another chain.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum StateFault {
    /// The storage failed.
    #[error("the state could not be read: {detail}")]
    Storage {
        /// What the storage says.
        detail: String,
    },
    /// A record is not what a contract wrote under that key.
    #[error("the record at key {key} of namespace {namespace} is not readable: {detail}")]
    Record {
        /// Byte of the namespace.
        namespace: u8,
        /// Key in hexadecimal digits.
        key: String,
        /// What the decoder says.
        detail: String,
    },
}

impl StateFault {
    /// A record that its own contract cannot read.
    pub fn record(namespace: Namespace, key: &[u8], detail: &impl ToString) -> Self {
        let detail = detail.to_string();
        Self::Record { namespace: namespace.code(), key: hex::encode(key), detail }
    }
}

/// Reads values.
pub trait State {
    /// The value under a key, if any.
    fn get(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, StateFault>;

    /// The pairs of a namespace whose keys lie in `range`, ascending by key, the first `limit` of them.
    fn scan(
        &self,
        namespace: Namespace,
        range: &Range<'_>,
        limit: usize,
    ) -> Result<Vec<Pair>, StateFault>;

    /// The operation behind a receipt of an earlier block, as it was submitted; none where the receipt
    /// is of no operation, or where this state knows no blocks: such a state can be read, but not executed over.
    fn operation(&self, height: Height, receipt_index: u32) -> Result<Option<Vec<u8>>, StateFault>;

    /// The values under many keys, in their order. A storage that reads many at once answers faster
    /// than key by key.
    fn get_many(&self, keys: &[(Namespace, Vec<u8>)]) -> Result<Vec<Option<Vec<u8>>>, StateFault> {
        keys.iter().map(|(namespace, key)| self.get(*namespace, key)).collect()
    }
}

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// The keys that a scan reads: those that begin with `prefix` and come after `after`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range<'a> {
    /// How each key begins.
    pub prefix: &'a [u8],
    /// A whole key; where given, only keys above it are read: where an earlier scan ended.
    pub after: Option<&'a [u8]>,
}

impl Range<'_> {
    /// Smallest key that can lie in the range.
    pub fn start(&self) -> Vec<u8> {
        let next = self.after.map(|after| [after, &[0]].concat()).unwrap_or_default();
        next.max(self.prefix.to_vec())
    }
}

/// A state that is held in memory and knows no blocks: for tests and tools.
impl State for BTreeMap<(Namespace, Vec<u8>), Vec<u8>> {
    fn get(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, StateFault> {
        Ok(BTreeMap::get(self, &(namespace, key.to_vec())).cloned())
    }

    fn scan(
        &self,
        namespace: Namespace,
        range: &Range<'_>,
        limit: usize,
    ) -> Result<Vec<Pair>, StateFault> {
        let below = self.range((namespace, range.start())..);
        let inside = below
            .take_while(|((space, key), _)| *space == namespace && key.starts_with(range.prefix));
        Ok(inside.take(limit).map(|((_, key), value)| (key.clone(), value.clone())).collect())
    }

    fn operation(&self, _: Height, _: u32) -> Result<Option<Vec<u8>>, StateFault> {
        Ok(None)
    }
}

/// Writes by key: a value, or none where the key goes. Only keys whose value differs from that of the
/// state below the block.
pub type Changes = BTreeMap<(Namespace, Vec<u8>), Option<Vec<u8>>>;
