//! The words of claims, in Chinese and English: templates that prover and verifier share.
//!
//! It owns the sentences and how bytes, times and days are printed in them. It does not decide what
//! may be said: the caller passes facts, and the verifier passes only facts that it has proven.

use contracts::identifier::calendar;
use proto::namespace::Namespace;
use proto::operation::OpUid;
use proto::receipt::{
    CODE_ACCEPTED, CODE_ALREADY_RECORDED, CODE_OP_UID_REUSED, ReceiptSource, Subject, SubjectKind,
};
use proto::ring::value_hash;
use proto::schema::OperationKind;
use proto::sign::KeyId;
use proto::types::{Height, TimeMs};

use crate::bundle::Direction;

/// Beijing's distance from UTC.
const BEIJING_OFFSET_MS: u64 = 8 * 60 * 60 * 1000;

/// Bytes of a state value that are printed; of a longer one, its length and hash are.
const VALUE_BYTES_PRINTED_MAX: usize = 256;

/// One sentence in both languages.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Words {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Words {
    /// A sentence from its two versions.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }

    /// Adds text at the end of each version.
    pub fn push(&mut self, zh: &str, en: &str) {
        self.zh.push_str(zh);
        self.en.push_str(en);
    }

    /// Adds another sentence at the end.
    pub fn append(&mut self, other: &Self) {
        self.push(&other.zh, &other.en);
    }
}

/// Height and time of a history leaf.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct At {
    /// Height.
    pub height: Height,
    /// Block time.
    pub time: TimeMs,
}

/// What execution made of an operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Execution {
    /// The receipt is not shown.
    NotShown,
    /// The receipt's code, and its alert notices: code and key of the alert.
    Shown {
        /// Code.
        code: u16,
        /// Notices.
        alerts: Vec<(u16, Vec<u8>)>,
    },
}

/// Who signed: the key, and whom the state below the block names for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signer {
    /// The signing key.
    pub key: KeyId,
    /// Name of the agency and of the platform or party, where a state proof shows them.
    pub registered: Option<(String, String)>,
}

/// Facts of an EVENT claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventFacts {
    /// The block.
    pub at: At,
    /// Type of the operation.
    pub kind: u16,
    /// Its identity at the source.
    pub uid: OpUid,
    /// Who signed it.
    pub signer: Signer,
    /// What came of it.
    pub result: Execution,
}

/// Facts of a RECEIPT claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReceiptFacts {
    /// The height.
    pub at: At,
    /// Position among its receipts.
    pub index: u32,
    /// Operation or step.
    pub source: ReceiptSource,
    /// Who signed the transaction, where it is shown.
    pub signer: Option<Signer>,
    /// Code.
    pub code: u16,
    /// Alert notices: code and key of the alert.
    pub alerts: Vec<(u16, Vec<u8>)>,
}

/// Facts of a STATE claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StateFacts {
    /// The state after this height.
    pub at: At,
    /// Namespace.
    pub namespace: Namespace,
    /// Key.
    pub key: Vec<u8>,
    /// Value, or none.
    pub value: Option<Vec<u8>>,
}

/// Facts of a TRACE claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceFacts {
    /// Height of the whole answer.
    pub at: At,
    /// What was followed.
    pub direction: Direction,
    /// Starts, and whether anything is recorded under them.
    pub starts: Vec<(Subject, bool)>,
    /// Subjects whose logs are shown, empty ones among them.
    pub subjects: usize,
    /// Distinct receipts in these logs.
    pub events: usize,
    /// Bodies not shown, counted once for each receipt.
    pub withheld: usize,
    /// Subjects reached whose logs are not shown.
    pub truncated: usize,
    /// Schemes whose derived relations were not all written yet.
    pub backfill: Vec<Vec<u8>>,
}

