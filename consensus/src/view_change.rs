//! Leaving a view, joining others in a new one, and opening it as its primary.

use proto::message::{Message, ViewChange, ViewChangeMessage};
use proto::verified::Signed;
use proto::{BlockHash, ValidatorIndex, View};

use crate::durable::{Draft, Positioned as _};
use crate::event::{Action, Mode, Timer};
use crate::evidence::{Evidence, Misbehaviour, hides, highest_prepared};
use crate::limits::{HEARTBEAT_GRACE_MS, INCLUSION_MS_MIN};
use crate::pool::{Bodies, Complaint};
use crate::replica::{Alarm, Changing, Clock, Grace, Replica};
use crate::safety::Step;

/// The receipt rules of a view change that depend on the open height.
pub(crate) fn acceptable(change: &ViewChange, base: View, parent: BlockHash) -> bool {
    change.view > base
        && change.parent == parent
        && change.prepared.is_none_or(|(view, _)| view >= base && view < change.view)
}

impl Replica {
    pub(crate) fn on_view_change(
        &mut self,
        from: ValidatorIndex,
        change: &ViewChangeMessage,
        actions: &mut Vec<Action>,
    ) {
        let Signed { statement, signer, .. } = change.signed.clone();
        let height = statement.height;
        if !self.admits(from, signer, statement.position(), actions)
            || statement.view > self.view_max()
        {
            return;
        }
        if height == self.open.height && !acceptable(&statement, self.open.base, self.tip.hash) {
            actions.push(Action::Report(Misbehaviour::ViewChange { signer, height }));
            return;
        }
        let slot = self.slots.entry(height).or_default();
        let hidden = slot.commits.of(signer).find_map(|(view, vote)| {
            let commit = proto::message::Commit {
                epoch: statement.epoch,
                height,
                view,
                block_hash: vote.block_hash,
            };
            let signature = vote.signature;
            hides(&statement, &commit).then_some(Signed { statement: commit, signer, signature })
        });
        let known = slot.view_changes.get(&signer).map(|known| known.signed.statement.view);
        if known < Some(statement.view) {
            slot.view_changes.insert(signer, change.clone());
        }
        if let Some(commit) = hidden {
            self.accuse_hidden(commit, change.signed.clone(), actions);
        }
        self.compare_certificate(change, actions);
    }

    /// A certificate beside a view change may show that a primary signed two proposals, or that a
    /// quorum prepared two blocks.
    fn compare_certificate(&mut self, change: &ViewChangeMessage, actions: &mut Vec<Action>) {
        let Some(second) = &change.certificate else { return };
        let named = &second.pre_prepare.statement;
        let Some(slot) = self.slots.get_mut(&named.height) else { return };
        let signer = second.pre_prepare.signer;
        let lock = slot.lock.as_ref().filter(|lock| {
            let locked = &lock.pre_prepare.statement;
            locked.view == named.view && locked.block_hash != named.block_hash
        });
        let proposal = slot
            .proposals
            .get(&named.view)
            .filter(|known| known.signed.signer == signer && known.signed.statement != *named);
        let evidence = match (lock, proposal) {
            (Some(first), _) => {
                Evidence::DoublePrepared { first: first.clone(), second: second.clone() }
            }
            (None, Some(known)) => Evidence::DoublePrePrepare {
                first: known.signed.clone(),
                second: second.pre_prepare.clone(),
            },
            (None, None) => return,
        };
        if slot.accused.insert((named.view, signer)) {
            actions.push(Action::Evidence(Box::new(evidence)));
        }
    }

    /// L63: the largest view that b + 1 others want at least, within reach.
    fn wanted_by_others(&self) -> View {
        let wanted = self.known().map(|slot| slot.views_wanted(self.config.me));
        let index = usize::from(self.quorum.malicious_max());
        let view = wanted.and_then(|views| views.get(index).copied()).unwrap_or(View::ZERO);
        view.min(self.view_max())
    }

