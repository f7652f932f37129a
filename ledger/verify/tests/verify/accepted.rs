//! Bundles that are true: each kind of claim, each direction, in both forms of the file.

use std::fmt::Write as _;

use expect_test::expect;
use ledger::bundle::{Bundle, ClaimKind, Direction, ItemClaim, StateClaim, TraceClaim};
use proto::receipt::{Subject, SubjectKind};
use proto::trie::Namespace;
use verify::{Detail, Level};

use crate::accept;
use crate::story::{self, DAY, a_unit, party};
use crate::world::World;

/// A bundle with one trace.
pub(crate) fn traced(
    world: &World,
    starts: &[Subject],
    direction: Direction,
    limit: usize,
) -> Bundle {
    let mut bundle = world.bundle(&[0, 1, 2]);
    let (item, claim) = world.trace(8, starts, direction, limit);
    world.say(&mut bundle, item, ClaimKind::Trace(claim));
    bundle
}

/// A bundle with one operation, its receipt and its submitter.
pub(crate) fn event(world: &World, height: u64, op: usize) -> Bundle {
    let mut bundle = world.bundle(&[0, 1, 2]);
    let mut item = world.item_with_op(height, op);
    item.receipt = Some(world.receipt(height, op));
    let mut below = world.item(height - 1);
    below.states = vec![world.state(height - 1, Namespace::Key, &world.submitter_key())];
    bundle.items.push(below);
    world.say(&mut bundle, item, ClaimKind::Event(ItemClaim { item: 0 }));
    bundle
}

fn words(world: &World, bundle: &Bundle) -> String {
    let report = accept(world, bundle);
    let lines =
        report.claims.iter().map(|claim| format!("{}\n{}\n", claim.words.zh, claim.words.en));
    lines.collect()
}

