//! Leaves of the history tree: one per height, so that one signature over a root proves every block,
//! event, receipt and state below it. And the entries of subject logs.

use crate::codec::{Canonical, DecodeError, Reader, Writer};
use crate::hash::{Hash, SUITE, Tag};
use crate::receipt::SubjectKind;
use crate::transaction::expect_suite;
use crate::tree::{self, Frontier};
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
    /// Proved keys of the state after the block.
    pub state_root: Hash,
    /// All working rows of the state after the block ([`crate::set_hash`]).
    pub working_root: Hash,
    /// Receipts of the block.
    pub receipts_count: u32,
    /// Root over them.
    pub receipts_root: Hash,
    /// Hash of the descriptor of the epoch of the next height.
    pub next_epoch_hash: Hash,
}

/// What a leaf says of the two classes of state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StateRoots {
    /// Root over the proved keys.
    pub state_root: Hash,
    /// Root over the working rows.
    pub working_root: Hash,
}

impl HistoryLeaf {
    /// Leaf of height 0.
    pub fn genesis(chain: ChainId, time: TimeMs, roots: StateRoots, epoch_hash: Hash) -> Self {
        let StateRoots { state_root, working_root } = roots;
        Self {
            chain,
            epoch: Epoch::ZERO,
            height: Height::GENESIS,
            time,
            block_hash: chain.genesis_block(),
            state_root,
            working_root,
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
            .hash(&self.working_root)
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
            working_root: input.hash("working_root")?,
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

/// What the state says of a log. Its entries are known by the peaks of their tree, so that the next
/// entry is appended, and the root computed, without reading any of them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogHead {
    /// The tree of the entries.
    pub entries: Frontier,
    /// Height of the last one.
    pub last_height: Height,
}

impl LogHead {
    /// Entries.
    pub const fn size(&self) -> u64 {
        self.entries.size()
    }

    /// One more entry, of a receipt or day at `height`.
    pub fn append(&mut self, leaf: Hash, height: Height) {
        self.entries.append(leaf, |_, _, _| ());
        self.last_height = height;
    }

    /// Root over them.
    pub fn root(&self) -> Hash {
        self.entries.root()
    }
}

impl Canonical for LogHead {
    fn encode_to(&self, out: &mut Writer) {
        out.u64(self.size()).u64(self.last_height.value());
        for peak in self.entries.peaks() {
            out.hash(peak);
        }
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let size = input.u64("log size")?;
        let last_height = Height::new(input.u64("last_height")?);
        let peaks =
            (0..size.count_ones()).map(|_| input.hash("log peak")).collect::<Result<_, _>>();
        let entries = Frontier::from_parts(size, peaks?);
        let entries = entries.expect("one peak was read for each bit of the size");
        Ok(Self { entries, last_height })
    }
}
