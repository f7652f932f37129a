//! Views: what carries over, what adds up, what may be concealed.

use consensus::{Evidence, Halt, Mode};
use proto::certificate::PreparedCertificate;
use proto::hash::Tag;
use proto::message::{
    Commit, Message, PrePrepare, Proposal, ViewChange, ViewChangeMessage, justification_hash,
};
use proto::{Epoch, Height, ValidatorIndex, View};
use sim::plan::{Liar, MILLI, SECOND};
use sim::world::Audience;
use sim::{Violation, World};

use crate::support::{
    assert_hardens, capture, decided, first_proposal, first_view_change, included_by, is_bodies,
    is_changing, is_commit, is_decision, is_pre_prepare, is_prepare, is_view_change, mode, ready,
    ready_with, view,
};

/// A liar whose lies are told by the scenario itself: left alone, it follows the protocol.
const LIAR: Liar = Liar::Forgetful;

/// base(h): A and C decide a height in view 0 while B has left for view 1. If B carried that view
/// over, A would propose the next height in view 0 and B in view 1, and both could be decided by
/// quorums that never learn of each other. Random schedules fork so in 2 to 3 % of seeds at n = 3.
#[test]
fn a_view_is_not_carried_over_to_the_next_height() {
    let mut world = ready(3);
    world.lose(|letter| letter.to == 1 && is_decision(letter));
    world.submit(0, Audience::One);
    assert!(world.run_until(SECOND, |world| decided(world, 0) == 2 && decided(world, 2) == 2));
    assert!(world.run_until(2 * SECOND, |world| is_changing(world, 1)), "B waits in vain");
    assert_eq!(decided(&world, 1), 1, "B has not learnt of the decision");
    assert_eq!(view(&world, 1), 1);
    world.lose_nothing();
    world.lose(is_pre_prepare); // nobody goes on before all three stand at one height
    assert!(world.run_until(5 * SECOND, |world| decided(world, 1) >= 2), "B learns of it");
    assert_eq!(view(&world, 1), 0, "B begins the next height where A and C do");
    world.lose_nothing();
    let leaf = world.submit(1, Audience::One);
    assert!(world.run_until(5 * SECOND, |world| included_by(world, &[0, 1, 2], &leaf)));
    assert_hardens(&mut world, &[0, 1, 2], 5 * SECOND);
}

/// B6: COMMITs of different views are never added up. With one liar among four, three honest
/// members may say COMMIT x in view 0, y in view 1 and x in view 2 one after the other.
#[test]
fn commits_of_different_views_do_not_add_up() {
    let mut world = ready_with(4, &[(1, LIAR), (2, LIAR), (3, LIAR)]);
    let proposals = capture(&mut world, is_pre_prepare);
    world.lose(|_| true);
    world.submit(0, Audience::Lonely);
    assert!(world.run_until(SECOND, |_| !proposals.borrow().is_empty()), "node 0 proposes");
    let block_hash = first_proposal(&proposals).block.hash();
    let commit = |world: &World, signer, view| {
        let (epoch, height, view) = (Epoch::ZERO, Height::new(2), View::new(view));
        Message::Commit(world.sign_as(signer, Commit { epoch, height, view, block_hash }))
    };
    for (signer, view) in [(1, 0), (2, 1), (3, 2), (2, 2), (1, 1)] {
        let message = commit(&world, signer, view);
        world.inject(signer, 0, message);
        world.run_for(10 * MILLI);
        assert_eq!(decided(&world, 0), 1, "COMMIT of {signer} in view {view}");
    }
    for signer in [2, 3] {
        let message = commit(&world, signer, 0);
        world.inject(signer, 0, message);
        world.run_for(10 * MILLI);
    }
    assert_eq!(decided(&world, 0), 2, "three COMMITs of view 0 decide, whatever the own view");
}

/// `LockHidden`: at n = 3 one liar can fork the chain, and must be named for it, and nobody else.
/// B commits x, then tells C that it has prepared nothing.
#[test]
fn who_conceals_a_commit_is_named() {
    let mut world = ready_with(3, &[(1, LIAR)]);
    world.lose(|letter| letter.from == 1 && letter.to == 0 && is_prepare(letter));
    world.lose(|letter| letter.to == 1 && is_prepare(letter));
    let commits = capture(&mut world, |letter| letter.from == 1 && is_commit(letter));
    world.lose(|letter| letter.from == 0 && is_commit(letter));
    world.lose(|letter| letter.to == 2 && is_pre_prepare(letter));
    world.submit(0, Audience::One);
    assert!(world.run_until(SECOND, |_| !commits.borrow().is_empty()), "B commits x");
    world.run_for(5 * MILLI);
    let parent = world.block_at(0, 1).expect("executed");
    let (epoch, height, view) = (Epoch::ZERO, Height::new(2), View::new(1));
    let statement = ViewChange { epoch, height, view, parent, prepared: None };
    let signed = world.sign_as(1, statement);
    world.inject(1, 0, Message::ViewChange(ViewChangeMessage { signed, certificate: None }));
    let named: Vec<&Evidence> = world.evidence().iter().map(|(_, evidence)| evidence).collect();
    assert!(
        matches!(named[..], [Evidence::LockHidden { .. }])
            && named[0].guilty() == [ValidatorIndex::new(1)].into(),
        "{named:?}"
    );
}

