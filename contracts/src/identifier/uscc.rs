//! Unified social credit codes, GB 32100-2015, and the organisation codes inside them, GB 11714.

use super::check::{credit_value, gb32100_mod31, organisation_mod11};
use super::division::is_province;
use super::{Reason, digits, length, part};

/// Registration authorities: position 1.
const AUTHORITIES: &str = "123456789ANY";

/// Classes of subject: position 2. Their meaning depends on the authority; no authority has others.
const CLASSES: &str = "123459";

/// A code that passed every check.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Uscc(String);

/// Checks a code of 18 characters in capitals.
///
/// ```
/// use contracts::identifier::{Reason, uscc};
///
/// assert_eq!(uscc::parse("91350100M000100Y43").unwrap().organisation(), "M000100Y4");
/// assert_eq!(uscc::parse("91350100M000100Y4Z"), Err(Reason::Char));
/// ```
pub fn parse(text: &str) -> Result<Uscc, Reason> {
    length(text, 18)?;
    if text.chars().any(|c| credit_value(c).is_none()) {
        return Err(Reason::Char);
    }
    let known =
        |place: usize, allowed: &str| text.chars().nth(place).is_some_and(|c| allowed.contains(c));
    if !known(0, AUTHORITIES) || !known(1, CLASSES) {
        return Err(Reason::Prefix);
    }
    let region = part(text, 2, 8)?;
    digits(region).map_err(|_| Reason::Region)?;
    // 100000 is the state itself: central organs and companies registered with the ministry.
    if region != "100000" && !is_province(part(text, 2, 4)?) {
        return Err(Reason::Region);
    }
    organisation(part(text, 8, 17)?)?;
    if gb32100_mod31(part(text, 0, 17)?) != text.chars().last() {
        return Err(Reason::Check);
    }
    Ok(Uscc(text.to_owned()))
}

/// Checks an organisation code: 8 characters and a check character.
pub fn organisation(text: &str) -> Result<(), Reason> {
    length(text, 9)?;
    let check = organisation_mod11(part(text, 0, 8)?).ok_or(Reason::Char)?;
    if text.ends_with(check) { Ok(()) } else { Err(Reason::Check) }
}

impl Uscc {
    /// The 18 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The organisation code with its check character.
    pub fn organisation(&self) -> &str {
        self.0.get(8..17).expect("18 ASCII characters")
    }

    /// Division of registration.
    pub fn region(&self) -> &str {
        self.0.get(2..8).expect("18 ASCII characters")
    }

    /// Whether it is the code of an individual household (个体工商户), which names a natural person.
    pub fn is_household(&self) -> bool {
        self.0.starts_with("92")
    }
}
