//! What a claim says, read from the bundle that carries it: the facts behind its words, and the
//! walk of a trace.
//!
//! Prover and verifier share this reading, so that a claim has one meaning. It checks form, never
//! truth: the verifier calls it after it has proven every item.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use contracts::links;
use contracts::walk::{self, LogView, Walk, WalkError};
use genesis::Genesis;
use proto::codec::{Canonical, DecodeError, Reader};
use proto::history::HistoryLeaf;
use proto::limits::SUBJECT_BYTES_MAX;
use proto::namespace::{Class, Namespace};
use proto::operation::Operation;
use proto::receipt::{Alerts, Links, ReceiptPayload, Subject, SubjectKind};
use proto::sign::PublicKey;
use proto::submitter::SubmitterRecord;
use proto::transaction::SignedTxHeader;
use proto::types::Height;
use thiserror::Error;

use super::{
    BACKFILL_KEY, Bundle, ClaimKind, Direction, Item, ItemClaim, Log, LogEntry, StateClaim,
    TraceClaim, WindowClaim,
};
use crate::words::{
    self, At, EventFacts, Execution, ReceiptFacts, Signer, StateFacts, TraceFacts, WindowFacts,
    Words,
};

macro_rules! parts {
    ($($(#[$doc:meta])* $variant:ident = $zh:literal, $en:literal;)*) => {
        /// A part of an item that a claim reads.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum ClaimPart { $($(#[$doc])* $variant,)* }

        impl ClaimPart {
            /// The part in Chinese.
            pub const fn zh(self) -> &'static str {
                match self { $(Self::$variant => $zh,)* }
            }

            /// The part in English.
            pub const fn en(self) -> &'static str {
                match self { $(Self::$variant => $en,)* }
            }
        }
    };
}

parts! {
    /// The history leaf.
    Leaf = "历史叶", "the history leaf";
    /// A transaction.
    Transaction = "交易", "the transaction";
    /// An operation.
    Operation = "操作", "the operation";
    /// A receipt.
    Receipt = "回执", "the receipt";
    /// Alerts of a receipt.
    Alerts = "回执的预警", "the alerts of the receipt";
    /// Links of an entry.
    Links = "记录的关联", "the links of the record";
    /// The state that the claim names.
    State = "所指的状态值", "the state that it names";
    /// The record of a submitter key.
    Submitter = "提交密钥的登记", "the record of the submitter's key";
    /// The list of pending backfills.
    Backfill = "补录清单的状态值", "the state of pending backfills";
    /// The subject of a window.
    Subject = "对象", "its subject";
    /// The directory of days.
    Directory = "按日目录", "the directory of days";
    /// The log of each day of a window.
    DayLogs = "期间每一天的日志", "the log of each day in the window";
}

/// Why a claim cannot be read from its bundle.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ClaimError {
    /// The claim says nothing.
    #[error("the claim has no kind")]
    NoKind,
    /// An item that the bundle does not have.
    #[error("the bundle has no item {item}")]
    NoItem {
        /// Position named by the claim.
        item: u32,
    },
    /// A part of the item that the claim needs.
    #[error("the claim needs {}, which its item does not show", part.en())]
    NoPart {
        /// The part.
        part: ClaimPart,
    },
    /// Bytes that are not what stands there.
    #[error("{}: {error}", part.en())]
    Bytes {
        /// The part.
        part: ClaimPart,
        /// What is wrong with its bytes.
        error: DecodeError,
    },
    /// The height of the claim is not the height of its item.
    #[error("the claim is for height {claimed}, its item for {found}")]
    Height {
        /// Height of the claim.
        claimed: Height,
        /// Height of the item.
        found: Height,
    },
    /// A kind of subject that the claim is not for.
    #[error("subjects of kind {kind} do not stand in this claim")]
    SubjectKind {
        /// Code of the kind.
        kind: u32,
    },
    /// A list that is empty or not strictly ascending.
    #[error("the {list} do not ascend strictly")]
    Order {
        /// The list.
        list: &'static str,
    },
    /// A trace from nowhere.
    #[error("the trace has no start")]
    NoStart,
    /// A direction that is not one.
    #[error("{found} is no direction")]
    NoDirection {
        /// Number found.
        found: i32,
    },
    /// Days that are no window.
    #[error("days {from} to {to} are no window: it begins at 1 or later and ends no earlier")]
    Days {
        /// First day.
        from: u32,
        /// Last day.
        to: u32,
    },
    /// A submitter record names an agency that genesis does not.
    #[error("genesis has no agency {agency}")]
    NoAgency {
        /// Index of the agency.
        agency: u16,
    },
}

