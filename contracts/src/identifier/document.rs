//! Numbers of certificates and commitments of persons and vehicles.

use unicode_normalization::UnicodeNormalization as _;

use super::{Reason, fold};

/// Fewest characters of the number of any certificate or report.
const NUMBER_CHARS_MIN: usize = 4;

/// Most characters of the number of any certificate or report.
const NUMBER_CHARS_MAX: usize = 40;

/// A certificate number in its one form: NFKC, capitals, no white space.
pub fn certificate(text: &str) -> Result<String, Reason> {
    let number: String =
        text.nfkc().filter(|c| !c.is_whitespace()).flat_map(char::to_uppercase).collect();
    let count = number.chars().count();
    if !(NUMBER_CHARS_MIN..=NUMBER_CHARS_MAX).contains(&count) {
        return Err(Reason::Length);
    }
    let allowed = |c: char| c.is_alphanumeric() || "-_/.()〔〕[]#&".contains(c);
    if number.chars().all(allowed) { Ok(number) } else { Err(Reason::Char) }
}

/// Checks the number of an inspection and quarantine certificate: 10 to 30 digits and capitals.
pub fn entry_inspection(text: &str) -> Result<(), Reason> {
    let number = fold(text);
    if !(10..=30).contains(&number.chars().count()) {
        return Err(Reason::Length);
    }
    let allowed = |c: char| c.is_ascii_digit() || c.is_ascii_uppercase();
    if number.chars().all(allowed) { Ok(()) } else { Err(Reason::Char) }
}

/// A commitment in its one form: 64 hexadecimal digits in lower case.
pub fn commitment(text: &str) -> Result<String, Reason> {
    super::length(text, 64)?;
    if text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(Reason::Char)
    }
}
