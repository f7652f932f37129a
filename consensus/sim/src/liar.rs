//! What malicious members say instead of what their replica wants to say. They sign with their own
//! key only: nobody here can speak for another member.

use std::sync::Arc;

use proto::block::Block;
use proto::message::{Checkpoint, Message, Proposal, Status, StatusMessage, ViewChangeMessage};
use proto::verified::{Signed, Statement};
use proto::{Hash, Height, TimeMs, ValidatorIndex, View};

use crate::cluster::Cluster;
use crate::plan::Liar;
use crate::prng::Prng;

/// What becomes of a message to one addressee; `None` where it is kept back.
pub(crate) fn lie(
    liar: Liar,
    cluster: &Cluster,
    me: ValidatorIndex,
    message: &Arc<Message>,
    dice: &mut Prng,
) -> Option<Arc<Message>> {
    let same = || Some(Arc::clone(message));
    match liar {
        Liar::Silent => None,
        Liar::GarbageRoots => garbage_root(cluster, me, message, dice).map_or_else(same, said),
        Liar::LyingStatus => lying_status(cluster, me, message, dice).map_or_else(same, said),
        Liar::Mutating if dice.chance(150) => None,
        Liar::Mutating if dice.chance(250) => {
            mutated(cluster, me, message, dice).map_or_else(same, said)
        }
        Liar::Twin | Liar::Forgetful | Liar::Mutating => same(),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the other branch of map_or_else is an option")]
fn said(message: Message) -> Option<Arc<Message>> {
    Some(Arc::new(message))
}

fn any_hash(dice: &mut Prng) -> Hash {
    let mut bytes = [0; 32];
    for part in bytes.chunks_mut(8) {
        part.copy_from_slice(&dice.draw().to_be_bytes());
    }
    Hash::new(bytes)
}

fn resign<T: Statement>(
    cluster: &Cluster,
    signed: &Signed<T>,
    change: impl FnOnce(&mut T),
) -> Signed<T> {
    let mut statement = signed.statement.clone();
    change(&mut statement);
    cluster.sign(signed.signer, statement)
}

fn garbage(cluster: &Cluster, signed: &Signed<Checkpoint>, dice: &mut Prng) -> Signed<Checkpoint> {
    resign(cluster, signed, |statement| statement.root = any_hash(dice))
}

fn garbage_root(
    cluster: &Cluster,
    me: ValidatorIndex,
    message: &Message,
    dice: &mut Prng,
) -> Option<Message> {
    match message {
        Message::Checkpoint(signed) if signed.signer == me => {
            Some(Message::Checkpoint(garbage(cluster, signed, dice)))
        }
        Message::Status(status) => {
            let own = status.checkpoint.as_ref()?;
            let checkpoint = Some(garbage(cluster, own, dice));
            Some(Message::Status(StatusMessage { checkpoint, ..status.clone() }))
        }
        Message::Checkpoint(_)
        | Message::PrePrepare(_)
        | Message::Prepare(_)
        | Message::Commit(_)
        | Message::ViewChange(_)
        | Message::Decided(_) => None,
    }
}

fn lying_status(
    cluster: &Cluster,
    me: ValidatorIndex,
    message: &Message,
    dice: &mut Prng,
) -> Option<Message> {
    let Message::Status(status) = message else { return None };
    let signed = resign(cluster, &status.signed, |statement: &mut Status| {
        statement.decided = statement.decided.plus(dice.below(1_000));
        statement.height = statement.decided.next();
        statement.executed = Height::new(dice.below(1_000));
        statement.certified = dice.below(1_000);
        statement.view = View::new(u32::try_from(dice.below(100)).unwrap_or(0));
        statement.voting = dice.chance(500);
        statement.clock = TimeMs::new(dice.draw() >> 20);
        if dice.chance(300) {
            statement.echo = [7; 16];
        }
    });
    debug_assert!(signed.signer == me, "a status is sent by its signer");
    let mut lie = StatusMessage { signed, ..status.clone() };
    if dice.chance(500) {
        lie.decided = None;
    }
    if dice.chance(500) {
        lie.certified = None;
    }
    if dice.chance(700) {
        lie.seen.clear();
    }
    Some(Message::Status(lie))
}

fn mutated(
    cluster: &Cluster,
    me: ValidatorIndex,
    message: &Message,
    dice: &mut Prng,
) -> Option<Message> {
    macro_rules! vote {
        ($signed:expr, $kind:ident) => {{
            let changed = resign(cluster, $signed, |vote| match dice.below(3) {
                0 => vote.view = vote.view.next(),
                1 => vote.height = vote.height.next(),
                _ => vote.block_hash.0 = any_hash(dice),
            });
            Some(Message::$kind(changed))
        }};
    }
    match message {
        Message::Prepare(signed) if signed.signer == me => vote!(signed, Prepare),
        Message::Commit(signed) if signed.signer == me => vote!(signed, Commit),
        Message::Checkpoint(signed) if signed.signer == me => {
            Some(Message::Checkpoint(garbage(cluster, signed, dice)))
        }
        Message::PrePrepare(proposal) if proposal.signed.signer == me => {
            Some(Message::PrePrepare(other_proposal(cluster, proposal, dice)))
        }
        Message::ViewChange(change) if change.signed.signer == me => {
            Some(Message::ViewChange(other_view_change(cluster, change, dice)))
        }
        Message::Prepare(_)
        | Message::Commit(_)
        | Message::Checkpoint(_)
        | Message::PrePrepare(_)
        | Message::ViewChange(_)
        | Message::Status(_)
        | Message::Decided(_) => None,
    }
}

/// Another block in the same place, or the same one without its last view change.
fn other_proposal(cluster: &Cluster, proposal: &Proposal, dice: &mut Prng) -> Proposal {
    let mut justification = proposal.justification.clone();
    let mut block = proposal.block.clone();
    if dice.chance(300) {
        justification.pop();
    } else {
        let mut header = block.header().clone();
        header.time = header.time.plus_ms(1 + dice.below(50));
        let leaves = block.tx_leaves().iter().skip(usize::from(dice.chance(500))).copied();
        block = Block::new(header, leaves.collect());
    }
    let signed = resign(cluster, &proposal.signed, |statement| {
        statement.block_hash = block.hash();
        statement.just_hash = if justification.is_empty() {
            Hash::ZERO
        } else {
            proto::message::justification_hash(&justification)
        };
    });
    Proposal { signed, block, justification }
}

/// A higher view, or the lock concealed.
fn other_view_change(
    cluster: &Cluster,
    change: &ViewChangeMessage,
    dice: &mut Prng,
) -> ViewChangeMessage {
    let hide = dice.chance(500);
    let signed = resign(cluster, &change.signed, |statement| {
        if hide {
            statement.prepared = None;
        } else {
            let further = u32::try_from(dice.range(1, 70)).unwrap_or(1);
            statement.view = statement.view.plus(further);
        }
    });
    let certificate = if hide { None } else { change.certificate.clone() };
    ViewChangeMessage { signed, certificate }
}
