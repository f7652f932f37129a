//! The ring in memory: bits and roots of twigs, the tree over them, and what recent heights did.
//!
//! It is rebuilt from the store at opening. It reads no keys and no values.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proto::hash::{Hash, Tag};
use proto::ring::{self, TWIG_BITS_BYTES, TWIG_LEAVES, TwigBits};
use proto::tree::Levels;
use proto::types::Height;

use super::rows::{self, GROUP_TWIGS, Turn, read_leaves};
use crate::schema::{PRUNE_EVERY_HEIGHTS, WINDOW_HEIGHTS};
use crate::state::undo_floor;
use crate::store::{Batch, Column, StoreError, StoreRead};

/// Heights within which every group of twigs that changed is written once; opening replays at most
/// as many. Each height writes its share, so that none is slower than the others.
const WRITE_EVERY_HEIGHTS: u64 = 256;

const _: () =
    assert!(WRITE_EVERY_HEIGHTS < WINDOW_HEIGHTS, "opening replays what the window keeps");

/// Heights whose turns stay in memory: the window of the head, and of heads that are a little older,
/// which a reader may still hold.
const TURNS_IN_MEMORY: usize = 1_024 + 64;

const _: () = assert!(WINDOW_HEIGHTS + PRUNE_EVERY_HEIGHTS == 1_088, "as many as TURNS_IN_MEMORY");

/// Bits and roots of all twigs, as of one height.
#[derive(Debug)]
pub(crate) struct Twigs {
    /// Leaves ever appended.
    size: u64,
    bits: Vec<TwigBits>,
    /// Roots over the leaves of full twigs.
    sealed: Vec<Hash>,
    /// Leaves of the last twig, while it is not full.
    current: Levels,
    /// The tree over the twigs.
    upper: Levels,
    /// What the last heights did, oldest first.
    turns: VecDeque<Turn>,
    /// Groups that changed since they were written.
    unwritten: BTreeSet<u64>,
    /// Full twigs without an active leaf, by the height that retired the last.
    emptied: BTreeMap<Height, Vec<u64>>,
}

/// Number of a twig, of a leaf.
fn twig_of(position: u64) -> u64 {
    position / TWIG_LEAVES
}

fn index(number: u64) -> usize {
    usize::try_from(number).expect("what is in memory is counted by usize")
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).expect("usize has at most 64 bits")
}

/// The twigs of ascending positions, each once.
fn twigs_of(positions: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut twigs: Vec<u64> = positions.map(twig_of).collect();
    twigs.dedup();
    twigs
}

/// The part of ascending positions that lies in a twig.
fn within(positions: &[u64], twig: u64) -> &[u64] {
    let from = positions.partition_point(|position| twig_of(*position) < twig);
    let until = positions.partition_point(|position| twig_of(*position) <= twig);
    positions.get(from..until).unwrap_or_default()
}

impl Twigs {
    /// A ring before genesis.
    pub(crate) fn empty() -> Self {
        Self {
            size: 0,
            bits: Vec::new(),
            sealed: Vec::new(),
            current: Levels::default(),
            upper: Levels::default(),
            turns: VecDeque::new(),
            unwritten: BTreeSet::new(),
            emptied: BTreeMap::new(),
        }
    }

    /// Leaves ever appended.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// The state root.
    pub(crate) fn root(&self) -> Hash {
        ring::root(self.size, &self.upper.root())
    }

    /// Bits of a twig, none of a twig that is not there.
    pub(crate) fn bits(&self, twig: u64) -> TwigBits {
        self.bits.get(index(twig)).copied().unwrap_or([0; TWIG_BITS_BYTES])
    }

    /// Root over the leaves of a full twig.
    pub(crate) fn sealed(&self, twig: u64) -> Option<Hash> {
        self.sealed.get(index(twig)).copied()
    }

    /// The tree over the twigs.
    pub(crate) const fn upper(&self) -> &Levels {
        &self.upper
    }

    /// What heights above `height` did, oldest first; none where some of it is forgotten.
    pub(crate) fn turns_above(&self, height: Height) -> Option<impl Iterator<Item = &Turn>> {
        let first = self.turns.front()?;
        let known = first.height <= height.next();
        known.then(|| {
            let from = self.turns.partition_point(|turn| turn.height <= height);
            self.turns.range(from..)
        })
    }

