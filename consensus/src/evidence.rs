//! What members did wrong: evidence, which convinces a stranger, and reports, which do not.
//!
//! Culprits are named only by contradictions of their own signature (`Evidence::guilty`).

use std::collections::BTreeSet;
use std::fmt;

use proto::certificate::{CheckpointCertificate, CommitCertificate, PreparedCertificate};
use proto::codec::{Canonical, DecodeError, Reader, Writer};
use proto::epoch::Descriptor;
use proto::message::{Checkpoint, Commit, PrePrepare, Prepare, Proposal, ViewChange};
use proto::verified::{Refused, Signed, Verifiable, Verifier};
use proto::{Hash, Height, ValidatorIndex, View};
use thiserror::Error;

/// Signed messages that cannot all be honest. Whoever holds the epoch's set can check them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Evidence {
    /// Two proposals of one (height, view).
    DoublePrePrepare {
        /// The one seen first.
        first: Signed<PrePrepare>,
        /// The other.
        second: Signed<PrePrepare>,
    },
    /// Two prepares of one (height, view).
    DoublePrepare {
        /// The one seen first.
        first: Signed<Prepare>,
        /// The other.
        second: Signed<Prepare>,
    },
    /// Two commits of one (height, view).
    DoubleCommit {
        /// The one seen first.
        first: Signed<Commit>,
        /// The other.
        second: Signed<Commit>,
    },
    /// Two roots of one size.
    DoubleCheckpoint {
        /// The one seen first.
        first: Signed<Checkpoint>,
        /// The other.
        second: Signed<Checkpoint>,
    },
    /// A commit, and a later view change that does not know of it.
    LockHidden {
        /// The commit.
        commit: Signed<Commit>,
        /// The view change into a higher view.
        view_change: Signed<ViewChange>,
    },
    /// Prepared certificates of two blocks in one (height, view).
    DoublePrepared {
        /// The one seen first.
        first: PreparedCertificate,
        /// The other.
        second: PreparedCertificate,
    },
    /// A proposal above the base view that its own view changes do not justify.
    InvalidNewView(Proposal),
    /// Commit certificates of two blocks at one height. Names nobody by itself where the views
    /// differ: the walk of the D-rules does.
    Fork {
        /// The one that this replica followed.
        first: CommitCertificate,
        /// The other.
        second: CommitCertificate,
    },
    /// Certificates of two roots of one size.
    ForkedCheckpoint {
        /// The one that this replica followed.
        first: CheckpointCertificate,
        /// The other.
        second: CheckpointCertificate,
    },
}

impl Evidence {
    /// Whom the contradiction convicts, given that every signature holds.
    pub fn guilty(&self) -> BTreeSet<ValidatorIndex> {
        match self {
            Self::DoublePrePrepare { first, .. } => [first.signer].into(),
            Self::DoublePrepare { first, .. } => [first.signer].into(),
            Self::DoubleCommit { first, .. } => [first.signer].into(),
            Self::DoubleCheckpoint { first, .. } => [first.signer].into(),
            Self::LockHidden { commit, .. } => [commit.signer].into(),
            Self::InvalidNewView(proposal) => [proposal.signed.signer].into(),
            Self::DoublePrepared { first, second } => {
                let of = |certificate: &PreparedCertificate| -> BTreeSet<ValidatorIndex> {
                    let primary = certificate.pre_prepare.signer;
                    let others = certificate.prepares.iter().map(|vote| vote.signer);
                    others.chain([primary]).collect()
                };
                of(first).intersection(&of(second)).copied().collect()
            }
            Self::Fork { first, second } if first.statement.view == second.statement.view => {
                let second: BTreeSet<_> = second.signers().collect();
                first.signers().filter(|signer| second.contains(signer)).collect()
            }
            Self::Fork { .. } => BTreeSet::new(),
            Self::ForkedCheckpoint { first, second } => {
                let second: BTreeSet<_> = second.signers().collect();
                first.signers().filter(|signer| second.contains(signer)).collect()
            }
        }
    }

