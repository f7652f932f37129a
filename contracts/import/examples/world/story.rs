//! The story: what came in where, who cut it, who sold it. `tests/data/README.md` tells it with its
//! numbers.

use proto::schema::event::{Event, Quantity, TestOutcome};
use proto::schema::registry::CertificateType;
use proto::schema::{Body, OperationKind};

use super::cast::{self, Cast, cast, keeper};
use super::flow::{Delivery, Import, Platform, Record, at, boxes, item, kilograms, renamed};
use super::ids::{Day, beijing_code, commitment, hebei_code, tianjin_code};
use super::lots;
use super::places::{Catalogue, Goods, Site, catalogue};

/// Everything that the three platforms export, and the two late reports.
pub(crate) struct World {
    pub(crate) beijing: Platform,
    pub(crate) tianjin: Platform,
    pub(crate) hebei: Platform,
    /// The positive result, reported later by Hebei.
    pub(crate) positive: Record,
    /// Code of the lot that the story follows.
    pub(crate) lot: String,
    /// Code of the packet that the story begins with.
    pub(crate) packet: String,
}

/// The imports, by what becomes of them.
pub(crate) struct Imports {
    pub(crate) story: Import,
    pub(crate) doubt: Import,
    pub(crate) hebei_beef: Import,
    pub(crate) argentine: Import,
    pub(crate) hebei_fish: Import,
    pub(crate) local_fish: Import,
    pub(crate) unsent: Import,
    pub(crate) hebei_shrimp: Import,
    pub(crate) tianjin_beef: Import,
    pub(crate) over: Import,
    pub(crate) tianjin_salmon: Import,
    pub(crate) uncertified: Import,
    pub(crate) cut_beef: Import,
    pub(crate) tianjin_fish: Import,
}

/// What an import is, before it has a code.
struct Arrival<'a> {
    goods: &'a Goods,
    from: (&'static str, &'static str),
    quantity: Quantity,
    day: Day,
    serial: u32,
}

fn hebei_import(
    site: &Site,
    (port, office): (&'static str, &'static str),
    a: &Arrival<'_>,
) -> Import {
    let code = hebei_code(&site.party, a.goods.number, a.day, a.serial);
    arrived(site, (port, office), a, code)
}

fn tianjin_import(site: &Site, a: &Arrival<'_>) -> Import {
    let code = tianjin_code(&super::ids::declaration("0202", a.serial), 1, 1);
    arrived(site, ("TJ-XG-P", "0202"), a, code)
}

fn arrived(site: &Site, at: (&'static str, &'static str), a: &Arrival<'_>, code: String) -> Import {
    Import {
        importer: site.clone(),
        port: at.0,
        goods: a.goods.clone(),
        establishment: a.from.0,
        country: a.from.1,
        office: at.1,
        serial: a.serial,
        quantity: a.quantity,
        day: a.day,
        code,
        missing: None,
    }
}

fn imports(cast: &Cast, goods: &Catalogue) -> Imports {
    let arrival =
        |goods, from, quantity, day, serial| Arrival { goods, from, quantity, day, serial };
    let tangshan = |a: Arrival<'_>| hebei_import(&cast.he_beef, ("HE-CFD-P", "0403"), &a);
    let qinhuangdao = |a: Arrival<'_>| hebei_import(&cast.he_fish, ("HE-QHD-P", "0402"), &a);
    let xingang = |a: Arrival<'_>| tianjin_import(&cast.tj_port, &a);
    let (beef, day) = (&goods.beef, Day::of);
    let uncertified =
        xingang(arrival(&goods.shrimp, ("ID-SHRIMP-88", "IDN"), boxes(100), day(3, 15), 734));
    Imports {
        story: tangshan(arrival(beef, ("AU-EST-0620", "AUS"), kilograms(1_200), day(3, 10), 101)),
        hebei_beef: tangshan(arrival(beef, ("BR-SIF-0337", "BRA"), boxes(200), day(3, 8), 102)),
        doubt: tangshan(arrival(beef, ("UY-EST-0344", "URY"), boxes(100), day(3, 11), 103)),
        argentine: tangshan(arrival(beef, ("AR-EST-2082", "ARG"), boxes(160), day(3, 13), 104)),
        hebei_fish: qinhuangdao(arrival(
            &goods.pollock,
            ("RU-CH-79D", "RUS"),
            boxes(150),
            day(3, 9),
            511,
        )),
        local_fish: qinhuangdao(arrival(
            &goods.salmon,
            ("NO-R-119", "NOR"),
            boxes(120),
            day(3, 12),
            512,
        )),
        unsent: qinhuangdao(arrival(
            &goods.pollock,
            ("RU-CH-79D", "RUS"),
            boxes(80),
            day(3, 14),
            513,
        )),
        hebei_shrimp: qinhuangdao(arrival(
            &goods.shrimp,
            ("EC-PL-024", "ECU"),
            boxes(90),
            day(3, 16),
            514,
        )),
        tianjin_beef: xingang(arrival(beef, ("NZ-ME-047", "NZL"), boxes(300), day(3, 7), 731)),
        over: xingang(arrival(&goods.pollock, ("RU-CH-25M", "RUS"), boxes(240), day(3, 10), 732)),
        tianjin_salmon: xingang(arrival(
            &goods.salmon,
            ("NO-R-204", "NOR"),
            boxes(180),
            day(3, 12),
            733,
        )),
        uncertified: Import { missing: Some(CertificateType::NucleicAcid), ..uncertified },
        cut_beef: xingang(arrival(beef, ("AU-EST-0154", "AUS"), boxes(150), day(3, 17), 735)),
        tianjin_fish: xingang(arrival(
            &goods.pollock,
            ("RU-CH-31K", "RUS"),
            boxes(200),
            day(3, 18),
            736,
        )),
    }
}

