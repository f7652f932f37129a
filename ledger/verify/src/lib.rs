#![doc = include_str!("../README.md")]

mod chain;
mod claim;
mod demand;
mod failure;
mod item;
mod level;
mod log;
mod print;
mod recovery;
mod report;
mod trust;

pub use chain::StepKind;
pub use demand::{Freshness, Options, PinnedCheckpoint, Witnesses};
pub use failure::{
    ChainProblem, ClaimProblem, DemandProblem, EntryProblem, Failure, LogProblem, Part, Problem,
    Rule,
};
pub use level::Level;
pub use print::Language;
pub use report::{
    Detail, Event, LogPart, Report, Signed, Step, StepName, TracePart, VerifiedClaim, WindowPart,
};
pub use trust::{TrustFile, TrustFileError};

use ledger::bundle::Bundle;
use proto::ChainId;

/// Verifies a bundle against the hash of the genesis document: C6, step by step. Stops at the first
/// failure.
pub fn verify(
    genesis_hash: ChainId,
    bundle: &Bundle,
    options: &Options,
) -> Result<Report, Failure> {
    let chain = chain::verify(genesis_hash, bundle, options)?;
    let level = level::verify(bundle, &chain, options)?;
    let items = item::verify(bundle, &chain)?;
    let claims = claim::verify(bundle, &chain, &items, options)?;
    Ok(report::assemble(&chain, level, &items, claims))
}
