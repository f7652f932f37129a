//! The statements of the consensus protocol and the messages that carry them.
//!
//! Every pre-image begins with `P(kind) = T("jjj/" kind "/v1") || suite || chain || epoch`;
//! the signer's index is carried beside it.

use crate::block::Block;
use crate::certificate::{CheckpointCertificate, CommitCertificate, PreparedCertificate};
use crate::codec::{Canonical, DecodeError, Reader, Writer};
use crate::epoch::Descriptor;
use crate::hash::{Hash, SUITE, Tag};
use crate::limits::VALIDATORS_MAX;
use crate::sign::Signature;
use crate::types::{BlockHash, ChainId, Epoch, Height, TimeMs, ValidatorIndex, View};
use crate::verified::{Refused, Signed, Statement, Verifiable, Verifier};

fn prefix(kind: &'static str, chain: ChainId, epoch: Epoch) -> Writer {
    let mut out = Writer::default();
    out.tag(kind).u8(SUITE).hash(&chain.0).u32(epoch.value());
    out
}

macro_rules! vote {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $name {
            /// Epoch of the height.
            pub epoch: Epoch,
            /// Height voted on.
            pub height: Height,
            /// View voted in.
            pub view: View,
            /// Block voted for.
            pub block_hash: BlockHash,
        }

        impl Statement for $name {
            fn epoch(&self) -> Epoch {
                self.epoch
            }

            fn signed_bytes(&self, chain: ChainId) -> Vec<u8> {
                let mut out = prefix($kind, chain, self.epoch);
                out.u64(self.height.value()).u32(self.view.value()).hash(&self.block_hash.0);
                out.into_bytes()
            }
        }

        impl Canonical for $name {
            fn encode_to(&self, out: &mut Writer) {
                out.u32(self.epoch.value())
                    .u64(self.height.value())
                    .u32(self.view.value())
                    .hash(&self.block_hash.0);
            }

            fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self {
                    epoch: Epoch::new(input.u32("epoch")?),
                    height: Height::new(input.u64("height")?),
                    view: View::new(input.u32("view")?),
                    block_hash: BlockHash(input.hash("block_hash")?),
                })
            }
        }
    };
}

vote! {
    /// "I hold this block with its bodies, and it is valid."
    Prepare, "jjj/prepare/v1"
}
vote! {
    /// "I hold a prepared certificate of this block."
    Commit, "jjj/commit/v1"
}

/// The primary's proposal; counts as its PREPARE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrePrepare {
    /// Epoch of the height.
    pub epoch: Epoch,
    /// Height proposed for.
    pub height: Height,
    /// View proposed in.
    pub view: View,
    /// Block proposed.
    pub block_hash: BlockHash,
    /// Hash of the view changes that justify a view above the base view; zero in the base view.
    pub just_hash: Hash,
}

impl Statement for PrePrepare {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn signed_bytes(&self, chain: ChainId) -> Vec<u8> {
        let mut out = prefix("jjj/pre-prepare/v1", chain, self.epoch);
        out.u64(self.height.value())
            .u32(self.view.value())
            .hash(&self.block_hash.0)
            .hash(&self.just_hash);
        out.into_bytes()
    }
}

impl Canonical for PrePrepare {
    fn encode_to(&self, out: &mut Writer) {
        out.u32(self.epoch.value())
            .u64(self.height.value())
            .u32(self.view.value())
            .hash(&self.block_hash.0)
            .hash(&self.just_hash);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            epoch: Epoch::new(input.u32("epoch")?),
            height: Height::new(input.u64("height")?),
            view: View::new(input.u32("view")?),
            block_hash: BlockHash(input.hash("block_hash")?),
            just_hash: input.hash("just_hash")?,
        })
    }
}

/// "I left every view below this one; the highest block prepared here is ..."
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ViewChange {
    /// Epoch of the height.
    pub epoch: Epoch,
    /// Height whose view changes.
    pub height: Height,
    /// View wanted.
    pub view: View,
    /// Block below the height.
    pub parent: BlockHash,
    /// View and hash of the highest block prepared, if any.
    pub prepared: Option<(View, BlockHash)>,
}

