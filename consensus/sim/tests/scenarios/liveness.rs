//! Liveness: who is down, mute, slow or lying does not keep the others from going on.

use consensus::Mode;
use sim::World;
use sim::plan::{Liar, MILLI, SECOND};
use sim::world::Audience;

use crate::support::{
    assert_hardens, decided, included_by, is_bodies, is_prepare, mode, ready, view, world_with,
};

/// B7: nobody submits anything and the primary is dead. The heartbeat still comes, from the next.
#[test]
fn a_heartbeat_comes_without_traffic_and_without_its_primary() {
    for n in [3, 4, 7] {
        let mut world = ready(n);
        world.crash(0);
        let before = world.height();
        let beats = |world: &World| decided(world, 1) >= before + 3;
        assert!(world.run_until(10 * SECOND, beats), "n={n}");
        world.start(0);
        let all: Vec<usize> = (0..n.into()).collect();
        assert_hardens(&mut world, &all, 10 * SECOND);
    }
}

/// B7: a body that only one backup knows is forwarded again after T0 and ordered.
#[test]
fn a_body_known_to_one_member_only_is_ordered() {
    for n in [3, 4] {
        let mut world = ready(n);
        let leaf = world.submit(2, Audience::Lonely);
        let all: Vec<usize> = (0..n.into()).collect();
        let ordered = |world: &World| included_by(world, &all, &leaf);
        assert!(world.run_until(5 * SECOND, ordered), "n={n}");
        assert_hardens(&mut world, &all, 5 * SECOND);
    }
}

/// B3: the primary orders a body that reached nobody else; the others fetch it from the primary.
#[test]
fn bodies_that_only_the_primary_has_are_fetched() {
    let mut world = ready(4);
    let leaf = world.submit(0, Audience::Lonely);
    let ordered = |world: &World| included_by(world, &[0, 1, 2, 3], &leaf);
    assert!(world.run_until(2 * SECOND, ordered));
    assert_eq!(view(&world, 1), 0, "without leaving its view");
}

/// A primary that names bodies nobody can get is left.
#[test]
fn a_primary_whose_bodies_cannot_be_had_is_left() {
    let mut world = ready(4);
    world.lose(|letter| letter.from == 0 && is_bodies(letter));
    world.submit(0, Audience::Lonely);
    let leaf = world.submit(1, Audience::One);
    let ordered = |world: &World| included_by(world, &[1, 2, 3], &leaf);
    assert!(world.run_until(10 * SECOND, ordered), "the others go on without it");
    world.lose_nothing();
    assert_hardens(&mut world, &[0, 1, 2, 3], 10 * SECOND);
}

/// A member that was away for hundreds of heights catches up by certificates, in several fetches,
/// and everything hardens.
#[test]
fn a_member_back_from_a_long_outage_catches_up() {
    for n in [3, 4] {
        let mut world = ready(n);
        world.crash(2);
        for _ in 0..300 {
            world.submit(0, Audience::One);
            world.run_for(40 * MILLI);
        }
        assert!(world.height() > 150, "n={n}: the others went on to {}", world.height());
        assert_eq!(world.executed(2), 1);
        world.start(2);
        let goal = world.height();
        let back = |world: &World| world.executed(2) >= goal;
        assert!(world.run_until(10 * SECOND, back), "n={n}: only {}", world.executed(2));
        let all: Vec<usize> = (0..n.into()).collect();
        assert_hardens(&mut world, &all, 5 * SECOND);
    }
}

/// A mute member that is primary of a view is passed over, again and again.
#[test]
fn a_mute_member_is_passed_over() {
    let mut world = world_with(4, &[(0, Liar::Silent)]);
    world.start_all();
    for _ in 0..5 {
        let leaf = world.submit(1, Audience::One);
        let ordered = |world: &World| included_by(world, &[1, 2, 3], &leaf);
        assert!(world.run_until(10 * SECOND, ordered));
    }
    assert_eq!(world.violation(), None);
}

/// B10: one validator signs garbage roots. Nobody stops: a minority's root is a report.
#[test]
fn a_garbage_checkpoint_root_stops_nobody() {
    for n in [3, 4] {
        let mut world = world_with(n, &[(1, Liar::GarbageRoots)]);
        world.start_all();
        for _ in 0..20 {
            world.submit(0, Audience::One);
            world.run_for(100 * MILLI);
        }
        world.run_for(5 * SECOND);
        for id in (0..n.into()).filter(|id| *id != 1) {
            let standing = world.standing(id).expect("up");
            assert_eq!(standing.mode, Mode::Voting, "n={n}");
            assert!(standing.decided.value() >= 20, "n={n}: {standing:?}");
            assert!(standing.certified + 2 > standing.decided.value(), "n={n}: {standing:?}");
        }
        assert_eq!(world.violation(), None, "n={n}");
    }
}

/// A status is never a target by itself: whatever a liar claims, nobody follows it anywhere.
#[test]
fn a_lying_status_moves_nobody() {
    let mut world = world_with(4, &[(3, Liar::LyingStatus)]);
    world.start_all();
    for _ in 0..20 {
        world.submit(0, Audience::One);
        world.run_for(200 * MILLI);
    }
    assert!(decided(&world, 0) >= 20);
    assert!((0..3).all(|id| mode(&world, id) == Mode::Voting && view(&world, id) == 0));
    assert_eq!(world.violation(), None);
}

/// Two live members of three whose timers are apart decide within two timeouts, five failed views
/// up.
#[test]
fn two_live_members_with_timers_apart_decide_soon() {
    let mut world = ready(3);
    world.crash(2);
    world.lose(is_prepare); // every view fails, each with twice the patience
    world.submit(0, Audience::One);
    assert!(world.run_until(60 * SECOND, |world| view(world, 0) >= 6 && view(world, 1) >= 6));
    world.lose_nothing();
    let before = world.height();
    let within = 2 * 300 * MILLI * 64;
    assert!(world.run_until(within, |world| decided(world, 0) > before), "T(6) twice");
}
