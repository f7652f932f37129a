//! What the store counts: reads, what they had to load, and what went wrong behind the caller's back.
//! Cheap to ask, for any task.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::{Arc, OnceLock, Weak};

use ledger::store::StoreError;
use rocksdb::statistics::Ticker;
use rocksdb::{DB, Options, properties};

use crate::limits::EVENT_TAIL_BYTES;

/// How often something was looked for in the cache, since the store was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Lookups {
    /// It was there.
    pub hits: u64,
    /// It was loaded from a file.
    pub misses: u64,
}

/// What was read since the store was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reads {
    /// Keys asked for, and places looked up for a scan.
    pub questions: u64,
    /// Blocks of rows.
    pub data: Lookups,
    /// Blocks of indexes.
    pub indexes: Lookups,
    /// Blocks of filters.
    pub filters: Lookups,
    /// Bytes that the cache took in for all of them.
    pub loaded_bytes: u64,
}

/// Counts and faults of an open store, for whoever watches it. They stay readable when it is closed,
/// and do not keep it open.
#[derive(Clone)]
pub struct Figures {
    options: Arc<Options>,
    database: Weak<DB>,
    /// The first read that failed.
    unreadable: Arc<OnceLock<String>>,
}

impl Figures {
    pub(crate) fn new(options: Options, database: &Arc<DB>) -> Self {
        let (options, database) = (Arc::new(options), Arc::downgrade(database));
        Self { options, database, unreadable: Arc::default() }
    }

    /// Keeps the first error of a read.
    pub(crate) fn note(&self, error: &StoreError) {
        self.unreadable.get_or_init(|| error.to_string());
    }

    /// Why the store must not be used any further: the first read that failed, or what stopped a flush
    /// or a compaction. A store whose compaction has stopped accepts writes for a while, and then
    /// holds up the next one for ever.
    pub fn fault(&self) -> Option<String> {
        if let Some(unreadable) = self.unreadable.get() {
            return Some(unreadable.clone());
        }
        let database = self.database.upgrade()?;
        let stopped = database.property_int_value(properties::BACKGROUND_ERRORS);
        match stopped {
            Ok(Some(0) | None) => None,
            Ok(Some(_)) => Some(last_error(database.path())),
            Err(error) => Some(error.to_string()),
        }
    }

    /// The counts as they are now.
    pub fn reads(&self) -> Reads {
        let count = |ticker| self.options.get_ticker_count(ticker);
        let lookups = |hits, misses| Lookups { hits: count(hits), misses: count(misses) };
        Reads {
            questions: count(Ticker::NumberKeysRead)
                + count(Ticker::NumberMultigetKeysRead)
                + count(Ticker::NumberDbSeek),
            data: lookups(Ticker::BlockCacheDataHit, Ticker::BlockCacheDataMiss),
            indexes: lookups(Ticker::BlockCacheIndexHit, Ticker::BlockCacheIndexMiss),
            filters: lookups(Ticker::BlockCacheFilterHit, Ticker::BlockCacheFilterMiss),
            loaded_bytes: count(Ticker::BlockCacheBytesWrite),
        }
    }
}

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Figures")
            .field("reads", &self.reads())
            .field("fault", &self.fault())
            .finish_non_exhaustive()
    }
}

/// RocksDB's own words about the last thing that failed in the background. It tells them to its log of
/// events alone.
fn last_error(folder: &Path) -> String {
    let said = tail(&folder.join("LOG")).unwrap_or_else(|error| error.to_string());
    let lines = said.lines().rev();
    let line =
        lines.into_iter().find(|line| line.contains("rror:") || line.contains("Corruption:"));
    let known = line.and_then(|line| {
        let starts = ["IO error:", "Corruption:"].iter().filter_map(|word| line.find(word));
        starts.min().and_then(|start| line.get(start..))
    });
    let words = known.unwrap_or("the reason stands in the file LOG");
    format!("{}: a flush or a compaction failed: {words}", folder.display())
}

fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(EVENT_TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(EVENT_TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
