//! The words and figures of the platforms. The mapping files hold the way back.

use proto::schema::OperationKind;
use proto::schema::event::{Event, InspectionOutcome, Quantity, TestOutcome, Uom};
use proto::schema::registry::{CertificateType, Datum, PartyType, StationType};

use jiff::civil::Date;

/// The platforms' word for a type of event.
pub(crate) fn business(kind: OperationKind) -> &'static str {
    const WORDS: [(OperationKind, &str); 17] = [
        (OperationKind::OpeningStock, "期初库存"),
        (OperationKind::CustomsInspection, "海关查验"),
        (OperationKind::Commission, "首站赋码"),
        (OperationKind::Sampling, "采样"),
        (OperationKind::TestResult, "检测结果"),
        (OperationKind::Disinfection, "消毒"),
        (OperationKind::StorageIn, "入库"),
        (OperationKind::StorageOut, "出库"),
        (OperationKind::Pack, "装箱"),
        (OperationKind::Unpack, "拆箱"),
        (OperationKind::Split, "拆包打码"),
        (OperationKind::Process, "加工"),
        (OperationKind::Ship, "发货"),
        (OperationKind::Receive, "收货"),
        (OperationKind::Sale, "销售"),
        (OperationKind::Use, "餐饮使用"),
        (OperationKind::Disposal, "处置"),
    ];
    WORDS.iter().find(|(known, _)| *known == kind).map_or("", |(_, word)| word)
}

/// The word for a unit of measure.
pub(crate) fn unit(quantity: &Quantity) -> &'static str {
    match quantity.uom() {
        Uom::Unspecified => "",
        Uom::Kgm => "千克",
        Uom::Xbx => "箱",
        Uom::H87 => "件",
        Uom::Xpx => "托",
        Uom::Ltr => "升",
        Uom::Xpa => "袋",
    }
}

/// Thousandths as a decimal number.
pub(crate) fn thousandths(milli: u64) -> String {
    decimal(i64::try_from(milli).expect("an amount of the story"), 3)
}

/// A scaled number as a decimal number without needless zeros.
pub(crate) fn decimal(scaled: i64, places: usize) -> String {
    let sign = if scaled < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", scaled.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

/// The word for the result of a test.
pub(crate) fn outcome(event: &Event) -> &'static str {
    match event.test() {
        TestOutcome::Unspecified => "",
        TestOutcome::Negative => "阴性",
        TestOutcome::Suspected => "可疑",
        TestOutcome::Positive => "阳性",
        TestOutcome::Invalid => "无效",
    }
}

/// The word for the result of an inspection.
pub(crate) fn inspection(event: &Event) -> &'static str {
    match event.inspection() {
        InspectionOutcome::Unspecified => "",
        InspectionOutcome::Released => "放行",
        InspectionOutcome::Returned => "退运",
        InspectionOutcome::Destroyed => "销毁",
        InspectionOutcome::Held => "暂扣",
    }
}

/// The word for what a party does.
pub(crate) fn party_type(kind: PartyType) -> &'static str {
    match kind {
        PartyType::Unspecified => "",
        PartyType::Importer => "进口商",
        PartyType::Producer => "生产加工企业",
        PartyType::ColdStore => "第三方冷库",
        PartyType::SupervisedWarehouse => "集中监管仓",
        PartyType::Carrier => "物流运输企业",
        PartyType::MarketOperator => "批发市场开办者",
        PartyType::Wholesaler => "批发商",
        PartyType::Supermarket => "商场超市",
        PartyType::Stall => "农贸市场商户",
        PartyType::ECommerce => "生鲜电商",
        PartyType::Catering => "餐饮单位",
        PartyType::Canteen => "集体食堂",
        PartyType::CustomsBroker => "报关行",
        PartyType::Laboratory => "检测机构",
        PartyType::Disinfector => "消毒机构",
        PartyType::Regulator => "监管机构",
    }
}

/// The word for what a station is.
pub(crate) fn station_type(kind: StationType) -> &'static str {
    match kind {
        StationType::Unspecified => "",
        StationType::Port => "口岸",
        StationType::CustomsYard => "海关监管场所",
        StationType::SupervisedWarehouse => "集中监管仓",
        StationType::ColdStore => "冷库",
        StationType::Plant => "加工厂",
        StationType::Market => "批发市场",
        StationType::Stall => "摊位",
        StationType::Store => "门店",
        StationType::Kitchen => "厨房",
        StationType::VehicleDepot => "车场",
        StationType::Checkpoint => "检查站",
        StationType::Laboratory => "实验室",
    }
}

/// The word for a datum.
pub(crate) fn datum(datum: Datum) -> &'static str {
    match datum {
        Datum::Unspecified => "",
        Datum::Cgcs2000 => "CGCS2000",
        Datum::Wgs84 => "WGS84",
        Datum::Gcj02 => "GCJ02",
        Datum::Bd09 => "BD09",
    }
}

/// The word for what a certificate certifies.
pub(crate) fn certificate_type(kind: CertificateType) -> &'static str {
    match kind {
        CertificateType::Unspecified => "",
        CertificateType::EntryInspection => "入境货物检验检疫证明",
        CertificateType::NucleicAcid => "核酸检测报告",
        CertificateType::Disinfection => "消毒证明",
        CertificateType::WarehouseExit => "出仓证明",
        CertificateType::Quality => "质量检验报告",
    }
}

/// The word for a category of products.
pub(crate) fn category(name: &str) -> &'static str {
    match name {
        "meat" => "畜肉",
        "fish" => "鱼类",
        "crustacean" => "虾蟹",
        _ => "其他",
    }
}

/// A time in China.
pub(crate) fn local_time(ms: u64) -> jiff::civil::DateTime {
    let ms = i64::try_from(ms).expect("a time of the story");
    let time = jiff::Timestamp::from_millisecond(ms).expect("within the calendar");
    time.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(8))).datetime()
}

/// A day by its number since 1970; none for 0.
pub(crate) fn day(number: u32) -> Option<Date> {
    let days = i32::try_from(number).expect("a day of the story");
    let date = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(days));
    (number > 0).then(|| date.expect("within the calendar"))
}

/// A day by a pattern of `strftime`; empty for none.
pub(crate) fn day_text(number: u32, pattern: &str) -> String {
    day(number).map(|date| date.strftime(pattern).to_string()).unwrap_or_default()
}

/// The word for what a process or a disposal does.
pub(crate) fn method(name: &str) -> &str {
    match name {
        "cut" => "分割",
        "destroyed" => "无害化销毁",
        other => other,
    }
}
