//! Checks a whole store offline: every byte that is stored is either hashed up to the history root
//! or compared with what it was derived from. It names what is wrong and goes on.
//!
//! It trusts the genesis document and the signatures of the certificates, nothing else. It does not
//! execute: that links and states follow from the operations is [`crate::replay`]'s to find out.

mod chain;
mod logs;
mod state;
mod working;

use std::collections::BTreeMap;
use std::fmt;

use proto::codec::Reader as Input;
use proto::hash::Hash;
use proto::history::LogKey;
use proto::namespace::Namespace;
use proto::receipt::SubjectKind;
use proto::types::Height;

use crate::ledger::read_size;
use crate::reader::{Reader, View};
use crate::schema::{self, FORMAT, meta};
use crate::sealed;
use crate::store::{Column, Store, StoreError, StoreRead, hex};

/// Faults after which a check stops: what has so many is restored from a backup, not read further.
pub const FAULTS_MAX: usize = 100;

/// Where a fault is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Place {
    /// A key of column `meta`.
    Meta(&'static str),
    /// A height.
    Height(Height),
    /// A transaction.
    Transaction {
        /// Height of the block.
        height: Height,
        /// Position in the block.
        position: u32,
    },
    /// An operation.
    Operation {
        /// Height of the block.
        height: Height,
        /// Position of its transaction in the block.
        position: u32,
        /// Position in the transaction.
        op_index: u16,
        /// Index of its receipt.
        receipt_index: u32,
    },
    /// A receipt.
    Receipt {
        /// Height.
        height: Height,
        /// Index.
        index: u32,
    },
    /// A node of the history tree.
    HistoryNode {
        /// Level, 0 for leaves.
        level: u8,
        /// Index in the level.
        index: u64,
    },
    /// A checkpoint certificate.
    Checkpoint {
        /// Size of the history.
        size: u64,
    },
    /// The receipts of a row.
    Receipts {
        /// Height.
        height: Height,
        /// Index of the first.
        first: u32,
    },
    /// A value of the state.
    State {
        /// Namespace.
        namespace: Namespace,
        /// Key.
        key: Vec<u8>,
    },
    /// Rows that a height replaced.
    Replaced {
        /// The height.
        height: Height,
        /// The first of them.
        what: Box<Self>,
    },
    /// Leaves of the ring that stand in one row.
    Leaves {
        /// Position of the first.
        first: u64,
    },
    /// Twigs of the ring that stand in one row.
    Twigs {
        /// Number of the group.
        group: u64,
    },
    /// An entry of a log, or a day of a directory.
    Log {
        /// The log.
        key: LogKey,
        /// Position in the log.
        index: u64,
    },
    /// A key that should not be there.
    Key(Vec<u8>),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Meta(name) => write!(f, "{name}"),
            Self::Height(height) => write!(f, "height {height}"),
            Self::Transaction { height, position } => {
                write!(f, "height {height}, transaction {position}")
            }
            Self::Operation { height, position, op_index, receipt_index } => write!(
                f,
                "height {height}, transaction {position}, operation {op_index} (receipt {receipt_index})"
            ),
            Self::Receipt { height, index } => write!(f, "height {height}, receipt {index}"),
            Self::Receipts { height, first } => {
                write!(f, "height {height}, receipts from {first} on")
            }
            Self::HistoryNode { level, index } => write!(f, "level {level}, index {index}"),
            Self::Checkpoint { size } => write!(f, "size {size}"),
            Self::State { namespace, key } => write!(f, "{namespace:?} {}", printed(key)),
            Self::Replaced { height, what } => {
                write!(f, "before height {height}, rows from {what} on")
            }
            Self::Leaves { first } => write!(f, "leaves from {first} on"),
            Self::Twigs { group } => write!(f, "group {group} of twigs"),
            Self::Key(key) => write!(f, "key {}", hex(key)),
            Self::Log { key, index } => {
                let subject = printed(&key.subject);
                write!(f, "{:?} {subject}, bucket {}, entry {index}", key.kind, key.bucket)
            }
        }
    }
}