impl ClaimError {
    /// The sentence in both languages.
    pub fn words(&self) -> Words {
        let zh = match self {
            Self::NoKind => "声明没有类别".to_owned(),
            Self::NoItem { item } => format!("存证文件没有第 {item} 项内容"),
            Self::NoPart { part } => format!("声明需要{}，但未出示", part.zh()),
            Self::Bytes { part, error } => format!("{}不合格式：{error}", part.zh()),
            Self::Height { claimed, found } => {
                format!("声明针对高度 {claimed}，所附内容为高度 {found}")
            }
            Self::SubjectKind { kind } => format!("此类声明不适用于类别 {kind} 的对象"),
            Self::Order { list } => format!("{list} 未按严格升序排列"),
            Self::NoStart => "追溯没有起点".to_owned(),
            Self::NoDirection { found } => format!("{found} 不是追溯方向"),
            Self::Days { from, to } => {
                format!("第 {from} 至 {to} 日不成期间：起日至少为 1，止日不早于起日")
            }
            Self::NoAgency { agency } => format!("创世文件没有第 {agency} 号机构"),
        };
        Words::new(zh, self.to_string())
    }
}

/// A trace as read: its facts, its walk, and which logs it stands on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceAnswer {
    /// Facts for the words.
    pub facts: TraceFacts,
    /// Starts, ascending.
    pub starts: Vec<Subject>,
    /// What the walk over the shown logs reached.
    pub walk: Walk,
    /// Subjects reached whose logs the item does not show.
    pub missing: BTreeSet<Subject>,
    /// Subjects that the claim declares truncated.
    pub truncated: BTreeSet<Subject>,
}

/// A window as read: its facts and the days it needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WindowAnswer {
    /// Facts for the words.
    pub facts: WindowFacts,
    /// Days of the window in the directory, with the height of their first use.
    pub days: Vec<(u32, Height)>,
}

/// The words of a claim.
pub fn words(bundle: &Bundle, genesis: &Genesis, kind: &ClaimKind) -> Result<Words, ClaimError> {
    match kind {
        ClaimKind::Event(claim) => Ok(words::event(&event(bundle, genesis, claim)?)),
        ClaimKind::Receipt(claim) => Ok(words::receipt(&receipt(bundle, genesis, claim)?)),
        ClaimKind::State(claim) => Ok(words::state(&state(bundle, claim)?)),
        ClaimKind::Trace(claim) => Ok(words::trace(&trace(bundle, claim)?.facts)),
        ClaimKind::Window(claim) => Ok(words::window(&window(bundle, claim)?.facts)),
    }
}

/// Writes the words of every claim of a bundle that is otherwise finished.
pub fn fill_words(bundle: &mut Bundle, genesis: &Genesis) -> Result<(), ClaimError> {
    let mut filled = Vec::with_capacity(bundle.claims.len());
    for claim in &bundle.claims {
        filled.push(words(bundle, genesis, claim.kind.as_ref().ok_or(ClaimError::NoKind)?)?);
    }
    for (claim, words) in bundle.claims.iter_mut().zip(filled) {
        claim.words_zh = words.zh;
        claim.words_en = words.en;
    }
    Ok(())
}

/// The item at a position.
pub fn item(bundle: &Bundle, position: u32) -> Result<&Item, ClaimError> {
    let found = usize::try_from(position).ok().and_then(|position| bundle.items.get(position));
    found.ok_or(ClaimError::NoItem { item: position })
}

/// The history leaf of an item.
pub fn leaf(item: &Item) -> Result<HistoryLeaf, ClaimError> {
    decode(ClaimPart::Leaf, &item.leaf)
}

