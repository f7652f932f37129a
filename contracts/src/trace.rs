//! What is known of a unit, for rules and readers: where it came from, what covers it, where it is.

pub mod lineage;
pub mod papers;
pub mod stock;
pub mod unit;
