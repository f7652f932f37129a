//! Merkle trees in the shape of RFC 9162, section 2.1, with the house's hashes.
//!
//! `leaf = H[tag](payload)`, `node = H["jjj/node/v1"](left || right)`; a tree splits at the largest
//! power of two below its size. Sizes always come from a signed place.

mod levels;

pub use levels::Levels;

use thiserror::Error;

use crate::hash::{Hash, Tag};

/// Why a path does not prove what it is shown for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum TreeError {
    /// The index is not inside the tree.
    #[error("leaf {index} is outside a tree of {size} leaves")]
    Outside {
        /// Index of the leaf.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// The two sizes cannot be consistent.
    #[error("a tree of {old} leaves cannot be the beginning of a tree of {new}")]
    NotPrefix {
        /// Leaves of the older tree.
        old: u64,
        /// Leaves of the newer tree.
        new: u64,
    },
    /// The path has more or fewer steps than the shape of the tree demands.
    #[error("the path has {found} steps and the tree demands another number")]
    PathLength {
        /// Steps of the path.
        found: usize,
    },
    /// The path leads to another root.
    #[error("the path leads to another root")]
    Root,
}

/// Root of the empty tree.
pub fn empty_root() -> Hash {
    Tag::Empty.hash(&[])
}

/// Inner node.
pub fn node(left: &Hash, right: &Hash) -> Hash {
    Tag::Node.hash_pair(left, right)
}

/// Largest power of two below `size`, which is at least 2.
fn split(size: usize) -> usize {
    debug_assert!(size >= 2, "a tree of one leaf is not split");
    1 << (usize::BITS - 1 - (size - 1).leading_zeros())
}

/// Root over leaf hashes in order.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        more => {
            let (left, right) = more.split_at(split(more.len()));
            node(&root(left), &root(right))
        }
    }
}

/// Inclusion path of leaf `index`, nearest sibling first (RFC 9162, 2.1.3.1); `None` outside the tree.
pub fn inclusion_path(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    let mut path = Vec::new();
    let mut part = leaves;
    let mut at = index;
    while part.len() > 1 {
        let (left, right) = part.split_at(split(part.len()));
        if at < left.len() {
            path.push(root(right));
            part = left;
        } else {
            path.push(root(left));
            at -= left.len();
            part = right;
        }
    }
    path.reverse();
    Some(path)
}

/// Checks an inclusion path (RFC 9162, 2.1.3.2).
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    expected: &Hash,
) -> Result<(), TreeError> {
    let found = root_by_path(leaf, index, size, path)?;
    if found == *expected { Ok(()) } else { Err(TreeError::Root) }
}

/// The root that an inclusion path leads to (RFC 9162, 2.1.3.2), for who compares it further up.
pub fn root_by_path(leaf: &Hash, index: u64, size: u64, path: &[Hash]) -> Result<Hash, TreeError> {
    if index >= size {
        return Err(TreeError::Outside { index, size });
    }
    let wrong_length = TreeError::PathLength { found: path.len() };
    let (mut first, mut second) = (index, size - 1);
    let mut current = *leaf;
    for step in path {
        if second == 0 {
            return Err(wrong_length);
        }
        if first & 1 == 1 || first == second {
            current = node(step, &current);
            while first & 1 == 0 && first != 0 {
                first >>= 1;
                second >>= 1;
            }
        } else {
            current = node(&current, step);
        }
        first >>= 1;
        second >>= 1;
    }
    if second == 0 { Ok(current) } else { Err(wrong_length) }
}

/// Consistency path from the first `old` leaves to all of them (RFC 9162, 2.1.4.1).
///
/// Empty where the sizes are equal; `None` where `old` is 0 or above the size.
pub fn consistency_path(leaves: &[Hash], old: usize) -> Option<Vec<Hash>> {
    if old == 0 || old > leaves.len() {
        return None;
    }
    let mut path = Vec::new();
    let (mut part, mut count, mut whole) = (leaves, old, true);
    while count != part.len() {
        let (left, right) = part.split_at(split(part.len()));
        if count <= left.len() {
            path.push(root(right));
            part = left;
        } else {
            path.push(root(left));
            count -= left.len();
            part = right;
            whole = false;
        }
    }
    if !whole {
        path.push(root(part));
    }
    path.reverse();
    Some(path)
}

/// Checks that the tree of `old` leaves is the beginning of the tree of `new` (RFC 9162, 2.1.4.2).
pub fn verify_consistency(
    old: u64,
    new: u64,
    old_root: &Hash,
    new_root: &Hash,
    path: &[Hash],
) -> Result<(), TreeError> {
    if old == 0 || old > new {
        return Err(TreeError::NotPrefix { old, new });
    }
    let wrong_length = TreeError::PathLength { found: path.len() };
    if old == new {
        return match path {
            [] if old_root == new_root => Ok(()),
            [] => Err(TreeError::Root),
            [_, ..] => Err(wrong_length),
        };
    }
    let mut steps = path.iter();
    let start = if old.is_power_of_two() { old_root } else { steps.next().ok_or(wrong_length)? };
    let (mut first, mut second) = (old - 1, new - 1);
    while first & 1 == 1 {
        first >>= 1;
        second >>= 1;
    }
    let (mut older, mut newer) = (*start, *start);
    for step in steps {
        if second == 0 {
            return Err(wrong_length);
        }
        if first & 1 == 1 || first == second {
            older = node(step, &older);
            newer = node(step, &newer);
            while first & 1 == 0 && first != 0 {
                first >>= 1;
                second >>= 1;
            }
        } else {
            newer = node(&newer, step);
        }
        first >>= 1;
        second >>= 1;
    }
    if second != 0 {
        return Err(wrong_length);
    }
    if older == *old_root && newer == *new_root { Ok(()) } else { Err(TreeError::Root) }
}

/// A tree that only grows and remembers no more than the roots of its full subtrees.
///
/// The peaks stand from the largest subtree to the smallest, one for each bit of the size.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// A frontier read from storage; `None` where the number of peaks does not fit the size.
    pub fn from_parts(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (usize::try_from(size.count_ones()).ok()? == peaks.len()).then_some(Self { size, peaks })
    }

    /// Leaves so far.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the full subtrees, largest first.
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Appends a leaf; calls `filled(level, index, root)` for each subtree that became full, the
    /// leaf itself (level 0) first.
    pub fn append(&mut self, leaf: Hash, mut filled: impl FnMut(u8, u64, Hash)) {
        filled(0, self.size, leaf);
        let mut current = leaf;
        let (mut rest, mut level) = (self.size, 0u8);
        while rest & 1 == 1 {
            let left = self.peaks.pop().expect("one peak for each bit of the size");
            current = node(&left, &current);
            rest >>= 1;
            level += 1;
            filled(level, rest, current);
        }
        self.peaks.push(current);
        self.size += 1;
    }

    /// Root of the tree so far.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return empty_root() };
        peaks.fold(*last, |right, left| node(left, &right))
    }
}
