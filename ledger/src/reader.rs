//! Queries: one consistent view of the store, as of one head, for as long as it is held.
//!
//! It reads what is stored and proves nothing; [`crate::prove`] builds proofs on it.

use std::ops::ControlFlow;
use std::sync::Arc;

use contracts::execute::uid_key;
use contracts::state::{Pair as StatePair, Range, State, StateFault};
use genesis::Genesis;
use proto::block::Block;
use proto::certificate::{CheckpointCertificate, CommitCertificate};
use proto::codec::{Canonical, Reader as Input};
use proto::epoch::Descriptor;
use proto::hash::Hash;
use proto::history::{DayEntry, HistoryLeaf, LogEntry, LogHead, LogKey};
use proto::limits::OPERATION_BYTES_MAX;
use proto::message::Decided;
use proto::operation::OpUid;
use proto::receipt::{Receipt, ReceiptSource, Subject};
use proto::transaction::{SignedTxHeader, Transaction};
use proto::trie::{Namespace, StateProof};
use proto::types::{AgencyIndex, BlockHash, ChainId, Height, TxId};
use thiserror::Error;

use crate::ledger::{OpenError, read_genesis, read_head, read_size};
use crate::schema::{self, TxPlace, WINDOW_HEIGHTS, meta};
use crate::store::{Column, Pair, Store, StoreError, StoreRead};
use crate::trie::Past;
use crate::{history, logs, state};

/// Why a query has no answer.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state of that height is not kept any more, or not there yet.
    #[error("the state of height {at} cannot be read: heights {oldest} to {head} can")]
    OutsideWindow {
        /// Height asked for.
        at: Height,
        /// Oldest height that can be read.
        oldest: Height,
        /// Newest height.
        head: Height,
    },
}

/// Opens views of a ledger. Cheap to clone; for any task.
#[derive(Debug)]
pub struct Reader<S> {
    store: Arc<S>,
    genesis: Arc<Genesis>,
}

impl<S> Clone for Reader<S> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), genesis: Arc::clone(&self.genesis) }
    }
}

impl<S: Store> Reader<S> {
    pub(crate) fn new(store: Arc<S>, genesis: Arc<Genesis>) -> Self {
        Self { store, genesis }
    }

    /// A reader of a store that nobody writes: for checks and tools. It reads no more than the
    /// genesis document, so that a damaged ledger can be looked into.
    pub fn open(store: S) -> Result<Self, OpenError> {
        let genesis = read_genesis(&store)?;
        Ok(Self::new(Arc::new(store), Arc::new(genesis)))
    }

    /// The genesis document.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Everything as of the newest height. Blocks appended later do not show in it.
    pub fn view(&self) -> Result<View<'_, S::Snapshot<'_>>, StoreError> {
        View::new(self.store.snapshot(), &self.genesis)
    }
}

/// One consistent content of the ledger.
#[derive(Debug)]
pub struct View<'a, R> {
    read: R,
    genesis: &'a Genesis,
    head: Height,
}

/// Where an operation stands, with its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlacedOperation {
    /// Its transaction.
    pub tx: TxPlace,
    /// Position in the transaction.
    pub op_index: u16,
    /// The operation as submitted.
    pub bytes: Vec<u8>,
}

/// An entry of a log with the receipt that it stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogItem {
    /// Position in the log.
    pub index: u64,
    /// The entry.
    pub entry: LogEntry,
    /// The receipt.
    pub receipt: Receipt,
}

impl<'a, R: StoreRead> View<'a, R> {
    pub(crate) fn new(read: R, genesis: &'a Genesis) -> Result<Self, StoreError> {
        let head = read_head(&read)?;
        Ok(Self { read, genesis, head })
    }

    /// The store behind the view.
    pub(crate) const fn read(&self) -> &R {
        &self.read
    }

    /// Newest height.
    pub const fn head(&self) -> Height {
        self.head
    }

