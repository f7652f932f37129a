//! Watches the database: says when the operator should give it more memory, and ends the node when what
//! it holds cannot be trusted any more. It reads counts and faults alone, and changes nothing.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rocks::{Figures, Reads};
use tokio::sync::watch;

/// Seconds between two looks.
const LOOK_SECONDS: u64 = 60;

/// Milliseconds between two looks for a fault: a caller may be answered with an error so much longer,
/// and a node whose compaction has stopped has room for the writes of minutes.
const FAULT_MS: u64 = 250;

/// Reads between two looks below which nothing is said: a node that has just started finds its cache
/// empty, and an idle one reads too little to suffer.
const READS_MIN: u64 = 20_000;

/// Loads of index and filter blocks per hundred reads from which on the cache is too small. A cache
/// that holds them loads next to none; without one, each read loads one or two for each level.
const LOADS_PER_HUNDRED_MAX: u64 = 50;

/// The cache is too small for the indexes and filters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Advice {
    /// Index and filter blocks loaded for a hundred reads.
    loads_per_hundred: u64,
    cache_mib: u32,
}

impl Advice {
    /// The advice in Chinese.
    pub(crate) fn zh(self) -> String {
        format!(
            "数据库缓存过小：每百次读取须重新载入 {} 个索引或过滤块，请增大 node.toml 中 [storage] \
             的 cache_mib（现为 {}）并重启节点",
            self.loads_per_hundred, self.cache_mib
        )
    }

    /// The advice in English.
    pub(crate) fn en(self) -> String {
        format!(
            "the database's cache is too small: a hundred reads load {} blocks of indexes or filters; \
             raise cache_mib under [storage] in node.toml (now {}) and restart the node",
            self.loads_per_hundred, self.cache_mib
        )
    }
}

/// Where every task says that it met something in the ledger that nobody wrote. The first one ends the
/// node: it would go on voting for histories on top of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alarm(Arc<watch::Sender<Option<String>>>);

impl Alarm {
    /// Says it; later ones change nothing.
    pub(crate) fn raise(&self, damage: &impl fmt::Display) {
        self.0.send_if_modified(|known| {
            let first = known.is_none();
            known.get_or_insert_with(|| damage.to_string());
            first
        });
    }

    /// Waits for the first.
    async fn raised(&self) -> String {
        let mut heard = self.0.subscribe();
        let damage = heard.wait_for(Option::is_some).await.map_or(None, |damage| damage.clone());
        match damage {
            Some(damage) => damage,
            None => std::future::pending().await, // no sender is left, and none will speak
        }
    }
}

/// Looks at the counts from time to time.
pub(crate) struct Doctor {
    figures: Figures,
    cache_mib: u32,
    advice: watch::Sender<Option<Advice>>,
    alarm: Alarm,
}

impl Doctor {
    /// A doctor for a database with `cache_mib` of cache.
    pub(crate) fn new(figures: Figures, cache_mib: u32) -> Self {
        Self { figures, cache_mib, advice: watch::Sender::new(None), alarm: Alarm::default() }
    }

    /// For whoever reads the ledger.
    pub(crate) fn alarm(&self) -> Alarm {
        self.alarm.clone()
    }

    /// The latest advice, none while all is well.
    pub(crate) fn advice(&self) -> watch::Receiver<Option<Advice>> {
        self.advice.subscribe()
    }

    /// What is watched.
    pub(crate) fn figures(&self) -> Figures {
        self.figures.clone()
    }

    /// Watches until something is wrong with the database, and says what.
    pub(crate) async fn watch(self) -> String {
        let mut looks = tokio::time::interval(Duration::from_secs(LOOK_SECONDS));
        let mut faults = tokio::time::interval(Duration::from_millis(FAULT_MS));
        let mut before = self.figures.reads();
        loop {
            tokio::select! {
                _ = looks.tick() => {
                    let now = self.figures.reads();
                    let advice = judge(&before, &now, self.cache_mib);
                    if let Some(advice) = advice {
                        tracing::warn!("{} {}", advice.zh(), advice.en());
                    }
                    self.advice.send_replace(advice);
                    before = now;
                }
                _ = faults.tick() => {
                    if let Some(fault) = self.figures.fault() {
                        return fault;
                    }
                }
                damage = self.alarm.raised() => {
                    // Who asked may know no more than that a read failed.
                    return self.figures.fault().unwrap_or(damage);
                }
            }
        }
    }
}

/// What the counts between two looks say.
fn judge(before: &Reads, now: &Reads, cache_mib: u32) -> Option<Advice> {
    let loads = |reads: &Reads| reads.indexes.misses + reads.filters.misses;
    let reads = now.questions.saturating_sub(before.questions);
    let loaded = loads(now).saturating_sub(loads(before));
    let loads_per_hundred = loaded.saturating_mul(100).checked_div(reads)?;
    (reads >= READS_MIN && loads_per_hundred >= LOADS_PER_HUNDRED_MAX)
        .then_some(Advice { loads_per_hundred, cache_mib })
}

#[cfg(test)]
mod tests {
    use rocks::Lookups;

    use super::*;

    #[test]
    fn a_cache_that_loads_indexes_for_every_other_read_is_called_too_small() {
        let counts = |questions, indexes, filters| Reads {
            questions,
            indexes: Lookups { hits: 0, misses: indexes },
            filters: Lookups { hits: 0, misses: filters },
            ..Reads::default()
        };
        for (before, now, expected) in [
            ((0, 0, 0), (0, 0, 0), None),
            ((0, 0, 0), (100_000, 0, 0), None),
            ((0, 0, 0), (100_000, 20_000, 29_999), None),
            ((0, 0, 0), (100_000, 20_000, 30_000), Some(50)),
            ((0, 0, 0), (100_000, 150_000, 100_000), Some(250)),
            // A cold start: everything is loaded once, and little is read.
            ((0, 0, 0), (19_999, 40_000, 40_000), None),
            // What was before the last look is past.
            ((100_000, 150_000, 100_000), (200_000, 150_000, 100_000), None),
        ] {
            let read = |(questions, indexes, filters)| counts(questions, indexes, filters);
            let advice = judge(&read(before), &read(now), 128);
            let said = advice.map(|advice| advice.loads_per_hundred);
            assert_eq!(said, expected, "{before:?} {now:?}");
        }
    }

    #[tokio::test]
    async fn the_first_alarm_is_heard_whenever_it_is_listened_for() {
        let alarm = Alarm::default();
        alarm.raise(&"column state, key 07: expected a unit");
        alarm.clone().raise(&"column state, key 08: expected a unit");
        assert_eq!(alarm.raised().await, "column state, key 07: expected a unit");
    }

    #[test]
    fn the_advice_names_field_and_value_in_both_languages() {
        let advice = Advice { loads_per_hundred: 250, cache_mib: 128 };
        for said in [advice.zh(), advice.en()] {
            for part in ["250", "cache_mib", "128", "node.toml", "[storage]"] {
                assert!(said.contains(part), "{part}: {said}");
            }
        }
    }
}
