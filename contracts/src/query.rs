//! Read models: what the node's service answers, as plain structs over a state of any height. They
//! change nothing and cost what they show.

pub mod alert;
pub mod locate;
pub mod notice;

use std::cmp::Ordering;

use crate::state::StateFault;

/// Entries of a set that one list is chosen from. A million records are read in some ten seconds, of
/// alerts more than three provinces raise in years; beyond it the list is of those that were read.
const READ_MAX: usize = 1_000_000;

/// Entries that are read at a time.
const PIECE: usize = 1_000;

/// Entries of a list by ascending key, with what each stands for.
type Piece<T> = Vec<(Vec<u8>, Option<T>)>;

/// What the entries of a list stand for: at most `limit`, the first in `order`. A list is in the order
/// of its keys, so that all of it is read before anything is left out. `piece` reads entries after a key.
fn first_of<T>(
    (limit, order): (usize, fn(&T, &T) -> Ordering),
    mut piece: impl FnMut(Option<&[u8]>, usize) -> Result<Piece<T>, StateFault>,
) -> Result<Vec<T>, StateFault> {
    let mut list = Vec::new();
    let (mut after, mut seen): (Option<Vec<u8>>, usize) = (None, 0);
    while seen < READ_MAX {
        let found = piece(after.as_deref(), PIECE)?;
        let count = found.len();
        after = found.last().map(|(key, _)| key.clone());
        list.extend(found.into_iter().filter_map(|(_, one)| one));
        if list.len() > limit.saturating_add(PIECE) {
            list.sort_by(order);
            list.truncate(limit);
        }
        if count < PIECE {
            break;
        }
        seen += count;
    }
    list.sort_by(order);
    list.truncate(limit);
    Ok(list)
}
