//! Every input in every phase, the illegal ones included, in one snapshot; and random runs, which
//! must neither panic nor make the signer refuse.
#![cfg(test)]

#[path = "support/bench.rs"]
#[allow(dead_code, reason = "each test file uses its part of the bench")]
mod bench;

use std::fmt::Write as _;

use bench::{Bench, Setup};
use consensus::{NotVoting, Voting};
use expect_test::expect_file;
use proptest::prelude::*;

/// Blocks of height 1 in three views, one with a body, and one on top.
const BLOCKS: &[&str] = &[
    "block a v0",
    "block b v0 time=1",
    "block c v1",
    "block d v2",
    "block t v0 tx=t",
    "block x on=a v0",
];

const PHASES: &[(&str, &[&str])] = &[
    ("unstarted", &[]),
    ("starting", &["start"]),
    ("idle", &["vote"]),
    ("proposed", &["vote", "0 propose v0 a", "sign"]),
    ("prepared", &["vote", "0 propose v0 a", "sign", "2 prepare v0 a", "sign"]),
    ("changing", &["vote", "timer view-change", "sign"]),
    ("new view", &["vote", "2 new-view v2 d 0 2 3", "sign"]),
    ("fetching", &["vote", "2 decided v0 t"]),
    ("next height", &["vote", "2 decided v0 a"]),
    ("not voting", &["start", "1 prepare v0 a"]),
    ("halted", &["vote", "2 decided v0 a", "halt", "wait 1000"]),
];

const INPUTS: &[&str] = &[
    "start",
    "0 propose v0 a",
    "0 propose v0 b",
    "0 propose v0 t",
    "0 propose v0 x",
    "2 propose v0 a",
    "1 propose v0 a",
    "2 new-view v2 d 0 2 3",
    "2 new-view v2 a 0:v0:a 2 3",
    "2 new-view v2 d 0:v0:a 2 3",
    "2 prepare v0 a",
    "2 prepare v0 b",
    "0 prepare v0 a",
    "2 prepare v1 c",
    "2 commit v0 a",
    "3 commit v2 d",
    "1 commit v2 d",
    "2 view-change h1 v1",
    "3 view-change h1 v1 prepared v0 a",
    "3 view-change h2 v1",
    "1 view-change h1 v9",
    "2 checkpoint 1 genesis",
    "2 checkpoint 1 other",
    "2 checkpoint 2 r",
    "1 checkpoint 7 other",
    "2 status echo",
    "2 status asks mute",
    "2 status decided v0 a certified 1 genesis checkpoint 1 genesis",
    "2 status decided v0 x",
    "2 status certified 1 other",
    "2 status seen prepare v2 d",
    "2 decided v0 a",
    "2 decided v0 t",
    "2 decided v0 x",
    "timer view-change",
    "timer resend",
    "timer status",
    "timer propose",
    "timer new-view",
    "timer start",
    "timer fetch",
    "body t",
    "drop t",
    "fetched t",
    "unasked",
    "executed 1 r",
    "executed 0 r",
    "halt",
];

fn bench(setup: Setup) -> Bench {
    let mut bench = Bench::new(setup);
    for line in BLOCKS {
        bench.line(line);
    }
    bench
}

#[test]
fn every_input_is_legal_in_every_phase() {
    let mut out = String::new();
    for (phase, script) in PHASES {
        for input in INPUTS {
            let mut bench = bench(Setup { members: 4, me: 1, voting: Voting::Allowed });
            for line in *script {
                bench.line(line);
            }
            let effects = bench.line(input);
            let effects = if effects.is_empty() { "-".to_owned() } else { effects.join("; ") };
            writeln!(out, "{phase} | {input} => {effects}").unwrap();
        }
        out.push('\n');
    }
    expect_file!["scenarios/pairs.txt"].assert_eq(&out);
}

fn lines() -> impl Strategy<Value = Vec<&'static str>> {
    let often = prop::sample::select(vec!["sign", "vote", "wait 400", "restart", "1 status echo"]);
    prop::collection::vec(
        prop_oneof![4 => prop::sample::select(INPUTS.to_vec()), 2 => often],
        0..80,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The bench's signer knows the safety record: it refuses what would contradict an earlier
    /// signature, whatever was lost in a restart. Nothing is ever asked of it that it refuses.
    #[test]
    fn no_order_of_inputs_panics_or_asks_for_an_unsafe_signature(
        members in prop::sample::select(vec![1u16, 3, 4]),
        voting in prop::bool::weighted(0.9),
        lines in lines(),
    ) {
        let reason = Voting::Refused(NotVoting::Operator);
        let voting = if voting { Voting::Allowed } else { reason };
        let me = members.min(2) - 1;
        let mut bench = bench(Setup { members, me, voting });
        for line in &lines {
            let member = line.chars().next().and_then(|first| first.to_digit(10));
            if member.is_some_and(|member| member >= u32::from(members)) || members < 3 && line.contains("new-view") {
                continue;
            }
            for effect in bench.line(line) {
                prop_assert!(!effect.contains("signer refuses"), "{line} => {effect}");
                if voting != Voting::Allowed {
                    prop_assert!(!effect.starts_with("sign "), "{line} => {effect}");
                }
            }
        }
    }
}
