//! What is refused, with which code, and what a refusal leaves behind: one link and nothing else.

use contracts::execute::may_submit;
use contracts::refusal::{Refusal, TABLE, reason};
use proto::codec::Canonical as _;
use proto::limits::SUBJECT_BYTES_MAX;
use proto::operation::Operation;
use proto::receipt::{Links, Role, SubjectKind};
use proto::schema::event::{Event, Observation};
use proto::schema::{Body, OperationKind};
use proto::submitter::SubmitterRole;

use crate::harness::{
    BJ, Chain, HE, Who, agency, at, boxes, event, gs1, item, operation, operation_with, platform,
    regulator, uid,
};

#[test]
fn each_role_submits_its_own_types_and_no_other() {
    for kind in OperationKind::ALL {
        let expected = match kind.code() {
            1..=6 | 48 => "pr-",
            16..=34 => "p--",
            49..=51 | 64 => "-r-",
            80 | 81 => "-ra",
            96 | 112..=114 => "--a",
            other => panic!("type {other} has no line in this table"),
        };
        let found: String = [
            (SubmitterRole::Platform, 'p'),
            (SubmitterRole::Regulator, 'r'),
            (SubmitterRole::Agency, 'a'),
        ]
        .into_iter()
        .map(|(role, letter)| if may_submit(role, *kind) { letter } else { '-' })
        .collect();
        assert_eq!(found, expected, "{}", kind.name());
    }
}

#[test]
fn a_refusal_of_a_known_key_has_one_link_to_its_party_and_changes_nothing() {
    let mut chain = Chain::new();
    let sale = event(OperationKind::Sale, at(0, "p", vec![item("A", boxes(1))]));
    for who in [regulator(BJ), agency(HE)] {
        let before = chain.entries.clone();
        let outcome = chain.one(who, sale.clone());
        assert_eq!(outcome.code, 11, "{who:?}");
        let [link] = outcome.links.as_slice() else { panic!("one link") };
        assert_eq!(link.role, Role::Other);
        assert_eq!(link.subject.kind, SubjectKind::Party);
        assert_eq!(link.subject.key, who.party().into_bytes());
        assert!(outcome.alerts.as_slice().is_empty());
        assert_eq!(outcome.day, None);
        assert_eq!(without_clock(&chain), without_clock_of(before));
    }
}

#[test]
fn an_unknown_key_is_refused_without_a_link() {
    let mut chain = Chain::new();
    let sale = event(OperationKind::Sale, at(0, "p", vec![item("A", boxes(1))]));
    let outcome = chain.one(Who(9, SubmitterRole::Platform), sale);
    assert_eq!((outcome.code, outcome.links.as_slice().len()), (10, 0));
    assert_eq!(outcome.refusal, Some(Refusal::UnknownSubmitter));
}

#[test]
fn the_same_bytes_again_are_recorded_before_and_other_bytes_reuse_the_identity() {
    let mut chain = Chain::new();
    let first = event(OperationKind::Sale, at(0, "p", vec![item("A", boxes(1))]));
    let other = Operation {
        uid: first.uid,
        ..event(OperationKind::Sale, at(0, "p", vec![item("A", boxes(2))]))
    };
    assert_eq!(chain.one(platform(BJ), first.clone()).code, 0);
    let before = chain.entries.clone();
    let again = chain.one(platform(BJ), first.clone());
    assert_eq!((again.code, again.links.as_slice().len()), (1, 0));
    let reused = chain.one(platform(BJ), other.clone());
    assert_eq!((reused.code, reused.links.as_slice().len()), (2, 1));
    assert_eq!(reused.refusal, Some(Refusal::OpUidReused { height: 1 }));
    assert_eq!(without_clock(&chain), without_clock_of(before));
    // An identity belongs to its agency: another agency's record of that number is another record.
    assert_eq!(chain.one(platform(HE), other).code, 0);
    // Within one block the same holds.
    let twice = event(OperationKind::Sale, at(1, "p", vec![item("A", boxes(1))]));
    let done = chain.block(&[(platform(BJ), twice.clone()), (platform(BJ), twice)]);
    assert_eq!([done.outcomes[0].code, done.outcomes[1].code], [0, 1]);
}

#[test]
fn what_was_refused_may_be_submitted_again() {
    let mut chain = Chain::new();
    chain.limits.max_links = 2;
    let sale = event(OperationKind::Sale, at(0, "p", vec![item("A", boxes(1))]));
    assert_eq!(chain.one(platform(BJ), sale.clone()).code, 12);
    chain.limits.max_links = 3;
    assert_eq!(chain.one(platform(BJ), sale).code, 0);
}

