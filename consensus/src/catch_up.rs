//! Status messages, answers to members that lag, and fetching what is missing here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proto::block::Block;
use proto::certificate::Certificate;
use proto::limits::{FETCH_BLOCKS_MAX, FETCH_BODIES_MAX};
use proto::message::{Checkpoint, Commit, Decided, Message, Prepare, Seen, Status, StatusMessage};
use proto::verified::Signed;
use proto::{Hash, Height, TimeMs, ValidatorIndex, View};

use crate::durable::Positioned as _;
use crate::event::{Action, Mode, NotVoting, StatusDraft, Timer};
use crate::evidence::Misbehaviour;
use crate::limits::{ANSWERS_MAX, FETCH_DELAY_MS, STATUS_MS};
use crate::replica::Replica;

/// What is known of another member.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    /// Its last status.
    status: Option<Status>,
    /// Whether it echoed our nonce.
    pub(crate) answered: bool,
    /// Highest height that it showed a commit certificate of.
    pub(crate) ahead: Height,
    /// Decided heights that it was answered lately, and when.
    served: BTreeMap<Height, TimeMs>,
}

/// A decided block in memory.
#[derive(Clone, Debug)]
pub(crate) struct Recent {
    pub(crate) decided: Arc<Decided>,
    pub(crate) decided_at: TimeMs,
}

impl Replica {
    fn peer(&mut self, member: ValidatorIndex) -> Option<&mut Peer> {
        self.peers.get_mut(member.position())
    }

    fn others(&self) -> impl Iterator<Item = ValidatorIndex> + use<> {
        let me = self.config.me;
        (0..self.quorum.validators()).map(ValidatorIndex::new).filter(move |it| *it != me)
    }

    /// L120: every second, and on a change of mode.
    pub(crate) fn on_status_timer(&mut self, actions: &mut Vec<Action>) {
        let slots = &self.slots;
        self.pool.expire(self.now, |leaf| slots.values().any(|slot| slot.lists(leaf)));
        self.check_inclusion(actions);
        self.tell_all(actions);
    }

    pub(crate) fn tell_all(&mut self, actions: &mut Vec<Action>) {
        for member in self.others() {
            self.tell(member, actions);
        }
        self.set_timer(Timer::Status, STATUS_MS, actions);
    }

    fn tell(&self, to: ValidatorIndex, actions: &mut Vec<Action>) {
        let known = self.peers.get(to.position()).and_then(|peer| peer.status);
        let status = Status {
            epoch: self.config.descriptor.epoch,
            height: self.open.height,
            view: self.own_view(),
            decided: self.tip.height,
            decided_hash: self.tip.hash,
            executed: self.executed,
            certified: self.checkpoints.certified_size(),
            voting: self.mode == Mode::Voting,
            nonce: self.config.nonce,
            echo: known.map_or([0; 16], |known| known.nonce),
            clock: self.now,
        };
        // Certificates go only where they say something new.
        let lacks_decided = known.is_none_or(|known| known.decided < self.tip.height);
        let lacks_certified =
            known.is_none_or(|known| known.certified < self.checkpoints.certified_size());
        let asks = known.is_some_and(|known| !known.voting);
        actions.push(Action::SendStatus(Box::new(StatusDraft {
            to,
            status,
            decided: self.tip.certificate.clone().filter(|_| lacks_decided),
            certified: self.checkpoints.certified().cloned().filter(|_| lacks_certified),
            checkpoint: self.checkpoints.own().cloned(),
            seen: if asks { self.seen(to) } else { Vec::new() },
        })));
    }

