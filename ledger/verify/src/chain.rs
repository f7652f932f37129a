//! The chain of signatures (C6.1 to C6.3): from the genesis hash over every hand-off to the final
//! checkpoint, with the verifier's pins.

use std::collections::BTreeSet;

use genesis::Genesis;
use ledger::bundle::{Bundle, CheckpointVotes, FinalHead, Handoff, parse_hash};
use proto::certificate::{Certificate, Vote};
use proto::codec::{Canonical as _, Writer};
use proto::epoch::Descriptor;
use proto::hash::{Hash, SUITE, Tag};
use proto::history::HistoryLeaf;
use proto::message::Checkpoint;
use proto::sign::Signature;
use proto::tree;
use proto::types::{AgencyIndex, ChainId, Epoch, Height, ValidatorIndex};
use proto::verified::{Refused, SetVerifier, Verifiable as _};

use crate::demand::{self, Options};
use crate::failure::{At, ChainProblem, DemandProblem, Failure, Part, Problem, Rule};
use crate::recovery;

/// An epoch with the hash of its descriptor.
pub(crate) struct EpochEntry {
    pub(crate) descriptor: Descriptor,
    pub(crate) hash: Hash,
    /// Whether a recovery document opened it.
    pub(crate) recovered: bool,
}

/// How a step was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StepKind {
    /// By a certificate.
    Signed,
    /// By a certificate without the signature of a member that the next epoch drops.
    Forced,
    /// By a recovery document of the agencies.
    Recovered,
}

/// One step that somebody must be trusted for: a hand-off or the final certificate.
pub(crate) struct Step {
    pub(crate) epoch: Epoch,
    pub(crate) size: u64,
    pub(crate) root: Hash,
    /// Validators that signed the certificate; agencies stand beside them.
    pub(crate) signers: Vec<(ValidatorIndex, AgencyIndex)>,
    /// Members of the set.
    pub(crate) members: u16,
    /// Agencies that the members belong to.
    pub(crate) member_agencies: usize,
    /// Agencies that signed the recovery document.
    pub(crate) agencies: Vec<AgencyIndex>,
    pub(crate) kind: StepKind,
    /// Hash of the next epoch's descriptor; zero for the final certificate.
    pub(crate) next_epoch_hash: Hash,
    pub(crate) handoff_hash: Option<Hash>,
}

impl Step {
    /// Whether every member signed.
    pub(crate) fn is_full(&self) -> bool {
        self.kind != StepKind::Recovered && self.signers.len() == usize::from(self.members)
    }
}

/// A verified chain of signatures.
pub(crate) struct Chain {
    pub(crate) id: ChainId,
    pub(crate) genesis: Genesis,
    pub(crate) epochs: Vec<EpochEntry>,
    pub(crate) steps: Vec<Step>,
    /// Leaves and root of the final checkpoint.
    pub(crate) size: u64,
    pub(crate) root: Hash,
    /// The leaf of height `size - 1`.
    pub(crate) head: HistoryLeaf,
    /// The head hands over to another epoch.
    pub(crate) epoch_closed: bool,
}

impl Chain {
    /// The epoch of a height: the last one that begins at or before it; height 0 is of epoch 0.
    pub(crate) fn epoch_of(&self, height: Height) -> &EpochEntry {
        epoch_of(&self.epochs, height)
    }
}

fn epoch_of(epochs: &[EpochEntry], height: Height) -> &EpochEntry {
    let at = height.max(Height::new(1));
    let begun = |entry: &&EpochEntry| entry.descriptor.first_height <= at;
    epochs.iter().rev().find(begun).or(epochs.first()).expect("epoch 0 begins at height 1")
}

/// A checkpoint that is proven: the older side of the next consistency.
struct Proven<'a> {
    size: u64,
    root: Hash,
    /// Path to the next checkpoint.
    consistency: &'a [Vec<u8>],
}

/// Follows the signatures from genesis to the final checkpoint.
pub(crate) fn verify(
    genesis_hash: ChainId,
    bundle: &Bundle,
    options: &Options,
) -> Result<Chain, Failure> {
    let genesis = read_genesis(genesis_hash, &bundle.genesis)?;
    let descriptor = genesis.descriptor().clone();
    let hash = descriptor.hash(genesis_hash);
    let mut walk = Walk {
        id: genesis_hash,
        genesis,
        epochs: vec![EpochEntry { descriptor, hash, recovered: false }],
        steps: Vec::new(),
        proven: None,
    };
    for (position, handoff) in bundle.handoffs.iter().enumerate() {
        let at = At::new(Rule::Handoff, format!("handoffs[{position}]"));
        walk.hand_off(&at, handoff)?;
    }
    let at = At::new(Rule::Final, "final_head");
    let missing = || at.fail(Problem::Missing(Part::Checkpoint));
    let head = bundle.final_head.as_ref().ok_or_else(missing)?;
    let chain = walk.finish(&at, head)?;
    check_pins(bundle, &chain, options)?;
    demand::timely(&at, &chain.head, options)?;
    Ok(chain)
}

