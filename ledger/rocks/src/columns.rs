//! How each column is read, and the table options that follow from it. One line a column; nothing
//! else in this crate tells one column from another.

use ledger::store::Column;
use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType,
    Options,
};

use crate::limits::{
    APPENDED_BLOCK_BYTES, COLUMN_BUFFERS_MAX, FILTER_BITS_PER_KEY, METADATA_BLOCK_BYTES, Memory,
    POINT_BLOCK_BYTES,
};

/// The column that RocksDB makes by itself; nothing is kept in it.
const DEFAULT_COLUMN: &str = "default";

/// How the keys of a column are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Access {
    /// At random, and often for a key that is not there: every level has a filter.
    Lookup,
    /// At random, for keys that are there: the last level, nine tenths of the column, has no filter,
    /// because it would say yes to every question.
    Known,
    /// By height or by prefix. New keys come at the end; what is asked for is there.
    Appended,
}

/// What compression finds in the values of a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Content {
    /// Records: texts and numbers that repeat.
    Records,
    /// Hashes, in which nothing repeats.
    Hashes,
}

/// The table of the columns.
const fn shape(column: Column) -> (Access, Content) {
    match column {
        Column::State | Column::Working => (Access::Lookup, Content::Records),
        Column::Transactions | Column::BlockHashes => (Access::Lookup, Content::Hashes),
        Column::Pages => (Access::Known, Content::Hashes),
        Column::Logs | Column::Days => (Access::Known, Content::Records),
        Column::Meta
        | Column::Blocks
        | Column::Commits
        | Column::Bodies
        | Column::Receipts
        | Column::Checkpoints
        | Column::Undo => (Access::Appended, Content::Records),
        Column::History | Column::HistoryNodes => (Access::Appended, Content::Hashes),
    }
}

/// One cache for each way of asking: a scan of receipts cannot drive out the indexes and filters
/// that every read of the state needs.
struct Caches {
    lookup: Cache,
    known: Cache,
    appended: Cache,
}

impl Caches {
    fn new(memory: Memory) -> Self {
        let quarter = memory.cache_bytes / 4;
        Self {
            lookup: Cache::new_lru_cache(memory.cache_bytes - 2 * quarter),
            known: Cache::new_lru_cache(quarter),
            appended: Cache::new_lru_cache(quarter),
        }
    }

    const fn of(&self, access: Access) -> &Cache {
        match access {
            Access::Lookup => &self.lookup,
            Access::Known => &self.known,
            Access::Appended => &self.appended,
        }
    }
}

/// Every column family with its options.
pub(crate) fn descriptors(memory: Memory) -> Vec<ColumnFamilyDescriptor> {
    let caches = Caches::new(memory);
    let columns = Column::ALL.iter().map(|column| (column.name(), shape(*column)));
    columns
        .chain([(DEFAULT_COLUMN, (Access::Appended, Content::Records))])
        .map(|(name, shape)| ColumnFamilyDescriptor::new(name, options(shape, &caches, memory)))
        .collect()
}

/// Names of every column family.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    Column::ALL.iter().map(|column| column.name()).chain([DEFAULT_COLUMN])
}

fn options((access, content): (Access, Content), caches: &Caches, memory: Memory) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(caches.of(access));
    // Indexes and filters are counted in the cache, so that its size bounds the memory of a database
    // of any size. They are cut into blocks of their own, of which only the list is pinned: a read
    // that finds neither in memory loads two blocks of 4 KiB, not the index and the filter of a whole
    // file, which is a megabyte.
    table.set_cache_index_and_filter_blocks(true);
    table.set_cache_index_and_filter_blocks_with_high_priority(true);
    table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    table.set_metadata_block_size(METADATA_BLOCK_BYTES);
    table.set_pin_top_level_index_and_filter(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    let mut options = Options::default();
    match access {
        Access::Lookup | Access::Known => {
            table.set_block_size(POINT_BLOCK_BYTES);
            table.set_bloom_filter(FILTER_BITS_PER_KEY, false);
            table.set_partition_filters(true);
            options.set_optimize_filters_for_hits(access == Access::Known);
        }
        Access::Appended => table.set_block_size(APPENDED_BLOCK_BYTES),
    }
    options.set_compression_type(match (access, content) {
        (_, Content::Hashes) => DBCompressionType::None,
        (Access::Lookup | Access::Known, Content::Records) => DBCompressionType::Lz4,
        // Files whose keys follow each other move down the levels as they are: each byte is
        // compressed once, so that the better compression is paid once.
        (Access::Appended, Content::Records) => DBCompressionType::Zstd,
    });
    options.set_block_based_table_factory(&table);
    options.set_write_buffer_size(memory.column_writes_bytes());
    options.set_max_write_buffer_number(COLUMN_BUFFERS_MAX);
    options.set_level_compaction_dynamic_level_bytes(true);
    options
}
