//! Finds personal data in plain text before it enters a block: resident numbers, mobile phone
//! numbers, codes of individual households. Owns the patterns; which field is scanned how is
//! admission's table. A finding says where and what, never the value.
//!
//! An erased block does not exist, so a doubtful text is refused and not recorded. What keeps
//! ordinary numbers out: a resident number must have a valid province, birth date and check digit and
//! be no part of a longer number; a phone number is looked for only where people write text or numbers
//! of their own, not in trace codes and product codes, of which one in a thousand looks like one.
//!
//! What normalisation takes out of a code or a document's number (invisible characters, white space)
//! does not hide a number here either: else it would be plain in the key.

use unicode_normalization::UnicodeNormalization as _;

use crate::identifier::{customs, resident, uscc};

/// What was found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Personal {
    /// A resident identity number.
    ResidentNumber,
    /// A mobile phone number.
    MobilePhone,
    /// The credit code of an individual household.
    HouseholdCode,
}

impl Personal {
    /// The name in English.
    pub const fn english(self) -> &'static str {
        match self {
            Self::ResidentNumber => "a resident identity number",
            Self::MobilePhone => "a mobile phone number",
            Self::HouseholdCode => "the code of an individual household",
        }
    }

    /// The name in Chinese.
    pub const fn chinese(self) -> &'static str {
        match self {
            Self::ResidentNumber => "居民身份证号",
            Self::MobilePhone => "手机号",
            Self::HouseholdCode => "个体工商户统一社会信用代码",
        }
    }
}

/// What a field may hold, and so how hard it is searched.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scan {
    /// People write here: everything, also in groups.
    Free,
    /// A number that its owner chose, such as a document's: everything that stands alone, resident
    /// numbers also in groups.
    Number,
    /// A code of goods: resident numbers, also in groups, and household codes.
    Code,
    /// Checked to be an identifier of another kind, or a commitment: nothing.
    Checked,
}

/// Personal data at a byte of the text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Finding {
    /// Byte of the text as given at which it begins.
    pub offset: usize,
    /// What it is.
    pub personal: Personal,
}

/// Digits of a mobile phone number.
const MOBILE_DIGITS: usize = 11;

/// Fewest digits of anything that is looked for: a household's code has six of its division.
const DIGITS_MIN: usize = 6;

/// Longest word of letters and digits in which a phone number is looked for: a longer one is a hash
/// or a key, in which eleven digits in a row mean nothing.
const WORD_CHARS_MAX: usize = 24;

/// Most characters between two groups of one number: a dash between two spaces.
const SEPARATORS_MAX: usize = 3;

/// Digits of a resident number, and so the most groups of one.
const RESIDENT_DIGITS: usize = 18;

/// The first personal data in `text`.
///
/// ```
/// use contracts::privacy::{Finding, Personal, Scan, scan};
///
/// let found = scan("司机 13800138000", Scan::Free);
/// assert_eq!(found, Some(Finding { offset: 7, personal: Personal::MobilePhone }));
/// assert_eq!(scan("13800138000", Scan::Code), None);
/// ```
pub fn scan(text: &str, how: Scan) -> Option<Finding> {
    if how == Scan::Checked || text.chars().filter(|c| c.is_numeric()).count() < DIGITS_MIN {
        return None;
    }
    let folded = Folded::of(text);
    let runs = folded.runs();
    let mut found = folded.households();
    found.extend(runs.iter().enumerate().filter_map(|(at, run)| {
        let personal = folded.alone(*run, how).or_else(|| folded.grouped(runs.get(at..)?, how))?;
        Some(Finding { offset: folded.offset(run.0), personal })
    }));
    found.into_iter().min()
}

/// A run of digits: first position and the position behind the last.
type Run = (usize, usize);

/// The text as it is searched: half width, capitals, each character with the byte it comes from.
struct Folded {
    chars: Vec<char>,
    offsets: Vec<usize>,
}

impl Folded {
    fn of(text: &str) -> Self {
        let mut chars = Vec::with_capacity(text.len());
        let mut offsets = Vec::with_capacity(text.len());
        for (offset, c) in text.char_indices() {
            if c.is_ascii() {
                chars.push(c.to_ascii_uppercase());
                offsets.push(offset);
            } else if !is_invisible(c) {
                for half in c.nfkc() {
                    chars.push(half.to_ascii_uppercase());
                    offsets.push(offset);
                }
            }
        }
        Self { chars, offsets }
    }

