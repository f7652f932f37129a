//! A seeded source of arbitrary structures, so that one number reproduces a failing case.

use proto::block::{Block, BlockHeader};
use proto::certificate::{Certificate, PreparedCertificate, Vote};
use proto::epoch::{BlockLimits, Descriptor, Validator};
use proto::history::{HistoryLeaf, LogEntry, LogHead};
use proto::message::{
    Checkpoint, Commit, Decided, Message, PrePrepare, Prepare, Proposal, Seen, Status,
    StatusMessage, ViewChange, ViewChangeMessage,
};
use proto::namespace::Namespace;
use proto::operation::{OpUid, Operation, Salt};
use proto::quorum::Mode;
use proto::receipt::{
    AlertNotice, Alerts, Ascending, Link, Links, Receipt, ReceiptSource, Role, Subject, SubjectKind,
};
use proto::ring::StateProof;
use proto::set_hash::{RowHash, SetHash};
use proto::sign::{PublicKey, Signature};
use proto::submitter::{SubmitterRecord, SubmitterRole};
use proto::transaction::Transaction;
use proto::tree::Frontier;
use proto::types::{
    AgencyIndex, BlockHash, ChainId, Epoch, Height, TimeMs, TxId, ValidatorIndex, View,
};
use proto::verified::Signed;
use proto::{Hash, limits};

use super::sample;

