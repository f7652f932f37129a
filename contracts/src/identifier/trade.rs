//! Keys of goods and containers in trade: GTIN, GLN, SSCC of GS1, and freight containers, ISO 6346.

use super::check::{Weak, gs1_mod10, iso6346};
use super::{Reason, digits, length, part};

/// Checks a GTIN of 8, 12, 13 or 14 digits.
pub fn gtin(text: &str) -> Result<(), Reason> {
    match text.chars().count() {
        8 | 12 | 13 | 14 => gs1(text, text.chars().count()),
        _ => Err(Reason::Length),
    }
}

/// Checks a global location number of 13 digits.
pub fn gln(text: &str) -> Result<(), Reason> {
    gs1(text, 13)
}

/// Checks a serial shipping container code of 18 digits.
pub fn sscc(text: &str) -> Result<(), Reason> {
    gs1(text, 18)
}

fn gs1(text: &str, count: usize) -> Result<(), Reason> {
    length(text, count)?;
    digits(text)?;
    let check = gs1_mod10(part(text, 0, count - 1)?);
    if check == text.chars().last() { Ok(()) } else { Err(Reason::Check) }
}

/// Checks the number of a freight container and says whether its check digit is a weak one.
pub fn container(text: &str) -> Result<Weak, Reason> {
    length(text, 11)?;
    let (owner, category, serial) = (part(text, 0, 3)?, part(text, 3, 4)?, part(text, 4, 11)?);
    if !owner.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(Reason::Char);
    }
    if !["U", "J", "Z"].contains(&category) {
        return Err(Reason::Prefix);
    }
    digits(serial)?;
    let (check, weak) = iso6346(part(text, 0, 10)?).ok_or(Reason::Char)?;
    if text.ends_with(check) { Ok(weak) } else { Err(Reason::Check) }
}

/// Checks a country by form: three capital letters of GB/T 2659.1.
pub fn country(text: &str) -> Result<(), Reason> {
    length(text, 3)?;
    if text.bytes().all(|byte| byte.is_ascii_uppercase()) { Ok(()) } else { Err(Reason::Char) }
}
