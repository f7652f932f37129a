//! Heights, blocks, bodies, receipts, history, certificates.

use std::collections::{BTreeMap, BTreeSet};

use proto::block::{Block, BlockHeader};
use proto::certificate::{CheckpointCertificate, CommitCertificate};
use proto::codec::{Canonical as _, DecodeError, Reader as Input};
use proto::hash::{Hash, Tag};
use proto::history::HistoryLeaf;
use proto::limits::OPERATION_BYTES_MAX;
use proto::receipt::{Receipt, ReceiptSource};
use proto::transaction::SignedTxHeader;
use proto::tree::{self, Frontier};
use proto::types::{BlockHash, Height, TimeMs};
use proto::verified::{SetVerifier, Verifiable as _};

use super::{Place, Progress, Run};
use crate::ledger::read_size;
use crate::receipts::{Origin, RECEIPTS_PER_ROW, ReceiptRow, Stored};
use crate::schema::{self, TxPlace, meta};
use crate::state::undo_floor;
use crate::store::{Column, StoreError, StoreRead, hex};

/// Checkpoint certificates read at once.
const CERTIFICATES_PAGE: usize = 1_000;

/// The sizes that column `meta` must name.
#[derive(Clone, Copy, Default)]
struct Highest {
    certified: u64,
    hardened: u64,
}

/// What the next height must follow.
struct Below {
    block: BlockHash,
    time: TimeMs,
}

impl<R: StoreRead> Run<'_, '_, R> {
    /// Every height from genesis to the head, then the certificates, then what should not be there.
    pub(super) fn chain(&mut self) -> Result<(), StoreError> {
        let head = self.head;
        let mut frontier = Frontier::default();
        let mut below = None;
        for number in 0..=head.value() {
            if self.full() {
                return Ok(());
            }
            let height = Height::new(number);
            let Some(leaf) = self.leaf(height, &mut frontier)? else {
                (below, self.working_root) = (None, None);
                continue;
            };
            if height.next() >= undo_floor(head) {
                self.roots.insert(height, leaf.state_root);
            }
            self.working_root = Some(leaf.working_root);
            if height > Height::GENESIS {
                self.height(&leaf, below.as_ref())?;
            }
            below = Some(Below { block: leaf.block_hash, time: leaf.time });
            self.counts.heights += 1;
            (self.progress)(Progress::Heights(number + 1, head.history_size()));
        }
        self.checkpoints()?;
        self.chain_strays(head)
    }

    /// The leaf of a height against the nodes of the history tree, which it completes.
    fn leaf(
        &mut self,
        height: Height,
        frontier: &mut Frontier,
    ) -> Result<Option<HistoryLeaf>, StoreError> {
        let key = schema::height(height);
        let bytes = self.read().get(Column::History, &key)?.unwrap_or_default();
        let payload = Tag::History.hash(&bytes);
        let rule = "its leaf hashes to the node of the history tree";
        let node = self.history_node(0, height.value())?;
        let expected = node.unwrap_or_default();
        let sound = self.same(Column::History, || Place::Height(height), rule, (expected, payload));
        let mut filled = Vec::new();
        frontier.append(node.unwrap_or(payload), |level, index, root| {
            filled.push((level, index, root));
        });
        for (level, index, root) in filled.into_iter().skip(1) {
            let found = self.history_node(level, index)?.unwrap_or_default();
            let place = || Place::HistoryNode { level, index };
            let rule = "it is the hash of the two nodes below";
            self.same(Column::HistoryNodes, place, rule, (root, found));
        }
        if !sound {
            // Nothing below is judged by a leaf that is not the one that was signed.
            return Ok(None);
        }
        let leaf = HistoryLeaf::decode(&bytes)
            .ok()
            .filter(|leaf| leaf.height == height && leaf.chain == self.view.chain());
        if leaf.is_none() {
            let rule = "it has the leaf of its height and chain";
            let found = hex(&bytes);
            self.fault(Column::History, Place::Height(height), rule, ("a history leaf", found));
        }
        Ok(leaf)
    }

    fn history_node(&self, level: u8, index: u64) -> Result<Option<Hash>, StoreError> {
        let bytes = self.read().get(Column::HistoryNodes, &schema::node(level, index))?;
        Ok(bytes.and_then(|bytes| Some(Hash::new(bytes.try_into().ok()?))))
    }

    fn height(&mut self, leaf: &HistoryLeaf, below: Option<&Below>) -> Result<(), StoreError> {
        let receipts = self.receipts(leaf)?;
        let Some(block) = self.block(leaf, below)? else { return Ok(()) };
        self.commit(leaf)?;
        let mut first_receipt = 0;
        for (position, expected) in (0u32..).zip(block.tx_leaves()) {
            let place = TxPlace { height: leaf.height, position, first_receipt };
            first_receipt += self.transaction(place, expected, &receipts)?;
            self.counts.transactions += 1;
        }
        Ok(())
    }

