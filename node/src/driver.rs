//! Carries out what the replica wants, strictly in order: journal, sign, send, wake, execute.
//!
//! Owns the replica, the journal and the validator's key. A failure of the disk ends it, and with it
//! the process: a restart goes through recovery.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use consensus::{
    Action, Body, Draft, Input, Mode, Own, Record, Replica, SafetyRecord, Standing, StatusDraft,
    Timer, Unsafe,
};
use proto::codec::Canonical as _;
use proto::message::{Decided, Message};
use proto::sign::SecretKey;
use proto::{ChainId, Hash, Height, ValidatorIndex};
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::blocks::Blocks;
use crate::bodies::Bodies;
use crate::clock;
use crate::doctor::Alarm;
use crate::executor::Decision;
use crate::fetches::{Fetches, Kind, Outcome};
use crate::journal::{Journal, JournalError};
use crate::metrics::Metrics;
use crate::network::{Fetch, Network};
use crate::records::{self, Entry, Live};

/// Inputs taken in before the journal is synced once for all of them.
const INPUTS_PER_SYNC_MAX: usize = 64;

/// Milliseconds beyond its time for which a waiting body is kept, as the replica does: a block that lists
/// it may be under way.
const EXPIRED_BODY_MS: u64 = 60_000;

/// Pause between looks for transactions whose time is over.
const EXPIRY_MS: u64 = 5_000;

