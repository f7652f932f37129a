//! A chain in memory, made from `proto` alone: blocks, receipts, state, logs, history, signatures,
//! and the bundles about it. It shares no code with the ledger's own prover.

mod content;

use content::cover;
use std::collections::BTreeMap;

use contracts::walk::{self, LogView};
use genesis::ceremony::{self, Made, Plan};
use genesis::keys::KeyPurpose;
use ledger::bundle::claims::fill_words;
use ledger::bundle::{
    BACKFILL_KEY, Bundle, CheckpointVotes, Claim, ClaimKind, Cosignature, Day, FinalHead, Handoff,
    Item, ItemClaim, Log, LogEntry, OpProof, Pin, ReceiptProof, StatePath, StateValue, Subject,
    TraceClaim, TxProof, VoteBytes, WindowClaim, hash_list,
};
use proto::block::{Block, BlockHeader};
use proto::certificate::{Certificate, Vote};
use proto::codec::{Canonical as _, Writer};
use proto::epoch::Descriptor;
use proto::hash::{Hash, Tag};
use proto::history::{DayEntry, HistoryLeaf, LogEntry as Entry, LogHead, LogKey, StateRoots};
use proto::message::Checkpoint;
use proto::operation::{OpUid, Operation, Salt};
use proto::receipt::{
    AlertNotice, Alerts, Ascending, Link, Links, Receipt, ReceiptSource, Role,
    Subject as SubjectKey, SubjectKind,
};
use proto::ring::{self, Ring, StateProof};
use proto::schema::OperationKind;
use proto::set_hash::SetHash;
use proto::sign::SecretKey;
use proto::submitter::SubmitterRole;
use proto::transaction::Transaction;
use proto::tree;
use proto::trie::Namespace;
use proto::types::{AgencyIndex, BlockHash, ChainId, Height, TimeMs, ValidatorIndex, View};
use proto::verified::Statement as _;

/// Time of genesis.
pub(crate) const GENESIS_MS: u64 = 1_760_000_000_000;

/// What a block is made of.
pub(crate) struct Act {
    /// The operation; none for a step of the system.
    pub(crate) operation: Option<Operation>,
    /// Record of a step.
    pub(crate) record: Vec<u8>,
    /// Receipt code.
    pub(crate) code: u16,
    /// Links of the receipt.
    pub(crate) links: Vec<Link>,
    /// Notices of the receipt.
    pub(crate) alerts: Vec<AlertNotice>,
    /// Event day of the logs of kinds 4 to 7.
    pub(crate) day: u32,
}

/// A link.
pub(crate) fn link(role: Role, kind: SubjectKind, key: &str) -> Link {
    Link { role, subject: SubjectKey { kind, key: key.as_bytes().to_vec() } }
}

/// A link to a unit.
pub(crate) fn unit(role: Role, key: &str) -> Link {
    link(role, SubjectKind::Unit, key)
}

impl Act {
    /// An operation of the platform of agency 0.
    pub(crate) fn op(kind: OperationKind, name: &str, body: Vec<u8>, links: Vec<Link>) -> Self {
        let uid = OpUid::of_record("test", name);
        let salt = Salt::derive(&[7; 32], uid);
        let operation = Operation { kind: kind.code(), version: 1, uid, salt, body };
        Self {
            operation: Some(operation),
            record: Vec::new(),
            code: 0,
            links,
            alerts: Vec::new(),
            day: 20_371,
        }
    }

    /// A step of the system.
    pub(crate) fn step(record: &str, links: Vec<Link>) -> Self {
        Self {
            operation: None,
            record: record.as_bytes().to_vec(),
            code: 0,
            links,
            alerts: Vec::new(),
            day: 20_371,
        }
    }

    /// With an alert notice.
    pub(crate) fn alert(mut self, code: u16, key: &str) -> Self {
        self.alerts.push(AlertNotice { code, alert: key.as_bytes().to_vec() });
        self
    }

    /// On another event day.
    pub(crate) fn on(mut self, day: u32) -> Self {
        self.day = day;
        self
    }

    /// Refused.
    pub(crate) fn refused(mut self, code: u16) -> Self {
        self.code = code;
        self
    }
}

