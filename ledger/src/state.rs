//! The state: newest values, the trie over them, and what recent heights replaced.
//!
//! A block reads through [`StateView`], which remembers what it read, and is written by
//! [`StateTrie::apply`]. It knows no contract: which key means what is in `contracts`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Iter;
use std::iter::Peekable;

use contracts::state::{Changes, Pair, Range, State, StateFault};
use proto::hash::Hash;
use proto::trie::{self, Namespace, StateProof};
use proto::types::Height;

use crate::reader::operation_at;
use crate::schema::{self, PRUNE_EVERY_HEIGHTS, WINDOW_HEIGHTS};
use crate::store::{Batch, Column, StoreError, StoreRead};
use crate::trie::undo::Undo;
use crate::trie::{self as pages, Changed, Past, Trie};

/// The state below the block that is being executed. It remembers every value that was read.
pub struct StateView<'a, S> {
    store: &'a S,
    known: RefCell<BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
    fault: RefCell<Option<StoreError>>,
}

impl<'a, S: StoreRead> StateView<'a, S> {
    /// The newest state of `store`.
    pub fn new(store: &'a S) -> Self {
        Self { store, known: RefCell::default(), fault: RefCell::default() }
    }

    /// The failure behind a [`StateFault::Storage`] that this view returned.
    pub fn into_fault(self) -> Option<StoreError> {
        self.fault.into_inner()
    }

    /// The newest value of a key.
    /// Keeps the store's own words for [`Self::into_fault`].
    fn failed(&self, error: StoreError) -> StateFault {
        let detail = error.to_string();
        self.fault.borrow_mut().get_or_insert(error);
        StateFault::Storage { detail }
    }

    pub(crate) fn value(
        &self,
        namespace: Namespace,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let key = schema::state(namespace, key);
        if let Some(known) = self.known.borrow().get(&key) {
            return Ok(known.clone());
        }
        let value = self.store.get(Column::State, &key)?;
        self.known.borrow_mut().insert(key, value.clone());
        Ok(value)
    }

    /// Reads at once what is not known yet.
    ///
    /// # Panics
    /// Where the keys do not ascend: what is known would be read again.
    pub(crate) fn prefetch<'k>(
        &self,
        keys: impl Iterator<Item = &'k Vec<u8>>,
    ) -> Result<(), StoreError> {
        let keys: Vec<&Vec<u8>> = keys.collect();
        assert!(keys.is_sorted(), "one walk over what is known finds keys that ascend");
        let mut known = self.known.borrow_mut();
        let mut reads = known.iter().peekable();
        let mut unknown = Vec::new();
        for key in keys {
            if under(&mut reads, key).is_none() {
                unknown.push(key.clone());
            }
        }
        let values = self.store.get_many(Column::State, &unknown)?;
        known.extend(unknown.into_iter().zip(values));
        Ok(())
    }
}

impl<S: StoreRead> State for StateView<'_, S> {
    fn get(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, StateFault> {
        self.value(namespace, key).map_err(|error| self.failed(error))
    }

    fn scan(
        &self,
        namespace: Namespace,
        range: &Range<'_>,
        limit: usize,
    ) -> Result<Vec<Pair>, StateFault> {
        scan(self.store, namespace, range, limit).map_err(|error| self.failed(error))
    }

    fn operation(&self, height: Height, index: u32) -> Result<Option<Vec<u8>>, StateFault> {
        let found = operation_at(self.store, height, index).map_err(|error| self.failed(error))?;
        Ok(found.map(|found| found.bytes))
    }

    fn get_many(&self, keys: &[(Namespace, Vec<u8>)]) -> Result<Vec<Option<Vec<u8>>>, StateFault> {
        let mut ascending: Vec<Vec<u8>> =
            keys.iter().map(|(namespace, key)| schema::state(*namespace, key)).collect();
        ascending.sort_unstable();
        ascending.dedup();
        self.prefetch(ascending.iter()).map_err(|error| self.failed(error))?;
        keys.iter().map(|(namespace, key)| self.get(*namespace, key)).collect()
    }
}

/// The newest pairs of a namespace whose keys lie in a range.
pub(crate) fn scan(
    store: &impl StoreRead,
    namespace: Namespace,
    range: &Range<'_>,
    limit: usize,
) -> Result<Vec<Pair>, StoreError> {
    let prefix = schema::state(namespace, range.prefix);
    let from = schema::state(namespace, &range.start());
    let mut pairs = store.scan_prefix(Column::State, &prefix, &from, limit)?;
    for (key, _) in &mut pairs {
        key.remove(0);
    }
    Ok(pairs)
}

