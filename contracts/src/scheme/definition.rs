//! The definition of a scheme as TOML has it: keys and types, nothing checked beyond them.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Definition {
    pub(super) id: String,
    pub(super) version: u32,
    pub(super) issuer: String,
    #[serde(default)]
    pub(super) region: String,
    pub(super) granularity: String,
    #[serde(default)]
    pub(super) priority: u32,
    pub(super) valid_from: String,
    #[serde(default)]
    pub(super) valid_to: String,
    pub(super) identity: Vec<String>,
    /// Day on which the vectors are read.
    pub(super) today: String,
    pub(super) carrier: Vec<Carrier>,
    pub(super) segment: Vec<Segment>,
    pub(super) check: Option<Check>,
    #[serde(default)]
    pub(super) constraint: Vec<Constraint>,
    #[serde(default)]
    pub(super) table: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    pub(super) ok: Vec<Positive>,
    #[serde(default)]
    pub(super) bad: Vec<Negative>,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Carrier {
    /// The code itself.
    Plain {},
    /// A parameter of an address.
    Url { host: String, path: String, param: String },
    /// The code behind a fixed text.
    Prefix { text: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Segment {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) len: Option<usize>,
    pub(super) min: Option<usize>,
    pub(super) max: Option<usize>,
    /// Text of a constant.
    pub(super) value: Option<String>,
    /// Values of an enumeration.
    #[serde(default)]
    pub(super) values: Vec<String>,
    /// Characters of an opaque segment.
    pub(super) charset: Option<String>,
    /// Format of a date.
    pub(super) format: Option<String>,
    /// Divisions that a region may lie in, by leading digits.
    #[serde(default, rename = "in")]
    pub(super) within: Vec<String>,
    /// What the segment names, for readers of the definition.
    #[serde(default, rename = "ref")]
    pub(super) reference: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Check {
    pub(super) alg: String,
    pub(super) over: Vec<String>,
    #[serde(rename = "as")]
    pub(super) holder: String,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Constraint {
    /// The date is not after the day of reading.
    NotFuture { segment: String },
    /// The year of the date lies between two.
    YearRange { segment: String, min: u32, max: u32 },
    /// The division begins with one of these digits.
    RegionIn { segment: String, values: Vec<String> },
    /// One segment is what a table says of another.
    Lookup { segment: String, of: String, table: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Positive {
    pub(super) code: String,
    /// Parts that it must have, by segment.
    #[serde(default)]
    pub(super) fields: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Negative {
    pub(super) code: String,
    pub(super) reason: String,
}
