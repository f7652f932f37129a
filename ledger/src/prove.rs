//! Builds proof bundles from a view of the ledger: what `verify` then checks without it.
//!
//! It owns which parts a claim needs and which checkpoint they are proven against. It owns neither
//! the format ([`crate::bundle`]) nor the words, which are read back from the finished bundle.

use std::collections::BTreeSet;

use contracts::walk::{self, LogView, WalkError};
use proto::certificate::CheckpointCertificate;
use proto::codec::{Canonical as _, DecodeError};
use proto::hash::Hash;
use proto::history::{LogHead, LogKey};
use proto::limits::SUBJECT_BYTES_MAX;
use proto::namespace::{Class, KEY_BYTES_MAX, Namespace};
use proto::operation::Operation;
use proto::receipt::{ReceiptSource, Subject, SubjectKind};
use proto::tree;
use proto::types::Height;
use thiserror::Error;

use crate::bundle::claims::{self, ClaimError, ClaimPart};
use crate::bundle::{
    BACKFILL_KEY, BUNDLE_BYTES_MAX, Bundle, CheckpointVotes, Claim, ClaimKind, Day, Direction,
    FinalHead, Item, ItemClaim, Log, LogEntry, OpProof, Pin, ReceiptProof, StateClaim, StatePath,
    StateValue, Subject as NamedSubject, TraceClaim, TxProof, WindowClaim, hash_list,
};
use crate::logs::{LogPlace, directory};
use crate::reader::{ReadError, StateAt, View, logged, source};
use crate::receipts::Receipts;
use crate::store::{StoreError, StoreRead};

/// Logs that one trace may use: a lot with its boxes over three provinces has a few hundred; above
/// ten thousand the answer is no longer for a person, and names what it leaves out.
pub const TRACE_LOGS_MAX: u32 = 10_000;

/// Bytes that an entry of a log takes in a bundle at least: its receipt's payload and two short links.
const ENTRY_BYTES_LEAST: usize = 200;

/// Why there is no bundle.
#[derive(Debug, Error)]
pub enum ProveError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state of the height is not kept.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// No certificate covers the height yet.
    #[error("height {height} is not certified yet: certified are {certified} heights")]
    NotCertified {
        /// Height asked for.
        height: Height,
        /// Size of the highest certified checkpoint.
        certified: u64,
    },
    /// There is no such receipt.
    #[error("height {height} has no receipt {index}")]
    NoReceipt {
        /// Height asked for.
        height: Height,
        /// Index asked for.
        index: u32,
    },
    /// A receipt of a system step has no operation to prove.
    #[error("receipt {index} of height {height} is of a system step, not of an operation")]
    NotAnOperation {
        /// Height asked for.
        height: Height,
        /// Index asked for.
        index: u32,
    },
    /// The kind of subject is not for this claim.
    #[error("subjects of kind {kind} have {found}")]
    SubjectKind {
        /// Code of the kind.
        kind: u8,
        /// What they have instead of what was asked for.
        found: &'static str,
    },
    /// More starts than logs that the answer may use.
    #[error("{starts} starts do not fit the limit of {limit} logs")]
    TooManyStarts {
        /// Starts given.
        starts: usize,
        /// Logs that the answer may use.
        limit: usize,
    },
    /// A log that the claim cannot leave out does not fit a bundle.
    #[error(
        "the log of {:?} {} does not fit the {left} bytes that are left of a bundle: ask for less",
        subject.kind, String::from_utf8_lossy(&subject.key)
    )]
    LogTooLarge {
        /// Subject of the log.
        subject: Subject,
        /// Bytes that were left for it.
        left: usize,
    },
    /// The answer does not fit a bundle.
    #[error("the proof has {bytes} bytes, a bundle has at most {BUNDLE_BYTES_MAX}: ask for less")]
    TooLarge {
        /// Bytes of the proof.
        bytes: usize,
    },
    /// The question itself cannot be put in words.
    #[error(transparent)]
    Claim(#[from] ClaimError),
}

