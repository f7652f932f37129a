#![cfg(test)]
//! The verifier against bundles made by hand: what it accepts, what it refuses and in which words.
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]
#![expect(clippy::too_many_lines, reason = "a table of forgeries is one list, however long")]

mod accepted;
mod chain;
mod claims;
mod items;
mod logs;
mod printed;
mod property;
mod story;
mod trust;
mod world;

use std::fmt::Write as _;

use ledger::bundle::Bundle;
use verify::{Options, Report};

use crate::world::World;

/// Verifies a bundle that must be accepted.
pub(crate) fn accept(world: &World, bundle: &Bundle) -> Report {
    accept_with(world, bundle, &Options::default())
}

/// Verifies a bundle that must be accepted under the verifier's demands.
pub(crate) fn accept_with(world: &World, bundle: &Bundle, options: &Options) -> Report {
    match verify::verify(world.chain(), bundle, options) {
        Ok(report) => report,
        Err(failure) => panic!("{failure}"),
    }
}

/// A change that a forger or an accident makes to a bundle.
pub(crate) type Change = fn(&mut Bundle);

/// The refusals of a bundle after each change, one line each; a change that is accepted says so.
pub(crate) fn refusals(world: &World, bundle: &Bundle, changes: &[(&str, Change)]) -> String {
    refusals_with(world, bundle, &Options::default(), changes)
}

/// As [`refusals`], under the verifier's demands.
pub(crate) fn refusals_with(
    world: &World,
    bundle: &Bundle,
    options: &Options,
    changes: &[(&str, Change)],
) -> String {
    let mut out = String::new();
    for (name, change) in changes {
        let mut changed = bundle.clone();
        change(&mut changed);
        match verify::verify(world.chain(), &changed, options) {
            Ok(report) => writeln!(out, "{name}\n  ACCEPTED {}", report.level).unwrap(),
            Err(failure) => {
                let (rule, place) = (failure.rule, &failure.place);
                writeln!(out, "{name}\n  {rule} {place}: {}", failure.sentence().en).unwrap();
            }
        }
    }
    out
}
