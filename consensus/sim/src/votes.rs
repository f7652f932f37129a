//! Votes as the checkers see them: who said what where, told from messages alone.

use consensus::Own;
use proto::message::{Message, PrePrepare, ViewChange};
use proto::verified::Signed;
use proto::{Hash, ValidatorIndex};

/// What kind of vote, in the order in which they may be cast at one (height, view).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Kind {
    ViewChange,
    PrePrepare,
    Prepare,
    Commit,
    Checkpoint,
}

/// Where a vote stands: one of each for each signer. A checkpoint's height is its size.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Place {
    pub(crate) height: u64,
    pub(crate) view: u32,
    pub(crate) kind: Kind,
}

/// What a vote says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Ballot {
    pub(crate) hash: Hash,
    /// View of the block that a view change names.
    pub(crate) prepared: Option<u32>,
    /// `just_hash` of a proposal.
    pub(crate) justification: Hash,
}

impl Ballot {
    fn of(hash: Hash) -> Self {
        Self { hash, prepared: None, justification: Hash::ZERO }
    }
}

fn place(kind: Kind, height: proto::Height, view: proto::View) -> Place {
    Place { height: height.value(), view: view.value(), kind }
}

fn view_change(signed: &Signed<ViewChange>) -> (Place, Ballot) {
    let statement = &signed.statement;
    let hash = statement.prepared.map_or(Hash::ZERO, |(_, hash)| hash.0);
    let prepared = statement.prepared.map(|(view, _)| view.value());
    let ballot = Ballot { prepared, ..Ballot::of(hash) };
    (place(Kind::ViewChange, statement.height, statement.view), ballot)
}

macro_rules! vote {
    ($kind:ident, $signed:expr) => {{
        let statement = &$signed.statement;
        let place = place(Kind::$kind, statement.height, statement.view);
        (place, Ballot::of(statement.block_hash.0))
    }};
}

macro_rules! checkpoint {
    ($signed:expr) => {{
        let statement = &$signed.statement;
        let place = Place { height: statement.size, view: 0, kind: Kind::Checkpoint };
        (place, Ballot::of(statement.root))
    }};
}

fn proposal(signed: &Signed<PrePrepare>) -> (Place, Ballot) {
    let (place, ballot) = vote!(PrePrepare, signed);
    (place, Ballot { justification: signed.statement.just_hash, ..ballot })
}

/// The vote in an own message.
pub(crate) fn own_ballot(own: &Own) -> (Place, Ballot) {
    match own {
        Own::PrePrepare(message) => proposal(&message.signed),
        Own::Prepare(signed) => vote!(Prepare, signed),
        Own::Commit(signed) => vote!(Commit, signed),
        Own::ViewChange(change) => view_change(&change.signed),
        Own::Checkpoint(signed) => checkpoint!(signed),
    }
}

/// The vote that a message carries for its signer, if it is one.
pub(crate) fn ballot_of(message: &Message) -> Option<(ValidatorIndex, Place, Ballot)> {
    let (signer, (place, ballot)) = match message {
        Message::PrePrepare(message) => (message.signed.signer, proposal(&message.signed)),
        Message::Prepare(signed) => (signed.signer, vote!(Prepare, signed)),
        Message::Commit(signed) => (signed.signer, vote!(Commit, signed)),
        Message::ViewChange(change) => (change.signed.signer, view_change(&change.signed)),
        Message::Checkpoint(signed) => (signed.signer, checkpoint!(signed)),
        Message::Status(status) => {
            let signed = status.checkpoint.as_ref()?;
            (signed.signer, checkpoint!(signed))
        }
        Message::Decided(_) => return None,
    };
    Some((signer, place, ballot))
}

/// A message in a few words, for traces.
pub(crate) fn describe(message: &Message) -> String {
    match message {
        Message::PrePrepare(proposal) => {
            let statement = &proposal.signed.statement;
            format!(
                "pre-prepare h{} v{} {:?} ({} txs, {} view changes)",
                statement.height,
                statement.view,
                statement.block_hash.0,
                proposal.block.tx_leaves().len(),
                proposal.justification.len()
            )
        }
        Message::Prepare(signed) => {
            let vote = &signed.statement;
            format!("prepare h{} v{} {:?}", vote.height, vote.view, vote.block_hash.0)
        }
        Message::Commit(signed) => {
            let vote = &signed.statement;
            format!("commit h{} v{} {:?}", vote.height, vote.view, vote.block_hash.0)
        }
        Message::ViewChange(change) => {
            let vote = &change.signed.statement;
            let prepared = vote.prepared.map(|(view, hash)| (view.value(), hash.0));
            format!("view-change h{} v{} prepared {prepared:?}", vote.height, vote.view)
        }
        Message::Checkpoint(signed) => {
            format!("checkpoint {} {:?}", signed.statement.size, signed.statement.root)
        }
        Message::Status(status) => {
            let said = &status.signed.statement;
            format!(
                "status h{} v{} decided {} executed {} certified {} voting {}",
                said.height, said.view, said.decided, said.executed, said.certified, said.voting
            )
        }
        Message::Decided(decided) => {
            let named = &decided.certificate.statement;
            format!("decided h{} v{} {:?}", named.height, named.view, named.block_hash.0)
        }
    }
}
