//! A correction that is there before the event that it corrects.

use std::collections::BTreeSet;

use proto::operation::Operation;
use proto::receipt::{Link, Subject, SubjectKind};
use proto::schema::event::Event;
use proto::schema::{Body, OperationKind};

use crate::correction::correction;
use crate::harness::{
    Chain, Outcome, Step, TJ, at, boxes, event, item, kilograms, operation_with, platform, uid,
};

fn stored(name: &str, count: u64) -> Event {
    Event {
        document: "RK-26".to_owned(),
        counterparty: "p-he".to_owned(),
        counterparty_station: "st-p-he".to_owned(),
        vehicle: "津A12345".to_owned(),
        person: "ab".repeat(32),
        certificates: vec!["C-26".to_owned()],
        ..at(10, "p-tj", vec![item(name, boxes(count)), item("BESIDE", kilograms(1))])
    }
}

fn subjects(links: &[Link]) -> BTreeSet<Subject> {
    links.iter().map(|link| link.subject.clone()).collect()
}

/// Subjects whose logs hold a correction: by its own receipt, or by steps that name it.
fn told<'a>(
    own: &Outcome,
    steps: impl Iterator<Item = &'a Step>,
    correction: &Operation,
) -> BTreeSet<Subject> {
    let mut found = subjects(own.links.as_slice());
    for step in steps {
        let uid = &correction.uid.0;
        if step.record.windows(uid.len()).any(|window| window == uid) {
            found.extend(subjects(step.links.as_slice()));
        }
    }
    found
}

/// The correction first, in a block of its own or in that of the event: the log of each subject of the
/// event holds it. And the same subjects as when the event comes first.
fn check(event: &Operation, corrections: &[Operation], in_force: usize) {
    let tj = platform(TJ);
    for is_one_block in [false, true] {
        let mut chain = Chain::new();
        let first: Vec<_> = corrections.iter().map(|one| (tj, one.clone())).collect();
        let second = vec![(tj, event.clone())];
        let blocks =
            if is_one_block { vec![[first, second].concat()] } else { vec![first, second] };
        let done: Vec<_> = blocks.iter().map(|block| chain.block(block)).collect();
        let outcomes: Vec<&Outcome> = done.iter().flat_map(|done| &done.outcomes).collect();
        assert!(outcomes.iter().all(|outcome| outcome.code == 0), "all are facts");
        let own = outcomes[in_force];
        let steps = done.iter().flat_map(|done| &done.steps);
        let holding = told(own, steps, &corrections[in_force]);
        let of_event = subjects(outcomes[corrections.len()].links.as_slice());
        let without: Vec<String> = of_event
            .difference(&holding)
            .map(|subject| format!("{:?} {}", subject.kind, String::from_utf8_lossy(&subject.key)))
            .collect();
        let (count, shown) = (without.len(), without.iter().take(9).collect::<Vec<_>>());
        assert!(count == 0, "{count} logs do not hold the correction: {shown:#?}");
    }
}

#[test]
fn a_correction_that_takes_back_an_event_still_to_come_stands_in_the_log_of_each_of_its_subjects() {
    let stated = event(OperationKind::StorageIn, stored("C26N-2", 100));
    let never = correction("never", (20, stated.uid), OperationKind::StorageIn, None);
    check(&stated, &[never], 0);
}

#[test]
fn a_correction_of_code_place_or_amount_stands_in_the_logs_of_an_event_still_to_come() {
    let stated = event(OperationKind::StorageIn, stored("C26N-2", 100));
    let other =
        Event { party: "p-2".to_owned(), station: "S-2".to_owned(), ..stored("C26N-3", 90) };
    for fixed in [stored("C26N-3", 100), stored("C26N-2", 90), other] {
        let fixed = correction("fixed", (20, stated.uid), OperationKind::StorageIn, Some(fixed));
        check(&stated, &[fixed], 0);
    }
}

#[test]
fn of_two_corrections_before_their_event_the_one_in_force_stands_in_its_logs() {
    let stated = event(OperationKind::StorageIn, stored("C26N-2", 100));
    let of = |name, minute, event| {
        correction(name, (minute, stated.uid), OperationKind::StorageIn, event)
    };
    let (first, last) = (of("first", 20, Some(stored("C26N-3", 100))), of("last", 30, None));
    check(&stated, &[first.clone(), last.clone()], 1);
    check(&stated, &[last, first], 0);
}

#[test]
fn a_correction_of_a_correction_before_the_event_stands_in_its_logs() {
    let stated = event(OperationKind::StorageIn, stored("C26N-2", 100));
    let kind = OperationKind::StorageIn;
    let first = correction("first", (20, stated.uid), kind, Some(stored("C26N-3", 100)));
    let second = correction("second", (30, first.uid), kind, None);
    check(&stated, &[second, first], 0);
}

#[test]
fn an_event_of_more_subjects_than_a_receipt_has_room_for_is_told_of_them_all() {
    let lines = (0..900).map(|number| item(&format!("LINE-{number}"), boxes(1))).collect();
    let stated = Event { document: "RK-27".to_owned(), ..at(10, "p-tj", lines) };
    let body = Body::Event(stated);
    let stated = operation_with(OperationKind::StorageIn, uid("many"), &body);
    let never = correction("never", (20, stated.uid), OperationKind::StorageIn, None);
    check(&stated, &[never], 0);
}

#[test]
fn a_subject_without_a_log_of_its_own_is_told_by_day() {
    let stated = event(OperationKind::StorageIn, stored("C26N-2", 100));
    let never = correction("never", (20, stated.uid), OperationKind::StorageIn, None);
    let tj = platform(TJ);
    let mut chain = Chain::new();
    chain.block(&[(tj, never.clone())]);
    let done = chain.block(&[(tj, stated)]);
    let uid = &never.uid.0;
    let names = |step: &&Step| step.record.windows(uid.len()).any(|window| window == uid);
    let steps: Vec<&Step> = done.steps.iter().filter(names).collect();
    let days: BTreeSet<Option<u32>> = steps.iter().map(|step| step.day).collect();
    assert_eq!(days, BTreeSet::from([done.outcomes[0].day]), "the day of the event");
    let named = steps.iter().flat_map(|step| step.links.as_slice());
    let stations = named.filter(|link| link.subject.kind == SubjectKind::Station).count();
    assert_eq!(stations, 2);
}
