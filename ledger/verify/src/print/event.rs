//! One record as a line or two: what, when, which goods, who, where; bodies are decoded here only.

use contracts::record::matching::MatchStatus;
use contracts::record::step::{StepKind, StepRecord};
use ledger::words::{self, Words};
use prost::Message as _;
use proto::codec::Canonical as _;
use proto::operation::Operation;
use proto::receipt::{CODE_ACCEPTED, Role, SubjectKind};
use proto::schema::event::{Event as Body, InspectionOutcome, Item, Observation, TestOutcome, Uom};
use proto::schema::{Body as AnyBody, OperationKind, roles};
use proto::types::TimeMs;

use super::{Language, line, push};
use crate::report::Event;

/// Codes of one record that are printed; of more, the number is.
const CODES_PRINTED_MAX: usize = 8;

/// Prints one record, with its number in a list.
pub(super) fn print(out: &mut String, language: Language, number: Option<usize>, event: &Event) {
    let operation = match &event.body {
        Some(bytes) if !event.system => Operation::decode(bytes).ok(),
        Some(_) | None => None,
    };
    let kind = operation.as_ref().and_then(|one| OperationKind::from_code(one.kind));
    let body =
        operation.as_ref().zip(kind).and_then(|(one, kind)| AnyBody::decode(kind, &one.body).ok());
    let what = match (&operation, event.system, &event.body) {
        (Some(operation), _, _) => words::kind_name(operation.kind),
        (None, true, Some(record)) => step_name(record),
        (None, true, None) => Words::new("系统步骤（记录未出示）", "system step (record withheld)"),
        (None, false, Some(_)) => Words::new("无法识别的操作", "operation of an unknown form"),
        (None, false, None) => Words::new("正文未出示", "body withheld"),
    };
    let mut text = number.map_or_else(String::new, |number| format!("{number:>4}. "));
    if let Some(at) = body.as_ref().and_then(occurred) {
        text.push_str(language.of(&words::minute(at)));
        text.push(' ');
    }
    text.push_str(language.of(&what));
    if let Some(code) = event.code.filter(|code| *code != CODE_ACCEPTED) {
        text.push_str(language.pick("（未接受，代码 ", " (not accepted, code "));
        text.push_str(&code.to_string());
        text.push_str(language.pick("）", ")"));
    }
    let details = match &body {
        Some(body) => body_details(language, body),
        None => link_details(language, event),
    };
    for detail in details {
        text.push_str(language.pick("，", ", "));
        text.push_str(&detail);
    }
    for notice in &event.alerts {
        text.push_str(language.pick("；预警 ", "; alert "));
        text.push_str(language.of(&words::notice(notice.code)));
    }
    let height = event.height;
    match event.receipt_index {
        Some(index) => push(&mut text, format_args!(" [{height}/{index}]")),
        None => push(&mut text, format_args!(" [{height}]")),
    }
    line(out, format_args!("{text}"));
}

/// What a step of the system did.
fn step_name(record: &[u8]) -> Words {
    let unknown = Words::new("系统步骤", "system step");
    let Ok(record) = StepRecord::decode(record) else { return unknown };
    let status = match record.status() {
        MatchStatus::Unspecified => ("无依据", "without ground"),
        MatchStatus::OneSided => ("单方申报", "one-sided"),
        MatchStatus::Confirmed => ("已确认", "confirmed"),
        MatchStatus::InDoubt => ("存疑", "in doubt"),
        MatchStatus::Voided => ("已作废", "withdrawn"),
    };
    match record.kind() {
        StepKind::Unspecified => unknown,
        StepKind::Match => {
            Words::new(format!("系统匹配：{}", status.0), format!("match {}", status.1))
        }
        StepKind::Recognised => Words::new("系统识别编码", "code recognised"),
        StepKind::Deadline => Words::new("系统到期处理", "deadline"),
        StepKind::RiskJob => Words::new("系统预警处理", "risk job"),
        StepKind::Correction => Words::new("更正涉及的编码", "codes of a correction"),
    }
}

