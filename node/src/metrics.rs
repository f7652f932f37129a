//! Figures of a node for Prometheus.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use consensus::{Mode, Standing};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use proto::quorum::Quorum;
use rocks::{Lookups, Reads};

type Level = Gauge<u64, AtomicU64>;

/// The figures of a node.
pub(crate) struct Metrics {
    registry: Registry,
    decided: Level,
    executed: Level,
    certified: Level,
    hardened: Level,
    view: Level,
    voting: Level,
    mempool: Level,
    operations: Counter,
    refused: Counter,
    evidence: Counter,
    sync_seconds: Histogram,
    append_seconds: Histogram,
    store: StoreLevels,
}

/// What the database counts since the node was started; it counts by itself, so that the figures are
/// set and never added to.
struct StoreLevels {
    questions: Level,
    data: Cached,
    indexes: Cached,
    filters: Cached,
    loaded_bytes: Level,
}

/// One kind of block in the cache.
struct Cached {
    hits: Level,
    misses: Level,
}

impl Cached {
    fn set(&self, lookups: Lookups) {
        self.hits.set(lookups.hits);
        self.misses.set(lookups.misses);
    }
}

impl StoreLevels {
    fn new(r: &mut Registry) -> Self {
        Self {
            questions: level(r, "store_reads", "Keys read from the database, and scans"),
            data: Cached {
                hits: level(r, "store_data_hits", "Blocks of rows found in the cache"),
                misses: level(r, "store_data_misses", "Blocks of rows loaded"),
            },
            indexes: Cached {
                hits: level(r, "store_index_hits", "Blocks of indexes found in the cache"),
                misses: level(r, "store_index_misses", "Blocks of indexes loaded"),
            },
            filters: Cached {
                hits: level(r, "store_filter_hits", "Blocks of filters found in the cache"),
                misses: level(r, "store_filter_misses", "Blocks of filters loaded"),
            },
            loaded_bytes: level(r, "store_loaded_bytes", "Bytes that the cache took in"),
        }
    }

    fn set(&self, reads: &Reads) {
        self.questions.set(reads.questions);
        self.data.set(reads.data);
        self.indexes.set(reads.indexes);
        self.filters.set(reads.filters);
        self.loaded_bytes.set(reads.loaded_bytes);
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

fn level(registry: &mut Registry, name: &'static str, help: &'static str) -> Level {
    let gauge = Level::default();
    registry.register(name, help, gauge.clone());
    gauge
}

fn counter(registry: &mut Registry, name: &'static str, help: &'static str) -> Counter {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

/// From 0.1 ms to 3.3 s, doubling.
fn seconds(registry: &mut Registry, name: &'static str, help: &'static str) -> Histogram {
    let histogram = Histogram::new(exponential_buckets(0.0001, 2.0, 16));
    registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
    histogram
}

impl Metrics {
    /// Figures of a node in a set with this arithmetic.
    pub(crate) fn new(quorum: Quorum) -> Self {
        let mut registry = Registry::with_prefix("jjj");
        for (name, help, value) in [
            ("validators", "n: validators", quorum.validators()),
            ("malicious_max", "b: malicious validators tolerated", quorum.malicious_max()),
            ("quorum", "q: validators that must agree", quorum.votes()),
            ("down_max", "u: validators that may be down", quorum.down_max()),
        ] {
            level(&mut registry, name, help).set(value.into());
        }
        let r = &mut registry;
        Self {
            decided: level(r, "decided_height", "Highest decided height"),
            executed: level(r, "executed_height", "Highest executed height"),
            certified: level(r, "certified_size", "Size of the highest certified history"),
            hardened: level(r, "hardened_size", "Size of the highest hardened history"),
            view: level(r, "view", "View at the open height"),
            voting: level(r, "voting", "1 where this node votes"),
            mempool: level(r, "mempool_transactions", "Transactions that wait to be ordered"),
            operations: counter(r, "executed_operations", "Operations executed"),
            refused: counter(r, "refused_messages", "Messages of members that were refused"),
            evidence: counter(r, "evidence", "Contradictions of signatures found"),
            sync_seconds: seconds(r, "journal_sync", "One sync of journal and safety record"),
            append_seconds: seconds(r, "block_append", "Execution and storage of one block"),
            store: StoreLevels::new(r),
            registry,
        }
    }

    /// A sync of the journal took this long.
    pub(crate) fn journal_sync(&self, took: Duration) {
        self.sync_seconds.observe(took.as_secs_f64());
    }

    /// A block was executed and stored.
    pub(crate) fn executed(&self, operations: usize, took: Duration) {
        self.operations.inc_by(u64::try_from(operations).unwrap_or(u64::MAX));
        self.append_seconds.observe(took.as_secs_f64());
    }

    /// A message of a member was refused.
    pub(crate) fn refused(&self) {
        self.refused.inc();
    }

    /// A contradiction was found.
    pub(crate) fn evidence(&self) {
        self.evidence.inc();
    }

    /// Everything as text, as of now.
    pub(crate) fn text(
        &self,
        standing: &Standing,
        mempool: usize,
        reads: &Reads,
    ) -> Result<String, fmt::Error> {
        self.store.set(reads);
        self.decided.set(standing.decided.value());
        self.executed.set(standing.executed.value());
        self.certified.set(standing.certified);
        self.hardened.set(standing.hardened);
        self.view.set(standing.view.value().into());
        self.voting.set(u64::from(standing.mode == Mode::Voting));
        self.mempool.set(u64::try_from(mempool).unwrap_or(u64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use consensus::Phase;
    use proto::{Height, ValidatorIndex, View};

    use super::*;

    #[test]
    fn a_node_that_has_just_started_says_how_far_its_ledger_reaches() {
        let metrics = Metrics::new(Quorum::of(3, proto::quorum::Mode::Standard).expect("a set"));
        let standing = Standing {
            mode: Mode::Starting,
            height: Height::new(8),
            view: View::ZERO,
            primary: ValidatorIndex::new(0),
            phase: Phase::Idle,
            decided: Height::new(7),
            executed: Height::new(6),
            certified: 5,
            hardened: 4,
            bodies: 0,
            waits_for: Vec::new(),
        };
        let filters = Lookups { hits: 40, misses: 2 };
        let reads = Reads { questions: 50, filters, ..Reads::default() };
        let text = metrics.text(&standing, 3, &reads).unwrap();
        for line in [
            "jjj_decided_height 7",
            "jjj_executed_height 6",
            "jjj_certified_size 5",
            "jjj_hardened_size 4",
            "jjj_voting 0",
            "jjj_mempool_transactions 3",
            "jjj_store_reads 50",
            "jjj_store_filter_hits 40",
            "jjj_store_filter_misses 2",
            "jjj_store_index_misses 0",
        ] {
            assert!(text.lines().any(|said| said == line), "{line}: {text}");
        }
    }
}
