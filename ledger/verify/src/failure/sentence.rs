//! The sentences of refusals, in Chinese and English.

use ledger::bundle::BundleError;
use ledger::words::{self, Words};
use proto::ring::StateProofError;
use proto::tree::TreeError;

use super::{ChainProblem, ClaimProblem, DemandProblem, EntryProblem, LogProblem, Part, Problem};

impl Problem {
    pub(super) fn sentence(&self) -> Words {
        let both = |part: &Part, zh: &str, en: &str| {
            Words::new(format!("{}：{zh}", part.zh()), format!("{}: {en}", part.en()))
        };
        match self {
            Self::Form(error) => form(error),
            Self::Bytes(part, error) => {
                both(part, &format!("字节不合格式（{error}）"), &format!("malformed, {error}"))
            }
            Self::Number(part, found) => {
                both(part, &format!("数值 {found} 超出范围"), &format!("{found} is out of range"))
            }
            Self::Missing(part) => both(part, "缺失", "missing"),
            Self::Unexpected(part) => both(part, "不应出现在此处", "does not belong here"),
            Self::Order(part) => both(part, "未按严格升序排列", "not in strictly ascending order"),
            Self::Path(part, error) => {
                let why = tree(error);
                both(
                    part,
                    &format!("不在已签认的内容之中，{}", why.zh),
                    &format!("not under the signed root, {}", why.en),
                )
            }
            Self::State(error) => {
                let why = state(error);
                Words::new(
                    format!("状态证明不成立：{}", why.zh),
                    format!("the state proof does not hold: {}", why.en),
                )
            }
            Self::Hash(part) => both(part, "与代表它的摘要不符", "not what the digest stands for"),
            Self::Field { part, field, found, expected } => both(
                part,
                &format!("{field} 为 {found}，应为 {expected}"),
                &format!("{field} is {found}, expected {expected}"),
            ),
            Self::Chain(problem) => problem.sentence(),
            Self::Demand(problem) => problem.sentence(),
            Self::Log(problem) => problem.sentence(),
            Self::Entry(problem) => problem.sentence(),
            Self::Claim(problem) => problem.sentence(),
        }
    }
}

fn form(error: &BundleError) -> Words {
    let zh = match error {
        BundleError::TooLarge { found, limit } => {
            format!("存证文件有 {found} 字节，最多读取 {limit} 字节")
        }
        BundleError::TooManyParts { limit } => {
            format!("存证文件的部件过多：所需内存将超过 {limit} 字节，即其长度所允许的上限")
        }
        BundleError::Malformed { detail } => format!("不是存证文件：{detail}"),
        BundleError::NotCanonical => {
            "存证文件不是其唯一编码（含未知字段、次序不同或写出默认值）".to_owned()
        }
        BundleError::Json { detail } => format!("不是 JSON 格式的存证文件：{detail}"),
    };
    Words::new(zh, error.to_string())
}

fn tree(error: &TreeError) -> Words {
    let zh = match error {
        TreeError::Outside { index, size } => format!("第 {index} 叶不在 {size} 叶的树内"),
        TreeError::NotPrefix { old, new } => format!("{old} 叶的树不可能是 {new} 叶的树的开头"),
        TreeError::PathLength { found } => format!("路径有 {found} 步，步数不对"),
        TreeError::Root => "路径通向另一个根".to_owned(),
    };
    Words::new(zh, error.to_string())
}

fn state(error: &StateProofError) -> Words {
    let zh = match error {
        StateProofError::KeyTooLong { found } => format!("键有 {found} 字节，最多 65534 字节"),
        StateProofError::Outside { position, size } => {
            format!("第 {position} 叶不在 {size} 叶的环内")
        }
        StateProofError::Inactive { position } => format!("第 {position} 叶已被替换"),
        StateProofError::OtherKey => "出示的叶不是该键的叶".to_owned(),
        StateProofError::OtherValue => "该叶的值不同".to_owned(),
        StateProofError::NotEnclosed => "该键不在该叶的键与下一键之间".to_owned(),
        StateProofError::Path(error) => return tree(error),
        StateProofError::Root => "路径通向另一个根".to_owned(),
    };
    Words::new(zh, error.to_string())
}

