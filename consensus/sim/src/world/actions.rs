//! What a replica wants done: journal, sign, send, wake, execute, each with its latency.

use std::sync::Arc;

use consensus::{Action, Body, Draft, Input, Own, Record, StatusDraft, Work};
use proto::hash::Tag;
use proto::message::{Decided, Message};
use proto::{BlockHash, Hash, Height, ValidatorIndex};

use super::{Mutant, World};
use crate::check::Violation;
use crate::disk::Batch;
use crate::letter::{Event, Payload};
use crate::plan::{Compaction, Micros};
use crate::votes::{Ballot, Kind, Place, ballot_of};

impl World {
    pub(super) fn carry_out(&mut self, id: usize, action: Action) {
        match action {
            Action::Journal(record) => self.append(id, record),
            Action::Sign(draft) => self.sign(id, draft),
            Action::Send { to, message } => {
                self.before_sending(id, &message);
                self.say(id, to, &message);
            }
            Action::Broadcast(message) => {
                self.before_sending(id, &message);
                for to in self.others(id) {
                    self.say(id, to, &message);
                }
            }
            Action::SendStatus(draft) => self.send_status(id, *draft),
            Action::Serve { to, height } => {
                // Out of the ledger, where a block stands as soon as it is executed.
                let batch = self.node(id).disk.batch(height.value());
                if let Some(decided) = batch.map(|batch| Decided::clone(&batch.decided)) {
                    self.say(id, to, &Arc::new(Message::Decided(decided)));
                }
            }
            Action::SetTimer { timer, after_ms } => {
                let number = self.node_mut(id).renumber(timer);
                let at = self.now.saturating_add(after_ms.saturating_mul(1_000));
                self.queue.push(at, Event::Timer { node: id, timer, number });
            }
            Action::CancelTimer(timer) => {
                self.node_mut(id).renumber(timer);
            }
            Action::ForwardBodies(leaves) => self.forward(id, &leaves),
            Action::FetchBodies { from, leaves } => {
                self.post(id, from, &Payload::AskBodies(leaves.into()));
            }
            Action::FetchBlock { from, hash } => {
                self.post(id, from, &Payload::AskBlock(Box::new(hash)));
            }
            Action::FetchBlocks { from, first, count } => {
                let first = first.value();
                self.post(id, from, &Payload::AskBlocks { first, count });
            }
            Action::Decide(decided) => self.decide(id, &decided),
            Action::Certified(certificate) | Action::Hardened(certificate) => {
                if self.node(id).is_honest() {
                    self.checker.on_certified(&certificate);
                }
                let members = self.cluster.members();
                self.node_mut(id).disk.write_certificate(certificate, members);
                self.check_converged();
            }
            Action::Release { below } => self.node_mut(id).release_below(below),
            Action::Evidence(evidence) => {
                self.note(id, &|| format!("evidence {evidence}"));
                if self.node(id).is_honest() {
                    self.checker.on_evidence(&evidence);
                    self.evidence.push((id, *evidence));
                }
            }
            Action::Report(misbehaviour) => self.note(id, &|| format!("report {misbehaviour}")),
            Action::ModeChanged(mode) => self.note(id, &|| format!("mode {mode:?}")),
        }
    }

    pub(super) fn others(&self, id: usize) -> impl Iterator<Item = ValidatorIndex> + use<> {
        let me = self.node(id).member;
        let members = 0..self.cluster.quorum().validators();
        members.map(ValidatorIndex::new).filter(move |member| *member != me)
    }

    fn append(&mut self, id: usize, record: Record) {
        let node = self.node_mut(id);
        node.disk.append(record, &node.known);
    }

    fn sign(&mut self, id: usize, draft: Draft) {
        let (member, honest) = (self.node(id).member, self.node(id).is_honest());
        let claim = draft.claim(self.cluster.chain);
        let safety = self.node_mut(id).disk.safety_next();
        match safety.admit(claim) {
            Ok(next) => *safety = next,
            Err(reason) => {
                if honest {
                    self.checker.fail(Violation::Unsafe(reason));
                }
                return;
            }
        }
        let signature = self.cluster.sign_bytes(member, |chain| draft.signed_bytes(chain));
        let own = draft.complete(member, signature);
        self.append(id, Record::Own(own.clone()));
        self.node_mut(id).unsynced.push(own);
    }

    /// One sync at a time; what is signed meanwhile waits for the next.
    pub(super) fn begin_sync(&mut self, id: usize) {
        let node = self.node_mut(id);
        if node.sync.is_some() || node.unsynced.is_empty() {
            return;
        }
        let signed = std::mem::take(&mut node.unsynced);
        node.sync = Some(node.disk.begin_sync(signed));
        let (life, factor) = (node.life, node.disk_factor);
        let at = self.now + self.latency(self.plan.storage.sync) * factor;
        self.queue.push(at, Event::Synced { node: id, life });
    }

    fn latency(&mut self, (shortest, longest): (Micros, Micros)) -> Micros {
        self.disks.range(shortest, longest)
    }

    pub(super) fn on_synced(&mut self, id: usize, life: u32) {
        let compaction = self.plan.storage.compaction;
        let node = self.node_mut(id);
        if node.life != life {
            return;
        }
        let Some(sync) = node.sync.take() else { return };
        let votes = node.disk.end_sync(&sync);
        if compaction == Compaction::AtOnce {
            let below = node.release;
            node.disk.compact(below);
        }
        self.remember(id, votes);
        self.begin_sync(id);
        for own in sync.signed {
            if self.node(id).life != life {
                return;
            }
            self.note(id, &|| format!("signed {}", crate::votes::describe(&own.message())));
            let phantom = own_votes_twice(self.mutant, &own).then(|| own.message());
            self.feed(id, Input::Signed(own));
            if let Some(message) = phantom {
                self.add_phantom(id, &message);
            }
        }
    }

