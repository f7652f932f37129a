//! R01: which papers are there for a lot: by whose registration, on which day, and of which coding.

use proto::operation::Operation;
use proto::schema::event::{Event, Lot};
use proto::schema::registry::{Certificate, CertificateType};
use proto::schema::{Body, OperationKind};

use crate::correction::{correction, permutations};
use crate::harness::{
    BJ, Chain, HE, START_MS, TJ, Who, at, boxes, event, gs1, item, operation, platform, receive,
    ship, taken,
};
use crate::over::active;
use crate::risk::{DECLARATION, LATER, certificate, coding};

#[test]
fn a_certificate_that_ran_out_before_the_coding_covers_nothing() {
    let he = platform(HE);
    let until = |days: i64| {
        let body = certificate("C-1", CertificateType::EntryInspection, DECLARATION).body;
        let Body::Certificate(paper) = Body::decode(OperationKind::Certificate, &body).unwrap()
        else {
            unreachable!("a certificate");
        };
        // The day of coding in Beijing.
        let coded_ms = START_MS + LATER * 60_000 + 8 * 3_600_000;
        let day = i64::try_from(coded_ms / 86_400_000).unwrap() + days;
        let valid_to_day = u32::try_from(day).unwrap();
        let paper = Certificate { valid_to_day, ..paper };
        operation(OperationKind::Certificate, &Body::Certificate(paper))
    };
    for (days, expected) in [(-1, vec!["raised R01"]), (0, vec![]), (1, vec![])] {
        let mut chain = Chain::new();
        let shipped = ship(LATER + 9, ("p-he", "p-bj"), "D-1", vec![item("L", boxes(60))]);
        let way = [(he, coding(LATER, "L")), (he, until(days)), (he, shipped)];
        assert_eq!(chain.block(&way).notices(), expected, "{days} days after the coding");
    }
}

#[test]
fn what_one_agency_registers_of_a_certificate_takes_nothing_from_another() {
    let he = platform(HE);
    let of_a_box = {
        let entry = CertificateType::EntryInspection.into();
        let codes = vec![gs1("BOX")];
        let number = "c-1".to_owned();
        let paper =
            Certificate { number, certificate_type: entry, codes, ..Certificate::default() };
        (platform(BJ), operation(OperationKind::Certificate, &Body::Certificate(paper)))
    };
    let of_the_lots = certificate("C-1", CertificateType::EntryInspection, DECLARATION);
    let of_the_lots = (he, of_the_lots);
    for order in [[&of_the_lots, &of_a_box], [&of_a_box, &of_the_lots]] {
        let mut chain = Chain::new();
        for registered in order {
            assert_eq!(chain.block(std::slice::from_ref(registered)).outcomes[0].code, 0);
        }
        let shipped = ship(LATER + 9, ("p-he", "p-bj"), "D-1", vec![item("L", boxes(60))]);
        assert_eq!(chain.block(&[(he, coding(LATER, "L")), (he, shipped)]).notices(), [""; 0]);
        // Its own former entry an agency replaces.
        let moved = certificate("C-1", CertificateType::EntryInspection, "020220211000099999-2");
        assert_eq!(chain.block(&[(he, moved)]).notices(), ["raised R01"]);
    }
    // Two types under one number: each agency's entry counts, whichever came last.
    let mut chain = Chain::new();
    let other = certificate("C-1", CertificateType::Quality, DECLARATION);
    chain.block(&[of_the_lots, (platform(BJ), other)]);
    let shipped = ship(LATER + 9, ("p-he", "p-bj"), "D-1", vec![item("L", boxes(60))]);
    assert_eq!(chain.block(&[(he, coding(LATER, "L")), (he, shipped)]).notices(), [""; 0]);
}

#[test]
fn a_corrected_day_of_coding_changes_the_papers_that_are_required() {
    let he = platform(HE);
    let wrong = coding(1, "L");
    let Body::Event(right) =
        Body::decode(OperationKind::Commission, &coding(LATER, "L").body).unwrap()
    else {
        unreachable!("an event");
    };
    let fixed = correction("day", (LATER + 5, wrong.uid), OperationKind::Commission, Some(right));
    let entry = certificate("C-1", CertificateType::EntryInspection, DECLARATION);
    let shipped = ship(LATER + 9, ("p-he", "p-bj"), "D-1", vec![item("L", boxes(60))]);
    let mut chain = Chain::new();
    assert_eq!(chain.block(&[(he, wrong), (he, entry), (he, shipped)]).notices(), ["raised R01"]);
    assert_eq!(chain.block(&[(he, fixed)]).notices(), ["closed R01"], "2021 was a mistake");
}

#[test]
fn goods_at_home_of_home_or_on_stock_need_no_import_papers() {
    let he = platform(HE);
    let domestic = Event { lot: Some(Lot::default()), ..at(1, "p-he", vec![item("L", boxes(9))]) };
    let domestic = event(OperationKind::Commission, domestic);
    let shipped = || ship(10, ("p-he", "p-bj"), "D-1", vec![item("L", boxes(9))]);
    let mut chain = Chain::new();
    assert_eq!(chain.block(&[(he, domestic), (he, shipped())]).notices(), [""; 0]);
    let stored = event(OperationKind::StorageIn, at(2, "p-he", vec![item("L", boxes(9))]));
    let mut chain = Chain::new();
    assert_eq!(chain.block(&[(he, coding(1, "L")), (he, stored)]).notices(), [""; 0]);
    let never = correction("never", (99, shipped().uid), OperationKind::Ship, None);
    assert_eq!(chain.block(&[(he, shipped())]).notices(), ["raised R01"]);
    assert_eq!(chain.block(&[(he, never)]).notices(), ["closed R01"], "it never left");
}