    /// L81: the highest signatures held of a member, so that it sees what it may have forgotten.
    fn seen(&self, signer: ValidatorIndex) -> Vec<Seen> {
        let mut seen = Vec::new();
        let epoch = self.config.descriptor.epoch;
        let voted = self.slots.iter().rev().find(|(_, slot)| slot.heard_of(signer));
        if let Some((&height, slot)) = voted {
            let mut proposals = slot.proposals.values().rev();
            if let Some(it) = proposals.find(|it| it.signed.signer == signer) {
                seen.push(Seen::PrePrepare(it.signed.clone()));
            }
            if let Some((view, vote)) = slot.prepares.of(signer).last() {
                let statement = Prepare { epoch, height, view, block_hash: vote.block_hash };
                let signature = vote.signature;
                seen.push(Seen::Prepare(Signed { statement, signer, signature }));
            }
            if let Some((view, vote)) = slot.commits.of(signer).last() {
                let statement = Commit { epoch, height, view, block_hash: vote.block_hash };
                let signature = vote.signature;
                seen.push(Seen::Commit(Signed { statement, signer, signature }));
            }
            if let Some(change) = slot.view_changes.get(&signer) {
                seen.push(Seen::ViewChange(change.signed.clone()));
            }
        } else {
            let decided = self.recent.values().rev().map(|it| &it.decided.certificate);
            let vote = decided.chain(&self.tip.certificate).find_map(|certificate| {
                let vote = certificate.votes.iter().find(|vote| vote.signer == signer)?;
                Some((certificate.statement, vote.signature))
            });
            if let Some((statement, signature)) = vote {
                seen.push(Seen::Commit(Signed { statement, signer, signature }));
            }
        }
        if let Some((size, root, signature)) = self.checkpoints.of(signer) {
            let statement = Checkpoint { epoch, size, root };
            seen.push(Seen::Checkpoint(Signed { statement, signer, signature }));
        }
        seen
    }

    pub(crate) fn on_status(
        &mut self,
        from: ValidatorIndex,
        message: StatusMessage,
        actions: &mut Vec<Action>,
    ) {
        let Signed { statement, signer, .. } = message.signed;
        if signer != from {
            actions.push(Action::Report(Misbehaviour::RelayedStatus { from, signer }));
            return;
        }
        let nonce = self.config.nonce;
        if statement.epoch != self.config.descriptor.epoch {
            return;
        }
        let Some(peer) = self.peer(signer) else { return };
        let asks = peer.status.is_none_or(|known| known.nonce != statement.nonce);
        peer.status = Some(statement);
        peer.answered |= statement.echo == nonce;
        for seen in &message.seen {
            self.on_seen(seen, actions);
        }
        if let Some(certificate) = message.decided {
            self.note_ahead(from, certificate.statement.height);
            let near = self.tip.height.plus(FETCH_BLOCKS_MAX.into());
            if certificate.statement.height <= near {
                self.learn_certificate(certificate, actions);
            }
        }
        if matches!(self.mode, Mode::Halted(_)) {
            return; // L103
        }
        if let Some(certificate) = message.certified {
            self.learn_checkpoint(certificate, actions);
        }
        if let Some(checkpoint) = message.checkpoint {
            self.on_checkpoint(&checkpoint, actions);
        }
        if asks && self.started {
            self.tell(signer, actions); // L80: a new nonce is a question
        }
    }

    /// L81: a signature of ours that somebody holds.
    fn on_seen(&mut self, seen: &Seen, actions: &mut Vec<Action>) {
        let (signer, ahead) = match seen {
            Seen::PrePrepare(it) => (it.signer, self.may_sign(it.statement.position())),
            Seen::Prepare(it) => (it.signer, self.may_sign(it.statement.position())),
            Seen::Commit(it) => (it.signer, self.may_sign(it.statement.position())),
            Seen::ViewChange(it) => (it.signer, self.may_sign(it.statement.position())),
            Seen::Checkpoint(it) => (it.signer, self.checkpoints.is_above_own(it.statement.size)),
        };
        if signer == self.config.me && ahead {
            self.stop_voting(NotVoting::SignatureAhead, actions);
        }
    }

    /// L51: a decided block from a member.
    pub(crate) fn on_decided(
        &mut self,
        from: ValidatorIndex,
        decided: &Decided,
        actions: &mut Vec<Action>,
    ) {
        let named = decided.certificate.statement;
        if named.epoch != self.config.descriptor.epoch {
            return;
        }
        self.note_ahead(from, named.height);
        if named.height > self.tip.height.plus(FETCH_BLOCKS_MAX.into()) {
            return; // fetched in order
        }
        if named.height > self.tip.height {
            self.slots.entry(named.height).or_default().add_block(&decided.block);
        }
        self.learn_certificate(decided.certificate.clone(), actions);
    }

    fn note_ahead(&mut self, from: ValidatorIndex, height: Height) {
        if let Some(peer) = self.peer(from) {
            peer.ahead = peer.ahead.max(height);
        }
    }

