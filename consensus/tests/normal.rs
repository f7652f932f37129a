//! The normal case as transcripts: proposing, preparing, committing, deciding.
#![cfg(test)]
#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

#[path = "support/bench.rs"]
#[allow(dead_code, reason = "each test file uses its part of the bench")]
mod bench;

use bench::check;
use expect_test::expect;

#[test]
fn commit_takes_a_quorum_of_distinct_signers() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        0 propose v0 a => journal proposal v0 a with 0 bodies; sign prepare h1 v0 a
        sign => send prepare h1 v0 a
        2 prepare v0 a => journal prepared v0 a; sign commit h1 v0 a
        2 prepare v0 a => -
        3 prepare v0 a => -
        sign => send commit h1 v0 a
        0 commit v0 a => -
        0 commit v0 a => -
        3 commit v0 a => journal decided h1 a; decide h1 a
    "#]],
    );
}

#[test]
fn commits_of_different_views_are_never_added_up() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        0 propose v0 a => journal proposal v0 a with 0 bodies; sign prepare h1 v0 a
        2 commit v0 a => -
        3 commit v1 a => -
        0 commit v2 a => -
        standing => h1 v0 Proposed, decided 0, executed 0, certified 0, hardened 0, 0 bodies, waits for 2 3
        2 commit v2 a => -
        3 commit v2 a => journal decided h1 a; decide h1 a
    "#]],
    );
}

#[test]
fn a_vote_counts_only_when_it_comes_back_signed() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        0 propose v0 a => journal proposal v0 a with 0 bodies; sign prepare h1 v0 a
        2 prepare v0 a => -
        standing => h1 v0 Proposed, decided 0, executed 0, certified 0, hardened 0, 0 bodies, waits for 3
        sign => send prepare h1 v0 a; journal prepared v0 a; sign commit h1 v0 a
        standing => h1 v0 Prepared, decided 0, executed 0, certified 0, hardened 0, 0 bodies, waits for 0 2 3
    "#]],
    );
}

#[test]
fn a_primary_alone_decides_alone() {
    check(
        1,
        0,
        &expect![[r#"
        start => mode starting; mode voting; sign propose h1 v0 own1.0 (0 tx); sign checkpoint 1
        sign => send propose h1 v0 own1.0 (0 tx); journal prepared v0 own1.0; sign commit h1 v0 own1.0; send checkpoint 1; release below h1; certified 1; hardened 1
        sign => send commit h1 v0 own1.0; journal decided h1 own1.0; decide h1 own1
        sign => -
        executed 1 r1 => sign checkpoint 2
        sign => send checkpoint 2; release below h2; certified 2; hardened 2
        standing => h2 v0 Idle, decided 1, executed 1, certified 2, hardened 2, 0 bodies, waits for 0
    "#]],
    );
}

#[test]
fn a_primarys_own_prepare_is_reported_and_not_counted() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        0 propose v0 a => journal proposal v0 a with 0 bodies; sign prepare h1 v0 a
        sign => send prepare h1 v0 a
        0 prepare v0 a => report: validator 0 prepared its own proposal at height 1 view 0
        2 prepare v0 a => journal prepared v0 a; sign commit h1 v0 a
    "#]],
    );
}

#[test]
fn prepare_is_withheld_until_every_body_is_held() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 tx=t1 tx=t2 => -
        0 propose v0 a => -
        body t1 => -
        timer fetch => fetch 1 bodies from 2
        body t2 => journal proposal v0 a with 2 bodies; sign prepare h1 v0 a
    "#]],
    );
}

// L31, L32: of bodies that come together the last decides what the replica does, not each of them.
#[test]
fn bodies_that_come_together_are_looked_at_together() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 tx=t1 tx=t2 tx=t3 => -
        0 propose v0 a => -
        bodies t3 t1 => -
        drop t1 => -
        bodies t2 t1 => journal proposal v0 a with 3 bodies; sign prepare h1 v0 a
    "#]],
    );
}

