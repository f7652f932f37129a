//! What is where: lists by station and by party of the units that are there, and by vehicle of the
//! events that it had a part in. Derived from the sums of each unit, for readers.

use std::collections::BTreeMap;

use proto::schema::OperationKind;
use proto::trie::Namespace;

use crate::execute::uid_key;
use crate::fact::Fact;
use crate::pages::{Map, Pages};
use crate::record::unit::Sums;
use crate::record::{joined, parted};
use crate::state::{Overlay, State, StateFault};
use crate::trace::stock::{self, Place, place_key};
use crate::trace::{Sign, count, entry};

/// Places of one unit that are looked at to tell what lies at one of them.
const PLACES_MAX: usize = 1_024;

/// A unit that is at a place.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Held {
    /// The unit.
    pub unit: Vec<u8>,
    /// Station.
    pub station: Vec<u8>,
    /// Party that has it there.
    pub party: Vec<u8>,
    /// Unit of measure.
    pub uom: i32,
    /// How much, in thousandths.
    pub on_hand: i64,
}

/// Units at a station, at most `limit`, ascending.
pub fn at_station(
    state: &dyn State,
    station: &[u8],
    limit: usize,
) -> Result<Vec<Held>, StateFault> {
    let pages = Pages::of(Namespace::Station, station, Map::Stock);
    held(state, &pages, limit, |other| (station.to_vec(), other.to_vec()))
}

/// Units that a party has, at most `limit`, ascending.
pub fn of_party(state: &dyn State, party: &[u8], limit: usize) -> Result<Vec<Held>, StateFault> {
    let pages = Pages::of(Namespace::Party, party, Map::Stock);
    held(state, &pages, limit, |other| (other.to_vec(), party.to_vec()))
}

/// Keys of the events that a vehicle had a part in, at most `limit`.
pub fn trips(state: &dyn State, vehicle: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, StateFault> {
    let pages = Pages::of(Namespace::Vehicle, vehicle, Map::Trips);
    Ok(pages.scan(state, None, limit)?.into_iter().map(|found| found.key).collect())
}

fn held(
    state: &dyn State,
    pages: &Pages,
    limit: usize,
    place: impl Fn(&[u8]) -> (Vec<u8>, Vec<u8>),
) -> Result<Vec<Held>, StateFault> {
    let mut list = Vec::new();
    let mut known: BTreeMap<Vec<u8>, Vec<Place>> = BTreeMap::new();
    for found in pages.scan(state, None, limit)? {
        let Some((uom, rest)) = found.key.split_first() else { continue };
        let Some((other, unit)) = parted(rest) else { continue };
        let (station, party) = place(other);
        let (unit, uom) = (unit.to_vec(), i32::from(*uom));
        if !known.contains_key(&unit) {
            known.insert(unit.clone(), stock::holdings(state, &unit, PLACES_MAX)?);
        }
        let mut places = known.get(&unit).into_iter().flatten();
        let here =
            |place: &&Place| (&place.station, &place.party, place.uom) == (&station, &party, uom);
        // Nothing is left to a party where another one that reports the station has it all.
        let on_hand = places.find(here).map_or(0, |place| place.on_hand);
        if on_hand != 0 {
            list.push(Held { unit, station, party, uom, on_hand });
        }
    }
    list.sort();
    Ok(list)
}

fn sums(
    state: &dyn State,
    unit: &[u8],
    (station, party): (&[u8], &[u8]),
    uom: i32,
) -> Result<Sums, StateFault> {
    let pages = Pages::of(Namespace::Unit, unit, Map::Places);
    Ok(entry(state, &pages, &place_key(uom, station, party))?.unwrap_or_default())
}

/// Keeps the lists after the effects of an event were added or taken back.
pub(crate) fn apply(state: &mut Overlay<'_>, fact: &Fact, sign: Sign) -> Result<(), StateFault> {
    for (line, _) in stock::flows(fact) {
        let (station, party) = (fact.station.clone(), fact.party.clone());
        let place = Place { station, party, uom: line.amount.uom, on_hand: 0 };
        list(state, &line.unit, &place)?;
    }
    let is_trip = matches!(fact.kind, OperationKind::Ship | OperationKind::Receive);
    if fact.vehicle.is_empty() || !is_trip {
        return Ok(());
    }
    let trips = Pages::of(Namespace::Vehicle, &fact.vehicle, Map::Trips);
    count(state, &trips, &uid_key(fact.agency, fact.uid), sign.factor())
}

/// Lists a unit at a place or takes it off the lists, by what is there now.
pub(crate) fn list(state: &mut Overlay<'_>, unit: &[u8], place: &Place) -> Result<(), StateFault> {
    let (station, party) = (&*place.station, &*place.party);
    let is_there = sums(state, unit, (station, party), place.uom)?.on_hand() > 0;
    for (namespace, owner, other) in
        [(Namespace::Station, station, party), (Namespace::Party, party, station)]
    {
        let pages = Pages::of(namespace, owner, Map::Stock);
        let uom = u8::try_from(place.uom).unwrap_or(u8::MAX);
        let key = [&[uom], &*joined(&[other, unit])].concat();
        let is_listed = pages.get(state, &key)?.is_some();
        if is_there != is_listed {
            pages.set(state, &key, is_there.then(Vec::new))?;
        }
    }
    Ok(())
}
