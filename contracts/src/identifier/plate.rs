//! Number plates of road vehicles, GA 36-2018. They have no check digit: the form is all there is.

use super::Reason;

/// Class of a plate, by its form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PlateClass {
    /// Ordinary vehicle: province, letter, five characters.
    Ordinary,
    /// Trailer (挂).
    Trailer,
    /// Learner, police, Hong Kong, Macao, consular (学警港澳领).
    Special,
    /// Small vehicle of new energy: eight characters, the third a letter.
    NewEnergySmall,
    /// Large vehicle of new energy: eight characters, the last a letter.
    NewEnergyLarge,
}

/// Provinces as plates write them.
const PROVINCES: &str = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼川贵云渝藏陕甘青宁新";

/// Letters of ordinary serials that a plate may hold at most.
const SERIAL_LETTERS_MAX: usize = 2;

/// Checks a plate in capitals, without spaces and dots.
pub fn parse(text: &str) -> Result<PlateClass, Reason> {
    let chars: Vec<char> = text.chars().collect();
    let [province, issuer, serial @ ..] = chars.as_slice() else { return Err(Reason::Length) };
    if !PROVINCES.contains(*province) || !is_letter(*issuer) {
        return Err(Reason::Prefix);
    }
    match serial {
        [body @ .., last] if body.len() == 4 => short(body, *last),
        [first, body @ .., last] if body.len() == 4 => long(*first, body, *last),
        _ => Err(Reason::Length),
    }
}

/// Five characters behind province and issuing letter.
fn short(body: &[char], last: char) -> Result<PlateClass, Reason> {
    if !body.iter().copied().all(is_serial) {
        return Err(Reason::Char);
    }
    if last == '挂' {
        return Ok(PlateClass::Trailer);
    }
    if "学警港澳领".contains(last) {
        return Ok(PlateClass::Special);
    }
    let letters = body.iter().chain([&last]).filter(|c| is_letter(**c)).count();
    if is_serial(last) && letters <= SERIAL_LETTERS_MAX {
        Ok(PlateClass::Ordinary)
    } else {
        Err(Reason::Char)
    }
}

/// Six characters behind province and issuing letter: new energy.
fn long(first: char, body: &[char], last: char) -> Result<PlateClass, Reason> {
    let all_digits = |part: &[char]| part.iter().all(char::is_ascii_digit);
    if first.is_ascii_digit() && all_digits(body) && is_energy(last) {
        return Ok(PlateClass::NewEnergyLarge);
    }
    let [second, rest @ ..] = body else { return Err(Reason::Length) };
    if is_energy(first) && is_serial(*second) && all_digits(rest) && last.is_ascii_digit() {
        Ok(PlateClass::NewEnergySmall)
    } else {
        Err(Reason::Char)
    }
}

/// Letters of plates: no I, no O.
const fn is_letter(c: char) -> bool {
    c.is_ascii_uppercase() && c != 'I' && c != 'O'
}

const fn is_serial(c: char) -> bool {
    is_letter(c) || c.is_ascii_digit()
}

/// D, A, B, C, E: battery; F, G, H, J, K: other new energy.
const fn is_energy(c: char) -> bool {
    is_letter(c) && c <= 'K'
}
