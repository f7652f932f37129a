#![doc = include_str!("../README.md")]

pub mod admission;
pub mod backfill;
pub mod codes;
mod context;
mod correction;
mod due;
pub mod evaluation;
pub mod execute;
pub mod fact;
pub mod governance;
pub mod identifier;
pub mod links;
pub mod matching;
pub mod pages;
pub mod place;
pub mod privacy;
pub mod query;
pub mod record;
pub mod refusal;
pub mod registry;
pub mod release;
pub mod risk;
pub mod scheme;
pub mod state;
mod step;
pub mod trace;
pub mod walk;
