//! Turns what other members send into verified inputs of the replica, and answers what they ask.
//!
//! Everything here comes from a peer and is bad input until it was checked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use consensus::{Body, Input, Standing};
use proto::block::Block;
use proto::codec::Canonical as _;
use proto::epoch::Descriptor;
use proto::limits::{FETCH_BLOCKS_MAX, FRAME_BYTES_MAX};
use proto::message::{Decided, Message};
use proto::transaction::Transaction;
use proto::verified::{SetVerifier, Verified};
use proto::{ChainId, Hash, Height, TimeMs, ValidatorIndex};
use thiserror::Error;
use tokio::sync::{Semaphore, mpsc, watch};

use crate::blocks::{Blocks, FRAME_MARGIN_BYTES};
use crate::bodies::{AdmittedBody, Bodies};
use crate::clock;
use crate::desks::Desks;
use crate::doctor::Alarm;
use crate::fetches::{Fetches, Kind, Outcome};
use crate::gate::{Gate, Inadmissible};
use crate::metrics::Metrics;
use crate::network::{Channel, DecidedBytes, Event, Fetch, Lost, Network, Request, Response};

/// Requests that are worked on at once; signatures of transactions are the heaviest work of a node, and
/// votes must not queue behind them.
const CHECKS_MAX: usize = 8;

/// Members as the network sees them.
pub(crate) type Connected = BTreeMap<ValidatorIndex, PeerView>;

/// What this node knows of another member.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct PeerView {
    /// How it is connected.
    pub(crate) link: Link,
    /// Highest height that it says it has executed.
    pub(crate) executed: u64,
    /// Its clock minus ours, milliseconds.
    pub(crate) clock_skew_ms: i64,
}

/// How another member is connected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Link {
    /// It is not.
    #[default]
    Down,
    /// It is.
    Up,
    /// It is, and speaks no protocol of ours.
    Foreign,
}

/// Why no member can be understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error(
    "所有其他节点都使用另一份创世文件或另一版本的软件 genesis: every other validator uses another \
     genesis document than ours of chain {chain}, or another version of this software; compare them \
     with jjj-genesis show"
)]
pub(crate) struct AllForeign {
    chain: ChainId,
}

/// An answer to another question.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("expected what was asked for, the answer is something else")]
struct NotAsked;

/// What the intake works with.
#[derive(Clone)]
pub(crate) struct Intake {
    /// Own chain.
    pub(crate) chain: ChainId,
    /// Parameters of the epoch.
    pub(crate) descriptor: Arc<Descriptor>,
    /// Checks signatures of members.
    pub(crate) verifier: Arc<SetVerifier>,
    /// Checks transactions.
    pub(crate) gate: Gate,
    /// Transaction bodies.
    pub(crate) bodies: Bodies,
    /// Blocks that members may ask for.
    pub(crate) blocks: Blocks,
    /// Requests of ours that are under way.
    pub(crate) fetches: Fetches,
    /// The mesh.
    pub(crate) network: Network,
    /// The replica's inputs.
    pub(crate) inputs: mpsc::Sender<Input>,
    /// Members as the network sees them.
    pub(crate) connected: Arc<watch::Sender<Connected>>,
    /// Where the replica stands.
    pub(crate) standing: watch::Receiver<Standing>,
    /// Figures.
    pub(crate) metrics: Arc<Metrics>,
    /// Where damage of the ledger is told.
    pub(crate) alarm: Alarm,
}

impl Intake {
    /// Works until the network ends, or until no other member has our genesis document.
    pub(crate) async fn run(self, mut events: mpsc::Receiver<Event>) -> Result<(), AllForeign> {
        let mut desks = self.desks();
        while let Some(event) = events.recv().await {
            match event {
                Event::Connected(peer) => {
                    tracing::info!(validator = peer.value(), "connected");
                    self.link(peer, Link::Up);
                }
                Event::Disconnected(peer) => {
                    tracing::warn!(validator = peer.value(), "not connected any more");
                    self.link(peer, Link::Down);
                }
                Event::Foreign(peer) => self.foreign(peer)?,
                // Votes are few and small: they are checked in order, ahead of bodies.
                Event::Message { from, bytes } => self.message(from, &bytes).await,
                Event::Request { from, request, channel } => {
                    if !desks.take(from, (request, channel)) {
                        tracing::debug!(
                            validator = from.value(),
                            "too many requests, one is dropped"
                        );
                    }
                }
                // One of a kind is under way: there is no queue that what others send could fill.
                Event::Fetched { from, asked, answer } => {
                    tokio::spawn(self.clone().fetched(from, asked, answer));
                }
            }
        }
        Ok(())
    }

