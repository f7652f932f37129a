//! The ring as of an older height of the window: values, presence and absence, with proofs.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

use proto::hash::Hash;
use proto::ring::{SENTINEL, StateProof, TWIG_LEAVES, TwigBits};
use proto::tree::Levels;
use proto::types::Height;
use thiserror::Error;

use super::rows::{Row, just_above, read_leaves, replaced_at, row_below};
use super::twigs::{changed_below, hash_twigs, put_back};
use super::{Shared, leaf};
use crate::store::{Column, Pair, StoreError, StoreRead};

/// Trees over the twigs of older heights that are kept: readers ask for the newest certified heights,
/// and each is 2.6 MB at 80 million leaves.
const TREES_KEPT: usize = 4;

/// Why an older height cannot be read.
#[derive(Debug, Error)]
pub enum PastError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The height has left the window while the reader was asking.
    #[error("the state of height {height} is not kept any more")]
    Forgotten {
        /// Height asked for.
        height: Height,
    },
}

/// The tree over the twigs as of one height.
#[derive(Debug)]
struct Tree {
    height: Height,
    size: u64,
    twigs: Levels,
}

/// The trees that were asked for last, newest question first.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<Arc<Tree>>);

/// The state as of one height.
#[derive(Debug)]
pub struct Past {
    shared: Arc<Shared>,
    height: Height,
    /// Leaves of the ring at that height.
    size: u64,
}

/// The state as of `height`.
pub(super) fn at(shared: &Arc<Shared>, height: Height) -> Result<Past, PastError> {
    let twigs = shared.twigs();
    let mut above = twigs.turns_above(height).ok_or(PastError::Forgotten { height })?;
    let size = above.next().map_or(twigs.size(), |turn| turn.from);
    Ok(Past { shared: Arc::clone(shared), height, size })
}

impl Past {
    /// The height.
    pub const fn height(&self) -> Height {
        self.height
    }

    fn forgotten(&self) -> PastError {
        PastError::Forgotten { height: self.height }
    }

    /// The row that answers for a key: its own, or that of the key before it.
    fn answer(&self, store: &impl StoreRead, key: &[u8]) -> Result<Pair, PastError> {
        let rule = "expected the row of the key or of one before it";
        let damaged = |column| StoreError::damaged(column, key, rule);
        let found = row_below(store, &just_above(key))?;
        let mut found = found.ok_or_else(|| damaged(Column::State))?;
        let mut position = Row::parse(&found.0, &found.1)?.position;
        // A row that a later height wrote replaced what answered for the key before: the last row
        // not above the key among those that the height replaced.
        while position >= self.size {
            let height = self.shared.twigs().height_of(position).ok_or_else(|| self.forgotten())?;
            found = replaced_at(store, height, key)?.ok_or_else(|| damaged(Column::Undo))?;
            let older = Row::parse(&found.0, &found.1)?.position;
            if older >= position {
                return Err(damaged(Column::Undo).into());
            }
            position = older;
        }
        Ok(found)
    }

    /// The value of a key, with its namespace.
    pub fn value(&self, store: &impl StoreRead, key: &[u8]) -> Result<Option<Vec<u8>>, PastError> {
        let (found, row) = self.answer(store, key)?;
        if found != key {
            return Ok(None);
        }
        Ok(Some(Row::parse(&found, &row)?.value.to_vec()))
    }

    /// Presence or absence of a key, with its namespace, under the state root of the height.
    pub fn proof(&self, store: &impl StoreRead, key: &[u8]) -> Result<StateProof, PastError> {
        let (found, bytes) = self.answer(store, key)?;
        let row = Row::parse(&found, &bytes)?;
        let twig = row.position / TWIG_LEAVES;
        let leaves = Levels::of(read_leaves(store, twig, self.size)?);
        let within = index(row.position % TWIG_LEAVES);
        let rule = "expected the leaf of the row that names it";
        if leaves.leaves().get(within) != Some(&leaf(&found, &row)) {
            let key = row.position.to_be_bytes();
            return Err(StoreError::damaged(Column::Leaves, &key, rule).into());
        }
        let tree = self.tree(store)?;
        let outside = || StoreError::damaged(Column::State, &found, rule);
        let leaf_path = leaves.path(within).ok_or_else(outside)?;
        let twig_path = tree.twigs.path(index(twig)).ok_or_else(outside)?;
        let value = if found == SENTINEL { Hash::ZERO } else { proto::ring::value_hash(row.value) };
        Ok(StateProof {
            size: self.size,
            position: row.position,
            key: found.clone(),
            value,
            next: row.next.to_vec(),
            leaf_path,
            bits: Box::new(self.bits(twig)?),
            twig_path,
        })
    }

    /// The bits of a twig.
    fn bits(&self, twig: u64) -> Result<TwigBits, PastError> {
        let twigs = self.shared.twigs();
        let above = twigs.turns_above(self.height).ok_or_else(|| self.forgotten())?;
        let mut bits = twigs.bits(twig);
        put_back(&mut bits, (twig, self.size), above);
        Ok(bits)
    }

    /// The tree over the twigs, computed where nobody asked for this height lately.
    fn tree(&self, store: &impl StoreRead) -> Result<Arc<Tree>, PastError> {
        let recent = || self.shared.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |tree: &Arc<Tree>| (tree.height, tree.size) == (self.height, self.size);
        {
            let mut recent = recent();
            if let Some(at) = recent.0.iter().position(known)
                && let Some(tree) = recent.0.remove(at)
            {
                recent.0.push_front(Arc::clone(&tree));
                return Ok(tree);
            }
        }
        let tree = Arc::new(self.compute(store)?);
        let mut recent = recent();
        recent.0.push_front(Arc::clone(&tree));
        recent.0.truncate(TREES_KEPT);
        Ok(tree)
    }

    fn compute(&self, store: &impl StoreRead) -> Result<Tree, PastError> {
        let last = self.size.saturating_sub(1) / TWIG_LEAVES;
        let last_root = Levels::of(read_leaves(store, last, self.size)?).root();
        let twigs = self.shared.twigs();
        let above = || twigs.turns_above(self.height).ok_or_else(|| self.forgotten());
        let mut tree = twigs.upper().clone();
        tree.truncate(index(last + 1));
        let changed = changed_below(self.size, above()?);
        let mut bits: Vec<(u64, Hash, TwigBits)> = Vec::with_capacity(changed.len());
        for twig in changed {
            let leaves_root = match twigs.sealed(twig) {
                Some(root) if twig < last => root,
                Some(_) | None => last_root,
            };
            bits.push((twig, leaves_root, twigs.bits(twig)));
        }
        for turn in above()? {
            for position in turn.retired.iter().filter(|position| **position < self.size) {
                let twig = position / TWIG_LEAVES;
                if let Ok(at) = bits.binary_search_by_key(&twig, |(twig, ..)| *twig)
                    && let Some((_, _, bits)) = bits.get_mut(at)
                {
                    proto::ring::activate(bits, *position);
                }
            }
        }
        if let Some((twig, _, bits)) = bits.last_mut() {
            put_back(bits, (*twig, self.size), std::iter::empty());
        }
        let of = bits.iter().map(|(twig, root, bits)| (*twig, *root, bits));
        tree.set(&hash_twigs(of));
        Ok(Tree { height: self.height, size: self.size, twigs: tree })
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).expect("what is in memory is counted by usize")
}