    /// L65: joins J others in a higher view; sees the quorum that starts the clock of a view.
    pub(crate) fn join(&mut self, actions: &mut Vec<Action>) {
        if self.is_decided() {
            return;
        }
        let Some(slot) = self.known() else { return };
        if slot.view_changes.is_empty() {
            return;
        }
        let index = usize::from(self.quorum.join()).saturating_sub(1);
        let wanted = slot.views_wanted(self.config.me).get(index).copied();
        if let Some(view) = wanted.filter(|view| *view > self.own_view()) {
            self.enter_view_change(view, actions);
        }
        let Some(Changing { target, clock: Clock::BeforeQuorum }) = self.open.changing else {
            return;
        };
        // L64: started once, when the primary of the view can act.
        if self.known().is_some_and(|slot| self.quorum.reached(slot.wanting(target))) {
            self.open.changing = Some(Changing { target, clock: Clock::Running });
            self.set_timer(Timer::ViewChange, self.timeout_ms(), actions);
        }
    }

    /// L66: leaves the own view for `target`.
    fn enter_view_change(&mut self, target: View, actions: &mut Vec<Action>) {
        let position = self.position(target, Step::ViewChange);
        if self.mode != Mode::Voting || self.is_decided() || !self.may_sign(position) {
            return;
        }
        let certificate = self.known().and_then(|slot| slot.lock.clone());
        let statement = ViewChange {
            epoch: self.config.descriptor.epoch,
            height: self.open.height,
            view: target,
            parent: self.tip.hash,
            prepared: certificate.as_ref().map(|certificate| {
                let prepared = &certificate.pre_prepare.statement;
                (prepared.view, prepared.block_hash)
            }),
        };
        self.open.changing = Some(Changing { target, clock: Clock::BeforeQuorum });
        self.open.grace = Grace::Waiting;
        self.open.wanted = None;
        self.cancel_timer(Timer::NewView, actions);
        self.cancel_timer(Timer::Propose, actions);
        self.set_timer(Timer::ViewChange, self.timeout_ms(), actions);
        self.ask(position, Draft::ViewChange { statement, certificate }, actions);
    }

    /// L62: proof against the primary of the own view, or a body that it left out.
    fn leave_view(&mut self, actions: &mut Vec<Action>) {
        if self.open.changing.is_none() && self.mode == Mode::Voting {
            let target = self.open.view.next().max(self.wanted_by_others());
            self.enter_view_change(target, actions);
        }
    }

    pub(crate) fn on_proof_against_primary(&mut self, view: View, actions: &mut Vec<Action>) {
        if self.started && view == self.open.view {
            self.leave_view(actions);
        }
    }

    /// L62, L64: the timer of a view, or of a view change, fired.
    pub(crate) fn on_view_timer(&mut self, actions: &mut Vec<Action>) {
        if self.mode != Mode::Voting || self.is_decided() {
            return;
        }
        // L69: perhaps the primary never saw what it should have proposed.
        let old = self.pool.received_before(self.now.minus_ms(self.t0_ms()));
        if !old.is_empty() {
            actions.push(Action::ForwardBodies(old));
        }
        match self.open.changing {
            None => {
                if self.open.view > self.open.base {
                    self.open.failed = self.open.failed.saturating_add(1);
                }
                self.open.alarm = Alarm::Off;
                self.leave_view(actions);
            }
            Some(Changing { clock: Clock::BeforeQuorum, .. }) => {
                // Climbing alone would only lead further away from the others.
                self.resend_view_change(actions);
                self.set_timer(Timer::ViewChange, self.timeout_ms(), actions);
            }
            Some(Changing { target, clock: Clock::Running }) => {
                self.open.failed = self.open.failed.saturating_add(1);
                let next = target.next().max(self.wanted_by_others());
                self.enter_view_change(next, actions);
            }
        }
    }

    fn resend_view_change(&self, actions: &mut Vec<Action>) {
        if let Some(change) = self.known().and_then(|slot| slot.own.view_change.clone()) {
            actions.push(Action::Broadcast(std::sync::Arc::new(Message::ViewChange(change))));
        }
    }

    /// L72-L74: opens the view it leads, once a quorum of view changes is here.
    pub(crate) fn try_new_view(&mut self, actions: &mut Vec<Action>) {
        let Some(Changing { target: view, .. }) = self.open.changing else { return };
        let Some(slot) = self.known() else { return };
        let me = self.config.me;
        let own = slot.view_changes.get(&me).map(|change| change.signed.statement.view);
        if self.primary(view) != me
            || own != Some(view)
            || slot.certificate.is_some()
            || !self.may_sign(self.position(view, Step::Prepare))
        {
            return;
        }
        let set = slot.view_changes_for(view);
        if !self.quorum.reached(set.len()) {
            return;
        }
        let complete = set.len() == usize::from(self.quorum.validators());
        if self.open.grace == Grace::Waiting && !complete {
            // L73: one lock more may be on its way; an eighth of T0 is all it gets.
            self.ensure_timer(Timer::NewView, self.t0_ms() / 8, actions);
            return;
        }
        self.open_view(view, set, actions);
    }