/// Facts of a WINDOW claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WindowFacts {
    /// Height of the answer.
    pub at: At,
    /// The subject.
    pub subject: Subject,
    /// First and last day.
    pub days: (u32, u32),
    /// Whether anything is recorded under the subject, on whatever day.
    pub recorded: bool,
    /// Days of the window with entries.
    pub days_used: usize,
    /// Entries.
    pub events: usize,
    /// Bodies not shown.
    pub withheld: usize,
    /// Schemes whose derived relations were not all written yet.
    pub backfill: Vec<Vec<u8>>,
}

/// Words of an EVENT claim.
pub fn event(facts: &EventFacts) -> Words {
    let name = kind_name(facts.kind);
    let (height, uid) = (facts.at.height, facts.uid);
    let time = time(facts.at.time);
    let mut words = Words::new(
        format!("区块 {height}（{}）含有操作“{}”，编号 {uid}，", time.zh, name.zh),
        format!("block {height} ({}) holds the operation \"{}\", id {uid}, ", time.en, name.en),
    );
    words.append(&signer(&facts.signer));
    words.push("：", ": ");
    match &facts.result {
        Execution::NotShown => words.push("未出示执行结果", "its result is not shown"),
        Execution::Shown { code, alerts } => words.append(&outcome(*code, alerts)),
    }
    words
}

/// Words of a RECEIPT claim.
pub fn receipt(facts: &ReceiptFacts) -> Words {
    let ReceiptFacts { index, .. } = facts;
    let height = facts.at.height;
    let time = time(facts.at.time);
    let mut words = Words::new(
        format!("高度 {height}（{}）第 {index} 号回执，", time.zh),
        format!("height {height} ({}), receipt {index}, ", time.en),
    );
    match &facts.source {
        ReceiptSource::Operation { tx_id, op_index, .. } => words.push(
            &format!("交易 {tx_id} 的第 {op_index} 项操作"),
            &format!("operation {op_index} of transaction {tx_id}"),
        ),
        ReceiptSource::System { step_leaf } => {
            words.push(&format!("系统步骤 {step_leaf}"), &format!("system step {step_leaf}"));
        }
    }
    if let Some(known) = &facts.signer {
        words.push("，", ", ");
        words.append(&signer(known));
    }
    words.push("：", ": ");
    words.append(&outcome(facts.code, &facts.alerts));
    words
}

/// Words of a STATE claim.
pub fn state(facts: &StateFacts) -> Words {
    let mut words = as_of(facts.at);
    let namespace = namespace_name(facts.namespace);
    let key = quoted(&facts.key);
    words.push(
        &format!("{} {} = ", namespace.zh, key.zh),
        &format!("{} {} = ", namespace.en, key.en),
    );
    match &facts.value {
        None => words.push("（不存在）", "(absent)"),
        Some(value) if value.len() <= VALUE_BYTES_PRINTED_MAX => {
            words.append(&quoted(value));
        }
        Some(value) => {
            let (length, hash) = (value.len(), value_hash(value));
            words.push(
                &format!("{length} 字节，摘要 {hash}"),
                &format!("{length} bytes, hash {hash}"),
            );
        }
    }
    words
}

/// Words of a TRACE claim.
pub fn trace(facts: &TraceFacts) -> Words {
    let mut words = as_of(facts.at);
    match facts.direction {
        Direction::Back => words.push("溯源（来源）", "trace back (source)"),
        Direction::Forward => words.push("追踪（去向）", "trace forward (destination)"),
        Direction::Both => words.push("溯源与追踪", "trace back and forward"),
        Direction::Unspecified => words.push("方向不明", "trace without direction"),
    }
    let names = list(facts.starts.iter().map(|(start, _)| subject(start)));
    words.push(&format!("，起点 {}：", names.zh), &format!(" from {}: ", names.en));
    let unrecorded = facts.starts.iter().filter(|(_, recorded)| !recorded);
    let empty: Vec<Words> = unrecorded.map(|(start, _)| subject(start)).collect();
    if empty.len() == facts.starts.len() {
        words.push("查无记录", "no trace");
        push_backfill(&mut words, &facts.backfill);
    } else {
        push_verdict(&mut words, facts);
    }
    if !empty.is_empty() {
        let names = list(empty);
        words.push(
            &format!("；完全按此字符未记录任何内容：{}", names.zh),
            &format!("; nothing recorded under exactly these bytes: {}", names.en),
        );
    }
    words
}

