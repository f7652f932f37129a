//! Admission of trace events, observations and corrections. The field table says what each type of
//! event demands, allows and forbids; the checks below it hold wherever a field stands.

use proto::schema::OperationKind;
use proto::schema::event::{
    Correction, Event, InspectionOutcome, Item, Lot, Observation, TestOutcome,
};

use super::limits::ITEMS_MAX;
use super::registry::{certificates, filled, product_id};
use super::{AdmissionError, Checked, Place, Rule, field, refuse, refuse_unseen};

/// What a type of event says to a field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Presence {
    /// It must be there.
    Required,
    /// It may be there.
    Optional,
    /// It must not be there.
    Forbidden,
}

/// A column of the field table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[expect(missing_docs, reason = "each is the field of the event of that name")]
pub enum Column {
    Party,
    Station,
    Document,
    Items,
    /// `items[].quantity` and `outputs[].quantity`.
    Quantity,
    /// `items[].counterpart`.
    Counterpart,
    Outputs,
    Container,
    Counterparty,
    CounterpartyStation,
    Vehicle,
    Person,
    Certificates,
    Declaration,
    Test,
    Agent,
    Inspection,
    Lot,
    Method,
    Sample,
}

/// The columns in the order of the table, with the paths of their fields.
pub const COLUMNS: [(Column, &str); 20] = [
    (Column::Party, "party"),
    (Column::Station, "station"),
    (Column::Document, "document"),
    (Column::Items, "items"),
    (Column::Quantity, "items.quantity"),
    (Column::Counterpart, "items.counterpart"),
    (Column::Outputs, "outputs"),
    (Column::Container, "container"),
    (Column::Counterparty, "counterparty"),
    (Column::CounterpartyStation, "counterparty_station"),
    (Column::Vehicle, "vehicle"),
    (Column::Person, "person"),
    (Column::Certificates, "certificates"),
    (Column::Declaration, "declaration"),
    (Column::Test, "test"),
    (Column::Agent, "agent"),
    (Column::Inspection, "inspection"),
    (Column::Lot, "lot"),
    (Column::Method, "method"),
    (Column::Sample, "sample"),
];

const R: Presence = Presence::Required;
const O: Presence = Presence::Optional;
const F: Presence = Presence::Forbidden;

/// One row a type. `occurred_ms` is always required.
#[rustfmt::skip]
const TABLE: [(OperationKind, [Presence; COLUMNS.len()]); 17] = {
    use OperationKind as K;
    [
        //                      pa st do it qt cp ou co cy cs ve pe ce de te ag in lo me sa
        (K::OpeningStock,      [R, R, O, R, R, F, F, F, F, F, F, O, O, O, F, F, F, O, F, F]),
        (K::CustomsInspection, [R, R, O, O, O, F, F, F, F, F, O, O, O, R, F, F, R, F, F, F]),
        (K::Commission,        [R, R, O, R, R, F, F, F, O, O, F, O, O, O, F, F, F, R, F, F]),
        (K::Sampling,          [R, R, R, O, O, F, F, F, F, F, O, O, O, O, F, O, F, F, O, F]),
        (K::TestResult,        [R, O, R, O, O, F, F, F, F, F, O, O, O, O, R, R, F, F, O, O]),
        (K::Disinfection,      [R, R, O, O, O, F, F, O, F, F, O, O, O, O, F, R, F, F, O, F]),
        (K::StorageIn,         [R, R, R, R, R, F, F, F, O, O, O, O, O, O, F, F, F, F, O, F]),
        (K::StorageOut,        [R, R, R, R, R, F, F, F, O, O, O, O, O, O, F, F, F, F, O, F]),
        (K::Pack,              [R, R, O, R, O, F, F, R, F, F, F, O, F, F, F, F, F, F, O, F]),
        (K::Unpack,            [R, R, O, R, O, F, F, R, F, F, F, O, F, F, F, F, F, F, O, F]),
        (K::Split,             [R, R, O, R, R, F, R, F, F, F, F, O, F, F, F, F, F, F, O, F]),
        (K::Process,           [R, R, O, R, R, F, R, F, F, F, F, O, O, F, F, F, F, O, R, F]),
        (K::Ship,              [R, R, R, R, R, F, F, F, R, O, O, O, O, O, F, F, F, F, O, F]),
        (K::Receive,           [R, R, R, R, R, O, F, F, R, O, O, O, O, O, F, F, F, F, O, F]),
        (K::Sale,              [R, R, O, R, R, F, F, F, O, O, O, O, O, F, F, F, F, F, O, F]),
        (K::Use,               [R, R, O, R, R, F, F, F, F, F, F, O, O, F, F, F, F, F, O, F]),
        (K::Disposal,          [R, R, O, R, R, F, F, F, O, O, O, O, O, O, F, F, F, F, R, F]),
    ]
};