    /// L5: a message for a decided height is answered with its block and certificate, unless it is
    /// merely late.
    pub(crate) fn answer_decided(
        &mut self,
        to: ValidatorIndex,
        height: Height,
        actions: &mut Vec<Action>,
    ) {
        let (now, pause) = (self.now, (self.t0_ms() / 4).max(1));
        let recent = self.recent.get(&height);
        let late = recent.is_some_and(|recent| now.since_ms(recent.decided_at) < pause);
        let answer = recent.map(|recent| Message::Decided(Decided::clone(&recent.decided)));
        let Some(peer) = self.peers.get_mut(to.position()) else { return };
        peer.served.retain(|_, at| now.since_ms(*at) < pause);
        let served = peer.served.contains_key(&height) || peer.served.len() >= ANSWERS_MAX;
        if late || served || height == Height::GENESIS {
            return;
        }
        peer.served.insert(height, now);
        actions.push(match answer {
            Some(message) => Action::Send { to, message: Arc::new(message) },
            None => Action::Serve { to, height },
        });
    }

    /// L103: a halted replica answers, and learns nothing.
    pub(crate) fn on_message_halted(
        &mut self,
        from: ValidatorIndex,
        message: &Message,
        actions: &mut Vec<Action>,
    ) {
        let height = match message {
            Message::PrePrepare(proposal) => proposal.signed.statement.height,
            Message::Prepare(signed) => signed.statement.height,
            Message::Commit(signed) => signed.statement.height,
            Message::ViewChange(change) => change.signed.statement.height,
            Message::Status(status) if status.signed.signer == from => {
                let statement = status.signed.statement;
                let Some(peer) = self.peer(from) else { return };
                let asks = peer.status.is_none_or(|known| known.nonce != statement.nonce);
                peer.status = Some(statement);
                if asks && self.started {
                    self.tell(from, actions);
                }
                return;
            }
            Message::Status(_) | Message::Checkpoint(_) | Message::Decided(_) => return,
        };
        if height <= self.tip.height {
            self.answer_decided(from, height, actions);
        }
    }

    pub(crate) fn on_block(&mut self, block: &Block) {
        let hash = block.hash();
        let wanted = self.open.wanted == Some(hash);
        let decided = self.known().and_then(|slot| slot.certificate.as_ref());
        if wanted || decided.is_some_and(|it| it.statement.block_hash == hash) {
            self.slot().add_block(block);
        }
    }

    /// A block by its hash, for the host to answer [`Action::FetchBlock`] of others.
    pub fn block(&self, hash: &proto::BlockHash) -> Option<Arc<Block>> {
        self.slots.values().find_map(|slot| slot.block(*hash).cloned()).or_else(|| {
            let recent = self.recent.values().find(|it| it.decided.block.hash() == *hash)?;
            Some(Arc::new(recent.decided.block.clone()))
        })
    }

    /// L121: a height that a member showed as decided, while the open one is not complete here.
    ///
    /// A block without its bodies is not complete: who executed it has released them, and gives them
    /// out of its ledger, with the block.
    fn behind(&self) -> Option<Height> {
        let ahead = self.peers.iter().map(|peer| peer.ahead).max().unwrap_or_default();
        let complete = self.is_decided() && self.missing_block().is_none() && !self.needs_bodies();
        // Decided blocks wait for the executor; fetching more would only move the queue.
        let room = self.tip.height.value().saturating_sub(self.executed.value())
            < u64::from(FETCH_BLOCKS_MAX);
        (ahead > self.tip.height && !complete && room).then_some(ahead)
    }

    /// The block whose bodies the next step needs.
    fn block_in_need(&self) -> Option<&Arc<Block>> {
        let slot = self.known()?;
        if let Some(certificate) = &slot.certificate {
            return slot.block(certificate.statement.block_hash);
        }
        if let Some(block) = self.open.wanted.and_then(|hash| slot.block(hash)) {
            return Some(block);
        }
        let (_, proposal) = slot.proposals.range(self.own_view()..).next_back()?;
        slot.block(proposal.block.hash())
    }

    /// The members that should have its bodies before all others.
    fn body_holders(&self) -> Vec<ValidatorIndex> {
        let Some(slot) = self.known() else { return Vec::new() };
        let proposal = slot.proposals.range(self.own_view()..).next_back();
        match (&slot.certificate, self.open.wanted, proposal) {
            (Some(certificate), _, _) => certificate.signers().collect(),
            (None, None, Some((_, proposal))) => vec![proposal.signed.signer],
            (None, Some(_), _) | (None, None, None) => self.holders(),
        }
    }

