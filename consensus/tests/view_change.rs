//! View changes as transcripts: leaving, joining, opening a view, and what must be proposed there.
#![cfg(test)]
#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

#[path = "support/bench.rs"]
#[allow(dead_code, reason = "each test file uses its part of the bench")]
mod bench;

use bench::check;
use expect_test::expect;

#[test]
fn a_dead_primary_is_left_and_the_next_one_opens_the_view() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        body t => -
        timer view-change => forward 1 bodies; sign view-change h1 v1
        sign => send view-change h1 v1
        2 view-change h1 v1 => -
        3 view-change h1 v1 => -
        timer new-view => sign new-view h1 v1 own1.1 (1 tx)
        sign => send new-view h1 v1 own1.1 (1 tx)
        2 prepare v1 own1.1 => -
        3 prepare v1 own1.1 => journal prepared v1 own1.1; sign commit h1 v1 own1.1
        sign => send commit h1 v1 own1.1
        2 commit v1 own1.1 => -
        3 commit v1 own1.1 => journal decided h1 own1.1; decide h1 own1
    "#]],
    );
}

#[test]
fn the_next_primary_does_not_wait_when_all_view_changes_are_here() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        body t => -
        timer view-change => forward 1 bodies; sign view-change h1 v1
        sign => send view-change h1 v1
        2 view-change h1 v1 => -
        3 view-change h1 v1 => -
        0 view-change h1 v1 => sign new-view h1 v1 own1.1 (1 tx)
    "#]],
    );
}

/// Before the quorum an expiry only sends again: two live members would leapfrog for ever.
#[test]
fn the_timer_of_a_view_change_starts_with_the_quorum() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        timers => -
        body t => set ViewChange 1000
        timer view-change => forward 1 bodies; set ViewChange 1000; sign view-change h1 v1
        sign => send view-change h1 v1; set Resend 250
        timer view-change => forward 1 bodies; send view-change h1 v1; set ViewChange 1000
        2 view-change h1 v1 => -
        3 view-change h1 v1 => set NewView 125
    "#]],
    );
}

#[test]
fn after_the_quorum_an_expiry_goes_on_to_the_next_view_with_a_doubled_timeout() {
    check(
        4,
        2,
        &expect![[r#"
        vote => mode starting; mode voting
        timers => -
        body t => set ViewChange 1000
        timer view-change => forward 1 bodies; set ViewChange 1000; sign view-change h1 v1
        sign => send view-change h1 v1; set Resend 250
        0 view-change h1 v1 => -
        3 view-change h1 v1 => -
        timer view-change => forward 1 bodies; set ViewChange 2000; sign view-change h1 v2
        sign => send view-change h1 v2
    "#]],
    );
}

#[test]
fn two_others_in_a_higher_view_are_joined_and_one_is_not() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        2 view-change h1 v7 => -
        3 view-change h1 v5 => sign view-change h1 v5
        sign => send view-change h1 v5
    "#]],
    );
}

/// One liar must not choose the view.
#[test]
fn a_timeout_goes_no_higher_than_b_plus_one_others() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        2 view-change h1 v60 => -
        timer view-change => sign view-change h1 v1
        sign => send view-change h1 v1
    "#]],
    );
}

#[test]
fn without_a_malicious_member_to_fear_a_timeout_follows_the_one_other() {
    check(
        3,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        2 view-change h1 v60 => -
        timer view-change => sign view-change h1 v60
        sign => send view-change h1 v60
    "#]],
    );
}

#[test]
fn a_view_change_carries_the_lock() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        0 propose v0 a => journal proposal v0 a with 0 bodies; sign prepare h1 v0 a
        sign => send prepare h1 v0 a
        2 prepare v0 a => journal prepared v0 a; sign commit h1 v0 a
        3 prepare v0 a => -
        sign => send commit h1 v0 a
        timer view-change => sign view-change h1 v1 prepared v0 a
        sign => send view-change h1 v1 prepared v0 a
    "#]],
    );
}

