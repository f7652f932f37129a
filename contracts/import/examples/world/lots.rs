//! The other lots: what crosses a border and agrees, what does not, what is sold where.

use proto::schema::OperationKind;
use proto::schema::event::{Event, Quantity};

use super::cast::{Cast, keeper};
use super::flow::{Delivery, Import, Platform, at, boxes, item, renamed};
use super::ids::{Day, hebei_code, tianjin_code};
use super::places::{Site, Truck};
use super::story::{Beijing, Imports, World};

/// A delivery on one day: out at `hour`, in three hours later.
fn delivery<'a>(
    document: &'a str,
    (from, to): (&'a Site, &'a Site),
    truck: &'a Truck,
    (day, hour): (Day, i8),
) -> Delivery<'a> {
    let (sent, received) = (day.at(hour, 25), day.at(hour + 3, 5));
    Delivery { document, from, to, truck, sent, received }
}

/// A delivery within a province: the code stays.
fn local(platform: &mut Platform, delivery: &Delivery<'_>, code: &str, quantity: Quantity) {
    platform.send(delivery, vec![item(code, quantity)]);
    platform.take(delivery, vec![item(code, quantity)]);
}

/// So much every day.
fn daily(count: usize, amount: u64) -> Vec<Quantity> {
    vec![boxes(amount); count]
}

fn cook(platform: &mut Platform, site: &Site, code: &str, first: Day, amounts: &[Quantity]) {
    for (days, amount) in (0..).zip(amounts) {
        let meal = at(site, first.plus(days).at(10, 30), vec![item(code, *amount)]);
        platform.event(OperationKind::Use, meal);
    }
}

/// Lots that came in by the ports of Hebei.
pub(crate) fn hebei(world: &mut World, cast: &Cast, imports: &Imports, codes: &mut Beijing) {
    beef_to_the_market(world, cast, &imports.hebei_beef, codes);
    fewer_than_sent(world, cast, &imports.doubt, codes);
    beef_to_tianjin(world, cast, &imports.argentine);
    fish_to_the_shop(world, cast, &imports.hebei_fish, codes);
    fish_in_hebei(world, cast, &imports.local_fish);
    never_sent(world, cast, &imports.unsent, codes);
    shrimp_online(world, cast, &imports.hebei_shrimp, codes);
}

fn beef_to_the_market(world: &mut World, cast: &Cast, lot: &Import, codes: &mut Beijing) {
    let (day, ends) = (Day::of(3, 12), (&cast.he_beef, &cast.bj_market));
    let road = delivery("CFD-20210312-02", ends, &cast.he_truck_2, (day, 5));
    let own = codes.code(&cast.bj_market, &lot.goods, day);
    world.hebei.send(&road, vec![item(&lot.code, boxes(200))]);
    world.beijing.take(&road, vec![renamed(&own, boxes(200), &lot.code)]);
    world.beijing.check(&cast.bj_market, &cast.bj_lab, (day.at(10, 0), &own));
    world.beijing.sell(&cast.bj_market, &own, day.plus(1), &daily(6, 18));
    let ends = (&cast.bj_market, &cast.bj_canteen);
    let road = delivery("XFD-20210316-05", ends, &cast.bj_truck, (Day::of(3, 16), 6));
    local(&mut world.beijing, &road, &own, boxes(60));
    cook(&mut world.beijing, &cast.bj_canteen, &own, Day::of(3, 17), &daily(6, 8));
}

