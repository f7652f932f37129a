//! The replica: its state, and the one match over what may happen to it. What each rule does is in
//! the files named after the rules.

use std::collections::BTreeMap;

use proto::certificate::CommitCertificate;
use proto::epoch::Descriptor;
use proto::quorum::Quorum;
use proto::{BlockHash, Hash, Height, TimeMs, ValidatorIndex, View};

use crate::catch_up::{Peer, Recent};
use crate::checkpoint::Checkpoints;
use crate::durable::Draft;
use crate::event::{
    Action, Config, Halt, Input, Mode, NotVoting, Phase, Standing, Timer, Voting, Work,
};
use crate::limits::{START_WAIT_MS, TIMEOUT_MS_MAX};
use crate::pool::{Bodies, Pool};
use crate::restore::Restored;
use crate::safety::{Position, Step};
use crate::slot::Slot;

/// The last decided block.
#[derive(Clone, Debug)]
pub(crate) struct Tip {
    pub(crate) height: Height,
    pub(crate) hash: BlockHash,
    pub(crate) view: View,
    pub(crate) time: TimeMs,
    pub(crate) certificate: Option<CommitCertificate>,
}

/// A view that was left, and the one wanted instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changing {
    pub(crate) target: View,
    pub(crate) clock: Clock,
}

/// L64: what the timer of a view change measures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Clock {
    /// Too few members want this view: its primary cannot act yet.
    BeforeQuorum,
    /// A quorum wants it: its primary has one timeout.
    Running,
}

/// L61: what the view timer of a view in work measures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Alarm {
    Off,
    /// Until the next heartbeat is overdue.
    Idle,
    /// Until pending work is done.
    Pending,
}

/// L73: whether the primary of a new view still waits for more view changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Grace {
    Waiting,
    Over,
}

/// The volatile state of the open height.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) height: Height,
    pub(crate) base: View,
    pub(crate) view: View,
    pub(crate) changing: Option<Changing>,
    /// k: views that failed at this height.
    pub(crate) failed: u32,
    pub(crate) opened: TimeMs,
    pub(crate) alarm: Alarm,
    pub(crate) grace: Grace,
    /// Verdicts on the bodies of blocks.
    pub(crate) checks: BTreeMap<BlockHash, Bodies>,
    /// A block that a new view must propose again and that is not here.
    pub(crate) wanted: Option<BlockHash>,
}

impl Open {
    /// The height above `tip`.
    pub(crate) fn above(tip: &Tip, descriptor: &Descriptor, opened: TimeMs) -> Self {
        let height = tip.height.next();
        // L11: the view is carried over, or two heights could be decided in different views by
        // quorums that never learn of each other.
        let base = if height == descriptor.first_height { View::ZERO } else { tip.view };
        Self {
            height,
            base,
            view: base,
            changing: None,
            failed: 0,
            opened,
            alarm: Alarm::Off,
            grace: Grace::Waiting,
            checks: BTreeMap::new(),
            wanted: None,
        }
    }
}

/// One member's replica of the protocol in this crate's README.
///
/// Total and deterministic: every input is legal in every state, and equal inputs give equal
/// actions.
#[derive(Clone, Debug)]
pub struct Replica {
    pub(crate) config: Config,
    pub(crate) quorum: Quorum,
    pub(crate) epoch_hash: Hash,
    pub(crate) now: TimeMs,
    pub(crate) mode: Mode,
    /// Whether [`Input::Start`] came.
    pub(crate) started: bool,
    pub(crate) tip: Tip,
    pub(crate) executed: Height,
    /// Whether the highest executed block left work over.
    pub(crate) work: Work,
    /// Undecided heights, the open one first.
    pub(crate) slots: BTreeMap<Height, Slot>,
    pub(crate) open: Open,
    pub(crate) pool: Pool,
    /// Decided blocks in memory.
    pub(crate) recent: BTreeMap<Height, Recent>,
    /// Hashes of decided blocks that are not hardened, to see a fork.
    pub(crate) hashes: BTreeMap<Height, BlockHash>,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) peers: Vec<Peer>,
    /// Deadlines of the timers that are set.
    pub(crate) timers: BTreeMap<Timer, TimeMs>,
    /// Highest position asked of the signer.
    pub(crate) signed: Option<Position>,
    /// Rotates the members that are asked for missing things.
    pub(crate) attempts: usize,
}

