//! A scheme that keeps the rules of the grammar: what the reader runs on. A value of [`Scheme`]
//! exists only if all its vectors came out as they say.

use std::collections::{BTreeMap, BTreeSet};

use super::definition::{self, Definition};
use super::read::{ParsedCode, payload};
use super::{
    CODE_CHARS_MAX, Clash, CodeReason, NEGATIVE_VECTORS_MIN, POSITIVE_VECTORS_MIN, SchemeError,
};
use crate::admission::limits::DEFINITION_CHARS_MAX;
use crate::identifier::{Reason, calendar};

/// Segments of a scheme: more than any code has parts.
const SEGMENTS_MAX: usize = 32;

/// Characters of a scheme's identifier: it stands in every key of its units.
const ID_CHARS_MAX: usize = 32;

/// What a segment may name; the empty text is nothing.
const REFERENCES: [&str; 6] =
    ["", "enterprise", "declaration", "product", "certificate", "station"];

/// What one code of the scheme stands on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Granularity {
    /// All goods of one batch.
    Lot,
    /// A pallet.
    Pallet,
    /// A box.
    Box,
    /// A single piece.
    Piece,
    /// A batch in the hands of one party.
    PartyLot,
    /// A whole consignment.
    Consignment,
}

impl Granularity {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "lot" => Some(Self::Lot),
            "pallet" => Some(Self::Pallet),
            "box" => Some(Self::Box),
            "piece" => Some(Self::Piece),
            "party_lot" => Some(Self::PartyLot),
            "consignment" => Some(Self::Consignment),
            _ => None,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Carrier {
    Plain,
    Url { host: String, path: String, param: String },
    Prefix(String),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum SegmentKind {
    Const(String),
    Digits,
    Alnum,
    Upper,
    Hex,
    Opaque(Option<BTreeSet<char>>),
    Date(DateFormat),
    Enum(BTreeSet<String>),
    Region(Vec<String>),
    Uscc,
    Gtin14,
    Declaration,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DateFormat {
    YearMonthDay,
    ShortYearMonthDay,
    YearMonth,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Segment {
    pub(super) name: String,
    pub(super) kind: SegmentKind,
    pub(super) min: usize,
    pub(super) max: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Algorithm {
    Gs1Mod10,
    Mod11Ten,
    Mod11Two,
    Gb32100Mod31,
    Mod37,
    Mod97,
    Iso6346,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Check {
    pub(super) algorithm: Algorithm,
    pub(super) over: Vec<usize>,
    pub(super) holder: usize,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Constraint {
    NotFuture(usize),
    YearRange { segment: usize, min: u32, max: u32 },
    RegionIn { segment: usize, heads: Vec<String> },
    Lookup { segment: usize, of: usize, table: BTreeMap<String, String> },
}

/// A scheme whose vectors all came out as they say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scheme {
    id: String,
    version: u32,
    issuer: String,
    region: String,
    granularity: Granularity,
    priority: u32,
    valid_from_day: u32,
    valid_to_day: Option<u32>,
    pub(super) carriers: Vec<Carrier>,
    pub(super) segments: Vec<Segment>,
    pub(super) check: Option<Check>,
    pub(super) identity: Vec<usize>,
    pub(super) constraints: Vec<Constraint>,
    /// Whether codes are read in capitals: no segment tells small letters from them.
    pub(super) is_folded: bool,
    samples: Vec<String>,
}

impl Scheme {
    /// Reads a definition and tests it by its own vectors.
    ///
    /// ```
    /// use contracts::scheme::{Scheme, demo};
    ///
    /// let beijing = Scheme::parse(demo::BEIJING).unwrap();
    /// let code = beijing.read("BJ110108069012345678922103150042F").unwrap();
    /// assert_eq!(code.key(), "JJJ-DEMO-BJ:110108:06901234567892:210315:0042");
    /// ```
    pub fn parse(definition: &str) -> Result<Self, SchemeError> {
        if definition.chars().count() > DEFINITION_CHARS_MAX {
            return Err(broken("definition", "is longer than a definition may be"));
        }
        let parsed: Definition = toml::from_str(definition)
            .map_err(|error| SchemeError::Syntax { detail: error.message().to_owned() })?;
        let scheme = Self::build(&parsed)?;
        scheme.test(&parsed)?;
        Ok(scheme)
    }

    /// Identifier, the first part of its units' keys.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Version: of two with one identifier, the keys of units are the same.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Who issues the codes: province digits, `GS1`, `customs`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Division that it is for; empty for none stated.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// What one code stands on.
    pub const fn granularity(&self) -> Granularity {
        self.granularity
    }

    /// Which scheme is asked first where two could read a code.
    pub const fn priority(&self) -> u32 {
        self.priority
    }

    /// First day on which codes are issued, since 1970-01-01.
    pub const fn valid_from_day(&self) -> u32 {
        self.valid_from_day
    }

    /// Last day on which codes are issued, if it is known.
    pub const fn valid_to_day(&self) -> Option<u32> {
        self.valid_to_day
    }

    /// Why both schemes cannot be in force together, by the codes that they must read. Two schemes
    /// read no code in common. Two versions of one scheme read the same codes, and to one key: under
    /// another key the goods of a code that is printed on them would be other goods.
    pub fn clash(&self, other: &Self) -> Option<Clash> {
        let keys = |code: &String| {
            let (own, others) = (self.read(code).ok()?, other.read(code).ok()?);
            Some((own.key(), others.key()))
        };
        self.samples.iter().chain(&other.samples).find_map(|code| {
            let (key, other_key) = keys(code)?;
            let code = code.clone();
            if self.id != other.id {
                return Some(Clash::BothRead { scheme: self.id.clone(), code });
            }
            let (version, other_version) = (self.version, other.version);
            (key != other_key).then_some(Clash::OtherKey {
                code,
                version,
                key,
                other_version,
                other_key,
            })
        })
    }

    fn build(parsed: &Definition) -> Result<Self, SchemeError> {
        header(parsed)?;
        let granularity = Granularity::from_name(&parsed.granularity);
        let granularity = granularity.ok_or_else(|| {
            broken("granularity", "is lot, pallet, box, piece, party_lot or consignment")
        })?;
        let segments = segments(&parsed.segment)?;
        let names = Names(&segments);
        let identity = names.all("identity", &parsed.identity)?;
        if identity.is_empty() {
            return Err(broken("identity", "names at least one segment"));
        }
        let check = parsed.check.as_ref().map(|check| build_check(check, &segments)).transpose()?;
        let constraints = parsed
            .constraint
            .iter()
            .map(|constraint| build_constraint(constraint, &segments, &parsed.table))
            .collect::<Result<_, _>>()?;
        let has_small = |text: &str| text.chars().any(char::is_lowercase);
        let keeps_case = |segment: &Segment| match &segment.kind {
            SegmentKind::Opaque(_) => true,
            SegmentKind::Const(text) => has_small(text),
            SegmentKind::Enum(values) => values.iter().any(|value| has_small(value)),
            SegmentKind::Digits
            | SegmentKind::Alnum
            | SegmentKind::Upper
            | SegmentKind::Hex
            | SegmentKind::Date(_)
            | SegmentKind::Region(_)
            | SegmentKind::Uscc
            | SegmentKind::Gtin14
            | SegmentKind::Declaration => false,
        };
        Ok(Self {
            id: parsed.id.clone(),
            version: parsed.version,
            issuer: parsed.issuer.clone(),
            region: parsed.region.clone(),
            granularity,
            priority: parsed.priority,
            valid_from_day: date("valid_from", &parsed.valid_from)?,
            valid_to_day: match parsed.valid_to.as_str() {
                "" => None,
                day => Some(date("valid_to", day)?),
            },
            carriers: carriers(&parsed.carrier)?,
            is_folded: !segments.iter().any(keeps_case),
            check,
            identity,
            constraints,
            segments,
            samples: parsed.ok.iter().map(|vector| vector.code.clone()).collect(),
        })
    }

    /// Runs every vector.
    fn test(&self, parsed: &Definition) -> Result<(), SchemeError> {
        let today = date("today", &parsed.today)?;
        for (outcome, found, least) in [
            ("read", parsed.ok.len(), POSITIVE_VECTORS_MIN),
            ("be refused", parsed.bad.len(), NEGATIVE_VECTORS_MIN),
        ] {
            if found < least {
                return Err(SchemeError::TooFewVectors { outcome, found, least });
            }
        }
        let tests_check = parsed.bad.iter().any(|vector| vector.reason == Reason::Check.code());
        if self.check.is_some() && !tests_check {
            return Err(broken("bad", "a scheme with a check has a vector that fails it"));
        }
        for (index, vector) in parsed.ok.iter().enumerate() {
            let read = self.read_on(&vector.code, today).map_err(|error| SchemeError::Vector {
                list: "ok",
                index,
                expected: "a code".to_owned(),
                found: error.reason.to_string(),
            })?;
            fields_agree(&read, index, &vector.fields)?;
        }
        for (index, vector) in parsed.bad.iter().enumerate() {
            if CodeReason::from_code(&vector.reason).is_none() {
                return Err(broken(&format!("bad[{index}].reason"), "is a reason of the grammar"));
            }
            let found = match self.read_on(&vector.code, today) {
                Ok(read) => read.key(),
                Err(error) if error.reason.code() == vector.reason => continue,
                Err(error) => error.reason.to_string(),
            };
            let expected = vector.reason.clone();
            return Err(SchemeError::Vector { list: "bad", index, expected, found });
        }
        Ok(())
    }
}

fn fields_agree(
    read: &ParsedCode,
    index: usize,
    fields: &BTreeMap<String, String>,
) -> Result<(), SchemeError> {
    for (name, expected) in fields {
        let found = read.part(name).unwrap_or("no such segment");
        if found != expected {
            return Err(SchemeError::Vector {
                list: "ok",
                index,
                expected: format!("{name} = {expected}"),
                found: format!("{name} = {found}"),
            });
        }
    }
    Ok(())
}

pub(super) fn broken(place: &str, rule: &'static str) -> SchemeError {
    SchemeError::Rule { place: place.to_owned(), rule }
}

fn date(place: &str, text: &str) -> Result<u32, SchemeError> {
    calendar::parse(text).ok_or_else(|| broken(place, "is a date, yyyy-MM-dd"))
}

fn header(parsed: &Definition) -> Result<(), SchemeError> {
    let id_char = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
    let length = parsed.id.chars().count();
    if length == 0 || length > ID_CHARS_MAX || !parsed.id.chars().all(id_char) {
        return Err(broken("id", "has 1 to 32 capitals, digits and hyphens"));
    }
    if ["OPAQUE", "GS1"].contains(&parsed.id.as_str()) {
        return Err(broken("id", "is not one of the built-in OPAQUE and GS1"));
    }
    if parsed.version == 0 {
        return Err(broken("version", "counts from 1"));
    }
    if parsed.issuer.is_empty() {
        return Err(broken("issuer", "is stated"));
    }
    Ok(())
}

fn carriers(parsed: &[definition::Carrier]) -> Result<Vec<Carrier>, SchemeError> {
    if parsed.is_empty() {
        return Err(broken("carrier", "at least one is stated"));
    }
    parsed
        .iter()
        .enumerate()
        .map(|(at, carrier)| {
            let place = format!("carrier[{at}]");
            match carrier {
                definition::Carrier::Plain {} => Ok(Carrier::Plain),
                definition::Carrier::Prefix { text } if payload(text) != *text => {
                    Err(broken(&place, "the text is in NFKC and trimmed"))
                }
                definition::Carrier::Prefix { text } if text.is_empty() => {
                    Err(broken(&place, "the text is not empty"))
                }
                definition::Carrier::Prefix { text } => Ok(Carrier::Prefix(text.clone())),
                definition::Carrier::Url { host, path, param } => {
                    let is_host =
                        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:".contains(c);
                    if host.is_empty() || !host.chars().all(is_host) || !path.starts_with('/') {
                        return Err(broken(
                            &place,
                            "the host is in small letters, the path begins with /",
                        ));
                    }
                    if param.is_empty() {
                        return Err(broken(&place, "the parameter is named"));
                    }
                    let (host, path, param) = (host.clone(), path.clone(), param.clone());
                    Ok(Carrier::Url { host, path, param })
                }
            }
        })
        .collect()
}

fn segments(parsed: &[definition::Segment]) -> Result<Vec<Segment>, SchemeError> {
    if parsed.is_empty() || parsed.len() > SEGMENTS_MAX {
        return Err(broken("segment", "1 to 32 are stated"));
    }
    let built: Vec<Segment> = parsed.iter().map(segment).collect::<Result<_, _>>()?;
    let names: BTreeSet<&str> = built.iter().map(|segment| segment.name.as_str()).collect();
    if names.len() != built.len() {
        return Err(broken("segment", "no two have one name"));
    }
    let longest: usize = built.iter().map(|segment| segment.max).sum();
    if longest > CODE_CHARS_MAX {
        return Err(broken("segment", "together they are at most 256 characters long"));
    }
    let mut open = false;
    for (at, segment) in built.iter().enumerate() {
        if segment.min == segment.max {
            continue;
        }
        let is_separated =
            matches!(built.get(at + 1), Some(Segment { kind: SegmentKind::Const(_), .. }));
        if open {
            return Err(broken(
                &format!("segment {}", segment.name),
                "behind a segment of variable length without a separator only fixed ones stand",
            ));
        }
        open = !is_separated;
    }
    Ok(built)
}

fn segment(parsed: &definition::Segment) -> Result<Segment, SchemeError> {
    let place = format!("segment {}", parsed.name);
    let name_char = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if parsed.name.is_empty() || !parsed.name.chars().all(name_char) {
        return Err(broken(&place, "a name has small letters, digits and _"));
    }
    if !REFERENCES.contains(&parsed.reference.as_str()) {
        return Err(broken(
            &place,
            "ref is enterprise, declaration, product, certificate or station",
        ));
    }
    let (kind, fixed) = segment_kind(parsed, &place)?;
    let (min, max) = match (parsed.len, parsed.min, parsed.max) {
        (Some(len), None, None) => (len, len),
        (None, Some(min), Some(max)) => (min, max),
        (None, None, None) => match fixed {
            Some(len) => (len, len),
            None => return Err(broken(&place, "len, or min and max, are stated")),
        },
        _ => return Err(broken(&place, "either len, or min and max, are stated")),
    };
    if min == 0 || min > max {
        return Err(broken(&place, "0 < min <= max"));
    }
    if fixed.is_some_and(|len| (min, max) != (len, len)) {
        return Err(broken(&place, "its type has another length"));
    }
    Ok(Segment { name: parsed.name.clone(), kind, min, max })
}

/// The type of a segment and the length that the type itself has.
fn segment_kind(
    parsed: &definition::Segment,
    place: &str,
) -> Result<(SegmentKind, Option<usize>), SchemeError> {
    let separates = |text: &str| text.contains(':') || text.chars().any(char::is_control);
    match parsed.kind.as_str() {
        "const" => match parsed.value.as_deref() {
            None | Some("") => Err(broken(place, "a const has a value")),
            Some(text) if separates(text) => Err(broken(place, "a value has no colon")),
            Some(text) => Ok((SegmentKind::Const(text.to_owned()), Some(text.chars().count()))),
        },
        "digits" | "seq" => Ok((SegmentKind::Digits, None)),
        "alnum" => Ok((SegmentKind::Alnum, None)),
        "upper" => Ok((SegmentKind::Upper, None)),
        "hex" => Ok((SegmentKind::Hex, None)),
        "opaque" => match &parsed.charset {
            Some(charset) if separates(charset) => Err(broken(place, "a charset has no colon")),
            charset => {
                let set = charset.as_ref().map(|charset| charset.chars().collect());
                Ok((SegmentKind::Opaque(set), None))
            }
        },
        "date" => match parsed.format.as_deref() {
            Some("yyMMdd") => Ok((SegmentKind::Date(DateFormat::ShortYearMonthDay), Some(6))),
            Some("yyyyMMdd") => Ok((SegmentKind::Date(DateFormat::YearMonthDay), Some(8))),
            Some("yyyyMM") => Ok((SegmentKind::Date(DateFormat::YearMonth), Some(6))),
            Some(_) | None => Err(broken(place, "format is yyMMdd, yyyyMMdd or yyyyMM")),
        },
        "enum" => {
            if parsed.values.is_empty() || parsed.values.iter().any(|value| separates(value)) {
                return Err(broken(place, "an enum has values, without colons"));
            }
            Ok((SegmentKind::Enum(parsed.values.iter().cloned().collect()), None))
        }
        "region" => Ok((SegmentKind::Region(parsed.within.clone()), Some(6))),
        "uscc" => Ok((SegmentKind::Uscc, Some(18))),
        "gtin14" => Ok((SegmentKind::Gtin14, Some(14))),
        "decl18" => Ok((SegmentKind::Declaration, Some(18))),
        _ => Err(broken(place, "the type is one of the grammar")),
    }
}

/// Positions of segments by name.
struct Names<'a>(&'a [Segment]);

impl Names<'_> {
    fn position(&self, place: &str, name: &str) -> Result<usize, SchemeError> {
        let found = self.0.iter().position(|segment| segment.name == name);
        found.ok_or_else(|| broken(place, "names a segment that is there"))
    }

    fn all(&self, place: &str, names: &[String]) -> Result<Vec<usize>, SchemeError> {
        let distinct: BTreeSet<&String> = names.iter().collect();
        if distinct.len() != names.len() {
            return Err(broken(place, "names no segment twice"));
        }
        names.iter().map(|name| self.position(place, name)).collect()
    }

    fn date(&self, place: &str, name: &str) -> Result<usize, SchemeError> {
        let at = self.position(place, name)?;
        match self.0.get(at).map(|segment| &segment.kind) {
            Some(SegmentKind::Date(_)) => Ok(at),
            Some(_) | None => Err(broken(place, "names a date")),
        }
    }
}

fn build_check(check: &definition::Check, segments: &[Segment]) -> Result<Check, SchemeError> {
    let (algorithm, length) = match check.alg.as_str() {
        "gs1_mod10" => (Algorithm::Gs1Mod10, 1),
        "mod11_10" => (Algorithm::Mod11Ten, 1),
        "mod11_2" => (Algorithm::Mod11Two, 1),
        "gb32100_mod31" => (Algorithm::Gb32100Mod31, 1),
        "mod37_36" => (Algorithm::Mod37, 1),
        "mod97_10" => (Algorithm::Mod97, 2),
        "iso6346" => (Algorithm::Iso6346, 1),
        _ => return Err(broken("check.alg", "is an algorithm of the grammar")),
    };
    let names = Names(segments);
    let over = names.all("check.over", &check.over)?;
    let holder = names.position("check.as", &check.holder)?;
    if over.is_empty() || over.contains(&holder) {
        return Err(broken("check.over", "names the segments that are checked, not their check"));
    }
    match segments.get(holder) {
        Some(segment) if (segment.min, segment.max) == (length, length) => {
            Ok(Check { algorithm, over, holder })
        }
        Some(_) | None => Err(broken("check.as", "is as long as the algorithm's check")),
    }
}

fn build_constraint(
    constraint: &definition::Constraint,
    segments: &[Segment],
    tables: &BTreeMap<String, BTreeMap<String, String>>,
) -> Result<Constraint, SchemeError> {
    let names = Names(segments);
    let place = "constraint";
    match constraint {
        definition::Constraint::NotFuture { segment } => {
            Ok(Constraint::NotFuture(names.date(place, segment)?))
        }
        definition::Constraint::YearRange { segment, min, max } => {
            let (min, max) = (*min, *max);
            Ok(Constraint::YearRange { segment: names.date(place, segment)?, min, max })
        }
        definition::Constraint::RegionIn { segment, values } => {
            let segment = names.position(place, segment)?;
            Ok(Constraint::RegionIn { segment, heads: values.clone() })
        }
        definition::Constraint::Lookup { segment, of, table } => {
            let found = tables.get(table).ok_or_else(|| broken(place, "names a table"))?;
            let (segment, of) = (names.position(place, segment)?, names.position(place, of)?);
            Ok(Constraint::Lookup { segment, of, table: found.clone() })
        }
    }
}