/// Whether a log shows the operations behind its receipts, or withholds them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bodies {
    /// Every operation and record is shown.
    Shown,
    /// Receipts, links and alerts only: whoever holds the bundle sees lineage and no content.
    Withheld,
}

/// What a trace is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceQuery {
    /// Units, certificates and declarations to start from.
    pub starts: Vec<Subject>,
    /// What to follow.
    pub direction: walk::Direction,
    /// Height of the answer; none for the newest certified one.
    pub at: Option<Height>,
    /// Most logs that the answer may use, at most [`TRACE_LOGS_MAX`].
    pub unit_limit: u32,
    /// Whether operations are shown.
    pub bodies: Bodies,
}

/// Builds bundles from one view.
#[derive(Debug)]
pub struct Prover<'a, R> {
    view: &'a View<'a, R>,
    /// Sizes of checkpoints that the verifier holds, ascending.
    pins: Vec<u64>,
    /// Least height of the head that a bundle stands on.
    least_head: Height,
}

/// A bundle in the making: everything stands against one checkpoint.
struct Draft<'a, R> {
    view: &'a View<'a, R>,
    size: u64,
    bundle: Bundle,
}

impl<'a, R: StoreRead> Prover<'a, R> {
    /// A prover for a verifier that holds the checkpoints of these sizes from earlier: each bundle shows
    /// its consistency with them, and stands on a checkpoint that covers the largest of them.
    ///
    /// A pin above every certified size is left out: this ledger cannot prove it yet, and the verifier
    /// says that the bundle is older than the pin.
    pub fn new(view: &'a View<'a, R>, pins: &[u64]) -> Self {
        let mut pins = pins.to_vec();
        pins.sort_unstable();
        pins.dedup();
        Self { view, pins, least_head: Height::GENESIS }
    }

    /// Lets bundles stand only on checkpoints whose head is at `least` or above; where none is
    /// certified yet, there is no bundle.
    pub fn with_least_head(self, least: Height) -> Self {
        Self { least_head: least, ..self }
    }

    /// An operation with its receipt stands in a block.
    pub fn event(&self, height: Height, receipt_index: u32) -> Result<Bundle, ProveError> {
        let mut draft = self.draft(height)?;
        let item = draft.receipt(height, receipt_index)?;
        if item.op.is_none() {
            return Err(ProveError::NotAnOperation { height, index: receipt_index });
        }
        draft.finish(|item| ClaimKind::Event(ItemClaim { item }), item)
    }

    /// A receipt, of an operation or of a system step, stands at a height.
    pub fn receipt(&self, height: Height, receipt_index: u32) -> Result<Bundle, ProveError> {
        let mut draft = self.draft(height)?;
        let item = draft.receipt(height, receipt_index)?;
        draft.finish(|item| ClaimKind::Receipt(ItemClaim { item }), item)
    }

    /// A key of the state has a value, or is absent; `at` none for the newest certified height.
    pub fn state(
        &self,
        namespace: Namespace,
        key: &[u8],
        at: Option<Height>,
    ) -> Result<Bundle, ProveError> {
        within(ClaimPart::State, key, KEY_BYTES_MAX)?;
        if namespace.class() == Class::Working {
            return Err(ReadError::NeverProven { namespace }.into());
        }
        let at = self.height(at)?;
        let draft = self.draft(at)?;
        let mut item = draft.item(at)?;
        item.states.push(shown(&self.view.at(at)?, namespace, key)?);
        draft.finish(|item| ClaimKind::State(StateClaim { item, state: 0 }), item)
    }

    /// A complete trace. What does not fit the limit of logs, or the bytes of a bundle, is named as
    /// truncated.
    pub fn trace(&self, query: &TraceQuery) -> Result<Bundle, ProveError> {
        for start in &query.starts {
            within(ClaimPart::Subject, &start.key, SUBJECT_BYTES_MAX.into())?;
        }
        let at = self.height(query.at)?;
        let limit = usize::try_from(query.unit_limit.min(TRACE_LOGS_MAX)).unwrap_or(usize::MAX);
        let mut budget = BUNDLE_BYTES_MAX;
        loop {
            let bundle = self.trace_within(query, at, (limit, budget))?;
            let bytes = prost::Message::encoded_len(&bundle);
            if bytes <= BUNDLE_BYTES_MAX {
                return Ok(bundle);
            }
            // What stands around the logs takes its part too.
            budget = budget.saturating_sub(bytes - BUNDLE_BYTES_MAX);
        }
    }

