//! Reports and refusals as a person reads them, and as programs do.

use expect_test::expect;
use ledger::bundle::{ClaimKind, Direction};
use verify::{Language, Options};

use crate::accept;
use crate::accepted::{event, traced};
use crate::story::{self, DAY, a_unit, party};

#[test]
fn a_trace_is_printed_as_a_tree_and_a_list_in_chinese() {
    let world = story::world();
    let bundle = traced(&world, &[a_unit("TJ:P1")], Direction::Back, 100);
    expect![[r#"
        核验通过：三地全部签认（HARDENED）

        截至高度 8（北京时间 2025-10-09 16:53:28.000）：溯源（来源），起点 “TJ:P1”：完整；共 7 个对象、9 条记录

        “TJ:P1”（2 条记录）
          [来自] “TJ:A1”（4 条记录）
            [同货，有异议] “HB:BOX1”（6 条记录）
              [拆自] “HB:LOT”（2 条记录）
                [来自] 证书“CERT1”（1 条记录）
                [来自] 报关单“021020231000000001-1”（1 条记录）
              [装于] “HB:PAL”（1 条记录）

           1. 2025-10-10 08:00 首站赋码，LOT × 100 箱，地点 HB-PORT-1，单位 91130100MA0EXAMPL1 [1/0]
           2. 2025-10-10 08:00 拆分，LOT × 100 箱，→ BOX1 × 60 箱、BOX2 × 40 箱，地点 HB-PORT-1，单位 91130100MA0EXAMPL1 [2/0]
           3. 2025-10-10 08:00 装箱，BOX1 × 60 箱、BOX2 × 40 箱，容器 PAL，地点 HB-PORT-1，单位 91130100MA0EXAMPL1 [3/0]
           4. 2025-10-10 08:00 发货，BOX1 × 60 箱，地点 HB-PORT-1，单位 91130100MA0EXAMPL1 [4/0]
           5. 2025-10-10 08:00 收货，A1=BOX1 × 60 箱，地点 HB-PORT-1，单位 91130100MA0EXAMPL1 [5/0]
           6. 系统步骤，同货 “TJ:A1”、同货 “HB:BOX1” [5/1]
           7. 2025-10-10 08:00 加工，A1 × 60 箱，→ P1 × 30 箱、P2 × 30 箱，地点 HB-PORT-1，单位 91130100MA0EXAMPL1 [6/0]
           8. 2025-10-10 08:00 销售，P1 × 30 箱，地点 HB-PORT-1，单位 91130100MA0EXAMPL1；预警 R12 发生 [7/0]
           9. 匹配异议，BOX1、A1 [8/0]

        链：6cab18f97aa3fcb25744a9ba3c9dd13ae5dae0631081d4184d907f9b0926512c
        截至：高度 9，北京时间 2025-10-09 16:53:29.000
        签认点（可留存）：10 f8e8d3e88b67dc935c703ff338e4a2e933cda93040f66b83288000c1e1c50ff9
        最终签认点 10：签认的有 3 把密钥，属 3 家机构：北京、天津、河北；全体为 3 把密钥，属 3 家机构
        信任：北京（#0）、天津（#1）、河北（#2）的密钥从未全体签署两份不同的历史。
    "#]].assert_eq(&accept(&world, &bundle).text(Language::Zh));
}

#[test]
fn a_truncated_trace_of_two_signers_is_printed_in_english() {
    let world = story::world();
    let mut bundle = world.bundle(&[0, 2]);
    let (mut item, claim) = world.trace(8, &[a_unit("TJ:P1")], Direction::Both, 3);
    for entry in item.logs.iter_mut().flat_map(|log| &mut log.entries) {
        entry.body = None;
    }
    world.say(&mut bundle, item, ClaimKind::Trace(claim));
    expect![[r#"
        verified: CERTIFIED

        as of height 8 (2025-10-09T08:53:28.000Z): trace back and forward from "TJ:P1": not complete, 3 subjects not opened, 8 bodies withheld; 3 subjects, 8 records

        "TJ:P1" (2 records)
          [from] "TJ:A1" (4 records)
            [same goods] "HB:BOX1" (6 records)
              [split from] "HB:LOT" (not opened)
              [packed in] "HB:PAL" (not opened)
            [made into] "TJ:P2" (not opened)

           1. body withheld, "HB:LOT", "HB:BOX1", "HB:BOX2" [2/0]
           2. body withheld, "HB:PAL", "HB:BOX1", "HB:BOX2" [3/0]
           3. body withheld, "HB:BOX1" [4/0]
           4. body withheld, "TJ:A1", "HB:BOX1" [5/0]
           5. system step (record withheld), same goods "TJ:A1", same goods "HB:BOX1" [5/1]
           6. body withheld, "TJ:A1", "TJ:P1", "TJ:P2" [6/0]
           7. body withheld, "TJ:P1"; alert R12 raised [7/0]
           8. body withheld, same goods "TJ:A1", same goods "HB:BOX1" [8/0]

        chain: 6cab18f97aa3fcb25744a9ba3c9dd13ae5dae0631081d4184d907f9b0926512c
        as of: height 9, 2025-10-09T08:53:29.000Z
        checkpoint (keep it as a pin): 10 f8e8d3e88b67dc935c703ff338e4a2e933cda93040f66b83288000c1e1c50ff9
        final checkpoint 10: signed by 2 keys of 2 agencies: 北京, 河北; all are 3 keys of 3 agencies (not signed by all)
        Trust: at no time did the keys of 北京 (#0), 河北 (#2) sign two histories.
    "#]].assert_eq(&accept(&world, &bundle).text(Language::En));
}

#[test]
fn events_windows_and_parts_are_printed() {
    let world = story::world();
    let mut bundle = event(&world, 7, 0);
    let (item, claim) = world.window(8, &party(), DAY + 1, DAY + 1);
    world.say(&mut bundle, item, ClaimKind::Window(claim));
    let mut item = world.item(8);
    item.logs = vec![world.log_part(8, &a_unit("HB:BOX1"), 1, 3)];
    bundle.items.push(item);
    expect![[r#"
        核验通过：三地全部签认（HARDENED）

        区块 7（北京时间 2025-10-09 16:53:27.000）含有操作“销售”，编号 b59095ab3dc891c4d30ca69cd52dbb72，由密钥 8b45400ded5ea2ed09e602363c1cd71d8f037d217d6cdc2075c501a7365437c4 签名（登记为“北京”的“11:platform”）：已记录；预警 R12 发生“TJ:P1”
        2025-10-10 08:00 销售，P1 × 30 箱，地点 HB-PORT-1，单位 91130100MA0EXAMPL1；预警 R12 发生 [7/0]

        截至高度 8（北京时间 2025-10-09 16:53:28.000）：单位“91130100MA0EXAMPL1” 自 2025-10-11 至 2025-10-11：完整；1 天共 2 条记录

           1. 2025-10-10 08:00 销售，P1 × 30 箱，地点 HB-PORT-1，单位 91130100MA0EXAMPL1；预警 R12 发生 [7/0]
           2. 匹配作废（未接受，代码 301） [7/1]

        “HB:BOX1”：高度 8 时共 6 条记录，仅证明其中第 2 至 3 条，不证明完整

        链：6cab18f97aa3fcb25744a9ba3c9dd13ae5dae0631081d4184d907f9b0926512c
        截至：高度 9，北京时间 2025-10-09 16:53:29.000
        签认点（可留存）：10 f8e8d3e88b67dc935c703ff338e4a2e933cda93040f66b83288000c1e1c50ff9
        最终签认点 10：签认的有 3 把密钥，属 3 家机构：北京、天津、河北；全体为 3 把密钥，属 3 家机构
        信任：北京（#0）、天津（#1）、河北（#2）的密钥从未全体签署两份不同的历史。
    "#]].assert_eq(&accept(&world, &bundle).text(Language::Zh));
}

#[test]
fn a_refusal_is_printed_with_rule_place_and_sentence() {
    let world = story::world();
    let mut bundle = traced(&world, &[a_unit("TJ:P1")], Direction::Back, 100);
    let at = bundle.items[0].logs.iter().position(|log| log.subject == b"HB:BOX1").unwrap();
    drop(bundle.items[0].logs[at].entries.remove(2));
    let failure = verify::verify(world.chain(), &bundle, &Options::default()).unwrap_err();
    let text = format!(
        "{}\n{}\n{:#}\n",
        failure.text(Language::Zh),
        failure.text(Language::En),
        failure.json()
    );
    expect![[r#"
        核验未通过（规则 D4，位置 items[0].logs[0].entries）：缺少第 3 条记录：“HB:BOX1”共有 6 条记录
        refused (rule D4, at items[0].logs[0].entries): event 3 is missing: "HB:BOX1" has 6 records
        {
          "verified": false,
          "rule": "D4",
          "place": "items[0].logs[0].entries",
          "sentence_zh": "缺少第 3 条记录：“HB:BOX1”共有 6 条记录",
          "sentence_en": "event 3 is missing: \"HB:BOX1\" has 6 records"
        }
    "#]].assert_eq(&text);
}

#[test]
fn the_report_for_programs_names_level_steps_claims_and_events() {
    let world = story::world();
    let bundle = traced(&world, &[a_unit("TJ:P1")], Direction::Forward, 100);
    let json = accept(&world, &bundle).json();
    expect![[r#"
        {
          "verified": true,
          "level": "HARDENED",
          "chain": "6cab18f97aa3fcb25744a9ba3c9dd13ae5dae0631081d4184d907f9b0926512c",
          "size": 10,
          "root": "f8e8d3e88b67dc935c703ff338e4a2e933cda93040f66b83288000c1e1c50ff9",
          "head_height": 9,
          "head_time_ms": 1760000009000,
          "epoch_closed": false,
          "steps": [
            {
              "name": "final",
              "size": 10,
              "members": 3,
              "agencies": 3,
              "signed_agencies": 3,
              "kind": "signed",
              "signed": [
                {
                  "validator": 0,
                  "agency": "北京"
                },
                {
                  "validator": 1,
                  "agency": "天津"
                },
                {
                  "validator": 2,
                  "agency": "河北"
                }
              ]
            }
          ],
          "weak_steps": [],
          "trust_zh": "信任：北京（#0）、天津（#1）、河北（#2）的密钥从未全体签署两份不同的历史。",
          "trust_en": "Trust: at no time did the keys of 北京 (#0), 天津 (#1), 河北 (#2) all sign two histories.",
          "claims": [
            {
              "words_zh": "截至高度 8（北京时间 2025-10-09 16:53:28.000）：追踪（去向），起点 “TJ:P1”：完整；共 1 个对象、2 条记录",
              "words_en": "as of height 8 (2025-10-09T08:53:28.000Z): trace forward (destination) from \"TJ:P1\": complete; 1 subject, 2 records",
              "detail": {
                "starts": [
                  {
                    "kind": 1,
                    "key": "TJ:P1"
                  }
                ],
                "subjects": [
                  {
                    "kind": 1,
                    "key": "TJ:P1"
                  }
                ],
                "truncated": [],
                "withheld": 0,
                "edges": [],
                "events": [
                  {
                    "height": 6,
                    "receipt_index": 0,
                    "code": 0,
                    "system": false,
                    "operation": "process",
                    "op_uid": "00c28d9e20fe434fc9593e29f8000bf8",
                    "links": [
                      {
                        "role": 1,
                        "subject": {
                          "kind": 1,
                          "key": "TJ:A1"
                        }
                      },
                      {
                        "role": 2,
                        "subject": {
                          "kind": 1,
                          "key": "TJ:P1"
                        }
                      },
                      {
                        "role": 2,
                        "subject": {
                          "kind": 1,
                          "key": "TJ:P2"
                        }
                      }
                    ],
                    "alerts": [],
                    "body": "001b000100c28d9e20fe434fc9593e29f8000bf882c0223d79689ba2aa32ab099f39cbfb0880a8abdb9c33121239313133303130304d41304558414d504c311a0948422d504f52542d312a0c0a024131120608e0d4031002320c0a025031120608b0ea011002320c0a025032120608b0ea011002"
                  },
                  {
                    "height": 7,
                    "receipt_index": 0,
                    "code": 0,
                    "system": false,
                    "operation": "sale",
                    "op_uid": "b59095ab3dc891c4d30ca69cd52dbb72",
                    "links": [
                      {
                        "role": 14,
                        "subject": {
                          "kind": 1,
                          "key": "TJ:P1"
                        }
                      },
                      {
                        "role": 14,
                        "subject": {
                          "kind": 4,
                          "key": "91130100MA0EXAMPL1"
                        }
                      }
                    ],
                    "alerts": [
                      {
                        "code": 12,
                        "alert": "TJ:P1"
                      }
                    ],
                    "body": "001e0001b59095ab3dc891c4d30ca69cd52dbb721cd07efd5ec50f8007a5f04f111db9f60880a8abdb9c33121239313133303130304d41304558414d504c311a0948422d504f52542d312a0c0a025031120608b0ea011002"
                  }
                ]
              }
            }
          ],
          "parts": []
        }
    "#]].assert_eq(&format!("{json:#}\n"));
}

#[test]
fn what_a_bundle_says_cannot_end_a_line_or_turn_the_reading_direction() {
    for bytes in [
        &b"two\nlines"[..],
        b"",
        b" padded ",
        "left\u{202e}right".as_bytes(),
        "zero\u{200b}width".as_bytes(),
        b"quo\"ted",
        &[0xff, 0xfe],
        b"\x1b[31mred",
    ] {
        let printed = ledger::words::printable(bytes);
        assert!(printed.starts_with("0x"), "{printed}");
    }
    assert_eq!(ledger::words::printable("河北:批次 1".as_bytes()), "河北:批次 1");
    assert_eq!(ledger::words::printable(b"0xab"), "0x30786162");
}

#[test]
fn a_level_counts_keys_and_the_agencies_that_hold_them() {
    let mut world = story::world();
    world.change_epoch(&[(0, 31), (1, 32), (2, 33), (2, 34)], &[0, 1, 2]);
    world.block(&[]);
    let report = accept(&world, &world.bundle(&[1, 2, 3]));
    let lines = |language| {
        let text = report.text(language);
        let steps: Vec<&str> = text.lines().rev().skip(1).take(2).collect();
        steps.join("\n") + "\n"
    };
    expect![[r#"
        最终签认点 11：签认的有 3 把密钥，属 2 家机构：天津、河北；全体为 4 把密钥，属 3 家机构（未全部签认）
        纪元 0 的交接 10：签认的有 3 把密钥，属 3 家机构：北京、天津、河北；全体为 3 把密钥，属 3 家机构
        final checkpoint 11: signed by 3 keys of 2 agencies: 天津, 河北; all are 4 keys of 3 agencies (not signed by all)
        hand-off of epoch 0 10: signed by 3 keys of 3 agencies: 北京, 天津, 河北; all are 3 keys of 3 agencies
    "#]].assert_eq(&(lines(Language::Zh) + &lines(Language::En)));
    let step = &report.json()["steps"][1];
    assert_eq!((step["members"].as_u64(), step["agencies"].as_u64()), (Some(4), Some(3)));
    assert_eq!(step["signed_agencies"].as_u64(), Some(2));
}
