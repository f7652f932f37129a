//! The report and the refusal as a person reads them, in one language; and as JSON for programs.
//!
//! Plain text without markup. Everything from the bundle is printed so that it cannot end a line,
//! turn the reading direction or pass for a part of a sentence.

mod event;
mod tree;

use std::fmt::Write as _;

use ledger::words::{self, Words};
use proto::codec::Canonical as _;
use serde_json::{Value, json};

use crate::chain::StepKind;
use crate::failure::Failure;
use crate::report::{Detail, Event, Report, Step, StepName, TracePart};

/// The language of what is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    /// Chinese.
    Zh,
    /// English.
    En,
}

impl Language {
    /// The version of a sentence in this language.
    pub fn of(self, words: &Words) -> &str {
        self.pick(&words.zh, &words.en)
    }

    /// One of two versions.
    pub(crate) const fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}

/// Adds text. Writing to a string cannot fail.
pub(crate) fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a string takes every text");
}

/// Adds a line.
pub(crate) fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    push(out, text);
    out.push('\n');
}

impl Failure {
    /// The refusal as a person reads it.
    pub fn text(&self, language: Language) -> String {
        let (rule, place) = (self.rule, &self.place);
        let sentence = self.sentence();
        match language {
            Language::Zh => format!("核验未通过（规则 {rule}，位置 {place}）：{}", sentence.zh),
            Language::En => format!("refused (rule {rule}, at {place}): {}", sentence.en),
        }
    }

    /// The refusal for programs.
    pub fn json(&self) -> Value {
        let sentence = self.sentence();
        json!({
            "verified": false,
            "rule": self.rule.number(),
            "place": self.place,
            "sentence_zh": sentence.zh,
            "sentence_en": sentence.en,
        })
    }
}

impl Report {
    /// The report as a person reads it.
    pub fn text(&self, language: Language) -> String {
        let mut out = String::new();
        let verified = language.pick("核验通过", "verified");
        let level = language.pick(self.level.zh(), self.level.name());
        let name = self.level.name();
        match language {
            Language::Zh => line(&mut out, format_args!("{verified}：{level}（{name}）")),
            Language::En => line(&mut out, format_args!("{verified}: {level}")),
        }
        if self.claims.is_empty() {
            let none = language.pick("存证文件没有任何声明", "the bundle claims nothing");
            line(&mut out, format_args!("\n{none}"));
        }
        for claim in &self.claims {
            line(&mut out, format_args!("\n{}", language.of(&claim.words)));
            match &claim.detail {
                Detail::Event(event) | Detail::Receipt(event) => {
                    event::print(&mut out, language, None, event);
                }
                Detail::State => (), // the words say it all
                Detail::Trace(trace) => print_trace(&mut out, language, trace),
                Detail::Window(window) => {
                    out.push('\n');
                    print_events(&mut out, language, &window.events);
                }
            }
        }
        self.print_parts(&mut out, language);
        out.push('\n');
        self.print_chain(&mut out, language);
        line(&mut out, format_args!("{}", language.of(&self.trust)));
        out
    }

    fn print_parts(&self, out: &mut String, language: Language) {
        for part in &self.parts {
            let who = words::subject(&part.subject);
            let (first, last, of, height) = (part.first, part.last, part.of, part.height);
            match language {
                Language::Zh => line(
                    out,
                    format_args!(
                        "\n{}：高度 {height} 时共 {of} 条记录，仅证明其中第 {first} 至 {last} 条，不证明完整",
                        who.zh
                    ),
                ),
                Language::En => line(
                    out,
                    format_args!(
                        "\n{}: records {first} to {last} of {of} at height {height} are proven, not completeness",
                        who.en
                    ),
                ),
            }
        }
    }

