//! What must survive a crash: drafts to be signed, own messages, and the records of the journal.
//! Pure data with one encoding; files are the host's.

use std::sync::Arc;

use proto::block::Block;
use proto::certificate::PreparedCertificate;
use proto::codec::{Canonical, DecodeError, Reader, Writer};
use proto::hash::Tag;
use proto::message::{
    Checkpoint, Commit, Decided, Message, PrePrepare, Prepare, Proposal, ViewChange,
    ViewChangeMessage,
};
use proto::sign::Signature;
use proto::verified::{Signed, Statement};
use proto::{ChainId, Hash, Height, ValidatorIndex};

use crate::event::NotVoting;
use crate::safety::{Claim, Position, Step};

/// A statement of ours before it is signed, with what travels beside it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Draft {
    /// A proposal.
    PrePrepare {
        /// What is signed.
        statement: PrePrepare,
        /// The block named.
        block: Arc<Block>,
        /// View changes that justify the view.
        justification: Vec<ViewChangeMessage>,
    },
    /// A prepare.
    Prepare(Prepare),
    /// A commit.
    Commit(Commit),
    /// A view change.
    ViewChange {
        /// What is signed.
        statement: ViewChange,
        /// Certificate of the prepared block it names.
        certificate: Option<PreparedCertificate>,
    },
    /// A checkpoint.
    Checkpoint(Checkpoint),
}

impl Draft {
    /// The bytes to sign.
    pub fn signed_bytes(&self, chain: ChainId) -> Vec<u8> {
        match self {
            Self::PrePrepare { statement, .. } => statement.signed_bytes(chain),
            Self::Prepare(statement) => statement.signed_bytes(chain),
            Self::Commit(statement) => statement.signed_bytes(chain),
            Self::ViewChange { statement, .. } => statement.signed_bytes(chain),
            Self::Checkpoint(statement) => statement.signed_bytes(chain),
        }
    }

    /// What the safety record has to admit before the signature.
    pub fn claim(&self, chain: ChainId) -> Claim {
        let hash = || Tag::Signed.hash(&self.signed_bytes(chain));
        match self {
            Self::PrePrepare { statement, .. } => {
                Claim::Vote { position: statement.position(), hash: hash() }
            }
            Self::Prepare(statement) => {
                Claim::Vote { position: statement.position(), hash: hash() }
            }
            Self::Commit(statement) => Claim::Vote { position: statement.position(), hash: hash() },
            Self::ViewChange { statement, .. } => {
                Claim::Vote { position: statement.position(), hash: hash() }
            }
            Self::Checkpoint(Checkpoint { size, root, .. }) => {
                Claim::Checkpoint { size: *size, root: *root }
            }
        }
    }

    /// The message with its signature.
    pub fn complete(self, signer: ValidatorIndex, signature: Signature) -> Own {
        match self {
            Self::PrePrepare { statement, block, justification } => {
                let signed = Signed { statement, signer, signature };
                let block = Arc::unwrap_or_clone(block);
                Own::PrePrepare(Arc::new(Proposal { signed, block, justification }))
            }
            Self::Prepare(statement) => Own::Prepare(Signed { statement, signer, signature }),
            Self::Commit(statement) => Own::Commit(Signed { statement, signer, signature }),
            Self::ViewChange { statement, certificate } => {
                let signed = Signed { statement, signer, signature };
                Own::ViewChange(Box::new(ViewChangeMessage { signed, certificate }))
            }
            Self::Checkpoint(statement) => Own::Checkpoint(Signed { statement, signer, signature }),
        }
    }
}

/// A vote's place in the order of all votes of its signer.
pub(crate) trait Positioned {
    /// Where the vote stands.
    fn position(&self) -> Position;
}

macro_rules! positioned {
    ($($name:ty => $step:ident,)*) => {
        $(impl Positioned for $name {
            fn position(&self) -> Position {
                let Self { epoch, height, view, .. } = *self;
                Position { epoch, height, view, step: Step::$step }
            }
        })*
    };
}

positioned! {
    PrePrepare => Prepare,
    Prepare => Prepare,
    Commit => Commit,
    ViewChange => ViewChange,
}

/// A signed message of ours: journaled with its signature and sent again, never signed again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Own {
    /// A proposal.
    PrePrepare(Arc<Proposal>),
    /// A prepare.
    Prepare(Signed<Prepare>),
    /// A commit.
    Commit(Signed<Commit>),
    /// A view change.
    ViewChange(Box<ViewChangeMessage>),
    /// A checkpoint.
    Checkpoint(Signed<Checkpoint>),
}

impl Own {
    /// The message to send.
    pub fn message(&self) -> Message {
        match self {
            Self::PrePrepare(proposal) => Message::PrePrepare(Proposal::clone(proposal)),
            Self::Prepare(signed) => Message::Prepare(signed.clone()),
            Self::Commit(signed) => Message::Commit(signed.clone()),
            Self::ViewChange(change) => Message::ViewChange(ViewChangeMessage::clone(change)),
            Self::Checkpoint(signed) => Message::Checkpoint(signed.clone()),
        }
    }

