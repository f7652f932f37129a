//! What the system does, beside what this machine can do at best, measured in the same run.

#[path = "bench/ceilings.rs"]
mod ceilings;
#[path = "bench/clock.rs"]
mod clock;
#[path = "bench/goods.rs"]
mod goods;
#[path = "bench/machine.rs"]
mod machine;
#[path = "bench/network.rs"]
mod network;
#[path = "bench/state.rs"]
mod state;
#[path = "bench/table.rs"]
mod table;
#[path = "bench/trace.rs"]
mod trace;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use tests::demo::stage::{PATIENCE, Stage};
use tests::devnet::Devnet;

use crate::network::{AGENCIES, Plan};
use crate::table::Table;

/// State update, trace query, three-node latency and throughput, each beside its ceiling 性能测量
#[derive(Clone, Copy, Parser)]
#[command(name = "bench", version)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
struct Arguments {
    /// Keys of the state whose update is measured
    #[arg(long, default_value_t = 1_000_000)]
    keys: u64,
    /// Seconds of load
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Transactions that each of the three agencies has under way at once
    #[arg(long, default_value_t = 4)]
    in_flight: u64,
    /// Less of everything, about twenty seconds
    #[arg(long)]
    quick: bool,
    /// Only the three nodes
    #[arg(long)]
    nodes: bool,
    /// Exit with 1 where a floor is not kept
    #[arg(long)]
    strict: bool,
    /// Leave the nodes' folder where it is
    #[arg(long)]
    keep: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut table = Table::default();
    measure(arguments, &mut table).await?;
    let failed = arguments.strict && !table.is_kept();
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn measure(arguments: Arguments, table: &mut Table) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("jjj-bench-").tempdir()?;
    table.note(&machine::hardware());
    table.note(&format!(
        "load average {} before; fsync on; TLS none, loopback; an Ed25519 signature for each \
         transaction, vote and checkpoint; events of {} B",
        machine::load(),
        network::event_bytes()?
    ));
    let times = if arguments.quick { 100 } else { 1_000 };
    let ceilings = ceilings::measure(table, folder.path(), times).await?;
    if !arguments.nodes {
        let (keys, blocks) = if arguments.quick { (100_000, 4) } else { (arguments.keys, 20) };
        state::measure((table, &ceilings), folder.path(), (keys, blocks))?;
    }
    let plan = Plan {
        samples: if arguments.quick { 30 } else { 100 },
        load: Duration::from_secs(if arguments.quick { 3 } else { arguments.seconds }),
        in_flight: arguments.in_flight,
    };
    let mut net = Devnet::new(AGENCIES)?;
    if arguments.keep {
        net.keep_folder();
        table.note(&format!("  nodes in {}", net.folder().display()));
    }
    net.start_all()?;
    net.executed(&[0, 1, 2], 1, PATIENCE).await?;
    network::idle((table, &ceilings), &net, plan).await?;
    let stage = Stage::of(net);
    let height = trace::load(&stage)?;
    stage.net.hardened(height, PATIENCE).await?;
    let times = if arguments.quick { 50 } else { 500 };
    trace::measure((table, &ceilings), &stage.net, times).await?;
    network::load((table, &ceilings), &Arc::new(stage.net), plan).await?;
    table.note(&format!("load average {} after", machine::load()));
    Ok(())
}