    pub(super) fn remember(&mut self, id: usize, votes: Vec<(Place, Ballot)>) {
        let (member, honest) = (self.node(id).member, self.node(id).is_honest());
        for vote in votes.into_iter().filter(|_| honest) {
            self.checker.on_durable(member, vote);
        }
    }

    fn before_sending(&mut self, id: usize, message: &Message) {
        let Some(node) = self.nodes.get(id) else { return };
        if !node.is_honest() {
            return;
        }
        if let Some((signer, place, ballot)) = ballot_of(message)
            && signer == node.member
        {
            self.checker.on_vote(signer, (place, ballot), &node.disk);
        }
    }

    fn send_status(&mut self, id: usize, mut draft: StatusDraft) {
        if self.mutant == Some(Mutant::QuorumLowered) {
            draft.seen.clear(); // it would show the addressee votes that only the mutant counted
        }
        let (to, member) = (draft.to, self.node(id).member);
        let signature = self.cluster.sign_bytes(member, |chain| draft.signed_bytes(chain));
        let message = Arc::new(draft.complete(member, signature));
        self.before_sending(id, &message);
        self.say(id, to, &message);
    }

    fn forward(&mut self, id: usize, leaves: &[Hash]) {
        let node = self.node(id);
        let bodies: Vec<Body> =
            leaves.iter().filter_map(|leaf| node.known.get(leaf)).copied().collect();
        if bodies.is_empty() {
            return;
        }
        let payload = Payload::Bodies(bodies.into());
        for to in self.others(id) {
            self.post(id, to, &payload);
        }
    }

    fn decide(&mut self, id: usize, decided: &Arc<Decided>) {
        let height = decided.block.header().height.value();
        self.note(id, &|| format!("decide h{height} {:?}", decided.block.hash().0));
        let node = self.node_mut(id);
        let below = std::mem::replace(&mut node.tip, (height, decided.block.hash()));
        let held = decided.block.tx_leaves().iter().all(|leaf| node.known.contains_key(leaf));
        let honest = node.is_honest();
        node.executing.push_back(Arc::clone(decided));
        if honest {
            if !held {
                self.checker.fail(Violation::BodyMissing { height });
            }
            self.checker.on_decide(below, decided);
        }
        if self.node(id).executing.len() == 1 {
            self.begin_execution(id);
        }
        if height >= self.plan.goal && self.plan.heal_at > 0 {
            self.heal();
        }
    }

    fn begin_execution(&mut self, id: usize) {
        let (life, factor) = (self.node(id).life, self.node(id).disk_factor);
        let at = self.now + self.latency(self.plan.storage.execute) * factor;
        self.queue.push(at, Event::Executed { node: id, life });
    }

    pub(super) fn on_executed(&mut self, id: usize, life: u32) {
        let cluster = Arc::clone(&self.cluster);
        let node = self.node_mut(id);
        if node.life != life {
            return;
        }
        let Some(decided) = node.executing.pop_front() else { return };
        let BlockHash(hash) = decided.block.hash();
        let root = Tag::History.hash_pair(&node.disk.root(&cluster), &hash);
        let leaves = decided.block.tx_leaves().iter();
        let bodies = leaves.filter_map(|leaf| node.known.get(leaf)).copied().collect();
        node.disk.write_batch(Batch { decided, bodies, root });
        let height = node.disk.height();
        if node.is_honest() {
            self.checker.on_executed(height + 1, root);
        }
        if !self.node(id).executing.is_empty() {
            self.begin_execution(id);
        }
        self.feed(
            id,
            Input::Executed { height: Height::new(height), root, work: work_left(&root) },
        );
        self.check_converged();
    }

    /// The mutant's extra vote: what one member said, as if another had said it too.
    pub(super) fn add_phantom(&mut self, id: usize, message: &Message) {
        let Some((signer, place, Ballot { hash, .. })) = ballot_of(message) else { return };
        if place.kind == Kind::PrePrepare || place.kind == Kind::Checkpoint {
            return;
        }
        if !self.phantoms.insert((id, Place { ..place }, hash)) {
            return;
        }
        let me = self.node(id).member;
        let primary = self
            .cluster
            .descriptor
            .primary(Height::new(place.height), proto::View::new(place.view));
        let members = 0..self.cluster.quorum().validators();
        let phantom = members
            .map(ValidatorIndex::new)
            .find(|it| *it != me && *it != signer && *it != primary);
        let Some(phantom) = phantom else { return };
        let mut copy = message.clone();
        match &mut copy {
            Message::Prepare(signed) => signed.signer = phantom,
            Message::Commit(signed) => signed.signer = phantom,
            Message::ViewChange(change) => change.signed.signer = phantom,
            Message::PrePrepare(_)
            | Message::Checkpoint(_)
            | Message::Status(_)
            | Message::Decided(_) => return,
        }
        if let Ok(message) = self.cluster.verify(copy) {
            self.feed(id, Input::Message { from: phantom, message: Box::new(message) });
        }
    }
}

fn own_votes_twice(mutant: Option<Mutant>, own: &Own) -> bool {
    let counted = match own {
        Own::Prepare(_) | Own::Commit(_) | Own::ViewChange(_) => true,
        Own::PrePrepare(_) | Own::Checkpoint(_) => false,
    };
    counted && mutant == Some(Mutant::QuorumLowered)
}

/// Every fourth block leaves work over, the same at every member: what is left follows from what was
/// executed.
fn work_left(root: &Hash) -> Work {
    if root.as_bytes()[0].is_multiple_of(4) { Work::Left } else { Work::Done }
}