    fn trace_within(
        &self,
        query: &TraceQuery,
        at: Height,
        (limit, budget): (usize, usize),
    ) -> Result<Bundle, ProveError> {
        let draft = self.draft(at)?;
        let state = self.view.at(at)?;
        let (mut logs, mut left, mut large) = (Vec::new(), budget, BTreeSet::new());
        let walked = walk::walk(&query.starts, query.direction, limit, |subject| {
            let key = directory(subject);
            match draft.log(&state, &key, (query.bodies, left))? {
                Some((log, receipts)) => {
                    left = left.saturating_sub(prost::Message::encoded_len(&log));
                    logs.push(log);
                    Ok(receipts)
                }
                // No start may be left out.
                None if query.starts.contains(subject) => {
                    Err(ProveError::LogTooLarge { subject: subject.clone(), left })
                }
                None => {
                    large.insert(subject.clone());
                    Ok(Vec::new())
                }
            }
        });
        let mut walk = walked.map_err(|error| match error {
            WalkError::Log(error) => error,
            WalkError::StartKind { kind } => by_day(kind),
            WalkError::TooManyStarts { starts, limit } => {
                ProveError::TooManyStarts { starts, limit }
            }
        })?;
        walk.truncated.append(&mut large);
        let mut item = draft.item(at)?;
        item.states.push(shown(&state, Namespace::Sys, BACKFILL_KEY)?);
        item.logs = ascending(logs);
        let mut starts: Vec<NamedSubject> = query.starts.iter().map(NamedSubject::of).collect();
        starts.sort();
        starts.dedup();
        let claim = TraceClaim {
            item: 0,
            height: at.value(),
            starts,
            direction: named(query.direction).into(),
            unit_limit: u32::try_from(limit).unwrap_or(u32::MAX),
            truncated: walk.truncated.iter().map(NamedSubject::of).collect(),
        };
        draft.finish(|item| ClaimKind::Trace(TraceClaim { item, ..claim }), item)
    }

    /// Every event of a subject of kinds 4 to 7 on the days from the first to the last.
    pub fn window(
        &self,
        subject: &Subject,
        (from_day, to_day): (u32, u32),
        at: Option<Height>,
        bodies: Bodies,
    ) -> Result<Bundle, ProveError> {
        if subject.kind.has_one_log() {
            let found = "one log, without days";
            return Err(ProveError::SubjectKind { kind: subject.kind.code(), found });
        }
        within(ClaimPart::Subject, &subject.key, SUBJECT_BYTES_MAX.into())?;
        let at = self.height(at)?;
        let draft = self.draft(at)?;
        let state = self.view.at(at)?;
        let (first, days) = draft.days(&state, subject)?;
        let mut left = BUNDLE_BYTES_MAX.saturating_sub(prost::Message::encoded_len(&first));
        let mut logs = vec![first];
        for bucket in days.into_iter().filter(|day| (from_day..=to_day).contains(day)) {
            let key = LogKey { kind: subject.kind, bucket, subject: subject.key.clone() };
            let Some((log, _)) = draft.log(&state, &key, (bodies, left))? else {
                return Err(ProveError::LogTooLarge { subject: subject.clone(), left });
            };
            left = left.saturating_sub(prost::Message::encoded_len(&log));
            logs.push(log);
        }
        let mut item = draft.item(at)?;
        item.states.push(shown(&state, Namespace::Sys, BACKFILL_KEY)?);
        item.logs = ascending(logs);
        let (height, subject) = (at.value(), Some(NamedSubject::of(subject)));
        let claim = WindowClaim { item: 0, height, subject, from_day, to_day };
        let bundle = draft.finish(|item| ClaimKind::Window(WindowClaim { item, ..claim }), item)?;
        let bytes = prost::Message::encoded_len(&bundle);
        if bytes <= BUNDLE_BYTES_MAX { Ok(bundle) } else { Err(ProveError::TooLarge { bytes }) }
    }

