#![doc = include_str!("../README.md")]

pub mod block;
pub mod certificate;
pub mod codec;
pub mod epoch;
pub mod glossary;
pub mod hash;
pub mod history;
pub mod limits;
pub mod message;
pub mod namespace;
pub mod operation;
pub mod quorum;
pub mod receipt;
pub mod ring;
pub mod schema;
pub mod set_hash;
pub mod sign;
pub mod submitter;
pub mod transaction;
pub mod tree;
pub mod types;
pub mod verified;

pub use hash::Hash;
pub use namespace as trie;
pub use types::{
    AgencyIndex, BlockHash, ChainId, Epoch, Height, TimeMs, TxId, ValidatorIndex, View,
};
