//! How much memory and how many files the store takes, each number with its reason.

/// Bytes of blocks, indexes and filters kept in memory, for all columns together. The system's own
/// file cache holds more; three nodes on one machine of 4 GiB must fit.
pub(crate) const CACHE_BYTES: usize = 128 * 1024 * 1024;

/// Bytes of writes kept in memory, for all columns together. Beyond them the largest column is
/// flushed. A full block writes 10 MB, so a flush comes every dozen blocks at full load.
pub(crate) const WRITES_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Bytes of writes of one column before it is flushed: three of them may be in flight.
pub(crate) const COLUMN_WRITES_BYTES: usize = 32 * 1024 * 1024;

/// Write buffers of one column: one that fills, two that are being flushed.
pub(crate) const COLUMN_BUFFERS_MAX: i32 = 3;

/// Bytes of log that a start replays, at 150 MB/s two seconds: beyond them, columns that are written
/// seldom are flushed so that old logs can go.
pub(crate) const LOG_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Bytes of one table block before compression: a page of the state trie or ten receipts.
pub(crate) const BLOCK_BYTES: usize = 8 * 1024;

/// Bits of bloom filter per key: one read in a hundred goes to the disk in vain, and a missing key
/// costs 0.5 microseconds instead of 3.4.
pub(crate) const FILTER_BITS_PER_KEY: f64 = 10.0;

/// Open table files. Each keeps a descriptor; services commonly start with a limit of 1,024.
pub(crate) const FILES_OPEN_MAX: i32 = 512;

/// Threads for flushes and compactions: one flushes while one compacts, consensus keeps the rest.
pub(crate) const BACKGROUND_JOBS: i32 = 2;

/// Bytes after which a table being written is handed to the disk, so that a large compaction does not
/// hold up the next block's sync.
pub(crate) const TABLE_SYNC_BYTES: u64 = 1024 * 1024;

/// Files of RocksDB's own log of events, and bytes of each: the last weeks, and never a full disk.
pub(crate) const EVENT_LOG_FILES: usize = 5;

/// Bytes of one file of RocksDB's own log of events.
pub(crate) const EVENT_LOG_BYTES: usize = 8 * 1024 * 1024;
