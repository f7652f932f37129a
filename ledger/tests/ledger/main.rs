//! The ledger on a store in memory: appending, reading back, proving, checking.
#![cfg(test)]

mod append;
mod chain;
mod check;
