//! Moves what was recorded under an OPAQUE unit to the unit of a scheme that it is. Every record is a
//! count or a sum, so moving is adding; it can stop after any entry and go on in a later block, and
//! events that come meanwhile already go to the new unit.

use proto::receipt::Role;

use crate::context::{BlockContext, Step};
use crate::effect::count::{add_totals, count_agency, count_day};
use crate::effect::matches::{self, GIVES, touch_class};
use crate::effect::{delivery, places};
use crate::key::{match_key, parted, shipment_key};
use crate::record::codec::{Count, Mark, Value};
use crate::record::list::Field;
use crate::record::matching::{MatchRecord, MatchRow};
use crate::record::shipment::{LegSum, ShipmentRow, add_amount};
use crate::record::unit::{Packing, Sums, UnitRow};
use crate::risk;
use crate::state::{Queue, Rows, StateFault};
use crate::trace::lineage::{containment_key, containment_of};
use crate::trace::papers::{CERTIFICATE_UNITS, DECLARATION_UNITS, Paper};

/// What a block does of the job.
pub(super) struct Work<'a> {
    /// The block.
    pub(super) context: &'a BlockContext,
    /// Entries that it may still move.
    pub(super) moves: usize,
    /// What the rules say to what moved.
    pub(super) steps: Vec<Step>,
}

/// The two units.
#[derive(Clone, Copy)]
struct Pair<'a> {
    /// The OPAQUE one.
    old: &'a [u8],
    /// The one of a scheme.
    new: &'a [u8],
}

impl Pair<'_> {
    /// The unit that stands for `unit` from now on.
    fn now<'b>(&'b self, unit: &'b [u8]) -> &'b [u8] {
        if unit == self.old { self.new } else { unit }
    }
}

/// Moves as many entries as the block may; whether everything has moved.
pub(super) fn advance(
    state: &mut Rows<'_>,
    old: &[u8],
    new: &[u8],
    work: &mut Work<'_>,
) -> Result<bool, StateFault> {
    let pair = Pair { old, new };
    let is_done = each(state, pair, UnitRow::LINEAGE, work, |state, key, held, _| {
        counted(state, pair, UnitRow::LINEAGE, (key, held)).map(|()| true)
    })? && each(state, pair, UnitRow::CONTAINMENT, work, |state, key, held, _| {
        containment(state, pair, key, &held).map(|()| true)
    })? && each(state, pair, UnitRow::PLACES, work, |state, key, held, _| {
        place(state, pair, key, held).map(|()| true)
    })? && each(state, pair, UnitRow::PAPERS, work, |state, key, held, _| {
        paper(state, pair, key, held).map(|()| true)
    })? && each(state, pair, UnitRow::LOTS, work, |state, key, held, _| {
        counted(state, pair, UnitRow::LOTS, (key, held)).map(|()| true)
    })? && each(state, pair, UnitRow::HANDLERS, work, |state, key, held, _| {
        counted(state, pair, UnitRow::HANDLERS, (key, held)).map(|()| true)
    })? && each(state, pair, UnitRow::SHIPMENTS, work, |state, key, _, work| {
        shipment(state, pair, key, work)
    })? && each(state, pair, UnitRow::MATCHES, work, |state, key, _, work| {
        matched(state, pair, key, work)
    })?;
    if is_done {
        unit(state, pair)?;
    }
    Ok(is_done)
}

/// Moves the entries of one list; whether all of it has moved.
fn each<V: Value>(
    state: &mut Rows<'_>,
    pair: Pair<'_>,
    field: Field<UnitRow, V>,
    work: &mut Work<'_>,
    mut entry: impl FnMut(&mut Rows<'_>, &[u8], V, &mut Work<'_>) -> Result<bool, StateFault>,
) -> Result<bool, StateFault> {
    loop {
        if work.moves == 0 {
            return Ok(false);
        }
        let found = state.scan(field, pair.old, None, work.moves)?;
        if found.is_empty() {
            return Ok(true);
        }
        for (key, held) in found {
            work.moves = work.moves.saturating_sub(1);
            if !entry(state, &key, held, work)? {
                return Ok(false);
            }
        }
    }
}

fn counted(
    state: &mut Rows<'_>,
    pair: Pair<'_>,
    field: Field<UnitRow, Count>,
    (key, held): (&[u8], Count),
) -> Result<(), StateFault> {
    state.update(field, pair.new, key, |count| count.add(held.0))?;
    state.set(field, pair.old, key, None)
}

