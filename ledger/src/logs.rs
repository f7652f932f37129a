//! Subject logs (README section 4): which entries a block appends, and how they are stored.
//!
//! The head of a log is state; its entries are columns of their own. The last entry that a block
//! appends carries the peaks of the log's tree, so that the next block appends without reading more.

use std::collections::{BTreeMap, BTreeSet};

use contracts::state::Changes;
use proto::codec::{Canonical as _, Reader};
use proto::hash::Hash;
use proto::history::{DayEntry, LogEntry, LogHead, LogKey};
use proto::receipt::{CODE_ACCEPTED, Subject};
use proto::tree::Frontier;
use proto::trie::Namespace;
use proto::types::{Height, TimeMs};

use crate::execute::Dated;
use crate::schema;
use crate::state::StateView;
use crate::store::{Batch, Column, StoreError, StoreRead};

/// What the receipts of one block append, log by log.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Appends {
    /// Entries of logs of units and documents, and of each day of the other kinds.
    pub(crate) entries: BTreeMap<LogKey, Vec<LogEntry>>,
    /// Day logs in the order of their first entry in this block.
    order: Vec<LogKey>,
}

/// The log of `subject` that an entry of `day` belongs to.
fn log_of(subject: &Subject, day: u32) -> LogKey {
    let bucket = if subject.kind.has_one_log() { 0 } else { day };
    LogKey { kind: subject.kind, bucket, subject: subject.key.clone() }
}

impl Appends {
    /// L4.1, L4.2: one entry for each distinct subject of each receipt, in receipt order.
    pub(crate) fn of(height: Height, time: TimeMs, receipts: &[Dated]) -> Self {
        let mut appends = Self::default();
        for (receipt_index, Dated { receipt, day }) in (0u32..).zip(receipts) {
            // L4.3: a refusal has no event; the day of its block is when the party heard of it.
            let day = day.filter(|_| receipt.code == CODE_ACCEPTED).unwrap_or(time.day()).max(1);
            let subjects: BTreeSet<&Subject> =
                receipt.links.as_slice().iter().map(|link| &link.subject).collect();
            let receipt_leaf = receipt.payload().leaf();
            for subject in subjects {
                let key = log_of(subject, day);
                let entries = appends.entries.entry(key.clone()).or_default();
                if entries.is_empty() && key.bucket > 0 {
                    appends.order.push(key);
                }
                entries.push(LogEntry { height, receipt_index, receipt_leaf });
            }
        }
        appends
    }

    /// L4.4: the days that `exists` does not know yet enter their subject's directory.
    pub(crate) fn days<E>(
        &self,
        height: Height,
        mut exists: impl FnMut(&LogKey) -> Result<bool, E>,
    ) -> Result<BTreeMap<Subject, Vec<DayEntry>>, E> {
        let mut days: BTreeMap<Subject, Vec<DayEntry>> = BTreeMap::new();
        for key in &self.order {
            if !exists(key)? {
                let subject = Subject { kind: key.kind, key: key.subject.clone() };
                days.entry(subject).or_default().push(DayEntry { bucket: key.bucket, height });
            }
        }
        Ok(days)
    }
}

/// Key of the directory of a subject's days.
pub(crate) fn directory(subject: &Subject) -> LogKey {
    LogKey { kind: subject.kind, bucket: 0, subject: subject.key.clone() }
}

/// Writes the entries into `batch` and the heads of the logs into `changes`.
pub(crate) fn append<S: StoreRead>(
    view: &StateView<'_, S>,
    store: &S,
    (height, appends): (Height, &Appends),
    (changes, batch): (&mut Changes, &mut Batch),
) -> Result<(), StoreError> {
    let heads: Vec<Vec<u8>> =
        appends.entries.keys().map(|key| schema::state(Namespace::Log, &key.state_key())).collect();
    view.prefetch(heads.iter())?;
    let days = appends.days(height, |key| Ok::<_, StoreError>(head(view, key)?.is_some()))?;
    for (key, entries) in &appends.entries {
        let payloads = entries.iter().map(|entry| (entry.encode(), entry.leaf()));
        let rows = Rows { column: Column::Logs, prefix: schema::log_prefix(key), key };
        rows.append(view, store, (height, payloads), (changes, batch))?;
    }
    for (subject, entries) in &days {
        let payloads = entries.iter().map(|day| (day_bytes(day), day.leaf()));
        let key = directory(subject);
        let rows = Rows { column: Column::Days, prefix: schema::days_prefix(subject), key: &key };
        rows.append(view, store, (height, payloads), (changes, batch))?;
    }
    Ok(())
}

