//! A positive sample in a family of thousands of units: what was found stays shown until a new search
//! is whole, whatever is corrected meanwhile, and no alert waits for another.

use std::collections::BTreeMap;

use proto::operation::Operation;
use proto::schema::OperationKind;
use proto::schema::event::{Event, TestOutcome};

use crate::correction::correction;
use crate::harness::{Chain, Done, HE, Rule, Who, at, boxes, event, item, platform};
use crate::risk::result;

/// Outputs of an event.
const LINES: usize = 1_000;

/// Events that divide a thousand times.
const CUTS: usize = 20;

/// Units of the family: the lot, its parts, and theirs.
const FAMILY: u64 = 1 + 20 + 20 * 1_000;

/// Blocks in which a search of the whole family must be over, several times what it takes alone.
const BLOCKS_MAX: usize = 120;

fn divided(minute: u64, name: &str, parts: Vec<String>) -> Event {
    let outputs = parts.iter().map(|part| item(part, boxes(1))).collect();
    let count = u64::try_from(parts.len()).unwrap();
    Event { outputs, ..at(minute, "p-he", vec![item(name, boxes(count))]) }
}

fn names(of: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{of}-{number}")).collect()
}

/// A lot that was cut into parts and each of these into a thousand.
fn family(lot: &str, cuts: usize) -> Vec<(Who, Operation)> {
    let parts = names(lot, cuts);
    let mut all = vec![(platform(HE), event(OperationKind::Split, divided(1, lot, parts.clone())))];
    for part in parts {
        let cut = divided(2, &part, names(&part, LINES));
        all.push((platform(HE), event(OperationKind::Split, cut)));
    }
    all
}

/// The event that cut a part of the lot, with its last output misspelled.
fn misspelled() -> Operation {
    let mut parts = names("L-7", LINES - 1);
    parts.push("L-7-TYPO".to_owned());
    event(OperationKind::Split, divided(2, "L-7", parts))
}

/// What corrects it.
fn spelled(of: &Operation) -> (Who, Operation) {
    let right = divided(2, "L-7", names("L-7", LINES));
    let fixed = correction("spelled", (50, of.uid), OperationKind::Split, Some(right));
    (platform(HE), fixed)
}

/// Stock of one unit, counted wrongly; and its correction.
fn counted(number: usize) -> [(Who, Operation); 2] {
    let name = format!("L-3-{number}");
    let count = |count| at(3, "p-he", vec![item(&name, boxes(count))]);
    let wrong = event(OperationKind::StorageIn, count(10));
    let kind = OperationKind::StorageIn;
    let right = correction(&format!("counted {number}"), (60, wrong.uid), kind, Some(count(1)));
    [(platform(HE), wrong), (platform(HE), right)]
}

/// A family with a positive lot that was searched to its end, one of its cuts being misspelled, and
/// wrong counts of `counts` of its units.
fn searched(counts: usize) -> (Chain, String, Operation) {
    let typo = misspelled();
    let mut chain = Chain::new();
    for (number, operation) in (0..).zip(family("L", CUTS)) {
        let is_typo = number == 8;
        chain.block(&[if is_typo { (platform(HE), typo.clone()) } else { operation }]);
    }
    let counts: Vec<_> = (0..counts).map(|number| counted(number)[0].clone()).collect();
    chain.block(&counts);
    chain.block(&[(platform(HE), result(9, &["L"], TestOutcome::Positive))]);
    chain.rest();
    let alert = chain.alert_about(Rule::PositiveSample, "L");
    assert_eq!(chain.search(&alert), (FAMILY, false));
    (chain, alert, typo)
}

/// Runs blocks until the search is over, each with what `block` gives it; every block shows at least
/// the units that were found before.
fn until_whole(
    chain: &mut Chain,
    alert: &str,
    mut block: impl FnMut(usize) -> Vec<(Who, Operation)>,
) {
    for number in 0..BLOCKS_MAX {
        chain.block(&block(number));
        let (units, is_searching) = chain.search(alert);
        assert!(units >= FAMILY, "block {number}: {units} of {FAMILY} units are shown");
        let shown = chain.concerned(alert).len();
        assert!(shown >= 20_021, "block {number}: {shown} of {FAMILY} units are listed");
        if !is_searching {
            return;
        }
    }
    panic!("the search is not whole after {BLOCKS_MAX} blocks");
}

#[test]
fn a_corrected_count_of_one_unit_wipes_nothing_of_a_recall_list_of_twenty_thousand() {
    let (mut chain, alert, _) = searched(1);
    let before = chain.concerned(&alert);
    until_whole(&mut chain, &alert, |number| {
        if number == 0 { vec![counted(0)[1].clone()] } else { Vec::new() }
    });
    assert_eq!(chain.concerned(&alert), before);
}

#[test]
fn a_corrected_code_leaves_a_recall_list_only_when_the_new_search_is_whole() {
    let (mut chain, alert, typo) = searched(0);
    let before = chain.concerned(&alert);
    assert!(before.contains_key("L-7-TYPO") && !before.contains_key("L-7-999"));
    until_whole(
        &mut chain,
        &alert,
        |number| {
            if number == 0 { vec![spelled(&typo)] } else { Vec::new() }
        },
    );
    let after = chain.concerned(&alert);
    let renamed =
        |name: &String| if name == "L-7-TYPO" { "L-7-999".to_owned() } else { name.clone() };
    let expected: BTreeMap<_, _> = before.iter().map(|(name, is)| (renamed(name), *is)).collect();
    assert_eq!(after, expected);
}

#[test]
fn one_correction_a_block_does_not_keep_a_recall_list_from_being_whole() {
    let (mut chain, alert, typo) = searched(BLOCKS_MAX);
    chain.block(&[spelled(&typo)]);
    for number in 0..BLOCKS_MAX {
        chain.block(&[counted(number)[1].clone()]);
        let (units, _) = chain.search(&alert);
        assert!(units >= FAMILY, "block {number}: {units} of {FAMILY} units are shown");
    }
    let shown = chain.concerned(&alert);
    assert!(!shown.contains_key("L-7-TYPO"), "what was never cut has left");
    assert_eq!(shown.len(), 20_021, "and everything else is there");
}

#[test]
fn four_positives_at_once_all_go_on_in_every_block() {
    let lots = ["A", "B", "C", "D"];
    let mut chain = Chain::new();
    for lot in lots {
        for operation in family(lot, 4) {
            chain.block(&[operation]);
        }
    }
    let results = lots.map(|lot| (platform(HE), result(9, &[lot], TestOutcome::Positive)));
    let done: Done = chain.block(&results);
    assert_eq!(done.notices(), ["raised R24"; 4]);
    let alerts = lots.map(|lot| chain.alert_about(Rule::PositiveSample, lot));
    let mut before = alerts.clone().map(|alert| chain.search(&alert));
    while before.iter().any(|(_, is_searching)| *is_searching) {
        chain.block(&[]);
        let now = alerts.clone().map(|alert| chain.search(&alert));
        for ((lot, before), now) in lots.iter().zip(before).zip(now) {
            assert!(!before.1 || now.0 > before.0 || !now.1, "{lot} stands still at {}", now.0);
        }
        before = now;
    }
    assert_eq!(before, [(4_005, false); 4]);
}
