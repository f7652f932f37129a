//! Opening: what the folder must hold, and the options of database and columns. It writes nothing
//! but a new, empty database.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use ledger::store::Column;
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DB, DBCompressionType, DBRecoveryMode,
    IteratorMode, Options,
};
use thiserror::Error;

use crate::limits::{
    BACKGROUND_JOBS, BLOCK_BYTES, CACHE_BYTES, COLUMN_BUFFERS_MAX, COLUMN_WRITES_BYTES,
    EVENT_LOG_BYTES, EVENT_LOG_FILES, FILES_OPEN_MAX, FILTER_BITS_PER_KEY, LOG_BYTES_MAX,
    TABLE_SYNC_BYTES, WRITES_BYTES_MAX,
};

/// The column that RocksDB makes by itself; nothing is kept in it.
const DEFAULT_COLUMN: &str = "default";

/// Why a store is not opened. Nothing was changed.
#[derive(Debug, Error)]
pub enum OpenError {
    /// There is nothing to read.
    #[error("{}: no store is there", path.display())]
    Absent {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds files of something else.
    #[error("{}: expected a store or an empty folder, found {found:?}", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// A file that is not a store's.
        found: String,
    },
    /// Data without the file that says which of it is current.
    #[error("{}: holds data ({found}) but no CURRENT file; restore the folder from a backup", path.display())]
    CurrentMissing {
        /// The folder.
        path: PathBuf,
        /// A file with data.
        found: String,
    },
    /// The columns of another version of the software.
    #[error("{}: expected the columns of this version; missing {missing:?}, unknown {unknown:?}: another version made the folder; move it away and start with an empty one, the other nodes send what is recorded", path.display())]
    Columns {
        /// The folder.
        path: PathBuf,
        /// Columns that are not there.
        missing: Vec<String>,
        /// Columns that this version does not know.
        unknown: Vec<String>,
    },
    /// Another process has it open.
    #[error("{}: another process has the store open", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The folder cannot be listed or made.
    #[error("{}: cannot {step}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What was tried.
        step: &'static str,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// RocksDB refuses: damage, a full disk, no permission.
    #[error("{}: {source}", path.display())]
    Refused {
        /// The folder.
        path: PathBuf,
        /// What RocksDB says.
        #[source]
        source: rocksdb::Error,
    },
}

/// What a folder holds before it is opened.
enum Found {
    Nothing,
    Store,
}

/// Opens for reading and writing; a folder that is absent or empty becomes a new store.
pub(crate) fn open(path: &Path) -> Result<DB, OpenError> {
    match look(path)? {
        Found::Nothing => {
            let step = "create the folder";
            fs::create_dir_all(path).map_err(|source| folder(path, step, source))?;
        }
        Found::Store => {
            if check_columns(path)? == Columns::Unfinished {
                refuse_content(path)?;
            }
        }
    }
    DB::open_cf_descriptors(&database(), path, descriptors()).map_err(|source| {
        if source.as_ref().contains("lock") { in_use(path) } else { refused(path)(source) }
    })
}

/// Opens an existing store for reading alone. Several may do so at once.
pub(crate) fn open_read_only(path: &Path) -> Result<DB, OpenError> {
    match look(path)? {
        Found::Nothing => Err(OpenError::Absent { path: path.to_owned() }),
        Found::Store => {
            if check_columns(path)? == Columns::Unfinished {
                return Err(OpenError::Absent { path: path.to_owned() });
            }
            DB::open_cf_descriptors_read_only(&database(), path, descriptors(), false)
                .map_err(refused(path))
        }
    }
}

/// RocksDB makes a new database wherever CURRENT is absent, over whatever is there: look first.
fn look(path: &Path) -> Result<Found, OpenError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(folder(path, "list the folder", error)),
    };
    let mut names = BTreeSet::new();
    for entry in entries {
        let entry = entry.map_err(|error| folder(path, "list the folder", error))?;
        names.insert(entry.file_name().to_string_lossy().into_owned());
    }
    if names.contains("CURRENT") {
        return Ok(Found::Store);
    }
    if let Some(found) = names.iter().find(|name| holds_data(name)) {
        return Err(OpenError::CurrentMissing { path: path.to_owned(), found: found.clone() });
    }
    // A crash while a database was made leaves these, and nothing to lose.
    match names.iter().find(|name| !is_left_by_creation(name)) {
        Some(found) => Err(OpenError::Foreign { path: path.to_owned(), found: found.clone() }),
        None => Ok(Found::Nothing),
    }
}