    /// The height that appended a leaf, where it is among the recent ones.
    pub(crate) fn height_of(&self, position: u64) -> Option<Height> {
        let at = self.turns.partition_point(|turn| turn.until <= position);
        self.turns.get(at).filter(|turn| turn.from <= position).map(|turn| turn.height)
    }

    /// Appends leaves and retires others, as one height does, and writes both.
    pub(crate) fn advance(&mut self, turn: Turn, leaves: &[Hash], batch: &mut Batch) {
        assert_eq!(self.size, turn.from, "a height begins where the one before ended");
        let height = turn.height;
        self.size = turn.until;
        self.bits.resize(index(self.size.div_ceil(TWIG_LEAVES)), [0; TWIG_BITS_BYTES]);
        for position in &turn.retired {
            let bits = self.bits.get_mut(index(twig_of(*position)));
            ring::retire(bits.expect("a retired leaf is below the size"), *position);
        }
        for position in turn.from..turn.until {
            let bits = self.bits.get_mut(index(twig_of(position)));
            ring::activate(bits.expect("resized above"), position);
        }
        self.append(leaves);
        let mut changed = twigs_of(turn.retired.iter().copied());
        changed.extend(twigs_of(turn.from..turn.until));
        changed.sort_unstable();
        changed.dedup();
        self.rehash(&changed);
        let emptied: Vec<u64> =
            changed.iter().copied().filter(|twig| self.is_emptied(*twig)).collect();
        if !emptied.is_empty() {
            self.emptied.insert(height, emptied);
        }
        self.unwritten.extend(changed.iter().map(|twig| twig / wide(GROUP_TWIGS)));
        rows::write_leaves(turn.from, leaves, batch);
        turn.write(batch);
        self.turns.push_back(turn);
        if self.turns.len() > TURNS_IN_MEMORY {
            self.turns.pop_front();
        }
        self.write_groups(height, batch);
        self.forget_leaves(height, batch);
    }

    fn is_emptied(&self, twig: u64) -> bool {
        index(twig) < self.sealed.len() && self.bits(twig) == [0; TWIG_BITS_BYTES]
    }

    /// Takes in new leaves; seals the twigs that they fill.
    fn append(&mut self, leaves: &[Hash]) {
        let mut rest = leaves;
        while !rest.is_empty() {
            let room = index(TWIG_LEAVES) - self.current.leaves().len();
            let (part, more) = rest.split_at(room.min(rest.len()));
            self.current.extend(part);
            if part.len() == room {
                self.sealed.push(std::mem::take(&mut self.current).root());
            }
            rest = more;
        }
    }

    fn leaves_root(&self, twig: u64) -> Hash {
        self.sealed(twig).unwrap_or_else(|| self.current.root())
    }

    /// Hashes twigs anew, ascending, and what is above them.
    fn rehash(&mut self, twigs: &[u64]) {
        let of = twigs.iter().map(|twig| {
            let bits = self.bits.get(index(*twig)).expect("a twig that is there");
            (*twig, self.leaves_root(*twig), bits)
        });
        let hashed = hash_twigs(of);
        let known = self.upper.leaves().len();
        let (old, new) = hashed.split_at(hashed.partition_point(|(twig, _)| *twig < known));
        self.upper.set(old);
        let new: Vec<Hash> = new.iter().map(|(_, hash)| *hash).collect();
        self.upper.extend(&new);
    }

    /// Writes the groups whose height it is.
    fn write_groups(&mut self, height: Height, batch: &mut Batch) {
        let due = |group: &u64| (height.value() ^ *group).is_multiple_of(WRITE_EVERY_HEIGHTS);
        let groups: Vec<u64> = self.unwritten.iter().copied().filter(due).collect();
        for group in groups {
            let first = index(group) * GROUP_TWIGS;
            let end = self.bits.len().min(first + GROUP_TWIGS);
            let twigs = (first..end).filter_map(|twig| {
                let sealed = self.sealed.get(twig).copied().unwrap_or_default();
                Some((sealed, self.bits.get(twig)?))
            });
            rows::write_group(group, height, twigs, batch);
            self.unwritten.remove(&group);
        }
    }