/// Codes that Beijing gives, counted by product and day.
pub(crate) struct Beijing {
    next: u32,
}

impl Beijing {
    /// The next code at a site.
    pub(crate) fn code(&mut self, site: &Site, goods: &Goods, day: Day) -> String {
        self.next += 1;
        beijing_code(site.region, &goods.gtin, day, self.next)
    }
}

/// Builds the world.
pub(crate) fn world() -> World {
    let (cast, goods) = (cast(), catalogue());
    let imports = imports(&cast, &goods);
    let mut world = World {
        beijing: Platform::new("BJ2021-"),
        tianjin: Platform::new("TJ2021-"),
        hebei: Platform::new("HE2021-"),
        positive: positive(&cast, &imports.story),
        lot: imports.story.code.clone(),
        packet: String::new(),
    };
    cast::beijing(&mut world.beijing, &cast);
    cast::tianjin(&mut world.tianjin, &cast);
    cast::hebei(&mut world.hebei, &cast);
    opening_stock(&mut world, &cast);
    arrivals(&mut world, &cast, &imports);
    let mut codes = Beijing { next: 0 };
    the_story(&mut world, &cast, &imports.story, &mut codes);
    lots::hebei(&mut world, &cast, &imports, &mut codes);
    lots::tianjin(&mut world, &cast, &imports, &mut codes);
    world
}

fn arrivals(world: &mut World, cast: &Cast, imports: &Imports) {
    for import in [
        &imports.hebei_beef,
        &imports.hebei_fish,
        &imports.story,
        &imports.doubt,
        &imports.local_fish,
        &imports.argentine,
        &imports.unsent,
        &imports.hebei_shrimp,
    ] {
        world.hebei.import(import, &cast.he_lab, &keeper("he"));
    }
    for import in [
        &imports.tianjin_beef,
        &imports.over,
        &imports.tianjin_salmon,
        &imports.uncertified,
        &imports.cut_beef,
        &imports.tianjin_fish,
    ] {
        world.tianjin.import(import, &cast.tj_lab, &keeper("tj"));
    }
}

/// Stock from before the platforms joined; more of it is sold than ever came in afterwards.
fn opening_stock(world: &mut World, cast: &Cast) {
    let beef = catalogue().beef;
    let code = hebei_code(&cast.he_market.party, beef.number, Day::of(1, 20), 1);
    let there = at(&cast.he_market, Day::of(3, 5).at(8, 0), vec![item(&code, boxes(50))]);
    world.hebei.event(OperationKind::OpeningStock, there);
    world.hebei.sell(&cast.he_market, &code, Day::of(3, 6), &[boxes(12), boxes(10), boxes(8)]);
    let code = beijing_code("110106", &beef.gtin, Day::of(1, 25), 9_001);
    let there = at(&cast.bj_market, Day::of(3, 5).at(8, 0), vec![item(&code, boxes(30))]);
    world.beijing.event(OperationKind::OpeningStock, there);
    world.beijing.sell(&cast.bj_market, &code, Day::of(3, 6), &[boxes(9), boxes(9)]);
}

