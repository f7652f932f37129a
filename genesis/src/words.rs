//! What a genesis document means, in words that an operator understands, Chinese and English.

use proto::epoch::Descriptor;
use proto::quorum::Mode;

use crate::document::Genesis;
use crate::rendering::render_time;

/// A language of the words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    /// Chinese, the default.
    Zh,
    /// English.
    En,
}

impl Language {
    /// The language of a locale such as `en_US.UTF-8`; Chinese where it is unset or unknown.
    pub fn of_locale(locale: Option<&str>) -> Self {
        if locale.is_some_and(|name| name.starts_with("en")) { Self::En } else { Self::Zh }
    }
}

/// How many must agree, how many may stop, and what one malicious agency can do.
pub fn fault_model(descriptor: &Descriptor, language: Language) -> Vec<String> {
    let quorum = descriptor.quorum();
    let (all, votes) = (quorum.validators(), quorum.votes());
    let (down, malicious) = (quorum.down_max(), quorum.malicious_max());
    let counts = match language {
        Language::Zh => format!(
            "共 {all} 家共识节点，需 {votes} 家签认，可停 {down} 家（n={all}, b={malicious}, q={votes}, u={down}）"
        ),
        Language::En => format!(
            "{all} {}, {votes} must agree, {down} may stop (n={all}, b={malicious}, q={votes}, u={down})",
            if all == 1 { "validator" } else { "validators" },
        ),
    };
    let meaning = match (descriptor.mode, malicious, language) {
        (Mode::Unanimous, _, Language::Zh) => {
            "全体一致方式：任何人都不能使账本分叉；任何一家停机，账本即停，须凭恢复文件重新启动"
                .to_owned()
        }
        (Mode::Unanimous, _, Language::En) => {
            "unanimous: nobody can fork the ledger, and it halts when any validator stops; \
             after a loss it goes on only by a recovery document"
                .to_owned()
        }
        (Mode::Standard, 0, Language::Zh) => {
            "一家作恶无法容忍，只能举证：它能使账本停顿，或签出两份历史而留下签名证据".to_owned()
        }
        (Mode::Standard, 0, Language::En) => {
            "one malicious agency cannot be tolerated, only proven: it can stall the ledger, \
             or sign two histories and leave signed proof of it"
                .to_owned()
        }
        (Mode::Standard, _, Language::Zh) => {
            format!("至多 {malicious} 家作恶，既不能使账本分叉，也不能使账本停顿")
        }
        (Mode::Standard, _, Language::En) => {
            format!("up to {malicious} malicious can neither fork the ledger nor stall it")
        }
    };
    vec![counts, meaning]
}

/// A line of a description: what, and its value.
pub type Line = (&'static str, String);

/// Who takes part and by which rules.
pub fn overview(genesis: &Genesis, language: Language) -> Vec<Line> {
    let descriptor = genesis.descriptor();
    let zh = language == Language::Zh;
    let word = |chinese, english| if zh { chinese } else { english };
    let mut lines = vec![
        (word("链标识", "chain"), genesis.chain().to_string()),
        (word("创世时间", "time"), render_time(genesis.time())),
    ];
    for (index, agency) in genesis.agencies().iter().enumerate() {
        let validators: Vec<String> = descriptor
            .validators
            .iter()
            .enumerate()
            .filter(|(_, member)| member.agency.position() == index)
            .map(|(position, _)| position.to_string())
            .collect();
        let submitters =
            genesis.submitters().values().filter(|record| record.agency.position() == index);
        let (name, held, count) = (&agency.name, validators.join(", "), submitters.count());
        lines.push((
            word("机构", "agency"),
            match language {
                Language::Zh => format!("{index} {name}：共识节点 {held}，提交密钥 {count} 个"),
                Language::En => {
                    format!("{index} {name}: validators {held}; {count} submitter keys")
                }
            },
        ));
    }
    let mut model = fault_model(descriptor, language).into_iter();
    lines.extend(model.by_ref().map(|sentence| (word("容错", "faults"), sentence)));
    let (threshold, agencies) = (genesis.recovery_threshold(), genesis.agencies().len());
    lines.push((
        word("恢复文件", "recovery"),
        match language {
            Language::Zh => format!("须由 {agencies} 家机构中 {threshold} 家的治理密钥签署"),
            Language::En => {
                format!("a recovery document needs governance keys of {threshold} of {agencies} agencies")
            }
        },
    ));
    lines
}
