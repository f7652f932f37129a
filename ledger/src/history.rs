//! The history tree as it is stored: every full subtree has its node, so that a root or a path at any
//! size costs a few reads.

use proto::hash::Hash;
use proto::tree::{self, Frontier};

use crate::schema;
use crate::store::{Batch, Column, StoreError, StoreRead};

/// Appends a leaf and writes each node that it completes.
pub(crate) fn append(frontier: &mut Frontier, leaf: Hash, batch: &mut Batch) {
    frontier.append(leaf, |level, index, root| {
        batch.put(Column::HistoryNodes, schema::node(level, index), *root.as_bytes());
    });
}

/// The frontier of the first `size` leaves.
pub(crate) fn frontier(store: &impl StoreRead, size: u64) -> Result<Frontier, StoreError> {
    let mut peaks = Vec::new();
    let mut start = 0;
    for level in (0..64u8).rev().filter(|level| size >> level & 1 == 1) {
        peaks.push(node(store, level, start >> level)?);
        start += 1 << level;
    }
    Ok(Frontier::from_parts(size, peaks).expect("one peak was read for each bit of the size"))
}

/// Root over the first `size` leaves, all of which are stored.
pub(crate) fn root(store: &impl StoreRead, size: u64) -> Result<Hash, StoreError> {
    if size == 0 { Ok(tree::empty_root()) } else { range(store, 0, size) }
}

/// Path of leaf `index` in the tree of the first `size`; the caller has checked `index < size`.
pub(crate) fn inclusion(
    store: &impl StoreRead,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, StoreError> {
    let mut path = Vec::new();
    let (mut start, mut length) = (0, size);
    while length > 1 {
        let left = split(length);
        if index < start + left {
            path.push(range(store, start + left, length - left)?);
            length = left;
        } else {
            path.push(range(store, start, left)?);
            start += left;
            length -= left;
        }
    }
    path.reverse();
    Ok(path)
}

/// Path from the first `old` leaves to the first `new`; the caller has checked `0 < old <= new`.
pub(crate) fn consistency(
    store: &impl StoreRead,
    old: u64,
    new: u64,
) -> Result<Vec<Hash>, StoreError> {
    let mut path = Vec::new();
    let (mut start, mut length, mut count) = (0, new, old);
    while count != length {
        let left = split(length);
        if count <= left {
            path.push(range(store, start + left, length - left)?);
            length = left;
        } else {
            path.push(range(store, start, left)?);
            start += left;
            length -= left;
            count -= left;
        }
    }
    if start > 0 {
        path.push(range(store, start, length)?);
    }
    path.reverse();
    Ok(path)
}

/// Root of `length` leaves from `start`, which the shape of the tree puts under one node.
fn range(store: &impl StoreRead, start: u64, length: u64) -> Result<Hash, StoreError> {
    if length.is_power_of_two() {
        let level = u8::try_from(length.trailing_zeros()).expect("at most 63");
        return node(store, level, start >> level);
    }
    let left = split(length);
    Ok(tree::node(&range(store, start, left)?, &range(store, start + left, length - left)?))
}

/// Largest power of two below `size`, which is at least 2.
fn split(size: u64) -> u64 {
    1 << (u64::BITS - 1 - (size - 1).leading_zeros())
}

fn node(store: &impl StoreRead, level: u8, index: u64) -> Result<Hash, StoreError> {
    let key = schema::node(level, index);
    let bytes = store.get(Column::HistoryNodes, &key)?;
    let hash = bytes.and_then(|bytes| Some(Hash::new(bytes.try_into().ok()?)));
    hash.ok_or_else(|| {
        StoreError::damaged(Column::HistoryNodes, &key, "expected the 32 bytes of a node")
    })
}