/// The fork itself: C decides y in view 1 by the word of B alone. A and C halt when they meet, and
/// no honest member is convicted.
#[test]
fn a_fork_by_a_liar_halts_both_branches_and_convicts_no_honest_member() {
    let mut world = ready_with(3, &[(1, LIAR)]);
    let changes = capture(&mut world, |letter| letter.from == 2 && is_view_change(letter));
    world.lose(|letter| (letter.from == 2) != (letter.to == 2)); // C is alone with the liar's lies
    world.submit(0, Audience::Lonely);
    world.submit(2, Audience::Lonely);
    assert!(world.run_until(SECOND, |world| decided(world, 0) == 2), "A decides x with B");
    assert!(world.run_until(3 * SECOND, |_| !changes.borrow().is_empty()), "C leaves view 0");
    let of_c = first_view_change(&changes);
    let parent = world.block_at(0, 1).expect("executed");
    let (epoch, height, view) = (Epoch::ZERO, Height::new(2), View::new(1));
    assert_eq!(of_c.signed.statement.view, view);
    let statement = ViewChange { epoch, height, view, parent, prepared: None };
    let of_b = ViewChangeMessage { signed: world.sign_as(1, statement), certificate: None };
    let proposal = fresh_proposal(&world, vec![of_b, of_c]);
    let block_hash = proposal.block.hash();
    world.inject(1, 2, Message::PrePrepare(proposal));
    world.run_for(20 * MILLI);
    let commit = world.sign_as(1, Commit { epoch, height, view, block_hash });
    world.inject(1, 2, Message::Commit(commit));
    world.run_for(20 * MILLI);
    assert_eq!(decided(&world, 2), 2, "C decides y");
    assert_eq!(world.violation(), Some(&Violation::Fork { height: 2 }), "n = 3 tolerates no liar");
    world.lose_nothing();
    let halted = |world: &World, id| mode(world, id) == Mode::Halted(Halt::Fork);
    assert!(world.run_until(5 * SECOND, |world| halted(world, 0) && halted(world, 2)));
    for (finder, evidence) in world.evidence() {
        let guilty = evidence.guilty();
        let liar = ValidatorIndex::new(1);
        assert!(guilty.iter().all(|it| *it == liar), "{finder} convicts {guilty:?}");
    }
}

/// A proposal of node 1 in (2, 1) with nothing in it.
fn fresh_proposal(world: &World, justification: Vec<ViewChangeMessage>) -> Proposal {
    let first = world.decided_at(0, 2).expect("x is decided");
    let mut header = first.header().clone();
    header.view = View::new(1);
    header.primary = ValidatorIndex::new(1);
    header.time = header.time.plus_ms(400);
    let block = proto::block::Block::new(header, Vec::new());
    let statement = PrePrepare {
        epoch: Epoch::ZERO,
        height: Height::new(2),
        view: View::new(1),
        block_hash: block.hash(),
        just_hash: justification_hash(&justification),
    };
    Proposal { signed: world.sign_as(1, statement), block, justification }
}

