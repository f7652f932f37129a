//! The bodies that wait for a block, as far as ordering looks at them. Their bytes are the host's.

use std::collections::{BTreeMap, BTreeSet};

use proto::block::Block;
use proto::epoch::BlockLimits;
use proto::limits::TXS_PER_BLOCK_MAX;
use proto::{Hash, Height, TimeMs, TxId, ValidatorIndex};

use crate::event::Body;
use crate::limits::{EXPIRED_BODY_MS, FORWARD_MAX, INCLUSION_BLOCKS, RECENT_BLOCKS_MAX};

#[derive(Clone, Debug)]
struct Held {
    body: Body,
    /// Decided blocks that had room for it and left it out.
    left_out: u8,
    /// Primaries that were left for it: each once.
    complained: BTreeSet<ValidatorIndex>,
}

/// What a block needs of the pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bodies {
    /// All are here and may stand in the block.
    Ready,
    /// The leaf at this position is not here; those before it were when they were looked for.
    Missing {
        /// Position in the block.
        at: usize,
        /// The leaf.
        leaf: Hash,
    },
    /// One must not stand in this block.
    Refused(Hash),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Pool {
    held: BTreeMap<Hash, Held>,
    /// Oldest first.
    order: BTreeSet<(TimeMs, Hash)>,
    /// Transactions of recent blocks, which the host may still offer.
    decided: BTreeSet<TxId>,
    decided_at: BTreeMap<Height, Vec<TxId>>,
    bytes: u64,
    operations: u64,
}