/// What events of type `kind` say to a field; `None` where `kind` is no trace event.
///
/// ```
/// use contracts::admission::{Column, Presence, presence};
/// use proto::schema::OperationKind;
///
/// assert_eq!(presence(OperationKind::Receive, Column::Counterpart), Some(Presence::Optional));
/// assert_eq!(presence(OperationKind::Ship, Column::Counterpart), Some(Presence::Forbidden));
/// assert_eq!(presence(OperationKind::Party, Column::Items), None);
/// ```
pub fn presence(kind: OperationKind, column: Column) -> Option<Presence> {
    let (_, row) = TABLE.iter().find(|(known, _)| *known == kind)?;
    let at = COLUMNS.iter().position(|(known, _)| *known == column)?;
    row.get(at).copied()
}

/// Checks an event as one of type `kind`; `prefix` is the path of the message that holds it.
pub(super) fn check(kind: OperationKind, event: &Event, prefix: &'static str) -> Checked {
    let place = |field| Place::field(field).within(prefix);
    field::time(place("occurred_ms"), event.occurred_ms)?;
    for (column, path) in COLUMNS {
        let asked = presence(kind, column).unwrap_or(F);
        table(kind, (column, path), asked, event).map_err(|error| within(error, prefix))?;
    }
    values(kind, event).and_then(|()| shape(kind, event)).map_err(|error| within(error, prefix))
}

fn within(mut error: AdmissionError, prefix: &str) -> AdmissionError {
    if !error.field.starts_with(prefix) {
        error.field.insert_str(0, prefix);
    }
    error
}

/// Holds one field against its row.
fn table(
    kind: OperationKind,
    (column, path): (Column, &'static str),
    asked: Presence,
    event: &Event,
) -> Checked {
    match column {
        Column::Quantity => return quantities(kind, asked, event),
        Column::Counterpart => return counterparts(kind, asked, event),
        Column::Party
        | Column::Station
        | Column::Document
        | Column::Items
        | Column::Outputs
        | Column::Container
        | Column::Counterparty
        | Column::CounterpartyStation
        | Column::Vehicle
        | Column::Person
        | Column::Certificates
        | Column::Declaration
        | Column::Test
        | Column::Agent
        | Column::Inspection
        | Column::Lot
        | Column::Method
        | Column::Sample => (), // one field each
    }
    let kind = kind.name();
    match (asked, is_present(column, event)) {
        (Presence::Required, false) => {
            refuse_unseen(Place::field(path), Rule::FieldRequired { kind })
        }
        (Presence::Forbidden, true) => {
            refuse_unseen(Place::field(path), Rule::FieldForbidden { kind })
        }
        (Presence::Required, true) | (Presence::Forbidden, false) | (Presence::Optional, _) => {
            Ok(())
        }
    }
}

fn is_present(column: Column, event: &Event) -> bool {
    match column {
        Column::Party => !event.party.is_empty(),
        Column::Station => !event.station.is_empty(),
        Column::Document => !event.document.is_empty(),
        Column::Items | Column::Quantity | Column::Counterpart => !event.items.is_empty(),
        Column::Outputs => !event.outputs.is_empty(),
        Column::Container => !event.container.is_empty(),
        Column::Counterparty => !event.counterparty.is_empty(),
        Column::CounterpartyStation => !event.counterparty_station.is_empty(),
        Column::Vehicle => !event.vehicle.is_empty(),
        Column::Person => !event.person.is_empty(),
        Column::Certificates => !event.certificates.is_empty(),
        Column::Declaration => !event.declaration.is_empty(),
        Column::Test => event.test != 0,
        Column::Agent => !event.agent.is_empty(),
        Column::Inspection => event.inspection != 0,
        Column::Lot => event.lot.is_some(),
        Column::Method => !event.method.is_empty(),
        Column::Sample => !event.sample.is_empty(),
    }
}

fn all_items(event: &Event) -> impl Iterator<Item = (Place, &Item)> {
    let of = |field: &'static str, items: &[Item]| {
        (0..items.len()).map(move |at| Place::item(field, at)).collect::<Vec<_>>()
    };
    let places = of("items", &event.items).into_iter().chain(of("outputs", &event.outputs));
    places.zip(event.items.iter().chain(&event.outputs))
}