    /// The genesis document.
    pub const fn genesis(&self) -> &'a Genesis {
        self.genesis
    }

    /// The chain.
    pub fn chain(&self) -> ChainId {
        self.genesis.chain()
    }

    /// Parameters and validators of the epoch of the newest height.
    pub fn descriptor(&self) -> &'a Descriptor {
        self.genesis.descriptor()
    }

    fn decoded<T: Canonical>(
        &self,
        column: Column,
        key: &[u8],
        rule: &'static str,
    ) -> Result<Option<T>, StoreError> {
        decoded(&self.read, column, key, rule)
    }

    /// The history's leaf of a height.
    pub fn leaf(&self, height: Height) -> Result<Option<HistoryLeaf>, StoreError> {
        self.decoded(Column::History, &schema::height(height), "expected a history leaf")
    }

    /// The block of a height; none at genesis and above the head.
    pub fn block(&self, height: Height) -> Result<Option<Block>, StoreError> {
        self.decoded(Column::Blocks, &schema::height(height), "expected a block")
    }

    /// The height of a block.
    pub fn height_of(&self, block: BlockHash) -> Result<Option<Height>, StoreError> {
        let key = block.as_bytes();
        let Some(bytes) = self.read.get(Column::BlockHashes, key)? else { return Ok(None) };
        let height = bytes.try_into().map(u64::from_be_bytes);
        let height = height
            .map_err(|_| StoreError::damaged(Column::BlockHashes, key, "expected a height"))?;
        Ok(Some(Height::new(height)))
    }

    /// The commit certificate of a height.
    pub fn commit(&self, height: Height) -> Result<Option<CommitCertificate>, StoreError> {
        self.decoded(Column::Commits, &schema::height(height), "expected a commit certificate")
    }

    /// Block and commit certificate of a height, as they are sent to a peer.
    pub fn decided(&self, height: Height) -> Result<Option<Decided>, StoreError> {
        let (block, certificate) = (self.block(height)?, self.commit(height)?);
        Ok(block.zip(certificate).map(|(block, certificate)| Decided { block, certificate }))
    }

    /// The transactions of a block in its order.
    pub fn bodies(&self, height: Height) -> Result<Vec<Transaction>, StoreError> {
        self.placed(Column::Bodies, (height, 0), usize::MAX, "expected a transaction")
    }

    /// One transaction of a block.
    pub fn body(&self, height: Height, position: u32) -> Result<Option<Transaction>, StoreError> {
        self.decoded(Column::Bodies, &schema::placed(height, position), "expected a transaction")
    }

    /// Where a transaction stands.
    pub fn transaction(&self, id: TxId) -> Result<Option<TxPlace>, StoreError> {
        self.decoded(Column::Transactions, id.as_bytes(), "expected the place of a transaction")
    }

    /// One receipt.
    pub fn receipt(&self, height: Height, index: u32) -> Result<Option<Receipt>, StoreError> {
        self.decoded(Column::Receipts, &schema::placed(height, index), "expected a receipt")
    }

    /// At most `limit` receipts of a height, from index `from` on.
    pub fn receipts(
        &self,
        height: Height,
        from: u32,
        limit: usize,
    ) -> Result<Vec<Receipt>, StoreError> {
        self.placed(Column::Receipts, (height, from), limit, "expected a receipt")
    }

    fn placed<T: Canonical>(
        &self,
        column: Column,
        (height, from): (Height, u32),
        limit: usize,
        rule: &'static str,
    ) -> Result<Vec<T>, StoreError> {
        let (prefix, from) = (schema::height(height), schema::placed(height, from));
        let pairs = self.read.scan_prefix(column, &prefix, &from, limit)?;
        let decode = |(key, value): Pair| {
            T::decode(&value).map_err(|_| StoreError::damaged(column, &key, rule))
        };
        pairs.into_iter().map(decode).collect()
    }

    /// The operation behind a receipt; none for a system step.
    pub fn operation(
        &self,
        height: Height,
        receipt_index: u32,
    ) -> Result<Option<PlacedOperation>, StoreError> {
        operation_at(&self.read, height, receipt_index)
    }

    /// The record of the system step behind a receipt; none for an operation.
    pub fn step(&self, height: Height, receipt_index: u32) -> Result<Option<Vec<u8>>, StoreError> {
        self.read.get(Column::Steps, &schema::placed(height, receipt_index))
    }

    /// What a receipt's leaf of operation or step hashes: the operation as submitted, or the record.
    pub fn source(
        &self,
        height: Height,
        receipt_index: u32,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        match self.step(height, receipt_index)? {
            Some(record) => Ok(Some(record)),
            None => Ok(self.operation(height, receipt_index)?.map(|operation| operation.bytes)),
        }
    }

    /// Height and receipt index of the operation that an agency recorded under an identity.
    pub fn recorded(
        &self,
        agency: AgencyIndex,
        uid: OpUid,
    ) -> Result<Option<(Height, u32)>, StoreError> {
        let key = uid_key(agency, uid);
        let Some(value) = self.state(Namespace::OpUid, &key)? else { return Ok(None) };
        let key = schema::state(Namespace::OpUid, &key);
        let place = contracts::record::fact::place_of(&value)
            .map_err(|_| StoreError::damaged(Column::State, &key, "expected an operation"))?;
        Ok(place.map(|at| (at.height, at.receipt_index)))
    }

    /// The newest value of a key of the state.
    pub fn state(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.read.get(Column::State, &schema::state(namespace, key))
    }

    /// At most `limit` keys of a namespace with their newest values, ascending: those that begin
    /// with `prefix` and are not below `from`.
    pub fn scan_state(
        &self,
        namespace: Namespace,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        let (prefix, from) = (schema::state(namespace, prefix), schema::state(namespace, from));
        let pairs = self.read.scan_prefix(Column::State, &prefix, &from, limit)?;
        let bare = |(mut key, value): Pair| {
            key.remove(0);
            (key, value)
        };
        Ok(pairs.into_iter().map(bare).collect())
    }

    /// The state as of a height, at most [`WINDOW_HEIGHTS`] below the head.
    pub fn at(&self, at: Height) -> Result<StateAt<'_, R>, ReadError> {
        if state::in_window(at, self.head) {
            return Ok(StateAt { read: &self.read, at, past: Past::new(at, self.head) });
        }
        let (oldest, head) = (self.head.minus(WINDOW_HEIGHTS), self.head);
        Err(ReadError::OutsideWindow { at, oldest, head })
    }

    /// Visits the entries of a log from index `from` on, in order, until `visit` breaks.
    pub fn visit_log(
        &self,
        key: &LogKey,
        from: u64,
        visit: &mut dyn FnMut(u64, LogEntry) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let prefix = schema::log_prefix(key);
        let until = crate::store::prefix_end(&prefix);
        let mut damaged = None;
        let from = schema::row(&prefix, from);
        self.read.scan(Column::Logs, &from, until.as_deref(), &mut |key, value| {
            let Some((index, entry)) = row_index(key, &prefix).zip(logs::entry(value)) else {
                damaged = Some(StoreError::damaged(Column::Logs, key, "expected a log entry"));
                return ControlFlow::Break(());
            };
            visit(index, entry)
        })?;
        damaged.map_or(Ok(()), Err)
    }

    /// The entries of a log from index `from` on: at most `limit`, none above height `at`.
    pub fn log_entries(
        &self,
        key: &LogKey,
        at: Height,
        from: u64,
        limit: usize,
    ) -> Result<Vec<(u64, LogEntry)>, StoreError> {
        let mut entries = Vec::new();
        self.visit_log(key, from, &mut |index, entry| {
            if entry.height > at || entries.len() == limit {
                return ControlFlow::Break(());
            }
            entries.push((index, entry));
            ControlFlow::Continue(())
        })?;
        Ok(entries)
    }

    /// As [`Self::log_entries`], each entry with its receipt.
    pub fn log(
        &self,
        key: &LogKey,
        at: Height,
        from: u64,
        limit: usize,
    ) -> Result<Vec<LogItem>, StoreError> {
        let entries = self.log_entries(key, at, from, limit)?;
        let with_receipt = |(index, entry): (u64, LogEntry)| {
            let receipt = self.receipt(entry.height, entry.receipt_index)?.ok_or_else(|| {
                let key = schema::placed(entry.height, entry.receipt_index);
                StoreError::damaged(Column::Receipts, &key, "expected the receipt of a log entry")
            })?;
            Ok(LogItem { index, entry, receipt })
        };
        entries.into_iter().map(with_receipt).collect()
    }

    /// The newest head of a log; none where it is empty.
    pub fn log_head(&self, key: &LogKey) -> Result<Option<LogHead>, StoreError> {
        let state_key = key.state_key();
        let value = self.state(Namespace::Log, &state_key)?;
        value.map(|value| logs::parse_head(&state_key, &value)).transpose()
    }

    /// The days of a subject of kinds 4 to 7 as of height `at`, in the order of their first use.
    pub fn days(&self, subject: &Subject, at: Height) -> Result<Vec<DayEntry>, StoreError> {
        let prefix = schema::days_prefix(subject);
        let pairs = self.read.scan_prefix(Column::Days, &prefix, &prefix, usize::MAX)?;
        let mut days = Vec::new();
        for (key, value) in pairs {
            let damaged = || StoreError::damaged(Column::Days, &key, "expected a day");
            let day = logs::day(&value).ok_or_else(damaged)?;
            if day.height <= at {
                days.push(day);
            }
        }
        Ok(days)
    }

    /// The checkpoint certificate of a size.
    pub fn certificate(&self, size: u64) -> Result<Option<CheckpointCertificate>, StoreError> {
        let rule = "expected a checkpoint certificate";
        self.decoded(Column::Checkpoints, &size.to_be_bytes(), rule)
    }

    /// Size of the highest certified checkpoint, 0 where there is none.
    pub fn certified_size(&self) -> Result<u64, StoreError> {
        read_size(&self.read, meta::CERTIFIED)
    }

    /// Size of the highest hardened checkpoint, 0 where there is none.
    pub fn hardened_size(&self) -> Result<u64, StoreError> {
        read_size(&self.read, meta::HARDENED)
    }

    /// Root of the history of a size; none where it is longer than the one here.
    pub fn history_root(&self, size: u64) -> Result<Option<Hash>, StoreError> {
        if size > self.head.history_size() {
            return Ok(None);
        }
        history::root(&self.read, size).map(Some)
    }

    /// Path of a height's leaf in the history of a size; none outside.
    pub fn history_path(&self, height: Height, size: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        if height.value() >= size || size > self.head.history_size() {
            return Ok(None);
        }
        history::inclusion(&self.read, height.value(), size).map(Some)
    }

    /// Path from the history of size `old` to that of size `new`; none where they are not in order.
    pub fn consistency_path(&self, old: u64, new: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        if old == 0 || old > new || new > self.head.history_size() {
            return Ok(None);
        }
        history::consistency(&self.read, old, new).map(Some)
    }
}

