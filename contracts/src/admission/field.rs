//! Checks of single fields that several types share.

use proto::schema::event::{Quantity, Uom};

use super::limits::{DAY_MAX, QUANTITY_MILLI_MAX, TIME_MS_MAX, TIME_MS_MIN};
use super::{Checked, Place, Rule, refuse, refuse_unseen};
use crate::identifier::party::{PartyError, PartyId};
use crate::identifier::{Reason, customs, document, fold, plate, trade};
use crate::links;
use crate::privacy::{Scan, scan};

/// Bytes of a digest.
const DIGEST_BYTES: usize = 32;

/// The field must be there.
pub(super) fn required(kind: &'static str, field: &'static str, text: &str) -> Checked {
    if text.is_empty() {
        refuse_unseen(Place::field(field), Rule::FieldRequired { kind })
    } else {
        Ok(())
    }
}

/// The field must not be there.
pub(super) fn forbidden(kind: &'static str, field: &'static str, text: &str) -> Checked {
    if text.is_empty() {
        Ok(())
    } else {
        refuse(Place::field(field), text, Rule::FieldForbidden { kind })
    }
}

/// Not more items than the limit.
pub(super) fn list(field: &'static str, found: usize, limit: usize) -> Checked {
    if found > limit {
        refuse_unseen(Place::field(field), Rule::ListTooLong { found, limit })
    } else {
        Ok(())
    }
}

/// What a field holds, in Chinese and English, and how it is checked. An absent one passes.
pub(super) fn identifier(
    place: Place,
    text: &str,
    (zh, en): (&'static str, &'static str),
    check: impl Fn(&str) -> Result<(), Reason>,
) -> Checked {
    if text.is_empty() {
        return Ok(());
    }
    match check(text) {
        Ok(()) => Ok(()),
        Err(reason) => refuse(place, text, Rule::Identifier { zh, en, reason }),
    }
}

/// A party: code, or commitment of an individual household.
pub(super) fn party(place: Place, text: &str) -> Checked {
    if text.is_empty() {
        return Ok(());
    }
    match PartyId::parse(text) {
        Ok(_) => Ok(()),
        Err(PartyError::HouseholdInPlain) => refuse_unseen(place, Rule::HouseholdInPlain),
        Err(PartyError::Form(reason)) => {
            let (zh, en) = ("统一社会信用代码或隐私登记号", "credit code or party_ref");
            refuse(place, text, Rule::Identifier { zh, en, reason })
        }
    }
}

/// A plate, or the commitment of a privately owned vehicle.
pub(super) fn vehicle(place: Place, text: &str) -> Checked {
    let names = ("号牌或隐私登记号", "number plate or commitment");
    identifier(place, text, names, |text| {
        if document::commitment(text).is_ok() {
            return Ok(());
        }
        plate::parse(&links::vehicle(text)).map(drop)
    })
}

/// The commitment of a person. A value of another form may be a name: it is not repeated.
pub(super) fn person(place: Place, text: &str) -> Checked {
    if text.is_empty() {
        return Ok(());
    }
    match document::commitment(text) {
        Ok(_) => Ok(()),
        Err(reason) => {
            if let Some(found) = scan(text, Scan::Free) {
                return refuse_unseen(place, Rule::personal(found));
            }
            refuse_unseen(place, Rule::no_commitment(reason))
        }
    }
}

/// A declaration line.
pub(super) fn declaration(place: Place, text: &str) -> Checked {
    identifier(place, text, ("报关单号加项号", "declaration line"), |text| {
        customs::line(text).map(drop)
    })
}

/// The number of a certificate or report.
pub(super) fn certificate(place: Place, text: &str) -> Checked {
    identifier(place, text, ("证明或报告编号", "certificate number"), |text| {
        document::certificate(text).map(drop)
    })
}

/// A freight container.
pub(super) fn container(place: Place, text: &str) -> Checked {
    identifier(place, text, ("集装箱号", "container number"), |text| {
        trade::container(&fold(text)).map(drop)
    })
}

/// A country.
pub(super) fn country(place: Place, text: &str) -> Checked {
    identifier(
        place,
        text,
        ("国家代码（三位字母）", "country code of three letters"),
        trade::country,
    )
}

/// One of a few words.
pub(super) fn word(place: Place, text: &str, words: &[&str], allowed: &'static str) -> Checked {
    if text.is_empty() || words.contains(&text) {
        Ok(())
    } else {
        refuse(place, text, Rule::UnknownWord { allowed })
    }
}

/// A value of an enumeration, in its table and stated.
pub(super) fn stated<T>(place: Place, value: i32) -> Checked
where
    T: TryFrom<i32>,
{
    if value == 0 {
        return refuse_unseen(place, Rule::EnumUnspecified);
    }
    match T::try_from(value) {
        Ok(_) => Ok(()),
        Err(_) => refuse(place, &value.to_string(), Rule::EnumUnknown),
    }
}

/// A quantity that is there.
pub(super) fn quantity(place: Place, quantity: &Quantity) -> Checked {
    if quantity.milli == 0 {
        return refuse_unseen(place, Rule::QuantityZero);
    }
    if quantity.milli > QUANTITY_MILLI_MAX {
        let rule = Rule::QuantityTooLarge { limit: QUANTITY_MILLI_MAX };
        return refuse(place, &quantity.milli.to_string(), rule);
    }
    stated::<Uom>(place, quantity.uom)
}

/// The time of an event.
pub(super) fn time(place: Place, ms: u64) -> Checked {
    if (TIME_MS_MIN..=TIME_MS_MAX).contains(&ms) {
        Ok(())
    } else {
        refuse(place, &ms.to_string(), Rule::TimeRange)
    }
}

/// A day that is stated.
pub(super) fn day(place: Place, day: u32) -> Checked {
    if (1..=DAY_MAX).contains(&day) {
        Ok(())
    } else {
        refuse(place, &day.to_string(), Rule::DayRange)
    }
}

/// A later day that may be left out, not before the earlier one.
pub(super) fn later_day(
    (place, later): (Place, u32),
    (earlier_field, earlier): (&'static str, u32),
) -> Checked {
    if later == 0 {
        return Ok(());
    }
    day(place, later)?;
    if later < earlier {
        refuse(place, &later.to_string(), Rule::DaysReversed { earlier: earlier_field })
    } else {
        Ok(())
    }
}

/// A digest, or none where it may be left out.
pub(super) fn digest(place: Place, bytes: &[u8], need: Need, kind: &'static str) -> Checked {
    match (bytes.len(), need) {
        (0, Need::Optional) | (DIGEST_BYTES, _) => Ok(()),
        (0, Need::Required) => refuse_unseen(place, Rule::FieldRequired { kind }),
        (found, _) => refuse_unseen(place, Rule::DigestLength { found, expected: DIGEST_BYTES }),
    }
}

/// Whether a field may be left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Need {
    /// It must be there.
    Required,
    /// It may be left out.
    Optional,
}

/// A number within bounds.
pub(super) fn range(place: Place, value: u64, min: u64, max: u64) -> Checked {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        refuse(place, &value.to_string(), Rule::NumberRange { min, max })
    }
}
