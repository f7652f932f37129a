//! From ledger head and journal records back to what a replica knew before it stopped.

use std::collections::BTreeMap;
use std::sync::Arc;

use proto::certificate::{CheckpointCertificate, CommitCertificate};
use proto::message::{Checkpoint, ViewChangeMessage};
use proto::verified::Signed;
use proto::{BlockHash, ChainId, Hash, Height, TimeMs, View};

use crate::durable::{Own, Record};
use crate::event::{NotVoting, Voting};
use crate::safety::SafetyRecord;
use crate::slot::Slot;
use crate::tally::Counted;

/// The end of the executed chain, as the ledger knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// Highest executed height.
    pub height: Height,
    /// Its block.
    pub block_hash: BlockHash,
    /// View in that block's header, zero at genesis: the base view of the next height.
    pub view: View,
    /// Its block time.
    pub time: TimeMs,
    /// Root of the history that ends with it.
    pub root: Hash,
    /// Its commit certificate; genesis has none.
    pub certificate: Option<CommitCertificate>,
    /// The highest checkpoint certificate stored.
    pub certified: Option<CheckpointCertificate>,
    /// Size of the highest hardened history, 0 for none.
    pub hardened: u64,
}

impl Head {
    /// The head of a chain that has only its genesis; `root` is the history of size 1.
    pub fn genesis(chain: ChainId, time: TimeMs, root: Hash) -> Self {
        Self {
            height: Height::GENESIS,
            block_hash: chain.genesis_block(),
            view: View::ZERO,
            time,
            root,
            certificate: None,
            certified: None,
            hardened: 0,
        }
    }
}

/// What a replica starts from. Made by [`restore`] alone.
#[derive(Clone, Debug)]
pub struct Restored {
    pub(crate) head: Head,
    pub(crate) slots: BTreeMap<Height, Slot>,
    pub(crate) safety: SafetyRecord,
    pub(crate) checkpoint: Option<Signed<Checkpoint>>,
    pub(crate) voting: Voting,
}

impl Restored {
    /// The safety record that the journal's own messages imply.
    pub fn safety(&self) -> SafetyRecord {
        self.safety
    }

    /// Whether the replica may vote, as far as journal and safety record tell.
    pub fn voting(&self) -> Voting {
        self.voting
    }
}

/// Rebuilds what a replica knew from the ledger's head, the records of a complete journal in their
/// order, and the safety record that lies with the key.
///
/// L113: a safety record that knows of a signature the journal lacks means that records were lost:
/// the replica does not vote.
pub fn restore(
    chain: ChainId,
    head: Head,
    records: impl IntoIterator<Item = Record>,
    safety: SafetyRecord,
) -> Restored {
    let mut slots: BTreeMap<Height, Slot> = BTreeMap::new();
    let mut journal = SafetyRecord::default();
    let mut checkpoint: Option<Signed<Checkpoint>> = None;
    let mut voting = Voting::Allowed;
    for record in records {
        if let Record::Own(own) = &record {
            // Records of one journal ascend; one that does not was written by another replica.
            journal = journal.admit(own.claim(chain)).unwrap_or(journal);
        }
        let open = record.height().filter(|height| *height > head.height);
        match (record, open) {
            (Record::NotVoting(reason), _) => voting = Voting::Refused(reason),
            (Record::Own(Own::Checkpoint(signed)), _) => checkpoint = Some(signed),
            (_, None) => (), // the ledger holds the outcome of this height
            (Record::Proposal(proposal), Some(height)) => {
                let slot = slots.entry(height).or_default();
                slot.journaled = slot.journaled.max(Some(proposal.signed.statement.view));
                slot.add_block(&proposal.block);
                slot.proposals.insert(proposal.signed.statement.view, proposal);
            }
            (Record::Prepared(certificate), Some(height)) => {
                slots.entry(height).or_default().raise_lock(certificate);
            }
            (Record::Decided(decided), Some(height)) => {
                let slot = slots.entry(height).or_default();
                slot.add_block(&decided.block);
                slot.certificate = Some(decided.certificate.clone());
                slot.decision_journaled = true;
            }
            (Record::Own(own), Some(height)) => {
                restore_own(slots.entry(height).or_default(), &own);
            }
        }
    }
    if safety.exceeds(&journal, head.height) && voting == Voting::Allowed {
        voting = Voting::Refused(NotVoting::JournalDamaged);
    }
    Restored { head, slots, safety: safety.join(journal), checkpoint, voting }
}

/// Counts an own message again and keeps it for resending.
fn restore_own(slot: &mut Slot, own: &Own) {
    slot.keep_own(own);
    match own {
        Own::PrePrepare(proposal) => {
            let view = proposal.signed.statement.view;
            slot.journaled = slot.journaled.max(Some(view));
            slot.add_block(&proposal.block);
            slot.proposals.insert(view, Arc::clone(proposal));
        }
        Own::Prepare(Signed { statement, signer, signature }) => {
            let (signer, signature) = (*signer, *signature);
            let vote = Counted { signer, block_hash: statement.block_hash, signature };
            slot.prepares.insert(statement.view, vote);
        }
        Own::Commit(Signed { statement, signer, signature }) => {
            let (signer, signature) = (*signer, *signature);
            let vote = Counted { signer, block_hash: statement.block_hash, signature };
            slot.commits.insert(statement.view, vote);
        }
        Own::ViewChange(change) => {
            slot.view_changes.insert(change.signed.signer, ViewChangeMessage::clone(change));
        }
        Own::Checkpoint(_) => (), // belongs to no height
    }
}