/// One operation out of a stored transaction, without hashing the others.
fn operation_bytes(body: &[u8], op_index: u16) -> Option<Vec<u8>> {
    let mut input = Input::new(body);
    SignedTxHeader::decode_from(&mut input).ok()?;
    for _ in 0..op_index {
        input.bytes32("operation", OPERATION_BYTES_MAX).ok()?;
    }
    Some(input.bytes32("operation", OPERATION_BYTES_MAX).ok()?.to_vec())
}

fn row_index(key: &[u8], prefix: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.strip_prefix(prefix)?.try_into().ok()?))
}

/// The newest state, as a contract reads it.
impl<R: StoreRead> State for View<'_, R> {
    fn get(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, StateFault> {
        self.state(namespace, key).map_err(|error| fault(&error))
    }

    fn scan(
        &self,
        namespace: Namespace,
        range: &Range<'_>,
        limit: usize,
    ) -> Result<Vec<StatePair>, StateFault> {
        state::scan(&self.read, namespace, range, limit).map_err(|error| fault(&error))
    }

    fn operation(&self, height: Height, index: u32) -> Result<Option<Vec<u8>>, StateFault> {
        let found = operation_at(&self.read, height, index).map_err(|error| fault(&error))?;
        Ok(found.map(|found| found.bytes))
    }
}

