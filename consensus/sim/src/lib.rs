#![doc = include_str!("../README.md")]

mod check;
mod cluster;
mod disk;
mod letter;
mod liar;
mod node;
pub mod plan;
pub mod prng;
pub mod run;
mod votes;
pub mod world;

pub use check::Violation;
pub use cluster::{Cluster, Signatures};
pub use letter::{Letter, Payload};
pub use plan::Plan;
pub use run::{Outcome, Size};
pub use world::{Mutant, World};
