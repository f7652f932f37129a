//! Counts and sums in records: ascending, without entries that come to nothing.

use crate::record::unit::{AgencyCount, DayCount, Sums, UnitRow};

/// Whether an event in force of an agency names the unit.
pub(crate) fn has_part(record: &UnitRow, agency: u32) -> bool {
    record.agencies.iter().any(|known| known.agency == agency && known.count > 0)
}

/// Adds `count` to an agency's count; counts of zero go, the rest ascends.
pub(crate) fn count_agency(counts: &mut Vec<AgencyCount>, agency: u32, count: i64) {
    match counts.binary_search_by_key(&agency, |known| known.agency) {
        Ok(position) => {
            if let Some(known) = counts.get_mut(position) {
                known.count = known.count.wrapping_add(count);
            }
            counts.retain(|known| known.count != 0);
        }
        Err(_) if count == 0 => (), // nothing to note
        Err(position) => counts.insert(position, AgencyCount { agency, count }),
    }
}

/// Adds `count` to a day's count; counts of zero go, the rest ascends.
pub(crate) fn count_day(counts: &mut Vec<DayCount>, day: u32, count: i64) {
    match counts.binary_search_by_key(&day, |known| known.day) {
        Ok(position) => {
            if let Some(known) = counts.get_mut(position) {
                known.count = known.count.wrapping_add(count);
            }
            counts.retain(|known| known.count != 0);
        }
        Err(_) if count == 0 => (), // nothing to note
        Err(position) => counts.insert(position, DayCount { day, count }),
    }
}

/// Adds sums to those of their unit of measure; sums of zero go, the rest ascends.
pub(crate) fn add_totals(totals: &mut Vec<Sums>, uom: i32, sums: &Sums) {
    let position = match totals.binary_search_by_key(&uom, |total| total.uom) {
        Ok(position) => position,
        Err(position) => {
            totals.insert(position, Sums { uom, ..Sums::default() });
            position
        }
    };
    if let Some(total) = totals.get_mut(position) {
        total.add_all(sums, 1);
    }
    totals.retain(|total| !total.is_zero());
}