fn push_verdict(words: &mut Words, facts: &TraceFacts) {
    let TraceFacts { subjects, events, withheld, truncated, .. } = facts;
    if *truncated > 0 {
        words.push(
            &format!("不完整，另有 {truncated} 个对象未展开"),
            &format!("not complete, {} not opened", counted(*truncated, "subject", "subjects")),
        );
        push_backfill(words, &facts.backfill);
    } else if facts.backfill.is_empty() {
        words.push("完整", "complete");
    } else {
        push_pending(words, &facts.backfill);
    }
    if *withheld > 0 {
        words.push(&format!("，{withheld} 条正文未出示"), &format!(", {withheld} bodies withheld"));
    }
    words.push(
        &format!("；共 {subjects} 个对象、{events} 条记录"),
        &format!(
            "; {}, {}",
            counted(*subjects, "subject", "subjects"),
            counted(*events, "record", "records")
        ),
    );
}

/// Words of a WINDOW claim.
pub fn window(facts: &WindowFacts) -> Words {
    let mut words = as_of(facts.at);
    let who = subject(&facts.subject);
    let (from, to) = (day(facts.days.0), day(facts.days.1));
    words.push(
        &format!("{} 自 {from} 至 {to}：", who.zh),
        &format!("{} from {from} to {to}: ", who.en),
    );
    if facts.backfill.is_empty() {
        words.push("完整", "complete");
    } else {
        push_pending(&mut words, &facts.backfill);
    }
    let WindowFacts { events, days_used, withheld, .. } = facts;
    if *withheld > 0 {
        words.push(&format!("，{withheld} 条正文未出示"), &format!(", {withheld} bodies withheld"));
    }
    words.push(
        &format!("；{days_used} 天共 {events} 条记录"),
        &format!(
            "; {} on {}",
            counted(*events, "record", "records"),
            counted(*days_used, "day", "days")
        ),
    );
    if !facts.recorded {
        words.push("；完全按此字符未记录任何内容", "; nothing recorded under exactly these bytes");
    }
    if facts.subject.kind == SubjectKind::Person {
        words.push(
            "；隐私登记号更换密钥后即为另一号码，完整性以本号码为限",
            "; a person's reference changes with its key, and completeness ends with this reference",
        );
    }
    words
}

fn push_backfill(words: &mut Words, backfill: &[Vec<u8>]) {
    if !backfill.is_empty() {
        words.push("，", ", ");
        push_pending(words, backfill);
    }
}

fn push_pending(words: &mut Words, backfill: &[Vec<u8>]) {
    let schemes = list(backfill.iter().map(|scheme| quoted(scheme)));
    words
        .push(&format!("补录未完成：{}", schemes.zh), &format!("backfill pending: {}", schemes.en));
}

fn list(names: impl IntoIterator<Item = Words>) -> Words {
    let mut words = Words::default();
    for (position, name) in names.into_iter().enumerate() {
        if position > 0 {
            words.push("、", ", ");
        }
        words.append(&name);
    }
    words
}