fn containment(
    state: &mut Rows<'_>,
    pair: Pair<'_>,
    key: &[u8],
    held: &Packing,
) -> Result<(), StateFault> {
    state.set(UnitRow::CONTAINMENT, pair.old, key, None)?;
    let Some((role, other)) = containment_of(key) else { return Ok(()) };
    let mirrored = if role == Role::Container { Role::Content } else { Role::Container };
    let other = pair.now(other);
    let mut add = |unit: &[u8], key: &[u8], sign| {
        state.update(UnitRow::CONTAINMENT, unit, key, |packing| packing.add_all(held, sign))
    };
    add(pair.new, &containment_key(role, other), 1)?;
    if other != pair.new {
        add(other, &containment_key(mirrored, pair.old), -1)?;
        add(other, &containment_key(mirrored, pair.new), 1)?;
    }
    Ok(())
}

fn place(state: &mut Rows<'_>, pair: Pair<'_>, key: &[u8], held: Sums) -> Result<(), StateFault> {
    let Some((station, party)) = key.get(1..).and_then(parted) else {
        return state.set(UnitRow::PLACES, pair.old, key, None);
    };
    let mut back = Sums { uom: held.uom, ..Sums::default() };
    back.add_all(&held, -1);
    places::add_sums(state, places::At { unit: pair.old, station, party }, &back)?;
    places::add_sums(state, places::At { unit: pair.new, station, party }, &held)
}

fn paper(state: &mut Rows<'_>, pair: Pair<'_>, key: &[u8], held: Count) -> Result<(), StateFault> {
    let reverse = [
        (Paper::Declaration.of(key), DECLARATION_UNITS),
        (Paper::Certificate.of(key), CERTIFICATE_UNITS),
    ];
    for (owner, index) in reverse {
        let Some(owner) = owner else { continue };
        index.update(state, owner, pair.old, |count| count.add(held.0.wrapping_neg()))?;
        index.update(state, owner, pair.new, |count| count.add(held.0))?;
    }
    counted(state, pair, UnitRow::PAPERS, (key, held))
}

/// Moves a shipment of which the OPAQUE unit is the sender's code.
fn shipment(
    state: &mut Rows<'_>,
    pair: Pair<'_>,
    key: &[u8],
    work: &mut Work<'_>,
) -> Result<bool, StateFault> {
    let Some((document, _)) = parted(key) else {
        state.set(UnitRow::SHIPMENTS, pair.old, key, None)?;
        return Ok(true);
    };
    let new_key = shipment_key(document, pair.new);
    for field in [ShipmentRow::LEGS, ShipmentRow::TAKERS] {
        for (entry, held) in state.scan(field, key, None, work.moves)? {
            work.moves = work.moves.saturating_sub(1);
            state.set(field, key, &entry, None)?;
            let mut now = &*entry;
            if field.code == ShipmentRow::TAKERS.code {
                matches::set_document(state, (pair.old, &entry), document, None)?;
                now = pair.now(&entry);
            }
            state.update(field, &new_key, now, |sum| sum.add(held.count, &held.amounts, 1))?;
        }
        if state.len(field, key)? > 0 {
            return Ok(false);
        }
    }
    let held = state.row::<ShipmentRow>(key)?;
    let sum = state.edit::<ShipmentRow>(&new_key)?.row;
    sum.sends = sum.sends.wrapping_add(held.sends);
    sum.receipts = sum.receipts.wrapping_add(held.receipts);
    held.shipped.iter().for_each(|amount| add_amount(&mut sum.shipped, *amount));
    held.received.iter().for_each(|amount| add_amount(&mut sum.received, *amount));
    // The verdict is dropped, so that judging tells the pairs of the delivery under its new key.
    sum.judged = crate::record::shipment::Judged::default();
    *state.edit::<ShipmentRow>(key)?.row = ShipmentRow::default();
    delivery::list(state, key, pair.old)?;
    delivery::list(state, &new_key, pair.new)?;
    Queue::SHIPMENTS.put(state, &new_key, Vec::new());
    Ok(true)
}