impl ViewChange {
    fn fields(&self, out: &mut Writer) {
        let (flag, view, hash) = match self.prepared {
            None => (0, View::ZERO, BlockHash::default()),
            Some((view, hash)) => (1, view, hash),
        };
        out.u64(self.height.value())
            .u32(self.view.value())
            .hash(&self.parent.0)
            .u8(flag)
            .u32(view.value())
            .hash(&hash.0);
    }
}

impl Statement for ViewChange {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn signed_bytes(&self, chain: ChainId) -> Vec<u8> {
        let mut out = prefix("jjj/view-change/v1", chain, self.epoch);
        self.fields(&mut out);
        out.into_bytes()
    }
}

impl Canonical for ViewChange {
    fn encode_to(&self, out: &mut Writer) {
        out.u32(self.epoch.value());
        self.fields(out);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let epoch = Epoch::new(input.u32("epoch")?);
        let height = Height::new(input.u64("height")?);
        let view = View::new(input.u32("view")?);
        let parent = BlockHash(input.hash("parent")?);
        let flag = input.u8("prepared flag")?;
        let prepared = (View::new(input.u32("pv")?), BlockHash(input.hash("phash")?));
        let prepared = match flag {
            0 if prepared == (View::ZERO, BlockHash::default()) => None,
            1 => Some(prepared),
            _ => {
                let rule = "is 1, or 0 with zero pv and phash";
                return Err(DecodeError::Invalid { field: "prepared flag", rule });
            }
        };
        Ok(Self { epoch, height, view, parent, prepared })
    }
}

/// "The history of this size has this root": a signed tree head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// Epoch of the head, height `size - 1`.
    pub epoch: Epoch,
    /// Leaves of the history.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
}

impl Statement for Checkpoint {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn signed_bytes(&self, chain: ChainId) -> Vec<u8> {
        let mut out = prefix("jjj/checkpoint/v1", chain, self.epoch);
        out.u64(self.size).hash(&self.root);
        out.into_bytes()
    }
}

impl Canonical for Checkpoint {
    fn encode_to(&self, out: &mut Writer) {
        out.u32(self.epoch.value()).u64(self.size).hash(&self.root);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            epoch: Epoch::new(input.u32("epoch")?),
            size: input.u64("size")?,
            root: input.hash("root")?,
        })
    }
}

/// Where a replica stands. Never a target by itself; only the certificates and signed messages
/// beside it are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// Epoch of the open height.
    pub epoch: Epoch,
    /// Open height.
    pub height: Height,
    /// Own view there.
    pub view: View,
    /// Highest decided height.
    pub decided: Height,
    /// Its block.
    pub decided_hash: BlockHash,
    /// Highest executed height.
    pub executed: Height,
    /// Size of the highest certified checkpoint.
    pub certified: u64,
    /// Whether the replica votes.
    pub voting: bool,
    /// Nonce of the sender's question.
    pub nonce: [u8; 16],
    /// Nonce of the addressee, echoed.
    pub echo: [u8; 16],
    /// The sender's clock.
    pub clock: TimeMs,
}

impl Status {
    fn fields(&self, out: &mut Writer) {
        out.u64(self.height.value())
            .u32(self.view.value())
            .u64(self.decided.value())
            .hash(&self.decided_hash.0)
            .u64(self.executed.value())
            .u64(self.certified)
            .u8(u8::from(self.voting))
            .raw(&self.nonce)
            .raw(&self.echo)
            .u64(self.clock.value());
    }
}

impl Statement for Status {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn signed_bytes(&self, chain: ChainId) -> Vec<u8> {
        let mut out = prefix("jjj/status/v1", chain, self.epoch);
        self.fields(&mut out);
        out.into_bytes()
    }
}

impl Canonical for Status {
    fn encode_to(&self, out: &mut Writer) {
        out.u32(self.epoch.value());
        self.fields(out);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            epoch: Epoch::new(input.u32("epoch")?),
            height: Height::new(input.u64("height")?),
            view: View::new(input.u32("view")?),
            decided: Height::new(input.u64("decided")?),
            decided_hash: BlockHash(input.hash("decided_hash")?),
            executed: Height::new(input.u64("executed")?),
            certified: input.u64("certified")?,
            voting: decode_flag(input, "voting")?,
            nonce: input.array("nonce")?,
            echo: input.array("echo")?,
            clock: TimeMs::new(input.u64("clock")?),
        })
    }
}

