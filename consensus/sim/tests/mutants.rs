#![cfg(test)]
//! A simulator that finds nothing proves nothing: two deliberate defects must be found, and by what
//! they do wrong, not by standing still.

use sim::{Mutant, Signatures, Size, Violation};

/// Runs seeds until one does something wrong; how many that took, and what it was.
fn first_unsafe(size: &Size, seeds_max: u64) -> Option<(u64, Violation)> {
    (0..seeds_max).find_map(|seed| {
        let violation = size.run(seed).violation?;
        violation.is_unsafe().then_some((seed, violation))
    })
}

#[test]
fn a_quorum_lower_by_one_forks_the_chain() {
    for n in [3, 4] {
        let size = Size::new(n, Signatures::Empty).expect("not empty");
        let found = first_unsafe(&size.with_mutant(Mutant::QuorumLowered), 3_000);
        assert!(matches!(found, Some((_, Violation::Fork { .. }))), "n={n}: {found:?}");
    }
}

#[test]
fn a_forgotten_journal_votes_twice() {
    for n in [3, 4] {
        let size = Size::new(n, Signatures::Empty).expect("not empty");
        let found = first_unsafe(&size.with_mutant(Mutant::JournalForgotten), 3_000);
        let caught = matches!(
            found,
            Some((
                _,
                Violation::DoubleVote { .. }
                    | Violation::Fork { .. }
                    | Violation::VoteBack { .. }
                    | Violation::Convicted { .. }
            ))
        );
        assert!(caught, "n={n}: {found:?}");
    }
}
