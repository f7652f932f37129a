//! What a verified bundle says: level, steps, whom to trust, claims with their details.

use std::collections::BTreeMap;

use contracts::codes::OPAQUE;
use contracts::scheme::{canonical, normalise};
use contracts::walk::Walk;
use ledger::bundle::claims::{TraceAnswer, WindowAnswer};
use ledger::bundle::{Item, Log, LogEntry};
use ledger::words::{self, TraceFacts, WindowFacts, Words};
use proto::codec::Canonical as _;
use proto::hash::Hash;
use proto::operation::Operation;
use proto::receipt::{
    AlertNotice, Alerts, Link, Links, ReceiptPayload, ReceiptSource, Subject, SubjectKind,
};
use proto::schema::{Body, OperationKind, roles};
use proto::types::{AgencyIndex, ChainId, Epoch, Height, TimeMs, ValidatorIndex};

use crate::chain::{self, Chain, StepKind};
use crate::item::VerifiedItem;
use crate::level::{Level, Verdict};

/// A verified bundle.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The chain.
    pub chain: ChainId,
    /// Leaves of the final history; with `root` what a verifier pins for the next time.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// Height of the head.
    pub head_height: Height,
    /// Time of the head.
    pub head_time: TimeMs,
    /// The head hands over to another epoch, which the bundle does not show.
    pub epoch_closed: bool,
    /// Level of the weakest step.
    pub level: Level,
    /// Every step: hand-offs in order, final last.
    pub steps: Vec<Step>,
    /// Positions in `steps` of those that not every validator signed and nobody trusted vouches for.
    pub weak: Vec<usize>,
    /// Whom to trust, and for what.
    pub trust: Words,
    /// The claims, in the order of the bundle.
    pub claims: Vec<VerifiedClaim>,
    /// Parts of logs: they prove these entries, never completeness.
    pub parts: Vec<LogPart>,
}

/// Which step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StepName {
    /// From this epoch to the next.
    Handoff(Epoch),
    /// The final certificate.
    Final,
}

/// A signature that a step stands on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed {
    /// The validator; none for an agency's signature of a recovery document.
    pub validator: Option<ValidatorIndex>,
    /// Name of its agency.
    pub agency: String,
}

/// One step of the chain of signatures.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Which.
    pub name: StepName,
    /// Leaves of the history.
    pub size: u64,
    /// Who signed.
    pub signed: Vec<Signed>,
    /// Members of the set: keys, of which an agency may have several.
    pub members: u16,
    /// Agencies that the members belong to.
    pub agencies: usize,
    /// How it was made.
    pub kind: StepKind,
}

/// A claim whose words are proven.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedClaim {
    /// The words.
    pub words: Words,
    /// What stands behind them, to be printed.
    pub detail: Detail,
}

/// What stands behind a claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Detail {
    /// An operation.
    Event(Event),
    /// A receipt.
    Receipt(Event),
    /// A value of the state; the words say it all.
    State,
    /// A trace.
    Trace(Box<TracePart>),
    /// A window.
    Window(Box<WindowPart>),
}

/// A trace, to be printed as a tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TracePart {
    /// Starts.
    pub starts: Vec<Subject>,
    /// The facts of the words.
    pub facts: TraceFacts,
    /// What the walk reached, by which links.
    pub walk: Walk,
    /// Subjects reached that were not opened.
    pub truncated: Vec<Subject>,
    /// Every record, by height and receipt.
    pub events: Vec<Event>,
}

/// A window, to be printed as a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WindowPart {
    /// The facts of the words.
    pub facts: WindowFacts,
    /// Every record, by height and receipt.
    pub events: Vec<Event>,
}

