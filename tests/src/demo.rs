//! The story of `data/README.md`, told by three nodes on this machine. Every chapter checks what it
//! claims and ends the demo with a failure where it does not hold.

pub mod goods;
pub mod narrator;
pub mod stage;
mod story;
pub mod trust;

pub use story::{Afterwards, Options, tell};
