//! What is where: lists by station and by party of the units that are there, and by vehicle of the
//! events that it had a part in. Derived from the sums of each unit, for readers.

use std::collections::BTreeMap;

use crate::key::parted;
use crate::record::codec::{Count, Mark};
use crate::state::{Index, Rows, StateFault};
use crate::trace::stock::{self, Place};

/// Of a station: unit of measure byte, u16 length, party, unit of what the party has there.
pub(crate) const STOCK_AT: Index<Mark> = Index::new(9);

/// Of a party: unit of measure byte, u16 length, station, unit of what it has there.
pub(crate) const STOCK_OF: Index<Mark> = Index::new(10);

/// Of a vehicle: agency u16, `op_uid` of the events that it had a part in.
pub(crate) const TRIPS: Index<Count> = Index::new(11);

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
pub fn at_station(state: &Rows<'_>, station: &[u8], limit: usize) -> Result<Vec<Held>, StateFault> {
    held(state, (STOCK_AT, station), limit, |other| (station.to_vec(), other.to_vec()))
}

/// Units that a party has, at most `limit`, ascending.
pub fn of_party(state: &Rows<'_>, party: &[u8], limit: usize) -> Result<Vec<Held>, StateFault> {
    held(state, (STOCK_OF, party), limit, |other| (other.to_vec(), party.to_vec()))
}

/// Keys of the events that a vehicle had a part in, at most `limit`.
pub fn trips(state: &Rows<'_>, vehicle: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, StateFault> {
    Ok(TRIPS.scan(state, vehicle, None, limit)?.into_iter().map(|(key, _)| key).collect())
}

fn held(
    state: &Rows<'_>,
    (index, owner): (Index<Mark>, &[u8]),
    limit: usize,
    place: impl Fn(&[u8]) -> (Vec<u8>, Vec<u8>),
) -> Result<Vec<Held>, StateFault> {
    let mut list = Vec::new();
    let mut known: BTreeMap<Vec<u8>, Vec<Place>> = BTreeMap::new();
    for (key, _) in index.scan(state, owner, None, limit)? {
        let Some((uom, rest)) = key.split_first() else { continue };
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

/// How many entries the list of a place has, counted up to `limit`; some may stand for nothing by what
/// others report.
pub fn count_at_station(
    state: &Rows<'_>,
    station: &[u8],
    limit: usize,
) -> Result<usize, StateFault> {
    STOCK_AT.count(state, station, limit)
}

/// As [`count_at_station`], of what a party has.
pub fn count_of_party(state: &Rows<'_>, party: &[u8], limit: usize) -> Result<usize, StateFault> {
    STOCK_OF.count(state, party, limit)
}

/// As [`count_at_station`], of the events of a vehicle.
pub fn count_trips(state: &Rows<'_>, vehicle: &[u8], limit: usize) -> Result<usize, StateFault> {
    TRIPS.count(state, vehicle, limit)
}