fn counted(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

fn as_of(at: At) -> Words {
    let (height, time) = (at.height, time(at.time));
    Words::new(
        format!("截至高度 {height}（{}）：", time.zh),
        format!("as of height {height} ({}): ", time.en),
    )
}

fn signer(signer: &Signer) -> Words {
    let key = signer.key;
    match &signer.registered {
        None => Words::new(format!("由密钥 {key} 签名"), format!("signed by key {key}")),
        Some((agency, party)) => {
            let (agency, party) = (quoted(agency.as_bytes()), quoted(party.as_bytes()));
            Words::new(
                format!("由密钥 {key} 签名（登记为{}的{}）", agency.zh, party.zh),
                format!("signed by key {key} (registered as {} of {})", party.en, agency.en),
            )
        }
    }
}

/// What a receipt says; "recorded" only of an accepted one, and then with its alerts.
fn outcome(code: u16, alerts: &[(u16, Vec<u8>)]) -> Words {
    let mut words = match code {
        CODE_ACCEPTED => Words::new("已记录", "recorded"),
        CODE_ALREADY_RECORDED => {
            Words::new("此前已有同一内容，本次未改变任何内容", "was there before, changed nothing")
        }
        CODE_OP_UID_REUSED => Words::new(
            "未接受（代码 2：同一编号用于不同内容）",
            "not accepted (code 2: its id belongs to other content)",
        ),
        other => {
            Words::new(format!("未接受（代码 {other}）"), format!("not accepted (code {other})"))
        }
    };
    for (position, (code, alert)) in alerts.iter().enumerate() {
        let notice = notice(*code);
        let key = quoted(alert);
        let (zh, en) = if position == 0 { ("；预警 ", "; alerts ") } else { ("、", ", ") };
        words.push(
            &format!("{zh}{}{}", notice.zh, key.zh),
            &format!("{en}{} {}", notice.en, key.en),
        );
    }
    words
}

/// An alert notice: what happened to which rule's alert. Its code is transition * 1000 + rule.
pub fn notice(code: u16) -> Words {
    let rule = code % 1000;
    let (zh, en) = match code / 1000 {
        0 => ("发生", "raised"),
        1 => ("因后续事件解除", "closed by later events"),
        2 => ("因更正撤销", "withdrawn by a correction"),
        3 => ("已签收", "acknowledged"),
        _ => ("状态变化", "changed"),
    };
    Words::new(format!("R{rule:02} {zh}"), format!("R{rule:02} {en}"))
}

/// A time: Beijing time in Chinese, UTC in English. China has kept UTC+8 all the year since 1992,
/// and nothing on the ledger is older.
pub fn time(time: TimeMs) -> Words {
    let (beijing, utc) = (time.plus_ms(BEIJING_OFFSET_MS), time);
    let ms = time.value() % 1000;
    Words::new(
        format!("北京时间 {} {}.{ms:03}", day(beijing.day()), clock(beijing)),
        format!("{}T{}.{ms:03}Z", day(utc.day()), clock(utc)),
    )
}

/// A time to the minute, for lists that say once which clock they use.
pub fn minute(time: TimeMs) -> Words {
    let to_minute = |at: TimeMs| {
        let clock = clock(at);
        let (minutes, _) = clock.rsplit_once(':').expect("a clock has hours, minutes, seconds");
        format!("{} {minutes}", day(at.day()))
    };
    Words::new(to_minute(time.plus_ms(BEIJING_OFFSET_MS)), format!("{}Z", to_minute(time)))
}

/// Hours, minutes and seconds of the day.
fn clock(at: TimeMs) -> String {
    let seconds = at.value() / 1000 % 86_400;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}")
}

/// A day since 1970-01-01 as year, month and day.
pub fn day(day: u32) -> String {
    let (year, month, day) = calendar::civil(day);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A subject; kinds other than units say what they are.
pub fn subject(subject: &Subject) -> Words {
    let mut words = match subject.kind {
        SubjectKind::Unit => Words::default(),
        SubjectKind::Certificate => Words::new("证书", "certificate "),
        SubjectKind::Declaration => Words::new("报关单", "declaration "),
        SubjectKind::Party => Words::new("单位", "party "),
        SubjectKind::Station => Words::new("地点", "station "),
        SubjectKind::Vehicle => Words::new("车辆", "vehicle "),
        SubjectKind::Person => Words::new("人员", "person "),
    };
    words.append(&quoted(&subject.key));
    words
}

/// Bytes in quotation marks where they are visible text, else in hexadecimal without any.
pub fn quoted(bytes: &[u8]) -> Words {
    match visible_text(bytes) {
        Some(text) => Words::new(format!("“{text}”"), format!("\"{text}\"")),
        None => Words::new(printable(bytes), printable(bytes)),
    }
}

/// Bytes as text where they are visible text, else in hexadecimal behind `0x`. No two different
/// byte strings are printed alike, and none reorders its neighbours, ends a line or a quotation.
pub fn printable(bytes: &[u8]) -> String {
    match visible_text(bytes) {
        Some(text) if !text.starts_with("0x") => text.to_owned(),
        Some(_) | None => format!("0x{}", hex::encode(bytes)),
    }
}

fn visible_text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let visible = |c: char| !c.is_control() && !is_invisible(c) && !"\"“”".contains(c);
    (!text.is_empty() && text.trim() == text && text.chars().all(visible)).then_some(text)
}

