//! Every log and directory against its head in the state, every entry against its receipt.

use proto::codec::{Canonical as _, Reader as Input};
use proto::hash::Hash;
use proto::history::{LogHead, LogKey};
use proto::receipt::{Subject, SubjectKind};
use proto::tree::Frontier;
use proto::trie::Namespace;
use proto::types::Height;

use super::{Place, Progress, Run};
use crate::logs::{self, payload_bytes};
use crate::schema;
use crate::store::{Column, StoreError, StoreRead};

/// Logs read at once.
const LOGS_PAGE: usize = 1_000;

/// Rows of logs and directories that have been looked at.
#[derive(Clone, Copy, Default)]
struct Rows {
    entries: u64,
    days: u64,
}

impl<R: StoreRead> Run<'_, '_, R> {
    /// Every log that the state names, then the rows that none of them named.
    pub(super) fn logs(&mut self) -> Result<(), StoreError> {
        let (mut rows, mut done, mut from) = (Rows::default(), 0, Vec::new());
        loop {
            let page = self.view.scan_state(Namespace::Log, &[], &from, LOGS_PAGE)?;
            let Some((last, _)) = page.last() else { break };
            // The smallest key above the last one.
            from = [last.as_slice(), &[0]].concat();
            for (state_key, value) in &page {
                if self.full() {
                    return Ok(());
                }
                match (log_key(state_key), LogHead::decode(value)) {
                    (Some(key), Ok(head)) => self.log(&key, head, &mut rows)?,
                    (None, _) | (_, Err(_)) => {
                        let key = state_key.clone();
                        let place = Place::State { namespace: Namespace::Log, key };
                        let rule = "a log has kind, bucket, subject and a head";
                        self.fault(Column::State, place, rule, ("a log", "something else"));
                    }
                }
                done += 1;
            }
            (self.progress)(Progress::Logs(done));
        }
        self.counts.log_entries = rows.entries + rows.days;
        if !self.faults.is_empty() {
            return Ok(());
        }
        let head = self.head;
        let entries = self.count(Column::Logs)?;
        let rule = "it has as many rows as the heads of the logs count";
        self.same(Column::Logs, || Place::Height(head), rule, (rows.entries, entries));
        let days = self.count(Column::Days)?;
        self.same(Column::Days, || Place::Height(head), rule, (rows.days, days));
        let rule = "the logs have one entry for each subject of each receipt";
        self.same(Column::Logs, || Place::Height(head), rule, (self.links, rows.entries));
        Ok(())
    }

    fn log(&mut self, key: &LogKey, head: LogHead, rows: &mut Rows) -> Result<(), StoreError> {
        let directory = key.bucket == 0 && !key.kind.has_one_log();
        let (column, prefix) = if directory {
            let subject = Subject { kind: key.kind, key: key.subject.clone() };
            (Column::Days, schema::days_prefix(&subject))
        } else {
            (Column::Logs, schema::log_prefix(key))
        };
        let faults = self.faults.len();
        let mut frontier = Frontier::default();
        let (mut last, mut peaks) = (Height::GENESIS, Vec::new());
        for index in 0..head.size {
            let place = || Place::Log { key: key.clone(), index };
            let row = self.read().get(column, &schema::row(&prefix, index))?.unwrap_or_default();
            let entry =
                if directory { self.day(key, &row)? } else { self.entry(key, index, &row)? };
            let Some((height, leaf)) = entry else {
                let found = format!("{} bytes", row.len());
                self.fault(column, place(), "it holds an entry", ("an entry", found));
                // A wrong head may count far more entries than there are.
                break;
            };
            // L4.6: only the last entry that a block appends carries the peaks.
            if index > 0 && (height > last) == peaks.is_empty() {
                let rule = "the last entry of a block carries the peaks, and no other";
                let before = Place::Log { key: key.clone(), index: index - 1 };
                self.fault(column, before, rule, ("the other", "peaks or none"));
            }
            frontier.append(leaf, |_, _, _| ());
            *(if directory { &mut rows.days } else { &mut rows.entries }) += 1;
            last = height;
            peaks = row.get(payload_bytes(column)..).unwrap_or_default().to_vec();
            let expected: Vec<u8> =
                frontier.peaks().iter().flat_map(|peak| *peak.as_bytes()).collect();
            if !peaks.is_empty() && peaks != expected && self.faults.len() == faults {
                let rule = "its peaks are those of the entries so far";
                let shown = |bytes: &[u8]| proto::hash::Tag::Log.hash(bytes);
                self.fault(column, place(), rule, (shown(&expected), shown(&peaks)));
            }
        }
        // An entry that is named already explains a wrong root.
        if self.faults.len() == faults {
            let place = || Place::Log { key: key.clone(), index: head.size };
            let rule = "the entries hash to the root in the head of the log";
            self.same(column, place, rule, (head.root, frontier.root()));
            let rule = "the head of the log names the height of its last entry";
            self.same(column, place, rule, (head.last_height, last));
        }
        Ok(())
    }

