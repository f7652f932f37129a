#![doc = include_str!("../README.md")]

mod api;
mod blocks;
mod bodies;
pub mod check;
mod clock;
mod desks;
mod doctor;
mod driver;
mod executor;
mod fetches;
mod gate;
mod http;
mod intake;
mod journal;
mod keys;
mod mempool;
mod metrics;
pub mod network;
mod records;
mod recovery;
pub mod run;
pub mod telemetry;

pub use run::{RunError, run};
