//! Identifiers with correct check characters, all invented, and times.

use contracts::identifier::check::{
    gb32100_mod31, gs1_mod10, iso6346, mod11_10, mod37_36, mod97_10, organisation_mod11,
};
use jiff::civil::{Date, date};
use proto::hash::Tag;

/// An enterprise's credit code: division and eight characters of its organisation code.
pub(crate) fn uscc(region: &str, organisation: &str) -> String {
    let check = organisation_mod11(organisation).expect("capitals and digits");
    let body = format!("91{region}{organisation}{check}");
    let check = gb32100_mod31(&body).expect("an alphabet without I, O, S, V, Z");
    format!("{body}{check}")
}

/// A licence: its letters and thirteen digits.
pub(crate) fn licence(letters: &str, digits: &str) -> String {
    format!("{letters}{digits}{}", mod11_10(digits).expect("digits"))
}

/// A GTIN of 14 digits.
pub(crate) fn gtin14(digits: &str) -> String {
    format!("{digits}{}", gs1_mod10(digits).expect("digits"))
}

/// A freight container: four letters and six digits.
pub(crate) fn container(body: &str) -> String {
    let (check, _) = iso6346(body).expect("letters and digits");
    format!("{body}{check}")
}

/// A declaration of 2021: customs office and serial.
pub(crate) fn declaration(office: &str, serial: u32) -> String {
    format!("{office}20211{serial:09}")
}

/// A code of the demo scheme of Hebei.
pub(crate) fn hebei_code(party: &str, product: u32, day: Day, seq: u32) -> String {
    let Day(date) = day;
    let body = format!("HE{party}{product:06}{}{seq:05}", date.strftime("%Y%m%d"));
    format!("{body}{}", mod37_36(&body).expect("capitals and digits"))
}

/// A code of the demo scheme of Tianjin.
pub(crate) fn tianjin_code(declaration: &str, item: u32, unit: u32) -> String {
    let body = format!("12{declaration}{item:03}{unit:06}");
    format!("{body}{}", mod97_10(&body).expect("digits"))
}

/// A code of the demo scheme of Beijing.
pub(crate) fn beijing_code(region: &str, gtin: &str, day: Day, seq: u32) -> String {
    let Day(date) = day;
    let body = format!("BJ{region}{gtin}{}{seq:04}", date.strftime("%y%m%d"));
    format!("{body}{}", mod37_36(&body).expect("capitals and digits"))
}

/// The commitment of a person or household, as a platform's private store would make it.
pub(crate) fn commitment(label: &str) -> String {
    Tag::Commitment.hash(format!("demo/{label}").as_bytes()).to_string()
}

/// The digest of a paper's file.
pub(crate) fn file_hash(label: &str) -> Vec<u8> {
    Tag::Commitment.hash(format!("demo/file/{label}").as_bytes()).as_bytes().to_vec()
}

/// A day of 2021.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Day(pub(crate) Date);

impl Day {
    /// The day of a month.
    pub(crate) fn of(month: i8, day: i8) -> Self {
        Self(date(2021, month, day))
    }

    /// The day this many days later.
    pub(crate) fn plus(self, days: i32) -> Self {
        Self(self.0.checked_add(jiff::Span::new().days(days)).expect("within the calendar"))
    }

    /// Days since 1970.
    pub(crate) fn number(self) -> u32 {
        let since = self.0.since(date(1970, 1, 1)).expect("after 1970").get_days();
        u32::try_from(since).expect("after 1970")
    }

    /// A time of the day in China, milliseconds since 1970.
    pub(crate) fn at(self, hour: i8, minute: i8) -> u64 {
        let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
        let time = zone.to_timestamp(self.0.at(hour, minute, 0, 0)).expect("within the calendar");
        u64::try_from(time.as_millisecond()).expect("after 1970")
    }
}