    fn print_chain(&self, out: &mut String, language: Language) {
        let time = words::time(self.head_time);
        let (chain, size, root, height) = (self.chain, self.size, self.root, self.head_height);
        match language {
            Language::Zh => {
                line(out, format_args!("链：{chain}"));
                line(out, format_args!("截至：高度 {height}，{}", time.zh));
                line(out, format_args!("签认点（可留存）：{size} {root}"));
            }
            Language::En => {
                line(out, format_args!("chain: {chain}"));
                line(out, format_args!("as of: height {height}, {}", time.en));
                line(out, format_args!("checkpoint (keep it as a pin): {size} {root}"));
            }
        }
        if self.epoch_closed {
            let closed = language.pick(
                "本纪元已在此结束，后续纪元未在存证文件中出示",
                "epoch closed: the next one is not shown",
            );
            line(out, format_args!("{closed}"));
        }
        for (position, step) in self.steps.iter().enumerate() {
            let weak = self.weak.contains(&position) && step.kind != StepKind::Recovered;
            let note = weak.then_some(("未全部签认", "not signed by all"));
            print_step(out, language, step, note);
        }
    }

    /// The report for programs.
    pub fn json(&self) -> Value {
        let steps: Vec<Value> = self.steps.iter().map(step_json).collect();
        let claims: Vec<Value> = self
            .claims
            .iter()
            .map(|claim| {
                json!({
                    "words_zh": claim.words.zh,
                    "words_en": claim.words.en,
                    "detail": detail_json(&claim.detail),
                })
            })
            .collect();
        let parts = self.parts.iter().map(|part| {
            json!({
                "subject": subject_json(&part.subject),
                "first": part.first,
                "last": part.last,
                "of": part.of,
                "height": part.height.value(),
            })
        });
        json!({
            "verified": true,
            "level": self.level.name(),
            "chain": self.chain.to_string(),
            "size": self.size,
            "root": self.root.to_string(),
            "head_height": self.head_height.value(),
            "head_time_ms": self.head_time.value(),
            "epoch_closed": self.epoch_closed,
            "steps": steps,
            "weak_steps": self.weak,
            "trust_zh": self.trust.zh,
            "trust_en": self.trust.en,
            "claims": claims,
            "parts": parts.collect::<Vec<Value>>(),
        })
    }
}

fn print_step(
    out: &mut String,
    language: Language,
    step: &Step,
    weakness: Option<(&'static str, &'static str)>,
) {
    let signed: Vec<String> =
        step.signed_agencies().iter().map(|name| words::printable(name.as_bytes())).collect();
    let names = signed.join(language.pick("、", ", "));
    let (count, members, size) = (step.signed.len(), step.members, step.size);
    let (by, agencies) = (signed.len(), step.agencies);
    let name = match (language, step.name) {
        (Language::Zh, StepName::Final) => "最终签认点".to_owned(),
        (Language::En, StepName::Final) => "final checkpoint".to_owned(),
        (Language::Zh, StepName::Handoff(epoch)) => format!("纪元 {epoch} 的交接"),
        (Language::En, StepName::Handoff(epoch)) => format!("hand-off of epoch {epoch}"),
    };
    let manner = match step.kind {
        StepKind::Signed => None,
        StepKind::Forced => Some(("强制交接", "forced")),
        StepKind::Recovered => Some(("恢复文件", "recovery document")),
    };
    let marks: Vec<&str> =
        manner.into_iter().chain(weakness).map(|(zh, en)| language.pick(zh, en)).collect();
    let marks = match (marks.is_empty(), language) {
        (true, Language::Zh | Language::En) => String::new(),
        (false, Language::Zh) => format!("（{}）", marks.join("，")),
        (false, Language::En) => format!(" ({})", marks.join(", ")),
    };
    match (language, step.kind == StepKind::Recovered) {
        (Language::Zh, false) => {
            let all = format!("全体为 {members} 把密钥，属 {agencies} 家机构");
            line(
                out,
                format_args!(
                    "{name} {size}：签认的有 {count} 把密钥，属 {by} 家机构：{names}；{all}{marks}"
                ),
            );
        }
        (Language::En, false) => {
            let (by, all) = (keys(count, by), keys(members.into(), agencies));
            line(out, format_args!("{name} {size}: signed by {by}: {names}; all are {all}{marks}"));
        }
        (Language::Zh, true) => {
            line(out, format_args!("{name} {size}：由机构签署：{names}{marks}"));
        }
        (Language::En, true) => {
            line(out, format_args!("{name} {size}: signed by the agencies {names}{marks}"));
        }
    }
}

