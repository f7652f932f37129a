//! The state: newest values of both classes, the ring of the proved keys, the sum over the working
//! rows.
//!
//! A block reads through [`StateView`], which remembers what it read, and is written by
//! [`StateWriter::apply`]. It knows no contract: which key means what is in `contracts`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Iter;
use std::iter::Peekable;

use contracts::state::{Changes, Pair, Range, State, StateFault};
use proto::codec::Canonical as _;
use proto::history::StateRoots;
use proto::namespace::{Class, Namespace};
use proto::set_hash::{RowHash, SetHash};
use proto::types::Height;

use crate::ring::{Ring, Written};
use crate::schema::{self, PRUNE_EVERY_HEIGHTS, WINDOW_HEIGHTS, meta};
use crate::sealed;
use crate::store::{Batch, Column, StoreError, StoreRead};

/// A value of the state as it was read.
#[derive(Clone, Debug)]
struct Held {
    /// The row without its checksum.
    row: Vec<u8>,
    /// Where in it the value begins: behind the place in the ring, where the key has one.
    value_from: usize,
    /// Of a working row the hash that it was checked by: a row that goes is subtracted by it.
    hash: Option<RowHash>,
}

impl Held {
    fn value(&self) -> &[u8] {
        self.row.get(self.value_from..).unwrap_or_default()
    }
}

/// The state below the block that is being executed. It remembers every value that was read.
pub struct StateView<'a, S> {
    store: &'a S,
    known: RefCell<BTreeMap<Vec<u8>, Option<Held>>>,
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

    /// Keeps the store's own words for [`Self::into_fault`].
    fn failed(&self, error: StoreError) -> StateFault {
        let detail = error.to_string();
        self.fault.borrow_mut().get_or_insert(error);
        StateFault::Storage { detail }
    }

    /// The newest value of a key.
    pub(crate) fn value(
        &self,
        namespace: Namespace,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let state_key = schema::state(namespace, key);
        if let Some(known) = self.known.borrow().get(&state_key) {
            return Ok(known.as_ref().map(|held| held.value().to_vec()));
        }
        let column = schema::column(namespace);
        let row = self.store.get(column, &state_key)?;
        let held = row.map(|row| held(column, &state_key, row)).transpose()?;
        let value = held.as_ref().map(|held| held.value().to_vec());
        self.known.borrow_mut().insert(state_key, held);
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
        let (mut proved, mut working) = (Vec::new(), Vec::new());
        for key in keys {
            if under(&mut reads, key).is_none() {
                let class = schema::split_state(key).map(|(namespace, _)| namespace.class());
                let list = if class == Some(Class::Working) { &mut working } else { &mut proved };
                list.push(key.clone());
            }
        }
        for (column, unknown) in [(Column::State, proved), (Column::Working, working)] {
            let rows = self.store.get_many(column, &unknown)?;
            for (key, row) in unknown.into_iter().zip(rows) {
                let held = row.map(|row| held(column, &key, row)).transpose()?;
                known.insert(key, held);
            }
        }
        Ok(())
    }
}

/// A row as it was read, checked.
fn held(column: Column, state_key: &[u8], row: Vec<u8>) -> Result<Held, StoreError> {
    if column == Column::Working {
        let (row, hash) = sealed::open_working(state_key, row)?;
        return Ok(Held { row, value_from: 0, hash: Some(hash) });
    }
    let row = sealed::opened(column, state_key, row)?;
    let value_from = Ring::value_from(state_key, &row)?;
    Ok(Held { row, value_from, hash: None })
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
}

/// The newest value of a key.
pub(crate) fn newest(
    store: &impl StoreRead,
    namespace: Namespace,
    key: &[u8],
) -> Result<Option<Vec<u8>>, StoreError> {
    let (column, state_key) = (schema::column(namespace), schema::state(namespace, key));
    let row = sealed::get(store, column, &state_key)?;
    row.map(|row| bare_value(column, &state_key, row)).transpose()
}

/// The value in a row without its checksum.
fn bare_value(column: Column, state_key: &[u8], mut row: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    if column == Column::State {
        let from = Ring::value_from(state_key, &row)?;
        row.drain(..from);
    }
    Ok(row)
}

/// The newest pairs of a namespace whose keys lie in a range.
pub(crate) fn scan(
    store: &impl StoreRead,
    namespace: Namespace,
    range: &Range<'_>,
    limit: usize,
) -> Result<Vec<Pair>, StoreError> {
    scan_from(store, namespace, (range.prefix, &range.start()), limit)
}

