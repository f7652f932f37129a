//! What must hold whatever breaks: checked at every vote that leaves a node, at every decision, at
//! every executed block and at the end of a run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use consensus::{Evidence, Unsafe};
use proto::certificate::{CheckpointCertificate, CommitCertificate};
use proto::message::Decided;
use proto::{BlockHash, Hash, ValidatorIndex};

use crate::disk::Disk;
use crate::votes::{Ballot, Kind, Place};

/// A rule that the core or its host broke.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Violation {
    /// Two honest nodes decided different blocks at one height.
    Fork {
        /// The height.
        height: u64,
    },
    /// Two honest nodes computed, or a quorum certified, different histories of one size.
    Roots {
        /// The size.
        size: u64,
    },
    /// A decided block does not follow the one below.
    Unchained {
        /// The height.
        height: u64,
    },
    /// A transaction stands in the chain twice.
    Twice {
        /// The later height.
        height: u64,
    },
    /// A certificate has too few signers, or a signer who never said so.
    Certificate {
        /// What is wrong with it.
        what: &'static str,
    },
    /// One signer, one place, two votes.
    DoubleVote {
        /// Where.
        place: String,
    },
    /// A vote below one that was cast before.
    VoteBack {
        /// Where.
        place: String,
    },
    /// A view change that conceals an own commit.
    LockHidden {
        /// Where.
        place: String,
    },
    /// Something was said before what it promises was on disk.
    NotDurable {
        /// Where.
        place: String,
        /// What was missing on disk.
        what: &'static str,
    },
    /// A block was handed to execution without its bodies.
    BodyMissing {
        /// The height.
        height: u64,
    },
    /// The replica asked for a signature that the safety record forbids.
    Unsafe(Unsafe),
    /// Evidence convicts an honest member.
    Convicted {
        /// Who.
        member: ValidatorIndex,
    },
    /// A message of an honest member was refused.
    Refused {
        /// Why.
        reason: String,
    },
    /// After healing, somebody did not get there in time.
    Stalled {
        /// Who stands where.
        standing: String,
    },
}

impl Violation {
    /// Whether something wrong was said or decided, beyond not getting on.
    pub fn is_unsafe(&self) -> bool {
        !matches!(self, Self::Stalled { .. })
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fork { height } => write!(f, "fork: two blocks decided at height {height}"),
            Self::Roots { size } => write!(f, "two histories of size {size}"),
            Self::Unchained { height } => {
                write!(f, "the block decided at height {height} does not follow the one below")
            }
            Self::Twice { height } => write!(f, "height {height} repeats a transaction"),
            Self::Certificate { what } => write!(f, "a certificate is not one: {what}"),
            Self::DoubleVote { place } => write!(f, "two votes at one place: {place}"),
            Self::VoteBack { place } => write!(f, "a vote below an earlier one: {place}"),
            Self::LockHidden { place } => write!(f, "a commit concealed: {place}"),
            Self::NotDurable { place, what } => {
                write!(f, "sent before it was durable: {place}: {what} is not on disk")
            }
            Self::BodyMissing { height } => {
                write!(f, "height {height} went to execution without its bodies")
            }
            Self::Unsafe(reason) => write!(f, "the signer was asked for too much: {reason}"),
            Self::Convicted { member } => write!(f, "evidence convicts honest member {member}"),
            Self::Refused { reason } => write!(f, "an honest message was refused: {reason}"),
            Self::Stalled { standing } => write!(f, "no convergence after healing: {standing}"),
        }
    }
}

/// Whether the votes behind a certificate are looked for among those that were cast.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Forgery {
    /// They are.
    Checked,
    /// The run itself adds votes that nobody cast.
    Expected,
}

/// What is known of a run from outside.
#[derive(Clone, Debug)]
pub(crate) struct Checker {
    votes_needed: usize,
    honest: Vec<bool>,
    forgery: Forgery,
    chain: BTreeMap<u64, BlockHash>,
    leaves: BTreeSet<Hash>,
    roots: BTreeMap<u64, Hash>,
    votes: BTreeMap<(ValidatorIndex, Place), Ballot>,
    sent: BTreeSet<(ValidatorIndex, Place, Ballot)>,
    highest: BTreeMap<(ValidatorIndex, bool), Place>,
    commits: BTreeMap<(ValidatorIndex, u64), u32>,
    violation: Option<Violation>,
}

impl Checker {
    pub(crate) fn new(votes_needed: u16, honest: Vec<bool>, forgery: Forgery) -> Self {
        Self {
            votes_needed: votes_needed.into(),
            honest,
            forgery,
            chain: BTreeMap::new(),
            leaves: BTreeSet::new(),
            roots: BTreeMap::new(),
            votes: BTreeMap::new(),
            sent: BTreeSet::new(),
            highest: BTreeMap::new(),
            commits: BTreeMap::new(),
            violation: None,
        }
    }

    /// The first rule that was broken.
    pub(crate) fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    pub(crate) fn fail(&mut self, violation: Violation) {
        self.violation.get_or_insert(violation);
    }

    /// Highest decided height of any honest node.
    pub(crate) fn height(&self) -> u64 {
        self.chain.last_key_value().map_or(0, |(height, _)| *height)
    }

    fn is_honest(&self, member: ValidatorIndex) -> bool {
        self.honest.get(member.position()).copied().unwrap_or(false)
    }