/// Why the consensus task ended.
#[derive(Debug, Error)]
pub(crate) enum DriverError {
    /// The journal cannot be written: nothing may be promised any more.
    #[error(
        "投票日志无法写入，磁盘可能已满或损坏 the journal cannot be written, the disk may be full or \
         damaged: {0}"
    )]
    Journal(#[from] JournalError),
    /// The replica asked for a signature that the safety record forbids.
    #[error("the signer refuses: {0}")]
    Unsafe(#[from] Unsafe),
    /// Execution has ended, with its own reason.
    #[error("the storage task has ended")]
    ExecutorGone,
}

/// What the consensus task works with.
pub(crate) struct Driver {
    /// The state machine.
    pub(crate) replica: Replica,
    /// Name of the chain.
    pub(crate) chain: ChainId,
    /// Own index.
    pub(crate) me: ValidatorIndex,
    /// All other members.
    pub(crate) others: Vec<ValidatorIndex>,
    /// Key that signs votes.
    pub(crate) key: SecretKey,
    /// What must not be forgotten.
    pub(crate) journal: Journal,
    /// The highest signatures made.
    pub(crate) safety: SafetyRecord,
    /// What a compacted journal keeps.
    pub(crate) live: Live,
    /// Bodies of the journal, told to the replica before it starts.
    pub(crate) held: Vec<Body>,
    /// Transaction bodies.
    pub(crate) bodies: Bodies,
    /// Blocks under way, for members that ask.
    pub(crate) blocks: Blocks,
    /// Requests of ours that are under way.
    pub(crate) fetches: Fetches,
    /// The mesh.
    pub(crate) network: Network,
    /// The storage task.
    pub(crate) executor: mpsc::Sender<Decision>,
    /// Where the replica stands, for everybody else.
    pub(crate) standing: watch::Sender<Standing>,
    /// Figures.
    pub(crate) metrics: Arc<Metrics>,
    /// Where damage of the ledger is told.
    pub(crate) alarm: Alarm,
}

/// What one round leaves to be done after its actions.
#[derive(Default)]
struct Round {
    actions: Vec<Action>,
    signed: Vec<Own>,
    /// Heights below are released when everything else of the round is done: a proposal of the same
    /// round may need their bodies.
    release: Option<Height>,
}

impl Driver {
    /// Runs until the inputs end or something fails that must stop the node.
    ///
    /// `notices` come from the storage task alone and never wait for room.
    pub(crate) async fn run(
        mut self,
        mut inputs: mpsc::Receiver<Input>,
        mut notices: mpsc::Receiver<Input>,
    ) -> Result<(), DriverError> {
        if self.replica.standing().mode == Mode::Starting {
            // What was read may be in the system's memory only, and counts from here on.
            self.make_durable()?;
        }
        let mut timers: BTreeMap<Timer, Instant> = BTreeMap::new();
        let mut expiry = tokio::time::interval(Duration::from_millis(EXPIRY_MS));
        // Bodies of the journal first, their actions carried out like all others: a timer that the
        // replica believes set and nobody set would never wake it.
        let held = std::mem::take(&mut self.held).into_iter().map(Input::BodyHeld);
        let mut waiting: Vec<Input> = held.chain([Input::Start]).collect();
        loop {
            self.work(std::mem::take(&mut waiting), &mut timers).await?;
            let next = timers.iter().min_by_key(|(_, at)| **at).map(|(timer, at)| (*timer, *at));
            tokio::select! {
                // Timers first: a flood of messages must not keep a replica in a dead view.
                biased;
                () = sleep_until(next), if next.is_some() => {
                    if let Some((timer, _)) = next {
                        timers.remove(&timer);
                        waiting.push(Input::Timer(timer));
                    }
                }
                notice = notices.recv() => match notice {
                    Some(notice) => waiting.push(notice),
                    None => return Err(DriverError::ExecutorGone),
                },
                // Before the inputs, which may never be empty: who is over would keep the room of who waits.
                _ = expiry.tick() => {
                    let expired = self.bodies.drop_expired(clock::now().minus_ms(EXPIRED_BODY_MS));
                    waiting.extend(expired.into_iter().map(Input::BodyDropped));
                }
                taken = inputs.recv_many(&mut waiting, INPUTS_PER_SYNC_MAX) => {
                    if taken == 0 {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn work(
        &mut self,
        inputs: Vec<Input>,
        timers: &mut BTreeMap<Timer, Instant>,
    ) -> Result<(), DriverError> {
        let mut inputs = inputs;
        while !inputs.is_empty() {
            let mut round = Round::default();
            let now = clock::now();
            inputs.retain(|input| !self.is_gone(input));
            self.replica.step_all(now, inputs, &mut round.actions);
            for action in std::mem::take(&mut round.actions) {
                self.carry_out(action, &mut round, timers).await?;
            }
            if !round.signed.is_empty() {
                self.make_durable()?;
            }
            // A body of a proposal that was not decided: the replica must not count on it.
            let dropped = round.release.map_or_else(Vec::new, |below| self.release(below));
            self.compact()?;
            // Only now do own messages count, and only now may they leave.
            inputs = dropped.into_iter().map(Input::BodyDropped).collect();
            inputs.extend(round.signed.into_iter().map(Input::Signed));
        }
        self.publish();
        Ok(())
    }

    /// One sync of journal and safety record for every signature of the round.
    fn make_durable(&mut self) -> Result<(), DriverError> {
        let started = Instant::now();
        tokio::task::block_in_place(|| {
            self.journal.sync()?;
            self.journal.write_safety(&self.safety.encode())
        })?;
        self.metrics.journal_sync(started.elapsed());
        Ok(())
    }

    /// Shortens a journal that has grown long, signed or not: who catches up signs nothing for a long
    /// time.
    fn compact(&mut self) -> Result<(), JournalError> {
        if !self.journal.is_long() {
            return Ok(());
        }
        let records = self.live.encode();
        tokio::task::block_in_place(|| self.journal.compact(records, &self.safety.encode()))
    }

    /// Whether an input speaks of a body that was released while it waited in the queue.
    fn is_gone(&self, input: &Input) -> bool {
        matches!(input, Input::BodyHeld(body) if !self.bodies.holds(&body.leaf))
    }

    async fn carry_out(
        &mut self,
        action: Action,
        round: &mut Round,
        timers: &mut BTreeMap<Timer, Instant>,
    ) -> Result<(), DriverError> {
        match action {
            Action::Journal(record) => self.record(&record)?,
            Action::Sign(draft) => round.signed.push(self.sign(draft)?),
            Action::Send { to, message } => self.send(to, &message),
            Action::Broadcast(message) => self.broadcast(&message),
            Action::SendStatus(draft) => self.send_status(*draft),
            Action::Serve { to, height } => self.serve(to, height),
            Action::SetTimer { timer, after_ms } => {
                timers.insert(timer, Instant::now() + Duration::from_millis(after_ms));
            }
            Action::CancelTimer(timer) => {
                timers.remove(&timer);
            }
            Action::ForwardBodies(leaves) => self.forward(&leaves),
            Action::FetchBodies { from, leaves } => self.fetch_bodies(from, leaves),
            Action::FetchBlock { from, hash } => {
                if self.fetches.begin(Kind::Block, from, 1).is_some() {
                    self.fetch(from, Fetch::Block { hash });
                }
            }
            Action::FetchBlocks { from, first, count } => {
                let wanted = u16::try_from(count).unwrap_or(u16::MAX);
                if let Some(count) = self.fetches.begin(Kind::Blocks, from, wanted) {
                    self.fetch(from, Fetch::Blocks { first, count });
                }
            }
            Action::Decide(decided) => self.decide(decided).await?,
            Action::Certified(certificate) => {
                self.executor
                    .send(Decision::Checkpoint(certificate))
                    .await
                    .map_err(|_| DriverError::ExecutorGone)?;
            }
            Action::Hardened(certificate) => {
                self.executor
                    .send(Decision::Checkpoint(certificate))
                    .await
                    .map_err(|_| DriverError::ExecutorGone)?;
            }
            Action::Release { below } => round.release = round.release.max(Some(below)),
            Action::Evidence(evidence) => {
                let guilty: Vec<u16> = evidence.guilty().iter().map(|at| at.value()).collect();
                tracing::error!(?guilty, %evidence, "a validator contradicted its own signature");
                self.metrics.evidence();
            }
            Action::Report(misbehaviour) => tracing::warn!(%misbehaviour, "rule broken"),
            Action::ModeChanged(mode) => announce(mode),
        }
        Ok(())
    }

    fn record(&mut self, record: &Record) -> Result<(), DriverError> {
        let height = record.height();
        let mut bytes = Vec::new();
        for leaf in record.bodies() {
            // Proposed again at a later height: a compacted journal keeps it until then.
            if self.live.raise(leaf, height) {
                self.bodies.raise_to(leaf, height);
                continue;
            }
            let body =
                self.bodies.get(leaf).expect("a replica votes only for bodies it was told of");
            if let Some(height) = height {
                self.bodies.keep(body.clone(), height);
            }
            bytes.push(records::encode_body(height, &body));
            self.live.add_body(*leaf, height, &body);
        }
        self.blocks.remember(record);
        let entry = Entry::record(record);
        bytes.push(entry.encode());
        self.live.add_record(entry);
        tokio::task::block_in_place(|| {
            self.journal.append(&bytes)?;
            // No signature may follow whose sync would cover it.
            if record.is_urgent() { self.journal.sync() } else { Ok(()) }
        })?;
        Ok(())
    }

    fn sign(&mut self, draft: Draft) -> Result<Own, DriverError> {
        let claim = draft.claim(self.chain);
        self.safety = self.safety.admit(claim)?;
        tracing::debug!(%claim, "signed");
        let signature = self.key.sign(&draft.signed_bytes(self.chain));
        let own = draft.complete(self.me, signature);
        self.record(&Record::Own(own.clone()))?;
        Ok(own)
    }

    fn send(&self, to: ValidatorIndex, message: &Message) {
        self.network.send(to, message.encode().into());
    }

    fn broadcast(&self, message: &Message) {
        let bytes: Arc<[u8]> = message.encode().into();
        for to in &self.others {
            self.network.send(*to, Arc::clone(&bytes));
        }
    }

    fn fetch_bodies(&self, from: ValidatorIndex, mut leaves: Vec<Hash>) {
        let wanted = u16::try_from(leaves.len()).unwrap_or(u16::MAX);
        if let Some(count) = self.fetches.begin(Kind::Bodies, from, wanted) {
            leaves.truncate(count.into());
            self.bodies.ask(&leaves);
            self.fetch(from, Fetch::Bodies { leaves });
        }
    }

    /// Sends a request that has begun. One that is not sent has ended: the replica asks again.
    fn fetch(&self, from: ValidatorIndex, fetch: Fetch) {
        let kind = Kind::of(&fetch);
        if !self.network.fetch(from, fetch) {
            self.fetches.end(kind, from, Outcome::Useless);
        }
    }

    fn send_status(&self, draft: StatusDraft) {
        let to = draft.to;
        let signature = self.key.sign(&draft.signed_bytes(self.chain));
        self.send(to, &draft.complete(self.me, signature));
    }

    /// The ledger's reader answers outside of this task: reading must not delay votes.
    fn serve(&self, to: ValidatorIndex, height: Height) {
        let (blocks, network) = (self.blocks.clone(), self.network.clone());
        let alarm = self.alarm.clone();
        tokio::task::spawn_blocking(move || match blocks.decided(height) {
            Ok(Some(decided)) => {
                network.send(to, Message::Decided(decided).encode().into());
            }
            Ok(None) => (), // not executed yet; the replica is asked again
            Err(error) => alarm.raise(&error),
        });
    }

    fn forward(&self, leaves: &[Hash]) {
        let found = leaves.iter().filter_map(|leaf| self.bodies.get(leaf));
        let bodies: Vec<Arc<[u8]>> = found.map(|body| Arc::clone(body.0.bytes())).collect();
        for to in &self.others {
            self.network.forward(*to, bodies.clone());
        }
    }

    async fn decide(&mut self, decided: Arc<Decided>) -> Result<(), DriverError> {
        let height = decided.block.header().height;
        let leaves = decided.block.tx_leaves();
        self.bodies.decided(leaves, height);
        let bodies =
            leaves.iter().map(|leaf| self.bodies.get(leaf).expect("kept above").0).collect();
        self.executor
            .send(Decision::Block { decided, bodies })
            .await
            .map_err(|_| DriverError::ExecutorGone)
    }

    fn release(&mut self, below: Height) -> Vec<Hash> {
        self.live.release_below(below);
        self.blocks.release_below(below);
        let_go(&self.bodies, &self.replica, below)
    }

    fn publish(&self) {
        let standing = self.replica.standing();
        self.standing.send_if_modified(|known| {
            let changed = *known != standing;
            *known = standing;
            changed
        });
    }
}

/// Releases bodies below `below` and says which of them the replica still counts on. Those of decided blocks
/// left it long ago, and each that it is told of costs it a walk through the open proposal.
fn let_go(bodies: &Bodies, replica: &Replica, below: Height) -> Vec<Hash> {
    let mut gone = bodies.release_below(below);
    gone.retain(|leaf| replica.holds_body(leaf));
    gone
}

async fn sleep_until(next: Option<(Timer, Instant)>) {
    if let Some((_, at)) = next {
        // A timer of the protocol: the replica asks to be called at that moment.
        tokio::time::sleep_until(at).await;
    }
}

fn announce(mode: Mode) {
    match mode {
        Mode::Starting => tracing::info!("asking the other validators what they hold of our votes"),
        Mode::Voting => tracing::info!("voting"),
        Mode::NotVoting(reason) => {
            tracing::error!(%reason, "本节点不参与投票 this node does not vote");
        }
        Mode::Halted(reason) => tracing::error!(%reason, "本节点已停止 this node has halted"),
    }
}

#[cfg(test)]
mod tests {
    use consensus::{Config, Head, restore};
    use proto::epoch::{BlockLimits, Descriptor, Validator};
    use proto::operation::{OpUid, Operation, Salt};
    use proto::quorum;
    use proto::transaction::Transaction;
    use proto::{AgencyIndex, Epoch, TimeMs};

    use super::*;
    use crate::bodies::AdmittedBody;
    use crate::intake::describe;

    const NOW: TimeMs = TimeMs::new(2_000);

    fn body(number: u8) -> AdmittedBody {
        let (uid, salt) = (OpUid([number; 16]), Salt([0; 16]));
        let operations = vec![Operation { kind: 1, version: 1, uid, salt, body: vec![number] }];
        let (key, until) = (SecretKey::from_seed(&[7; 32]), NOW.plus_ms(1_000));
        let signed = Transaction::sign(ChainId::default(), &key, until, operations);
        AdmittedBody(signed.expect("one operation"))
    }

    /// A chain with one validator, which decides by itself.
    fn alone(key: &SecretKey) -> Replica {
        let descriptor = Descriptor {
            epoch: Epoch::ZERO,
            first_height: Height::new(1),
            mode: quorum::Mode::Standard,
            rotation_blocks: 1024,
            lag: 4,
            limits: BlockLimits::default(),
            contracts: 1,
            role_table: Hash::ZERO,
            validators: vec![Validator { agency: AgencyIndex::new(0), key: key.public() }],
        };
        let (chain, me) = (ChainId::default(), ValidatorIndex::new(0));
        let head = Head::genesis(chain, TimeMs::new(1_000), Hash::ZERO);
        let restored = restore(chain, head, [], SafetyRecord::default());
        Replica::new(Config::new(chain, descriptor, me, [0; 16]), restored)
    }

    #[test]
    fn of_the_bodies_let_go_the_replica_is_told_of_those_that_it_counts_on() {
        let key = SecretKey::from_seed(&[1; 32]);
        let (mut replica, bodies) = (alone(&key), Bodies::default());
        let (ordered, lost) = (body(1), body(2));
        bodies.insert(ordered.clone()).expect("there is room");
        let mut inputs = vec![Input::Start, Input::BodyHeld(describe(&ordered, NOW))];
        let mut heights = Vec::new();
        while let Some(input) = inputs.pop() {
            let mut actions = Vec::new();
            replica.step(NOW, input, &mut actions);
            for action in actions {
                if let Action::Sign(draft) = action {
                    let signature = key.sign(&draft.signed_bytes(ChainId::default()));
                    let own = draft.complete(ValidatorIndex::new(0), signature);
                    inputs.push(Input::Signed(own));
                } else if let Action::Decide(decided) = action {
                    let height = decided.block.header().height;
                    bodies.decided(decided.block.tx_leaves(), height);
                    heights.push(height);
                }
            }
        }
        assert_eq!(heights, [Height::new(1)]);
        // Of a proposal at the same height that was not decided.
        bodies.keep(lost.clone(), Height::new(1));
        replica.step(NOW, Input::BodyHeld(describe(&lost, NOW)), &mut Vec::new());
        let gone = let_go(&bodies, &replica, Height::new(2));
        assert_eq!(gone, [lost.0.leaf()]);
        assert!(!bodies.holds(&ordered.0.leaf()), "let go all the same");
    }
}
