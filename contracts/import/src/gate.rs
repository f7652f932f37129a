//! What every prepared operation passes before it is handed out: admission, the one gate of the
//! chain. And the collector that counts rows, drops true duplicates and reports the rest.

use std::collections::BTreeMap;

use contracts::admission::admit_body;
use contracts::privacy::{Scan, scan};
use proto::operation::OpUid;

use crate::limits::{BODY_BYTES_MAX, SHOWN_CHARS_MAX};
use crate::rule::Rule;
use crate::{Imported, Prepared, Rejected};

/// A fault at one field of a body or column of a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fault {
    pub(crate) field: String,
    pub(crate) rule: Rule,
    pub(crate) value: Option<String>,
}

impl Fault {
    pub(crate) fn new(field: impl Into<String>, rule: Rule) -> Self {
        Self { field: field.into(), rule, value: None }
    }

    pub(crate) fn of(field: impl Into<String>, rule: Rule, value: impl Into<String>) -> Self {
        Self { field: field.into(), rule, value: Some(value.into()) }
    }

    /// The fault of row `row`, at its own field.
    pub(crate) fn of_row(self, row: u64) -> Rejected {
        let column = self.field.clone();
        self.rejected(row, column)
    }

    /// The same fault, told of the column instead of the field.
    pub(crate) fn rejected(self, row: u64, column: String) -> Rejected {
        reject(row, column, self.rule, self.value)
    }
}

/// A rejection by one of the importer's own rules.
pub(crate) fn reject(row: u64, column: String, rule: Rule, value: Option<String>) -> Rejected {
    let value = value.filter(|value| !is_personal(value)).map(|value| shown(&value));
    let code = rule.code().to_owned();
    let (zh, en) = (rule.zh().to_owned(), rule.en().to_owned());
    Rejected { row, column, value, rule: code, zh, en }
}

/// A value cut to a readable length, without control characters.
pub(crate) fn shown(value: &str) -> String {
    let clean = value.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    let mut text: String = clean.clone().take(SHOWN_CHARS_MAX).collect();
    if clean.count() > SHOWN_CHARS_MAX {
        text.push('…');
    }
    text
}

/// Whether a value may name or reach a person, so that a rejection must not repeat it.
fn is_personal(value: &str) -> bool {
    scan(value, Scan::Free).is_some()
}

/// Why the chain would not admit the operation, with row and column; none where it would.
fn refused(prepared: &Prepared, place: &dyn Fn(&str) -> (u64, String)) -> Option<Rejected> {
    let bytes = prepared.body.encode().len();
    if bytes > BODY_BYTES_MAX {
        let (row, column) = place("");
        return Some(reject(row, column, Rule::OperationTooLarge, None));
    }
    let error = admit_body(prepared.kind, &prepared.body).err()?;
    let (row, column) = place(&error.field);
    Some(not_admitted(row, column, &error.rule, error.value))
}

/// A rejection by a rule of admission.
pub(crate) fn not_admitted(
    row: u64,
    column: String,
    rule: &contracts::admission::Rule,
    value: Option<String>,
) -> Rejected {
    let value = value.filter(|value| !is_personal(value)).map(|value| shown(&value));
    let (rule, zh, en) = (rule.reason().to_owned(), rule.zh(), rule.en());
    Rejected { row, column, value, rule, zh, en }
}

/// Collects what the rows of one file become.
#[derive(Default)]
pub(crate) struct Collector {
    imported: Imported,
    seen: BTreeMap<OpUid, usize>,
}

impl Collector {
    /// Counts a row.
    pub(crate) fn row(&mut self) {
        self.imported.rows += 1;
    }

    /// Counts a row that is left out on purpose.
    pub(crate) fn skipped(&mut self) {
        self.imported.skipped += 1;
    }

    /// Counts a row that says again what an earlier one says.
    pub(crate) fn duplicate(&mut self, row: u64) {
        self.imported.duplicates += 1;
        self.imported.duplicate_rows.push(row);
    }

    /// Reports a row.
    pub(crate) fn reject(&mut self, rejected: Rejected) {
        self.imported.rejected.push(rejected);
    }

    /// Takes an operation through the gate. `place` tells which row and column a field came from;
    /// the row of a rejection is returned.
    pub(crate) fn offer(
        &mut self,
        prepared: Prepared,
        place: &dyn Fn(&str) -> (u64, String),
    ) -> Option<u64> {
        if let Some(first) = self.seen.get(&prepared.uid) {
            let same =
                self.imported.operations.get(*first).is_some_and(|first| {
                    first.kind == prepared.kind && first.body == prepared.body
                });
            if same {
                self.duplicate(prepared.row);
                return None;
            }
            let (row, column) = place("");
            self.reject(reject(row, column, Rule::RecordReused, None));
            return Some(row);
        }
        if let Some(rejected) = refused(&prepared, place) {
            let row = rejected.row;
            self.reject(rejected);
            return Some(row);
        }
        self.seen.insert(prepared.uid, self.imported.operations.len());
        self.imported.operations.push(prepared);
        None
    }

    /// What the file became, rejections and duplicates in the order of their rows.
    pub(crate) fn finish(mut self) -> Imported {
        self.imported.rejected.sort_by_key(|rejected| rejected.row);
        self.imported.duplicate_rows.sort_unstable();
        self.imported
    }
}