/// When the event of a body happened.
fn occurred(body: &AnyBody) -> Option<TimeMs> {
    let ms = match body {
        AnyBody::Event(event) => event.occurred_ms,
        AnyBody::Observation(seen) => seen.occurred_ms,
        AnyBody::Correction(correction) => correction.occurred_ms,
        AnyBody::Party(_)
        | AnyBody::Station(_)
        | AnyBody::Product(_)
        | AnyBody::Vehicle(_)
        | AnyBody::Certificate(_)
        | AnyBody::Declaration(_)
        | AnyBody::MatchDeclare(_)
        | AnyBody::MatchDecision(_)
        | AnyBody::AlertAcknowledge(_)
        | AnyBody::ReleasePublish(_)
        | AnyBody::ReleaseWithdraw(_)
        | AnyBody::Evaluation(_)
        | AnyBody::SchemePropose(_)
        | AnyBody::RulePropose(_)
        | AnyBody::Approve(_) => return None,
    };
    Some(TimeMs::new(ms))
}

fn body_details(language: Language, body: &AnyBody) -> Vec<String> {
    match body {
        AnyBody::Event(event) => event_details(language, event),
        AnyBody::Correction(correction) => {
            let mut details = vec![field(language, ("更正原因", "because"), &correction.reason)];
            if let Some(event) = &correction.event {
                details.extend(event_details(language, event));
            }
            details
        }
        AnyBody::Observation(seen) => observation_details(language, seen),
        AnyBody::Party(_)
        | AnyBody::Station(_)
        | AnyBody::Product(_)
        | AnyBody::Vehicle(_)
        | AnyBody::Certificate(_)
        | AnyBody::Declaration(_)
        | AnyBody::MatchDeclare(_)
        | AnyBody::MatchDecision(_)
        | AnyBody::AlertAcknowledge(_)
        | AnyBody::ReleasePublish(_)
        | AnyBody::ReleaseWithdraw(_)
        | AnyBody::Evaluation(_)
        | AnyBody::SchemePropose(_)
        | AnyBody::RulePropose(_)
        | AnyBody::Approve(_) => {
            let texts: Vec<&str> = roles::named(body).into_iter().map(|(_, text)| text).collect();
            if texts.is_empty() { Vec::new() } else { vec![codes(language, &texts)] }
        }
    }
}

fn event_details(language: Language, event: &Body) -> Vec<String> {
    let mut details = Vec::new();
    if !event.items.is_empty() {
        details.push(items(language, &event.items));
    }
    if !event.outputs.is_empty() {
        details.push(format!("→ {}", items(language, &event.outputs)));
    }
    for (name, text) in [
        (("容器", "container"), &event.container),
        (("地点", "at"), &event.station),
        (("单位", "by"), &event.party),
        (("对方", "other party"), &event.counterparty),
        (("对方地点", "other place"), &event.counterparty_station),
        (("车辆", "vehicle"), &event.vehicle),
        (("人员", "person"), &event.person),
        (("单据", "document"), &event.document),
        (("报关单", "declaration"), &event.declaration),
        (("方式", "method"), &event.method),
        (("项目", "agent"), &event.agent),
        (("样品", "sample"), &event.sample),
    ] {
        if !text.is_empty() {
            details.push(field(language, name, text));
        }
    }
    if !event.certificates.is_empty() {
        let texts: Vec<&str> = event.certificates.iter().map(String::as_str).collect();
        let name = language.pick("证书", "certificates");
        details.push(format!("{name} {}", codes(language, &texts)));
    }
    details.extend(results(language, event));
    details
}

fn results(language: Language, event: &Body) -> Vec<String> {
    let mut details = Vec::new();
    let test = match event.test() {
        TestOutcome::Unspecified => None,
        TestOutcome::Negative => Some(("阴性", "negative")),
        TestOutcome::Suspected => Some(("疑似", "suspected")),
        TestOutcome::Positive => Some(("阳性", "positive")),
        TestOutcome::Invalid => Some(("无效", "invalid")),
    };
    let inspection = match event.inspection() {
        InspectionOutcome::Unspecified => None,
        InspectionOutcome::Released => Some(("放行", "released")),
        InspectionOutcome::Returned => Some(("退运", "returned")),
        InspectionOutcome::Destroyed => Some(("销毁", "destroyed")),
        InspectionOutcome::Held => Some(("暂扣", "held")),
    };
    for (zh, en) in [test, inspection].into_iter().flatten() {
        let name = language.pick("结果", "result");
        details.push(format!("{name} {}", language.pick(zh, en)));
    }
    if let Some(lot) = &event.lot {
        for (name, text) in [
            (("产品", "product"), &lot.product),
            (("批次", "batch"), &lot.batch),
            (("原产", "origin"), &lot.origin_country),
            (("境外厂", "plant"), &lot.establishment),
        ] {
            if !text.is_empty() {
                details.push(field(language, name, text));
            }
        }
    }
    details
}

