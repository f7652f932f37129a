//! What large lots, reused pallets, late events and many changes at once must not change: each test
//! says what stands whatever came first and however much of it there is.

mod early;
mod origins;
mod pallets;
mod parts;
mod positives;
mod receipts;
mod takers;

use crate::harness::Chain;
use crate::risk::wait;

/// Active alerts that begin so, once the ten seconds of [`crate::risk::settling`] are over and no work
/// is left.
fn settled(chain: &mut Chain, beginning: &str) -> Vec<String> {
    wait(chain, 14);
    chain.rest();
    chain.active().into_iter().filter(|line| line.starts_with(beginning)).collect()
}
