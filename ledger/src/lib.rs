#![doc = include_str!("../README.md")]

pub mod bundle;
pub mod check;
pub mod execute;
mod history;
pub mod ledger;
mod logs;
pub mod memory;
pub mod prove;
pub mod reader;
mod receipts;
pub mod replay;
pub mod ring;
pub mod schema;
mod sealed;
pub mod state;
pub mod store;
pub mod version;
pub mod words;

pub use crate::ledger::Ledger;
pub use crate::logs::LogPlace;
pub use crate::memory::MemoryStore;
pub use crate::reader::{Reader, View};
