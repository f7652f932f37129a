//! EPCIS 2.0 in JSON-LD: a document, a query document, a list of events or a single event. Each event
//! becomes one operation, or is rejected for a stated reason.

mod event;
mod native;
mod original;

use contracts::admission;
use proto::operation::OpUid;
use proto::schema::OperationKind;
use serde_json::value::RawValue;

use crate::gate::{Collector, Fault, not_admitted};
use crate::limits::ROWS_MAX;
use crate::tree::{RawMembers, Tree};
use crate::{FileError, Imported, Prepared, Rejected};
use event::EventType;
use original::Context;

/// Namespace of the event ids, which are unique in the world by themselves.
const PLATFORM: &str = "epcis";

/// Reads a file.
pub(crate) fn read(bytes: &[u8]) -> Result<Imported, FileError> {
    let text = std::str::from_utf8(bytes).map_err(|_| FileError::Encoding { encoding: "UTF-8" })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = Document::of(text)?;
    let context = Context::of(document.context()?.as_ref());
    let events = document.events()?;
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
            Err(rejected) => collector.reject(*rejected),
        }
    }
    Ok(collector.finish())
}

fn malformed(detail: impl Into<String>) -> FileError {
    FileError::Malformed { format: "EPCIS", detail: detail.into() }
}

/// The file, of which only the way to the events is read: what is wrong within one event is a fault
/// of that event alone.
enum Document<'a> {
    Events(&'a str),
    Members(&'a str, Vec<(String, &'a RawValue)>),
}

impl<'a> Document<'a> {
    fn of(text: &'a str) -> Result<Self, FileError> {
        if text.trim_start().starts_with('[') {
            return Ok(Self::Events(text));
        }
        Ok(Self::Members(text, members(text)?))
    }

    fn context(&self) -> Result<Option<Tree>, FileError> {
        let Self::Members(_, members) = self else { return Ok(None) };
        let Some(raw) = member(members, "@context")? else { return Ok(None) };
        Tree::from_json(raw).map(Some).map_err(|error| malformed(error.to_string()))
    }

    /// The texts of the events.
    fn events(&self) -> Result<Vec<&'a str>, FileError> {
        const PATHS: [&[&str]; 2] = [
            &["epcisBody", "eventList"],
            &["epcisBody", "queryResults", "resultsBody", "eventList"],
        ];
        let list = match self {
            Self::Events(text) => text,
            Self::Members(text, outer) => {
                let kind = member(outer, "type")?.unwrap_or_default();
                if EventType::of(kind.trim_matches('"')).is_some() {
                    return Ok(vec![text]);
                }
                let found = PATHS.into_iter().find_map(|path| raw_at(outer, path).transpose());
                found.transpose()?.ok_or_else(|| {
                    malformed(
                        "no event, no list of events and no document with epcisBody.eventList",
                    )
                })?
            }
        };
        serde_json::from_str::<Vec<&RawValue>>(list)
            .map(|events| events.into_iter().map(RawValue::get).collect())
            .map_err(|error| malformed(error.to_string()))
    }
}

fn members(text: &str) -> Result<Vec<(String, &RawValue)>, FileError> {
    let read: RawMembers<'_> =
        serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
    Ok(read.0)
}

/// The text of the one member of this name.
fn member<'a>(
    members: &[(String, &'a RawValue)],
    name: &str,
) -> Result<Option<&'a str>, FileError> {
    let mut found = members.iter().filter(|(key, _)| key == name).map(|(_, raw)| raw.get());
    match (found.next(), found.next()) {
        (first, None) => Ok(first),
        (_, Some(_)) => Err(malformed(format!("the document has two members {name}"))),
    }
}

/// The text at a path of member names.
fn raw_at<'a>(
    outer: &[(String, &'a RawValue)],
    path: &[&str],
) -> Result<Option<&'a str>, FileError> {
    let Some((name, rest)) = path.split_first() else { return Ok(None) };
    match member(outer, name)? {
        Some(raw) if !rest.is_empty() => raw_at(&members(raw)?, rest),
        found => Ok(found),
    }
}

fn operation(row: u64, raw: &str, context: &Context) -> Result<Prepared, Box<Rejected>> {
    let told = |fault: Fault| Box::new(fault.of_row(row));
    let tree = Tree::strict(raw).map_err(told)?;
    original::no_contact_data(&tree, "").map_err(told)?;
    let uid = uid(&tree);
    if let Some(error) = native::declared(&tree) {
        let kind = if let Ok(Some((kind, _))) = native::event(row, &tree) {
            kind
        } else {
            // What is refused today may have been recorded as an observation once.
            event::observation(&tree, Vec::new()).map_err(told)?;
            OperationKind::Observation
        };
        let body = native::taken_back(error, undeclared(&tree), kind).map_err(told)?;
        return Ok(Prepared { row, kind: OperationKind::Correction, uid, body });
    }
    if let Some((kind, body)) = native::event(row, &tree)? {
        return Ok(Prepared { row, kind, uid, body });
    }
    original::no_plain_driver(&tree).map_err(|reason| {
        let rule = admission::Rule::no_commitment(reason);
        not_admitted(row, original::DRIVER.to_owned(), &rule, None)
    })?;
    // Admission searches the original as one text; here the member is known.
    original::no_personal_data(&tree, "").map_err(|(path, found)| {
        not_admitted(row, path, &admission::Rule::personal(found), None)
    })?;
    let original = original::text(raw, &tree, context).map_err(told)?;
    let body = event::observation(&tree, original).map_err(told)?;
    Ok(Prepared { row, kind: OperationKind::Observation, uid, body })
}

/// The event's own id. An event that declares an error repeats the id of the event it is about, so
/// the time of the declaration is part of its identity; without an id its content is.
fn uid(event: &Tree) -> OpUid {
    let id = event_id(event);
    let declared =
        event.member("errorDeclaration").and_then(|error| error.member("declarationTime"));
    let record = match (id, declared.and_then(Tree::scalar)) {
        (Some(id), Some(declared)) => format!("{id}#error/{declared}"),
        (Some(id), None) => id,
        (None, _) => original::canonical(event),
    };
    OpUid::of_record(PLATFORM, &record)
}

/// The identity of the event that an event declares an error of: the same without the declaration.
fn undeclared(event: &Tree) -> OpUid {
    let Tree::Object(members) = event else { return uid(event) };
    let kept = members.iter().filter(|(name, _)| name != "errorDeclaration");
    uid(&Tree::Object(kept.cloned().collect()))
}

fn event_id(event: &Tree) -> Option<String> {
    event.member("eventID").and_then(Tree::scalar).filter(|id| !id.is_empty())
}
