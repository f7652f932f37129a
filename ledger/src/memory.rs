//! The store in memory: for tests, tools and re-execution. It can be told to fail, and to crash: then
//! it forgets what was not synced, as a machine does that loses its power.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::store::{Batch, Change, Column, Durability, Pair, Store, StoreError, StoreRead, Visit};

/// Keys and values of one column. Shared with snapshots, copied on the first write after one.
type Pairs = Arc<BTreeMap<Vec<u8>, Vec<u8>>>;

#[derive(Clone, Debug, Default)]
struct Content {
    columns: BTreeMap<Column, Pairs>,
    /// What undoes the writes since the last synced one, oldest first.
    unsynced: Vec<(Column, Vec<u8>, Option<Vec<u8>>)>,
    writes: u64,
    writes_max: Option<u64>,
}

/// A store in memory. Clones share their content.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    content: Arc<RwLock<Content>>,
}

/// The content of a [`MemoryStore`] at one moment.
#[derive(Clone, Debug)]
pub struct MemorySnapshot(BTreeMap<Column, Pairs>);

impl MemoryStore {
    /// A store with a copy of the content, which goes its own way.
    pub fn fork(&self) -> Self {
        let copy = self.read().clone();
        Self { content: Arc::new(RwLock::new(copy)) }
    }

    /// Loses power: every write after the last synced one is gone. What failed works again.
    pub fn crash(&self) {
        let mut content = self.write_guard();
        while let Some((column, key, old)) = content.unsynced.pop() {
            let pairs = content.pairs(column);
            match old {
                Some(value) => pairs.insert(key, value),
                None => pairs.remove(&key),
            };
        }
        content.writes_max = None;
    }

    /// Lets `count` more batches pass; each one after them fails and changes nothing.
    pub fn fail_after(&self, count: u64) {
        let mut content = self.write_guard();
        content.writes_max = Some(content.writes.saturating_add(count));
    }

    /// Batches written so far.
    pub fn writes(&self) -> u64 {
        self.read().writes
    }

    // A poisoned lock guards whole batches all the same: `apply` does not panic half way.
    fn read(&self) -> RwLockReadGuard<'_, Content> {
        self.content.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_guard(&self) -> RwLockWriteGuard<'_, Content> {
        self.content.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn pairs(&mut self, column: Column) -> &mut BTreeMap<Vec<u8>, Vec<u8>> {
        Arc::make_mut(self.columns.entry(column).or_default())
    }

    fn set(&mut self, column: Column, key: Vec<u8>, value: Option<Vec<u8>>, keep: Durability) {
        let pairs = self.pairs(column);
        let old = match (value, keep) {
            (Some(value), Durability::Synced) => pairs.insert(key, value).and(None),
            (None, Durability::Synced) => pairs.remove(&key).and(None),
            (Some(value), Durability::Buffered) => {
                let old = pairs.insert(key.clone(), value);
                Some((column, key, old))
            }
            (None, Durability::Buffered) => {
                let old = pairs.remove(&key);
                Some((column, key, old))
            }
        };
        self.unsynced.extend(old);
    }

    fn apply(&mut self, batch: &Batch, durability: Durability) {
        for change in batch.changes() {
            match change {
                Change::Put { column, key, value } => {
                    self.set(*column, key.to_vec(), Some(value.to_vec()), durability);
                }
                Change::Delete { column, key } => {
                    self.set(*column, key.to_vec(), None, durability);
                }
                Change::DeleteRange { column, from, until } => {
                    let range = (Bound::Included(from), Bound::Excluded(until));
                    let gone: Vec<Vec<u8>> = if from < until {
                        let pairs = self.pairs(*column).range::<[u8], _>(range);
                        pairs.map(|(key, _)| key.clone()).collect()
                    } else {
                        Vec::new()
                    };
                    for key in gone {
                        self.set(*column, key, None, durability);
                    }
                }
            }
        }
    }
}

impl Store for MemoryStore {
    type Snapshot<'a> = MemorySnapshot;

    fn snapshot(&self) -> MemorySnapshot {
        MemorySnapshot(self.read().columns.clone())
    }

    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        let mut content = self.write_guard();
        if content.writes_max.is_some_and(|most| content.writes >= most) {
            return Err(StoreError::failed("write a batch", "told to fail here"));
        }
        content.writes += 1;
        content.apply(&batch, durability);
        if durability == Durability::Synced {
            content.unsynced.clear();
        }
        Ok(())
    }
}

impl StoreRead for MemoryStore {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(get(&self.read().columns, column, key))
    }

    fn get_many(
        &self,
        column: Column,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let pairs = self.read().columns.get(&column).cloned().unwrap_or_default();
        Ok(keys.iter().map(|key| pairs.get(key).cloned()).collect())
    }

    fn scan(
        &self,
        column: Column,
        from: &[u8],
        until: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        // The lock is not held while visiting: the visitor may read the store.
        let pairs = self.read().columns.get(&column).cloned();
        scan(pairs.as_ref(), (from, until), visit);
        Ok(())
    }

    fn last_below(
        &self,
        column: Column,
        from: &[u8],
        until: &[u8],
    ) -> Result<Option<Pair>, StoreError> {
        Ok(last_below(self.read().columns.get(&column), from, until))
    }
}

impl StoreRead for MemorySnapshot {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(get(&self.0, column, key))
    }

    fn scan(
        &self,
        column: Column,
        from: &[u8],
        until: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        scan(self.0.get(&column), (from, until), visit);
        Ok(())
    }

    fn last_below(
        &self,
        column: Column,
        from: &[u8],
        until: &[u8],
    ) -> Result<Option<Pair>, StoreError> {
        Ok(last_below(self.0.get(&column), from, until))
    }
}

fn last_below(pairs: Option<&Pairs>, from: &[u8], until: &[u8]) -> Option<Pair> {
    // A range that ends before it begins is empty here and a panic in the map.
    if until <= from {
        return None;
    }
    let range = (Bound::Included(from), Bound::Excluded(until));
    let (key, value) = pairs?.range::<[u8], _>(range).next_back()?;
    Some((key.clone(), value.clone()))
}

fn get(columns: &BTreeMap<Column, Pairs>, column: Column, key: &[u8]) -> Option<Vec<u8>> {
    columns.get(&column)?.get(key).cloned()
}

fn scan(pairs: Option<&Pairs>, (from, until): (&[u8], Option<&[u8]>), visit: &mut Visit<'_>) {
    let Some(pairs) = pairs else { return };
    // A range that ends before it begins is empty here and a panic in the map.
    if until.is_some_and(|until| until <= from) {
        return;
    }
    let upper = until.map_or(Bound::Unbounded, Bound::Excluded);
    for (key, value) in pairs.range::<[u8], _>((Bound::Included(from), upper)) {
        if visit(key, value).is_break() {
            return;
        }
    }
}
