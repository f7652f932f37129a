//! Where something is: a unit with its holders, consignments and handlers; the stock of a station or a
//! party; the trips of a vehicle.

use proto::AgencyIndex;
use proto::receipt::SubjectKind;
use proto::schema::OperationKind;

use crate::codes::Codes;
use crate::fact;
use crate::key::{event_of, parted};
use crate::links::Naming;
use crate::matching::delivery;
use crate::place::{self, Held};
use crate::record::shipment::{Amount, Leg, Side};
use crate::record::unit::{Flow, UnitRow};
use crate::registry;
use crate::risk::alert;
use crate::risk::parameter::agency_of_station;
use crate::state::{Rows, StateFault};
use crate::trace::stock::{self, Status};
use crate::trace::{lineage, unit};

/// A station as a duty officer needs it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Site {
    /// Key of the station.
    pub station: Vec<u8>,
    /// Name, empty where the station is not registered.
    pub name: String,
    /// Longitude in micro-degrees.
    pub longitude_micro: i64,
    /// Latitude in micro-degrees.
    pub latitude_micro: i64,
    /// Datum of the coordinates, as in the registry's table.
    pub datum: i32,
    /// Division.
    pub region: String,
    /// Agency to be told: the one whose platform registered it.
    pub agency: Option<AgencyIndex>,
}

/// Who has some of a unit. Where several parties report one station, what lies there is named once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holder {
    /// Party.
    pub party: Vec<u8>,
    /// Its name, empty where it is not registered or is an individual household.
    pub party_name: String,
    /// Where.
    pub site: Site,
    /// How much, in thousandths of the unit of measure; below zero where more went than came.
    pub amount: Amount,
}

/// A consignment between two places.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Consignment {
    /// Document.
    pub document: String,
    /// What both sides say: who, where, vehicle, person.
    pub legs: Vec<Leg>,
    /// On the road: shipped and not received.
    pub in_transit: Vec<Amount>,
}

/// What became of a unit in one unit of measure, in thousandths.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Balance {
    /// Unit of measure.
    pub uom: i32,
    /// Opening stock and what was made.
    pub origin: i64,
    /// Sold.
    pub sold: i64,
    /// Used in catering.
    pub used: i64,
    /// Disposed of.
    pub disposed: i64,
    /// Gone into other units.
    pub converted: i64,
    /// In stock.
    pub in_stock: i64,
    /// On the road.
    pub in_transit: i64,
}

/// A unit and where it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnitPlace {
    /// Key of the unit.
    pub unit: Vec<u8>,
    /// Its code as first written.
    pub text: String,
    /// State by its sums.
    pub status: Status,
    /// Holders, ascending by station and party.
    pub holders: Vec<Holder>,
    /// Consignments under its code, ascending by document.
    pub consignments: Vec<Consignment>,
    /// What became of it, by unit of measure.
    pub balances: Vec<Balance>,
    /// Containers that it lies in.
    pub containers: Vec<Vec<u8>>,
    /// Vehicles that carried it.
    pub vehicles: Vec<Vec<u8>>,
    /// Commitments of persons that handled it.
    pub persons: Vec<Vec<u8>>,
    /// Alerts that concern it and whose cause stands.
    pub alerts: Vec<String>,
}

/// A part that a vehicle had in moving goods.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trip {
    /// SHIP or RECEIVE.
    pub kind: OperationKind,
    /// Agency whose platform recorded it.
    pub agency: AgencyIndex,
    /// When.
    pub occurred_ms: u64,
    /// Document.
    pub document: String,
    /// Party that speaks, and its station.
    pub from: (Vec<u8>, Site),
    /// The other party, and its station.
    pub to: (Vec<u8>, Site),
    /// Commitment of the driver.
    pub person: Vec<u8>,
    /// Units with their quantities.
    pub units: Vec<(Vec<u8>, Amount)>,
}

