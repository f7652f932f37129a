//! Days of the civil calendar as numbers since 1970-01-01, without a clock.

use super::{Reason, number, part};

/// Day number of a civil date, counted from 1970-01-01; `None` where there is no such day or it lies
/// before 1970.
pub fn day_number(year: u32, month: u32, day: u32) -> Option<u32> {
    if !exists(year, month, day) || year < 1970 {
        return None;
    }
    // Days before each year and month, counted from 1970: the range is small and the sum exact.
    let leaps = |y: u32| y / 4 - y / 100 + y / 400;
    let before_year = 365 * (year - 1970) + leaps(year - 1) - leaps(1969);
    let before_month: u32 = (1..month).map(|m| month_days(year, m)).sum();
    Some(before_year + before_month + day - 1)
}

/// Year, month and day of a day number.
pub fn civil(day: u32) -> (u32, u32, u32) {
    // The inverse of `day_number` by eras of 400 years that begin on 1 March.
    let z = u64::from(day) + 719_468;
    let era = z / 146_097;
    let of_era = z % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let small = |value: u64| u32::try_from(value).expect("a date of 2^32 days fits");
    (small(year), small(month), small(day))
}

/// Whether the Gregorian calendar has this day.
pub const fn exists(year: u32, month: u32, day: u32) -> bool {
    month >= 1 && month <= 12 && day >= 1 && day <= month_days(year, month)
}

const fn is_leap(year: u32) -> bool {
    (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
}

const fn month_days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Reads `yyyyMMdd` and says whether the day exists.
pub(crate) fn compact(text: &str) -> Result<(u32, u32, u32), Reason> {
    let date = (number(part(text, 0, 4)?)?, number(part(text, 4, 6)?)?, number(part(text, 6, 8)?)?);
    if exists(date.0, date.1, date.2) { Ok(date) } else { Err(Reason::Date) }
}

/// Reads `yyyy-MM-dd` as a day number.
pub fn parse(text: &str) -> Option<u32> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return None;
    }
    let at = |from, to| part(text, from, to).and_then(number).ok();
    day_number(at(0, 4)?, at(5, 7)?, at(8, 10)?)
}
