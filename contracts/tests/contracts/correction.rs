//! Corrections: the old event stays, its effects go, those of the new one come.

use std::collections::BTreeSet;

use contracts::matching;
use contracts::trace::stock::balance;
use proto::operation::Operation;
use proto::receipt::Role;
use proto::schema::event::{Event, Uom};
use proto::schema::{Body, OperationKind};

pub(crate) use crate::harness::correction;
use crate::harness::{
    BJ, Chain, HE, at, boxes, event, item, links_line, platform, receive, ship, status_name, taken,
    uid, unit,
};

fn sold(chain: &Chain, name: &str) -> i64 {
    balance(&chain.entries, &unit(name), b"0:st-p", Uom::Xbx.into()).unwrap().sold
}

fn sale(minute: u64, name: &str, count: u64) -> Event {
    at(minute, "p", vec![item(name, boxes(count))])
}

#[test]
fn a_correction_reverses_the_sums_of_the_old_event_and_adds_those_of_the_new() {
    let mut chain = Chain::new();
    let first = event(OperationKind::Sale, sale(1, "A", 120));
    chain.one(platform(BJ), first.clone());
    assert_eq!(sold(&chain, "A"), 120_000);
    let fixed = correction("c1", (5, first.uid), OperationKind::Sale, Some(sale(1, "A", 12)));
    let outcome = chain.one(platform(BJ), fixed);
    assert_eq!(sold(&chain, "A"), 12_000);
    // The code did not change: nothing is relabelled.
    assert_eq!(links_line(&outcome.links), "Other A, Other p, Other 0:st-p");
    let gone = correction("c2", (6, first.uid), OperationKind::Sale, None);
    let outcome = chain.one(platform(BJ), gone);
    assert_eq!(sold(&chain, "A"), 0);
    assert_eq!(links_line(&outcome.links), "Other A, Other p, Other 0:st-p");
}

#[test]
fn a_corrected_code_links_the_old_and_the_new_unit_beside_its_own_role() {
    let mut chain = Chain::new();
    let split = |input: &str| Event { outputs: vec![item("OUT", boxes(1))], ..sale(1, input, 1) };
    let first = event(OperationKind::Split, split("OLD"));
    chain.one(platform(BJ), first.clone());
    let fixed = correction("c", (5, first.uid), OperationKind::Split, Some(split("NEW")));
    let outcome = chain.one(platform(BJ), fixed);
    assert_eq!(
        links_line(&outcome.links),
        "Relabel NEW, Relabel OLD, SplitFrom NEW, SplitTo OUT, Other p, Other 0:st-p"
    );
    let lineage = |name: &str| {
        contracts::trace::lineage::descents(&chain.entries, &unit(name), 10).unwrap().len()
    };
    assert_eq!((lineage("OLD"), lineage("NEW"), lineage("OUT")), (0, 1, 1));
}

#[test]
fn another_agency_corrects_nothing_of_mine() {
    let mut chain = Chain::new();
    let first = event(OperationKind::Sale, sale(1, "A", 120));
    chain.one(platform(BJ), first.clone());
    let foreign = correction("c", (5, first.uid), OperationKind::Sale, None);
    assert_eq!(chain.one(platform(HE), foreign).code, 0, "a fact of its own, about nothing yet");
    assert_eq!(sold(&chain, "A"), 120_000);
}

#[test]
fn the_latest_correction_by_its_time_stands_whichever_comes_first() {
    for order in [[0, 1], [1, 0]] {
        let mut chain = Chain::new();
        let first = event(OperationKind::Sale, sale(1, "A", 120));
        chain.one(platform(BJ), first.clone());
        let both = [
            correction("early", (5, first.uid), OperationKind::Sale, Some(sale(1, "A", 1))),
            correction("late", (9, first.uid), OperationKind::Sale, Some(sale(1, "A", 2))),
        ];
        for index in order {
            chain.one(platform(BJ), both[index].clone());
        }
        assert_eq!(sold(&chain, "A"), 2_000, "{order:?}");
    }
}

