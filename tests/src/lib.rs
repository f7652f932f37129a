#![doc = include_str!("../README.md")]

pub mod bundles;
pub mod demo;
pub mod devnet;
pub mod equivocator;
pub mod lots;
pub mod payload;
pub mod ports;
pub mod programs;
pub mod tamper;
pub mod until;