/// A receipt where it stands, with its body.
#[derive(Clone)]
pub(crate) struct Placed {
    height: u64,
    index: u32,
    receipt: Receipt,
    body: Vec<u8>,
}

/// Everything that the state of one height commits to.
#[derive(Clone, Default)]
struct Content {
    state: BTreeMap<(Namespace, Vec<u8>), Vec<u8>>,
    logs: BTreeMap<LogKey, Vec<Placed>>,
    days: BTreeMap<LogKey, Vec<DayEntry>>,
}

struct Height0 {
    leaf: HistoryLeaf,
    header: Option<BlockHeader>,
    txs: Vec<Transaction>,
    receipts: Vec<Placed>,
    content: Content,
}

/// An epoch with the keys of its validators.
struct EpochKeys {
    descriptor: Descriptor,
    keys: Vec<SecretKey>,
}

/// The chain.
pub(crate) struct World {
    made: Made,
    epochs: Vec<EpochKeys>,
    heights: Vec<Height0>,
    handoffs: Vec<Handoff>,
}

impl World {
    /// Three agencies, height 0.
    pub(crate) fn new() -> Self {
        let plan = Plan::for_agencies(&[("北京", 11), ("天津", 12), ("河北", 13)], GENESIS_MS);
        let made = ceremony::hold(&plan, &mut ceremony::seeds_for_tests(7)).unwrap();
        let descriptor = made.genesis.descriptor().clone();
        let key = |agency: usize| {
            let key = made.agencies[agency].key(KeyPurpose::Validator).unwrap();
            SecretKey::from_seed(&key.seed())
        };
        let keys = (0..3).map(key).collect();
        let mut content = Content::default();
        for entry in made.genesis.state() {
            content.state.insert((entry.namespace, entry.key.clone()), entry.value.clone());
        }
        let chain = made.genesis.chain();
        let epoch_hash = descriptor.hash(chain);
        let root = content.root();
        let working_root = SetHash::default().root();
        let roots = StateRoots { state_root: root, working_root };
        let leaf = HistoryLeaf::genesis(chain, TimeMs::new(GENESIS_MS), roots, epoch_hash);
        let first = Height0 { leaf, header: None, txs: Vec::new(), receipts: Vec::new(), content };
        Self {
            made,
            epochs: vec![EpochKeys { descriptor, keys }],
            heights: vec![first],
            handoffs: Vec::new(),
        }
    }

    pub(crate) fn chain(&self) -> ChainId {
        self.made.genesis.chain()
    }

    pub(crate) fn agency_key(&self, agency: usize, purpose: KeyPurpose) -> &SecretKey {
        self.made.agencies[agency].key(purpose).unwrap()
    }

    fn submitter(&self) -> &SecretKey {
        self.agency_key(0, KeyPurpose::Submitter(SubmitterRole::Platform))
    }

    /// The submitter's key bytes.
    pub(crate) fn submitter_key(&self) -> Vec<u8> {
        self.submitter().public().as_bytes().to_vec()
    }

    /// Leaves so far.
    pub(crate) fn size(&self) -> u64 {
        count(&self.heights)
    }

    /// The descriptor of the newest epoch.
    pub(crate) fn descriptor(&self) -> &Descriptor {
        &self.epochs.last().unwrap().descriptor
    }

    /// Sets or clears a value of the state with the next block.
    pub(crate) fn set(&mut self, namespace: Namespace, key: &[u8], value: Option<&[u8]>) {
        let next = self.heights.last().unwrap().content.clone();
        let last = self.heights.last_mut().unwrap();
        last.content = next;
        match value {
            Some(value) => last.content.state.insert((namespace, key.to_vec()), value.to_vec()),
            None => last.content.state.remove(&(namespace, key.to_vec())),
        };
        last.leaf.state_root = last.content.root();
    }

