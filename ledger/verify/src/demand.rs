//! What the verifier itself demands of a bundle, beside its being true: pins, age, height, level,
//! witnesses. Values only; the clock is read by the caller.

use proto::hash::Hash;
use proto::history::HistoryLeaf;
use proto::sign::PublicKey;
use proto::types::{Height, TimeMs};

use crate::failure::{At, DemandProblem, Failure};
use crate::level::Level;

/// Milliseconds by which a leaf may be ahead of the verifier's clock: what the clocks of a quorum
/// may differ by.
const CLOCK_AHEAD_MS_MAX: u64 = 500;

/// A checkpoint that the verifier holds from an earlier time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PinnedCheckpoint {
    /// Leaves of the history.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
}

/// How old an answer may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Freshness {
    /// The verifier's clock.
    pub now: TimeMs,
    /// Greatest age in milliseconds.
    pub max_age_ms: u64,
}

/// Outside witnesses that the verifier trusts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Witnesses {
    /// Their keys.
    pub keys: Vec<PublicKey>,
    /// How many of them must have cosigned; 0 as 1.
    pub needed: usize,
}

/// What the verifier demands.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Checkpoints held; the history must not contradict any.
    pub pins: Vec<PinnedCheckpoint>,
    /// Hashes of hand-offs that the verifier knows to be true.
    pub handoff_pins: Vec<Hash>,
    /// Witnesses trusted.
    pub witnesses: Witnesses,
    /// Greatest age of answers.
    pub freshness: Option<Freshness>,
    /// Least height of answers.
    pub min_height: Option<Height>,
    /// Least level.
    pub level: Option<Level>,
}

/// Age and height of a leaf (C6.3).
pub(crate) fn timely(at: &At, leaf: &HistoryLeaf, options: &Options) -> Result<(), Failure> {
    let height = leaf.height.value();
    if let Some(least) = options.min_height
        && leaf.height < least
    {
        return Err(at.demand(DemandProblem::TooLow { height, least: least.value() }));
    }
    let Some(Freshness { now, max_age_ms: max_ms }) = options.freshness else { return Ok(()) };
    let ahead_ms = leaf.time.since_ms(now);
    if ahead_ms > CLOCK_AHEAD_MS_MAX {
        return Err(at.demand(DemandProblem::Future { height, ahead_ms }));
    }
    let age_ms = now.since_ms(leaf.time);
    if age_ms > max_ms {
        return Err(at.demand(DemandProblem::Stale { height, age_ms, max_ms }));
    }
    Ok(())
}