    /// A desk for each member.
    fn desks(&self) -> Desks<(Request, Channel)> {
        let members: Vec<ValidatorIndex> = self.connected.borrow().keys().copied().collect();
        let intake = self.clone();
        let checks = Arc::new(Semaphore::new(CHECKS_MAX));
        Desks::new(&members, move |from, (request, channel)| {
            let (intake, checks) = (intake.clone(), Arc::clone(&checks));
            async move {
                // The semaphore is fair: a member waits for as many checks as there are members.
                let permit = checks.acquire().await;
                intake.request(from, request, channel).await;
                drop(permit);
            }
        })
    }

    fn link(&self, peer: ValidatorIndex, link: Link) {
        self.connected.send_modify(|peers| peers.entry(peer).or_default().link = link);
    }

    /// One member that is not of our chain may be wrong itself; where all others are not, we are.
    fn foreign(&self, peer: ValidatorIndex) -> Result<(), AllForeign> {
        let known = self.connected.borrow().get(&peer).is_some_and(|it| it.link == Link::Foreign);
        if !known {
            tracing::error!(
                validator = peer.value(),
                "创世文件或软件版本不同 it uses another genesis document or another version of this \
                 software"
            );
            self.link(peer, Link::Foreign);
        }
        let peers = self.connected.borrow();
        if peers.values().all(|it| it.link == Link::Foreign) {
            return Err(AllForeign { chain: self.chain });
        }
        Ok(())
    }

    async fn input(&self, input: Input) {
        if self.inputs.send(input).await.is_err() {
            tracing::debug!("the consensus task has ended");
        }
    }

    async fn message(&self, from: ValidatorIndex, bytes: &[u8]) {
        let message = match Message::decode(bytes) {
            Ok(message) => message,
            Err(error) => return self.refused(from, &error),
        };
        match Verified::check(message, &*self.verifier, &self.descriptor) {
            Ok(message) => {
                self.note_status(from, &message);
                self.input(Input::Message { from, message: Box::new(message) }).await;
            }
            Err(error) => self.refused(from, &error),
        }
    }

    fn refused(&self, from: ValidatorIndex, error: &impl std::error::Error) {
        self.metrics.refused();
        tracing::warn!(validator = from.value(), %error, "refused");
    }

    fn note_status(&self, from: ValidatorIndex, message: &Message) {
        let Message::Status(status) = message else { return };
        let said = &status.signed.statement;
        if status.signed.signer != from {
            return;
        }
        let (theirs, ours) = (said.clock.value(), clock::now().value());
        let skew = i64::try_from(theirs.abs_diff(ours)).unwrap_or(i64::MAX);
        let clock_skew_ms = if theirs < ours { -skew } else { skew };
        self.connected.send_modify(|peers| {
            let view = peers.entry(from).or_default();
            (view.executed, view.clock_skew_ms) = (said.executed.value(), clock_skew_ms);
        });
    }

    async fn request(&self, from: ValidatorIndex, request: Request, channel: Channel) {
        match request {
            Request::Bodies(bodies) => {
                for bytes in bodies {
                    self.forwarded(from, &bytes).await;
                }
                // Only now: what is unanswered counts against what its sender may have under way.
                self.network.answer(channel, Response::Received);
            }
            Request::Fetch(Fetch::Blocks { first, count }) => {
                let found = tokio::task::block_in_place(|| self.blocks.range(first, count));
                match found {
                    Ok(blocks) => self.network.answer(channel, Response::Blocks(blocks)),
                    Err(error) => self.alarm.raise(&error),
                }
            }
            Request::Fetch(Fetch::Bodies { leaves }) => {
                let bodies = self.answer_bodies(leaves);
                self.network.answer(channel, Response::Bodies(bodies));
            }
            Request::Fetch(Fetch::Block { hash }) => {
                let block = self.blocks.get(&hash).map(|block| block.encode());
                self.network.answer(channel, Response::Block(block));
            }
        }
    }

