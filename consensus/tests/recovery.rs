//! Checkpoints, catch-up, start and restart as transcripts.
#![cfg(test)]
#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

#[path = "support/bench.rs"]
#[allow(dead_code, reason = "each test file uses its part of the bench")]
mod bench;

use bench::check;
use expect_test::expect;

#[test]
fn a_checkpoint_is_certified_by_a_quorum_and_hardened_by_all() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        0 checkpoint 1 genesis => -
        2 checkpoint 1 genesis => certified 1
        2 checkpoint 1 genesis => -
        3 checkpoint 1 genesis => hardened 1
        standing => h1 v0 Idle, decided 0, executed 0, certified 1, hardened 1, 0 bodies, waits for 0
    "#]],
    );
}

#[test]
fn a_checkpoint_is_signed_after_execution_and_releases_the_journal() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        2 decided v0 a => journal decided h1 a; decide h1 a
        executed 1 r1 => sign checkpoint 2
        sign => send checkpoint 2; release below h2
        0 checkpoint 2 r1 => -
        3 checkpoint 2 r1 => certified 2
        2 checkpoint 2 r1 => hardened 2
        standing => h2 v0 Idle, decided 1, executed 1, certified 2, hardened 2, 0 bodies, waits for 0
    "#]],
    );
}

#[test]
fn checkpoints_that_come_before_the_execution_count_after_it() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        0 checkpoint 2 r1 => -
        3 checkpoint 2 r1 => -
        2 checkpoint 2 r1 => -
        2 decided v0 a => journal decided h1 a; decide h1 a
        executed 1 r1 => certified 2; sign checkpoint 2
        sign => send checkpoint 2; release below h2; hardened 2
    "#]],
    );
}

#[test]
fn a_garbage_root_of_one_member_is_reported_and_stops_nobody() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        0 checkpoint 1 garbage => report: validator 0 signed another root than this node at size 1
        2 checkpoint 1 genesis => -
        3 checkpoint 1 genesis => certified 1
        standing => h1 v0 Idle, decided 0, executed 0, certified 1, hardened 0, 0 bodies, waits for 0
    "#]],
    );
}