/// C6.1: the bytes are those that the verifier trusts, and a genesis document.
fn read_genesis(expected: ChainId, bytes: &[u8]) -> Result<Genesis, Failure> {
    let at = At::new(Rule::Genesis, "genesis");
    let found = Tag::Genesis.hash(bytes);
    if found != expected.0 {
        return Err(at.chain(ChainProblem::OtherGenesis { found, expected: expected.0 }));
    }
    Genesis::read(bytes)
        .map_err(|error| at.chain(ChainProblem::GenesisRule { detail: error.to_string() }))
}

struct Walk<'a> {
    id: ChainId,
    genesis: Genesis,
    epochs: Vec<EpochEntry>,
    steps: Vec<Step>,
    proven: Option<Proven<'a>>,
}

impl<'a> Walk<'a> {
    fn current(&self) -> &EpochEntry {
        self.epochs.last().expect("epoch 0 is always there")
    }

    /// C6.2: one hand-off.
    fn hand_off(&mut self, at: &At, handoff: &'a Handoff) -> Result<(), Failure> {
        let root = hash(&at.inside("root"), &handoff.root)?;
        let descriptor = read_descriptor(at, &handoff.descriptor)?;
        let step = match (&handoff.certificate, &handoff.recovery) {
            (Some(votes), None) => {
                let signers = self.by_certificate(at, handoff.size, votes, root)?;
                let kind = self.signed_or_forced(&signers, &descriptor);
                Step { signers, kind, ..self.step(handoff.size, root) }
            }
            (None, Some(document)) => {
                let old = self.current();
                self.check_recovery_size(at, handoff.size, root)?;
                let kept = recovery::Kept { size: handoff.size, root };
                let agencies = recovery::verify(
                    &at.inside("recovery"),
                    document,
                    &recovery::Context {
                        chain: self.id,
                        genesis: &self.genesis,
                        old: &old.descriptor,
                    },
                    &kept,
                    &handoff.descriptor,
                )?;
                Step { agencies, kind: StepKind::Recovered, ..self.step(handoff.size, root) }
            }
            (Some(_), Some(_)) | (None, None) => return Err(at.chain(ChainProblem::OneOfTwo)),
        };
        self.check_consistency(at, handoff.size, &root)?;
        let leaf = included_leaf(at, &handoff.leaf, &handoff.path, handoff.size, &root)?;
        let next_hash = descriptor.hash(self.id);
        let recovered = step.kind == StepKind::Recovered;
        let demanded = (!recovered).then_some(next_hash);
        self.check_handoff_leaf(at, &leaf, handoff.size, demanded)?;
        let expected = self.current().descriptor.epoch.next();
        let inside = at.inside("descriptor");
        inside.equal(Part::Descriptor, "epoch", descriptor.epoch, expected)?;
        let first = Height::new(handoff.size);
        inside.equal(Part::Descriptor, "first_height", descriptor.first_height, first)?;
        let mut out = Writer::default();
        out.u64(handoff.size).hash(&root).hash(&next_hash);
        let handoff_hash = Some(Tag::Handoff.hash(&out.into_bytes()));
        self.steps.push(Step { next_epoch_hash: next_hash, handoff_hash, ..step });
        self.epochs.push(EpochEntry { descriptor, hash: next_hash, recovered });
        self.proven = Some(Proven { size: handoff.size, root, consistency: &handoff.consistency });
        Ok(())
    }

    fn by_certificate(
        &self,
        at: &At,
        size: u64,
        votes: &CheckpointVotes,
        root: Hash,
    ) -> Result<Vec<(ValidatorIndex, AgencyIndex)>, Failure> {
        let least = self.current().descriptor.first_height.value().saturating_add(1);
        if size < least {
            return Err(at.chain(ChainProblem::Size { found: size, least }));
        }
        self.check_votes(&at.inside("certificate"), votes, size, root)
    }

    /// A hand-off is forced where a member that the next epoch drops has not signed it.
    fn signed_or_forced(
        &self,
        signers: &[(ValidatorIndex, AgencyIndex)],
        next: &Descriptor,
    ) -> StepKind {
        let signed = |index: usize| signers.iter().any(|(one, _)| one.position() == index);
        let mut members = self.current().descriptor.validators.iter().enumerate();
        let forced =
            members.any(|(index, member)| !signed(index) && next.index_of(&member.key).is_none());
        if forced { StepKind::Forced } else { StepKind::Signed }
    }

