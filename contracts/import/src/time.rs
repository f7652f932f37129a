//! Times and days as text: RFC 3339, and the patterns of a platform with its fixed zone.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, date};
use jiff::tz::{Offset, TimeZone};

/// Milliseconds since 1970 of an RFC 3339 time with an offset; none before 1970.
pub(crate) fn rfc3339(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"-:.+TZtz".contains(&byte));
    if !plain {
        return None;
    }
    u64::try_from(text.parse::<Timestamp>().ok()?.as_millisecond()).ok()
}

/// Days since 1970 of a day written as `2021-03-15`.
pub(crate) fn iso_day(text: &str) -> Option<u32> {
    let shape = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    days(shape.then(|| text.parse().ok())??)
}

fn days(day: Date) -> Option<u32> {
    let since = day.since(date(1970, 1, 1)).ok()?;
    u32::try_from(since.get_days()).ok()
}

/// How a platform writes its times: `yyyy/M/d H:mm`. A doubled letter is exactly two digits, a
/// single one is one or two; every other character stands for itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Pattern(Vec<Part>);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    Literal(char),
    Number { unit: Unit, min: usize, max: usize },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Unit {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Milli,
}

#[derive(Default)]
struct Read {
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
    milli: i16,
}

impl Pattern {
    /// Parses a pattern; it must hold year, month and day.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text.chars().peekable();
        while let Some(letter) = rest.next() {
            let mut count = 1usize;
            while letter.is_ascii_alphabetic() && rest.next_if_eq(&letter).is_some() {
                count += 1;
            }
            parts.push(Part::of(letter, count)?);
        }
        let names = |wanted| {
            parts
                .iter()
                .filter(|p| matches!(p, Part::Number { unit, .. } if *unit == wanted))
                .count()
        };
        let whole = [Unit::Year, Unit::Month, Unit::Day].into_iter().all(|unit| names(unit) == 1);
        whole.then_some(Self(parts))
    }

    /// Whether the pattern says more than the day.
    pub(crate) fn has_time(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Number { unit: Unit::Hour, .. }))
    }

    /// Milliseconds since 1970 of `text` in the zone of `offset_seconds`.
    pub(crate) fn time(&self, text: &str, offset_seconds: i32) -> Option<u64> {
        let read = self.read(text)?;
        let nanos = i32::from(read.milli) * 1_000_000;
        let time = DateTime::new(
            read.year,
            read.month,
            read.day,
            read.hour,
            read.minute,
            read.second,
            nanos,
        );
        let zone = TimeZone::fixed(Offset::from_seconds(offset_seconds).ok()?);
        let stamp = zone.to_timestamp(time.ok()?).ok()?;
        u64::try_from(stamp.as_millisecond()).ok()
    }

    /// Days since 1970 of `text`.
    pub(crate) fn day(&self, text: &str) -> Option<u32> {
        let read = self.read(text)?;
        days(Date::new(read.year, read.month, read.day).ok()?)
    }

    fn read(&self, text: &str) -> Option<Read> {
        let mut read = Read::default();
        let mut rest = text;
        for part in &self.0 {
            match *part {
                Part::Literal(letter) => rest = rest.strip_prefix(letter)?,
                Part::Number { unit, min, max } => {
                    let digits = rest.bytes().take(max).take_while(u8::is_ascii_digit).count();
                    if digits < min {
                        return None;
                    }
                    let (number, after) = rest.split_at_checked(digits)?;
                    read.set(unit, number.parse().ok()?)?;
                    rest = after;
                }
            }
        }
        rest.is_empty().then_some(read)
    }
}

impl Part {
    fn of(letter: char, count: usize) -> Option<Self> {
        let unit = match letter {
            'y' => Unit::Year,
            'M' => Unit::Month,
            'd' => Unit::Day,
            'H' => Unit::Hour,
            'm' => Unit::Minute,
            's' => Unit::Second,
            'S' => Unit::Milli,
            'T' if count == 1 => return Some(Self::Literal('T')),
            other => return (!other.is_ascii_alphanumeric()).then_some(Self::Literal(other)),
        };
        let (min, max) = match (unit, count) {
            (Unit::Year, 4) => (4, 4),
            (Unit::Milli, 3) => (3, 3),
            (Unit::Year | Unit::Milli, _) => return None,
            (_, 1) => (1, 2),
            (_, 2) => (2, 2),
            _ => return None,
        };
        Some(Self::Number { unit, min, max })
    }
}

