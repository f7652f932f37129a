//! Blocks that members may ask for: those under way, and those that the ledger holds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use consensus::{Own, Record};
use ledger::reader::Reader;
use ledger::store::StoreError;
use proto::block::Block;
use proto::codec::Canonical as _;
use proto::limits::{FETCH_BLOCKS_MAX, FRAME_BYTES_MAX};
use proto::message::Decided;
use proto::{BlockHash, Height};
use rocks::RocksStore;

use crate::network::DecidedBytes;

/// Room that an answer leaves for its own framing.
pub(crate) const FRAME_MARGIN_BYTES: usize = 64 * 1024;

/// The blocks, behind a lock that is never held across an await.
#[derive(Clone)]
pub(crate) struct Blocks {
    under_way: Arc<Mutex<BTreeMap<BlockHash, Arc<Block>>>>,
    reader: Reader<RocksStore>,
}

impl Blocks {
    /// No block under way, the ledger behind `reader`.
    pub(crate) fn new(reader: Reader<RocksStore>) -> Self {
        Self { under_way: Arc::default(), reader }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<BlockHash, Arc<Block>>> {
        self.under_way.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Keeps the block that a record of the journal brings, for members that must propose it again.
    pub(crate) fn remember(&self, record: &Record) {
        match record {
            Record::Proposal(proposal) | Record::Own(Own::PrePrepare(proposal)) => {
                let block = Arc::new(proposal.block.clone());
                self.lock().insert(block.hash(), block);
            }
            Record::Own(
                Own::Prepare(_) | Own::Commit(_) | Own::ViewChange(_) | Own::Checkpoint(_),
            )
            | Record::Prepared(_)
            | Record::Decided(_)
            | Record::NotVoting(_) => (), // they bring no new block
        }
    }

    /// A proposed block.
    pub(crate) fn get(&self, hash: &BlockHash) -> Option<Arc<Block>> {
        self.lock().get(hash).cloned()
    }

    /// Forgets proposed blocks below `floor`.
    pub(crate) fn release_below(&self, floor: Height) {
        self.lock().retain(|_, block| block.header().height >= floor);
    }

    /// A decided block that the ledger holds.
    pub(crate) fn decided(&self, height: Height) -> Result<Option<Decided>, StoreError> {
        self.reader.view()?.decided(height)
    }

    /// Decided blocks with their bodies from `first` on, as many as one answer holds.
    pub(crate) fn range(&self, first: Height, count: u16) -> Result<Vec<DecidedBytes>, StoreError> {
        let limit = usize::try_from(FRAME_BYTES_MAX).expect("8 MiB") - FRAME_MARGIN_BYTES;
        let view = self.reader.view()?;
        let (mut found, mut total, mut height) = (Vec::new(), 0, first);
        for _ in 0..count.min(FETCH_BLOCKS_MAX) {
            let Some(decided) = view.decided(height)? else { break };
            let mut bodies: Vec<Arc<[u8]>> = Vec::new();
            for body in view.bodies(height)? {
                bodies.push(Arc::clone(body.bytes()));
            }
            let decided = decided.encode();
            total += decided.len() + bodies.iter().map(|body| body.len()).sum::<usize>();
            // The first block always fits: a block and its bodies are limited to 1 MiB each.
            if total > limit && !found.is_empty() {
                break;
            }
            found.push(DecidedBytes { decided, bodies });
            height = height.next();
        }
        Ok(found)
    }
}
