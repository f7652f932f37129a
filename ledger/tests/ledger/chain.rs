//! A chain of three agencies for tests: it signs, votes, appends, certifies. Real keys, real
//! operations, a store in memory.

use genesis::Genesis;
use genesis::ceremony::{self, Made, Plan};
use genesis::keys::KeyPurpose;
use ledger::ledger::{AppendError, Appended};
use ledger::version::Versions;
use ledger::{Ledger, MemoryStore};
use proto::block::{Block, BlockHeader};
use proto::certificate::{Certificate, CheckpointCertificate, CommitCertificate, Vote};
use proto::hash::Hash;
use proto::message::{Checkpoint, Commit, Decided};
use proto::operation::{OpUid, Operation, Salt};
use proto::schema::event::{Event, Item, Quantity, Uom};
use proto::schema::{Body, OperationKind};
use proto::sign::SecretKey;
use proto::submitter::SubmitterRole;
use proto::transaction::Transaction;
use proto::types::{BlockHash, Height, TimeMs, ValidatorIndex, View};
use proto::verified::Statement;
use proto::{AgencyIndex, Epoch};

/// Time of genesis: 2025-10-09T08:53:20Z.
pub(crate) const START: u64 = 1_760_000_000_000;

/// 2025-10-01, a day before genesis.
pub(crate) const EVENT_DAY: u32 = 20_362;

/// The chain and everybody's keys.
pub(crate) struct Chain {
    pub(crate) made: Made,
    pub(crate) store: MemoryStore,
    pub(crate) ledger: Ledger<MemoryStore>,
    records: u32,
}

fn plan() -> Plan {
    Plan::for_agencies(&[("北京", 11), ("天津", 12), ("河北", 13)], START)
}

impl Chain {
    pub(crate) fn new() -> Self {
        Self::with_limits(proto::epoch::BlockLimits::default())
    }

    pub(crate) fn with_limits(limits: proto::epoch::BlockLimits) -> Self {
        Self::of_plan(&Plan { limits, ..plan() }, Versions::BUILT_IN)
    }

    /// A chain whose heights a version of the contracts executes.
    pub(crate) fn of_version(contracts: u32, versions: Versions) -> Self {
        Self::of_plan(&Plan { contracts, ..plan() }, versions)
    }

    fn of_plan(plan: &Plan, versions: Versions) -> Self {
        let made = ceremony::hold(plan, &mut ceremony::seeds_for_tests(7)).unwrap();
        let store = MemoryStore::default();
        let ledger = Ledger::open_or_create_with(store.clone(), &made.genesis, versions).unwrap();
        Self { made, store, ledger, records: 0 }
    }

    /// Opens the store again, as after a restart.
    pub(crate) fn reopen(&mut self) {
        self.ledger = Ledger::open_or_create(self.store.clone(), &self.made.genesis).unwrap();
    }

    pub(crate) fn genesis(&self) -> &Genesis {
        &self.made.genesis
    }

    pub(crate) fn key(&self, agency: usize, purpose: KeyPurpose) -> &SecretKey {
        self.made.agencies[agency].key(purpose).unwrap()
    }

    pub(crate) fn platform(&self, agency: usize) -> &SecretKey {
        self.key(agency, KeyPurpose::Submitter(SubmitterRole::Platform))
    }

    /// An operation with an identity of its own.
    pub(crate) fn operation(&mut self, kind: OperationKind, body: &Body) -> Operation {
        self.records += 1;
        let uid = OpUid::of_record("test", &self.records.to_string());
        operation(uid, kind, body)
    }

    /// A signed transaction of an agency's platform.
    pub(crate) fn transaction(&self, agency: usize, operations: Vec<Operation>) -> Transaction {
        let valid_until = self.ledger.head().time.plus_ms(60_000);
        let chain = self.ledger.chain();
        Transaction::sign(chain, self.platform(agency), valid_until, operations).unwrap()
    }

    /// The next block with these transactions, decided by validators 0 and 1.
    pub(crate) fn decide(&self, bodies: &[Transaction]) -> Decided {
        let head = self.ledger.head();
        self.decide_on(head.height.next(), head.block_hash, head.time.plus_ms(1_000), bodies)
    }

    pub(crate) fn decide_on(
        &self,
        height: Height,
        parent: BlockHash,
        time: TimeMs,
        bodies: &[Transaction],
    ) -> Decided {
        let descriptor = self.ledger.descriptor();
        let header = BlockHeader {
            chain: self.ledger.chain(),
            epoch: Epoch::ZERO,
            epoch_hash: descriptor.hash(self.ledger.chain()),
            height,
            view: View::ZERO,
            primary: descriptor.primary(height, View::ZERO),
            parent,
            time,
            tx_count: 0,
            tx_root: Hash::ZERO,
            evidence_count: 0,
            evidence_root: Hash::ZERO,
        };
        let block = Block::new(header, bodies.iter().map(Transaction::leaf).collect());
        let block_hash = block.hash();
        let statement = Commit { epoch: Epoch::ZERO, height, view: View::ZERO, block_hash };
        let certificate: CommitCertificate = self.certify(statement, &[0, 1]);
        Decided { block, certificate }
    }

