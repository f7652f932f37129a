//! What an alert says, in Chinese and English, with its numbers.

use proto::schema::event::Uom;

use super::alert::{AlertRecord, Rule};

/// Name of a unit of measure in English; the Chinese ones are [`crate::trace::unit::uom_name`].
pub const fn uom_english(uom: Uom) -> &'static str {
    match uom {
        Uom::Unspecified => "codes",
        Uom::Kgm => "kg",
        Uom::Xbx => "boxes",
        Uom::H87 => "pieces",
        Uom::Xpx => "pallets",
        Uom::Ltr => "l",
        Uom::Xpa => "packets",
    }
}

/// Thousandths as a decimal number without needless zeros.
///
/// ```
/// use contracts::risk::sentence::decimal;
///
/// assert_eq!((decimal(120_000), decimal(-12_500)), ("120".to_owned(), "-12.5".to_owned()));
/// ```
pub fn decimal(milli: i64) -> String {
    let sign = if milli < 0 { "-" } else { "" };
    let (whole, part) = (milli.unsigned_abs() / 1_000, milli.unsigned_abs() % 1_000);
    if part == 0 {
        return format!("{sign}{whole}");
    }
    let part = format!("{part:03}");
    format!("{sign}{whole}.{}", part.trim_end_matches('0'))
}

/// The sentence in Chinese.
pub fn chinese(alert: &AlertRecord) -> String {
    let input = |name: &str| value(alert, name);
    match alert.rule() {
        Rule::Unspecified => "未知规则".to_owned(),
        Rule::MissingCertificate => {
            let missing: Vec<&str> = input("missing").split(',').map(certificate_chinese).collect();
            format!("缺少证明：进口货物已流转，缺少{}", missing.join("、"))
        }
        Rule::OverQuantity => {
            let uom = crate::trace::unit::uom_name(uom(alert).into());
            let (incoming, outgoing) = (quantity(alert, "incoming"), quantity(alert, "outgoing"));
            format!("超量出库：入库 {incoming} {uom}，出库 {outgoing} {uom}")
        }
        Rule::MatchConflict => {
            let what = match input("conflict") {
                "two_origins" => "同一货物的码出自不同报关单",
                "cycle" => "匹配关系成环",
                "over_allocated" => "收货数量超过发货数量",
                _ => "匹配关系互相矛盾",
            };
            format!("匹配冲突：{what}")
        }
        Rule::PositiveSample => {
            let result = if input("result") == "positive" { "阳性" } else { "疑似阳性" };
            let (agent, report) = (input("agent"), input("report"));
            format!("检测{result}：{agent}，报告 {report}，涉及 {} 个追溯单元", alert.units)
        }
    }
}

/// The sentence in English.
pub fn english(alert: &AlertRecord) -> String {
    let input = |name: &str| value(alert, name);
    match alert.rule() {
        Rule::Unspecified => "unknown rule".to_owned(),
        Rule::MissingCertificate => {
            let missing = input("missing").replace(',', ", ").replace('_', " ");
            format!("missing certificate: imported goods went on without {missing}")
        }
        Rule::OverQuantity => {
            let uom = uom_english(uom(alert));
            let (incoming, outgoing) = (quantity(alert, "incoming"), quantity(alert, "outgoing"));
            format!("over-quantity: {incoming} {uom} came, {outgoing} {uom} left")
        }
        Rule::MatchConflict => {
            let what = match input("conflict") {
                "two_origins" => "codes of the same goods come from different declarations",
                "cycle" => "the goods are their own source",
                "over_allocated" => "more was received than was sent",
                _ => "the match contradicts another",
            };
            format!("match conflict: {what}")
        }
        Rule::PositiveSample => {
            let (result, agent, report) = (input("result"), input("agent"), input("report"));
            let units = alert.units;
            format!("{result} sample: {agent}, report {report}, {units} traced units concerned")
        }
    }
}

fn value<'a>(alert: &'a AlertRecord, name: &str) -> &'a str {
    alert.inputs.iter().find(|input| input.name == name).map_or("", |input| &input.value)
}

fn quantity(alert: &AlertRecord, name: &str) -> String {
    decimal(value(alert, &format!("{name}_milli")).parse().unwrap_or_default())
}

fn uom(alert: &AlertRecord) -> Uom {
    let number: i32 = value(alert, "uom").parse().unwrap_or_default();
    Uom::try_from(number).unwrap_or_default()
}

fn certificate_chinese(name: &str) -> &'static str {
    match name {
        "entry_inspection" => "入境货物检验检疫证明",
        "nucleic_acid" => "核酸检测报告",
        "disinfection" => "消毒证明",
        "warehouse_exit" => "出仓证明",
        "quality" => "检验合格证明",
        _ => "证明",
    }
}
