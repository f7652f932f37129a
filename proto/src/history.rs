//! Leaves of the history tree: one per height, so that one signature over a root proves every block,
//! event, receipt and state below it. And the entries of subject logs.

use crate::codec::{Canonical, DecodeError, Reader, Writer};
use crate::hash::{Hash, SUITE, Tag};
use crate::receipt::SubjectKind;
use crate::transaction::expect_suite;
use crate::tree;
use crate::types::{BlockHash, ChainId, Epoch, Height, TimeMs};

/// What the history says of one height.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistoryLeaf {
    /// Chain.
    pub chain: ChainId,
    /// Epoch of the height.
    pub epoch: Epoch,
    /// The height.
    pub height: Height,
    /// Block time.
    pub time: TimeMs,
    /// The block.
    pub block_hash: BlockHash,
    /// State after the block.
    pub state_root: Hash,
    /// Receipts of the block.
    pub receipts_count: u32,
    /// Root over them.
    pub receipts_root: Hash,
    /// Hash of the descriptor of the epoch of the next height.
    pub next_epoch_hash: Hash,
}

impl HistoryLeaf {
    /// Leaf of height 0.
    pub fn genesis(chain: ChainId, time: TimeMs, state_root: Hash, epoch_hash: Hash) -> Self {
        Self {
            chain,
            epoch: Epoch::ZERO,
            height: Height::GENESIS,
            time,
            block_hash: chain.genesis_block(),
            state_root,
            receipts_count: 0,
            receipts_root: tree::empty_root(),
            next_epoch_hash: epoch_hash,
        }
    }

    /// Hash of the leaf in the history tree.
    pub fn hash(&self) -> Hash {
        Tag::History.hash(&self.encode())
    }
}

impl Canonical for HistoryLeaf {
    fn encode_to(&self, out: &mut Writer) {
        out.u8(SUITE)
            .hash(&self.chain.0)
            .u32(self.epoch.value())
            .u64(self.height.value())
            .u64(self.time.value())
            .hash(&self.block_hash.0)
            .hash(&self.state_root)
            .u32(self.receipts_count)
            .hash(&self.receipts_root)
            .hash(&self.next_epoch_hash);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        expect_suite(input)?;
        Ok(Self {
            chain: ChainId(input.hash("chain")?),
            epoch: Epoch::new(input.u32("epoch")?),
            height: Height::new(input.u64("height")?),
            time: TimeMs::new(input.u64("time")?),
            block_hash: BlockHash(input.hash("block_hash")?),
            state_root: input.hash("state_root")?,
            receipts_count: input.u32("receipts_count")?,
            receipts_root: input.hash("receipts_root")?,
            next_epoch_hash: input.hash("next_epoch_hash")?,
        })
    }
}

/// One entry of a subject's log: where the receipt stands that names the subject.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogEntry {
    /// Height of the receipt.
    pub height: Height,
    /// Position among the receipts of that height.
    pub receipt_index: u32,
    /// Leaf of the receipt.
    pub receipt_leaf: Hash,
}

impl LogEntry {
    /// Leaf in the log's tree.
    pub fn leaf(&self) -> Hash {
        Tag::Log.hash(&self.encode())
    }
}

impl Canonical for LogEntry {
    fn encode_to(&self, out: &mut Writer) {
        out.u64(self.height.value()).u32(self.receipt_index).hash(&self.receipt_leaf);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            height: Height::new(input.u64("height")?),
            receipt_index: input.u32("receipt_index")?,
            receipt_leaf: input.hash("receipt_leaf")?,
        })
    }
}

/// One entry of a subject's directory: the first use of a day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DayEntry {
    /// The day.
    pub bucket: u32,
    /// Height that first used it.
    pub height: Height,
}

impl DayEntry {
    /// Leaf in the directory's tree.
    pub fn leaf(&self) -> Hash {
        let mut out = Writer::default();
        out.u32(self.bucket).u64(self.height.value());
        Tag::LogDirectory.hash(&out.into_bytes())
    }
}

/// Name of one log: a subject and a bucket (0, or the event day for kinds 4-7, whose bucket 0 holds
/// the directory of days).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, std::hash::Hash, Debug)]
pub struct LogKey {
    /// Kind of the subject.
    pub kind: SubjectKind,
    /// Bucket.
    pub bucket: u32,
    /// Normalised key of the subject.
    pub subject: Vec<u8>,
}

impl LogKey {
    /// Key in namespace LOG of the state.
    pub fn state_key(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u8(self.kind.code()).u32(self.bucket).raw(&self.subject);
        out.into_bytes()
    }
}

/// What the state says of a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogHead {
    /// Entries.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// Height of the last one.
    pub last_height: Height,
}

impl Canonical for LogHead {
    fn encode_to(&self, out: &mut Writer) {
        out.u64(self.size).hash(&self.root).u64(self.last_height.value());
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            size: input.u64("log size")?,
            root: input.hash("log root")?,
            last_height: Height::new(input.u64("last_height")?),
        })
    }
}
