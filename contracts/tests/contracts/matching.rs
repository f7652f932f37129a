//! Matches as transcripts: what both sides say, and where the match stands after it.

use contracts::matching;
use contracts::record::matching::Conflict;
use expect_test::{Expect, expect};
use proto::schema::act::{MatchDecision, MatchDeclare, Relation};
use proto::schema::event::Event;
use proto::schema::{Body, OperationKind};

use crate::correction::correction;
use crate::harness::{
    BJ, Chain, HE, TJ, Who, at, boxes, event, gs1, item, kilograms, operation, operation_with,
    platform, receive, regulator, ship, status_name, taken, uid, unit,
};

const SENT: (&str, &str) = ("p-he", "p-bj");
const TAKEN: (&str, &str) = ("p-bj", "p-he");

fn check(blocks: &[&[(Who, proto::operation::Operation)]], expected: &Expect) {
    let mut chain = Chain::new();
    let told: Vec<String> = blocks.iter().map(|block| chain.told(block)).collect();
    expected.assert_eq(&told.join("--\n"));
}

fn sent(count: u64) -> (Who, proto::operation::Operation) {
    (platform(HE), ship(10, SENT, "D-1", vec![item("HE1", boxes(count))]))
}

fn got(count: u64) -> (Who, proto::operation::Operation) {
    (platform(BJ), receive(60, TAKEN, "d-1 ", vec![taken("BJ1", "HE1", boxes(count))]))
}

fn decide(who: Who, kind: OperationKind, reason: &str) -> (Who, proto::operation::Operation) {
    let act = MatchDecision { from: gs1("HE1"), to: gs1("BJ1"), reason: reason.to_owned() };
    let body = Body::MatchDecision(act);
    (who, operation_with(kind, uid(&format!("{who:?} {kind:?} {reason}")), &body))
}

fn declare(
    who: Who,
    from: &str,
    to: &str,
    relation: Relation,
) -> (Who, proto::operation::Operation) {
    let act = MatchDeclare {
        relation: relation.into(),
        from: gs1(from),
        to: gs1(to),
        quantity: Some(boxes(10)),
        document: "D-1".to_owned(),
    };
    (
        who,
        operation_with(
            OperationKind::MatchDeclare,
            uid(&format!("{who:?} {act:?}")),
            &Body::MatchDeclare(act),
        ),
    )
}

