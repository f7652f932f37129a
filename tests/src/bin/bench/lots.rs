//! The lots workload on real nodes: how fast, at what price and how big, in rows over the size of the
//! ledger.

mod load;
mod plot;
mod progress;
mod row;
mod sampler;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rocks::RocksStore;
use serde_json::json;
use tests::demo::stage::{PATIENCE, Stage};
use tests::devnet::Devnet;
use tests::lots::{BATCH_EVENTS, CONSIGNMENT_LOTS, Lots, Plan};

use crate::ceilings::Ceilings;
use crate::clock::{Watch, grouped, text};
use crate::lots::load::{Job, Load};
use crate::lots::progress::Progress;
use crate::lots::row::{Bound, Meter, Row};
use crate::lots::sampler::Sampler;
use crate::machine;
use crate::table::Table;

/// Nodes of a network without a witness.
const NODES: usize = 3;

/// How long a shortage waits for late events: longer than batches overtake each other, and shorter than
/// a run, so that alerts are raised while it lasts.
const SETTLING_MS: &str = "60000";

/// How the workload is run.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Events to record; those of a resumed run count
    #[arg(long, default_value_t = 200_000)]
    pub(crate) events: u64,
    /// Nodes: three agencies, and a witness as the fourth
    #[arg(long, default_value_t = NODES, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(3..=4))]
    pub(crate) nodes: usize,
    /// Goes on with the network that an earlier run left in this folder
    #[arg(long)]
    pub(crate) resume: Option<PathBuf>,
    /// Transactions of 100 events that each agency has under way at once
    #[arg(long, default_value_t = 8)]
    pub(crate) in_flight: usize,
    /// Leaves the nodes' folder where it is
    #[arg(long)]
    pub(crate) keep: bool,
    /// Events of a row
    #[arg(long, default_value_t = 100_000)]
    pub(crate) row: u64,
    /// Events between two stages of a lot
    #[arg(long, default_value_t = 100_000)]
    pub(crate) apart: u64,
    /// Seed of the workload
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Ends after a row that was slower than this, in events a second
    #[arg(long, default_value_t = 0)]
    pub(crate) give_up: u64,
    /// Folder that lots.json and the plots are written to
    #[arg(long, default_value = ".")]
    pub(crate) out: PathBuf,
}

impl Options {
    /// A run in one row, whose figures are written into `out`.
    pub(crate) fn short(events: u64, out: &Path) -> Self {
        Self {
            events,
            nodes: NODES,
            resume: None,
            in_flight: 8,
            keep: false,
            row: events,
            // So that all three provinces are at work.
            apart: events / 10,
            seed: 1,
            give_up: 0,
            out: out.to_owned(),
        }
    }
}

/// Events a second that every row must reach.
const EVENTS_A_SECOND_MIN: u64 = 4_000;

/// Bytes of disk an event, compacted.
const DISK_BYTES_MAX: u64 = 1_800;

/// Resident memory of a node.
const RESIDENT_MIB_MAX: u64 = 400;

/// A complete trace while load goes on.
const TRACE_P99_MAX: Duration = Duration::from_millis(50);

/// Runs the workload, prints a row at a time and writes the figures.
pub(crate) async fn measure(
    (table, ceilings): (&mut Table, &Ceilings),
    options: &Options,
) -> anyhow::Result<()> {
    let (net, mut progress) = network(options).await?;
    let plan = Plan { seed: progress.seed, apart: progress.apart };
    let lots = Arc::new(Lots::new(plan));
    let net = prepared(net, &lots, options, &mut progress).await?;
    table.part(&format!(
        "lots on {} nodes, 3 x {} transactions of {BATCH_EVENTS}",
        net.len(),
        options.in_flight
    ));
    let bound = Bound::of(ceilings, &lots, net.len())?;
    row::head(table, &bound);
    let net = Arc::new(net);
    let outcome = run((&net, &lots), table, options, &mut progress).await;
    progress.save(net.folder())?;
    let compacted = match outcome {
        Ok(()) => finish(net, options, &progress).await?,
        Err(error) => return Err(error),
    };
    told(table, &progress, compacted);
    let figures = json!({
        "machine": machine::hardware(),
        "nodes": options.nodes,
        "seed": progress.seed,
        "events_between_stages": progress.apart,
        "ceiling": bound.json(),
        "rows": progress.rows.iter().map(Row::json).collect::<Vec<_>>(),
        "disk_bytes_an_event_compacted": compacted,
    });
    std::fs::create_dir_all(&options.out)?;
    let file = options.out.join("lots.json");
    std::fs::write(&file, serde_json::to_string_pretty(&figures)? + "\n")?;
    plot::all(&options.out, &progress.rows, &bound)?;
    table.note(&format!("  {} and plots beside it", file.display()));
    Ok(())
}

/// The network of an earlier run, or a new one.
async fn network(options: &Options) -> anyhow::Result<(Devnet, Progress)> {
    let (mut net, progress) = match &options.resume {
        Some(folder) => (Devnet::reopen(folder)?, Progress::load(folder)?),
        None => (Devnet::new(options.nodes)?, Progress::new(options.seed, options.apart)),
    };
    if options.keep {
        net.keep_folder();
    }
    net.start_all()?;
    let all: Vec<usize> = (0..net.len()).collect();
    net.executed(&all, 1, PATIENCE).await?;
    Ok((net, progress))
}

