//! A chain of three agencies over a state in memory, and short ways to say operations.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use contracts::execute::{BlockContext, OpContext, end_of_block, execute};
pub(crate) use contracts::execute::{Outcome, Step};
use contracts::matching;
use contracts::query::alert::{AlertView, Filter, alerts, one};
use contracts::record::matching::{MatchRecord, MatchStatus};
use contracts::record::step::{StepKind, StepRecord};
use contracts::risk::alert::AlertSubject;
pub(crate) use contracts::risk::alert::Rule;
use contracts::risk::positive::{Affected, Relation, affected};
use contracts::state::{Overlay, Pair, Range, State, StateFault};
use prost::Message as _;
use proto::codec::Canonical as _;
use proto::epoch::BlockLimits;
use proto::hash::Hash;
use proto::operation::{OpUid, Operation, Salt};
use proto::receipt::{Links, SubjectKind};
use proto::schema::event::{Correction, Event, Item, Quantity, Uom};
use proto::schema::{Body, OperationKind};
use proto::sign::SecretKey;
use proto::submitter::{SubmitterRecord, SubmitterRole};
use proto::trie::Namespace;
use proto::{AgencyIndex, ChainId, Height, TimeMs};

/// Beijing.
pub(crate) const BJ: u16 = 0;
/// Tianjin.
pub(crate) const TJ: u16 = 1;
/// Hebei.
pub(crate) const HE: u16 = 2;

/// Time of the first block.
pub(crate) const START_MS: u64 = 1_616_000_000_000;

pub(crate) type Entries = BTreeMap<(Namespace, Vec<u8>), Vec<u8>>;

/// Who submits: agency and role.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who(pub(crate) u16, pub(crate) SubmitterRole);

pub(crate) const fn platform(agency: u16) -> Who {
    Who(agency, SubmitterRole::Platform)
}

pub(crate) const fn regulator(agency: u16) -> Who {
    Who(agency, SubmitterRole::Regulator)
}

pub(crate) const fn agency(agency: u16) -> Who {
    Who(agency, SubmitterRole::Agency)
}

impl Who {
    pub(crate) fn secret(self) -> SecretKey {
        let mut seed = [7; 32];
        seed[0] = u8::try_from(self.0).unwrap();
        seed[1] = self.1.code();
        SecretKey::from_seed(&seed)
    }

    pub(crate) fn party(self) -> String {
        format!("{}-{}", self.1.name(), self.0)
    }
}

/// What a block did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) steps: Vec<Step>,
    /// How often each value was read from the state before the block.
    pub(crate) reads: BTreeMap<(Namespace, Vec<u8>), usize>,
    /// Values that are others than before the block, the place of the walk over the seconds aside.
    pub(crate) changed: usize,
}

/// A state that counts what is read from it: work that does not depend on the machine.
struct Counting<'a> {
    entries: &'a Entries,
    reads: RefCell<BTreeMap<(Namespace, Vec<u8>), usize>>,
}

impl State for Counting<'_> {
    fn get(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, StateFault> {
        *self.reads.borrow_mut().entry((namespace, key.to_vec())).or_default() += 1;
        State::get(self.entries, namespace, key)
    }

    fn scan(
        &self,
        namespace: Namespace,
        range: &Range<'_>,
        limit: usize,
    ) -> Result<Vec<Pair>, StateFault> {
        let found = State::scan(self.entries, namespace, range, limit)?;
        let mut reads = self.reads.borrow_mut();
        for (key, _) in &found {
            *reads.entry((namespace, key.clone())).or_default() += 1;
        }
        Ok(found)
    }
}

/// A chain.
#[derive(Clone)]
pub(crate) struct Chain {
    pub(crate) entries: Entries,
    pub(crate) height: u64,
    pub(crate) limits: BlockLimits,
    /// Time that passed beside the second of each block.
    waited_ms: u64,
}

/// What stands in the end, whatever the order in which it came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Standing {
    /// Derived records by key.
    pub(crate) records: Entries,
    /// Active alerts with everything that they concern, and matches with what contradicts them: a line
    /// each, ascending.
    pub(crate) findings: Vec<String>,
}

impl Chain {
    pub(crate) fn new() -> Self {
        let mut entries = Entries::new();
        for index in [BJ, TJ, HE] {
            for role in SubmitterRole::ALL {
                let who = Who(index, role);
                let record =
                    SubmitterRecord { agency: AgencyIndex::new(index), role, party: who.party() };
                let key = who.secret().public().as_bytes().to_vec();
                entries.insert((Namespace::Key, key), record.encode());
            }
        }
        Self { entries, height: 0, limits: BlockLimits::default(), waited_ms: 0 }
    }

