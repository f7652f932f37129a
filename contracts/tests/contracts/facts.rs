//! Facts: what each type of event does to stock, lineage, containment and papers.

use contracts::codes::Codes;
use contracts::query::locate;
use contracts::record::unit::Sums;
use contracts::trace::lineage::{containments, descents};
use contracts::trace::stock::{Status, balance, on_road, places, status};
use contracts::trace::{papers, unit as units};
use proto::receipt::{Role, SubjectKind};
use proto::schema::event::{Event, Item, Lot, Observation, Uom};
use proto::schema::registry::{Certificate, Party, Product, Station, Vehicle};
use proto::schema::{Body, OperationKind};

use crate::harness::{
    BJ, Chain, HE, at, boxes, code, event, gs1, item, kilograms, links_line, operation, platform,
    receive, ship, taken, unit,
};

/// Entries that one reading looks at.
const MANY: usize = 1_000;

fn held(chain: &Chain, name: &str, station: &str, uom: Uom) -> Sums {
    balance(&chain.rows(), &unit(name), station.as_bytes(), uom.into()).unwrap()
}

fn record(chain: &mut Chain, agency: u16, kind: OperationKind, event_: Event) {
    let outcome = chain.one(platform(agency), event(kind, event_));
    assert_eq!(outcome.code, 0, "{kind:?}");
}

#[test]
fn every_flow_adds_to_its_own_sum_of_the_place_where_it_happens() {
    let mut chain = Chain::new();
    for (kind, count) in [
        (OperationKind::OpeningStock, 1_000),
        (OperationKind::Commission, 100),
        (OperationKind::Receive, 50),
        (OperationKind::StorageIn, 120),
        (OperationKind::StorageOut, 7),
        (OperationKind::Ship, 1),
        (OperationKind::Sale, 2),
        (OperationKind::Use, 3),
        (OperationKind::Disposal, 4),
    ] {
        record(&mut chain, HE, kind, at(1, "p", vec![item("L", boxes(count))]));
    }
    let sums = held(&chain, "L", "2:st-p", Uom::Xbx);
    let expected = Sums {
        uom: Uom::Xbx.into(),
        opening: 1_000_000,
        made: 100_000,
        received: 50_000,
        stored_in: 120_000,
        stored_out: 7_000,
        shipped: 1_000,
        sold: 2_000,
        used: 3_000,
        disposed: 4_000,
        consumed: 0,
        divided: 0,
    };
    assert_eq!(sums, expected);
    // 150 arrived or were made, 120 of them were stored: not 270.
    assert_eq!(sums.incoming(), 1_150_000);
    assert_eq!(sums.outgoing(), 10_000);
    assert_eq!(sums.on_hand(), 1_140_000);
    assert_eq!(held(&chain, "L", "2:st-p", Uom::Kgm), Sums::default(), "units are never mixed");
    assert_eq!(held(&chain, "L", "0:st-p", Uom::Xbx), Sums::default(), "another agency's station");
}

#[test]
fn looking_treating_and_packing_move_no_stock() {
    let mut chain = Chain::new();
    for kind in [
        OperationKind::CustomsInspection,
        OperationKind::Sampling,
        OperationKind::TestResult,
        OperationKind::Disinfection,
        OperationKind::Pack,
        OperationKind::Unpack,
    ] {
        let body = Event { container: gs1("P"), ..at(1, "p", vec![item("L", boxes(5))]) };
        record(&mut chain, HE, kind, body);
    }
    assert_eq!(held(&chain, "L", "2:st-p", Uom::Xbx), Sums::default());
    let known = units::of(&chain.rows(), &unit("L")).unwrap().unwrap();
    assert!(known.totals.is_empty());
    assert_eq!(known.agencies.len(), 1);
}

#[test]
fn sold_in_stock_and_on_the_road_add_up_to_what_was_coded() {
    let mut chain = Chain::new();
    record(&mut chain, HE, OperationKind::Commission, at(1, "p-he", vec![item("L", boxes(100))]));
    chain.one(platform(HE), ship(5, ("p-he", "p-bj"), "D-1", vec![item("L", boxes(60))]));
    chain.one(platform(BJ), receive(9, ("p-bj", "p-he"), "D-1", vec![item("L", boxes(45))]));
    record(&mut chain, BJ, OperationKind::Sale, at(20, "p-bj", vec![item("L", boxes(15))]));
    let found = places(&chain.rows(), &unit("L"), MANY).unwrap();
    let shown: Vec<(String, i64)> = found
        .iter()
        .map(|place| (String::from_utf8_lossy(&place.station).into_owned(), place.on_hand))
        .collect();
    let expected = [("0:st-p-bj".to_owned(), 30_000), ("2:st-p-he".to_owned(), 40_000)];
    assert_eq!(shown, expected);
    let road = on_road(&chain.rows(), &unit("L"), MANY).unwrap();
    assert_eq!((road.len(), road[0].amounts[0].milli), (1, 15_000));
    let total = units::of(&chain.rows(), &unit("L")).unwrap().unwrap().totals[0];
    assert_eq!(total.made, 30_000 + 40_000 + 15_000 + total.sold);
}