/// The place of a row by its key.
fn row_place(column: Column, key: Vec<u8>) -> Place {
    let place = match column {
        Column::State | Column::Working => schema::split_state(&key)
            .map(|(namespace, key)| Place::State { namespace, key: key.to_vec() }),
        Column::Receipts => receipts_place(&key),
        Column::Logs | Column::Days => log_place(column, &key),
        Column::Meta
        | Column::Blocks
        | Column::Commits
        | Column::BlockHashes
        | Column::Bodies
        | Column::Transactions
        | Column::History
        | Column::HistoryNodes
        | Column::Checkpoints => None,
        Column::Undo => replaced_place(&key),
        Column::Leaves => number(&key).map(|first| Place::Leaves { first }),
        Column::Twigs => number(&key).map(|group| Place::Twigs { group }),
        Column::Turns => number(&key).map(|height| Place::Height(Height::new(height))),
    };
    place.unwrap_or(Place::Key(key))
}

/// The number that a whole key is.
fn number(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes)
}

/// Rows that a height replaced, by the first of them.
fn replaced_place(key: &[u8]) -> Option<Place> {
    let (height, first) = key.split_first_chunk().map(|(height, first)| (*height, first))?;
    let height = Height::new(u64::from_be_bytes(height));
    let what = Box::new(row_place(Column::State, first.to_vec()));
    Some(Place::Replaced { height, what })
}

fn receipts_place(key: &[u8]) -> Option<Place> {
    let mut input = Input::new(key);
    let height = Height::new(input.u64("height").ok()?);
    let first = input.u32("first receipt").ok()?;
    input.finish().ok()?;
    Some(Place::Receipts { height, first })
}

/// The last entry of a row of a log, or the day of a row of a directory.
fn log_place(column: Column, key: &[u8]) -> Option<Place> {
    let mut input = Input::new(key);
    let kind = SubjectKind::from_code(input.u8("kind").ok()?)?;
    let bucket = if column == Column::Logs { input.u32("bucket").ok()? } else { 0 };
    let subject = input.bytes16("subject", u16::MAX).ok()?.to_vec();
    let index = input.u64("index").ok()?;
    input.finish().ok()?;
    Some(Place::Log { key: LogKey { kind, bucket, subject }, index })
}

/// Text where it is printable, hexadecimal digits where it is not.
fn printed(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        Ok(_) | Err(_) => format!("0x{}", hex(bytes)),
    }
}

/// One thing that is not as it must be.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Fault {
    /// Column that holds it.
    pub column: Column,
    /// Where in it.
    pub place: Place,
    /// The rule that is broken.
    pub rule: &'static str,
    /// What had to stand there: a hash where there is one.
    pub expected: String,
    /// What stands there.
    pub found: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { column, place, rule, expected, found } = self;
        write!(f, "{column}: {place}: {rule}; expected {expected}, found {found}")
    }
}

/// What was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Heights, genesis among them.
    pub heights: u64,
    /// Transactions.
    pub transactions: u64,
    /// Operations.
    pub operations: u64,
    /// Receipts, of operations and steps.
    pub receipts: u64,
    /// Certificates whose signatures were verified.
    pub certificates: u64,
    /// Proved keys of the state.
    pub state_keys: u64,
    /// Working rows of the state.
    pub working_rows: u64,
    /// Full twigs of the ring whose leaves were hashed.
    pub twigs: u64,
    /// Older heights whose state can still be proven.
    pub older_states: u64,
    /// Entries of logs and directories.
    pub log_entries: u64,
}

/// What a check found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckReport {
    /// Newest height.
    pub head: Height,
    /// What was looked at.
    pub counts: Counts,
    /// What is wrong, in the order of discovery; at most [`FAULTS_MAX`].
    pub faults: Vec<Fault>,
}

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }
}

