//! Licences of food producers (SC), food traders and caterers (JY), and filings of sellers of
//! prepacked food (YB): a prefix, 13 digits and a check digit by MOD 11,10.
//!
//! Only the province pair is checked. In municipalities the pairs behind it can hold the district
//! and a local station, as in the real Beijing number JY11108071215650.

use super::check::mod11_10;
use super::division::is_province;
use super::{Reason, digits, length, part};

/// Kind of a licence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Licence {
    /// Food production (食品生产许可).
    Production,
    /// Food trade (食品经营许可).
    Trade,
    /// Filing for prepacked food (仅销售预包装食品备案).
    Prepacked,
}

/// Checks a licence number of 16 characters and says what it licenses.
pub fn parse(text: &str) -> Result<Licence, Reason> {
    length(text, 16)?;
    let (prefix, body) = (part(text, 0, 2)?, part(text, 2, 15)?);
    let licence = match prefix {
        "SC" => Licence::Production,
        "JY" => Licence::Trade,
        "YB" => Licence::Prepacked,
        _ => return Err(Reason::Prefix),
    };
    digits(part(text, 2, 16)?)?;
    // SC: three digits of class stand before the division; JY and YB: one.
    let province = match licence {
        Licence::Production => part(body, 3, 5)?,
        Licence::Trade | Licence::Prepacked => part(body, 1, 3)?,
    };
    if !is_province(province) {
        return Err(Reason::Region);
    }
    if mod11_10(body) == text.chars().last() { Ok(licence) } else { Err(Reason::Check) }
}