#[test]
fn a_certificate_completed_late_goes_into_the_next_view_change() {
    check(
        4,
        2,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        0 propose v0 a => journal proposal v0 a with 0 bodies; sign prepare h1 v0 a
        sign => send prepare h1 v0 a
        timer view-change => sign view-change h1 v1
        sign => send view-change h1 v1
        1 prepare v0 a => journal prepared v0 a
        3 prepare v0 a => -
        0 view-change h1 v2 => -
        3 view-change h1 v2 => sign view-change h1 v2 prepared v0 a
        sign => send view-change h1 v2 prepared v0 a
    "#]],
    );
}

#[test]
fn in_a_view_change_no_vote_below_it_leaves() {
    check(
        4,
        2,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        timer view-change => sign view-change h1 v1
        sign => send view-change h1 v1
        0 propose v0 a => -
        1 prepare v0 a => -
        3 prepare v0 a => journal prepared v0 a
        sign => -
    "#]],
    );
}

#[test]
fn in_a_view_change_a_decision_still_decides() {
    check(
        4,
        2,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        timer view-change => sign view-change h1 v1
        sign => send view-change h1 v1
        0 propose v0 a => -
        0 commit v0 a => -
        1 commit v0 a => -
        3 commit v0 a => journal decided h1 a; decide h1 a
        standing => h2 v0 Idle, decided 1, executed 0, certified 0, hardened 0, 0 bodies, waits for 0
    "#]],
    );
}

#[test]
fn a_new_view_with_the_highest_prepared_block_is_prepared() {
    check(
        4,
        3,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        block b v1 => -
        2 new-view v2 b 0:v0:a 1:v1:b 2 => journal proposal v2 b with 0 bodies; sign prepare h1 v2 b
        sign => send prepare h1 v2 b
        standing => h1 v2 Proposed, decided 0, executed 0, certified 0, hardened 0, 0 bodies, waits for 0 1
    "#]],
    );
}

