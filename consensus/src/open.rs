//! Opening heights, building blocks, and deciding: what moves the chain from one height to the next.

use std::sync::Arc;

use proto::block::{Block, BlockHeader};
use proto::certificate::CommitCertificate;
use proto::message::{Decided, PrePrepare};
use proto::{Hash, Height, View};

use crate::catch_up::Recent;
use crate::durable::{Draft, Record};
use crate::event::{Action, Halt, Timer, Work};
use crate::evidence::{Evidence, Misbehaviour};
use crate::limits::{CLOCK_SKEW_MS_MAX, RECENT_BLOCKS_MAX, REMEMBERED_MAX};
use crate::replica::{Changing, Clock, Open, Replica, Tip};
use crate::safety::Step;

impl Replica {
    /// L10: opens the height above the tip and looks again at what came early.
    pub(crate) fn open_height(&mut self, actions: &mut Vec<Action>) {
        self.open = Open::above(&self.tip, &self.config.descriptor, self.now);
        self.resume_own();
        for timer in [Timer::ViewChange, Timer::Resend, Timer::Propose, Timer::NewView] {
            self.cancel_timer(timer, actions);
        }
        let early = std::mem::take(&mut self.slot().proposals);
        for (view, proposal) in early {
            match self.check_proposal(&proposal) {
                Ok(()) => {
                    self.slot().proposals.insert(view, proposal);
                }
                Err(reason) => self.refuse_proposal(&proposal, reason, actions),
            }
        }
        let (base, parent, me) = (self.open.base, self.tip.hash, self.config.me);
        self.slot().view_changes.retain(|signer, change| {
            *signer == me || crate::view_change::acceptable(&change.signed.statement, base, parent)
        });
    }

    /// Votes of ours at this height, from the journal: view and phase continue there.
    fn resume_own(&mut self) {
        let Some(slot) = self.known() else { return };
        let own = &slot.own;
        let voted = [
            own.proposal.as_ref().map(|proposal| proposal.signed.statement.view),
            own.prepare.as_ref().map(|signed| signed.statement.view),
            own.commit.as_ref().map(|signed| signed.statement.view),
            slot.lock_view(),
        ];
        let view = voted.into_iter().flatten().max().unwrap_or(self.open.base);
        let wanted = own.view_change.as_ref().map(|change| change.signed.statement.view);
        self.open.view = view.max(self.open.base);
        self.open.changing = wanted
            .filter(|wanted| *wanted > self.open.view)
            .map(|target| Changing { target, clock: Clock::BeforeQuorum });
    }

    /// L31: whether execution and certification are close enough to take part at the open height.
    pub(crate) fn may_extend(&self) -> bool {
        let height = self.open.height.value();
        let lag = u64::from(self.config.descriptor.lag);
        let executed = self.executed.value().saturating_add(lag).saturating_add(1);
        executed >= height
            && self.checkpoints.certified_size() >= height.saturating_sub(lag.saturating_mul(2))
    }

    /// L20-L23: proposes in the base view, when there is something to propose.
    pub(crate) fn try_propose(&mut self, actions: &mut Vec<Action>) {
        let base = self.open.base;
        let position = self.position(base, Step::Prepare);
        if self.own_view() != base
            || self.primary(base) != self.config.me
            || self.is_decided()
            || !self.may_sign(position)
            || !self.may_extend()
        {
            return;
        }
        let due = self.proposal_due();
        if self.now < due {
            self.set_timer(Timer::Propose, due.since_ms(self.now), actions);
            return;
        }
        let Some(block) = self.build_block(base, actions) else { return };
        self.cancel_timer(Timer::Propose, actions);
        self.propose(base, Arc::new(block), Vec::new(), actions);
    }

    /// L22, L25: when the next block is cut.
    fn proposal_due(&self) -> proto::TimeMs {
        let limits = &self.config.descriptor.limits;
        let heartbeat = self.open.opened.plus_ms(self.heartbeat_ms());
        let since = match (self.pool.oldest(self.block_time(), limits), self.work) {
            (Some(_), _) if self.pool.fills_a_block(limits) => return self.now,
            // A body cannot have been received later than now, whatever the clock did.
            (Some(received), _) => received.min(self.now),
            (None, Work::Left) => self.open.opened,
            (None, Work::Done) => return heartbeat,
        };
        let interval = self.config.block_interval_ms;
        let pause = if self.executed < self.tip.height {
            // One more block would wait for its execution: what comes meanwhile goes into this one.
            // Half of T0 leaves the backups, whose clocks run since the body came, time to agree.
            interval.max(self.t0_ms() / 2)
        } else {
            interval
        };
        since.plus_ms(pause).min(heartbeat)
    }

    /// Milliseconds from the opening of this height to its heartbeat. The first height has none to
    /// wait for: its block shows that the members found each other.
    pub(crate) fn heartbeat_ms(&self) -> u64 {
        let first = self.open.height == self.config.descriptor.first_height;
        if first { 0 } else { self.config.heartbeat_ms }
    }

    fn block_time(&self) -> proto::TimeMs {
        self.now.max(self.tip.time.plus_ms(1))
    }

