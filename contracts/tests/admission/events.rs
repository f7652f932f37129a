//! Trace events by their field table, observations and corrections.

use contracts::admission::{COLUMNS, Column, Presence, presence};
use proto::schema::event::{
    Correction, Event, InspectionOutcome, Lot, Observation, Quantity, TestOutcome, Uom,
};
use proto::schema::{Body, OperationKind};

use crate::{item, quantity, rows, verdict};

const PARTY: &str = "91130181MA0F12343L";
const OTHER: &str = "91120116MA05K7X26W";
const TIME_MS: u64 = 1_616_000_000_000;

fn lot() -> Lot {
    Lot {
        product: "6901234567892".to_owned(),
        batch: "L19120512345".to_owned(),
        produced_day: 18_600,
        expires_day: 19_000,
        origin_country: "AUS".to_owned(),
        establishment: "AU-0235".to_owned(),
        imported: true,
    }
}

/// Fills one field of an event.
fn fill(event: &mut Event, column: Column) {
    match column {
        Column::Party => PARTY.clone_into(&mut event.party),
        Column::Station => "st-1".clone_into(&mut event.station),
        Column::Document => "CK-2021-0001".clone_into(&mut event.document),
        Column::Items => event.items = vec![item("A-1")],
        Column::Quantity => event.items.iter_mut().for_each(|i| i.quantity = Some(quantity(1_000))),
        Column::Counterpart => {
            event.items.iter_mut().for_each(|i| "B-1".clone_into(&mut i.counterpart));
        }
        Column::Outputs => event.outputs = vec![item("A-2"), item("A-3")],
        Column::Container => "P-1".clone_into(&mut event.container),
        Column::Counterparty => OTHER.clone_into(&mut event.counterparty),
        Column::CounterpartyStation => "1:st-9".clone_into(&mut event.counterparty_station),
        Column::Vehicle => "冀A12345".clone_into(&mut event.vehicle),
        Column::Person => event.person = "ab".repeat(32),
        Column::Certificates => event.certificates = vec!["121000000012345678".to_owned()],
        Column::Declaration => "020220211000012345-1".clone_into(&mut event.declaration),
        Column::Test => event.test = TestOutcome::Negative.into(),
        Column::Agent => "SARS-CoV-2".clone_into(&mut event.agent),
        Column::Inspection => event.inspection = InspectionOutcome::Released.into(),
        Column::Lot => event.lot = Some(lot()),
        Column::Method => "cut".clone_into(&mut event.method),
        Column::Sample => "CY-1".clone_into(&mut event.sample),
    }
}

/// Empties one field of an event.
fn clear(event: &mut Event, column: Column) {
    let empty = Event::default();
    match column {
        Column::Party => event.party = empty.party,
        Column::Station => event.station = empty.station,
        Column::Document => event.document = empty.document,
        Column::Items => event.items = empty.items,
        Column::Quantity => event.items.iter_mut().for_each(|item| item.quantity = None),
        Column::Counterpart => event.items.iter_mut().for_each(|item| item.counterpart.clear()),
        Column::Outputs => event.outputs = empty.outputs,
        Column::Container => event.container = empty.container,
        Column::Counterparty => event.counterparty = empty.counterparty,
        Column::CounterpartyStation => event.counterparty_station = empty.counterparty_station,
        Column::Vehicle => event.vehicle = empty.vehicle,
        Column::Person => event.person = empty.person,
        Column::Certificates => event.certificates = empty.certificates,
        Column::Declaration => event.declaration = empty.declaration,
        Column::Test => event.test = empty.test,
        Column::Agent => event.agent = empty.agent,
        Column::Inspection => event.inspection = empty.inspection,
        Column::Lot => event.lot = empty.lot,
        Column::Method => event.method = empty.method,
        Column::Sample => event.sample = empty.sample,
    }
}

