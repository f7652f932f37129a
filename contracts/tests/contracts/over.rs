//! R12: goods of several codes and at several places, in every order of arrival.

use contracts::query::alert::{Filter, alerts};
use proto::operation::Operation;
use proto::schema::event::Event;
use proto::schema::{Body, OperationKind};

use crate::correction::{correction, permutations};
use crate::harness::{
    BJ, Chain, HE, Who, at, boxes, code, event, gs1, item, platform, receive, short, taken,
};
use crate::risk::{packed, sale, settling, wait};

/// Active alerts: rule, and subjects.
pub(crate) fn active(chain: &Chain) -> Vec<String> {
    let mut lines = Vec::new();
    for view in alerts(&chain.rows(), Filter::Active, 100).unwrap() {
        let subjects: Vec<String> = view.record.subjects.iter().map(|s| short(&s.key)).collect();
        let rule = view.id.split('-').next().unwrap();
        lines.push(format!("{rule} {}", subjects.join(" ")));
    }
    lines.sort();
    lines
}

/// Whatever the order, each operation in a block of its own and settled before the next, the same
/// alerts are active in the end.
fn check(operations: &[(Who, Operation)], expected: &[&str]) {
    for order in permutations(operations.len()) {
        let mut chain = settling();
        for index in &order {
            chain.block(&[operations[*index].clone()]);
            wait(&mut chain, 12);
        }
        assert_eq!(active(&chain), expected, "order {order:?}");
    }
}

fn received(minute: u64, document: &str, count: u64) -> (Who, Operation) {
    let lines = vec![taken("B", "L", boxes(count))];
    (platform(BJ), receive(minute, ("p-bj", "p-he"), document, lines))
}

fn sold(party: &str, name: &str, count: u64) -> (Who, Operation) {
    let sold = at(9, party, vec![item(name, boxes(count))]);
    (platform(BJ), event(OperationKind::Sale, sold))
}

fn made(minute: u64, name: &str, count: u64) -> (Who, Operation) {
    let made = at(minute, "p-he", vec![item(name, boxes(count))]);
    (platform(HE), event(OperationKind::Commission, made))
}

#[test]
fn what_comes_under_one_code_explains_what_leaves_under_another_whichever_is_last() {
    let all = [received(1, "D-1", 10), (platform(BJ), sale(3, "L", 20)), received(2, "D-2", 10)];
    check(&all, &[]);
    // By way of a third code that was never at the station.
    let renamed = receive(1, ("p-he", "p-tj"), "D-0", vec![taken("L", "T", boxes(1))]);
    let all = [(platform(HE), renamed), received(2, "D-1", 20), (platform(BJ), sale(3, "T", 20))];
    check(&all, &[]);
}

#[test]
fn less_under_one_code_is_a_shortage_under_the_other() {
    let much = received(1, "D-1", 20);
    let Body::Event(stated) = Body::decode(OperationKind::Receive, &much.1.body).unwrap() else {
        unreachable!("an event");
    };
    let stated = Event { items: vec![taken("B", "L", boxes(10))], ..stated };
    let less = correction("less", (9, much.1.uid), OperationKind::Receive, Some(stated));
    let all = [much, (platform(BJ), sale(3, "L", 20)), (platform(BJ), less)];
    check(&all, &["R12 L 0:st-p-bj"]);
}

#[test]
fn what_was_packed_is_reckoned_over_all_places_whichever_comes_last() {
    let pack = || packed(platform(HE), 2, "p-he", "BOX");
    let sale = || sold("p-bj", "BOX", 20);
    check(&[made(1, "BOX", 2), pack(), sale(), made(3, "BOX", 18)], &[]);
    check(&[made(1, "BOX", 2), pack(), sale()], &["R12 BOX 0:st-p-bj"]);
    let (one, other) = (sold("p-2", "BOX", 8), sold("p-3", "BOX", 8));
    check(&[made(1, "BOX", 10), pack(), one, other], &["R12 BOX 0:st-p-2", "R12 BOX 0:st-p-3"]);
    // Made under one code, packed and sold under another.
    let renamed = receive(1, ("p-he", "p-he"), "D-0", vec![taken("BOX", "RAW", boxes(20))]);
    check(&[made(1, "RAW", 20), (platform(HE), renamed), pack(), sale()], &[]);
}

#[test]
fn what_a_container_of_a_container_came_in_explains_its_contents_whichever_comes_last() {
    let inside = Event { container: gs1("LORRY"), ..at(3, "p-he", vec![code("PALLET")]) };
    let all = [
        made(1, "BOX", 20),
        packed(platform(HE), 2, "p-he", "BOX"),
        (platform(HE), event(OperationKind::Pack, inside)),
        sold("p-bj", "BOX", 20),
    ];
    check(&all, &[]);
}
