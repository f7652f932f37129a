//! Queries: one consistent view of the store, as of one head, for as long as it is held.
//!
//! It reads what is stored and proves nothing; [`crate::prove`] builds proofs on it.

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use contracts::execute::uid_key;
use contracts::state::{Pair as StatePair, Range, State, StateFault};
use genesis::Genesis;
use proto::block::Block;
use proto::certificate::{CheckpointCertificate, CommitCertificate};
use proto::codec::{Canonical, Reader as Input};
use proto::epoch::Descriptor;
use proto::hash::Hash;
use proto::history::{DayEntry, HistoryLeaf, LogHead, LogKey};
use proto::limits::OPERATION_BYTES_MAX;
use proto::message::Decided;
use proto::namespace::{Class, Namespace};
use proto::operation::OpUid;
use proto::receipt::{Receipt, ReceiptSource, Subject};
use proto::ring::StateProof;
use proto::transaction::{SignedTxHeader, Transaction};
use proto::types::{AgencyIndex, BlockHash, ChainId, Height, TxId};
use thiserror::Error;

use crate::ledger::{OpenError, read_genesis, read_head, read_size};
use crate::logs::LogPlace;
use crate::receipts::{self, Origin, Receipts, Stored};
use crate::ring::{Past, PastError, Ring};
use crate::schema::{self, TxPlace, WINDOW_HEIGHTS, meta};
use crate::store::{Column, Pair, Store, StoreError, StoreRead};
use crate::{history, logs, sealed, state};

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
    /// A working row was asked for as of an older height.
    #[error(
        "rows of {namespace:?} can be read as of height {head}, not of {at}: older ones are not kept"
    )]
    NewestAlone {
        /// Namespace of the row.
        namespace: Namespace,
        /// Height asked for.
        at: Height,
        /// Newest height.
        head: Height,
    },
    /// A proof of a working row was asked for.
    #[error("rows of {namespace:?} are never proven: they follow from the recorded events")]
    NeverProven {
        /// Namespace of the row.
        namespace: Namespace,
    },
}

/// Opens views of a ledger. Cheap to clone; for any task.
#[derive(Debug)]
pub struct Reader<S> {
    store: Arc<S>,
    genesis: Arc<Genesis>,
    /// The ledger's ring; of a store that nobody writes it is read when it is first asked for.
    ring: Arc<OnceLock<Ring>>,
}

impl<S> Clone for Reader<S> {
    fn clone(&self) -> Self {
        let (store, genesis) = (Arc::clone(&self.store), Arc::clone(&self.genesis));
        Self { store, genesis, ring: Arc::clone(&self.ring) }
    }
}

impl<S: Store> Reader<S> {
    pub(crate) fn new(store: Arc<S>, genesis: Arc<Genesis>, ring: OnceLock<Ring>) -> Self {
        Self { store, genesis, ring: Arc::new(ring) }
    }

    /// A reader of a store that nobody writes: for checks and tools. It reads no more than the
    /// genesis document, so that a damaged ledger can be looked into.
    pub fn open(store: S) -> Result<Self, OpenError> {
        let genesis = read_genesis(&store)?;
        Ok(Self::new(Arc::new(store), Arc::new(genesis), OnceLock::new()))
    }

    /// The genesis document.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Everything as of the newest height. Blocks appended later do not show in it.
    pub fn view(&self) -> Result<View<'_, S::Snapshot<'_>>, StoreError> {
        View::new(self.store.snapshot(), &self.genesis, &self.ring)
    }
}

/// One consistent content of the ledger.
#[derive(Debug)]
pub struct View<'a, R> {
    read: R,
    genesis: &'a Genesis,
    ring: &'a OnceLock<Ring>,
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
    /// Where the receipt stands.
    pub place: LogPlace,
    /// The receipt.
    pub receipt: Receipt,
}

impl<'a, R: StoreRead> View<'a, R> {
    pub(crate) fn new(
        read: R,
        genesis: &'a Genesis,
        ring: &'a OnceLock<Ring>,
    ) -> Result<Self, StoreError> {
        let head = read_head(&read)?;
        Ok(Self { read, genesis, ring, head })
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
        let Some(bytes) = self.read.get(column, key)? else { return Ok(None) };
        T::decode(&bytes).map(Some).map_err(|_| StoreError::damaged(column, key, rule))
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
        let prefix = schema::height(height);
        let pairs = self.read.scan_prefix(Column::Bodies, &prefix, &prefix, usize::MAX)?;
        let decode = |(key, value): Pair| {
            let rule = "expected a transaction";
            Transaction::decode(&value).map_err(|_| StoreError::damaged(Column::Bodies, &key, rule))
        };
        pairs.into_iter().map(decode).collect()
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
        let stored = Receipts::new(&self.read).get(height, index)?;
        Ok(stored.map(|stored| stored.receipt))
    }

