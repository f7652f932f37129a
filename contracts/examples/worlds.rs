//! Shuffles one world of many events over random blocks and compares what stands in the end with what
//! stands when they come in order: `cargo run -p contracts --example worlds -- --events 20000 --shuffles 20`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    dead_code,
    reason = "the harness is that of the tests, and this program tests"
)]

#[path = "../tests/contracts/harness.rs"]
mod harness;
#[path = "../tests/contracts/worlds.rs"]
mod worlds;

use std::process::ExitCode;

/// The number behind a word of the command line.
fn number(name: &str, otherwise: u64) -> u64 {
    let mut words = std::env::args().skip_while(|word| word != name).skip(1);
    words.next().map_or(otherwise, |word| word.parse().expect("a number stands behind each word"))
}

fn main() -> ExitCode {
    let (seed, shuffles) = (number("--seed", 1), number("--shuffles", 20));
    let events = usize::try_from(number("--events", 20_000)).expect("usize has 64 bits");
    let operations = worlds::world(seed, events);
    let expected = worlds::straight(&operations);
    let findings = expected.findings.len();
    println!("{events} events: {} records, {findings} findings", expected.records.len());
    let mut worlds_differing = 0;
    for shuffle in 0..shuffles {
        let told = worlds::differing(&expected, &worlds::shuffled(shuffle, &operations));
        println!("shuffle {shuffle}: {}", if told.is_empty() { "the same" } else { "differs" });
        told.iter().for_each(|line| println!("  {line}"));
        worlds_differing += usize::from(!told.is_empty());
    }
    println!("{worlds_differing} of {shuffles} differ");
    if worlds_differing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