    fn step(&self, size: u64, root: Hash) -> Step {
        let descriptor = &self.current().descriptor;
        let agencies: BTreeSet<AgencyIndex> =
            descriptor.validators.iter().map(|member| member.agency).collect();
        Step {
            epoch: descriptor.epoch,
            size,
            root,
            signers: Vec::new(),
            members: descriptor.quorum().validators(),
            member_agencies: agencies.len(),
            agencies: Vec::new(),
            kind: StepKind::Signed,
            next_epoch_hash: Hash::ZERO,
            handoff_hash: None,
        }
    }

    fn check_recovery_size(&self, at: &At, size: u64, root: Hash) -> Result<(), Failure> {
        let first = self.current().descriptor.first_height.value();
        let least = self.proven.as_ref().map_or(first, |proven| first.max(proven.size));
        if size < least {
            return Err(at.chain(ChainProblem::Size { found: size, least }));
        }
        match &self.proven {
            Some(proven) if proven.size == size => {
                at.equal(Part::Recovery, "root", root, proven.root)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Signatures of the current set over (size, root); returns who signed.
    fn check_votes(
        &self,
        at: &At,
        votes: &CheckpointVotes,
        size: u64,
        root: Hash,
    ) -> Result<Vec<(ValidatorIndex, AgencyIndex)>, Failure> {
        let descriptor = &self.current().descriptor;
        at.equal(Part::Certificate, "suite", votes.suite, u32::from(SUITE))?;
        at.equal(Part::Certificate, "epoch", votes.epoch, descriptor.epoch.value())?;
        let mut read = Vec::with_capacity(votes.votes.len());
        for vote in &votes.votes {
            let signer = u16::try_from(vote.signer)
                .map_err(|_| at.chain(ChainProblem::UnknownSigner { signer: vote.signer }))?;
            let signature = signature(at, vote.signer, &vote.signature)?;
            read.push(Vote { signer: ValidatorIndex::new(signer), signature });
        }
        let statement = Checkpoint { epoch: descriptor.epoch, size, root };
        let certificate = Certificate { statement, votes: read };
        let verifier = SetVerifier::new(self.id, descriptor);
        certificate
            .check(&verifier, descriptor)
            .map_err(|refused| refusal(at, refused, descriptor))?;
        let agency = |index| descriptor.validator(index).map(|member| (index, member.agency));
        Ok(certificate.signers().filter_map(agency).collect())
    }

    /// The last proven checkpoint is the beginning of this one.
    fn check_consistency(&self, at: &At, size: u64, root: &Hash) -> Result<(), Failure> {
        let Some(proven) = &self.proven else { return Ok(()) };
        let path = hashes(&at.inside("consistency"), proven.consistency)?;
        tree::verify_consistency(proven.size, size, &proven.root, root, &path).map_err(|error| {
            at.chain(ChainProblem::Inconsistent { older: proven.size, newer: size, error })
        })
    }

    fn check_handoff_leaf(
        &self,
        at: &At,
        leaf: &HistoryLeaf,
        size: u64,
        next_hash: Option<Hash>,
    ) -> Result<(), Failure> {
        let at = at.inside("leaf");
        let height = Height::new(size.saturating_sub(1));
        at.equal(Part::Leaf, "chain", leaf.chain, self.id)?;
        at.equal(Part::Leaf, "height", leaf.height, height)?;
        // A certificate ends the current epoch; a recovery may keep no height of it at all.
        let epoch = match next_hash {
            Some(_) => self.current().descriptor.epoch,
            None => epoch_of(&self.epochs, height).descriptor.epoch,
        };
        at.equal(Part::Leaf, "epoch", leaf.epoch, epoch)?;
        match next_hash {
            Some(hash) => at.equal(Part::Leaf, "next_epoch_hash", leaf.next_epoch_hash, hash),
            None => Ok(()),
        }
    }

    /// C6.3: the final certificate.
    fn finish(mut self, at: &At, head: &FinalHead) -> Result<Chain, Failure> {
        let root = hash(&at.inside("root"), &head.root)?;
        let missing = || at.fail(Problem::Missing(Part::Certificate));
        let votes = head.certificate.as_ref().ok_or_else(missing)?;
        let signers = self.by_certificate(at, head.size, votes, root)?;
        self.check_consistency(at, head.size, &root)?;
        let leaf = included_leaf(at, &head.leaf, &head.path, head.size, &root)?;
        let inside = at.inside("leaf");
        let current = self.current();
        inside.equal(Part::Leaf, "chain", leaf.chain, self.id)?;
        inside.equal(
            Part::Leaf,
            "height",
            leaf.height,
            Height::new(head.size.saturating_sub(1)),
        )?;
        inside.equal(Part::Leaf, "epoch", leaf.epoch, current.descriptor.epoch)?;
        let epoch_closed = leaf.next_epoch_hash != current.hash;
        let step = Step { signers, ..self.step(head.size, root) };
        self.steps.push(step);
        Ok(Chain {
            id: self.id,
            genesis: self.genesis,
            epochs: self.epochs,
            steps: self.steps,
            size: head.size,
            root,
            head: leaf,
            epoch_closed,
        })
    }
}

/// C6.3: every checkpoint that the verifier holds is the beginning of the final one.
fn check_pins(bundle: &Bundle, chain: &Chain, options: &Options) -> Result<(), Failure> {
    let at = At::new(Rule::Final, "pins");
    if !bundle.pins.windows(2).all(|pair| matches!(pair, [a, b] if a.size < b.size)) {
        return Err(at.fail(Problem::Order(Part::Pins)));
    }
    for held in &options.pins {
        if held.size > chain.size {
            let (pinned, found) = (held.size, chain.size);
            return Err(at.demand(DemandProblem::OlderThanPinned { pinned, found }));
        }
        let shown = bundle.pins.iter().find(|pin| pin.size == held.size);
        let path = match shown {
            Some(pin) => hashes(&at, &pin.consistency)?,
            // A pin on the final checkpoint itself needs no path.
            None if held.size == chain.size => Vec::new(),
            None => return Err(at.demand(DemandProblem::PinNotShown { pinned: held.size })),
        };
        tree::verify_consistency(held.size, chain.size, &held.root, &chain.root, &path).map_err(
            |error| {
                let (older, newer) = (held.size, chain.size);
                at.chain(ChainProblem::Inconsistent { older, newer, error })
            },
        )?;
    }
    Ok(())
}

fn refusal(at: &At, refused: Refused, descriptor: &Descriptor) -> Failure {
    at.chain(match refused {
        Refused::BadSignature(bad) => {
            let mut members = descriptor.validators.iter();
            let position = members.position(|member| member.key.id() == bad.key);
            let signer = position.and_then(|position| u32::try_from(position).ok());
            ChainProblem::BadSignature { signer: signer.unwrap_or(u32::MAX) }
        }
        Refused::UnknownSigner { signer, .. } => {
            ChainProblem::UnknownSigner { signer: signer.value().into() }
        }
        Refused::TooFew { found, needed } => ChainProblem::TooFew { found, needed },
        Refused::Order { signer } => ChainProblem::SignerOrder { signer: signer.value().into() },
        Refused::UnknownEpoch { .. } | Refused::Inconsistent { .. } => {
            let found = refused.to_string();
            let expected = format!("epoch {}", descriptor.epoch);
            let part = Part::Certificate;
            return at.fail(Problem::Field { part, field: "epoch", found, expected });
        }
    })
}

/// A signature of 64 bytes.
pub(crate) fn signature(at: &At, signer: u32, bytes: &[u8]) -> Result<Signature, Failure> {
    let bytes = bytes.try_into().map_err(|_| at.chain(ChainProblem::BadSignature { signer }))?;
    Ok(Signature::new(bytes))
}

/// A digest of 32 bytes.
pub(crate) fn hash(at: &At, bytes: &[u8]) -> Result<Hash, Failure> {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    parse_hash(bytes).ok_or_else(|| at.fail(Problem::Number(Part::Digest, length)))
}

/// A list of digests.
pub(crate) fn hashes(at: &At, list: &[Vec<u8>]) -> Result<Vec<Hash>, Failure> {
    list.iter().map(|bytes| hash(at, bytes)).collect()
}

/// Reads canonical bytes.
pub(crate) fn decode<T: proto::codec::Canonical>(
    at: &At,
    part: Part,
    bytes: &[u8],
) -> Result<T, Failure> {
    T::decode(bytes).map_err(|error| at.fail(Problem::Bytes(part, error)))
}

fn read_descriptor(at: &At, bytes: &[u8]) -> Result<Descriptor, Failure> {
    let at = at.inside("descriptor");
    Descriptor::decode(bytes).map_err(|error| at.fail(Problem::Bytes(Part::Descriptor, error)))
}

/// The leaf of height `size - 1`, included under `root`.
fn included_leaf(
    at: &At,
    bytes: &[u8],
    path: &[Vec<u8>],
    size: u64,
    root: &Hash,
) -> Result<HistoryLeaf, Failure> {
    let inside = at.inside("leaf");
    let leaf: HistoryLeaf = decode(&inside, Part::Leaf, bytes)?;
    let path = hashes(&at.inside("path"), path)?;
    tree::verify_inclusion(&Tag::History.hash(bytes), size.saturating_sub(1), size, &path, root)
        .map_err(|error| inside.fail(Problem::Path(Part::Leaf, error)))?;
    Ok(leaf)
}