#[test]
fn a_station_is_changed_by_the_agency_that_registered_it_alone() {
    use proto::schema::registry::Station;
    let mut chain = Chain::new();
    let register = |id: &str, name: &str| {
        let (id, name) = (id.to_owned(), name.to_owned());
        let body = Body::Station(Station { id, name, ..Station::default() });
        operation(OperationKind::Station, &body)
    };
    let name = |chain: &Chain, key: &str| {
        let found = contracts::registry::station(&chain.rows(), key.as_bytes()).unwrap();
        found.and_then(|held| held.entry).map(|entry| entry.name).unwrap_or_default()
    };
    let uri = "urn:epc:id:sgln:6930000.00002.0";
    assert_eq!(chain.one(platform(HE), register(uri, "冀")).code, 0);
    assert_eq!(chain.one(platform(HE), register("CK01", "冀一")).code, 0);
    // What admission would refuse is no way around it either.
    for (id, key) in
        [(uri, uri), ("ｕｒｎ:epc:id:sgln:6930000.00002.0", uri), ("2：CK01", "2:CK01")]
    {
        let before = name(&chain, key);
        let refused = chain.one(platform(BJ), register(id, "京"));
        let expected = Refusal::StationForeign { station: key.to_owned(), agency: 2 };
        assert_eq!(refused.refusal, Some(expected), "{id}");
        assert_eq!(name(&chain, key), before);
    }
    assert_eq!(chain.one(regulator(HE), register(uri, "冀改")).code, 0);
    assert_eq!(name(&chain, uri), "冀改");
    assert_eq!(chain.one(platform(BJ), register("CK01", "京一")).code, 0, "its own CK01");
    assert_eq!(name(&chain, "2:CK01"), "冀一");
}

#[test]
fn more_subjects_than_an_operation_may_name_are_refused_whole() {
    let mut chain = Chain::new();
    let limit = chain.limits.max_links;
    let seen = |count: u16| {
        let codes = (0..count).map(|number| gs1(&format!("u{number:05}"))).collect();
        let seen = Observation { occurred_ms: 86_400_000, codes, ..Observation::default() };
        operation(OperationKind::Observation, &Body::Observation(seen))
    };
    assert_eq!(chain.one(platform(BJ), seen(limit)).code, 0);
    let outcome = chain.one(platform(BJ), seen(limit + 1));
    let found = usize::from(limit) + 1;
    assert_eq!(outcome.refusal, Some(Refusal::TooManySubjects { found, limit }));
    assert_eq!(outcome.links.as_slice().len(), 1);
}

#[test]
fn execution_is_total_over_bytes_that_admission_would_refuse() {
    let mut chain = Chain::new();
    let sale = event(OperationKind::Sale, at(0, "p", vec![item("A", boxes(1))]));
    for (kind, body) in [(0, vec![]), (999, vec![]), (30, vec![0xff]), (112, vec![0x0a, 9])] {
        let broken = Operation { kind, body: body.clone(), uid: uid("broken"), ..sale.clone() };
        for role in SubmitterRole::ALL {
            let outcome = chain.one(Who(BJ, role), broken.clone());
            assert!([11, 13].contains(&outcome.code), "type {kind} body {body:?} {role:?}");
        }
    }
    // An empty body is canonical protobuf of most types: nothing is named, and nothing breaks.
    for kind in OperationKind::ALL {
        let body = Body::decode(*kind, &[]).unwrap();
        for role in SubmitterRole::ALL {
            let uid = uid(&format!("{kind:?} {role:?}"));
            chain.one(Who(BJ, role), operation_with(*kind, uid, &body));
        }
    }
}

#[test]
fn a_subject_that_no_link_holds_is_refused_though_admission_was_passed_by() {
    let mut chain = Chain::new();
    let at_station = |station: String| {
        let sold = at(0, "p", vec![item("A", boxes(1))]);
        event(OperationKind::Sale, Event { station, ..sold })
    };
    let limit = usize::from(SUBJECT_BYTES_MAX);
    let longest = chain.one(platform(BJ), at_station("s".repeat(limit - 2)));
    assert_eq!(longest.code, 0);
    let read = Links::decode(&longest.links.encode());
    assert_eq!(read.as_ref(), Ok(&longest.links), "the receipt can be read again");
    let longer = chain.one(platform(BJ), at_station("s".repeat(limit - 1)));
    assert_eq!((longer.code, longer.links.as_slice().len()), (13, 1));
}

#[test]
fn every_refusal_has_a_code_a_reason_and_a_sentence_of_its_own() {
    let mut codes: Vec<u16> = TABLE.iter().map(|(code, ..)| *code).collect();
    let mut reasons: Vec<&str> = TABLE.iter().map(|(_, reason, ..)| *reason).collect();
    codes.dedup();
    assert!(codes.is_sorted(), "the table ascends");
    assert_eq!(codes.len(), TABLE.len());
    reasons.sort_unstable();
    reasons.dedup();
    assert_eq!(reasons.len(), TABLE.len());
    for (code, name, zh, en) in TABLE {
        assert_eq!(reason(*code), Some(*name));
        assert!(!zh.is_ascii() && en.is_ascii(), "{name}");
    }
    assert_eq!((reason(0), reason(1)), (Some("ACCEPTED"), Some("ALREADY_RECORDED")));
    assert_eq!(reason(9_999), None);
    let refusal = Refusal::MatchOverAllocated {
        shipped: "100 XBX".to_owned(),
        matched: "120 XBX".to_owned(),
    };
    assert_eq!(refusal.zh(), "超量匹配：发出 100 XBX，匹配 120 XBX");
    assert_eq!(refusal.en(), "100 XBX shipped, 120 XBX would be matched");
}

/// The state without the walk of deadlines, which goes on with every block.
fn without_clock(chain: &Chain) -> crate::harness::Entries {
    without_clock_of(chain.entries.clone())
}

fn without_clock_of(mut entries: crate::harness::Entries) -> crate::harness::Entries {
    entries.remove(&(proto::trie::Namespace::Sys, b"due".to_vec()));
    entries
}
