//! Resident identity numbers, GB 11643. They are checked only to be found and refused: no number
//! ever enters an error, a log or a block.

use super::calendar::compact;
use super::check::mod11_2;
use super::division::is_province;
use super::{Reason, digits, length, part};

/// Earliest year of birth that is taken for real.
const BIRTH_YEAR_MIN: u32 = 1900;

/// Latest year of birth that is taken for real: nobody is born after this software's century.
const BIRTH_YEAR_MAX: u32 = 2099;

/// Checks a number of 18 characters, the last a digit or `X`.
pub fn check(text: &str) -> Result<(), Reason> {
    length(text, 18)?;
    let (body, last) = (part(text, 0, 17)?, part(text, 17, 18)?);
    digits(body)?;
    if last != "X" {
        digits(last)?;
    }
    if !is_province(part(text, 0, 2)?) {
        return Err(Reason::Region);
    }
    let (year, _, _) = compact(part(text, 6, 14)?)?;
    if !(BIRTH_YEAR_MIN..=BIRTH_YEAR_MAX).contains(&year) {
        return Err(Reason::Date);
    }
    if mod11_2(body) == last.chars().next() { Ok(()) } else { Err(Reason::Check) }
}
