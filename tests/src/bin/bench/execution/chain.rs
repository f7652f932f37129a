//! A chain whose state is a map: the contracts alone, without a store. The only file of the benchmark
//! that knows how a block is executed.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use contracts::execute::BlockContext;
use contracts::state::{Pair, Range, State, StateFault};
use ledger::execute::execute_block;
use proto::codec::Canonical as _;
use proto::epoch::BlockLimits;
use proto::hash::Hash;
use proto::operation::{OpUid, Operation, Salt};
use proto::receipt::CODE_ACCEPTED;
use proto::schema::act::{Approve, SchemePropose};
use proto::schema::body::BODY_VERSION;
use proto::schema::{Body, OperationKind};
use proto::sign::SecretKey;
use proto::submitter::{SubmitterRecord, SubmitterRole};
use proto::transaction::Transaction;
use proto::trie::Namespace;
use proto::{AgencyIndex, ChainId, Height, TimeMs};

use crate::machine::thread_time;

/// Operations of a transaction.
const OPERATIONS: usize = 100;

/// Agencies.
const AGENCIES: u16 = 3;

/// Time of the first block: after every event.
const START_MS: u64 = 1_750_000_000_000;

/// Time between two blocks: a second, so that what settles for a day is no part of a short run.
const BLOCK_MS: u64 = 1_000;

#[derive(Default)]
struct Entries {
    rows: BTreeMap<Namespace, BTreeMap<Vec<u8>, Vec<u8>>>,
    /// The blocks, with the number of operations in front of each transaction: a block lists its
    /// operations before its steps, so that an operation's receipt has its number.
    blocks: Vec<Vec<(usize, Transaction)>>,
}

