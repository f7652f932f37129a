//! D4 against omitted, invented, reordered and renumbered entries, and logs that are said to be empty.

use expect_test::expect;
use ledger::bundle::{Bundle, Direction, Log};

use crate::accepted::traced;
use crate::story::{self, a_unit};
use crate::world::World;
use crate::{accept, refusals};

/// The log of a unit in the first item.
fn log<'a>(bundle: &'a mut Bundle, key: &str) -> &'a mut Log {
    let mut logs = bundle.items[0].logs.iter_mut();
    logs.find(|log| log.kind == 1 && log.subject == key.as_bytes()).unwrap()
}

fn renumber(log: &mut Log) {
    for (index, entry) in log.entries.iter_mut().enumerate() {
        entry.index = u64::try_from(index).unwrap();
    }
}

fn trace_back(world: &World) -> Bundle {
    traced(world, &[a_unit("TJ:P1")], Direction::Back, 100)
}

#[test]
fn a_left_out_entry_is_named_by_its_number() {
    let world = story::world();
    let text = refusals(
        &world,
        &trace_back(&world),
        &[
            ("nothing", |_| ()),
            ("the first of six", |b| drop(log(b, "HB:BOX1").entries.remove(0))),
            ("the third of six", |b| drop(log(b, "HB:BOX1").entries.remove(2))),
            ("the last of six", |b| {
                log(b, "HB:BOX1").entries.pop();
            }),
            ("two of six", |b| {
                drop(log(b, "HB:BOX1").entries.remove(3));
                drop(log(b, "HB:BOX1").entries.remove(1));
            }),
            ("all of them", |b| log(b, "HB:BOX1").entries.clear()),
            ("one that another log shows, the rest renumbered", |b| {
                drop(log(b, "HB:BOX1").entries.remove(1));
                renumber(log(b, "HB:BOX1"));
            }),
            ("one that no other log shows, the rest renumbered", |b| {
                drop(log(b, "HB:BOX1").entries.remove(2));
                renumber(log(b, "HB:BOX1"));
            }),
            ("from every log that has it", |b| {
                for log in &mut b.items[0].logs {
                    log.entries.retain(|entry| entry.height != 6);
                }
            }),
            ("from every log that has it, renumbered", |b| {
                for log in &mut b.items[0].logs {
                    log.entries.retain(|entry| entry.height != 2);
                    renumber(log);
                }
            }),
        ],
    );
    expect![[r#"
        nothing
          ACCEPTED HARDENED
        the first of six
          D4 items[0].logs[0].entries: event 1 is missing: "HB:BOX1" has 6 records
        the third of six
          D4 items[0].logs[0].entries: event 3 is missing: "HB:BOX1" has 6 records
        the last of six
          D4 items[0].logs[0].entries: event 6 is missing: "HB:BOX1" has 6 records
        two of six
          D4 items[0].logs[0].entries: events 2, 4 are missing: "HB:BOX1" has 6 records
        all of them
          D4 items[0].logs[0].entries: events 1, 2, 3, 4, 5, 6 are missing: "HB:BOX1" has 6 records
        one that another log shows, the rest renumbered
          D4 items[0].logs[0].entries: event 2 is missing: "HB:BOX1" has 6 records
        one that no other log shows, the rest renumbered
          D4 items[0].logs[0].entries: 1 event is missing: "HB:BOX1" has 6 records, 5 shown
        from every log that has it
          D4 items[0].logs[3].entries: event 3 is missing: "TJ:A1" has 4 records
        from every log that has it, renumbered
          D4 items[0].logs[0].entries: 1 event is missing: "HB:BOX1" has 6 records, 5 shown
    "#]]
    .assert_eq(&text);
}

#[test]
fn logs_refuse_every_forgery() {
    let world = story::world();
    let text = refusals(
        &world,
        &trace_back(&world),
        &[
            ("an entry twice", |b| {
                let again = log(b, "HB:BOX1").entries[1].clone();
                log(b, "HB:BOX1").entries.insert(1, again);
            }),
            ("an entry in place of another", |b| {
                let again = log(b, "HB:BOX1").entries[1].clone();
                log(b, "HB:BOX1").entries[2] = again;
                renumber(log(b, "HB:BOX1"));
            }),
            ("an entry of another log", |b| {
                let foreign = log(b, "HB:LOT").entries[0].clone();
                log(b, "HB:BOX1").entries[0] = foreign;
            }),
            ("two entries swapped", |b| {
                log(b, "HB:BOX1").entries.swap(1, 2);
                renumber(log(b, "HB:BOX1"));
            }),
            ("another height", |b| log(b, "HB:BOX1").entries[0].height = 1),
            ("a height above the answer", |b| log(b, "HB:BOX1").entries[5].height = 9),
            ("another receipt index", |b| log(b, "HB:BOX1").entries[0].receipt_index = 4),
            ("a wrong number", |b| log(b, "HB:BOX1").entries[0].index = 1),
            ("a byte of the receipt", |b| log(b, "HB:BOX1").entries[0].receipt[40] ^= 1),
            ("another code in the receipt", |b| log(b, "HB:BOX1").entries[0].receipt[68] ^= 1),
            ("a byte of the links", |b| {
                *log(b, "HB:BOX1").entries[0].links.last_mut().unwrap() ^= 1;
            }),
            ("no links", |b| log(b, "HB:BOX1").entries[0].links = vec![0, 0]),
            ("a byte of the alerts", |b| log(b, "HB:BOX1").entries[0].alerts.push(0)),
            ("a byte of the body", |b| {
                *log(b, "HB:BOX1").entries[0].body.as_mut().unwrap().last_mut().unwrap() ^= 1;
            }),
            ("a step's record in place of an operation", |b| {
                let body = log(b, "HB:BOX1").entries[4].body.clone();
                log(b, "HB:BOX1").entries[0].body = body;
            }),
            ("a log said to be empty", |b| {
                log(b, "HB:BOX1").head = None;
                log(b, "HB:BOX1").entries.clear();
            }),
            ("a log said to be absent, with entries", |b| log(b, "HB:BOX1").head = None),
            ("a byte of the head", |b| log(b, "HB:BOX1").head.as_mut().unwrap()[7] ^= 1),
            ("a short head", |b| {
                log(b, "HB:BOX1").head.as_mut().unwrap().pop();
            }),
            ("no state proof", |b| log(b, "HB:BOX1").proof = None),
            ("the head of another subject", |b| {
                let other = log(b, "HB:LOT").clone();
                log(b, "HB:BOX1").head = other.head;
                log(b, "HB:BOX1").proof = other.proof;
            }),
            ("a day in a log of entries", |b| {
                log(b, "HB:BOX1").days = vec![ledger::bundle::Day { bucket: 1, height: 1 }];
            }),
            ("another bucket", |b| log(b, "HB:BOX1").bucket = 1),
            ("a kind that is none", |b| b.items[0].logs.last_mut().unwrap().kind = 9),
            ("logs descend", |b| b.items[0].logs.reverse()),
            ("a log twice", |b| {
                let again = b.items[0].logs[0].clone();
                b.items[0].logs.insert(0, again);
            }),
            ("a part in place of the log", |b| {
                let log = log(b, "HB:BOX1");
                log.first = 1;
                drop(log.entries.remove(0));
                log.cover = vec![vec![0; 32]];
            }),
        ],
    );
    expect![[r#"
        an entry twice
          D4 items[0].logs[0].entries: too many events: "HB:BOX1" has 6 records, 7 shown
        an entry in place of another
          D4 items[0].logs[0].entries[2]: the record of height 3 is out of order, or later than the answer
        an entry of another log
          D4 items[0].logs[0].entries[0]: receipt 0 of height 1 does not name the subject
        two entries swapped
          D4 items[0].logs[0].entries[2]: the record of height 3 is out of order, or later than the answer
        another height
          D4 items[0].logs[0]: the records of "HB:BOX1" are not those that were signed
        a height above the answer
          D4 items[0].logs[0].entries[5]: the record of height 9 is out of order, or later than the answer
        another receipt index
          D4 items[0].logs[0]: the records of "HB:BOX1" are not those that were signed
        a wrong number
          D4 items[0].logs[0].entries[0]: the logs: index is 1, expected 0
        a byte of the receipt
          D4 items[0].logs[0].entries[0].body: the body: not what the digest stands for
        another code in the receipt
          D4 items[0].logs[0].entries[0]: a receipt of code 1 has no place in this log
        a byte of the links
          D4 items[0].logs[0].entries[0].links: the links of the receipt: not what the digest stands for
        no links
          D4 items[0].logs[0].entries[0].links: the links of the receipt: not what the digest stands for
        a byte of the alerts
          D4 items[0].logs[0].entries[0].alerts: the alerts of the receipt: not what the digest stands for
        a byte of the body
          D4 items[0].logs[0].entries[0].body: the body: not what the digest stands for
        a step's record in place of an operation
          D4 items[0].logs[0].entries[0].body: the body: not what the digest stands for
        a log said to be empty
          D4 items[0].logs[0]: the state proof does not hold: the siblings lead to another root
        a log said to be absent, with entries
          D4 items[0].logs[0]: the state proof does not hold: the siblings lead to another root
        a byte of the head
          D4 items[0].logs[0]: the state proof does not hold: the siblings lead to another root
        a short head
          D4 items[0].logs[0]: the state proof does not hold: the siblings lead to another root
        no state proof
          D4 items[0].logs[0].proof: the state values: missing
        the head of another subject
          D4 items[0].logs[0]: the state proof does not hold: the siblings lead to another root
        a day in a log of entries
          D4 items[0].logs[0]: bucket 0 does not fit the kind of the log or its content
        another bucket
          D4 items[0].logs: the logs: not in strictly ascending order
        a kind that is none
          D4 items[0].logs[6]: the logs: 9 is out of range
        logs descend
          D4 items[0].logs: the logs: not in strictly ascending order
        a log twice
          D4 items[0].logs: the logs: not in strictly ascending order
        a part in place of the log
          D4 items[0].logs[0]: the records of "HB:BOX1" are not those that were signed
    "#]].assert_eq(&text);
}

/// Height 8 changes HB:BOX1 and TJ:A1; a head of height 7 in an answer for height 8 hides that.
#[test]
fn a_stale_log_head_is_refused() {
    let world = story::world();
    let mut bundle = trace_back(&world);
    let stale = world.log(7, &a_unit("HB:BOX1"), 0);
    *log(&mut bundle, "HB:BOX1") = stale;
    let text = refusals(&world, &bundle, &[("stale", |_| ())]);
    expect![[r#"
        stale
          D4 items[0].logs[0]: the state proof does not hold: the siblings lead to another root
    "#]]
    .assert_eq(&text);
}

#[test]
fn an_answer_of_an_older_height_is_complete_as_of_that_height() {
    let world = story::world();
    let mut bundle = world.bundle(&[0, 1, 2]);
    let (item, claim) = world.trace(4, &[a_unit("HB:BOX1")], Direction::Both, 100);
    world.say(&mut bundle, item, ledger::bundle::ClaimKind::Trace(claim));
    accept(&world, &bundle);
}

#[test]
fn parts_of_logs_refuse_every_forgery() {
    let world = story::world();
    let mut bundle = world.bundle(&[0, 1, 2]);
    let mut item = world.item(8);
    item.logs = vec![world.log_part(8, &a_unit("HB:BOX1"), 1, 4)];
    bundle.items.push(item);
    accept(&world, &bundle);
    let text = refusals(
        &world,
        &bundle,
        &[
            ("another start", |b| {
                b.items[0].logs[0].first = 2;
                for entry in &mut b.items[0].logs[0].entries {
                    entry.index += 1;
                }
            }),
            ("an entry left out", |b| {
                b.items[0].logs[0].entries.pop();
            }),
            ("no entry", |b| b.items[0].logs[0].entries.clear()),
            ("a subtree short", |b| {
                b.items[0].logs[0].cover.pop();
            }),
            ("a subtree more", |b| b.items[0].logs[0].cover.push(vec![0; 32])),
            ("a byte of a subtree", |b| b.items[0].logs[0].cover[0][0] ^= 1),
            ("a start beyond all numbers", |b| {
                b.items[0].logs[0].first = u64::MAX;
                b.items[0].logs[0].entries[0].index = u64::MAX;
                b.items[0].logs[0].entries.truncate(1);
            }),
            ("passed off as complete", |b| {
                b.items[0].logs[0].first = 0;
                b.items[0].logs[0].cover.clear();
                renumber(&mut b.items[0].logs[0]);
            }),
        ],
    );
    expect![[r#"
        another start
          D4 items[0].logs[0]: the records of "HB:BOX1" are not those that were signed
        an entry left out
          D4 items[0].logs[0]: the subtrees of a part of a log do not fit the records shown
        no entry
          D4 items[0].logs[0]: the subtrees of a part of a log do not fit the records shown
        a subtree short
          D4 items[0].logs[0]: the subtrees of a part of a log do not fit the records shown
        a subtree more
          D4 items[0].logs[0]: the subtrees of a part of a log do not fit the records shown
        a byte of a subtree
          D4 items[0].logs[0]: the records of "HB:BOX1" are not those that were signed
        a start beyond all numbers
          D4 items[0].logs[0]: the subtrees of a part of a log do not fit the records shown
        passed off as complete
          D4 items[0].logs[0].entries: events 4, 5, 6 are missing: "HB:BOX1" has 6 records
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_subject_longer_than_any_code_is_refused_before_it_is_hashed() {
    let world = story::world();
    let text = refusals(
        &world,
        &trace_back(&world),
        &[
            ("512 bytes", |b| log(b, "HB:BOX1").subject = vec![b'A'; 512]),
            ("513 bytes", |b| log(b, "HB:BOX1").subject = vec![b'A'; 513]),
            ("a length that no path can hold", |b| {
                log(b, "HB:BOX1").subject = vec![b'A'; 65_531];
            }),
        ],
    );
    expect![[r#"
        512 bytes
          D4 items[0].logs[0]: the state proof does not hold: the siblings lead to another root
        513 bytes
          D4 items[0].logs[0]: the logs: malformed, subject: 513 is above the limit of 512
        a length that no path can hold
          D4 items[0].logs[0]: the logs: malformed, subject: 65531 is above the limit of 512
    "#]]
    .assert_eq(&text);
}