/// A hundred were sent, ninety-six arrived: the two sides disagree.
fn fewer_than_sent(world: &mut World, cast: &Cast, lot: &Import, codes: &mut Beijing) {
    let (day, ends) = (Day::of(3, 17), (&cast.he_beef, &cast.bj_store));
    let road = delivery("CFD-20210317-01", ends, &cast.he_truck, (day, 5));
    let own = codes.code(&cast.bj_store, &lot.goods, day);
    world.hebei.send(&road, vec![item(&lot.code, boxes(100))]);
    world.beijing.take(&road, vec![renamed(&own, boxes(96), &lot.code)]);
    let ends = (&cast.bj_store, &cast.bj_shop);
    let road = delivery("TZ-20210319-02", ends, &cast.bj_truck, (Day::of(3, 19), 8));
    local(&mut world.beijing, &road, &own, boxes(50));
    world.beijing.sell(&cast.bj_shop, &own, Day::of(3, 20), &daily(5, 8));
}

fn beef_to_tianjin(world: &mut World, cast: &Cast, lot: &Import) {
    let (day, ends) = (Day::of(3, 18), (&cast.he_beef, &cast.tj_market));
    let road = delivery("CFD-20210318-03", ends, &cast.he_truck_2, (day, 5));
    let own = tianjin_code(&lot.number(), 1, 1);
    world.hebei.send(&road, vec![item(&lot.code, boxes(160))]);
    world.tianjin.take(&road, vec![renamed(&own, boxes(160), &lot.code)]);
    world.tianjin.check(&cast.tj_market, &cast.tj_lab, (day.at(10, 0), &own));
    world.tianjin.sell(&cast.tj_market, &own, day.plus(1), &daily(7, 18));
}

fn fish_to_the_shop(world: &mut World, cast: &Cast, lot: &Import, codes: &mut Beijing) {
    let (day, ends) = (Day::of(3, 15), (&cast.he_fish, &cast.bj_shop));
    let road = delivery("QHD-20210315-01", ends, &cast.he_truck_2, (day, 4));
    let own = codes.code(&cast.bj_shop, &lot.goods, day);
    world.hebei.send(&road, vec![item(&lot.code, boxes(150))]);
    world.beijing.take(&road, vec![renamed(&own, boxes(150), &lot.code)]);
    world.beijing.check(&cast.bj_shop, &cast.bj_lab, (day.at(9, 0), &own));
    world.beijing.sell(&cast.bj_shop, &own, day.plus(1), &daily(8, 14));
}

fn fish_in_hebei(world: &mut World, cast: &Cast, lot: &Import) {
    let ends = (&cast.he_fish, &cast.he_market);
    let road = delivery("QHD-20210316-01", ends, &cast.he_truck, (Day::of(3, 16), 4));
    local(&mut world.hebei, &road, &lot.code, boxes(120));
    world.hebei.check(&cast.he_market, &cast.he_lab, (Day::of(3, 16).at(11, 0), &lot.code));
    world.hebei.sell(&cast.he_market, &lot.code, Day::of(3, 17), &daily(6, 12));
    let ends = (&cast.he_market, &cast.he_canteen);
    let road = delivery("SJZ-20210322-01", ends, &cast.he_truck_2, (Day::of(3, 22), 7));
    local(&mut world.hebei, &road, &lot.code, boxes(20));
    cook(&mut world.hebei, &cast.he_canteen, &lot.code, Day::of(3, 23), &daily(2, 8));
}

/// Beijing received what Hebei's platform has not sent, or not yet reported as sent.
fn never_sent(world: &mut World, cast: &Cast, lot: &Import, codes: &mut Beijing) {
    let (day, ends) = (Day::of(3, 21), (&cast.he_fish, &cast.bj_store));
    let road = delivery("QHD-20210321-02", ends, &cast.he_truck, (day, 4));
    let own = codes.code(&cast.bj_store, &lot.goods, day);
    world.beijing.take(&road, vec![renamed(&own, boxes(80), &lot.code)]);
    let ends = (&cast.bj_store, &cast.bj_online);
    let road = delivery("TZ-20210323-01", ends, &cast.bj_truck, (Day::of(3, 23), 8));
    local(&mut world.beijing, &road, &own, boxes(40));
    world.beijing.sell(&cast.bj_online, &own, Day::of(3, 24), &daily(4, 8));
}

