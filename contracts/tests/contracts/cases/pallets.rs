//! A pallet carries one thing after another: only what lay in it when it went on went with it.

use proto::operation::Operation;
use proto::schema::OperationKind;
use proto::schema::event::Event;

use super::settled;
use crate::correction::{correction, permutations};
use crate::harness::{BJ, HE, Who, at, boxes, code, event, gs1, item, platform, ship};
use crate::risk::{coding, settling};

/// Minutes of a year.
const YEAR: u64 = 525_600;

fn filled(minute: u64, kind: OperationKind, name: &str) -> Operation {
    event(kind, Event { container: gs1("PALLET"), ..at(minute, "p-he", vec![code(name)]) })
}

fn gone(minute: u64, document: &str) -> (Who, Operation) {
    let goods = vec![item("PALLET", boxes(1))];
    (platform(HE), ship(minute, ("p-he", "p-bj"), document, goods))
}

/// Whatever the order, each operation in a block of its own, the same alerts are active in the end.
fn check(operations: &[(Who, Operation)], expected: &[&str]) {
    for order in permutations(operations.len()) {
        let mut chain = settling();
        for index in &order {
            chain.block(&[operations[*index].clone()]);
        }
        assert_eq!(settled(&mut chain, "R"), expected, "order {order:?}");
    }
}

/// Uncertified beef that lay on the pallet from minute 2 to minute 9.
fn beef() -> [(Who, Operation); 3] {
    let he = platform(HE);
    [
        (he, coding(1, "BEEF")),
        (he, filled(2, OperationKind::Pack, "BEEF")),
        (he, filled(9, OperationKind::Unpack, "BEEF")),
    ]
}

#[test]
fn a_pallet_that_carried_uncertified_goods_last_year_and_ships_cabbage_today_says_nothing_of_them()
{
    let cabbage = (platform(HE), filled(YEAR, OperationKind::Pack, "CABBAGE"));
    let all = [&beef()[..], &[cabbage, gone(YEAR + 10, "D-2")]].concat();
    check(&all, &[]);
}

#[test]
fn a_pallet_that_left_while_the_goods_lay_on_it_took_them_along_though_they_were_unpacked_later() {
    let all = [&beef()[..], &[gone(5, "D-1")]].concat();
    check(&all, &["R01 Orange [\"BEEF\"]"]);
    let empty = [&beef()[..], &[gone(10, "D-1")]].concat();
    check(&empty, &[]);
}

#[test]
fn goods_that_are_packed_again_go_with_the_pallet_again() {
    let again = (platform(HE), filled(YEAR, OperationKind::Pack, "BEEF"));
    let all = [&beef()[..], &[again.clone(), gone(YEAR + 10, "D-2")]].concat();
    check(&all, &["R01 Orange [\"BEEF\"]"]);
    let between = [&beef()[..], &[again, gone(100, "D-2")]].concat();
    check(&between, &[]);
}

#[test]
fn a_corrected_time_of_unpacking_changes_with_what_the_goods_went() {
    let unpacked = filled(9, OperationKind::Unpack, "BEEF");
    let later = Event { container: gs1("PALLET"), ..at(30, "p-he", vec![code("BEEF")]) };
    let fixed = correction("later", (40, unpacked.uid), OperationKind::Unpack, Some(later));
    let all = [&beef()[..], &[gone(20, "D-1"), (platform(HE), fixed)]].concat();
    check(&all, &["R01 Orange [\"BEEF\"]"]);
}

#[test]
fn what_was_sold_out_of_a_pallet_of_another_year_is_not_sold_with_it() {
    let cabbage = (platform(HE), filled(YEAR, OperationKind::Pack, "CABBAGE"));
    let sold = event(OperationKind::Sale, at(YEAR + 20, "p-bj", vec![item("PALLET", boxes(1))]));
    let mut chain = settling();
    let came = event(OperationKind::OpeningStock, at(1, "p-bj", vec![item("PALLET", boxes(1))]));
    chain.block(&[&beef()[..], &[cabbage, (platform(BJ), came), (platform(BJ), sold)]].concat());
    assert_eq!(settled(&mut chain, "R"), [""; 0]);
}
