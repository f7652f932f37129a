#![doc = include_str!("../README.md")]

pub mod ceremony;
pub mod document;
pub mod files;
pub mod home;
pub mod homes;
pub mod inspection;
pub mod keys;
pub mod keystore;
pub mod limits;
pub mod password;
pub mod rendering;
pub mod words;

pub use document::{Agency, Document, Genesis, GenesisError, StateEntry};
