//! The ledger's store on RocksDB: one column family per column, one write batch per batch.

use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;

use ledger::store::{Batch, Change, Column, Durability, Pair, Store, StoreError, StoreRead, Visit};
use rocksdb::{ColumnFamily, DB, ReadOptions, Snapshot, WriteBatch, WriteOptions};

use crate::open::{self, OpenError};

/// A store in a folder.
pub struct RocksStore {
    database: DB,
    synced: WriteOptions,
    buffered: WriteOptions,
}

/// The content of a [`RocksStore`] at one moment.
pub struct RocksSnapshot<'a> {
    store: &'a RocksStore,
    snapshot: Snapshot<'a>,
}

impl RocksStore {
    /// Opens the store in `path`; a folder that is absent or empty becomes a new one.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        open::open(path).map(Self::over)
    }

    /// Opens an existing store for reading, as it was when it was last closed or killed; each write
    /// fails. For checks while the node is stopped: what a running node writes is not seen.
    pub fn open_read_only(path: &Path) -> Result<Self, OpenError> {
        open::open_read_only(path).map(Self::over)
    }

    fn over(database: DB) -> Self {
        let (mut synced, buffered) = (WriteOptions::default(), WriteOptions::default());
        synced.set_sync(true);
        Self { database, synced, buffered }
    }

    fn column(&self, column: Column) -> &ColumnFamily {
        self.database.cf_handle(column.name()).expect("every column is opened with the database")
    }

    fn get(
        &self,
        column: Column,
        key: &[u8],
        options: &ReadOptions,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.database
            .get_cf_opt(self.column(column), key, options)
            .map_err(|error| StoreError::unreadable("read a value", (column, key), error))
    }

    fn get_many(
        &self,
        column: Column,
        keys: &[Vec<u8>],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let sorted = keys.is_sorted();
        let found =
            self.database.batched_multi_get_cf_opt(self.column(column), keys, sorted, options);
        (keys.iter().zip(found))
            .map(|(key, value)| match value {
                Ok(value) => Ok(value.map(|bytes| bytes.to_vec())),
                Err(error) => Err(StoreError::unreadable("read a value", (column, key), error)),
            })
            .collect()
    }

    fn scan(
        &self,
        column: Column,
        (from, until): (&[u8], Option<&[u8]>),
        mut options: ReadOptions,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        if until.is_some_and(|until| until <= from) {
            return Ok(());
        }
        if let Some(until) = until {
            options.set_iterate_upper_bound(until);
        }
        let mut pairs = self.database.raw_iterator_cf_opt(self.column(column), options);
        pairs.seek(from);
        let mut last = from.to_vec();
        while let Some((key, value)) = pairs.item() {
            if visit(key, value) == ControlFlow::Break(()) {
                return Ok(());
            }
            last.clear();
            last.extend_from_slice(key);
            pairs.next();
        }
        // An iterator stops at damage as it stops at the end; only its status tells them apart.
        let place = (column, last.as_slice());
        pairs.status().map_err(|error| StoreError::unreadable("read on from there", place, error))
    }

    fn last_below(
        &self,
        column: Column,
        (from, until): (&[u8], &[u8]),
        mut options: ReadOptions,
    ) -> Result<Option<Pair>, StoreError> {
        if until <= from {
            return Ok(None);
        }
        options.set_iterate_lower_bound(from);
        options.set_iterate_upper_bound(until);
        let mut pairs = self.database.raw_iterator_cf_opt(self.column(column), options);
        pairs.seek_to_last();
        if let Some((key, value)) = pairs.item() {
            return Ok(Some((key.to_vec(), value.to_vec())));
        }
        // An iterator stops at damage as it stops at the end; only its status tells them apart.
        pairs.status().map_err(|error| StoreError::failed("find a key", error))?;
        Ok(None)
    }
}

impl StoreRead for RocksStore {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(column, key, &ReadOptions::default())
    }

    fn get_many(
        &self,
        column: Column,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.get_many(column, keys, &ReadOptions::default())
    }

    fn scan(
        &self,
        column: Column,
        from: &[u8],
        until: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        self.scan(column, (from, until), ReadOptions::default(), visit)
    }

    fn last_below(
        &self,
        column: Column,
        from: &[u8],
        until: &[u8],
    ) -> Result<Option<Pair>, StoreError> {
        self.last_below(column, (from, until), ReadOptions::default())
    }
}

impl Store for RocksStore {
    type Snapshot<'a> = RocksSnapshot<'a>;

    fn snapshot(&self) -> RocksSnapshot<'_> {
        RocksSnapshot { store: self, snapshot: self.database.snapshot() }
    }

    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        let mut changes = WriteBatch::default();
        for change in batch.changes() {
            match change {
                Change::Put { column, key, value } => {
                    changes.put_cf(self.column(*column), key, value);
                }
                Change::Delete { column, key } => changes.delete_cf(self.column(*column), key),
                Change::DeleteRange { column, from, until } => {
                    // RocksDB refuses a range that ends before it begins; it holds no key.
                    if from < until {
                        changes.delete_range_cf(self.column(*column), from, until);
                    }
                }
            }
        }
        let options = match durability {
            Durability::Synced => &self.synced,
            Durability::Buffered => &self.buffered,
        };
        self.database
            .write_opt(changes, options)
            .map_err(|error| StoreError::failed("write a batch", error))
    }
}

impl RocksSnapshot<'_> {
    fn options(&self) -> ReadOptions {
        let mut options = ReadOptions::default();
        options.set_snapshot(&self.snapshot);
        options
    }
}

impl StoreRead for RocksSnapshot<'_> {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(column, key, &self.options())
    }

    fn get_many(
        &self,
        column: Column,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.store.get_many(column, keys, &self.options())
    }

    fn scan(
        &self,
        column: Column,
        from: &[u8],
        until: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        self.store.scan(column, (from, until), self.options(), visit)
    }

    fn last_below(
        &self,
        column: Column,
        from: &[u8],
        until: &[u8],
    ) -> Result<Option<Pair>, StoreError> {
        self.store.last_below(column, (from, until), self.options())
    }
}

impl fmt::Debug for RocksStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RocksStore").field("path", &self.database.path()).finish_non_exhaustive()
    }
}

impl fmt::Debug for RocksSnapshot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RocksSnapshot").field("store", &self.store).finish_non_exhaustive()
    }
}