/// What an ascending iteration has under `key`, after going past everything below it. The keys of a
/// block ascend too, so that one walk takes the place of a search for each of them.
fn under<'k, V>(reads: &mut Peekable<Iter<'k, Vec<u8>, V>>, key: &[u8]) -> Option<&'k V> {
    while reads.next_if(|(read, _)| read.as_slice() < key).is_some() {}
    reads.peek().filter(|(read, _)| read.as_slice() == key).map(|(_, value)| *value)
}

/// The one writer of the state.
#[derive(Debug, Default)]
pub struct StateTrie(Trie);

impl StateTrie {
    /// Forgets the pages in memory; to be called when a batch that `apply` filled was not written.
    pub fn forget(&mut self) {
        self.0.forget();
    }

    /// Writes the changes of `height` into `batch` and returns the state root after them.
    ///
    /// A change to the value that is there already is none. `view` is the state below the height.
    pub fn apply<S: StoreRead>(
        &mut self,
        view: &StateView<'_, S>,
        height: Height,
        changes: Changes,
        batch: &mut Batch,
    ) -> Result<Hash, StoreError> {
        let keys: Vec<Vec<u8>> =
            changes.keys().map(|(namespace, key)| schema::state(*namespace, key)).collect();
        view.prefetch(keys.iter())?;
        let known = view.known.borrow();
        let mut reads = known.iter().peekable();
        let mut undo = Undo::default();
        let mut changed: Vec<Changed> = Vec::with_capacity(changes.len());
        for (((namespace, key), new), state_key) in changes.into_iter().zip(keys) {
            let old = under(&mut reads, &state_key).and_then(Option::as_ref);
            if old == new.as_ref() {
                continue;
            }
            let path = trie::key_hash(namespace, &key);
            changed.push((path, new.as_deref().map(trie::value_hash)));
            // Below genesis there is nothing that anyone could ask for.
            if height > Height::GENESIS {
                undo.value(&path, &state_key, old.map(Vec::as_slice));
            }
            match new {
                None => batch.delete(Column::State, state_key),
                Some(value) => batch.put(Column::State, state_key, value),
            }
        }
        changed.sort_unstable();
        let root = self.0.update(view.store, &changed, batch, &mut undo)?;
        if height > Height::GENESIS {
            undo.write(height, batch);
        }
        prune(height, batch);
        Ok(root)
    }
}

/// Removes what the heights replaced that `height` pushes out of the window.
fn prune(height: Height, batch: &mut Batch) {
    if height.value() > WINDOW_HEIGHTS && height.value().is_multiple_of(PRUNE_EVERY_HEIGHTS) {
        let from = schema::height(Height::GENESIS);
        batch.delete_range(Column::Undo, from, schema::height(undo_floor(height)));
    }
}

/// The lowest height whose replaced values and pages are still stored where `head` is the newest.
pub(crate) fn undo_floor(head: Height) -> Height {
    let pruned = head.value() - head.value() % PRUNE_EVERY_HEIGHTS;
    Height::new(pruned.saturating_sub(WINDOW_HEIGHTS)).next()
}

/// Whether the state of `at` can be read where `head` is the newest height.
pub(crate) fn in_window(at: Height, head: Height) -> bool {
    at <= head && at >= head.minus(WINDOW_HEIGHTS)
}

/// The value of a key at a height.
pub(crate) fn get_at(
    store: &impl StoreRead,
    (namespace, key): (Namespace, &[u8]),
    past: &Past,
) -> Result<Option<Vec<u8>>, StoreError> {
    if key.len() > trie::KEY_BYTES_MAX {
        // Such a key has no path, so that it was never written; a stranger may ask for it.
        return Ok(None);
    }
    let state_key = schema::state(namespace, key);
    past.value(store, &trie::key_hash(namespace, key), &state_key)
}

/// Presence or absence of a key under the state root of a height, as [`get_at`].
pub(crate) fn prove_at(
    store: &impl StoreRead,
    (namespace, key): (Namespace, &[u8]),
    past: &Past,
) -> Result<StateProof, StoreError> {
    pages::prove(store, &trie::key_hash(namespace, key), past)
}
