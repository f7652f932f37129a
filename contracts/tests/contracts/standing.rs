//! The order in which facts arrive, and their cut into blocks, leave no mark at the alerts that stand in
//! the end: neither in which they are nor in what they say and concern.

use std::collections::BTreeSet;

use contracts::query::alert::{Filter, alerts, scope};
use contracts::risk::alert::Level;
use proptest::prelude::*;
use proto::operation::Operation;
use proto::schema::event::{Event, TestOutcome};
use proto::schema::{Body, OperationKind};

use crate::correction::{correction, permutations};
use crate::harness::{BJ, Chain, HE, Who, at, code, event, platform};
use crate::risk::{DECLARATION, coding, relation_lines, result, road, sale, settling, wait};

/// An alert: identifier, sentence, agencies told, and what it concerns.
type Told = (String, String, BTreeSet<u32>, Vec<String>);

/// Active alerts.
fn standing(chain: &Chain) -> Vec<Told> {
    let mut active = Vec::new();
    for view in alerts(&chain.rows(), Filter::Active, 100).unwrap() {
        let concerned = scope(&chain.rows(), &view.id, None, 10_000).unwrap();
        let addressees = view.record.addressees.into_iter().collect();
        active.push((view.id, view.zh, addressees, relation_lines(&concerned)));
    }
    active.sort();
    active
}

/// A result, a correction of it, and a correction of the correction: what each states.
fn corrected_twice(name: &str, minute: u64, stated: [Option<TestOutcome>; 3]) -> Vec<Operation> {
    let kind = OperationKind::TestResult;
    let states = |test: TestOutcome| {
        let body = result(minute, &[name], test).body;
        let Body::Event(event) = Body::decode(kind, &body).unwrap() else {
            unreachable!("an event");
        };
        event
    };
    let first = result(minute, &[name], stated[0].unwrap());
    let corrects = |number: u64, of, test: Option<TestOutcome>| {
        let event: Option<Event> = test.map(states);
        correction(&format!("{name} {number}"), (minute + number, of), kind, event)
    };
    let second = corrects(1, first.uid, stated[1]);
    let third = corrects(2, second.uid, stated[2]);
    vec![first, second, third]
}

#[test]
fn a_result_that_is_corrected_twice_has_one_alert_and_loses_it_in_any_order() {
    use TestOutcome::{Negative, Positive, Suspected};
    for (stated, expected) in [
        ([Some(Negative), Some(Suspected), Some(Positive)], Some(Level::Red)),
        ([Some(Positive), Some(Negative), Some(Suspected)], Some(Level::Orange)),
        ([Some(Positive), Some(Positive), Some(Negative)], None),
        ([Some(Positive), Some(Suspected), None], None),
        ([Some(Positive), None, Some(Positive)], Some(Level::Red)),
    ] {
        let all = corrected_twice("A", 100, stated);
        for order in permutations(3) {
            let mut chain = Chain::new();
            for index in &order {
                chain.block(&[(platform(BJ), all[*index].clone())]);
            }
            let active = alerts(&chain.rows(), Filter::Active, 9).unwrap();
            let found: Vec<Level> = active.iter().map(|view| view.record.level()).collect();
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{stated:?} {order:?}");
            let kind = OperationKind::TestResult;
            let never = correction("never", (200, all[0].uid), kind, None);
            chain.block(&[(platform(BJ), never)]);
            assert_eq!(standing(&chain), [], "{stated:?} {order:?}");
        }
    }
}

/// A box that was sampled, a correction that says that it was another one, and a result that names the
/// sampling and no goods.
fn sampled(right: Option<&str>) -> Vec<Operation> {
    let kind = OperationKind::Sampling;
    let of =
        |name: &str| Event { document: "CY-35".to_owned(), ..at(130, "p-bj", vec![code(name)]) };
    let wrong = event(kind, of("SAUCE"));
    let corrected = correction("sampled", (131, wrong.uid), kind, right.map(of));
    let found = Event {
        test: TestOutcome::Positive.into(),
        document: "REPORT-35".to_owned(),
        agent: "SARS-CoV-2".to_owned(),
        sample: "cy-35".to_owned(),
        ..at(132, "p-lab", Vec::new())
    };
    vec![wrong, corrected, event(OperationKind::TestResult, found)]
}