    /// A request of ours has ended; the next of its kind may be sent when all that it brought is handed on.
    async fn fetched(self, from: ValidatorIndex, asked: Fetch, answer: Result<Response, Lost>) {
        let outcome = match answer {
            Ok(response) => self.response(from, &asked, response).await,
            Err(Lost::Late) => Outcome::Late,
            Err(Lost::Failed) => Outcome::Useless,
        };
        self.fetches.end(Kind::of(&asked), from, outcome);
    }

    async fn response(&self, from: ValidatorIndex, asked: &Fetch, response: Response) -> Outcome {
        let mut useful = false;
        match (asked, response) {
            (Fetch::Block { hash }, Response::Block(Some(bytes))) => match Block::decode(&bytes) {
                Ok(block) if block.hash() == *hash => {
                    self.input(Input::BlockFetched(Box::new(block))).await;
                    useful = true;
                }
                Ok(_) => self.refused(from, &NotAsked),
                Err(error) => self.refused(from, &error),
            },
            (Fetch::Block { .. }, Response::Block(None)) => (), // it is not there
            (Fetch::Bodies { .. }, Response::Bodies(bodies)) => {
                for bytes in bodies {
                    useful |= self.body(from, &bytes).await;
                }
            }
            (Fetch::Blocks { first, count }, Response::Blocks(blocks)) => {
                if blocks.len() > usize::from(*count) {
                    self.refused(from, &NotAsked);
                    return Outcome::Useless;
                }
                let mut height = *first;
                for block in blocks {
                    match self.decided(from, height, &block).await {
                        Some(new) => useful |= new,
                        None => break,
                    }
                    height = height.next();
                }
            }
            (Fetch::Block { .. } | Fetch::Bodies { .. }, Response::Blocks(_))
            | (Fetch::Block { .. } | Fetch::Blocks { .. }, Response::Bodies(_))
            | (Fetch::Bodies { .. } | Fetch::Blocks { .. }, Response::Block(_))
            | (_, Response::Received) => self.refused(from, &NotAsked),
        }
        if useful { Outcome::Useful } else { Outcome::Useless }
    }

    /// Bodies that are here, each once, as many as one answer holds.
    fn answer_bodies(&self, leaves: Vec<Hash>) -> Vec<Arc<[u8]>> {
        let distinct: BTreeSet<Hash> = leaves.into_iter().collect();
        let mut room = usize::try_from(FRAME_BYTES_MAX).expect("8 MiB") - FRAME_MARGIN_BYTES;
        let mut bodies = Vec::new();
        for body in distinct.iter().filter_map(|leaf| self.bodies.get(leaf)) {
            let bytes = body.0.bytes();
            let Some(left) = room.checked_sub(bytes.len()) else { break };
            room = left;
            bodies.push(Arc::clone(bytes));
        }
        bodies
    }

    /// Takes in a body that a member forwarded, if there is room.
    async fn forwarded(&self, from: ValidatorIndex, bytes: &[u8]) {
        let now = clock::now();
        let transaction = match Transaction::decode(bytes) {
            Ok(transaction) => transaction,
            Err(error) => return self.refused(from, &error),
        };
        if self.bodies.holds(&transaction.leaf()) {
            return; // forwarded again: its signatures were checked the first time
        }
        let admitted = tokio::task::block_in_place(|| self.gate.admit(transaction, now));
        let Some(body) = self.admitted(from, admitted) else { return };
        let said = describe(&body, now);
        match self.bodies.insert(body) {
            Ok(_) => self.input(Input::BodyHeld(said)).await,
            Err(error) => tracing::warn!(%error, "body dropped"),
        }
    }

    /// Takes in a body that was asked for, with a full mempool too: a block waits for it. `false` where it is of
    /// no use.
    async fn body(&self, from: ValidatorIndex, bytes: &[u8]) -> bool {
        let transaction = match Transaction::decode(bytes) {
            Ok(transaction) => transaction,
            Err(error) => {
                self.refused(from, &error);
                return false;
            }
        };
        if !self.bodies.take_asked(&transaction.leaf()) {
            return false; // another member was faster, or nobody asked
        }
        let admitted = tokio::task::block_in_place(|| self.gate.admit_for_block(transaction));
        let Some(body) = self.admitted(from, admitted) else { return false };
        let said = describe(&body, clock::now());
        // It may belong to any of the decided blocks that are fetched at once.
        let last = self.standing.borrow().height.plus(FETCH_BLOCKS_MAX.into());
        self.bodies.keep(body, last);
        self.input(Input::BodyHeld(said)).await;
        true
    }

