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
    pub(crate) fn text(&self, standing: &Standing, mempool: usize) -> Result<String, fmt::Error> {
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
        let text = metrics.text(&standing, 3).unwrap();
        for line in [
            "jjj_decided_height 7",
            "jjj_executed_height 6",
            "jjj_certified_size 5",
            "jjj_hardened_size 4",
            "jjj_voting 0",
            "jjj_mempool_transactions 3",
        ] {
            assert!(text.lines().any(|said| said == line), "{line}: {text}");
        }
    }
}
