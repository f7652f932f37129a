//! Hebei's export: an XML document, its later report of a positive result in the same form, and the
//! correction of that report in our own format.

use std::fmt::Write as _;

use proto::schema::Body;
use proto::schema::event::{Event, Item, Lot};
use serde_json::json;

use super::flow::{Platform, Record};
use super::story::World;
use super::words;

/// Writes an entry of one section, if it belongs there.
type Section = fn(&mut Xml, &Body);

/// A document in the making.
#[derive(Default)]
struct Xml {
    text: String,
    depth: usize,
}

impl Xml {
    fn line(&mut self, line: &str) {
        writeln!(self.text, "{:width$}{line}", "", width = self.depth * 2).expect("memory");
    }

    fn inside(&mut self, name: &str, attributes: &[(&str, &str)], body: impl FnOnce(&mut Self)) {
        self.line(&format!("<{name}{}>", joined(attributes)));
        self.depth += 1;
        body(self);
        self.depth -= 1;
        self.line(&format!("</{name}>"));
    }

    /// An element with text; none where there is no text.
    fn leaf(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.line(&format!("<{name}>{}</{name}>", escaped(text)));
        }
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.line(&format!("<{name}{}/>", joined(attributes)));
    }

    fn document(body: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut xml = Self::default();
        xml.line("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        xml.inside("河北冷链", &[("导出日期", "20210408")], body);
        xml.text.into_bytes()
    }
}