    /// Appends a block one second later with these operations in one transaction, then the steps.
    pub(crate) fn block(&mut self, acts: &[Act]) {
        let height = self.size();
        let chain = self.chain();
        let time = TimeMs::new(GENESIS_MS + 1000 * height);
        let epoch = self.epochs.last().unwrap();
        let epoch_hash = epoch.descriptor.hash(chain);
        let ops: Vec<Operation> = acts.iter().filter_map(|act| act.operation.clone()).collect();
        let txs: Vec<Transaction> = if ops.is_empty() {
            Vec::new()
        } else {
            vec![Transaction::sign(chain, self.submitter(), time.plus_ms(1000), ops).unwrap()]
        };
        let parent = &self.heights.last().unwrap().leaf;
        let header = BlockHeader {
            chain,
            epoch: epoch.descriptor.epoch,
            epoch_hash,
            height: Height::new(height),
            view: View::ZERO,
            primary: ValidatorIndex::new(0),
            parent: parent.block_hash,
            time,
            tx_count: 0,
            tx_root: Hash::ZERO,
            evidence_count: 0,
            evidence_root: Hash::ZERO,
        };
        let block = Block::new(header, txs.iter().map(Transaction::leaf).collect());
        let mut content = self.heights.last().unwrap().content.clone();
        let receipts = receipts(height, &txs, acts);
        for (placed, act) in receipts.iter().zip(ordered(acts)) {
            content.record(placed, act.day);
        }
        content.write_log_heads();
        let leaves: Vec<Hash> = receipts.iter().map(|r| r.receipt.payload().leaf()).collect();
        let leaf = HistoryLeaf {
            chain,
            epoch: block.header().epoch,
            height: Height::new(height),
            time,
            block_hash: block.hash(),
            state_root: content.root(),
            working_root: SetHash::default().root(),
            receipts_count: u32::try_from(receipts.len()).unwrap(),
            receipts_root: tree::root(&leaves),
            next_epoch_hash: epoch_hash,
        };
        let header = Some(block.header().clone());
        self.heights.push(Height0 { leaf, header, txs, receipts, content });
    }

    /// Ends the epoch with the newest height; `members` are (agency, seed of the key).
    pub(crate) fn change_epoch(&mut self, members: &[(u16, u8)], signers: &[u16]) {
        let next = self.next_epoch(members);
        let hash = next.descriptor.hash(self.chain());
        self.heights.last_mut().unwrap().leaf.next_epoch_hash = hash;
        let size = self.size();
        let handoff = self.handoff(size, &next.descriptor, Some(self.votes(size, signers)));
        self.handoffs.push(handoff);
        self.epochs.push(next);
    }

    /// Ends the epoch by a recovery document that keeps `size` leaves; later heights are lost.
    pub(crate) fn recover(&mut self, size: u64, members: &[(u16, u8)], agencies: &[u16]) {
        self.heights.truncate(usize::try_from(size).unwrap());
        let mut next = self.next_epoch(members);
        next.descriptor.first_height = Height::new(size);
        let descriptor = next.descriptor.clone();
        let mut handoff = self.handoff(size, &descriptor, None);
        let document = self.recovery_document(size, &descriptor.encode());
        handoff.recovery = Some(self.sign_recovery(document, agencies));
        self.handoffs.push(handoff);
        self.epochs.push(next);
    }

    /// The bytes of a recovery document of the newest epoch.
    pub(crate) fn recovery_document(&self, size: u64, descriptor: &[u8]) -> Vec<u8> {
        let epoch = self.epochs.last().unwrap();
        let mut out = Writer::default();
        out.tag("jjj/recovery/v1")
            .hash(&self.chain().0)
            .u32(epoch.descriptor.epoch.value())
            .u64(size)
            .hash(&self.root(size))
            .u16(1)
            .hash(&Hash::new([9; 32]))
            .u16(1);
        let change = proto::message::ViewChange {
            epoch: epoch.descriptor.epoch,
            height: Height::new(size),
            view: View::new(u32::MAX),
            parent: BlockHash::default(),
            prepared: None,
        };
        let signature = epoch.keys[0].sign(&change.signed_bytes(self.chain()));
        let mut one = Writer::default();
        one.u16(0).raw(&change.encode()[4..]);
        signature.encode_to(&mut one);
        out.bytes32(&one.into_bytes());
        out.bytes32(descriptor).bytes32("火灾".as_bytes());
        out.into_bytes()
    }