fn decoded<T: Canonical>(
    read: &impl StoreRead,
    column: Column,
    key: &[u8],
    rule: &'static str,
) -> Result<Option<T>, StoreError> {
    let Some(bytes) = read.get(column, key)? else { return Ok(None) };
    T::decode(&bytes).map(Some).map_err(|_| StoreError::damaged(column, key, rule))
}

/// The operation behind a receipt; none for a system step.
pub(crate) fn operation_at(
    read: &impl StoreRead,
    height: Height,
    receipt_index: u32,
) -> Result<Option<PlacedOperation>, StoreError> {
    let key = schema::placed(height, receipt_index);
    let receipt: Option<Receipt> = decoded(read, Column::Receipts, &key, "expected a receipt")?;
    let source = receipt.map(|receipt| receipt.source);
    let Some(ReceiptSource::Operation { tx_id, op_index, .. }) = source else { return Ok(None) };
    let key = tx_id.as_bytes();
    let rule = "expected the place of a transaction";
    let damaged = |rule| StoreError::damaged(Column::Transactions, key, rule);
    let tx: Option<TxPlace> = decoded(read, Column::Transactions, key, rule)?;
    let tx = tx.ok_or_else(|| damaged(rule))?;
    let body = read.get(Column::Bodies, &schema::placed(tx.height, tx.position))?;
    let bytes = body
        .and_then(|body| operation_bytes(&body, op_index))
        .ok_or_else(|| damaged("expected a transaction with that operation"))?;
    Ok(Some(PlacedOperation { tx, op_index, bytes }))
}