fn event(bundle: &Bundle, genesis: &Genesis, claim: &ItemClaim) -> Result<EventFacts, ClaimError> {
    let item = item(bundle, claim.item)?;
    let leaf = leaf(item)?;
    let op = item.op.as_ref().ok_or(ClaimError::NoPart { part: ClaimPart::Operation })?;
    let operation: Operation = decode(ClaimPart::Operation, &op.bytes)?;
    let signer = signer(bundle, genesis, item, leaf.height)?
        .ok_or(ClaimError::NoPart { part: ClaimPart::Transaction })?;
    let result = match &item.receipt {
        None => Execution::NotShown,
        Some(shown) => {
            let payload: ReceiptPayload = decode(ClaimPart::Receipt, &shown.payload)?;
            Execution::Shown { code: payload.code, alerts: alerts(&shown.alerts)? }
        }
    };
    let (kind, uid) = (operation.kind, operation.uid);
    Ok(EventFacts { at: at(&leaf), kind, uid, signer, result })
}

fn receipt(
    bundle: &Bundle,
    genesis: &Genesis,
    claim: &ItemClaim,
) -> Result<ReceiptFacts, ClaimError> {
    let item = item(bundle, claim.item)?;
    let leaf = leaf(item)?;
    let shown = item.receipt.as_ref().ok_or(ClaimError::NoPart { part: ClaimPart::Receipt })?;
    let payload: ReceiptPayload = decode(ClaimPart::Receipt, &shown.payload)?;
    Ok(ReceiptFacts {
        at: at(&leaf),
        index: shown.index,
        source: payload.source,
        signer: signer(bundle, genesis, item, leaf.height)?,
        code: payload.code,
        alerts: alerts(&shown.alerts)?,
    })
}

fn state(bundle: &Bundle, claim: &StateClaim) -> Result<StateFacts, ClaimError> {
    let item = item(bundle, claim.item)?;
    let position = usize::try_from(claim.state).ok();
    let no_state = ClaimError::NoPart { part: ClaimPart::State };
    let shown = position.and_then(|position| item.states.get(position)).ok_or(no_state)?;
    let code = u8::try_from(shown.namespace).ok();
    let namespace = code.and_then(Namespace::from_code);
    let proved = namespace.filter(|namespace| namespace.class() == Class::Proved);
    let namespace = proved.ok_or(ClaimError::Bytes {
        part: ClaimPart::State,
        error: DecodeError::Invalid { field: "namespace", rule: "is one of the proved ones" },
    })?;
    let (key, value) = (shown.key.clone(), shown.value.clone());
    Ok(StateFacts { at: at(&leaf(item)?), namespace, key, value })
}

/// Reads a trace claim and walks it over the logs of its item.
pub fn trace(bundle: &Bundle, claim: &TraceClaim) -> Result<TraceAnswer, ClaimError> {
    let item = item(bundle, claim.item)?;
    let at = at_height(item, claim.height)?;
    let starts = subjects("starts", &claim.starts)?;
    if starts.is_empty() {
        return Err(ClaimError::NoStart);
    }
    let truncated = subjects("truncated", &claim.truncated)?;
    let (named, direction) = direction(claim.direction)?;
    let logs: BTreeMap<Subject, &Log> = item
        .logs
        .iter()
        .filter_map(|log| Some((super::Subject::parse(&log.subject_of())?, log)))
        .filter(|(subject, _)| subject.kind.has_one_log())
        .collect();
    let missing = RefCell::new(BTreeSet::new());
    let walked = walk::walk(&starts, direction, usize::MAX, |subject| {
        let Some(log) = logs.get(subject) else {
            missing.borrow_mut().insert(subject.clone());
            return Ok(Vec::new());
        };
        log.entries.iter().map(view).collect()
    });
    let walk = walked.map_err(|error| match error {
        WalkError::Log(error) => error,
        WalkError::StartKind { kind } => ClaimError::SubjectKind { kind: kind.code().into() },
        WalkError::TooManyStarts { .. } => ClaimError::NoStart,
    })?;
    let missing = missing.into_inner();
    let used = walk.reached.keys().filter(|subject| !missing.contains(*subject));
    let used: Vec<&Log> = used.filter_map(|subject| logs.get(subject).copied()).collect();
    let (events, withheld) = count(&used);
    let recorded = |start: &Subject| logs.get(start).is_some_and(|log| log.head.is_some());
    let facts = TraceFacts {
        at,
        direction: named,
        starts: starts.iter().map(|start| (start.clone(), recorded(start))).collect(),
        subjects: used.len(),
        events,
        withheld,
        truncated: truncated.len(),
        backfill: backfill(item)?,
    };
    Ok(TraceAnswer { facts, starts, walk, missing, truncated: truncated.into_iter().collect() })
}

