#![doc = include_str!("../README.md")]

mod build;
mod decimal;
mod epcis;
mod gate;
pub mod limits;
pub mod mapping;
mod native;
mod rule;
mod time;
mod tree;

use proto::operation::{OpUid, Operation, Salt};
use proto::schema::body::BODY_VERSION;
use proto::schema::{Body, OperationKind};
use thiserror::Error;

pub use mapping::{Mapping, MappingError};
pub use rule::Rule;

/// What a file is and how it is read.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// NDJSON of our own schema.
    Native,
    /// A platform's export, read by a mapping file.
    Mapped(&'a Mapping),
    /// EPCIS 2.0 in JSON-LD: a document, a query document, a list of events or one event.
    Epcis,
}

/// An operation without the submitter's salt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prepared {
    /// Row of the file that it comes from; the first one where rows are grouped.
    pub row: u64,
    /// Type.
    pub kind: OperationKind,
    /// Identity at the source.
    pub uid: OpUid,
    /// Body.
    pub body: Body,
}

impl Prepared {
    /// The operation as `submitter_secret` submits it: the same file gives the same bytes again.
    pub fn operation(&self, submitter_secret: &[u8; 32]) -> Operation {
        self.salted(Salt::derive(submitter_secret, self.uid))
    }

    /// The operation with a salt of nobody, for the gate that looks at the body alone.
    fn salted(&self, salt: Salt) -> Operation {
        Operation {
            kind: self.kind.code(),
            version: BODY_VERSION,
            uid: self.uid,
            salt,
            body: self.body.encode(),
        }
    }
}

/// A row that did not become an operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejected {
    /// Row of the file: the line of an NDJSON file, the row of a spreadsheet with its header as row
    /// 1, the line of an XML element, the position of a JSON record or EPCIS event from 1.
    pub row: u64,
    /// Column, or path within the record; empty where the row as a whole is meant.
    pub column: String,
    /// What stands there, cut to a readable length; none where it is or may hold personal data.
    pub value: Option<String>,
    /// Stable code of the rule.
    pub rule: String,
    /// The reason in Chinese.
    pub zh: String,
    /// The reason in English.
    pub en: String,
}

/// What a file became.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Imported {
    /// Rows read.
    pub rows: u64,
    /// Rows that say again, word for word, what an earlier row of the file says.
    pub duplicates: u64,
    /// Which rows these are, in the order of the file.
    pub duplicate_rows: Vec<u64>,
    /// Rows that the mapping file leaves out on purpose.
    pub skipped: u64,
    /// The operations, in the order of the file.
    pub operations: Vec<Prepared>,
    /// The rows that gave none, in the order of the file.
    pub rejected: Vec<Rejected>,
}

/// Why a file as a whole cannot be read. Nothing of it is imported.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum FileError {
    /// Too many bytes.
    #[error("the file has {found} bytes, at most {limit} are read")]
    TooLarge {
        /// Bytes of the file.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// Too many rows.
    #[error("the file has more than {limit} rows")]
    TooManyRows {
        /// The limit.
        limit: u64,
    },
    /// Bytes that are not text in the stated encoding.
    #[error("the file is not text in {encoding}")]
    Encoding {
        /// The encoding.
        encoding: &'static str,
    },
    /// Not of the stated format.
    #[error("the file is not {format}: {detail}")]
    Malformed {
        /// The format.
        format: &'static str,
        /// What the parser says, with its line.
        detail: String,
    },
    /// A quotation mark of a CSV file that nothing closes: the rows behind it would pass for its cell.
    #[error(
        "row {row}, column {column:?}: a quotation mark opens this cell and takes in the rows behind \
         it; a closing mark is missing, or a mark within a text is not doubled"
    )]
    OpenQuote {
        /// Line on which the cell begins.
        row: u64,
        /// Its column.
        column: String,
    },
    /// The mapping file names a column that the file does not have.
    #[error(
        "the mapping names the column {column:?} in rule {rule:?}, the file has no such column"
    )]
    UnknownColumn {
        /// The column or path.
        column: String,
        /// The rule that names it.
        rule: String,
    },
    /// The mapping file names rows that the file does not have.
    #[error(
        "the mapping looks for rows under {path:?} in rule {rule:?}, the file has nothing there"
    )]
    UnknownRows {
        /// The path.
        path: String,
        /// The rule that names it.
        rule: String,
    },
}

impl FileError {
    /// The reason in Chinese.
    pub fn zh(&self) -> String {
        match self {
            Self::TooLarge { found, limit } => {
                format!("文件过大：{found} 字节，上限 {limit} 字节")
            }
            Self::TooManyRows { limit } => format!("文件行数超过上限 {limit} 行"),
            Self::Encoding { encoding } => format!("文件不是 {encoding} 编码的文本"),
            Self::Malformed { format, detail } => format!("文件不是合法的 {format}：{detail}"),
            Self::OpenQuote { row, column } => format!(
                "第 {row} 行“{column}”列：该单元格以引号开头并吞入了后面的行；缺少右引号，或文本中的引号未写成两个"
            ),
            Self::UnknownColumn { column, rule } => {
                format!("映射规则“{rule}”引用的列“{column}”在文件中不存在")
            }
            Self::UnknownRows { path, rule } => {
                format!("映射规则“{rule}”要找的记录“{path}”在文件中不存在")
            }
        }
    }
}

/// Reads a file into operations. A broken row is reported and never stops the rest.
pub fn import(bytes: &[u8], source: &Source<'_>) -> Result<Imported, FileError> {
    let (found, limit) = (bytes.len(), limits::FILE_BYTES_MAX);
    if found > limit {
        return Err(FileError::TooLarge { found, limit });
    }
    match source {
        Source::Native => native::read(bytes),
        Source::Mapped(mapping) => mapping::read(bytes, mapping),
        Source::Epcis => epcis::read(bytes),
    }
}
