//! Moves what was recorded under an OPAQUE unit to the unit of a scheme that it is. Every record is a
//! count or a sum, so moving is adding; it can stop after any entry and go on in a later block, and
//! events that come meanwhile already go to the new unit.

use proto::receipt::Role;
use proto::trie::Namespace;

use crate::execute::{BlockContext, Step};
use crate::matching::{self, delivery, settle};
use crate::pages::{Found, Map, Pages};
use crate::record::matching::MatchRecord;
use crate::record::shipment::{LegSum, ShipmentRecord, add_amount};
use crate::record::unit::{Count, Packing, Sums, UnitRecord};
use crate::record::{load_or_default, parted, store};
use crate::risk;
use crate::state::{Overlay, StateFault};
use crate::trace::unit::{add_totals, count_agency, count_day};
use crate::trace::{count, lineage, papers, stock, update, value_of};

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
    fn pages(&self, map: Map) -> (Pages, Pages) {
        let of = |unit| Pages::of(Namespace::Unit, unit, map);
        (of(self.old), of(self.new))
    }

    /// The unit that stands for `unit` from now on.
    fn now<'b>(&'b self, unit: &'b [u8]) -> &'b [u8] {
        if unit == self.old { self.new } else { unit }
    }
}

/// Moves as many entries as the block may; whether everything has moved.
pub(super) fn advance(
    state: &mut Overlay<'_>,
    old: &[u8],
    new: &[u8],
    work: &mut Work<'_>,
) -> Result<bool, StateFault> {
    let pair = Pair { old, new };
    let maps = [
        Map::Lineage,
        Map::Containers,
        Map::Places,
        Map::Papers,
        Map::Lots,
        Map::Handlers,
        Map::Shipments,
        Map::Matches,
    ];
    for map in maps {
        let pages = Pages::of(Namespace::Unit, old, map);
        loop {
            if work.moves == 0 {
                return Ok(false);
            }
            let found = pages.scan(state, None, work.moves)?;
            if found.is_empty() {
                break;
            }
            for entry in found {
                work.moves = work.moves.saturating_sub(1);
                if !entry_of(state, pair, map, &entry, work)? {
                    return Ok(false);
                }
            }
        }
    }
    unit(state, pair)?;
    Ok(true)
}

/// Moves one entry; whether all of it has moved.
fn entry_of(
    state: &mut Overlay<'_>,
    pair: Pair<'_>,
    map: Map,
    entry: &Found,
    work: &mut Work<'_>,
) -> Result<bool, StateFault> {
    match map {
        Map::Containers => containment(state, pair, entry).map(|()| true),
        Map::Places => place(state, pair, entry).map(|()| true),
        Map::Papers => paper(state, pair, entry).map(|()| true),
        Map::Shipments => shipment(state, pair, &entry.key, work),
        Map::Matches => matched(state, pair, &entry.key, work),
        Map::Lineage
        | Map::Lots
        | Map::Handlers
        | Map::Aliases
        | Map::Units
        | Map::Events
        | Map::Legs
        | Map::Takers
        | Map::Documents
        | Map::Opaque
        | Map::Dirty
        | Map::Deadlines
        | Map::Affected
        | Map::Open
        | Map::Alerts
        | Map::Listed
        | Map::Stock
        | Map::Trips
        | Map::Gone
        | Map::Ended
        | Map::Samplings => counted(state, pair.pages(map), entry).map(|()| true),
    }
}

fn counted(
    state: &mut Overlay<'_>,
    (old, new): (Pages, Pages),
    entry: &Found,
) -> Result<(), StateFault> {
    let held: Count = value_of(&entry.key, &entry.value)?;
    count(state, &new, &entry.key, held.count)?;
    old.remove(state, &entry.key)
}

