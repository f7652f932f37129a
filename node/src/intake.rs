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
use proto::{ChainId, Hash, TimeMs, ValidatorIndex};
use thiserror::Error;
use tokio::sync::{Semaphore, mpsc, watch};

use crate::blocks::{Blocks, FRAME_MARGIN_BYTES};
use crate::bodies::{AdmittedBody, Bodies};
use crate::clock;
use crate::gate::{Gate, Inadmissible};
use crate::metrics::Metrics;
use crate::network::{Channel, DecidedBytes, Event, Network, Request, Response};

/// Bodies and answers that are checked at once; signatures of transactions are the heaviest work of a
/// node, and votes must not queue behind them.
const CHECKS_MAX: usize = 8;

/// Frames that may wait to be checked, beside those that are. More are dropped, and come again: bodies are
/// forwarded anew after a timeout, whoever asks asks again. Votes never wait for them.
const FRAMES_WAITING_MAX: usize = 64;

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
}

impl Intake {
    /// Works until the network ends, or until no other member has our genesis document.
    pub(crate) async fn run(self, mut events: mpsc::Receiver<Event>) -> Result<(), AllForeign> {
        let (work, waiting) = mpsc::channel(FRAMES_WAITING_MAX);
        tokio::spawn(self.clone().check(waiting));
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
                Event::Request { from, request: Request::Message(bytes), channel } => {
                    // Votes are few and small: they are checked in order, ahead of bodies.
                    self.network.answer(channel, Response::Received);
                    self.message(from, &bytes).await;
                }
                Event::Response { response: Response::Received, .. } => (), // nothing waits for it
                event @ (Event::Request { .. } | Event::Response { .. }) => {
                    if work.try_send(event).is_err() {
                        tracing::debug!("too many frames wait to be checked, one is dropped");
                    }
                }
            }
        }
        Ok(())
    }

    /// Checks bodies and answers, some at once.
    async fn check(self, mut waiting: mpsc::Receiver<Event>) {
        let checks = Arc::new(Semaphore::new(CHECKS_MAX));
        while let Some(event) = waiting.recv().await {
            let permit = Arc::clone(&checks).acquire_owned().await;
            let intake = self.clone();
            tokio::spawn(async move {
                match event {
                    Event::Request { from, request, channel } => {
                        intake.request(from, request, channel).await;
                    }
                    Event::Response { from, response } => intake.response(from, response).await,
                    Event::Connected(_) | Event::Disconnected(_) | Event::Foreign(_) => (), // the loop's
                }
                drop(permit);
            });
        }
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
            Request::Message(_) => (), // handled in order, by the loop
            Request::Bodies(bodies) => {
                self.network.answer(channel, Response::Received);
                for bytes in bodies {
                    self.forwarded(from, &bytes).await;
                }
            }
            Request::FetchBlocks { from: first, count } => {
                let found = tokio::task::block_in_place(|| self.blocks.range(first, count));
                match found {
                    Ok(blocks) => self.network.answer(channel, Response::Blocks(blocks)),
                    Err(error) => tracing::error!(%error, "blocks cannot be read"),
                }
            }
            Request::FetchBodies { leaves } => {
                let bodies = self.answer_bodies(leaves);
                self.network.answer(channel, Response::Bodies(bodies));
            }
            Request::FetchBlock { hash } => {
                let block = self.blocks.get(&hash).map(|block| block.encode());
                self.network.answer(channel, Response::Block(block));
            }
        }
    }

    async fn response(&self, from: ValidatorIndex, response: Response) {
        match response {
            Response::Received | Response::Block(None) => (), // nothing was found
            Response::Block(Some(bytes)) => match Block::decode(&bytes) {
                Ok(block) => self.input(Input::BlockFetched(Box::new(block))).await,
                Err(error) => self.refused(from, &error),
            },
            Response::Bodies(bodies) => {
                for bytes in bodies {
                    self.fetched(from, &bytes).await;
                }
            }
            Response::Blocks(blocks) => {
                for block in blocks {
                    if !self.decided(from, &block).await {
                        return;
                    }
                }
            }
        }
    }

    /// Bodies that are here, each once, as many as one answer holds.
    fn answer_bodies(&self, leaves: Vec<Hash>) -> Vec<Vec<u8>> {
        let distinct: BTreeSet<Hash> = leaves.into_iter().collect();
        let mut room = usize::try_from(FRAME_BYTES_MAX).expect("8 MiB") - FRAME_MARGIN_BYTES;
        let mut bodies = Vec::new();
        for body in distinct.iter().filter_map(|leaf| self.bodies.get(leaf)) {
            let Some(left) = room.checked_sub(body.bytes.len()) else { break };
            room = left;
            bodies.push(body.bytes.to_vec());
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
        let admitted = tokio::task::block_in_place(|| self.gate.admit(transaction, bytes, now));
        let Some(body) = self.admitted(from, admitted) else { return };
        let said = describe(&body, now);
        match self.bodies.insert(body) {
            Ok(_) => self.input(Input::BodyHeld(said)).await,
            Err(error) => tracing::warn!(%error, "body dropped"),
        }
    }

    /// Takes in a body that was asked for, with a full mempool too: a block waits for it.
    async fn fetched(&self, from: ValidatorIndex, bytes: &[u8]) {
        let transaction = match Transaction::decode(bytes) {
            Ok(transaction) => transaction,
            Err(error) => return self.refused(from, &error),
        };
        if !self.bodies.take_asked(&transaction.leaf()) {
            return; // another member was faster, or nobody asked
        }
        let admitted =
            tokio::task::block_in_place(|| self.gate.admit_for_block(transaction, bytes));
        let Some(body) = self.admitted(from, admitted) else { return };
        let said = describe(&body, clock::now());
        // It may belong to any of the decided blocks that are fetched at once.
        let last = self.standing.borrow().height.plus(FETCH_BLOCKS_MAX.into());
        self.bodies.keep(body, last);
        self.input(Input::BodyHeld(said)).await;
    }

    fn admitted(
        &self,
        from: ValidatorIndex,
        admitted: Result<AdmittedBody, Inadmissible>,
    ) -> Option<AdmittedBody> {
        match admitted {
            Ok(body) => Some(body),
            Err(Inadmissible::Ordered { .. }) => None, // late: its block is executed
            Err(error) => {
                self.refused(from, &error);
                None
            }
        }
    }

    /// Takes in a decided block with its bodies; `false` where it is not what it should be.
    async fn decided(&self, from: ValidatorIndex, bytes: &DecidedBytes) -> bool {
        let decided = match Decided::decode(&bytes.decided) {
            Ok(decided) => decided,
            Err(error) => {
                self.refused(from, &error);
                return false;
            }
        };
        let message = Message::Decided(decided.clone());
        let verified = match Verified::check(message, &*self.verifier, &self.descriptor) {
            Ok(verified) => verified,
            Err(error) => {
                self.refused(from, &error);
                return false;
            }
        };
        let height = decided.block.header().height;
        // Late or not asked for: its bodies must not wait for a block a second time.
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
            let body =
                AdmittedBody { transaction: Arc::new(transaction), bytes: bytes.as_slice().into() };
            let said = describe(&body, now);
            self.bodies.keep(body, height);
            self.input(Input::BodyHeld(said)).await;
        }
        self.input(Input::Message { from, message: Box::new(verified) }).await;
        true
    }
}

/// What ordering looks at.
pub(crate) fn describe(body: &AdmittedBody, now: TimeMs) -> Body {
    let header = body.transaction.header();
    Body {
        leaf: body.transaction.leaf(),
        tx_id: body.transaction.tx_id(),
        bytes: u32::try_from(body.bytes.len()).expect("admission limits a transaction to 1 MiB"),
        operations: header.op_count.into(),
        valid_until: header.valid_until,
        received: now,
    }
}