    /// Removes the leaves of twigs that no height of the window needs.
    fn forget_leaves(&mut self, height: Height, batch: &mut Batch) {
        let Some(gone) = height.value().checked_sub(WINDOW_HEIGHTS).map(Height::new) else {
            return;
        };
        for twig in self.emptied.remove(&gone).into_iter().flatten() {
            let (from, until) = (twig * TWIG_LEAVES, (twig + 1) * TWIG_LEAVES);
            batch.delete_range(Column::Leaves, from.to_be_bytes(), until.to_be_bytes());
        }
    }

    /// Rebuilds the ring of height `head` from a store.
    pub(crate) fn open(store: &impl StoreRead, head: Height) -> Result<Self, StoreError> {
        let mut twigs = Self::empty();
        let last = Turn::read(store, head)?;
        twigs.size = last.until;
        let count = index(last.until.div_ceil(TWIG_LEAVES));
        twigs.bits = vec![[0; TWIG_BITS_BYTES]; count];
        twigs.sealed = vec![Hash::ZERO; index(last.until / TWIG_LEAVES)];
        let written = twigs.read_groups(store, head)?;
        let floor = undo_floor(head).minus(1);
        let mut retired_last: BTreeMap<u64, Height> = BTreeMap::new();
        for height in floor.value()..=head.value() {
            let turn = Turn::read(store, Height::new(height))?;
            let expected = twigs.turns.back().map_or(turn.from, |before| before.until);
            if turn.from != expected || turn.until > twigs.size {
                let rule = "expected a size that the height before ended with";
                let key = turn.height.value().to_be_bytes();
                return Err(StoreError::damaged(Column::Turns, &key, rule));
            }
            twigs.replay(&turn, &written);
            let touched = twigs_of(turn.retired.iter().copied());
            retired_last.extend(touched.into_iter().map(|twig| (twig, turn.height)));
            twigs.turns.push_back(turn);
        }
        twigs.read_roots(store)?;
        for (twig, height) in retired_last {
            // What was emptied a window ago or earlier has lost its leaves already.
            if height.value() + WINDOW_HEIGHTS > head.value() && twigs.is_emptied(twig) {
                twigs.emptied.entry(height).or_default().push(twig);
            }
        }
        while twigs.turns.len() > TURNS_IN_MEMORY {
            twigs.turns.pop_front();
        }
        let all: Vec<u64> = (0..wide(count)).collect();
        twigs.rehash(&all);
        Ok(twigs)
    }

    /// Heights that [`Self::step_back`] can go back.
    pub(crate) fn steps_back(&self) -> u64 {
        wide(self.turns.len().saturating_sub(1))
    }

    /// Goes back to the height below, for a check; returns what the height did that was the last. None
    /// where what it did is not known, and at genesis.
    pub(crate) fn step_back(&mut self, store: &impl StoreRead) -> Result<Option<Turn>, StoreError> {
        if self.turns.len() < 2 {
            return Ok(None);
        }
        let Some(turn) = self.turns.pop_back() else { return Ok(None) };
        self.size = turn.from;
        let count = index(self.size.div_ceil(TWIG_LEAVES));
        let changed: Vec<u64> = changed_below(self.size, [&turn].into_iter()).into_iter().collect();
        self.bits.truncate(count);
        for twig in &changed {
            let bits = self.bits.get_mut(index(*twig)).expect("changed twigs lie below the size");
            put_back(bits, (*twig, turn.from), [&turn].into_iter());
        }
        let full = index(self.size / TWIG_LEAVES);
        let is_same = self.sealed.len() == full;
        self.sealed.truncate(full);
        let partial = index(self.size % TWIG_LEAVES);
        if is_same || partial == 0 {
            self.current.truncate(partial);
        } else {
            self.current = Levels::of(read_leaves(store, twig_of(self.size), self.size)?);
        }
        self.upper.truncate(count);
        self.rehash(&changed);
        Ok(Some(turn))
    }

