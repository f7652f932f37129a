//! What a block costs is bounded by what is read in it, not by how many units, entries or alerts name
//! what was read already. Work is counted in reads of the state, which are the same on every machine.

use contracts::query::alert::{Filter, alerts};
use proto::schema::OperationKind;
use proto::schema::event::{Event, TestOutcome};
use proto::trie::Namespace;

use crate::harness::{Chain, Done, HE, at, boxes, event, item, platform};
use crate::risk::result;

/// Lines of each side of the largest process that is admitted.
const LINES: usize = 1_000;

fn names(of: &str) -> Vec<String> {
    (0..LINES).map(|number| format!("{of}-{number}")).collect()
}

/// How often the value was read that was read most.
fn reads(done: &Done, namespace: Namespace) -> usize {
    let of = done.reads.iter().filter(|((of, _), _)| *of == namespace);
    of.map(|(_, count)| *count).max().unwrap_or_default()
}

/// A chain with a process of a thousand units to a thousand, whose products were found positive; and
/// the block of the result.
fn found_positive() -> (Chain, Done) {
    let mut chain = Chain::new();
    let lines = |of| names(of).iter().map(|name| item(name, boxes(1))).collect::<Vec<_>>();
    let cooked = Event { outputs: lines("OUT"), ..at(1, "p-he", lines("IN")) };
    chain.block(&[(platform(HE), event(OperationKind::Process, cooked))]);
    let tested = names("OUT");
    let tested: Vec<&str> = tested.iter().map(String::as_str).collect();
    let done = chain.block(&[(platform(HE), result(9, &tested, TestOutcome::Positive))]);
    assert_eq!(done.notices(), ["raised R24"]);
    (chain, done)
}

#[test]
fn an_event_of_a_thousand_tested_units_is_read_once_a_block() {
    let (mut chain, done) = found_positive();
    let mut read = vec![reads(&done, Namespace::OpUid)];
    while alerts(&chain.entries, Filter::All, 9).unwrap()[0].record.is_searching {
        read.push(reads(&chain.block(&[]), Namespace::OpUid));
        assert!(read.len() < 20, "the search ends");
    }
    assert!(read.iter().all(|read| *read <= 2), "{read:?}");
    assert_eq!(alerts(&chain.entries, Filter::All, 9).unwrap()[0].record.units, 2_000);
}

#[test]
fn an_alert_of_a_thousand_units_is_not_read_for_each_line_that_it_concerns() {
    let (mut chain, _) = found_positive();
    for _ in 0..20 {
        chain.block(&[]);
    }
    let lines = names("OUT").iter().map(|name| item(name, boxes(1))).collect();
    let moved = event(OperationKind::StorageIn, at(20, "p-he", lines));
    let done = chain.block(&[(platform(HE), moved)]);
    let read = reads(&done, Namespace::Alert);
    assert!(read <= 4, "{read} reads of one alert");
}