    pub(crate) fn context(&self) -> BlockContext {
        BlockContext {
            chain: ChainId(Hash::ZERO),
            height: Height::new(self.height),
            time: TimeMs::new(START_MS + self.height * 1_000 + self.waited_ms),
            limits: self.limits,
            agencies: 3,
        }
    }

    /// Executes a block of operations.
    pub(crate) fn block(&mut self, operations: &[(Who, Operation)]) -> Done {
        self.height += 1;
        let context = self.context();
        let counting = Counting { entries: &self.entries, reads: RefCell::default() };
        let mut overlay = Overlay::new(&counting);
        let mut outcomes = Vec::new();
        for (index, (who, operation)) in operations.iter().enumerate() {
            let submitter = who.secret().public();
            let receipt_index = u32::try_from(index).unwrap();
            let order = OpContext { block: &context, submitter: &submitter, receipt_index };
            outcomes.push(execute(operation, &order, &mut overlay).unwrap());
        }
        let mut steps: Vec<Step> = outcomes.iter().flat_map(|o| o.steps.clone()).collect();
        steps.extend(end_of_block(&context, &mut overlay).unwrap());
        let changes = overlay.into_changes();
        let reads = counting.reads.into_inner();
        let mut changed = 0;
        for (place, value) in changes {
            let is_clock = place.0 == Namespace::Sys && place.1 == b"due";
            let before = match value.clone() {
                Some(value) => self.entries.insert(place, value),
                None => self.entries.remove(&place),
            };
            changed += usize::from(before != value && !is_clock);
        }
        Done { outcomes, steps, reads, changed }
    }

    /// Executes empty blocks until one changes nothing, so that no work is left; what each did.
    pub(crate) fn rest(&mut self) -> Vec<Done> {
        let mut blocks = Vec::new();
        loop {
            let done = self.block(&[]);
            if done.changed == 0 {
                return blocks;
            }
            blocks.push(done);
            assert!(blocks.len() < 5_000, "the work of a chain ends");
        }
    }

    /// Lets two days pass, longer than any settling time of these tests, with no work left before nor
    /// after; what each block did.
    pub(crate) fn settle(&mut self) -> Vec<Done> {
        /// Blocks in which the walk over the seconds of two days catches up, and some more.
        const BLOCKS: usize = 60;
        let mut blocks = self.rest();
        self.waited_ms += 2 * 86_400_000;
        blocks.extend((0..BLOCKS).map(|_| self.block(&[])));
        blocks.extend(self.rest());
        blocks
    }

    /// Active alerts in a line each: rule, level, subjects.
    pub(crate) fn active(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.views(Filter::Active).iter().map(alert_line).collect();
        lines.sort();
        lines
    }

    /// The identifier of the one active alert of a rule about a unit.
    pub(crate) fn alert_about(&self, rule: Rule, name: &str) -> String {
        let about = |view: &AlertView| {
            let subject = AlertSubject::new(SubjectKind::Unit, &unit(name));
            view.record.rule() == rule && view.record.subjects.contains(&subject)
        };
        let mut found: Vec<AlertView> = self.views(Filter::Active);
        found.retain(about);
        assert_eq!(found.len(), 1, "active alerts of {rule:?} about {name}");
        found.remove(0).id
    }

    /// How many units an alert says that it concerns, and whether the search for them goes on.
    pub(crate) fn search(&self, alert: &str) -> (u64, bool) {
        let view = one(&self.entries, alert).unwrap().expect("the alert was raised");
        (view.record.units, view.record.is_searching)
    }

    /// The units that are shown as concerned by an alert, and what they are to the goods.
    pub(crate) fn concerned(&self, alert: &str) -> BTreeMap<String, Relation> {
        let shown = affected(alert).scan(&self.entries, None, usize::MAX).unwrap();
        let units = shown.iter().filter(|found| found.key[0] == SubjectKind::Unit.code());
        units
            .map(|found| {
                let value = Affected::decode(&*found.value).unwrap();
                (short(&found.key[1..]), value.relation())
            })
            .collect()
    }

