//! Letters: what links do to them, what liars do to them, and what the host of the addressee does.

use std::sync::Arc;

use consensus::{Input, Own, Record};
use proto::limits::FETCH_BLOCKS_MAX;
use proto::message::{Decided, Message};
use proto::{BlockHash, ValidatorIndex};

use super::{Cut, Mutant, Phase, World};
use crate::check::Violation;
use crate::letter::{Event, Letter, Payload};
use crate::plan::{Liar, Mask, Micros};
use crate::votes::describe;

impl World {
    /// A message to one member, truthful or not.
    pub(super) fn say(&mut self, id: usize, to: ValidatorIndex, message: &Arc<Message>) {
        let node = self.node(id);
        let said = match node.liar {
            None => Some(Arc::clone(message)),
            Some(liar) => {
                crate::liar::lie(liar, &self.cluster, node.member, message, &mut self.lies)
            }
        };
        if let Some(message) = said {
            self.post(id, to, &Payload::Message(message));
        }
    }

    /// Puts a letter on its way to every copy of a member.
    pub(super) fn post(&mut self, id: usize, to: ValidatorIndex, payload: &Payload) {
        if self.node(id).liar == Some(Liar::Silent) {
            return;
        }
        for target in 0..self.nodes.len() {
            if self.node(target).member == to && self.is_on_side(id, target) {
                self.carry(Letter { from: id, to: target, payload: payload.clone() });
            }
        }
    }

    /// Each copy of a twin talks to the members of its side.
    fn is_on_side(&self, from: usize, to: usize) -> bool {
        let first_copy = |id: usize| id < self.cluster.members();
        let side = |id: usize| (self.sides >> (id % self.cluster.members())) & 1 == 1;
        match (self.node(from).liar, self.node(to).liar) {
            (Some(Liar::Twin), Some(Liar::Twin)) => first_copy(from) == first_copy(to),
            (Some(Liar::Twin), _) => first_copy(from) == side(to),
            (_, Some(Liar::Twin)) => first_copy(to) == side(from),
            _ => true,
        }
    }

    fn is_cut(&self, from: usize, to: usize) -> bool {
        let is_in = |mask: Mask, id: usize| (mask >> id) & 1 == 1;
        match self.cut {
            Cut::Nothing => false,
            Cut::Split(mask) => is_in(mask, from) != is_in(mask, to),
            Cut::OneWay(senders, addressees) => is_in(senders, from) && is_in(addressees, to),
        }
    }

    fn carry(&mut self, letter: Letter) {
        let links = self.links;
        let lost = self.is_cut(letter.from, letter.to)
            || self.network.chance(links.loss_permille)
            || self.rules.iter_mut().any(|rule| rule(&letter));
        if lost {
            return;
        }
        if self.network.chance(links.duplicate_permille) {
            let at = self.now + self.delay();
            self.queue.push(at, Event::Deliver(letter.clone()));
        }
        let at = self.now + self.delay();
        self.queue.push(at, Event::Deliver(letter));
    }

    fn delay(&mut self) -> Micros {
        let links = self.links;
        let usual = self.network.range(links.delay_min, links.delay_max);
        if self.network.chance(links.tail_permille) {
            return usual + self.network.below(links.tail_max);
        }
        usual
    }

    /// Hands a message to a node as if `from` had sent it: for scenarios with liars of their own.
    pub fn inject(&mut self, from: usize, to: usize, message: Message) {
        self.deliver(Letter { from, to, payload: Payload::Message(Arc::new(message)) });
    }

    pub(super) fn deliver(&mut self, letter: Letter) {
        let Letter { from, to, payload } = letter;
        if !self.node(to).is_up() {
            return;
        }
        let sender = self.node(from).member;
        match payload {
            Payload::Message(message) => self.deliver_message(from, to, message),
            Payload::Bodies(bodies) => {
                for body in bodies.iter() {
                    self.learn(to, *body);
                }
            }
            Payload::AskBodies(leaves) => {
                let known = &self.node(to).known;
                let found: Vec<_> =
                    leaves.iter().filter_map(|leaf| known.get(leaf)).copied().collect();
                if !found.is_empty() {
                    self.post(to, sender, &Payload::Bodies(found.into()));
                }
            }
            Payload::AskBlock(hash) => self.answer_block(to, sender, *hash),
            Payload::Block(block) => {
                let block = proto::block::Block::clone(&block);
                self.feed(to, Input::BlockFetched(Box::new(block)));
            }
            Payload::AskBlocks { first, count } => self.answer_blocks(to, sender, first, count),
        }
    }

    fn deliver_message(&mut self, from: usize, to: usize, message: Arc<Message>) {
        self.note(to, &|| format!("<- n{from} {}", describe(&message)));
        let sender = self.node(from).member;
        let phantom = (self.mutant == Some(Mutant::QuorumLowered)).then(|| Arc::clone(&message));
        match self.cluster.verify(Arc::unwrap_or_clone(message)) {
            Ok(message) => {
                self.feed(to, Input::Message { from: sender, message: Box::new(message) });
            }
            Err(reason) if self.node(from).is_honest() => {
                self.checker.fail(Violation::Refused { reason: reason.to_string() });
            }
            Err(_) => (), // a liar's: dropped before the replica sees it
        }
        if let Some(message) = phantom {
            self.add_phantom(to, &message);
        }
    }

    /// The block of a proposal under way, from the journal.
    fn answer_block(&mut self, id: usize, to: ValidatorIndex, hash: BlockHash) {
        let block = self.node(id).disk.records().find_map(|record| match record {
            Record::Proposal(proposal) | Record::Own(Own::PrePrepare(proposal)) => {
                (proposal.block.hash() == hash).then(|| proposal.block.clone())
            }
            Record::Own(
                Own::Prepare(_) | Own::Commit(_) | Own::ViewChange(_) | Own::Checkpoint(_),
            )
            | Record::Prepared(_)
            | Record::Decided(_)
            | Record::NotVoting(_) => None,
        });
        if let Some(block) = block {
            self.post(id, to, &Payload::Block(Arc::new(block)));
        }
    }

    /// Decided blocks out of the ledger, each after its bodies.
    fn answer_blocks(&mut self, id: usize, to: ValidatorIndex, first: u64, count: u64) {
        for height in first..first.saturating_add(count.min(FETCH_BLOCKS_MAX.into())) {
            let Some(batch) = self.node(id).disk.batch(height) else { return };
            let (bodies, decided) = (batch.bodies.clone(), Decided::clone(&batch.decided));
            if !bodies.is_empty() {
                self.post(id, to, &Payload::Bodies(bodies.into()));
            }
            self.say(id, to, &Arc::new(Message::Decided(decided)));
        }
    }

    /// A body reaches a node: the host refuses what an earlier block holds.
    pub(super) fn learn(&mut self, id: usize, mut body: consensus::Body) {
        let now = self.now;
        let node = self.node_mut(id);
        if !node.is_up() || node.disk.includes(&body.leaf) {
            return;
        }
        body.received = node.clock(now);
        node.known.entry(body.leaf).or_insert(body);
        self.feed(id, Input::BodyHeld(body));
    }

    pub(super) fn is_healed(&self) -> bool {
        matches!(self.phase, Phase::Healed { .. })
    }
}
