//! Mapping files: how a platform's export, unchanged, becomes operations. This file holds the parsed
//! mapping; `file` parses it, `records` finds the rows, `apply` turns them into bodies.

mod apply;
mod convert;
mod file;
mod quotes;
mod records;

use std::collections::{BTreeMap, BTreeSet};

use proto::schema::OperationKind;
use proto::schema::event::Uom;
use thiserror::Error;

use crate::time::Pattern;
use crate::{FileError, Imported};

/// A parsed mapping file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mapping {
    platform: String,
    encoding: Encoding,
    format: Format,
    delimiter: u8,
    zone_seconds: i32,
    tables: BTreeMap<String, BTreeMap<String, String>>,
    units: BTreeMap<String, Unit>,
    rules: Vec<Rule>,
}

/// Why a mapping file is refused. Nothing is read with it.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum MappingError {
    /// Too many bytes.
    #[error("the mapping file has {found} bytes, at most {limit} are read")]
    TooLarge {
        /// Bytes of the file.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// Not TOML, a key that is not known, or one that is missing; the parser names it and its line.
    #[error("the mapping file cannot be read: {detail}")]
    Malformed {
        /// What the parser says.
        detail: String,
    },
    /// A value that means nothing in its place.
    #[error("the mapping file is wrong at {place}: {detail}")]
    Invalid {
        /// Rule and key.
        place: String,
        /// What was expected and what stands there.
        detail: String,
    },
}

impl MappingError {
    /// The reason in Chinese.
    pub fn zh(&self) -> String {
        match self {
            Self::TooLarge { found, limit } => {
                format!("映射文件过大：{found} 字节，上限 {limit} 字节")
            }
            Self::Malformed { detail } => format!("映射文件无法读取：{detail}"),
            Self::Invalid { place, detail } => format!("映射文件“{place}”处有误：{detail}"),
        }
    }

    fn invalid(place: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid { place: place.into(), detail: detail.into() }
    }
}

impl Mapping {
    /// Parses a mapping file; the format is described on the crate's front page.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        file::parse(text)
    }

    /// The platform whose record numbers the file holds.
    pub fn platform(&self) -> &str {
        &self.platform
    }
}

/// Reads an export.
pub(crate) fn read(bytes: &[u8], mapping: &Mapping) -> Result<Imported, FileError> {
    apply::read(bytes, mapping)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Encoding {
    Utf8,
    Gb18030,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    Csv,
    Json,
    Ndjson,
    Xml,
}

/// A unit of the platform: how many millionths of which unit of ours it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Unit {
    uom: Uom,
    factor_micro: i64,
}

/// One rule: which rows become which operation, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Rule {
    name: String,
    /// Where the rows are; empty for CSV and NDJSON.
    rows: String,
    /// Whether the rows may be absent from the file.
    optional: bool,
    when: Vec<Condition>,
    act: Act,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Act {
    /// Left out on purpose.
    Skip,
    Make(Make),
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Make {
    kind: Kind,
    record: Vec<String>,
    group: bool,
    fields: Vec<Assignment>,
    parts: Vec<Part>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Kind {
    Constant(OperationKind),
    Column { column: String, table: String },
}

/// The column holds one of the values.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Condition {
    column: String,
    values: BTreeSet<String>,
}

/// Repeated values: each row found under `rows` is one more element of a list, or left out on purpose.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Part {
    /// The list; none where the rows are left out.
    of: Option<String>,
    rows: String,
    /// Whether the whole file may have none.
    optional: bool,
    when: Vec<Condition>,
    fields: Vec<Assignment>,
}

/// One field of the body and where its value comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Assignment {
    /// Path of the field, such as `lot` then `product`.
    field: Vec<String>,
    origin: Origin,
    shape: Shape,
    table: Option<String>,
    default: Option<String>,
    optional: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Origin {
    Column(String),
    Columns(Vec<String>),
    Constant(crate::tree::Tree),
    Template(Vec<Piece>),
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Text(String),
    Column(String),
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Shape {
    Text,
    /// Texts: of several columns, of a list, or of one text cut at a separator.
    List {
        split: Option<String>,
    },
    Time(TimeFormat),
    Day(Pattern),
    /// A decimal number in units of 10^-places.
    Scaled {
        places: usize,
    },
    Flag,
    Quantity {
        unit: UnitOrigin,
    },
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum TimeFormat {
    Rfc3339,
    Pattern(Pattern),
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum UnitOrigin {
    /// Behind the number: `12.5千克`.
    Suffix,
    Constant(String),
    Column(String),
}

impl Assignment {
    /// The columns that the value comes from.
    fn origins(&self) -> Vec<&str> {
        match &self.origin {
            Origin::Column(column) => vec![column],
            Origin::Columns(columns) => columns.iter().map(String::as_str).collect(),
            Origin::Constant(_) => Vec::new(),
            Origin::Template(pieces) => pieces.iter().filter_map(Piece::column).collect(),
        }
    }

    /// The columns that the assignment reads: those of the value, and of its unit.
    fn columns(&self) -> Vec<&str> {
        let mut columns = self.origins();
        if let Shape::Quantity { unit: UnitOrigin::Column(column) } = &self.shape {
            columns.push(column);
        }
        columns
    }

    /// What the user is told of where the value stands.
    fn place(&self, row: &records::Row<'_>) -> String {
        let named: Vec<String> = self.origins().into_iter().map(|c| row.column(c)).collect();
        if named.is_empty() { self.field.join(".") } else { named.join("+") }
    }
}

impl Piece {
    fn column(&self) -> Option<&str> {
        match self {
            Self::Text(_) => None,
            Self::Column(column) => Some(column),
        }
    }
}
