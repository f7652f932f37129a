//! Beijing's export: two spreadsheets in GB18030, with times like `2021/3/15 8:30`; one row for each
//! code of a document.

use proto::schema::Body;
use proto::schema::event::{Event, Item};
use proto::schema::registry::{Party, Product, Station, Vehicle};

use super::flow::{Platform, Record};
use super::places::code;
use super::words;

const REGISTRY: [&str; 16] = [
    "登记类型",
    "编号",
    "名称",
    "类别",
    "所属企业",
    "行政区划",
    "许可证号",
    "有效期至",
    "经度",
    "纬度",
    "坐标系",
    "首站",
    "HS编码",
    "保质期天数",
    "贮存温度",
    "核定载质量吨",
];

const EVENTS: [&str; 21] = [
    "业务单号",
    "业务类型",
    "操作时间",
    "企业代码",
    "站点编码",
    "单据号",
    "明细",
    "追溯码",
    "数量",
    "单位",
    "对方追溯码",
    "容器码",
    "对方企业",
    "车牌号",
    "人员登记号",
    "证明编号",
    "报关单项",
    "检测结果",
    "检测消毒项目",
    "处理方式",
    "采样单号",
];

fn table(header: &[&str], rows: &[Vec<String>]) -> Vec<u8> {
    let mut out =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    out.write_record(header).expect("memory takes every row");
    for row in rows {
        out.write_record(row).expect("as many cells as the header");
    }
    let utf8 = out.into_inner().expect("memory is flushed");
    let text = String::from_utf8(utf8).expect("made of text");
    let (bytes, _, unknown) = encoding_rs::GB18030.encode(&text);
    assert!(!unknown, "GB18030 has every character");
    bytes.into_owned()
}

/// The spreadsheet of parties, stations, products and vehicles.
pub(crate) fn registry(platform: &Platform) -> Vec<u8> {
    let mut rows: Vec<Vec<String>> = platform.registry.iter().map(entry).collect();
    // A broken row: the last character of the credit code is not its check character.
    let mut wrong = code("110107", "108");
    let last = if wrong.ends_with('0') { '1' } else { '0' };
    wrong.pop();
    wrong.push(last);
    let broken = ["企业", &wrong, "北京石景山冷饮有限公司（示例）", "批发商", "", "110107"];
    rows.insert(5, padded(&broken.map(str::to_owned), REGISTRY.len()));
    table(&REGISTRY, &rows)
}

fn padded(cells: &[String], count: usize) -> Vec<String> {
    let mut row = cells.to_vec();
    row.resize(count, String::new());
    row
}

/// Beijing has no port and no papers.
fn entry(record: &Record) -> Vec<String> {
    if let Body::Party(party) = &record.body {
        of_party(party)
    } else if let Body::Station(station) = &record.body {
        of_station(station)
    } else if let Body::Product(product) = &record.body {
        of_product(product)
    } else if let Body::Vehicle(vehicle) = &record.body {
        of_vehicle(vehicle)
    } else {
        Vec::new()
    }
}

fn of_party(party: &Party) -> Vec<String> {
    let cells = [
        "企业".to_owned(),
        party.id.clone(),
        party.name.clone(),
        words::party_type(party.party_type()).to_owned(),
        String::new(),
        party.region.clone(),
        party.licences.join("、"),
        words::day_text(party.valid_to_day, "%-Y/%-m/%-d"),
    ];
    padded(&cells, REGISTRY.len())
}

fn of_station(station: &Station) -> Vec<String> {
    let cells = [
        "站点".to_owned(),
        station.id.clone(),
        station.name.clone(),
        words::station_type(station.station_type()).to_owned(),
        station.party.clone(),
        station.region.clone(),
        String::new(),
        String::new(),
        words::decimal(station.longitude_micro, 6),
        words::decimal(station.latitude_micro, 6),
        words::datum(station.datum()).to_owned(),
        if station.first_station { "是" } else { "否" }.to_owned(),
    ];
    padded(&cells, REGISTRY.len())
}

fn of_product(product: &Product) -> Vec<String> {
    let mut row = padded(
        &[
            "商品".to_owned(),
            product.id.clone(),
            product.name.clone(),
            words::category(&product.category).to_owned(),
        ],
        12,
    );
    row.extend([
        product.hs_code.clone(),
        product.shelf_life_days.to_string(),
        words::decimal(product.storage_max_milli_c.into(), 3),
        String::new(),
    ]);
    row
}

fn of_vehicle(vehicle: &Vehicle) -> Vec<String> {
    let mut row = padded(
        &[
            "车辆".to_owned(),
            vehicle.plate.clone(),
            String::new(),
            String::new(),
            vehicle.party.clone(),
        ],
        15,
    );
    let grams = i64::try_from(vehicle.load_max_grams).expect("a truck");
    row.push(words::decimal(grams, 6));
    row
}

/// The spreadsheet of events.
pub(crate) fn events(platform: &Platform) -> Vec<u8> {
    table(&EVENTS, &platform.events.iter().flat_map(rows).collect::<Vec<_>>())
}

fn rows(record: &Record) -> Vec<Vec<String>> {
    let Body::Event(event) = &record.body else { return Vec::new() };
    let goods = event.items.iter().map(|item| ("货物", Some(item)));
    let made = event.outputs.iter().map(|item| ("产出", Some(item)));
    let mut lines: Vec<(&str, Option<&Item>)> = goods.chain(made).collect();
    if lines.is_empty() {
        lines.push(("无", None));
    }
    lines.into_iter().map(|(line, item)| row(record, event, line, item)).collect()
}

fn row(record: &Record, event: &Event, line: &str, item: Option<&Item>) -> Vec<String> {
    let quantity = item.and_then(|item| item.quantity);
    let text = |of: fn(&Item) -> String| item.map(of).unwrap_or_default();
    vec![
        record.no.clone(),
        words::business(record.kind).to_owned(),
        words::local_time(event.occurred_ms).strftime("%-Y/%-m/%-d %-H:%M").to_string(),
        event.party.clone(),
        event.station.clone(),
        event.document.clone(),
        line.to_owned(),
        text(|item| item.code.clone()),
        quantity.map(|quantity| words::thousandths(quantity.milli)).unwrap_or_default(),
        quantity.map(|quantity| words::unit(&quantity).to_owned()).unwrap_or_default(),
        text(|item| item.counterpart.clone()),
        event.container.clone(),
        event.counterparty.clone(),
        event.vehicle.clone(),
        event.person.clone(),
        event.certificates.join("、"),
        event.declaration.clone(),
        words::outcome(event).to_owned(),
        event.agent.clone(),
        event.method.clone(),
        event.sample.clone(),
    ]
}
