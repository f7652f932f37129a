//! Quantities at places: the sums of a unit by station and party, the lists of what is there, and the
//! balances from which more went than came.

use super::Sign;
use super::meaning::Moved;
use crate::fact::Fact;
use crate::key::joined;
use crate::place::{STOCK_AT, STOCK_OF};
use crate::record::codec::Byte;
use crate::record::codec::Mark;
use crate::record::unit::{SHORT_NOW, Sums, UnitRow};
use crate::state::{Index, Queue, Rows, StateFault};
use crate::trace::stock::{balance, balance_key, place_key, short_key, uom_byte};

/// Balances of a station from which more went than came, or of which R12 has an alert: key of the
/// balance. Where a station has none, nothing that comes there can explain anything.
pub(crate) const SHORT_AT: Index<Mark> = Index::new(3);

/// Where sums of a unit stand.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    /// The unit.
    pub(crate) unit: &'a [u8],
    /// Station, or empty.
    pub(crate) station: &'a [u8],
    /// Party, or empty.
    pub(crate) party: &'a [u8],
}

/// Adds what an event moves.
pub(super) fn add(
    state: &mut Rows<'_>,
    fact: &Fact,
    moved: &Moved<'_>,
    sign: Sign,
) -> Result<(), StateFault> {
    let mut added = Sums { uom: moved.amount.uom, ..Sums::default() };
    added.add(moved.flow, moved.amount.milli.wrapping_mul(sign.factor()));
    let at = At { unit: moved.unit, station: &fact.station, party: &fact.party };
    add_sums(state, at, &added)
}

/// Adds sums of one unit of measure at a place, and keeps what follows from them.
pub(crate) fn add_sums(state: &mut Rows<'_>, at: At<'_>, added: &Sums) -> Result<(), StateFault> {
    let uom = added.uom;
    let key = place_key(uom, at.station, at.party);
    let (mut before, mut now) = (0, 0);
    state.update(UnitRow::PLACES, at.unit, &key, |sums| {
        before = sums.on_hand();
        sums.add_all(added, 1);
        sums.uom = uom;
        now = sums.on_hand();
    })?;
    if (before > 0) != (now > 0) {
        for (index, owner, other) in
            [(STOCK_AT, at.station, at.party), (STOCK_OF, at.party, at.station)]
        {
            let key = [&[uom_byte(uom)], &*joined(&[other, at.unit])].concat();
            index.set(state, owner, &key, (now > 0).then_some(&Mark))?;
        }
    }
    // Without a station there is no place that anything could be missing at.
    if at.station.is_empty() {
        return Ok(());
    }
    let sums = balance(state, at.unit, at.station, uom)?;
    let is_short = sums.outgoing() > sums.incoming();
    let now = if is_short { Bit::Set } else { Bit::Clear };
    set_short(state, (at.unit, at.station, uom), SHORT_NOW, now)?;
    Queue::BALANCES.put(state, &balance_key(at.unit, at.station, uom), Vec::new());
    Ok(())
}

/// The change of a bit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bit {
    /// It is set.
    Set,
    /// It is cleared.
    Clear,
}

/// Sets or clears a bit of a balance that R12 looks at.
pub(crate) fn set_short(
    state: &mut Rows<'_>,
    (unit, station, uom): (&[u8], &[u8], i32),
    bit: u8,
    now: Bit,
) -> Result<(), StateFault> {
    let key = short_key(station, uom);
    let before = state.entry(UnitRow::SHORT, unit, &key)?.unwrap_or_default();
    let now = Byte(match now {
        Bit::Set => before.0 | bit,
        Bit::Clear => before.0 & !bit,
    });
    if now == before {
        return Ok(());
    }
    state.update(UnitRow::SHORT, unit, &key, |held| *held = now)?;
    if (before.0 == 0) != (now.0 == 0) {
        let listed = (now.0 != 0).then_some(&Mark);
        SHORT_AT.set(state, station, &balance_key(unit, station, uom), listed)?;
    }
    Ok(())
}
