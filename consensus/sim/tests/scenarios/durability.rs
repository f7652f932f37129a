//! Durability: what a member said or a client was told survives the death of all processes at once.

use consensus::Phase;
use sim::plan::{MILLI, SECOND};
use sim::world::Audience;
use sim::{Payload, World};

use crate::support::{
    assert_hardens, crash_all, decided, hardened, included_by, is_bodies, is_checkpoint, is_commit,
    is_pre_prepare, phase, ready, start_all, world_with,
};

/// P1, B3, B5: bodies are on a quorum of disks before anybody commits. All processes die at every
/// tenth event after a submission; whoever had executed it must find it again in every chain, and
/// the chain must go on without anybody's help.
#[test]
fn killing_all_at_any_moment_loses_nothing_acknowledged() {
    for n in [1, 3, 4] {
        let all: Vec<usize> = (0..n.into()).collect();
        for events in (0..150).step_by(5) {
            let mut world = ready(n);
            let leaf = world.submit(0, Audience::One);
            let deadline = world.events() + events;
            world.run_until(SECOND, |world| world.events() >= deadline);
            let acknowledged = all.iter().any(|id| world.includes(*id, &leaf));
            let height = world.height();
            crash_all(&mut world, &all);
            world.run_for(10 * MILLI);
            start_all(&mut world, &all);
            let next = world.submit(0, Audience::One);
            let goes_on = |world: &World| included_by(world, &all, &next);
            assert!(world.run_until(20 * SECOND, goes_on), "n={n}, killed after {events} events");
            assert!(world.height() > height, "n={n}, killed after {events} events");
            if acknowledged {
                assert!(included_by(&world, &all, &leaf), "n={n}, killed after {events} events");
            }
            assert_hardens(&mut world, &all, 20 * SECOND);
        }
    }
}

/// B11: a crash between the batch of a block and its CHECKPOINT; the checkpoint is made up for at
/// the next start, although no further block comes to remind anybody.
#[test]
fn a_crash_between_batch_and_checkpoint_is_made_up_for() {
    for n in [1, 3, 4] {
        let all: Vec<usize> = (0..n.into()).collect();
        let mut world = world_with(n, &[]);
        world.lose(is_checkpoint);
        world.start_all();
        let executed = |world: &World| all.iter().all(|id| world.executed(*id) == 1);
        assert!(world.run_until(5 * SECOND, executed));
        crash_all(&mut world, &all);
        world.lose_nothing();
        start_all(&mut world, &all);
        let made_up = |world: &World| all.iter().all(|id| hardened(world, *id) >= 2);
        assert!(world.run_until(10 * SECOND, made_up), "n={n}");
        assert_hardens(&mut world, &all, 5 * SECOND);
    }
}

/// B11: CHECKPOINTs that were lost on the way are shown again in STATUS until everybody is
/// certified as far.
#[test]
fn lost_checkpoints_are_shown_again() {
    let mut world = ready(3);
    world.lose(is_checkpoint);
    world.submit(0, Audience::One);
    assert!(world.run_until(SECOND, |world| (0..3).all(|id| decided(world, id) >= 2)));
    let shown = |world: &World| (0..3).all(|id| hardened(world, id) >= 3);
    assert!(world.run_until(5 * SECOND, shown), "status carries them");
    assert_eq!(world.violation(), None);
}

/// A primary proposes to nobody, dies, and comes back to another block of that height, which the others
/// have executed and released. They answer its old proposal with block and certificate; the bodies come
/// only with blocks out of somebody's ledger. (Asked for by their names, nobody has them: it stayed
/// behind for ever.)
#[test]
fn bodies_that_everybody_has_released_come_with_their_block() {
    for n in [3, 4] {
        let mut world = ready(n);
        world.lose(|letter| letter.from == 0 && is_pre_prepare(letter));
        world.submit(0, Audience::Lonely);
        assert!(world.run_until(SECOND, |world| phase(world, 0) == Phase::Proposed), "n={n}");
        world.crash_after_sync(0);
        world.lose_nothing();
        let others: Vec<usize> = (1..n.into()).collect();
        for _ in 0..10 {
            let leaf = world.submit(1, Audience::One);
            let ordered = |world: &World| included_by(world, &others, &leaf);
            assert!(world.run_until(20 * SECOND, ordered), "n={n}: the others go on");
        }
        let goal = world.height();
        // The first questions for blocks are lost, so that block and certificate come by themselves.
        world.lose(|letter| matches!(letter.payload, Payload::AskBlocks { .. }));
        world.start(0);
        assert!(world.run_until(10 * SECOND, |world| phase(world, 0) == Phase::Fetching), "n={n}");
        world.lose_nothing();
        let back = |world: &World| world.executed(0) >= goal;
        assert!(world.run_until(10 * SECOND, back), "n={n}: only {}", world.executed(0));
        let all: Vec<usize> = (0..n.into()).collect();
        assert_hardens(&mut world, &all, 10 * SECOND);
    }
}

/// A block is locked when the power fails for two hours, and the time of what it lists is over. No
/// other block can take its place, so its body, which is in every journal, must not be forgotten. (It was,
/// at the first look for expired bodies.)
#[test]
fn a_locked_block_outlives_the_time_of_its_bodies() {
    for n in [3, 4] {
        let all: Vec<usize> = (0..n.into()).collect();
        let mut world = ready(n);
        world.lose(is_commit);
        let leaf = world.submit(0, Audience::One);
        let locked = |world: &World| (0..n.into()).all(|id| phase(world, id) == Phase::Prepared);
        assert!(world.run_until(SECOND, locked), "n={n}");
        for id in &all {
            world.crash_after_sync(*id);
        }
        world.lose_nothing();
        world.lose(is_bodies); // nobody has to ask for what is in the own journal
        world.run_for(2 * 3_600 * SECOND);
        for id in &all {
            world.start(*id);
            world.run_for(1_500 * MILLI);
        }
        let decided = |world: &World| included_by(world, &all, &leaf);
        assert!(world.run_until(30 * SECOND, decided), "n={n}");
        assert_hardens(&mut world, &all, 20 * SECOND);
    }
}
