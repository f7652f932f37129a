#![cfg(test)]
//! Directed scenarios: each is a fork, a loss, a standstill or an innocent's conviction if the rule
//! beside it is dropped. Random seeds alone do not find all of these.

mod durability;
mod liveness;
mod recovery;
mod support;
mod views;