fn containment(state: &mut Overlay<'_>, pair: Pair<'_>, entry: &Found) -> Result<(), StateFault> {
    let held: Packing = value_of(&entry.key, &entry.value)?;
    pair.pages(Map::Containers).0.remove(state, &entry.key)?;
    let Some((role, other)) = lineage::containment_of(&entry.key) else { return Ok(()) };
    let mirrored = if role == Role::Container { Role::Content } else { Role::Container };
    let other = pair.now(other);
    lineage::add_packing(state, pair.new, &lineage::containment_key(role, other), held)?;
    if other != pair.new {
        let back = Packing { packed: -held.packed, unpacked: -held.unpacked };
        lineage::add_packing(state, other, &lineage::containment_key(mirrored, pair.old), back)?;
        lineage::add_packing(state, other, &lineage::containment_key(mirrored, pair.new), held)?;
    }
    Ok(())
}

fn place(state: &mut Overlay<'_>, pair: Pair<'_>, entry: &Found) -> Result<(), StateFault> {
    let held: Sums = value_of(&entry.key, &entry.value)?;
    let (old, new) = pair.pages(Map::Places);
    old.remove(state, &entry.key)?;
    update(state, &new, &entry.key, |sums| stock::add_sums(sums, &held, 1))?;
    let Some((station, _)) = entry.key.get(1..).and_then(parted) else { return Ok(()) };
    if station.is_empty() {
        return Ok(());
    }
    for (unit, sign) in [(pair.old, -1), (pair.new, 1)] {
        let key = stock::balance_key(unit, station, held.uom);
        let mut sums: Sums = load_or_default(state, Namespace::Balance, &key)?;
        stock::add_sums(&mut sums, &held, sign);
        store(state, Namespace::Balance, &key, &sums)?;
    }
    Ok(())
}

fn paper(state: &mut Overlay<'_>, pair: Pair<'_>, entry: &Found) -> Result<(), StateFault> {
    let held: Count = value_of(&entry.key, &entry.value)?;
    if let Some(reverse) = papers::reverse(&entry.key) {
        count(state, &reverse, pair.old, -held.count)?;
        count(state, &reverse, pair.new, held.count)?;
    }
    counted(state, pair.pages(Map::Papers), entry)
}

/// Moves a shipment of which the OPAQUE unit is the sender's code.
fn shipment(
    state: &mut Overlay<'_>,
    pair: Pair<'_>,
    key: &[u8],
    work: &mut Work<'_>,
) -> Result<bool, StateFault> {
    let Some((document, _)) = parted(key) else {
        pair.pages(Map::Shipments).0.remove(state, key)?;
        return Ok(true);
    };
    let text = String::from_utf8_lossy(document).into_owned();
    let new_key = delivery::shipment_key(&text, pair.new);
    for map in [Map::Legs, Map::Takers] {
        let from = Pages::of(Namespace::Shipment, key, map);
        let to = Pages::of(Namespace::Shipment, &new_key, map);
        for entry in from.scan(state, None, work.moves)? {
            work.moves = work.moves.saturating_sub(1);
            let held: LegSum = value_of(&entry.key, &entry.value)?;
            from.remove(state, &entry.key)?;
            let mut now = entry.key.clone();
            if map == Map::Takers {
                settle::set_document(state, (pair.old, &entry.key), document, None)?;
                now = pair.now(&entry.key).to_vec();
            }
            update(state, &to, &now, |sum: &mut LegSum| {
                sum.count = sum.count.wrapping_add(held.count);
                for amount in held.amounts {
                    add_amount(&mut sum.amounts, amount);
                }
            })?;
        }
        if from.len(state)? > 0 {
            return Ok(false);
        }
    }
    let held: ShipmentRecord = load_or_default(state, Namespace::Shipment, key)?;
    let mut sum: ShipmentRecord = load_or_default(state, Namespace::Shipment, &new_key)?;
    sum.sends = sum.sends.wrapping_add(held.sends);
    sum.receipts = sum.receipts.wrapping_add(held.receipts);
    for amount in held.shipped {
        add_amount(&mut sum.shipped, amount);
    }
    for amount in held.received {
        add_amount(&mut sum.received, amount);
    }
    store(state, Namespace::Shipment, &new_key, &sum)?;
    store(state, Namespace::Shipment, key, &ShipmentRecord::default())?;
    delivery::list(state, key, pair.old)?;
    delivery::list(state, &new_key, pair.new)?;
    settle::touch_shipment(state, &new_key);
    Ok(true)
}

