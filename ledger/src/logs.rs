//! Subject logs (README section 4): which entries a block appends, and how they are stored.
//!
//! The head of a log is state, and holds all that the next block needs to append; its entries are
//! columns of their own.

use std::collections::{BTreeMap, BTreeSet};

use contracts::state::Changes;
use proto::codec::{Canonical as _, Reader};
use proto::hash::Hash;
use proto::history::{DayEntry, LogEntry, LogHead, LogKey};
use proto::namespace::Namespace;
use proto::receipt::{CODE_ACCEPTED, Subject};
use proto::types::{Height, TimeMs};

use crate::execute::Dated;
use crate::schema;
use crate::sealed;
use crate::state::StateView;
use crate::store::{Batch, Column, StoreError, StoreRead};

/// What the receipts of one block append, log by log.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Appends {
    /// The height of the block.
    height: Height,
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
    /// `leaves` are those of the receipts.
    pub(crate) fn of(height: Height, time: TimeMs, receipts: &[Dated], leaves: &[Hash]) -> Self {
        let mut appends = Self { height, ..Self::default() };
        let receipts = receipts.iter().zip(leaves);
        for (receipt_index, (Dated { receipt, day }, leaf)) in (0u32..).zip(receipts) {
            // L4.3: a refusal has no event; the day of its block is when the party heard of it.
            let day = day.filter(|_| receipt.code == CODE_ACCEPTED).unwrap_or(time.day()).max(1);
            let subjects: BTreeSet<&Subject> =
                receipt.links.as_slice().iter().map(|link| &link.subject).collect();
            for subject in subjects {
                let key = log_of(subject, day);
                let entries = appends.entries.entry(key.clone()).or_default();
                if entries.is_empty() && key.bucket > 0 {
                    appends.order.push(key);
                }
                entries.push(LogEntry { height, receipt_index, receipt_leaf: *leaf });
            }
        }
        appends
    }

    /// L4.4: the days that `exists` does not know yet enter their subject's directory.
    pub(crate) fn days<E>(
        &self,
        mut exists: impl FnMut(&LogKey) -> Result<bool, E>,
    ) -> Result<BTreeMap<Subject, Vec<DayEntry>>, E> {
        let mut days: BTreeMap<Subject, Vec<DayEntry>> = BTreeMap::new();
        for key in &self.order {
            if !exists(key)? {
                let subject = Subject { kind: key.kind, key: key.subject.clone() };
                days.entry(subject)
                    .or_default()
                    .push(DayEntry { bucket: key.bucket, height: self.height });
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
    appends: &Appends,
    changes: &mut Changes,
    batch: &mut Batch,
) -> Result<(), StoreError> {
    let height = appends.height;
    let heads: Vec<Vec<u8>> =
        appends.entries.keys().map(|key| schema::state(Namespace::Log, &key.state_key())).collect();
    view.prefetch(heads.iter())?;
    let days = appends.days(|key| Ok::<_, StoreError>(head(view, key)?.is_some()))?;
    for (key, entries) in &appends.entries {
        let mut grown = head(view, key)?.unwrap_or_default();
        for entry in entries {
            grown.append(entry.leaf(), height);
        }
        let row = schema::row(&schema::log_prefix(key), grown.size() - 1);
        sealed::put(batch, (Column::Logs, &row), |out| write_run(height, entries, out));
        // L4.5: the head is written once per block and log.
        changes.insert((Namespace::Log, key.state_key()), Some(grown.encode()));
    }
    for (subject, entries) in &days {
        let (key, prefix) = (directory(subject), schema::days_prefix(subject));
        let mut grown = head(view, &key)?.unwrap_or_default();
        for day in entries {
            let row = schema::row(&prefix, grown.size());
            sealed::put(batch, (Column::Days, &row), |out| write_day(day, out));
            grown.append(day.leaf(), height);
        }
        changes.insert((Namespace::Log, key.state_key()), Some(grown.encode()));
    }
    Ok(())
}

/// Where an entry of a log says that its receipt stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LogPlace {
    /// Height of the receipt.
    pub height: Height,
    /// Position among the receipts of that height.
    pub receipt_index: u32,
}

/// The entries that one block appended to one log: 4.2.
fn write_run(height: Height, entries: &[LogEntry], out: &mut Vec<u8>) {
    out.extend_from_slice(&height.value().to_be_bytes());
    for entry in entries {
        out.extend_from_slice(&entry.receipt_index.to_be_bytes());
    }
}

/// The entries of a row of a log, checksum apart; `None` where it is none.
pub(crate) fn run(value: &[u8]) -> Option<Vec<LogPlace>> {
    let (height, indices) = value.split_first_chunk()?;
    let height = Height::new(u64::from_be_bytes(*height));
    let (indices, rest) = indices.as_chunks::<4>();
    if indices.is_empty() || !rest.is_empty() {
        return None;
    }
    let place = |index: &[u8; 4]| LogPlace { height, receipt_index: u32::from_be_bytes(*index) };
    Some(indices.iter().map(place).collect())
}

fn write_day(day: &DayEntry, out: &mut Vec<u8>) {
    out.extend_from_slice(&day.bucket.to_be_bytes());
    out.extend_from_slice(&day.height.value().to_be_bytes());
}

/// The day of a row, checksum apart; `None` where it is none.
pub(crate) fn day(value: &[u8]) -> Option<DayEntry> {
    let mut input = Reader::new(value);
    let bucket = input.u32("bucket").ok()?;
    let height = Height::new(input.u64("height").ok()?);
    input.finish().ok()?;
    Some(DayEntry { bucket, height })
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