/// One record: a receipt, and its body where it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Height.
    pub height: Height,
    /// Position among the receipts of the height, where a receipt is shown.
    pub receipt_index: Option<u32>,
    /// Receipt code, where a receipt is shown.
    pub code: Option<u16>,
    /// A step of the system instead of an operation.
    pub system: bool,
    /// Subjects and roles.
    pub links: Vec<Link>,
    /// Alert notices.
    pub alerts: Vec<AlertNotice>,
    /// Operation bytes or SYSTEM record; none where withheld.
    pub body: Option<Vec<u8>>,
}

/// A part of a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogPart {
    /// Subject of the log.
    pub subject: Subject,
    /// Number of the first entry shown, from 1.
    pub first: u64,
    /// Number of the last entry shown.
    pub last: u64,
    /// Entries of the log.
    pub of: u64,
    /// Height of the state.
    pub height: Height,
}

impl TracePart {
    /// Whether a start is the unit that a platform writes as `code`, as far as its key and its proven
    /// records tell: whoever asked for a code compares, since a true trace of another unit proves
    /// nothing about the code asked for.
    ///
    /// A bundle shows no code schemes. So a key that a scheme made must have all its parts in the
    /// code, and a record of the unit must name the code; where nothing is recorded under the key, its
    /// parts are all there is.
    pub fn is_unit_of(&self, start: &Subject, code: &str) -> bool {
        let key = std::str::from_utf8(&start.key).unwrap_or_default();
        let opaque = key.strip_prefix(OPAQUE).and_then(|rest| rest.split_once(':'));
        let agency = opaque.and_then(|(agency, _)| agency.parse().ok()).unwrap_or_default();
        let read_by_none = normalise(code, AgencyIndex::new(agency), []);
        if start.kind != SubjectKind::Unit {
            return false;
        }
        if read_by_none.text == key {
            return true;
        }
        let unrecorded = self.facts.starts.iter().any(|(one, found)| one == start && !found);
        opaque.is_none()
            && is_spelled_by(key, &plainly(code))
            && (unrecorded || self.events.iter().any(|event| event.names(start, code)))
    }
}

impl Event {
    /// Whether the record is one of `unit` and names `code`: a body as a platform wrote it, or a
    /// system step by which a code that was kept as it stands became the unit.
    fn names(&self, unit: &Subject, code: &str) -> bool {
        if !self.links.iter().any(|link| link.subject == *unit) {
            return false;
        }
        if self.system {
            let keys = self.links.iter().map(|link| std::str::from_utf8(&link.subject.key));
            let mut kept = keys.filter_map(|key| key.ok()?.strip_prefix(OPAQUE)?.split_once(':'));
            return kept.any(|(_, text)| is_one_code(text, code));
        }
        let operation = self.body.as_ref().and_then(|bytes| Operation::decode(bytes).ok());
        let kind = operation.as_ref().and_then(|one| OperationKind::from_code(one.kind));
        let body = operation.zip(kind).and_then(|(one, kind)| Body::decode(kind, &one.body).ok());
        body.is_some_and(|body| {
            let named = roles::named(&body).into_iter();
            let mut units =
                named.filter(|(field, _)| field.normaliser().kind() == SubjectKind::Unit);
            units.any(|(_, text)| is_one_code(text, code))
        })
    }
}

/// Whether two texts carry one code: alike, or one of them the other's address or prefixed form. Two
/// addresses are left to the parts of the key.
fn is_one_code(one: &str, other: &str) -> bool {
    let (a, b) = (plainly(one), plainly(other));
    let carries = |long: &str, short: &str| !short.is_empty() && long.contains(short);
    carries(&a, &b) || carries(&b, &a) || (a.contains("://") && b.contains("://"))
}

/// Whether each part of a key behind its scheme stands in the code.
fn is_spelled_by(key: &str, code: &str) -> bool {
    key.split_once(':').is_some_and(|(_, identity)| {
        identity.split(':').all(|part| code.contains(&part.to_uppercase()))
    })
}

