//! Which keys follow which after a block: one sweep over the keys that it touches.

use proto::ring::SENTINEL;

use super::rows::{Row, row_below};
use crate::store::{Column, StoreError, StoreRead};

/// A key that a block changes, or whose next key may change because a neighbour comes or goes.
#[derive(Debug)]
pub(crate) struct Touched {
    /// The key with its namespace.
    pub(crate) key: Vec<u8>,
    /// Its row below the block, if it had one.
    pub(crate) old: Option<Vec<u8>>,
    /// What the block makes of it.
    pub(crate) new: New,
}

/// What a block makes of a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum New {
    /// It has this value now.
    Value(Vec<u8>),
    /// Its value stays.
    Kept,
    /// It goes.
    Gone,
}

/// Adds the predecessor of every key that comes or goes to the keys of a block, which ascend.
pub(crate) fn with_predecessors(
    store: &impl StoreRead,
    changed: Vec<Touched>,
) -> Result<Vec<Touched>, StoreError> {
    let mut touched: Vec<Touched> = Vec::with_capacity(changed.len() + changed.len() / 4);
    // The last of the touched keys that had a row: the predecessor of all keys up to its next.
    let mut before: Option<usize> = None;
    for one in changed {
        let comes_or_goes = one.old.is_none() || one.new == New::Gone;
        if comes_or_goes && one.key != SENTINEL && !reaches(&touched, before, &one.key)? {
            let rule = "expected the row of the key before";
            let found = row_below(store, &one.key)?;
            let (key, old) =
                found.ok_or_else(|| StoreError::damaged(Column::State, &one.key, rule))?;
            before = Some(touched.len());
            touched.push(Touched { key, old: Some(old), new: New::Kept });
            if !reaches(&touched, before, &one.key)? {
                let rule = "expected a next key that is not below the one that follows";
                let key = touched.last().map_or(SENTINEL, |found| &found.key);
                return Err(StoreError::damaged(Column::State, key, rule));
            }
        }
        if one.old.is_some() {
            before = Some(touched.len());
        }
        touched.push(one);
    }
    Ok(touched)
}

/// Whether the row of a touched key names `key`, or one above it, as its next.
fn reaches(touched: &[Touched], before: Option<usize>, key: &[u8]) -> Result<bool, StoreError> {
    let Some(before) = before.and_then(|at| touched.get(at)) else {
        // Only at genesis is there no row: all keys come, and the sentinel is the first.
        return Ok(touched.first().is_some_and(|first| first.key == SENTINEL));
    };
    let old = before.old.as_deref().unwrap_or_default();
    let next = Row::parse(&before.key, old)?.next;
    Ok(next == SENTINEL || next >= key)
}

/// The key that follows each touched key after the block; of a key that goes, nothing.
///
/// Every predecessor of a key that comes or goes is among the touched, and they ascend.
pub(crate) fn nexts(touched: &[Touched]) -> Result<Vec<&[u8]>, StoreError> {
    let mut nexts: Vec<&[u8]> = vec![&[]; touched.len()];
    // The last touched key that stays, and the first key behind it that was there below the block.
    let (mut open, mut gap) = (None, SENTINEL);
    let mut close = |open: Option<usize>, next| {
        if let Some(place) = open.and_then(|at| nexts.get_mut(at)) {
            *place = next;
        }
    };
    for (at, one) in touched.iter().enumerate() {
        if gap != SENTINEL && gap < one.key.as_slice() {
            close(open.take(), gap);
        }
        if let Some(old) = &one.old {
            gap = Row::parse(&one.key, old)?.next;
        }
        if one.new != New::Gone {
            close(open.replace(at), &one.key);
        }
    }
    close(open, gap);
    Ok(nexts)
}
