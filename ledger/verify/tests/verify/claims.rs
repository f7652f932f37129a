//! C6.6, D5 and D6 against claims that say more than their items, or leave something out.

use expect_test::expect;
use ledger::bundle::{
    Bundle, ClaimKind, Direction, ItemClaim, Log, Subject, TraceClaim, WindowClaim,
};
use proto::receipt::{Subject as SubjectKey, SubjectKind};

use crate::accepted::{event, traced};
use crate::refusals;
use crate::story::{self, DAY, a_unit, party};
use crate::world::World;

fn trace(bundle: &mut Bundle) -> &mut TraceClaim {
    match bundle.claims[0].kind.as_mut().unwrap() {
        ClaimKind::Trace(claim) => claim,
        ClaimKind::Event(_)
        | ClaimKind::Receipt(_)
        | ClaimKind::State(_)
        | ClaimKind::Window(_) => panic!("the claim is a trace"),
    }
}

fn window(bundle: &mut Bundle) -> &mut WindowClaim {
    match bundle.claims[0].kind.as_mut().unwrap() {
        ClaimKind::Window(claim) => claim,
        ClaimKind::Event(_) | ClaimKind::Receipt(_) | ClaimKind::State(_) | ClaimKind::Trace(_) => {
            panic!("the claim is a window")
        }
    }
}

fn unit(key: &str) -> Subject {
    Subject { kind: 1, key: key.as_bytes().to_vec() }
}

fn drop_log(bundle: &mut Bundle, key: &str) {
    let is_it = |log: &Log| log.subject == key.as_bytes();
    assert!(bundle.items[0].logs.iter().any(is_it), "{key} is among the logs");
    bundle.items[0].logs.retain(|log| !is_it(log));
}

