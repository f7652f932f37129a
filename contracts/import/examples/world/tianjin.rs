//! Tianjin's export: one JSON document, nested: registry, papers by declaration, events by day.

use std::collections::BTreeMap;

use proto::schema::Body;
use proto::schema::event::{Event, Item, Quantity};
use proto::schema::registry::Declaration;
use serde_json::{Map, Value, json};

use super::flow::{Platform, Record};
use super::words;

/// The document.
pub(crate) fn export(platform: &Platform) -> Vec<u8> {
    let section = |of: fn(&Body) -> Option<Value>| -> Vec<Value> {
        platform.registry.iter().filter_map(|record| of(&record.body)).collect()
    };
    let document = json!({
        "平台": "天津追溯（示例）",
        "导出日期": "2021-04-08",
        "基础数据": {
            "企业": section(party),
            "站点": section(station),
            "商品": section(product),
            "车辆": section(vehicle),
        },
        "单证": { "报关单": section(declaration), "证明": section(certificate) },
        "业务日志": days(platform),
    });
    let mut bytes = serde_json::to_vec_pretty(&document).expect("a value tree");
    bytes.push(b'\n');
    bytes
}

fn number(scaled: i64, places: usize) -> Value {
    serde_json::from_str(&words::decimal(scaled, places)).expect("a decimal number")
}

fn quantity(quantity: &Quantity) -> Value {
    let milli = i64::try_from(quantity.milli).expect("an amount of the story");
    json!({ "值": number(milli, 3), "单位": words::unit(quantity) })
}

fn party(body: &Body) -> Option<Value> {
    let Body::Party(party) = body else { return None };
    Some(json!({
        "信用代码": party.id,
        "名称": party.name,
        "类型": words::party_type(party.party_type()),
        "区划": party.region,
        "许可证": party.licences,
        "有效期": words::day_text(party.valid_to_day, "%F"),
    }))
}

fn station(body: &Body) -> Option<Value> {
    let Body::Station(station) = body else { return None };
    Some(json!({
        "编码": station.id,
        "名称": station.name,
        "所属企业": station.party,
        "类型": words::station_type(station.station_type()),
        "坐标": {
            "经度": number(station.longitude_micro, 6),
            "纬度": number(station.latitude_micro, 6),
            "基准": words::datum(station.datum()),
        },
        "区划": station.region,
        "首站": station.first_station,
    }))
}

fn product(body: &Body) -> Option<Value> {
    let Body::Product(product) = body else { return None };
    Some(json!({
        "商品码": product.id,
        "名称": product.name,
        "分类": words::category(&product.category),
        "HS": product.hs_code,
        "保质期": product.shelf_life_days,
        "贮存温度": number(product.storage_max_milli_c.into(), 3),
    }))
}

fn vehicle(body: &Body) -> Option<Value> {
    let Body::Vehicle(vehicle) = body else { return None };
    let grams = i64::try_from(vehicle.load_max_grams).expect("a truck");
    Some(json!({
        "车牌": vehicle.plate,
        "承运企业": vehicle.party,
        "核载千克": number(grams, 3),
    }))
}

fn declaration(body: &Body) -> Option<Value> {
    let Body::Declaration(Declaration { number, consignee, port, .. }) = body else { return None };
    let Body::Declaration(line) = body else { return None };
    let (declared, item) = number.split_once('-')?;
    Some(json!({
        "单号": declared,
        "收货人": consignee,
        "口岸": port,
        "项": [{
            "项号": item.parse::<u32>().ok()?,
            "境外企业": line.establishment,
            "原产国": line.origin_country,
            "HS": line.hs_code,
            "数量": line.quantity.as_ref().map(quantity),
            "进境日期": words::day_text(line.entry_day, "%F"),
            "文件摘要": hex::encode(&line.file_hash),
            "集装箱": line.containers,
        }],
    }))
}

fn certificate(body: &Body) -> Option<Value> {
    let Body::Certificate(certificate) = body else { return None };
    Some(json!({
        "编号": certificate.number,
        "种类": words::certificate_type(certificate.certificate_type()),
        "签发": certificate.issuer,
        "日期": words::day_text(certificate.issued_day, "%F"),
        "文件摘要": hex::encode(&certificate.file_hash),
        "报关单项": certificate.declaration,
        "追溯码": certificate.codes,
    }))
}

fn days(platform: &Platform) -> Vec<Value> {
    let mut days: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for record in &platform.events {
        let Body::Event(event) = &record.body else { continue };
        let day = words::local_time(event.occurred_ms).strftime("%F").to_string();
        days.entry(day).or_default().push(log(record, event));
    }
    // A broken record: no clock shows this time.
    let broken = json!({
        "流水号": "TJ2021-X001", "业务": "消毒", "时刻": "25:61",
        "主体": platform.events.first().map(|first| party_of(&first.body)),
        "站点": "TJ-XG-W1", "检测消毒项目": "过氧乙酸 0.2%",
    });
    days.entry("2021-03-19".to_owned()).or_default().push(broken);
    days.into_iter().map(|(day, records)| json!({ "日期": day, "记录": records })).collect()
}

fn party_of(body: &Body) -> String {
    let Body::Event(event) = body else { return String::new() };
    event.party.clone()
}

fn log(record: &Record, event: &Event) -> Value {
    let mut log = Map::new();
    let mut put = |name: &str, value: Value| {
        let nothing = [Value::Null, json!(""), json!([])];
        if !nothing.contains(&value) {
            log.insert(name.to_owned(), value);
        }
    };
    put("流水号", json!(record.no));
    put("业务", json!(words::business(record.kind)));
    put("时刻", json!(words::local_time(event.occurred_ms).strftime("%H:%M").to_string()));
    put("主体", json!(event.party));
    put("站点", json!(event.station));
    put("单号", json!(event.document));
    put("货物", json!(event.items.iter().map(item).collect::<Vec<_>>()));
    put("产出", json!(event.outputs.iter().map(item).collect::<Vec<_>>()));
    put("容器", json!(event.container));
    put("往来主体", json!(event.counterparty));
    put("车牌", json!(event.vehicle));
    put("人员登记号", json!(event.person));
    put("证明", json!(event.certificates));
    put("报关单项", json!(event.declaration));
    put("检测结果", json!(words::outcome(event)));
    put("查验结果", json!(words::inspection(event)));
    put("检测消毒项目", json!(event.agent));
    put("处理方式", json!(words::method(&event.method)));
    put("采样单号", json!(event.sample));
    put("批次", lot(event));
    Value::Object(log)
}

fn item(item: &Item) -> Value {
    let mut line = Map::new();
    line.insert("码".to_owned(), json!(item.code));
    if let Some(amount) = &item.quantity {
        line.insert("数量".to_owned(), quantity(amount));
    }
    if !item.counterpart.is_empty() {
        line.insert("对方码".to_owned(), json!(item.counterpart));
    }
    Value::Object(line)
}

fn lot(event: &Event) -> Value {
    event.lot.as_ref().map_or(Value::Null, |lot| {
        json!({
            "商品码": lot.product,
            "批号": lot.batch,
            "生产日期": words::day_text(lot.produced_day, "%F"),
            "到期日": words::day_text(lot.expires_day, "%F"),
            "原产国": lot.origin_country,
            "境外企业": lot.establishment,
            "进口": lot.imported,
        })
    })
}