    /// Whether the parts contradict each other at all.
    fn contradicts(&self, descriptor: &Descriptor) -> bool {
        match self {
            Self::DoublePrePrepare { first, second } => {
                let (a, b) = (&first.statement, &second.statement);
                (first.signer, a.height, a.view) == (second.signer, b.height, b.view)
                    && (a.block_hash, a.just_hash) != (b.block_hash, b.just_hash)
            }
            Self::DoublePrepare { first, second } => {
                let (a, b) = (&first.statement, &second.statement);
                (first.signer, a.height, a.view) == (second.signer, b.height, b.view)
                    && a.block_hash != b.block_hash
            }
            Self::DoubleCommit { first, second } => {
                let (a, b) = (&first.statement, &second.statement);
                (first.signer, a.height, a.view) == (second.signer, b.height, b.view)
                    && a.block_hash != b.block_hash
            }
            Self::DoubleCheckpoint { first, second } => {
                let (a, b) = (&first.statement, &second.statement);
                (first.signer, a.size) == (second.signer, b.size) && a.root != b.root
            }
            Self::LockHidden { commit, view_change } => {
                commit.signer == view_change.signer
                    && hides(&view_change.statement, &commit.statement)
            }
            Self::DoublePrepared { first, second } => {
                let (a, b) = (&first.pre_prepare.statement, &second.pre_prepare.statement);
                (a.height, a.view) == (b.height, b.view) && a.block_hash != b.block_hash
            }
            Self::InvalidNewView(proposal) => {
                let votes = descriptor.quorum().votes();
                !proposal.justification.is_empty() && justified(proposal, votes).is_err()
            }
            Self::Fork { first, second } => {
                let (a, b) = (&first.statement, &second.statement);
                a.height == b.height && a.block_hash != b.block_hash
            }
            Self::ForkedCheckpoint { first, second } => {
                let (a, b) = (&first.statement, &second.statement);
                a.size == b.size && a.root != b.root
            }
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DoublePrePrepare { first, .. } => {
                let PrePrepare { height, view, .. } = first.statement;
                write!(f, "two proposals at height {height} view {view}")?;
            }
            Self::DoublePrepare { first, .. } => {
                let Prepare { height, view, .. } = first.statement;
                write!(f, "two prepares at height {height} view {view}")?;
            }
            Self::DoubleCommit { first, .. } => {
                let Commit { height, view, .. } = first.statement;
                write!(f, "two commits at height {height} view {view}")?;
            }
            Self::DoubleCheckpoint { first, .. } => {
                write!(f, "two checkpoints of size {}", first.statement.size)?;
            }
            Self::LockHidden { commit, view_change } => {
                let Commit { height, view, .. } = commit.statement;
                let later = view_change.statement.view;
                write!(f, "a commit at height {height} view {view}, hidden in view {later}")?;
            }
            Self::DoublePrepared { first, .. } => {
                let PrePrepare { height, view, .. } = first.pre_prepare.statement;
                write!(f, "two blocks prepared at height {height} view {view}")?;
            }
            Self::InvalidNewView(proposal) => {
                let PrePrepare { height, view, .. } = proposal.signed.statement;
                write!(f, "an unjustified proposal at height {height} view {view}")?;
            }
            Self::Fork { first, .. } => {
                write!(f, "two blocks decided at height {}", first.statement.height)?;
            }
            Self::ForkedCheckpoint { first, .. } => {
                write!(f, "two histories certified of size {}", first.statement.size)?;
            }
        }
        let guilty: Vec<String> = self.guilty().iter().map(ToString::to_string).collect();
        match guilty.as_slice() {
            [] => f.write_str(", convicting nobody by itself"),
            some => write!(f, ", against validator {}", some.join(", ")),
        }
    }
}

/// One file is one piece of evidence: a kind, then its two parts.
impl Canonical for Evidence {
    fn encode_to(&self, out: &mut Writer) {
        match self {
            Self::DoublePrePrepare { first, second } => pair(out.u8(1), first, second),
            Self::DoublePrepare { first, second } => pair(out.u8(2), first, second),
            Self::DoubleCommit { first, second } => pair(out.u8(3), first, second),
            Self::DoubleCheckpoint { first, second } => pair(out.u8(4), first, second),
            Self::LockHidden { commit, view_change } => pair(out.u8(5), commit, view_change),
            Self::DoublePrepared { first, second } => pair(out.u8(6), first, second),
            Self::InvalidNewView(proposal) => proposal.encode_to(out.u8(7)),
            Self::Fork { first, second } => pair(out.u8(8), first, second),
            Self::ForkedCheckpoint { first, second } => pair(out.u8(9), first, second),
        }
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match input.u8("evidence kind")? {
            1 => Self::DoublePrePrepare { first: part(input)?, second: part(input)? },
            2 => Self::DoublePrepare { first: part(input)?, second: part(input)? },
            3 => Self::DoubleCommit { first: part(input)?, second: part(input)? },
            4 => Self::DoubleCheckpoint { first: part(input)?, second: part(input)? },
            5 => Self::LockHidden { commit: part(input)?, view_change: part(input)? },
            6 => Self::DoublePrepared { first: part(input)?, second: part(input)? },
            7 => Self::InvalidNewView(part(input)?),
            8 => Self::Fork { first: part(input)?, second: part(input)? },
            9 => Self::ForkedCheckpoint { first: part(input)?, second: part(input)? },
            _ => return Err(DecodeError::Invalid { field: "evidence kind", rule: "is 1 to 9" }),
        })
    }
}

