//! What happens in a run: every knob, drawn from the seed before the first event. Each seed turns
//! a random subset of them, so that rare pairs of faults meet without the noise of all others.

use crate::prng::{Prng, Stream};

/// Microseconds of simulated time.
pub type Micros = u64;

/// One millisecond.
pub const MILLI: Micros = 1_000;

/// One second.
pub const SECOND: Micros = 1_000_000;

/// Members as a set of bits, by node.
pub type Mask = u32;

/// How a link treats what is sent over it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Links {
    /// Letters lost, of 1,000.
    pub loss_permille: u64,
    /// Letters that arrive twice, of 1,000.
    pub duplicate_permille: u64,
    /// Shortest delay.
    pub delay_min: Micros,
    /// Longest usual delay; what lies between shuffles the order.
    pub delay_max: Micros,
    /// Letters that are much later, of 1,000.
    pub tail_permille: u64,
    /// How late they may be.
    pub tail_max: Micros,
}

impl Links {
    /// A quiet local network.
    pub const QUIET: Self = Self {
        loss_permille: 0,
        duplicate_permille: 0,
        delay_min: MILLI,
        delay_max: 2 * MILLI,
        tail_permille: 0,
        tail_max: 0,
    };
}

/// When a journal drops the records that are no longer needed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compaction {
    /// With the next sync.
    AtOnce,
    /// Never in this run.
    Never,
}

/// How a disk behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Storage {
    /// Shortest and longest sync of the journal.
    pub sync: (Micros, Micros),
    /// Shortest and longest execution of a block with its synced batch.
    pub execute: (Micros, Micros),
    /// When the journal shrinks.
    pub compaction: Compaction,
}

/// What a malicious member does beside running the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Liar {
    /// It says nothing at all.
    Silent,
    /// It runs twice with one key; each copy talks to some of the others.
    Twin,
    /// It signs checkpoints with roots of its own invention.
    GarbageRoots,
    /// Its status claims whatever comes to its mind, and hides what it has seen.
    LyingStatus,
    /// It forgets its journal at every crash, and crashes often.
    Forgetful,
    /// It changes a field of what it signs, or tells the members different things.
    Mutating,
}

impl Liar {
    const ALL: [Self; 6] = [
        Self::Silent,
        Self::Twin,
        Self::GarbageRoots,
        Self::LyingStatus,
        Self::Forgetful,
        Self::Mutating,
    ];
}

/// One thing that breaks, or stops being broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nothing passes between the nodes of the mask and the others.
    Split(Mask),
    /// Nothing passes from the first nodes to the second.
    OneWay(Mask, Mask),
    /// All links work again.
    Join,
    /// A node stops after so many more actions, and comes back after a while.
    Crash {
        /// Which node.
        node: usize,
        /// Actions that it still carries out.
        after_actions: u32,
        /// How long it stays down.
        down: Micros,
    },
    /// All nodes stop at once, and come back one after the other.
    KillAll {
        /// How long the first stays down.
        down: Micros,
        /// Pause between one and the next.
        apart: Micros,
    },
    /// A disk syncs slower by this factor; 1 is its usual pace.
    Disk {
        /// Which node.
        node: usize,
        /// The factor.
        factor: u64,
    },
    /// A clock is set to this offset in milliseconds.
    Clock {
        /// Which node.
        node: usize,
        /// The offset.
        offset_ms: i64,
    },
    /// The copies of a twin talk to other members than before.
    Sides(Mask),
}

/// A run, before it begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// Height that every honest node must reach.
    pub goal: u64,
    /// Links until the network heals.
    pub links: Links,
    /// Disks.
    pub storage: Storage,
    /// Offsets of the clocks in milliseconds, by node.
    pub clocks: Vec<i64>,
    /// Malicious members.
    pub liars: Vec<(usize, Liar)>,
    /// What breaks, and when.
    pub faults: Vec<(Micros, Fault)>,
    /// When everything heals, at the latest; it heals earlier when the goal is reached.
    pub heal_at: Micros,
    /// How long after healing everybody must have converged.
    pub converge_within: Micros,
    /// Pause between submissions.
    pub load_every: Micros,
    /// Submissions that reach one member only and are not forwarded by it, of 1,000.
    pub lonely_permille: u64,
}

/// Chaos lasts at most this long.
const CHAOS_MAX: Micros = 8 * SECOND;

/// Bound on convergence after healing: restarts wait 2 s for answers, a grown timeout is far below
/// its limit after 8 s of chaos, and 20 heights of heartbeats take 20 s.
const CONVERGE_WITHIN: Micros = 90 * SECOND;

impl Plan {
    /// Nothing breaks: the ground on which directed scenarios stand.
    pub fn quiet(seed: u64, members: usize) -> Self {
        Self {
            seed,
            goal: 20,
            links: Links::QUIET,
            storage: Storage {
                sync: (MILLI / 2, MILLI),
                execute: (MILLI, 2 * MILLI),
                compaction: Compaction::AtOnce,
            },
            clocks: vec![0; members],
            liars: Vec::new(),
            faults: Vec::new(),
            heal_at: 0,
            converge_within: CONVERGE_WITHIN,
            load_every: 0,
            lonely_permille: 0,
        }
    }