/// B4: a new view whose own view changes show a prepared block must
/// propose that block. A primary that does not is left, with evidence anybody can check.
#[test]
fn a_new_view_that_drops_a_prepared_block_is_evidence_against_its_primary() {
    let mut world = ready_with(4, &[(1, LIAR)]);
    let changes = capture(&mut world, is_view_change);
    world.lose(is_commit);
    world.lose(|letter| letter.from == 1 && is_pre_prepare(letter));
    world.submit(0, Audience::One);
    let four = |_: &World| changes.borrow().len() >= 12;
    assert!(world.run_until(3 * SECOND, four), "all leave view 0 with a prepared block");
    let mut set: Vec<ViewChangeMessage> = Vec::new();
    for message in changes.borrow().iter() {
        if let Message::ViewChange(change) = message
            && change.signed.statement.view == View::new(1)
            && set.iter().all(|known| known.signed.signer != change.signed.signer)
        {
            set.push(change.clone());
        }
    }
    set.sort_by_key(|change| change.signed.signer);
    let locks: Vec<&PreparedCertificate> =
        set.iter().filter_map(|change| change.certificate.as_ref()).collect();
    assert!(set.len() >= 3 && !locks.is_empty(), "{} view changes", set.len());
    let mut header = world.decided_at(0, 1).expect("executed").header().clone();
    header.height = Height::new(2);
    header.view = View::new(1);
    header.primary = ValidatorIndex::new(1);
    header.parent = world.block_at(0, 1).expect("executed");
    header.time = header.time.plus_ms(500);
    let block = proto::block::Block::new(header, vec![Tag::Tx.hash(b"nobody has this")]);
    let statement = PrePrepare {
        epoch: Epoch::ZERO,
        height: Height::new(2),
        view: View::new(1),
        block_hash: block.hash(),
        just_hash: justification_hash(&set),
    };
    let signed = world.sign_as(1, statement);
    world.inject(1, 2, Message::PrePrepare(Proposal { signed, block, justification: set }));
    world.run_for(MILLI);
    let named = world
        .evidence()
        .iter()
        .any(|(finder, evidence)| *finder == 2 && matches!(evidence, Evidence::InvalidNewView(_)));
    assert!(named, "{:?}", world.evidence());
    world.lose_nothing();
    assert!(world.run_until(10 * SECOND, |world| decided(world, 2) >= 2), "and work goes on");
}

/// A member in view 0 receives the NEW-VIEW and the PREPAREs of view 1, but not the bodies, and then
/// the view changes that led there. It must not leave view 0 for view 1 with a view change that
/// names a block prepared in view 1 (found by seed 302 at n = 3).
#[test]
fn a_view_change_never_names_a_block_prepared_in_its_own_view() {
    let mut world = ready(3);
    world.lose(|letter| letter.from == 0 && is_pre_prepare(letter) || is_commit(letter));
    world.lose(|letter| letter.to == 2 && (is_bodies(letter) || is_view_change(letter)));
    world.submit(0, Audience::One);
    let moved = |world: &World| view(world, 0) == 1 && view(world, 1) == 1;
    assert!(world.run_until(SECOND, moved));
    world.run_for(50 * MILLI);
    assert!(!is_changing(&world, 0) && !is_changing(&world, 1), "both work in view 1");
    assert!(!is_changing(&world, 2), "and the third has left no view");
    world.lose_nothing();
    world.lose(|letter| is_commit(letter) || letter.to == 2 && is_bodies(letter));
    world.run_for(3 * SECOND);
    assert_eq!(world.violation(), None);
    world.lose_nothing();
    assert_hardens(&mut world, &[0, 1, 2], 20 * SECOND);
}

/// J and the clock of B7: two live members of three that stand in different views, the third down,
/// find each other instead of leapfrogging for ever.
#[test]
fn two_members_in_different_views_meet_while_the_third_is_down() {
    let mut world = ready(3);
    world.crash(2);
    // What node 1 says reaches node 0, but not the other way round: node 0 sees quorums and climbs.
    world.lose(|letter| letter.from == 0);
    world.submit(0, Audience::One);
    world.submit(1, Audience::Lonely);
    world.run_for(8 * SECOND);
    let (high, low) = (view(&world, 0), view(&world, 1));
    assert!(high > low, "node 0 in view {high}, node 1 in view {low}");
    world.lose_nothing();
    let before = world.height();
    assert!(world.run_until(20 * SECOND, |world| decided(world, 0) > before), "they meet");
    world.start(2);
    assert_hardens(&mut world, &[0, 1, 2], 20 * SECOND);
}

/// B7: a member that is cut off does not climb: when it returns, nobody has to follow it into high
/// views.
#[test]
fn a_cut_off_member_does_not_climb() {
    for n in [3, 4] {
        let mut world = ready(n);
        world.split(0b100);
        world.submit(2, Audience::Lonely);
        let mut highest = 0;
        for _ in 0..60 {
            world.run_for(SECOND);
            highest = highest.max(view(&world, 2));
        }
        assert!(highest <= 1, "n={n}: view {highest} after a minute alone");
        assert!(world.height() > 50, "n={n}: the others go on with heartbeats");
        world.join();
        let all: Vec<usize> = (0..n.into()).collect();
        assert_hardens(&mut world, &all, 10 * SECOND);
        assert_eq!(view(&world, 0), 0, "n={n}: and are not disturbed");
    }
}