// L25: what is left over goes on 50 ms later, and a heartbeat comes when nothing is.
#[test]
fn work_that_is_left_over_brings_the_next_block_at_once() {
    check(
        1,
        0,
        &expect![[r#"
            start => mode starting; mode voting; sign propose h1 v0 own1.0 (0 tx); sign checkpoint 1
            sign => send propose h1 v0 own1.0 (0 tx); journal prepared v0 own1.0; sign commit h1 v0 own1.0; send checkpoint 1; release below h1; certified 1; hardened 1
            sign => send commit h1 v0 own1.0; journal decided h1 own1.0; decide h1 own1
            timers => -
            executed 1 r1 => sign checkpoint 2
            sign => send checkpoint 2; release below h2; certified 2; hardened 2
            timer propose => sign propose h2 v0 own2.0 (0 tx)
            sign => send propose h2 v0 own2.0 (0 tx); journal prepared v0 own2.0; sign commit h2 v0 own2.0; set Resend 250; set ViewChange 1000
            sign => send commit h2 v0 own2.0; journal decided h2 own2.0; decide h2 own2; cancel ViewChange; cancel Resend; set Propose 10000; set ViewChange 11500
            executed 2 r2 left => set Propose 50; sign checkpoint 3
            timer propose => sign propose h3 v0 own3.0 (0 tx)
        "#]],
    );
}

// L22: while the tip is not executed the block waits for more, at most half of T0.
#[test]
fn a_block_waits_for_the_execution_of_the_tip_and_not_for_ever() {
    for script in [
        expect![[r#"
            start => mode starting; mode voting; sign propose h1 v0 own1.0 (0 tx); sign checkpoint 1
            sign => send propose h1 v0 own1.0 (0 tx); journal prepared v0 own1.0; sign commit h1 v0 own1.0; send checkpoint 1; release below h1; certified 1; hardened 1
            sign => send commit h1 v0 own1.0; journal decided h1 own1.0; decide h1 own1
            timers => -
            body t1 => set Propose 500; set ViewChange 1000
            wait 60 => -
            executed 1 r1 => cancel Propose; sign propose h2 v0 own2.0 (1 tx); sign checkpoint 2
        "#]],
        expect![[r#"
            start => mode starting; mode voting; sign propose h1 v0 own1.0 (0 tx); sign checkpoint 1
            sign => send propose h1 v0 own1.0 (0 tx); journal prepared v0 own1.0; sign commit h1 v0 own1.0; send checkpoint 1; release below h1; certified 1; hardened 1
            sign => send commit h1 v0 own1.0; journal decided h1 own1.0; decide h1 own1
            timers => -
            body t1 => set Propose 500; set ViewChange 1000
            timer propose => sign propose h2 v0 own2.0 (1 tx)
        "#]],
    ] {
        check(1, 0, &script);
    }
}

#[test]
fn a_commit_too_waits_for_the_bodies() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 tx=t1 => -
        0 propose v0 a => -
        2 prepare v0 a => -
        3 prepare v0 a => journal prepared v0 a
        body t1 => journal proposal v0 a with 1 bodies; sign prepare h1 v0 a; sign commit h1 v0 a
        sign => send prepare h1 v0 a; send commit h1 v0 a
    "#]],
    );
}

#[test]
fn a_block_with_one_transaction_under_two_signatures_is_not_prepared() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        body t => -
        body t' => -
        block a v0 tx=t tx=t' => -
        0 propose v0 a => report: proposal at height 1 lists transaction 7c4d7fadc847a0030ac4db2c6f340ed501d02027ae387f9ef98f5253b968f387, which may not stand there
    "#]],
    );
}

#[test]
fn a_block_that_lists_a_transaction_twice_is_refused() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        body t => -
        block a v0 tx=t tx=t => -
        0 propose v0 a => report: proposal at height 1 view 0 refused: a block lists at most 1,000 transactions, none twice; sign view-change h1 v1
    "#]],
    );
}

#[test]
fn a_proposal_of_another_than_the_primary_is_reported() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        2 propose v0 a => report: proposal at height 1 view 0 refused: validator 2 is not the primary, validator 0 is
    "#]],
    );
}

#[test]
fn a_proposal_from_the_future_waits_and_one_from_the_past_is_not_prepared() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 time=600 => -
        0 propose v0 a => -
        wait 200 => -
        timer resend => journal proposal v0 a with 0 bodies; sign prepare h1 v0 a
        block b v0 old=6000 => -
    "#]],
    );
}

#[test]
fn a_proposal_from_the_past_is_not_prepared() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        wait 100000 => -
        block a v0 old=6000 => -
        0 propose v0 a => -
        timer resend => -
    "#]],
    );
}