/// Moves a match of the OPAQUE unit; deliveries that speak for it are judged again.
fn matched(
    state: &mut Rows<'_>,
    pair: Pair<'_>,
    entry: &[u8],
    work: &mut Work<'_>,
) -> Result<bool, StateFault> {
    let Some((side, other)) = entry.split_first() else {
        state.set(UnitRow::MATCHES, pair.old, entry, None)?;
        return Ok(true);
    };
    let (from, to) = if *side == GIVES { (pair.old, other) } else { (other, pair.old) };
    let (now_from, now_to) = (pair.now(from), pair.now(to));
    let key = match_key(from, to);
    for (document, _) in state.scan(MatchRow::DOCUMENTS, &key, None, work.moves)? {
        work.moves = work.moves.saturating_sub(1);
        matches::set_document(state, (from, to), &document, None)?;
        let shipment = shipment_key(&document, now_from);
        let taker: Option<LegSum> = state.entry(ShipmentRow::TAKERS, &shipment, to)?;
        if let (Some(held), true) = (taker, to == pair.old) {
            state.set(ShipmentRow::TAKERS, &shipment, to, None)?;
            state.update(ShipmentRow::TAKERS, &shipment, pair.new, |sum| {
                sum.add(held.count, &held.amounts, 1);
            })?;
        }
        state.edit::<ShipmentRow>(&shipment)?.row.judged =
            crate::record::shipment::Judged::default();
        Queue::SHIPMENTS.put(state, &shipment, Vec::new());
    }
    if state.len(MatchRow::DOCUMENTS, &key)? > 0 {
        return Ok(false);
    }
    let held = state.row::<MatchRow>(&key)?.record.clone();
    // Nobody judges a pair that is no more: its alerts would stay open for ever.
    work.steps.extend(risk::on_match_moved(work.context, state, (from, to))?.steps);
    matches::store(state, (from, to), MatchRecord::default())?;
    // Where both codes turn out to be one unit there is nothing left to match.
    if now_from == now_to {
        return Ok(true);
    }
    let mut sum = state.row::<MatchRow>(&match_key(now_from, now_to))?.record.clone();
    add_match(&mut sum, held);
    matches::store(state, (now_from, now_to), sum)?;
    matches::touch(state, now_from, now_to);
    Ok(true)
}

/// Adds what speaks for and against one match to another.
fn add_match(sum: &mut MatchRecord, held: MatchRecord) {
    for claim in &held.claimants {
        count_agency(&mut sum.claimants, claim.agency, claim.count);
    }
    for (into, agencies) in [
        (&mut sum.declared, &held.declared),
        (&mut sum.confirmed, &held.confirmed),
        (&mut sum.disputed, &held.disputed),
    ] {
        into.extend(agencies);
        into.sort_unstable();
        into.dedup();
    }
    for declared in held.declared_amounts {
        if sum.declared_amounts.iter().all(|known| known.agency != declared.agency) {
            sum.declared_amounts.push(declared);
        }
    }
    sum.declared_amounts.sort();
    sum.relation = sum.relation.max(held.relation);
    sum.voided_height = sum.voided_height.max(held.voided_height);
    sum.own_matter |= held.own_matter;
}

/// Moves the record itself and leaves the name of the unit that it is.
fn unit(state: &mut Rows<'_>, pair: Pair<'_>) -> Result<(), StateFault> {
    let held = state.row::<UnitRow>(pair.old)?;
    let mut moved = state.edit::<UnitRow>(pair.new)?;
    let sum = &mut *moved.row;
    let is_earlier = match (&held.first, &sum.first) {
        (Some(held), Some(known)) => held < known,
        (Some(_), None) => true,
        (None, _) => false,
    };
    if is_earlier {
        sum.first = held.first;
        sum.text.clone_from(&held.text);
    }
    sum.last = sum.last.max(held.last);
    sum.imported = sum.imported.wrapping_add(held.imported);
    sum.commissions = sum.commissions.wrapping_add(held.commissions);
    for agency in &held.agencies {
        count_agency(&mut sum.agencies, agency.agency, agency.count);
    }
    for coded in &held.coded {
        count_day(&mut sum.coded, coded.day, coded.count);
    }
    for total in &held.totals {
        add_totals(&mut sum.totals, total.uom, total);
    }
    moved.set(UnitRow::ALIASES, pair.old, Some(Mark))?;
    let has_matches = !moved.row.matches.is_empty();
    let alias = state.edit::<UnitRow>(pair.old)?.row;
    alias.totals.clear();
    (alias.imported, alias.commissions) = (0, 0);
    alias.agencies.clear();
    alias.coded.clear();
    alias.alias_of = pair.new.to_vec();
    if has_matches {
        Queue::PARTS.put(state, pair.new, Vec::new());
    }
    touch_class(state, pair.new)
}
