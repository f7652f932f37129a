//! Read models: what the node's service answers, as plain structs over a state of any height. They
//! change nothing and cost what they show.

pub mod alert;
pub mod locate;
pub mod notice;

use std::cmp::Ordering;

use crate::pages::Pages;
use crate::state::{State, StateFault};

/// Entries of a set that one list is chosen from. A million records are read in some ten seconds, of
/// alerts more than three provinces raise in years; beyond it the list is of those that were read.
const READ_MAX: usize = 1_000_000;

/// Entries that are read at a time.
const PIECE: usize = 1_000;

/// What the entries of a set stand for: at most `limit`, the first in `order`. A set is in the order of
/// its hashes, so that all of it is read before anything is left out.
fn first_of<T>(
    state: &dyn State,
    pages: &Pages,
    (limit, order): (usize, fn(&T, &T) -> Ordering),
    mut read: impl FnMut(&[u8]) -> Result<Option<T>, StateFault>,
) -> Result<Vec<T>, StateFault> {
    let mut list = Vec::new();
    let (mut after, mut seen) = (None, 0);
    while seen < READ_MAX {
        let found = pages.scan(state, after, PIECE)?;
        for entry in &found {
            list.extend(read(&entry.key)?);
        }
        if list.len() > limit.saturating_add(PIECE) {
            list.sort_by(order);
            list.truncate(limit);
        }
        if found.len() < PIECE {
            break;
        }
        after = found.last().map(|last| last.place);
        seen += found.len();
    }
    list.sort_by(order);
    list.truncate(limit);
    Ok(list)
}