    /// At most `limit` receipts of a height, from index `from` on.
    pub fn receipts(
        &self,
        height: Height,
        from: u32,
        limit: usize,
    ) -> Result<Vec<Receipt>, StoreError> {
        let stored = receipts::range(&self.read, (height, from), limit)?;
        Ok(stored.into_iter().map(|stored| stored.receipt).collect())
    }

    /// The operation behind a receipt; none for a system step.
    pub fn operation(
        &self,
        height: Height,
        receipt_index: u32,
    ) -> Result<Option<PlacedOperation>, StoreError> {
        let stored = Receipts::new(&self.read).get(height, receipt_index)?;
        stored.map_or(Ok(None), |stored| operation(&self.read, (height, receipt_index), &stored))
    }

    /// The record of the system step behind a receipt; none for an operation.
    pub fn step(&self, height: Height, receipt_index: u32) -> Result<Option<Vec<u8>>, StoreError> {
        let stored = Receipts::new(&self.read).get(height, receipt_index)?;
        Ok(stored.and_then(|stored| stored.origin.record().map(<[u8]>::to_vec)))
    }

    /// What a receipt's leaf of operation or step hashes: the operation as submitted, or the record.
    pub fn source(
        &self,
        height: Height,
        receipt_index: u32,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(stored) = Receipts::new(&self.read).get(height, receipt_index)? else {
            return Ok(None);
        };
        source(&self.read, (height, receipt_index), stored)
    }

    /// Height and receipt index of the operation that an agency recorded under an identity.
    pub fn recorded(
        &self,
        agency: AgencyIndex,
        uid: OpUid,
    ) -> Result<Option<(Height, u32)>, StoreError> {
        let key = uid_key(agency, uid);
        let Some(value) = self.state(Namespace::OpUid, &key)? else { return Ok(None) };
        let mut input = Input::new(&value);
        let mut read = || Some((input.u64("height").ok()?, input.u32("receipt index").ok()?));
        let (height, index) = read().ok_or_else(|| {
            let key = schema::state(Namespace::OpUid, &key);
            StoreError::damaged(
                schema::column(Namespace::OpUid),
                &key,
                "expected height, receipt index and leaf",
            )
        })?;
        Ok(Some((Height::new(height), index)))
    }

    /// The newest value of a key of the state.
    pub fn state(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        state::newest(&self.read, namespace, key)
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
        state::scan_from(&self.read, namespace, (prefix, from), limit)
    }

