//! The simulated world: nodes, links, disks, clocks, and the one loop over what happens next.

mod actions;
mod delivery;
mod faults;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use consensus::{
    Action, Config, Evidence, Input, Mode, NotVoting, Replica, Standing, Voting, restore,
};
use proto::block::Block;
use proto::verified::{Signed, Statement};
use proto::{BlockHash, Hash, ValidatorIndex};

use crate::check::{Checker, Forgery, Violation};
use crate::cluster::Cluster;
use crate::letter::{Event, Letter, Queue};
use crate::node::Node;
use crate::plan::{Liar, Links, MILLI, Mask, Micros, Plan};
use crate::prng::{Prng, Stream};
use crate::votes::Place;

pub use faults::Audience;

/// A deliberate defect around the core, to see that the checkers find it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutant {
    /// Each node counts one vote that nobody cast for every block and step: its quorum is lower by
    /// one.
    QuorumLowered,
    /// Restarts lose the journal and the safety record, and claim that the journal is complete.
    JournalForgotten,
}

/// A rule of a directed scenario: tells whether a letter is lost.
pub type Rule = Box<dyn FnMut(&Letter) -> bool>;

/// Whoever reads a trace.
type Sink = Box<dyn FnMut(&str)>;

/// What separates the nodes at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Cut {
    Nothing,
    Split(Mask),
    OneWay(Mask, Mask),
}

/// Whether things still break.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Chaos,
    Healed { at: Micros },
}

/// One run.
pub struct World {
    cluster: Arc<Cluster>,
    plan: Plan,
    mutant: Option<Mutant>,
    nodes: Vec<Node>,
    queue: Queue,
    now: Micros,
    cut: Cut,
    links: Links,
    sides: Mask,
    phase: Phase,
    rules: Vec<Rule>,
    checker: Checker,
    network: Prng,
    disks: Prng,
    load: Prng,
    lies: Prng,
    bodies: u64,
    probe: Option<Hash>,
    goal: u64,
    converged: bool,
    evidence: Vec<(usize, Evidence)>,
    phantoms: BTreeSet<(usize, Place, Hash)>,
    actions: Vec<Action>,
    trace: Option<Sink>,
    events: u64,
    digest: u64,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "world of seed {} at {} us", self.plan.seed, self.now)
    }
}

impl World {
    /// A world before its first event.
    pub fn new(cluster: &Arc<Cluster>, plan: Plan, mutant: Option<Mutant>) -> Self {
        let liar_of = |member: usize| {
            plan.liars.iter().find(|(index, _)| *index == member).map(|(_, liar)| *liar)
        };
        let member =
            |index: usize| ValidatorIndex::new(u16::try_from(index).expect("a handful of members"));
        let clock = |index: usize| plan.clocks.get(index).copied().unwrap_or(0);
        let mut nodes: Vec<Node> = (0..cluster.members())
            .map(|index| Node::new(member(index), liar_of(index), clock(index)))
            .collect();
        for (index, liar) in &plan.liars {
            if *liar == Liar::Twin {
                nodes.push(Node::new(member(*index), Some(*liar), clock(*index)));
            }
        }
        let honest = (0..cluster.members()).map(|index| liar_of(index).is_none()).collect();
        let forgery = match mutant {
            Some(Mutant::QuorumLowered) => Forgery::Expected,
            Some(Mutant::JournalForgotten) | None => Forgery::Checked,
        };
        let stream = |stream| Prng::new(plan.seed, stream);
        let mut world = Self {
            checker: Checker::new(cluster.quorum().votes(), honest, forgery),
            cluster: Arc::clone(cluster),
            mutant,
            nodes,
            queue: Queue::default(),
            now: 0,
            cut: Cut::Nothing,
            links: plan.links,
            sides: 0x5555,
            phase: Phase::Chaos,
            rules: Vec::new(),
            network: stream(Stream::Network),
            disks: stream(Stream::Disk),
            load: stream(Stream::Load),
            lies: stream(Stream::Byzantine),
            bodies: 0,
            probe: None,
            goal: plan.goal,
            converged: false,
            evidence: Vec::new(),
            phantoms: BTreeSet::new(),
            actions: Vec::new(),
            trace: None,
            events: 0,
            digest: plan.seed,
            plan,
        };
        world.schedule();
        world
    }

    /// Prints every event through `sink`.
    pub fn trace_to(&mut self, sink: impl FnMut(&str) + 'static) {
        self.trace = Some(Box::new(sink));
    }

    fn schedule(&mut self) {
        for (number, (at, _)) in self.plan.faults.iter().enumerate() {
            self.queue.push(*at, Event::Fault { number });
        }
        if self.plan.load_every > 0 {
            self.queue.push(self.plan.load_every, Event::Load);
        }
        if self.plan.heal_at > 0 {
            self.queue.push(self.plan.heal_at, Event::Heal);
        }
    }

    /// Starts every node at once.
    pub fn start_all(&mut self) {
        for id in 0..self.nodes.len() {
            self.start(id);
        }
    }

