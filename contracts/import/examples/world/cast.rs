//! The cast: sites, trucks, keepers and laboratories of the three provinces.

use proto::schema::registry::{Datum, Party, PartyType, StationType};
use proto::schema::{Body, OperationKind};

use super::flow::Platform;
use super::ids::commitment;
use super::places::{
    Goods, Site, Truck, catalogue, code, enterprise, household, household_ref, production_licence,
    station, trade_licence, vehicle,
};

/// Sites by province, trucks by carrier.
pub(crate) struct Cast {
    pub(crate) he_beef: Site,
    pub(crate) he_fish: Site,
    pub(crate) he_market: Site,
    pub(crate) he_canteen: Site,
    pub(crate) he_lab: Site,
    pub(crate) tj_port: Site,
    pub(crate) tj_plant: Site,
    pub(crate) tj_market: Site,
    pub(crate) tj_shop: Site,
    pub(crate) tj_lab: Site,
    pub(crate) bj_market: Site,
    pub(crate) bj_store: Site,
    pub(crate) bj_shop: Site,
    pub(crate) bj_canteen: Site,
    pub(crate) bj_online: Site,
    pub(crate) bj_stall: Site,
    pub(crate) bj_lab: Site,
    pub(crate) he_truck: Truck,
    pub(crate) he_truck_2: Truck,
    pub(crate) tj_truck: Truck,
    pub(crate) tj_truck_2: Truck,
    pub(crate) bj_truck: Truck,
}

/// Keeper of a platform's stores, as a commitment.
pub(crate) fn keeper(province: &str) -> String {
    commitment(&format!("keeper/{province}"))
}

/// The cast.
pub(crate) fn cast() -> Cast {
    let site = |region: &'static str, number: &str, station: &'static str| Site {
        party: code(region, number),
        station,
        region,
    };
    let truck =
        |plate: &'static str| Truck { plate, driver: commitment(&format!("driver/{plate}")) };
    Cast {
        he_beef: site("130209", "301", "HE-CFD-W1"),
        he_fish: site("130302", "302", "HE-QHD-C1"),
        he_market: site("130102", "303", "HE-SJZ-M1"),
        he_canteen: site("130606", "304", "HE-BD-K1"),
        he_lab: site("130104", "305", "HE-SJZ-L1"),
        tj_port: site("120116", "201", "TJ-XG-W1"),
        tj_plant: site("120113", "202", "TJ-BC-P1"),
        tj_market: site("120106", "203", "TJ-HQ-M1"),
        tj_shop: site("120103", "204", "TJ-HX-S1"),
        tj_lab: site("120104", "205", "TJ-NK-L1"),
        bj_market: site("110106", "101", "BJ-XFD-W1"),
        bj_store: site("110112", "102", "BJ-TZ-C1"),
        bj_shop: site("110105", "103", "BJ-CY-S1"),
        bj_canteen: site("110108", "104", "BJ-HD-K1"),
        bj_online: site("110115", "105", "BJ-DX-E1"),
        bj_stall: Site { party: household_ref(), station: "BJ-XFD-T17", region: "110106" },
        bj_lab: site("110102", "106", "BJ-XC-L1"),
        he_truck: truck("冀BD1234"),
        he_truck_2: truck("冀C7K856"),
        tj_truck: truck("津A12345F"),
        tj_truck_2: truck("津C8M372"),
        bj_truck: truck("京A9P218"),
    }
}

/// A line of the registry: site, party, station, coordinates in micro-degrees.
struct Line<'a> {
    site: &'a Site,
    number: &'a str,
    name: &'a str,
    kind: PartyType,
    licences: Vec<String>,
    at: &'a str,
    station: StationType,
    coordinates: (i64, i64),
}

fn register(platform: &mut Platform, line: &Line<'_>, datum: Datum) {
    let region = line.site.region;
    let party = if line.kind == PartyType::Stall {
        household()
    } else {
        enterprise((region, line.number), line.name, line.kind, line.licences.clone())
    };
    platform.register(&party.id.clone(), OperationKind::Party, Body::Party(party));
    let entry = station(line.site, line.at, line.station, line.coordinates, datum);
    platform.register(line.site.station, OperationKind::Station, Body::Station(entry));
}