    /// A vote of an honest node is on its disk, and may be sent at any time from now on.
    pub(crate) fn on_durable(&mut self, signer: ValidatorIndex, (place, ballot): (Place, Ballot)) {
        if *self.votes.entry((signer, place)).or_insert(ballot) != ballot {
            self.fail(Violation::DoubleVote { place: format!("{signer} at {place:?}") });
        }
        let highest = self.highest.entry((signer, place.kind == Kind::Checkpoint)).or_insert(place);
        if place < *highest {
            let place = format!("{signer} at {place:?} after {highest:?}");
            self.fail(Violation::VoteBack { place });
            return;
        }
        *highest = place;
        if place.kind == Kind::Commit {
            self.commits.insert((signer, place.height), place.view);
        }
        if place.kind == Kind::ViewChange
            && let Some(committed) = self.commits.get(&(signer, place.height))
            && ballot.prepared.is_none_or(|view| view < *committed)
        {
            self.fail(Violation::LockHidden { place: format!("{signer} at {place:?}") });
        }
    }

    /// A vote leaves an honest node.
    pub(crate) fn on_vote(
        &mut self,
        signer: ValidatorIndex,
        (place, ballot): (Place, Ballot),
        disk: &Disk,
    ) {
        if !self.sent.insert((signer, place, ballot)) {
            return; // sent again
        }
        let missing = match self.votes.get(&(signer, place)) {
            Some(known) if *known == ballot => missing_on_disk(place, ballot, disk),
            Some(_) => {
                self.fail(Violation::DoubleVote { place: format!("{signer} at {place:?}") });
                return;
            }
            None => Some("the vote itself"),
        };
        if let Some(what) = missing {
            let place = format!("{signer} at {place:?}");
            self.fail(Violation::NotDurable { place, what });
        }
    }

    /// An honest node hands a block to execution.
    pub(crate) fn on_decide(&mut self, below: (u64, BlockHash), decided: &Decided) {
        let header = decided.block.header();
        let (height, hash) = (header.height.value(), decided.block.hash());
        if (height, header.parent) != (below.0 + 1, below.1) {
            self.fail(Violation::Unchained { height });
        }
        self.check_commits(hash, &decided.certificate);
        match self.chain.get(&height) {
            Some(known) if *known == hash => (), // agreed
            Some(_) => self.fail(Violation::Fork { height }),
            None => {
                self.chain.insert(height, hash);
                for leaf in decided.block.tx_leaves() {
                    if !self.leaves.insert(*leaf) {
                        self.fail(Violation::Twice { height });
                    }
                }
            }
        }
    }

    fn check_commits(&mut self, hash: BlockHash, certificate: &CommitCertificate) {
        let named = &certificate.statement;
        let signers: BTreeSet<ValidatorIndex> = certificate.signers().collect();
        if named.block_hash != hash {
            self.fail(Violation::Certificate { what: "it names another block" });
        }
        if signers.len() < self.votes_needed || signers.len() != certificate.votes.len() {
            self.fail(Violation::Certificate { what: "too few COMMITs" });
        }
        let (height, view) = (named.height.value(), named.view.value());
        self.check_cast(&signers, Place { height, view, kind: Kind::Commit }, hash.0);
    }

    /// Honest signers of a certificate must have put that vote on their disks.
    fn check_cast(&mut self, signers: &BTreeSet<ValidatorIndex>, place: Place, hash: Hash) {
        let forged = |signer: &ValidatorIndex| {
            let cast = self.votes.get(&(*signer, place)).is_some_and(|vote| vote.hash == hash);
            self.is_honest(*signer) && !cast
        };
        if self.forgery == Forgery::Checked && signers.iter().any(forged) {
            self.fail(Violation::Certificate { what: "a signer has no such vote on disk" });
        }
    }

    /// An honest node's batch is synced.
    pub(crate) fn on_executed(&mut self, size: u64, root: Hash) {
        if *self.roots.entry(size).or_insert(root) != root {
            self.fail(Violation::Roots { size });
        }
    }

    /// An honest node stores a checkpoint certificate.
    pub(crate) fn on_certified(&mut self, certificate: &CheckpointCertificate) {
        let (size, root) = (certificate.statement.size, certificate.statement.root);
        let signers: BTreeSet<ValidatorIndex> = certificate.signers().collect();
        if self.roots.get(&size).is_some_and(|known| *known != root) {
            self.fail(Violation::Roots { size });
        }
        if signers.len() < self.votes_needed || signers.len() != certificate.votes.len() {
            self.fail(Violation::Certificate { what: "too few CHECKPOINTs" });
        }
        let place = Place { height: size, view: 0, kind: Kind::Checkpoint };
        self.check_cast(&signers, place, root);
    }

    /// An honest node keeps evidence.
    pub(crate) fn on_evidence(&mut self, evidence: &Evidence) {
        let convicted = evidence.guilty().into_iter().find(|member| self.is_honest(*member));
        if let (Some(member), Forgery::Checked) = (convicted, self.forgery) {
            self.fail(Violation::Convicted { member });
        }
    }
}

/// What a vote promises and the disk does not hold (consensus L34, L40, L53, L110).
fn missing_on_disk(place: Place, ballot: Ballot, disk: &Disk) -> Option<&'static str> {
    if place.kind == Kind::Checkpoint {
        return (disk.height() + 1 < place.height).then_some("the batch");
    }
    if !disk.holds_decision(place.height.saturating_sub(1)) {
        return Some("the certificate of the height below");
    }
    let block = BlockHash(ballot.hash);
    match place.kind {
        Kind::PrePrepare | Kind::Prepare => {
            (!disk.holds_block(block)).then_some("the block with its bodies")
        }
        Kind::Commit if !disk.holds_lock((place.height, place.view), block) => {
            Some("the prepared certificate")
        }
        Kind::Commit => (!disk.holds_block(block)).then_some("the block with its bodies"),
        Kind::ViewChange => {
            let lock = |view| disk.holds_lock((place.height, view), block);
            ballot.prepared.is_some_and(|view| !lock(view)).then_some("the prepared certificate")
        }
        Kind::Checkpoint => None,
    }
}
