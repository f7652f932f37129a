//! The ledger's store on RocksDB: one column family per column, one write batch per batch.

use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use ledger::store::{At, Batch, Change, Column, Durability, Store, StoreError, StoreRead, Visit};
use rocksdb::{ColumnFamily, DB, ReadOptions, Snapshot, WriteBatch, WriteOptions};

use crate::figures::Figures;
use crate::limits::Memory;
use crate::open::{self, OpenError, Opened};

/// A store in a folder.
pub struct RocksStore {
    database: Arc<DB>,
    synced: WriteOptions,
    buffered: WriteOptions,
    figures: Figures,
}

/// The content of a [`RocksStore`] at one moment.
pub struct RocksSnapshot<'a> {
    store: &'a RocksStore,
    snapshot: Snapshot<'a>,
}

impl RocksStore {
    /// Opens the store in `path`; a folder that is absent or empty becomes a new one.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_with(path, Memory::default())
    }

    /// The same with as much memory as the operator gives.
    pub fn open_with(path: &Path, memory: Memory) -> Result<Self, OpenError> {
        open::open(path, memory).map(Self::over)
    }

    /// Opens an existing store for reading, as it was when it was last closed or killed; each write
    /// fails. For checks while the node is stopped: what a running node writes is not seen.
    pub fn open_read_only(path: &Path) -> Result<Self, OpenError> {
        open::open_read_only(path).map(Self::over)
    }

    /// Rewrites every column so that only what is in force is left on the disk. It takes as long as
    /// reading and writing all of it; a node needs it never, a measurement of the size on disk does.
    pub fn compact(&self) {
        for column in Column::ALL {
            self.database.compact_range_cf(self.column(*column), None::<&[u8]>, None::<&[u8]>);
        }
    }

    fn over(Opened { database, options }: Opened) -> Self {
        let (mut synced, buffered) = (WriteOptions::default(), WriteOptions::default());
        synced.set_sync(true);
        let database = Arc::new(database);
        let figures = Figures::new(options, &database);
        Self { database, synced, buffered, figures }
    }

    /// What the store counts.
    pub fn figures(&self) -> Figures {
        self.figures.clone()
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
            .map_err(|error| self.unreadable(column, At::Key(key.to_vec()), error))
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
        let found = found.into_iter().zip(keys);
        found
            .map(|(value, key)| match value {
                Ok(value) => Ok(value.map(|bytes| bytes.to_vec())),
                Err(error) => Err(self.unreadable(column, At::Key(key.clone()), error)),
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
        let mut last: Option<Vec<u8>> = None;
        pairs.seek(from);
        while let Some((key, value)) = pairs.item() {
            if visit(key, value) == ControlFlow::Break(()) {
                return Ok(());
            }
            let last = last.get_or_insert_default();
            last.clear();
            last.extend_from_slice(key);
            pairs.next();
        }
        // An iterator stops at damage as it stops at the end; only its status tells them apart.
        pairs.status().map_err(|error| {
            let at = last.map_or_else(|| At::From(from.to_vec()), At::After);
            self.unreadable(column, at, error)
        })
    }

    /// What a read met; it is kept for whoever watches the store, because a reader may be anybody.
    fn unreadable(&self, column: Column, at: At, error: rocksdb::Error) -> StoreError {
        let error = StoreError::unreadable(column, at, error);
        self.figures.note(&error);
        error
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