    /// A recovery document with the signatures of agencies.
    pub(crate) fn sign_recovery(
        &self,
        document: Vec<u8>,
        agencies: &[u16],
    ) -> ledger::bundle::Recovery {
        let signatures = agencies
            .iter()
            .map(|agency| {
                let key = self.agency_key(usize::from(*agency), KeyPurpose::Governance);
                let signature = key.sign(&document).as_bytes().to_vec();
                VoteBytes { signer: (*agency).into(), signature }
            })
            .collect();
        ledger::bundle::Recovery { document, signatures }
    }

    fn next_epoch(&self, members: &[(u16, u8)]) -> EpochKeys {
        let keys: Vec<SecretKey> =
            members.iter().map(|(_, seed)| SecretKey::from_seed(&[*seed; 32])).collect();
        let mut descriptor = self.descriptor().clone();
        descriptor.epoch = descriptor.epoch.next();
        descriptor.first_height = Height::new(self.size());
        descriptor.validators = members
            .iter()
            .zip(&keys)
            .map(|((agency, _), key)| proto::epoch::Validator {
                agency: AgencyIndex::new(*agency),
                key: key.public(),
            })
            .collect();
        EpochKeys { descriptor, keys }
    }

    fn handoff(
        &self,
        size: u64,
        next: &Descriptor,
        certificate: Option<CheckpointVotes>,
    ) -> Handoff {
        Handoff {
            certificate,
            recovery: None,
            size,
            root: self.root(size).as_bytes().to_vec(),
            leaf: self.leaf(size - 1).encode(),
            path: self.path(size - 1, size),
            descriptor: next.encode(),
            consistency: Vec::new(),
            cosignatures: Vec::new(),
        }
    }

    pub(crate) fn leaf(&self, height: u64) -> &HistoryLeaf {
        &self.heights[usize::try_from(height).unwrap()].leaf
    }

    /// A leaf to be forged before anything is signed.
    pub(crate) fn leaf_mut(&mut self, height: u64) -> &mut HistoryLeaf {
        &mut self.heights[usize::try_from(height).unwrap()].leaf
    }

    /// Replaces the only transaction of an item's block and signs a history that holds it.
    pub(crate) fn graft_tx(
        &self,
        bundle: &mut Bundle,
        item: usize,
        signed: &proto::transaction::SignedTxHeader,
    ) {
        let mut leaf = HistoryLeaf::decode(&bundle.items[item].leaf).unwrap();
        let height = usize::try_from(leaf.height.value()).unwrap();
        let mut header = self.heights[height].header.clone().unwrap();
        header.tx_root = signed.leaf();
        leaf.block_hash = header.hash();
        let mut leaves = self.leaves(self.size());
        leaves[height] = leaf.hash();
        let root = tree::root(&leaves);
        for carried in &mut bundle.items {
            let at = HistoryLeaf::decode(&carried.leaf).unwrap().height.value();
            let at = usize::try_from(at).unwrap();
            carried.path = hash_list(&tree::inclusion_path(&leaves, at).unwrap());
        }
        let carried = &mut bundle.items[item];
        carried.leaf = leaf.encode();
        carried.header = Some(header.encode());
        carried.tx.as_mut().unwrap().payload = signed.encode();
        let head = bundle.final_head.as_mut().unwrap();
        head.root = root.as_bytes().to_vec();
        head.path = hash_list(&tree::inclusion_path(&leaves, leaves.len() - 1).unwrap());
        head.certificate = Some(self.votes_over(self.size(), root, &[0, 1, 2]));
    }

    fn leaves(&self, size: u64) -> Vec<Hash> {
        let size = usize::try_from(size).unwrap();
        self.heights[..size].iter().map(|height| height.leaf.hash()).collect()
    }

    /// Root of the history of a size.
    pub(crate) fn root(&self, size: u64) -> Hash {
        tree::root(&self.leaves(size))
    }

    fn path(&self, height: u64, size: u64) -> Vec<Vec<u8>> {
        let leaves = self.leaves(size);
        hash_list(&tree::inclusion_path(&leaves, usize::try_from(height).unwrap()).unwrap())
    }