fn shrimp_online(world: &mut World, cast: &Cast, lot: &Import, codes: &mut Beijing) {
    let (day, ends) = (Day::of(3, 23), (&cast.he_fish, &cast.bj_online));
    let road = delivery("QHD-20210323-03", ends, &cast.he_truck_2, (day, 4));
    let own = codes.code(&cast.bj_online, &lot.goods, day);
    world.hebei.send(&road, vec![item(&lot.code, boxes(50))]);
    world.beijing.take(&road, vec![renamed(&own, boxes(50), &lot.code)]);
    world.beijing.sell(&cast.bj_online, &own, day.plus(1), &daily(6, 7));
}

/// Lots that came in by the port of Tianjin.
pub(crate) fn tianjin(world: &mut World, cast: &Cast, imports: &Imports, codes: &mut Beijing) {
    beef_to_both(world, cast, &imports.tianjin_beef, codes);
    more_out_than_in(world, cast, &imports.over, codes);
    salmon_to_hebei(world, cast, &imports.tianjin_salmon);
    without_a_test(world, cast, &imports.uncertified);
    cut_in_boxes(world, cast, &imports.cut_beef, codes);
    fish_from_tianjin(world, cast, &imports.tianjin_fish, codes);
}

fn beef_to_both(world: &mut World, cast: &Cast, lot: &Import, codes: &mut Beijing) {
    let (day, ends) = (Day::of(3, 11), (&cast.tj_port, &cast.bj_market));
    let road = delivery("XG-20210311-01", ends, &cast.tj_truck_2, (day, 5));
    let own = codes.code(&cast.bj_market, &lot.goods, day);
    world.tianjin.send(&road, vec![item(&lot.code, boxes(200))]);
    world.beijing.take(&road, vec![renamed(&own, boxes(200), &lot.code)]);
    world.beijing.sell(&cast.bj_market, &own, day.plus(1), &daily(6, 20));
    let ends = (&cast.bj_market, &cast.bj_canteen);
    let road = delivery("XFD-20210315-04", ends, &cast.bj_truck, (Day::of(3, 15), 6));
    local(&mut world.beijing, &road, &own, boxes(50));
    cook(&mut world.beijing, &cast.bj_canteen, &own, Day::of(3, 16), &daily(5, 8));
    let ends = (&cast.tj_port, &cast.tj_shop);
    let road = delivery("XG-20210312-02", ends, &cast.tj_truck, (Day::of(3, 12), 6));
    local(&mut world.tianjin, &road, &lot.code, boxes(100));
    world.tianjin.check(&cast.tj_shop, &cast.tj_lab, (Day::of(3, 12).at(10, 0), &lot.code));
    world.tianjin.sell(&cast.tj_shop, &lot.code, Day::of(3, 13), &daily(8, 10));
}

/// A hundred boxes in, a hundred and twenty out.
fn more_out_than_in(world: &mut World, cast: &Cast, lot: &Import, codes: &mut Beijing) {
    let (day, ends) = (Day::of(3, 13), (&cast.tj_port, &cast.bj_store));
    let road = delivery("XG-20210313-01", ends, &cast.tj_truck, (day, 6));
    let own = codes.code(&cast.bj_store, &lot.goods, day);
    world.tianjin.send(&road, vec![item(&lot.code, boxes(100))]);
    world.beijing.take(&road, vec![renamed(&own, boxes(100), &lot.code)]);
    let ends = (&cast.bj_store, &cast.bj_shop);
    let road = delivery("TZ-20210315-01", ends, &cast.bj_truck, (Day::of(3, 15), 13));
    local(&mut world.beijing, &road, &own, boxes(70));
    let ends = (&cast.bj_store, &cast.bj_canteen);
    let road = delivery("TZ-20210317-03", ends, &cast.bj_truck, (Day::of(3, 17), 13));
    local(&mut world.beijing, &road, &own, boxes(50));
    world.beijing.sell(&cast.bj_shop, &own, Day::of(3, 16), &daily(5, 12));
    cook(&mut world.beijing, &cast.bj_canteen, &own, Day::of(3, 18), &daily(4, 9));
}

