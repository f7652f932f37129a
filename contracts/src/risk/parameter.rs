//! Parameters of the rules: built-in values, and those that the agencies approved.

use proto::trie::Namespace;

use crate::registry;
use crate::state::{Rows, StateFault};

const HOUR_MS: u64 = 3_600_000;

/// A parameter with its built-in value and its bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parameter {
    /// Name; it ends with the unit of the value.
    pub name: &'static str,
    /// Value where nothing was approved.
    pub value: u64,
    /// Least value that may be approved.
    pub min: u64,
    /// Largest value that may be approved.
    pub max: u64,
    /// What it is.
    pub meaning: &'static str,
}

/// Time that a platform needs until its events are complete.
pub const SETTLING_MS: Parameter = Parameter {
    name: "settling_ms",
    value: 24 * HOUR_MS,
    min: 0,
    max: 30 * 24 * HOUR_MS,
    meaning: "R12: time from a shortage to its alert, in which late events may still come",
};

/// Tolerance of sums, relative.
pub const TOLERANCE_PERMILLE: Parameter = Parameter {
    name: "over_quantity_tolerance_permille",
    value: 5,
    min: 0,
    max: 1_000,
    meaning: "R12: tolerance relative to what came",
};

/// Tolerance of sums, absolute.
pub const TOLERANCE_MILLI: Parameter = Parameter {
    name: "over_quantity_tolerance_milli",
    value: 1_000,
    min: 0,
    max: 1_000_000,
    meaning: "R12: least tolerance, in thousandths of the unit of measure",
};

/// Certificates of goods that came before the change.
pub const REQUIRED_BEFORE_BITS: Parameter = Parameter {
    name: "certificates_before_bits",
    // 1 entry inspection, 2 nucleic acid, 3 disinfection.
    value: 0b1110,
    min: 0,
    max: 0b11_1110,
    meaning: "R01: certificate types required of goods coded before the change, bit n for type n",
};

/// Certificates of goods that came from the change on.
pub const REQUIRED_AFTER_BITS: Parameter = Parameter {
    name: "certificates_after_bits",
    value: 0b10,
    min: 0,
    max: 0b11_1110,
    meaning: "R01: certificate types required of goods coded from the change on",
};

/// When the required certificates changed: 2023-01-08 00:00 in Beijing, the day on which tests and
/// disinfection of imported cold-chain food ended.
pub const REQUIRED_CHANGE_MS: Parameter = Parameter {
    name: "certificates_change_ms",
    value: 1_673_107_200_000,
    min: 0,
    max: 7_258_118_400_000,
    meaning: "R01: the moment of the change",
};

/// Every parameter.
pub const ALL: [Parameter; 6] = [
    SETTLING_MS,
    TOLERANCE_PERMILLE,
    TOLERANCE_MILLI,
    REQUIRED_BEFORE_BITS,
    REQUIRED_AFTER_BITS,
    REQUIRED_CHANGE_MS,
];

/// Namespace RULE, key = name, `/`, scope.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct ParameterRecord {
    /// The value.
    #[prost(uint64, tag = "1")]
    pub value: u64,
    /// Height at which it came into force.
    #[prost(uint64, tag = "2")]
    pub height: u64,
}

/// The parameter of a name.
pub fn named(name: &str) -> Option<Parameter> {
    ALL.into_iter().find(|parameter| parameter.name == name)
}

/// The index of an agency as a scope writes it; no leading zeros.
pub fn scope(text: &str) -> Option<u16> {
    let index: u16 = text.parse().ok()?;
    (index.to_string() == text).then_some(index)
}

/// The value for an agency's platform, or for all: of the agency, else of all, else built in. With it
/// the height at which it came into force, 0 for a built-in one.
pub fn value(
    state: &Rows<'_>,
    parameter: Parameter,
    agency: Option<u32>,
) -> Result<(u64, u64), StateFault> {
    let scopes = [agency.map(|agency| agency.to_string()), Some(String::new())];
    for scope in scopes.into_iter().flatten() {
        let key = key(parameter.name, &scope);
        let found: Option<ParameterRecord> = state.load(Namespace::Rule, &key)?;
        if let Some(found) = found {
            return Ok((found.value, found.height));
        }
    }
    Ok((parameter.value, 0))
}

/// Puts a value into force.
pub(super) fn set(
    state: &mut Rows<'_>,
    (name, scope): (&str, &str),
    value: u64,
    height: u64,
) -> Result<(), StateFault> {
    let record = ParameterRecord { value, height };
    state.store(Namespace::Rule, &key(name, scope), &record)
}

fn key(name: &str, scope: &str) -> Vec<u8> {
    format!("{name}/{scope}").into_bytes()
}

/// The agency whose platform registered a station, or whose identifier it carries.
pub fn agency_of_station(state: &Rows<'_>, station: &[u8]) -> Result<Option<u32>, StateFault> {
    if let Some(found) = registry::station(state, station)? {
        return Ok(Some(found.agency));
    }
    let head = str::from_utf8(station).ok().and_then(|text| text.split_once(':'));
    Ok(head.and_then(|(head, _)| head.parse().ok()))
}