fn fault(error: &StoreError) -> StateFault {
    StateFault::Storage { detail: error.to_string() }
}

/// The state as of one height. What it read of the heights above is kept for the next question.
#[derive(Debug)]
pub struct StateAt<'a, R> {
    read: &'a R,
    at: Height,
    past: Past,
}

impl<R: StoreRead> StateAt<'_, R> {
    /// The height.
    pub const fn height(&self) -> Height {
        self.at
    }

    /// The value of a key.
    pub fn value(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        state::get_at(self.read, (namespace, key), &self.past)
    }

    /// Presence or absence of a key under the height's state root.
    pub fn proof(&self, namespace: Namespace, key: &[u8]) -> Result<StateProof, StoreError> {
        state::prove_at(self.read, (namespace, key), &self.past)
    }
}

impl<R: StoreRead> State for StateAt<'_, R> {
    fn get(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, StateFault> {
        self.value(namespace, key).map_err(|error| fault(&error))
    }

    /// Only of the newest height: what a height changed is kept by key, not by range.
    fn scan(
        &self,
        namespace: Namespace,
        range: &Range<'_>,
        limit: usize,
    ) -> Result<Vec<StatePair>, StateFault> {
        let head = read_head(self.read).map_err(|error| fault(&error))?;
        if self.at != head {
            let detail = format!("rows are listed as of height {head}, not of {}", self.at);
            return Err(StateFault::Storage { detail });
        }
        state::scan(self.read, namespace, range, limit).map_err(|error| fault(&error))
    }

    fn operation(&self, height: Height, index: u32) -> Result<Option<Vec<u8>>, StateFault> {
        let found = operation_at(self.read, height, index).map_err(|error| fault(&error))?;
        Ok(found.map(|found| found.bytes))
    }
}
