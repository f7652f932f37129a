//! A row of figures: what the last so many events cost, and what the machine could do at best.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use tests::devnet::Devnet;
use tests::lots::{BATCH_EVENTS, Batch, Lots, Stage};

use crate::ceilings::Ceilings;
use crate::clock::{Samples, Watch, each, grouped, per_second, text};
use crate::lots::load::Done;
use crate::lots::sampler::Sampler;
use crate::machine;
use crate::network::BLOCK_INTERVAL;
use crate::table::Table;

/// Rows of the store that an event cannot do without: its body, its identity, its entry in a log and
/// what it changes.
const STORE_ROWS: u32 = 4;

/// Two percentiles.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Percentiles {
    /// Half of the samples take no longer.
    pub(crate) p50: Duration,
    /// 99 of a hundred take no longer.
    pub(crate) p99: Duration,
}

impl Percentiles {
    fn of(samples: &Samples) -> Self {
        Self { p50: samples.percentile(50), p99: samples.percentile(99) }
    }

    fn json(self) -> Value {
        json!({ "p50_us": micros(self.p50), "p99_us": micros(self.p99) })
    }

    fn of_json(value: &Value) -> Self {
        let read = |name: &str| Duration::from_micros(value[name].as_u64().unwrap_or_default());
        Self { p50: read("p50_us"), p99: read("p99_us") }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// What some events cost.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Row {
    /// Events in the ledger at its end.
    pub(crate) events: u64,
    /// Events recorded a second.
    pub(crate) events_a_second: u64,
    /// Goods lines recorded a second.
    pub(crate) lines_a_second: u64,
    /// Processor time of all nodes, an event.
    pub(crate) nodes: Duration,
    /// Processor time of the load generator, an event.
    pub(crate) generator: Duration,
    /// Bytes of the first node's ledger, an event, over all events so far.
    pub(crate) disk_bytes: u64,
    /// Bytes submitted, an event.
    pub(crate) event_bytes: u64,
    /// Resident memory of the largest node.
    pub(crate) resident_mib: u64,
    /// Submission to receipts.
    pub(crate) submission: Percentiles,
    /// Complete traces.
    pub(crate) trace: Percentiles,
    /// Answered traces.
    pub(crate) traces: u64,
    /// Traces without an answer.
    pub(crate) traces_failed: u64,
    /// Alerts that the receipts of the events tell of.
    pub(crate) alerts: u64,
    /// Load average of the machine at its end, in hundredths.
    pub(crate) load_percent: u64,
}

/// The columns: head, width.
const COLUMNS: [(&str, usize); 12] = [
    ("events", 12),
    ("events/s", 10),
    ("lines/s", 9),
    ("nodes µs", 10),
    ("maker µs", 10),
    ("disk B", 8),
    ("MiB", 6),
    ("submit p50", 12),
    ("p99", 10),
    ("trace p50", 12),
    ("p99", 10),
    ("load", 7),
];

fn line(table: &Table, cells: &[String; COLUMNS.len()]) {
    let padded = cells.iter().zip(COLUMNS).map(|(cell, (_, width))| {
        let missing = width.saturating_sub(cell.chars().count());
        format!("{}{cell}", " ".repeat(missing))
    });
    table.note(&padded.collect::<String>());
}

/// Prints the head, and below it what this machine could do at best.
pub(crate) fn head(table: &Table, bound: &Bound) {
    table.note("  per event: processor time of all nodes and of the load generator, bytes on disk of a node");
    line(table, &COLUMNS.map(|(name, _)| name.to_owned()));
    line(
        table,
        &[
            "at best".to_owned(),
            grouped(bound.events_a_second),
            String::new(),
            decimal(bound.nodes),
            String::new(),
            grouped(bound.event_bytes),
            String::new(),
            text(bound.submission),
            String::new(),
            text(bound.trace),
            String::new(),
            String::new(),
        ],
    );
}

/// Microseconds with one decimal below 100.
fn decimal(duration: Duration) -> String {
    let tenths = duration.as_nanos() / 100;
    if tenths < 1_000 {
        format!("{}.{}", tenths / 10, tenths % 10)
    } else {
        (tenths / 10).to_string()
    }
}

impl Row {
    /// A percentile of traces, where there were any.
    fn traced(&self, percentile: Duration) -> String {
        if self.traces == 0 { "-".to_owned() } else { text(percentile) }
    }

    /// Prints it.
    pub(crate) fn print(&self, table: &Table) {
        let cells = [
            grouped(self.events),
            grouped(self.events_a_second),
            grouped(self.lines_a_second),
            decimal(self.nodes),
            decimal(self.generator),
            grouped(self.disk_bytes),
            grouped(self.resident_mib),
            text(self.submission.p50),
            text(self.submission.p99),
            self.traced(self.trace.p50),
            self.traced(self.trace.p99),
            format!("{}.{:02}", self.load_percent / 100, self.load_percent % 100),
        ];
        line(table, &cells);
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "events": self.events,
            "events_a_second": self.events_a_second,
            "lines_a_second": self.lines_a_second,
            "nodes_ns_an_event": u64::try_from(self.nodes.as_nanos()).unwrap_or(u64::MAX),
            "generator_ns_an_event": u64::try_from(self.generator.as_nanos()).unwrap_or(u64::MAX),
            "disk_bytes_an_event": self.disk_bytes,
            "submitted_bytes_an_event": self.event_bytes,
            "resident_mib": self.resident_mib,
            "submission": self.submission.json(),
            "trace": self.trace.json(),
            "traces": self.traces,
            "traces_failed": self.traces_failed,
            "alerts": self.alerts,
            "load_average_percent": self.load_percent,
        })
    }

    /// What [`Row::json`] wrote.
    pub(crate) fn of_json(value: &Value) -> anyhow::Result<Self> {
        let number =
            |name: &str| value[name].as_u64().with_context(|| format!("{name} is a number"));
        Ok(Self {
            events: number("events")?,
            events_a_second: number("events_a_second")?,
            lines_a_second: number("lines_a_second")?,
            nodes: Duration::from_nanos(number("nodes_ns_an_event")?),
            generator: Duration::from_nanos(number("generator_ns_an_event")?),
            disk_bytes: number("disk_bytes_an_event")?,
            event_bytes: number("submitted_bytes_an_event")?,
            resident_mib: number("resident_mib")?,
            submission: Percentiles::of_json(&value["submission"]),
            trace: Percentiles::of_json(&value["trace"]),
            traces: number("traces")?,
            traces_failed: number("traces_failed")?,
            alerts: number("alerts")?,
            load_percent: number("load_average_percent")?,
        })
    }
}