/// A port: a station without a party of its own in the export, run by its importer.
fn port(platform: &mut Platform, of: &Site, id: &'static str, name: &str, at: ((i64, i64), Datum)) {
    let site = Site { station: id, ..of.clone() };
    let entry = station(&site, name, StationType::Port, at.0, at.1);
    platform.register(id, OperationKind::Station, Body::Station(entry));
}

fn carrier(
    platform: &mut Platform,
    (region, number): (&str, &str),
    name: &str,
    trucks: &[(&Truck, u64)],
) {
    let party: Party = enterprise((region, number), name, PartyType::Carrier, Vec::new());
    let id = party.id.clone();
    platform.register(&id, OperationKind::Party, Body::Party(party));
    for (truck, load) in trucks {
        let entry = vehicle(truck, &id, *load);
        platform.register(truck.plate, OperationKind::Vehicle, Body::Vehicle(entry));
    }
}

fn products(platform: &mut Platform) {
    let all = catalogue();
    for goods in [&all.beef, &all.pollock, &all.salmon, &all.shrimp] {
        let entry = Goods::entry(goods);
        platform.register(&entry.id.clone(), OperationKind::Product, Body::Product(entry));
    }
}

/// The registry of Hebei.
pub(crate) fn hebei(platform: &mut Platform, cast: &Cast) {
    let jy = trade_licence;
    let lines = [
        (
            &cast.he_beef,
            "301",
            "唐山渤海湾进出口有限公司（示例）",
            PartyType::Importer,
            jy("1130209006785"),
            "曹妃甸集中监管仓",
            StationType::SupervisedWarehouse,
            (118_460_000, 38_930_000),
        ),
        (
            &cast.he_fish,
            "302",
            "秦皇岛北方水产有限公司（示例）",
            PartyType::Importer,
            jy("1130302006786"),
            "秦皇岛港冷库",
            StationType::SupervisedWarehouse,
            (119_610_000, 39_910_000),
        ),
        (
            &cast.he_market,
            "303",
            "石家庄冷鲜批发有限公司（示例）",
            PartyType::Wholesaler,
            jy("1130102006787"),
            "石家庄冷鲜批发市场",
            StationType::Market,
            (114_530_000, 38_050_000),
        ),
        (
            &cast.he_canteen,
            "304",
            "保定学府餐饮有限公司（示例）",
            PartyType::Canteen,
            jy("3130606006788"),
            "保定学府食堂",
            StationType::Kitchen,
            (115_480_000, 38_870_000),
        ),
        (
            &cast.he_lab,
            "305",
            "冀中检测有限公司（示例）",
            PartyType::Laboratory,
            Vec::new(),
            "冀中检测实验室",
            StationType::Laboratory,
            (114_480_000, 38_030_000),
        ),
    ];
    for (site, number, name, kind, licences, at, station, coordinates) in lines {
        let line = Line { site, number, name, kind, licences, at, station, coordinates };
        register(platform, &line, Datum::Cgcs2000);
    }
    let datum = Datum::Cgcs2000;
    port(
        platform,
        &cast.he_beef,
        "HE-CFD-P",
        "唐山港曹妃甸港区",
        ((118_510_000, 38_920_000), datum),
    );
    port(platform, &cast.he_fish, "HE-QHD-P", "秦皇岛港", ((119_620_000, 39_900_000), datum));
    let trucks = [(&cast.he_truck, 12_000_000), (&cast.he_truck_2, 18_000_000)];
    carrier(platform, ("130202", "306"), "冀东冷链运输有限公司（示例）", &trucks);
    products(platform);
}