fn quantities(kind: OperationKind, asked: Presence, event: &Event) -> Checked {
    for (place, item) in all_items(event) {
        let place = place.leaf("quantity");
        match &item.quantity {
            Some(quantity) => field::quantity(place, quantity)?,
            None if asked == Presence::Required => {
                return refuse_unseen(place, Rule::FieldRequired { kind: kind.name() });
            }
            None => (), // the type lets it be left out
        }
    }
    Ok(())
}

fn counterparts(kind: OperationKind, asked: Presence, event: &Event) -> Checked {
    for (place, item) in all_items(event) {
        let place = place.leaf("counterpart");
        if asked == Presence::Forbidden && !item.counterpart.is_empty() {
            return refuse(place, &item.counterpart, Rule::FieldForbidden { kind: kind.name() });
        }
        if item.counterpart == item.code && !item.code.is_empty() {
            return refuse(place, &item.counterpart, Rule::SelfReference { other: "code" });
        }
    }
    Ok(())
}

/// Checks that hold for a field in every type.
fn values(kind: OperationKind, event: &Event) -> Checked {
    field::party(Place::field("party"), &event.party)?;
    field::party(Place::field("counterparty"), &event.counterparty)?;
    field::vehicle(Place::field("vehicle"), &event.vehicle)?;
    field::person(Place::field("person"), &event.person)?;
    field::declaration(Place::field("declaration"), &event.declaration)?;
    certificates(&event.certificates, kind.name())?;
    if event.test != 0 {
        field::stated::<TestOutcome>(Place::field("test"), event.test)?;
    }
    if event.inspection != 0 {
        field::stated::<InspectionOutcome>(Place::field("inspection"), event.inspection)?;
    }
    field::list("items", event.items.len(), ITEMS_MAX)?;
    field::list("outputs", event.outputs.len(), ITEMS_MAX)?;
    for (place, item) in all_items(event) {
        if item.code.is_empty() {
            let kind = kind.name();
            return refuse_unseen(place.leaf("code"), Rule::FieldRequired { kind });
        }
    }
    event.lot.as_ref().map_or(Ok(()), |stated| lot(kind, stated))
}

fn lot(kind: OperationKind, lot: &Lot) -> Checked {
    let place = |leaf| Place::field("lot").leaf(leaf);
    let kind = kind.name();
    if lot.product.is_empty() {
        return refuse_unseen(place("product"), Rule::FieldRequired { kind });
    }
    product_id(place("product"), &lot.product)?;
    if lot.imported && lot.origin_country.is_empty() {
        return refuse_unseen(place("origin_country"), Rule::FieldRequired { kind });
    }
    field::country(place("origin_country"), &lot.origin_country)?;
    if lot.produced_day != 0 {
        field::day(place("produced_day"), lot.produced_day)?;
    }
    field::later_day((place("expires_day"), lot.expires_day), ("produced_day", lot.produced_day))
}

