#![cfg(test)]
//! Tests of the vocabulary: golden vectors as files, properties, limits, and the words of the glossary.

mod bodies;
mod certificates;
mod dice;
mod glossary;
mod golden;
mod limits;
mod proofs;
mod quorum;
mod ring;
mod roundtrip;
mod sample;
mod set_hash;
mod signatures;
