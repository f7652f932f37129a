//! What is known of one undecided height. Facts only: what they allow is decided elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proto::block::Block;
use proto::certificate::{CommitCertificate, PreparedCertificate};
use proto::message::{Commit, Prepare, Proposal, ViewChangeMessage};
use proto::verified::Signed;
use proto::{BlockHash, Hash, ValidatorIndex, View};

use crate::durable::Own;
use crate::tally::Tally;

/// Own messages at a height, the highest of each kind: what is sent again.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnMessages {
    pub(crate) proposal: Option<Arc<Proposal>>,
    pub(crate) prepare: Option<Signed<Prepare>>,
    pub(crate) commit: Option<Signed<Commit>>,
    pub(crate) view_change: Option<ViewChangeMessage>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Slot {
    /// First valid proposal of each view.
    pub(crate) proposals: BTreeMap<View, Arc<Proposal>>,
    /// Views whose proposal was refused: the primary gets no second try.
    pub(crate) refused: BTreeSet<View>,
    /// Primaries that a NEW-VIEW of theirs convicted, each once.
    pub(crate) unjustified: BTreeSet<ValidatorIndex>,
    pub(crate) prepares: Tally,
    pub(crate) commits: Tally,
    /// The highest view change of each signer.
    pub(crate) view_changes: BTreeMap<ValidatorIndex, ViewChangeMessage>,
    /// Blocks by hash, from proposals, decisions and fetches.
    pub(crate) blocks: BTreeMap<BlockHash, Arc<Block>>,
    /// The prepared certificate of the highest view.
    pub(crate) lock: Option<PreparedCertificate>,
    pub(crate) certificate: Option<CommitCertificate>,
    pub(crate) own: OwnMessages,
    /// Highest view whose proposal is in the journal.
    pub(crate) journaled: Option<View>,
    /// Signers whose contradiction in a view was shown, once each.
    pub(crate) accused: BTreeSet<(View, ValidatorIndex)>,
    /// Whether block and commit certificate are in the journal.
    pub(crate) decision_journaled: bool,
}

impl Slot {
    /// Remembers a message of ours for resending; counting it is the caller's.
    pub(crate) fn keep_own(&mut self, own: &Own) {
        match own {
            Own::PrePrepare(proposal) => self.own.proposal = Some(Arc::clone(proposal)),
            Own::Prepare(signed) => self.own.prepare = Some(signed.clone()),
            Own::Commit(signed) => self.own.commit = Some(signed.clone()),
            Own::ViewChange(change) => {
                self.own.view_change = Some(ViewChangeMessage::clone(change));
            }
            Own::Checkpoint(_) => (), // belongs to no height
        }
    }

    /// The block of a hash, if it is here.
    pub(crate) fn block(&self, hash: BlockHash) -> Option<&Arc<Block>> {
        self.blocks.get(&hash)
    }

    pub(crate) fn add_block(&mut self, block: &Block) {
        self.blocks.entry(block.hash()).or_insert_with(|| Arc::new(block.clone()));
    }

    /// Whether a block of this height lists a body.
    pub(crate) fn lists(&self, leaf: &Hash) -> bool {
        self.blocks.values().any(|block| block.tx_leaves().contains(leaf))
    }

    /// View of the highest prepared certificate.
    pub(crate) fn lock_view(&self) -> Option<View> {
        self.lock.as_ref().map(|lock| lock.pre_prepare.statement.view)
    }

    /// Raises the lock to a certificate of a higher view; tells whether it did.
    pub(crate) fn raise_lock(&mut self, certificate: PreparedCertificate) -> bool {
        let higher = self.lock_view() < Some(certificate.pre_prepare.statement.view);
        if higher {
            self.lock = Some(certificate);
        }
        higher
    }

    /// Whether the proposal of `view` has q - 1 PREPAREs beside the primary's.
    pub(crate) fn is_prepared(&self, view: View, votes: u16) -> bool {
        self.proposals.get(&view).is_some_and(|proposal| {
            let Signed { statement, signer, .. } = &proposal.signed;
            let others = self.prepares.count(view, statement.block_hash, Some(*signer));
            others + 1 >= usize::from(votes)
        })
    }

    /// The prepared certificate of `view`; the caller has counted it.
    pub(crate) fn prepared(&self, view: View) -> Option<PreparedCertificate> {
        let pre_prepare = self.proposals.get(&view)?.signed.clone();
        let hash = pre_prepare.statement.block_hash;
        let prepares = self.prepares.signatures(view, hash, Some(pre_prepare.signer));
        Some(PreparedCertificate { pre_prepare, prepares })
    }

    /// Whether any vote of `signer` is here.
    pub(crate) fn heard_of(&self, signer: ValidatorIndex) -> bool {
        self.prepares.of(signer).next().is_some()
            || self.commits.of(signer).next().is_some()
            || self.view_changes.contains_key(&signer)
            || self.proposals.values().any(|it| it.signed.signer == signer)
    }

    /// Views that other members want at least, highest first.
    pub(crate) fn views_wanted(&self, except: ValidatorIndex) -> Vec<View> {
        let others = self.view_changes.iter().filter(|(signer, _)| **signer != except);
        let mut views: Vec<View> = others.map(|(_, change)| change.signed.statement.view).collect();
        views.sort_unstable_by(|a, b| b.cmp(a));
        views
    }

    /// The view changes for exactly `view`, by ascending signer.
    pub(crate) fn view_changes_for(&self, view: View) -> Vec<ViewChangeMessage> {
        let exact = |change: &&ViewChangeMessage| change.signed.statement.view == view;
        self.view_changes.values().filter(exact).cloned().collect()
    }

    /// How many members, oneself included, want `view` or a higher one.
    pub(crate) fn wanting(&self, view: View) -> usize {
        self.view_changes.values().filter(|change| change.signed.statement.view >= view).count()
    }
}