    /// The block under the hash that the history names.
    fn block(
        &mut self,
        leaf: &HistoryLeaf,
        below: Option<&Below>,
    ) -> Result<Option<Block>, StoreError> {
        let (height, key) = (leaf.height, schema::height(leaf.height));
        let place = || Place::Height(height);
        let bytes = self.read().get(Column::Blocks, &key)?.unwrap_or_default();
        let mut input = Input::new(&bytes);
        let header = BlockHeader::decode_from(&mut input);
        let found = header.as_ref().map(BlockHeader::hash).unwrap_or_default();
        let rule = "the header of the block hashes to what the history names";
        if !self.same(Column::Blocks, place, rule, (leaf.block_hash, found)) {
            return Ok(None);
        }
        let block = match Block::decode(&bytes) {
            Ok(block) => block,
            Err(error) => {
                let rule = "the listed transactions hash to the root in the header";
                let expected = header.map(|header| header.tx_root).unwrap_or_default();
                self.fault(Column::Blocks, place(), rule, (expected, error));
                return Ok(None);
            }
        };
        let header = block.header();
        if let Some(below) = below {
            let rule = "the block follows the one below";
            self.same(Column::Blocks, place, rule, (below.block, header.parent));
            let rule = "the time of the block is later than that of the one below";
            if header.time <= below.time {
                self.fault(Column::Blocks, place(), rule, (below.time, header.time));
            }
        }
        let epoch_hash = self.view.descriptor().hash(self.view.chain());
        let rule = "the block is of the epoch of its height";
        self.same(Column::Blocks, place, rule, (epoch_hash, header.epoch_hash));
        let rule = "leaf and block agree on height and time";
        let pair = |height: Height, time: TimeMs| format!("height {height}, time {time}");
        let (expected, found) = (pair(leaf.height, leaf.time), pair(header.height, header.time));
        self.same(Column::Blocks, place, rule, (expected, found));
        let index = self.read().get(Column::BlockHashes, leaf.block_hash.as_bytes())?;
        let rule = "the index by block hash names the height";
        let found = hex(&index.unwrap_or_default());
        self.same(Column::BlockHashes, place, rule, (hex(&key), found));
        Ok(Some(block))
    }

    fn commit(&mut self, leaf: &HistoryLeaf) -> Result<(), StoreError> {
        let bytes = self.read().get(Column::Commits, &schema::height(leaf.height))?;
        let decoded = CommitCertificate::decode(&bytes.unwrap_or_default());
        let descriptor = self.view.descriptor();
        let verifier = SetVerifier::new(self.view.chain(), descriptor);
        let place = Place::Height(leaf.height);
        let rule = "a quorum of the epoch signed the commit";
        let expected = leaf.block_hash;
        match decoded {
            Err(error) => self.fault(Column::Commits, place, rule, (expected, error)),
            Ok(certificate) => {
                let statement = certificate.statement;
                if (statement.height, statement.block_hash) != (leaf.height, expected) {
                    let found = statement.block_hash;
                    self.fault(Column::Commits, place, rule, (expected, found));
                } else if let Err(error) = certificate.check(&verifier, descriptor) {
                    self.fault(Column::Commits, place, rule, (expected, error));
                }
                self.counts.certificates += 1;
            }
        }
        Ok(())
    }

    /// The receipts of a height, as far as they can be read, by index.
    fn receipts(&mut self, leaf: &HistoryLeaf) -> Result<BTreeMap<u32, Stored>, StoreError> {
        let height = leaf.height;
        let mut receipts = BTreeMap::new();
        let mut sound = true;
        let prefix = schema::height(height);
        let rows = self.read().scan_prefix(Column::Receipts, &prefix, &prefix, usize::MAX)?;
        for (key, stored) in &rows {
            let Some(first) = row_start(key).filter(|first| first.is_multiple_of(RECEIPTS_PER_ROW))
            else {
                let rule = "it holds the receipts of the heights up to the head";
                self.fault(Column::Receipts, Place::Key(key.clone()), rule, ("no row", "one"));
                continue;
            };
            let Some(bytes) = self.opened(Column::Receipts, key, stored)? else {
                sound = false;
                continue;
            };
            let place = Place::Receipts { height, first };
            match items(bytes) {
                Ok(items) => receipts.extend((first..).zip(items)),
                Err(error) => {
                    sound = false;
                    let rule = "it holds receipts with what they were made from";
                    self.fault(Column::Receipts, place, rule, ("receipts", error));
                }
            }
        }
        self.counts.receipts += u64::try_from(receipts.len()).unwrap_or(u64::MAX);
        self.receipt_rows += u64::from(leaf.receipts_count.div_ceil(RECEIPTS_PER_ROW));
        let links = receipts.values().map(|stored| distinct_subjects(&stored.receipt));
        self.links += links.sum::<u64>();
        // A row that is named already explains a wrong root.
        if sound {
            let leaves: Vec<Hash> =
                receipts.values().map(|stored| stored.receipt.payload().leaf()).collect();
            let rule = "the receipts hash to the root in the history";
            let (expected, found) = (leaf.receipts_root, tree::root(&leaves));
            self.same(Column::Receipts, || Place::Height(height), rule, (expected, found));
            let expected = (0..leaf.receipts_count).eq(receipts.keys().copied());
            if !expected && found == leaf.receipts_root {
                let rule = "the receipts of a height are numbered without gaps";
                let found = receipts.len();
                let expected = leaf.receipts_count;
                self.fault(Column::Receipts, Place::Height(height), rule, (expected, found));
            }
        }
        Ok(receipts)
    }