fn decode_flag(input: &mut Reader<'_>, field: &'static str) -> Result<bool, DecodeError> {
    match input.u8(field)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::Invalid { field, rule: "is 0 or 1" }),
    }
}

impl<T: Canonical> Canonical for Signed<T> {
    fn encode_to(&self, out: &mut Writer) {
        self.statement.encode_to(out);
        out.u16(self.signer.value());
        self.signature.encode_to(out);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            statement: T::decode_from(input)?,
            signer: ValidatorIndex::new(input.u16("signer")?),
            signature: Signature::decode_from(input)?,
        })
    }
}

fn encode_option<T: Canonical>(value: Option<&T>, out: &mut Writer) {
    match value {
        None => {
            out.u8(0);
        }
        Some(value) => {
            out.u8(1);
            value.encode_to(out);
        }
    }
}

fn decode_option<T: Canonical>(
    input: &mut Reader<'_>,
    field: &'static str,
) -> Result<Option<T>, DecodeError> {
    if decode_flag(input, field)? { T::decode_from(input).map(Some) } else { Ok(None) }
}

/// A view change with the certificate it speaks of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ViewChangeMessage {
    /// The signed view change.
    pub signed: Signed<ViewChange>,
    /// Certificate of the prepared block, exactly where the statement names one.
    pub certificate: Option<PreparedCertificate>,
}

impl Verifiable for ViewChangeMessage {
    fn check(&self, verifier: &impl Verifier, descriptor: &Descriptor) -> Result<(), Refused> {
        verifier.verify(&self.signed)?;
        let statement = &self.signed.statement;
        match (&statement.prepared, &self.certificate) {
            (None, None) => Ok(()),
            (Some((view, hash)), Some(certificate)) => {
                let named = &certificate.pre_prepare.statement;
                if (named.height, named.view, named.block_hash) != (statement.height, *view, *hash)
                    || *view >= statement.view
                {
                    let rule = "a view change carries the certificate of the block it names";
                    return Err(Refused::Inconsistent { rule });
                }
                certificate.check(verifier, descriptor)
            }
            (None, Some(_)) | (Some(_), None) => Err(Refused::Inconsistent {
                rule: "a view change carries a certificate exactly where it names a block",
            }),
        }
    }
}

impl Canonical for ViewChangeMessage {
    fn encode_to(&self, out: &mut Writer) {
        self.signed.encode_to(out);
        encode_option(self.certificate.as_ref(), out);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let signed = Signed::decode_from(input)?;
        Ok(Self { signed, certificate: decode_option(input, "prepared certificate")? })
    }
}

/// `just_hash` of a set of view changes, in the order of their signers.
pub fn justification_hash(set: &[ViewChangeMessage]) -> Hash {
    let mut out = Writer::default();
    out.u16(u16::try_from(set.len()).expect("one view change for each of at most 100 validators"));
    for change in set {
        out.u16(change.signed.signer.value());
        change.signed.statement.fields(&mut out);
        change.signed.signature.encode_to(&mut out);
        encode_option(change.certificate.as_ref(), &mut out);
    }
    Tag::Justification.hash(&out.into_bytes())
}

/// A proposal with its block and, above the base view, the view changes that justify it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proposal {
    /// The signed pre-prepare.
    pub signed: Signed<PrePrepare>,
    /// The block.
    pub block: Block,
    /// View changes by ascending signer; empty in the base view.
    pub justification: Vec<ViewChangeMessage>,
}