fn holds_data(name: &str) -> bool {
    let extension = Path::new(name).extension();
    extension.is_some_and(|extension| extension == "sst" || extension == "log")
}

fn is_left_by_creation(name: &str) -> bool {
    ["LOCK", "LOG", "IDENTITY", "MANIFEST-", "OPTIONS-"].iter().any(|start| name.starts_with(start))
        || Path::new(name).extension().is_some_and(|extension| extension == "dbtmp")
}

#[derive(PartialEq, Eq)]
enum Columns {
    Complete,
    /// All are known, some are not there yet.
    Unfinished,
}

fn check_columns(path: &Path) -> Result<Columns, OpenError> {
    let found: BTreeSet<String> =
        DB::list_cf(&Options::default(), path).map_err(refused(path))?.into_iter().collect();
    let expected: BTreeSet<String> = column_names().map(str::to_owned).collect();
    let unknown: Vec<String> = found.difference(&expected).cloned().collect();
    if !unknown.is_empty() {
        let missing = expected.difference(&found).cloned().collect();
        return Err(OpenError::Columns { path: path.to_owned(), missing, unknown });
    }
    Ok(if found == expected { Columns::Complete } else { Columns::Unfinished })
}

/// Columns are made one after the other when a store is new; a crash in between leaves some of them,
/// all empty. Content beside a missing column means another version, or damage.
fn refuse_content(path: &Path) -> Result<(), OpenError> {
    let found = DB::list_cf(&Options::default(), path).map_err(refused(path))?;
    let columns = DB::open_cf_for_read_only(&Options::default(), path, &found, false)
        .map_err(refused(path))?;
    for name in &found {
        let handle = columns.cf_handle(name).expect("opened with this name");
        if let Some(first) = columns.iterator_cf(handle, IteratorMode::Start).next() {
            first.map_err(refused(path))?;
            let missing = column_names().map(str::to_owned).filter(|name| !found.contains(name));
            let (missing, unknown) = (missing.collect(), Vec::new());
            return Err(OpenError::Columns { path: path.to_owned(), missing, unknown });
        }
    }
    Ok(())
}

fn column_names() -> impl Iterator<Item = &'static str> {
    Column::ALL.iter().map(|column| column.name()).chain([DEFAULT_COLUMN])
}

fn database() -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_paranoid_checks(true);
    // A record torn at the end of the log was never acknowledged and is dropped; damage before the
    // end is refused. Point-in-time recovery would open an older state and call it a success.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    // A log file that was deleted is missed, not skipped.
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_db_write_buffer_size(WRITES_BYTES_MAX);
    options.set_max_total_wal_size(LOG_BYTES_MAX);
    options.set_max_open_files(FILES_OPEN_MAX);
    options.set_max_background_jobs(BACKGROUND_JOBS);
    options.set_bytes_per_sync(TABLE_SYNC_BYTES);
    options.set_keep_log_file_num(EVENT_LOG_FILES);
    options.set_max_log_file_size(EVENT_LOG_BYTES);
    options
}

fn descriptors() -> Vec<ColumnFamilyDescriptor> {
    let cache = Cache::new_lru_cache(CACHE_BYTES);
    column_names().map(|name| ColumnFamilyDescriptor::new(name, column(&cache))).collect()
}

fn column(cache: &Cache) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_block_size(BLOCK_BYTES);
    table.set_bloom_filter(FILTER_BITS_PER_KEY, false);
    // Counted in the cache, so that its size bounds the memory of a database of any size.
    table.set_cache_index_and_filter_blocks(true);
    table.set_cache_index_and_filter_blocks_with_high_priority(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_write_buffer_size(COLUMN_WRITES_BYTES);
    options.set_max_write_buffer_number(COLUMN_BUFFERS_MAX);
    options.set_level_compaction_dynamic_level_bytes(true);
    options
}

fn folder(path: &Path, step: &'static str, source: io::Error) -> OpenError {
    OpenError::Folder { path: path.to_owned(), step, source }
}

fn in_use(path: &Path) -> OpenError {
    OpenError::InUse { path: path.to_owned() }
}

fn refused(path: &Path) -> impl Fn(rocksdb::Error) -> OpenError {
    move |source| OpenError::Refused { path: path.to_owned(), source }
}