    fn admitted(
        &self,
        from: ValidatorIndex,
        admitted: Result<AdmittedBody, Inadmissible>,
    ) -> Option<AdmittedBody> {
        match admitted {
            Ok(body) => Some(body),
            Err(Inadmissible::Ordered { .. }) => None, // late: its block is executed
            // Ours, not the member's.
            Err(Inadmissible::Store(error)) => {
                self.alarm.raise(&error);
                None
            }
            Err(error) => {
                self.refused(from, &error);
                None
            }
        }
    }

    /// Takes in the decided block of `height` with its bodies; whether it is new here, or `None` where it is not
    /// what it should be.
    async fn decided(
        &self,
        from: ValidatorIndex,
        height: Height,
        bytes: &DecidedBytes,
    ) -> Option<bool> {
        let decided = match Decided::decode(&bytes.decided) {
            Ok(decided) => decided,
            Err(error) => {
                self.refused(from, &error);
                return None;
            }
        };
        // Nothing is kept for a height that nobody asked for: what waits for later ones has no other bound.
        if decided.block.header().height != height {
            self.refused(from, &NotAsked);
            return None;
        }
        let message = Message::Decided(decided.clone());
        let verified = match Verified::check(message, &*self.verifier, &self.descriptor) {
            Ok(verified) => verified,
            Err(error) => {
                self.refused(from, &error);
                return None;
            }
        };
        // Late: its bodies must not wait for a block a second time.
        let known = height <= self.standing.borrow().decided;
        let bodies = if known { &[] } else { bytes.bodies.as_slice() };
        let now = clock::now();
        let listed: BTreeSet<&Hash> = decided.block.tx_leaves().iter().collect();
        for bytes in bodies {
            // A quorum has checked these bodies; that they are the ones is what their leaves say.
            let Ok(transaction) = Transaction::decode(bytes) else { continue };
            if !listed.contains(&transaction.leaf()) {
                continue;
            }
            let body = AdmittedBody(transaction);
            let said = describe(&body, now);
            self.bodies.keep(body, height);
            self.input(Input::BodyHeld(said)).await;
        }
        self.input(Input::Message { from, message: Box::new(verified) }).await;
        Some(!known)
    }
}

/// What ordering looks at.
pub(crate) fn describe(body: &AdmittedBody, now: TimeMs) -> Body {
    let AdmittedBody(transaction) = body;
    let header = transaction.header();
    Body {
        leaf: transaction.leaf(),
        tx_id: transaction.tx_id(),
        bytes: u32::try_from(transaction.bytes().len())
            .expect("admission limits a transaction to 1 MiB"),
        operations: header.op_count.into(),
        valid_until: header.valid_until,
        received: now,
    }
}

#[cfg(test)]
mod tests {
    use consensus::{Mode, Phase};
    use genesis::ceremony::{self, Made, Plan};
    use genesis::keys::KeyPurpose;
    use ledger::ledger::Ledger;
    use proto::block::BlockHeader;
    use proto::certificate::{Certificate, Vote};
    use proto::message::Commit;
    use proto::operation::{OpUid, Operation, Salt};
    use proto::sign::SecretKey;
    use proto::verified::Statement as _;
    use proto::{BlockHash, Epoch, View};
    use rocks::RocksStore;

    use super::*;
    use crate::network::{self, Settings};

    const FROM: ValidatorIndex = ValidatorIndex::new(1);

    fn made() -> Made {
        let plan =
            Plan::for_agencies(&[("北京", 11), ("天津", 12), ("河北", 13)], 1_760_000_000_000);
        ceremony::hold(&plan, &mut ceremony::seeds_for_tests(7)).unwrap()
    }

