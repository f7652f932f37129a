//! Worlds of thousands of events out of a seed, and what must stand in them in the end: the same records
//! and the same findings in whatever order and blocks the events came.

#[path = "worlds/lot.rs"]
mod lot;

use std::collections::BTreeSet;

use proto::operation::Operation;

use crate::harness::{Chain, Standing, Who};

/// Operations of the largest block of a shuffled world.
const BLOCK_MAX: usize = 200;

/// Differences that are shown of one kind.
const SHOWN_MAX: usize = 12;

/// Numbers out of a seed (splitmix64), the same on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice of a seed.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`.
    pub(crate) fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    /// Whether the one side of `sides` came.
    pub(crate) fn one_in(&mut self, sides: u64) -> bool {
        self.below(sides) == 0
    }

    fn index(&mut self, length: usize) -> usize {
        let sides = u64::try_from(length).expect("usize is at most 64 bits");
        usize::try_from(self.below(sides)).expect("below a usize")
    }
}

/// A world of `events` operations: lots of three agencies with everything that goes wrong with them.
pub(crate) fn world(seed: u64, events: usize) -> Vec<(Who, Operation)> {
    let mut dice = Dice::new(seed);
    let mut all = Vec::new();
    for number in 0.. {
        all.extend(lot::lot(&mut dice, number));
        if all.len() >= events {
            break;
        }
    }
    all.truncate(events);
    all
}

/// What stands in the end when the operations come as they are, in blocks of the largest size.
pub(crate) fn straight(operations: &[(Who, Operation)]) -> Standing {
    let mut chain = Chain::new();
    for block in operations.chunks(BLOCK_MAX) {
        chain.block(block);
    }
    chain.settle();
    chain.standing()
}

/// What stands in the end when they are shuffled over random blocks.
pub(crate) fn shuffled(seed: u64, operations: &[(Who, Operation)]) -> Standing {
    let mut dice = Dice::new(seed);
    let mut rest = operations.to_vec();
    for last in (1..rest.len()).rev() {
        rest.swap(last, dice.index(last + 1));
    }
    let mut chain = Chain::new();
    while !rest.is_empty() {
        let behind = rest.split_off(dice.index(BLOCK_MAX + 1).min(rest.len()));
        chain.block(&rest);
        rest = behind;
    }
    chain.settle();
    chain.standing()
}

/// In which records and findings two ends differ, in a line each; of many the first and their number.
pub(crate) fn differing(expected: &Standing, found: &Standing) -> Vec<String> {
    let keys: BTreeSet<_> = expected.records.keys().chain(found.records.keys()).collect();
    let records =
        keys.into_iter().filter(|key| expected.records.get(*key) != found.records.get(*key));
    let records = records.map(|key| {
        let text = String::from_utf8_lossy(&key.1).into_owned();
        format!("record {:?} {text:?}", key.0)
    });
    let lines = |standing: &Standing| standing.findings.iter().cloned().collect::<BTreeSet<_>>();
    let (before, now) = (lines(expected), lines(found));
    let gone = before.difference(&now).map(|line| format!("only in order: {line}"));
    let come = now.difference(&before).map(|line| format!("only shuffled: {line}"));
    let mut told = Vec::new();
    for all in [records.collect::<Vec<_>>(), gone.collect(), come.collect()] {
        told.extend(all.iter().take(SHOWN_MAX).cloned());
        if all.len() > SHOWN_MAX {
            told.push(format!("... {} of this kind in all", all.len()));
        }
    }
    told
}

#[test]
fn a_world_of_two_thousand_events_ends_the_same_in_whatever_order_and_blocks() {
    let operations = world(1, 2_000);
    let expected = straight(&operations);
    for rule in ["R01", "R12", "R22", "R24"] {
        assert!(expected.findings.iter().any(|line| line.starts_with(rule)), "{rule} has its case");
    }
    for seed in 0..5 {
        let told = differing(&expected, &shuffled(seed, &operations));
        assert!(told.is_empty(), "seed {seed}: {told:#?}");
    }
}