/// An event of `kind` with every field that it demands and, where asked, every one that it allows.
fn valid(kind: OperationKind, least: Presence) -> Event {
    let mut event = Event { occurred_ms: TIME_MS, ..Event::default() };
    for (column, _) in COLUMNS {
        if presence(kind, column).unwrap() <= least {
            fill(&mut event, column);
        }
    }
    event
}

/// A row of a table over several types.
type KindRow = (OperationKind, fn(&mut Event), &'static str);

fn kinds() -> impl Iterator<Item = OperationKind> {
    OperationKind::ALL.iter().copied().filter(|kind| kind.is_event())
}

fn of(kind: OperationKind, change: impl FnOnce(&mut Event)) -> String {
    let mut event = valid(kind, Presence::Required);
    change(&mut event);
    verdict(kind, &Body::Event(event))
}

#[test]
fn every_type_is_admitted_with_what_it_demands_and_with_all_that_it_allows() {
    for kind in kinds() {
        for least in [Presence::Required, Presence::Optional] {
            let mut event = valid(kind, least);
            // A test is of something: goods, a declaration, a sample, a place, a vehicle.
            if kind == OperationKind::TestResult {
                fill(&mut event, Column::Items);
            }
            let found = verdict(kind, &Body::Event(event));
            assert_eq!(found, "ok", "{} with {least:?}", kind.name());
        }
    }
}

#[test]
fn every_cell_of_the_field_table_is_kept() {
    for kind in kinds() {
        for (column, path) in COLUMNS {
            let mut event = valid(kind, Presence::Required);
            if kind == OperationKind::TestResult {
                fill(&mut event, Column::Items);
            }
            // A field of an item is named with its item.
            let field = path.replace("items.", "items[0].");
            let (change, expected): (fn(&mut Event, Column), &str) =
                match presence(kind, column).unwrap() {
                    Presence::Required => (clear, "FIELD_REQUIRED"),
                    Presence::Optional => (fill, "ok"),
                    Presence::Forbidden => (fill, "FIELD_FORBIDDEN"),
                };
            if column == Column::Counterpart && event.items.is_empty() {
                continue;
            }
            change(&mut event, column);
            let found = verdict(kind, &Body::Event(event));
            let name = kind.name();
            if expected == "ok" {
                assert_eq!(found, "ok", "{name} with {path}");
            } else {
                assert!(found.starts_with(&field), "{name} {path}: {found}");
                assert!(found.ends_with(expected), "{name} {path}: {found}");
            }
        }
    }
}

/// The table in the README is the table.
#[test]
fn the_readme_shows_the_field_table() {
    let readme = include_str!("../../README.md");
    for kind in kinds() {
        let cells: Vec<&str> = COLUMNS
            .iter()
            .map(|(column, _)| match presence(kind, *column).unwrap() {
                Presence::Required => "R",
                Presence::Optional => "o",
                Presence::Forbidden => "",
            })
            .collect();
        let row = format!("| `{}` | {} |", kind.name(), cells.join(" | "));
        assert!(readme.contains(&row), "missing in README.md:\n{row}");
    }
}

#[test]
fn a_field_is_checked_the_same_in_every_type_that_has_it() {
    let kind = OperationKind::Receive;
    let rows = rows::<Event, _>([
        (|e| e.occurred_ms = 0, "occurred_ms \"0\" TIME_RANGE"),
        (|e| e.occurred_ms = 86_399_999, "occurred_ms \"86399999\" TIME_RANGE"),
        (|e| e.occurred_ms = 86_400_000, "ok"),
        (|e| e.occurred_ms = u64::MAX, "occurred_ms \"18446744073709551615\" TIME_RANGE"),
        (|e| e.party = "91130181MA0F12343M".into(), "party \"91130181MA0F12343M\" BAD_CHECK"),
        (|e| e.party = "92130102MA07Q1W95K".into(), "party HOUSEHOLD_IN_PLAIN"),
        (|e| e.party = "AB".repeat(32), "ok"),
        (|e| e.counterparty = "92130102MA07Q1W95K".into(), "counterparty HOUSEHOLD_IN_PLAIN"),
        (|e| e.counterparty = "9113".into(), "counterparty \"9113\" BAD_LENGTH"),
        (|e| e.vehicle = "京a·12345".into(), "ok"),
        (|e| e.vehicle = "京AI2345".into(), "vehicle \"京AI2345\" BAD_CHAR"),
        (|e| e.vehicle = "cd".repeat(32), "ok"),
        (|e| e.person = "张三".into(), "person BAD_LENGTH"),
        (|e| e.person = "110108199003071238".into(), "person PERSONAL_DATA"),
        (|e| e.party = "13800138000".into(), "party PERSONAL_DATA"),
        (|e| e.person = "g".repeat(64), "person BAD_CHAR"),
        (
            |e| e.declaration = "020220212000012345-1".into(),
            "declaration \"020220212000012345-1\" BAD_CHAR",
        ),
        (
            |e| e.declaration = "020220211000012345".into(),
            "declaration \"020220211000012345\" BAD_LENGTH",
        ),
        (|e| e.certificates = vec!["C".into()], "certificates[0] \"C\" BAD_LENGTH"),
        (
            |e| e.certificates = vec!["C-0001".into(), String::new()],
            "certificates[1] FIELD_REQUIRED",
        ),
        (|e| e.certificates = vec!["C-0001".into(); 101], "certificates LIST_TOO_LONG"),
        (|e| e.items[0].code.clear(), "items[0].code FIELD_REQUIRED"),
        (|e| e.items[0].quantity = Some(quantity(0)), "items[0].quantity QUANTITY_ZERO"),
        (
            |e| e.items[0].quantity = Some(quantity(1_000_000_000_001)),
            "items[0].quantity \"1000000000001\" QUANTITY_TOO_LARGE",
        ),
        (
            |e| e.items[0].quantity = Some(Quantity { milli: 1, uom: Uom::Unspecified.into() }),
            "items[0].quantity ENUM_UNSPECIFIED",
        ),
        (
            |e| e.items[0].quantity = Some(Quantity { milli: 1, uom: 99 }),
            "items[0].quantity \"99\" ENUM_UNKNOWN",
        ),
        (|e| e.items = vec![item("A-1"); 1_001], "items LIST_TOO_LONG"),
        (|e| e.items[0].counterpart = "A-1".into(), "items[0].counterpart \"A-1\" SELF_REFERENCE"),
    ]);
    for (at, (change, expected)) in rows.into_iter().enumerate() {
        assert_eq!(of(kind, change), expected, "row {at}");
    }
}

#[test]
fn a_code_has_a_canonical_form_that_fits_a_key() {
    let kind = OperationKind::Sale;
    let coded = |code: &str| of(kind, |event| event.items[0].code = code.to_owned());
    assert_eq!(coded(&"A".repeat(256)), "ok");
    assert!(coded(&"A".repeat(257)).ends_with("TEXT_TOO_LONG"));
    assert!(coded(&"码".repeat(200)).ends_with("CODE_LENGTH"), "600 bytes are too many");
    assert!(coded("\u{200b}").ends_with("CODE_LENGTH"), "nothing is left of it");
    assert_eq!(coded("(01)06901234567892\u{1d}10L7"), "ok", "FNC1 parts GS1 elements");
    assert_eq!(coded("A\u{7}"), "items[0].code CONTROL_CHARACTER");
    assert_eq!(coded("13800138000"), "ok", "a code may be eleven digits");
    assert_eq!(coded("110108199003071238"), "items[0].code PERSONAL_DATA");
    assert_eq!(coded("HE92130102MA07Q1W95K0003172021031500007Y"), "items[0].code PERSONAL_DATA");
}

#[test]
fn a_lot_says_what_an_imported_product_is_from() {
    let kind = OperationKind::Commission;
    let with = |change: fn(&mut Lot)| of(kind, |event| change(event.lot.as_mut().unwrap()));
    for (change, expected) in rows::<Lot, _>([
        (|_| (), "ok"),
        (|l| l.product.clear(), "lot.product FIELD_REQUIRED"),
        (|l| l.product = "6901234567893".into(), "lot.product \"6901234567893\" BAD_CHECK"),
        (|l| l.product = "06901234567893".into(), "ok"),
        (|l| l.origin_country.clear(), "lot.origin_country FIELD_REQUIRED"),
        (|l| l.origin_country = "Aus".into(), "lot.origin_country \"Aus\" BAD_CHAR"),
        (|l| l.expires_day = 18_599, "lot.expires_day \"18599\" DAYS_REVERSED"),
        (|l| l.produced_day = 90_000, "lot.produced_day \"90000\" DAY_RANGE"),
        (|l| (l.imported, l.origin_country) = (false, String::new()), "ok"),
        (|l| (l.produced_day, l.expires_day) = (0, 0), "ok"),
    ]) {
        assert_eq!(with(change), expected);
    }
}

#[test]
fn the_fields_of_one_event_fit_each_other() {
    use OperationKind as Kind;
    let two = |event: &mut Event| event.items = vec![item("A-1"), item("A-9")];
    let rows: [KindRow; 14] = [
        (Kind::Split, two, "items SPLIT_ONE_ITEM"),
        (Kind::Process, two, "ok"),
        (Kind::Split, |e| e.outputs = vec![item("A-1")], "outputs[0].code \"A-1\" SELF_REFERENCE"),
        (
            Kind::Process,
            |e| e.outputs = vec![item("A-2"), item("A-1")],
            "outputs[1].code \"A-1\" SELF_REFERENCE",
        ),
        (Kind::Pack, |e| e.container = "A-1".into(), "items[0].code \"A-1\" SELF_REFERENCE"),
        (Kind::Unpack, |e| e.container = "A-1".into(), "items[0].code \"A-1\" SELF_REFERENCE"),
        (Kind::TestResult, |_| (), "items SUBJECT_MISSING"),
        (Kind::TestResult, |e| e.sample = "CY-1".into(), "ok"),
        (Kind::TestResult, |e| e.declaration = "020220211000012345-1".into(), "ok"),
        (Kind::TestResult, |e| (e.station, e.test) = ("s".into(), 99), "test \"99\" ENUM_UNKNOWN"),
        (Kind::CustomsInspection, |e| e.inspection = 9, "inspection \"9\" ENUM_UNKNOWN"),
        (Kind::Split, |e| e.outputs[1].quantity = None, "outputs[1].quantity FIELD_REQUIRED"),
        (Kind::Split, |e| e.outputs[0].code.clear(), "outputs[0].code FIELD_REQUIRED"),
        (
            Kind::Split,
            |e| e.outputs[0].counterpart = "X".into(),
            "outputs[0].counterpart \"X\" FIELD_FORBIDDEN",
        ),
    ];
    for (kind, change, expected) in rows {
        assert_eq!(of(kind, change), expected, "{}", kind.name());
    }
}

fn seen() -> Observation {
    Observation {
        occurred_ms: TIME_MS,
        format: "epcis-2.0-json".to_owned(),
        original: b"{}".to_vec(),
        codes: vec!["urn:epc:id:sgtin:4012345.011122.25".to_owned()],
        ..Observation::default()
    }
}

#[test]
fn an_observation_names_something_and_no_unit_as_its_own_source() {
    for (change, expected) in rows::<Observation, _>([
        (|_| (), "ok"),
        (|s| s.occurred_ms = 0, "occurred_ms \"0\" TIME_RANGE"),
        (|s| s.format.clear(), "format FIELD_REQUIRED"),
        (|s| s.format = "EPCIS 2".into(), "format \"EPCIS 2\" BAD_CHAR"),
        (|s| s.codes.clear(), "codes SUBJECT_MISSING"),
        (|s| (s.codes, s.stations) = (vec![], vec!["urn:epc:id:sgln:1.2.3".into()]), "ok"),
        (|s| s.codes.push(String::new()), "codes[1] FIELD_REQUIRED"),
        (|s| s.codes = vec!["A".into(); 1_001], "codes LIST_TOO_LONG"),
        (|s| s.contents = vec!["A".into()], "container FIELD_REQUIRED"),
        (|s| (s.contents, s.container) = (vec!["A".into()], "B".into()), "ok"),
        (
            |s| (s.contents, s.container) = (vec!["B".into()], "B".into()),
            "contents[0] SELF_REFERENCE",
        ),
        (
            |s| (s.inputs, s.outputs) = (vec!["A".into()], vec!["B".into(), "A".into()]),
            "outputs[1] SELF_REFERENCE",
        ),
        (|s| s.parties = vec!["电话 13800138000".into()], "parties[0] PERSONAL_DATA"),
        (|s| s.parties = vec!["92130102MA07Q1W95K".into()], "parties[0] PERSONAL_DATA"),
        (
            |s| s.stations = vec!["x".repeat(257)],
            "stations[0] \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\" TEXT_TOO_LONG",
        ),
    ]) {
        let mut changed = seen();
        change(&mut changed);
        assert_eq!(verdict(OperationKind::Observation, &Body::Observation(changed)), expected);
    }
}

fn corrected() -> Correction {
    Correction {
        occurred_ms: TIME_MS,
        supersedes: vec![9; 16],
        reason: "incorrect_data".to_owned(),
        kind: OperationKind::Sale.code().into(),
        event: Some(valid(OperationKind::Sale, Presence::Required)),
    }
}

#[test]
fn a_correction_states_an_admissible_event_or_that_there_was_none() {
    for (change, expected) in rows::<Correction, _>([
        (|_| (), "ok"),
        (|c| (c.reason, c.event) = ("did_not_occur".into(), None), "ok"),
        (|c| c.reason = "did_not_occur".into(), "event CORRECTION_EVENT"),
        (|c| c.event = None, "ok"),
        (|c| c.reason = "typo".into(), "reason \"typo\" UNKNOWN_WORD"),
        (|c| c.reason.clear(), "reason FIELD_REQUIRED"),
        (|c| c.supersedes = vec![1; 15], "supersedes DIGEST_LENGTH"),
        (|c| c.kind = 33, "event CORRECTION_EVENT"),
        (|c| (c.kind, c.event) = (33, None), "ok"),
        (|c| (c.kind, c.event, c.reason) = (33, None, "did_not_occur".into()), "ok"),
        (|c| c.kind = 34, "kind CORRECTION_KIND"),
        (|c| c.kind = 0, "kind CORRECTION_KIND"),
        (|c| c.kind = 65_552, "kind CORRECTION_KIND"),
        (|c| c.occurred_ms = 0, "occurred_ms \"0\" TIME_RANGE"),
        (|c| c.kind = OperationKind::Ship.code().into(), "event.document FIELD_REQUIRED"),
        (
            |c| c.event.as_mut().unwrap().items[0].quantity = None,
            "event.items[0].quantity FIELD_REQUIRED",
        ),
        (|c| c.event.as_mut().unwrap().occurred_ms = 0, "event.occurred_ms \"0\" TIME_RANGE"),
        (
            |c| c.event.as_mut().unwrap().party = "92130102MA07Q1W95K".into(),
            "event.party HOUSEHOLD_IN_PLAIN",
        ),
        (
            |c| c.event.as_mut().unwrap().method = "电话13800138000".into(),
            "event.method PERSONAL_DATA",
        ),
    ]) {
        let mut changed = corrected();
        change(&mut changed);
        assert_eq!(verdict(OperationKind::Correction, &Body::Correction(changed)), expected);
    }
}