/// Where the entries of one log are stored.
struct Rows<'a> {
    column: Column,
    prefix: Vec<u8>,
    key: &'a LogKey,
}

impl Rows<'_> {
    fn row(&self, index: u64) -> Vec<u8> {
        schema::row(&self.prefix, index)
    }

    fn append<S: StoreRead>(
        &self,
        view: &StateView<'_, S>,
        store: &S,
        (height, payloads): (Height, impl ExactSizeIterator<Item = (Vec<u8>, Hash)>),
        (changes, batch): (&mut Changes, &mut Batch),
    ) -> Result<(), StoreError> {
        let mut frontier = match head(view, self.key)? {
            None => Frontier::default(),
            Some(head) => self.frontier(store, &head)?,
        };
        let last = payloads.len().saturating_sub(1);
        for (at, (mut payload, leaf)) in payloads.enumerate() {
            let row = self.row(frontier.size());
            frontier.append(leaf, |_, _, _| ());
            if at == last {
                frontier.peaks().iter().for_each(|peak| payload.extend(peak.as_bytes()));
            }
            batch.put(self.column, row, payload);
        }
        // L4.5: the head is written once per block and log.
        let head = LogHead { size: frontier.size(), root: frontier.root(), last_height: height };
        changes.insert((Namespace::Log, self.key.state_key()), Some(head.encode()));
        Ok(())
    }

    fn frontier<S: StoreRead>(&self, store: &S, head: &LogHead) -> Result<Frontier, StoreError> {
        let row = self.row(head.size.saturating_sub(1));
        let damaged = || {
            StoreError::damaged(
                self.column,
                &row,
                "expected the entry that ends the log, with its peaks",
            )
        };
        let bytes = store.get(self.column, &row)?.ok_or_else(damaged)?;
        let peaks = peaks(self.column, &bytes).ok_or_else(damaged)?;
        let frontier = Frontier::from_parts(head.size, peaks).ok_or_else(damaged)?;
        if frontier.root() == head.root { Ok(frontier) } else { Err(damaged()) }
    }
}

/// Bytes of an entry without peaks.
pub(crate) const fn payload_bytes(column: Column) -> usize {
    if matches!(column, Column::Days) { DAY_BYTES } else { ENTRY_BYTES }
}

const ENTRY_BYTES: usize = 8 + 4 + 32;
const DAY_BYTES: usize = 4 + 8;

/// The peaks behind an entry.
pub(crate) fn peaks(column: Column, bytes: &[u8]) -> Option<Vec<Hash>> {
    let (_, rest) = bytes.split_at_checked(payload_bytes(column))?;
    let chunks = rest.chunks(32);
    chunks.map(|peak| Some(Hash::new(peak.try_into().ok()?))).collect()
}

/// The entry at the start of a row.
pub(crate) fn entry(bytes: &[u8]) -> Option<LogEntry> {
    let (payload, _) = bytes.split_at_checked(ENTRY_BYTES)?;
    LogEntry::decode(payload).ok()
}

/// The day at the start of a row.
pub(crate) fn day(bytes: &[u8]) -> Option<DayEntry> {
    let (payload, _) = bytes.split_at_checked(DAY_BYTES)?;
    let mut input = Reader::new(payload);
    let bucket = input.u32("bucket").ok()?;
    Some(DayEntry { bucket, height: Height::new(input.u64("height").ok()?) })
}

fn day_bytes(day: &DayEntry) -> Vec<u8> {
    let mut out = day.bucket.to_be_bytes().to_vec();
    out.extend_from_slice(&day.height.value().to_be_bytes());
    out
}

fn head<S: StoreRead>(
    view: &StateView<'_, S>,
    key: &LogKey,
) -> Result<Option<LogHead>, StoreError> {
    let state_key = key.state_key();
    let Some(bytes) = view.value(Namespace::Log, &state_key)? else { return Ok(None) };
    parse_head(&state_key, &bytes).map(Some)
}

/// Reads the head of a log from its state value.
pub(crate) fn parse_head(state_key: &[u8], bytes: &[u8]) -> Result<LogHead, StoreError> {
    let key = schema::state(Namespace::Log, state_key);
    LogHead::decode(bytes)
        .map_err(|_| StoreError::damaged(Column::State, &key, "expected the head of a log"))
}