    /// One transaction with its operations and its index entry; returns how many receipts it has.
    fn transaction(
        &mut self,
        at: TxPlace,
        expected: &Hash,
        receipts: &BTreeMap<u32, Stored>,
    ) -> Result<u32, StoreError> {
        let (height, position) = (at.height, at.position);
        let place = Place::Transaction { height, position };
        let bytes = self.read().get(Column::Bodies, &schema::placed(height, position))?;
        let bytes = bytes.unwrap_or_default();
        let mut input = Input::new(&bytes);
        let signed = SignedTxHeader::decode_from(&mut input);
        let found = signed.as_ref().map(SignedTxHeader::leaf).unwrap_or_default();
        let rule = "header and signature hash to what the block lists";
        let signed = match signed {
            Ok(signed) if found == *expected => signed,
            Ok(_) | Err(_) => {
                self.fault(Column::Bodies, place, rule, (expected, found));
                return Ok(receipts_of_one_tx(receipts, at.first_receipt));
            }
        };
        let tx_id = signed.header.tx_id();
        let before = self.faults.len();
        let mut leaves = Vec::new();
        for op_index in 0..signed.header.op_count {
            let Ok(bytes) = input.bytes32("operation", OPERATION_BYTES_MAX) else { break };
            let leaf = Tag::Op.hash(bytes);
            leaves.push(leaf);
            let receipt_index = at.first_receipt + u32::from(op_index);
            let expected = ReceiptSource::Operation { tx_id, op_index, op_leaf: leaf };
            let place = Place::Operation { height, position, op_index, receipt_index };
            if let Some(stored) = receipts.get(&receipt_index) {
                if stored.receipt.source != expected {
                    let rule = "the operation hashes to what its receipt names";
                    let named = stored.receipt.source.leaf();
                    self.fault(Column::Bodies, place, rule, (named, &leaf));
                } else if stored.origin != Origin::Transaction(position) {
                    let rule = "the receipt names the place of its transaction";
                    let found = format!("{:?}", stored.origin.position());
                    self.fault(Column::Receipts, place, rule, (format!("Some({position})"), found));
                }
            }
            self.counts.operations += 1;
        }
        let found = tree::root(&leaves);
        let complete =
            leaves.len() == usize::from(signed.header.op_count) && input.remaining() == 0;
        if (found != signed.header.op_root || !complete) && self.faults.len() == before {
            let rule = "the operations hash to the root that was signed";
            self.fault(Column::Bodies, place, rule, (signed.header.op_root, found));
        }
        let key = tx_id.as_bytes();
        let index = self.read().get(Column::Transactions, key)?.unwrap_or_default();
        let rule = "the index by transaction id names the place";
        let place = || Place::Transaction { height, position };
        self.same(Column::Transactions, place, rule, (hex(&at.encode()), hex(&index)));
        Ok(signed.header.op_count.into())
    }

    fn checkpoints(&mut self) -> Result<(), StoreError> {
        let verifier = SetVerifier::new(self.view.chain(), self.view.descriptor());
        let (mut highest, mut from) = (Highest::default(), Vec::new());
        loop {
            let page =
                self.read().scan_prefix(Column::Checkpoints, &[], &from, CERTIFICATES_PAGE)?;
            let Some((last, _)) = page.last() else { break };
            // The smallest key above the last one.
            from = [last.as_slice(), &[0]].concat();
            for (key, value) in &page {
                self.checkpoint((key, value), &verifier, &mut highest)?;
            }
        }
        let Highest { certified, hardened } = highest;
        for (name, text, expected) in
            [(meta::CERTIFIED, "certified", certified), (meta::HARDENED, "hardened", hardened)]
        {
            let found = read_size(self.read(), name)?;
            let rule = "it is the size of the highest such certificate";
            self.same(Column::Meta, || Place::Meta(text), rule, (expected, found));
        }
        Ok(())
    }