fn pair(out: &mut Writer, first: &impl Canonical, second: &impl Canonical) {
    first.encode_to(out);
    second.encode_to(out);
}

fn part<T: Canonical>(input: &mut Reader<'_>) -> Result<T, DecodeError> {
    T::decode_from(input)
}

impl Verifiable for Evidence {
    fn check(&self, verifier: &impl Verifier, descriptor: &Descriptor) -> Result<(), Refused> {
        if !self.contradicts(descriptor) {
            return Err(Refused::Inconsistent { rule: "evidence shows a contradiction" });
        }
        match self {
            Self::DoublePrePrepare { first, second } => {
                verifier.verify(first)?;
                verifier.verify(second)
            }
            Self::DoublePrepare { first, second } => {
                verifier.verify(first)?;
                verifier.verify(second)
            }
            Self::DoubleCommit { first, second } => {
                verifier.verify(first)?;
                verifier.verify(second)
            }
            Self::DoubleCheckpoint { first, second } => {
                verifier.verify(first)?;
                verifier.verify(second)
            }
            Self::LockHidden { commit, view_change } => {
                verifier.verify(commit)?;
                verifier.verify(view_change)
            }
            Self::DoublePrepared { first, second } => {
                first.check(verifier, descriptor)?;
                second.check(verifier, descriptor)
            }
            Self::InvalidNewView(proposal) => proposal.check(verifier, descriptor),
            Self::Fork { first, second } => {
                first.check(verifier, descriptor)?;
                second.check(verifier, descriptor)
            }
            Self::ForkedCheckpoint { first, second } => {
                first.check(verifier, descriptor)?;
                second.check(verifier, descriptor)
            }
        }
    }
}

/// Whether a view change into a higher view conceals a commit of the same height.
pub(crate) fn hides(change: &ViewChange, commit: &Commit) -> bool {
    change.height == commit.height
        && change.view > commit.view
        && change.prepared.is_none_or(|(view, _)| view < commit.view)
}

/// L71: how a set of view changes fails to justify a proposal. Everything here follows from the
/// proposal alone, so that a stranger comes to the same verdict.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Unjustified {
    /// Too few view changes.
    #[error("{found} view changes, a quorum has {needed}")]
    TooFew {
        /// View changes carried.
        found: usize,
        /// View changes of a quorum.
        needed: u16,
    },
    /// A view change for another height, view or parent.
    #[error("the view change of validator {signer} is for another height, view or parent")]
    Foreign {
        /// Who signed it.
        signer: ValidatorIndex,
    },
    /// Two blocks are prepared in one view.
    #[error("two blocks are prepared in view {view}")]
    Conflict {
        /// The view.
        view: View,
    },
    /// The highest prepared block is not the one proposed.
    #[error("the block prepared in view {view} must be proposed again")]
    NotPrepared {
        /// The view it was prepared in.
        view: View,
    },
    /// Nothing is prepared, and the block is not of this view.
    #[error("nothing is prepared, so the block must be of view {view}, not {found}")]
    NotFresh {
        /// View of the proposal.
        view: View,
        /// View in the block's header.
        found: View,
    },
}

/// The highest prepared certificate of a set; an error where two of one view differ.
pub(crate) fn highest_prepared<'a>(
    certificates: impl Iterator<Item = &'a PreparedCertificate>,
) -> Result<Option<&'a PreparedCertificate>, (&'a PreparedCertificate, &'a PreparedCertificate)> {
    let mut highest: Option<&PreparedCertificate> = None;
    for certificate in certificates {
        let view = certificate.pre_prepare.statement.view;
        match highest {
            Some(best) if best.pre_prepare.statement.view == view => {
                let hash = |of: &PreparedCertificate| of.pre_prepare.statement.block_hash;
                if hash(best) != hash(certificate) {
                    return Err((best, certificate));
                }
            }
            Some(best) if best.pre_prepare.statement.view > view => (),
            Some(_) | None => highest = Some(certificate),
        }
    }
    Ok(highest)
}