#[test]
fn a_result_that_names_only_its_sampling_is_of_what_was_sampled_in_any_order() {
    let he = platform(HE);
    for (right, expected) in [(Some("BOX"), &["BOX Tested"][..]), (None, &[])] {
        let all = sampled(right);
        // Another agency has a sampling of the same number.
        let other = Event { document: "CY-35".to_owned(), ..at(1, "p-he", vec![code("OTHER")]) };
        for order in permutations(3) {
            let mut chain = Chain::new();
            chain.block(&[(he, event(OperationKind::Sampling, other.clone()))]);
            for index in &order {
                chain.block(&[(platform(BJ), all[*index].clone())]);
            }
            let (_, sentence, _, concerned) = standing(&chain).remove(0);
            assert_eq!(concerned, expected, "{order:?}");
            let units = format!("涉及 {} 个追溯单元", expected.len());
            assert!(sentence.ends_with(&units), "{sentence}");
        }
    }
    // As it was recorded, in one block; a result that names goods itself is of these.
    let mut chain = Chain::new();
    let all: Vec<_> =
        sampled(None).into_iter().map(|operation| (platform(BJ), operation)).collect();
    let done = chain.block(&[all[0].clone(), all[2].clone()]);
    assert_eq!(done.notices(), ["raised R24"]);
    assert_eq!(standing(&chain)[0].3, ["SAUCE Tested"]);
    let mut chain = Chain::new();
    let named = Event {
        test: TestOutcome::Positive.into(),
        document: "REPORT-36".to_owned(),
        sample: "CY-35".to_owned(),
        ..at(133, "p-lab", vec![code("BOX")])
    };
    let named = event(OperationKind::TestResult, named);
    chain.block(&[all[0].clone(), (platform(BJ), named)]);
    assert_eq!(standing(&chain)[0].3, ["BOX Tested"]);
}

#[test]
fn a_sampling_of_a_declaration_concerns_every_unit_of_it() {
    let of = Event {
        document: "CY-35".to_owned(),
        declaration: DECLARATION.to_owned(),
        ..at(130, "p-he", Vec::new())
    };
    let he = platform(HE);
    let all = [
        (he, coding(1, "L")),
        (he, event(OperationKind::Sampling, of)),
        (he, sampled(None).remove(2)),
    ];
    for order in permutations(3) {
        let mut chain = Chain::new();
        for index in &order {
            chain.block(&[all[*index].clone()]);
        }
        assert_eq!(standing(&chain)[0].3, ["L Tested"], "{order:?}");
    }
}

fn everything() -> Vec<(Who, Operation)> {
    use TestOutcome::{Negative, Positive, Suspected};
    let bj = platform(BJ);
    let mut all = road();
    let found = corrected_twice("PACK-1", 100, [Some(Negative), Some(Suspected), Some(Positive)]);
    let never = corrected_twice("STRANGER", 110, [Some(Positive), Some(Suspected), None]);
    let sampled = sampled(Some("PACK-2"));
    let results = found.into_iter().chain(never).chain(sampled);
    all.extend(results.map(|operation| (bj, operation)));
    all.push((bj, sale(120, "PACK-2", 40)));
    let sold = sale(121, "B", 45);
    all.push((bj, sold.clone()));
    all.push((bj, correction("never", (122, sold.uid), OperationKind::Sale, None)));
    all
}

/// Events of everything.
const EVENTS: usize = 20;

fn run(order: &[usize], cuts: &[usize]) -> Chain {
    let all = everything();
    assert_eq!(all.len(), EVENTS);
    let mut chain = settling();
    let mut rest: Vec<(Who, Operation)> = order.iter().map(|at| all[*at].clone()).collect();
    for cut in cuts {
        let behind = rest.split_off((*cut).min(rest.len()));
        chain.block(&rest);
        rest = behind;
    }
    chain.block(&rest);
    wait(&mut chain, 14);
    chain
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_order_in_any_blocks_leaves_the_same_alerts(
        order in Just((0..EVENTS).collect::<Vec<usize>>()).prop_shuffle(),
        cuts in prop::collection::vec(0usize..4, 0..12),
    ) {
        let straight: Vec<usize> = (0..EVENTS).collect();
        prop_assert_eq!(standing(&run(&order, &cuts)), standing(&run(&straight, &[])));
    }
}
