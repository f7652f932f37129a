//! The ledger on a store in memory: appending, reading back, proving, checking.
#![cfg(test)]

mod append;
mod certificates;
mod chain;
mod check;
mod logs;
mod memory;
mod prove;
mod versions;
mod window;
