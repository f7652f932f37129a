#![doc = include_str!("../README.md")]

pub mod bundles;
pub mod demo;
pub mod devnet;
pub mod payload;
pub mod ports;
pub mod programs;
pub mod split;
pub mod tamper;
pub mod until;
