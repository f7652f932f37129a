//! What a block costs is bounded by what is read in it, not by how many units, entries or alerts name
//! what was read already. Work is counted in reads of the state, which are the same on every machine.

use contracts::query::alert::{Filter, alerts};
use proto::operation::Operation;
use proto::schema::OperationKind;
use proto::schema::event::{Event, TestOutcome};
use proto::trie::Namespace;

use crate::harness::{Chain, Done, HE, Who, at, boxes, event, item, platform, receive, taken};
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

/// How many values were read of a namespace, each as often as it was read.
fn reads_in_all(done: &Done, namespace: Namespace) -> usize {
    done.reads.iter().filter(|((of, _), _)| *of == namespace).map(|(_, count)| count).sum()
}

/// A chain with classes of this many units, each of which is the same goods as every other one of its
/// class, by one delivery each.
fn dense(classes: usize, units: usize) -> Chain {
    let mut chain = Chain::new();
    for class in 0..classes {
        let named = |unit: usize| format!("{class}-{unit:03}");
        let pairs = (0..units).flat_map(|from| (from + 1..units).map(move |to| (from, to)));
        let lines: Vec<_> =
            pairs.map(|(from, to)| taken(&named(to), &named(from), boxes(1))).collect();
        for lines in lines.chunks(LINES) {
            chain.block(&[(platform(HE), receive(2, ("p-he", "p-bj"), "D-1", lines.to_vec()))]);
        }
    }
    chain
}

/// Two units of a class that come from different declarations.
fn two_origins(class: usize) -> [(Who, Operation); 2] {
    [(0, "020220211000012345-1"), (1, "020220211000099999-1")].map(|(unit, declaration)| {
        let coded = at(1, "p-he", vec![item(&format!("{class}-{unit:03}"), boxes(1))]);
        let coded = Event { declaration: declaration.to_owned(), ..coded };
        (platform(HE), event(OperationKind::Commission, coded))
    })
}

#[test]
fn a_class_in_which_everything_matches_everything_is_looked_at_in_part() {
    let mut chain = dense(1, 100);
    let again = vec![taken("0-001", "0-000", boxes(1))];
    let done = chain.block(&[(platform(HE), receive(3, ("p-he", "p-bj"), "D-1", again))]);
    let read = reads_in_all(&done, Namespace::Match);
    assert!(read <= 8_000, "{read} reads of 4,950 matches, each in two lists");
}

#[test]
fn classes_that_a_block_does_not_get_to_are_searched_later() {
    let mut chain = dense(20, 46);
    let all: Vec<_> = (0..20).flat_map(two_origins).collect();
    let told = [chain.block(&all).notices(), chain.block(&[]).notices()];
    assert!(told.iter().all(|told| told.len() < 20), "{told:?}");
    assert_eq!(told.concat(), ["raised R22"; 20]);
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
    let mut read = vec![done.operations_read];
    let mut work_left = done.work_left;
    while alerts(&chain.rows(), Filter::All, 9).unwrap()[0].record.is_searching {
        assert!(work_left, "the primary does not wait for an operation while a search goes on");
        let done = chain.block(&[]);
        read.push(done.operations_read);
        work_left = done.work_left;
        assert!(read.len() < 20, "the search ends");
    }
    assert!(!work_left, "nothing is left once it is over");
    assert!(read.iter().all(|read| *read <= 2), "{read:?}");
    assert_eq!(alerts(&chain.rows(), Filter::All, 9).unwrap()[0].record.units, 2_000);
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

#[test]
fn a_block_joins_no_more_units_than_a_step_may_name() {
    let he = platform(HE);
    // Which of the two the search comes to first is chance: with one of these names it is A.
    for name in ["B-0", "B-1", "B-2", "B-3"] {
        let outputs = |of: &str, count| {
            names(of).iter().take(count).map(|part| item(part, boxes(1))).collect::<Vec<_>>()
        };
        let made = |kind, of: &str, count| {
            let event_of = at(1, "p-he", vec![item(of, boxes(1_000))]);
            (he, event(kind, Event { outputs: outputs(of, count), ..event_of }))
        };
        let same = (0..63).map(|at| taken(&format!("SAME-{at}"), name, boxes(1))).collect();
        let mut chain = Chain::new();
        chain.block(&[
            made(OperationKind::Split, "A", 999),
            made(OperationKind::Process, name, 1_000),
            (he, receive(2, ("p-he", "p-bj"), "D-1", same)),
        ]);
        let positive = (he, result(9, &["A", name], TestOutcome::Positive));
        let mut joined = chain.block(&[positive]).steps;
        while alerts(&chain.rows(), Filter::All, 9).unwrap()[0].record.is_searching {
            joined.extend(chain.block(&[]).steps);
        }
        let joined: usize = joined.iter().map(|step| step.links.as_slice().len()).sum();
        assert_eq!(joined, 999 + 1_000 + 63, "{name}");
    }
}