impl Read {
    fn set(&mut self, unit: Unit, number: i16) -> Option<()> {
        let small = i8::try_from(number);
        match unit {
            Unit::Year => self.year = number,
            Unit::Month => self.month = small.ok()?,
            Unit::Day => self.day = small.ok()?,
            Unit::Hour => self.hour = small.ok()?,
            Unit::Minute => self.minute = small.ok()?,
            Unit::Second => self.second = small.ok()?,
            Unit::Milli => self.milli = number,
        }
        Some(())
    }
}

/// Seconds east of UTC of `+08:00`.
pub(crate) fn offset_seconds(text: &str) -> Option<i32> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, minutes) = rest.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::{Pattern, iso_day, offset_seconds, rfc3339};

    #[test]
    fn a_platform_writes_its_times_as_it_likes() {
        let east = offset_seconds("+08:00").unwrap();
        for (pattern, text, expected) in [
            ("yyyy/M/d H:mm", "2021/3/15 8:30", Some(1_615_768_200_000)),
            ("yyyy/M/d H:mm", "2021/03/15 08:30", Some(1_615_768_200_000)),
            ("yyyy-MM-dd HH:mm:ss", "2021-03-15 08:30:00", Some(1_615_768_200_000)),
            ("yyyyMMddHHmmss", "20210315083000", Some(1_615_768_200_000)),
            ("yyyy年M月d日 H时mm分", "2021年3月15日 8时30分", Some(1_615_768_200_000)),
            ("yyyy-MM-ddTHH:mm:ss.SSS", "2021-03-15T08:30:00.250", Some(1_615_768_200_250)),
            ("yyyy/M/d H:mm", "2021/2/30 8:30", None),
            ("yyyy/M/d H:mm", "2021/3/15 24:30", None),
            ("yyyy/M/d H:mm", "2021/3/15 8:3", None),
            ("yyyy/M/d H:mm", "2021/3/15 8:30:00", None),
            ("yyyy/M/d H:mm", "2021-3-15 8:30", None),
            ("yyyy/M/d H:mm", "", None),
            ("yyyy/M/d H:mm", "1969/3/15 8:30", None),
        ] {
            let pattern = Pattern::parse(pattern).unwrap();
            assert_eq!(pattern.time(text, east), expected, "{pattern:?} {text}");
        }
    }

    #[test]
    fn a_pattern_names_its_day_once() {
        for text in ["yyyy/M", "H:mm", "yyy/M/d", "yyyy/MMM/d", "yyyy/M/d d", "yyyy/M/d X", ""] {
            assert_eq!(Pattern::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_rfc_3339_time_has_an_offset() {
        for (text, expected) in [
            ("2021-03-15T00:30:00Z", Some(1_615_768_200_000)),
            ("2021-03-15T08:30:00.000+08:00", Some(1_615_768_200_000)),
            ("2022-09-05T19:04:37.5450000+00:00", Some(1_662_404_677_545)),
            ("2021-03-15T08:30:00", None),
            ("2021-03-15", None),
            ("1969-12-31T00:00:00Z", None),
            ("2021-03-15T08:30:00+08:00[Asia/Shanghai]", None),
        ] {
            assert_eq!(rfc3339(text), expected, "{text}");
        }
        assert_eq!(iso_day("2021-03-15"), Some(18_701));
        assert_eq!(iso_day("2021-3-15"), None);
        assert_eq!(iso_day("2021-02-30"), None);
    }

    #[test]
    fn an_offset_is_written_out() {
        assert_eq!(offset_seconds("+08:00"), Some(28_800));
        assert_eq!(offset_seconds("-06:30"), Some(-23_400));
        for text in ["8", "+8:00", "+15:00", "+08:60", "Asia/Shanghai", ""] {
            assert_eq!(offset_seconds(text), None, "{text}");
        }
    }
}
