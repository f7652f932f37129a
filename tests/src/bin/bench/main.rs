//! What the system does, beside what this machine can do at best, measured in the same run.

mod ceilings;
mod clock;
mod execution;
mod goods;
mod lots;
mod machine;
mod network;
mod state;
mod table;
mod trace;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tests::demo::stage::{PATIENCE, Stage};
use tests::devnet::Devnet;

use crate::ceilings::Ceilings;
use crate::network::{AGENCIES, Plan};
use crate::table::Table;

/// Measures the system beside what this machine can do at best 性能测量
#[derive(Clone, Debug, Parser)]
#[command(name = "bench", version)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
struct Arguments {
    /// What to measure; everything in short form where nothing is named
    #[command(subcommand)]
    what: Option<What>,
    /// Less of everything
    #[arg(long)]
    quick: bool,
    /// Exit with 1 where a floor is not kept
    #[arg(long, global = true)]
    strict: bool,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// The shape of real work on real nodes: a row of figures for each 100,000 events
    Lots(lots::Options),
    /// The contracts alone, state in memory
    Contracts(execution::Options),
    /// The authenticated state on RocksDB
    State(state::Options),
    /// The old mix on three nodes: one line an event, few codes; and latency at idle, and a trace
    Mix(MixOptions),
}

/// How the mix is run.
#[derive(Clone, Copy, Debug, clap::Args)]
struct MixOptions {
    /// Seconds of load
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Transactions that each of the three agencies has under way at once
    #[arg(long, default_value_t = 4)]
    in_flight: u64,
    /// Leaves the nodes' folder where it is
    #[arg(long)]
    keep: bool,
}

/// How many times each thing is measured.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// Ceilings.
    ceilings: u64,
    /// Events at idle.
    samples: usize,
    /// Traces.
    traces: u64,
}

impl Times {
    const FULL: Self = Self { ceilings: 1_000, samples: 100, traces: 500 };
    const SHORT: Self = Self { ceilings: 100, samples: 30, traces: 50 };
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut table = Table::default();
    measure(&arguments, &mut table).await?;
    let failed = arguments.strict && !table.is_kept();
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn measure(arguments: &Arguments, table: &mut Table) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("jjj-bench-").tempdir()?;
    table.note(&machine::hardware());
    table.note(&format!(
        "load average {} before; fsync on; TLS none, loopback; an Ed25519 signature for each \
         transaction, vote and checkpoint",
        machine::load(),
    ));
    let is_short = arguments.quick || arguments.what.is_none();
    let times = if is_short { Times::SHORT } else { Times::FULL };
    let ceilings = ceilings::measure(table, folder.path(), times.ceilings).await?;
    match &arguments.what {
        Some(What::Lots(options)) => lots::measure((table, &ceilings), options).await?,
        Some(What::Contracts(options)) => execution::measure(table, *options)?,
        Some(What::State(options)) => {
            state::measure((table, &ceilings), folder.path(), *options)?;
        }
        Some(What::Mix(options)) => mix((table, &ceilings), times, *options).await?,
        None => {
            let short = if arguments.quick { Short::QUICK } else { Short::USUAL };
            everything((table, &ceilings), folder.path(), short).await?;
        }
    }
    table.note(&format!("load average {} after", machine::load()));
    Ok(())
}

/// How much of everything is measured where nothing is named.
#[derive(Clone, Copy, Debug)]
struct Short {
    /// Keys of the state.
    keys: u64,
    /// Events of lots, on nodes and through the contracts alone.
    events: u64,
    /// Seconds of the mix.
    seconds: u64,
}

impl Short {
    const USUAL: Self = Self { keys: 1_000_000, events: 10_000, seconds: 10 };
    const QUICK: Self = Self { keys: 100_000, events: 2_000, seconds: 3 };
}

/// Everything in short form.
async fn everything(
    (table, ceilings): (&mut Table, &Ceilings),
    folder: &Path,
    Short { keys, events, seconds }: Short,
) -> anyhow::Result<()> {
    state::measure((table, ceilings), folder, state::Options { keys, blocks: 4 })?;
    execution::measure(table, execution::Options { events })?;
    let options = MixOptions { seconds, in_flight: 4, keep: false };
    mix((table, ceilings), Times::SHORT, options).await?;
    lots::measure((table, ceilings), &lots::Options::short(events, folder)).await
}

/// Three nodes: idle, a trace, the mix.
async fn mix(
    (table, ceilings): (&mut Table, &Ceilings),
    times: Times,
    options: MixOptions,
) -> anyhow::Result<()> {
    table.note(&format!("events of {} B", network::event_bytes()?));
    let plan = Plan {
        samples: times.samples,
        load: Duration::from_secs(options.seconds),
        in_flight: options.in_flight,
    };
    let mut net = Devnet::new(AGENCIES)?;
    if options.keep {
        net.keep_folder();
        table.note(&format!("  nodes in {}", net.folder().display()));
    }
    net.start_all()?;
    net.executed(&[0, 1, 2], 1, PATIENCE).await?;
    network::idle((table, ceilings), &net, plan).await?;
    let stage = Stage::of(net);
    let height = trace::load(&stage)?;
    stage.net.hardened(height, PATIENCE).await?;
    trace::measure((table, ceilings), &stage.net, times.traces).await?;
    network::load((table, ceilings), &Arc::new(stage.net), plan).await
}