    /// The height asked for, or the newest that is certified.
    fn height(&self, at: Option<Height>) -> Result<Height, ProveError> {
        if let Some(at) = at {
            return Ok(at);
        }
        let (certified, first) = (self.view.certified_size()?, self.first_height());
        if certified > first.value() {
            return Ok(Height::new(certified - 1));
        }
        Err(ProveError::NotCertified { height: first, certified })
    }

    /// The first height of the epoch: a bundle stands on a checkpoint above it (C6.2), so that one of
    /// genesis alone, which is certified like any other, proves nothing to a verifier.
    fn first_height(&self) -> Height {
        self.view.descriptor().first_height
    }

    /// The best certificate that covers a height, the verifier's pins and the head that it demands: the
    /// hardened one if it does.
    fn certificate(&self, height: Height) -> Result<CheckpointCertificate, ProveError> {
        let (hardened, certified) = (self.view.hardened_size()?, self.view.certified_size()?);
        let least = height.max(self.first_height()).max(self.least_head);
        let pinned = self.pins.iter().copied().filter(|pin| *pin <= certified).max().unwrap_or(0);
        let not_certified = ProveError::NotCertified { height: least, certified };
        let covers = |size: &u64| *size > least.value() && *size >= pinned;
        let Some(size) = [hardened, certified].into_iter().find(covers) else {
            return Err(not_certified);
        };
        self.view.certificate(size)?.ok_or(not_certified)
    }

    /// An empty bundle against the best checkpoint that covers `height`.
    fn draft(&self, height: Height) -> Result<Draft<'a, R>, ProveError> {
        let certificate = self.certificate(height)?;
        let size = certificate.statement.size;
        let head = Height::new(size.saturating_sub(1));
        let (leaf, path) = leaf_with_path(self.view, head, size)?;
        let final_head = FinalHead {
            certificate: Some(CheckpointVotes::of(&certificate)),
            size,
            root: certificate.statement.root.as_bytes().to_vec(),
            leaf,
            path,
            cosignatures: Vec::new(),
        };
        let mut pins = Vec::new();
        for pin in &self.pins {
            // A pin above the final size has no path: the verifier is told so by its absence.
            if let Some(path) = self.view.consistency_path(*pin, size)? {
                pins.push(Pin { size: *pin, consistency: hash_list(&path) });
            }
        }
        let bundle = Bundle {
            genesis: self.view.genesis().encode(),
            handoffs: Vec::new(),
            final_head: Some(final_head),
            pins,
            items: Vec::new(),
            claims: Vec::new(),
        };
        Ok(Draft { view: self.view, size, bundle })
    }
}

