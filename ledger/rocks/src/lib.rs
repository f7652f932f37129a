#![doc = include_str!("../README.md")]

mod columns;
mod figures;
mod limits;
mod log;
mod open;
mod store;

pub use figures::{Figures, Lookups, Reads};
pub use limits::Memory;
pub use open::OpenError;
pub use store::{RocksSnapshot, RocksStore};