#[test]
fn a_correction_of_a_correction_and_one_that_comes_before_its_event_count_once() {
    let first = event(OperationKind::Sale, sale(1, "A", 120));
    let one = correction("one", (5, first.uid), OperationKind::Sale, Some(sale(1, "A", 1)));
    let two = correction("two", (6, one.uid), OperationKind::Sale, Some(sale(1, "A", 2)));
    let three = correction("three", (7, two.uid), OperationKind::Sale, Some(sale(1, "A", 3)));
    let all = [first, one, two, three];
    for order in permutations(4) {
        let mut chain = Chain::new();
        for index in &order {
            assert_eq!(chain.one(platform(BJ), all[*index].clone()).code, 0);
        }
        assert_eq!(sold(&chain, "A"), 3_000, "{order:?}");
    }
}

#[test]
fn corrections_in_a_circle_end() {
    let mut chain = Chain::new();
    let one = correction("x", (5, uid("y")), OperationKind::Sale, Some(sale(1, "A", 1)));
    let two = correction("y", (6, uid("x")), OperationKind::Sale, Some(sale(1, "A", 2)));
    let own = correction("z", (6, uid("z")), OperationKind::Sale, Some(sale(1, "A", 4)));
    for operation in [one, two, own] {
        assert_eq!(chain.one(platform(BJ), operation).code, 0);
    }
}

#[test]
fn a_corrected_delivery_changes_its_match() {
    let mut chain = Chain::new();
    let sent = ship(10, ("p-he", "p-bj"), "D", vec![item("HE1", boxes(100))]);
    let got = receive(60, ("p-bj", "p-he"), "D", vec![taken("BJ1", "HE1", boxes(98))]);
    chain.block(&[(platform(HE), sent), (platform(BJ), got.clone())]);
    let status = |chain: &Chain| {
        let found = matching::of(&chain.entries, &unit("HE1"), &unit("BJ1")).unwrap();
        found.map_or("-", |found| status_name(found.status()))
    };
    assert_eq!(status(&chain), "in doubt");
    let counted = Event {
        document: "D".to_owned(),
        counterparty: "p-he".to_owned(),
        ..at(60, "p-bj", vec![taken("BJ1", "HE1", boxes(100))])
    };
    let fixed = correction("c", (70, got.uid), OperationKind::Receive, Some(counted));
    let told = chain.told(&[(platform(BJ), fixed)]);
    assert_eq!(told, "HE1 -> BJ1: in doubt -> confirmed [Same BJ1, Same HE1]\n");
    let gone = correction("d", (80, got.uid), OperationKind::Receive, None);
    let told = chain.told(&[(platform(BJ), gone)]);
    assert_eq!(told, "HE1 -> BJ1: confirmed -> - [Void BJ1, Void HE1]\n");
    assert_eq!(status(&chain), "-");
}

#[test]
fn a_correction_with_more_links_than_a_receipt_holds_is_recorded_in_either_order() {
    let lines =
        |of: &str| (0..700).map(|number| item(&format!("{of}-{number}"), boxes(1))).collect();
    let sent = ship(1, ("p-he", "p-bj"), "D-1", lines("OLD"));
    let stated = ship(1, ("p-he", "p-bj"), "D-1", lines("NEW"));
    let Body::Event(stated) = Body::decode(OperationKind::Ship, &stated.body).unwrap() else {
        unreachable!("an event");
    };
    let fixed = correction("c", (5, sent.uid), OperationKind::Ship, Some(stated));
    for order in [[&sent, &fixed], [&fixed, &sent]] {
        let mut chain = Chain::new();
        let mut related = BTreeSet::new();
        for operation in order {
            let done = chain.block(&[(platform(HE), operation.clone())]);
            assert_eq!(done.outcomes[0].code, 0, "{:?}", done.outcomes[0].refusal);
            let links = done.steps.iter().flat_map(|step| step.links.as_slice());
            let relabel = links.filter(|link| link.role == Role::Relabel);
            related.extend(relabel.map(|link| link.subject.key.clone()));
        }
        assert_eq!(related.len(), 1_400, "every old code and every new one");
    }
}

pub(crate) fn permutations(count: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for next in 0..count {
        let mut longer = Vec::new();
        for order in &all {
            for place in 0..=order.len() {
                let mut order: Vec<usize> = order.clone();
                order.insert(place, next);
                longer.push(order);
            }
        }
        all = longer;
    }
    all
}