impl Replica {
    /// A replica that knows what `restored` knew. It is silent until [`Input::Start`].
    pub fn new(config: Config, restored: Restored) -> Self {
        let Restored { head, slots, safety, checkpoint, voting } = restored;
        let quorum = config.descriptor.quorum();
        let epoch_hash = config.descriptor.hash(config.chain);
        let member = config.descriptor.validator(config.me).is_some();
        let mode = match (config.voting, voting) {
            (Voting::Refused(reason), _) | (Voting::Allowed, Voting::Refused(reason)) => {
                Mode::NotVoting(reason)
            }
            (Voting::Allowed, Voting::Allowed) if !member => Mode::NotVoting(NotVoting::NotAMember),
            (Voting::Allowed, Voting::Allowed) => Mode::Starting,
        };
        let tip = Tip {
            height: head.height,
            hash: head.block_hash,
            view: head.view,
            time: head.time,
            certificate: head.certificate.clone(),
        };
        let peers = config.descriptor.validators.iter().map(|_| Peer::default()).collect();
        let hashes = BTreeMap::from([(tip.height, tip.hash)]);
        Self {
            quorum,
            epoch_hash,
            now: TimeMs::default(),
            mode,
            started: false,
            executed: tip.height,
            // Not known after a restart: the next block says it.
            work: Work::Done,
            // Messages may come before the start, and are judged like any other.
            open: Open::above(&tip, &config.descriptor, TimeMs::default()),
            tip,
            slots,
            pool: Pool::default(),
            recent: BTreeMap::new(),
            hashes,
            checkpoints: Checkpoints::new(&head, checkpoint, safety.size()),
            peers,
            timers: BTreeMap::new(),
            signed: safety.position(),
            attempts: 0,
            config,
        }
    }

    /// Takes one input at wall-clock time `now` and appends what is to be done about it.
    pub fn step(&mut self, now: TimeMs, input: Input, actions: &mut Vec<Action>) {
        self.step_all(now, [input], actions);
    }

    /// Takes inputs that came together, in their order. What follows from bodies is looked at when the
    /// last of those that came one behind the other is here: a block of a thousand needs them all, and
    /// what each of them alone allows is a block that lacks the others.
    pub fn step_all(
        &mut self,
        now: TimeMs,
        inputs: impl IntoIterator<Item = Input>,
        actions: &mut Vec<Action>,
    ) {
        self.now = now;
        let mut inputs = inputs.into_iter().peekable();
        while let Some(input) = inputs.next() {
            let body = matches!(input, Input::BodyHeld(_));
            self.take(input, actions);
            if !body || !matches!(inputs.peek(), Some(Input::BodyHeld(_))) {
                self.advance(actions);
                self.assert_invariants();
            }
        }
    }

    fn take(&mut self, input: Input, actions: &mut Vec<Action>) {
        match input {
            Input::Start => self.start(actions),
            Input::Message { from, message } => {
                self.on_message(from, (*message).into_inner(), actions);
            }
            Input::Timer(timer) => self.on_timer(timer, actions),
            Input::BodyHeld(body) => self.pool.insert(body, &self.config.descriptor.limits),
            Input::BodyDropped(leaf) => {
                self.pool.remove(&leaf);
                self.open.checks.clear();
            }
            Input::BlockFetched(block) => self.on_block(&block),
            Input::Signed(own) => self.on_signed(&own, actions),
            Input::Executed { height, root, work } => {
                self.on_executed((height, root), work, actions);
            }
            Input::Halt(reason) => self.halt(reason, actions),
        }
    }

    /// Where the replica stands.
    pub fn standing(&self) -> Standing {
        Standing {
            mode: self.mode,
            height: self.open.height,
            view: self.own_view(),
            primary: self.config.descriptor.primary(self.open.height, self.own_view()),
            phase: self.phase(),
            decided: self.tip.height,
            executed: self.executed,
            certified: self.checkpoints.certified_size(),
            hardened: self.checkpoints.hardened(),
            bodies: self.pool.len(),
            waits_for: self.waits_for(),
        }
    }

    /// Whether a body counts here as one that a block may take: the host need take back no other.
    pub fn holds_body(&self, leaf: &Hash) -> bool {
        self.pool.holds(leaf)
    }

