//! Division codes, GB/T 2260: the province pair everywhere, the prefecture pair in the three
//! provinces of the chain.
//!
//! A county pair is never refused: codes retire, goods and licences outlive them, and the three
//! provinces amend their tables without asking this software.

use super::{Reason, digits, length, part};

/// A division code whose province exists.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Division([u8; 6]);

/// Province pairs of GB/T 2260 with their names.
const PROVINCES: [(&str, &str); 34] = [
    ("11", "北京市"),
    ("12", "天津市"),
    ("13", "河北省"),
    ("14", "山西省"),
    ("15", "内蒙古自治区"),
    ("21", "辽宁省"),
    ("22", "吉林省"),
    ("23", "黑龙江省"),
    ("31", "上海市"),
    ("32", "江苏省"),
    ("33", "浙江省"),
    ("34", "安徽省"),
    ("35", "福建省"),
    ("36", "江西省"),
    ("37", "山东省"),
    ("41", "河南省"),
    ("42", "湖北省"),
    ("43", "湖南省"),
    ("44", "广东省"),
    ("45", "广西壮族自治区"),
    ("46", "海南省"),
    ("50", "重庆市"),
    ("51", "四川省"),
    ("52", "贵州省"),
    ("53", "云南省"),
    ("54", "西藏自治区"),
    ("61", "陕西省"),
    ("62", "甘肃省"),
    ("63", "青海省"),
    ("64", "宁夏回族自治区"),
    ("65", "新疆维吾尔自治区"),
    ("71", "台湾省"),
    ("81", "香港特别行政区"),
    ("82", "澳门特别行政区"),
];

/// Prefectures of Hebei.
const HEBEI: [(&str, &str); 11] = [
    ("01", "石家庄市"),
    ("02", "唐山市"),
    ("03", "秦皇岛市"),
    ("04", "邯郸市"),
    ("05", "邢台市"),
    ("06", "保定市"),
    ("07", "张家口市"),
    ("08", "承德市"),
    ("09", "沧州市"),
    ("10", "廊坊市"),
    ("11", "衡水市"),
];

/// Pairs that the statistics use in Hebei beside the prefectures: Xiong'an, and the counties under
/// the province itself.
const HEBEI_STATISTICS: [&str; 2] = ["31", "90"];

/// Name of a province pair, if there is one.
pub fn province_name(pair: &str) -> Option<&'static str> {
    PROVINCES.iter().find(|(code, _)| *code == pair).map(|(_, name)| *name)
}

/// Whether the pair names a province.
pub fn is_province(pair: &str) -> bool {
    province_name(pair).is_some()
}

/// Checks a division code: 6 digits, `00` where a level is left open.
///
/// ```
/// use contracts::identifier::{Reason, division};
///
/// assert_eq!(division::parse("130181").unwrap().prefecture_name(), Some("石家庄市"));
/// assert_eq!(division::parse("990101"), Err(Reason::Region));
/// ```
pub fn parse(text: &str) -> Result<Division, Reason> {
    length(text, 6)?;
    digits(text)?;
    let (province, prefecture, county) = (part(text, 0, 2)?, part(text, 2, 4)?, part(text, 4, 6)?);
    if !is_province(province) || (prefecture == "00" && county != "00") {
        return Err(Reason::Region);
    }
    let known = match province {
        "11" | "12" => ["00", "01", "02"].contains(&prefecture),
        "13" => {
            prefecture == "00"
                || HEBEI_STATISTICS.contains(&prefecture)
                || HEBEI.iter().any(|(code, _)| *code == prefecture)
        }
        _ => true,
    };
    if !known {
        return Err(Reason::Region);
    }
    text.as_bytes().try_into().map(Division).map_err(|_| Reason::Length)
}

impl Division {
    /// The six digits.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("made of six ASCII digits")
    }

    /// The two digits of the province.
    pub fn province(&self) -> &str {
        self.as_str().get(..2).expect("six digits")
    }

    /// Name of the province.
    pub fn province_name(&self) -> &'static str {
        province_name(self.province()).expect("checked when it was read")
    }

    /// Name of the prefecture, where this software knows it.
    pub fn prefecture_name(&self) -> Option<&'static str> {
        if self.province() != "13" {
            return None;
        }
        let pair = self.as_str().get(2..4)?;
        HEBEI.iter().find(|(code, _)| *code == pair).map(|(_, name)| *name)
    }
}