/// A station by its key, with nothing but the key where it is not registered.
pub fn site(state: &Rows<'_>, station: &[u8]) -> Result<Site, StateFault> {
    let agency = agency_of_station(state, station)?;
    let agency = agency.and_then(|agency| u16::try_from(agency).ok()).map(AgencyIndex::new);
    let bare = Site { station: station.to_vec(), agency, ..Site::default() };
    let found = registry::station(state, station)?.and_then(|found| found.entry);
    Ok(found.map_or(bare.clone(), |entry| Site {
        name: entry.name,
        longitude_micro: entry.longitude_micro,
        latitude_micro: entry.latitude_micro,
        datum: entry.datum,
        region: entry.region,
        ..bare
    }))
}

/// Name of a registered party.
pub fn party_name(state: &Rows<'_>, party: &[u8]) -> Result<String, StateFault> {
    let found = registry::party(state, party)?.and_then(|found| found.entry);
    Ok(found.map(|entry| entry.name).unwrap_or_default())
}

/// A unit and where it is, at most `limit` entries of each list; `None` where no event names it.
pub fn unit(state: &Rows<'_>, key: &[u8], limit: usize) -> Result<Option<UnitPlace>, StateFault> {
    let key = unit::resolved(state, key)?;
    let Some(record) = unit::of(state, &key)? else { return Ok(None) };
    let consignments = consignments(state, &key, limit)?;
    let handlers = unit::handlers(state, &key, limit)?;
    let of = |kind| {
        let named = handlers.iter().filter(move |(known, _)| *known == kind);
        let mut keys: Vec<Vec<u8>> = named.map(|(_, key)| key.clone()).collect();
        keys.sort();
        keys
    };
    let inside = lineage::containments(state, &key, limit)?.into_iter();
    let is_container = |held: &lineage::Containment| {
        held.is_current && held.role == proto::receipt::Role::Container
    };
    Ok(Some(UnitPlace {
        text: record.text.clone(),
        status: stock::status(state, &key, limit)?,
        holders: holders(state, &key, limit)?,
        balances: balances(&record, state, &key, (&consignments, limit))?,
        containers: inside.filter(is_container).map(|held| held.other).collect(),
        vehicles: of(SubjectKind::Vehicle),
        persons: of(SubjectKind::Person),
        alerts: alerts_of(state, &key, limit)?,
        consignments,
        unit: key,
    }))
}

/// How many entries lists of a unit have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counts {
    /// Places that have or had it.
    pub places: u64,
    /// Deliveries under its code.
    pub shipments: u64,
    /// Alerts that concern it, or concerned it.
    pub alerts: u64,
}

/// How many entries lists of a unit have.
pub fn counts(state: &Rows<'_>, unit: &[u8]) -> Result<Counts, StateFault> {
    let row = state.row::<UnitRow>(unit)?;
    let (places, shipments) = (row.places.len(), row.shipments.len());
    Ok(Counts { places, shipments, alerts: row.alerts.len() })
}

/// Units at a station, at most `limit`.
pub fn station(state: &Rows<'_>, key: &[u8], limit: usize) -> Result<Vec<Held>, StateFault> {
    place::at_station(state, key, limit)
}

/// Units that a party has, at most `limit`.
pub fn party(state: &Rows<'_>, key: &[u8], limit: usize) -> Result<Vec<Held>, StateFault> {
    place::of_party(state, key, limit)
}

