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
use crate::harness::{BJ, Chain, Who, platform};
use crate::risk::{relation_lines, result, road, sale, settling, wait};

/// An alert: identifier, sentence, agencies told, and what it concerns.
type Told = (String, String, BTreeSet<u32>, Vec<String>);

/// Active alerts.
fn standing(chain: &Chain) -> Vec<Told> {
    let mut active = Vec::new();
    for view in alerts(&chain.entries, Filter::Active, 100).unwrap() {
        let concerned = scope(&chain.entries, &view.id, None, 10_000).unwrap();
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
            let active = alerts(&chain.entries, Filter::Active, 9).unwrap();
            let found: Vec<Level> = active.iter().map(|view| view.record.level()).collect();
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{stated:?} {order:?}");
            let kind = OperationKind::TestResult;
            let never = correction("never", (200, all[0].uid), kind, None);
            chain.block(&[(platform(BJ), never)]);
            assert_eq!(standing(&chain), [], "{stated:?} {order:?}");
        }
    }
}

fn everything() -> Vec<(Who, Operation)> {
    use TestOutcome::{Negative, Positive, Suspected};
    let bj = platform(BJ);
    let mut all = road();
    let found = corrected_twice("PACK-1", 100, [Some(Negative), Some(Suspected), Some(Positive)]);
    let never = corrected_twice("STRANGER", 110, [Some(Positive), Some(Suspected), None]);
    all.extend(found.into_iter().chain(never).map(|operation| (bj, operation)));
    all.push((bj, sale(120, "PACK-2", 40)));
    let sold = sale(121, "B", 45);
    all.push((bj, sold.clone()));
    all.push((bj, correction("never", (122, sold.uid), OperationKind::Sale, None)));
    all
}

/// Events of everything.
const EVENTS: usize = 17;

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