/// An event of `party` at the station `S`.
fn at_store(minute: u64, party: &str, count: u64) -> Event {
    Event { station: "S".to_owned(), ..at(minute, party, vec![item("L", boxes(count))]) }
}

/// What a unit's holders have, and its origin, stock and what is on the road, in boxes.
fn located(chain: &Chain) -> (Vec<String>, [i64; 3]) {
    let place = locate::unit(&chain.rows(), &unit("L"), MANY).unwrap().unwrap();
    let of = |holder: &locate::Holder| {
        let party = String::from_utf8_lossy(&holder.party).into_owned();
        format!("{party} {}", holder.amount.milli / 1_000)
    };
    let held: i64 = place.holders.iter().map(|holder| holder.amount.milli).sum();
    let [total] = place.balances[..] else { panic!("one unit of measure") };
    assert_eq!(held, total.in_stock, "the holders have what is in stock");
    let sums = [total.origin, total.in_stock, total.in_transit].map(|milli| milli / 1_000);
    (place.holders.iter().map(of).collect(), sums)
}

#[test]
fn an_owner_and_its_store_that_report_one_place_hold_the_goods_once() {
    let mut chain = Chain::new();
    record(&mut chain, BJ, OperationKind::Commission, at_store(1, "owner", 100));
    assert_eq!(located(&chain), (vec!["owner 100".to_owned()], [100, 100, 0]));
    record(&mut chain, BJ, OperationKind::StorageIn, at_store(2, "store", 100));
    assert_eq!(located(&chain), (vec!["store 100".to_owned()], [100, 100, 0]));
    let shipped = Event {
        document: "D-1".to_owned(),
        counterparty: "buyer".to_owned(),
        ..at_store(3, "owner", 60)
    };
    record(&mut chain, BJ, OperationKind::Ship, shipped);
    assert_eq!(located(&chain), (vec!["store 40".to_owned()], [100, 40, 60]));
    record(&mut chain, BJ, OperationKind::StorageOut, at_store(4, "store", 60));
    assert_eq!(located(&chain), (vec!["store 40".to_owned()], [100, 40, 60]));
    let lists = [
        locate::station(&chain.rows(), b"0:S", MANY).unwrap(),
        locate::party(&chain.rows(), b"store", MANY).unwrap(),
    ];
    for list in lists {
        let held: Vec<(&[u8], i64)> = list.iter().map(|h| (&*h.party, h.on_hand)).collect();
        assert_eq!(held, [(&b"store"[..], 40_000)]);
    }
    assert_eq!(locate::party(&chain.rows(), b"owner", MANY).unwrap(), []);
    // All of what is left is divided by its owner: the store's own count does not keep it alive.
    let cut = Event { outputs: vec![item("A", boxes(40))], ..at_store(5, "owner", 40) };
    record(&mut chain, BJ, OperationKind::Split, cut);
    assert_eq!(located(&chain), (vec![], [100, 0, 60]));
    let taken = receive(9, ("buyer", "owner"), "D-1", vec![item("L", boxes(60))]);
    chain.one(platform(BJ), taken);
    record(&mut chain, BJ, OperationKind::Sale, at(10, "buyer", vec![item("L", boxes(60))]));
    assert_eq!(status(&chain.rows(), &unit("L"), MANY).unwrap(), Status::Sold);
}

