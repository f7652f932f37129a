//! Deliveries: what SHIP and RECEIVE say of one unit under one document, and which pairs of codes
//! that speaks for. Pairs are judged at the end of the block, when all of its events are known.

use std::collections::BTreeSet;

use prost::Message as _;
use proto::schema::OperationKind;
use proto::trie::Namespace;

use crate::fact::{Fact, Line};
use crate::pages::{Map, Pages};
use crate::record::matching::MatchRecord;
use crate::record::shipment::{Leg, LegSum, ShipmentRecord, Side, Verdict, add_amount};
use crate::record::{self, joined, load, load_or_default};
use crate::state::{Overlay, State, StateFault};
use crate::trace::unit::count_agency;
use crate::trace::{Sign, entry, update, value_of};

/// Statements of a delivery that are compared. Two sides make two; a lorry that is loaded in parts
/// makes some more; above it a person must look.
const LEGS_MAX: usize = 64;

/// Key of the shipment of a unit under a document.
pub fn shipment_key(document: &str, unit: &[u8]) -> Vec<u8> {
    joined(&[document.as_bytes(), unit])
}

/// The shipment of a unit under a document.
pub fn shipment(state: &dyn State, key: &[u8]) -> Result<Option<ShipmentRecord>, StateFault> {
    load(state, Namespace::Shipment, key)
}

