#![doc = include_str!("../README.md")]

pub mod ceremony;
pub mod document;
pub mod keys;
pub mod limits;

pub use document::{Agency, Document, Genesis, GenesisError, StateEntry};