#[test]
fn two_roots_of_one_size_are_evidence() {
    check(
        4,
        1,
        &expect![[r#"
            vote => mode starting; mode voting
            0 checkpoint 1 genesis => -
            0 checkpoint 1 garbage => evidence: two checkpoints of size 1, against validator 0
            0 checkpoint 1 garbage => -
        "#]],
    );
}

#[test]
fn a_quorum_with_another_root_halts_this_replica() {
    check(
        4,
        1,
        &expect![[r#"
            vote => mode starting; mode voting
            block a v0 => -
            0 checkpoint 2 other => -
            2 checkpoint 2 other => -
            3 checkpoint 2 other => -
            2 decided v0 a => journal decided h1 a; decide h1 a
            executed 1 r1 => mode halted: a quorum of other members computed another history; status to 0 with decided with checkpoint 1; status to 2 with decided with checkpoint 1; status to 3 with decided with checkpoint 1
            block b on=a v0 => -
            0 propose v0 b => -
            3 prepare v0 a => -
            standing => h2 v0 Idle, decided 1, executed 1, certified 0, hardened 0, 0 bodies, waits for nobody
        "#]],
    );
}

#[test]
fn a_certificate_of_another_root_halts_this_replica() {
    check(
        4,
        1,
        &expect![[r#"
            vote => mode starting; mode voting
            0 status certified 1 other => mode halted: a quorum of other members computed another history; status to 0 with checkpoint 1; status to 2 with checkpoint 1; status to 3 with checkpoint 1
        "#]],
    );
}

#[test]
fn two_certificates_of_two_roots_are_a_fork() {
    check(
        4,
        1,
        &expect![[r#"
            vote => mode starting; mode voting
            0 checkpoint 1 genesis => -
            2 checkpoint 1 genesis => certified 1
            0 status certified 1 other => evidence: two histories certified of size 1, against validator 1, 2; mode halted: two valid certificates contradict each other; status to 0 with checkpoint 1; status to 2 with certified with checkpoint 1; status to 3 with certified with checkpoint 1
        "#]],
    );
}

#[test]
fn a_certificate_beyond_the_own_execution_waits_for_it() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        0 status certified 2 r1 => -
        2 decided v0 a => journal decided h1 a; decide h1 a
        executed 1 r1 => certified 2; sign checkpoint 2
        standing => h2 v0 Idle, decided 1, executed 1, certified 2, hardened 0, 0 bodies, waits for 0
    "#]],
    );
}

#[test]
fn the_last_checkpoint_is_sent_again_in_every_status_and_counts_from_one() {
    check(
        4,
        1,
        &expect![[r#"
            vote => mode starting; mode voting
            0 status checkpoint 1 genesis => -
            2 status checkpoint 1 genesis => certified 1
            3 status checkpoint 1 genesis => hardened 1
            restart => -
            start => mode starting; status to 0 with certified with checkpoint 1; status to 2 with certified with checkpoint 1; status to 3 with certified with checkpoint 1
            standing => h1 v0 Idle, decided 0, executed 0, certified 1, hardened 0, 0 bodies, waits for 0 2 3
        "#]],
    );
}

#[test]
fn a_checkpoint_never_goes_back() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        2 decided v0 a => journal decided h1 a; decide h1 a
        executed 1 r1 => sign checkpoint 2
        sign => send checkpoint 2; release below h2
        executed 1 r1 => -
        executed 3 r1 => -
        restart => -
        vote => mode starting; mode voting
        sign => -
        standing => h2 v0 Idle, decided 1, executed 1, certified 0, hardened 0, 0 bodies, waits for 0
    "#]],
    );
}

#[test]
fn the_start_waits_for_all_or_for_enough_after_two_seconds() {
    check(
        4,
        1,
        &expect![[r#"
        start => mode starting; status to 0; status to 2; status to 3
        0 status echo => status to 0
        2 status echo => status to 2
        3 status => status to 3
        timer start => mode voting; status to 0; status to 2; status to 3; sign checkpoint 1
    "#]],
    );
}

#[test]
fn the_start_goes_on_when_all_answered() {
    check(
        4,
        1,
        &expect![[r#"
        start => mode starting; status to 0; status to 2; status to 3
        0 status echo => status to 0
        2 status echo => status to 2
        3 status echo => status to 3; mode voting; status to 0; status to 2; status to 3; sign checkpoint 1
    "#]],
    );
}

#[test]
fn after_the_wait_the_next_answer_is_enough() {
    check(
        4,
        1,
        &expect![[r#"
        start => mode starting; status to 0; status to 2; status to 3
        timer start => -
        0 status echo => status to 0
        2 status echo => status to 2; mode voting; status to 0; status to 2; status to 3; sign checkpoint 1
    "#]],
    );
}

#[test]
fn a_new_nonce_is_answered_with_what_is_held_of_the_asker() {
    check(
        4,
        1,
        &expect![[r#"
            vote => mode starting; mode voting
            block a v0 => -
            2 prepare v0 a => -
            2 checkpoint 1 genesis => -
            2 status asks mute => status to 2 with checkpoint 1 seen prepare v0 seen checkpoint 1
            2 status asks mute => -
        "#]],
    );
}

#[test]
fn a_restart_resumes_its_votes_and_never_signs_two_things() {
    check(
        4,
        1,
        &expect![[r#"
            vote => mode starting; mode voting
            block a v0 => -
            block b v0 time=1 => -
            0 propose v0 a => journal proposal v0 a with 0 bodies; sign prepare h1 v0 a
            sign => send prepare h1 v0 a
            restart => -
            vote => mode starting; mode voting
            0 propose v0 b => evidence: two proposals at height 1 view 0, against validator 0; sign view-change h1 v1
            0 propose v0 a => -
            timer resend => send prepare h1 v0 a
            2 prepare v0 a => journal prepared v0 a
            3 prepare v0 a => -
            sign => send view-change h1 v1
            restart => -
            vote => mode starting; mode voting
            standing => h1 v1 ViewChanging(View(1)), decided 0, executed 0, certified 0, hardened 0, 0 bodies, waits for 0 2 3
            timer resend => send prepare h1 v0 a; send view-change h1 v1
        "#]],
    );
}

#[test]
fn a_vote_that_was_asked_for_but_not_signed_is_asked_for_again() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        0 propose v0 a => journal proposal v0 a with 0 bodies; sign prepare h1 v0 a
        restart => -
        vote => mode starting; mode voting
        0 propose v0 a => journal proposal v0 a with 0 bodies; sign prepare h1 v0 a
        sign => send prepare h1 v0 a
    "#]],
    );
}

#[test]
fn a_primary_sends_its_journaled_proposal_again_and_no_other() {
    check(
        4,
        0,
        &expect![[r#"
        vote => mode starting; mode voting
        sign => -
        restart => -
        vote => mode starting; mode voting
        timer resend => send propose h1 v0 own1.0 (0 tx)
        timer propose => -
    "#]],
    );
}

#[test]
fn a_restart_goes_on_with_the_view_change() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        timers => -
        timer view-change => set ViewChange 1000; sign view-change h1 v1
        sign => send view-change h1 v1; set Resend 250
        restart => -
        vote => mode starting; mode voting
        standing => h1 v1 ViewChanging(View(1)), decided 0, executed 0, certified 0, hardened 0, 0 bodies, waits for 0 2 3
        block a v0 => -
        0 propose v0 a => -
        timer view-change => send view-change h1 v1; set ViewChange 1000
    "#]],
    );
}

#[test]
fn a_decision_that_was_not_executed_is_handed_over_again() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 tx=t => -
        body t => -
        2 decided v0 a => journal decided h1 a; decide h1 a
        block b on=a v0 => -
        0 propose v0 b => journal proposal v0 b with 0 bodies; sign prepare h2 v0 b
        sign => send prepare h2 v0 b
        restart => -
        body t => -
        vote => mode starting; mode voting
        standing => h2 v0 Proposed, decided 1, executed 0, certified 0, hardened 0, 0 bodies, waits for 2 3
    "#]],
    );
}

#[test]
fn a_lost_journal_is_seen_by_the_safety_record() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        0 propose v0 a => journal proposal v0 a with 0 bodies; sign prepare h1 v0 a
        sign => send prepare h1 v0 a
        wipe => -
        vote => mode not voting: the journal of earlier votes is damaged
        0 propose v0 a => -
        2 decided v0 a => journal decided h1 a; decide h1 a
        executed 1 r1 => release below h2
        standing => h2 v0 Idle, decided 1, executed 1, certified 0, hardened 0, 0 bodies, waits for 0
    "#]],
    );
}

#[test]
fn a_signature_above_the_own_record_ends_voting_for_good() {
    check(
        4,
        1,
        &expect![[r#"
        start => mode starting; status to 0; status to 2; status to 3
        block a v0 => -
        0 status echo seen prepare v0 a => journal not voting; mode not voting: another member holds a vote of ours that our journal lacks; status to 0; status to 2; status to 3; status to 0
        2 status echo => status to 2
        3 status echo => status to 3
        0 propose v0 a => -
        0 status => -
        sign => -
        restart => -
        start => journal not voting; mode not voting: another member holds a vote of ours that our journal lacks; status to 0; status to 2; status to 3
    "#]],
    );
}

#[test]
fn a_checkpoint_above_the_own_record_ends_voting() {
    check(
        4,
        1,
        &expect![[r#"
        start => mode starting; status to 0; status to 2; status to 3
        0 status echo seen checkpoint 5 x => journal not voting; mode not voting: another member holds a vote of ours that our journal lacks; status to 0; status to 2; status to 3; status to 0
    "#]],
    );
}

#[test]
fn a_vote_of_ours_that_we_do_not_know_ends_voting() {
    check(
        4,
        1,
        &expect![[r#"
            vote => mode starting; mode voting
            block a v0 => -
            1 prepare v0 a => journal not voting; mode not voting: another member holds a vote of ours that our journal lacks; status to 0 with checkpoint 1; status to 2 with checkpoint 1; status to 3 with checkpoint 1
        "#]],
    );
}

#[test]
fn a_member_ahead_is_asked_for_blocks() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        block b on=a v0 tx=t => -
        0 status decided v0 b => -
        timer fetch => fetch 2 blocks at h1 from 0
        0 decided v0 a => journal decided h1 a; decide h1 a
        0 decided v0 b => -
        timer fetch => fetch 1 blocks at h2 from 0; fetch 1 bodies from 2
        body t => journal decided h2 b; decide h2 b
        standing => h3 v0 Idle, decided 2, executed 0, certified 0, hardened 0, 0 bodies, waits for 0
    "#]],
    );
}

#[test]
fn blocks_come_in_any_order() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        block b on=a v0 => -
        block c on=b v0 => -
        0 decided v0 c => -
        0 decided v0 b => -
        0 decided v0 a => journal decided h1 a; decide h1 a; journal decided h2 b; decide h2 b; journal decided h3 c; decide h3 c
        standing => h4 v0 Idle, decided 3, executed 0, certified 0, hardened 0, 0 bodies, waits for 0
    "#]],
    );
}

#[test]
fn two_certificates_for_one_height_are_a_fork_and_halt() {
    check(
        4,
        1,
        &expect![[r#"
            vote => mode starting; mode voting
            block a v0 => -
            block b v0 time=1 => -
            2 decided v0 a => journal decided h1 a; decide h1 a
            3 decided v0 b => evidence: two blocks decided at height 1, against validator 1, 2, 3; mode halted: two valid certificates contradict each other; status to 0 with decided with checkpoint 1; status to 2 with decided with checkpoint 1; status to 3 with decided with checkpoint 1
            3 prepare v0 a => -
            wait 1000 => -
            3 prepare v0 a => send to 3 decided h1 a
            3 status asks => status to 3 with decided with checkpoint 1
            standing => h2 v0 Idle, decided 1, executed 0, certified 0, hardened 0, 0 bodies, waits for nobody
        "#]],
    );
}

#[test]
fn two_certificates_before_the_decision_are_a_fork_too() {
    check(
        4,
        1,
        &expect![[r#"
            vote => mode starting; mode voting
            block a v0 tx=t => -
            block b v1 time=1 => -
            2 decided v0 a => -
            3 decided v1 b => evidence: two blocks decided at height 1, convicting nobody by itself; mode halted: two valid certificates contradict each other; status to 0 with checkpoint 1; status to 2 with checkpoint 1; status to 3 with checkpoint 1
        "#]],
    );
}

#[test]
fn a_certified_block_on_another_parent_halts() {
    check(
        4,
        1,
        &expect![[r#"
            vote => mode starting; mode voting
            block a v0 => -
            block x v0 time=1 => -
            block y on=x v0 => -
            2 decided v0 a => journal decided h1 a; decide h1 a
            2 decided v0 y => report: the certified block of height 2 does not follow the decided one; mode halted: two valid certificates contradict each other; status to 0 with decided with checkpoint 1; status to 2 with decided with checkpoint 1; status to 3 with decided with checkpoint 1
        "#]],
    );
}

#[test]
fn a_relayed_status_is_not_believed() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        standing => h1 v0 Idle, decided 0, executed 0, certified 0, hardened 0, 0 bodies, waits for 0
        0 status decided v0 a => -
    "#]],
    );
}

#[test]
fn heights_that_left_the_memory_are_served_by_the_ledger() {
    check(
        4,
        1,
        &expect![[r#"
        vote => mode starting; mode voting
        block a v0 => -
        2 decided v0 a => journal decided h1 a; decide h1 a
        executed 1 r1 => sign checkpoint 2
        sign => send checkpoint 2; release below h2
        restart => -
        vote => mode starting; mode voting
        3 prepare v0 a => serve h1 to 3
    "#]],
    );
}

/// A member that sends one vote for each height of the past does not draw the ledger from memory.
#[test]
fn a_member_is_answered_a_few_decided_heights_at_a_time() {
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
            2 decided v0 f => journal decided h6 f; decide h6 f
            block g on=f v0 => -
            2 decided v0 g => journal decided h7 g; decide h7 g
            block h on=g v0 => -
            2 decided v0 h => journal decided h8 h; decide h8 h
            block i on=h v0 => -
            2 decided v0 i => journal decided h9 i; decide h9 i
            block j on=i v0 => -
            2 decided v0 j => journal decided h10 j; decide h10 j
            wait 1000 => -
            3 prepare v0 a => send to 3 decided h1 a
            3 prepare v0 b => send to 3 decided h2 b
            3 prepare v0 c => send to 3 decided h3 c
            3 prepare v0 d => send to 3 decided h4 d
            3 prepare v0 e => send to 3 decided h5 e
            3 prepare v0 f => send to 3 decided h6 f
            3 prepare v0 g => send to 3 decided h7 g
            3 prepare v0 h => send to 3 decided h8 h
            3 prepare v0 i => -
            3 prepare v0 j => -
            2 prepare v0 j => send to 2 decided h10 j
            wait 250 => -
            3 prepare v0 i => send to 3 decided h9 i
            3 prepare v0 j => send to 3 decided h10 j
        "#]],
    );
}

#[test]
fn what_comes_before_the_start_is_judged_by_the_carried_view() {
    check(
        4,
        3,
        &expect![[r#"
            vote => mode starting; mode voting
            block a v1 => -
            0 decided v1 a => journal decided h1 a; decide h1 a
            executed 1 r1 => sign checkpoint 2
            sign => send checkpoint 2; release below h2
            restart => -
            block c on=a v1 => -
            1 propose v1 c => -
            0 prepare v1 c => -
            vote => mode starting; mode voting
            sign => send commit h2 v1 c
            standing => h2 v1 Prepared, decided 1, executed 1, certified 0, hardened 0, 0 bodies, waits for 0 1 2
        "#]],
    );
}

#[test]
fn a_crash_between_batch_and_checkpoint_is_made_good_at_the_next_start() {
    check(
        4,
        1,
        &expect![[r#"
            vote => mode starting; mode voting
            block a v0 => -
            2 decided v0 a => journal decided h1 a; decide h1 a
            executed 1 r1 => sign checkpoint 2
            restart => -
            start => mode starting; status to 0 with decided with checkpoint 1; status to 2 with decided with checkpoint 1; status to 3 with decided with checkpoint 1
            0 status echo => status to 0 with decided with checkpoint 1
            2 status echo => status to 2 with decided with checkpoint 1
            3 status echo => status to 3 with decided with checkpoint 1; mode voting; status to 0 with decided with checkpoint 1; status to 2 with decided with checkpoint 1; status to 3 with decided with checkpoint 1; sign checkpoint 2
            sign => send checkpoint 2; release below h2
        "#]],
    );
}

/// The quorum of three is two: with one member down, the start must not wait for it.
#[test]
fn two_of_three_start_and_decide() {
    check(
        3,
        0,
        &expect![[r#"
            start => mode starting; status to 1; status to 2
            1 status echo => status to 1
            timer start => mode voting; status to 1; status to 2; sign propose h1 v0 own1.0 (0 tx); sign checkpoint 1
            sign => send propose h1 v0 own1.0 (0 tx); send checkpoint 1; release below h1
            1 prepare v0 own1.0 => journal prepared v0 own1.0; sign commit h1 v0 own1.0
            sign => send commit h1 v0 own1.0
            1 commit v0 own1.0 => journal decided h1 own1.0; decide h1 own1
            executed 1 r1 => sign checkpoint 2
            sign => send checkpoint 2; release below h2
            1 checkpoint 2 r1 => certified 2
            standing => h2 v0 Idle, decided 1, executed 1, certified 2, hardened 0, 0 bodies, waits for 0
        "#]],
    );
}