/// The newest pairs of a namespace whose keys begin with `prefix` and are not below `from`.
pub(crate) fn scan_from(
    store: &impl StoreRead,
    namespace: Namespace,
    (prefix, from): (&[u8], &[u8]),
    limit: usize,
) -> Result<Vec<Pair>, StoreError> {
    let column = schema::column(namespace);
    let (prefix, from) = (schema::state(namespace, prefix), schema::state(namespace, from));
    let bare = |(mut key, row): Pair| {
        let value = bare_value(column, &key, sealed::opened(column, &key, row)?)?;
        key.remove(0);
        Ok((key, value))
    };
    store.scan_prefix(column, &prefix, &from, limit)?.into_iter().map(bare).collect()
}

/// What an ascending iteration has under `key`, after going past everything below it. The keys of a
/// block ascend too, so that one walk takes the place of a search for each of them.
fn under<'k, V>(reads: &mut Peekable<Iter<'k, Vec<u8>, V>>, key: &[u8]) -> Option<&'k V> {
    while reads.next_if(|(read, _)| read.as_slice() < key).is_some() {}
    reads.peek().filter(|(read, _)| read.as_slice() == key).map(|(_, value)| *value)
}

/// The one writer of the state: the ring of the proved keys, the sum of the working rows.
#[derive(Debug, Default)]
pub struct StateWriter {
    ring: Ring,
    sum: SetHash,
}

impl StateWriter {
    /// The writer of the state in `store`, whose newest height is `head`.
    pub fn open(store: &impl StoreRead, head: Height) -> Result<Self, StoreError> {
        Ok(Self { ring: Ring::open(store, head)?, sum: read_sum(store)? })
    }

    /// The ring of the proved keys.
    pub(crate) const fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Writes the changes of `height` into `batch` and returns the roots after them. Where the batch is
    /// not written in the end, the writer is opened anew.
    ///
    /// A change to the value that is there already is none. `view` is the state below the height.
    pub fn apply<S: StoreRead>(
        &mut self,
        view: &StateView<'_, S>,
        height: Height,
        changes: Changes,
        batch: &mut Batch,
    ) -> Result<StateRoots, StoreError> {
        let keys: Vec<Vec<u8>> =
            changes.keys().map(|(namespace, key)| schema::state(*namespace, key)).collect();
        view.prefetch(keys.iter())?;
        let known = view.known.borrow();
        let mut reads = known.iter().peekable();
        let mut written = Vec::new();
        for (((namespace, key), new), state_key) in changes.into_iter().zip(keys) {
            let old = under(&mut reads, &state_key).and_then(Option::as_ref);
            if old.map(Held::value) == new.as_deref() {
                continue;
            }
            match namespace.class() {
                Class::Working => self.working((namespace, &key), (old, new.as_deref()), batch),
                Class::Proved => {
                    let row = old.map(|held| held.row.clone());
                    written.push(Written { key: state_key, row, value: new });
                }
            }
        }
        let state_root = self.ring.apply(view.store, height, written, batch)?;
        batch.put(Column::Meta, meta::WORKING, self.sum.encode());
        Ok(StateRoots { state_root, working_root: self.sum.root() })
    }

    /// Writes one changed working row.
    fn working(
        &mut self,
        (namespace, key): (Namespace, &[u8]),
        (old, new): (Option<&Held>, Option<&[u8]>),
        batch: &mut Batch,
    ) {
        if let Some(row) = old.and_then(|held| held.hash) {
            self.sum.remove(&row);
        }
        let state_key = schema::state(namespace, key);
        match new {
            None => batch.delete(Column::Working, state_key),
            Some(value) => {
                let row = RowHash::of(namespace, key, value);
                self.sum.add(&row);
                batch.put_with(Column::Working, state_key, |out| {
                    out.extend_from_slice(&row.checksum());
                    out.extend_from_slice(value);
                });
            }
        }
    }
}

/// The sum over the working rows as of the head.
pub(crate) fn read_sum(store: &impl StoreRead) -> Result<SetHash, StoreError> {
    let Some(bytes) = store.get(Column::Meta, meta::WORKING)? else {
        return Ok(SetHash::default());
    };
    let rule = "expected a sum of 1,024 numbers of 2 bytes";
    SetHash::decode(&bytes).map_err(|_| StoreError::damaged(Column::Meta, meta::WORKING, rule))
}

/// The lowest height whose replaced rows are still stored where `head` is the newest.
pub(crate) fn undo_floor(head: Height) -> Height {
    let pruned = head.value() - head.value() % PRUNE_EVERY_HEIGHTS;
    Height::new(pruned.saturating_sub(WINDOW_HEIGHTS)).next()
}

/// Whether the state of `at` can be read where `head` is the newest height.
pub(crate) fn in_window(at: Height, head: Height) -> bool {
    at <= head && at >= head.minus(WINDOW_HEIGHTS)
}