#[test]
fn two_declarations_that_agree_confirm_a_match_in_either_order() {
    check(
        &[&[sent(100)], &[got(100)]],
        &expect![[r"
            --
            HE1 -> BJ1: - -> confirmed [Same BJ1, Same HE1]
        "]],
    );
    check(
        &[&[got(100)], &[sent(100)]],
        &expect![[r"
            HE1 -> BJ1: - -> one-sided [Same BJ1, Same HE1]
            --
            HE1 -> BJ1: one-sided -> confirmed [Same BJ1, Same HE1]
        "]],
    );
    check(
        &[&[got(100), sent(100)]],
        &expect![[r"
            HE1 -> BJ1: - -> confirmed [Same BJ1, Same HE1]
        "]],
    );
}

#[test]
fn quantities_or_parties_that_differ_put_a_match_in_doubt() {
    check(
        &[&[sent(100)], &[got(98)]],
        &expect![[r"
            --
            HE1 -> BJ1: - -> in doubt [Same BJ1, Same HE1]
        "]],
    );
    let elsewhere = ship(10, ("p-he", "p-other"), "D-1", vec![item("HE1", boxes(100))]);
    check(
        &[&[(platform(HE), elsewhere)], &[got(100)]],
        &expect![[r"
            --
            HE1 -> BJ1: - -> in doubt [Same BJ1, Same HE1]
        "]],
    );
    let weighed = receive(60, TAKEN, "D-1", vec![taken("BJ1", "HE1", kilograms(100))]);
    check(
        &[&[sent(100), (platform(BJ), weighed)]],
        &expect![[r"
            HE1 -> BJ1: - -> in doubt [Same BJ1, Same HE1]
        "]],
    );
}

#[test]
fn a_delivery_in_parts_is_in_doubt_until_the_last_part_has_come() {
    let part = |minute, count| {
        (platform(BJ), receive(minute, TAKEN, "D-1", vec![taken("BJ1", "HE1", boxes(count))]))
    };
    check(
        &[&[sent(100)], &[part(60, 40)], &[part(70, 60)]],
        &expect![[r"
            --
            HE1 -> BJ1: - -> in doubt [Same BJ1, Same HE1]
            --
            HE1 -> BJ1: in doubt -> confirmed [Same BJ1, Same HE1]
        "]],
    );
}

#[test]
fn one_lot_received_as_boxes_matches_each_box_and_the_boxes_are_no_aliases_of_each_other() {
    let boxed =
        receive(60, TAKEN, "D-1", vec![taken("B1", "HE1", boxes(1)), taken("B2", "HE1", boxes(1))]);
    check(
        &[&[sent(2), (platform(BJ), boxed)]],
        &expect![[r"
            HE1 -> B1: - -> confirmed [Same B1, Same HE1]
            HE1 -> B2: - -> confirmed [Same B2, Same HE1]
        "]],
    );
}

#[test]
fn a_receipt_without_the_same_document_stays_one_sided() {
    let other = receive(60, TAKEN, "D-2", vec![taken("BJ1", "HE1", boxes(100))]);
    check(
        &[&[sent(100), (platform(BJ), other)]],
        &expect![[r"
            HE1 -> BJ1: - -> one-sided [Same BJ1, Same HE1]
        "]],
    );
    let none = receive(60, TAKEN, "", vec![taken("BJ1", "HE1", boxes(100))]);
    let sent_without = ship(10, SENT, "", vec![item("HE1", boxes(100))]);
    check(
        &[&[(platform(HE), sent_without), (platform(BJ), none)]],
        &expect![[r"
            HE1 -> BJ1: - -> one-sided [Same BJ1, Same HE1]
        "]],
    );
}

#[test]
fn one_party_on_both_sides_is_one_voice() {
    let own = receive(60, ("p-he", "p-he"), "D-1", vec![taken("X", "HE1", boxes(100))]);
    let sent = ship(10, ("p-he", "p-he"), "D-1", vec![item("HE1", boxes(100))]);
    check(
        &[&[(platform(HE), sent), (platform(HE), own)]],
        &expect![[r"
            HE1 -> X: - -> one-sided [Same X, Same HE1]
        "]],
    );
}

#[test]
fn a_code_kept_across_a_border_is_carried_and_within_a_province_it_is_nothing_new() {
    let kept = |who| (who, receive(60, TAKEN, "D-1", vec![item("HE1", boxes(100))]));
    check(
        &[&[sent(100)], &[kept(platform(BJ))]],
        &expect![[r"
            --
            HE1 -> HE1: - -> confirmed [Carry HE1]
        "]],
    );
    check(
        &[&[sent(100)], &[kept(platform(HE))]],
        &expect![[r"
        --
    "]],
    );
}

#[test]
fn a_regulator_declares_the_other_agency_confirms_and_nobody_confirms_his_own_word() {
    let mut chain = Chain::new();
    chain.block(&[
        (platform(HE), event(OperationKind::StorageIn, at(1, "p", vec![item("HE1", boxes(9))]))),
        (platform(BJ), event(OperationKind::StorageIn, at(1, "p", vec![item("BJ1", boxes(9))]))),
    ]);
    let status = |chain: &Chain| {
        let found = matching::of(&chain.rows(), &unit("HE1"), &unit("BJ1")).unwrap().unwrap();
        status_name(found.status())
    };
    let (who, act) = declare(regulator(HE), "HE1", "BJ1", Relation::Same);
    assert_eq!(chain.one(who, act).code, 0);
    assert_eq!(status(&chain), "one-sided");
    for (who, kind, code, after) in [
        (regulator(HE), OperationKind::MatchConfirm, 25, "one-sided"),
        (regulator(TJ), OperationKind::MatchConfirm, 26, "one-sided"),
        // Taking back one's word and giving it again makes no second voice.
        (regulator(HE), OperationKind::MatchDispute, 0, "in doubt"),
        (regulator(HE), OperationKind::MatchConfirm, 25, "in doubt"),
        (regulator(BJ), OperationKind::MatchConfirm, 25, "in doubt"),
    ] {
        let (who, act) = decide(who, kind, &format!("{}", chain.height));
        let outcome = chain.one(who, act);
        assert_eq!(outcome.code, code, "{who:?} {kind:?}: {:?}", outcome.refusal);
        assert_eq!(status(&chain), after, "{who:?} {kind:?}");
    }
    let mut chain = Chain::new();
    chain.block(&[sent(100), got(98)]);
    let (who, act) = decide(regulator(BJ), OperationKind::MatchConfirm, "the receiver's own");
    assert_eq!(chain.one(who, act).code, 25);
    let (who, act) = decide(regulator(HE), OperationKind::MatchConfirm, "two boxes broke");
    let outcome = chain.one(who, act);
    assert_eq!((outcome.code, outcome.links.as_slice().len()), (0, 2));
    assert_eq!(status(&chain), "confirmed", "in doubt by quantity, settled by both agencies");
}

#[test]
fn a_delivery_within_one_province_is_settled_by_its_own_regulator() {
    let mut chain = Chain::new();
    let inside = receive(60, TAKEN, "D-1", vec![taken("BJ1", "HE1", boxes(98))]);
    chain.block(&[sent(100), (platform(HE), inside)]);
    let (who, act) = decide(regulator(HE), OperationKind::MatchConfirm, "counted again");
    assert_eq!(chain.one(who, act).code, 0);
    let found = matching::of(&chain.rows(), &unit("HE1"), &unit("BJ1")).unwrap().unwrap();
    assert_eq!(status_name(found.status()), "confirmed");
}

#[test]
fn a_dispute_puts_in_doubt_a_confirmation_settles_and_a_withdrawal_ends() {
    let mut chain = Chain::new();
    chain.block(&[sent(100), got(100)]);
    let status = |chain: &Chain| {
        let found = matching::of(&chain.rows(), &unit("HE1"), &unit("BJ1")).unwrap().unwrap();
        status_name(found.status())
    };
    assert_eq!(status(&chain), "confirmed");
    for (who, kind, code, after) in [
        (regulator(BJ), OperationKind::MatchConfirm, 23, "confirmed"),
        (regulator(HE), OperationKind::MatchDispute, 0, "in doubt"),
        (regulator(HE), OperationKind::MatchDispute, 24, "in doubt"),
        (regulator(HE), OperationKind::MatchConfirm, 0, "confirmed"),
        (regulator(TJ), OperationKind::MatchVoid, 26, "confirmed"),
        (regulator(BJ), OperationKind::MatchVoid, 0, "void"),
        (regulator(BJ), OperationKind::MatchVoid, 22, "void"),
        (regulator(HE), OperationKind::MatchConfirm, 22, "void"),
    ] {
        let reason = format!("{}", chain.height);
        let (who, act) = decide(who, kind, &reason);
        let outcome = chain.one(who, act);
        assert_eq!(outcome.code, code, "{who:?} {kind:?}: {:?}", outcome.refusal);
        assert_eq!(status(&chain), after, "{who:?} {kind:?}");
    }
    // What was withdrawn may be declared anew, and both must say so again.
    let (who, act) = declare(regulator(HE), "HE1", "BJ1", Relation::Same);
    assert_eq!(chain.one(who, act).code, 0);
    assert_eq!(status(&chain), "confirmed", "the receiver's claim and the sender's word");
}

#[test]
fn acts_on_a_match_that_nobody_claims_are_refused() {
    let mut chain = Chain::new();
    for kind in [OperationKind::MatchConfirm, OperationKind::MatchDispute, OperationKind::MatchVoid]
    {
        let (who, act) = decide(regulator(BJ), kind, "x");
        assert_eq!(chain.one(who, act).code, 21, "{kind:?}");
    }
    let (who, act) = declare(regulator(BJ), "A", "A", Relation::Same);
    assert_eq!(chain.one(who, act).code, 20);
}

#[test]
fn a_declaration_that_closes_a_cycle_or_claims_more_than_was_sent_is_refused() {
    let mut chain = Chain::new();
    chain.block(&[sent(9)]);
    for (from, to, code) in [("HE1", "X", 28), ("A", "B", 0), ("B", "C", 0), ("C", "A", 27)] {
        let (who, act) = declare(regulator(HE), from, to, Relation::Same);
        let outcome = chain.one(who, act);
        assert_eq!(outcome.code, code, "{from} -> {to}");
        if code == 28 {
            assert_eq!(outcome.refusal.unwrap().zh(), "超量匹配：发出 9 XBX，匹配 10 XBX");
        }
    }
}

/// Declares ten boxes or as many as `count` says, of `from` as `to`, under D-1.
fn declared(who: Who, (from, to): (&str, &str), count: u64) -> (Who, proto::operation::Operation) {
    let act = MatchDeclare {
        relation: Relation::Same.into(),
        from: gs1(from),
        to: gs1(to),
        quantity: Some(boxes(count)),
        document: "d-1".to_owned(),
    };
    let uid = uid(&format!("{who:?} {act:?}"));
    (who, operation_with(OperationKind::MatchDeclare, uid, &Body::MatchDeclare(act)))
}

#[test]
fn what_went_into_other_units_is_no_source_any_more() {
    let he = platform(HE);
    let made = |name: &str| {
        (he, event(OperationKind::Commission, at(1, "p", vec![item(name, boxes(10))])))
    };
    let turned = |kind, name: &str, count| {
        let outputs = vec![item(&format!("{name}-OUT"), boxes(count))];
        (he, event(kind, Event { outputs, ..at(2, "p", vec![item(name, boxes(count))]) }))
    };
    let sold = (he, event(OperationKind::Sale, at(2, "p", vec![item("SOLD", boxes(10))])));
    let mut chain = Chain::new();
    chain.block(&["COOKED", "CUT", "PART", "SOLD"].map(made));
    chain.block(&[
        turned(OperationKind::Process, "COOKED", 10),
        turned(OperationKind::Split, "CUT", 10),
        turned(OperationKind::Process, "PART", 4),
        sold,
    ]);
    for (from, code) in [("COOKED", 29), ("CUT", 29), ("PART", 0), ("SOLD", 0)] {
        let (who, act) = declared(regulator(HE), (from, "B"), 1);
        let outcome = chain.one(who, act);
        assert_eq!(outcome.code, code, "{from}: {:?}", outcome.refusal);
        if from == "COOKED" {
            let refusal = outcome.refusal.unwrap();
            assert_eq!(
                refusal.zh(),
                "来源已用尽：GS1:urn:epc:id:COOKED 已全部加工或分割，共 10 XBX"
            );
            assert_eq!(
                refusal.en(),
                "GS1:urn:epc:id:COOKED is no more: all of it, 10 XBX, went into other units"
            );
        }
    }
}

#[test]
fn declarations_and_receipts_of_one_delivery_together_claim_no_more_than_was_sent() {
    let mut chain = Chain::new();
    chain.block(&[sent(60)]);
    let said = |chain: &mut Chain, who, to, count| {
        let (who, act) = declared(who, ("HE1", to), count);
        let outcome = chain.one(who, act);
        outcome.refusal.map(|refusal| refusal.en())
    };
    let he = regulator(HE);
    assert_eq!(said(&mut chain, he, "BJ1", 60), None);
    let more = Some("60 XBX shipped, 120 XBX would be matched".to_owned());
    assert_eq!(said(&mut chain, he, "B2", 60), more);
    assert_eq!(said(&mut chain, regulator(BJ), "BJ1", 60), None, "the same goods, said twice");
    let (who, act) = decide(he, OperationKind::MatchVoid, "a mistake");
    assert_eq!(chain.one(who, act).code, 0);
    assert_eq!(said(&mut chain, he, "B2", 60), None, "what was withdrawn claims nothing");
    // What a platform received under the document is matched as well.
    let mut chain = Chain::new();
    chain.block(&[sent(60), got(50)]);
    let more = Some("60 XBX shipped, 61 XBX would be matched".to_owned());
    assert_eq!(said(&mut chain, he, "B2", 11), more);
    assert_eq!(said(&mut chain, he, "B2", 10), None);
}

#[test]
fn the_word_of_an_agency_without_a_part_is_no_second_voice() {
    let mut chain = Chain::new();
    let got = receive(60, ("p-tj", "p-he"), "D-1", vec![taken("T", "L", boxes(9))]);
    chain.block(&[(platform(TJ), got)]);
    let status = |chain: &Chain| {
        let found = matching::of(&chain.rows(), &unit("L"), &unit("T")).unwrap().unwrap();
        status_name(found.status())
    };
    assert_eq!(status(&chain), "one-sided");
    let (who, act) = declared(regulator(BJ), ("L", "T"), 9);
    assert_eq!(chain.one(who, act).code, 0);
    assert_eq!(status(&chain), "one-sided", "Beijing has never had any of it");
    let act = MatchDecision { from: gs1("L"), to: gs1("T"), reason: "x".to_owned() };
    let void = operation(OperationKind::MatchVoid, &Body::MatchDecision(act));
    assert_eq!(chain.one(regulator(BJ), void).code, 26, "nor may it end what it has no part in");
    // Once its platform names the goods, its word counts; as long as it does.
    let stored = event(OperationKind::StorageIn, at(70, "p-bj", vec![item("T", boxes(9))]));
    chain.block(&[(platform(BJ), stored.clone())]);
    assert_eq!(status(&chain), "confirmed");
    let never = correction("never", (80, stored.uid), OperationKind::StorageIn, None);
    chain.block(&[(platform(BJ), never)]);
    assert_eq!(status(&chain), "one-sided");
}

#[test]
fn a_new_label_on_goods_that_only_one_agency_has_named_needs_no_second_voice() {
    let mut chain = Chain::new();
    chain.block(&[sent(100)]);
    let (who, act) = declare(platform(HE), "HE1", "HE1b", Relation::Relabel);
    assert_eq!(chain.one(who, act).code, 0);
    let (who, act) = declare(platform(TJ), "HE1", "T1", Relation::Relabel);
    assert_eq!(chain.one(who, act).code, 0);
    let status = |to: &str| {
        let found = matching::of(&chain.rows(), &unit("HE1"), &unit(to)).unwrap().unwrap();
        status_name(found.status())
    };
    assert_eq!((status("HE1b"), status("T1")), ("confirmed", "one-sided"));
}

#[test]
fn contradictions_of_a_class_are_noted_at_one_match_and_go_with_their_cause() {
    let mut chain = Chain::new();
    let coded = |who, name: &str, declaration: &str| {
        let body = Event {
            declaration: declaration.to_owned(),
            ..at(1, "p", vec![item(name, boxes(100))])
        };
        (who, event(OperationKind::Commission, body))
    };
    let conflicts = |chain: &Chain, from: &str, to: &str| -> Vec<Conflict> {
        let found = matching::of(&chain.rows(), &unit(from), &unit(to)).unwrap().unwrap();
        found.conflicts().collect()
    };
    chain.block(&[sent(100), got(100)]);
    assert_eq!(conflicts(&chain, "HE1", "BJ1"), []);
    chain.block(&[coded(platform(HE), "HE1", "020220211000012345-1")]);
    assert_eq!(conflicts(&chain, "HE1", "BJ1"), []);
    let second = coded(platform(BJ), "BJ1", "020220211000099999-1");
    let wrong = second.1.uid;
    chain.block(&[second]);
    assert_eq!(conflicts(&chain, "HE1", "BJ1"), [Conflict::Origins]);
    let correction = proto::schema::event::Correction {
        occurred_ms: crate::harness::START_MS,
        supersedes: wrong.0.to_vec(),
        reason: "did_not_occur".to_owned(),
        kind: OperationKind::Commission.code().into(),
        event: None,
    };
    let body = Body::Correction(correction);
    chain.block(&[(platform(BJ), operation(OperationKind::Correction, &body))]);
    assert_eq!(conflicts(&chain, "HE1", "BJ1"), []);

    // More received than sent.
    chain.block(&[(platform(BJ), receive(90, TAKEN, "D-1", vec![taken("BJ1", "HE1", boxes(20))]))]);
    assert_eq!(conflicts(&chain, "HE1", "BJ1"), [Conflict::OverAllocated]);

    // Goods that come back under the old code are their own source.
    chain.block(&[(
        platform(HE),
        receive(99, ("p-he", "p-bj"), "D-9", vec![taken("HE1", "BJ1", boxes(5))]),
    )]);
    assert_eq!(conflicts(&chain, "HE1", "BJ1"), [Conflict::Cycle, Conflict::OverAllocated]);
    assert_eq!(conflicts(&chain, "BJ1", "HE1"), [Conflict::Cycle]);
}

#[test]
fn a_contradiction_is_found_behind_a_match_that_carries_or_was_withdrawn() {
    // Which match of a unit stands first in its list is chance.
    for name in ["HE1", "HE2", "HE3", "HE4", "HE5", "HE6"] {
        for behind in ["carried", "withdrawn"] {
            let coded = |who, name: &str, declaration: &str| {
                let declaration = declaration.to_owned();
                let coded = Event { declaration, ..at(1, "p", vec![item(name, boxes(9))]) };
                (who, event(OperationKind::Commission, coded))
            };
            let moved = |document: &str, line| {
                let sent = ship(10, SENT, document, vec![item(name, boxes(9))]);
                [(platform(HE), sent), (platform(BJ), receive(60, TAKEN, document, vec![line]))]
            };
            let mut chain = Chain::new();
            chain.block(&moved("D-1", taken("BJ1", name, boxes(9))));
            if behind == "carried" {
                chain.block(&moved("D-2", item(name, boxes(9))));
            } else {
                chain.block(&moved("D-2", taken("X", name, boxes(9))));
                let (from, to) = (gs1(name), gs1("X"));
                let act = MatchDecision { from, to, reason: "a mistake".to_owned() };
                let void = operation(OperationKind::MatchVoid, &Body::MatchDecision(act));
                assert_eq!(chain.one(regulator(BJ), void).code, 0);
            }
            chain.block(&[coded(platform(BJ), "BJ1", "020220211000099999-1")]);
            let told = chain.block(&[coded(platform(HE), name, "020220211000012345-1")]);
            assert_eq!(told.notices(), ["raised R22"], "{name} {behind}");
        }
    }
}

#[test]
fn a_word_counts_once_its_agency_has_a_part_however_many_matches_the_unit_has() {
    let taken = (0..300).map(|at| taken(&format!("T-{at}"), "L", boxes(1))).collect();
    let mut chain = Chain::new();
    chain.block(&[(platform(TJ), receive(60, ("p-tj", "p-he"), "D-1", taken))]);
    let said = ["T-7", "T-77", "T-177", "T-277"];
    for to in said {
        let (who, act) = declared(regulator(BJ), ("L", to), 1);
        assert_eq!(chain.one(who, act).code, 0);
    }
    let stored = event(OperationKind::StorageIn, at(70, "p-bj", vec![item("L", boxes(9))]));
    chain.block(&[(platform(BJ), stored)]);
    for to in said {
        let found = matching::of(&chain.rows(), &unit("L"), &unit(to)).unwrap().unwrap();
        assert_eq!(status_name(found.status()), "confirmed", "{to}");
    }
}

#[test]
fn a_delivery_that_is_touched_while_it_is_half_judged_is_judged_from_the_beginning() {
    let named = |lorry: usize| (0..1_000).map(move |at| format!("B-{lorry}-{at}"));
    let took = |lorry| {
        let lines = named(lorry).map(|name| taken(&name, "L", boxes(1))).collect();
        (platform(BJ), receive(60, TAKEN, "D-1", lines))
    };
    let mut chain = Chain::new();
    chain.block(&(0..9).map(took).collect::<Vec<_>>());
    chain.block(&[(platform(HE), ship(10, SENT, "D-1", vec![item("L", boxes(9_000))]))]);
    for _ in 0..4 {
        chain.block(&[]);
    }
    let is_confirmed = |name: &String| {
        let found = matching::of(&chain.rows(), &unit("L"), &unit(name)).unwrap().unwrap();
        status_name(found.status()) == "confirmed"
    };
    let confirmed = (0..9).flat_map(named).filter(is_confirmed).count();
    assert_eq!(confirmed, 9_000);
}
