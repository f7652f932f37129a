//! What breaks, what heals, and what clients submit.

use consensus::Body;
use proto::hash::Tag;
use proto::{Hash, TxId};

use super::{Cut, Phase, World};
use crate::cluster::GENESIS_TIME;
use crate::letter::{Event, Payload};
use crate::node::Doom;
use crate::plan::{Fault, Links, MILLI, Mask};

/// Whom a client tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    /// One node, which forwards the body to all others.
    One,
    /// One node, and the forwarded copies are lost.
    Lonely,
    /// All nodes.
    All,
}

impl World {
    pub(super) fn on_fault(&mut self, number: usize) {
        if self.is_healed() {
            return;
        }
        let Some((_, fault)) = self.plan.faults.get(number).copied() else { return };
        self.note(0, &|| format!("fault {fault:?}"));
        match fault {
            Fault::Split(mask) => self.cut = Cut::Split(mask),
            Fault::OneWay(senders, addressees) => self.cut = Cut::OneWay(senders, addressees),
            Fault::Join => self.cut = Cut::Nothing,
            Fault::Crash { node, after_actions, down } => {
                if self.node(node).is_up() {
                    self.node_mut(node).doom = Some(Doom { after_actions, down });
                }
            }
            Fault::KillAll { down, apart } => {
                let mut at = self.now + down;
                for id in 0..self.nodes.len() {
                    if self.node(id).is_up() {
                        self.crash(id);
                    }
                    self.queue.push(at, Event::Restart { node: id });
                    at += apart;
                }
            }
            Fault::Disk { node, factor } => self.node_mut(node).disk_factor = factor,
            Fault::Clock { node, offset_ms } => self.node_mut(node).clock_ms = offset_ms,
            Fault::Sides(mask) => self.sides = mask,
        }
    }

    /// Everything works again, except liars.
    pub(super) fn heal(&mut self) {
        if self.is_healed() {
            return;
        }
        self.note(0, &|| "heal".to_owned());
        self.phase = Phase::Healed { at: self.now };
        self.links = Links::QUIET;
        self.cut = Cut::Nothing;
        self.goal = self.goal.max(self.checker.height());
        for id in 0..self.nodes.len() {
            let offset_ms = self.plan.clocks.get(id).copied().unwrap_or(0);
            let restart = self.now + self.load.range(MILLI, 200 * MILLI);
            let node = self.node_mut(id);
            node.doom = None;
            node.disk_factor = 1;
            node.clock_ms = offset_ms;
            if !self.node(id).is_up() {
                self.queue.push(restart, Event::Restart { node: id });
            }
        }
        self.queue.push(self.now + 250 * MILLI, Event::Probe);
    }

    /// One last submission, to one honest member, that must be found in the chain.
    pub(super) fn on_probe(&mut self) {
        let honest: Vec<usize> =
            (0..self.nodes.len()).filter(|id| self.node(*id).is_honest()).collect();
        if let Some(id) = self.load.pick(&honest).copied() {
            self.probe = Some(self.submit(id, Audience::One));
        }
    }

    pub(super) fn on_load(&mut self) {
        if self.checker.height() >= self.plan.goal {
            return;
        }
        self.queue.push(self.now + self.plan.load_every, Event::Load);
        let ids: Vec<usize> = (0..self.nodes.len()).collect();
        let Some(id) = self.load.pick(&ids).copied() else { return };
        let audience = if self.load.chance(self.plan.lonely_permille) {
            Audience::Lonely
        } else if self.load.chance(100) {
            Audience::All
        } else {
            Audience::One
        };
        self.submit(id, audience);
    }

    /// A client submits a new body to a node; returns its leaf.
    pub fn submit(&mut self, id: usize, audience: Audience) -> Hash {
        self.bodies += 1;
        let number = self.bodies.to_be_bytes();
        let leaf = Tag::Tx.hash(&number);
        // One in sixteen has little time, and may expire before it is ordered.
        let short = self.bodies.is_multiple_of(16) && !self.is_healed();
        let life_ms = if short { 1_000 } else { 3_600_000 };
        let now_ms = GENESIS_TIME.plus_ms(self.now / MILLI);
        let body = Body {
            leaf,
            tx_id: TxId(Tag::TxId.hash(&number)),
            bytes: 400,
            operations: 1,
            valid_until: now_ms.plus_ms(life_ms),
            received: now_ms,
        };
        self.note(id, &|| format!("submit {leaf:?} {audience:?}"));
        match audience {
            Audience::All => (0..self.nodes.len()).for_each(|id| self.learn(id, body)),
            Audience::Lonely => self.learn(id, body),
            Audience::One => {
                self.learn(id, body);
                if self.node(id).is_up() {
                    for to in self.others(id) {
                        self.post(id, to, &Payload::Bodies([body].into()));
                    }
                }
            }
        }
        leaf
    }

    /// Separates the nodes of the mask from the others.
    pub fn split(&mut self, mask: Mask) {
        self.cut = Cut::Split(mask);
    }

    /// Links work again.
    pub fn join(&mut self) {
        self.cut = Cut::Nothing;
    }
}