    /// What the safety record held when it was signed.
    pub fn claim(&self, chain: ChainId) -> Claim {
        fn vote<T: Statement + Positioned>(signed: &Signed<T>, chain: ChainId) -> Claim {
            let hash = Tag::Signed.hash(&signed.statement.signed_bytes(chain));
            Claim::Vote { position: signed.statement.position(), hash }
        }
        match self {
            Self::PrePrepare(proposal) => vote(&proposal.signed, chain),
            Self::Prepare(signed) => vote(signed, chain),
            Self::Commit(signed) => vote(signed, chain),
            Self::ViewChange(change) => vote(&change.signed, chain),
            Self::Checkpoint(signed) => {
                let Checkpoint { size, root, .. } = signed.statement;
                Claim::Checkpoint { size, root }
            }
        }
    }

    /// Where the message stands among all votes; a checkpoint stands apart.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::PrePrepare(proposal) => Some(proposal.signed.statement.position()),
            Self::Prepare(signed) => Some(signed.statement.position()),
            Self::Commit(signed) => Some(signed.statement.position()),
            Self::ViewChange(change) => Some(change.signed.statement.position()),
            Self::Checkpoint(_) => None,
        }
    }
}

impl Canonical for Own {
    fn encode_to(&self, out: &mut Writer) {
        match self {
            Self::PrePrepare(proposal) => proposal.encode_to(out.u8(1)),
            Self::Prepare(signed) => signed.encode_to(out.u8(2)),
            Self::Commit(signed) => signed.encode_to(out.u8(3)),
            Self::ViewChange(change) => change.encode_to(out.u8(4)),
            Self::Checkpoint(signed) => signed.encode_to(out.u8(5)),
        }
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match input.u8("own message")? {
            1 => Ok(Self::PrePrepare(Arc::new(Proposal::decode_from(input)?))),
            2 => Signed::decode_from(input).map(Self::Prepare),
            3 => Signed::decode_from(input).map(Self::Commit),
            4 => Ok(Self::ViewChange(Box::new(ViewChangeMessage::decode_from(input)?))),
            5 => Signed::decode_from(input).map(Self::Checkpoint),
            _ => Err(DecodeError::Invalid { field: "own message", rule: "is 1 to 5" }),
        }
    }
}

/// One record of the journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record {
    /// A proposal that this replica prepares or commits.
    Proposal(Arc<Proposal>),
    /// A message of ours with its signature; appended by the host when it signs.
    Own(Own),
    /// A prepared certificate: the lock.
    Prepared(PreparedCertificate),
    /// A decided block with its commit certificate.
    Decided(Arc<Decided>),
    /// From here on this replica does not vote.
    NotVoting(NotVoting),
}

impl Record {
    /// Leaves whose bodies have to be in the journal no later than this record.
    pub fn bodies(&self) -> &[Hash] {
        match self {
            Self::Proposal(proposal) | Self::Own(Own::PrePrepare(proposal)) => {
                proposal.block.tx_leaves()
            }
            Self::Decided(decided) => decided.block.tx_leaves(),
            Self::Own(
                Own::Prepare(_) | Own::Commit(_) | Own::ViewChange(_) | Own::Checkpoint(_),
            )
            | Self::Prepared(_)
            | Self::NotVoting(_) => &[],
        }
    }

    /// Whether the journal is synced at once: no signature may follow whose sync would cover it.
    pub fn is_urgent(&self) -> bool {
        matches!(self, Self::NotVoting(_))
    }

    /// Height of the record: [`crate::Action::Release`] speaks of it. `None` is never released.
    pub fn height(&self) -> Option<Height> {
        match self {
            Self::Proposal(proposal) => Some(proposal.signed.statement.height),
            // The last checkpoint outlives the heights below it: it is sent again after a restart.
            Self::Own(Own::Checkpoint(signed)) => Some(Height::new(signed.statement.size)),
            Self::Own(own) => own.position().map(|position| position.height),
            Self::Prepared(certificate) => Some(certificate.pre_prepare.statement.height),
            Self::Decided(decided) => Some(decided.certificate.statement.height),
            Self::NotVoting(_) => None,
        }
    }
}

impl Canonical for Record {
    fn encode_to(&self, out: &mut Writer) {
        match self {
            Self::Proposal(proposal) => proposal.encode_to(out.u8(1)),
            Self::Own(own) => own.encode_to(out.u8(2)),
            Self::Prepared(certificate) => certificate.encode_to(out.u8(3)),
            Self::Decided(decided) => decided.encode_to(out.u8(4)),
            Self::NotVoting(reason) => reason.encode_to(out.u8(5)),
        }
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match input.u8("journal record")? {
            1 => Ok(Self::Proposal(Arc::new(Proposal::decode_from(input)?))),
            2 => Own::decode_from(input).map(Self::Own),
            3 => PreparedCertificate::decode_from(input).map(Self::Prepared),
            4 => Ok(Self::Decided(Arc::new(Decided::decode_from(input)?))),
            5 => NotVoting::decode_from(input).map(Self::NotVoting),
            _ => Err(DecodeError::Invalid { field: "journal record", rule: "is 1 to 5" }),
        }
    }
}