/// What no row can be better than on this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    /// Events a second, where the nodes did nothing but check signatures and put rows.
    pub(crate) events_a_second: u64,
    /// Processor time of all nodes for that, an event.
    pub(crate) nodes: Duration,
    /// Bytes of an event as it is submitted.
    pub(crate) event_bytes: u64,
    /// Block interval, four ways, six syncs, one batch.
    pub(crate) submission: Duration,
    /// There and back on loopback.
    pub(crate) trace: Duration,
}

impl Bound {
    /// From the ceilings of this run.
    pub(crate) fn of(ceilings: &Ceilings, lots: &Lots, nodes: usize) -> anyhow::Result<Self> {
        let put = each(ceilings.batch.percentile(50), crate::ceilings::PUTS);
        let of_node = each(ceilings.verify, BATCH_EVENTS) + put * STORE_ROWS;
        let nodes = of_node * u32::try_from(nodes)?;
        let sizes = Stage::ALL.map(|stage| {
            let made = lots.batch(Batch { stage, number: 0 });
            let bytes = made.iter().map(|made| made.operation.body.len()).sum::<usize>();
            u64::try_from(bytes).unwrap_or(u64::MAX) / BATCH_EVENTS * stage.events()
        });
        let trip = ceilings.round_trip.percentile(50);
        Ok(Self {
            events_a_second: per_second(u64::try_from(machine::cores())?, nodes),
            nodes,
            event_bytes: sizes.iter().sum::<u64>() / tests::lots::LOT_EVENTS,
            submission: BLOCK_INTERVAL
                + trip * 2
                + ceilings.sync.percentile(50) * 6
                + ceilings.batch.percentile(50),
            trace: trip,
        })
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "events_a_second": self.events_a_second,
            "nodes_ns_an_event": u64::try_from(self.nodes.as_nanos()).unwrap_or(u64::MAX),
            "submitted_bytes_an_event": self.event_bytes,
            "submission_us": micros(self.submission),
            "trace_us": micros(self.trace),
        })
    }
}

/// Sums of the row that is being measured.
pub(crate) struct Meter {
    watch: Watch,
    processor: (Duration, Duration),
    ledger: PathBuf,
    transactions: u64,
    lines: u64,
    bytes: u64,
    alerts: u64,
    latencies: Samples,
}

impl Meter {
    /// Starts a row.
    pub(crate) fn start(net: &Devnet) -> anyhow::Result<Self> {
        Ok(Self {
            watch: Watch::start(),
            processor: machine::processor_time()?,
            ledger: net.node(0)?.home.data_folder().join("ledger"),
            transactions: 0,
            lines: 0,
            bytes: 0,
            alerts: 0,
            latencies: Samples::default(),
        })
    }

    /// Adds a transaction.
    pub(crate) fn add(&mut self, done: &Done) {
        self.transactions += 1;
        self.lines += done.lines;
        self.bytes += done.bytes;
        self.alerts += done.alerts;
        self.latencies.add(done.took);
    }

    /// Events of the row so far.
    pub(crate) const fn events(&self) -> u64 {
        self.transactions * BATCH_EVENTS
    }

    /// Ends the row and starts the next one; the ledger holds `total` events.
    pub(crate) fn row(
        &mut self,
        (net, sampler): (&Devnet, &Sampler),
        total: u64,
    ) -> anyhow::Result<Row> {
        let took = self.watch.elapsed();
        let next = Self::start(net)?;
        let events = self.events();
        let (own, nodes) = next.processor;
        let (own_before, nodes_before) = self.processor;
        let traces = sampler.take();
        let resident = (0..net.len()).map(|index| machine::resident_mib(net.process(index)?));
        let resident: Vec<u64> = resident.collect::<anyhow::Result<_>>()?;
        let row = Row {
            events: total,
            events_a_second: per_second(events, took),
            lines_a_second: per_second(self.lines, took),
            nodes: each(nodes.saturating_sub(nodes_before), events),
            generator: each(own.saturating_sub(own_before), events),
            disk_bytes: machine::size_of(&self.ledger)? / total.max(1),
            event_bytes: self.bytes / events.max(1),
            resident_mib: resident.into_iter().max().unwrap_or_default(),
            submission: Percentiles::of(&self.latencies),
            trace: Percentiles::of(&traces.took),
            traces: u64::try_from(traces.took.len())?,
            traces_failed: traces.failed,
            alerts: self.alerts,
            load_percent: machine::load_percent(),
        };
        *self = next;
        Ok(row)
    }
}
