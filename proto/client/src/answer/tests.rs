//! Which true proofs answer which questions.

use ledger::words::{At, TraceFacts};
use proto::codec::Canonical as _;
use proto::operation::{OpUid, Operation, Salt};
use proto::receipt::{Link, Role, Subject};
use proto::schema::event::{Event as Body, Item};
use proto::schema::{Body as AnyBody, OperationKind};
use proto::{ChainId, Hash, Height, TimeMs};
use verify::{Level, VerifiedClaim};

use super::*;

const KEY: &str = "BJ:110105:0690:0011";
const CODE: &str = "BJ1101050690001176";

fn link(key: &str) -> Link {
    Link { role: Role::Other, subject: Subject::unit(key) }
}

fn event(links: &[&str], codes: &[&str]) -> Event {
    let item = |code: &&str| Item { code: (*code).to_owned(), ..Item::default() };
    let body = Body { items: codes.iter().map(item).collect(), ..Body::default() };
    let operation = Operation {
        kind: OperationKind::Split.code(),
        version: 1,
        uid: OpUid([1; 16]),
        salt: Salt([2; 16]),
        body: AnyBody::Event(body).encode(),
    };
    Event {
        height: Height::new(3),
        receipt_index: Some(1),
        code: Some(0),
        system: false,
        links: links.iter().map(|key| link(key)).collect(),
        alerts: Vec::new(),
        body: Some(operation.encode()),
    }
}

/// A step of the system whose record is withheld.
fn step(links: &[&str]) -> Event {
    Event { system: true, body: None, ..event(links, &[]) }
}

fn part(starts: &[(&str, bool)], events: Vec<Event>) -> TracePart {
    let starts: Vec<_> = starts.iter().map(|(key, found)| (Subject::unit(*key), *found)).collect();
    TracePart {
        starts: starts.iter().map(|(start, _)| start.clone()).collect(),
        facts: TraceFacts {
            at: At { height: Height::new(8), time: TimeMs::new(0) },
            direction: Direction::Back,
            starts,
            subjects: 1,
            events: events.len(),
            withheld: 0,
            truncated: 0,
            backfill: Vec::new(),
        },
        walk: <_>::default(),
        truncated: Vec::new(),
        events,
    }
}

fn report(details: Vec<Detail>) -> Report {
    let claim = |detail| VerifiedClaim { words: Words::new("某事", "something"), detail };
    Report {
        chain: ChainId(Hash::new([7; 32])),
        size: 9,
        root: Hash::new([8; 32]),
        head_height: Height::new(8),
        head_time: TimeMs::new(0),
        epoch_closed: false,
        level: Level::Certified,
        steps: Vec::new(),
        weak: Vec::new(),
        trust: Words::default(),
        claims: details.into_iter().map(claim).collect(),
        parts: Vec::new(),
    }
}

fn traced(part: TracePart) -> Detail {
    Detail::Trace(Box::new(part))
}

fn back(code: &str) -> Question<'_> {
    Question { code, agency: None, direction: Direction::Back, height: None }
}

#[test]
fn a_recorded_start_is_the_code_that_its_records_and_its_key_name() {
    for (key, named, asked, expected) in [
        (KEY, CODE, CODE, true),
        (KEY, "bj1101050690001176", " BJ1101050690001176", true),
        (KEY, "ＢＪ1101050690001176", CODE, true),
        (KEY, CODE, "https://demo.invalid/bj?c=BJ1101050690001176", true),
        (KEY, "https://demo.invalid/bj?c=%42%4A1101050690001176#top", CODE, true),
        (
            KEY,
            "https://demo.invalid/bj?c=BJ1101050690001176",
            "HTTP://demo.invalid/bj?x=1&c=%42J1101050690001176",
            true,
        ),
        (KEY, "京冷链:BJ1101050690001176", CODE, true),
        // The log of what was made of the code names it too: its key has other parts.
        ("BJ:110105:0690:0012", CODE, CODE, false),
        ("TJ:020220211000012345:001", CODE, CODE, false),
        // The parts fit, and nothing recorded says that they are the code's.
        (KEY, "BJ1101050690001299", CODE, false),
        (KEY, " ", CODE, false),
        ("OPAQUE:1:批-7", "批-7", "批-7", true),
        ("OPAQUE:1:批-7", "批-7", "批-8", false),
        ("OPAQUE:1:批-7", "批-7", "7", false),
        ("GS1:urn:epc:id:sscc:4012345.0000000001", "x", "urn:epc:id:sscc:4012345.0000000001", true),
        (
            "GS1:urn:epc:id:sscc:4012345.0000000001",
            "x",
            "urn:epc:id:sscc:4012345.0000000002",
            false,
        ),
    ] {
        let events = vec![event(&[key], &["another", named])];
        let found = trace(&report(vec![traced(part(&[(key, true)], events))]), &back(asked));
        assert_eq!(found.is_ok(), expected, "{key}, recorded as {named}, asked as {asked}");
    }
    let of_another = event(&["BJ:110105:0690:0012"], &[CODE]);
    let found = trace(&report(vec![traced(part(&[(KEY, true)], vec![of_another]))]), &back(CODE));
    assert!(found.is_err(), "a record of another unit says nothing of the start");
}

