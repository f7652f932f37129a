#![cfg(test)]
//! Seeds: the corpus of those that once broke something, and a budget of new ones.

use sim::{Signatures, Size};

/// Seeds of each size that every test run tries; `sim --runs` tries more.
const BUDGET: [(u8, u64); 4] = [(1, 300), (3, 400), (4, 400), (7, 60)];

fn size(members: u8, signatures: Signatures) -> Size {
    Size::new(members, signatures).expect("not empty")
}

fn check(size: &Size, members: u8, seed: u64) {
    let outcome = size.run(seed);
    assert!(
        outcome.violation.is_none(),
        "{}\n  cargo run -p sim -- --seed {seed} --runs 1 -n {members} --trace",
        outcome.violation.expect("checked")
    );
    assert!(outcome.height >= 20, "seed {seed} n {members}: only {} heights", outcome.height);
}

#[test]
fn the_corpus_holds() {
    let corpus = include_str!("../seeds.txt");
    let mut count = 0;
    for line in corpus.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ');
        let members: u8 = words.next().and_then(|it| it.parse().ok()).expect("validators");
        let seed: u64 = words.next().and_then(|it| it.parse().ok()).expect("a seed");
        assert!(words.next().is_some(), "line {line:?} tells its story");
        check(&size(members, Signatures::Empty), members, seed);
        count += 1;
    }
    assert!(count >= 10, "{count} seeds");
}

#[test]
fn a_budget_of_seeds_holds() {
    for (members, seeds) in BUDGET {
        let size = size(members, Signatures::Empty);
        (10_000..10_000 + seeds).for_each(|seed| check(&size, members, seed));
    }
}

#[test]
fn seeds_with_real_signatures_hold() {
    let size = size(4, Signatures::Real);
    (20_000..20_008).for_each(|seed| check(&size, 4, seed));
}

#[test]
fn equal_seeds_are_equal_runs_and_signatures_do_not_change_them() {
    for members in [1, 3, 4] {
        let size = size(members, Signatures::Empty);
        for seed in 0..20 {
            assert_eq!(size.run(seed), size.run(seed), "n={members} seed {seed}");
        }
        let digests: std::collections::BTreeSet<u64> =
            (0..20).map(|seed| size.run(seed).digest).collect();
        assert_eq!(digests.len(), 20, "n={members}: other seeds are other runs");
    }
}

#[test]
fn signatures_do_not_change_what_happens() {
    let (empty, real) = (size(3, Signatures::Empty), size(3, Signatures::Real));
    for seed in 0..5 {
        let (empty, real) = (empty.run(seed), real.run(seed));
        assert_eq!((empty.events, empty.height), (real.events, real.height), "seed {seed}");
    }
}
