//! Restarts with less than everything: who may have forgotten a vote does not vote, and says so.

use consensus::{Mode, NotVoting};
use sim::World;
use sim::plan::{MILLI, SECOND};
use sim::world::Audience;

use crate::support::{decided, hardened, included_by, mode, ready};

/// Runs some heights, stops node 1, and loses what `lose` takes from its disk.
fn world_after(lose: impl FnOnce(&mut World)) -> World {
    let mut world = ready(4);
    for _ in 0..5 {
        world.submit(0, Audience::One);
        world.run_for(100 * MILLI);
    }
    world.submit(0, Audience::One);
    world.run_for(25 * MILLI);
    world.crash(1);
    lose(&mut world);
    world
}

/// It follows the others, and the others certify without it.
fn assert_follows_without_voting(world: &mut World, reason: NotVoting) {
    assert!(world.run_until(5 * SECOND, |world| mode(world, 1) == Mode::NotVoting(reason)));
    let leaf = world.submit(1, Audience::One);
    assert!(world.run_until(5 * SECOND, |world| included_by(world, &[0, 1, 2, 3], &leaf)));
    let size = hardened(world, 0);
    world.run_for(5 * SECOND);
    assert_eq!(hardened(world, 0), size, "nothing hardens without its signature");
    assert!(decided(world, 1) + 1 >= decided(world, 0), "but it decides what the others decide");
    assert_eq!(world.violation(), None);
}

#[test]
fn a_journal_shorter_than_the_safety_record_is_damage() {
    let mut world = world_after(|world| world.tear_journal(1, 3));
    world.start(1);
    assert_follows_without_voting(&mut world, NotVoting::JournalDamaged);
}

#[test]
fn a_missing_journal_is_said_by_the_host_and_remembered() {
    let mut world = world_after(|world| world.forget_votes(1));
    world.start_refused(1, NotVoting::JournalMissing);
    assert_follows_without_voting(&mut world, NotVoting::JournalMissing);
    // The journal that begins with "does not vote" is complete now; it still does not vote.
    world.crash_after_sync(1);
    world.start(1);
    let refused = |world: &World| matches!(mode(world, 1), Mode::NotVoting(_));
    assert!(world.run_until(5 * SECOND, refused), "{:?}", mode(&world, 1));
}

/// B8: journal and safety record rolled back together are noticed by what the others hold.
#[test]
fn a_rollback_is_noticed_by_what_the_others_hold() {
    let mut world = world_after(|world| world.forget_votes(1));
    world.start(1);
    assert_follows_without_voting(&mut world, NotVoting::SignatureAhead);
}

/// B8: the default must start at n = 3 with one member down.
#[test]
fn three_members_with_one_down_start_after_two_seconds() {
    let mut world = ready(3);
    (0..3).for_each(|id| world.crash(id));
    world.start(0);
    world.start(1);
    let before = world.height();
    assert!(world.run_until(4 * SECOND, |world| mode(world, 0) == Mode::Voting));
    assert!(world.run_until(5 * SECOND, |world| decided(world, 1) > before));
    assert_eq!(world.violation(), None);
}

/// One alone of three does not start to vote: nobody can tell it what it may have forgotten.
#[test]
fn one_alone_waits_for_an_answer() {
    let mut world = ready(3);
    (0..3).for_each(|id| world.crash(id));
    world.start(0);
    world.run_for(60 * SECOND);
    assert_eq!(mode(&world, 0), Mode::Starting);
    let standing = world.standing(0).expect("up");
    assert_eq!(standing.waits_for.len(), 2, "and says for whom: {standing:?}");
}