/// Reads a window claim over the logs of its item.
pub fn window(bundle: &Bundle, claim: &WindowClaim) -> Result<WindowAnswer, ClaimError> {
    let item = item(bundle, claim.item)?;
    let at = at_height(item, claim.height)?;
    let named = claim.subject.as_ref().ok_or(ClaimError::NoPart { part: ClaimPart::Subject })?;
    let bad_kind = ClaimError::SubjectKind { kind: named.kind };
    let subject = named.parse().filter(|subject| !subject.kind.has_one_log()).ok_or(bad_kind)?;
    let (from, to) = (claim.from_day, claim.to_day);
    if from == 0 || to < from {
        return Err(ClaimError::Days { from, to });
    }
    let own = item.logs.iter().filter(|log| log.subject_of() == *named);
    let logs: BTreeMap<u32, &Log> = own.map(|log| (log.bucket, log)).collect();
    let no_directory = ClaimError::NoPart { part: ClaimPart::Directory };
    let directory = logs.get(&0).ok_or(no_directory)?;
    let days: Vec<(u32, Height)> = directory
        .days
        .iter()
        .filter(|day| (from..=to).contains(&day.bucket))
        .map(|day| (day.bucket, Height::new(day.height)))
        .collect();
    let no_day = ClaimError::NoPart { part: ClaimPart::DayLogs };
    let used: Option<Vec<&Log>> = days.iter().map(|(day, _)| logs.get(day).copied()).collect();
    let (events, withheld) = count(&used.ok_or(no_day)?);
    let facts = WindowFacts {
        at,
        subject,
        days: (from, to),
        recorded: directory.head.is_some(),
        days_used: days.len(),
        events,
        withheld,
        backfill: backfill(item)?,
    };
    Ok(WindowAnswer { facts, days })
}

/// The key that the normaliser makes of a subject's key, where its rule needs no state: a key that
/// it would change was never written, and an answer of nothing would mislead. What a unit's code is
/// normalised to depends on the active schemes, a station's key on its agency; these are looked up
/// under exactly the bytes that the claim carries.
pub fn normal_form(subject: &Subject) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(&subject.key).ok()?;
    let normal = match subject.kind {
        SubjectKind::Certificate => links::certificate(text),
        SubjectKind::Declaration => links::declaration(text),
        SubjectKind::Party => links::party(text),
        SubjectKind::Vehicle => links::vehicle(text),
        SubjectKind::Person => text.to_ascii_lowercase(),
        SubjectKind::Unit | SubjectKind::Station => return None,
    };
    Some(normal.into_bytes())
}

fn decode<T: Canonical>(part: ClaimPart, bytes: &[u8]) -> Result<T, ClaimError> {
    T::decode(bytes).map_err(|error| ClaimError::Bytes { part, error })
}

fn at(leaf: &HistoryLeaf) -> At {
    At { height: leaf.height, time: leaf.time }
}

fn at_height(item: &Item, claimed: u64) -> Result<At, ClaimError> {
    let leaf = leaf(item)?;
    let claimed = Height::new(claimed);
    if claimed == leaf.height {
        Ok(at(&leaf))
    } else {
        Err(ClaimError::Height { claimed, found: leaf.height })
    }
}

fn alerts(bytes: &[u8]) -> Result<Vec<(u16, Vec<u8>)>, ClaimError> {
    let alerts: Alerts = decode(ClaimPart::Alerts, bytes)?;
    Ok(alerts.as_slice().iter().map(|notice| (notice.code, notice.alert.clone())).collect())
}

fn direction(code: i32) -> Result<(Direction, walk::Direction), ClaimError> {
    let no_direction = ClaimError::NoDirection { found: code };
    let named = Direction::try_from(code).map_err(|_| no_direction.clone())?;
    match named {
        Direction::Unspecified => Err(no_direction),
        Direction::Back => Ok((named, walk::Direction::Back)),
        Direction::Forward => Ok((named, walk::Direction::Forward)),
        Direction::Both => Ok((named, walk::Direction::Both)),
    }
}

