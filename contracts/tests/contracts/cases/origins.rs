//! Two declarations within one lot of many boxes.

use proto::operation::Operation;
use proto::schema::OperationKind;
use proto::schema::event::Event;

use super::settled;
use crate::harness::{BJ, HE, Who, at, boxes, event, item, platform, receive, taken};
use crate::risk::{coding, settling};

/// Boxes of the lot: more than a look at a part of it would see.
const BOXES: usize = 400;

/// Worlds in which the second declaration comes last, each at another box.
const LATE: usize = 40;

/// Worlds in which it comes first. Each executes the delivery anew, so they are fewer.
const EARLY: usize = 4;

fn name(number: usize) -> String {
    format!("BOX-{number:03}")
}

/// The coding of the lot, and its delivery under the receiver's own codes.
fn delivery() -> [(Who, Operation); 2] {
    let lines = (0..BOXES).map(|number| taken(&name(number), "L", boxes(1))).collect();
    [(platform(HE), coding(1, "L")), (platform(BJ), receive(60, ("p-bj", "p-he"), "D-1", lines))]
}

/// An inspection that says of one box that it came in under another declaration.
fn second(number: usize) -> (Who, Operation) {
    let seen = Event {
        declaration: "020220211000099999-2".to_owned(),
        ..at(2, "p-bj", vec![item(&name(number), boxes(1))])
    };
    (platform(BJ), event(OperationKind::CustomsInspection, seen))
}

/// The boxes that the worlds are about, spread over the lot.
fn chosen() -> impl Iterator<Item = usize> {
    (0..LATE).map(|world| world * 7_919 % BOXES)
}

#[test]
fn a_second_declaration_on_one_of_400_boxes_is_a_conflict_whichever_box_and_whenever_it_comes() {
    let mut delivered = settling();
    delivered.block(&delivery());
    let mut late = Vec::new();
    for number in chosen() {
        let mut chain = delivered.clone();
        chain.block(&[second(number)]);
        late.push(settled(&mut chain, "R22"));
    }
    let missed: Vec<String> = chosen()
        .zip(&late)
        .filter(|(_, found)| found.is_empty())
        .map(|(box_of, _)| name(box_of))
        .collect();
    assert!(missed.is_empty(), "no R22 in {} of {LATE} worlds: {missed:?}", missed.len());
    for (number, late) in chosen().zip(late).take(EARLY) {
        let mut chain = settling();
        chain.block(&[second(number)]);
        chain.block(&delivery());
        assert_eq!(settled(&mut chain, "R22"), late, "{} first", name(number));
    }
}