    /// The plan of a seed.
    pub fn of_seed(seed: u64, members: usize, liars_max: usize) -> Self {
        let mut dice = Prng::new(seed, Stream::Plan);
        let mut plan = Self::quiet(seed, members);
        plan.heal_at = dice.range(CHAOS_MAX / 4, CHAOS_MAX);
        plan.load_every = dice.range(5 * MILLI, 150 * MILLI);
        plan.lonely_permille = if dice.chance(300) { 300 } else { 0 };
        plan.links = draw_links(&mut dice);
        plan.storage = draw_storage(&mut dice);
        if dice.chance(500) {
            plan.clocks = (0..members).map(|_| offset_ms(&mut dice, 200)).collect();
        }
        if liars_max > 0 && dice.chance(500) {
            let first = index(&mut dice, members);
            for nth in 0..liars_max {
                let liar = *dice.pick(&Liar::ALL).expect("six behaviours");
                plan.liars.push(((first + nth) % members, liar));
            }
        }
        let mut dice = Prng::new(seed, Stream::Faults);
        if dice.chance(600) {
            draw_partitions(&mut dice, members, &mut plan);
        }
        if dice.chance(600) {
            draw_crashes(&mut dice, members, &mut plan);
        }
        draw_rest(&mut dice, members, &mut plan);
        plan.faults.sort_by_key(|(at, _)| *at);
        plan
    }
}

fn index(dice: &mut Prng, count: usize) -> usize {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    usize::try_from(dice.below(count)).unwrap_or(0)
}

fn offset_ms(dice: &mut Prng, limit: u64) -> i64 {
    let limit = limit.min(1_000_000);
    let drawn = i64::try_from(dice.below(2 * limit + 1)).unwrap_or(0);
    drawn.saturating_sub(i64::try_from(limit).unwrap_or(0))
}

fn draw_links(dice: &mut Prng) -> Links {
    let mut links = Links::QUIET;
    if dice.chance(500) {
        links.loss_permille = dice.range(1, 300);
    }
    if dice.chance(400) {
        links.duplicate_permille = dice.range(1, 500);
    }
    if dice.chance(600) {
        links.delay_max = dice.range(2 * MILLI, 60 * MILLI);
    }
    if dice.chance(300) {
        links.tail_permille = dice.range(1, 100);
        links.tail_max = dice.range(100 * MILLI, 3 * SECOND);
    }
    links
}

fn draw_storage(dice: &mut Prng) -> Storage {
    let sync_min = dice.range(MILLI / 10, 2 * MILLI);
    let execute_min = dice.range(MILLI / 10, 2 * MILLI);
    let slowest = if dice.chance(200) { 40 * MILLI } else { 4 * MILLI };
    let compaction = if dice.chance(500) { Compaction::AtOnce } else { Compaction::Never };
    Storage {
        sync: (sync_min, sync_min + slowest),
        execute: (execute_min, execute_min + slowest),
        compaction,
    }
}

fn mask(dice: &mut Prng) -> Mask {
    Mask::try_from(dice.below(1 << 16)).unwrap_or(0)
}

fn draw_partitions(dice: &mut Prng, members: usize, plan: &mut Plan) {
    let mut at = dice.range(0, SECOND);
    while at < plan.heal_at {
        let fault = match dice.below(3) {
            0 => Fault::Split(mask(dice)),
            1 => Fault::OneWay(mask(dice), mask(dice)),
            _ => Fault::Split(1 << index(dice, members)),
        };
        plan.faults.push((at, fault));
        at += dice.range(50 * MILLI, 2 * SECOND);
        if dice.chance(700) {
            plan.faults.push((at, Fault::Join));
            at += dice.range(10 * MILLI, 2 * SECOND);
        }
    }
}

fn draw_crashes(dice: &mut Prng, members: usize, plan: &mut Plan) {
    let often = dice.range(100 * MILLI, 3 * SECOND);
    let mut at = dice.range(0, SECOND);
    while at < plan.heal_at {
        let down = dice.range(MILLI, 2 * SECOND);
        let fault = if dice.chance(150) {
            Fault::KillAll { down, apart: dice.range(0, 500 * MILLI) }
        } else {
            let after_actions = u32::try_from(dice.below(60)).unwrap_or(0);
            Fault::Crash { node: index(dice, members), after_actions, down }
        };
        plan.faults.push((at, fault));
        at += dice.range(often / 2, often * 2);
    }
}

fn draw_rest(dice: &mut Prng, members: usize, plan: &mut Plan) {
    if dice.chance(150) {
        let node = index(dice, members);
        let at = dice.range(0, plan.heal_at);
        plan.faults.push((at, Fault::Disk { node, factor: dice.range(5, 100) }));
    }
    if dice.chance(150) {
        let (node, at) = (index(dice, members), dice.range(0, plan.heal_at));
        plan.faults.push((at, Fault::Clock { node, offset_ms: offset_ms(dice, 2_000) }));
    }
    for (liar, behaviour) in plan.liars.clone() {
        let mut at = dice.range(0, SECOND);
        while at < plan.heal_at {
            match behaviour {
                Liar::Twin => plan.faults.push((at, Fault::Sides(mask(dice)))),
                Liar::Forgetful => {
                    let down = dice.range(MILLI, 300 * MILLI);
                    let crash = Fault::Crash { node: liar, after_actions: 0, down };
                    plan.faults.push((at, crash));
                }
                Liar::Silent | Liar::GarbageRoots | Liar::LyingStatus | Liar::Mutating => break,
            }
            at += dice.range(50 * MILLI, SECOND);
        }
    }
}