    /// Runs a seed to its end: chaos, healing, convergence. `None` where every rule held.
    pub fn run(&mut self) -> Option<&Violation> {
        self.start_all();
        while self.checker.violation().is_none() && !self.converged {
            if !self.next() {
                break;
            }
            if let Phase::Healed { at } = self.phase
                && self.now > at + self.plan.converge_within
            {
                let standing = self.standings();
                self.checker.fail(Violation::Stalled { standing });
            }
        }
        self.checker.violation()
    }

    /// Carries out the next event; tells whether there was one.
    fn next(&mut self) -> bool {
        let Some((at, event)) = self.queue.pop() else { return false };
        self.now = at;
        self.events += 1;
        self.digest = (self.digest ^ at).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(9);
        match event {
            Event::Deliver(letter) => self.deliver(letter),
            Event::Timer { node, timer, number } => {
                if self.node(node).is_current(timer, number) {
                    self.note(node, &|| format!("timer {timer:?}"));
                    self.feed(node, Input::Timer(timer));
                }
            }
            Event::Synced { node, life } => self.on_synced(node, life),
            Event::Executed { node, life } => self.on_executed(node, life),
            Event::Restart { node } => self.start(node),
            Event::Fault { number } => self.on_fault(number),
            Event::Load => self.on_load(),
            Event::Heal => self.heal(),
            Event::Probe => self.on_probe(),
        }
        true
    }

    fn node(&self, id: usize) -> &Node {
        self.nodes.get(id).expect("ids come from the list of nodes")
    }

    fn node_mut(&mut self, id: usize) -> &mut Node {
        self.nodes.get_mut(id).expect("ids come from the list of nodes")
    }

    fn note(&mut self, id: usize, text: &dyn Fn() -> String) {
        if let Some(sink) = &mut self.trace {
            let (ms, us) = (self.now / MILLI, self.now % MILLI);
            sink(&format!("{ms:>7}.{us:03} n{id} {}", text()));
        }
    }

    /// Starts a node from what its disk holds; nothing if it runs.
    pub fn start(&mut self, id: usize) {
        self.start_as(id, Voting::Allowed);
    }

    /// Starts a node whose host forbids it to vote.
    pub fn start_refused(&mut self, id: usize, reason: NotVoting) {
        self.start_as(id, Voting::Refused(reason));
    }

    fn start_as(&mut self, id: usize, voting: Voting) {
        if self.node(id).is_up() {
            return;
        }
        let forgets = self.mutant == Some(Mutant::JournalForgotten)
            || self.node(id).liar == Some(Liar::Forgetful);
        if forgets && self.node(id).life > 0 {
            self.node_mut(id).disk.forget_votes();
        }
        let (now, cluster) = (self.now, Arc::clone(&self.cluster));
        let mut nonce = [0; 16];
        let (high, low) = nonce.split_at_mut(8);
        high.copy_from_slice(&self.disks.draw().to_be_bytes());
        low.copy_from_slice(&self.disks.draw().to_be_bytes());
        let node = self.node_mut(id);
        let head = node.disk.head(&cluster);
        node.tip = (head.height.value(), head.block_hash);
        let records = node.disk.records().cloned().collect::<Vec<_>>();
        let restored = restore(cluster.chain, head, records, node.disk.safety());
        let config = Config { voting, ..cluster.config(node.member, nonce) };
        node.replica = Some(Box::new(Replica::new(config, restored)));
        let clock = node.clock(now);
        let bodies: Vec<_> = node.disk.bodies().copied().collect();
        let mut inputs = Vec::new();
        for mut body in bodies {
            body.received = clock;
            self.node_mut(id).known.insert(body.leaf, body);
            if !self.node(id).disk.includes(&body.leaf) {
                inputs.push(Input::BodyHeld(body));
            }
        }
        self.note(id, &|| "start".to_owned());
        inputs.push(Input::Start);
        self.feed_all(id, inputs);
    }

    /// Kills a node now.
    pub fn crash(&mut self, id: usize) {
        self.note(id, &|| "crash".to_owned());
        let Some(node) = self.nodes.get_mut(id) else { return };
        let votes = node.disk.crash(node.sync.as_ref(), &mut self.disks);
        node.stop();
        self.remember(id, votes);
    }

    /// One step of a replica, and everything it wants done.
    fn feed(&mut self, id: usize, input: Input) {
        self.feed_all(id, [input]);
    }

    /// The same with inputs that came together.
    fn feed_all(&mut self, id: usize, inputs: impl IntoIterator<Item = Input>) {
        let now = self.now;
        let mut actions = std::mem::take(&mut self.actions);
        let node = self.node_mut(id);
        let clock = node.clock(now);
        if let Some(replica) = node.replica.as_mut() {
            replica.step_all(clock, inputs, &mut actions);
            for action in actions.drain(..) {
                if self.is_doomed(id) {
                    break;
                }
                self.carry_out(id, action);
            }
            self.begin_sync(id);
        }
        actions.clear();
        self.actions = actions;
    }

