//! The key of a unit: what makes two scanned texts one unit, in the state and in every log.

use proto::AgencyIndex;

use super::{CODE_CHARS_MAX, CodeReason, ParsedCode, Scheme, canonical};
use crate::identifier::Reason;

/// Beginnings of codes that the world-wide standard makes unique by themselves.
const GS1_HEADS: [&str; 2] = ["urn:epc:", "https://id.gs1.org/"];

/// How a key came about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeySource {
    /// A scheme reads the code.
    Scheme(ParsedCode),
    /// The code is a URI of GS1.
    Gs1,
    /// No active scheme reads it: kept as it stands, within the agency whose platform wrote it.
    Opaque {
        /// The scheme whose form it has without being right, if there is one.
        near: Option<Near>,
    },
}

/// A scheme that almost reads a code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Near {
    /// Identifier of the scheme.
    pub scheme: String,
    /// What is wrong.
    pub reason: CodeReason,
}

/// The key of a unit with how it came about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnitKey {
    /// The key: `<scheme>:<identity>`, `GS1:<uri>` or `OPAQUE:<agency>:<text>`.
    pub text: String,
    /// How it came about.
    pub source: KeySource,
}

impl UnitKey {
    /// The key as the bytes of a subject.
    pub fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }
}

/// The key of the unit that `raw` names in the words of `agency`'s platform. Schemes are asked by
/// priority, then by identifier, then by version, the highest first; what none reads stays OPAQUE, so
/// that nothing is lost.
///
/// ```
/// use contracts::scheme::{Scheme, demo, normalise};
/// use proto::AgencyIndex;
///
/// let active = [Scheme::parse(demo::BEIJING).unwrap()];
/// let key = |raw: &str| normalise(raw, AgencyIndex::new(0), &active).text;
/// assert_eq!(
///     key("https://demo.invalid/bj?c=BJ110108069012345678922103150042F"),
///     "JJJ-DEMO-BJ:110108:06901234567892:210315:0042"
/// );
/// assert_eq!(key("urn:epc:id:sscc:4012345.0000000001"), "GS1:urn:epc:id:sscc:4012345.0000000001");
/// assert_eq!(key("批-7"), "OPAQUE:0:批-7");
/// ```
pub fn normalise<'a>(
    raw: &str,
    agency: AgencyIndex,
    active: impl IntoIterator<Item = &'a Scheme>,
) -> UnitKey {
    let mut schemes: Vec<&Scheme> = active.into_iter().collect();
    schemes.sort_by_key(|scheme| order(scheme));
    read(raw, agency, schemes)
}

/// The order in which schemes are asked.
pub(crate) fn order(scheme: &Scheme) -> impl Ord + use<'_> {
    use std::cmp::Reverse;
    (Reverse(scheme.priority()), scheme.id(), Reverse(scheme.version()))
}

/// As [`normalise`], by schemes that stand in the order in which they are asked.
pub(crate) fn read<'a>(
    raw: &str,
    agency: AgencyIndex,
    schemes: impl IntoIterator<Item = &'a Scheme>,
) -> UnitKey {
    let text = canonical(raw);
    if GS1_HEADS.iter().any(|head| text.starts_with(head)) {
        return UnitKey { text: format!("GS1:{text}"), source: KeySource::Gs1 };
    }
    let mut near = None;
    if text.chars().count() <= CODE_CHARS_MAX {
        for scheme in schemes {
            match scheme.read_canonical(&text) {
                Ok(read) => {
                    return UnitKey { text: read.key(), source: KeySource::Scheme(read) };
                }
                Err(error) if near.is_none() && has_shape(error.reason) => {
                    let (scheme, reason) = (scheme.id().to_owned(), error.reason);
                    near = Some(Near { scheme, reason });
                }
                Err(_) => (), // the next scheme is asked
            }
        }
    }
    UnitKey { text: format!("OPAQUE:{agency}:{text}"), source: KeySource::Opaque { near } }
}

/// Whether a code refused for this reason has the scheme's length and beginning all the same.
const fn has_shape(reason: CodeReason) -> bool {
    match reason {
        CodeReason::Part(Reason::Length | Reason::Char | Reason::Prefix) | CodeReason::Carrier => {
            false
        }
        CodeReason::Part(Reason::Region | Reason::Date | Reason::Check)
        | CodeReason::Host
        | CodeReason::Value
        | CodeReason::Constraint
        | CodeReason::Future => true,
    }
}