/// Whatever the order, each operation in a block of its own, these alerts are active in the end.
fn check(operations: &[(Who, Operation)], expected: &[&str]) {
    for order in permutations(operations.len()) {
        let mut chain = Chain::new();
        for index in &order {
            chain.block(&[operations[*index].clone()]);
        }
        assert_eq!(active(&chain), expected, "order {order:?}");
    }
}

fn sold(name: &str) -> (Who, Operation) {
    let sold = at(LATER + 90, "p-bj", vec![item(name, boxes(1))]);
    (platform(BJ), event(OperationKind::Sale, sold))
}

/// A lot that is cut into more boxes than a walk sees.
fn cut(name: &str) -> (Who, Operation) {
    let outputs = (0..300).map(|at| item(&format!("BOX-{at}"), boxes(1))).collect();
    let lot = at(LATER + 50, "p-bj", vec![item(name, boxes(300))]);
    (platform(BJ), event(OperationKind::Split, Event { outputs, ..lot }))
}

#[test]
fn a_lot_has_moved_whichever_of_its_many_boxes_did() {
    let coded = || (platform(HE), coding(LATER, "L"));
    for name in ["BOX-5", "BOX-270", "BOX-299"] {
        check(&[coded(), cut("L"), sold(name)], &["R01 L"]);
        let sale = sold(name);
        let never = correction("never", (LATER + 99, sale.1.uid), OperationKind::Sale, None);
        check(&[coded(), cut("L"), sale, (platform(BJ), never)], &[]);
    }
    // Of another name where it is cut, and of a box that was cut again.
    let received = receive(LATER + 20, ("p-bj", "p-he"), "D-1", vec![taken("B", "L", boxes(300))]);
    let packets = Event {
        outputs: vec![item("PACKET", boxes(1))],
        ..at(LATER + 60, "p-bj", vec![item("BOX-299", boxes(1))])
    };
    let packets = (platform(BJ), event(OperationKind::Split, packets));
    let received = (platform(BJ), received);
    check(&[coded(), received, cut("B"), packets, sold("PACKET")], &["R01 L"]);
}

#[test]
fn a_split_that_never_was_leaves_a_lot_where_it_lay() {
    let lot = cut("L");
    let never = correction("never", (LATER + 99, lot.1.uid), OperationKind::Split, None);
    let coded = (platform(HE), coding(LATER, "L"));
    check(&[coded, lot, sold("BOX-1"), (platform(BJ), never)], &[]);
}

#[test]
fn the_origin_of_one_ingredient_among_three_hundred_is_found() {
    let mut chain = Chain::new();
    chain.block(&[(platform(HE), coding(LATER, "L"))]);
    let boxed = Event {
        outputs: vec![item("Z-BOX", boxes(1))],
        ..at(LATER + 50, "p-bj", vec![item("L", boxes(1))])
    };
    let mut inputs = vec![item("Z-BOX", boxes(1))];
    inputs.extend((0..300).map(|at| item(&format!("SAUCE-{at}"), boxes(1))));
    let outputs = vec![item("A-DISH", boxes(1))];
    let cooked = Event { outputs, ..at(LATER + 60, "p-bj", inputs) };
    let cooked = (platform(BJ), event(OperationKind::Process, cooked));
    let boxed = (platform(BJ), event(OperationKind::Split, boxed));
    assert_eq!(chain.block(&[boxed, cooked, sold("A-DISH")]).notices(), ["raised R01"]);
}

#[test]
fn papers_of_another_code_of_the_goods_count_whenever_they_come() {
    let imported = Event {
        lot: Some(Lot { imported: true, ..Lot::default() }),
        ..at(LATER, "p-he", vec![item("L", boxes(9))])
    };
    let imported = || (platform(HE), event(OperationKind::Commission, imported.clone()));
    let got = receive(LATER + 9, ("p-he", "p-tj"), "D-1", vec![taken("L", "X", boxes(9))]);
    let got = || (platform(HE), got.clone());
    let entry = CertificateType::EntryInspection;
    let paper = Certificate {
        number: "C-1".to_owned(),
        certificate_type: entry.into(),
        codes: vec![gs1("X")],
        ..Certificate::default()
    };
    let paper = (platform(TJ), operation(OperationKind::Certificate, &Body::Certificate(paper)));
    check(&[imported(), got(), sold("L"), paper], &[]);
    let declared = Event {
        declaration: DECLARATION.to_owned(),
        ..at(LATER, "p-tj", vec![item("X", boxes(9))])
    };
    let declared = (platform(TJ), event(OperationKind::CustomsInspection, declared));
    let paper = (platform(TJ), certificate("C-1", entry, DECLARATION));
    check(&[imported(), got(), sold("L"), declared, paper], &[]);
}

#[test]
fn a_lot_has_one_alert_also_where_it_is_coded_after_its_parts() {
    let parts = Event {
        lot: Some(Lot { imported: true, ..Lot::default() }),
        outputs: vec![item("PACK-1", boxes(5)), item("PACK-2", boxes(5))],
        ..at(LATER + 50, "p-bj", vec![item("L", boxes(10))])
    };
    let parts = (platform(BJ), event(OperationKind::Split, parts));
    let coded = (platform(HE), coding(LATER, "L"));
    check(&[coded, parts, sold("PACK-1"), sold("PACK-2")], &["R01 L"]);
}