impl Verifiable for Proposal {
    fn check(&self, verifier: &impl Verifier, descriptor: &Descriptor) -> Result<(), Refused> {
        verifier.verify(&self.signed)?;
        let statement = &self.signed.statement;
        if statement.block_hash != self.block.hash() {
            let rule = "a pre-prepare carries the block that it names";
            return Err(Refused::Inconsistent { rule });
        }
        let expected = if self.justification.is_empty() {
            Hash::ZERO
        } else {
            justification_hash(&self.justification)
        };
        if statement.just_hash != expected {
            let rule = "just_hash is the hash of the view changes carried, or zero without any";
            return Err(Refused::Inconsistent { rule });
        }
        let mut last = None;
        for change in &self.justification {
            let signer = change.signed.signer;
            if last.is_some_and(|last| last >= signer) {
                return Err(Refused::Order { signer });
            }
            last = Some(signer);
            change.check(verifier, descriptor)?;
        }
        Ok(())
    }
}

impl Canonical for Proposal {
    fn encode_to(&self, out: &mut Writer) {
        self.signed.encode_to(out);
        out.bytes32(&self.block.encode());
        out.list16(&self.justification);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            signed: Signed::decode_from(input)?,
            block: decode_block(input)?,
            justification: input.list16("justification", VALIDATORS_MAX)?,
        })
    }
}

fn decode_block(input: &mut Reader<'_>) -> Result<Block, DecodeError> {
    Block::decode(input.bytes32("block", crate::limits::BLOCK_BYTES_MAX)?)
}

/// A signature of the addressee that the sender holds: what a restarted replica must not fall behind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Seen {
    /// A proposal.
    PrePrepare(Signed<PrePrepare>),
    /// A prepare.
    Prepare(Signed<Prepare>),
    /// A commit.
    Commit(Signed<Commit>),
    /// A view change.
    ViewChange(Signed<ViewChange>),
    /// A checkpoint.
    Checkpoint(Signed<Checkpoint>),
}

impl Verifiable for Seen {
    fn check(&self, verifier: &impl Verifier, _: &Descriptor) -> Result<(), Refused> {
        match self {
            Self::PrePrepare(signed) => verifier.verify(signed),
            Self::Prepare(signed) => verifier.verify(signed),
            Self::Commit(signed) => verifier.verify(signed),
            Self::ViewChange(signed) => verifier.verify(signed),
            Self::Checkpoint(signed) => verifier.verify(signed),
        }
    }
}

impl Canonical for Seen {
    fn encode_to(&self, out: &mut Writer) {
        match self {
            Self::PrePrepare(signed) => signed.encode_to(out.u8(1)),
            Self::Prepare(signed) => signed.encode_to(out.u8(2)),
            Self::Commit(signed) => signed.encode_to(out.u8(3)),
            Self::ViewChange(signed) => signed.encode_to(out.u8(4)),
            Self::Checkpoint(signed) => signed.encode_to(out.u8(5)),
        }
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match input.u8("seen kind")? {
            1 => Signed::decode_from(input).map(Self::PrePrepare),
            2 => Signed::decode_from(input).map(Self::Prepare),
            3 => Signed::decode_from(input).map(Self::Commit),
            4 => Signed::decode_from(input).map(Self::ViewChange),
            5 => Signed::decode_from(input).map(Self::Checkpoint),
            _ => Err(DecodeError::Invalid { field: "seen kind", rule: "is 1 to 5" }),
        }
    }
}

/// A status with the evidence for what it claims.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatusMessage {
    /// The signed status.
    pub signed: Signed<Status>,
    /// Certificate of the highest decided height.
    pub decided: Option<CommitCertificate>,
    /// The highest checkpoint certificate.
    pub certified: Option<CheckpointCertificate>,
    /// The sender's last checkpoint.
    pub checkpoint: Option<Signed<Checkpoint>>,
    /// The highest vote, view change and checkpoint held under the addressee's key.
    pub seen: Vec<Seen>,
}

/// Kinds of signatures that `seen` may show, one of each.
const SEEN_MAX: u16 = 5;

impl Verifiable for StatusMessage {
    fn check(&self, verifier: &impl Verifier, descriptor: &Descriptor) -> Result<(), Refused> {
        verifier.verify(&self.signed)?;
        if let Some(certificate) = &self.decided {
            certificate.check(verifier, descriptor)?;
        }
        if let Some(certificate) = &self.certified {
            certificate.check(verifier, descriptor)?;
        }
        if let Some(checkpoint) = &self.checkpoint {
            verifier.verify(checkpoint)?;
            if checkpoint.signer != self.signed.signer {
                let rule = "a status carries its sender's own checkpoint";
                return Err(Refused::Inconsistent { rule });
            }
        }
        self.seen.iter().try_for_each(|seen| seen.check(verifier, descriptor))
    }
}