    /// Every transition that is enabled, in the order of the protocol. Inputs only add knowledge;
    /// what follows from it happens here, whatever the order in which it came.
    fn advance(&mut self, actions: &mut Vec<Action>) {
        if !self.started {
            return;
        }
        self.finish_start(actions);
        while self.try_decide(actions) {}
        match self.mode {
            Mode::Halted(_) => return, // L103: it serves, and nothing else
            Mode::Starting | Mode::NotVoting(_) => self.follow_views(),
            Mode::Voting => {
                self.join(actions);
                self.try_lock(actions);
                self.try_new_view(actions);
                self.try_propose(actions);
                self.try_prepare(actions);
                self.try_commit(actions);
                self.try_checkpoint(actions);
            }
        }
        self.arm_timers(actions);
    }

    /// L80: asks all members what they hold of us.
    fn start(&mut self, actions: &mut Vec<Action>) {
        if self.started {
            return;
        }
        self.started = true;
        if let Mode::NotVoting(reason) = self.mode {
            actions.push(Action::Journal(crate::durable::Record::NotVoting(reason)));
        }
        actions.push(Action::ModeChanged(self.mode));
        self.open_height(actions);
        self.resume_checkpoint(actions);
        self.set_timer(Timer::Start, START_WAIT_MS, actions);
        self.tell_all(actions);
    }

    /// L80: goes on when all answered, or enough did and the wait is over.
    fn finish_start(&mut self, actions: &mut Vec<Action>) {
        if self.mode != Mode::Starting {
            return;
        }
        let answers = self.peers.iter().filter(|peer| peer.answered).count();
        let all = self.peers.len().saturating_sub(1);
        let enough = usize::from(self.quorum.votes()).saturating_sub(1);
        let waited = !self.timers.contains_key(&Timer::Start);
        if answers >= all || (waited && answers >= enough) {
            self.cancel_timer(Timer::Start, actions);
            self.change_mode(Mode::Voting, actions);
        }
    }

    fn on_timer(&mut self, timer: Timer, actions: &mut Vec<Action>) {
        if self.timers.remove(&timer).is_none() {
            return; // fired while it was being cancelled
        }
        match timer {
            Timer::ViewChange => self.on_view_timer(actions),
            Timer::Resend => self.resend(actions),
            Timer::Status => self.on_status_timer(actions),
            Timer::NewView => self.open.grace = Grace::Over,
            Timer::Fetch => self.fetch(actions),
            // Their being gone is what the transitions look at.
            Timer::Propose | Timer::Start => (),
        }
    }

    pub(crate) fn change_mode(&mut self, mode: Mode, actions: &mut Vec<Action>) {
        if self.mode != mode {
            self.mode = mode;
            actions.push(Action::ModeChanged(mode));
            if self.started {
                self.tell_all(actions);
            }
        }
    }

    /// L82: from here on this replica does not vote, also after a restart.
    pub(crate) fn stop_voting(&mut self, reason: NotVoting, actions: &mut Vec<Action>) {
        match self.mode {
            Mode::Starting | Mode::Voting => {
                actions.push(Action::Journal(crate::durable::Record::NotVoting(reason)));
                self.change_mode(Mode::NotVoting(reason), actions);
                self.cancel_timer(Timer::ViewChange, actions);
                self.cancel_timer(Timer::Resend, actions);
                self.cancel_timer(Timer::Propose, actions);
                self.cancel_timer(Timer::NewView, actions);
            }
            Mode::NotVoting(_) | Mode::Halted(_) => (), // it does not vote already
        }
    }

    pub(crate) fn halt(&mut self, reason: Halt, actions: &mut Vec<Action>) {
        if matches!(self.mode, Mode::Halted(_)) {
            return; // the first reason stands
        }
        let armed: Vec<Timer> = self.timers.keys().copied().collect();
        for timer in armed.into_iter().filter(|timer| *timer != Timer::Status) {
            self.cancel_timer(timer, actions);
        }
        self.change_mode(Mode::Halted(reason), actions);
    }

    /// Asks the signer, once for each position (L111).
    pub(crate) fn ask(&mut self, position: Position, draft: Draft, actions: &mut Vec<Action>) {
        assert!(self.may_sign(position), "no vote at or below one that was asked for");
        self.signed = Some(position);
        actions.push(Action::Sign(draft));
    }

