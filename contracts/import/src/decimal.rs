//! Decimal text to scaled integers, exactly: no float, no rounding.

/// The value of `text` in units of 10^-`places`: `12.5` with three places is 12,500. More decimals
/// than that, unless zero, are refused rather than rounded; so are exponents and separators.
pub(crate) fn scaled(text: &str, places: usize) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || digits.ends_with('.') {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let all_digits = whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    let missing = places.checked_sub(fraction.len())?;
    if !all_digits || whole.len() > 18 {
        return None;
    }
    let value: i64 = format!("{whole}{fraction}{}", "0".repeat(missing)).parse().ok()?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::scaled;

    #[test]
    fn decimals_become_whole_numbers_or_nothing() {
        for (text, places, expected) in [
            ("12.5", 3, Some(12_500)),
            ("100", 3, Some(100_000)),
            ("1000.0", 3, Some(1_000_000)),
            ("1000.0000000", 3, Some(1_000_000)),
            ("-18", 3, Some(-18_000)),
            ("-0.5", 3, Some(-500)),
            ("117.688267", 6, Some(117_688_267)),
            ("0", 0, Some(0)),
            ("12.5", 0, None),
            ("0.0001", 3, None),
            ("1e3", 3, None),
            ("1,000", 3, None),
            ("", 3, None),
            (".5", 3, None),
            ("5.", 3, None),
            ("--5", 3, None),
            ("+5", 3, None),
            ("１２", 3, None),
            ("12345678901234567890", 3, None),
            ("9223372036854775807", 3, None),
        ] {
            assert_eq!(scaled(text, places), expected, "{text} with {places} places");
        }
    }
}
