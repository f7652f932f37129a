//! One delivery under so many codes of the receiver that a block cannot judge them all.

use std::collections::BTreeMap;

use proto::operation::Operation;

use crate::harness::{BJ, Chain, HE, Who, boxes, item, platform, receive, ship, taken};

/// Codes under which the goods were received.
const TAKERS: usize = 9_000;

/// Lines of an event.
const LINES: usize = 1_000;

/// Blocks in which the delivery is touched again.
const BLOCKS: u64 = 12;

fn name(number: usize) -> String {
    format!("T-{number:04}")
}

fn received(minute: u64, numbers: std::ops::Range<usize>) -> (Who, Operation) {
    let lines = numbers.map(|number| taken(&name(number), "L", boxes(1))).collect();
    (platform(BJ), receive(minute, ("p-bj", "p-he"), "D-1", lines))
}

#[test]
fn all_takers_of_a_delivery_that_every_block_touches_are_judged_in_the_end() {
    let mut chain = Chain::new();
    let all: Vec<(Who, Operation)> =
        (0..TAKERS / LINES).map(|part| received(60, part * LINES..(part + 1) * LINES)).collect();
    chain.block(&all);
    chain.rest();
    assert_eq!(statuses(&chain), BTreeMap::from([("one-sided", TAKERS)]));
    // The sender's word contradicts the receiver's: from now on each pair is in doubt.
    let sent = ship(10, ("p-he", "p-bj"), "D-1", vec![item("L", boxes(5))]);
    chain.block(&[(platform(HE), sent)]);
    for minute in 0..BLOCKS {
        chain.block(&[received(61 + minute, 0..1)]);
    }
    assert_eq!(statuses(&chain), BTreeMap::from([("in doubt", TAKERS)]));
}

/// How many takers have which status.
fn statuses(chain: &Chain) -> BTreeMap<&'static str, usize> {
    let mut found = BTreeMap::new();
    for number in 0..TAKERS {
        *found.entry(chain.status("L", &name(number))).or_default() += 1;
    }
    found
}