/// Whether the view changes of a proposal above the base view justify it.
pub(crate) fn justified(proposal: &Proposal, votes: u16) -> Result<(), Unjustified> {
    let PrePrepare { epoch, height, view, block_hash, .. } = proposal.signed.statement;
    let set = &proposal.justification;
    if set.len() < usize::from(votes) {
        return Err(Unjustified::TooFew { found: set.len(), needed: votes });
    }
    let header = proposal.block.header();
    for change in set {
        let statement = &change.signed.statement;
        if (statement.epoch, statement.height, statement.view, statement.parent)
            != (epoch, height, view, header.parent)
        {
            return Err(Unjustified::Foreign { signer: change.signed.signer });
        }
    }
    let certificates = set.iter().filter_map(|change| change.certificate.as_ref());
    match highest_prepared(certificates) {
        Err((first, _)) => Err(Unjustified::Conflict { view: first.pre_prepare.statement.view }),
        Ok(Some(highest)) => {
            let prepared = &highest.pre_prepare.statement;
            if prepared.block_hash == block_hash {
                Ok(())
            } else {
                Err(Unjustified::NotPrepared { view: prepared.view })
            }
        }
        Ok(None) if header.view == view => Ok(()),
        Ok(None) => Err(Unjustified::NotFresh { view, found: header.view }),
    }
}

/// Why a proposal is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum BadProposal {
    /// Signed by somebody else than the primary.
    #[error("validator {signer} is not the primary, validator {primary} is")]
    NotPrimary {
        /// Who signed.
        signer: ValidatorIndex,
        /// Who is the primary.
        primary: ValidatorIndex,
    },
    /// A field of the header is not what the chain says.
    #[error("{field} is not what the chain says")]
    Header {
        /// The field.
        field: &'static str,
    },
    /// A view below the base view.
    #[error("view {view} is below the base view {base}")]
    BelowBase {
        /// View of the proposal.
        view: View,
        /// Base view of the height.
        base: View,
    },
    /// The base view needs no view changes, and may show none.
    #[error("the base view carries no view changes")]
    JustifiedBase,
    /// The view changes do not justify it.
    #[error(transparent)]
    Unjustified(#[from] Unjustified),
    /// A view change speaks of a block prepared below the base view: none can be.
    #[error("the view change of validator {signer} names a view below the base view {base}")]
    LowPrepared {
        /// Who signed it.
        signer: ValidatorIndex,
        /// Base view of the height.
        base: View,
    },
    /// More transactions than a block holds, or one twice.
    #[error("a block lists at most 1,000 transactions, none twice")]
    Leaves,
}

/// A rule that a member broke, as seen by this replica; not proof for others.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Misbehaviour {
    /// A proposal that breaks a rule.
    #[error("proposal at height {height} view {view} refused: {reason}")]
    Proposal {
        /// Its height.
        height: Height,
        /// Its view.
        view: View,
        /// The rule.
        reason: BadProposal,
    },
    /// A body in a proposal may not stand there.
    #[error("proposal at height {height} lists transaction {leaf}, which may not stand there")]
    Body {
        /// Height of the proposal.
        height: Height,
        /// Leaf of the body.
        leaf: Hash,
    },
    /// A statement of another epoch.
    #[error("validator {signer} speaks of an epoch that is not open")]
    Epoch {
        /// Who signed.
        signer: ValidatorIndex,
    },
    /// A primary's PREPARE: its proposal is its prepare.
    #[error("validator {signer} prepared its own proposal at height {height} view {view}")]
    PrimaryPrepare {
        /// Who signed.
        signer: ValidatorIndex,
        /// Its height.
        height: Height,
        /// Its view.
        view: View,
    },
    /// A view change that breaks a receipt rule.
    #[error("view change of validator {signer} at height {height} breaks a receipt rule")]
    ViewChange {
        /// Who signed.
        signer: ValidatorIndex,
        /// Its height.
        height: Height,
    },
    /// A root that differs from this node's.
    #[error("validator {signer} signed another root than this node at size {size}")]
    MinorityRoot {
        /// Who signed.
        signer: ValidatorIndex,
        /// Size of the history.
        size: u64,
    },
    /// A status that its sender did not sign.
    #[error("validator {from} relayed a status of validator {signer}")]
    RelayedStatus {
        /// Who sent it.
        from: ValidatorIndex,
        /// Who signed it.
        signer: ValidatorIndex,
    },
    /// A certified block that does not follow this replica's own.
    #[error("the certified block of height {height} does not follow the decided one")]
    NotChained {
        /// Its height.
        height: Height,
    },
}