    /// Height and leaf of an entry whose receipt names the log's subject.
    fn entry(
        &mut self,
        key: &LogKey,
        index: u64,
        row: &[u8],
    ) -> Result<Option<(Height, Hash)>, StoreError> {
        let Some(entry) = logs::entry(row) else { return Ok(None) };
        let place = || Place::Log { key: key.clone(), index };
        let key_bytes = schema::placed(entry.height, entry.receipt_index);
        let bytes = self.read().get(Column::Receipts, &key_bytes)?.unwrap_or_default();
        // A receipt that cannot be read is a fault of its own column.
        if let Ok(receipt) = proto::receipt::Receipt::decode(&bytes) {
            let found = receipt.payload().leaf();
            let rule = "the entry names the leaf of its receipt";
            let known = self.receipt_is_named(entry.height, entry.receipt_index);
            let subject = Subject { kind: key.kind, key: key.subject.clone() };
            if !known && self.same(Column::Logs, place, rule, (found, entry.receipt_leaf)) {
                let links = receipt.links.as_slice();
                if !links.iter().any(|link| link.subject == subject) {
                    let rule = "the receipt of the entry names the subject of the log";
                    self.fault(Column::Logs, place(), rule, ("a link", "none"));
                }
            }
        } else if bytes.is_empty() {
            let rule = "the receipt of the entry is there";
            self.fault(Column::Logs, place(), rule, ("a receipt", "none"));
        }
        Ok(Some((entry.height, entry.leaf())))
    }

    fn receipt_is_named(&self, at: Height, of: u32) -> bool {
        let place = Place::Receipt { height: at, index: of };
        self.faults.iter().any(|fault| fault.place == place || fault.place == Place::Height(at))
    }

    /// Height and leaf of a day whose log begins at that height.
    fn day(&mut self, key: &LogKey, row: &[u8]) -> Result<Option<(Height, Hash)>, StoreError> {
        let Some(day) = logs::day(row) else { return Ok(None) };
        let log = LogKey { bucket: day.bucket, ..key.clone() };
        let first = self.view.log_entries(&log, Height::new(u64::MAX), 0, 1)?;
        let found = first.first().map(|(_, entry)| entry.height);
        let place = || Place::Log { key: log.clone(), index: 0 };
        let rule = "the log of a day begins at the height that the directory names";
        let found = found.unwrap_or_default();
        self.same(Column::Days, place, rule, (day.height, found));
        Ok(Some((day.height, day.leaf())))
    }
}

fn log_key(state_key: &[u8]) -> Option<LogKey> {
    let mut input = Input::new(state_key);
    let kind = SubjectKind::from_code(input.u8("kind").ok()?)?;
    let bucket = input.u32("bucket").ok()?;
    let subject = input.raw("subject", input.remaining()).ok()?.to_vec();
    Some(LogKey { kind, bucket, subject })
}
