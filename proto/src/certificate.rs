//! Quorums of signatures over one statement. One bad, duplicate or foreign signature makes the
//! whole certificate invalid: a certificate is padded by nobody.

use crate::codec::{Canonical, DecodeError, Reader, Writer};
use crate::epoch::Descriptor;
use crate::limits::VALIDATORS_MAX;
use crate::message::{Checkpoint, Commit, PrePrepare, Prepare};
use crate::sign::Signature;
use crate::types::ValidatorIndex;
use crate::verified::{Refused, Signed, Statement, Verifiable, Verifier};

/// A signature with its signer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vote {
    /// Who signed.
    pub signer: ValidatorIndex,
    /// The signature.
    pub signature: Signature,
}

impl Canonical for Vote {
    fn encode_to(&self, out: &mut Writer) {
        out.u16(self.signer.value());
        self.signature.encode_to(out);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            signer: ValidatorIndex::new(input.u16("signer")?),
            signature: Signature::decode_from(input)?,
        })
    }
}

/// One statement signed by at least a quorum, signers ascending.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Certificate<T> {
    /// What was signed, the same by all.
    pub statement: T,
    /// Who signed, ascending.
    pub votes: Vec<Vote>,
}

/// q COMMITs of one (epoch, height, view, block): the order is final.
pub type CommitCertificate = Certificate<Commit>;

/// q CHECKPOINTs of one (epoch, size, root): order and result are certified.
pub type CheckpointCertificate = Certificate<Checkpoint>;

impl<T> Certificate<T> {
    /// Whether every one of `validators` members signed.
    pub fn is_unanimous(&self, validators: u16) -> bool {
        self.votes.len() == usize::from(validators)
    }

    /// The signers, ascending.
    pub fn signers(&self) -> impl Iterator<Item = ValidatorIndex> + '_ {
        self.votes.iter().map(|vote| vote.signer)
    }
}

impl<T: Statement> Certificate<T> {
    /// A certificate from votes in any order; the caller has counted them.
    pub fn new(statement: T, mut votes: Vec<Vote>) -> Self {
        votes.sort_by_key(|vote| vote.signer);
        Self { statement, votes }
    }
}

fn check_votes<T: Statement>(
    statement: &T,
    votes: &[Vote],
    needed: u16,
    verifier: &impl Verifier,
) -> Result<(), Refused> {
    if votes.len() < usize::from(needed) {
        return Err(Refused::TooFew { found: votes.len(), needed });
    }
    let mut last = None;
    for vote in votes {
        if last.is_some_and(|last| last >= vote.signer) {
            return Err(Refused::Order { signer: vote.signer });
        }
        last = Some(vote.signer);
        let statement = statement.clone();
        verifier.verify(&Signed { statement, signer: vote.signer, signature: vote.signature })?;
    }
    Ok(())
}

impl<T: Statement> Verifiable for Certificate<T> {
    fn check(&self, verifier: &impl Verifier, descriptor: &Descriptor) -> Result<(), Refused> {
        check_votes(&self.statement, &self.votes, descriptor.quorum().votes(), verifier)
    }
}

impl<T: Canonical> Canonical for Certificate<T> {
    fn encode_to(&self, out: &mut Writer) {
        self.statement.encode_to(out);
        out.list16(&self.votes);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            statement: T::decode_from(input)?,
            votes: input.list16("votes", VALIDATORS_MAX)?,
        })
    }
}

/// The signed part of a PRE-PREPARE and q - 1 PREPAREs of the same block by others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PreparedCertificate {
    /// The primary's signed proposal.
    pub pre_prepare: Signed<PrePrepare>,
    /// PREPAREs by ascending signer, the primary's not among them.
    pub prepares: Vec<Vote>,
}

impl PreparedCertificate {
    /// The PREPARE that each of the votes signed.
    pub fn prepare(&self) -> Prepare {
        let PrePrepare { epoch, height, view, block_hash, .. } = self.pre_prepare.statement;
        Prepare { epoch, height, view, block_hash }
    }
}

impl Verifiable for PreparedCertificate {
    fn check(&self, verifier: &impl Verifier, descriptor: &Descriptor) -> Result<(), Refused> {
        let PrePrepare { height, view, .. } = self.pre_prepare.statement;
        let primary = descriptor.primary(height, view);
        if self.pre_prepare.signer != primary {
            let rule = "a prepared certificate begins with the primary's pre-prepare";
            return Err(Refused::Inconsistent { rule });
        }
        if self.prepares.iter().any(|vote| vote.signer == primary) {
            let rule = "the primary's pre-prepare is its prepare and counts once";
            return Err(Refused::Inconsistent { rule });
        }
        verifier.verify(&self.pre_prepare)?;
        let needed = descriptor.quorum().votes().saturating_sub(1);
        check_votes(&self.prepare(), &self.prepares, needed, verifier)
    }
}

impl Canonical for PreparedCertificate {
    fn encode_to(&self, out: &mut Writer) {
        self.pre_prepare.encode_to(out);
        out.list16(&self.prepares);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            pre_prepare: Signed::decode_from(input)?,
            prepares: input.list16("prepares", VALIDATORS_MAX)?,
        })
    }
}
