//! The story that the tests tell: a lot enters at a Hebei port, is split, packed, shipped to Tianjin
//! under another code, cut into packets and sold.

use proto::receipt::{Role, Subject, SubjectKind};
use proto::schema::event::{Event, Item, Quantity, Uom};
use proto::schema::{Body, OperationKind as Kind};

use crate::world::{Act, World, link, unit};

/// Day of every event but the sale.
pub(crate) const DAY: u32 = 20_371;

fn item(code: &str, boxes: u64) -> Item {
    let quantity = Some(Quantity { milli: boxes * 1000, uom: Uom::Xbx.into() });
    Item { code: code.to_owned(), quantity, counterpart: String::new() }
}

fn event(items: Vec<Item>, outputs: Vec<Item>) -> Event {
    Event {
        occurred_ms: 1_760_054_400_000,
        party: "91130100MA0EXAMPL1".to_owned(),
        station: "HB-PORT-1".to_owned(),
        items,
        outputs,
        ..Event::default()
    }
}

fn act(kind: Kind, name: &str, event: Event, links: Vec<proto::receipt::Link>) -> Act {
    Act::op(kind, name, Body::Event(event).encode(), links)
}

fn places() -> [proto::receipt::Link; 2] {
    [
        link(Role::Other, SubjectKind::Party, "91130100MA0EXAMPL1"),
        link(Role::Other, SubjectKind::Station, "2:HB-PORT-1"),
    ]
}

/// The chain of the story: heights 1 to 9, `CHANGED` names what each does.
///
/// 1 commission of HB:LOT, 2 split into HB:BOX1 and HB:BOX2, 3 both packed on HB:PAL, 4 BOX1 shipped,
/// 5 received as TJ:A1 with the match as a step, 6 TJ:A1 cut into TJ:P1 and TJ:P2, 7 P1 sold on the
/// next day with an alert, a refused act beside it, 8 the match disputed, 9 nothing.
pub(crate) fn world() -> World {
    let mut world = World::new();
    let mut links = vec![
        unit(Role::Output, "HB:LOT"),
        link(Role::Input, SubjectKind::Declaration, "021020231000000001-1"),
        link(Role::Input, SubjectKind::Certificate, "CERT1"),
    ];
    links.extend(places());
    world.block(&[act(Kind::Commission, "1", event(vec![item("LOT", 100)], vec![]), links)]);
    let mut links = vec![
        unit(Role::SplitFrom, "HB:LOT"),
        unit(Role::SplitTo, "HB:BOX1"),
        unit(Role::SplitTo, "HB:BOX2"),
    ];
    links.extend(places());
    let split = event(vec![item("LOT", 100)], vec![item("BOX1", 60), item("BOX2", 40)]);
    world.block(&[act(Kind::Split, "2", split, links)]);
    let mut links = vec![
        unit(Role::Container, "HB:PAL"),
        unit(Role::Content, "HB:BOX1"),
        unit(Role::Content, "HB:BOX2"),
    ];
    links.extend(places());
    let mut pack = event(vec![item("BOX1", 60), item("BOX2", 40)], vec![]);
    pack.container = "PAL".to_owned();
    world.block(&[act(Kind::Pack, "3", pack, links)]);
    let mut links = vec![
        unit(Role::Other, "HB:BOX1"),
        link(Role::Other, SubjectKind::Vehicle, "冀A12345"),
        link(Role::Other, SubjectKind::Person, &"ab".repeat(32)),
    ];
    links.extend(places());
    world.block(&[act(Kind::Ship, "4", event(vec![item("BOX1", 60)], vec![]), links)]);
    let mut received = event(vec![item("A1", 60)], vec![]);
    received.items[0].counterpart = "BOX1".to_owned();
    let same = || vec![unit(Role::Same, "HB:BOX1"), unit(Role::Same, "TJ:A1")];
    world.block(&[
        act(
            Kind::Receive,
            "5",
            received,
            vec![unit(Role::Other, "HB:BOX1"), unit(Role::Other, "TJ:A1")],
        ),
        Act::step("match BOX1 A1", same()),
    ]);
    let links =
        vec![unit(Role::Input, "TJ:A1"), unit(Role::Output, "TJ:P1"), unit(Role::Output, "TJ:P2")];
    let cut = event(vec![item("A1", 60)], vec![item("P1", 30), item("P2", 30)]);
    world.block(&[act(Kind::Process, "6", cut, links)]);
    let party = || link(Role::Other, SubjectKind::Party, "91130100MA0EXAMPL1");
    world.block(&[
        act(
            Kind::Sale,
            "7",
            event(vec![item("P1", 30)], vec![]),
            vec![unit(Role::Other, "TJ:P1"), party()],
        )
        .on(DAY + 1)
        .alert(12, "TJ:P1"),
        Act::op(Kind::MatchVoid, "7b", Vec::new(), vec![party()]).refused(301).on(DAY + 1),
    ]);
    let disputed = proto::schema::act::MatchDecision {
        from: "BOX1".to_owned(),
        to: "A1".to_owned(),
        reason: "重量不符".to_owned(),
    };
    let body = Body::MatchDecision(disputed).encode();
    world.block(&[Act::op(Kind::MatchDispute, "8", body, same())]);
    world.block(&[]);
    world
}

/// A unit.
pub(crate) fn a_unit(key: &str) -> Subject {
    Subject::unit(key.as_bytes().to_vec())
}

/// The party that acts in the story.
pub(crate) fn party() -> Subject {
    Subject { kind: SubjectKind::Party, key: b"91130100MA0EXAMPL1".to_vec() }
}
