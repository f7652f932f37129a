//! Finds personal data in plain text before it enters a block: resident numbers, mobile phone
//! numbers, codes of individual households. Owns the patterns; which field is scanned how is
//! admission's table. A finding says where and what, never the value.
//!
//! An erased block does not exist, so a doubtful text is refused and not recorded. What keeps
//! ordinary numbers out: a resident number must have a valid province, birth date and check digit and
//! stand alone; a phone number is looked for only where people write text or numbers of their own,
//! not in trace codes and product codes, of which one in a thousand looks like one.

use unicode_normalization::UnicodeNormalization as _;

use crate::identifier::{customs, resident, uscc};

/// What was found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Personal {
    /// A resident identity number.
    ResidentNumber,
    /// A mobile phone number.
    MobilePhone,
    /// The credit code of an individual household.
    HouseholdCode,
}

impl Personal {
    /// The name in English.
    pub const fn english(self) -> &'static str {
        match self {
            Self::ResidentNumber => "a resident identity number",
            Self::MobilePhone => "a mobile phone number",
            Self::HouseholdCode => "the code of an individual household",
        }
    }

    /// The name in Chinese.
    pub const fn chinese(self) -> &'static str {
        match self {
            Self::ResidentNumber => "居民身份证号",
            Self::MobilePhone => "手机号",
            Self::HouseholdCode => "个体工商户统一社会信用代码",
        }
    }
}

/// What a field may hold, and so how hard it is searched.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scan {
    /// People write here: everything, also with spaces and hyphens between the digits.
    Free,
    /// A number that its owner chose, such as a document's: everything that stands alone.
    Number,
    /// A code of goods: resident numbers and household codes.
    Code,
    /// Checked to be an identifier of another kind, or a commitment: nothing.
    Checked,
}

/// Personal data at a byte of the text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Finding {
    /// Byte of the text as given at which it begins.
    pub offset: usize,
    /// What it is.
    pub personal: Personal,
}

/// Digits of a mobile phone number.
const MOBILE_DIGITS: usize = 11;

/// Fewest digits of anything that is looked for: a household's code has six of its division.
const DIGITS_MIN: usize = 6;

/// Longest word of letters and digits in which a phone number is looked for: a longer one is a hash
/// or a key, in which eleven digits in a row mean nothing.
const WORD_CHARS_MAX: usize = 24;

/// The first personal data in `text`.
///
/// ```
/// use contracts::privacy::{Finding, Personal, Scan, scan};
///
/// let found = scan("司机 13800138000", Scan::Free);
/// assert_eq!(found, Some(Finding { offset: 7, personal: Personal::MobilePhone }));
/// assert_eq!(scan("13800138000", Scan::Code), None);
/// ```
pub fn scan(text: &str, how: Scan) -> Option<Finding> {
    if how == Scan::Checked || text.chars().filter(|c| c.is_numeric()).count() < DIGITS_MIN {
        return None;
    }
    let folded = Folded::of(text);
    let runs = folded.runs();
    let mut found = folded.households();
    found.extend(runs.iter().enumerate().filter_map(|(at, run)| {
        let personal = folded.alone(*run, how).or_else(|| folded.grouped(runs.get(at..)?, how))?;
        Some(Finding { offset: folded.offset(run.0), personal })
    }));
    found.into_iter().min()
}

/// A run of digits: first position and the position behind the last.
type Run = (usize, usize);

/// The text as it is searched: half width, capitals, each character with the byte it comes from.
struct Folded {
    chars: Vec<char>,
    offsets: Vec<usize>,
}

impl Folded {
    fn of(text: &str) -> Self {
        let mut chars = Vec::with_capacity(text.len());
        let mut offsets = Vec::with_capacity(text.len());
        for (offset, c) in text.char_indices() {
            if c.is_ascii() {
                chars.push(c.to_ascii_uppercase());
                offsets.push(offset);
            } else {
                for half in c.nfkc() {
                    chars.push(half.to_ascii_uppercase());
                    offsets.push(offset);
                }
            }
        }
        Self { chars, offsets }
    }

    fn at(&self, position: usize) -> Option<char> {
        self.chars.get(position).copied()
    }

    fn before(&self, position: usize) -> Option<char> {
        self.at(position.checked_sub(1)?)
    }

    fn offset(&self, position: usize) -> usize {
        self.offsets.get(position).copied().unwrap_or_default()
    }

    fn text(&self, from: usize, to: usize) -> String {
        self.chars.iter().skip(from).take(to.saturating_sub(from)).collect()
    }

