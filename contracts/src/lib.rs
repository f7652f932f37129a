#![doc = include_str!("../README.md")]

pub mod codes;
mod context;
pub mod execute;
pub mod identifier;
pub mod links;
pub mod refusal;
pub mod state;
pub mod walk;