impl Canonical for StatusMessage {
    fn encode_to(&self, out: &mut Writer) {
        self.signed.encode_to(out);
        encode_option(self.decided.as_ref(), out);
        encode_option(self.certified.as_ref(), out);
        encode_option(self.checkpoint.as_ref(), out);
        out.list16(&self.seen);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            signed: Signed::decode_from(input)?,
            decided: decode_option(input, "commit certificate")?,
            certified: decode_option(input, "checkpoint certificate")?,
            checkpoint: decode_option(input, "checkpoint")?,
            seen: input.list16("seen", SEEN_MAX)?,
        })
    }
}

/// A decided block with its commit certificate: the answer to a message for a decided height.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decided {
    /// The block.
    pub block: Block,
    /// Its commit certificate.
    pub certificate: CommitCertificate,
}

impl Verifiable for Decided {
    fn check(&self, verifier: &impl Verifier, descriptor: &Descriptor) -> Result<(), Refused> {
        let named = &self.certificate.statement;
        if (named.height, named.block_hash) != (self.block.header().height, self.block.hash()) {
            let rule = "a commit certificate stands beside the block that it names";
            return Err(Refused::Inconsistent { rule });
        }
        self.certificate.check(verifier, descriptor)
    }
}

impl Canonical for Decided {
    fn encode_to(&self, out: &mut Writer) {
        out.bytes32(&self.block.encode());
        self.certificate.encode_to(out);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            block: decode_block(input)?,
            certificate: CommitCertificate::decode_from(input)?,
        })
    }
}

/// Everything that replicas say to each other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// A proposal, in the base view or as NEW-VIEW.
    PrePrepare(Proposal),
    /// A prepare.
    Prepare(Signed<Prepare>),
    /// A commit.
    Commit(Signed<Commit>),
    /// A view change.
    ViewChange(ViewChangeMessage),
    /// A checkpoint.
    Checkpoint(Signed<Checkpoint>),
    /// Where the sender stands.
    Status(StatusMessage),
    /// A block that is decided.
    Decided(Decided),
}

impl Verifiable for Message {
    fn check(&self, verifier: &impl Verifier, descriptor: &Descriptor) -> Result<(), Refused> {
        match self {
            Self::PrePrepare(proposal) => proposal.check(verifier, descriptor),
            Self::Prepare(signed) => verifier.verify(signed),
            Self::Commit(signed) => verifier.verify(signed),
            Self::ViewChange(change) => change.check(verifier, descriptor),
            Self::Checkpoint(signed) => verifier.verify(signed),
            Self::Status(status) => status.check(verifier, descriptor),
            Self::Decided(decided) => decided.check(verifier, descriptor),
        }
    }
}

impl Canonical for Message {
    fn encode_to(&self, out: &mut Writer) {
        match self {
            Self::PrePrepare(proposal) => proposal.encode_to(out.u8(1)),
            Self::Prepare(signed) => signed.encode_to(out.u8(2)),
            Self::Commit(signed) => signed.encode_to(out.u8(3)),
            Self::ViewChange(change) => change.encode_to(out.u8(4)),
            Self::Checkpoint(signed) => signed.encode_to(out.u8(5)),
            Self::Status(status) => status.encode_to(out.u8(6)),
            Self::Decided(decided) => decided.encode_to(out.u8(7)),
        }
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match input.u8("message kind")? {
            1 => Proposal::decode_from(input).map(Self::PrePrepare),
            2 => Signed::decode_from(input).map(Self::Prepare),
            3 => Signed::decode_from(input).map(Self::Commit),
            4 => ViewChangeMessage::decode_from(input).map(Self::ViewChange),
            5 => Signed::decode_from(input).map(Self::Checkpoint),
            6 => StatusMessage::decode_from(input).map(Self::Status),
            7 => Decided::decode_from(input).map(Self::Decided),
            _ => Err(DecodeError::Invalid { field: "message kind", rule: "is 1 to 7" }),
        }
    }
}
