#![cfg(test)]
//! Tests of the genesis document, its rendering, keystores, homes and the command line.

mod command;
mod document;
mod homes;
mod keystore;
mod rendering;
mod words;

use genesis::Genesis;
use genesis::ceremony::{self, Made, Plan};
use genesis::password::Password;
use proto::Hash;

/// 2026-10-01T08:00:00Z.
const TIME_MS: u64 = 1_790_841_600_000;

const AGENCIES: [(&str, u8); 3] = [("北京", 11), ("天津", 12), ("河北", 13)];

fn plan() -> Plan {
    Plan::for_agencies(&AGENCIES, TIME_MS)
}

fn made(seed: u64) -> Made {
    ceremony::hold(&plan(), &mut ceremony::seeds_for_tests(seed)).expect("the plan obeys the rules")
}

/// A document that changes only when a format changes: its role table is a constant.
fn fixed() -> Genesis {
    let mut document = made(1).genesis.into_document();
    document.descriptor.role_table = Hash::new([7; 32]);
    Genesis::new(document).expect("any role table is allowed in a document")
}

fn password(text: &str) -> Password {
    Password::new(text.to_owned()).expect("not empty")
}
