//! Deadlines: what is to be done when the block time passes a moment. The state knows only single
//! keys, so deadlines lie in buckets of one second and the end of a block walks the seconds.

use proto::TimeMs;
use proto::trie::Namespace;

use crate::pages::{Map, Pages};
use crate::state::{Overlay, State as _, StateFault};

/// State key, namespace SYS: the first second whose bucket has not been emptied, u64.
const CURSOR_KEY: &[u8] = b"due";

/// Milliseconds of a bucket.
const BUCKET_MS: u64 = 1_000;

/// Seconds walked in a block: after a standstill of a day the walk catches up in 24 blocks.
const BUCKETS_MAX: u64 = 3_600;

/// Notes `payload` for the first block whose time is not before `at`, at the earliest the present
/// one. The same payload twice for one second is one deadline.
pub(crate) fn schedule(
    state: &mut Overlay<'_>,
    now: TimeMs,
    at: TimeMs,
    payload: &[u8],
) -> Result<(), StateFault> {
    // What lies before the present block may lie behind the walk, where nobody would find it.
    let second = at.value().div_ceil(BUCKET_MS).max(now.value() / BUCKET_MS);
    bucket(second).put(state, payload, Vec::new())
}

/// Takes up to `limit` deadlines that are due at `now`, in the order of their seconds.
pub(crate) fn take(
    state: &mut Overlay<'_>,
    now: TimeMs,
    limit: usize,
) -> Result<Vec<Vec<u8>>, StateFault> {
    let last = now.value() / BUCKET_MS;
    // Nothing is scheduled before the block that schedules it.
    let first = cursor(state)?.unwrap_or(last);
    let mut taken = Vec::new();
    let mut second = first;
    while second <= last && second - first < BUCKETS_MAX {
        let room = limit - taken.len();
        let found = bucket(second).scan(state, None, room)?;
        for found in &found {
            bucket(second).remove(state, &found.key)?;
        }
        taken.extend(found.into_iter().map(|found| found.key));
        if taken.len() >= limit {
            break;
        }
        // The bucket of the block's own second stays open: more may be scheduled for it.
        if second == last {
            break;
        }
        second += 1;
    }
    if cursor(state)? != Some(second) {
        state.put(Namespace::Sys, CURSOR_KEY, second.to_be_bytes().to_vec());
    }
    Ok(taken)
}

fn bucket(second: u64) -> Pages {
    Pages::of(Namespace::Due, &second.to_be_bytes(), Map::Deadlines)
}

fn cursor(state: &Overlay<'_>) -> Result<Option<u64>, StateFault> {
    let Some(value) = state.get(Namespace::Sys, CURSOR_KEY)? else { return Ok(None) };
    let bytes = <[u8; 8]>::try_from(&*value).map_err(|_| {
        StateFault::record(Namespace::Sys, CURSOR_KEY, &"the cursor of deadlines has 8 bytes")
    })?;
    Ok(Some(u64::from_be_bytes(bytes)))
}
