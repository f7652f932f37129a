//! Reads a code by a scheme: carrier, segments from left to right, check, constraints.

use proto::limits::SUBJECT_BYTES_MAX;
use unicode_normalization::UnicodeNormalization as _;

use super::canonical::{Url, canonical, is_invisible};
use super::grammar::{Algorithm, Carrier, Constraint, DateFormat, Scheme, Segment, SegmentKind};
use super::{CODE_CHARS_MAX, CodeError, CodeReason};
use crate::identifier::{
    Reason, calendar, check, customs, digits, division, number, part, trade, uscc,
};

/// A code that a scheme reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParsedCode {
    scheme: String,
    version: u32,
    parts: Vec<(String, String)>,
    identity: Vec<usize>,
}

impl ParsedCode {
    /// Identifier of the scheme.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Version of the scheme that read it.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// The parts that identify the unit, in the order of the scheme's identity.
    pub fn identity(&self) -> Vec<&str> {
        let part = |at: &usize| self.parts.get(*at).map(|(_, text)| text.as_str());
        self.identity.iter().filter_map(part).collect()
    }

    /// The text of a segment.
    pub fn part(&self, name: &str) -> Option<&str> {
        self.parts.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    /// Every segment with its text, in order.
    pub fn parts(&self) -> &[(String, String)] {
        &self.parts
    }

    /// Key of the unit: scheme and identity, without the version.
    pub fn key(&self) -> String {
        format!("{}:{}", self.scheme, self.identity().join(":"))
    }
}

impl Scheme {
    /// Reads a code as it was scanned. What it says does not depend on the day.
    pub fn read(&self, raw: &str) -> Result<ParsedCode, CodeError> {
        if raw.chars().count() > CODE_CHARS_MAX {
            return Err(Reason::Length.into());
        }
        self.read_canonical(&canonical(raw))
    }

    /// Reads a code and holds its dates against the day of reading.
    pub fn read_on(&self, raw: &str, today: u32) -> Result<ParsedCode, CodeError> {
        let read = self.read(raw)?;
        for constraint in &self.constraints {
            let Constraint::NotFuture(at) = constraint else { continue };
            if self.date_at(&read, *at).is_some_and(|day| day > today) {
                return Err(CodeReason::Future.into());
            }
        }
        Ok(read)
    }

    /// Reads a code in its canonical form.
    pub(super) fn read_canonical(&self, text: &str) -> Result<ParsedCode, CodeError> {
        let carried = self.carried(text)?;
        let code = if self.is_folded { carried.to_uppercase() } else { carried };
        let chars: Vec<char> = code.chars().collect();
        if chars.iter().any(|c| c.is_control()) {
            return Err(Reason::Char.into());
        }
        let texts = self.divide(&chars)?;
        for (segment, text) in self.segments.iter().zip(&texts) {
            segment.kind.check(text)?;
        }
        self.verify(&texts)?;
        self.constrain(&texts)?;
        let read = ParsedCode {
            scheme: self.id().to_owned(),
            version: self.version(),
            identity: self.identity.clone(),
            parts: self.segments.iter().map(|s| s.name.clone()).zip(texts).collect(),
        };
        // What an address carries may be longer than the address: a key that no link holds is none.
        let fits = read.key().len() <= usize::from(SUBJECT_BYTES_MAX);
        if fits { Ok(read) } else { Err(Reason::Length.into()) }
    }

    /// What the carrier carries.
    fn carried(&self, text: &str) -> Result<String, CodeError> {
        if let Some(url) = Url::split(text) {
            return self.carried_by_url(&url);
        }
        let mut plain = false;
        for carrier in &self.carriers {
            match carrier {
                Carrier::Prefix(prefix) => {
                    if let Some(code) = text.strip_prefix(prefix.as_str()) {
                        return Ok(code.trim().to_owned());
                    }
                }
                Carrier::Plain => plain = true,
                Carrier::Url { .. } => (), // the text is no address
            }
        }
        if plain { Ok(text.to_owned()) } else { Err(CodeReason::Carrier.into()) }
    }