#[test]
fn words_are_rebuilt_and_must_be_the_carried_ones() {
    let world = story::world();
    let text = refusals(
        &world,
        &event(&world, 7, 0),
        &[
            ("nothing", |_| ()),
            ("other Chinese words", |b| b.claims[0].words_zh.push('！')),
            ("other English words", |b| b.claims[0].words_en = "nothing happened".into()),
            ("no words", |b| b.claims[0].words_en.clear()),
            ("no kind", |b| b.claims[0].kind = None),
            ("an item that is none", |b| {
                b.claims[0].kind = Some(ClaimKind::Event(ItemClaim { item: 2 }));
            }),
            ("an item without an operation", |b| {
                b.claims[0].kind = Some(ClaimKind::Event(ItemClaim { item: 0 }));
            }),
            ("a receipt of an item without one", |b| {
                b.claims[0].kind = Some(ClaimKind::Receipt(ItemClaim { item: 0 }));
            }),
        ],
    );
    expect![[r#"
        nothing
          ACCEPTED HARDENED
        other Chinese words
          C6.6 claims[0]: the words are not what is proven, which is: block 7 (2025-10-09T08:53:27.000Z) holds the operation "sale", id b59095ab3dc891c4d30ca69cd52dbb72, signed by key 8b45400ded5ea2ed09e602363c1cd71d8f037d217d6cdc2075c501a7365437c4 (registered as "11:platform" of "北京"): recorded; alerts R12 raised "TJ:P1"
        other English words
          C6.6 claims[0]: the words are not what is proven, which is: block 7 (2025-10-09T08:53:27.000Z) holds the operation "sale", id b59095ab3dc891c4d30ca69cd52dbb72, signed by key 8b45400ded5ea2ed09e602363c1cd71d8f037d217d6cdc2075c501a7365437c4 (registered as "11:platform" of "北京"): recorded; alerts R12 raised "TJ:P1"
        no words
          C6.6 claims[0]: the words are not what is proven, which is: block 7 (2025-10-09T08:53:27.000Z) holds the operation "sale", id b59095ab3dc891c4d30ca69cd52dbb72, signed by key 8b45400ded5ea2ed09e602363c1cd71d8f037d217d6cdc2075c501a7365437c4 (registered as "11:platform" of "北京"): recorded; alerts R12 raised "TJ:P1"
        no kind
          C6.6 claims[0]: the claim cannot stand: the claim has no kind
        an item that is none
          C6.6 claims[0]: the claim cannot stand: the bundle has no item 2
        an item without an operation
          C6.6 claims[0]: the claim cannot stand: the claim needs the operation, which its item does not show
        a receipt of an item without one
          C6.6 claims[0]: the claim cannot stand: the claim needs the receipt, which its item does not show
    "#]].assert_eq(&text);
}

#[test]
fn a_trace_that_leaves_out_a_subject_is_refused() {
    let world = story::world();
    let text = refusals(
        &world,
        &traced(&world, &[a_unit("TJ:P1")], Direction::Both, 100),
        &[
            ("nothing", |_| ()),
            ("the match partner", |b| drop_log(b, "HB:BOX1")),
            ("the split child", |b| drop_log(b, "HB:BOX2")),
            ("the container", |b| drop_log(b, "HB:PAL")),
            ("the declaration", |b| drop_log(b, "021020231000000001-1")),
            ("the start itself", |b| drop_log(b, "TJ:P1")),
        ],
    );
    expect![[r#"
        nothing
          ACCEPTED HARDENED
        the match partner
          D5 claims[0]: the trace reaches "HB:BOX1", whose records are not shown
        the split child
          D5 claims[0]: the trace reaches "HB:BOX2", whose records are not shown
        the container
          D5 claims[0]: the trace reaches "HB:PAL", whose records are not shown
        the declaration
          D5 claims[0]: the trace reaches declaration "021020231000000001-1", whose records are not shown
        the start itself
          D5 claims[0]: the trace reaches "TJ:P1", whose records are not shown
    "#]].assert_eq(&text);
}

#[test]
fn traces_refuse_every_forgery() {
    let world = story::world();
    let text = refusals(
        &world,
        &traced(&world, &[a_unit("TJ:P1")], Direction::Back, 4),
        &[
            ("nothing", |_| ()),
            ("truncated kept silent", |b| trace(b).truncated.clear()),
            ("one truncated kept silent", |b| drop(trace(b).truncated.pop())),
            ("a subject never reached as truncated", |b| {
                trace(b).truncated.push(unit("ZZ:NEVER"));
                trace(b).truncated.sort();
            }),
            ("a shown subject as truncated", |b| {
                trace(b).truncated.push(unit("TJ:A1"));
                trace(b).truncated.sort();
            }),
            ("a start as truncated", |b| {
                trace(b).truncated.push(unit("TJ:P1"));
                trace(b).truncated.sort();
            }),
            ("truncated descend", |b| trace(b).truncated.reverse()),
            ("a smaller limit than logs", |b| trace(b).unit_limit = 3),
            ("another direction", |b| trace(b).direction = Direction::Forward.into()),
            ("no direction", |b| trace(b).direction = 0),
            ("a direction that is none", |b| trace(b).direction = 7),
            ("another height", |b| trace(b).height = 9),
            ("no start", |b| trace(b).starts.clear()),
            ("a start twice", |b| trace(b).starts.push(unit("TJ:P1"))),
            ("a party as start", |b| trace(b).starts[0].kind = 4),
            ("a start of no kind", |b| trace(b).starts[0].kind = 99),
            ("no state of the backfill", |b| b.items[0].states.clear()),
            ("another start", |b| trace(b).starts[0] = unit("TJ:A1")),
            ("an item that is none", |b| trace(b).item = 7),
        ],
    );
    expect![[r#"
        nothing
          ACCEPTED HARDENED
        truncated kept silent
          D5 claims[0]: the trace reaches "HB:PAL", whose records are not shown
        one truncated kept silent
          D5 claims[0]: the trace reaches declaration "021020231000000001-1", whose records are not shown
        a subject never reached as truncated
          D5 claims[0]: the trace does not reach "ZZ:NEVER", which is listed as unopened
        a shown subject as truncated
          D5 claims[0]: "TJ:A1" is listed as unopened, yet its records are shown
        a start as truncated
          D5 claims[0]: the start "TJ:P1" cannot be left unopened
        truncated descend
          D5 claims[0]: the claim cannot stand: the truncated do not ascend strictly
        a smaller limit than logs
          D5 claims[0]: 4 logs are used, above the claim's limit of 3
        another direction
          D5 claims[0]: the trace does not reach "HB:PAL", which is listed as unopened
        no direction
          D5 claims[0]: the claim cannot stand: 0 is no direction
        a direction that is none
          D5 claims[0]: the claim cannot stand: 7 is no direction
        another height
          D5 claims[0]: the claim cannot stand: the claim is for height 9, its item for 8
        no start
          D5 claims[0]: the claim cannot stand: the trace has no start
        a start twice
          D5 claims[0]: the claim cannot stand: the starts do not ascend strictly
        a party as start
          D5 claims[0]: the claim cannot stand: subjects of kind 4 do not stand in this claim
        a start of no kind
          D5 claims[0]: the claim cannot stand: subjects of kind 99 do not stand in this claim
        no state of the backfill
          D5 claims[0]: the claim cannot stand: the claim needs the state of pending backfills, which its item does not show
        another start
          C6.6 claims[0]: the words are not what is proven, which is: as of height 8 (2025-10-09T08:53:28.000Z): trace back (source) from "TJ:A1": not complete, 3 subjects not opened; 3 subjects, 8 records
        an item that is none
          D5 claims[0]: the claim cannot stand: the bundle has no item 7
    "#]].assert_eq(&text);
}

#[test]
fn a_start_that_its_normaliser_would_change_is_refused() {
    let world = story::world();
    let mut out = String::new();
    for (kind, key) in [
        (SubjectKind::Certificate, "cert1"),
        (SubjectKind::Certificate, "CERT 1"),
        (SubjectKind::Declaration, "021020231000000001-01"),
    ] {
        let start = SubjectKey { kind, key: key.as_bytes().to_vec() };
        let bundle = traced(&world, &[start], Direction::Both, 100);
        out.push_str(&refusals(&world, &bundle, &[(key, |_| ())]));
    }
    expect![[r#"
        cert1
          D5 claims[0]: certificate "cert1" is not in normal form, which is "CERT1"
        CERT 1
          D5 claims[0]: certificate "CERT 1" is not in normal form, which is "CERT1"
        021020231000000001-01
          D5 claims[0]: declaration "021020231000000001-01" is not in normal form, which is "021020231000000001-1"
    "#]].assert_eq(&out);
}

#[test]
fn a_part_of_a_log_is_no_base_for_a_trace() {
    let world = story::world();
    let mut bundle = traced(&world, &[a_unit("HB:PAL")], Direction::Forward, 100);
    let part = world.log_part(8, &a_unit("HB:BOX1"), 0, 5);
    let at = bundle.items[0].logs.iter().position(|log| log.subject == b"HB:BOX1").unwrap();
    bundle.items[0].logs[at] = part;
    let text = refusals(&world, &bundle, &[("part", |_| ())]);
    expect![[r#"
        part
          D5 claims[0]: the log of "HB:BOX1" is shown in part only
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_complete_log_that_no_claim_uses_is_refused() {
    let world = story::world();
    let mut bundle = traced(&world, &[a_unit("TJ:P1")], Direction::Forward, 100);
    bundle.items[0].logs.insert(0, world.log(8, &a_unit("HB:LOT"), 0));
    let absent = {
        let mut bundle = traced(&world, &[a_unit("TJ:P1")], Direction::Forward, 100);
        bundle.items[0].logs.push(world.log(8, &a_unit("ZZ:NEVER"), 0));
        bundle
    };
    let text = refusals(&world, &bundle, &[("with entries", |_| ())])
        + &refusals(&world, &absent, &[("empty", |_| ())])
        + &refusals(&world, &bundle, &[("all claims withdrawn", |b| b.claims.clear())]);
    expect![[r#"
        with entries
          C6.5 items[0].logs[0]: no claim uses the log of "HB:LOT" (bucket 0)
        empty
          C6.5 items[0].logs[1]: no claim uses the log of "ZZ:NEVER" (bucket 0)
        all claims withdrawn
          C6.5 items[0].logs[0]: no claim uses the log of "HB:LOT" (bucket 0)
    "#]]
    .assert_eq(&text);
}

fn windowed(world: &World) -> Bundle {
    let mut bundle = world.bundle(&[0, 1, 2]);
    let (item, claim) = world.window(8, &party(), DAY, DAY + 1);
    world.say(&mut bundle, item, ClaimKind::Window(claim));
    bundle
}

#[test]
fn windows_refuse_every_forgery() {
    let world = story::world();
    let text = refusals(
        &world,
        &windowed(&world),
        &[
            ("nothing", |_| ()),
            ("a day's log left out", |b| drop(b.items[0].logs.pop())),
            ("the directory left out", |b| drop(b.items[0].logs.remove(0))),
            ("a day left out of the directory", |b| b.items[0].logs[0].days.truncate(1)),
            ("the first day left out of the directory", |b| {
                b.items[0].logs[0].days.remove(0);
            }),
            ("a day and its log left out", |b| {
                b.items[0].logs[0].days.truncate(1);
                drop(b.items[0].logs.pop());
            }),
            ("a day twice in the directory", |b| {
                b.items[0].logs[0].days[1].bucket = DAY;
            }),
            ("day zero in the directory", |b| b.items[0].logs[0].days[1].bucket = 0),
            ("another height in the directory", |b| b.items[0].logs[0].days[1].height = 8),
            ("heights of the directory descend", |b| b.items[0].logs[0].days[1].height = 0),
            ("a height above the answer", |b| b.items[0].logs[0].days[1].height = 9),
            ("an entry in the directory", |b| {
                let entry = b.items[0].logs[1].entries[0].clone();
                b.items[0].logs[0].entries.push(entry);
            }),
            ("the directory said to be empty", |b| {
                b.items[0].logs[0].head = None;
                b.items[0].logs[0].days.clear();
            }),
            ("an entry of a day left out", |b| drop(b.items[0].logs[1].entries.remove(1))),
            ("a refused act left out", |b| drop(b.items[0].logs[2].entries.pop())),
            ("fewer days than logs", |b| window(b).to_day = DAY),
            ("more days", |b| window(b).to_day = DAY + 2),
            ("days from zero", |b| window(b).from_day = 0),
            ("days that end before they begin", |b| window(b).to_day = DAY - 1),
            ("another height", |b| window(b).height = 7),
            ("no subject", |b| window(b).subject = None),
            ("a unit", |b| window(b).subject.as_mut().unwrap().kind = 1),
            ("another kind", |b| window(b).subject.as_mut().unwrap().kind = 5),
            ("no state of the backfill", |b| b.items[0].states.clear()),
        ],
    );
    expect![[r#"
        nothing
          ACCEPTED HARDENED
        a day's log left out
          D6 claims[0]: the claim cannot stand: the claim needs the log of each day in the window, which its item does not show
        the directory left out
          D6 claims[0]: the claim cannot stand: the claim needs the directory of days, which its item does not show
        a day left out of the directory
          D4 items[0].logs[0]: the directory is not whole: party "91130100MA0EXAMPL1" has 2 days, 1 shown
        the first day left out of the directory
          D4 items[0].logs[0]: the directory is not whole: party "91130100MA0EXAMPL1" has 2 days, 1 shown
        a day and its log left out
          D4 items[0].logs[0]: the directory is not whole: party "91130100MA0EXAMPL1" has 2 days, 1 shown
        a day twice in the directory
          D4 items[0].logs[0].days[1]: bucket 20371 does not fit the kind of the log or its content
        day zero in the directory
          D4 items[0].logs[0].days[1]: bucket 0 does not fit the kind of the log or its content
        another height in the directory
          D4 items[0].logs[0]: the records of party "91130100MA0EXAMPL1" are not those that were signed
        heights of the directory descend
          D4 items[0].logs[0].days[1]: the record of height 0 is out of order, or later than the answer
        a height above the answer
          D4 items[0].logs[0].days[1]: the record of height 9 is out of order, or later than the answer
        an entry in the directory
          D4 items[0].logs[0]: bucket 0 does not fit the kind of the log or its content
        the directory said to be empty
          D4 items[0].logs[0]: the state proof does not hold: the siblings lead to another root
        an entry of a day left out
          D4 items[0].logs[1].entries: event 2 is missing: party "91130100MA0EXAMPL1" has 4 records
        a refused act left out
          D4 items[0].logs[2].entries: 1 event is missing: party "91130100MA0EXAMPL1" has 2 records, 1 shown
        fewer days than logs
          C6.6 claims[0]: the words are not what is proven, which is: as of height 8 (2025-10-09T08:53:28.000Z): party "91130100MA0EXAMPL1" from 2025-10-10 to 2025-10-10: complete; 4 records on 1 day
        more days
          C6.6 claims[0]: the words are not what is proven, which is: as of height 8 (2025-10-09T08:53:28.000Z): party "91130100MA0EXAMPL1" from 2025-10-10 to 2025-10-12: complete; 6 records on 2 days
        days from zero
          D6 claims[0]: the claim cannot stand: days 0 to 20372 are no window: it begins at 1 or later and ends no earlier
        days that end before they begin
          D6 claims[0]: the claim cannot stand: days 20371 to 20370 are no window: it begins at 1 or later and ends no earlier
        another height
          D6 claims[0]: the claim cannot stand: the claim is for height 7, its item for 8
        no subject
          D6 claims[0]: the claim cannot stand: the claim needs its subject, which its item does not show
        a unit
          D6 claims[0]: the claim cannot stand: subjects of kind 1 do not stand in this claim
        another kind
          D6 claims[0]: the claim cannot stand: the claim needs the directory of days, which its item does not show
        no state of the backfill
          D6 claims[0]: the claim cannot stand: the claim needs the state of pending backfills, which its item does not show
    "#]].assert_eq(&text);
}