    fn consistency(&self, old: u64, size: u64) -> Vec<Vec<u8>> {
        let leaves = self.leaves(size);
        hash_list(&tree::consistency_path(&leaves, usize::try_from(old).unwrap()).unwrap())
    }

    /// Signatures of members of the newest epoch over a size.
    pub(crate) fn votes(&self, size: u64, signers: &[u16]) -> CheckpointVotes {
        self.votes_over(size, self.root(size), signers)
    }

    /// Signatures of members of the newest epoch over any root.
    pub(crate) fn votes_over(&self, size: u64, root: Hash, signers: &[u16]) -> CheckpointVotes {
        let epoch = self.epochs.last().unwrap();
        let statement = Checkpoint { epoch: epoch.descriptor.epoch, size, root };
        let bytes = statement.signed_bytes(self.chain());
        let votes = signers
            .iter()
            .map(|signer| Vote {
                signer: ValidatorIndex::new(*signer),
                signature: epoch.keys[usize::from(*signer)].sign(&bytes),
            })
            .collect();
        CheckpointVotes::of(&Certificate { statement, votes })
    }

    /// A witness's signature over a step.
    pub(crate) fn cosign(&self, seed: u8, size: u64, epoch: u32, next: Hash) -> Cosignature {
        let key = SecretKey::from_seed(&[seed; 32]);
        let mut out = Writer::default();
        out.tag("jjj/cosign/v1")
            .hash(&self.chain().0)
            .u32(epoch)
            .u64(size)
            .hash(&self.root(size))
            .hash(&next);
        Cosignature {
            key: key.public().as_bytes().to_vec(),
            signature: key.sign(&out.into_bytes()).as_bytes().to_vec(),
        }
    }

    /// A bundle over the whole history, signed by `signers`, without items.
    pub(crate) fn bundle(&self, signers: &[u16]) -> Bundle {
        let size = self.size();
        let mut handoffs = self.handoffs.clone();
        for position in 0..handoffs.len() {
            let next = handoffs.get(position + 1).map_or(size, |handoff| handoff.size);
            handoffs[position].consistency = self.consistency(handoffs[position].size, next);
        }
        Bundle {
            genesis: self.made.genesis.encode(),
            handoffs,
            final_head: Some(FinalHead {
                certificate: Some(self.votes(size, signers)),
                size,
                root: self.root(size).as_bytes().to_vec(),
                leaf: self.leaf(size - 1).encode(),
                path: self.path(size - 1, size),
                cosignatures: Vec::new(),
            }),
            pins: Vec::new(),
            items: Vec::new(),
            claims: Vec::new(),
        }
    }

    /// Consistency of an older size with the newest.
    pub(crate) fn pin(&self, size: u64) -> Pin {
        Pin { size, consistency: self.consistency(size, self.size()) }
    }

    /// A height without anything below it.
    pub(crate) fn item(&self, height: u64) -> Item {
        Item {
            leaf: self.leaf(height).encode(),
            path: self.path(height, self.size()),
            ..Item::default()
        }
    }

    /// A height with an operation of its transaction.
    pub(crate) fn item_with_op(&self, height: u64, op: usize) -> Item {
        let here = &self.heights[usize::try_from(height).unwrap()];
        let tx = &here.txs[0];
        let tx_leaves: Vec<Hash> = here.txs.iter().map(Transaction::leaf).collect();
        let op_leaves: Vec<Hash> = tx.operations().iter().map(Operation::leaf).collect();
        let mut item = self.item(height);
        item.header = here.header.as_ref().map(proto::codec::Canonical::encode);
        item.tx = Some(TxProof {
            index: 0,
            payload: tx.signed().encode(),
            path: hash_list(&tree::inclusion_path(&tx_leaves, 0).unwrap()),
        });
        item.op = Some(OpProof {
            index: u32::try_from(op).unwrap(),
            bytes: tx.operations()[op].encode(),
            path: hash_list(&tree::inclusion_path(&op_leaves, op).unwrap()),
        });
        item
    }