impl Pool {
    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }

    pub(crate) fn holds(&self, leaf: &Hash) -> bool {
        self.held.contains_key(leaf)
    }

    pub(crate) fn insert(&mut self, body: Body, limits: &BlockLimits) {
        // A body that fits no block is work that never ends.
        let fits = body.bytes <= limits.max_block_bytes && body.operations <= limits.max_ops;
        if !fits || self.decided.contains(&body.tx_id) || self.holds(&body.leaf) {
            return;
        }
        self.order.insert((body.received, body.leaf));
        self.bytes = self.bytes.saturating_add(body.bytes.into());
        self.operations = self.operations.saturating_add(body.operations.into());
        self.held.insert(body.leaf, Held { body, left_out: 0, complained: BTreeSet::new() });
    }

    pub(crate) fn remove(&mut self, leaf: &Hash) {
        if let Some(held) = self.held.remove(leaf) {
            self.order.remove(&(held.body.received, *leaf));
            self.bytes = self.bytes.saturating_sub(held.body.bytes.into());
            self.operations = self.operations.saturating_sub(held.body.operations.into());
        }
    }

    fn oldest_first(&self) -> impl Iterator<Item = &Held> {
        self.order.iter().filter_map(|(_, leaf)| self.held.get(leaf))
    }

    /// When the oldest body that a block of `time` may hold was received.
    pub(crate) fn oldest(&self, time: TimeMs, limits: &BlockLimits) -> Option<TimeMs> {
        let may = |held: &&Held| admissible(&held.body, time, limits);
        self.oldest_first().find(may).map(|held| held.body.received)
    }

    /// L21: the leaves of the next block, oldest first, cut at every limit.
    pub(crate) fn cut(&self, time: TimeMs, limits: &BlockLimits) -> Vec<Hash> {
        let mut leaves = Vec::new();
        let mut names = BTreeSet::new();
        let (mut bytes, mut operations) = (0u32, 0u32);
        let count_max = usize::try_from(TXS_PER_BLOCK_MAX).expect("usize holds 32 bits");
        for Held { body, .. } in self.oldest_first() {
            if !admissible(body, time, limits) || names.contains(&body.tx_id) {
                continue;
            }
            let (more_bytes, more_operations) =
                (bytes.saturating_add(body.bytes), operations.saturating_add(body.operations));
            if leaves.len() >= count_max
                || more_bytes > limits.max_block_bytes
                || more_operations > limits.max_ops
            {
                break;
            }
            (bytes, operations) = (more_bytes, more_operations);
            names.insert(body.tx_id);
            leaves.push(body.leaf);
        }
        leaves
    }

    /// Whether the pool holds as much as one block takes.
    pub(crate) fn fills_a_block(&self, limits: &BlockLimits) -> bool {
        self.held.len() >= usize::try_from(TXS_PER_BLOCK_MAX).expect("usize holds 32 bits")
            || self.bytes >= u64::from(limits.max_block_bytes)
            || self.operations >= u64::from(limits.max_ops)
    }

    /// L32: whether every body of an undecided block is here and may stand in it.
    fn check(&self, block: &Block, limits: &BlockLimits) -> Bodies {
        let mut names = BTreeSet::new();
        let (mut bytes, mut operations) = (0u32, 0u32);
        for (at, leaf) in block.tx_leaves().iter().enumerate() {
            let Some(Held { body, .. }) = self.held.get(leaf) else {
                return Bodies::Missing { at, leaf: *leaf };
            };
            bytes = bytes.saturating_add(body.bytes);
            operations = operations.saturating_add(body.operations);
            if !admissible(body, block.header().time, limits)
                || !names.insert(body.tx_id)
                || self.decided.contains(&body.tx_id)
                || bytes > limits.max_block_bytes
                || operations > limits.max_ops
            {
                return Bodies::Refused(*leaf);
            }
        }
        Bodies::Ready
    }

    /// The first leaf of a block from `start` on that is not here.
    fn missing_from(&self, block: &Block, start: usize) -> Option<Bodies> {
        let mut leaves = block.tx_leaves().iter().enumerate().skip(start);
        let (at, leaf) = leaves.find(|(_, leaf)| !self.holds(leaf))?;
        Some(Bodies::Missing { at, leaf: *leaf })
    }

    /// The verdict on the bodies of an undecided block, from what was `known` of it before: the walk
    /// goes on where it ended, or each of a thousand bodies that come one after the other would have
    /// all before it looked up again.
    pub(crate) fn check_on(
        &self,
        block: &Block,
        known: Option<&Bodies>,
        limits: &BlockLimits,
    ) -> Bodies {
        let start = match known {
            Some(Bodies::Missing { at, leaf }) if self.holds(leaf) => *at,
            Some(verdict) => return *verdict,
            None => 0,
        };
        self.missing_from(block, start).unwrap_or_else(|| self.check(block, limits))
    }

    /// The first body that a decided block lacks. A quorum judged the bodies, so only their absence counts.
    pub(crate) fn first_missing(&self, block: &Block, known: Option<&Bodies>) -> Option<Bodies> {
        match known {
            Some(Bodies::Ready) => None,
            Some(Bodies::Missing { leaf, .. }) if !self.holds(leaf) => known.copied(),
            // One before that place may have been dropped since.
            Some(Bodies::Missing { at, .. }) => {
                self.missing_from(block, *at).or_else(|| self.missing_from(block, 0))
            }
            Some(Bodies::Refused(_)) | None => self.missing_from(block, 0),
        }
    }

    /// Leaves of a block that are not here.
    pub(crate) fn missing(&self, block: &Block) -> Vec<Hash> {
        block.tx_leaves().iter().filter(|leaf| !self.holds(leaf)).copied().collect()
    }

    /// Takes the bodies of a decided block out and counts it against the bodies it left out.
    pub(crate) fn decide(&mut self, block: &Block, limits: &BlockLimits) {
        let (mut bytes, mut operations) = (0u32, 0u32);
        let mut names = Vec::with_capacity(block.tx_leaves().len());
        for leaf in block.tx_leaves() {
            if let Some(held) = self.held.get(leaf) {
                bytes = bytes.saturating_add(held.body.bytes);
                operations = operations.saturating_add(held.body.operations);
                names.push(held.body.tx_id);
            }
            self.remove(leaf);
        }
        self.decided.extend(&names);
        self.forget_twins(&names);
        self.decided_at.insert(block.header().height, names);
        while self.decided_at.len() > usize::try_from(RECENT_BLOCKS_MAX).unwrap_or(usize::MAX) {
            if let Some((_, names)) = self.decided_at.pop_first() {
                for name in &names {
                    self.decided.remove(name);
                }
            }
        }
        let room = TXS_PER_BLOCK_MAX.saturating_sub(block.header().tx_count);
        // Half full is the mark: counting for each body whether it would have fitted costs more
        // than the few full blocks it would save a slow primary.
        if room > 0 && bytes <= limits.max_block_bytes / 2 && operations <= limits.max_ops / 2 {
            for held in self.held.values_mut() {
                held.left_out = held.left_out.saturating_add(1);
            }
        }
    }

    /// Another signature over a decided transaction is a body that no block may hold.
    fn forget_twins(&mut self, names: &[TxId]) {
        if names.is_empty() || self.held.is_empty() {
            return;
        }
        let names: BTreeSet<&TxId> = names.iter().collect();
        let twins: Vec<Hash> = self
            .held
            .values()
            .filter(|held| names.contains(&held.body.tx_id))
            .map(|held| held.body.leaf)
            .collect();
        for leaf in &twins {
            self.remove(leaf);
        }
    }

    /// L68: marks the bodies that `primary` has left out for too long; tells whether there are any
    /// it was not left for before.
    pub(crate) fn complain(
        &mut self,
        primary: ValidatorIndex,
        before: TimeMs,
        time: TimeMs,
        limits: &BlockLimits,
    ) -> Complaint {
        let mut complaint = Complaint::None;
        let old: Vec<Hash> = self
            .order
            .iter()
            .take_while(|(received, _)| *received <= before)
            .map(|(_, leaf)| *leaf)
            .collect();
        for leaf in old {
            let Some(held) = self.held.get_mut(&leaf) else { continue };
            if held.left_out >= INCLUSION_BLOCKS
                && admissible(&held.body, time, limits)
                && held.complained.insert(primary)
            {
                complaint = Complaint::LeftOut;
            }
        }
        complaint
    }

    /// L69: bodies received before `before`, to be forwarded again.
    pub(crate) fn received_before(&self, before: TimeMs) -> Vec<Hash> {
        let old = self.order.iter().take_while(|(received, _)| *received <= before);
        old.take(FORWARD_MAX).map(|(_, leaf)| *leaf).collect()
    }

    /// Forgets bodies that no block can hold any more, but those that `listed` says an undecided block
    /// holds: it was proposed in time, and may be locked.
    pub(crate) fn expire(&mut self, now: TimeMs, listed: impl Fn(&Hash) -> bool) {
        let expired: Vec<Hash> = self
            .held
            .values()
            .filter(|held| held.body.valid_until.plus_ms(EXPIRED_BODY_MS) < now)
            .map(|held| held.body.leaf)
            .filter(|leaf| !listed(leaf))
            .collect();
        for leaf in &expired {
            self.remove(leaf);
        }
    }
}

/// Whether a primary left bodies out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Complaint {
    /// It did not, or was left for them before.
    None,
    /// It did.
    LeftOut,
}

/// Block time <= `valid_until` <= block time + `max_ttl`.
fn admissible(body: &Body, time: TimeMs, limits: &BlockLimits) -> bool {
    time <= body.valid_until && body.valid_until <= time.plus_ms(limits.max_ttl_ms)
}