impl<R: StoreRead> Draft<'_, R> {
    /// Adds the last item, the claim about it, and the words.
    fn finish(
        mut self,
        claim: impl FnOnce(u32) -> ClaimKind,
        item: Item,
    ) -> Result<Bundle, ProveError> {
        let position = u32::try_from(self.bundle.items.len()).expect("one or two items");
        self.bundle.items.push(item);
        let kind = Some(claim(position));
        let words = String::new;
        self.bundle.claims.push(Claim { kind, words_zh: words(), words_en: words() });
        claims::fill_words(&mut self.bundle, self.view.genesis())?;
        Ok(self.bundle)
    }

    /// A height with its history path and nothing else.
    fn item(&self, height: Height) -> Result<Item, ProveError> {
        let (leaf, path) = leaf_with_path(self.view, height, self.size)?;
        Ok(Item { leaf, path, ..Item::default() })
    }

    /// A height with one of its receipts and, for an operation, the operation and its transaction.
    fn receipt(&mut self, height: Height, index: u32) -> Result<Item, ProveError> {
        let mut item = self.item(height)?;
        let receipts = self.view.receipts(height, 0, usize::MAX)?;
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let none = ProveError::NoReceipt { height, index };
        let Some(receipt) = receipts.get(at) else { return Err(none) };
        let leaves: Vec<Hash> = receipts.iter().map(|receipt| receipt.payload().leaf()).collect();
        let path = tree::inclusion_path(&leaves, at).unwrap_or_default();
        item.receipt = Some(ReceiptProof {
            index,
            payload: receipt.payload().encode(),
            links: receipt.links.encode(),
            alerts: receipt.alerts.encode(),
            path: hash_list(&path),
        });
        if let ReceiptSource::Operation { op_index, .. } = receipt.source {
            self.operation(&mut item, (height, index), op_index)?;
        }
        Ok(item)
    }

    fn operation(
        &mut self,
        item: &mut Item,
        (height, index): (Height, u32),
        op_index: u16,
    ) -> Result<(), ProveError> {
        let none = || ProveError::NoReceipt { height, index };
        let place = self.view.operation(height, index)?.ok_or_else(none)?.tx;
        let block = self.view.block(height)?.ok_or_else(none)?;
        let body = self.view.body(height, place.position)?.ok_or_else(none)?;
        let position = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let tx_path = tree::inclusion_path(block.tx_leaves(), position(place.position));
        item.header = Some(block.header().encode());
        item.tx = Some(TxProof {
            index: place.position,
            payload: body.signed().encode(),
            path: hash_list(&tx_path.ok_or_else(none)?),
        });
        let leaves: Vec<Hash> = body.operations().iter().map(Operation::leaf).collect();
        let at = usize::from(op_index);
        let operation = body.operations().get(at).ok_or_else(none)?;
        item.op = Some(OpProof {
            index: op_index.into(),
            bytes: operation.encode(),
            path: hash_list(&tree::inclusion_path(&leaves, at).ok_or_else(none)?),
        });
        // Whose key signed is said by the state below the block, while it can still be proven.
        let below = height.minus(1);
        if let Ok(state) = self.view.at(below) {
            let mut beside = self.item(below)?;
            let key = body.header().submitter;
            beside.states.push(shown(&state, Namespace::Key, key.as_bytes())?);
            self.bundle.items.push(beside);
        }
        Ok(())
    }

    /// A complete log of at most `left` bytes, and what the walk needs of its entries; none where it is
    /// larger. No more of it is read than fits.
    fn log(
        &self,
        state: &StateAt<'_, R>,
        key: &LogKey,
        (bodies, left): (Bodies, usize),
    ) -> Result<Option<(Log, Vec<LogView>)>, ProveError> {
        let mut log = headed(state, key)?;
        let size = head_of(&log, key)?.map_or(0, |head| head.size());
        let fits = usize::try_from(size).ok().and_then(|size| size.checked_mul(ENTRY_BYTES_LEAST));
        if fits.is_none_or(|least| least > left) {
            return Ok(None);
        }
        let (mut views, mut bytes) = (Vec::new(), prost::Message::encoded_len(&log));
        let mut receipts = Receipts::new(self.view.read());
        // One more than the head counts shows a store that lost its head, not its entries.
        let limit = usize::try_from(size).unwrap_or(usize::MAX).saturating_add(1);
        for (index, place) in self.view.log_entries(key, state.height(), 0, limit)? {
            let LogPlace { height, receipt_index } = place;
            let stored = logged(&mut receipts, place)?;
            let links = stored.receipt.links.as_slice().to_vec();
            let place = (height.value(), receipt_index);
            let mut entry = LogEntry::new(index, place, &stored.receipt, None);
            if bodies == Bodies::Shown {
                entry.body = source(self.view.read(), (height, receipt_index), stored)?;
            }
            bytes = bytes.saturating_add(prost::Message::encoded_len(&entry));
            if bytes > left {
                return Ok(None);
            }
            log.entries.push(entry);
            views.push(LogView { height, receipt_index, links });
        }
        check_size(&log, key, log.entries.len())?;
        Ok(Some((log, views)))
    }

    /// The directory of a subject, and the days in it.
    fn days(
        &self,
        state: &StateAt<'_, R>,
        subject: &Subject,
    ) -> Result<(Log, Vec<u32>), ProveError> {
        let key = directory(subject);
        let mut log = headed(state, &key)?;
        let days = self.view.days(subject, state.height())?;
        log.days =
            days.iter().map(|day| Day { bucket: day.bucket, height: day.height.value() }).collect();
        check_size(&log, &key, log.days.len())?;
        Ok((log, days.into_iter().map(|day| day.bucket).collect()))
    }
}

