//! Customs declarations and HS codes: structure only, since they have no check digit.

use super::{Reason, digits, length, number, part};

/// First year of the 18-digit form.
const YEAR_MIN: u32 = 2005;

/// Last year that is taken for real; what is later than the block is the state's question.
const YEAR_MAX: u32 = 2099;

/// Lines of a declaration.
const LINES_MAX: u32 = 999;

/// Checks a declaration number of 18 digits: customs office, year, import flag, serial.
///
/// The office is not looked up: goods for the three provinces also enter elsewhere, and the table is
/// the customs'.
pub fn declaration(text: &str) -> Result<(), Reason> {
    length(text, 18)?;
    digits(text)?;
    if part(text, 0, 2)? == "00" {
        return Err(Reason::Prefix);
    }
    if !(YEAR_MIN..=YEAR_MAX).contains(&number(part(text, 4, 8)?)?) {
        return Err(Reason::Date);
    }
    // 1 is import, 0 export; exported goods do not come to this chain.
    if part(text, 8, 9)? == "1" { Ok(()) } else { Err(Reason::Char) }
}

/// Checks a declaration line, `<18 digits>-<line>`, and writes it in the one form: line number
/// without leading zeros.
///
/// ```
/// use contracts::identifier::{Reason, customs};
///
/// assert_eq!(customs::line("020220211000012345-01").unwrap(), "020220211000012345-1");
/// assert_eq!(customs::line("020220211000012345"), Err(Reason::Length));
/// ```
pub fn line(text: &str) -> Result<String, Reason> {
    let (declared, item) = text.split_once('-').ok_or(Reason::Length)?;
    declaration(declared)?;
    if item.is_empty() || item.len() > 3 {
        return Err(Reason::Length);
    }
    match number(item)? {
        0 => Err(Reason::Char),
        item if item <= LINES_MAX => Ok(format!("{declared}-{item}")),
        _ => Err(Reason::Length),
    }
}

/// Checks an HS code of a declaration: 10 digits, or 13 with those of inspection and quarantine.
pub fn hs_declared(text: &str) -> Result<(), Reason> {
    match text.chars().count() {
        10 | 13 => hs(text),
        _ => Err(Reason::Length),
    }
}

/// Checks an HS code of a product class: also the 6 digits of the international subheading.
pub fn hs_class(text: &str) -> Result<(), Reason> {
    match text.chars().count() {
        6 | 8 | 10 | 13 => hs(text),
        _ => Err(Reason::Length),
    }
}

fn hs(text: &str) -> Result<(), Reason> {
    digits(text)?;
    // Chapters run from 01 to 97, without 77.
    let chapter = number(part(text, 0, 2)?)?;
    if (1..=97).contains(&chapter) && chapter != 77 { Ok(()) } else { Err(Reason::Prefix) }
}