#[test]
fn an_event_with_its_receipt_names_key_and_party() {
    let world = story::world();
    let bundle = event(&world, 7, 0);
    expect![[r#"
        区块 7（北京时间 2025-10-09 16:53:27.000）含有操作“销售”，编号 b59095ab3dc891c4d30ca69cd52dbb72，由密钥 8b45400ded5ea2ed09e602363c1cd71d8f037d217d6cdc2075c501a7365437c4 签名（登记为“北京”的“11:platform”）：已记录；预警 R12 发生“TJ:P1”
        block 7 (2025-10-09T08:53:27.000Z) holds the operation "sale", id b59095ab3dc891c4d30ca69cd52dbb72, signed by key 8b45400ded5ea2ed09e602363c1cd71d8f037d217d6cdc2075c501a7365437c4 (registered as "11:platform" of "北京"): recorded; alerts R12 raised "TJ:P1"
    "#]].assert_eq(&words(&world, &bundle));
}

#[test]
fn an_event_without_receipt_says_that_its_result_is_not_shown() {
    let world = story::world();
    let mut bundle = world.bundle(&[0, 1, 2]);
    world.say(&mut bundle, world.item_with_op(7, 0), ClaimKind::Event(ItemClaim { item: 0 }));
    expect![[r#"
        区块 7（北京时间 2025-10-09 16:53:27.000）含有操作“销售”，编号 b59095ab3dc891c4d30ca69cd52dbb72，由密钥 8b45400ded5ea2ed09e602363c1cd71d8f037d217d6cdc2075c501a7365437c4 签名：未出示执行结果
        block 7 (2025-10-09T08:53:27.000Z) holds the operation "sale", id b59095ab3dc891c4d30ca69cd52dbb72, signed by key 8b45400ded5ea2ed09e602363c1cd71d8f037d217d6cdc2075c501a7365437c4: its result is not shown
    "#]].assert_eq(&words(&world, &bundle));
}

#[test]
fn receipts_of_operations_and_steps_say_recorded_only_where_the_code_is_zero() {
    let world = story::world();
    let mut bundle = world.bundle(&[0, 1, 2]);
    for (height, index) in [(5, 0), (5, 1), (7, 1)] {
        let mut item = world.item(height);
        item.receipt = Some(world.receipt(height, index));
        world.say(&mut bundle, item, ClaimKind::Receipt(ItemClaim { item: 0 }));
    }
    expect![[r#"
        高度 5（北京时间 2025-10-09 16:53:25.000）第 0 号回执，交易 daaee0ad03364dca2f74e5e75a74a8409c028cd6bb85604edbed251a66aaed9c 的第 0 项操作：已记录
        height 5 (2025-10-09T08:53:25.000Z), receipt 0, operation 0 of transaction daaee0ad03364dca2f74e5e75a74a8409c028cd6bb85604edbed251a66aaed9c: recorded
        高度 5（北京时间 2025-10-09 16:53:25.000）第 1 号回执，系统步骤 a93e1f1349ead6530e30d6f61ae67fbb06404a61a17b57d059a6ed40c9c4a8a9：已记录
        height 5 (2025-10-09T08:53:25.000Z), receipt 1, system step a93e1f1349ead6530e30d6f61ae67fbb06404a61a17b57d059a6ed40c9c4a8a9: recorded
        高度 7（北京时间 2025-10-09 16:53:27.000）第 1 号回执，交易 620ed003e6438ed19de542b5be12a760a862f19ce2344d1bdb821edbf358c766 的第 1 项操作：未接受（代码 301）
        height 7 (2025-10-09T08:53:27.000Z), receipt 1, operation 1 of transaction 620ed003e6438ed19de542b5be12a760a862f19ce2344d1bdb821edbf358c766: not accepted (code 301)
    "#]].assert_eq(&words(&world, &bundle));
}

#[test]
fn states_are_shown_present_and_absent() {
    let world = story::world();
    let mut bundle = world.bundle(&[0, 1, 2]);
    let mut item = world.item(8);
    item.states = vec![
        world.state(8, Namespace::Key, &world.submitter_key()),
        world.state(8, Namespace::Certificate, b"HB:LOT"),
    ];
    item.states.sort_by_key(|state| state.namespace);
    world.say(&mut bundle, item.clone(), ClaimKind::State(StateClaim { item: 0, state: 0 }));
    world.say(&mut bundle, item, ClaimKind::State(StateClaim { item: 0, state: 1 }));
    expect![[r#"
        截至高度 8（北京时间 2025-10-09 16:53:28.000）：提交密钥 0x8b45400ded5ea2ed09e602363c1cd71d8f037d217d6cdc2075c501a7365437c4 = 0x000001000b31313a706c6174666f726d
        as of height 8 (2025-10-09T08:53:28.000Z): submitter key 0x8b45400ded5ea2ed09e602363c1cd71d8f037d217d6cdc2075c501a7365437c4 = 0x000001000b31313a706c6174666f726d
        截至高度 8（北京时间 2025-10-09 16:53:28.000）：证书 “HB:LOT” = （不存在）
        as of height 8 (2025-10-09T08:53:28.000Z): certificate "HB:LOT" = (absent)
    "#]].assert_eq(&words(&world, &bundle));
}

#[test]
fn the_state_after_genesis_is_part_of_the_history() {
    let world = story::world();
    let mut bundle = world.bundle(&[0, 1, 2]);
    let mut item = world.item(0);
    item.states = vec![world.state(0, Namespace::Key, &world.submitter_key())];
    world.say(&mut bundle, item, ClaimKind::State(StateClaim { item: 0, state: 0 }));
    accept(&world, &bundle);
}

#[test]
fn traces_in_each_direction_reach_what_belongs_to_them() {
    let world = story::world();
    let mut out = String::new();
    for (start, direction) in [
        ("TJ:P1", Direction::Back),
        ("TJ:P1", Direction::Forward),
        ("HB:LOT", Direction::Forward),
        ("HB:BOX2", Direction::Both),
    ] {
        let bundle = traced(&world, &[a_unit(start)], direction, 100);
        let report = accept(&world, &bundle);
        let Detail::Trace(trace) = &report.claims[0].detail else { panic!("a trace") };
        let reached: Vec<String> =
            trace.walk.reached.keys().map(|s| ledger::words::subject(s).en).collect();
        writeln!(out, "{start} {direction:?}: {}", reached.join(" ")).unwrap();
        writeln!(out, "  {}", report.claims[0].words.en).unwrap();
    }
    expect![[r#"
        TJ:P1 Back: "HB:BOX1" "HB:LOT" "HB:PAL" "TJ:A1" "TJ:P1" certificate "CERT1" declaration "021020231000000001-1"
          as of height 8 (2025-10-09T08:53:28.000Z): trace back (source) from "TJ:P1": complete; 7 subjects, 9 records
        TJ:P1 Forward: "TJ:P1"
          as of height 8 (2025-10-09T08:53:28.000Z): trace forward (destination) from "TJ:P1": complete; 1 subject, 2 records
        HB:LOT Forward: "HB:BOX1" "HB:BOX2" "HB:LOT" "HB:PAL" "TJ:A1" "TJ:P1" "TJ:P2"
          as of height 8 (2025-10-09T08:53:28.000Z): trace forward (destination) from "HB:LOT": complete; 7 subjects, 9 records
        HB:BOX2 Both: "HB:BOX1" "HB:BOX2" "HB:LOT" "HB:PAL" "TJ:A1" "TJ:P1" "TJ:P2" certificate "CERT1" declaration "021020231000000001-1"
          as of height 8 (2025-10-09T08:53:28.000Z): trace back and forward from "HB:BOX2": complete; 9 subjects, 9 records
    "#]].assert_eq(&out);
}

#[test]
fn a_start_that_nobody_recorded_is_answered_by_a_proof_of_absence() {
    let world = story::world();
    let nothing = traced(&world, &[a_unit("HB:NONE")], Direction::Both, 100);
    let partly = traced(&world, &[a_unit("HB:NONE"), a_unit("HB:PAL")], Direction::Back, 100);
    let out = words(&world, &nothing) + &words(&world, &partly);
    expect![[r#"
        截至高度 8（北京时间 2025-10-09 16:53:28.000）：溯源与追踪，起点 “HB:NONE”：查无记录；完全按此字符未记录任何内容：“HB:NONE”
        as of height 8 (2025-10-09T08:53:28.000Z): trace back and forward from "HB:NONE": no trace; nothing recorded under exactly these bytes: "HB:NONE"
        截至高度 8（北京时间 2025-10-09 16:53:28.000）：溯源（来源），起点 “HB:NONE”、“HB:PAL”：完整；共 8 个对象、8 条记录；完全按此字符未记录任何内容：“HB:NONE”
        as of height 8 (2025-10-09T08:53:28.000Z): trace back (source) from "HB:NONE", "HB:PAL": complete; 8 subjects, 8 records; nothing recorded under exactly these bytes: "HB:NONE"
    "#]].assert_eq(&out);
}

#[test]
fn a_truncated_trace_and_withheld_bodies_say_so() {
    let world = story::world();
    let truncated = traced(&world, &[a_unit("TJ:P1")], Direction::Back, 3);
    let mut withheld = traced(&world, &[a_unit("TJ:P1")], Direction::Back, 100);
    for log in &mut withheld.items[0].logs {
        for entry in &mut log.entries {
            if entry.height == 6 {
                entry.body = None;
            }
        }
    }
    world.rewrite(&mut withheld);
    let out = words(&world, &truncated) + &words(&world, &withheld);
    expect![[r#"
        截至高度 8（北京时间 2025-10-09 16:53:28.000）：溯源（来源），起点 “TJ:P1”：不完整，另有 2 个对象未展开；共 3 个对象、8 条记录
        as of height 8 (2025-10-09T08:53:28.000Z): trace back (source) from "TJ:P1": not complete, 2 subjects not opened; 3 subjects, 8 records
        截至高度 8（北京时间 2025-10-09 16:53:28.000）：溯源（来源），起点 “TJ:P1”：完整，1 条正文未出示；共 7 个对象、9 条记录
        as of height 8 (2025-10-09T08:53:28.000Z): trace back (source) from "TJ:P1": complete, 1 bodies withheld; 7 subjects, 9 records
    "#]].assert_eq(&out);
}

#[test]
fn a_pending_backfill_stands_in_place_of_complete() {
    let mut world = story::world();
    let mut list = proto::codec::Writer::default();
    list.u16(2).bytes16(b"BJ").bytes16(b"TJ");
    world.set(Namespace::Sys, b"backfill", Some(&list.into_bytes()));
    let mut bundle = world.bundle(&[0, 1, 2]);
    let (item, claim) = world.trace(9, &[a_unit("TJ:P1")], Direction::Forward, 9);
    world.say(&mut bundle, item, ClaimKind::Trace(claim));
    expect![[r#"
        截至高度 9（北京时间 2025-10-09 16:53:29.000）：追踪（去向），起点 “TJ:P1”：补录未完成：“BJ”、“TJ”；共 1 个对象、2 条记录
        as of height 9 (2025-10-09T08:53:29.000Z): trace forward (destination) from "TJ:P1": backfill pending: "BJ", "TJ"; 1 subject, 2 records
    "#]].assert_eq(&words(&world, &bundle));
}

#[test]
fn windows_over_used_and_unused_days() {
    let world = story::world();
    let person = Subject { kind: SubjectKind::Person, key: "ab".repeat(32).into_bytes() };
    let nobody = Subject { kind: SubjectKind::Station, key: b"0:NONE".to_vec() };
    let mut out = String::new();
    for (subject, from, to) in [
        (party(), DAY, DAY + 1),
        (party(), DAY + 1, DAY + 1),
        (party(), 1, DAY - 1),
        (person, DAY, DAY),
        (nobody, 1, DAY),
    ] {
        let mut bundle = world.bundle(&[0, 1, 2]);
        let (item, claim) = world.window(8, &subject, from, to);
        world.say(&mut bundle, item, ClaimKind::Window(claim));
        out.push_str(&words(&world, &bundle));
    }
    expect![[r#"
        截至高度 8（北京时间 2025-10-09 16:53:28.000）：单位“91130100MA0EXAMPL1” 自 2025-10-10 至 2025-10-11：完整；2 天共 6 条记录
        as of height 8 (2025-10-09T08:53:28.000Z): party "91130100MA0EXAMPL1" from 2025-10-10 to 2025-10-11: complete; 6 records on 2 days
        截至高度 8（北京时间 2025-10-09 16:53:28.000）：单位“91130100MA0EXAMPL1” 自 2025-10-11 至 2025-10-11：完整；1 天共 2 条记录
        as of height 8 (2025-10-09T08:53:28.000Z): party "91130100MA0EXAMPL1" from 2025-10-11 to 2025-10-11: complete; 2 records on 1 day
        截至高度 8（北京时间 2025-10-09 16:53:28.000）：单位“91130100MA0EXAMPL1” 自 1970-01-02 至 2025-10-09：完整；0 天共 0 条记录
        as of height 8 (2025-10-09T08:53:28.000Z): party "91130100MA0EXAMPL1" from 1970-01-02 to 2025-10-09: complete; 0 records on 0 days
        截至高度 8（北京时间 2025-10-09 16:53:28.000）：人员“abababababababababababababababababababababababababababababababab” 自 2025-10-10 至 2025-10-10：完整；1 天共 1 条记录；隐私登记号更换密钥后即为另一号码，完整性以本号码为限
        as of height 8 (2025-10-09T08:53:28.000Z): person "abababababababababababababababababababababababababababababababab" from 2025-10-10 to 2025-10-10: complete; 1 record on 1 day; a person's reference changes with its key, and completeness ends with this reference
        截至高度 8（北京时间 2025-10-09 16:53:28.000）：地点“0:NONE” 自 1970-01-02 至 2025-10-10：完整；0 天共 0 条记录；完全按此字符未记录任何内容
        as of height 8 (2025-10-09T08:53:28.000Z): station "0:NONE" from 1970-01-02 to 2025-10-10: complete; 0 records on 0 days; nothing recorded under exactly these bytes
    "#]].assert_eq(&out);
}

#[test]
fn a_part_of_a_log_proves_these_entries_and_is_no_trace() {
    let world = story::world();
    for (first, end) in [(0, 1), (1, 3), (2, 6), (5, 6), (0, 5)] {
        let mut bundle = world.bundle(&[0, 1, 2]);
        let mut item = world.item(8);
        item.logs = vec![world.log_part(8, &a_unit("HB:BOX1"), first, end)];
        bundle.items.push(item);
        let report = accept(&world, &bundle);
        assert_eq!(
            (report.parts[0].first, report.parts[0].last),
            (first + 1, end),
            "{first}..{end}"
        );
        assert_eq!(report.parts[0].of, 6, "{first}..{end}");
    }
}

#[test]
fn the_json_form_of_a_bundle_is_the_same_bundle() {
    let world = story::world();
    for bundle in [
        event(&world, 7, 0),
        traced(&world, &[a_unit("TJ:P1")], Direction::Both, 3),
        traced(&world, &[a_unit("HB:NONE")], Direction::Both, 3),
    ] {
        let json = bundle.to_json();
        assert_eq!(Bundle::from_json(&json).unwrap(), bundle);
        assert_eq!(Bundle::from_bytes(&bundle.to_bytes()).unwrap(), bundle);
    }
}

#[test]
fn every_certificate_of_a_quorum_is_certified_and_all_together_harden() {
    let world = story::world();
    for (signers, level) in [
        (&[0, 1][..], Level::Certified),
        (&[0, 2], Level::Certified),
        (&[1, 2], Level::Certified),
        (&[0, 1, 2], Level::Hardened),
    ] {
        let report = accept(&world, &world.bundle(signers));
        assert_eq!(report.level, level, "{signers:?}");
    }
}

#[test]
fn one_item_may_carry_several_traces_of_one_height() {
    let world = story::world();
    let mut bundle = world.bundle(&[0, 1, 2]);
    let (mut item, first) = world.trace(8, &[a_unit("TJ:P1")], Direction::Back, 100);
    let (more, second) = world.trace(8, &[a_unit("TJ:P2")], Direction::Forward, 100);
    item.logs.extend(more.logs);
    item.logs.sort_by_key(|log| (log.kind, log.bucket, log.subject.clone()));
    item.logs.dedup();
    world.say(&mut bundle, item, ClaimKind::Trace(first));
    bundle.claims.push(ledger::bundle::Claim {
        kind: Some(ClaimKind::Trace(TraceClaim { item: 0, ..second })),
        ..ledger::bundle::Claim::default()
    });
    world.rewrite(&mut bundle);
    accept(&world, &bundle);
}
