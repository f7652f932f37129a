//! The record of each unit that an event names: by whom, first and last, lots, handlers.

use std::collections::BTreeMap;

use prost::Message as _;
use proto::receipt::SubjectKind;
use proto::schema::OperationKind;
use proto::schema::event::{Lot, Uom};
use proto::trie::Namespace;

use super::{Sign, count, stock};
use crate::codes;
use crate::fact::{Fact, Line};
use crate::matching::settle;
use crate::pages::{Map, Pages};
use crate::record::unit::{AgencyCount, DayCount, Sums, UnitRecord, day_of};
use crate::record::{self, load};
use crate::state::{Overlay, State, StateFault};

/// The record of a unit, or none where no event names it.
pub fn of(state: &dyn State, unit: &[u8]) -> Result<Option<UnitRecord>, StateFault> {
    load(state, Namespace::Unit, unit)
}

/// The unit that stands for `unit`: itself, or the unit of a scheme that an OPAQUE one turned out
/// to be.
pub fn resolved(state: &dyn State, unit: &[u8]) -> Result<Vec<u8>, StateFault> {
    let alias = of(state, unit)?.map(|found| found.alias_of).unwrap_or_default();
    Ok(if alias.is_empty() { unit.to_vec() } else { alias })
}

/// Lots that events in force state for a unit, at most `limit`, in a stable order.
pub fn lots(state: &dyn State, unit: &[u8], limit: usize) -> Result<Vec<Lot>, StateFault> {
    let mut lots = Vec::new();
    for found in Pages::of(Namespace::Unit, unit, Map::Lots).scan(state, None, limit)? {
        lots.push(super::value_of(&found.key, &found.key)?);
    }
    Ok(lots)
}

/// Persons and vehicles that handled a unit, at most `limit`.
pub fn handlers(
    state: &dyn State,
    unit: &[u8],
    limit: usize,
) -> Result<Vec<(SubjectKind, Vec<u8>)>, StateFault> {
    let found = Pages::of(Namespace::Unit, unit, Map::Handlers).scan(state, None, limit)?;
    let split = |key: Vec<u8>| {
        let (kind, subject) = key.split_first()?;
        Some((SubjectKind::from_code(*kind)?, subject.to_vec()))
    };
    Ok(found.into_iter().filter_map(|found| split(found.key)).collect())
}

/// What one event adds to one unit's record.
#[derive(Default)]
struct Delta<'a> {
    text: &'a str,
    commissions: i64,
    imported: i64,
    sums: BTreeMap<i32, Sums>,
}

/// Notes a stated version of an event that is not in force: its units are known, nothing is counted.
pub(crate) fn note(state: &mut Overlay<'_>, fact: &Fact) -> Result<(), StateFault> {
    for (unit, delta) in named(fact) {
        write(state, fact, unit, &delta, 0)?;
    }
    Ok(())
}

fn named(fact: &Fact) -> BTreeMap<&[u8], Delta<'_>> {
    let mut deltas: BTreeMap<&[u8], Delta<'_>> = BTreeMap::new();
    for line in fact.lines() {
        deltas.entry(&line.unit).or_default().text = &line.text;
        if let Some(counterpart) = &line.counterpart {
            deltas.entry(counterpart).or_default().text = &line.counterpart_text;
        }
    }
    deltas
}

pub(super) fn apply(state: &mut Overlay<'_>, fact: &Fact, sign: Sign) -> Result<(), StateFault> {
    let mut deltas = named(fact);
    let flows = stock::flows(fact);
    for (line, flow) in &flows {
        let sums = &mut deltas.entry(&line.unit).or_default().sums;
        let sum = sums.entry(line.amount.uom).or_default();
        sum.add(*flow, line.amount.milli.wrapping_mul(sign.factor()));
    }
    for line in described(fact) {
        let delta = deltas.entry(&line.unit).or_default();
        delta.imported = i64::from(fact.lot.as_ref().is_some_and(|lot| lot.imported));
        delta.commissions = i64::from(fact.kind == OperationKind::Commission);
    }
    for (unit, delta) in deltas {
        write(state, fact, unit, &delta, sign.factor())?;
    }
    lots_of(state, fact, sign)?;
    handlers_of(state, fact, sign)
}

/// Units that the event's lot describes.
fn described(fact: &Fact) -> &[Line] {
    let is_lineage = matches!(fact.kind, OperationKind::Split | OperationKind::Process);
    if is_lineage { &fact.outputs } else { &fact.items }
}

fn write(
    state: &mut Overlay<'_>,
    fact: &Fact,
    unit: &[u8],
    delta: &Delta<'_>,
    factor: i64,
) -> Result<(), StateFault> {
    let found = load::<UnitRecord>(state, Namespace::Unit, unit)?;
    if found.is_none() {
        codes::note_unit(state, unit)?;
    }
    let mut record = found.unwrap_or_default();
    let moment = fact.moment();
    if record.first.as_ref().is_none_or(|first| moment < *first) {
        record.first = Some(moment.clone());
        delta.text.clone_into(&mut record.text);
    }
    record.last = record.last.take().max(Some(moment));
    record.imported = record.imported.wrapping_add(delta.imported.wrapping_mul(factor));
    record.commissions = record.commissions.wrapping_add(delta.commissions.wrapping_mul(factor));
    if delta.imported > 0 || delta.commissions > 0 {
        count_day(&mut record.coded, day_of(fact.occurred_ms), factor);
    }
    let agency = fact.agency.value().into();
    let had_part = has_part(&record, agency);
    count_agency(&mut record.agencies, agency, factor);
    for (uom, sums) in &delta.sums {
        add_totals(&mut record.totals, *uom, sums);
    }
    record::store(state, Namespace::Unit, unit, &record)?;
    if has_part(&record, agency) == had_part {
        return Ok(());
    }
    settle::touch_spoken(state, unit)
}

/// Whether an event in force of an agency names the unit.
fn has_part(record: &UnitRecord, agency: u32) -> bool {
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

fn lots_of(state: &mut Overlay<'_>, fact: &Fact, sign: Sign) -> Result<(), StateFault> {
    let Some(lot) = &fact.lot else { return Ok(()) };
    let encoded = lot.encode_to_vec();
    for line in described(fact) {
        let pages = Pages::of(Namespace::Unit, &line.unit, Map::Lots);
        count(state, &pages, &encoded, sign.factor())?;
    }
    Ok(())
}

fn handlers_of(state: &mut Overlay<'_>, fact: &Fact, sign: Sign) -> Result<(), StateFault> {
    let named = [(SubjectKind::Vehicle, &fact.vehicle), (SubjectKind::Person, &fact.person)];
    for (kind, subject) in named.into_iter().filter(|(_, subject)| !subject.is_empty()) {
        let key = [&[kind.code()], &**subject].concat();
        for line in fact.items.iter().chain(&fact.outputs) {
            let pages = Pages::of(Namespace::Unit, &line.unit, Map::Handlers);
            count(state, &pages, &key, sign.factor())?;
        }
    }
    Ok(())
}

/// Name of a unit of measure, for sentences.
pub fn uom_name(uom: i32) -> &'static str {
    match Uom::try_from(uom).unwrap_or_default() {
        Uom::Unspecified => "个码",
        Uom::Kgm => "千克",
        Uom::Xbx => "箱",
        Uom::H87 => "件",
        Uom::Xpx => "托",
        Uom::Ltr => "升",
        Uom::Xpa => "袋",
    }
}