/// Moves a match of the OPAQUE unit; deliveries that speak for it are judged again.
fn matched(
    state: &mut Overlay<'_>,
    pair: Pair<'_>,
    key: &[u8],
    work: &mut Work<'_>,
) -> Result<bool, StateFault> {
    let Some((from, to)) = parted(key) else {
        pair.pages(Map::Matches).0.remove(state, key)?;
        return Ok(true);
    };
    let (now_from, now_to) = (pair.now(from), pair.now(to));
    let documents = Pages::of(Namespace::Match, key, Map::Documents);
    for entry in documents.scan(state, None, work.moves)? {
        work.moves = work.moves.saturating_sub(1);
        settle::set_document(state, (from, to), &entry.key, None)?;
        let text = String::from_utf8_lossy(&entry.key).into_owned();
        let shipment = delivery::shipment_key(&text, now_from);
        let takers = Pages::of(Namespace::Shipment, &shipment, Map::Takers);
        if let (Some(value), true) = (takers.get(state, to)?, to == pair.old) {
            takers.remove(state, to)?;
            let held: LegSum = value_of(to, &value)?;
            update(state, &takers, pair.new, |sum: &mut LegSum| {
                sum.count = sum.count.wrapping_add(held.count);
                for amount in held.amounts {
                    add_amount(&mut sum.amounts, amount);
                }
            })?;
        }
        settle::touch_shipment(state, &shipment);
    }
    if documents.len(state)? > 0 {
        return Ok(false);
    }
    let held: MatchRecord = load_or_default(state, Namespace::Match, key)?;
    // Nobody judges a pair that is no more: its alerts would stay open for ever.
    work.steps.extend(risk::on_match_moved(work.context, state, (from, to))?.steps);
    matching::store(state, from, to, &MatchRecord::default())?;
    // Where both codes turn out to be one unit there is nothing left to match.
    if now_from == now_to {
        return Ok(true);
    }
    let mut sum: MatchRecord =
        load_or_default(state, Namespace::Match, &matching::key(now_from, now_to))?;
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
    matching::store(state, now_from, now_to, &sum)?;
    settle::touch_match(state, now_from, now_to);
    Ok(true)
}

/// Moves the record itself and leaves the name of the unit that it is.
fn unit(state: &mut Overlay<'_>, pair: Pair<'_>) -> Result<(), StateFault> {
    let held: UnitRecord = load_or_default(state, Namespace::Unit, pair.old)?;
    let mut sum: UnitRecord = load_or_default(state, Namespace::Unit, pair.new)?;
    let is_earlier = match (&held.first, &sum.first) {
        (Some(held), Some(known)) => held < known,
        (Some(_), None) => true,
        (None, _) => false,
    };
    if is_earlier {
        sum.first.clone_from(&held.first);
        sum.text.clone_from(&held.text);
    }
    sum.last = sum.last.take().max(held.last.clone());
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
    store(state, Namespace::Unit, pair.new, &sum)?;
    let alias = UnitRecord {
        text: held.text,
        first: held.first,
        last: held.last,
        alias_of: pair.new.to_vec(),
        ..UnitRecord::default()
    };
    store(state, Namespace::Unit, pair.old, &alias)?;
    pair.pages(Map::Aliases).1.put(state, pair.old, Vec::new())?;
    settle::touch_spoken(state, pair.new)?;
    settle::touch_unit(state, pair.new)
}
