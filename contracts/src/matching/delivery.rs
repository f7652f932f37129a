//! Deliveries: what SHIP and RECEIVE say of one unit under one document, and which pairs of codes
//! that speaks for. Pairs are judged at the end of the block, when all of its events are known.

use std::collections::BTreeSet;
use std::rc::Rc;

use prost::Message as _;
use proto::trie::Namespace;

pub use crate::key::shipment_key;
use crate::record::shipment::{Judged, Leg, LegSum, Reach, ShipmentRow, Side, Verdict};
use crate::record::unit::UnitRow;
use crate::state::{Rows, StateFault};

/// Statements of a delivery that are compared. Two sides make two; a lorry that is loaded in parts
/// makes some more; above it a person must look.
const LEGS_MAX: usize = 64;

/// The shipment of a unit under a document.
pub fn shipment(state: &Rows<'_>, key: &[u8]) -> Result<Option<Rc<ShipmentRow>>, StateFault> {
    Ok(Some(state.row::<ShipmentRow>(key)?).filter(|row| row.is_stated()))
}

/// Keys of the shipments of a unit as the sender's code, at most `limit`, ascending.
pub fn shipments(state: &Rows<'_>, unit: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, StateFault> {
    let found = state.scan(UnitRow::SHIPMENTS, unit, None, limit)?;
    Ok(found.into_iter().map(|(key, _)| key).collect())
}

/// What both sides say of a shipment, at most `limit` statements, ascending.
pub fn legs(state: &Rows<'_>, key: &[u8], limit: usize) -> Result<Vec<(Leg, LegSum)>, StateFault> {
    let mut legs = Vec::new();
    for (leg, sum) in state.scan(ShipmentRow::LEGS, key, None, limit)? {
        let leg = Leg::decode(&*leg);
        let leg = leg.map_err(|error| StateFault::record(Namespace::Shipment, key, &error))?;
        legs.push((leg, sum));
    }
    legs.sort_by(|(a, _), (b, _): &(Leg, LegSum)| a.cmp(b));
    Ok(legs)
}

/// What a delivery comes to.
pub(crate) fn judged(state: &Rows<'_>, key: &[u8]) -> Result<Judged, StateFault> {
    let row = state.row::<ShipmentRow>(key)?;
    if !row.is_stated() {
        return Ok(Judged::default());
    }
    let legs = legs(state, key, LEGS_MAX + 1)?;
    let in_force: Vec<&Leg> =
        legs.iter().filter(|(_, sum)| sum.count > 0).map(|(leg, _)| leg).collect();
    let agencies: BTreeSet<u32> = in_force.iter().map(|leg| leg.agency).collect();
    let verdict =
        if legs.len() > LEGS_MAX { Verdict::TooMany } else { verdict(&row, &in_force, key) };
    let reach = if agencies.len() > 1 { Reach::Agencies } else { Reach::OneAgency };
    Ok(Judged { verdict, reach, is_over: row.is_over() })
}

fn verdict(row: &ShipmentRow, legs: &[&Leg], key: &[u8]) -> Verdict {
    let (senders, receivers): (Vec<&Leg>, Vec<&Leg>) =
        legs.iter().partition(|leg| leg.side() == Side::Sender);
    if senders.is_empty() && receivers.is_empty() {
        return Verdict::Unspecified;
    }
    let has_document = !key.starts_with(&[0, 0]);
    let speaker = |leg: &&Leg| (leg.agency, leg.party.clone());
    let one: BTreeSet<_> = senders.iter().map(speaker).collect();
    let other: BTreeSet<_> = receivers.iter().map(speaker).collect();
    // A platform that both sends and receives in one party's name has spoken once.
    if one.is_empty() || other.is_empty() || one == other || !has_document {
        return Verdict::OneSided;
    }
    if row.shipped != row.received {
        return Verdict::QuantityDiffers;
    }
    if names_others(&senders, &receivers) || names_others(&receivers, &senders) {
        return Verdict::PartyDiffers;
    }
    Verdict::Confirmed
}

/// Whether one side names a party that does not speak on the other.
fn names_others(side: &[&Leg], other: &[&Leg]) -> bool {
    let is_stated = |leg: &&&Leg| !leg.counterparty.is_empty();
    let speaks = |party: &Vec<u8>| other.iter().any(|leg| leg.party == *party);
    side.iter().filter(is_stated).any(|leg| !speaks(&leg.counterparty))
}