    /// The state as of a height, at most [`WINDOW_HEIGHTS`] below the head.
    pub fn at(&self, at: Height) -> Result<StateAt<'_, R>, ReadError> {
        if state::in_window(at, self.head) {
            let ring = match self.ring.get() {
                Some(ring) => ring,
                None => {
                    let read = Ring::open(&self.read, self.head)?;
                    self.ring.get_or_init(|| read)
                }
            };
            let past = ring.at(at).map_err(|error| past_error(error, self.head))?;
            return Ok(StateAt { read: &self.read, at, head: self.head, past });
        }
        let (oldest, head) = (self.head.minus(WINDOW_HEIGHTS), self.head);
        Err(ReadError::OutsideWindow { at, oldest, head })
    }

    /// Visits the entries of a log from index `from` on, in order, until `visit` breaks.
    pub fn visit_log(
        &self,
        key: &LogKey,
        from: u64,
        visit: &mut dyn FnMut(u64, LogPlace) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let prefix = schema::log_prefix(key);
        let until = crate::store::prefix_end(&prefix);
        let mut damaged = None;
        let first = schema::row(&prefix, from);
        self.read.scan(
            Column::Logs,
            &first,
            until.as_deref(),
            &mut |row, stored| match log_row(row, stored, &prefix) {
                Err(error) => {
                    damaged = Some(error);
                    ControlFlow::Break(())
                }
                Ok(entries) => entries
                    .into_iter()
                    .filter(|(index, _)| *index >= from)
                    .try_for_each(|(index, place)| visit(index, place)),
            },
        )?;
        damaged.map_or(Ok(()), Err)
    }

    /// The entries of a log from index `from` on: at most `limit`, none above height `at`.
    pub fn log_entries(
        &self,
        key: &LogKey,
        at: Height,
        from: u64,
        limit: usize,
    ) -> Result<Vec<(u64, LogPlace)>, StoreError> {
        let mut entries = Vec::new();
        self.visit_log(key, from, &mut |index, place| {
            if place.height > at || entries.len() == limit {
                return ControlFlow::Break(());
            }
            entries.push((index, place));
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
        let mut receipts = Receipts::new(&self.read);
        let with_receipt = |(index, place): (u64, LogPlace)| {
            let receipt = logged(&mut receipts, place)?.receipt;
            Ok(LogItem { index, place, receipt })
        };
        self.log_entries(key, at, from, limit)?.into_iter().map(with_receipt).collect()
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
        for (key, stored) in pairs {
            let damaged = || StoreError::damaged(Column::Days, &key, "expected a day");
            let day = logs::day(sealed::open(Column::Days, &key, &stored)?).ok_or_else(damaged)?;
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

/// The receipt of a log's entry.
pub(crate) fn logged<S: StoreRead>(
    receipts: &mut Receipts<'_, S>,
    LogPlace { height, receipt_index }: LogPlace,
) -> Result<Stored, StoreError> {
    receipts.get(height, receipt_index)?.ok_or_else(|| {
        let key = receipts::row_key(height, receipt_index);
        StoreError::damaged(Column::Receipts, &key, "expected the receipt of a log entry")
    })
}

/// What a stored receipt was made from: the operation as submitted, or the record of a step.
pub(crate) fn source(
    store: &impl StoreRead,
    at: (Height, u32),
    stored: Stored,
) -> Result<Option<Vec<u8>>, StoreError> {
    match stored.origin {
        Origin::Step(record) => Ok(Some(record)),
        Origin::Transaction(_) => Ok(operation(store, at, &stored)?.map(|found| found.bytes)),
    }
}

/// The operation behind a stored receipt; none for a system step.
fn operation(
    store: &impl StoreRead,
    (height, receipt_index): (Height, u32),
    stored: &Stored,
) -> Result<Option<PlacedOperation>, StoreError> {
    let ReceiptSource::Operation { op_index, .. } = stored.receipt.source else { return Ok(None) };
    let Some(position) = stored.origin.position() else { return Ok(None) };
    let key = schema::placed(height, position);
    let rule = "expected a transaction with that operation";
    let damaged = || StoreError::damaged(Column::Bodies, &key, rule);
    let first_receipt = receipt_index.checked_sub(op_index.into()).ok_or_else(damaged)?;
    let body = store.get(Column::Bodies, &key)?;
    let bytes = body.and_then(|body| operation_bytes(&body, op_index)).ok_or_else(damaged)?;
    Ok(Some(PlacedOperation { tx: TxPlace { height, position, first_receipt }, op_index, bytes }))
}

/// The entries of a row of a log with their positions.
pub(crate) fn log_row(
    row: &[u8],
    stored: &[u8],
    prefix: &[u8],
) -> Result<Vec<(u64, LogPlace)>, StoreError> {
    let damaged = || StoreError::damaged(Column::Logs, row, "expected entries of a log");
    let places = logs::run(sealed::open(Column::Logs, row, stored)?).ok_or_else(damaged)?;
    let last = row_index(row, prefix).ok_or_else(damaged)?;
    let behind = u64::try_from(places.len() - 1).unwrap_or(u64::MAX);
    let first = last.checked_sub(behind).ok_or_else(damaged)?;
    Ok((first..).zip(places).collect())
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
}

fn fault(error: &impl ToString) -> StateFault {
    StateFault::Storage { detail: error.to_string() }
}

/// Why the ring has no answer, as a query says it.
fn past_error(error: PastError, head: Height) -> ReadError {
    match error {
        PastError::Store(error) => error.into(),
        PastError::Forgotten { height } => {
            ReadError::OutsideWindow { at: height, oldest: head.minus(WINDOW_HEIGHTS), head }
        }
    }
}

/// The state as of one height. What it read of the heights above is kept for the next question.
#[derive(Debug)]
pub struct StateAt<'a, R> {
    read: &'a R,
    at: Height,
    head: Height,
    past: Past,
}

impl<R: StoreRead> StateAt<'_, R> {
    /// The height.
    pub const fn height(&self) -> Height {
        self.at
    }

    /// The value of a key; of a working row as of the newest height alone.
    pub fn value(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        match namespace.class() {
            Class::Proved => {
                let value = self.past.value(self.read, &schema::state(namespace, key));
                value.map_err(|error| past_error(error, self.head))
            }
            Class::Working => {
                self.is_newest(namespace)?;
                Ok(state::newest(self.read, namespace, key)?)
            }
        }
    }

    /// Presence or absence of a proved key under the height's state root.
    pub fn proof(&self, namespace: Namespace, key: &[u8]) -> Result<StateProof, ReadError> {
        match namespace.class() {
            Class::Proved => {
                let proof = self.past.proof(self.read, &schema::state(namespace, key));
                proof.map_err(|error| past_error(error, self.head))
            }
            Class::Working => Err(ReadError::NeverProven { namespace }),
        }
    }

    fn is_newest(&self, namespace: Namespace) -> Result<(), ReadError> {
        let (at, head) = (self.at, self.head);
        if at == head { Ok(()) } else { Err(ReadError::NewestAlone { namespace, at, head }) }
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
        self.is_newest(namespace).map_err(|error| fault(&error))?;
        state::scan(self.read, namespace, range, limit).map_err(|error| fault(&error))
    }
}