    /// A receipt of a height.
    pub(crate) fn receipt(&self, height: u64, index: usize) -> ReceiptProof {
        let here = &self.heights[usize::try_from(height).unwrap()];
        let leaves: Vec<Hash> = here.receipts.iter().map(|r| r.receipt.payload().leaf()).collect();
        let receipt = &here.receipts[index].receipt;
        ReceiptProof {
            index: u32::try_from(index).unwrap(),
            payload: receipt.payload().encode(),
            links: receipt.links.encode(),
            alerts: receipt.alerts.encode(),
            path: hash_list(&tree::inclusion_path(&leaves, index).unwrap()),
        }
    }

    /// A value of the state at a height.
    pub(crate) fn state(&self, height: u64, namespace: Namespace, key: &[u8]) -> StateValue {
        let content = &self.heights[usize::try_from(height).unwrap()].content;
        let value = content.state.get(&(namespace, key.to_vec())).cloned();
        StateValue::new(namespace, key.to_vec(), value, &content.prove(namespace, key))
    }

    /// The complete log of a subject in a bucket at a height.
    pub(crate) fn log(&self, height: u64, subject: &SubjectKey, bucket: u32) -> Log {
        let content = &self.heights[usize::try_from(height).unwrap()].content;
        let key = LogKey { kind: subject.kind, bucket, subject: subject.key.clone() };
        let state_key = key.state_key();
        let entries = content.logs.get(&key).map_or(&[][..], Vec::as_slice);
        let days = content.days.get(&key).map_or(&[][..], Vec::as_slice);
        Log {
            kind: subject.kind.code().into(),
            bucket,
            subject: subject.key.clone(),
            head: content.state.get(&(Namespace::Log, state_key.clone())).cloned(),
            proof: Some(StatePath::of(&content.prove(Namespace::Log, &state_key))),
            entries: entries
                .iter()
                .enumerate()
                .map(|(index, placed)| {
                    LogEntry::new(
                        u64::try_from(index).unwrap(),
                        (placed.height, placed.index),
                        &placed.receipt,
                        Some(placed.body.clone()),
                    )
                })
                .collect(),
            days: days
                .iter()
                .map(|day| Day { bucket: day.bucket, height: day.height.value() })
                .collect(),
            first: 0,
            cover: Vec::new(),
        }
    }

    /// The part `first..end` of a log.
    pub(crate) fn log_part(&self, height: u64, subject: &SubjectKey, first: u64, end: u64) -> Log {
        let mut log = self.log(height, subject, 0);
        let leaves: Vec<Hash> = log
            .entries
            .iter()
            .map(|entry| {
                let receipt_leaf = Tag::Receipt.hash(&entry.receipt);
                let height = Height::new(entry.height);
                Entry { height, receipt_index: entry.receipt_index, receipt_leaf }.leaf()
            })
            .collect();
        log.cover = hash_list(&cover(&leaves, 0, first, end));
        log.first = first;
        log.entries.retain(|entry| (first..end).contains(&entry.index));
        log
    }

    /// The item and the claim of a trace at a height.
    pub(crate) fn trace(
        &self,
        height: u64,
        starts: &[SubjectKey],
        direction: ledger::bundle::Direction,
        limit: usize,
    ) -> (Item, TraceClaim) {
        let content = &self.heights[usize::try_from(height).unwrap()].content;
        let followed = match direction {
            ledger::bundle::Direction::Back => walk::Direction::Back,
            ledger::bundle::Direction::Forward => walk::Direction::Forward,
            ledger::bundle::Direction::Both | ledger::bundle::Direction::Unspecified => {
                walk::Direction::Both
            }
        };
        let found = walk::walk::<()>(starts, followed, limit, |subject| {
            let key = LogKey { kind: subject.kind, bucket: 0, subject: subject.key.clone() };
            let entries = content.logs.get(&key).map_or(&[][..], Vec::as_slice);
            Ok(entries.iter().map(view).collect())
        })
        .unwrap();
        let mut item = self.item(height);
        item.states = vec![self.state(height, Namespace::Sys, BACKFILL_KEY)];
        item.logs = found.expanded().map(|subject| self.log(height, subject, 0)).collect();
        item.logs.sort_by_key(|log| (log.kind, log.bucket, log.subject.clone()));
        let mut sorted = starts.to_vec();
        sorted.sort();
        let claim = TraceClaim {
            item: 0,
            height,
            starts: sorted.iter().map(Subject::of).collect(),
            direction: direction.into(),
            unit_limit: u32::try_from(limit).unwrap(),
            truncated: found.truncated.iter().map(Subject::of).collect(),
        };
        (item, claim)
    }