/// Later, Hebei's laboratory reports the sample that was kept of the story's lot as positive.
fn positive(cast: &Cast, story: &Import) -> Record {
    let sampling = format!("CY-{}-{}", story.office, story.serial);
    let items = vec![item(&story.code, story.quantity)];
    let result = Event {
        document: "HSFJ-2021-0402".to_owned(),
        sample: sampling,
        test: TestOutcome::Positive.into(),
        agent: "新型冠状病毒核酸".to_owned(),
        person: commitment("tester/he-07"),
        ..at(&cast.he_lab, Day::of(4, 2).at(7, 45), items)
    };
    let no = "HE2021-FJ-0001".to_owned();
    Record { no, kind: OperationKind::TestResult, body: Body::Event(result) }
}

/// Hebei's lot, cut at a plant in Tianjin, sold in Beijing and eaten in Hebei.
fn the_story(world: &mut World, cast: &Cast, lot: &Import, codes: &mut Beijing) {
    let whole = tianjin_code(&lot.number(), 1, 1);
    let day = Day::of(3, 14);
    let delivery = Delivery {
        document: "CFD-20210314-01",
        from: &cast.he_beef,
        to: &cast.tj_plant,
        truck: &cast.he_truck,
        sent: day.at(6, 30),
        received: day.at(10, 50),
    };
    world.hebei.send(&delivery, vec![item(&lot.code, lot.quantity)]);
    world.tianjin.take(&delivery, vec![renamed(&whole, lot.quantity, &lot.code)]);
    let cut: Vec<String> = (101..=122).map(|n| tianjin_code(&lot.number(), 1, n)).collect();
    let trimmings = tianjin_code(&lot.number(), 1, 199);
    let mut outputs: Vec<_> = cut.iter().map(|code| item(code, kilograms(50))).collect();
    outputs.push(item(&trimmings, kilograms(100)));
    let process = Event {
        document: "FG-20210316-01".to_owned(),
        method: "cut".to_owned(),
        outputs,
        person: keeper("tj"),
        ..at(&cast.tj_plant, Day::of(3, 16).at(9, 0), vec![item(&whole, lot.quantity)])
    };
    world.tianjin.event(OperationKind::Process, process);
    let disposal = Event {
        document: "XH-20210316-01".to_owned(),
        method: "destroyed".to_owned(),
        ..at(&cast.tj_plant, Day::of(3, 16).at(17, 0), vec![item(&trimmings, kilograms(100))])
    };
    world.tianjin.event(OperationKind::Disposal, disposal);
    story_in_beijing(world, cast, cut.get(..10).unwrap_or_default(), codes);
    on_the_road(world, cast, cut.get(10..14).unwrap_or_default());
    back_to_hebei(world, cast, cut.get(14..16).unwrap_or_default());
}

/// Ten boxes on a pallet to the market in Beijing, from there to a shop and a stall.
fn story_in_beijing(world: &mut World, cast: &Cast, cut: &[String], codes: &mut Beijing) {
    const PALLET: &str = "urn:epc:id:sscc:0693000.0000000421";
    let (beef, day) = (catalogue().beef, Day::of(3, 18));
    let loose = |codes: &[String]| -> Vec<_> {
        codes.iter().map(|code| item(code, kilograms(50))).collect()
    };
    let delivery = Delivery {
        document: "BC-20210318-07",
        from: &cast.tj_plant,
        to: &cast.bj_market,
        truck: &cast.tj_truck,
        sent: day.at(5, 15),
        received: day.at(8, 30),
    };
    let container = || PALLET.to_owned();
    let packed = at(&cast.tj_plant, day.at(4, 10), loose(cut));
    world.tianjin.event(OperationKind::Pack, Event { container: container(), ..packed });
    world.tianjin.send(&delivery, loose(cut));
    let unpacked = at(&cast.bj_market, day.at(8, 50), loose(cut));
    let own: Vec<String> = cut.iter().map(|_| codes.code(&cast.bj_market, &beef, day)).collect();
    let pairs = own.iter().zip(cut);
    let taken = pairs.map(|(own, theirs)| renamed(own, kilograms(50), theirs)).collect();
    world.beijing.take(&delivery, taken);
    world.beijing.event(OperationKind::Unpack, Event { container: container(), ..unpacked });
    let (shop, rest) = own.split_at_checked(4).unwrap_or_default();
    let (stall, _) = rest.split_at_checked(2).unwrap_or_default();
    to_the_shop(world, cast, shop, codes);
    to_the_stall(world, cast, stall);
}