    /// The status of a match; `-` where there is none.
    pub(crate) fn status(&self, from: &str, to: &str) -> &'static str {
        let found = matching::of(&self.entries, &unit(from), &unit(to)).unwrap();
        found.map_or("-", |found| status_name(found.status()))
    }

    /// What stands now.
    pub(crate) fn standing(&self) -> Standing {
        let mut findings = Vec::new();
        for view in self.views(Filter::Active) {
            let line = alert_line(&view);
            let (inputs, told) = (&view.record.inputs, &view.record.addressees);
            let inputs: Vec<String> =
                inputs.iter().map(|i| format!("{}={}", i.name, i.value)).collect();
            findings.push(format!("{line} {inputs:?} to {told:?}"));
            for (name, relation) in self.concerned(&view.id) {
                findings.push(format!("{line} concerns {name} {relation:?}"));
            }
        }
        for ((_, key), value) in self.entries.iter().filter(|((of, _), _)| *of == Namespace::Match)
        {
            let record = MatchRecord::decode(&**value).unwrap();
            let (status, conflicts) = (record.status(), record.conflicts().collect::<Vec<_>>());
            findings.push(format!("match {} {status:?} {conflicts:?}", short(key)));
        }
        findings.sort();
        Standing { records: self.records(), findings }
    }

    /// What must not depend on the order: everything but heights, receipts' places and deadlines.
    pub(crate) fn records(&self) -> Entries {
        let kept = [
            Namespace::Unit,
            Namespace::Balance,
            Namespace::Shipment,
            Namespace::Match,
            Namespace::Page,
        ];
        let of_risk = [Namespace::Due, Namespace::Alert].map(Namespace::code);
        let mut entries = self.entries.clone();
        entries.retain(|(namespace, key), _| {
            let is_fact = *namespace == Namespace::OpUid && key.len() == 19;
            let is_risk = *namespace == Namespace::Page && of_risk.contains(&key[0]);
            is_fact || kept.contains(namespace) && !is_risk
        });
        entries
    }

    fn views(&self, filter: Filter) -> Vec<AlertView> {
        alerts(&self.entries, filter, usize::MAX).unwrap()
    }

    /// Executes one operation in a block of its own.
    pub(crate) fn one(&mut self, who: Who, operation: Operation) -> Outcome {
        self.block(&[(who, operation)]).outcomes.pop().unwrap()
    }

    /// Executes a block and prints what changed at matches.
    pub(crate) fn told(&mut self, operations: &[(Who, Operation)]) -> String {
        let done = self.block(operations);
        let mut told = String::new();
        for outcome in &done.outcomes {
            if let Some(refusal) = &outcome.refusal {
                writeln!(told, "refused {} {}", refusal.code(), refusal.en()).unwrap();
            }
        }
        for step in &done.steps {
            told.push_str(&step_line(step));
        }
        told
    }

    /// Puts the demo schemes into force.
    pub(crate) fn activate(&mut self, definitions: &[&str]) {
        for definition in definitions {
            let uid = uid(&format!("scheme {}", definition.len()));
            let body = proto::schema::act::SchemePropose { definition: (*definition).to_owned() };
            let proposed = self.one(
                agency(BJ),
                operation_with(OperationKind::SchemePropose, uid, &Body::SchemePropose(body)),
            );
            assert_eq!(proposed.code, 0, "{:?}", proposed.refusal);
            let approve = proto::schema::act::Approve { proposal: uid.0.to_vec(), proposer: 0 };
            let approved =
                self.one(agency(HE), operation(OperationKind::Approve, &Body::Approve(approve)));
            assert_eq!(approved.code, 0, "{:?}", approved.refusal);
        }
    }
}

/// An alert in a line.
fn alert_line(view: &AlertView) -> String {
    let record = &view.record;
    let subjects: Vec<String> = record.subjects.iter().map(|s| short(&s.key)).collect();
    format!("R{:02} {:?} {subjects:?}", record.rule().number(), record.level())
}

/// A step in a line.
pub(crate) fn step_line(step: &Step) -> String {
    let record = StepRecord::decode(&*step.record).unwrap();
    let from = short(&record.from);
    let to = short(&record.to);
    let links = links_line(&step.links);
    match record.kind() {
        StepKind::Match => format!(
            "{from} -> {to}: {} -> {} [{links}]\n",
            status_name(record.status_before()),
            status_name(record.status())
        ),
        StepKind::Recognised => format!("{from} is {to} [{links}]\n"),
        StepKind::Unspecified | StepKind::Deadline | StepKind::RiskJob | StepKind::Correction => {
            String::new()
        }
    }
}

