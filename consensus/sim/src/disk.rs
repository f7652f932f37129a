//! The disk of one node: what survives when its process dies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use consensus::{Body, Head, Own, Record, SafetyRecord};
use proto::certificate::CheckpointCertificate;
use proto::message::Decided;
use proto::{BlockHash, Hash, Height};

use crate::cluster::{Cluster, GENESIS_TIME};
use crate::prng::Prng;
use crate::votes::{Ballot, Place};

/// One line of the journal.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    Body(Body, Option<Height>),
    Record(Record),
}

impl Line {
    fn height(&self) -> Option<Height> {
        match self {
            Self::Body(_, height) => *height,
            Self::Record(record) => record.height(),
        }
    }
}

/// What one sync makes durable, and whom it sets free.
#[derive(Clone, Debug)]
pub(crate) struct Sync {
    pub(crate) lines: usize,
    pub(crate) safety: SafetyRecord,
    pub(crate) signed: Vec<Own>,
}

/// One executed block.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) decided: Arc<Decided>,
    pub(crate) bodies: Vec<Body>,
    pub(crate) root: Hash,
}

/// Journal, safety record, ledger.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    lines: Vec<Line>,
    /// Lines of the journal that are synced.
    synced: usize,
    /// The safety record as synced, and as it will be after the next sync.
    safety: SafetyRecord,
    safety_next: SafetyRecord,
    batches: Vec<Batch>,
    included: BTreeSet<Hash>,
    certified: Option<CheckpointCertificate>,
    hardened: u64,
}

impl Disk {
    /// Appends a record with the bodies it needs. Nothing is durable yet.
    pub(crate) fn append(&mut self, record: Record, known: &BTreeMap<Hash, Body>) {
        let height = record.height();
        for leaf in record.bodies() {
            if let (false, Some(body)) = (self.keep_body(leaf, height), known.get(leaf)) {
                self.lines.push(Line::Body(*body, height));
            }
        }
        self.lines.push(Line::Record(record));
    }

    /// Keeps a body that is in the journal for a further height; tells whether it is there. A body
    /// that several heights proposed is needed until the last of them is released.
    fn keep_body(&mut self, leaf: &Hash, until: Option<Height>) -> bool {
        let line = self.lines.iter_mut().find_map(|line| match line {
            Line::Body(body, height) if body.leaf == *leaf => Some(height),
            Line::Body(..) | Line::Record(_) => None,
        });
        let Some(height) = line else { return false };
        *height = (*height).max(until);
        true
    }

    /// The safety record that the next signature must follow.
    pub(crate) fn safety_next(&mut self) -> &mut SafetyRecord {
        &mut self.safety_next
    }

    /// Begins a sync of everything appended so far.
    pub(crate) fn begin_sync(&self, signed: Vec<Own>) -> Sync {
        Sync { lines: self.lines.len(), safety: self.safety_next, signed }
    }

    /// The sync is done: first the journal, then the safety record. Hands back the votes that are
    /// durable now and were not before.
    pub(crate) fn end_sync(&mut self, sync: &Sync) -> Vec<(Place, Ballot)> {
        self.safety = sync.safety;
        self.mark_synced(sync.lines)
    }

    fn mark_synced(&mut self, lines: usize) -> Vec<(Place, Ballot)> {
        let fresh = self.lines.get(self.synced..lines).unwrap_or_default();
        let votes = fresh.iter().filter_map(|line| match line {
            Line::Record(Record::Own(own)) => Some(crate::votes::own_ballot(own)),
            Line::Record(_) | Line::Body(..) => None,
        });
        let votes = votes.collect();
        self.synced = self.synced.max(lines);
        votes
    }

    /// Drops the synced lines that are no longer needed. The last own CHECKPOINT always is (L115).
    pub(crate) fn compact(&mut self, below: Height) {
        let own = |line: &Line| matches!(line, Line::Record(Record::Own(Own::Checkpoint(_))));
        let last = self.synced_lines().iter().rposition(own);
        let mut position = 0;
        let mut kept = 0;
        let synced = self.synced;
        self.lines.retain(|line| {
            let needed = line.height().is_none_or(|height| height >= below);
            let keep = position >= synced || needed || Some(position) == last;
            kept += usize::from(keep && position < synced);
            position += 1;
            keep
        });
        self.synced = kept;
    }

    /// What a crash leaves: of the unsynced lines the first few, by chance, and of a running sync
    /// the safety record only if all its lines are there. Hands back the votes that turned out to
    /// be durable.
    pub(crate) fn crash(
        &mut self,
        running: Option<&Sync>,
        dice: &mut Prng,
    ) -> Vec<(Place, Ballot)> {
        let unsynced = self.lines.len().saturating_sub(self.synced);
        let unsynced = u64::try_from(unsynced).unwrap_or(u64::MAX);
        let survivors = usize::try_from(dice.range(0, unsynced)).unwrap_or(0);
        let lines = self.synced + survivors;
        self.lines.truncate(lines);
        let votes = self.mark_synced(lines);
        if let Some(sync) = running.filter(|sync| sync.lines <= lines)
            && dice.chance(500)
        {
            self.safety = sync.safety;
        }
        self.safety_next = self.safety;
        // Certificates are written without a sync and can be made again.
        if dice.chance(300) {
            self.certified = None;
            self.hardened = 0;
        }
        votes
    }