    fn at(&self, position: usize) -> Option<char> {
        self.chars.get(position).copied()
    }

    fn before(&self, position: usize) -> Option<char> {
        self.at(position.checked_sub(1)?)
    }

    fn offset(&self, position: usize) -> usize {
        self.offsets.get(position).copied().unwrap_or_default()
    }

    fn text(&self, from: usize, to: usize) -> String {
        self.chars.iter().skip(from).take(to.saturating_sub(from)).collect()
    }

    /// Maximal runs of digits.
    fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for (at, c) in self.chars.iter().enumerate() {
            if !c.is_ascii_digit() {
                continue;
            }
            match runs.last_mut() {
                Some((_, end)) if *end == at => *end = at + 1,
                Some(_) | None => runs.push((at, at + 1)),
            }
        }
        runs
    }

    /// What one run is by itself.
    fn alone(&self, run: Run, how: Scan) -> Option<Personal> {
        let (from, to) = run;
        if self.is_resident(&[run]) && !self.is_declaration(run) {
            return Some(Personal::ResidentNumber);
        }
        let sought = match how {
            Scan::Free => true,
            Scan::Number => !self.touches_letter(run),
            Scan::Code | Scan::Checked => false,
        };
        if !sought {
            return None;
        }
        let digits = self.text(from, to);
        let local = match digits.len() {
            13 if self.before(from) == Some('+') => digits.strip_prefix("86")?,
            15 => digits.strip_prefix("0086")?,
            _ => &digits,
        };
        let is_other =
            || self.is_fraction(run) || self.is_long_word(run) || self.is_in_code_uri(&[run]);
        (is_mobile(local) && !is_other()).then_some(Personal::MobilePhone)
    }

    /// What the runs from this one on are together, with separators between them.
    fn grouped(&self, runs: &[Run], how: Scan) -> Option<Personal> {
        let mut digits = 0;
        for count in 1..=runs.len().min(RESIDENT_DIGITS) {
            let (from, to) = *runs.get(count - 1)?;
            digits += to - from;
            if digits > RESIDENT_DIGITS {
                return None;
            }
            let group = runs.get(..count)?;
            let found = if count == 1 || digits < MOBILE_DIGITS {
                None
            } else if self.is_resident(group) {
                Some(Personal::ResidentNumber)
            } else if how == Scan::Free && self.is_grouped_mobile(group) {
                Some(Personal::MobilePhone)
            } else {
                None
            };
            if found.is_some() && !self.is_in_code_uri(group) {
                return found;
            }
            let (next, _) = *runs.get(count)?;
            self.separator(to, next)?;
        }
        None
    }

    /// What parts the groups of one number, where nothing else stands between the two positions.
    fn separator(&self, from: usize, to: usize) -> Option<Separator> {
        if from >= to || to - from > SEPARATORS_MAX {
            return None;
        }
        let mut found = Separator::Space;
        for at in from..to {
            found = found.and(Separator::of(self.at(at)?)?);
        }
        Some(found)
    }

    /// A phone number in groups. As people speak it (138 0013 8000, 1380013 8000, 138 00138000)
    /// anywhere; in other groups only where these are all of a row with one separator, so that sizes
    /// and dates in a row are none.
    fn is_grouped_mobile(&self, group: &[Run]) -> bool {
        let mut sizes: Vec<usize> = group.iter().map(|(from, to)| to - from).collect();
        let mut digits: Vec<String> =
            group.iter().map(|(from, to)| self.text(*from, *to)).collect();
        if matches!(digits.first().map(String::as_str), Some("86" | "0086")) {
            digits.remove(0);
            sizes.remove(0);
        }
        if !is_mobile(&digits.concat()) || has_date(&digits) {
            return false;
        }
        match sizes.as_slice() {
            [11] | [3, 4, 4] => true,
            [3, 8] | [7, 4] => !self.is_decimal(group),
            _ => !self.is_decimal(group) && self.is_whole_row(group) && !is_address(&sizes),
        }
    }

    /// Two runs with nothing but a point between them.
    fn is_decimal(&self, group: &[Run]) -> bool {
        let [(_, end), (start, _)] = *group else { return false };
        end + 1 == start && self.at(end) == Some('.')
    }

    /// No letter and no further group on either side, and one kind of separator between all.
    fn is_whole_row(&self, group: &[Run]) -> bool {
        let mut found = group.windows(2).map(|pair| match pair {
            [(_, end), (start, _)] => self.separator(*end, *start),
            _ => None,
        });
        let first = found.next().flatten();
        let is_uniform = first != Some(Separator::Mixed) && found.all(|other| other == first);
        let (Some((from, _)), Some((_, to))) = (group.first(), group.last()) else { return false };
        let mut before = self.chars.iter().take(*from).rev().copied();
        let mut behind = self.chars.iter().skip(*to).copied();
        is_uniform && !goes_on(&mut before) && !goes_on(&mut behind)
    }

    /// 18 digits, or 17 and an X behind which no word goes on, that are a resident number.
    fn is_resident(&self, group: &[Run]) -> bool {
        let mut digits: String = group.iter().map(|(from, to)| self.text(*from, *to)).collect();
        let end = group.last().map_or(0, |(_, to)| *to);
        if digits.len() + 1 == RESIDENT_DIGITS {
            let is_end = |at: &usize| {
                let goes_on = self.at(at + 1).is_some_and(|c| c.is_ascii_alphanumeric());
                self.at(*at) == Some('X') && !goes_on
            };
            let apart = |at: &usize| *at == end || self.separator(end, *at).is_some();
            if (end..=end + SEPARATORS_MAX).filter(apart).any(|at| is_end(&at)) {
                digits.push('X');
            }
        }
        resident::check(&digits).is_ok()
    }

    /// A declaration line, `<18 digits>-<line>`: of two years' numbers a few look like births.
    fn is_declaration(&self, (from, to): Run) -> bool {
        self.at(to) == Some('-')
            && self.at(to + 1).is_some_and(|c| c.is_ascii_digit())
            && customs::declaration(&self.text(from, to)).is_ok()
    }

    /// Digits before a decimal point, or behind one in a number of JSON. Behind a point in other
    /// text a phone number stands more often than a fraction of eleven digits: `1.13800138000`.
    fn is_fraction(&self, (from, to): Run) -> bool {
        let digit_at = |at: usize| self.at(at).is_some_and(|c| c.is_ascii_digit());
        if self.at(to) == Some('.') && digit_at(to + 1) {
            return true;
        }
        let Some(point) = from.checked_sub(1).filter(|at| self.at(*at) == Some('.')) else {
            return false;
        };
        let whole = self.chars.iter().take(point).rev().take_while(|c| c.is_ascii_digit()).count();
        let mut before = self.chars.iter().take(point - whole).rev().skip_while(|c| **c == '-');
        let is_value = match before.next() {
            Some(':') => before.next() == Some(&'"'),
            Some('[') => true,
            Some(_) | None => self.at(to) == Some(']'),
        };
        whole > 0 && is_value
    }

    fn touches_letter(&self, (from, to): Run) -> bool {
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
        letter(self.before(from)) || letter(self.at(to))
    }

    fn is_long_word(&self, (from, to): Run) -> bool {
        let of_word = |c: &&char| c.is_ascii_alphanumeric();
        let before = self.chars.iter().take(from).rev().take_while(of_word).count();
        let behind = self.chars.iter().skip(to).take_while(of_word).count();
        before + (to - from) + behind > WORD_CHARS_MAX
    }

    /// Inside a URI of EPCIS, whose numbers are codes of goods and places: those of GS1, as URN or
    /// Digital Link, and UUIDs. Any other URI may hold whatever a text may.
    fn is_in_code_uri(&self, group: &[Run]) -> bool {
        group.iter().all(|(from, _)| {
            let of_uri = |c: &&char| c.is_ascii_graphic() && !"\"'<>,()[]{}".contains(**c);
            let length = self.chars.iter().take(*from).rev().take_while(of_uri).count();
            let head = self.text(from - length, *from);
            ["URN:EPC:", "URN:UUID:"].iter().any(|scheme| head.starts_with(scheme))
                || is_digital_link(&head)
        })
    }

    /// Household codes: 18 characters from `92` on, wherever they stand, since a trace code may hold
    /// the code of its party. Only organisation codes with a letter first, as all of households have:
    /// among digits alone chance would find too many.
    fn households(&self) -> Vec<Finding> {
        let starts = self.chars.windows(2).enumerate().filter(|(_, pair)| *pair == ['9', '2']);
        let is_code = |at: &usize| {
            self.at(at + 8).is_some_and(|c| c.is_ascii_uppercase())
                && uscc::parse(&self.text(*at, at + 18)).is_ok()
        };
        let finding = |at| Finding { offset: self.offset(at), personal: Personal::HouseholdCode };
        starts.map(|(at, _)| at).filter(is_code).map(finding).collect()
    }
}