fn salmon_to_hebei(world: &mut World, cast: &Cast, lot: &Import) {
    let (day, ends) = (Day::of(3, 16), (&cast.tj_port, &cast.he_market));
    let road = delivery("XG-20210316-04", ends, &cast.tj_truck_2, (day, 5));
    let own = hebei_code(&cast.he_market.party, lot.goods.number, day, 1);
    world.tianjin.send(&road, vec![item(&lot.code, boxes(180))]);
    world.hebei.take(&road, vec![renamed(&own, boxes(180), &lot.code)]);
    world.hebei.check(&cast.he_market, &cast.he_lab, (day.at(12, 0), &own));
    world.hebei.sell(&cast.he_market, &own, day.plus(1), &daily(8, 19));
}

/// Sold without a nucleic acid test.
fn without_a_test(world: &mut World, cast: &Cast, lot: &Import) {
    let ends = (&cast.tj_port, &cast.tj_market);
    let road = delivery("XG-20210318-02", ends, &cast.tj_truck, (Day::of(3, 18), 6));
    local(&mut world.tianjin, &road, &lot.code, boxes(60));
    world.tianjin.sell(&cast.tj_market, &lot.code, Day::of(3, 19), &daily(5, 8));
}

fn cut_in_boxes(world: &mut World, cast: &Cast, lot: &Import, codes: &mut Beijing) {
    let ends = (&cast.tj_port, &cast.tj_plant);
    let road = delivery("XG-20210320-01", ends, &cast.tj_truck, (Day::of(3, 20), 6));
    local(&mut world.tianjin, &road, &lot.code, boxes(100));
    let cut: Vec<String> = (101..=110).map(|n| tianjin_code(&lot.number(), 1, n)).collect();
    let process = Event {
        document: "FG-20210321-01".to_owned(),
        method: "cut".to_owned(),
        outputs: cut.iter().map(|code| item(code, boxes(10))).collect(),
        person: keeper("tj"),
        ..at(&cast.tj_plant, Day::of(3, 21).at(9, 0), vec![item(&lot.code, boxes(100))])
    };
    world.tianjin.event(OperationKind::Process, process);
    let (day, ends) = (Day::of(3, 23), (&cast.tj_plant, &cast.bj_online));
    let road = delivery("BC-20210323-02", ends, &cast.tj_truck_2, (day, 5));
    let sent: Vec<&String> = cut.iter().take(6).collect();
    let own: Vec<String> =
        sent.iter().map(|_| codes.code(&cast.bj_online, &lot.goods, day)).collect();
    world.tianjin.send(&road, sent.iter().map(|code| item(code, boxes(10))).collect());
    let taken = own.iter().zip(&sent).map(|(own, theirs)| renamed(own, boxes(10), theirs));
    world.beijing.take(&road, taken.collect());
    for code in own.iter().take(3) {
        world.beijing.sell(&cast.bj_online, code, day.plus(1), &[boxes(4), boxes(3)]);
    }
}

fn fish_from_tianjin(world: &mut World, cast: &Cast, lot: &Import, codes: &mut Beijing) {
    let (day, ends) = (Day::of(3, 22), (&cast.tj_port, &cast.bj_shop));
    let road = delivery("XG-20210322-03", ends, &cast.tj_truck, (day, 5));
    let own = codes.code(&cast.bj_shop, &lot.goods, day);
    world.tianjin.send(&road, vec![item(&lot.code, boxes(120))]);
    world.beijing.take(&road, vec![renamed(&own, boxes(120), &lot.code)]);
    world.beijing.check(&cast.bj_shop, &cast.bj_lab, (day.at(10, 0), &own));
    world.beijing.sell(&cast.bj_shop, &own, day.plus(1), &daily(8, 13));
}