/// Keys of the shipments of a unit as the sender's code, at most `limit`, ascending.
pub fn shipments(state: &dyn State, unit: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, StateFault> {
    let found = Pages::of(Namespace::Unit, unit, Map::Shipments).scan(state, None, limit)?;
    let mut keys: Vec<Vec<u8>> = found.into_iter().map(|found| found.key).collect();
    keys.sort();
    Ok(keys)
}

/// What both sides say of a shipment, at most `limit` statements, ascending.
pub fn legs(state: &dyn State, key: &[u8], limit: usize) -> Result<Vec<(Leg, LegSum)>, StateFault> {
    let mut legs = Vec::new();
    for found in Pages::of(Namespace::Shipment, key, Map::Legs).scan(state, None, limit)? {
        legs.push((value_of(&found.key, &found.key)?, value_of(&found.key, &found.value)?));
    }
    legs.sort_by(|(a, _), (b, _): &(Leg, LegSum)| a.cmp(b));
    Ok(legs)
}

/// What a delivery comes to.
pub fn verdict(state: &dyn State, key: &[u8]) -> Result<Verdict, StateFault> {
    let Some(record) = shipment(state, key)? else { return Ok(Verdict::Unspecified) };
    let legs = legs(state, key, LEGS_MAX + 1)?;
    if legs.len() > LEGS_MAX {
        return Ok(Verdict::TooMany);
    }
    let in_force = legs.iter().filter(|(_, sum)| sum.count > 0).map(|(leg, _)| leg);
    let (senders, receivers): (Vec<&Leg>, Vec<&Leg>) =
        in_force.partition(|leg| leg.side() == Side::Sender);
    if senders.is_empty() && receivers.is_empty() {
        return Ok(Verdict::Unspecified);
    }
    let has_document = !key.starts_with(&[0, 0]);
    let speaker = |leg: &&&Leg| (leg.agency, leg.party.clone());
    let one: BTreeSet<_> = senders.iter().map(|leg| speaker(&leg)).collect();
    let other: BTreeSet<_> = receivers.iter().map(|leg| speaker(&leg)).collect();
    // A platform that both sends and receives in one party's name has spoken once.
    if one.is_empty() || other.is_empty() || one == other || !has_document {
        return Ok(Verdict::OneSided);
    }
    if record.shipped != record.received {
        return Ok(Verdict::QuantityDiffers);
    }
    if names_others(&senders, &receivers) || names_others(&receivers, &senders) {
        return Ok(Verdict::PartyDiffers);
    }
    Ok(Verdict::Confirmed)
}

/// Whether one side names a party that does not speak on the other.
fn names_others(side: &[&Leg], other: &[&Leg]) -> bool {
    let is_stated = |leg: &&&Leg| !leg.counterparty.is_empty();
    let speaks = |party: &Vec<u8>| other.iter().any(|leg| leg.party == *party);
    side.iter().filter(is_stated).any(|leg| !speaks(&leg.counterparty))
}

/// Adds what a SHIP or RECEIVE says, or takes it back.
pub(crate) fn apply(state: &mut Overlay<'_>, fact: &Fact, sign: Sign) -> Result<(), StateFault> {
    let sides = [(OperationKind::Ship, Side::Sender), (OperationKind::Receive, Side::Receiver)];
    let Some((_, side)) = sides.into_iter().find(|(kind, _)| *kind == fact.kind) else {
        return Ok(());
    };
    for line in &fact.items {
        let sent = match (side, &line.counterpart) {
            (Side::Receiver, Some(counterpart)) => counterpart,
            (Side::Receiver, None) | (Side::Sender | Side::Unspecified, _) => &line.unit,
        };
        let key = shipment_key(&fact.document, sent);
        state_side(state, &key, fact, line, side, sign)?;
        list(state, &key, sent)?;
        if side == Side::Receiver {
            take(state, &key, (fact, sent), line, sign)?;
            claim(state, fact, sent, &line.unit, sign)?;
        }
        super::settle::touch_shipment(state, &key);
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "one statement: whose, of what, which way")]
fn state_side(
    state: &mut Overlay<'_>,
    key: &[u8],
    fact: &Fact,
    line: &Line,
    side: Side,
    sign: Sign,
) -> Result<(), StateFault> {
    let mut amount = line.amount;
    amount.milli = amount.milli.wrapping_mul(sign.factor());
    let mut record: ShipmentRecord = load_or_default(state, Namespace::Shipment, key)?;
    let (events, amounts) = if side == Side::Sender {
        (&mut record.sends, &mut record.shipped)
    } else {
        (&mut record.receipts, &mut record.received)
    };
    *events = events.wrapping_add(sign.factor());
    add_amount(amounts, amount);
    record::store(state, Namespace::Shipment, key, &record)?;
    let leg = Leg {
        side: side.into(),
        agency: fact.agency.value().into(),
        party: fact.party.clone(),
        counterparty: fact.counterparty.clone(),
        station: fact.station.clone(),
        counterparty_station: fact.counterparty_station.clone(),
        vehicle: fact.vehicle.clone(),
        person: fact.person.clone(),
    };
    let pages = Pages::of(Namespace::Shipment, key, Map::Legs);
    update(state, &pages, &leg.encode_to_vec(), |sum| add_to(sum, line, sign))
}

pub(crate) fn add_to(sum: &mut LegSum, line: &Line, sign: Sign) {
    sum.count = sum.count.wrapping_add(sign.factor());
    let mut amount = line.amount;
    amount.milli = amount.milli.wrapping_mul(sign.factor());
    add_amount(&mut sum.amounts, amount);
}

/// Keeps the sender's unit's list of shipments.
pub(crate) fn list(state: &mut Overlay<'_>, key: &[u8], unit: &[u8]) -> Result<(), StateFault> {
    let pages = Pages::of(Namespace::Unit, unit, Map::Shipments);
    let exists = state.get(Namespace::Shipment, key)?.is_some();
    let is_listed = pages.get(state, key)?.is_some();
    match (exists, is_listed) {
        (true, false) => pages.put(state, key, Vec::new()),
        (false, true) => pages.remove(state, key),
        (true, true) | (false, false) => Ok(()),
    }
}

/// Notes the receiving unit of a line.
fn take(
    state: &mut Overlay<'_>,
    key: &[u8],
    (fact, sent): (&Fact, &[u8]),
    line: &Line,
    sign: Sign,
) -> Result<(), StateFault> {
    let pages = Pages::of(Namespace::Shipment, key, Map::Takers);
    update(state, &pages, &line.unit, |sum: &mut LegSum| add_to(sum, line, sign))?;
    let left: Option<LegSum> = entry(state, &pages, &line.unit)?;
    // Judging goes by the takers that are left; one that went takes its word back here.
    if left.is_none_or(|sum| sum.count <= 0) {
        let pair = (sent, &*line.unit);
        super::settle::set_document(state, pair, fact.document.as_bytes(), None)?;
    }
    Ok(())
}

/// A RECEIVE that gives a code of its own claims the pair; one that keeps the code claims nothing.
fn claim(
    state: &mut Overlay<'_>,
    fact: &Fact,
    from: &[u8],
    to: &[u8],
    sign: Sign,
) -> Result<(), StateFault> {
    if from == to {
        return Ok(());
    }
    let mut record: MatchRecord = load_or_default(state, Namespace::Match, &super::key(from, to))?;
    count_agency(&mut record.claimants, fact.agency.value().into(), sign.factor());
    super::store(state, from, to, &record)?;
    super::settle::touch_match(state, from, to);
    Ok(())
}
