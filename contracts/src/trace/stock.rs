//! Quantities: what came to a place, what left it, what is on the road. Every sum has one unit of
//! measure; sums of different units are never mixed.

use std::collections::BTreeMap;

use crate::key::{joined, parted};
use crate::record::shipment::{Amount, ShipmentRow};
use crate::record::unit::{Flow, Sums, UnitRow};
use crate::state::{Range, Rows, StateFault};

/// A party at a station, and how much of a unit is there in one unit of measure.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// Station, empty where no event named one.
    pub station: Vec<u8>,
    /// Party.
    pub party: Vec<u8>,
    /// Unit of measure.
    pub uom: i32,
    /// What is there; below zero where more went than came.
    pub on_hand: i64,
}

/// A consignment on the road.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OnRoad {
    /// Document.
    pub document: Vec<u8>,
    /// Shipped and not received, by unit of measure.
    pub amounts: Vec<Amount>,
}

/// What state a unit is in, by its sums.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Status {
    /// Some of it is at a place or on the road, or nothing is known of its quantities.
    Active,
    /// All of it went into other units by a process.
    Consumed,
    /// All of it was divided.
    Split,
    /// All of it was sold.
    Sold,
    /// All of it was used in catering.
    Used,
    /// All of it was disposed of.
    Disposed,
}

/// Key of the balance of a unit at a station in one unit of measure.
pub fn balance_key(unit: &[u8], station: &[u8], uom: i32) -> Vec<u8> {
    joined(&[unit, &[&[uom_byte(uom)], station].concat()])
}

/// The sums of a unit at a station in one unit of measure, over all parties that report it. Without a
/// station the events of different places would add up, so that there is no balance.
pub fn balance(
    state: &Rows<'_>,
    unit: &[u8],
    station: &[u8],
    uom: i32,
) -> Result<Sums, StateFault> {
    let mut balance = Sums::default();
    if station.is_empty() {
        return Ok(balance);
    }
    let prefix = place_key(uom, station, b"");
    let row = state.row::<UnitRow>(unit)?;
    if row.places.is_spilled() {
        let range = Range { prefix: &prefix, after: None };
        for (_, sums) in state.scan_below(UnitRow::PLACES, unit, range, usize::MAX)? {
            balance.add_all(&sums, 1);
        }
    } else {
        let here = row.places.inline().iter().filter(|(key, _)| key.starts_with(&prefix));
        here.for_each(|(_, sums)| balance.add_all(sums, 1));
    }
    balance.uom = if balance.is_zero() { 0 } else { uom };
    Ok(balance)
}

/// Places that have or had the unit, at most `limit`, ascending; each with what the party's own events
/// leave there.
pub fn places(state: &Rows<'_>, unit: &[u8], limit: usize) -> Result<Vec<Place>, StateFault> {
    let reports = reports(state, unit, limit)?;
    Ok(reports.into_iter().map(|(place, _)| place).collect())
}

/// What lies where, at most `limit` places looked at, ascending: at each station what its balance says,
/// shared out among the parties that report it.
///
/// An owner and the store that keeps the goods report the same boxes, each in its own words, so what
/// their events leave cannot be added up. The balance of the station is shared out in this order: who
/// has some by its own events, of these who records storing, then by party. Each gets at most what its
/// own events leave; the first of them also gets what no events account for.
pub fn holdings(state: &Rows<'_>, unit: &[u8], limit: usize) -> Result<Vec<Place>, StateFault> {
    let mut stations: BTreeMap<(Vec<u8>, i32), Vec<Report>> = BTreeMap::new();
    let mut holdings = Vec::new();
    for (place, sums) in reports(state, unit, limit)? {
        // Without a station nothing says that two parties speak of one place.
        if place.station.is_empty() {
            holdings.push(place);
        } else {
            stations.entry((place.station.clone(), place.uom)).or_default().push((place, sums));
        }
    }
    for ((station, uom), mut parties) in stations {
        let mut rest = balance(state, unit, &station, uom)?.on_hand();
        let stores = |sums: &Sums| sums.stored_in != 0 || sums.stored_out != 0;
        parties.sort_by_key(|(place, sums)| (place.on_hand <= 0, !stores(sums)));
        let first = holdings.len();
        for (place, _) in parties {
            let on_hand = place.on_hand.clamp(0, rest.max(0));
            rest = rest.saturating_sub(on_hand);
            holdings.push(Place { on_hand, ..place });
        }
        if let Some(first) = holdings.get_mut(first) {
            first.on_hand = first.on_hand.saturating_add(rest);
        }
    }
    holdings.sort();
    Ok(holdings)
}

/// A place by the events of its party, and their sums.
type Report = (Place, Sums);

/// What each party's own events say of each place, ascending.
fn reports(state: &Rows<'_>, unit: &[u8], limit: usize) -> Result<Vec<Report>, StateFault> {
    let mut reports = Vec::new();
    for (key, sums) in state.scan(UnitRow::PLACES, unit, None, limit)? {
        let Some((station, party)) = key.get(1..).and_then(parted) else { continue };
        let (station, party) = (station.to_vec(), party.to_vec());
        let place = Place { station, party, uom: sums.uom, on_hand: sums.on_hand() };
        reports.push((place, sums));
    }
    reports.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(reports)
}

/// Consignments of the unit that are on the road, at most `limit` of its shipments looked at.
pub fn on_road(state: &Rows<'_>, unit: &[u8], limit: usize) -> Result<Vec<OnRoad>, StateFault> {
    let mut found = Vec::new();
    for (key, _) in state.scan(UnitRow::SHIPMENTS, unit, None, limit)? {
        let amounts = state.row::<ShipmentRow>(&key)?.in_transit();
        if let (Some((document, _)), false) = (parted(&key), amounts.is_empty()) {
            found.push(OnRoad { document: document.to_vec(), amounts });
        }
    }
    found.sort_by(|a, b| a.document.cmp(&b.document));
    Ok(found)
}

/// The state that a unit is in, as far as `limit` places and shipments tell.
pub fn status(state: &Rows<'_>, unit: &[u8], limit: usize) -> Result<Status, StateFault> {
    let Some(record) = super::unit::of(state, unit)? else { return Ok(Status::Active) };
    let here = holdings(state, unit, limit)?.iter().any(|place| place.on_hand > 0);
    if here || !on_road(state, unit, limit)?.is_empty() {
        return Ok(Status::Active);
    }
    let total = |flow| record.totals.iter().fold(0i64, |sum, of| sum.saturating_add(of.sum(flow)));
    let ends = [
        (total(Flow::Divided), Status::Split),
        (total(Flow::Consumed), Status::Consumed),
        (total(Flow::Sold), Status::Sold),
        (total(Flow::Used), Status::Used),
        (total(Flow::Disposed), Status::Disposed),
    ];
    let most = ends.into_iter().filter(|(milli, _)| *milli > 0).max_by_key(|(milli, _)| *milli);
    Ok(most.map_or(Status::Active, |(_, status)| status))
}

pub(crate) fn place_key(uom: i32, station: &[u8], party: &[u8]) -> Vec<u8> {
    [&[uom_byte(uom)], &*joined(&[station, party])].concat()
}

/// Unit of measure and station: a balance in its unit's own list.
pub(crate) fn short_key(station: &[u8], uom: i32) -> Vec<u8> {
    [&[uom_byte(uom)], station].concat()
}

pub(crate) fn uom_byte(uom: i32) -> u8 {
    u8::try_from(uom).unwrap_or(u8::MAX)
}
