//! The ring of proved keys as it is stored: rows by key, hashes of leaves in the order in which they
//! were appended, bits and roots of twigs in memory.
//!
//! Hashes and proofs are `proto::ring`'s; nothing else of the storage shows outside. It knows no
//! contract, and of heights no more than their order.

pub(crate) mod check;
mod past;
mod rows;
mod sweep;
#[cfg(test)]
mod tests;
mod twigs;

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use proto::hash::Hash;
use proto::ring::{self, SENTINEL};
use proto::types::Height;

use self::past::Recent;
pub use self::past::{Past, PastError};
use self::rows::{Row, Turn, Undo};
use self::sweep::{New, Touched};
use self::twigs::Twigs;
use crate::schema::{self, PRUNE_EVERY_HEIGHTS, WINDOW_HEIGHTS};
use crate::sealed;
use crate::state::undo_floor;
use crate::store::{Batch, Column, StoreError, StoreRead};

/// A key that a block writes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// The key with its namespace.
    pub key: Vec<u8>,
    /// Its row below the block, without the checksum.
    pub row: Option<Vec<u8>>,
    /// Its new value, or none where it goes.
    pub value: Option<Vec<u8>>,
}

/// The ring as its one writer and its readers share it.
#[derive(Debug)]
struct Shared {
    twigs: RwLock<Twigs>,
    recent: Mutex<Recent>,
}

impl Shared {
    // Twigs are advanced after everything that may fail, and nothing in there panics half way.
    fn twigs(&self) -> RwLockReadGuard<'_, Twigs> {
        self.twigs.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn twigs_mut(&self) -> RwLockWriteGuard<'_, Twigs> {
        self.twigs.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The ring of a ledger. Clones share it.
#[derive(Clone, Debug)]
pub struct Ring {
    shared: Arc<Shared>,
}

impl Default for Ring {
    fn default() -> Self {
        Self::empty()
    }
}

impl Ring {
    fn over(twigs: Twigs) -> Self {
        let shared = Shared { twigs: RwLock::new(twigs), recent: Mutex::default() };
        Self { shared: Arc::new(shared) }
    }

    /// A ring before genesis.
    pub fn empty() -> Self {
        Self::over(Twigs::empty())
    }

    /// The ring of a store whose newest height is `head`. That its root is that of the history is the
    /// caller's to compare.
    pub fn open(store: &impl StoreRead, head: Height) -> Result<Self, StoreError> {
        Twigs::open(store, head).map(Self::over)
    }

    /// The state root.
    pub fn root(&self) -> Hash {
        self.shared.twigs().root()
    }

    /// Leaves ever appended.
    pub fn size(&self) -> u64 {
        self.shared.twigs().size()
    }

    /// Where in a row of column `state`, its checksum taken away, the value begins.
    pub(crate) fn value_from(key: &[u8], row: &[u8]) -> Result<usize, StoreError> {
        Row::parse(key, row).map(|row| row.head_bytes())
    }

    /// The rows of keys, without their checksums, as [`Self::apply`] is given them.
    pub fn rows(
        store: &impl StoreRead,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let rows = store.get_many(Column::State, keys)?;
        let opened = |(key, row): (&Vec<u8>, Option<Vec<u8>>)| {
            row.map(|row| sealed::opened(Column::State, key, row)).transpose()
        };
        keys.iter().zip(rows).map(opened).collect()
    }

    /// Applies what `height` writes: puts rows, leaves and what is replaced into `batch`, and returns
    /// the new root. `store` holds the state below the height.
    ///
    /// Keys ascend. A key whose value stays the same is no change. Where this succeeds and the batch
    /// is not written, the ring must be opened anew.
    pub fn apply(
        &self,
        store: &impl StoreRead,
        height: Height,
        written: Vec<Written>,
        batch: &mut Batch,
    ) -> Result<Hash, StoreError> {
        let from = self.size();
        let touched = sweep::with_predecessors(store, changed(from, written)?)?;
        let nexts = sweep::nexts(&touched)?;
        let mut leaves = Vec::with_capacity(touched.len());
        let (mut retired, mut undo) = (Vec::with_capacity(touched.len()), Undo::new(height));
        for (one, next) in touched.iter().zip(nexts) {
            let old = one.old.as_deref().map(|old| Row::parse(&one.key, old)).transpose()?;
            let value = match &one.new {
                New::Value(value) => value,
                New::Kept => old.map(|old| old.value).unwrap_or_default(),
                New::Gone => &[],
            };
            let stays = old.is_some_and(|old| old.value == value && old.next == next);
            if stays && one.new != New::Gone {
                continue;
            }
            if let (Some(old), Some(bytes)) = (old, &one.old) {
                if old.position >= from {
                    let rule = "expected the position of a leaf of the ring";
                    return Err(StoreError::damaged(Column::State, &one.key, rule));
                }
                retired.push(old.position);
                undo.push(&one.key, bytes, batch);
            }
            if one.new == New::Gone {
                batch.delete(Column::State, &one.key);
                continue;
            }
            let position = from + u64::try_from(leaves.len()).expect("fewer than 2^64 leaves");
            let row = Row { position, next, value };
            leaves.push(leaf(&one.key, &row));
            sealed::put(batch, (Column::State, &one.key), |out| row.write_to(out));
        }
        undo.flush(batch);
        retired.sort_unstable();
        let until = from + u64::try_from(leaves.len()).expect("fewer than 2^64 leaves");
        prune(height, batch);
        let mut twigs = self.shared.twigs_mut();
        twigs.advance(Turn { height, from, until, retired }, &leaves, batch);
        Ok(twigs.root())
    }

    /// The state as of a height, for a reader of a store whose head is at most this ring's and at
    /// least `height`.
    pub fn at(&self, height: Height) -> Result<Past, PastError> {
        past::at(&self.shared, height)
    }
}

/// The leaf of a row.
fn leaf(key: &[u8], row: &Row<'_>) -> Hash {
    let value = if key == SENTINEL { Hash::ZERO } else { ring::value_hash(row.value) };
    ring::leaf(key, &value, row.next)
}

/// The keys that change: with the sentinel where the ring has no leaf yet.
fn changed(size: u64, written: Vec<Written>) -> Result<Vec<Touched>, StoreError> {
    assert!(written.is_sorted_by(|a, b| a.key < b.key), "keys ascend, none twice");
    let mut changed = Vec::with_capacity(written.len() + 1);
    if size == 0 {
        let new = New::Value(Vec::new());
        changed.push(Touched { key: SENTINEL.to_vec(), old: None, new });
    }
    for Written { key, row, value } in written {
        let old = row.as_deref().map(|row| Row::parse(&key, row)).transpose()?;
        if old.map(|old| old.value) == value.as_deref() {
            continue;
        }
        let new = value.map_or(New::Gone, New::Value);
        changed.push(Touched { key, old: row, new });
    }
    Ok(changed)
}

/// Removes what the heights replaced that `height` pushes out of the window.
fn prune(height: Height, batch: &mut Batch) {
    if height.value() > WINDOW_HEIGHTS && height.value().is_multiple_of(PRUNE_EVERY_HEIGHTS) {
        let from = schema::height(Height::GENESIS);
        let until = undo_floor(height);
        batch.delete_range(Column::Undo, &from, schema::height(until));
        // The turn below the lowest replaced height says how large the ring was there.
        batch.delete_range(Column::Turns, from, schema::height(until.minus(1)));
    }
}