    /// Maximal runs of digits.
    fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for (at, c) in self.chars.iter().enumerate() {
            if !c.is_ascii_digit() {
                continue;
            }
            match runs.last_mut() {
                Some((_, end)) if *end == at => *end = at + 1,
                Some(_) | None => runs.push((at, at + 1)),
            }
        }
        runs
    }

    /// What one run is by itself.
    fn alone(&self, run: Run, how: Scan) -> Option<Personal> {
        let (from, to) = run;
        if self.is_resident(&[run]) && !self.is_declaration(run) {
            return Some(Personal::ResidentNumber);
        }
        let sought = match how {
            Scan::Free => true,
            Scan::Number => !self.touches_letter(run),
            Scan::Code | Scan::Checked => false,
        };
        if !sought || self.is_fraction(run) || self.is_long_word(run) || self.is_in_uri(from) {
            return None;
        }
        let digits = self.text(from, to);
        let local = match digits.len() {
            13 if self.before(from) == Some('+') => digits.strip_prefix("86")?,
            15 => digits.strip_prefix("0086")?,
            _ => &digits,
        };
        is_mobile(local).then_some(Personal::MobilePhone)
    }

    /// What the runs from this one on are together, with single spaces or hyphens between them.
    fn grouped(&self, runs: &[Run], how: Scan) -> Option<Personal> {
        if how != Scan::Free {
            return None;
        }
        let joined = |pair: &[Run]| match pair {
            [(_, end), (start, _)] => {
                end + 1 == *start && matches!(self.at(*end), Some(' ' | '-' | '\u{2010}'))
            }
            _ => false,
        };
        // A resident number in groups has at most five: 6 4 2 2 4.
        (2..=5).filter_map(|count| runs.get(..count)).find_map(|group| {
            if !group.windows(2).all(joined) {
                return None;
            }
            if self.is_resident(group) {
                return Some(Personal::ResidentNumber);
            }
            let sizes: Vec<usize> = group.iter().map(|(from, to)| to - from).collect();
            let digits: String = group.iter().map(|(from, to)| self.text(*from, *to)).collect();
            let local = digits.strip_prefix("86").filter(|_| sizes.first() == Some(&2));
            let in_groups = matches!(sizes.as_slice(), [3, 4, 4] | [2, 3, 4, 4] | [2, 11]);
            (in_groups && is_mobile(local.unwrap_or(&digits))).then_some(Personal::MobilePhone)
        })
    }

    /// 18 digits, or 17 and an X behind which no word goes on, that are a resident number.
    fn is_resident(&self, group: &[Run]) -> bool {
        let mut digits: String = group.iter().map(|(from, to)| self.text(*from, *to)).collect();
        let end = group.last().map_or(0, |(_, to)| *to);
        if digits.len() == 17 && self.at(end) == Some('X') {
            let goes_on = self.at(end + 1).is_some_and(|c| c.is_ascii_alphanumeric());
            if !goes_on {
                digits.push('X');
            }
        }
        resident::check(&digits).is_ok()
    }

    /// A declaration line, `<18 digits>-<line>`: of two years' numbers a few look like births.
    fn is_declaration(&self, (from, to): Run) -> bool {
        self.at(to) == Some('-')
            && self.at(to + 1).is_some_and(|c| c.is_ascii_digit())
            && customs::declaration(&self.text(from, to)).is_ok()
    }

    /// Digits before or behind a decimal point.
    fn is_fraction(&self, (from, to): Run) -> bool {
        let digit_at = |at: usize| self.at(at).is_some_and(|c| c.is_ascii_digit());
        let behind_point =
            self.before(from) == Some('.') && from.checked_sub(2).is_some_and(digit_at);
        behind_point || (self.at(to) == Some('.') && digit_at(to + 1))
    }

    fn touches_letter(&self, (from, to): Run) -> bool {
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
        letter(self.before(from)) || letter(self.at(to))
    }

    fn is_long_word(&self, (from, to): Run) -> bool {
        let of_word = |c: &&char| c.is_ascii_alphanumeric();
        let before = self.chars.iter().take(from).rev().take_while(of_word).count();
        let behind = self.chars.iter().skip(to).take_while(of_word).count();
        before + (to - from) + behind > WORD_CHARS_MAX
    }

    /// Inside a URI, whose numbers are codes of goods and places.
    fn is_in_uri(&self, at: usize) -> bool {
        let of_uri = |c: &&char| c.is_ascii_graphic() && !"\"'<>,()[]{}".contains(**c);
        let length = self.chars.iter().take(at).rev().take_while(of_uri).count();
        let head = self.text(at - length, at);
        ["URN:", "HTTP://", "HTTPS://"].iter().any(|scheme| head.starts_with(scheme))
    }

    /// Household codes: 18 characters from `92` on, wherever they stand, since a trace code may hold
    /// the code of its party. Only organisation codes with a letter first, as all of households have:
    /// among digits alone chance would find too many.
    fn households(&self) -> Vec<Finding> {
        let starts = self.chars.windows(2).enumerate().filter(|(_, pair)| *pair == ['9', '2']);
        let is_code = |at: &usize| {
            self.at(at + 8).is_some_and(|c| c.is_ascii_uppercase())
                && uscc::parse(&self.text(*at, at + 18)).is_ok()
        };
        let finding = |at| Finding { offset: self.offset(at), personal: Personal::HouseholdCode };
        starts.map(|(at, _)| at).filter(is_code).map(finding).collect()
    }
}

/// 11 digits that begin with 13 to 19.
fn is_mobile(digits: &str) -> bool {
    let second = digits.strip_prefix('1').and_then(|rest| rest.chars().next());
    digits.len() == MOBILE_DIGITS && second.is_some_and(|c| ('3'..='9').contains(&c))
}