/// A number with its noun.
fn counted(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

impl ChainProblem {
    pub(super) fn sentence(&self) -> Words {
        let (zh, en) = match self {
            Self::OtherGenesis { found, expected } => (
                format!("创世文件属于另一条链：摘要为 {found}，您信任的是 {expected}"),
                format!("the genesis document is another chain's: {found}, you trust {expected}"),
            ),
            Self::GenesisRule { detail } => (
                format!("创世文件违反自身规则：{detail}"),
                format!("the genesis document breaks a rule: {detail}"),
            ),
            Self::OneOfTwo => (
                "交接须有且仅有证书或恢复文件之一".into(),
                "a hand-off has exactly one of a certificate and a recovery document".into(),
            ),
            Self::Size { found, least } => (
                format!("签认点大小 {found} 过小，至少应为 {least}"),
                format!("the checkpoint has size {found}, at least {least} is demanded"),
            ),
            Self::SignerOrder { signer } => (
                format!("签名者 {signer} 重复或未按升序排列"),
                format!("signer {signer} is there twice or out of order"),
            ),
            Self::UnknownSigner { signer } => {
                (format!("签名者 {signer} 不是成员"), format!("signer {signer} is no member"))
            }
            Self::BadSignature { signer } => (
                format!("签名者 {signer} 的签名不成立"),
                format!("the signature of signer {signer} does not hold"),
            ),
            Self::TooFew { found, needed } => (
                format!("只有 {found} 个签名，需要 {needed} 个"),
                format!("signatures found: {found}, needed: {needed}"),
            ),
            Self::Inconsistent { older, newer, error } => {
                let why = tree(error);
                (
                    format!(
                        "前 {older} 个高度与后来的 {newer} 个高度不一致，历史可能被改写：{}",
                        why.zh
                    ),
                    format!(
                        "the first {older} heights are not those of the later {newer}: {}",
                        why.en
                    ),
                )
            }
        };
        Words { zh, en }
    }
}

impl DemandProblem {
    pub(super) fn sentence(&self) -> Words {
        let (zh, en) = match self {
            Self::OlderThanPinned { pinned, found } => (
                format!("存证文件截至 {found} 个高度，早于您留存的 {pinned} 个高度"),
                format!("the bundle ends at size {found}, older than your pin at {pinned}"),
            ),
            Self::PinNotShown { pinned } => (
                format!("存证文件没有给出与您留存点（{pinned}）的一致性证明"),
                format!("the bundle shows no consistency with your pin at {pinned}"),
            ),
            Self::Stale { height, age_ms, max_ms } => (
                format!("高度 {height} 已是 {age_ms} 毫秒之前，您最多接受 {max_ms} 毫秒"),
                format!("height {height} is {age_ms} ms old, you accept at most {max_ms}"),
            ),
            Self::Future { height, ahead_ms } => (
                format!("高度 {height} 的时间比本机时钟晚 {ahead_ms} 毫秒"),
                format!("height {height} is {ahead_ms} ms ahead of this machine's clock"),
            ),
            Self::TooLow { height, least } => (
                format!("高度 {height} 低于您要求的 {least}"),
                format!("height {height} is below the {least} that you demand"),
            ),
            Self::BadWitness { key } => (
                format!("您信任的见证方 {key} 的签名不成立"),
                format!("the cosignature of the witness {key} that you trust does not hold"),
            ),
            Self::LevelBelow { found, wanted } => (
                format!("签认级别为 {}，低于您要求的 {}", found.name(), wanted.name()),
                format!("the level is {}, below the {} demanded", found.name(), wanted.name()),
            ),
        };
        Words { zh, en }
    }
}

fn numbers(list: &[u64]) -> Words {
    let texts: Vec<String> = list.iter().map(u64::to_string).collect();
    Words::new(texts.join("、"), texts.join(", "))
}

impl LogProblem {
    pub(super) fn sentence(&self) -> Words {
        let (zh, en) = match self {
            Self::EventsMissing { subject, numbers: list, of } => {
                let (who, which) = (words::subject(subject), numbers(list));
                let (noun, verb) =
                    if list.len() == 1 { ("event", "is") } else { ("events", "are") };
                (
                    format!("缺少第 {} 条记录：{}共有 {of} 条记录", which.zh, who.zh),
                    format!(
                        "{noun} {} {verb} missing: {} has {}",
                        which.en,
                        who.en,
                        counted(*of, "record", "records")
                    ),
                )
            }
            Self::Short { subject, found, of } => {
                let (who, lost) = (words::subject(subject), of.saturating_sub(*found));
                let (noun, verb) = if lost == 1 { ("event", "is") } else { ("events", "are") };
                (
                    format!("缺少 {lost} 条记录：{}共有 {of} 条记录，只给出 {found} 条", who.zh),
                    format!(
                        "{lost} {noun} {verb} missing: {} has {}, {found} shown",
                        who.en,
                        counted(*of, "record", "records")
                    ),
                )
            }
            Self::DaysMissing { subject, found, of } => {
                let who = words::subject(subject);
                (
                    format!("目录缺少日期：{}有 {of} 天，只给出 {found} 天", who.zh),
                    format!(
                        "the directory is not whole: {} has {}, {found} shown",
                        who.en,
                        counted(*of, "day", "days")
                    ),
                )
            }
            Self::Long { subject, found, of } => {
                let who = words::subject(subject);
                (
                    format!("记录过多：{}只有 {of} 条记录，却给出 {found} 条", who.zh),
                    format!(
                        "too many events: {} has {}, {found} shown",
                        who.en,
                        counted(*of, "record", "records")
                    ),
                )
            }
            Self::Root { subject } => {
                let who = words::subject(subject);
                (
                    format!("{}的记录与签认的内容不符", who.zh),
                    format!("the records of {} are not those that were signed", who.en),
                )
            }
            Self::EmptyWithEntries { subject } => {
                let who = words::subject(subject);
                (
                    format!("{}没有记录，却给出了记录", who.zh),
                    format!("{} has no records, yet some are shown", who.en),
                )
            }
        };
        Words { zh, en }
    }
}

impl EntryProblem {
    pub(super) fn sentence(&self) -> Words {
        let (zh, en) = match self {
            Self::NotNamed { height, receipt_index } => (
                format!("高度 {height} 第 {receipt_index} 号回执并未提及该日志的对象"),
                format!("receipt {receipt_index} of height {height} does not name the subject"),
            ),
            Self::Code { code } => (
                format!("代码为 {code} 的回执不应出现在该日志中"),
                format!("a receipt of code {code} has no place in this log"),
            ),
            Self::EntryOrder { height } => (
                format!("高度 {height} 的记录次序不对，或晚于答复的高度"),
                format!("the record of height {height} is out of order, or later than the answer"),
            ),
            Self::LastHeight { found, expected } => (
                format!("最后一条记录在高度 {found}，状态记载为 {expected}"),
                format!("the last record is at height {found}, the state says {expected}"),
            ),
            Self::Bucket { bucket } => (
                format!("日志分桶 {bucket} 与对象类型或内容不符"),
                format!("bucket {bucket} does not fit the kind of the log or its content"),
            ),
            Self::Cover => (
                "部分日志的子树与所示记录不吻合".into(),
                "the subtrees of a part of a log do not fit the records shown".into(),
            ),
            Self::Unused { subject, bucket } => {
                let who = words::subject(subject);
                (
                    format!("{}的日志（分桶 {bucket}）没有任何声明使用", who.zh),
                    format!("no claim uses the log of {} (bucket {bucket})", who.en),
                )
            }
        };
        Words { zh, en }
    }
}

impl ClaimProblem {
    pub(super) fn sentence(&self) -> Words {
        let (zh, en) = match self {
            Self::Unreadable(error) => {
                let why = error.words();
                (format!("声明无法成立：{}", why.zh), format!("the claim cannot stand: {}", why.en))
            }
            Self::Words { proven } => (
                format!("声明的文字与证明的内容不符，证明的是：{}", proven.zh),
                format!("the words are not what is proven, which is: {}", proven.en),
            ),
            Self::StartTruncated { subject } => {
                let who = words::subject(subject);
                (
                    format!("起点 {} 不得列为未展开", who.zh),
                    format!("the start {} cannot be left unopened", who.en),
                )
            }
            Self::NormalForm { subject, normal } => {
                let (who, normal) = (words::subject(subject), words::quoted(normal));
                (
                    format!("{} 不是规范写法，应为 {}", who.zh, normal.zh),
                    format!("{} is not in normal form, which is {}", who.en, normal.en),
                )
            }
            Self::NotShown { subject } => {
                let who = words::subject(subject);
                (
                    format!("追溯到达 {}，但未给出它的记录", who.zh),
                    format!("the trace reaches {}, whose records are not shown", who.en),
                )
            }
            Self::NotReached { subject } => {
                let who = words::subject(subject);
                (
                    format!("追溯并未到达 {}，却列为未展开", who.zh),
                    format!("the trace does not reach {}, which is listed as unopened", who.en),
                )
            }
            Self::TruncatedShown { subject } => {
                let who = words::subject(subject);
                (
                    format!("{} 列为未展开，却给出了记录", who.zh),
                    format!("{} is listed as unopened, yet its records are shown", who.en),
                )
            }
            Self::OverLimit { used, limit } => (
                format!("使用了 {used} 份日志，超过声明的上限 {limit}"),
                format!("{used} logs are used, above the claim's limit of {limit}"),
            ),
            Self::NotComplete { subject } => {
                let who = words::subject(subject);
                (
                    format!("{} 的日志只给出一部分", who.zh),
                    format!("the log of {} is shown in part only", who.en),
                )
            }
            Self::DayStart { day, found, expected } => {
                let day = words::day(*day);
                (
                    format!("{day} 的首条记录在高度 {found}，目录记载为 {expected}"),
                    format!("{day} begins at height {found}, the directory says {expected}"),
                )
            }
        };
        Words { zh, en }
    }
}
