//! Every log and directory against its head in the state, every entry against its receipt.

use proto::codec::{Canonical as _, Reader as Input};
use proto::history::{LogEntry, LogHead, LogKey};
use proto::namespace::Namespace;
use proto::receipt::{Link, Subject, SubjectKind};
use proto::types::Height;

use super::{Place, Progress, Run};
use crate::logs::{self, LogPlace};
use crate::reader::log_row;
use crate::receipts::Receipts;
use crate::schema;
use crate::store::{Column, Pair, StoreError, StoreRead, hex};

/// Logs read at once.
const LOGS_PAGE: usize = 1_000;

/// Rows of logs and directories that have been looked at.
#[derive(Clone, Copy, Default)]
struct Rows {
    entries: u64,
    logs: u64,
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
                    (Some(key), Ok(head)) => self.log(&key, &head, &mut rows)?,
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
        let rule = "each of its rows is of a log that the state names";
        self.same(Column::Logs, || Place::Height(head), rule, (rows.logs, entries));
        let days = self.count(Column::Days)?;
        self.same(Column::Days, || Place::Height(head), rule, (rows.days, days));
        let rule = "the logs have one entry for each subject of each receipt";
        self.same(Column::Logs, || Place::Height(head), rule, (self.links, rows.entries));
        Ok(())
    }

    fn log(&mut self, key: &LogKey, head: &LogHead, rows: &mut Rows) -> Result<(), StoreError> {
        let directory = key.bucket == 0 && !key.kind.has_one_log();
        let column = if directory { Column::Days } else { Column::Logs };
        let found = if directory { self.days(key, rows)? } else { self.entries(key, rows)? };
        // A row that is named already explains a wrong root.
        let Some(found) = found else { return Ok(()) };
        let size = head.size();
        let place = || Place::Log { key: key.clone(), index: size };
        let rule = "the log has as many entries as its head counts";
        if self.same(column, place, rule, (size, found.size())) {
            let rule = "the entries hash to the root in the head of the log";
            self.same(column, place, rule, (head.root(), found.root()));
            let rule = "the head of the log names the height of its last entry";
            self.same(column, place, rule, (head.last_height, found.last_height));
        }
        Ok(())
    }

    /// What the rows of a log give, read in their order; none where one of them cannot be judged.
    fn entries(&mut self, key: &LogKey, rows: &mut Rows) -> Result<Option<LogHead>, StoreError> {
        let prefix = schema::log_prefix(key);
        let mut found = LogHead::default();
        let mut receipts = Receipts::new(self.view.read());
        for (row, stored) in self.rows(Column::Logs, &prefix)? {
            let entries = match log_row(&row, &stored, &prefix) {
                Ok(entries) => entries,
                Err(error) => return self.unread(error).map(|()| None),
            };
            let Some((first, LogPlace { height, .. })) = entries.first().copied() else {
                return Ok(None);
            };
            if first != found.size() || found.size() > 0 && height <= found.last_height {
                let rule = "the rows of a log follow each other, one for each block";
                let place = Place::Log { key: key.clone(), index: first };
                let expected = format!("entry {} above {}", found.size(), found.last_height);
                let shown = format!("entry {first} of height {height}");
                self.fault(Column::Logs, place, rule, (expected, shown));
                return Ok(None);
            }
            for (index, place) in entries {
                let Some(entry) = self.entry((key, index), place, &mut receipts)? else {
                    return Ok(None);
                };
                found.append(entry.leaf(), height);
                rows.entries += 1;
            }
            rows.logs += 1;
        }
        Ok(Some(found))
    }

    /// The entry as it is hashed, whose receipt names the log's subject.
    fn entry(
        &mut self,
        (key, index): (&LogKey, u64),
        LogPlace { height, receipt_index }: LogPlace,
        receipts: &mut Receipts<'_, R>,
    ) -> Result<Option<LogEntry>, StoreError> {
        let at = Place::Log { key: key.clone(), index };
        let receipt = match receipts.get(height, receipt_index) {
            Ok(Some(stored)) => stored.receipt,
            Ok(None) => {
                let rule = "the receipt of the entry is there";
                self.fault(Column::Logs, at, rule, ("a receipt", "none"));
                return Ok(None);
            }
            Err(failed @ StoreError::Failed { .. }) => return Err(failed),
            // A row of receipts that cannot be read is a fault of its own column.
            Err(_) => return Ok(None),
        };
        let mut links = receipt.links.as_slice().iter();
        let named =
            |link: &Link| (link.subject.kind, &link.subject.key) == (key.kind, &key.subject);
        if !links.any(named) {
            let rule = "the receipt of the entry names the subject of the log";
            self.fault(Column::Logs, at, rule, ("a link", "none"));
            return Ok(None);
        }
        Ok(Some(LogEntry { height, receipt_index, receipt_leaf: receipt.payload().leaf() }))
    }

    /// What the days of a directory give; none where one of them cannot be judged.
    fn days(&mut self, key: &LogKey, rows: &mut Rows) -> Result<Option<LogHead>, StoreError> {
        let subject = Subject { kind: key.kind, key: key.subject.clone() };
        let prefix = schema::days_prefix(&subject);
        let mut found = LogHead::default();
        for (row, stored) in self.rows(Column::Days, &prefix)? {
            let Some(value) = self.opened(Column::Days, &row, &stored)? else { return Ok(None) };
            let follows = row == schema::row(&prefix, found.size());
            let Some(day) = logs::day(value).filter(|_| follows) else {
                let rule = "it holds a day, and the days follow each other";
                let place = Place::Log { key: key.clone(), index: found.size() };
                self.fault(Column::Days, place, rule, ("a day", hex(&row)));
                return Ok(None);
            };
            let log = LogKey { bucket: day.bucket, ..key.clone() };
            if let Some(first) = self.first_entry(&log)? {
                let rule = "the log of a day begins at the height that the directory names";
                let place = || Place::Log { key: log.clone(), index: 0 };
                self.same(Column::Days, place, rule, (day.height, first));
            }
            found.append(day.leaf(), day.height);
            rows.days += 1;
        }
        Ok(Some(found))
    }

    fn rows(&self, column: Column, prefix: &[u8]) -> Result<Vec<Pair>, StoreError> {
        self.read().scan_prefix(column, prefix, prefix, usize::MAX)
    }

    /// Height of the first entry of a log, 0 of an empty one; none where its first row cannot be read,
    /// which is a fault of its own.
    fn first_entry(&self, log: &LogKey) -> Result<Option<Height>, StoreError> {
        match self.view.log_entries(log, Height::new(u64::MAX), 0, 1) {
            Ok(first) => Ok(Some(first.first().map(|(_, place)| place.height).unwrap_or_default())),
            Err(failed @ StoreError::Failed { .. }) => Err(failed),
            Err(_) => Ok(None),
        }
    }
}

fn log_key(state_key: &[u8]) -> Option<LogKey> {
    let mut input = Input::new(state_key);
    let kind = SubjectKind::from_code(input.u8("kind").ok()?)?;
    let bucket = input.u32("bucket").ok()?;
    let subject = input.raw("subject", input.remaining()).ok()?.to_vec();
    Some(LogKey { kind, bucket, subject })
}