/// What an agency cannot seem larger by: how many keys, and of how many agencies.
fn keys(keys: usize, agencies: usize) -> String {
    let (key, agency) =
        (if keys == 1 { "key" } else { "keys" }, if agencies == 1 { "agency" } else { "agencies" });
    format!("{keys} {key} of {agencies} {agency}")
}

fn print_trace(out: &mut String, language: Language, trace: &TracePart) {
    if !trace.events.is_empty() {
        out.push('\n');
        tree::print(out, language, trace);
        out.push('\n');
        print_events(out, language, &trace.events);
    }
}

fn print_events(out: &mut String, language: Language, events: &[Event]) {
    for (number, event) in (1..).zip(events) {
        event::print(out, language, Some(number), event);
    }
}

fn step_json(step: &Step) -> Value {
    let signed = step.signed.iter().map(|one| {
        json!({
            "validator": one.validator.map(proto::types::ValidatorIndex::value),
            "agency": one.agency,
        })
    });
    json!({
        "name": match step.name {
            StepName::Final => "final".to_owned(),
            StepName::Handoff(epoch) => format!("handoff_{epoch}"),
        },
        "size": step.size,
        "members": step.members,
        "agencies": step.agencies,
        "signed_agencies": step.signed_agencies().len(),
        "kind": match step.kind {
            StepKind::Signed => "signed",
            StepKind::Forced => "forced",
            StepKind::Recovered => "recovered",
        },
        "signed": signed.collect::<Vec<Value>>(),
    })
}

fn subject_json(subject: &proto::receipt::Subject) -> Value {
    json!({ "kind": subject.kind.code(), "key": words::printable(&subject.key) })
}

fn event_json(event: &Event) -> Value {
    let operation = match (&event.body, event.system) {
        (Some(bytes), false) => proto::operation::Operation::decode(bytes).ok(),
        (Some(_), true) | (None, true | false) => None,
    };
    let links = event
        .links
        .iter()
        .map(|link| json!({ "role": link.role.code(), "subject": subject_json(&link.subject) }));
    let alerts = event
        .alerts
        .iter()
        .map(|notice| json!({ "code": notice.code, "alert": words::printable(&notice.alert) }));
    json!({
        "height": event.height.value(),
        "receipt_index": event.receipt_index,
        "code": event.code,
        "system": event.system,
        "operation": operation.as_ref().map(|one| words::kind_name(one.kind).en),
        "op_uid": operation.as_ref().map(|one| one.uid.to_string()),
        "links": links.collect::<Vec<Value>>(),
        "alerts": alerts.collect::<Vec<Value>>(),
        "body": event.body.as_ref().map(hex::encode),
    })
}

fn detail_json(detail: &Detail) -> Value {
    match detail {
        Detail::Event(event) | Detail::Receipt(event) => event_json(event),
        Detail::State => Value::Null,
        Detail::Trace(trace) => {
            let edges = trace.walk.edges.iter().map(|edge| {
                json!({
                    "from": subject_json(&edge.from),
                    "to": subject_json(&edge.to),
                    "role": edge.role.code(),
                    "height": edge.height.value(),
                    "receipt_index": edge.receipt_index,
                })
            });
            json!({
                "starts": trace.starts.iter().map(subject_json).collect::<Vec<Value>>(),
                "subjects": trace.walk.reached.keys().map(subject_json).collect::<Vec<Value>>(),
                "truncated": trace.truncated.iter().map(subject_json).collect::<Vec<Value>>(),
                "withheld": trace.facts.withheld,
                "edges": edges.collect::<Vec<Value>>(),
                "events": trace.events.iter().map(event_json).collect::<Vec<Value>>(),
            })
        }
        Detail::Window(window) => json!({
            "withheld": window.facts.withheld,
            "events": window.events.iter().map(event_json).collect::<Vec<Value>>(),
        }),
    }
}