    /// Takes in the groups of twigs as they were written; returns the height of each.
    fn read_groups(
        &mut self,
        store: &impl StoreRead,
        head: Height,
    ) -> Result<BTreeMap<u64, Height>, StoreError> {
        let mut written = BTreeMap::new();
        for (number, group) in rows::read_groups(store)? {
            let first = index(number).saturating_mul(GROUP_TWIGS);
            let inside = first.saturating_add(group.twigs.len()) <= self.bits.len();
            if !inside || group.height > head {
                let rule = "expected twigs of the ring, as of a height up to the head";
                return Err(StoreError::damaged(Column::Twigs, &number.to_be_bytes(), rule));
            }
            for (twig, (root, bits)) in (first..).zip(group.twigs) {
                if let Some(place) = self.bits.get_mut(twig) {
                    *place = bits;
                }
                if let Some(place) = self.sealed.get_mut(twig) {
                    *place = root;
                }
            }
            written.insert(number, group.height);
        }
        Ok(written)
    }

    /// Does to the bits what a height did to those that were written before it.
    fn replay(&mut self, turn: &Turn, written: &BTreeMap<u64, Height>) {
        let retired = turn.retired.iter().map(|position| (*position, false));
        let appended = (turn.from..turn.until).map(|position| (position, true));
        for (position, is_new) in retired.chain(appended) {
            let twig = twig_of(position);
            let group = twig / wide(GROUP_TWIGS);
            if written.get(&group).is_some_and(|height| *height >= turn.height) {
                continue;
            }
            self.unwritten.insert(group);
            let Some(bits) = self.bits.get_mut(index(twig)) else { continue };
            if is_new { ring::activate(bits, position) } else { ring::retire(bits, position) }
        }
    }

    /// Hashes the leaves of twigs whose roots were not written.
    fn read_roots(&mut self, store: &impl StoreRead) -> Result<(), StoreError> {
        for (twig, root) in (0u64..).zip(&mut self.sealed) {
            if *root == Hash::ZERO {
                *root = Levels::of(read_leaves(store, twig, u64::MAX)?).root();
            }
        }
        if !self.size.is_multiple_of(TWIG_LEAVES) {
            let leaves = read_leaves(store, twig_of(self.size), self.size)?;
            self.current = Levels::of(leaves);
        }
        Ok(())
    }
}

/// The roots of twigs, each by its number, the root over its leaves, and its bits.
pub(crate) fn hash_twigs<'a>(
    twigs: impl Iterator<Item = (u64, Hash, &'a TwigBits)>,
) -> Vec<(usize, Hash)> {
    let (mut numbers, mut leaves, mut bits) = (Vec::new(), Vec::new(), Vec::new());
    for (number, root, of) in twigs {
        numbers.push(index(number));
        leaves.push(root);
        bits.push(of);
    }
    let mut hashed = Vec::new();
    Tag::TwigBits.hash_many(&bits, &mut hashed);
    let pairs: Vec<Hash> =
        leaves.into_iter().zip(hashed).flat_map(|(leaves, bits)| [leaves, bits]).collect();
    let mut roots = Vec::new();
    Tag::Twig.hash_neighbours(&pairs, &mut roots);
    numbers.into_iter().zip(roots).collect()
}

/// Puts the bits of a twig back to what they were below the heights that did `turns`.
pub(crate) fn put_back<'a>(
    bits: &mut TwigBits,
    (twig, size): (u64, u64),
    turns: impl Iterator<Item = &'a Turn>,
) {
    for turn in turns {
        within(&turn.retired, twig).iter().for_each(|position| ring::activate(bits, *position));
    }
    let first = twig * TWIG_LEAVES;
    (size.max(first)..first + TWIG_LEAVES).for_each(|position| ring::retire(bits, position));
}

/// The twigs below `size` that the heights that did `turns` changed, ascending.
pub(crate) fn changed_below<'a>(size: u64, turns: impl Iterator<Item = &'a Turn>) -> BTreeSet<u64> {
    let mut changed = BTreeSet::new();
    for turn in turns {
        changed.extend(twigs_of(turn.retired.iter().copied()));
    }
    // The last twig was not as full as it is now.
    changed.insert(twig_of(size.saturating_sub(1)));
    changed.retain(|twig| twig * TWIG_LEAVES < size);
    changed
}
