//! Three real nodes: latency at idle, throughput with everything on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use proto::codec::Canonical as _;
use proto::operation::Operation;
use tests::devnet::Devnet;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

use crate::ceilings::Ceilings;
use crate::clock::{self, Samples, Watch, each, grouped, per_second};
use crate::goods::Goods;
use crate::machine::{cores, processor_time};
use crate::table::Table;

/// Agencies that submit; the nodes are theirs.
pub(crate) const AGENCIES: usize = 3;

/// Events of a transaction under load.
const EVENTS: usize = 100;

/// How long a primary gathers transactions before it proposes a block.
pub(crate) const BLOCK_INTERVAL: Duration = Duration::from_millis(50);

/// Idle latency that must not be exceeded by 99 of 100 events.
const IDLE_P99_MAX: Duration = Duration::from_millis(300);

/// Events a second that the network must reach.
const THROUGHPUT_MIN: u64 = 8_000;

/// What is submitted, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Events submitted one after the other.
    pub(crate) samples: usize,
    /// How long the load lasts.
    pub(crate) load: Duration,
    /// Transactions that each agency has under way at once.
    pub(crate) in_flight: u64,
}

/// Bytes of an event as it is submitted.
pub(crate) fn event_bytes() -> anyhow::Result<usize> {
    let operations = Goods::new(0).operations(EVENTS)?;
    let bytes: usize = operations.iter().map(|operation| operation.encode().len()).sum();
    Ok(bytes / EVENTS)
}

/// Submits operations as one transaction; how many were accepted, and how long it took.
async fn submit(
    net: &Devnet,
    agency: usize,
    operations: Vec<Operation>,
) -> anyhow::Result<(u64, Duration)> {
    let transaction = net.sign(agency, operations)?;
    let watch = Watch::start();
    let outcome = net.submit(agency, &transaction).await?;
    let took = watch.elapsed();
    let outcome = outcome.map_err(|status| net.failed(&format!("agency {agency}: {status}")))?;
    let refused = outcome.receipts.iter().find(|receipt| receipt.code != 0);
    if let Some(receipt) = refused {
        anyhow::bail!("an event of the benchmark was refused: {}", receipt.text_en);
    }
    Ok((u64::try_from(outcome.receipts.len())?, took))
}

/// One event in one transaction, one after the other, from every agency in turn.
pub(crate) async fn idle(
    (table, ceilings): (&mut Table, &Ceilings),
    net: &Devnet,
    plan: Plan,
) -> anyhow::Result<()> {
    table.part("three nodes, idle");
    let mut goods = Goods::new(1);
    let mut samples = Samples::default();
    for number in 0..plan.samples + AGENCIES {
        let (_, took) = submit(net, number % AGENCIES, goods.operations(1)?).await?;
        // The first one of each agency opens its connection.
        if number >= AGENCIES {
            samples.add(took);
        }
    }
    // Body to the primary, proposal, two votes: one way each. A sync of journal and safety record
    // before the proposal and before each vote. The block's batch.
    let trip = ceilings.round_trip.percentile(50) / 2;
    let syncs = ceilings.sync.percentile(50) * 6;
    let floor = BLOCK_INTERVAL + trip * 4 + syncs + ceilings.batch.percentile(50);
    let floor = format!("{}: block interval, 4 ways, 6 fdatasync, 1 batch", clock::text(floor));
    table.row("one event, submission to receipt", &samples.both(), &floor);
    let p99 = samples.percentile(99);
    table.floor("idle p99 < 300 ms", &clock::text(p99), (p99 < IDLE_P99_MAX).into());
    Ok(())
}

/// Sums of a histogram of a node: seconds spent, times.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    spent: Duration,
    count: u64,
}

impl Sums {
    fn of(page: &str, name: &str) -> Self {
        let value = |end: &str| {
            let name = format!("{name}_{end} ");
            page.lines().find_map(|line| line.strip_prefix(name.as_str())).unwrap_or("0")
        };
        let spent = value("sum").parse().ok().and_then(|sum| Duration::try_from_secs_f64(sum).ok());
        let spent = spent.unwrap_or_default();
        Self { spent, count: value("count").parse().unwrap_or_default() }
    }

    const fn since(self, before: Self) -> Self {
        let spent = self.spent.saturating_sub(before.spent);
        Self { spent, count: self.count.saturating_sub(before.count) }
    }
}

/// What a node says of its own time.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    append: Sums,
    sync: Sums,
}

impl Figures {
    async fn of(address: SocketAddr) -> anyhow::Result<Self> {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        let request = "GET /metrics HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await?;
        let mut page = String::new();
        stream.read_to_string(&mut page).await?;
        let append = Sums::of(&page, "jjj_block_append_seconds");
        Ok(Self { append, sync: Sums::of(&page, "jjj_journal_sync_seconds") })
    }