/// 11 digits that begin with 13 to 19.
fn is_mobile(digits: &str) -> bool {
    let second = digits.strip_prefix('1').and_then(|rest| rest.chars().next());
    digits.len() == MOBILE_DIGITS && second.is_some_and(|c| ('3'..='9').contains(&c))
}

/// Characters that nobody sees, of more kinds than normalisation takes out: format characters,
/// joiners, selectors and tags.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{115f}'..='\u{1160}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// What stands between two groups of digits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Separator {
    Space,
    Dash,
    Point,
    Slash,
    /// More than one of the others.
    Mixed,
}

impl Separator {
    /// Of a folded character; none where it parts sentences rather than groups.
    const fn of(c: char) -> Option<Self> {
        match c {
            ' ' => Some(Self::Space),
            '-' | '_' | '~' | '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{30fc}' => {
                Some(Self::Dash)
            }
            '.' | '\u{b7}' | '\u{2022}' | '\u{2027}' | '\u{2219}' | '\u{22c5}' | '\u{30fb}' => {
                Some(Self::Point)
            }
            '/' => Some(Self::Slash),
            _ => None,
        }
    }

    /// Both in a row; spaces beside another separator say nothing.
    const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Space, one) | (one, Self::Space) => one,
            (Self::Dash, Self::Dash) => Self::Dash,
            (Self::Point, Self::Point) => Self::Point,
            (Self::Slash, Self::Slash) => Self::Slash,
            (Self::Dash | Self::Point | Self::Slash | Self::Mixed, _) => Self::Mixed,
        }
    }
}