fn observation_details(language: Language, seen: &Observation) -> Vec<String> {
    let mut details = Vec::new();
    if !seen.business_step.is_empty() {
        details.push(field(language, ("环节", "step"), &seen.business_step));
    }
    let container: &[String] =
        if seen.container.is_empty() { &[] } else { std::slice::from_ref(&seen.container) };
    for (name, list) in [
        (("码", "codes"), seen.codes.as_slice()),
        (("投入", "inputs"), &seen.inputs),
        (("产出", "outputs"), &seen.outputs),
        (("容器", "container"), container),
        (("内装", "contents"), &seen.contents),
        (("地点", "at"), &seen.stations),
        (("单位", "by"), &seen.parties),
    ] {
        if !list.is_empty() {
            let texts: Vec<&str> = list.iter().map(String::as_str).collect();
            details.push(format!("{} {}", language.pick(name.0, name.1), codes(language, &texts)));
        }
    }
    details
}

/// What a record without a readable body still says: the subjects that it names.
fn link_details(language: Language, event: &Event) -> Vec<String> {
    let mut goods = Vec::new();
    for link in &event.links {
        if link.subject.kind == SubjectKind::Unit {
            let name = words::subject(&link.subject);
            let mark = match link.role {
                Role::Same => language.pick("同货 ", "same goods "),
                Role::Void => language.pick("作废 ", "withdrawn "),
                Role::DerivedParent => language.pick("上级码 ", "parent by code "),
                Role::DerivedChild => language.pick("下级码 ", "child by code "),
                Role::Input
                | Role::Output
                | Role::Container
                | Role::Content
                | Role::Relabel
                | Role::Carry
                | Role::SplitFrom
                | Role::SplitTo
                | Role::Scope
                | Role::Other => "",
            };
            goods.push(format!("{mark}{}", language.of(&name)));
        }
    }
    shorten(language, goods).into_iter().collect()
}

fn field(language: Language, name: (&str, &str), text: &str) -> String {
    format!("{} {}", language.pick(name.0, name.1), words::printable(text.as_bytes()))
}

fn codes(language: Language, texts: &[&str]) -> String {
    let printed = texts.iter().map(|text| words::printable(text.as_bytes())).collect();
    shorten(language, printed).unwrap_or_default()
}

fn items(language: Language, items: &[Item]) -> String {
    let one = |item: &Item| {
        let mut text = words::printable(item.code.as_bytes());
        if !item.counterpart.is_empty() {
            text.push('=');
            text.push_str(&words::printable(item.counterpart.as_bytes()));
        }
        if let Some(quantity) = &item.quantity {
            let (amount, uom) = (milli(quantity.milli), unit(language, quantity.uom()));
            push(&mut text, format_args!(" × {amount}{uom}"));
        }
        text
    };
    shorten(language, items.iter().map(one).collect()).unwrap_or_default()
}

fn shorten(language: Language, mut texts: Vec<String>) -> Option<String> {
    let all = texts.len();
    if all == 0 {
        return None;
    }
    texts.truncate(CODES_PRINTED_MAX);
    let mut text = texts.join(language.pick("、", ", "));
    if all > CODES_PRINTED_MAX {
        match language {
            Language::Zh => push(&mut text, format_args!(" 等 {all} 个")),
            Language::En => push(&mut text, format_args!(" and others, {all} in all")),
        }
    }
    Some(text)
}

/// Thousandths as a decimal number without trailing zeros.
fn milli(value: u64) -> String {
    let (whole, rest) = (value / 1000, value % 1000);
    if rest == 0 {
        return whole.to_string();
    }
    let digits = format!("{rest:03}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

const fn unit(language: Language, uom: Uom) -> &'static str {
    let (zh, en) = match uom {
        Uom::Unspecified => ("", ""),
        Uom::Kgm => (" 千克", " kg"),
        Uom::Xbx => (" 箱", " boxes"),
        Uom::H87 => (" 件", " pieces"),
        Uom::Xpx => (" 托", " pallets"),
        Uom::Ltr => (" 升", " l"),
        Uom::Xpa => (" 袋", " packets"),
    };
    language.pick(zh, en)
}