fn joined(attributes: &[(&str, &str)]) -> String {
    let kept = attributes.iter().filter(|(_, value)| !value.is_empty());
    kept.fold(String::new(), |mut text, (name, value)| {
        write!(text, " {name}=\"{}\"", escaped(value)).expect("memory");
        text
    })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// The document.
pub(crate) fn export(platform: &Platform) -> Vec<u8> {
    Xml::document(|xml| {
        let sections: [(&str, Section); 6] = [
            ("主体表", party),
            ("站点表", station),
            ("商品表", product),
            ("车辆表", vehicle),
            ("报关表", declaration),
            ("证明表", certificate),
        ];
        for (section, one) in sections {
            xml.inside(section, &[], |xml| {
                platform.registry.iter().for_each(|record| one(xml, &record.body));
            });
        }
        xml.inside("流通", &[], |xml| {
            for (position, record) in platform.events.iter().enumerate() {
                if position == 40 {
                    broken(xml, platform);
                }
                event(xml, record);
            }
        });
    })
}

/// A broken record: somebody wrote a driver's resident number (an invented one) into the remark.
fn broken(xml: &mut Xml, platform: &Platform) {
    let first = platform.events.first().map(|first| &first.body);
    let party = if let Some(Body::Event(event)) = first { &*event.party } else { "" };
    xml.inside("记录", &[("编号", "HE2021-X001"), ("业务", "消毒")], |xml| {
        xml.leaf("时间", "20210317103000");
        xml.leaf("主体", party);
        xml.leaf("站点", "HE-CFD-W1");
        xml.leaf("车牌", "冀BD1234");
        xml.leaf("检测消毒项目", "过氧乙酸 0.2%");
        xml.leaf("备注", "司机 130181197712310010 已核对");
    });
}

/// The later report.
pub(crate) fn positive(record: &Record) -> Vec<u8> {
    Xml::document(|xml| xml.inside("流通", &[], |xml| event(xml, record)))
}

fn party(xml: &mut Xml, body: &Body) {
    let Body::Party(party) = body else { return };
    let kind = words::party_type(party.party_type());
    xml.inside("企业", &[("代码", &party.id), ("类型", kind)], |xml| {
        xml.leaf("名称", &party.name);
        xml.leaf("区划", &party.region);
        party.licences.iter().for_each(|licence| xml.leaf("许可证", licence));
        xml.leaf("有效期", &words::day_text(party.valid_to_day, "%Y%m%d"));
    });
}

fn station(xml: &mut Xml, body: &Body) {
    let Body::Station(station) = body else { return };
    let first = if station.first_station { "1" } else { "0" };
    let kind = words::station_type(station.station_type());
    let attributes = [("编码", &*station.id), ("类型", kind), ("首站", first)];
    xml.inside("站点", &attributes, |xml| {
        xml.leaf("名称", &station.name);
        xml.leaf("企业", &station.party);
        xml.leaf("区划", &station.region);
        let longitude = words::decimal(station.longitude_micro, 6);
        let latitude = words::decimal(station.latitude_micro, 6);
        let datum = words::datum(station.datum());
        xml.empty("坐标", &[("东经", &longitude), ("北纬", &latitude), ("基准", datum)]);
    });
}

fn product(xml: &mut Xml, body: &Body) {
    let Body::Product(product) = body else { return };
    let days = product.shelf_life_days.to_string();
    let temperature = words::decimal(product.storage_max_milli_c.into(), 3);
    let attributes = [
        ("编码", &*product.id),
        ("名称", &product.name),
        ("分类", words::category(&product.category)),
        ("税则号", &product.hs_code),
        ("保质期", &days),
        ("温度", &temperature),
    ];
    xml.empty("商品", &attributes);
}

fn vehicle(xml: &mut Xml, body: &Body) {
    let Body::Vehicle(vehicle) = body else { return };
    let grams = i64::try_from(vehicle.load_max_grams).expect("a truck");
    let load = words::decimal(grams, 6);
    let attributes = [("号牌", &*vehicle.plate), ("企业", &vehicle.party), ("核载吨", &load)];
    xml.empty("车辆", &attributes);
}

fn declaration(xml: &mut Xml, body: &Body) {
    let Body::Declaration(line) = body else { return };
    let (number, item) = line.number.split_once('-').unwrap_or((&line.number, ""));
    let attributes = [("号", number), ("收货人", &*line.consignee), ("口岸", &line.port)];
    xml.inside("报关单", &attributes, |xml| {
        let amount = line.quantity.unwrap_or_default();
        let attributes = [
            ("号", item),
            ("税则号", &line.hs_code),
            ("原产国", &line.origin_country),
            ("境外企业", &line.establishment),
        ];
        xml.inside("项", &attributes, |xml| {
            let written = format!("{}{}", words::thousandths(amount.milli), words::unit(&amount));
            xml.leaf("数量", &written);
            xml.leaf("进境", &words::day_text(line.entry_day, "%Y%m%d"));
            xml.leaf("摘要", &hex::encode(&line.file_hash));
            line.containers.iter().for_each(|container| xml.leaf("集装箱", container));
        });
    });
}

fn certificate(xml: &mut Xml, body: &Body) {
    let Body::Certificate(certificate) = body else { return };
    let kind = words::certificate_type(certificate.certificate_type());
    xml.inside("证明", &[("编号", &certificate.number), ("种类", kind)], |xml| {
        xml.leaf("签发", &certificate.issuer);
        xml.leaf("日期", &words::day_text(certificate.issued_day, "%Y%m%d"));
        xml.leaf("摘要", &hex::encode(&certificate.file_hash));
        xml.leaf("报关单项", &certificate.declaration);
        certificate.codes.iter().for_each(|code| xml.leaf("追溯码", code));
    });
}

fn event(xml: &mut Xml, record: &Record) {
    let Body::Event(event) = &record.body else { return };
    let business = words::business(record.kind);
    let time = words::local_time(event.occurred_ms).strftime("%Y%m%d%H%M%S").to_string();
    xml.inside("记录", &[("编号", &record.no), ("业务", business)], |xml| {
        xml.leaf("时间", &time);
        xml.leaf("主体", &event.party);
        xml.leaf("站点", &event.station);
        xml.leaf("单据", &event.document);
        items(xml, "货物", &event.items);
        items(xml, "产出", &event.outputs);
        xml.leaf("往来主体", &event.counterparty);
        xml.leaf("车牌", &event.vehicle);
        xml.leaf("人员登记号", &event.person);
        event.certificates.iter().for_each(|number| xml.leaf("证明", number));
        xml.leaf("报关单项", &event.declaration);
        xml.leaf("检测结果", words::outcome(event));
        xml.leaf("查验结果", words::inspection(event));
        xml.leaf("检测消毒项目", &event.agent);
        xml.leaf("备注", &event.method);
        xml.leaf("采样单", &event.sample);
        if let Some(stated) = &event.lot {
            lot(xml, stated);
        }
    });
}

fn items(xml: &mut Xml, name: &str, items: &[Item]) {
    if items.is_empty() {
        return;
    }
    xml.inside(name, &[], |xml| {
        for item in items {
            let amount = item.quantity.as_ref();
            let written = amount
                .map(|amount| {
                    format!("{}{}", words::thousandths(amount.milli), words::unit(amount))
                })
                .unwrap_or_default();
            xml.empty("项", &[("码", &item.code), ("量", &written), ("对方码", &item.counterpart)]);
        }
    });
}

fn lot(xml: &mut Xml, lot: &Lot) {
    let produced = words::day_text(lot.produced_day, "%Y%m%d");
    let expires = words::day_text(lot.expires_day, "%Y%m%d");
    let attributes = [
        ("商品", &*lot.product),
        ("批号", &lot.batch),
        ("生产", &produced),
        ("到期", &expires),
        ("原产国", &lot.origin_country),
        ("境外企业", &lot.establishment),
        ("进口", if lot.imported { "1" } else { "0" }),
    ];
    xml.empty("批次", &attributes);
}

/// The correction: the report was wrong, the sample is negative.
pub(crate) fn correction(world: &World) -> Vec<u8> {
    let Body::Event(Event {
        occurred_ms,
        party,
        station,
        document,
        items,
        agent,
        sample,
        person,
        ..
    }) = &world.positive.body
    else {
        return Vec::new();
    };
    let items: Vec<_> = items
        .iter()
        .map(|item| {
            let amount = item.quantity.unwrap_or_default();
            json!({ "code": item.code, "quantity": { "milli": amount.milli, "uom": "KGM" } })
        })
        .collect();
    let line = json!({
        "kind": "correction",
        "platform": "hebei-lenglian",
        "record": "correction:HE2021-GZ-0001",
        "occurred_ms": "2021-04-03T09:20:00+08:00",
        "supersedes_record": {
            "platform": "hebei-lenglian",
            "record": format!("test_result:{}", world.positive.no),
        },
        "reason": "incorrect_data",
        "event_kind": "test_result",
        "event": {
            "occurred_ms": occurred_ms,
            "party": party,
            "station": station,
            "document": document,
            "items": items,
            "test": "negative",
            "agent": agent,
            "sample": sample,
            "person": person,
        },
    });
    format!("{line}\n").into_bytes()
}
