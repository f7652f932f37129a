//! How much memory and how many files the store takes, each number with its reason.

/// Memory that a store takes, as the operator set it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Memory {
    /// Bytes of blocks, indexes and filters kept in memory, for all columns together.
    pub cache_bytes: usize,
    /// Bytes of writes kept in memory, for all columns together. Beyond them the largest column is
    /// flushed.
    pub writes_bytes: usize,
}

/// Three nodes on one machine of 4 GiB fit, and the system's own file cache holds more. A full block
/// writes 10 MB, so that a flush comes every eight blocks at full load.
impl Default for Memory {
    fn default() -> Self {
        Self { cache_bytes: 128 * 1024 * 1024, writes_bytes: 96 * 1024 * 1024 }
    }
}

impl Memory {
    /// Bytes of writes of one column before it is flushed: three of them may be in flight, and the
    /// other columns need room too.
    pub(crate) const fn column_writes_bytes(self) -> usize {
        self.writes_bytes / 4
    }
}

/// Write buffers of one column: one that fills, two that are being flushed.
pub(crate) const COLUMN_BUFFERS_MAX: i32 = 3;

/// Bytes of log that a start replays, at 150 MB/s two seconds: beyond them, columns that are written
/// seldom are flushed so that old logs can go.
pub(crate) const LOG_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Bytes of a table block, before compression, where keys are asked for at random: what is read to
/// answer with one record.
pub(crate) const POINT_BLOCK_BYTES: usize = 4 * 1024;

/// Bytes of a table block, before compression, of what is read by height: compression finds more in a
/// larger one.
pub(crate) const APPENDED_BLOCK_BYTES: usize = 16 * 1024;

/// Bytes of one block of an index or a filter: what a read loads where the cache does not hold it.
pub(crate) const METADATA_BLOCK_BYTES: usize = 4 * 1024;

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

/// Bytes at the end of RocksDB's own log of events in which the reason of a failure is looked for.
pub(crate) const EVENT_TAIL_BYTES: u64 = 64 * 1024;