    fn checkpoint(
        &mut self,
        (key, value): (&[u8], &[u8]),
        verifier: &SetVerifier,
        highest: &mut Highest,
    ) -> Result<(), StoreError> {
        let descriptor = self.view.descriptor();
        let size = key.try_into().map_or(0, u64::from_be_bytes);
        let place = Place::Checkpoint { size };
        let expected = self.view.history_root(size)?.unwrap_or_default();
        let rule = "a quorum of the epoch signed size and root of the history here";
        let certificate = match CheckpointCertificate::decode(value) {
            Ok(certificate) => certificate,
            Err(error) => {
                self.fault(Column::Checkpoints, place, rule, (expected, error));
                return Ok(());
            }
        };
        let statement = certificate.statement;
        if (statement.size, statement.root) != (size, expected) {
            let found = statement.root;
            self.fault(Column::Checkpoints, place, rule, (expected, found));
        } else if let Err(error) = certificate.check(verifier, descriptor) {
            self.fault(Column::Checkpoints, place, rule, (expected, error));
        }
        highest.certified = highest.certified.max(size);
        if certificate.is_unanimous(descriptor.quorum().validators()) {
            highest.hardened = highest.hardened.max(size);
        }
        self.counts.certificates += 1;
        Ok(())
    }

    /// Rows of heights that are not there, or more rows than a height has.
    fn chain_strays(&mut self, head: Height) -> Result<(), StoreError> {
        let rule = "it holds the heights up to the head";
        let number = |key: &[u8]| key.try_into().map(u64::from_be_bytes).ok();
        let blocks = 1..=head.value();
        for column in [Column::Blocks, Column::Commits] {
            let known = |key: &[u8]| number(key).is_some_and(|height| blocks.contains(&height));
            self.strays(column, rule, known)?;
        }
        let known = |key: &[u8]| number(key).is_some_and(|height| height <= head.value());
        self.strays(Column::History, rule, known)?;
        let size = head.history_size();
        let node = |key: &[u8]| {
            let mut input = Input::new(key);
            let (level, index) = (input.u8("level").ok()?, input.u64("index").ok()?);
            input.finish().ok()?;
            let past = index.checked_add(1)?.checked_mul(1u64.checked_shl(level.into())?)?;
            Some(past <= size)
        };
        let rule = "it holds the full subtrees of the history";
        self.strays(Column::HistoryNodes, rule, |key| node(key) == Some(true))?;
        if !self.faults.is_empty() {
            // What is missing has been named; the numbers of rows would only repeat it.
            return Ok(());
        }
        let counts = self.counts;
        for (column, expected) in [
            (Column::BlockHashes, head.value()),
            (Column::Transactions, counts.transactions),
            (Column::Bodies, counts.transactions),
            (Column::Receipts, self.receipt_rows),
        ] {
            let found = self.count(column)?;
            let rule = "it has as many rows as the blocks demand";
            self.same(column, || Place::Height(head), rule, (expected, found));
        }
        Ok(())
    }
}

/// Index of the first receipt of a row.
fn row_start(key: &[u8]) -> Option<u32> {
    let (_, index) = key.split_at_checked(8)?;
    Some(u32::from_be_bytes(index.try_into().ok()?))
}

/// Every receipt of a row.
fn items(bytes: &[u8]) -> Result<Vec<Stored>, DecodeError> {
    let row = ReceiptRow::parse(bytes.to_vec())?;
    (0..row.len()).filter_map(|at| row.item(at)).collect()
}

/// How many receipts from one on are of the same transaction: what a block goes on with after a
/// transaction that cannot be read.
fn receipts_of_one_tx(receipts: &BTreeMap<u32, Stored>, first: u32) -> u32 {
    let tx_of = |stored: &Stored| match stored.receipt.source {
        ReceiptSource::Operation { tx_id, .. } => Some(tx_id),
        ReceiptSource::System { .. } => None,
    };
    let mut ids = receipts.range(first..).map(|(_, receipt)| tx_of(receipt));
    let Some(Some(id)) = ids.next() else { return 0 };
    let others = ids.take_while(|other| *other == Some(id)).count();
    u32::try_from(others + 1).expect("a transaction has at most 1,000 operations")
}

/// Entries that a receipt demands in the logs.
fn distinct_subjects(receipt: &Receipt) -> u64 {
    let subjects: BTreeSet<_> = receipt.links.as_slice().iter().map(|link| &link.subject).collect();
    u64::try_from(subjects.len()).expect("a receipt has at most 2,048 links")
}