/// Schemes, registry and the papers of every lot that this run comes to.
async fn prepared(
    net: Devnet,
    lots: &Arc<Lots>,
    options: &Options,
    progress: &mut Progress,
) -> anyhow::Result<Devnet> {
    let batches = usize::try_from(options.events.div_ceil(BATCH_EVENTS))?;
    let begun = lots.schedule().take(batches).map(|batch| batch.lots_done() + 1).max();
    let consignments = begun.unwrap_or_default().div_ceil(CONSIGNMENT_LOTS);
    let mut entries = lots.papers(progress.consignments..consignments.max(progress.consignments));
    let net = if progress.consignments == 0 {
        entries.splice(0..0, lots.registry());
        let stage = Stage::of(net);
        stage.agree_on_schemes()?;
        stage.agree_on_settling(SETTLING_MS)?;
        stage.net
    } else {
        net
    };
    load::register(&net, entries).await?;
    progress.consignments = progress.consignments.max(consignments);
    Ok(net)
}

/// Submits until all events are recorded, or until a row is too slow.
async fn run(
    (net, lots): (&Arc<Devnet>, &Arc<Lots>),
    table: &Table,
    options: &Options,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let job = Job {
        from: progress.next,
        until: options.events.div_ceil(BATCH_EVENTS),
        in_flight: options.in_flight,
    };
    let sampler = Sampler::start(net, lots);
    let known = usize::try_from(progress.next)?;
    lots.schedule().take(known).for_each(|batch| sampler.recorded(batch));
    let mut load = Load::start(net, lots, job);
    let mut meter = Meter::start(net)?;
    while let Some(done) = load.next().await? {
        sampler.recorded(done.batch);
        progress.done(done.ordinal);
        meter.add(&done);
        let is_last = load.is_empty();
        if meter.events() < options.row && !is_last {
            continue;
        }
        let row = meter.row((net, &sampler), progress.events())?;
        row.print(table);
        let is_slow = row.events_a_second < options.give_up;
        progress.rows.push(row);
        progress.save(net.folder())?;
        if is_slow {
            table.note("  slower than asked for: the run ends here");
            break;
        }
    }
    load.end().await;
    Ok(())
}

/// Stops the nodes; bytes on disk an event once the first node's store is compacted.
async fn finish(net: Arc<Devnet>, options: &Options, progress: &Progress) -> anyhow::Result<u64> {
    let mut net = Arc::try_unwrap(net).ok().context("nobody uses the network any more")?;
    for index in 0..net.len() {
        net.stop(index).await?;
    }
    let ledger = net.node(0)?.home.data_folder().join("ledger");
    compact(&ledger)?;
    let bytes = machine::size_of(&ledger)?;
    if options.keep || options.resume.is_some() {
        let folder = net.folder().display();
        Table::default().note(&format!("  the network is in {folder}; --resume goes on with it"));
    }
    Ok(bytes / progress.events().max(1))
}

fn compact(ledger: &Path) -> anyhow::Result<()> {
    RocksStore::open(ledger).context("the store of a stopped node")?.compact();
    Ok(())
}

/// The floors, over all rows.
fn told(table: &mut Table, progress: &Progress, compacted: u64) {
    table.row("disk after compaction", &format!("{} B an event", grouped(compacted)), "");
    table.floor(
        "disk <= 1,800 B an event",
        &grouped(compacted),
        (compacted <= DISK_BYTES_MAX).into(),
    );
    let slowest = progress.rows.iter().map(|row| row.events_a_second).min().unwrap_or_default();
    let verdict = (slowest >= EVENTS_A_SECOND_MIN).into();
    table.floor("every row >= 4,000 events/s", &grouped(slowest), verdict);
    let resident = progress.rows.iter().map(|row| row.resident_mib).max().unwrap_or_default();
    let verdict = (resident <= RESIDENT_MIB_MAX).into();
    table.floor("resident <= 400 MiB a node", &format!("{resident} MiB"), verdict);
    let traced = progress.rows.iter().filter(|row| row.traces > 0);
    if let Some(trace) = traced.map(|row| row.trace.p99).max() {
        let verdict = (trace < TRACE_P99_MAX).into();
        table.floor("complete trace p99 < 50 ms", &text(trace), verdict);
    }
    // The first row has fewer lines an event: not all three provinces are at work yet.
    if let (Some(second), Some(last)) = (progress.rows.get(1), progress.rows.last()) {
        let share = last.events_a_second * 100 / second.events_a_second.max(1);
        table.floor("last row >= 85 % of the second", &format!("{share} %"), (share >= 85).into());
    }
}

/// How long something may take before it is told as an error of the nodes.
pub(crate) const OUTCOME_MAX: Duration = Duration::from_secs(600);

/// Whether the time for an outcome is over.
pub(crate) fn is_over(watch: &Watch) -> bool {
    watch.elapsed() > OUTCOME_MAX
}