/// A code in capitals, an address without percent-encoding.
fn plainly(code: &str) -> String {
    let text = canonical(code);
    if !text.contains("://") {
        return text.to_uppercase();
    }
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        match piece.split_at_checked(2).map(|(digits, rest)| (hex::decode(digits), rest)) {
            Some((Ok(decoded), rest)) => bytes.extend(decoded.iter().chain(rest.as_bytes())),
            Some((Err(_), _)) | None => bytes.extend([b"%", piece.as_bytes()].concat()),
        }
    }
    canonical(&String::from_utf8_lossy(&bytes)).to_uppercase()
}

/// Puts the report together.
pub(crate) fn assemble(
    chain: &Chain,
    Verdict { level, weak, unvouched }: Verdict,
    items: &[VerifiedItem],
    claims: Vec<VerifiedClaim>,
) -> Report {
    let steps: Vec<Step> = chain.steps.iter().map(|step| name_step(chain, step)).collect();
    let trust = trust(&steps, &weak, &unvouched);
    Report {
        chain: chain.id,
        size: chain.size,
        root: chain.root,
        head_height: chain.head.height,
        head_time: chain.head.time,
        epoch_closed: chain.epoch_closed,
        level,
        steps,
        weak,
        trust,
        claims,
        parts: items.iter().flat_map(parts).collect(),
    }
}

fn name_step(chain: &Chain, step: &chain::Step) -> Step {
    let agency = |index| match chain.genesis.agency(index) {
        Some(agency) => agency.name.clone(),
        None => format!("#{index}"),
    };
    let members = step
        .signers
        .iter()
        .map(|(validator, index)| Signed { validator: Some(*validator), agency: agency(*index) });
    let agencies =
        step.agencies.iter().map(|index| Signed { validator: None, agency: agency(*index) });
    Step {
        // Only the final step leads to no other epoch.
        name: step.handoff_hash.map_or(StepName::Final, |_| StepName::Handoff(step.epoch)),
        size: step.size,
        signed: members.chain(agencies).collect(),
        members: step.members,
        agencies: step.member_agencies,
        kind: step.kind,
    }
}

impl Step {
    /// The agencies that signed, each once, in the order of the signatures.
    pub fn signed_agencies(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for signed in &self.signed {
            if !names.contains(&signed.agency.as_str()) {
                names.push(&signed.agency);
            }
        }
        names
    }
}

/// The assumption under which the report is true: C6.6.
fn trust(steps: &[Step], weak: &[usize], unvouched: &[usize]) -> Words {
    // Where every step is full, one honest signer is enough, but in each of them: all members of a
    // set that is gone can still sign another one after it.
    let (named, all) = match (weak, unvouched) {
        ([], [_]) => (unvouched, ("全体", "all ")),
        ([], _) => (unvouched, ("在任何一步中全体", "of any one step all ")),
        (_, _) => (weak, ("", "")),
    };
    let named: Vec<&Step> = named.iter().filter_map(|at| steps.get(*at)).collect();
    let mut names = Words::default();
    for (position, step) in named.into_iter().enumerate() {
        if position > 0 {
            names.push("；", "; ");
        }
        for (position, signed) in step.signed.iter().enumerate() {
            if position > 0 {
                names.push("、", ", ");
            }
            names.append(&signer_name(signed));
        }
    }
    Words::new(
        format!("信任：{}的密钥从未{}签署两份不同的历史。", names.zh, all.0),
        format!("Trust: at no time did the keys of {} {}sign two histories.", names.en, all.1),
    )
}

fn signer_name(signed: &Signed) -> Words {
    let agency = printed(&signed.agency);
    match signed.validator {
        Some(validator) => {
            Words::new(format!("{agency}（#{validator}）"), format!("{agency} (#{validator})"))
        }
        None => Words::new(format!("{agency}（治理）"), format!("{agency} (governance)")),
    }
}

fn printed(name: &str) -> String {
    words::printable(name.as_bytes())
}

