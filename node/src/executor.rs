//! The storage task: executes decided blocks in order, one synced batch each, on a thread of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use consensus::{Input, Work};
use contracts::refusal::Refusal;
use ledger::ledger::{AppendError, CertificateError, Ledger};
use proto::certificate::CheckpointCertificate;
use proto::limits::FETCH_BLOCKS_MAX;
use proto::message::Decided;
use proto::transaction::Transaction;
use proto::{Hash, Height};
use rocks::RocksStore;
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::metrics::Metrics;

/// Decisions that may wait for the storage: the lag of execution behind ordering, and as much again.
pub(crate) const DECISIONS_MAX: usize = 16;

/// Room for the notices of every decision that the consensus task may hand over before it reads one: a
/// body that was missing can free as many blocks as are fetched at once. The storage task never waits for
/// the consensus task, or both would wait for ever.
pub(crate) const NOTICES_MAX: usize = 256;

const _: () = assert!(NOTICES_MAX > DECISIONS_MAX + 2 * FETCH_BLOCKS);

/// Blocks that are fetched at once.
const FETCH_BLOCKS: usize = 64;

const _: () = assert!(FETCH_BLOCKS_MAX == 64, "FETCH_BLOCKS is the same number");

/// What the storage task is given.
#[derive(Debug)]
pub(crate) enum Decision {
    /// A decided block with its bodies.
    Block {
        /// Block and commit certificate.
        decided: Arc<Decided>,
        /// Its transactions, in order.
        bodies: Vec<Transaction>,
    },
    /// A checkpoint certificate, or one with more signatures.
    Checkpoint(CheckpointCertificate),
}

/// What has been executed, for everybody who waits for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Executed {
    /// Highest executed height.
    pub(crate) height: Height,
    /// Root of the history that ends with it.
    pub(crate) root: Hash,
    /// Changes with each stored certificate.
    pub(crate) certified: u64,
}

/// Why the storage task ended.
#[derive(Debug, Error)]
pub(crate) enum ExecutorError {
    /// A block could not be executed or stored.
    #[error(
        "区块 {height} 无法写入，磁盘可能已满或损坏 block {height} could not be stored, the disk may \
         be full or damaged: {source}"
    )]
    Append {
        /// Its height.
        height: Height,
        /// Why.
        source: AppendError,
    },
    /// A certificate could not be stored.
    #[error(
        "签认点证书无法写入，磁盘可能已满或损坏 a checkpoint certificate could not be stored, the \
         disk may be full or damaged: {0}"
    )]
    Checkpoint(#[source] CertificateError),
}

/// Refusals whose sentences with numbers are remembered; the ledger keeps the codes for ever.
const REFUSALS_MAX: usize = 10_000;

/// Why recent operations were refused, with numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusals(Arc<Mutex<BTreeMap<(Height, u32), Refusal>>>);

impl Refusals {
    fn note(&self, height: Height, refusals: Vec<(u32, Refusal)>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(refusals.into_iter().map(|(index, refusal)| ((height, index), refusal)));
        while known.len() > REFUSALS_MAX {
            known.pop_first();
        }
    }

    /// The refusal behind a receipt, if it is recent.
    pub(crate) fn get(&self, height: Height, index: u32) -> Option<Refusal> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(height, index)).cloned()
    }
}

/// What the storage task tells others.
pub(crate) struct Outlets {
    /// The replica.
    pub(crate) notices: mpsc::Sender<Input>,
    /// Everybody who waits for a height.
    pub(crate) executed: Arc<watch::Sender<Executed>>,
    /// Recent refusals.
    pub(crate) refusals: Refusals,
    /// Figures.
    pub(crate) metrics: Arc<Metrics>,
}

/// Executes until the decisions end.
pub(crate) fn run(
    mut ledger: Ledger<RocksStore>,
    mut decisions: mpsc::Receiver<Decision>,
    outlets: &Outlets,
) -> Result<(), ExecutorError> {
    let Outlets { notices, executed, refusals, metrics } = outlets;
    while let Some(decision) = decisions.blocking_recv() {
        match decision {
            Decision::Block { decided, bodies } => {
                let height = decided.block.header().height;
                let started = Instant::now();
                let operations: usize = bodies.iter().map(|body| body.operations().len()).sum();
                let appended = ledger
                    .append(&decided, &bodies)
                    .map_err(|source| ExecutorError::Append { height, source })?;
                metrics.executed(operations, started.elapsed());
                let root = appended.checkpoint.root;
                refusals.note(height, appended.refusals);
                executed.send_modify(|known| (known.height, known.root) = (height, root));
                let work = if appended.work_left { Work::Left } else { Work::Done };
                if notices.blocking_send(Input::Executed { height, root, work }).is_err() {
                    return Ok(()); // the node is shutting down; the block is stored
                }
            }
            Decision::Checkpoint(certificate) => {
                let size = certificate.statement.size;
                ledger
                    .add_checkpoint_certificate(certificate)
                    .map_err(ExecutorError::Checkpoint)?;
                executed.send_modify(|known| known.certified = known.certified.max(size));
            }
        }
    }
    Ok(())
}