/// Whether a letter, or a digit behind no more than separators, follows.
fn goes_on(chars: &mut dyn Iterator<Item = char>) -> bool {
    let mut chars =
        chars.enumerate().skip_while(|(at, c)| *at < SEPARATORS_MAX && Separator::of(*c).is_some());
    chars.next().is_some_and(|(at, c)| c.is_ascii_digit() || (at == 0 && c.is_ascii_alphabetic()))
}

/// Whether groups of digits read as a day, in one group or three.
fn has_date(groups: &[String]) -> bool {
    let number = |text: &str| text.parse::<u32>().unwrap_or_default();
    let is_day = |year: &str, month: &str, day: &str| {
        year.len() == 4
            && (1900..2100).contains(&number(year))
            && month.len() <= 2
            && (1..=12).contains(&number(month))
            && day.len() <= 2
            && (1..=31).contains(&number(day))
    };
    let whole = |text: &String| {
        let (year, rest) = text.split_at_checked(4).unwrap_or_default();
        let (month, day) = rest.split_at_checked(2).unwrap_or_default();
        text.len() == 8 && is_day(year, month, day)
    };
    groups.iter().any(whole)
        || groups.windows(3).any(|three| match three {
            [a, b, c] => is_day(a, b, c) || is_day(c, b, a) || is_day(c, a, b),
            _ => false,
        })
}

/// Sizes of the parts of an address of the internet.
const fn is_address(sizes: &[usize]) -> bool {
    matches!(sizes, [1..=3, 1..=3, 1..=3, 1..=3])
}

/// Whether the head of an address, in capitals, is one of a GS1 Digital Link: in its path stands the
/// application identifier of a primary key.
fn is_digital_link(head: &str) -> bool {
    const KEYS: [&str; 17] = [
        "00", "01", "253", "254", "255", "401", "402", "414", "415", "417", "8003", "8004", "8006",
        "8010", "8013", "8017", "8018",
    ];
    let behind = head.strip_prefix("HTTPS://").or_else(|| head.strip_prefix("HTTP://"));
    behind.is_some_and(|path| {
        !path.contains(['?', '#']) && path.split('/').skip(1).any(|part| KEYS.contains(&part))
    })
}
