//! EPCIS 2.0 in JSON-LD: a document, a query document, a list of events or a single event. Each event
//! becomes one operation, or is rejected for a stated reason.

mod event;
mod original;

use proto::operation::OpUid;
use proto::schema::OperationKind;

use crate::gate::{Collector, Fault};
use crate::limits::ROWS_MAX;
use crate::rule::Rule;
use crate::tree::{RawMembers, Tree, raw_elements};
use crate::{FileError, Imported, Prepared};
use event::EventType;
use original::Context;

/// Namespace of the event ids, which are unique in the world by themselves.
const PLATFORM: &str = "epcis";

/// Reads a file.
pub(crate) fn read(bytes: &[u8]) -> Result<Imported, FileError> {
    let text = std::str::from_utf8(bytes).map_err(|_| FileError::Encoding { encoding: "UTF-8" })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = Tree::from_json(text).map_err(|error| malformed(error.to_string()))?;
    let context = Context::of(document.member("@context"));
    let events = events(text, &document)?;
    let mut collector = Collector::default();
    for (row, raw) in (1u64..).zip(events) {
        if row > ROWS_MAX {
            return Err(FileError::TooManyRows { limit: ROWS_MAX });
        }
        collector.row();
        match operation(row, raw, &context) {
            Ok(prepared) => {
                collector.offer(prepared, &|field| (row, event::column(field).to_owned()));
            }
            Err(fault) => {
                let column = fault.field.clone();
                collector.reject(fault.rejected(row, column));
            }
        }
    }
    Ok(collector.finish())
}

fn malformed(detail: impl Into<String>) -> FileError {
    FileError::Malformed { format: "EPCIS", detail: detail.into() }
}

/// The texts of the events of the file.
fn events<'a>(text: &'a str, document: &Tree) -> Result<Vec<&'a str>, FileError> {
    if matches!(document, Tree::List(_)) {
        return raw_elements(text).ok_or_else(|| malformed("not a list"));
    }
    let kind = document.member("type").and_then(Tree::scalar).unwrap_or_default();
    if EventType::of(&kind).is_some() {
        return Ok(vec![text]);
    }
    let paths: [&[&str]; 2] =
        [&["epcisBody", "eventList"], &["epcisBody", "queryResults", "resultsBody", "eventList"]];
    let list = paths.into_iter().find_map(|path| raw_at(text, path));
    let list = list.ok_or_else(|| {
        malformed("no event, no list of events and no document with epcisBody.eventList")
    })?;
    raw_elements(list).ok_or_else(|| malformed("eventList is not a list"))
}

/// The text at a path of member names.
fn raw_at<'a>(text: &'a str, path: &[&str]) -> Option<&'a str> {
    let mut text = text;
    for name in path {
        let members: RawMembers<'a> = serde_json::from_str(text).ok()?;
        text = members.0.into_iter().find(|(key, _)| key == name).map(|(_, raw)| raw.get())?;
    }
    Some(text)
}

fn operation(row: u64, raw: &str, context: &Context) -> Result<Prepared, Fault> {
    let tree = Tree::from_json(raw).map_err(|_| Fault::new("", Rule::NotJson))?;
    original::no_contact_data(&tree, "")?;
    let original = original::text(raw, &tree, context)?;
    let body = event::observation(&tree, original)?;
    Ok(Prepared { row, kind: OperationKind::Observation, uid: uid(&tree), body })
}

/// The event's own id. An event that declares an error repeats the id of the event it is about, so
/// the time of the declaration is part of its identity; without an id its content is.
fn uid(event: &Tree) -> OpUid {
    let id = event.member("eventID").and_then(Tree::scalar).filter(|id| !id.is_empty());
    let declared =
        event.member("errorDeclaration").and_then(|error| error.member("declarationTime"));
    let record = match (id, declared.and_then(Tree::scalar)) {
        (Some(id), Some(declared)) => format!("{id}#error/{declared}"),
        (Some(id), None) => id,
        (None, _) => original::canonical(event),
    };
    OpUid::of_record(PLATFORM, &record)
}