    /// A certificate signed by these validators.
    pub(crate) fn certify<T: Statement>(&self, statement: T, signers: &[u16]) -> Certificate<T> {
        let bytes = statement.signed_bytes(self.ledger.chain());
        let vote = |signer: &u16| {
            let key = self.key(usize::from(*signer), KeyPurpose::Validator);
            Vote { signer: ValidatorIndex::new(*signer), signature: key.sign(&bytes) }
        };
        Certificate::new(statement, signers.iter().map(vote).collect())
    }

    /// Appends a block with these transactions.
    pub(crate) fn append(&mut self, bodies: &[Transaction]) -> Result<Appended, AppendError> {
        let decided = self.decide(bodies);
        self.ledger.append(&decided, bodies)
    }

    /// Appends a block with one transaction of one agency.
    pub(crate) fn block(&mut self, agency: usize, operations: Vec<Operation>) -> Appended {
        let bodies =
            if operations.is_empty() { vec![] } else { vec![self.transaction(agency, operations)] };
        self.append(&bodies).unwrap()
    }

    /// Stores a checkpoint certificate of the head by these validators.
    pub(crate) fn checkpoint(&mut self, signers: &[u16]) -> CheckpointCertificate {
        let statement: Checkpoint = self.ledger.checkpoint();
        let certificate = self.certify(statement, signers);
        self.ledger.add_checkpoint_certificate(certificate).unwrap()
    }
}

/// An operation under a given identity.
pub(crate) fn operation(uid: OpUid, kind: OperationKind, body: &Body) -> Operation {
    let salt = Salt::derive(&[9; 32], uid);
    Operation { kind: kind.code(), version: 1, uid, salt, body: body.encode() }
}

/// Some kilograms of a code.
pub(crate) fn item(code: &str, milli: u64) -> Item {
    let quantity = Some(Quantity { milli, uom: Uom::Kgm.into() });
    Item { code: code.to_owned(), quantity, counterpart: String::new() }
}

/// An event at noon of a day.
pub(crate) fn event(day: u32, party: &str, station: &str, items: Vec<Item>) -> Event {
    Event {
        occurred_ms: u64::from(day) * 86_400_000 + 43_200_000,
        party: party.to_owned(),
        station: station.to_owned(),
        items,
        ..Event::default()
    }
}

/// A length as the formats count it.
pub(crate) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap()
}

/// Index of the first agency.
pub(crate) const BEIJING: AgencyIndex = AgencyIndex::new(0);

/// A story: a lot coded in Hebei, divided, packed, shipped to Beijing, received, sold; empty blocks
/// between. Certified by two validators after each block, by all three after the last but two.
pub(crate) fn story() -> Chain {
    let mut chain = Chain::new();
    for (agency, kind, body) in scenes() {
        let operation = chain.operation(kind, &Body::Event(body));
        chain.block(agency, vec![operation]);
        chain.checkpoint(&[0, 1]);
        chain.block(agency, vec![]);
        chain.checkpoint(&[0, 2]);
    }
    chain.checkpoint(&[0, 1, 2]);
    for signers in [[0, 1], [1, 2]] {
        chain.block(0, vec![]);
        chain.checkpoint(&signers);
    }
    chain
}

const IMPORTER: &str = "91130000700000001A";
const SHOP: &str = "91110000700000002B";

fn scenes() -> Vec<(usize, OperationKind, Event)> {
    let port = |items| event(EVENT_DAY, IMPORTER, "HE-PORT-1", items);
    let shop = |day, items| event(day, SHOP, "BJ-SHOP-7", items);
    let parts = || vec![item("HE-BOX-1", 400_000), item("HE-BOX-2", 600_000)];
    let ship = Event {
        vehicle: "冀A12345".to_owned(),
        document: "WB-1".to_owned(),
        counterparty: SHOP.to_owned(),
        ..port(vec![item("HE-PALLET-1", 1_000_000)])
    };
    let receive = Event {
        document: "WB-1".to_owned(),
        counterparty: IMPORTER.to_owned(),
        ..shop(EVENT_DAY + 2, vec![item("HE-PALLET-1", 1_000_000)])
    };
    let split = Event { outputs: parts(), ..port(vec![item("HE-LOT-1", 1_000_000)]) };
    let pack = Event { container: "HE-PALLET-1".to_owned(), ..port(parts()) };
    vec![
        (2, OperationKind::Commission, port(vec![item("HE-LOT-1", 1_000_000)])),
        (2, OperationKind::Split, split),
        (2, OperationKind::Pack, pack),
        (2, OperationKind::Ship, ship),
        (0, OperationKind::Receive, receive),
        (0, OperationKind::Sale, shop(EVENT_DAY + 3, vec![item("HE-BOX-1", 400_000)])),
    ]
}
