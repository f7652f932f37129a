//! Check characters of ISO 7064 and GS1. Each function computes the check of a body; `None` where
//! the body has a character outside the algorithm's alphabet.

/// Digits in the order of their values.
fn digit_values(body: &str) -> Option<Vec<u32>> {
    body.chars().map(|c| c.to_digit(10)).collect()
}

/// A digit as a character.
fn digit_char(value: u32) -> Option<char> {
    char::from_digit(value, 10)
}

/// GS1 mod 10: weights 3, 1, 3, ... from the right; the check makes the sum a multiple of ten.
pub fn gs1_mod10(body: &str) -> Option<char> {
    let values = digit_values(body)?;
    let sum: u32 =
        values.iter().rev().enumerate().map(|(at, v)| if at % 2 == 0 { v * 3 } else { *v }).sum();
    digit_char((10 - sum % 10) % 10)
}

/// ISO 7064 MOD 11,10 (GB/T 17710): licences of food producers and traders.
pub fn mod11_10(body: &str) -> Option<char> {
    hybrid(digit_values(body)?, 10).and_then(digit_char)
}

/// ISO 7064 MOD 37,36 over digits and capital letters.
pub fn mod37_36(body: &str) -> Option<char> {
    let values: Option<Vec<u32>> =
        body.chars().map(|c| if c.is_ascii_lowercase() { None } else { c.to_digit(36) }).collect();
    let check = hybrid(values?, 36)?;
    char::from_digit(check, 36).map(|c| c.to_ascii_uppercase())
}

/// The hybrid systems of ISO 7064: modulus + 1 and modulus in turn.
fn hybrid(values: Vec<u32>, modulus: u32) -> Option<u32> {
    let mut product = modulus;
    for value in values {
        let sum = match (product + value) % modulus {
            0 => modulus,
            rest => rest,
        };
        product = sum * 2 % (modulus + 1);
    }
    (modulus + 1).checked_sub(product).map(|check| check % modulus)
}

/// ISO 7064 MOD 97-10: two check digits, `98 - (body * 100 mod 97)`.
pub fn mod97_10(body: &str) -> Option<String> {
    let rest = digit_values(body)?.into_iter().fold(0, |rest, value| (rest * 10 + value) % 97);
    Some(format!("{:02}", 98 - rest * 100 % 97))
}

/// ISO 7064 MOD 11-2 (GB 11643): `0` to `9` or `X`.
pub fn mod11_2(body: &str) -> Option<char> {
    let sum = digit_values(body)?.into_iter().fold(0, |sum, value| (sum + value) * 2 % 11);
    match (12 - sum) % 11 {
        10 => Some('X'),
        check => digit_char(check),
    }
}

/// GB 32100 mod 31: the check character of a unified social credit code.
pub fn gb32100_mod31(body: &str) -> Option<char> {
    let mut weight = 1;
    let mut sum = 0;
    for c in body.chars() {
        sum = (sum + credit_value(c)? * weight) % 31;
        weight = weight * 3 % 31;
    }
    let check = (31 - sum) % 31;
    CREDIT_ALPHABET.chars().nth(usize::try_from(check).ok()?)
}

/// Alphabet of GB 32100: no I, O, S, V, Z. A character's value is its position.
pub const CREDIT_ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/// Value of a character of GB 32100.
pub fn credit_value(c: char) -> Option<u32> {
    let position = CREDIT_ALPHABET.chars().position(|known| known == c)?;
    u32::try_from(position).ok()
}

/// GB 11714: the check character of an organisation code.
pub fn organisation_mod11(body: &str) -> Option<char> {
    const WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    if body.chars().count() != WEIGHTS.len() || body.chars().any(|c| c.is_ascii_lowercase()) {
        return None;
    }
    let values: Option<Vec<u32>> = body.chars().map(|c| c.to_digit(36)).collect();
    let sum: u32 = values?.iter().zip(WEIGHTS).map(|(value, weight)| value * weight).sum();
    match 11 - sum % 11 {
        10 => Some('X'),
        11 => Some('0'),
        check => digit_char(check),
    }
}

/// ISO 6346: letter values skip the multiples of 11; `None` for other characters. The remainder 10
/// becomes the check digit 0.
pub fn iso6346(body: &str) -> Option<(char, Weak)> {
    let mut sum = 0;
    let mut weight = 1;
    for c in body.chars() {
        let value = if c.is_ascii_lowercase() { None } else { c.to_digit(36) }?;
        // A is 10; 11, 22 and 33 are left out.
        let skipped = if value > 10 { (value - 1) / 10 } else { 0 };
        sum = (sum + (value + skipped) * weight) % 11;
        weight = weight * 2 % 11;
    }
    let weak = if sum == 10 { Weak::RemainderTen } else { Weak::No };
    digit_char(sum % 10).map(|check| (check, weak))
}

/// Whether a container's check digit is one that its standard discourages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weak {
    /// It is not.
    No,
    /// The remainder is 10 and is written 0, as for another number with remainder 0.
    RemainderTen,
}
