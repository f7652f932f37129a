//! The state as a contract sees it: a map that is read through and written over, and dropped or
//! merged whole. Where it is stored is the ledger's business.

use std::collections::BTreeMap;
use std::ops::Bound;

use proto::trie::Namespace;
use thiserror::Error;

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

/// A state without entries, and one that is held in memory: for tests and tools.
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
}

/// Writes by key: a value, or none where the key goes.
pub type Changes = BTreeMap<(Namespace, Vec<u8>), Option<Vec<u8>>>;

/// Writes over a state. A child overlay sees the writes of its parent and is merged or dropped whole.
pub struct Overlay<'a> {
    base: &'a dyn State,
    writes: BTreeMap<Namespace, BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
}

impl<'a> Overlay<'a> {
    /// No writes over `base`.
    pub fn new(base: &'a dyn State) -> Self {
        Self { base, writes: BTreeMap::new() }
    }

    /// No writes over this overlay.
    pub fn child(&self) -> Overlay<'_> {
        Overlay::new(self)
    }

    /// Writes a value.
    pub fn put(&mut self, namespace: Namespace, key: &[u8], value: Vec<u8>) {
        self.writes.entry(namespace).or_default().insert(key.to_vec(), Some(value));
    }

    /// Removes a key. Where the base has none either, nothing is left of it in the changes.
    pub fn delete(&mut self, namespace: Namespace, key: &[u8]) -> Result<(), StateFault> {
        let writes = self.writes.entry(namespace).or_default();
        if self.base.get(namespace, key)?.is_some() {
            writes.insert(key.to_vec(), None);
        } else {
            writes.remove(key);
        }
        Ok(())
    }

    /// Forgets a write whose key the base has not: it is as if it had never been written.
    pub(crate) fn forget(&mut self, namespace: Namespace, key: &[u8]) {
        if let Some(writes) = self.writes.get_mut(&namespace) {
            writes.remove(key);
        }
    }

    /// Values written over the base under keys that begin with `prefix`, ascending.
    pub(crate) fn written_below(
        &self,
        namespace: Namespace,
        prefix: &[u8],
    ) -> Vec<(Vec<u8>, Vec<u8>)> {
        let Some(writes) = self.writes.get(&namespace) else { return Vec::new() };
        let first = (Bound::Included(prefix), Bound::Unbounded);
        let below = writes.range::<[u8], _>(first).take_while(|(key, _)| key.starts_with(prefix));
        below.filter_map(|(key, value)| Some((key.clone(), value.clone()?))).collect()
    }

    /// Takes over the writes of a child.
    pub fn merge(&mut self, changes: Changes) -> Result<(), StateFault> {
        for ((namespace, key), value) in changes {
            match value {
                Some(value) => self.put(namespace, &key, value),
                None => self.delete(namespace, &key)?,
            }
        }
        Ok(())
    }

    /// The writes: only keys whose value may differ from the base, deletions only of keys it has.
    pub fn into_changes(self) -> Changes {
        let mut changes = Changes::new();
        for (namespace, writes) in self.writes {
            changes.extend(writes.into_iter().map(|(key, value)| ((namespace, key), value)));
        }
        changes
    }
}

impl State for Overlay<'_> {
    fn get(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, StateFault> {
        match self.writes.get(&namespace).and_then(|writes| writes.get(key)) {
            Some(written) => Ok(written.clone()),
            None => self.base.get(namespace, key),
        }
    }

    fn scan(
        &self,
        namespace: Namespace,
        range: &Range<'_>,
        limit: usize,
    ) -> Result<Vec<Pair>, StateFault> {
        let start = range.start();
        let written = self.writes.get(&namespace).into_iter().flat_map(|writes| {
            let below = writes.range::<[u8], _>((Bound::Included(&*start), Bound::Unbounded));
            below.take_while(|(key, _)| key.starts_with(range.prefix))
        });
        let written: BTreeMap<&Vec<u8>, &Option<Vec<u8>>> = written.collect();
        // Each key that was removed here can take the place of one that stays.
        let enough = limit.saturating_add(written.len());
        let mut pairs: BTreeMap<Vec<u8>, Vec<u8>> =
            self.base.scan(namespace, range, enough)?.into_iter().collect();
        for (key, value) in written {
            match value {
                Some(value) => pairs.insert(key.clone(), value.clone()),
                None => pairs.remove(key),
            };
        }
        Ok(pairs.into_iter().take(limit).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: Namespace = Namespace::Unit;

    #[test]
    fn a_child_sees_its_parent_and_is_merged_or_dropped_whole() {
        let base = BTreeMap::from([((UNIT, b"a".to_vec()), vec![1])]);
        let mut parent = Overlay::new(&base);
        parent.put(UNIT, b"b", vec![2]);
        let mut child = parent.child();
        assert_eq!(child.get(UNIT, b"a").unwrap(), Some(vec![1]));
        assert_eq!(child.get(UNIT, b"b").unwrap(), Some(vec![2]));
        assert_eq!(child.get(Namespace::Match, b"b").unwrap(), None);
        child.delete(UNIT, b"a").unwrap();
        child.put(UNIT, b"c", vec![3]);
        assert_eq!(child.get(UNIT, b"a").unwrap(), None);
        let dropped = parent.child();
        drop(dropped);
        let mut child = parent.child();
        child.delete(UNIT, b"b").unwrap();
        child.delete(UNIT, b"a").unwrap();
        let changes = child.into_changes();
        parent.merge(changes).unwrap();
        assert_eq!(parent.into_changes(), Changes::from([((UNIT, b"a".to_vec()), None)]));
    }

    #[test]
    fn a_scan_sees_what_was_written_over_the_base_and_goes_on_after_a_key() {
        let entry = |key: &str| ((UNIT, key.as_bytes().to_vec()), vec![0]);
        let base: BTreeMap<_, _> = ["a", "b1", "b2", "b4", "c"].map(entry).into();
        let mut state = Overlay::new(&base);
        state.put(UNIT, b"b3", vec![1]);
        state.delete(UNIT, b"b1").unwrap();
        let keys = |prefix: &'static [u8], after: Option<&'static [u8]>, limit| {
            let found = state.scan(UNIT, &Range { prefix, after }, limit).unwrap();
            found.into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(keys(b"b", None, 9), ["b2", "b3", "b4"]);
        assert_eq!(keys(b"b", None, 2), ["b2", "b3"]);
        assert_eq!(keys(b"b", Some(b"b2"), 9), ["b3", "b4"]);
        assert_eq!(keys(b"", None, 1), ["a"]);
        assert_eq!(keys(b"c", Some(b"c"), 9), [""; 0]);
    }

    #[test]
    fn deleting_what_the_base_has_not_leaves_nothing_in_the_changes() {
        let base: BTreeMap<(Namespace, Vec<u8>), Vec<u8>> = BTreeMap::new();
        let mut state = Overlay::new(&base);
        state.put(UNIT, b"a", vec![1]);
        state.delete(UNIT, b"a").unwrap();
        state.delete(UNIT, b"never").unwrap();
        assert!(state.into_changes().is_empty());
    }
}