    /// The parameter of an address of the right host. The right code at another host is a copy.
    fn carried_by_url(&self, url: &Url<'_>) -> Result<String, CodeError> {
        let mut reason = CodeReason::Carrier;
        for carrier in &self.carriers {
            let Carrier::Url { host, path, param } = carrier else { continue };
            let Some(code) = url.parameter(param).filter(|_| url.path() == path) else { continue };
            if url.host == host {
                return Ok(payload(&code));
            }
            reason = CodeReason::Host;
        }
        Err(reason.into())
    }

    /// Cuts a code into its segments.
    fn divide(&self, chars: &[char]) -> Result<Vec<String>, CodeError> {
        if let Some(Segment { kind: SegmentKind::Const(head), .. }) = self.segments.first() {
            let begins = head.chars().eq(chars.iter().copied().take(head.chars().count()));
            if !begins {
                return Err(Reason::Prefix.into());
            }
        }
        let mut texts = Vec::with_capacity(self.segments.len());
        let mut rest = chars;
        for (at, segment) in self.segments.iter().enumerate() {
            let behind = self.segments.get(at + 1..).unwrap_or_default();
            let length = segment.length(rest, behind)?;
            let (text, tail) = rest.split_at_checked(length).ok_or(Reason::Length)?;
            texts.push(text.iter().collect());
            rest = tail;
        }
        if rest.is_empty() { Ok(texts) } else { Err(Reason::Length.into()) }
    }

    fn verify(&self, texts: &[String]) -> Result<(), CodeError> {
        let Some(stated) = &self.check else { return Ok(()) };
        let text = |at: &usize| texts.get(*at).map_or("", String::as_str);
        let body: String = stated.over.iter().map(text).collect();
        let one = |check: Option<char>| check.map(String::from);
        let computed = match stated.algorithm {
            Algorithm::Gs1Mod10 => one(check::gs1_mod10(&body)),
            Algorithm::Mod11Ten => one(check::mod11_10(&body)),
            Algorithm::Mod11Two => one(check::mod11_2(&body)),
            Algorithm::Gb32100Mod31 => one(check::gb32100_mod31(&body)),
            Algorithm::Mod37 => one(check::mod37_36(&body)),
            Algorithm::Mod97 => check::mod97_10(&body),
            Algorithm::Iso6346 => one(check::iso6346(&body).map(|(check, _)| check)),
        };
        match computed {
            None => Err(Reason::Char.into()),
            Some(computed) if computed == text(&stated.holder) => Ok(()),
            Some(_) => Err(Reason::Check.into()),
        }
    }

    fn constrain(&self, texts: &[String]) -> Result<(), CodeError> {
        let text = |at: usize| texts.get(at).map_or("", String::as_str);
        for constraint in &self.constraints {
            match constraint {
                Constraint::NotFuture(_) => (), // a question of the day, not of the code
                Constraint::YearRange { segment, min, max } => {
                    let year = self.civil_at(*segment, text(*segment)).map(|(year, ..)| year);
                    if !year.is_some_and(|year| (*min..=*max).contains(&year)) {
                        return Err(Reason::Date.into());
                    }
                }
                Constraint::RegionIn { segment, heads } => {
                    if !heads.iter().any(|head| text(*segment).starts_with(head.as_str())) {
                        return Err(Reason::Region.into());
                    }
                }
                Constraint::Lookup { segment, of, table } => {
                    if table.get(text(*of)).map(String::as_str) != Some(text(*segment)) {
                        return Err(CodeReason::Constraint.into());
                    }
                }
            }
        }
        Ok(())
    }

    fn civil_at(&self, at: usize, text: &str) -> Option<(u32, u32, u32)> {
        match &self.segments.get(at)?.kind {
            SegmentKind::Date(format) => format.civil(text).ok(),
            SegmentKind::Const(_)
            | SegmentKind::Digits
            | SegmentKind::Alnum
            | SegmentKind::Upper
            | SegmentKind::Hex
            | SegmentKind::Opaque(_)
            | SegmentKind::Enum(_)
            | SegmentKind::Region(_)
            | SegmentKind::Uscc
            | SegmentKind::Gtin14
            | SegmentKind::Declaration => None,
        }
    }

