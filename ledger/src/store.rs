//! What the ledger asks of a key-value store: ordered columns, atomic batches, consistent snapshots.
//!
//! It knows nothing of blocks. Two implementations exist: [`crate::memory::MemoryStore`] here and
//! RocksDB in `ledger/rocks`.

use std::error::Error;
use std::fmt;
use std::ops::{ControlFlow, Range};

use thiserror::Error;

macro_rules! columns {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// One ordered set of keys. The layouts are in `ledger/README.md`, section 2.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, std::hash::Hash, Debug)]
        pub enum Column { $($(#[$doc])* $variant,)* }

        impl Column {
            /// Every column; a store creates them all.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in the store. Fixed with the format version.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

columns! {
    /// Format version, chain, genesis document, head, certified sizes.
    Meta = "meta",
    /// Height to block.
    Blocks = "blocks",
    /// Height to commit certificate.
    Commits = "commits",
    /// Block hash to height.
    BlockHashes = "block_hashes",
    /// Height and position to transaction with its operations.
    Bodies = "bodies",
    /// Transaction id to its place.
    Transactions = "transactions",
    /// Height and index of the first to receipts that follow each other, with the records of steps.
    Receipts = "receipts",
    /// Height to leaf of the history tree.
    History = "history",
    /// Level and index to node of the history tree.
    HistoryNodes = "history_nodes",
    /// Size to checkpoint certificate.
    Checkpoints = "checkpoints",
    /// Namespace and key to the newest value of a proved key of the state.
    State = "state",
    /// Namespace and key to the newest value of a working row of the state.
    Working = "working",
    /// Height and first key to proved rows that the height replaced.
    Undo = "undo",
    /// First position to hashes of leaves of the ring.
    Leaves = "leaves",
    /// Group of twigs to their roots and bits as of a recent height.
    Twigs = "twigs",
    /// Height to the leaves that it appended to the ring and those that it retired.
    Turns = "turns",
    /// Log and index of the last to the entries that one block appended.
    Logs = "logs",
    /// Subject and index to day.
    Days = "days",
}

/// How the keys of a column are met: a store chooses blocks, filters and compression by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Anywhere, one key after the other, often ones that are not there, and written over.
    Random,
    /// Appended at the end or in runs, read later by key or in runs, never changed: compresses well.
    Sequential,
    /// A few rows that stay in memory.
    Hot,
}

impl Column {
    /// How its keys are met.
    pub const fn access(self) -> Access {
        match self {
            Self::Meta => Access::Hot,
            Self::BlockHashes
            | Self::Transactions
            | Self::State
            | Self::Working
            | Self::Logs
            | Self::Days
            | Self::Twigs => Access::Random,
            Self::Blocks
            | Self::Commits
            | Self::Bodies
            | Self::Receipts
            | Self::History
            | Self::HistoryNodes
            | Self::Checkpoints
            | Self::Undo
            | Self::Leaves
            | Self::Turns => Access::Sequential,
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why the store did not do what was asked. The ledger never goes on after one.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The store itself failed.
    #[error("the store failed to {operation}")]
    Failed {
        /// What was asked.
        operation: &'static str,
        /// What the store says.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// What the store returned is not what was written.
    #[error("column {column}, key {}: {rule}", hex(key))]
    Damaged {
        /// Column of the value.
        column: Column,
        /// Its key.
        key: Vec<u8>,
        /// What should stand there.
        rule: &'static str,
    },
    /// A row whose bytes are not those that were written.
    #[error(
        "column {column}, key {}: the row has the checksum {found}, its bytes have {expected}",
        hex(key)
    )]
    Changed {
        /// Column of the row.
        column: Column,
        /// Its key.
        key: Vec<u8>,
        /// Checksum of the bytes, in hexadecimal digits.
        expected: String,
        /// Checksum that stands before them.
        found: String,
    },
    /// A place that the store cannot read: a damaged file.
    #[error("column {column}, key {}: the store failed to {operation}", hex(key))]
    Unreadable {
        /// What was asked.
        operation: &'static str,
        /// Column that was read.
        column: Column,
        /// The key asked for; of a scan the last one read, or the one that it began at.
        key: Vec<u8>,
        /// What the store says.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StoreError {
    /// A failure of the store with its cause.
    pub fn failed(
        operation: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Failed { operation, source: source.into() }
    }

    /// A place that cannot be read, with its cause.
    pub fn unreadable(
        operation: &'static str,
        (column, key): (Column, &[u8]),
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Unreadable { operation, column, key: key.to_vec(), source: source.into() }
    }

    /// A value that breaks `rule`.
    pub fn damaged(column: Column, key: &[u8], rule: &'static str) -> Self {
        Self::Damaged { column, key: key.to_vec(), rule }
    }
}

/// Bytes as hexadecimal digits, for messages.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
        text
    })
}

/// A key with its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// What a scan calls for each pair; breaking ends it.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// Reading, of the newest content or of a snapshot.
pub trait StoreRead {
    /// The value of a key.
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// The values of many keys, in their order. A store that can answer many at once faster does.
    fn get_many(
        &self,
        column: Column,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        keys.iter().map(|key| self.get(column, key)).collect()
    }

    /// Visits the pairs with `from <= key < until` in ascending order of the keys' bytes, until
    /// `visit` breaks. Without `until` to the end of the column.
    fn scan(
        &self,
        column: Column,
        from: &[u8],
        until: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError>;

    /// The last pair with `from <= key < until`.
    fn last_below(
        &self,
        column: Column,
        from: &[u8],
        until: &[u8],
    ) -> Result<Option<Pair>, StoreError>;

    /// At most `limit` pairs whose keys begin with `prefix` and are not below `from`.
    fn scan_prefix(
        &self,
        column: Column,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        let mut pairs = Vec::new();
        if limit == 0 {
            return Ok(pairs);
        }
        let until = prefix_end(prefix);
        self.scan(column, prefix.max(from), until.as_deref(), &mut |key, value| {
            pairs.push((key.to_vec(), value.to_vec()));
            if pairs.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(pairs)
    }
}

/// The first key above every key that begins with `prefix`; `None` where there is none.
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

/// When a write counts as done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// It survives a power cut, with everything written before it.
    Synced,
    /// It survives the process, and may be lost with the machine.
    Buffered,
}

/// One change of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change<'a> {
    /// Sets a value.
    Put {
        /// Column.
        column: &'a Column,
        /// Key.
        key: &'a [u8],
        /// New value.
        value: &'a [u8],
    },
    /// Removes a key, there or not.
    Delete {
        /// Column.
        column: &'a Column,
        /// Key.
        key: &'a [u8],
    },
    /// Removes every key with `from <= key < until`.
    DeleteRange {
        /// Column.
        column: &'a Column,
        /// First key removed.
        from: &'a [u8],
        /// First key kept.
        until: &'a [u8],
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Put,
    Delete,
    DeleteRange,
}

/// A change as it stands in the bytes of its batch: two pieces, one after the other.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Piece {
    kind: Kind,
    column: Column,
    first: Range<usize>,
    second: Range<usize>,
}

/// Changes that are made all or none, in their order.
///
/// All keys and values stand in one buffer: a block has tens of thousands of them, and a buffer for
/// each costs more than the hashes of the state.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    pieces: Vec<Piece>,
}

impl Batch {
    /// Sets a value.
    pub fn put(&mut self, column: Column, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.put_with(column, key, |out| out.extend_from_slice(value.as_ref()));
    }

    /// Sets the value that `write` appends to the buffer it is given.
    pub fn put_with(
        &mut self,
        column: Column,
        key: impl AsRef<[u8]>,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let first = self.append(key.as_ref());
        write(&mut self.bytes);
        let second = first.end..self.bytes.len();
        self.pieces.push(Piece { kind: Kind::Put, column, first, second });
    }

    /// Removes a key.
    pub fn delete(&mut self, column: Column, key: impl AsRef<[u8]>) {
        let first = self.append(key.as_ref());
        let second = first.end..first.end;
        self.pieces.push(Piece { kind: Kind::Delete, column, first, second });
    }

    /// Removes every key with `from <= key < until`.
    pub fn delete_range(
        &mut self,
        column: Column,
        from: impl AsRef<[u8]>,
        until: impl AsRef<[u8]>,
    ) {
        let (first, second) = (self.append(from.as_ref()), self.append(until.as_ref()));
        self.pieces.push(Piece { kind: Kind::DeleteRange, column, first, second });
    }

    fn append(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    /// Bytes of all keys and values.
    pub const fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The changes, in order.
    pub fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        self.pieces.iter().map(|Piece { kind, column, first, second }| {
            let piece =
                |range: &Range<usize>| self.bytes.get(range.clone()).expect("a batch only grows");
            let (first, second) = (piece(first), piece(second));
            match kind {
                Kind::Put => Change::Put { column, key: first, value: second },
                Kind::Delete => Change::Delete { column, key: first },
                Kind::DeleteRange => Change::DeleteRange { column, from: first, until: second },
            }
        })
    }
}

/// An ordered key-value store with atomic batches.
///
/// Reads through the store itself see every write that returned. Once a write has failed the owner
/// stops: a store need not be usable afterwards.
pub trait Store: StoreRead + Send + Sync + 'static {
    /// A view that later writes do not change.
    type Snapshot<'a>: StoreRead + Send + Sync
    where
        Self: 'a;

    /// A view of the content as it is now, cheap to make.
    fn snapshot(&self) -> Self::Snapshot<'_>;

    /// Makes all changes of `batch` or none.
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError>;
}