    /// Counts down to a crash at an action; tells whether it came.
    fn is_doomed(&mut self, id: usize) -> bool {
        let Some(doom) = self.node_mut(id).doom.as_mut() else { return false };
        if let Some(left) = doom.after_actions.checked_sub(1) {
            doom.after_actions = left;
            return false;
        }
        let down = doom.down;
        self.crash(id);
        self.queue.push(self.now + down, Event::Restart { node: id });
        true
    }

    fn standings(&self) -> String {
        let standing = |(id, node): (usize, &Node)| match &node.replica {
            None => format!("n{id} down"),
            Some(replica) => {
                let it = replica.standing();
                format!(
                    "n{id}{} {:?} h{} v{} {:?} decided {} executed {} certified {} hardened {}",
                    if node.is_honest() { "" } else { " (liar)" },
                    it.mode,
                    it.height,
                    it.view,
                    it.phase,
                    it.decided,
                    it.executed,
                    it.certified,
                    it.hardened
                )
            }
        };
        let all: Vec<String> = self.nodes.iter().enumerate().map(standing).collect();
        format!("goal {}: {}", self.goal, all.join("; "))
    }

    /// Whether every honest node holds the goal, certified by all where all are honest.
    fn check_converged(&mut self) {
        let Phase::Healed { .. } = self.phase else { return };
        let Some(probe) = self.probe else { return };
        let goal = self.goal;
        let honest = || self.nodes.iter().filter(|node| node.is_honest());
        if honest().any(|node| node.disk.height() < goal || !node.disk.includes(&probe)) {
            return;
        }
        let all_honest = self.plan.liars.is_empty();
        self.converged = honest().all(|node| {
            let Some(replica) = &node.replica else { return false };
            let Standing { mode, certified, hardened, .. } = replica.standing();
            let level = if all_honest { hardened } else { certified };
            mode == Mode::Voting && level > goal
        });
    }

    // What directed scenarios use.

    /// Simulated microseconds since the start.
    pub fn now(&self) -> Micros {
        self.now
    }

    /// Events carried out so far.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// A number that two runs share only if the same happened in both.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The rule that was broken, if any.
    pub fn violation(&self) -> Option<&Violation> {
        self.checker.violation()
    }

    /// Highest decided height of any honest node.
    pub fn height(&self) -> u64 {
        self.checker.height()
    }

    /// Adds a rule: letters for which it returns `true` are lost.
    pub fn lose(&mut self, rule: impl FnMut(&Letter) -> bool + 'static) {
        self.rules.push(Box::new(rule));
    }

    /// Takes every rule back.
    pub fn lose_nothing(&mut self) {
        self.rules.clear();
    }

    /// Runs for a while.
    pub fn run_for(&mut self, micros: Micros) {
        let until = self.now + micros;
        while self.queue.next_at().is_some_and(|at| at <= until) {
            self.next();
        }
        self.now = until;
    }

    /// Runs until something holds; tells whether it came to hold within the time given.
    pub fn run_until(&mut self, within: Micros, holds: impl Fn(&Self) -> bool) -> bool {
        let until = self.now + within;
        while !holds(self) {
            if self.queue.next_at().is_none_or(|at| at > until) || !self.next() {
                self.now = until;
                return false;
            }
        }
        true
    }

    /// Where a node stands; `None` while it is down.
    pub fn standing(&self, id: usize) -> Option<Standing> {
        self.node(id).replica.as_ref().map(|replica| replica.standing())
    }

    /// Highest executed height of a node.
    pub fn executed(&self, id: usize) -> u64 {
        self.node(id).disk.height()
    }

    /// The block that a node executed at a height.
    pub fn block_at(&self, id: usize, height: u64) -> Option<BlockHash> {
        self.node(id).disk.batch(height).map(|batch| batch.decided.block.hash())
    }

    /// The block that a node decided at a height, executed or not.
    pub fn decided_at(&self, id: usize, height: u64) -> Option<Block> {
        self.node(id).decided(height).map(|decided| decided.block.clone())
    }

    /// Kills a node after everything that it wrote has reached its disk.
    pub fn crash_after_sync(&mut self, id: usize) {
        let node = self.node_mut(id);
        let sync = node.disk.begin_sync(Vec::new());
        let votes = node.disk.end_sync(&sync);
        self.remember(id, votes);
        self.crash(id);
    }

    /// Whether a node executed a transaction.
    pub fn includes(&self, id: usize, leaf: &Hash) -> bool {
        self.node(id).disk.includes(leaf)
    }

    /// What honest nodes found against others, with the node that found it.
    pub fn evidence(&self) -> &[(usize, Evidence)] {
        &self.evidence
    }

    /// A statement under the key of a member: for scenarios with liars of their own.
    pub fn sign_as<T: Statement>(&self, member: usize, statement: T) -> Signed<T> {
        self.cluster.sign(self.node(member).member, statement)
    }

    /// A node loses what it ever signed, while it is down.
    pub fn forget_votes(&mut self, id: usize) {
        self.node_mut(id).disk.forget_votes();
    }

    /// A node's journal loses its newest lines, while it is down.
    pub fn tear_journal(&mut self, id: usize, lines: usize) {
        self.node_mut(id).disk.tear(lines);
    }
}