/// What a check is busy with, for a progress bar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// Blocks, bodies, receipts: heights done, and all of them.
    Heights(u64, u64),
    /// Values of the state done, of either class.
    State(u64),
    /// Older heights of the state done, and all of them.
    OlderStates(u64, u64),
    /// Logs done.
    Logs(u64),
}

/// Checks everything in the store of `reader`. An error is of the store itself; what was stored and
/// changed is a fault in the report.
pub fn check<S: Store>(
    reader: &Reader<S>,
    progress: &mut dyn FnMut(Progress),
) -> Result<CheckReport, StoreError> {
    let view = reader.view()?;
    let mut run = Run {
        view: &view,
        head: view.head(),
        counts: Counts::default(),
        faults: Vec::new(),
        roots: BTreeMap::new(),
        working_root: None,
        links: 0,
        receipt_rows: 0,
        progress,
    };
    for part in
        [Run::readable, Run::newest, Run::meta, Run::chain, Run::state, Run::working, Run::logs]
    {
        match part(&mut run) {
            Ok(()) => (), // what it found is among the faults
            // What cannot be read ends its part, not the check.
            Err(error) => run.unread(error)?,
        }
    }
    let Run { head, counts, faults, .. } = run;
    Ok(CheckReport { head, counts, faults })
}

/// A check under way.
struct Run<'a, 'v, R> {
    view: &'a View<'v, R>,
    head: Height,
    counts: Counts,
    faults: Vec<Fault>,
    /// State roots of the head and of the heights below that can still be proven: the others lead only
    /// to what the history names, and there is one for each second of a year.
    roots: BTreeMap<Height, Hash>,
    /// Root over the working rows as of the head.
    working_root: Option<Hash>,
    /// Entries that the receipts demand in the logs, directories apart.
    links: u64,
    /// Rows that the receipts fill.
    receipt_rows: u64,
    progress: &'a mut dyn FnMut(Progress),
}

impl<R: StoreRead> Run<'_, '_, R> {
    fn read(&self) -> &R {
        self.view.read()
    }

    fn full(&self) -> bool {
        self.faults.len() >= FAULTS_MAX
    }

