#![cfg(test)]
//! The first gate, rule by rule: what is admitted, and for each rule a body that breaks it and nothing
//! else.

mod acts;
mod events;
mod gate;
mod registry;
mod subjects;

use contracts::admission::{AdmissionError, admit};
use proto::operation::{OpUid, Operation, Salt};
use proto::schema::event::{Item, Quantity, Uom};
use proto::schema::{Body, OperationKind};

/// A row of a table: a change of a good body, and what admission says of it then.
type Row<T> = (fn(&mut T), &'static str);

/// A table; being an argument, its closures become functions.
fn rows<T, const ROWS: usize>(rows: [Row<T>; ROWS]) -> [Row<T>; ROWS] {
    rows
}

/// A body as an operation.
fn operation(kind: OperationKind, body: &Body) -> Operation {
    let (uid, salt) = (OpUid([1; 16]), Salt([2; 16]));
    Operation { kind: kind.code(), version: 1, uid, salt, body: body.encode() }
}

/// What admission says of a body: `ok`, or the field, the value in quotes and the reason.
fn verdict(kind: OperationKind, body: &Body) -> String {
    match admit(&operation(kind, body)) {
        Ok(read) => {
            assert_eq!(read, *body, "what is admitted is what was sent");
            "ok".to_owned()
        }
        Err(error) => said(&error),
    }
}

fn said(error: &AdmissionError) -> String {
    let value = error.value.as_ref().map(|value| format!(" \"{value}\"")).unwrap_or_default();
    assert!(!error.en().is_empty() && !error.zh().is_empty(), "both languages have a sentence");
    format!("{}{value} {}", error.field, error.reason())
}

fn quantity(milli: u64) -> Quantity {
    Quantity { milli, uom: Uom::Xbx.into() }
}

fn item(code: &str) -> Item {
    Item { code: code.to_owned(), quantity: Some(quantity(1_000)), counterpart: String::new() }
}