/// A longer key has no path in the state, a longer subject no log: no verifier accepts a proof of it.
fn within(part: ClaimPart, key: &[u8], limit: usize) -> Result<(), ClaimError> {
    if key.len() <= limit {
        return Ok(());
    }
    let [found, limit] = [key.len(), limit].map(|n| u64::try_from(n).unwrap_or(u64::MAX));
    Err(ClaimError::Bytes { part, error: DecodeError::TooLong { field: "key", found, limit } })
}

/// A key of the state with its value, or its absence, and the proof.
fn shown<R: StoreRead>(
    state: &StateAt<'_, R>,
    namespace: Namespace,
    key: &[u8],
) -> Result<StateValue, ProveError> {
    let (value, proof) = (state.value(namespace, key)?, state.proof(namespace, key)?);
    Ok(StateValue::new(namespace, key.to_vec(), value, &proof))
}

/// The head of a log with its proof, and no entries yet.
fn headed<R: StoreRead>(state: &StateAt<'_, R>, key: &LogKey) -> Result<Log, ReadError> {
    let state_key = key.state_key();
    let head = state.value(Namespace::Log, &state_key)?;
    let proof = state.proof(Namespace::Log, &state_key)?;
    Ok(Log {
        kind: key.kind.code().into(),
        bucket: key.bucket,
        subject: key.subject.clone(),
        head,
        proof: Some(StatePath::of(&proof)),
        ..Log::default()
    })
}

/// The head of a log as it is shown.
fn head_of(log: &Log, key: &LogKey) -> Result<Option<LogHead>, StoreError> {
    let state_key = key.state_key();
    log.head.as_ref().map(|value| crate::logs::parse_head(&state_key, value)).transpose()
}

/// Both ends: a log that lost an entry in the store must not leave as a proof that fails elsewhere.
fn check_size(log: &Log, key: &LogKey, found: usize) -> Result<(), StoreError> {
    let size = head_of(log, key)?.map_or(0, |head| head.size());
    if u64::try_from(found).is_ok_and(|found| found == size) { Ok(()) } else { Err(lost(key)) }
}

fn lost(key: &LogKey) -> StoreError {
    let column = crate::store::Column::Logs;
    let rule = "expected as many entries as the head of the log counts";
    StoreError::damaged(column, &crate::schema::log_prefix(key), rule)
}

fn leaf_with_path<R: StoreRead>(
    view: &View<'_, R>,
    height: Height,
    size: u64,
) -> Result<(Vec<u8>, Vec<Vec<u8>>), ProveError> {
    let not_certified = || ProveError::NotCertified { height, certified: size };
    let leaf = view.leaf(height)?.ok_or_else(not_certified)?;
    let path = view.history_path(height, size)?.ok_or_else(not_certified)?;
    Ok((leaf.encode(), hash_list(&path)))
}

fn ascending(mut logs: Vec<Log>) -> Vec<Log> {
    let key = |log: &Log| (log.kind, log.bucket, log.subject.clone());
    logs.sort_by_cached_key(key);
    logs
}

fn by_day(kind: SubjectKind) -> ProveError {
    ProveError::SubjectKind { kind: kind.code(), found: "logs by day: ask for a window" }
}

const fn named(direction: walk::Direction) -> Direction {
    match direction {
        walk::Direction::Back => Direction::Back,
        walk::Direction::Forward => Direction::Forward,
        walk::Direction::Both => Direction::Both,
    }
}
