//! Lots of many parts of which one goes on without papers.

use proto::operation::Operation;
use proto::schema::OperationKind;
use proto::schema::event::Event;

use super::settled;
use crate::harness::{BJ, HE, Who, at, boxes, code, event, gs1, item, kilograms, platform, ship};
use crate::risk::{coding, settling};

/// A lot divided into boxes that all lie in one container, and the shipment of the container.
fn packed(count: usize) -> [Vec<(Who, Operation)>; 4] {
    let he = platform(HE);
    let names: Vec<String> = (0..count).map(|number| format!("BOX-{number:03}")).collect();
    let outputs = names.iter().map(|name| item(name, boxes(1))).collect();
    let lot = u64::try_from(count).unwrap();
    let cut = Event { outputs, ..at(2, "p-he", vec![item("L", boxes(lot))]) };
    let contents = names.iter().map(|name| code(name)).collect();
    let pack = Event { container: gs1("CONTAINER"), ..at(3, "p-he", contents) };
    let gone = ship(10, ("p-he", "p-bj"), "D-1", vec![item("CONTAINER", boxes(1))]);
    [
        vec![(he, coding(1, "L"))],
        vec![(he, event(OperationKind::Split, cut))],
        vec![(he, event(OperationKind::Pack, pack))],
        vec![(he, gone)],
    ]
}

#[test]
fn a_container_of_however_many_boxes_of_a_lot_without_papers_is_told_at_the_lot() {
    for count in [200, 300, 700] {
        let parts = packed(count);
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
            let mut chain = settling();
            for at in order {
                chain.block(&parts[at]);
            }
            let found = settled(&mut chain, "R01");
            assert_eq!(found, ["R01 Orange [\"L\"]"], "{count} boxes, order {order:?}");
        }
    }
}

/// A product that was cooked from a lot without papers and divided a thousand times, and the shipment of
/// one of its parts. Which relations of the product a look at a part of them sees depends on its name.
fn divided(product: &str, part: u64) -> Vec<Vec<(Who, Operation)>> {
    const PARTS: u64 = 1_000;
    let bj = platform(BJ);
    let lot = format!("LOT-{product}");
    let cooked = Event {
        outputs: vec![item(product, kilograms(PARTS))],
        ..at(20, "p-bj", vec![item(&lot, boxes(100)), item("SAUCE", kilograms(1))])
    };
    let name = |number: u64| format!("{product}-{number:03}");
    let cut = |number: u64| {
        let outputs = vec![item(&name(number), kilograms(1))];
        let cut = Event { outputs, ..at(30 + number, "p-bj", vec![item(product, kilograms(1))]) };
        (bj, event(OperationKind::Split, cut))
    };
    let cuts: Vec<(Who, Operation)> = (0..PARTS).map(cut).collect();
    let first = vec![(platform(HE), coding(1, &lot)), (bj, event(OperationKind::Process, cooked))];
    let gone = ship(2_000, ("p-bj", "p-tj"), "D-1", vec![item(&name(part), kilograms(1))]);
    let mut blocks = vec![first];
    blocks.extend(cuts.chunks(100).map(<[_]>::to_vec));
    blocks.push(vec![(bj, gone)]);
    blocks
}

#[test]
fn a_processed_product_divided_a_thousand_times_leads_each_part_back_to_the_lot() {
    let worlds = [("P", 0), ("Q", 333), ("R", 666), ("S", 999)];
    let told = worlds.map(|(product, part)| {
        let mut chain = settling();
        for block in divided(product, part) {
            chain.block(&block);
        }
        settled(&mut chain, "R01")
    });
    let expected = worlds.map(|(product, _)| [format!("R01 Orange [\"LOT-{product}\"]")]);
    assert_eq!(told, expected, "whichever part it was");
}