    /// The item and the claim of a window at a height.
    pub(crate) fn window(
        &self,
        height: u64,
        subject: &SubjectKey,
        from: u32,
        to: u32,
    ) -> (Item, WindowClaim) {
        let mut item = self.item(height);
        item.states = vec![self.state(height, Namespace::Sys, BACKFILL_KEY)];
        let directory = self.log(height, subject, 0);
        let used = directory.days.iter().map(|day| day.bucket);
        let days: Vec<u32> = used.filter(|day| (from..=to).contains(day)).collect();
        item.logs = std::iter::once(directory)
            .chain(days.iter().map(|day| self.log(height, subject, *day)))
            .collect();
        item.logs.sort_by_key(|log| log.bucket);
        let claim = WindowClaim {
            item: 0,
            height,
            subject: Some(Subject::of(subject)),
            from_day: from,
            to_day: to,
        };
        (item, claim)
    }

    /// Adds an item with a claim on it and writes the words of all claims.
    pub(crate) fn say(&self, bundle: &mut Bundle, item: Item, kind: ClaimKind) {
        let position = u32::try_from(bundle.items.len()).unwrap();
        bundle.items.push(item);
        let kind = match kind {
            ClaimKind::Event(_) => ClaimKind::Event(ItemClaim { item: position }),
            ClaimKind::Receipt(_) => ClaimKind::Receipt(ItemClaim { item: position }),
            ClaimKind::State(claim) => {
                ClaimKind::State(ledger::bundle::StateClaim { item: position, ..claim })
            }
            ClaimKind::Trace(claim) => ClaimKind::Trace(TraceClaim { item: position, ..claim }),
            ClaimKind::Window(claim) => ClaimKind::Window(WindowClaim { item: position, ..claim }),
        };
        bundle.claims.push(Claim { kind: Some(kind), ..Claim::default() });
        self.rewrite(bundle);
    }

    /// Writes the words anew, as a forger would who knows the templates.
    pub(crate) fn rewrite(&self, bundle: &mut Bundle) {
        fill_words(bundle, &self.made.genesis).unwrap();
    }
}

fn view(placed: &Placed) -> LogView {
    LogView {
        height: Height::new(placed.height),
        receipt_index: placed.index,
        links: placed.receipt.links.as_slice().to_vec(),
    }
}

fn count<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap()
}

/// Operations first, then steps, as receipts stand.
fn ordered(acts: &[Act]) -> impl Iterator<Item = &Act> {
    let operations = acts.iter().filter(|act| act.operation.is_some());
    operations.chain(acts.iter().filter(|act| act.operation.is_none()))
}

fn receipts(height: u64, txs: &[Transaction], acts: &[Act]) -> Vec<Placed> {
    let mut op_index = 0;
    ordered(acts)
        .enumerate()
        .map(|(index, act)| {
            let (source, body) = if let Some(operation) = &act.operation {
                let (tx_id, op_leaf) = (txs[0].tx_id(), operation.leaf());
                op_index += 1;
                let op_index = op_index - 1;
                (ReceiptSource::Operation { tx_id, op_index, op_leaf }, operation.encode())
            } else {
                let step_leaf = Tag::Step.hash(&act.record);
                (ReceiptSource::System { step_leaf }, act.record.clone())
            };
            let links: Links = Ascending::collect(act.links.clone(), u16::MAX).unwrap();
            let alerts: Alerts = Ascending::collect(act.alerts.clone(), u16::MAX).unwrap();
            let receipt = Receipt { source, code: act.code, links, alerts };
            Placed { height, index: u32::try_from(index).unwrap(), receipt, body }
        })
        .collect()
}