    fn intake(made: &Made, folder: &std::path::Path) -> (Intake, mpsc::Receiver<Input>) {
        let genesis = &made.genesis;
        let ledger = Ledger::open_or_create(RocksStore::open(folder).unwrap(), genesis).unwrap();
        let (chain, reader) = (genesis.chain(), ledger.reader());
        let listen = vec!["/ip4/127.0.0.1/tcp/0".to_owned()];
        let key = SecretKey::from_seed(&[1; 32]);
        let mesh = network::bind(&Settings { chain, key, listen, peers: Vec::new() }).unwrap();
        let (inputs, queue) = mpsc::channel(64);
        let standing = Standing {
            mode: Mode::Voting,
            height: Height::new(1),
            view: View::ZERO,
            primary: FROM,
            phase: Phase::Idle,
            decided: Height::GENESIS,
            executed: Height::GENESIS,
            certified: 0,
            hardened: 0,
            bodies: 0,
            waits_for: Vec::new(),
        };
        let descriptor = Arc::new(genesis.descriptor().clone());
        let intake = Intake {
            chain,
            verifier: Arc::new(SetVerifier::new(chain, &descriptor)),
            gate: Gate::new(chain, descriptor.limits, reader.clone()),
            bodies: Bodies::default(),
            blocks: Blocks::new(reader),
            fetches: Fetches::default(),
            network: mesh.start().0,
            inputs,
            connected: Arc::new(watch::Sender::new(Connected::default())),
            standing: watch::Sender::new(standing).subscribe(),
            metrics: Arc::new(Metrics::new(descriptor.quorum())),
            alarm: Alarm::default(),
            descriptor,
        };
        (intake, queue)
    }

    /// A block of `height` with one transaction, decided by validators 0 and 1, and its leaf.
    fn decided(made: &Made, height: u64) -> (DecidedBytes, Hash) {
        let genesis = &made.genesis;
        let (chain, height) = (genesis.chain(), Height::new(height));
        let (uid, salt) = (OpUid([u8::try_from(height.value()).unwrap(); 16]), Salt([0; 16]));
        let operations = vec![Operation { kind: 1, version: 1, uid, salt, body: vec![1] }];
        let until = genesis.time().plus_ms(60_000);
        let key = SecretKey::from_seed(&[7; 32]);
        let body = Transaction::sign(chain, &key, until, operations).unwrap();
        let header = BlockHeader {
            chain,
            epoch: Epoch::ZERO,
            epoch_hash: genesis.descriptor().hash(chain),
            height,
            view: View::ZERO,
            primary: genesis.descriptor().primary(height, View::ZERO),
            parent: BlockHash::default(),
            time: genesis.time().plus_ms(height.value()),
            tx_count: 0,
            tx_root: Hash::ZERO,
            evidence_count: 0,
            evidence_root: Hash::ZERO,
        };
        let block = Block::new(header, vec![body.leaf()]);
        let statement =
            Commit { epoch: Epoch::ZERO, height, view: View::ZERO, block_hash: block.hash() };
        let bytes = statement.signed_bytes(chain);
        let votes = made.agencies.iter().take(2).map(|agency| {
            let key = agency.key(KeyPurpose::Validator).unwrap();
            Vote { signer: agency.validator, signature: key.sign(&bytes) }
        });
        let certificate = Certificate::new(statement, votes.collect());
        let decided = Decided { block, certificate }.encode();
        (DecidedBytes { decided, bodies: vec![body.encode().into()] }, body.leaf())
    }

    #[tokio::test]
    async fn of_decided_blocks_only_those_asked_for_are_kept() {
        let made = made();
        let blocks = |first, count| Fetch::Blocks { first: Height::new(first), count };
        let bodies = Fetch::Bodies { leaves: vec![decided(&made, 1).1] };
        for (asked, answered, kept) in [
            (blocks(1, 64), vec![1, 2, 3], vec![1, 2, 3]),
            (blocks(1, 64), vec![1, 3], vec![1]),
            (blocks(1, 64), vec![2, 3], vec![]),
            (blocks(1, 64), vec![100], vec![]),
            (blocks(1, 2), vec![1, 2, 3], vec![]),
            (bodies, vec![1], vec![]),
            (Fetch::Block { hash: BlockHash::default() }, vec![1], vec![]),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let (intake, _queue) = intake(&made, folder.path());
            let answer = answered.iter().map(|height| decided(&made, *height).0).collect();
            let outcome = intake.response(FROM, &asked, Response::Blocks(answer)).await;
            let held = |height: &u64| intake.bodies.holds(&decided(&made, *height).1);
            let found: Vec<u64> = answered.iter().copied().filter(|height| held(height)).collect();
            assert_eq!(found, kept, "{asked:?}, answered by {answered:?}");
            let useful = if kept.is_empty() { Outcome::Useless } else { Outcome::Useful };
            assert_eq!(outcome, useful, "{asked:?}, answered by {answered:?}");
        }
    }
}
