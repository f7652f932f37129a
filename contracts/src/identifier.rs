//! Check algorithms of the identifiers that documents and codes carry. Owns form and check digits;
//! whether something with that number exists is the registry's question.
//!
//! Every check takes text that was folded first ([`fold`]) and answers with a reason, never a bool.

pub mod calendar;
pub mod check;
pub mod customs;
pub mod division;
pub mod document;
pub mod licence;
pub mod party;
pub mod plate;
pub mod resident;
pub mod trade;
pub mod uscc;

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

/// Why a text is not the identifier that its field holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reason {
    /// Another number of characters.
    Length,
    /// A character that its place does not allow.
    Char,
    /// The leading characters name no known class.
    Prefix,
    /// No such division.
    Region,
    /// No such day, or one out of bounds.
    Date,
    /// The check digit disagrees with the rest.
    Check,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 6] =
        [Self::Length, Self::Char, Self::Prefix, Self::Region, Self::Date, Self::Check];

    /// The stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Length => "BAD_LENGTH",
            Self::Char => "BAD_CHAR",
            Self::Prefix => "BAD_PREFIX",
            Self::Region => "BAD_REGION",
            Self::Date => "BAD_DATE",
            Self::Check => "BAD_CHECK",
        }
    }

    /// The reason of a stable name.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// What is wrong, in English.
    pub const fn english(self) -> &'static str {
        match self {
            Self::Length => "has a wrong length",
            Self::Char => "has a character that is not allowed in its place",
            Self::Prefix => "begins with an unknown class",
            Self::Region => "names no known division",
            Self::Date => "names no possible date",
            Self::Check => "has a wrong check digit",
        }
    }

    /// What is wrong, in Chinese.
    pub const fn chinese(self) -> &'static str {
        match self {
            Self::Length => "长度不对",
            Self::Char => "含有该位不允许的字符",
            Self::Prefix => "开头的类别不存在",
            Self::Region => "行政区划代码不存在",
            Self::Date => "日期不存在或超出范围",
            Self::Check => "校验码不符",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The form that is checked: NFKC (full width becomes half width), upper case, without white space
/// and hyphens.
pub fn fold(text: &str) -> String {
    let kept = |c: &char| !c.is_whitespace() && *c != '-';
    text.nfkc().filter(kept).flat_map(char::to_uppercase).collect()
}

/// All characters are ASCII digits.
pub(crate) fn digits(text: &str) -> Result<(), Reason> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { Ok(()) } else { Err(Reason::Char) }
}

/// Exactly `count` ASCII characters. Characters are counted, so that a full-width letter is a bad
/// character and not a bad length.
pub(crate) fn length(text: &str, count: usize) -> Result<(), Reason> {
    if text.chars().count() != count {
        return Err(Reason::Length);
    }
    if text.is_ascii() { Ok(()) } else { Err(Reason::Char) }
}

/// The number that a short run of digits writes.
pub(crate) fn number(text: &str) -> Result<u32, Reason> {
    digits(text)?;
    text.parse().map_err(|_| Reason::Length)
}

/// The part of `text` at bytes `from..to`; a cut through a character is a bad character.
pub(crate) fn part(text: &str, from: usize, to: usize) -> Result<&str, Reason> {
    text.get(from..to).ok_or(Reason::Char)
}
