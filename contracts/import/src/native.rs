//! Our own format: one operation a line, fields named as in `proto::schema`.

use proto::operation::OpUid;
use proto::schema::OperationKind;

use crate::gate::{Collector, Fault};
use crate::limits::ROWS_MAX;
use crate::rule::Rule;
use crate::tree::Tree;
use crate::{FileError, Imported, Prepared, build};

/// Members of a line that are not fields of the body.
const ENVELOPE: [&str; 4] = ["kind", "uid", "platform", "record"];

/// Reads NDJSON. Empty lines are not rows.
pub(crate) fn read(bytes: &[u8]) -> Result<Imported, FileError> {
    let text = std::str::from_utf8(bytes).map_err(|_| FileError::Encoding { encoding: "UTF-8" })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut collector = Collector::default();
    for (number, line) in (1u64..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        if number > ROWS_MAX {
            return Err(FileError::TooManyRows { limit: ROWS_MAX });
        }
        collector.row();
        match operation(line, number) {
            Ok(prepared) => {
                collector.offer(prepared, &|field| (number, field.to_owned()));
            }
            Err(fault) => collector.reject(fault.of_row(number)),
        }
    }
    Ok(collector.finish())
}

fn operation(line: &str, row: u64) -> Result<Prepared, Fault> {
    let tree = Tree::strict(line)?;
    let word = |name: &str| match tree.member(name) {
        Some(Tree::Text(text)) => Ok(Some(text.as_str())),
        Some(Tree::Number(_) | Tree::Flag(_) | Tree::Inexact | Tree::List(_) | Tree::Object(_)) => {
            Err(Fault::new(name, Rule::WrongShape))
        }
        Some(Tree::Null) | None => Ok(None),
    };
    let kind = word("kind")?.ok_or_else(|| Fault::new("kind", Rule::MissingValue))?;
    let kind =
        OperationKind::from_name(kind).ok_or_else(|| Fault::of("kind", Rule::UnknownKind, kind))?;
    let uid = match (word("uid")?, word("platform")?, word("record")?) {
        (Some(uid), None, None) => {
            let bytes = hex::decode(uid).ok().and_then(|bytes| bytes.try_into().ok());
            OpUid(bytes.ok_or_else(|| Fault::of("uid", Rule::NotHex, uid))?)
        }
        (None, Some(platform), Some(record)) => OpUid::of_record(platform, record),
        _ => return Err(Fault::new("record", Rule::NoIdentity)),
    };
    let body = build::body(kind, &tree, &ENVELOPE)?;
    Ok(Prepared { row, kind, uid, body })
}