fn parts(item: &VerifiedItem) -> Vec<LogPart> {
    let ranges = item.logs.iter().filter(|log| !log.complete);
    ranges
        .map(|log| LogPart {
            subject: log.subject.clone(),
            first: log.first.saturating_add(1),
            last: log.first.saturating_add(log.shown),
            of: log.size,
            height: item.leaf.height,
        })
        .collect()
}

/// The operation of an EVENT claim.
pub(crate) fn event_detail(item: &Item) -> Detail {
    let body = item.op.as_ref().map(|op| op.bytes.clone());
    Detail::Event(of_item(item, body))
}

/// The receipt of a RECEIPT claim.
pub(crate) fn receipt_detail(item: &Item) -> Detail {
    let body = item.op.as_ref().map(|op| op.bytes.clone());
    Detail::Receipt(of_item(item, body))
}

fn of_item(item: &Item, body: Option<Vec<u8>>) -> Event {
    let height = proto::history::HistoryLeaf::decode(&item.leaf).map(|leaf| leaf.height);
    let mut event = Event {
        height: height.unwrap_or_default(),
        receipt_index: None,
        code: None,
        system: false,
        links: Vec::new(),
        alerts: Vec::new(),
        body,
    };
    if let Some(receipt) = &item.receipt {
        event.receipt_index = Some(receipt.index);
        fill(&mut event, &receipt.payload, &receipt.links, &receipt.alerts);
    }
    event
}

fn of_entry(entry: &LogEntry) -> Event {
    let mut event = Event {
        height: Height::new(entry.height),
        receipt_index: Some(entry.receipt_index),
        code: None,
        system: false,
        links: Vec::new(),
        alerts: Vec::new(),
        body: entry.body.clone(),
    };
    fill(&mut event, &entry.receipt, &entry.links, &entry.alerts);
    event
}

/// Reads what has been verified; bytes that do not decode have been refused before.
fn fill(event: &mut Event, payload: &[u8], links: &[u8], alerts: &[u8]) {
    if let Ok(payload) = ReceiptPayload::decode(payload) {
        event.code = Some(payload.code);
        event.system = matches!(payload.source, ReceiptSource::System { .. });
    }
    if let Ok(links) = Links::decode(links) {
        event.links = links.as_slice().to_vec();
    }
    if let Ok(alerts) = Alerts::decode(alerts) {
        event.alerts = alerts.as_slice().to_vec();
    }
}

/// The tree and the records of a trace.
pub(crate) fn trace_detail(item: &Item, answer: TraceAnswer) -> Detail {
    let reached = |log: &&Log| {
        let subject = log.subject_of().parse();
        subject.is_some_and(|subject| {
            subject.kind.has_one_log() && answer.walk.reached.contains_key(&subject)
        })
    };
    let events = events(item.logs.iter().filter(reached));
    Detail::Trace(Box::new(TracePart {
        starts: answer.starts,
        facts: answer.facts,
        walk: answer.walk,
        truncated: answer.truncated.into_iter().collect(),
        events,
    }))
}

/// The records of a window.
pub(crate) fn window_detail(item: &Item, answer: &WindowAnswer) -> Detail {
    let subject = ledger::bundle::Subject::of(&answer.facts.subject);
    let in_window = |log: &&Log| {
        log.subject_of() == subject && answer.days.iter().any(|(day, _)| *day == log.bucket)
    };
    let events = events(item.logs.iter().filter(in_window));
    Detail::Window(Box::new(WindowPart { facts: answer.facts.clone(), events }))
}

/// Each receipt once, with its body if any log shows it.
fn events<'a>(logs: impl Iterator<Item = &'a Log>) -> Vec<Event> {
    let mut found: BTreeMap<(u64, u32), &LogEntry> = BTreeMap::new();
    for entry in logs.flat_map(|log| &log.entries) {
        let known = found.entry((entry.height, entry.receipt_index)).or_insert(entry);
        if known.body.is_none() {
            *known = entry;
        }
    }
    found.into_values().map(of_entry).collect()
}