#[test]
fn a_header_that_contradicts_the_chain_is_refused_once() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 primary=2 => -
        0 propose v0 a => report: proposal at height 1 view 0 refused: primary is not what the chain says; sign view-change h1 v1
        block b v0 => -
        0 propose v0 b => -
        sign => send view-change h1 v1
    "#]],
    );
}

#[test]
fn two_proposals_of_one_view_are_evidence_and_end_the_view() {
    check(
        4,
        1,
        &expect![[r#"
            vote => mode starting; mode voting
            block a v0 => -
            block b v0 time=1 => -
            0 propose v0 a => journal proposal v0 a with 0 bodies; sign prepare h1 v0 a
            sign => send prepare h1 v0 a
            0 propose v0 b => evidence: two proposals at height 1 view 0, against validator 0; sign view-change h1 v1
            0 propose v0 b => -
            sign => send view-change h1 v1
        "#]],
    );
}

#[test]
fn two_prepares_and_two_commits_are_evidence_once() {
    check(
        4,
        1,
        &expect![[r#"
            vote => mode starting; mode voting
            block a v0 => -
            block b v0 time=1 => -
            2 prepare v0 a => -
            2 prepare v0 b => evidence: two prepares at height 1 view 0, against validator 2
            2 prepare v0 b => -
            3 commit v0 a => -
            3 commit v0 b => evidence: two commits at height 1 view 0, against validator 3
        "#]],
    );
}

#[test]
fn a_quorum_for_another_block_decides_whatever_was_prepared_here() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        block b v0 time=1 => -
        0 propose v0 a => journal proposal v0 a with 0 bodies; sign prepare h1 v0 a
        sign => send prepare h1 v0 a
        2 prepare v0 b => -
        3 prepare v0 b => -
        0 commit v0 b => -
        2 commit v0 b => -
        3 commit v0 b => -
        timer fetch => fetch block b from 2
        fetched b => journal decided h1 b; decide h1 b
    "#]],
    );
}

/// Without it two heights could be decided in different views by quorums that share nobody.
#[test]
fn the_view_is_carried_over_to_the_next_height() {
    check(
        4,
        3,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v1 => -
        0 decided v1 a => journal decided h1 a; decide h1 a
        block b on=a v0 => -
        0 propose v0 b => report: proposal at height 2 view 0 refused: view 0 is below the base view 1
        block c on=a v1 => -
        1 propose v1 c => journal proposal v1 c with 0 bodies; sign prepare h2 v1 c
        sign => send prepare h2 v1 c
        standing => h2 v1 Proposed, decided 1, executed 0, certified 0, hardened 0, 0 bodies, waits for 0 2
    "#]],
    );
}

/// Its clock forbids the PREPARE; the lock it can take and say so.
#[test]
fn a_backup_that_never_prepared_still_commits_what_a_quorum_prepared() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 old=500 => -
        wait 5000 => -
        0 propose v0 a => -
        2 prepare v0 a => -
        3 prepare v0 a => journal prepared v0 a; journal proposal v0 a with 0 bodies; sign commit h1 v0 a
        sign => send commit h1 v0 a
    "#]],
    );
}

