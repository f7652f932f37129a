//! A tree in memory, level by level: appended to, changed in place, cut, and proven from.
//!
//! Nodes of one level are independent of each other and hashed together.

use crate::hash::{Hash, Tag};
use crate::tree::{empty_root, node};

/// A tree with every full subtree's root. The shape is that of RFC 9162, whatever the size.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Levels {
    /// The leaves, then the roots of the full subtrees of two leaves, of four, and on.
    levels: Vec<Vec<Hash>>,
}

impl Levels {
    /// The tree over `leaves`.
    pub fn of(leaves: Vec<Hash>) -> Self {
        let mut tree = Self { levels: vec![leaves] };
        tree.grow();
        tree
    }

    /// The leaves.
    pub fn leaves(&self) -> &[Hash] {
        self.levels.first().map_or(&[], Vec::as_slice)
    }

    /// Appends leaves.
    pub fn extend(&mut self, leaves: &[Hash]) {
        match self.levels.first_mut() {
            Some(first) => first.extend_from_slice(leaves),
            None => self.levels.push(leaves.to_vec()),
        }
        self.grow();
    }

    /// Hashes the nodes whose two children are there and that are not.
    fn grow(&mut self) {
        for level in 0.. {
            let Some([below, above @ ..]) = self.levels.get_mut(level..) else { return };
            if below.len() < 2 {
                return;
            }
            let mut new = Vec::new();
            let above = match above.first_mut() {
                Some(above) => above,
                None => &mut new,
            };
            let (_, rest) = below.split_at(above.len() * 2);
            Tag::Node.hash_neighbours(rest, above);
            if !new.is_empty() {
                self.levels.push(new);
            }
        }
    }

    /// Keeps the first `size` leaves.
    pub fn truncate(&mut self, size: usize) {
        for (level, nodes) in self.levels.iter_mut().enumerate() {
            nodes.truncate(size >> level);
        }
        let kept = self.levels.iter().take_while(|nodes| !nodes.is_empty()).count();
        self.levels.truncate(kept);
    }

    /// Sets leaves that are there, ascending by index, and hashes what is above them anew.
    ///
    /// # Panics
    /// Where an index is not below the number of leaves.
    pub fn set(&mut self, leaves: &[(usize, Hash)]) {
        let Some(first) = self.levels.first_mut() else {
            assert!(leaves.is_empty(), "a tree without leaves has none to set");
            return;
        };
        for (index, leaf) in leaves {
            *first.get_mut(*index).expect("the index is below the size") = *leaf;
        }
        let mut changed: Vec<usize> = leaves.iter().map(|(index, _)| index / 2).collect();
        let (mut children, mut hashed) = (Vec::new(), Vec::new());
        for level in 1..self.levels.len() {
            let (below, above) = self.levels.split_at_mut(level);
            let (Some(below), Some(above)) = (below.last(), above.first_mut()) else { return };
            changed.dedup();
            // The last child of a level may stand alone; its parent is no full subtree.
            changed.retain(|index| *index < above.len());
            children.clear();
            for index in &changed {
                children.extend_from_slice(below.get(index * 2..index * 2 + 2).unwrap_or_default());
            }
            hashed.clear();
            Tag::Node.hash_neighbours(&children, &mut hashed);
            for (index, hash) in changed.iter_mut().zip(&hashed) {
                if let Some(place) = above.get_mut(*index) {
                    *place = *hash;
                }
                *index /= 2;
            }
        }
    }

    /// Root of the tree.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks().rev().map(|(_, peak)| peak);
        let Some(last) = peaks.next() else { return empty_root() };
        peaks.fold(last, |right, left| node(&left, &right))
    }

    /// The full subtrees that the tree is made of, largest first: the level of each and its root.
    fn peaks(&self) -> impl DoubleEndedIterator<Item = (usize, Hash)> + '_ {
        let size = self.leaves().len();
        self.levels.iter().enumerate().rev().filter_map(move |(level, nodes)| {
            // The subtree of this level that is not part of a larger one is the last of its level.
            if size >> level & 1 == 1 { nodes.last().map(|root| (level, *root)) } else { None }
        })
    }

    /// Inclusion path of leaf `index`, nearest sibling first; `None` outside the tree.
    pub fn path(&self, index: usize) -> Option<Vec<Hash>> {
        if index >= self.leaves().len() {
            return None;
        }
        let peaks: Vec<(usize, Hash)> = self.peaks().collect();
        // The leaf lies under the first peak that ends behind it.
        let mut end = 0;
        let at = peaks.iter().position(|(level, _)| {
            end += 1 << level;
            index < end
        })?;
        let (left, rest) = peaks.split_at(at);
        let ((height, _), right) = rest.split_first()?;
        let mut path = Vec::with_capacity(height + at + 1);
        for (level, nodes) in self.levels.iter().take(*height).enumerate() {
            path.push(*nodes.get((index >> level) ^ 1)?);
        }
        let mut right = right.iter().rev().map(|(_, peak)| *peak);
        path.extend(right.next().map(|last| right.fold(last, |right, left| node(&left, &right))));
        path.extend(left.iter().rev().map(|(_, peak)| *peak));
        Some(path)
    }
}