pub(crate) fn status_name(status: MatchStatus) -> &'static str {
    match status {
        MatchStatus::Unspecified => "-",
        MatchStatus::OneSided => "one-sided",
        MatchStatus::Confirmed => "confirmed",
        MatchStatus::InDoubt => "in doubt",
        MatchStatus::Voided => "void",
    }
}

/// Links as `ROLE kind:key`, without the parties and stations that stand in every event.
pub(crate) fn links_line(links: &Links) -> String {
    let shown: Vec<String> = links
        .as_slice()
        .iter()
        .map(|link| format!("{:?} {}", link.role, short(&link.subject.key)))
        .collect();
    shown.join(", ")
}

/// A unit's key without the scheme in front of the codes of these tests.
pub(crate) fn short(key: &[u8]) -> String {
    let text = String::from_utf8_lossy(key).into_owned();
    text.strip_prefix("GS1:urn:epc:id:").map_or(text.clone(), str::to_owned)
}

/// A code that is the same unit on every platform.
pub(crate) fn gs1(name: &str) -> String {
    format!("urn:epc:id:{name}")
}

/// The unit of [`gs1`].
pub(crate) fn unit(name: &str) -> Vec<u8> {
    format!("GS1:{}", gs1(name)).into_bytes()
}

pub(crate) fn uid(name: &str) -> OpUid {
    OpUid::of_record("test", name)
}

/// An operation named by its own content.
pub(crate) fn operation(kind: OperationKind, body: &Body) -> Operation {
    operation_with(kind, uid(&format!("{kind:?} {}", hex::encode(body.encode()))), body)
}

pub(crate) fn operation_with(kind: OperationKind, uid: OpUid, body: &Body) -> Operation {
    Operation { kind: kind.code(), version: 1, uid, salt: Salt([0; 16]), body: body.encode() }
}

/// An event of `kind`.
pub(crate) fn event(kind: OperationKind, event: Event) -> Operation {
    operation(kind, &Body::Event(event))
}

/// Boxes.
pub(crate) fn boxes(count: u64) -> Quantity {
    Quantity { milli: count * 1_000, uom: Uom::Xbx.into() }
}

/// Kilograms.
pub(crate) fn kilograms(count: u64) -> Quantity {
    Quantity { milli: count * 1_000, uom: Uom::Kgm.into() }
}

pub(crate) fn item(name: &str, quantity: Quantity) -> Item {
    Item { quantity: Some(quantity), ..code(name) }
}

/// A code without a quantity.
pub(crate) fn code(name: &str) -> Item {
    Item { code: gs1(name), ..Item::default() }
}

pub(crate) fn taken(name: &str, counterpart: &str, quantity: Quantity) -> Item {
    Item { counterpart: gs1(counterpart), ..item(name, quantity) }
}

/// An event at `minute` after the start, of `party` at its own station.
pub(crate) fn at(minute: u64, party: &str, items: Vec<Item>) -> Event {
    Event {
        occurred_ms: START_MS + minute * 60_000,
        party: party.to_owned(),
        station: format!("st-{party}"),
        items,
        ..Event::default()
    }
}

/// What takes an event of `kind` back, or states it anew.
pub(crate) fn correction(
    name: &str,
    (minute, of): (u64, OpUid),
    kind: OperationKind,
    event: Option<Event>,
) -> Operation {
    let body = Body::Correction(Correction {
        occurred_ms: START_MS + minute * 60_000,
        supersedes: of.0.to_vec(),
        reason: if event.is_some() { "incorrect_data" } else { "did_not_occur" }.to_owned(),
        kind: kind.code().into(),
        event,
    });
    operation_with(OperationKind::Correction, uid(name), &body)
}

/// SHIP under a document.
pub(crate) fn ship(
    minute: u64,
    (from, to): (&str, &str),
    document: &str,
    items: Vec<Item>,
) -> Operation {
    event(
        OperationKind::Ship,
        Event {
            document: document.to_owned(),
            counterparty: to.to_owned(),
            vehicle: "冀A12345".to_owned(),
            ..at(minute, from, items)
        },
    )
}

/// RECEIVE under a document.
pub(crate) fn receive(
    minute: u64,
    (to, from): (&str, &str),
    document: &str,
    items: Vec<Item>,
) -> Operation {
    event(
        OperationKind::Receive,
        Event {
            document: document.to_owned(),
            counterparty: from.to_owned(),
            ..at(minute, to, items)
        },
    )
}