#[test]
fn bodies_are_cut_oldest_first_at_the_byte_limit() {
    check(
        4,
        0,
        &expect![[r#"
        vote => mode starting; mode voting
        sign => -
        1 prepare v0 own1.0 => -
        2 prepare v0 own1.0 => journal prepared v0 own1.0; sign commit h1 v0 own1.0
        sign => send commit h1 v0 own1.0
        1 commit v0 own1.0 => -
        2 commit v0 own1.0 => journal decided h1 own1.0; decide h1 own1
        executed 1 r => sign checkpoint 2
        sign => send checkpoint 2; release below h2
        body big1 600000 => -
        wait 1 => -
        body big2 600000 => sign propose h2 v0 own2.0 (1 tx)
        timer propose => -
        sign => send propose h2 v0 own2.0 (1 tx)
    "#]],
    );
}

#[test]
fn a_block_is_cut_fifty_milliseconds_after_its_first_body() {
    check(
        4,
        0,
        &expect![[r#"
            vote => mode starting; mode voting
            sign => -
            1 prepare v0 own1.0 => -
            2 prepare v0 own1.0 => journal prepared v0 own1.0; sign commit h1 v0 own1.0
            sign => send commit h1 v0 own1.0
            1 commit v0 own1.0 => -
            timers => -
            2 commit v0 own1.0 => journal decided h1 own1.0; decide h1 own1; cancel ViewChange; cancel Resend; set Propose 10000; set ViewChange 11500
            executed 1 r1 => sign checkpoint 2
            body t1 => set Propose 50; set ViewChange 1000
            wait 30 => -
            body t2 => -
            timer propose => sign propose h2 v0 own2.0 (2 tx)
        "#]],
    );
}

#[test]
fn an_idle_primary_sends_a_heartbeat() {
    check(
        4,
        0,
        &expect![[r#"
        timers => -
        vote => mode starting; mode voting
        sign => -
        1 prepare v0 own1.0 => -
        2 prepare v0 own1.0 => journal prepared v0 own1.0; sign commit h1 v0 own1.0
        sign => send commit h1 v0 own1.0
        1 commit v0 own1.0 => -
        2 commit v0 own1.0 => journal decided h1 own1.0; decide h1 own1; cancel ViewChange; cancel Resend; set Propose 10000; set ViewChange 11500
        timer propose => sign propose h2 v0 own2.0 (0 tx)
    "#]],
    );
}

/// With a lag of four, height 6 waits for the execution of height 1.
#[test]
fn nobody_prepares_far_ahead_of_execution() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        2 decided v0 a => journal decided h1 a; decide h1 a
        block b on=a v0 => -
        2 decided v0 b => journal decided h2 b; decide h2 b
        block c on=b v0 => -
        2 decided v0 c => journal decided h3 c; decide h3 c
        block d on=c v0 => -
        2 decided v0 d => journal decided h4 d; decide h4 d
        block e on=d v0 => -
        2 decided v0 e => journal decided h5 e; decide h5 e
        block f on=e v0 => -
        0 propose v0 f => -
        executed 1 r1 => journal proposal v0 f with 0 bodies; sign prepare h6 v0 f; sign checkpoint 2
    "#]],
    );
}

#[test]
fn messages_for_later_heights_count_when_their_height_opens() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        block b on=a v0 => -
        0 propose v0 b => -
        2 prepare v0 b => -
        3 prepare v0 b => -
        2 commit v0 b => -
        0 propose v0 a => journal proposal v0 a with 0 bodies; sign prepare h1 v0 a
        2 decided v0 a => journal decided h1 a; decide h1 a; journal prepared v0 b
        sign => -
    "#]],
    );
}

#[test]
fn a_message_for_a_decided_height_is_answered_unless_it_is_merely_late() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        2 decided v0 a => journal decided h1 a; decide h1 a
        3 prepare v0 a => -
        wait 250 => -
        3 prepare v0 a => send to 3 decided h1 a
        3 commit v0 a => -
        wait 250 => -
        3 view-change h1 v1 => send to 3 decided h1 a
    "#]],
    );
}

/// What the liar said to this replica alone, and what the others decided with its other signature.
#[test]
fn a_commit_in_a_certificate_contradicts_one_that_came_by_itself() {
    check(
        4,
        3,
        &expect![[r#"
            vote => mode starting; mode voting
            block a v0 => -
            block b v0 time=1 => -
            0 propose v0 b => journal proposal v0 b with 0 bodies; sign prepare h1 v0 b
            1 commit v0 b => -
            2 decided v0 a => evidence: two commits at height 1 view 0, against validator 1; journal decided h1 a; decide h1 a
            1 decided v0 a => -
        "#]],
    );
}

#[test]
fn heights_and_views_out_of_reach_are_dropped() {
    check(
        4,
        1,
        &expect![[r#"
            vote => mode starting; mode voting
            block a v0 => -
            0 commit v65 a => -
            2 commit v65 a => -
            3 commit v65 a => -
            3 view-change h1 v65 => -
            3 view-change h17 v1 => -
            3 status asks mute => status to 3 with checkpoint 1
            3 view-change h16 v1 => -
            3 status mute => status to 3 with checkpoint 1 seen view-change h16 v1
            3 status asks mute => status to 3 with checkpoint 1 seen view-change h16 v1
            0 commit v64 a => -
            2 commit v64 a => -
            3 commit v64 a => -
            timer fetch => fetch block a from 2
        "#]],
    );
}