#[test]
fn what_lies_at_a_station_is_shared_out_among_those_that_report_it() {
    use OperationKind as Kind;
    type Reported<'a> = &'a [(Kind, &'a str, u64)];
    let cases: &[(&str, Reported<'_>, &[&str])] = &[
        ("two owners", &[(Kind::Commission, "a", 30), (Kind::Receive, "b", 20)], &["a 30", "b 20"]),
        (
            "two owners and a store that took in more than the one, less than both",
            &[(Kind::Commission, "a", 30), (Kind::Receive, "b", 20), (Kind::StorageIn, "s", 40)],
            &["a 10", "s 40"],
        ),
        (
            "a store that says only what went out",
            &[(Kind::Commission, "a", 100), (Kind::StorageOut, "s", 60)],
            &["a 40"],
        ),
        ("more went than came", &[(Kind::Commission, "a", 10), (Kind::Sale, "b", 30)], &["a -20"]),
        (
            "each states its stock and one of two ways out",
            &[
                (Kind::OpeningStock, "a", 60),
                (Kind::Sale, "a", 50),
                (Kind::OpeningStock, "s", 60),
                (Kind::StorageOut, "s", 50),
            ],
            &["a 10", "s 60"],
        ),
    ];
    for (name, reported, expected) in cases {
        let mut chain = Chain::new();
        for (minute, (kind, party, count)) in (1..).zip(*reported) {
            record(&mut chain, BJ, *kind, at_store(minute, party, *count));
        }
        assert_eq!(located(&chain).0, *expected, "{name}");
    }
    // Nothing says that two parties without a station speak of one place.
    let mut chain = Chain::new();
    for (minute, kind, party) in [(1, Kind::Commission, "a"), (2, Kind::StorageIn, "s")] {
        let nowhere = Event { station: String::new(), ..at_store(minute, party, 10) };
        record(&mut chain, BJ, kind, nowhere);
    }
    assert_eq!(located(&chain).0, ["a 10", "s 10"]);
}

#[test]
fn a_split_takes_what_it_says_or_what_its_parts_add_up_to() {
    for (stated, left) in [(Some(boxes(4)), 6_000), (None, 7_000)] {
        let mut chain = Chain::new();
        record(&mut chain, BJ, OperationKind::Commission, at(1, "p", vec![item("L", boxes(10))]));
        let split = Event {
            outputs: vec![item("A", boxes(1)), item("B", boxes(2))],
            ..at(2, "p", vec![Item { quantity: stated, ..code("L") }])
        };
        record(&mut chain, BJ, OperationKind::Split, split);
        let sums = held(&chain, "L", "0:st-p", Uom::Xbx);
        assert_eq!(sums.on_hand(), left, "{stated:?}");
        assert_eq!(held(&chain, "B", "0:st-p", Uom::Xbx).on_hand(), 2_000);
        let roles = |name: &str| -> Vec<Role> {
            let found = descents(&chain.rows(), &unit(name), MANY).unwrap();
            found.into_iter().map(|descent| descent.role).collect()
        };
        assert_eq!(roles("L"), [Role::SplitFrom]);
        assert_eq!(roles("A"), [Role::SplitTo]);
    }
}

#[test]
fn a_process_of_many_to_many_is_one_event_that_all_its_units_point_to() {
    let mut chain = Chain::new();
    let names = |letter: char| -> Vec<Item> {
        (0..100).map(|number| item(&format!("{letter}{number}"), kilograms(1))).collect()
    };
    let process = Event { outputs: names('o'), ..at(2, "p", names('i')) };
    let outcome = chain.one(platform(BJ), event(OperationKind::Process, process));
    assert_eq!(outcome.code, 0);
    let of = |name: &str| descents(&chain.rows(), &unit(name), MANY).unwrap();
    assert_eq!((of("i7").len(), of("i7")[0].role), (1, Role::Input));
    assert_eq!((of("o99").len(), of("o99")[0].role), (1, Role::Output));
    assert_eq!(of("i7")[0].uid, of("o99")[0].uid);
    assert_eq!(status(&chain.rows(), &unit("i7"), MANY).unwrap(), Status::Consumed);
    assert_eq!(status(&chain.rows(), &unit("o99"), MANY).unwrap(), Status::Active);
}

#[test]
fn containment_is_nested_ends_with_unpacking_and_is_remembered() {
    let mut chain = Chain::new();
    let pack = |container: &str, name: &str| Event {
        container: gs1(container),
        ..at(1, "p", vec![code(name)])
    };
    record(&mut chain, HE, OperationKind::Pack, pack("PALLET", "BOX"));
    record(&mut chain, HE, OperationKind::Pack, pack("TRUCK", "PALLET"));
    let shown = |chain: &Chain, name: &str| -> Vec<(Role, String, bool)> {
        let found = containments(&chain.rows(), &unit(name), MANY).unwrap();
        let text = |other: &[u8]| crate::harness::short(other);
        found.into_iter().map(|c| (c.role, text(&c.other), c.is_current)).collect()
    };
    assert_eq!(
        shown(&chain, "PALLET"),
        [(Role::Container, "TRUCK".to_owned(), true), (Role::Content, "BOX".to_owned(), true)]
    );
    record(&mut chain, HE, OperationKind::Unpack, pack("PALLET", "BOX"));
    assert_eq!(shown(&chain, "BOX"), [(Role::Container, "PALLET".to_owned(), false)]);
    // Packed again, by another event.
    record(
        &mut chain,
        HE,
        OperationKind::Pack,
        Event { document: "2".to_owned(), ..pack("PALLET", "BOX") },
    );
    assert_eq!(shown(&chain, "BOX"), [(Role::Container, "PALLET".to_owned(), true)]);
}

#[test]
fn status_follows_the_sums() {
    for (kind, expected) in [
        (OperationKind::Sale, Status::Sold),
        (OperationKind::Use, Status::Used),
        (OperationKind::Disposal, Status::Disposed),
        (OperationKind::Process, Status::Consumed),
        (OperationKind::Split, Status::Split),
        (OperationKind::Ship, Status::Active),
        (OperationKind::StorageOut, Status::Active),
    ] {
        let mut chain = Chain::new();
        record(&mut chain, BJ, OperationKind::Commission, at(1, "p", vec![item("L", boxes(10))]));
        assert_eq!(status(&chain.rows(), &unit("L"), MANY).unwrap(), Status::Active);
        let half = at(2, "p", vec![item("L", boxes(5))]);
        record(&mut chain, BJ, kind, half.clone());
        assert_eq!(status(&chain.rows(), &unit("L"), MANY).unwrap(), Status::Active, "{kind:?}");
        record(&mut chain, BJ, kind, Event { document: "second".to_owned(), ..half });
        assert_eq!(status(&chain.rows(), &unit("L"), MANY).unwrap(), expected, "{kind:?}");
    }
    assert_eq!(status(&Chain::new().rows(), &unit("L"), MANY).unwrap(), Status::Active);
}

#[test]
fn a_coding_states_lot_import_and_papers_and_later_events_find_them() {
    let mut chain = Chain::new();
    let lot =
        Lot { product: "P".to_owned(), batch: "7".to_owned(), imported: true, ..Lot::default() };
    let coding = Event {
        lot: Some(lot.clone()),
        declaration: "020220211000012345-01".to_owned(),
        certificates: vec!["ciq 0001".to_owned()],
        person: "AB".repeat(32),
        vehicle: "津A·12345".to_owned(),
        ..at(1, "p", vec![item("L", boxes(10))])
    };
    record(&mut chain, HE, OperationKind::Commission, coding);
    let state = &chain.rows();
    let found = units::of(state, &unit("L")).unwrap().unwrap();
    assert!(found.is_imported());
    assert_eq!((found.commissions, found.first_agency()), (1, Some(HE.into())));
    assert_eq!(units::lots(state, &unit("L"), MANY).unwrap(), [lot]);
    let handlers = units::handlers(state, &unit("L"), MANY).unwrap();
    assert!(handlers.contains(&(SubjectKind::Vehicle, "津A12345".into())));
    assert!(handlers.contains(&(SubjectKind::Person, "ab".repeat(32).into_bytes())));
    let declaration = b"020220211000012345-1".to_vec();
    assert!(papers::declarations(state, &unit("L"), MANY).unwrap().contains(&declaration));
    let codes = Codes::load(state).unwrap();
    let numbers = papers::certificates(state, &codes, &unit("L"), MANY).unwrap();
    assert_eq!(numbers.into_iter().collect::<Vec<_>>(), [b"CIQ0001".to_vec()]);
    assert!(papers::units_of_declaration(state, &declaration, MANY).unwrap().contains(&unit("L")));
    let covered = papers::units_of_certificate(state, &codes, b"CIQ0001", MANY).unwrap();
    assert!(covered.contains(&unit("L")));
}

#[test]
fn a_certificate_covers_the_codes_and_the_declaration_that_it_was_last_registered_with() {
    let mut chain = Chain::new();
    let coding = Event {
        declaration: "020220211000012345-1".to_owned(),
        ..at(1, "p", vec![item("L", boxes(10))])
    };
    record(&mut chain, HE, OperationKind::Commission, coding);
    let register = |chain: &mut Chain, codes: &[&str], declaration: &str| {
        let body = Body::Certificate(Certificate {
            number: "N-1".to_owned(),
            codes: codes.iter().map(|code| gs1(code)).collect(),
            declaration: declaration.to_owned(),
            ..Certificate::default()
        });
        assert_eq!(chain.one(platform(HE), operation(OperationKind::Certificate, &body)).code, 0);
    };
    let covers = |chain: &Chain, name: &str| {
        let codes = Codes::load(&chain.rows()).unwrap();
        !papers::certificates(&chain.rows(), &codes, &unit(name), MANY).unwrap().is_empty()
    };
    register(&mut chain, &["A"], "");
    assert!(covers(&chain, "A") && !covers(&chain, "L") && !covers(&chain, "B"));
    register(&mut chain, &["B"], "020220211000012345-1");
    assert!(!covers(&chain, "A") && covers(&chain, "L") && covers(&chain, "B"));
    register(&mut chain, &[], "");
    assert!(!covers(&chain, "L") && !covers(&chain, "B"));
}

#[test]
fn registry_entries_are_kept_under_the_subject_and_the_latest_stands() {
    use contracts::registry;
    let mut chain = Chain::new();
    let party = |name: &str| {
        let body = Party {
            id: "91130181ma0f12343l".to_owned(),
            name: name.to_owned(),
            ..Party::default()
        };
        operation(OperationKind::Party, &Body::Party(body))
    };
    chain.one(platform(HE), party("old"));
    chain.one(platform(BJ), party("new"));
    let kept = registry::party(&chain.rows(), b"91130181MA0F12343L").unwrap().unwrap();
    let entry = kept.entry.unwrap();
    assert_eq!((entry.name.as_str(), kept.agency, kept.revision), ("new", BJ.into(), 2));
    let station = Station { id: "CK01".to_owned(), party: "p".to_owned(), ..Station::default() };
    let station = operation(OperationKind::Station, &Body::Station(station));
    let outcome = chain.one(platform(HE), station.clone());
    assert_eq!(links_line(&outcome.links), "Other p, Other 2:CK01");
    chain.one(platform(BJ), station);
    for key in [&b"0:CK01"[..], b"2:CK01"] {
        assert!(registry::station(&chain.rows(), key).unwrap().is_some());
    }
    assert!(registry::station(&chain.rows(), b"1:CK01").unwrap().is_none());
    for (kind, body) in [
        (
            OperationKind::Product,
            Body::Product(Product { id: "P".to_owned(), ..Product::default() }),
        ),
        (
            OperationKind::Vehicle,
            Body::Vehicle(Vehicle { plate: "京A 12345".to_owned(), ..Vehicle::default() }),
        ),
    ] {
        assert_eq!(chain.one(platform(HE), operation(kind, &body)).code, 0);
    }
}

#[test]
fn an_observation_is_kept_under_every_code_and_makes_lineage_and_containment() {
    let mut chain = Chain::new();
    let codes = |names: &[&str]| names.iter().map(|name| gs1(name)).collect::<Vec<_>>();
    let seen = Observation {
        occurred_ms: crate::harness::START_MS,
        format: "epcis-2.0-json".to_owned(),
        original: b"{}".to_vec(),
        codes: codes(&["M"]),
        inputs: codes(&["I"]),
        outputs: codes(&["O"]),
        container: gs1("P"),
        contents: codes(&["C"]),
        stations: vec!["urn:epc:id:sgln:1".to_owned()],
        parties: vec!["urn:epc:id:pgln:1".to_owned()],
        ..Observation::default()
    };
    let outcome =
        chain.one(platform(BJ), operation(OperationKind::Observation, &Body::Observation(seen)));
    assert_eq!(
        links_line(&outcome.links),
        "Input I, Output O, Container P, Content C, Other M, Other urn:epc:id:pgln:1, \
         Other urn:epc:id:sgln:1"
    );
    assert_eq!(descents(&chain.rows(), &unit("O"), MANY).unwrap()[0].role, Role::Output);
    assert_eq!(containments(&chain.rows(), &unit("C"), MANY).unwrap()[0].role, Role::Container);
    assert!(places(&chain.rows(), &unit("O"), MANY).unwrap().is_empty());
}

#[test]
fn links_carry_the_roles_of_the_table_and_the_day_of_the_event() {
    let mut chain = Chain::new();
    let body = Event {
        occurred_ms: 86_400_000 * 3 + 5,
        ..at(0, "p-bj", vec![taken("BJ1", "HE1", boxes(1))])
    };
    let outcome = chain.one(platform(BJ), event(OperationKind::Receive, body));
    assert_eq!(outcome.day, Some(3));
    assert_eq!(links_line(&outcome.links), "Other BJ1, Other HE1, Other p-bj, Other 0:st-p-bj");
    let split =
        Event { outputs: vec![item("A", boxes(1))], ..at(1, "p", vec![item("L", boxes(1))]) };
    let outcome = chain.one(platform(BJ), event(OperationKind::Split, split));
    assert_eq!(links_line(&outcome.links), "SplitFrom L, SplitTo A, Other p, Other 0:st-p");
}
