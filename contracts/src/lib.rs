#![doc = include_str!("../README.md")]

pub mod admission;
pub mod codes;
mod context;
pub mod evaluation;
pub mod execute;
pub mod identifier;
pub mod links;
pub mod privacy;
pub mod refusal;
pub mod scheme;
pub mod state;
pub mod walk;
