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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::state::Changes;

    /// Blocks at these milliseconds, each with what it schedules; what each block takes.
    fn check(blocks: &[(u64, &[(u64, &str)])], limit: usize) -> Vec<String> {
        let mut base: BTreeMap<(Namespace, Vec<u8>), Vec<u8>> = BTreeMap::new();
        let mut told = Vec::new();
        for (now, scheduled) in blocks {
            let now = TimeMs::new(*now);
            let mut state = Overlay::new(&base);
            for (at, payload) in *scheduled {
                schedule(&mut state, now, TimeMs::new(*at), payload.as_bytes()).unwrap();
            }
            let taken = take(&mut state, now, limit).unwrap();
            let words = taken.into_iter().map(|payload| String::from_utf8(payload).unwrap());
            let mut words: Vec<String> = words.collect();
            words.sort();
            told.push(words.join(" "));
            let changes: Changes = state.into_changes();
            for (key, value) in changes {
                match value {
                    Some(value) => base.insert(key, value),
                    None => base.remove(&key),
                };
            }
        }
        assert_eq!(base.len(), 1, "nothing is left but the place of the walk");
        told
    }

    #[test]
    fn a_deadline_fires_in_the_first_block_that_is_not_before_it() {
        let told = check(
            &[
                (10_000, &[(11_500, "late"), (11_000, "sharp"), (9_000, "past"), (11_500, "late")]),
                (10_900, &[]),
                (11_000, &[]),
                (11_999, &[]),
                (12_000, &[]),
                (13_000, &[]),
            ],
            9,
        );
        assert_eq!(told, ["past", "", "sharp", "", "late", ""]);
    }

    #[test]
    fn a_block_takes_no_more_than_its_limit_and_the_next_goes_on() {
        let told = check(
            &[
                (10_000, &[(11_000, "a"), (12_000, "b"), (12_000, "c")]),
                (20_000, &[]),
                (20_100, &[]),
            ],
            2,
        );
        assert_eq!(told[0], "");
        assert_eq!(told[1].split(' ').count(), 2);
        assert!(told[1].starts_with('a'));
        assert_eq!(told[2].split(' ').count(), 1);
    }

    #[test]
    fn after_a_long_standstill_the_walk_catches_up() {
        let day = 86_400_000;
        let first = [(day, "x")];
        let mut blocks: Vec<(u64, &[(u64, &str)])> = vec![(1_000, &first)];
        blocks.extend((0..24).map(|block| (2 * day + block, &[][..])));
        blocks.push((2 * day + 24, &[]));
        let told = check(&blocks, 9);
        assert_eq!(told.iter().filter(|told| *told == "x").count(), 1);
    }
}