#[test]
fn a_code_that_a_scheme_came_to_read_is_the_unit_that_the_system_made_of_it() {
    for (kept, expected) in [(CODE, true), ("BJ1101050690001299", false)] {
        let step = step(&[KEY, &format!("OPAQUE:0:{kept}")]);
        let found = trace(&report(vec![traced(part(&[(KEY, true)], vec![step]))]), &back(CODE));
        assert_eq!(found.is_ok(), expected, "{kept}");
    }
}

#[test]
fn nothing_recorded_answers_for_the_code_alone() {
    for (starts, agency, expected) in [
        (&[(KEY, false)][..], None, true),
        (&[("BJ:110105:0690:0012", false)], None, false),
        (&[("OPAQUE:0:BJ1101050690001176", false)], None, true),
        (&[("OPAQUE:0:BJ1101050690001176", false)], Some(0), true),
        (&[("OPAQUE:0:BJ1101050690001176", false)], Some(1), false),
        (
            &[("OPAQUE:0:BJ1101050690001176", true), ("OPAQUE:1:BJ1101050690001176", true)],
            None,
            true,
        ),
        (&[("OPAQUE:0:BJ1101050690001176", true), ("OPAQUE:1:other", true)], None, false),
        (&[], None, false),
    ] {
        let found = report(vec![traced(part(starts, Vec::new()))]);
        let found = trace(&found, &Question { agency, ..back(CODE) });
        assert_eq!(found.is_ok(), expected, "{starts:?} for {agency:?}");
    }
}

#[test]
fn a_trace_in_another_direction_at_another_height_or_with_more_is_refused_by_name() {
    let one = || traced(part(&[(KEY, false)], Vec::new()));
    let receipt = || Detail::Receipt(event(&[KEY], &[CODE]));
    for (details, direction, height, expected) in [
        (vec![one()], Direction::Back, None, true),
        (vec![one()], Direction::Back, Some(8), true),
        (vec![one()], Direction::Back, Some(7), false),
        (vec![one()], Direction::Forward, None, false),
        (vec![one()], Direction::Both, None, false),
        (vec![one(), one()], Direction::Back, None, false),
        (vec![one(), receipt()], Direction::Back, None, false),
        (vec![receipt()], Direction::Back, None, false),
        (vec![Detail::State], Direction::Back, None, false),
        (vec![], Direction::Back, None, false),
    ] {
        let case = format!("{} claims, {direction:?}, {height:?}", details.len());
        let asked = Question { direction, height, ..back(CODE) };
        let found = trace(&report(details), &asked);
        assert_eq!(found.is_ok(), expected, "{case}");
        let said = found.err().unwrap_or_default();
        assert!(expected || (said.en.contains(CODE) && said.zh.contains(CODE)), "{case}: {said:?}");
    }
    let said = trace(&report(vec![receipt()]), &back(CODE)).expect_err("a receipt is no trace");
    assert!(said.en.ends_with("proven is something") && said.zh.ends_with("某事"), "{said:?}");
}

#[test]
fn a_proof_of_another_receipt_is_refused() {
    let one = || Detail::Receipt(event(&[KEY], &[CODE]));
    for (details, asked, expected) in [
        (vec![one()], (3, 1), true),
        (vec![Detail::Event(event(&[KEY], &[CODE]))], (3, 1), true),
        (vec![one()], (3, 2), false),
        (vec![one()], (4, 1), false),
        (vec![one(), one()], (3, 1), false),
        (vec![traced(part(&[(KEY, false)], Vec::new()))], (3, 1), false),
        (vec![], (3, 1), false),
    ] {
        let case = format!("{} claims, asked for {asked:?}", details.len());
        assert_eq!(receipt(&report(details), asked).is_ok(), expected, "{case}");
    }
}