    /// Loses journal and safety record, as if the node had never signed anything.
    pub(crate) fn forget_votes(&mut self) {
        self.lines.clear();
        self.synced = 0;
        self.safety = SafetyRecord::default();
        self.safety_next = self.safety;
    }

    /// Loses the newest lines of the journal but not the safety record.
    pub(crate) fn tear(&mut self, lines: usize) {
        let left = self.lines.len().saturating_sub(lines);
        self.lines.truncate(left);
        self.synced = self.synced.min(left);
    }

    pub(crate) fn safety(&self) -> SafetyRecord {
        self.safety
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.lines.iter().filter_map(|line| match line {
            Line::Record(record) => Some(record),
            Line::Body(..) => None,
        })
    }

    /// Bodies of the journal.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = &Body> {
        self.lines.iter().filter_map(|line| match line {
            Line::Body(body, _) => Some(body),
            Line::Record(_) => None,
        })
    }

    fn synced_lines(&self) -> &[Line] {
        self.lines.get(..self.synced).unwrap_or_default()
    }

    fn synced_records(&self) -> impl Iterator<Item = &Record> {
        self.synced_lines().iter().filter_map(|line| match line {
            Line::Record(record) => Some(record),
            Line::Body(..) => None,
        })
    }

    /// Whether a block with all its bodies would survive a crash now.
    pub(crate) fn holds_block(&self, hash: BlockHash) -> bool {
        let block = self.synced_records().find_map(|record| match record {
            Record::Proposal(proposal) | Record::Own(Own::PrePrepare(proposal)) => {
                (proposal.block.hash() == hash).then_some(&proposal.block)
            }
            Record::Decided(decided) => (decided.block.hash() == hash).then_some(&decided.block),
            Record::Own(
                Own::Prepare(_) | Own::Commit(_) | Own::ViewChange(_) | Own::Checkpoint(_),
            )
            | Record::Prepared(_)
            | Record::NotVoting(_) => None,
        });
        let held = |leaf: &Hash| {
            let line = |line: &Line| matches!(line, Line::Body(body, _) if body.leaf == *leaf);
            self.included.contains(leaf) || self.synced_lines().iter().any(line)
        };
        block.is_some_and(|block| block.tx_leaves().iter().all(held))
    }

    /// Whether the prepared certificate of a block would survive a crash now.
    pub(crate) fn holds_lock(&self, place: (u64, u32), hash: BlockHash) -> bool {
        self.synced_records().any(|record| match record {
            Record::Prepared(certificate) => {
                let named = &certificate.pre_prepare.statement;
                (named.height.value(), named.view.value(), named.block_hash)
                    == (place.0, place.1, hash)
            }
            Record::Proposal(_) | Record::Own(_) | Record::Decided(_) | Record::NotVoting(_) => {
                false
            }
        })
    }

    /// Whether the decision of a height would survive a crash now.
    pub(crate) fn holds_decision(&self, height: u64) -> bool {
        height <= self.height()
            || self.synced_records().any(|record| match record {
                Record::Decided(decided) => decided.block.header().height.value() == height,
                Record::Proposal(_)
                | Record::Own(_)
                | Record::Prepared(_)
                | Record::NotVoting(_) => false,
            })
    }

    /// Highest executed height.
    pub(crate) fn height(&self) -> u64 {
        u64::try_from(self.batches.len()).unwrap_or(u64::MAX)
    }

    /// Root of the history that ends with the highest executed height.
    pub(crate) fn root(&self, cluster: &Cluster) -> Hash {
        self.batches.last().map_or_else(|| cluster.root_of_genesis(), |batch| batch.root)
    }

    pub(crate) fn batch(&self, height: u64) -> Option<&Batch> {
        self.batches.get(usize::try_from(height.checked_sub(1)?).ok()?)
    }

    /// One synced batch.
    pub(crate) fn write_batch(&mut self, batch: Batch) {
        self.included.extend(batch.decided.block.tx_leaves());
        self.batches.push(batch);
    }

    pub(crate) fn includes(&self, leaf: &Hash) -> bool {
        self.included.contains(leaf)
    }

    pub(crate) fn write_certificate(&mut self, certificate: CheckpointCertificate, members: usize) {
        let size = certificate.statement.size;
        if certificate.votes.len() == members {
            self.hardened = self.hardened.max(size);
        }
        if self.certified.as_ref().is_none_or(|known| known.statement.size <= size) {
            self.certified = Some(certificate);
        }
    }

    /// The end of the ledger, as a restarted replica is told.
    pub(crate) fn head(&self, cluster: &Cluster) -> Head {
        let genesis = Head::genesis(cluster.chain, GENESIS_TIME, cluster.root_of_genesis());
        let Some(batch) = self.batches.last() else { return genesis };
        let header = batch.decided.block.header();
        Head {
            height: header.height,
            block_hash: batch.decided.block.hash(),
            view: header.view,
            time: header.time,
            root: batch.root,
            certificate: Some(batch.decided.certificate.clone()),
            certified: self.certified.clone(),
            hardened: self.hardened,
        }
    }
}