    async fn of_node(net: &Devnet, index: usize) -> anyhow::Result<Self> {
        Self::of(net.node(index)?.home.read_config()?.metrics).await
    }
}

/// What a submitter has done.
#[derive(Default)]
struct Done {
    events: u64,
    latencies: Samples,
}

/// Submits full transactions one after the other until the time is over.
async fn submitter(
    net: Arc<Devnet>,
    agency: usize,
    source: u64,
    load: Duration,
) -> anyhow::Result<Done> {
    let (mut goods, mut done) = (Goods::new(source), Done::default());
    let watch = Watch::start();
    while watch.elapsed() < load {
        let (events, took) = submit(&net, agency, goods.operations(EVENTS)?).await?;
        done.events += events;
        done.latencies.add(took);
    }
    Ok(done)
}

async fn all_submitters(net: &Arc<Devnet>, plan: Plan) -> anyhow::Result<Done> {
    let mut submitters = JoinSet::new();
    for agency in 0..AGENCIES {
        for lane in 0..plan.in_flight {
            let source = 10 + plan.in_flight * u64::try_from(agency)? + lane;
            submitters.spawn(submitter(Arc::clone(net), agency, source, plan.load));
        }
    }
    let mut all = Done::default();
    while let Some(done) = submitters.join_next().await {
        let done = done??;
        all.events += done.events;
        all.latencies.extend(done.latencies);
    }
    Ok(all)
}

/// Batches of a hundred events from every agency at once, several of each under way.
pub(crate) async fn load(
    (table, ceilings): (&mut Table, &Ceilings),
    net: &Arc<Devnet>,
    plan: Plan,
) -> anyhow::Result<()> {
    let flight = plan.in_flight;
    table.part(&format!("three nodes, load: 3 x {flight} transactions of {EVENTS}"));
    let height = net.status(0).await.context("node 0 answers")?.executed;
    let before = Figures::of_node(net, 0).await?;
    let (own, nodes) = processor_time()?;
    let watch = Watch::start();
    let done = all_submitters(net, plan).await?;
    let took = watch.elapsed();
    let (own_after, nodes_after) = processor_time()?;
    let after = Figures::of_node(net, 0).await?;
    let blocks = net.status(0).await.context("node 0 answers")?.executed - height;
    let rate = per_second(done.events, took);
    // Each node checks the signature of every transaction, all on the cores of this machine.
    let cores_count = u64::try_from(cores())?;
    let events = u64::try_from(EVENTS)?;
    let checks = per_second(cores_count * events, ceilings.verify * 3);
    let checks = format!("{}: checks of signatures alone", grouped(checks));
    table.row("events recorded a second", &grouped(rate), &checks);
    let append = after.append.since(before.append);
    let sync = after.sync.since(before.sync);
    let batches =
        format!("{}: synced batches", grouped(per_second(1, ceilings.batch.percentile(50))));
    let rate_of_blocks = per_second(blocks * 10, took);
    let figure = format!("{}.{}", rate_of_blocks / 10, rate_of_blocks % 10);
    table.row("blocks a second", &figure, &batches);
    let batch = format!("{}: a synced batch", clock::text(ceilings.batch.percentile(50)));
    let mean = each(append.spent, append.count);
    let per_event = clock::text(each(append.spent, done.events));
    let figure = format!("{}, {per_event} an event", clock::text(mean));
    table.row("a block executed and stored, mean", &figure, &batch);
    let floor = format!("{}: 2 fdatasync", clock::text(ceilings.sync.percentile(50) * 2));
    table.row("a journal sync, mean", &clock::text(each(sync.spent, sync.count)), &floor);
    table.row("a transaction, submission to receipts", &done.latencies.both(), "");
    let spent = nodes_after.saturating_sub(nodes);
    let share = spent.as_nanos() * 100 / (took.as_nanos().max(1) * u128::try_from(cores())?);
    let figure =
        format!("{share}% of all cores, {} an event", clock::text(each(spent, done.events)));
    table.row("processor time of the three nodes", &figure, "");
    let own = own_after.saturating_sub(own);
    let figure = format!("{} an event", clock::text(each(own, done.events)));
    table.row("processor time of the load generator", &figure, "");
    let transactions = done.latencies.len();
    table.note(&format!("  {} events in {transactions} transactions, {blocks} blocks, {}; nodes and load generator share the cores", grouped(done.events), clock::text(took)));
    table.floor("mix >= 8,000 events/s", &grouped(rate), (rate >= THROUGHPUT_MIN).into());
    Ok(())
}