/// The type of an operation.
pub fn kind_name(code: u16) -> Words {
    use OperationKind as Kind;
    let Some(kind) = Kind::from_code(code) else {
        return Words::new(format!("类型 {code}"), format!("type {code}"));
    };
    let zh = match kind {
        Kind::Party => "单位登记",
        Kind::Station => "地点登记",
        Kind::Product => "产品登记",
        Kind::Vehicle => "车辆登记",
        Kind::Certificate => "证书登记",
        Kind::Declaration => "报关单登记",
        Kind::OpeningStock => "期初库存",
        Kind::CustomsInspection => "海关查验",
        Kind::Commission => "首站赋码",
        Kind::Sampling => "采样",
        Kind::TestResult => "检测结果",
        Kind::Disinfection => "消毒",
        Kind::StorageIn => "入库",
        Kind::StorageOut => "出库",
        Kind::Pack => "装箱",
        Kind::Unpack => "拆箱",
        Kind::Split => "拆分",
        Kind::Process => "加工",
        Kind::Ship => "发货",
        Kind::Receive => "收货",
        Kind::Sale => "销售",
        Kind::Use => "使用",
        Kind::Disposal => "处置",
        Kind::Observation => "外来事件",
        Kind::Correction => "更正",
        Kind::MatchDeclare => "匹配申报",
        Kind::MatchConfirm => "匹配确认",
        Kind::MatchDispute => "匹配异议",
        Kind::MatchVoid => "匹配作废",
        Kind::AlertAcknowledge => "预警签收",
        Kind::ReleasePublish => "信息发布",
        Kind::ReleaseWithdraw => "信息撤回",
        Kind::Evaluation => "考核评价",
        Kind::SchemePropose => "编码方案提议",
        Kind::RulePropose => "规则参数提议",
        Kind::Approve => "批准",
    };
    Words::new(zh, kind.name().replace('_', " "))
}

fn namespace_name(namespace: Namespace) -> Words {
    let (zh, en) = match namespace {
        Namespace::Log => ("日志", "log"),
        Namespace::Sys => ("系统值", "system value"),
        Namespace::Unit => ("追溯单元", "unit"),
        Namespace::OpUid => ("操作编号", "operation id"),
        Namespace::Key => ("提交密钥", "submitter key"),
        Namespace::Certificate => ("证书", "certificate"),
        Namespace::Declaration => ("报关单", "declaration"),
        Namespace::Party => ("单位", "party"),
        Namespace::Station => ("地点", "station"),
        Namespace::Product => ("产品", "product"),
        Namespace::Vehicle => ("车辆", "vehicle"),
        Namespace::Scheme => ("编码方案", "code scheme"),
        Namespace::Match => ("匹配", "match"),
        Namespace::Alert => ("预警", "alert"),
        Namespace::Incident => ("事件处置", "incident"),
        Namespace::Release => ("发布信息", "release"),
        Namespace::Evaluation => ("考核结果", "evaluation"),
        Namespace::Governance => ("治理表决", "governance vote"),
        Namespace::Rule => ("规则参数", "rule parameter"),
        Namespace::Due => ("期限", "deadline"),
        Namespace::Balance => ("库存", "balance"),
        Namespace::Shipment => ("运单", "shipment"),
        Namespace::Page => ("集合分页", "page of a set"),
    };
    Words::new(zh, en)
}

/// Characters that print as nothing or reorder their neighbours, and white space but the plain one.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}'
            | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2000}'..='\u{200f}'
            | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}' | '\u{3000}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}'
    )
}