    fn fault(
        &mut self,
        column: Column,
        place: Place,
        rule: &'static str,
        (expected, found): (impl fmt::Display, impl fmt::Display),
    ) {
        let (expected, found) = (expected.to_string(), found.to_string());
        let fault = Fault { column, place, rule, expected, found };
        // Two parts of the check may meet the same row.
        if !self.full() && !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// A row that cannot be read, or is not what was written, is a fault; any other failure ends the check.
    fn unread(&mut self, error: StoreError) -> Result<(), StoreError> {
        match error {
            StoreError::Damaged { column, key, rule } => {
                self.fault(column, row_place(column, key), rule, ("readable bytes", "others"));
            }
            StoreError::Changed { column, key, expected, found } => {
                let rule = "the row's checksum is that of its bytes";
                self.fault(column, row_place(column, key), rule, (expected, found));
            }
            StoreError::Unreadable { column, key, source, .. } => {
                let rule = "the store's file can be read from there";
                self.fault(column, row_place(column, key), rule, ("readable bytes", source));
            }
            failed @ StoreError::Failed { .. } => return Err(failed),
        }
        Ok(())
    }

    /// The row's value without its checksum; where that is wrong, the fault is named.
    fn opened<'b>(
        &mut self,
        column: Column,
        key: &[u8],
        stored: &'b [u8],
    ) -> Result<Option<&'b [u8]>, StoreError> {
        match sealed::open(column, key, stored) {
            Ok(value) => Ok(Some(value)),
            Err(error) => self.unread(error).map(|()| None),
        }
    }

    /// A fault unless the two are equal.
    fn same<T: PartialEq + fmt::Display>(
        &mut self,
        column: Column,
        place: impl FnOnce() -> Place,
        rule: &'static str,
        (expected, found): (T, T),
    ) -> bool {
        let same = expected == found;
        if !same {
            self.fault(column, place(), rule, (expected, found));
        }
        same
    }

    /// Every column once from its beginning to its end, so that damage of a file in one of them does not
    /// hide that in another.
    fn readable(&mut self) -> Result<(), StoreError> {
        for column in Column::ALL {
            if let Err(error) = self.count(*column) {
                self.unread(error)?;
            }
        }
        Ok(())
    }

    /// Newest height that has a leaf: what is checked does not depend on what `meta` says.
    fn newest(&mut self) -> Result<(), StoreError> {
        let mut newest = Height::GENESIS;
        self.read().scan(Column::History, &[], None, &mut |key, _| {
            // A key of another length is reported as a stray later.
            let height = key.try_into().map_or(newest, |key| Height::new(u64::from_be_bytes(key)));
            // Heights have no gaps: one far above is a stray, not the head.
            if height == newest.next() {
                newest = height;
            }
            std::ops::ControlFlow::Continue(())
        })?;
        self.head = newest;
        Ok(())
    }

    fn meta(&mut self) -> Result<(), StoreError> {
        let mut keys = 0;
        for name in [meta::FORMAT, meta::CHAIN, meta::GENESIS, meta::HEAD, meta::WORKING] {
            let there = self.read().get(Column::Meta, name)?.is_some();
            keys += 1;
            if !there {
                let place = Place::Key(name.to_vec());
                self.fault(Column::Meta, place, "it is there", ("a value", "none"));
            }
        }
        let format = self.read().get(Column::Meta, meta::FORMAT)?.unwrap_or_default();
        let rule = "the format is the one that this program reads";
        let found = hex(&format);
        self.same(
            Column::Meta,
            || Place::Meta("format"),
            rule,
            (hex(&FORMAT.to_be_bytes()), found),
        );
        let chain = self.read().get(Column::Meta, meta::CHAIN)?.unwrap_or_default();
        let expected = hex(self.view.chain().as_bytes());
        let rule = "the chain is the hash of the genesis document";
        self.same(Column::Meta, || Place::Meta("chain"), rule, (expected, hex(&chain)));
        let genesis = self.read().get(Column::Meta, meta::GENESIS)?.unwrap_or_default();
        let found = proto::hash::Tag::Genesis.hash(&genesis);
        let rule = "the genesis document hashes to the chain";
        let expected = self.view.chain().0;
        self.same(Column::Meta, || Place::Meta("genesis"), rule, (expected, found));
        let rule = "the head is the newest height that has a leaf";
        let (expected, found) = (self.head, self.view.head());
        self.same(Column::Meta, || Place::Meta("head"), rule, (expected, found));
        for name in [meta::CERTIFIED, meta::HARDENED] {
            keys += usize::from(read_size(self.read(), name)? > 0);
        }
        let found = self.count(Column::Meta)?;
        let rule = "it holds what the format names and nothing else";
        let expected = u64::try_from(keys).unwrap_or(u64::MAX);
        self.same(Column::Meta, || Place::Meta("keys"), rule, (expected, found));
        Ok(())
    }

    /// Rows of a column.
    fn count(&self, column: Column) -> Result<u64, StoreError> {
        let mut count = 0;
        self.read().scan(column, &[], None, &mut |_, _| {
            count += 1;
            std::ops::ControlFlow::Continue(())
        })?;
        Ok(count)
    }

    /// Reports each row of a column for which `known` says no.
    fn strays(
        &mut self,
        column: Column,
        rule: &'static str,
        mut known: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), StoreError> {
        let mut strays = Vec::new();
        self.read().scan(column, &[], None, &mut |key, _| {
            if !known(key) {
                strays.push(key.to_vec());
            }
            if strays.len() < FAULTS_MAX {
                std::ops::ControlFlow::Continue(())
            } else {
                std::ops::ControlFlow::Break(())
            }
        })?;
        for key in strays {
            self.fault(column, Place::Key(key), rule, ("no such key", "one"));
        }
        Ok(())
    }
}
