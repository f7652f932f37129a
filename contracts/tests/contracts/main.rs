#![cfg(test)]
//! Tests of the second gate: facts and acts over a state in memory, block by block.

mod cases;
mod correction;
mod facts;
mod governance;
mod harness;
mod matching;
mod notices;
mod order;
mod over;
mod papers;
mod refusals;
mod risk;
mod standing;
mod work;
mod worlds;