fn subjects(list: &'static str, named: &[super::Subject]) -> Result<Vec<Subject>, ClaimError> {
    let bad_kind = |kind: u32| ClaimError::SubjectKind { kind };
    let found: Result<Vec<Subject>, ClaimError> = named
        .iter()
        .map(|one| one.parse().filter(|s| s.kind.has_one_log()).ok_or(bad_kind(one.kind)))
        .collect();
    let found = found?;
    if found.windows(2).all(|pair| matches!(pair, [a, b] if a < b)) {
        Ok(found)
    } else {
        Err(ClaimError::Order { list })
    }
}

fn view(entry: &LogEntry) -> Result<LogView, ClaimError> {
    let links: Links = decode(ClaimPart::Links, &entry.links)?;
    Ok(LogView {
        height: Height::new(entry.height),
        receipt_index: entry.receipt_index,
        links: links.as_slice().to_vec(),
    })
}

/// Distinct receipts in `logs`, and how many of them are shown nowhere with their body.
fn count(logs: &[&Log]) -> (usize, usize) {
    let mut bodies: BTreeMap<(u64, u32), bool> = BTreeMap::new();
    for entry in logs.iter().flat_map(|log| &log.entries) {
        *bodies.entry((entry.height, entry.receipt_index)).or_default() |= entry.body.is_some();
    }
    (bodies.len(), bodies.values().filter(|shown| !**shown).count())
}

/// The schemes whose derived relations were not all written by the item's height.
fn backfill(item: &Item) -> Result<Vec<Vec<u8>>, ClaimError> {
    let code = u32::from(Namespace::Sys.code());
    let mut states = item.states.iter();
    let shown = states
        .find(|state| state.namespace == code && state.key == BACKFILL_KEY)
        .ok_or(ClaimError::NoPart { part: ClaimPart::Backfill })?;
    let Some(value) = &shown.value else { return Ok(Vec::new()) };
    let part = ClaimPart::Backfill;
    let bytes = |error| ClaimError::Bytes { part, error };
    let mut input = Reader::new(value);
    let count = input.u16("count").map_err(bytes)?;
    let mut ids: Vec<Vec<u8>> = Vec::new();
    for _ in 0..count {
        ids.push(input.bytes16("scheme", SUBJECT_BYTES_MAX).map_err(bytes)?.to_vec());
    }
    input.finish().map_err(bytes)?;
    if ids.is_empty() || !ids.windows(2).all(|pair| matches!(pair, [a, b] if a < b)) {
        let rule = "is sorted without repetition, and absent when empty";
        return Err(bytes(DecodeError::Invalid { field: "backfill", rule }));
    }
    Ok(ids)
}

/// Who signed the item's transaction. A party is named only by the state below the block, so that
/// nobody is blamed for what a key did before it was theirs.
fn signer(
    bundle: &Bundle,
    genesis: &Genesis,
    item: &Item,
    height: Height,
) -> Result<Option<Signer>, ClaimError> {
    let Some(tx) = &item.tx else { return Ok(None) };
    let signed: SignedTxHeader = decode(ClaimPart::Transaction, &tx.payload)?;
    let key = signed.header.submitter;
    let registered = match record(bundle, height, &key)? {
        None => None,
        Some(record) => {
            let no_agency = ClaimError::NoAgency { agency: record.agency.value() };
            let agency = genesis.agency(record.agency).ok_or(no_agency)?;
            Some((agency.name.clone(), record.party))
        }
    };
    Ok(Some(Signer { key: key.id(), registered }))
}

fn record(
    bundle: &Bundle,
    height: Height,
    key: &PublicKey,
) -> Result<Option<SubmitterRecord>, ClaimError> {
    let code = u32::from(Namespace::Key.code());
    for item in &bundle.items {
        let mut states = item.states.iter();
        let shown = states.find(|state| state.namespace == code && state.key == key.as_bytes());
        let Some(shown) = shown else { continue };
        if leaf(item)?.height.next() == height
            && let Some(value) = &shown.value
        {
            return decode(ClaimPart::Submitter, value).map(Some);
        }
    }
    Ok(None)
}
