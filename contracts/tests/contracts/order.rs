//! The order in which facts arrive leaves no mark: any order, cut into any blocks, ends in one state.

use contracts::scheme::demo;
use proptest::prelude::*;
use proto::operation::Operation;
use proto::schema::OperationKind;
use proto::schema::event::{Event, Item, Lot};
use proto::trie::Namespace;

use crate::correction::correction;
use crate::harness::{
    BJ, Chain, Entries, HE, TJ, Who, at, boxes, code, event, gs1, item, kilograms, platform,
    receive, ship, taken,
};

const BEIJING: &str = "BJ110108069012345678922103150042F";

/// Events of the road.
const EVENTS: usize = 18;

/// A road from Hebei to Beijing with everything that can be said twice, wrongly or too late.
fn road() -> Vec<(Who, Operation)> {
    let (he, bj, tj) = (platform(HE), platform(BJ), platform(TJ));
    let coding = Event {
        declaration: "020220211000012345-1".to_owned(),
        certificates: vec!["C-0001".to_owned()],
        lot: Some(Lot { imported: true, batch: "7".to_owned(), ..Lot::default() }),
        ..at(1, "p-he", vec![item("L", boxes(100))])
    };
    let coding = event(OperationKind::Commission, coding);
    let sold = |count| at(90, "p-bj", vec![item("PACK-1", boxes(count))]);
    let sale = event(OperationKind::Sale, sold(9));
    let first = correction("first", (95, sale.uid), OperationKind::Sale, Some(sold(4)));
    let second = correction("second", (96, first.uid), OperationKind::Sale, Some(sold(3)));
    let late = correction("late", (94, sale.uid), OperationKind::Sale, None);
    let wrong = receive(62, ("p-bj", "p-he"), "D-1", vec![taken("WRONG", "L", boxes(7))]);
    let never = correction("never", (99, wrong.uid), OperationKind::Receive, None);
    let pack = |minute, kind| {
        let pack = Event { container: gs1("PALLET"), ..at(minute, "p-he", vec![code("L")]) };
        event(kind, pack)
    };
    let written = |code: &str, count| Item { code: code.to_owned(), ..item("", boxes(count)) };
    let split = Event {
        outputs: vec![item("PACK-1", boxes(5)), item("PACK-2", boxes(5))],
        person: "ab".repeat(32),
        ..at(70, "p-bj", vec![item("B", boxes(10))])
    };
    let process = Event {
        outputs: vec![item("DISH", kilograms(8))],
        ..at(80, "p-bj", vec![item("PACK-2", boxes(5)), item("SAUCE", kilograms(1))])
    };
    vec![
        (he, coding),
        (he, event(OperationKind::StorageIn, at(2, "p-he", vec![item("L", boxes(100))]))),
        (he, pack(3, OperationKind::Pack)),
        (he, pack(4, OperationKind::Unpack)),
        (he, ship(10, ("p-he", "p-bj"), "D-1", vec![item("L", boxes(60))])),
        (bj, receive(60, ("p-bj", "p-he"), "D-1", vec![taken("B", "L", boxes(60))])),
        (bj, wrong),
        (bj, never),
        (tj, receive(61, ("p-tj", "p-he"), "D-2", vec![item("L", boxes(10))])),
        (he, ship(11, ("p-he", "p-tj"), "D-2", vec![item("L", boxes(10))])),
        (bj, event(OperationKind::Split, split)),
        (bj, event(OperationKind::Process, process)),
        (bj, sale),
        (bj, first),
        (bj, second),
        (bj, late),
        (bj, event(OperationKind::OpeningStock, at(5, "p-bj", vec![written(BEIJING, 3)]))),
        (bj, event(OperationKind::Use, at(6, "p-bj", vec![written(BEIJING, 1)]))),
    ]
}

fn run(operations: &[(Who, Operation)], cuts: &[usize]) -> Chain {
    let mut chain = Chain::new();
    let mut rest = operations;
    for cut in cuts {
        let (block, behind) = rest.split_at((*cut).min(rest.len()));
        chain.block(block);
        rest = behind;
    }
    chain.block(rest);
    chain
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_order_in_any_blocks_ends_in_one_state(
        order in Just((0..EVENTS).collect::<Vec<usize>>()).prop_shuffle(),
        cuts in prop::collection::vec(0usize..5, 0..12),
    ) {
        let expected = run(&road(), &[]).records();
        let found = run(&ordered(&order), &cuts).records();
        prop_assert_eq!(differing(&expected, &found), Vec::<String>::new());
    }

    #[test]
    fn a_scheme_that_becomes_active_anywhere_among_its_events_loses_nothing(
        order in Just((0..EVENTS).collect::<Vec<usize>>()).prop_shuffle(),
        early in 0..=EVENTS,
    ) {
        let shuffled = ordered(&order);
        let known = |before: usize| {
            let mut chain = Chain::new();
            let (first, behind) = shuffled.split_at(before);
            chain.block(first);
            chain.activate(&[demo::BEIJING]);
            chain.block(behind);
            chain.block(&[]);
            let mut entries = chain.records();
            // The name of the OPAQUE unit stays, for those who look for it.
            entries.retain(|(_, key), _| !contains(key, b"OPAQUE:"));
            entries.retain(|(namespace, key), _| {
                *namespace != Namespace::Page || key.get(1) != Some(&9)
            });
            entries
        };
        prop_assert_eq!(differing(&known(0), &known(early)), Vec::<String>::new());
    }
}

fn ordered(order: &[usize]) -> Vec<(Who, Operation)> {
    let road = road();
    assert_eq!(road.len(), EVENTS);
    order.iter().map(|index| road[*index].clone()).collect()
}

fn contains(key: &[u8], part: &[u8]) -> bool {
    key.windows(part.len()).any(|window| window == part)
}

/// Keys whose values differ, in words.
fn differing(expected: &Entries, found: &Entries) -> Vec<String> {
    let keys: std::collections::BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    keys.into_iter()
        .filter(|key| expected.get(*key) != found.get(*key))
        .map(|key| {
            let text = String::from_utf8_lossy(&key.1).into_owned();
            format!("{:?} {text:?}: {:?} / {:?}", key.0, expected.get(key), found.get(key))
        })
        .collect()
}
