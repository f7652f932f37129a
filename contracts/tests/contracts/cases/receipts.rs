//! A finding that a late event may settle waits for the settling time.

use proto::operation::Operation;

use crate::harness::{BJ, Chain, HE, Who, boxes, item, platform, receive, ship, taken};
use crate::risk::{settling, wait};

/// Blocks of the settling time, one a second.
const SETTLING: usize = 10;

/// The shipment of a part of a hundred boxes.
fn part(minute: u64, count: u64) -> (Who, Operation) {
    (platform(HE), ship(minute, ("p-he", "p-bj"), "D-1", vec![item("L", boxes(count))]))
}

/// The receipt of all of them.
fn whole() -> (Who, Operation) {
    let lines = vec![taken("B", "L", boxes(100))];
    (platform(BJ), receive(60, ("p-bj", "p-he"), "D-1", lines))
}

/// The first part has come, then the receipt of the whole.
fn received() -> Chain {
    let mut chain = settling();
    assert_eq!(chain.block(&[part(10, 60)]).notices(), [""; 0]);
    let done = chain.block(&[whole()]);
    assert_eq!(done.notices(), [""; 0], "the second part may still come");
    chain
}

#[test]
fn a_receipt_of_the_whole_before_the_second_part_shipment_is_no_conflict_when_that_comes_in_time() {
    let mut chain = received();
    assert_eq!(wait(&mut chain, SETTLING / 2), [""; 0]);
    assert_eq!(chain.active(), [""; 0], "nobody is told before the time");
    assert_eq!(chain.block(&[part(11, 40)]).notices(), [""; 0]);
    assert_eq!(wait(&mut chain, 3 * SETTLING), [""; 0]);
    assert_eq!((chain.active(), chain.status("L", "B")), (Vec::new(), "confirmed"));
}

#[test]
fn more_received_than_sent_is_a_conflict_once_the_settling_time_is_over() {
    let mut chain = received();
    assert_eq!(wait(&mut chain, SETTLING - 2), [""; 0]);
    assert_eq!(wait(&mut chain, 4), ["raised R22"]);
    assert_eq!(chain.active(), ["R22 Red [\"L\", \"B\"]"]);
    assert_eq!(chain.block(&[part(11, 40)]).notices(), ["closed R22"]);
}

#[test]
fn a_surplus_that_comes_back_waits_anew() {
    let mut chain = received();
    wait(&mut chain, SETTLING / 2);
    chain.block(&[part(11, 40)]);
    let more = vec![taken("B", "L", boxes(5))];
    chain.block(&[(platform(BJ), receive(61, ("p-bj", "p-he"), "D-1", more))]);
    assert_eq!(wait(&mut chain, SETTLING - 2), [""; 0], "the first deadline is not the second's");
    assert_eq!(wait(&mut chain, 4), ["raised R22"]);
}
