//! Re-execution: runs every block of a store again on a fresh one and compares the results with the
//! history. It finds what a check cannot: receipts and states that do not follow from the operations.

use proto::types::Height;
use thiserror::Error;

use crate::ledger::{AppendError, Ledger, OpenError};
use crate::memory::MemoryStore;
use crate::reader::Reader;
use crate::store::{Store, StoreError};
use crate::version::Versions;

/// Where re-execution stopped.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The fresh store did not take the genesis document.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A block, its certificate or its history leaf is missing.
    #[error("height {height}: expected a block with its certificate and leaf, found none")]
    Missing {
        /// The height.
        height: Height,
    },
    /// A stored block could not be executed.
    #[error("height {height}: {source}")]
    Append {
        /// The height.
        height: Height,
        /// Why.
        #[source]
        source: AppendError,
    },
    /// The result differs from the history.
    #[error(
        "height {height}: {part} differs: the history has {expected}, re-execution gives {found}"
    )]
    Differs {
        /// The height.
        height: Height,
        /// Which part of the history leaf.
        part: &'static str,
        /// Value in the history.
        expected: String,
        /// Value of re-execution.
        found: String,
    },
}

/// What was executed again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Replayed {
    /// Heights, genesis among them.
    pub heights: u64,
    /// Operations.
    pub operations: u64,
}

/// Executes every block again, in memory, by the version of the contracts of its epoch, and compares
/// each height with the history.
///
/// The fresh store holds the whole chain: a replay of a large one needs as much memory.
pub fn replay<S: Store>(
    reader: &Reader<S>,
    versions: Versions,
    progress: &mut dyn FnMut(Height, Height),
) -> Result<Replayed, ReplayError> {
    let view = reader.view()?;
    let mut fresh = Ledger::open_or_create_with(MemoryStore::default(), view.genesis(), versions)?;
    let mut replayed = Replayed::default();
    for number in 0..=view.head().value() {
        let height = Height::new(number);
        let missing = ReplayError::Missing { height };
        let expected = view.leaf(height)?.ok_or(missing)?;
        if height > Height::GENESIS {
            let decided = view.decided(height)?.ok_or(ReplayError::Missing { height })?;
            let bodies = view.bodies(height)?;
            let appended = fresh.append(&decided, &bodies);
            appended.map_err(|source| ReplayError::Append { height, source })?;
            replayed.operations +=
                bodies.iter().map(|body| u64::from(body.header().op_count)).sum::<u64>();
        }
        let found = fresh.head();
        for (part, expected_hash, found_hash) in [
            ("receipts_root", expected.receipts_root, found.receipts_root),
            ("state_root", expected.state_root, found.state_root),
            ("the leaf", expected.hash(), found.hash()),
        ] {
            if expected_hash != found_hash {
                let (expected, found) = (expected_hash.to_string(), found_hash.to_string());
                return Err(ReplayError::Differs { height, part, expected, found });
            }
        }
        replayed.heights += 1;
        progress(height, view.head());
    }
    Ok(replayed)
}
