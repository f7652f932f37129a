//! Blocks: a header that names its place in the chain, and the leaves of its transactions.

use crate::codec::{Canonical, DecodeError, Reader, Writer};
use crate::hash::{Hash, SUITE, Tag};
use crate::limits::{EVIDENCE_PER_BLOCK_MAX, TXS_PER_BLOCK_MAX};
use crate::transaction::expect_suite;
use crate::tree;
use crate::types::{BlockHash, ChainId, Epoch, Height, TimeMs, ValidatorIndex, View};

/// What the block hash covers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockHeader {
    /// Chain of the block.
    pub chain: ChainId,
    /// Epoch of its height.
    pub epoch: Epoch,
    /// Hash of the epoch's descriptor.
    pub epoch_hash: Hash,
    /// Position in the chain, from 1.
    pub height: Height,
    /// View in which the block was first proposed; the base view of the next height.
    pub view: View,
    /// Validator that first proposed it.
    pub primary: ValidatorIndex,
    /// Block below.
    pub parent: BlockHash,
    /// Block time, later than the parent's.
    pub time: TimeMs,
    /// Transactions.
    pub tx_count: u32,
    /// Root over the transactions' leaves.
    pub tx_root: Hash,
    /// Evidence of misbehaviour carried by the block.
    pub evidence_count: u32,
    /// Root over the evidence.
    pub evidence_root: Hash,
}

impl BlockHeader {
    /// The name of the block.
    pub fn hash(&self) -> BlockHash {
        BlockHash(Tag::Block.hash(&self.encode()))
    }
}

impl Canonical for BlockHeader {
    fn encode_to(&self, out: &mut Writer) {
        out.u8(SUITE)
            .hash(&self.chain.0)
            .u32(self.epoch.value())
            .hash(&self.epoch_hash)
            .u64(self.height.value())
            .u32(self.view.value())
            .u16(self.primary.value())
            .hash(&self.parent.0)
            .u64(self.time.value())
            .u32(self.tx_count)
            .hash(&self.tx_root)
            .u32(self.evidence_count)
            .hash(&self.evidence_root);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        expect_suite(input)?;
        Ok(Self {
            chain: ChainId(input.hash("chain")?),
            epoch: Epoch::new(input.u32("epoch")?),
            epoch_hash: input.hash("epoch_hash")?,
            height: Height::new(input.u64("height")?),
            view: View::new(input.u32("view")?),
            primary: ValidatorIndex::new(input.u16("primary")?),
            parent: BlockHash(input.hash("parent")?),
            time: TimeMs::new(input.u64("time")?),
            tx_count: input.u32("tx_count")?,
            tx_root: input.hash("tx_root")?,
            evidence_count: input.u32("evidence_count")?,
            evidence_root: input.hash("evidence_root")?,
        })
    }
}

/// A header with the leaves it commits to. Bodies travel apart and are fetched by leaf.
///
/// A value of this type agrees with its own counts and roots, wherever it came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    header: BlockHeader,
    hash: BlockHash,
    tx_leaves: Vec<Hash>,
}

impl Block {
    /// Completes `header` with the counts and roots of its content.
    pub fn new(mut header: BlockHeader, tx_leaves: Vec<Hash>) -> Self {
        header.tx_count = u32::try_from(tx_leaves.len()).expect("a block is cut at 1,000");
        header.tx_root = tree::root(&tx_leaves);
        header.evidence_count = 0;
        header.evidence_root = tree::empty_root();
        let hash = header.hash();
        Self { header, hash, tx_leaves }
    }

    /// The header.
    pub const fn header(&self) -> &BlockHeader {
        &self.header
    }

    /// The name of the block, computed once.
    pub const fn hash(&self) -> BlockHash {
        self.hash
    }

    /// Leaves of the transactions, in order.
    pub fn tx_leaves(&self) -> &[Hash] {
        &self.tx_leaves
    }
}

/// Header, then the transaction leaves. Evidence has its place in the header; until blocks carry
/// it, a block that claims any is refused.
impl Canonical for Block {
    fn encode_to(&self, out: &mut Writer) {
        self.header.encode_to(out);
        for leaf in &self.tx_leaves {
            out.hash(leaf);
        }
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let header = BlockHeader::decode_from(input)?;
        let limited = |field, found: u32, limit: u32| {
            let (found, limit) = (found.into(), limit.into());
            if found > limit { Err(DecodeError::TooLong { field, found, limit }) } else { Ok(()) }
        };
        limited("tx_count", header.tx_count, TXS_PER_BLOCK_MAX)?;
        limited("evidence_count", header.evidence_count, EVIDENCE_PER_BLOCK_MAX)?;
        let mut tx_leaves = Vec::new();
        for _ in 0..header.tx_count {
            tx_leaves.push(input.hash("tx leaf")?);
        }
        if tree::root(&tx_leaves) != header.tx_root {
            return Err(DecodeError::Invalid {
                field: "tx_root",
                rule: "is not the root over the listed transactions",
            });
        }
        if header.evidence_count != 0 || header.evidence_root != tree::empty_root() {
            return Err(DecodeError::Invalid {
                field: "evidence_root",
                rule: "blocks carry no evidence in protocol 1",
            });
        }
        let hash = header.hash();
        Ok(Self { header, hash, tx_leaves })
    }
}