    /// L21, L24: a fresh block, or none while the clock is too far behind the parent.
    pub(crate) fn build_block(&mut self, view: View, actions: &mut Vec<Action>) -> Option<Block> {
        let time = self.block_time();
        let ahead = time.since_ms(self.now);
        if ahead > CLOCK_SKEW_MS_MAX {
            self.set_timer(Timer::Propose, ahead - CLOCK_SKEW_MS_MAX, actions);
            return None;
        }
        let header = BlockHeader {
            chain: self.config.chain,
            epoch: self.config.descriptor.epoch,
            epoch_hash: self.epoch_hash,
            height: self.open.height,
            view,
            primary: self.primary(view),
            parent: self.tip.hash,
            time,
            tx_count: 0,
            tx_root: Hash::ZERO,
            evidence_count: 0,
            evidence_root: Hash::ZERO,
        };
        Some(Block::new(header, self.pool.cut(time, &self.config.descriptor.limits)))
    }

    /// Asks for the signature of a proposal; it is also this replica's PREPARE.
    pub(crate) fn propose(
        &mut self,
        view: View,
        block: Arc<Block>,
        justification: Vec<proto::message::ViewChangeMessage>,
        actions: &mut Vec<Action>,
    ) {
        let just_hash = if justification.is_empty() {
            Hash::ZERO
        } else {
            proto::message::justification_hash(&justification)
        };
        let statement = PrePrepare {
            epoch: self.config.descriptor.epoch,
            height: self.open.height,
            view,
            block_hash: block.hash(),
            just_hash,
        };
        let draft = Draft::PrePrepare { statement, block, justification };
        self.ask(self.position(view, Step::Prepare), draft, actions);
    }

    /// L50, L51: a commit certificate of an undecided height, from own counting or from a member.
    pub(crate) fn learn_certificate(
        &mut self,
        certificate: CommitCertificate,
        actions: &mut Vec<Action>,
    ) {
        let named = certificate.statement;
        let known = if named.height > self.tip.height {
            self.slots.get(&named.height).and_then(|slot| slot.certificate.clone())
        } else if self.hashes.get(&named.height).is_some_and(|hash| *hash != named.block_hash) {
            self.decided_certificate(named.height)
        } else {
            return; // decided so, or too long ago to tell
        };
        match known {
            Some(first) if first.statement.block_hash != named.block_hash => {
                // L101: whom to believe is not for a program to say.
                let fork = Evidence::Fork { first, second: certificate };
                actions.push(Action::Evidence(Box::new(fork)));
                self.halt(Halt::Fork, actions);
            }
            Some(_) => (), // known
            None if named.height > self.tip.height => {
                self.compare_commits(&certificate, actions);
                self.slots.entry(named.height).or_default().certificate = Some(certificate);
            }
            None => self.halt(Halt::Fork, actions),
        }
    }

    /// The certificate that decided a height, while it is in memory.
    fn decided_certificate(&self, height: Height) -> Option<CommitCertificate> {
        if height == self.tip.height {
            return self.tip.certificate.clone();
        }
        Some(self.recent.get(&height)?.decided.certificate.clone())
    }

    /// L52: decides the open height when its certificate, block and bodies are here.
    pub(crate) fn try_decide(&mut self, actions: &mut Vec<Action>) -> bool {
        if matches!(self.mode, crate::event::Mode::Halted(_)) {
            return false;
        }
        let Some(slot) = self.known() else { return false };
        let Some(certificate) = slot.certificate.clone() else { return false };
        let Some(block) = slot.block(certificate.statement.block_hash).cloned() else {
            return false;
        };
        if block.header().parent != self.tip.hash || block.header().time <= self.tip.time {
            let height = self.open.height;
            actions.push(Action::Report(Misbehaviour::NotChained { height }));
            self.halt(Halt::Fork, actions);
            return false;
        }
        if let Some(first) = self.pool.first_missing(&block, self.open.checks.get(&block.hash())) {
            self.open.checks.insert(block.hash(), first);
            return false;
        }
        let journaled = slot.decision_journaled;
        let decided = Arc::new(Decided { block: Block::clone(&block), certificate });
        if !journaled {
            // L53: synced with the first vote of the next height at the latest.
            actions.push(Action::Journal(Record::Decided(Arc::clone(&decided))));
        }
        self.decide(decided, actions);
        true
    }

    fn decide(&mut self, decided: Arc<Decided>, actions: &mut Vec<Action>) {
        let header = decided.block.header();
        let height = header.height;
        self.tip = Tip {
            height,
            hash: decided.block.hash(),
            view: header.view,
            time: header.time,
            certificate: Some(decided.certificate.clone()),
        };
        self.pool.decide(&decided.block, &self.config.descriptor.limits);
        self.slots.remove(&height);
        self.hashes.insert(height, self.tip.hash);
        if self.hashes.len() > REMEMBERED_MAX {
            self.hashes.pop_first();
        }
        self.recent.insert(height, Recent { decided: Arc::clone(&decided), decided_at: self.now });
        self.recent = self.recent.split_off(&height.minus(RECENT_BLOCKS_MAX));
        actions.push(Action::Decide(decided));
        self.open_height(actions);
    }
}