    pub(crate) fn may_sign(&self, position: Position) -> bool {
        self.signed.is_none_or(|last| last < position)
    }

    pub(crate) fn position(&self, view: View, step: Step) -> Position {
        let epoch = self.config.descriptor.epoch;
        Position { epoch, height: self.open.height, view, step }
    }

    pub(crate) fn set_timer(&mut self, timer: Timer, after_ms: u64, actions: &mut Vec<Action>) {
        let deadline = self.now.plus_ms(after_ms);
        if self.timers.insert(timer, deadline) != Some(deadline) {
            actions.push(Action::SetTimer { timer, after_ms });
        }
    }

    /// Leaves a timer alone that is set already.
    pub(crate) fn ensure_timer(&mut self, timer: Timer, after_ms: u64, actions: &mut Vec<Action>) {
        if !self.timers.contains_key(&timer) {
            self.set_timer(timer, after_ms, actions);
        }
    }

    pub(crate) fn cancel_timer(&mut self, timer: Timer, actions: &mut Vec<Action>) {
        if self.timers.remove(&timer).is_some() {
            actions.push(Action::CancelTimer(timer));
        }
    }

    /// T(k): doubled for each failed view, up to a limit.
    pub(crate) fn timeout_ms(&self) -> u64 {
        let factor = 1u64.checked_shl(self.open.failed).unwrap_or(u64::MAX);
        self.t0_ms().saturating_mul(factor).min(TIMEOUT_MS_MAX)
    }

    /// T0.
    pub(crate) fn t0_ms(&self) -> u64 {
        self.config.timeout_ms.clamp(1, TIMEOUT_MS_MAX)
    }

    /// The view this replica is in or wants to be in: nothing below it is voted for any more.
    pub(crate) fn own_view(&self) -> View {
        self.open.changing.map_or(self.open.view, |changing| changing.target)
    }

    pub(crate) fn primary(&self, view: View) -> ValidatorIndex {
        self.config.descriptor.primary(self.open.height, view)
    }

    /// The slot of the open height.
    pub(crate) fn slot(&mut self) -> &mut Slot {
        self.slots.entry(self.open.height).or_default()
    }

    /// The slot of the open height, if anything is known of it.
    pub(crate) fn known(&self) -> Option<&Slot> {
        self.slots.get(&self.open.height)
    }

    pub(crate) fn is_decided(&self) -> bool {
        self.known().is_some_and(|slot| slot.certificate.is_some())
    }

    fn phase(&self) -> Phase {
        let Some(slot) = self.known() else { return Phase::Idle };
        if slot.certificate.is_some() {
            return Phase::Fetching;
        }
        match self.open.changing {
            Some(changing) => Phase::ViewChanging(changing.target),
            None if slot.lock_view() == Some(self.open.view) => Phase::Prepared,
            None if slot.proposals.contains_key(&self.open.view) => Phase::Proposed,
            None => Phase::Idle,
        }
    }

    /// The members whose message the next step lacks.
    fn waits_for(&self) -> Vec<ValidatorIndex> {
        let others = |lacks: &dyn Fn(ValidatorIndex) -> bool| -> Vec<ValidatorIndex> {
            let members = 0..self.quorum.validators();
            let others = members.map(ValidatorIndex::new).filter(|it| *it != self.config.me);
            others.filter(|it| lacks(*it)).collect()
        };
        match self.mode {
            Mode::Halted(_) => return Vec::new(),
            Mode::Starting => {
                return others(&|it| {
                    self.peers.get(it.position()).is_some_and(|peer| !peer.answered)
                });
            }
            Mode::Voting | Mode::NotVoting(_) => (), // by phase
        }
        let Some(slot) = self.known() else { return vec![self.primary(self.open.view)] };
        let view = self.open.view;
        match self.phase() {
            Phase::Fetching => Vec::new(),
            Phase::Idle => vec![self.primary(view)],
            Phase::Proposed => {
                let primary = self.primary(view);
                others(&|it| it != primary && !slot.prepares.has(view, it))
            }
            Phase::Prepared => others(&|it| !slot.commits.has(view, it)),
            Phase::ViewChanging(target) => others(&|it| {
                let wants = slot.view_changes.get(&it);
                wants.is_none_or(|change| change.signed.statement.view < target)
            }),
        }
    }
}
