//! Deliveries: what SHIP and RECEIVE say of one unit under one document, and which pairs of codes
//! that speaks for.

use prost::Message as _;

use super::{Sign, count::count_agency, matches};
use crate::fact::{Fact, Line};
use crate::key::{joined, match_key, shipment_key};
use crate::record::codec::Mark;
use crate::record::matching::MatchRow;
use crate::record::shipment::{Amount, Leg, ShipmentRow, Side, add_amount};
use crate::record::unit::UnitRow;
use crate::state::{Queue, Rows, StateFault};

/// Adds what a SHIP or RECEIVE says, or takes it back.
pub(super) fn state(
    state: &mut Rows<'_>,
    fact: &Fact,
    side: Side,
    sign: Sign,
) -> Result<(), StateFault> {
    let leg = Leg {
        side: side.into(),
        agency: fact.agency.value().into(),
        party: fact.party.to_vec(),
        counterparty: fact.counterparty.to_vec(),
        station: fact.station.to_vec(),
        counterparty_station: fact.counterparty_station.to_vec(),
        vehicle: fact.vehicle.to_vec(),
        person: fact.person.to_vec(),
    };
    let leg = leg.encode_to_vec();
    for line in &fact.items {
        let sent = match (side, &line.counterpart) {
            (Side::Receiver, Some(counterpart)) => counterpart,
            (Side::Receiver, None) | (Side::Sender | Side::Unspecified, _) => &line.unit,
        };
        let key = shipment_key(&fact.document, sent);
        speak(state, &key, (&leg, side), line.amount, sign)?;
        list(state, &key, sent)?;
        if side == Side::Receiver {
            take(state, &key, (fact, sent), line, sign)?;
            claim(state, fact, (sent, &line.unit), sign)?;
        }
        Queue::SHIPMENTS.put(state, &key, Vec::new());
    }
    Ok(())
}

fn speak(
    state: &mut Rows<'_>,
    key: &[u8],
    (leg, side): (&[u8], Side),
    amount: Amount,
    sign: Sign,
) -> Result<(), StateFault> {
    let mut delivery = state.edit::<ShipmentRow>(key)?;
    let row = &mut *delivery.row;
    let (events, amounts) = if side == Side::Sender {
        (&mut row.sends, &mut row.shipped)
    } else {
        (&mut row.receipts, &mut row.received)
    };
    *events = events.wrapping_add(sign.factor());
    add_amount(amounts, Amount { milli: amount.milli.wrapping_mul(sign.factor()), ..amount });
    delivery.update(ShipmentRow::LEGS, leg, |sum| sum.add(1, &[amount], sign.factor()))
}

/// Keeps the sender's unit's list of shipments.
pub(crate) fn list(state: &mut Rows<'_>, key: &[u8], unit: &[u8]) -> Result<(), StateFault> {
    let is_stated = state.row::<ShipmentRow>(key)?.is_stated();
    state.set(UnitRow::SHIPMENTS, unit, key, is_stated.then_some(Mark))
}

/// Notes the receiving unit of a line.
fn take(
    state: &mut Rows<'_>,
    key: &[u8],
    (fact, sent): (&Fact, &[u8]),
    line: &Line,
    sign: Sign,
) -> Result<(), StateFault> {
    let mut is_left = false;
    state.update(ShipmentRow::TAKERS, key, &line.unit, |sum| {
        sum.add(1, &[line.amount], sign.factor());
        is_left = sum.count > 0;
    })?;
    Queue::TAKERS.put(state, &joined(&[key, &line.unit]), Vec::new());
    // Judging goes by the takers that are left; one that went takes its word back here.
    if !is_left {
        matches::set_document(state, (sent, &line.unit), &fact.document, None)?;
    }
    Ok(())
}

/// A RECEIVE that gives a code of its own claims the pair; one that keeps the code claims nothing.
fn claim(
    state: &mut Rows<'_>,
    fact: &Fact,
    (from, to): (&[u8], &[u8]),
    sign: Sign,
) -> Result<(), StateFault> {
    if from == to {
        return Ok(());
    }
    let mut record = state.row::<MatchRow>(&match_key(from, to))?.record.clone();
    count_agency(&mut record.claimants, fact.agency.value().into(), sign.factor());
    matches::store(state, (from, to), record)?;
    matches::touch(state, from, to);
    Ok(())
}