/// Trips of a vehicle, at most `limit`, by time.
pub fn vehicle(
    state: &Rows<'_>,
    codes: &Codes,
    key: &[u8],
    limit: usize,
) -> Result<Vec<Trip>, StateFault> {
    let mut trips = Vec::new();
    for event in place::trips(state, key, limit)? {
        let Some((agency, uid)) = event_of(&event) else { continue };
        let Some(fact) = fact::in_force(&Naming::new(agency, codes), state, uid)? else { continue };
        trips.push(Trip {
            kind: fact.kind,
            agency,
            occurred_ms: fact.occurred_ms,
            from: (fact.party.to_vec(), site(state, &fact.station)?),
            to: (fact.counterparty.to_vec(), site(state, &fact.counterparty_station)?),
            person: fact.person.to_vec(),
            units: fact.items.iter().map(|line| (line.unit.to_vec(), line.amount)).collect(),
            document: String::from_utf8_lossy(&fact.document).into_owned(),
        });
    }
    trips.sort_by(|a, b| {
        (a.occurred_ms, a.agency, &a.document, a.kind).cmp(&(
            b.occurred_ms,
            b.agency,
            &b.document,
            b.kind,
        ))
    });
    Ok(trips)
}

fn holders(state: &Rows<'_>, unit: &[u8], limit: usize) -> Result<Vec<Holder>, StateFault> {
    let mut holders = Vec::new();
    for place in stock::holdings(state, unit, limit)? {
        if place.on_hand == 0 {
            continue;
        }
        holders.push(Holder {
            party_name: party_name(state, &place.party)?,
            party: place.party,
            site: site(state, &place.station)?,
            amount: Amount { uom: place.uom, milli: place.on_hand },
        });
    }
    Ok(holders)
}

fn consignments(
    state: &Rows<'_>,
    unit: &[u8],
    limit: usize,
) -> Result<Vec<Consignment>, StateFault> {
    let mut list = Vec::new();
    for key in delivery::shipments(state, unit, limit)? {
        let Some((document, _)) = parted(&key) else { continue };
        let record = delivery::shipment(state, &key)?;
        let legs = delivery::legs(state, &key, limit)?;
        let legs = legs.into_iter().filter(|(_, sum)| sum.count > 0).map(|(leg, _)| leg);
        list.push(Consignment {
            document: String::from_utf8_lossy(document).into_owned(),
            legs: legs.collect(),
            in_transit: record.map(|record| record.in_transit()).unwrap_or_default(),
        });
    }
    list.sort_by(|a, b| a.document.cmp(&b.document));
    Ok(list)
}

fn balances(
    record: &UnitRow,
    state: &Rows<'_>,
    unit: &[u8],
    (consignments, limit): (&[Consignment], usize),
) -> Result<Vec<Balance>, StateFault> {
    let places = stock::holdings(state, unit, limit)?;
    let mut balances = Vec::new();
    for sums in &record.totals {
        let uom = sums.uom;
        let on_hand = places.iter().filter(|place| place.uom == uom).map(|place| place.on_hand);
        let road = consignments.iter().flat_map(|one| &one.in_transit);
        balances.push(Balance {
            uom,
            origin: sums.sum(Flow::Opening).saturating_add(sums.sum(Flow::Made)),
            sold: sums.sum(Flow::Sold),
            used: sums.sum(Flow::Used),
            disposed: sums.sum(Flow::Disposed),
            converted: sums.sum(Flow::Consumed).saturating_add(sums.sum(Flow::Divided)),
            in_stock: on_hand.fold(0, i64::saturating_add),
            in_transit: road.filter(|a| a.uom == uom).map(|a| a.milli).fold(0, i64::saturating_add),
        });
    }
    Ok(balances)
}

/// Alerts of a unit whose cause stands, ascending.
fn alerts_of(state: &Rows<'_>, unit: &[u8], limit: usize) -> Result<Vec<String>, StateFault> {
    let mut ids = Vec::new();
    for (key, _) in state.scan(UnitRow::ALERTS, unit, None, limit)? {
        let id = String::from_utf8_lossy(&key).into_owned();
        if alert::of(state, &id)?.is_some_and(|held| held.state().is_active()) {
            ids.push(id);
        }
    }
    ids.sort();
    Ok(ids)
}

impl Consignment {
    /// What the sender says, where it has spoken.
    pub fn sender(&self) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.side() == Side::Sender)
    }

    /// What the receiver says, where it has spoken.
    pub fn receiver(&self) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.side() == Side::Receiver)
    }
}