    fn missing_block(&self) -> Option<proto::BlockHash> {
        let slot = self.known()?;
        let decided = slot.certificate.as_ref().map(|it| it.statement.block_hash);
        decided.or(self.open.wanted).filter(|hash| slot.block(*hash).is_none())
    }

    fn needs_bodies(&self) -> bool {
        self.block_in_need().is_some_and(|block| {
            self.pool.first_missing(block, self.open.checks.get(&block.hash())).is_some()
        })
    }

    pub(crate) fn arm_fetch(&mut self, actions: &mut Vec<Action>) {
        let needs =
            self.behind().is_some() || self.missing_block().is_some() || self.needs_bodies();
        if needs {
            self.ensure_timer(Timer::Fetch, FETCH_DELAY_MS, actions);
        } else {
            self.cancel_timer(Timer::Fetch, actions);
        }
    }

    /// L121, L122: asks one member after the other for what is missing.
    pub(crate) fn fetch(&mut self, actions: &mut Vec<Action>) {
        self.attempts = self.attempts.wrapping_add(1);
        let first = self.open.height;
        if let Some(ahead) = self.behind() {
            let has = |it: &ValidatorIndex| {
                self.peers.get(it.position()).is_some_and(|peer| peer.ahead >= first)
            };
            let candidates: Vec<ValidatorIndex> = self.others().filter(has).collect();
            let count = ahead.value().saturating_sub(self.tip.height.value());
            if let Some(from) = self.rotate(&candidates) {
                let count = count.min(FETCH_BLOCKS_MAX.into());
                actions.push(Action::FetchBlocks { from, first, count });
            }
        } else if let Some(hash) = self.missing_block() {
            let holders = self.holders();
            if let Some(from) = self.rotate(&holders) {
                actions.push(Action::FetchBlock { from, hash });
            }
        }
        if let Some(block) = self.block_in_need() {
            let leaves = self.missing_bodies(block);
            let mut holders = self.body_holders();
            holders.retain(|it| *it != self.config.me);
            if holders.is_empty() || !self.attempts.is_multiple_of(2) {
                holders = self.others().collect();
            }
            if let Some(from) = self.rotate(&holders).filter(|_| !leaves.is_empty()) {
                actions.push(Action::FetchBodies { from, leaves });
            }
        }
        self.set_timer(Timer::Fetch, (self.t0_ms() / 4).max(FETCH_DELAY_MS), actions);
    }

    /// Missing bodies of `block` and of the decided blocks above it: one request for a batch.
    fn missing_bodies(&self, block: &Block) -> Vec<Hash> {
        let mut leaves = self.pool.missing(block);
        let later = self
            .slots
            .values()
            .skip(1)
            .filter_map(|slot| slot.block(slot.certificate.as_ref()?.statement.block_hash));
        if self.is_decided() {
            for block in later {
                leaves.extend(self.pool.missing(block));
                if leaves.len() >= usize::from(FETCH_BODIES_MAX) {
                    break;
                }
            }
        }
        leaves.truncate(FETCH_BODIES_MAX.into());
        leaves
    }

    /// Members that signed something about a block that is missing here: they journaled it.
    fn holders(&self) -> Vec<ValidatorIndex> {
        let mut holders = BTreeSet::new();
        if let Some(slot) = self.known() {
            holders.extend(slot.certificate.iter().flat_map(Certificate::signers));
            let prepared = slot.view_changes.values().filter_map(|it| it.certificate.as_ref());
            for certificate in prepared {
                holders.insert(certificate.pre_prepare.signer);
                holders.extend(certificate.prepares.iter().map(|vote| vote.signer));
            }
        }
        holders.into_iter().filter(|it| *it != self.config.me).collect()
    }

    fn rotate(&self, candidates: &[ValidatorIndex]) -> Option<ValidatorIndex> {
        let index = self.attempts.checked_rem(candidates.len())?;
        candidates.get(index).copied()
    }

    /// View of a member as its last status said, for people.
    pub fn view_of(&self, member: ValidatorIndex) -> Option<View> {
        self.peers.get(member.position())?.status.map(|status| status.view)
    }
}
