//! Complete traces of random goods while load goes on: some were recorded a moment ago, most lie cold.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::trace::trace_service_client::TraceServiceClient;
use api::trace::{Direction, ProofMode, TraceRequest};
use tests::devnet::Devnet;
use tests::lots::{BOXES, Batch, Lots, Stage};
use tokio::task::JoinHandle;

use crate::clock::{Samples, Watch};

/// Pause between two questions.
const PAUSE: Duration = Duration::from_millis(200);

/// Lots behind the newest that are not asked for yet: batches overtake each other by a few lots, and a
/// certificate follows a second later.
const LOTS_MARGIN: u64 = 200;

/// Most bytes of an answer that is read here.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What was measured since it was last taken.
#[derive(Debug, Default)]
pub(crate) struct Traces {
    /// Answers.
    pub(crate) took: Samples,
    /// Questions without an answer, or with an empty one.
    pub(crate) failed: u64,
}

/// Lots of each stage whose events are recorded.
type Recorded = [AtomicU64; 3];

/// Asks as long as it lives.
#[derive(Debug)]
pub(crate) struct Sampler {
    recorded: Arc<Recorded>,
    traces: Arc<Mutex<Traces>>,
    task: JoinHandle<()>,
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Sampler {
    /// Starts to ask, each node in turn.
    pub(crate) fn start(net: &Arc<Devnet>, lots: &Arc<Lots>) -> Self {
        let recorded: Arc<Recorded> = Arc::default();
        let traces = Arc::default();
        let channels = (0..net.len()).filter_map(|index| net.channel(index).ok());
        let clients: Vec<Client> = channels
            .map(|channel| {
                TraceServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX)
            })
            .collect();
        let task = ask(clients, Arc::clone(lots), Arc::clone(&recorded), Arc::clone(&traces));
        Self { recorded, traces, task: tokio::spawn(task) }
    }

    /// The events of a batch are recorded.
    pub(crate) fn recorded(&self, batch: Batch) {
        let counts = Stage::ALL.iter().zip(self.recorded.iter());
        for (_, count) in counts.filter(|(stage, _)| **stage == batch.stage) {
            count.fetch_max(batch.lots_done(), Ordering::Relaxed);
        }
    }

    /// What was measured since the last time.
    pub(crate) fn take(&self) -> Traces {
        std::mem::take(&mut *self.traces.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

type Client = TraceServiceClient<tonic::transport::Channel>;

async fn ask(
    mut clients: Vec<Client>,
    lots: Arc<Lots>,
    recorded: Arc<Recorded>,
    traces: Arc<Mutex<Traces>>,
) {
    let mut asked: u64 = 0;
    loop {
        for client in &mut clients {
            // The rate of the questions is a part of the workload: five a second, whatever the answers take.
            tokio::time::sleep(PAUSE).await;
            asked += 1;
            let Some(code) = code(&lots, &recorded, asked) else { continue };
            let request = TraceRequest {
                codes: vec![code],
                direction: Direction::Back.into(),
                proof_mode: ProofMode::Complete.into(),
                ..TraceRequest::default()
            };
            let watch = Watch::start();
            let answer = client.trace(request).await;
            let took = watch.elapsed();
            let mut traces = traces.lock().unwrap_or_else(PoisonError::into_inner);
            match answer {
                Ok(answer) if !answer.get_ref().events.is_empty() => traces.took.add(took),
                Ok(_) | Err(_) => traces.failed += 1,
            }
        }
    }
}

/// The code of a random box that is recorded: of each stage alike, of its whole past alike.
fn code(lots: &Lots, recorded: &Recorded, asked: u64) -> Option<String> {
    let drawn = tests::lots::draw(&[asked]);
    let stages = Stage::ALL.into_iter().zip(recorded.iter());
    let there: Vec<(Stage, u64)> = stages
        .map(|(stage, count)| (stage, count.load(Ordering::Relaxed).saturating_sub(LOTS_MARGIN)))
        .filter(|(_, lots)| *lots > 0)
        .collect();
    if there.is_empty() {
        return None;
    }
    let (stage, count) = *tests::lots::pick(&there, drawn);
    Some(lots.code(stage, drawn / 16 % count, drawn / 7 % BOXES))
}
