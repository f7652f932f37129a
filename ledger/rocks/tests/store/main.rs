#![cfg(test)]
//! Tests of the store on RocksDB: the same suite as the store in memory, and what only a disk can do.

mod conformance;
mod damage;
mod disk;
mod full;
mod model;