    fn date_at(&self, read: &ParsedCode, at: usize) -> Option<u32> {
        let (_, text) = read.parts.get(at)?;
        let (year, month, day) = self.civil_at(at, text)?;
        calendar::day_number(year, month, day)
    }
}

impl Segment {
    /// How many of the characters that are left belong to this segment.
    fn length(&self, rest: &[char], behind: &[Self]) -> Result<usize, Reason> {
        if self.min == self.max {
            return Ok(self.min);
        }
        let separator = behind.first().and_then(Self::separator);
        let length = if let Some(separator) = separator {
            let separator: Vec<char> = separator.chars().collect();
            let mut windows = rest.windows(separator.len());
            windows.position(|window| window == separator).ok_or(Reason::Length)?
        } else {
            let fixed: usize = behind.iter().map(|segment| segment.min).sum();
            rest.len().checked_sub(fixed).ok_or(Reason::Length)?
        };
        if (self.min..=self.max).contains(&length) { Ok(length) } else { Err(Reason::Length) }
    }
}

impl Segment {
    /// The text of a constant, at which a segment before it ends.
    fn separator(&self) -> Option<&str> {
        if let SegmentKind::Const(text) = &self.kind { Some(text) } else { None }
    }
}

impl SegmentKind {
    fn check(&self, text: &str) -> Result<(), CodeError> {
        let all = |allowed: fn(char) -> bool| {
            if text.chars().all(allowed) { Ok(()) } else { Err(Reason::Char) }
        };
        let checked = match self {
            Self::Const(value) if value == text => Ok(()),
            Self::Const(_) => Err(Reason::Char),
            Self::Digits => digits(text),
            Self::Alnum => all(|c| c.is_ascii_digit() || c.is_ascii_uppercase()),
            Self::Upper => all(|c| c.is_ascii_uppercase()),
            Self::Hex => all(|c| c.is_ascii_digit() || ('A'..='F').contains(&c)),
            // A colon parts the identity in a unit's key.
            Self::Opaque(None) => all(|c| c != ':' && !c.is_whitespace()),
            Self::Opaque(Some(charset)) => {
                if text.chars().all(|c| charset.contains(&c)) {
                    Ok(())
                } else {
                    Err(Reason::Char)
                }
            }
            Self::Date(format) => format.civil(text).map(drop),
            Self::Enum(values) if values.contains(text) => Ok(()),
            Self::Enum(_) => return Err(CodeReason::Value.into()),
            Self::Region(heads) => division::parse(text).and_then(|_| {
                let lies_in = heads.is_empty() || heads.iter().any(|head| text.starts_with(head));
                if lies_in { Ok(()) } else { Err(Reason::Region) }
            }),
            Self::Uscc => uscc::parse(text).map(drop),
            Self::Gtin14 => trade::gtin(text),
            Self::Declaration => customs::declaration(text),
        };
        checked.map_err(CodeError::from)
    }
}

impl DateFormat {
    /// Year, month and day; the first day of a month.
    fn civil(self, text: &str) -> Result<(u32, u32, u32), Reason> {
        let at = |from, to| part(text, from, to).and_then(number);
        let (year, month, day) = match self {
            Self::YearMonthDay => (at(0, 4)?, at(4, 6)?, at(6, 8)?),
            Self::ShortYearMonthDay => (2_000 + at(0, 2)?, at(2, 4)?, at(4, 6)?),
            Self::YearMonth => (at(0, 4)?, at(4, 6)?, 1),
        };
        if calendar::exists(year, month, day) && year >= 1970 {
            Ok((year, month, day))
        } else {
            Err(Reason::Date)
        }
    }
}

/// The form of a code that was carried: like the canonical form, but never an address again.
pub(super) fn payload(text: &str) -> String {
    let visible: String = text.chars().filter(|c| !is_invisible(*c)).nfkc().collect();
    visible.trim().to_owned()
}