#[test]
fn a_new_view_with_a_lower_prepared_block_is_evidence() {
    check(
        4,
        3,
        &expect![[r#"
            vote => mode starting; mode voting
            block a v0 => -
            block b v1 => -
            2 new-view v2 a 0:v0:a 1:v1:b 2 => report: proposal at height 1 view 2 refused: the block prepared in view 1 must be proposed again; evidence: an unjustified proposal at height 1 view 2, against validator 2
            sign => -
        "#]],
    );
}

#[test]
fn a_new_view_with_a_fresh_block_though_one_is_prepared_is_evidence() {
    check(
        4,
        3,
        &expect![[r#"
            vote => mode starting; mode voting
            block a v0 => -
            block c v1 => -
            1 new-view v1 c 0:v0:a 1 2 => report: proposal at height 1 view 1 refused: the block prepared in view 0 must be proposed again; evidence: an unjustified proposal at height 1 view 1, against validator 1
            sign => -
        "#]],
    );
}

#[test]
fn a_new_view_with_nothing_prepared_takes_a_fresh_block_only() {
    check(
        4,
        3,
        &expect![[r#"
            vote => mode starting; mode voting
            block a v0 => -
            1 new-view v1 a 0 1 2 => report: proposal at height 1 view 1 refused: nothing is prepared, so the block must be of view 1, not 0; evidence: an unjustified proposal at height 1 view 1, against validator 1
            block b v2 => -
            2 new-view v2 b 0 1 2 => journal proposal v2 b with 0 bodies; sign prepare h1 v2 b
            sign => send prepare h1 v2 b
        "#]],
    );
}

/// The first try is the only one.
#[test]
fn a_new_view_with_too_few_or_foreign_view_changes_is_refused() {
    check(
        4,
        3,
        &expect![[r#"
            vote => mode starting; mode voting
            block b v1 => -
            1 new-view v1 b 1 2 => report: proposal at height 1 view 1 refused: 2 view changes, a quorum has 3; evidence: an unjustified proposal at height 1 view 1, against validator 1
            block c v1 => -
            1 new-view v1 c 0 1 2 => -
        "#]],
    );
}

#[test]
fn a_new_view_without_any_view_change_is_refused_without_evidence() {
    check(
        4,
        3,
        &expect![[r#"
        vote => mode starting; mode voting
        block b v1 => -
        1 propose v1 b => report: proposal at height 1 view 1 refused: 0 view changes, a quorum has 3
    "#]],
    );
}

#[test]
fn two_blocks_prepared_in_one_view_are_evidence_against_their_common_signers() {
    check(
        4,
        2,
        &expect![[r#"
            vote => mode starting; mode voting
            block a v0 => -
            block b v0 time=1 => -
            0 view-change h1 v2 prepared v0 a => -
            3 view-change h1 v2 prepared v0 b => sign view-change h1 v2
            sign => send view-change h1 v2
            timer new-view => evidence: two blocks prepared at height 1 view 0, against validator 0, 2, 3
        "#]],
    );
}

#[test]
fn the_next_primary_fetches_the_block_it_has_to_propose_again() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 tx=t => -
        0 view-change h1 v1 => -
        2 view-change h1 v1 => sign view-change h1 v1
        3 view-change h1 v1 prepared v0 a => -
        sign => send view-change h1 v1
        timer fetch => fetch block a from 2
        fetched a => -
        timer fetch => fetch 1 bodies from 3
        body t => sign new-view h1 v1 a (1 tx)
        sign => send new-view h1 v1 a (1 tx)
    "#]],
    );
}

#[test]
fn a_commit_and_a_view_change_that_hides_it_are_evidence() {
    check(
        4,
        1,
        &expect![[r#"
            vote => mode starting; mode voting
            block a v0 => -
            2 commit v0 a => -
            2 view-change h1 v1 => evidence: a commit at height 1 view 0, hidden in view 1, against validator 2
            3 view-change h1 v1 => sign view-change h1 v1
            3 commit v0 a => evidence: a commit at height 1 view 0, hidden in view 1, against validator 3
        "#]],
    );
}

#[test]
fn a_view_change_that_shows_the_lock_is_no_evidence() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        2 commit v0 a => -
        2 view-change h1 v1 prepared v0 a => -
    "#]],
    );
}

#[test]
fn a_view_change_may_show_that_the_primary_proposed_twice() {
    check(
        4,
        1,
        &expect![[r#"
            vote => mode starting; mode voting
            block a v0 => -
            block b v0 time=1 => -
            0 propose v0 a => journal proposal v0 a with 0 bodies; sign prepare h1 v0 a
            2 view-change h1 v1 prepared v0 b => evidence: two proposals at height 1 view 0, against validator 0
        "#]],
    );
}

#[test]
fn a_missing_heartbeat_leaves_the_primary() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        2 decided v0 a => journal decided h1 a; decide h1 a
        timers => -
        executed 1 r1 => sign checkpoint 2
        timer view-change => set ViewChange 1000; sign view-change h2 v1
    "#]],
    );
}

#[test]
fn a_body_that_is_left_out_of_two_blocks_leaves_the_primary_once() {
    check(
        4,
        1,
        &expect![[r#"
            vote => mode starting; mode voting
            body t => -
            block a v0 => -
            wait 3000 => -
            2 decided v0 a => journal decided h1 a; decide h1 a
            block b on=a v0 => -
            wait 3000 => -
            2 decided v0 b => journal decided h2 b; decide h2 b
            timer status => sign view-change h3 v1; status to 0 with decided with checkpoint 1; status to 2 with decided with checkpoint 1; status to 3 with decided with checkpoint 1
            sign => send view-change h3 v1
            block c on=b v0 => -
            2 decided v0 c => journal decided h3 c; decide h3 c
            timer status => status to 0 with decided with checkpoint 1; status to 2 with decided with checkpoint 1; status to 3 with decided with checkpoint 1
        "#]],
    );
}

#[test]
fn old_bodies_are_forwarded_again_when_a_timer_fires() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        body t => -
        wait 1000 => -
        timer view-change => forward 1 bodies; sign view-change h1 v1
    "#]],
    );
}

#[test]
fn a_replica_alone_opens_its_own_next_view() {
    check(
        1,
        0,
        &expect![[r#"
        start => mode starting; mode voting; sign propose h1 v0 own1.0 (0 tx); sign checkpoint 1
        timer view-change => sign view-change h1 v1
        sign => send propose h1 v0 own1.0 (0 tx); journal prepared v0 own1.0; send checkpoint 1; release below h1; certified 1; hardened 1; send view-change h1 v1; sign new-view h1 v1 own1.1 (0 tx)
        sign => send new-view h1 v1 own1.1 (0 tx); journal prepared v1 own1.1; sign commit h1 v1 own1.1
        sign => send commit h1 v1 own1.1; journal decided h1 own1.1; decide h1 own1
        standing => h2 v1 Idle, decided 1, executed 0, certified 1, hardened 1, 0 bodies, waits for 0
    "#]],
    );
}

#[test]
fn votes_and_view_changes_are_sent_again() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        0 propose v0 a => journal proposal v0 a with 0 bodies; sign prepare h1 v0 a
        sign => send prepare h1 v0 a
        timer resend => send prepare h1 v0 a
        2 prepare v0 a => journal prepared v0 a; sign commit h1 v0 a
        3 prepare v0 a => -
        sign => send commit h1 v0 a
        timer resend => send prepare h1 v0 a; send commit h1 v0 a
        timer view-change => sign view-change h1 v1 prepared v0 a
        sign => send view-change h1 v1 prepared v0 a
        timer resend => send prepare h1 v0 a; send commit h1 v0 a; send view-change h1 v1 prepared v0 a
    "#]],
    );
}

#[test]
fn a_new_view_that_names_a_block_below_the_base_view_is_refused_without_evidence() {
    check(
        4,
        3,
        &expect![[r#"
            vote => mode starting; mode voting
            block a v1 => -
            0 decided v1 a => journal decided h1 a; decide h1 a
            block b on=a v1 => -
            2 new-view v2 b 0:v0:b 1 2 => report: proposal at height 2 view 2 refused: the view change of validator 0 names a view below the base view 1
        "#]],
    );
}

/// Found by the simulator: the body of a new view's block was missing, a quorum prepared it all the
/// same, and the timeout of the old view asked for a view below the own lock, which everybody
/// refused.
#[test]
fn a_certificate_of_a_higher_view_brings_the_replica_into_it() {
    check(
        4,
        3,
        &expect![[r#"
            vote => mode starting; mode voting
            block d v2 tx=t => -
            2 new-view v2 d 0 1 2 => -
            0 prepare v2 d => -
            1 prepare v2 d => journal prepared v2 d
            standing => h1 v2 Prepared, decided 0, executed 0, certified 0, hardened 0, 0 bodies, waits for 0 1 2
            timer view-change => sign view-change h1 v3 prepared v2 d
            sign => send view-change h1 v3 prepared v2 d
            restart => -
            vote => mode starting; mode voting
            standing => h1 v3 ViewChanging(View(3)), decided 0, executed 0, certified 0, hardened 0, 0 bodies, waits for 0 1 2
        "#]],
    );
}

#[test]
fn a_certificate_of_the_wanted_view_ends_the_view_change() {
    check(
        4,
        3,
        &expect![[r#"
            vote => mode starting; mode voting
            block c v1 tx=t => -
            timer view-change => sign view-change h1 v1
            sign => send view-change h1 v1
            1 new-view v1 c 0 1 2 => -
            0 prepare v1 c => -
            2 prepare v1 c => journal prepared v1 c
            standing => h1 v1 Prepared, decided 0, executed 0, certified 0, hardened 0, 0 bodies, waits for 0 1 2
            body t => journal proposal v1 c with 1 bodies; sign prepare h1 v1 c; sign commit h1 v1 c
            sign => send prepare h1 v1 c; send commit h1 v1 c
        "#]],
    );
}