/// The registry of Tianjin.
pub(crate) fn tianjin(platform: &mut Platform, cast: &Cast) {
    let jy = trade_licence;
    let lines = [
        (
            &cast.tj_port,
            "201",
            "天津新港进口食品有限公司（示例）",
            PartyType::Importer,
            jy("1120116001234"),
            "新港集中监管仓",
            StationType::SupervisedWarehouse,
            (117_735_000, 38_985_000),
        ),
        (
            &cast.tj_plant,
            "202",
            "天津津味肉类加工有限公司（示例）",
            PartyType::Producer,
            production_licence("1041201130009"),
            "北辰分割厂",
            StationType::Plant,
            (117_132_000, 39_224_000),
        ),
        (
            &cast.tj_market,
            "203",
            "天津红旗批发有限公司（示例）",
            PartyType::Wholesaler,
            jy("1120106001235"),
            "红旗批发市场",
            StationType::Market,
            (117_150_000, 39_120_000),
        ),
        (
            &cast.tj_shop,
            "204",
            "津滨超市有限公司（示例）",
            PartyType::Supermarket,
            jy("1120103001236"),
            "津滨超市河西店",
            StationType::Store,
            (117_223_000, 39_109_000),
        ),
        (
            &cast.tj_lab,
            "205",
            "津门检测有限公司（示例）",
            PartyType::Laboratory,
            Vec::new(),
            "津门检测实验室",
            StationType::Laboratory,
            (117_160_000, 39_110_000),
        ),
    ];
    for (site, number, name, kind, licences, at, station, coordinates) in lines {
        let line = Line { site, number, name, kind, licences, at, station, coordinates };
        register(platform, &line, Datum::Wgs84);
    }
    port(platform, &cast.tj_port, "TJ-XG-P", "天津新港", ((117_790_000, 38_975_000), Datum::Wgs84));
    let trucks = [(&cast.tj_truck, 10_000_000), (&cast.tj_truck_2, 15_000_000)];
    carrier(platform, ("120113", "206"), "天津北辰冷链物流有限公司（示例）", &trucks);
    products(platform);
}

/// Who stores and sells in Beijing.
fn beijing_trade(platform: &mut Platform, cast: &Cast) {
    let jy = trade_licence;
    let lines = [
        (
            &cast.bj_market,
            "101",
            "北京新发地冷鲜贸易有限公司（示例）",
            PartyType::Wholesaler,
            jy("1110106021565"),
            "新发地冷库",
            StationType::ColdStore,
            (116_336_000, 39_812_000),
        ),
        (
            &cast.bj_store,
            "102",
            "北京通州冷链仓储有限公司（示例）",
            PartyType::ColdStore,
            jy("1110112021566"),
            "通州冷库",
            StationType::ColdStore,
            (116_662_000, 39_905_000),
        ),
        (
            &cast.bj_shop,
            "103",
            "北京惠民超市有限公司（示例）",
            PartyType::Supermarket,
            jy("1110105021567"),
            "惠民超市朝阳店",
            StationType::Store,
            (116_449_000, 39_921_000),
        ),
    ];
    for (site, number, name, kind, licences, at, station, coordinates) in lines {
        let line = Line { site, number, name, kind, licences, at, station, coordinates };
        register(platform, &line, Datum::Gcj02);
    }
}

/// The registry of Beijing.
pub(crate) fn beijing(platform: &mut Platform, cast: &Cast) {
    beijing_trade(platform, cast);
    let jy = trade_licence;
    let lines = [
        (
            &cast.bj_canteen,
            "104",
            "北京海淀食堂服务有限公司（示例）",
            PartyType::Canteen,
            jy("3110108021568"),
            "海淀第一食堂",
            StationType::Kitchen,
            (116_304_000, 39_966_000),
        ),
        (
            &cast.bj_online,
            "105",
            "北京云鲜电子商务有限公司（示例）",
            PartyType::ECommerce,
            jy("1110115021569"),
            "大兴电商仓",
            StationType::ColdStore,
            (116_341_000, 39_727_000),
        ),
        (
            &cast.bj_stall,
            "",
            "",
            PartyType::Stall,
            Vec::new(),
            "新发地 17 号摊位",
            StationType::Stall,
            (116_338_000, 39_811_000),
        ),
        (
            &cast.bj_lab,
            "106",
            "京城检测有限公司（示例）",
            PartyType::Laboratory,
            Vec::new(),
            "京城检测实验室",
            StationType::Laboratory,
            (116_366_000, 39_912_000),
        ),
    ];
    for (site, number, name, kind, licences, at, station, coordinates) in lines {
        let line = Line { site, number, name, kind, licences, at, station, coordinates };
        register(platform, &line, Datum::Gcj02);
    }
    let trucks = [(&cast.bj_truck, 8_000_000)];
    carrier(platform, ("110106", "107"), "北京快送冷链运输有限公司（示例）", &trucks);
    products(platform);
}