/// `SplitMix64`.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).expect("64 bits");
        usize::try_from(self.u64() % limit).expect("below a usize")
    }

    fn u32(&mut self) -> u32 {
        u32::try_from(self.u64() >> 32).expect("32 bits are left")
    }

    fn u16(&mut self) -> u16 {
        u16::try_from(self.u64() >> 48).expect("16 bits are left")
    }

    pub(crate) fn u8(&mut self) -> u8 {
        u8::try_from(self.u64() >> 56).expect("8 bits are left")
    }

    fn flag(&mut self) -> bool {
        self.u64() & 1 == 1
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.u8())
    }

    pub(crate) fn bytes(&mut self, limit: usize) -> Vec<u8> {
        let length = self.below(limit + 1);
        (0..length).map(|_| self.u8()).collect()
    }

    fn list<T>(&mut self, limit: usize, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = self.below(limit + 1);
        (0..count).map(|_| make(self)).collect()
    }

    fn option<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flag().then(|| make(self))
    }

    pub(crate) fn hash(&mut self) -> Hash {
        Hash::new(self.array())
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    pub(crate) fn public_key(&mut self) -> PublicKey {
        sample::key(self.u8() % 8).public()
    }

    pub(crate) fn signature(&mut self) -> Signature {
        let (mut bytes, tail): ([u8; 64], [u8; 32]) = ([0; 64], self.array());
        bytes[..32].copy_from_slice(self.hash().as_bytes());
        bytes[32..].copy_from_slice(&tail);
        Signature::new(bytes)
    }

    fn epoch(&mut self) -> Epoch {
        Epoch::new(self.u32())
    }

    fn height(&mut self) -> Height {
        Height::new(self.u64())
    }

    fn view(&mut self) -> View {
        View::new(self.u32())
    }

    fn block_hash(&mut self) -> BlockHash {
        BlockHash(self.hash())
    }

    fn index(&mut self) -> ValidatorIndex {
        ValidatorIndex::new(self.u16())
    }

    pub(crate) fn descriptor(&mut self) -> Descriptor {
        let limits = BlockLimits {
            max_ttl_ms: self.u64().max(1),
            max_block_bytes: self.u32() % limits::BLOCK_BYTES_MAX + 1,
            max_ops: self.u32() % limits::OPERATIONS_PER_BLOCK_MAX + 1,
            max_links: self.u16() % limits::LINKS_MAX + 1,
            max_block_links: self.u32() % limits::BLOCK_LINKS_MAX + 1,
        };
        let members = u8::try_from(self.below(7) + 1).expect("at most 7");
        let validators = (0..members)
            .map(|seed| Validator {
                agency: AgencyIndex::new(self.u16()),
                key: sample::key(seed).public(),
            })
            .collect();
        Descriptor {
            epoch: self.epoch(),
            first_height: self.height(),
            mode: self.one_of(&[Mode::Standard, Mode::Unanimous]),
            rotation_blocks: self.u32().max(1),
            lag: self.u16().max(1),
            limits,
            contracts: self.u32().max(1),
            role_table: self.hash(),
            validators,
        }
    }

    pub(crate) fn header(&mut self) -> BlockHeader {
        BlockHeader {
            chain: ChainId(self.hash()),
            epoch: self.epoch(),
            epoch_hash: self.hash(),
            height: self.height(),
            view: self.view(),
            primary: self.index(),
            parent: self.block_hash(),
            time: TimeMs::new(self.u64()),
            tx_count: self.u32(),
            tx_root: self.hash(),
            evidence_count: self.u32(),
            evidence_root: self.hash(),
        }
    }

    pub(crate) fn block(&mut self) -> Block {
        let header = self.header();
        Block::new(header, self.list(5, Self::hash))
    }

    pub(crate) fn operation(&mut self) -> Operation {
        Operation {
            kind: self.u16(),
            version: self.u16(),
            uid: OpUid(self.array()),
            salt: Salt(self.array()),
            body: self.bytes(60),
        }
    }

    pub(crate) fn transaction(&mut self) -> Transaction {
        let mut operations = self.list(4, Self::operation);
        operations.push(self.operation());
        let chain = ChainId(self.hash());
        let key = sample::key(self.u8() % 8);
        Transaction::sign(chain, &key, TimeMs::new(self.u64()), operations).expect("within limits")
    }

    pub(crate) fn link(&mut self) -> Link {
        let role = self.one_of(Role::ALL);
        let kind = self.one_of(SubjectKind::ALL);
        Link { role, subject: Subject { kind, key: self.bytes(20) } }
    }

    pub(crate) fn links(&mut self) -> Links {
        Ascending::collect(self.list(9, Self::link), limits::LINKS_MAX).expect("few")
    }

    pub(crate) fn alert(&mut self) -> AlertNotice {
        AlertNotice { code: self.u16(), alert: self.bytes(20) }
    }

    pub(crate) fn alerts(&mut self) -> Alerts {
        Ascending::collect(self.list(9, Self::alert), limits::ALERTS_MAX).expect("few")
    }

    pub(crate) fn receipt(&mut self) -> Receipt {
        let source = if self.flag() {
            ReceiptSource::System { step_leaf: self.hash() }
        } else {
            ReceiptSource::Operation {
                tx_id: TxId(self.hash()),
                op_index: self.u16(),
                op_leaf: self.hash(),
            }
        };
        Receipt { source, code: self.u16(), links: self.links(), alerts: self.alerts() }
    }

    pub(crate) fn history_leaf(&mut self) -> HistoryLeaf {
        HistoryLeaf {
            chain: ChainId(self.hash()),
            epoch: self.epoch(),
            height: self.height(),
            time: TimeMs::new(self.u64()),
            block_hash: self.block_hash(),
            state_root: self.hash(),
            working_root: self.hash(),
            receipts_count: self.u32(),
            receipts_root: self.hash(),
            next_epoch_hash: self.hash(),
        }
    }

    pub(crate) fn sum(&mut self) -> SetHash {
        let mut sum = SetHash::default();
        for _ in 0..self.below(3) {
            sum.add(&RowHash::of(Namespace::Unit, &self.array::<9>(), &self.array::<40>()));
        }
        sum
    }

    pub(crate) fn log_entry(&mut self) -> LogEntry {
        LogEntry { height: self.height(), receipt_index: self.u32(), receipt_leaf: self.hash() }
    }

    pub(crate) fn log_head(&mut self) -> LogHead {
        let size = self.u64();
        let peaks = (0..size.count_ones()).map(|_| self.hash()).collect();
        let entries = Frontier::from_parts(size, peaks).expect("a peak for each bit");
        LogHead { entries, last_height: self.height() }
    }

    pub(crate) fn state_proof(&mut self) -> StateProof {
        StateProof {
            size: self.u64(),
            position: self.u64(),
            key: self.bytes(40),
            value: self.hash(),
            next: self.bytes(40),
            leaf_path: self.list(11, Self::hash),
            bits: Box::new(std::array::from_fn(|_| self.u8())),
            twig_path: self.list(16, Self::hash),
        }
    }

    pub(crate) fn submitter(&mut self) -> SubmitterRecord {
        SubmitterRecord {
            agency: AgencyIndex::new(self.u16()),
            role: self.one_of(&SubmitterRole::ALL),
            party: self
                .list(9, |dice| dice.one_of(&['a', '津', '\u{1f41f}']))
                .into_iter()
                .collect(),
        }
    }

    pub(crate) fn vote(&mut self) -> Vote {
        Vote { signer: self.index(), signature: self.signature() }
    }

    pub(crate) fn pre_prepare(&mut self) -> PrePrepare {
        PrePrepare {
            epoch: self.epoch(),
            height: self.height(),
            view: self.view(),
            block_hash: self.block_hash(),
            just_hash: self.hash(),
        }
    }

    pub(crate) fn prepare(&mut self) -> Prepare {
        Prepare {
            epoch: self.epoch(),
            height: self.height(),
            view: self.view(),
            block_hash: self.block_hash(),
        }
    }

    pub(crate) fn commit(&mut self) -> Commit {
        let Prepare { epoch, height, view, block_hash } = self.prepare();
        Commit { epoch, height, view, block_hash }
    }

    pub(crate) fn view_change(&mut self) -> ViewChange {
        ViewChange {
            epoch: self.epoch(),
            height: self.height(),
            view: self.view(),
            parent: self.block_hash(),
            prepared: self.option(|dice| (dice.view(), dice.block_hash())),
        }
    }

    pub(crate) fn checkpoint(&mut self) -> Checkpoint {
        Checkpoint { epoch: self.epoch(), size: self.u64(), root: self.hash() }
    }

    pub(crate) fn status(&mut self) -> Status {
        Status {
            epoch: self.epoch(),
            height: self.height(),
            view: self.view(),
            decided: self.height(),
            decided_hash: self.block_hash(),
            executed: self.height(),
            certified: self.u64(),
            voting: self.flag(),
            nonce: self.array(),
            echo: self.array(),
            clock: TimeMs::new(self.u64()),
        }
    }

    pub(crate) fn signed<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Signed<T> {
        Signed { statement: make(self), signer: self.index(), signature: self.signature() }
    }

    pub(crate) fn certificate<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Certificate<T> {
        Certificate { statement: make(self), votes: self.list(5, Self::vote) }
    }

    pub(crate) fn prepared(&mut self) -> PreparedCertificate {
        PreparedCertificate {
            pre_prepare: self.signed(Self::pre_prepare),
            prepares: self.list(5, Self::vote),
        }
    }

    pub(crate) fn view_change_message(&mut self) -> ViewChangeMessage {
        ViewChangeMessage {
            signed: self.signed(Self::view_change),
            certificate: self.option(Self::prepared),
        }
    }

    pub(crate) fn proposal(&mut self) -> Proposal {
        Proposal {
            signed: self.signed(Self::pre_prepare),
            block: self.block(),
            justification: self.list(4, Self::view_change_message),
        }
    }

    pub(crate) fn seen(&mut self) -> Seen {
        match self.below(5) {
            0 => Seen::PrePrepare(self.signed(Self::pre_prepare)),
            1 => Seen::Prepare(self.signed(Self::prepare)),
            2 => Seen::Commit(self.signed(Self::commit)),
            3 => Seen::ViewChange(self.signed(Self::view_change)),
            _ => Seen::Checkpoint(self.signed(Self::checkpoint)),
        }
    }

    pub(crate) fn status_message(&mut self) -> StatusMessage {
        StatusMessage {
            signed: self.signed(Self::status),
            decided: self.option(|dice| dice.certificate(Self::commit)),
            certified: self.option(|dice| dice.certificate(Self::checkpoint)),
            checkpoint: self.option(|dice| dice.signed(Self::checkpoint)),
            seen: self.list(5, Self::seen),
        }
    }

    pub(crate) fn decided(&mut self) -> Decided {
        Decided { block: self.block(), certificate: self.certificate(Self::commit) }
    }

    pub(crate) fn message(&mut self) -> Message {
        match self.below(7) {
            0 => Message::PrePrepare(self.proposal()),
            1 => Message::Prepare(self.signed(Self::prepare)),
            2 => Message::Commit(self.signed(Self::commit)),
            3 => Message::ViewChange(self.view_change_message()),
            4 => Message::Checkpoint(self.signed(Self::checkpoint)),
            5 => Message::Status(self.status_message()),
            _ => Message::Decided(self.decided()),
        }
    }
}
