//! A chain of three agencies over a state in memory, and short ways to say operations.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write as _;

use contracts::execute::{Block, BlockContext, Outcome, Step};
use contracts::record::matching::MatchStatus;
use contracts::record::step::{StepKind, StepRecord};
use contracts::state::{Pair, Range, Rows, State, StateFault};
use prost::Message as _;
use proto::codec::Canonical as _;
use proto::epoch::BlockLimits;
use proto::hash::Hash;
use proto::operation::{OpUid, Operation, Salt};
use proto::receipt::Links;
use proto::schema::event::{Event, Item, Quantity, Uom};
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

/// Operations by height and position of their receipt.
pub(crate) type Operations = BTreeMap<(u64, u32), Vec<u8>>;

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
    /// Operations of earlier blocks that were read.
    pub(crate) operations_read: usize,
    /// Whether anything waits for the next block.
    pub(crate) work_left: bool,
}

/// A state that counts what is read from it: work that does not depend on the machine.
struct Counting<'a> {
    chain: &'a Chain,
    operations_read: Cell<usize>,
    reads: RefCell<BTreeMap<(Namespace, Vec<u8>), usize>>,
}

impl State for Counting<'_> {
    fn get(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, StateFault> {
        *self.reads.borrow_mut().entry((namespace, key.to_vec())).or_default() += 1;
        State::get(&self.chain.entries, namespace, key)
    }

    fn scan(
        &self,
        namespace: Namespace,
        range: &Range<'_>,
        limit: usize,
    ) -> Result<Vec<Pair>, StateFault> {
        let found = State::scan(&self.chain.entries, namespace, range, limit)?;
        let mut reads = self.reads.borrow_mut();
        for (key, _) in &found {
            *reads.entry((namespace, key.clone())).or_default() += 1;
        }
        Ok(found)
    }

    fn operation(&self, height: Height, index: u32) -> Result<Option<Vec<u8>>, StateFault> {
        self.operations_read.set(self.operations_read.get() + 1);
        self.chain.operation(height, index)
    }
}

impl State for Chain {
    fn get(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, StateFault> {
        State::get(&self.entries, namespace, key)
    }

    fn scan(
        &self,
        namespace: Namespace,
        range: &Range<'_>,
        limit: usize,
    ) -> Result<Vec<Pair>, StateFault> {
        State::scan(&self.entries, namespace, range, limit)
    }

    fn operation(&self, height: Height, index: u32) -> Result<Option<Vec<u8>>, StateFault> {
        Ok(self.operations.get(&(height.value(), index)).cloned())
    }
}

/// A chain.
#[derive(Clone)]
pub(crate) struct Chain {
    pub(crate) operations: Operations,
    pub(crate) entries: Entries,
    pub(crate) height: u64,
    pub(crate) limits: BlockLimits,
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
        let operations = Operations::new();
        Self { operations, entries, height: 0, limits: BlockLimits::default() }
    }

    pub(crate) fn context(&self) -> BlockContext {
        BlockContext {
            chain: ChainId(Hash::ZERO),
            height: Height::new(self.height),
            time: TimeMs::new(START_MS + self.height * 1_000),
            limits: self.limits,
            agencies: 3,
        }
    }

    /// The rows of the newest state.
    pub(crate) fn rows(&self) -> Rows<'_> {
        Rows::new(self)
    }

    /// Executes a block of operations.
    pub(crate) fn block(&mut self, operations: &[(Who, Operation)]) -> Done {
        self.height += 1;
        let context = self.context();
        let (reads, operations_read) = (RefCell::default(), Cell::default());
        let counting = Counting { chain: self, reads, operations_read };
        let mut block = Block::new(&context, &counting);
        let signed: Vec<_> =
            operations.iter().map(|(who, one)| (who.secret().public(), one)).collect();
        block.read_ahead(signed.iter().map(|(key, operation)| (*operation, key))).unwrap();
        let mut outcomes = Vec::new();
        for (key, operation) in &signed {
            outcomes.push(block.operation(operation, operation.leaf(), key).unwrap());
        }
        let ended = block.end().unwrap();
        let mut steps: Vec<Step> = outcomes.iter().flat_map(|o| o.steps.clone()).collect();
        steps.extend(ended.steps);
        let (changes, work_left) = (ended.changes, ended.work_left);
        let operations_read = counting.operations_read.get();
        let reads = counting.reads.into_inner();
        for (index, (_, operation)) in (0u32..).zip(operations) {
            self.operations.insert((self.height, index), operation.encode());
        }
        for ((namespace, key), value) in changes {
            match value {
                Some(value) => self.entries.insert((namespace, key), value),
                None => self.entries.remove(&(namespace, key)),
            };
        }
        Done { outcomes, steps, reads, operations_read, work_left }
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
