//! The story of `data/README.md`, told by three nodes on this machine. Every chapter checks what it
//! claims and ends the demo with a failure where it does not hold.

#[expect(clippy::indexing_slicing, reason = "an absent field of JSON is null: it cannot panic")]
pub mod goods;
pub mod narrator;
#[expect(clippy::indexing_slicing, reason = "an absent field of JSON is null: it cannot panic")]
pub mod stage;
#[expect(clippy::indexing_slicing, reason = "an absent field of JSON is null: it cannot panic")]
mod story;
pub mod trust;

pub use story::{Afterwards, Options, tell};
