//! One running copy of a member: the replica, its disk, and the volatile things its host keeps.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use consensus::{Body, Own, Replica, Timer};
use proto::message::Decided;
use proto::{BlockHash, Hash, Height, TimeMs, ValidatorIndex};

use crate::cluster::GENESIS_TIME;
use crate::disk::{Disk, Sync};
use crate::plan::{Liar, Micros};

/// Kinds of timers.
const TIMERS: usize = 7;

/// Position of a timer's kind.
pub(crate) fn timer_index(timer: Timer) -> usize {
    match timer {
        Timer::ViewChange => 0,
        Timer::Resend => 1,
        Timer::Status => 2,
        Timer::Propose => 3,
        Timer::NewView => 4,
        Timer::Start => 5,
        Timer::Fetch => 6,
    }
}

/// A crash that comes after some more actions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doom {
    pub(crate) after_actions: u32,
    pub(crate) down: Micros,
}

/// One running copy of a member.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) member: ValidatorIndex,
    pub(crate) liar: Option<Liar>,
    pub(crate) disk: Disk,
    /// `None` while the process is down.
    pub(crate) replica: Option<Box<Replica>>,
    /// Counts starts: what belongs to an earlier life is ignored.
    pub(crate) life: u32,
    /// Bodies in memory, from clients, members and the journal, until they are released.
    pub(crate) known: BTreeMap<Hash, Body>,
    /// The last block handed to execution in this life.
    pub(crate) tip: (u64, BlockHash),
    /// Set numbers of the timers; a firing with an older number was replaced or cancelled.
    pub(crate) timers: [u32; TIMERS],
    /// Signed messages that wait for a sync.
    pub(crate) unsynced: Vec<Own>,
    pub(crate) sync: Option<Sync>,
    pub(crate) executing: VecDeque<Arc<Decided>>,
    /// Records below are no longer needed.
    pub(crate) release: Height,
    pub(crate) clock_ms: i64,
    pub(crate) disk_factor: u64,
    pub(crate) doom: Option<Doom>,
}

impl Node {
    pub(crate) fn new(member: ValidatorIndex, liar: Option<Liar>, clock_ms: i64) -> Self {
        Self {
            member,
            liar,
            disk: Disk::default(),
            replica: None,
            life: 0,
            known: BTreeMap::new(),
            tip: (0, BlockHash::default()),
            timers: [0; TIMERS],
            unsynced: Vec::new(),
            sync: None,
            executing: VecDeque::new(),
            release: Height::GENESIS,
            clock_ms,
            disk_factor: 1,
            doom: None,
        }
    }

    pub(crate) fn is_honest(&self) -> bool {
        self.liar.is_none()
    }

    pub(crate) fn is_up(&self) -> bool {
        self.replica.is_some()
    }

    /// The clock of this node.
    pub(crate) fn clock(&self, now: Micros) -> TimeMs {
        let true_time = GENESIS_TIME.plus_ms(now / 1_000);
        let offset = self.clock_ms.unsigned_abs();
        if self.clock_ms < 0 { true_time.minus_ms(offset) } else { true_time.plus_ms(offset) }
    }

    /// A new number for a timer: what was set before is void.
    pub(crate) fn renumber(&mut self, timer: Timer) -> u32 {
        let number = self.timers.get_mut(timer_index(timer)).expect("one slot for each kind");
        *number = number.wrapping_add(1);
        *number
    }

    pub(crate) fn is_current(&self, timer: Timer, number: u32) -> bool {
        self.timers.get(timer_index(timer)) == Some(&number)
    }

    /// Everything in memory is gone.
    pub(crate) fn stop(&mut self) {
        self.replica = None;
        self.life = self.life.wrapping_add(1);
        self.known.clear();
        self.unsynced.clear();
        self.sync = None;
        self.executing.clear();
        self.release = Height::GENESIS;
        self.doom = None;
        self.timers.iter_mut().for_each(|number| *number = number.wrapping_add(1));
    }

    /// Forgets what only decided heights below `floor` needed. From then on the ledger alone has their
    /// bodies, and gives them with their blocks.
    pub(crate) fn release_below(&mut self, floor: Height) {
        let released = self.release.value()..floor.value();
        self.release = self.release.max(floor);
        for height in released {
            let Some(batch) = self.disk.batch(height) else { continue };
            for leaf in batch.decided.block.tx_leaves() {
                self.known.remove(leaf);
            }
        }
    }

    /// A block and certificate that this node decided, executed or not.
    pub(crate) fn decided(&self, height: u64) -> Option<Arc<Decided>> {
        let waiting = self.executing.iter();
        let executed = self.disk.batch(height).map(|batch| Arc::clone(&batch.decided));
        executed.or_else(|| {
            let mut waiting = waiting.filter(|d| d.block.header().height.value() == height);
            waiting.next().map(Arc::clone)
        })
    }
}
