//! Deadlines: what is to be done when the block time passes a moment. A deadline is a row whose key
//! begins with its second, so that the end of a block reads those that have come.

use proto::TimeMs;
use proto::trie::Namespace;

use crate::state::{Range, Rows, StateFault};

/// Milliseconds of the unit in which deadlines are kept.
const SECOND_MS: u64 = 1_000;

/// Notes `payload` for the first block whose time is not before `at`, at the earliest the present
/// one. The same payload twice for one second is one deadline.
pub(crate) fn schedule(state: &mut Rows<'_>, now: TimeMs, at: TimeMs, payload: &[u8]) {
    let second = at.value().div_ceil(SECOND_MS).max(now.value() / SECOND_MS);
    state.put(Namespace::Due, &[&second.to_be_bytes(), payload].concat(), Vec::new());
}

/// The deadlines that a block takes.
pub(crate) struct Taken {
    /// Payloads, in the order of their seconds.
    pub(crate) payloads: Vec<Vec<u8>>,
    /// Whether more have come than the block takes.
    pub(crate) is_cut: bool,
}

/// Takes up to `limit` deadlines that are due at `now`.
pub(crate) fn take(state: &mut Rows<'_>, now: TimeMs, limit: usize) -> Result<Taken, StateFault> {
    let last = now.value() / SECOND_MS;
    let range = Range { prefix: &[], after: None };
    let found = state.scan_namespace(Namespace::Due, &range, limit.saturating_add(1))?;
    let mut payloads = Vec::new();
    for (key, _) in found {
        let Some((second, payload)) = key.split_first_chunk::<8>() else {
            return Err(StateFault::record(
                Namespace::Due,
                &key,
                &"a deadline begins with a second",
            ));
        };
        if u64::from_be_bytes(*second) > last {
            break;
        }
        if payloads.len() == limit {
            return Ok(Taken { payloads, is_cut: true });
        }
        payloads.push(payload.to_vec());
        state.delete(Namespace::Due, &key)?;
    }
    Ok(Taken { payloads, is_cut: false })
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
            let mut state = Rows::new(&base);
            for (at, payload) in *scheduled {
                schedule(&mut state, now, TimeMs::new(*at), payload.as_bytes());
            }
            let taken = take(&mut state, now, limit).unwrap().payloads;
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
        assert_eq!(base.len(), 0, "nothing is left");
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