fn to_the_shop(world: &mut World, cast: &Cast, shop: &[String], codes: &mut Beijing) {
    let (beef, day) = (catalogue().beef, Day::of(3, 20));
    let boxes: Vec<_> = shop.iter().map(|code| item(code, kilograms(50))).collect();
    let delivery = Delivery {
        document: "XFD-20210320-03",
        from: &cast.bj_market,
        to: &cast.bj_shop,
        truck: &cast.bj_truck,
        sent: day.at(5, 40),
        received: day.at(7, 10),
    };
    world.beijing.send(&delivery, boxes.clone());
    world.beijing.take(&delivery, boxes);
    let mut packets: Vec<Vec<String>> = Vec::new();
    for (hours, code) in (9..).zip(shop.iter().take(2)) {
        let parts: Vec<String> =
            (0..10).map(|_| codes.code(&cast.bj_shop, &beef, Day::of(3, 21))).collect();
        let split = Event {
            document: format!("CB-20210321-{hours:02}"),
            outputs: parts.iter().map(|part| item(part, kilograms(5))).collect(),
            ..at(&cast.bj_shop, Day::of(3, 21).at(hours, 20), vec![item(code, kilograms(50))])
        };
        world.beijing.event(OperationKind::Split, split);
        packets.push(parts);
    }
    let sold = packets.iter().zip([6, 3]).flat_map(|(parts, count)| parts.iter().take(count));
    for (days, packet) in (0..).zip(sold) {
        let first = Day::of(3, 22).plus(days / 3);
        world.beijing.sell(&cast.bj_shop, packet, first, &[kilograms(5)]);
    }
    if let Some(third) = shop.get(2) {
        world.beijing.sell(&cast.bj_shop, third, Day::of(3, 22), &[kilograms(12), kilograms(8)]);
    }
    world.packet = packets.first().and_then(|parts| parts.first()).cloned().unwrap_or_default();
}

/// Two boxes to a stall; its holder is a natural person and stands here as a commitment.
fn to_the_stall(world: &mut World, cast: &Cast, stall: &[String]) {
    let day = Day::of(3, 19);
    let boxes: Vec<_> = stall.iter().map(|code| item(code, kilograms(50))).collect();
    let delivery = Delivery {
        document: "XFD-20210319-11",
        from: &cast.bj_market,
        to: &cast.bj_stall,
        truck: &cast.bj_truck,
        sent: day.at(5, 0),
        received: day.at(5, 50),
    };
    world.beijing.send(&delivery, boxes.clone());
    world.beijing.take(&delivery, boxes);
    if let Some(first) = stall.first() {
        let amounts = [kilograms(15), kilograms(12), kilograms(8)];
        world.beijing.sell(&cast.bj_stall, first, day.plus(1), &amounts);
    }
}

/// Four boxes that left the plant and have not arrived.
fn on_the_road(world: &mut World, cast: &Cast, cut: &[String]) {
    let day = Day::of(4, 1);
    let delivery = Delivery {
        document: "BC-20210401-02",
        from: &cast.tj_plant,
        to: &cast.bj_shop,
        truck: &cast.tj_truck_2,
        sent: day.at(22, 40),
        received: day.at(23, 59),
    };
    let boxes = cut.iter().map(|code| item(code, kilograms(50))).collect();
    world.tianjin.send(&delivery, boxes);
}

/// Two boxes to a canteen in Hebei, which has codes of its own again.
fn back_to_hebei(world: &mut World, cast: &Cast, cut: &[String]) {
    let (beef, day) = (catalogue().beef, Day::of(3, 24));
    let delivery = Delivery {
        document: "BC-20210324-04",
        from: &cast.tj_plant,
        to: &cast.he_canteen,
        truck: &cast.tj_truck_2,
        sent: day.at(6, 0),
        received: day.at(9, 40),
    };
    let own: Vec<String> =
        (1..=2).map(|n| hebei_code(&cast.he_canteen.party, beef.number, day, n)).collect();
    world.tianjin.send(&delivery, cut.iter().map(|code| item(code, kilograms(50))).collect());
    let pairs = own.iter().zip(cut);
    let taken = pairs.map(|(own, theirs)| renamed(own, kilograms(50), theirs)).collect();
    world.hebei.take(&delivery, taken);
    if let Some(first) = own.first() {
        for (days, amount) in (0..).zip([10, 12, 8]) {
            let cooked = at(
                &cast.he_canteen,
                Day::of(3, 25).plus(days).at(10, 15),
                vec![item(first, kilograms(amount))],
            );
            world.hebei.event(OperationKind::Use, cooked);
        }
    }
}
