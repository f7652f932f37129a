//! The words for people: right numbers, both languages.

use expect_test::expect;
use genesis::ceremony::{self, Duty, PlannedAgency};
use genesis::words::{Language, fault_model, overview};
use proto::quorum::Mode;

use super::{fixed, plan};

#[test]
fn the_overview_says_who_and_by_which_rules() {
    let text: Vec<String> = overview(&fixed(), Language::Zh)
        .into_iter()
        .map(|(label, value)| format!("{label} {value}\n"))
        .collect();
    expect![[r"
        链标识 62f9930a9f0514452e2864f3fa00f20369b131aba4e67631d83d20ee353c625b
        创世时间 2026-10-01T08:00:00Z
        机构 0 北京：共识节点 0，提交密钥 3 个
        机构 1 天津：共识节点 1，提交密钥 3 个
        机构 2 河北：共识节点 2，提交密钥 3 个
        容错 共 3 家共识节点，需 2 家签认，可停 1 家（n=3, b=0, q=2, u=1）
        容错 一家作恶无法容忍，只能举证：它能使账本停顿，或签出两份历史而留下签名证据
        恢复文件 须由 3 家机构中 2 家的治理密钥签署
    "]]
    .assert_eq(&text.concat());
}

#[test]
fn the_fault_model_is_told_for_each_size_and_mode() {
    let mut text = String::new();
    for (mode, witness) in
        [(Mode::Standard, false), (Mode::Unanimous, false), (Mode::Standard, true)]
    {
        let mut plan = plan();
        plan.mode = mode;
        if witness {
            plan.agencies.push(PlannedAgency { name: "W".to_owned(), duty: Duty::Witness });
        }
        let made = ceremony::hold(&plan, &mut ceremony::seeds_for_tests(1)).unwrap();
        for language in [Language::Zh, Language::En] {
            text += &fault_model(made.genesis.descriptor(), language).join("\n");
            text += "\n";
        }
    }
    expect![[r"
        共 3 家共识节点，需 2 家签认，可停 1 家（n=3, b=0, q=2, u=1）
        一家作恶无法容忍，只能举证：它能使账本停顿，或签出两份历史而留下签名证据
        3 validators, 2 must agree, 1 may stop (n=3, b=0, q=2, u=1)
        one malicious agency cannot be tolerated, only proven: it can stall the ledger, or sign two histories and leave signed proof of it
        共 3 家共识节点，需 3 家签认，可停 0 家（n=3, b=0, q=3, u=0）
        全体一致方式：任何人都不能使账本分叉；任何一家停机，账本即停，须凭恢复文件重新启动
        3 validators, 3 must agree, 0 may stop (n=3, b=0, q=3, u=0)
        unanimous: nobody can fork the ledger, and it halts when any validator stops; after a loss it goes on only by a recovery document
        共 4 家共识节点，需 3 家签认，可停 1 家（n=4, b=1, q=3, u=1）
        至多 1 家作恶，既不能使账本分叉，也不能使账本停顿
        4 validators, 3 must agree, 1 may stop (n=4, b=1, q=3, u=1)
        up to 1 malicious can neither fork the ledger nor stall it
    "]].assert_eq(&text);
}

#[test]
fn chinese_is_spoken_unless_the_locale_is_english() {
    for (locale, expected) in [
        (None, Language::Zh),
        (Some("zh_CN.UTF-8"), Language::Zh),
        (Some("C"), Language::Zh),
        (Some("en_GB.UTF-8"), Language::En),
    ] {
        assert_eq!(Language::of_locale(locale), expected, "{locale:?}");
    }
}