impl State for Entries {
    fn get(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, StateFault> {
        Ok(self.rows.get(&namespace).and_then(|entries| entries.get(key)).cloned())
    }

    fn scan(
        &self,
        namespace: Namespace,
        range: &Range<'_>,
        limit: usize,
    ) -> Result<Vec<Pair>, StateFault> {
        let entries = self.rows.get(&namespace).into_iter();
        let from = entries.flat_map(|entries| entries.range(range.start()..));
        let inside = from.take_while(|(key, _)| key.starts_with(range.prefix)).take(limit);
        Ok(inside.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn operation(&self, height: Height, index: u32) -> Result<Option<Vec<u8>>, StateFault> {
        let position = usize::try_from(height.value()).ok().and_then(|at| at.checked_sub(1));
        let block = position.and_then(|at| self.blocks.get(at));
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let found = block.and_then(|block| block.iter().rfind(|(first, _)| *first <= index));
        let operation = found.and_then(|(first, body)| body.operations().get(index - first));
        Ok(operation.map(Operation::encode))
    }
}

/// An agency and the operations that its platform signs.
pub(crate) type Signed = (usize, Vec<Operation>);

/// What a block cost.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Spent {
    /// Processor time of its execution.
    pub(crate) time: Duration,
    /// Keys whose value it changed.
    pub(crate) keys: u64,
    /// Bytes of their new values and of the keys.
    pub(crate) bytes: u64,
    /// Alerts that its receipts tell of.
    pub(crate) alerts: u64,
}

impl Spent {
    /// Adds another block.
    pub(crate) fn add(&mut self, more: Self) {
        self.time += more.time;
        self.keys += more.keys;
        self.bytes += more.bytes;
        self.alerts += more.alerts;
    }
}

/// The chain.
pub(crate) struct Chain {
    entries: Entries,
    height: u64,
}

/// The key of an agency for a role: anybody can compute it.
fn secret(agency: usize, role: SubmitterRole) -> SecretKey {
    let agency = u8::try_from(agency).unwrap_or(u8::MAX);
    SecretKey::from_seed(&[agency * 8 + role.code(); 32])
}

impl Chain {
    /// A chain of three agencies with the demo schemes in force.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let mut chain = Self { entries: Entries::default(), height: 0 };
        for agency in 0..AGENCIES {
            for role in SubmitterRole::ALL {
                let party = format!("{}-{agency}", role.name());
                let record = SubmitterRecord { agency: AgencyIndex::new(agency), role, party };
                let key = secret(agency.into(), role).public().as_bytes().to_vec();
                let keys = chain.entries.rows.entry(Namespace::Key).or_default();
                keys.insert(key, record.encode());
            }
        }
        for (number, definition) in contracts::scheme::demo::ALL.into_iter().enumerate() {
            let uid = OpUid::of_record("bench", &format!("scheme {number}"));
            let proposed = SchemePropose { definition: definition.to_owned() };
            let proposed = Body::SchemePropose(proposed);
            chain.act(0, uid, (OperationKind::SchemePropose, proposed))?;
            let approved = Approve { proposal: uid.0.to_vec(), proposer: 0 };
            let approval = OpUid::of_record("bench", &format!("approval {number}"));
            chain.act(1, approval, (OperationKind::Approve, Body::Approve(approved)))?;
        }
        Ok(chain)
    }

    fn act(
        &mut self,
        agency: usize,
        uid: OpUid,
        (kind, body): (OperationKind, Body),
    ) -> anyhow::Result<()> {
        let (kind, body) = (kind.code(), body.encode());
        let operation = Operation { kind, version: BODY_VERSION, uid, salt: Salt([0; 16]), body };
        let key = secret(agency, SubmitterRole::Agency);
        let signed = Transaction::sign(ChainId(Hash::ZERO), &key, TimeMs::new(0), vec![operation])?;
        self.execute(&[signed]).map(drop)
    }

    /// Executes a block of transactions of the agencies' platforms.
    pub(crate) fn block(&mut self, operations: Vec<Signed>) -> anyhow::Result<Spent> {
        let mut bodies = Vec::new();
        for (agency, operations) in operations {
            let key = secret(agency, SubmitterRole::Platform);
            for operations in operations.chunks(OPERATIONS) {
                let operations = operations.to_vec();
                let end = TimeMs::new(0);
                bodies.push(Transaction::sign(ChainId(Hash::ZERO), &key, end, operations)?);
            }
        }
        self.execute(&bodies)
    }

    fn execute(&mut self, bodies: &[Transaction]) -> anyhow::Result<Spent> {
        self.height += 1;
        let context = BlockContext {
            chain: ChainId(Hash::ZERO),
            height: Height::new(self.height),
            time: TimeMs::new(START_MS + self.height * BLOCK_MS),
            limits: BlockLimits::default(),
            agencies: AGENCIES,
        };
        let before = thread_time()?;
        let executed = execute_block(&context, bodies, &self.entries)?;
        let time = thread_time()?.saturating_sub(before);
        let placed = bodies.iter().scan(0, |first, body| {
            let place = *first;
            *first += body.operations().len();
            Some((place, body.clone()))
        });
        self.entries.blocks.push(placed.collect());
        let receipts = executed.receipts.iter().map(|dated| &dated.receipt);
        let refused = receipts.clone().filter(|receipt| receipt.code != CODE_ACCEPTED).count();
        if let Some((_, refusal)) = executed.refusals.first() {
            anyhow::bail!("{refused} operations of the benchmark were refused: {}", refusal.en());
        }
        let alerts: usize = receipts.map(|receipt| receipt.alerts.as_slice().len()).sum();
        let mut spent = Spent { time, alerts: u64::try_from(alerts)?, ..Spent::default() };
        for ((namespace, key), value) in executed.changes {
            spent.keys += 1;
            let entries = self.entries.rows.entry(namespace).or_default();
            let bytes = key.len() + value.as_ref().map_or(0, Vec::len);
            spent.bytes += u64::try_from(bytes)?;
            match value {
                Some(value) => drop(entries.insert(key, value)),
                None => drop(entries.remove(&key).context("a key that goes was there")?),
            }
        }
        Ok(spent)
    }
}
