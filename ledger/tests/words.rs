#![cfg(test)]
//! The words of claims, each template with its branches, in both languages: golden texts that a
//! second verifier must build to the letter.
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

use std::fmt::Write as _;

use expect_test::expect;
use ledger::bundle::Direction;
use ledger::words::{
    self, At, EventFacts, Execution, ReceiptFacts, Signer, StateFacts, TraceFacts, WindowFacts,
    Words,
};
use proto::Hash;
use proto::operation::OpUid;
use proto::receipt::{ReceiptSource, Subject, SubjectKind};
use proto::sign::{KeyId, SecretKey};
use proto::trie::Namespace;
use proto::types::{Height, TimeMs, TxId};

const AT: At = At { height: Height::new(7), time: TimeMs::new(1_760_000_007_089) };

fn key() -> KeyId {
    SecretKey::from_seed(&[1; 32]).public().id()
}

fn signer() -> Signer {
    Signer { key: key(), registered: Some(("北京".to_owned(), "11:platform".to_owned())) }
}

fn print(all: impl IntoIterator<Item = Words>) -> String {
    let mut out = String::new();
    for words in all {
        writeln!(out, "{}\n{}", words.zh, words.en).unwrap();
    }
    out
}

#[test]
fn events_say_what_became_of_them() {
    let facts =
        |result| EventFacts { at: AT, kind: 28, uid: OpUid([0xab; 16]), signer: signer(), result };
    let shown = |code, alerts: &[(u16, &str)]| {
        let alerts = alerts.iter().map(|(code, key)| (*code, key.as_bytes().to_vec())).collect();
        facts(Execution::Shown { code, alerts })
    };
    let unknown = EventFacts {
        kind: 999,
        signer: Signer { key: key(), registered: None },
        ..facts(Execution::NotShown)
    };
    let text = print(
        [
            facts(Execution::NotShown),
            shown(0, &[]),
            shown(0, &[(12, "A1"), (1012, "A2"), (2024, "A3"), (3001, "A4"), (9001, "A5")]),
            shown(1, &[]),
            shown(2, &[]),
            shown(301, &[]),
            unknown,
        ]
        .iter()
        .map(words::event),
    );
    expect![[r#"
        区块 7（北京时间 2025-10-09 16:53:27.089）含有操作“发货”，编号 abababababababababababababababab，由密钥 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c 签名（登记为“北京”的“11:platform”）：未出示执行结果
        block 7 (2025-10-09T08:53:27.089Z) holds the operation "ship", id abababababababababababababababab, signed by key 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c (registered as "11:platform" of "北京"): its result is not shown
        区块 7（北京时间 2025-10-09 16:53:27.089）含有操作“发货”，编号 abababababababababababababababab，由密钥 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c 签名（登记为“北京”的“11:platform”）：已记录
        block 7 (2025-10-09T08:53:27.089Z) holds the operation "ship", id abababababababababababababababab, signed by key 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c (registered as "11:platform" of "北京"): recorded
        区块 7（北京时间 2025-10-09 16:53:27.089）含有操作“发货”，编号 abababababababababababababababab，由密钥 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c 签名（登记为“北京”的“11:platform”）：已记录；预警 R12 发生“A1”、R12 因后续事件解除“A2”、R24 因更正撤销“A3”、R01 已签收“A4”、R01 状态变化“A5”
        block 7 (2025-10-09T08:53:27.089Z) holds the operation "ship", id abababababababababababababababab, signed by key 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c (registered as "11:platform" of "北京"): recorded; alerts R12 raised "A1", R12 closed by later events "A2", R24 withdrawn by a correction "A3", R01 acknowledged "A4", R01 changed "A5"
        区块 7（北京时间 2025-10-09 16:53:27.089）含有操作“发货”，编号 abababababababababababababababab，由密钥 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c 签名（登记为“北京”的“11:platform”）：此前已有同一内容，本次未改变任何内容
        block 7 (2025-10-09T08:53:27.089Z) holds the operation "ship", id abababababababababababababababab, signed by key 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c (registered as "11:platform" of "北京"): was there before, changed nothing
        区块 7（北京时间 2025-10-09 16:53:27.089）含有操作“发货”，编号 abababababababababababababababab，由密钥 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c 签名（登记为“北京”的“11:platform”）：未接受（代码 2：同一编号用于不同内容）
        block 7 (2025-10-09T08:53:27.089Z) holds the operation "ship", id abababababababababababababababab, signed by key 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c (registered as "11:platform" of "北京"): not accepted (code 2: its id belongs to other content)
        区块 7（北京时间 2025-10-09 16:53:27.089）含有操作“发货”，编号 abababababababababababababababab，由密钥 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c 签名（登记为“北京”的“11:platform”）：未接受（代码 301）
        block 7 (2025-10-09T08:53:27.089Z) holds the operation "ship", id abababababababababababababababab, signed by key 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c (registered as "11:platform" of "北京"): not accepted (code 301)
        区块 7（北京时间 2025-10-09 16:53:27.089）含有操作“类型 999”，编号 abababababababababababababababab，由密钥 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c 签名：未出示执行结果
        block 7 (2025-10-09T08:53:27.089Z) holds the operation "type 999", id abababababababababababababababab, signed by key 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c: its result is not shown
    "#]].assert_eq(&text);
}

#[test]
fn receipts_name_operation_or_step() {
    let operation = ReceiptFacts {
        at: AT,
        index: 3,
        source: ReceiptSource::Operation {
            tx_id: TxId(Hash::new([2; 32])),
            op_index: 4,
            op_leaf: Hash::ZERO,
        },
        signer: Some(signer()),
        code: 0,
        alerts: Vec::new(),
    };
    let step = ReceiptFacts {
        source: ReceiptSource::System { step_leaf: Hash::new([3; 32]) },
        signer: None,
        alerts: vec![(22, b"A1".to_vec())],
        ..operation.clone()
    };
    expect![[r#"
        高度 7（北京时间 2025-10-09 16:53:27.089）第 3 号回执，交易 0202020202020202020202020202020202020202020202020202020202020202 的第 4 项操作，由密钥 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c 签名（登记为“北京”的“11:platform”）：已记录
        height 7 (2025-10-09T08:53:27.089Z), receipt 3, operation 4 of transaction 0202020202020202020202020202020202020202020202020202020202020202, signed by key 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c (registered as "11:platform" of "北京"): recorded
        高度 7（北京时间 2025-10-09 16:53:27.089）第 3 号回执，系统步骤 0303030303030303030303030303030303030303030303030303030303030303：已记录；预警 R22 发生“A1”
        height 7 (2025-10-09T08:53:27.089Z), receipt 3, system step 0303030303030303030303030303030303030303030303030303030303030303: recorded; alerts R22 raised "A1"
    "#]].assert_eq(&print([words::receipt(&operation), words::receipt(&step)]));
}

#[test]
fn states_print_values_exactly_or_by_their_hash() {
    let facts = |key: &[u8], value: Option<Vec<u8>>| StateFacts {
        at: AT,
        namespace: Namespace::Station,
        key: key.to_vec(),
        value,
    };
    let text = print(
        [
            facts(b"0:BJ-SHOP-7", None),
            facts(b"0:BJ-SHOP-7", Some(Vec::new())),
            facts(b"0:BJ-SHOP-7", Some(b"(absent)".to_vec())),
            facts(&[0, 1], Some(b"text".to_vec())),
            facts(b"quo\"te", Some(vec![0xff; 256])),
            facts(b"long", Some(vec![0xff; 257])),
        ]
        .iter()
        .map(words::state),
    );
    expect![[r#"
        截至高度 7（北京时间 2025-10-09 16:53:27.089）：地点 “0:BJ-SHOP-7” = （不存在）
        as of height 7 (2025-10-09T08:53:27.089Z): station "0:BJ-SHOP-7" = (absent)
        截至高度 7（北京时间 2025-10-09 16:53:27.089）：地点 “0:BJ-SHOP-7” = 0x
        as of height 7 (2025-10-09T08:53:27.089Z): station "0:BJ-SHOP-7" = 0x
        截至高度 7（北京时间 2025-10-09 16:53:27.089）：地点 “0:BJ-SHOP-7” = “(absent)”
        as of height 7 (2025-10-09T08:53:27.089Z): station "0:BJ-SHOP-7" = "(absent)"
        截至高度 7（北京时间 2025-10-09 16:53:27.089）：地点 0x0001 = “text”
        as of height 7 (2025-10-09T08:53:27.089Z): station 0x0001 = "text"
        截至高度 7（北京时间 2025-10-09 16:53:27.089）：地点 0x71756f227465 = 0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
        as of height 7 (2025-10-09T08:53:27.089Z): station 0x71756f227465 = 0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
        截至高度 7（北京时间 2025-10-09 16:53:27.089）：地点 “long” = 257 字节，摘要 550e1b8e32dd6a1d8ef29fabd8e10de69bca3161e93375fe605d12a4454fab93
        as of height 7 (2025-10-09T08:53:27.089Z): station "long" = 257 bytes, hash 550e1b8e32dd6a1d8ef29fabd8e10de69bca3161e93375fe605d12a4454fab93
    "#]].assert_eq(&text);
}

#[test]
fn namespaces_have_names_of_their_own() {
    let named: std::collections::BTreeSet<Words> = Namespace::ALL
        .into_iter()
        .map(|namespace| {
            words::state(&StateFacts { at: AT, namespace, key: b"k".to_vec(), value: None })
        })
        .collect();
    assert_eq!(named.len(), Namespace::ALL.len());
}

#[test]
fn traces_say_complete_only_where_nothing_is_missing() {
    let complete = TraceFacts {
        at: AT,
        direction: Direction::Back,
        starts: vec![(Subject::unit(b"BJ:1".to_vec()), true)],
        subjects: 3,
        events: 1,
        withheld: 0,
        truncated: 0,
        backfill: Vec::new(),
    };
    let declaration =
        Subject { kind: SubjectKind::Declaration, key: b"021020251000000017-1".to_vec() };
    let two = vec![(Subject::unit(vec![0xff]), false), (declaration, true)];
    let none = vec![(Subject::unit(b"BJ:0".to_vec()), false)];
    let pending = vec![b"BJ".to_vec(), b"TJ".to_vec()];
    let text = print(
        [
            complete.clone(),
            TraceFacts { direction: Direction::Forward, withheld: 1, ..complete.clone() },
            TraceFacts { direction: Direction::Both, truncated: 2, ..complete.clone() },
            TraceFacts { backfill: pending.clone(), ..complete.clone() },
            TraceFacts { backfill: pending.clone(), truncated: 1, withheld: 2, ..complete.clone() },
            TraceFacts { starts: two, ..complete.clone() },
            TraceFacts { starts: none.clone(), ..complete.clone() },
            TraceFacts { starts: none, backfill: pending, ..complete },
        ]
        .iter()
        .map(words::trace),
    );
    expect![[r#"
        截至高度 7（北京时间 2025-10-09 16:53:27.089）：溯源（来源），起点 “BJ:1”：完整；共 3 个对象、1 条记录
        as of height 7 (2025-10-09T08:53:27.089Z): trace back (source) from "BJ:1": complete; 3 subjects, 1 record
        截至高度 7（北京时间 2025-10-09 16:53:27.089）：追踪（去向），起点 “BJ:1”：完整，1 条正文未出示；共 3 个对象、1 条记录
        as of height 7 (2025-10-09T08:53:27.089Z): trace forward (destination) from "BJ:1": complete, 1 bodies withheld; 3 subjects, 1 record
        截至高度 7（北京时间 2025-10-09 16:53:27.089）：溯源与追踪，起点 “BJ:1”：不完整，另有 2 个对象未展开；共 3 个对象、1 条记录
        as of height 7 (2025-10-09T08:53:27.089Z): trace back and forward from "BJ:1": not complete, 2 subjects not opened; 3 subjects, 1 record
        截至高度 7（北京时间 2025-10-09 16:53:27.089）：溯源（来源），起点 “BJ:1”：补录未完成：“BJ”、“TJ”；共 3 个对象、1 条记录
        as of height 7 (2025-10-09T08:53:27.089Z): trace back (source) from "BJ:1": backfill pending: "BJ", "TJ"; 3 subjects, 1 record
        截至高度 7（北京时间 2025-10-09 16:53:27.089）：溯源（来源），起点 “BJ:1”：不完整，另有 1 个对象未展开，补录未完成：“BJ”、“TJ”，2 条正文未出示；共 3 个对象、1 条记录
        as of height 7 (2025-10-09T08:53:27.089Z): trace back (source) from "BJ:1": not complete, 1 subject not opened, backfill pending: "BJ", "TJ", 2 bodies withheld; 3 subjects, 1 record
        截至高度 7（北京时间 2025-10-09 16:53:27.089）：溯源（来源），起点 0xff、报关单“021020251000000017-1”：完整；共 3 个对象、1 条记录；完全按此字符未记录任何内容：0xff
        as of height 7 (2025-10-09T08:53:27.089Z): trace back (source) from 0xff, declaration "021020251000000017-1": complete; 3 subjects, 1 record; nothing recorded under exactly these bytes: 0xff
        截至高度 7（北京时间 2025-10-09 16:53:27.089）：溯源（来源），起点 “BJ:0”：查无记录；完全按此字符未记录任何内容：“BJ:0”
        as of height 7 (2025-10-09T08:53:27.089Z): trace back (source) from "BJ:0": no trace; nothing recorded under exactly these bytes: "BJ:0"
        截至高度 7（北京时间 2025-10-09 16:53:27.089）：溯源（来源），起点 “BJ:0”：查无记录，补录未完成：“BJ”、“TJ”；完全按此字符未记录任何内容：“BJ:0”
        as of height 7 (2025-10-09T08:53:27.089Z): trace back (source) from "BJ:0": no trace, backfill pending: "BJ", "TJ"; nothing recorded under exactly these bytes: "BJ:0"
    "#]].assert_eq(&text);
}

#[test]
fn windows_say_what_is_proven_of_which_days() {
    let party = WindowFacts {
        at: AT,
        subject: Subject { kind: SubjectKind::Party, key: b"91110000700000002B".to_vec() },
        days: (20_370, 20_372),
        recorded: true,
        days_used: 2,
        events: 5,
        withheld: 0,
        backfill: Vec::new(),
    };
    let of_kind =
        |kind| WindowFacts { subject: Subject { kind, key: b"x".to_vec() }, ..party.clone() };
    let text = print(
        [
            party.clone(),
            WindowFacts { withheld: 1, backfill: vec![b"TJ".to_vec()], ..party.clone() },
            WindowFacts { recorded: false, days_used: 0, events: 0, ..party.clone() },
            of_kind(SubjectKind::Station),
            of_kind(SubjectKind::Vehicle),
            of_kind(SubjectKind::Person),
        ]
        .iter()
        .map(words::window),
    );
    expect![[r#"
        截至高度 7（北京时间 2025-10-09 16:53:27.089）：单位“91110000700000002B” 自 2025-10-09 至 2025-10-11：完整；2 天共 5 条记录
        as of height 7 (2025-10-09T08:53:27.089Z): party "91110000700000002B" from 2025-10-09 to 2025-10-11: complete; 5 records on 2 days
        截至高度 7（北京时间 2025-10-09 16:53:27.089）：单位“91110000700000002B” 自 2025-10-09 至 2025-10-11：补录未完成：“TJ”，1 条正文未出示；2 天共 5 条记录
        as of height 7 (2025-10-09T08:53:27.089Z): party "91110000700000002B" from 2025-10-09 to 2025-10-11: backfill pending: "TJ", 1 bodies withheld; 5 records on 2 days
        截至高度 7（北京时间 2025-10-09 16:53:27.089）：单位“91110000700000002B” 自 2025-10-09 至 2025-10-11：完整；0 天共 0 条记录；完全按此字符未记录任何内容
        as of height 7 (2025-10-09T08:53:27.089Z): party "91110000700000002B" from 2025-10-09 to 2025-10-11: complete; 0 records on 0 days; nothing recorded under exactly these bytes
        截至高度 7（北京时间 2025-10-09 16:53:27.089）：地点“x” 自 2025-10-09 至 2025-10-11：完整；2 天共 5 条记录
        as of height 7 (2025-10-09T08:53:27.089Z): station "x" from 2025-10-09 to 2025-10-11: complete; 5 records on 2 days
        截至高度 7（北京时间 2025-10-09 16:53:27.089）：车辆“x” 自 2025-10-09 至 2025-10-11：完整；2 天共 5 条记录
        as of height 7 (2025-10-09T08:53:27.089Z): vehicle "x" from 2025-10-09 to 2025-10-11: complete; 5 records on 2 days
        截至高度 7（北京时间 2025-10-09 16:53:27.089）：人员“x” 自 2025-10-09 至 2025-10-11：完整；2 天共 5 条记录；隐私登记号更换密钥后即为另一号码，完整性以本号码为限
        as of height 7 (2025-10-09T08:53:27.089Z): person "x" from 2025-10-09 to 2025-10-11: complete; 5 records on 2 days; a person's reference changes with its key, and completeness ends with this reference
    "#]].assert_eq(&text);
}

#[test]
fn times_are_beijing_time_in_chinese_and_utc_in_english() {
    let text = print(
        [0, 57_599_999, 951_782_400_000, 1_760_000_007_089, 4_102_444_800_000]
            .into_iter()
            .flat_map(|ms| [words::time(TimeMs::new(ms)), words::minute(TimeMs::new(ms))]),
    );
    expect![[r#"
        北京时间 1970-01-01 08:00:00.000
        1970-01-01T00:00:00.000Z
        1970-01-01 08:00
        1970-01-01 00:00Z
        北京时间 1970-01-01 23:59:59.999
        1970-01-01T15:59:59.999Z
        1970-01-01 23:59
        1970-01-01 15:59Z
        北京时间 2000-02-29 08:00:00.000
        2000-02-29T00:00:00.000Z
        2000-02-29 08:00
        2000-02-29 00:00Z
        北京时间 2025-10-09 16:53:27.089
        2025-10-09T08:53:27.089Z
        2025-10-09 16:53
        2025-10-09 08:53Z
        北京时间 2100-01-01 08:00:00.000
        2100-01-01T00:00:00.000Z
        2100-01-01 08:00
        2100-01-01 00:00Z
    "#]]
    .assert_eq(&text);
}
