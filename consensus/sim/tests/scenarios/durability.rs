//! Durability: what a member said or a client was told survives the death of all processes at once.

use sim::World;
use sim::plan::{MILLI, SECOND};
use sim::world::Audience;

use crate::support::{
    assert_hardens, crash_all, decided, hardened, included_by, is_checkpoint, ready, start_all,
    world_with,
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
