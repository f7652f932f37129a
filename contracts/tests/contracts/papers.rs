//! R01: which papers are there for a lot: by whose registration, on which day, and of which coding.

use proto::schema::event::{Event, Lot};
use proto::schema::registry::{Certificate, CertificateType};
use proto::schema::{Body, OperationKind};

use crate::correction::correction;
use crate::harness::{
    BJ, Chain, HE, START_MS, at, boxes, event, gs1, item, operation, platform, ship,
};
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