/// What ties the fields of one event together.
fn shape(kind: OperationKind, event: &Event) -> Checked {
    let found = event.items.len();
    if kind == OperationKind::Split && found != 1 {
        return refuse_unseen(Place::field("items"), Rule::SplitOneItem { found });
    }
    let has_subject = !event.items.is_empty()
        || !event.declaration.is_empty()
        || !event.sample.is_empty()
        || !event.station.is_empty()
        || !event.vehicle.is_empty();
    if kind == OperationKind::TestResult && !has_subject {
        let fields = "items, declaration, sample, station, vehicle";
        return refuse_unseen(Place::field("items"), Rule::SubjectMissing { fields });
    }
    for (at, output) in event.outputs.iter().enumerate() {
        if event.items.iter().any(|item| item.code == output.code) {
            let place = Place::item("outputs", at).leaf("code");
            return refuse(place, &output.code, Rule::SelfReference { other: "items" });
        }
    }
    let inside = |item: &Item| !event.container.is_empty() && item.code == event.container;
    match event.items.iter().position(inside) {
        Some(at) => {
            let place = Place::item("items", at).leaf("code");
            refuse(place, &event.container, Rule::SelfReference { other: "container" })
        }
        None => Ok(()),
    }
}

/// Checks an observation: it names something, and names no unit as its own source.
pub(super) fn observation(seen: &Observation) -> Checked {
    let kind = OperationKind::Observation.name();
    field::time(Place::field("occurred_ms"), seen.occurred_ms)?;
    field::required(kind, "format", &seen.format)?;
    field::identifier(
        Place::field("format"),
        &seen.format,
        ("格式名", "name of a format"),
        |name| {
            let allowed =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._".contains(c);
            let reason = crate::identifier::Reason::Char;
            if name.chars().all(allowed) { Ok(()) } else { Err(reason) }
        },
    )?;
    if seen.original.is_empty() {
        return refuse_unseen(Place::field("original"), Rule::FieldRequired { kind });
    }
    let lists = [
        ("codes", &seen.codes),
        ("inputs", &seen.inputs),
        ("outputs", &seen.outputs),
        ("contents", &seen.contents),
        ("stations", &seen.stations),
        ("parties", &seen.parties),
    ];
    for (name, texts) in lists {
        field::list(name, texts.len(), ITEMS_MAX)?;
        filled(name, texts, kind)?;
    }
    if seen.container.is_empty() && lists.iter().all(|(_, texts)| texts.is_empty()) {
        let fields = "codes, inputs, outputs, container, contents, stations, parties";
        return refuse_unseen(Place::field("codes"), Rule::SubjectMissing { fields });
    }
    if seen.container.is_empty() && !seen.contents.is_empty() {
        return refuse_unseen(Place::field("container"), Rule::FieldRequired { kind });
    }
    for (name, texts, other) in
        [("outputs", &seen.outputs, &seen.inputs), ("contents", &seen.contents, &seen.codes)]
    {
        let own = |text: &String| match name {
            "outputs" => other.contains(text),
            _ => *text == seen.container,
        };
        if let Some(at) = texts.iter().position(own) {
            let other = if name == "outputs" { "inputs" } else { "container" };
            return refuse_unseen(Place::item(name, at), Rule::SelfReference { other });
        }
    }
    Ok(())
}

/// Checks a correction and the event that it states.
pub(super) fn correction(correction: &Correction) -> Checked {
    /// Bytes of an operation's identity.
    const UID_BYTES: usize = 16;
    let kind = OperationKind::Correction.name();
    field::time(Place::field("occurred_ms"), correction.occurred_ms)?;
    let found = correction.supersedes.len();
    if found != UID_BYTES {
        let rule = Rule::DigestLength { found, expected: UID_BYTES };
        return refuse_unseen(Place::field("supersedes"), rule);
    }
    field::required(kind, "reason", &correction.reason)?;
    let reasons = ["did_not_occur", "incorrect_data"];
    let allowed = "did_not_occur, incorrect_data";
    field::word(Place::field("reason"), &correction.reason, &reasons, allowed)?;
    let code = u16::try_from(correction.kind).ok();
    let corrected = code.and_then(OperationKind::from_code);
    let is_fact = |kind: &OperationKind| kind.is_event() || *kind == OperationKind::Observation;
    let Some(corrected) = corrected.filter(is_fact) else {
        let rule = Rule::CorrectionKind { kind: correction.kind };
        return refuse_unseen(Place::field("kind"), rule);
    };
    // An event whose data was wrong may be replaced by events of their own: EPCIS names these.
    let Some(event) = &correction.event else { return Ok(()) };
    if correction.reason == "did_not_occur" || !corrected.is_event() {
        return refuse_unseen(Place::field("event"), Rule::CorrectionEvent);
    }
    check(corrected, event, "event.")
}
