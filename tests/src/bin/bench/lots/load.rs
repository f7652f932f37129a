//! Submitting: a thread makes and signs ahead, and each agency has several transactions under way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use proto::codec::Canonical as _;
use proto::operation::Operation;
use tests::devnet::Devnet;
use tests::lots::{BATCH_EVENTS, Batch, Lots, Made, Stage};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tonic::Code;

use crate::clock::Watch;
use crate::lots::is_over;

/// Signed transactions that wait for each agency: making them is never what the nodes wait for.
const AHEAD: usize = 16;

/// Pause before a transaction is submitted again that a node had no room for.
const PAUSE: Duration = Duration::from_millis(50);

/// Which batches are submitted, and how many at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    /// First batch.
    pub(crate) from: u64,
    /// Behind the last batch.
    pub(crate) until: u64,
    /// Transactions that each agency has under way.
    pub(crate) in_flight: usize,
}

/// A signed transaction.
struct Prepared {
    ordinal: u64,
    batch: Batch,
    lines: u64,
    bytes: Vec<u8>,
}

/// A transaction with its receipts.
#[derive(Debug)]
pub(crate) struct Done {
    /// Position of the batch among all.
    pub(crate) ordinal: u64,
    /// The batch.
    pub(crate) batch: Batch,
    /// Goods lines of its events.
    pub(crate) lines: u64,
    /// Bytes of the transaction.
    pub(crate) bytes: u64,
    /// Alerts that its receipts tell of.
    pub(crate) alerts: u64,
    /// From its submission to its receipts.
    pub(crate) took: Duration,
}

/// Submissions under way.
pub(crate) struct Load {
    done: mpsc::Receiver<Done>,
    tasks: JoinSet<anyhow::Result<()>>,
    left: u64,
}

impl Load {
    /// Starts making and submitting.
    pub(crate) fn start(net: &Arc<Devnet>, lots: &Arc<Lots>, job: Job) -> Self {
        let mut tasks = JoinSet::new();
        let (out, done) = mpsc::channel(AHEAD);
        let mut queues = Vec::new();
        for stage in Stage::ALL {
            let (queue, waiting) = mpsc::channel(AHEAD);
            queues.push(queue);
            let waiting = Arc::new(Mutex::new(waiting));
            for _ in 0..job.in_flight {
                let lane = lane(Arc::clone(net), stage, Arc::clone(&waiting), out.clone());
                tasks.spawn(lane);
            }
        }
        let (net, lots) = (Arc::clone(net), Arc::clone(lots));
        tasks.spawn_blocking(move || make((&net, &lots), job, &queues));
        Self { done, tasks, left: job.until.saturating_sub(job.from) }
    }

    /// The next transaction that has its receipts; none when all have.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Done>> {
        if self.left == 0 {
            return Ok(None);
        }
        let Some(done) = self.done.recv().await else {
            // Every lane has ended before its time: one of them says why.
            while let Some(ended) = self.tasks.join_next().await {
                ended??;
            }
            anyhow::bail!("the submissions ended with {} transactions left", self.left);
        };
        self.left -= 1;
        Ok(Some(done))
    }

    /// Ends what is still under way and waits until nobody uses the network any more.
    pub(crate) async fn end(self) {
        let Self { done, mut tasks, .. } = self;
        drop(done);
        tasks.abort_all();
        // An aborted lane takes its queue with it, and without queues the maker ends.
        while tasks.join_next().await.is_some() {}
    }

    /// Whether nothing is left to come.
    pub(crate) const fn is_empty(&self) -> bool {
        self.left == 0
    }
}

/// Makes and signs transactions in the order of the schedule until all are taken, or nobody takes any.
fn make(
    (net, lots): (&Devnet, &Lots),
    job: Job,
    queues: &[mpsc::Sender<Prepared>],
) -> anyhow::Result<()> {
    for (ordinal, batch) in (0..job.until).zip(lots.schedule()) {
        if ordinal < job.from {
            continue;
        }
        let made = lots.batch(batch);
        let lines = made.iter().map(|made| made.lines).sum();
        let operations = made.into_iter().map(|made| made.operation).collect();
        let bytes = net.sign(batch.stage.agency(), operations)?.encode();
        let at = Stage::ALL.iter().position(|stage| *stage == batch.stage);
        let queue = at.and_then(|at| queues.get(at)).context("each stage has a queue")?;
        if queue.blocking_send(Prepared { ordinal, batch, lines, bytes }).is_err() {
            return Ok(()); // the run has ended early
        }
    }
    Ok(())
}

/// Submits one transaction after the other.
async fn lane(
    net: Arc<Devnet>,
    stage: Stage,
    waiting: Arc<Mutex<mpsc::Receiver<Prepared>>>,
    out: mpsc::Sender<Done>,
) -> anyhow::Result<()> {
    loop {
        let next = waiting.lock().await.recv().await;
        let Some(prepared) = next else { return Ok(()) };
        let Prepared { ordinal, batch, lines, bytes } = prepared;
        let length = u64::try_from(bytes.len())?;
        let watch = Watch::start();
        let alerts = submit(&net, stage.agency(), bytes).await?;
        let took = watch.elapsed();
        let done = Done { ordinal, batch, lines, bytes: length, alerts, took };
        if out.send(done).await.is_err() {
            return Ok(());
        }
    }
}

/// Submits until there are receipts, the same bytes again where a node is too busy; alerts raised.
async fn submit(net: &Devnet, agency: usize, bytes: Vec<u8>) -> anyhow::Result<u64> {
    let watch = Watch::start();
    loop {
        let status = match net.submit_bytes(agency, bytes.clone()).await? {
            Ok(outcome) => {
                let refused = outcome.receipts.iter().find(|receipt| receipt.code > 1);
                if let Some(receipt) = refused {
                    anyhow::bail!("an event of the workload was refused: {}", receipt.text_en);
                }
                let alerts: usize = outcome.receipts.iter().map(|one| one.alerts.len()).sum();
                return Ok(u64::try_from(alerts)?);
            }
            Err(status) => status,
        };
        let is_busy = status.code() == Code::ResourceExhausted
            || status.code() == Code::DeadlineExceeded
            || status.code() == Code::Cancelled
            || status.code() == Code::AlreadyExists
            || status.code() == Code::Unavailable;
        if !is_busy || is_over(&watch) {
            return Err(net.failed(&format!("agency {agency}: {status}")));
        }
        // A node with a full queue tells nobody when it has room again, so the load generator asks again.
        tokio::time::sleep(PAUSE).await;
    }
}

/// Submits registry entries in batches of each agency, a batch at a time.
pub(crate) async fn register(net: &Devnet, entries: Vec<(Stage, Made)>) -> anyhow::Result<()> {
    let mut by_stage: BTreeMap<Stage, Vec<Operation>> = BTreeMap::new();
    for (stage, made) in entries {
        by_stage.entry(stage).or_default().push(made.operation);
    }
    let batch = usize::try_from(BATCH_EVENTS)?;
    for (stage, operations) in by_stage {
        for operations in operations.chunks(batch) {
            let bytes = net.sign(stage.agency(), operations.to_vec())?.encode();
            submit(net, stage.agency(), bytes).await?;
        }
    }
    Ok(())
}
