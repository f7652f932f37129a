//! Short words for the scenarios: worlds without chaos, kinds of letters, what must hold at the end.

use std::cell::RefCell;
use std::rc::Rc;

use consensus::{Mode, Phase};
use proto::Hash;
use proto::message::{Message, Proposal, ViewChangeMessage};
use sim::plan::{Liar, Plan, SECOND};
use sim::{Cluster, Letter, Payload, Signatures, World};

/// No primary moves on by itself within a scenario: `primary(h, v) = v mod n`.
const ROTATION_BLOCKS: u32 = 1_000_000;

pub(crate) fn world_with(members: u8, liars: &[(usize, Liar)]) -> World {
    let cluster = Cluster::new(members, ROTATION_BLOCKS, Signatures::Empty).expect("not empty");
    let plan = Plan { liars: liars.to_vec(), ..Plan::quiet(1, members.into()) };
    World::new(&cluster, plan, None)
}

/// A cluster that has decided and hardened its first block and waits for work. Node 0 is primary.
pub(crate) fn ready(members: u8) -> World {
    ready_with(members, &[])
}

pub(crate) fn ready_with(members: u8, liars: &[(usize, Liar)]) -> World {
    let mut world = world_with(members, liars);
    world.start_all();
    let begun = |world: &World| (0..members.into()).all(|id| hardened(world, id) >= 2);
    assert!(world.run_until(5 * SECOND, begun), "the first block is decided at once");
    world
}

pub(crate) fn hardened(world: &World, id: usize) -> u64 {
    world.standing(id).map_or(0, |standing| standing.hardened)
}

pub(crate) fn decided(world: &World, id: usize) -> u64 {
    world.standing(id).map_or(0, |standing| standing.decided.value())
}

pub(crate) fn view(world: &World, id: usize) -> u32 {
    world.standing(id).expect("the node is up").view.value()
}

pub(crate) fn phase(world: &World, id: usize) -> Phase {
    world.standing(id).expect("the node is up").phase
}

pub(crate) fn mode(world: &World, id: usize) -> Mode {
    world.standing(id).expect("the node is up").mode
}

pub(crate) fn is_changing(world: &World, id: usize) -> bool {
    matches!(phase(world, id), Phase::ViewChanging(_))
}

pub(crate) fn included_by(world: &World, ids: &[usize], leaf: &Hash) -> bool {
    ids.iter().all(|id| world.includes(*id, leaf))
}

pub(crate) fn crash_all(world: &mut World, ids: &[usize]) {
    for id in ids {
        world.crash(*id);
    }
}

pub(crate) fn start_all(world: &mut World, ids: &[usize]) {
    for id in ids {
        world.start(*id);
    }
}

/// No rule was broken, and everybody of `ids` hardens what is decided now, within the time given.
pub(crate) fn assert_hardens(world: &mut World, ids: &[usize], within: u64) {
    assert_eq!(world.violation(), None);
    let height = world.height();
    let all = |world: &World| ids.iter().all(|id| hardened(world, *id) > height);
    let done = world.run_until(within, all);
    let standings: Vec<_> = ids.iter().map(|id| world.standing(*id)).collect();
    assert!(done, "not hardened to size {}: {standings:#?}", height + 1);
    assert_eq!(world.violation(), None);
}

pub(crate) fn is_pre_prepare(letter: &Letter) -> bool {
    matches!(letter.message(), Some(Message::PrePrepare(_)))
}

pub(crate) fn is_prepare(letter: &Letter) -> bool {
    matches!(letter.message(), Some(Message::Prepare(_)))
}

pub(crate) fn is_commit(letter: &Letter) -> bool {
    matches!(letter.message(), Some(Message::Commit(_)))
}

pub(crate) fn is_view_change(letter: &Letter) -> bool {
    matches!(letter.message(), Some(Message::ViewChange(_)))
}

pub(crate) fn is_checkpoint(letter: &Letter) -> bool {
    matches!(letter.message(), Some(Message::Checkpoint(_)))
}

/// What tells a member that something is decided: certificates and those who show them.
pub(crate) fn is_decision(letter: &Letter) -> bool {
    matches!(letter.message(), Some(Message::Commit(_) | Message::Decided(_) | Message::Status(_)))
}

pub(crate) fn is_bodies(letter: &Letter) -> bool {
    matches!(letter.payload, Payload::Bodies(_))
}

/// Every message that passes a check, as it is sent.
pub(crate) fn capture(
    world: &mut World,
    wanted: impl Fn(&Letter) -> bool + 'static,
) -> Rc<RefCell<Vec<Message>>> {
    let captured = Rc::new(RefCell::new(Vec::new()));
    let store = Rc::clone(&captured);
    world.lose(move |letter| {
        if let (true, Some(message)) = (wanted(letter), letter.message()) {
            store.borrow_mut().push(message.clone());
        }
        false
    });
    captured
}

/// The first proposal that was captured.
pub(crate) fn first_proposal(captured: &RefCell<Vec<Message>>) -> Proposal {
    let Some(Message::PrePrepare(proposal)) = captured.borrow().first().cloned() else {
        panic!("a proposal was captured");
    };
    proposal
}

/// The first view change that was captured.
pub(crate) fn first_view_change(captured: &RefCell<Vec<Message>>) -> ViewChangeMessage {
    let Some(Message::ViewChange(change)) = captured.borrow().first().cloned() else {
        panic!("a view change was captured");
    };
    change
}