    fn open_view(&mut self, view: View, set: Vec<ViewChangeMessage>, actions: &mut Vec<Action>) {
        let certificates = set.iter().filter_map(|change| change.certificate.as_ref());
        let prepared = match highest_prepared(certificates) {
            Ok(prepared) => prepared.map(|highest| highest.pre_prepare.statement.block_hash),
            Err((first, second)) => {
                let (first, second) = (first.clone(), second.clone());
                let key = (first.pre_prepare.statement.view, first.pre_prepare.signer);
                if self.slot().accused.insert(key) {
                    let evidence = Evidence::DoublePrepared { first, second };
                    actions.push(Action::Evidence(Box::new(evidence)));
                }
                return;
            }
        };
        let block = match prepared {
            Some(hash) => {
                let block = self.known().and_then(|slot| slot.block(hash)).cloned();
                self.open.wanted = Some(hash); // L74: block or bodies may have to be fetched
                let Some(block) = block else { return };
                if self.check_bodies(hash, actions) != Bodies::Ready {
                    return;
                }
                block
            }
            None if !self.may_extend() => return,
            None => {
                let Some(block) = self.build_block(view, actions) else { return };
                std::sync::Arc::new(block)
            }
        };
        self.open.wanted = None;
        self.cancel_timer(Timer::NewView, actions);
        self.propose(view, block, set, actions);
        self.enter_view(view);
    }

    /// A replica that does not vote still looks where the others are.
    pub(crate) fn follow_views(&mut self) {
        let highest = self.known().and_then(|slot| slot.proposals.keys().next_back().copied());
        if let Some(view) = highest.filter(|view| *view > self.own_view()) {
            self.enter_view(view);
        }
    }

    /// L61: whether something waits to be decided.
    fn work_pending(&self) -> bool {
        let limits = &self.config.descriptor.limits;
        let Some(slot) = self.known() else { return false };
        self.pool.oldest(self.now, limits).is_some()
            || !slot.proposals.is_empty()
            || self.peers.iter().any(|peer| peer.ahead > self.tip.height)
            || slot.views_wanted(self.config.me).first().is_some_and(|view| *view > self.open.view)
    }

    /// L60, L61: in a view in work, the timer runs towards the next thing that could be overdue.
    pub(crate) fn arm_timers(&mut self, actions: &mut Vec<Action>) {
        self.arm_fetch(actions);
        self.arm_resend(actions);
        if self.mode != Mode::Voting {
            return;
        }
        if self.is_decided() {
            self.cancel_timer(Timer::ViewChange, actions);
            return;
        }
        if self.open.changing.is_some() {
            // Set when the view change began, or, if that was before a restart, now.
            self.ensure_timer(Timer::ViewChange, self.timeout_ms(), actions);
            return;
        }
        match (self.work_pending(), self.open.alarm) {
            (true, Alarm::Pending) | (false, Alarm::Idle) => (), // runs
            (true, Alarm::Off | Alarm::Idle) => {
                self.open.alarm = Alarm::Pending;
                self.set_timer(Timer::ViewChange, self.timeout_ms(), actions);
            }
            (false, Alarm::Off | Alarm::Pending) => {
                self.open.alarm = Alarm::Idle;
                let overdue = self.heartbeat_ms().saturating_add(HEARTBEAT_GRACE_MS);
                let left = self.open.opened.plus_ms(overdue).since_ms(self.now);
                let after = left.saturating_add(self.timeout_ms());
                self.set_timer(Timer::ViewChange, after, actions);
            }
        }
    }

    /// L68: leaves a primary that leaves out what it must have seen.
    pub(crate) fn check_inclusion(&mut self, actions: &mut Vec<Action>) {
        if self.mode != Mode::Voting || self.open.changing.is_some() || self.is_decided() {
            return;
        }
        let held_max = INCLUSION_MS_MIN.max(self.t0_ms().saturating_mul(4));
        let before = self.now.minus_ms(held_max);
        let primary = self.primary(self.open.view);
        if primary == self.config.me {
            return;
        }
        let limits = &self.config.descriptor.limits;
        if self.pool.complain(primary, before, self.now, limits) == Complaint::LeftOut {
            self.leave_view(actions);
        }
    }
}
