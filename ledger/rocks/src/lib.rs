#![doc = include_str!("../README.md")]

mod limits;
mod open;
mod store;

pub use open::OpenError;
pub use store::{RocksSnapshot, RocksStore};
