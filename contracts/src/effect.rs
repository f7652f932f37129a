//! The effects of an event: this module adds them to the records, and takes them back for a
//! correction. The table from kind to effects is `meaning`.
//!
//! Every effect is an addition to a count or a sum of a record, so effects commute and cancel: the
//! order in which events and corrections arrive leaves no mark. The first and last event of a unit are
//! a minimum and a maximum, which commute too and are never taken back: a corrected event was still
//! recorded. What an effect may have changed is noted for the end of the block, where it is judged.

pub(crate) mod count;
pub(crate) mod delivery;
pub(crate) mod matches;
mod meaning;
pub(crate) mod papers;
pub(crate) mod places;

use std::collections::BTreeMap;

use prost::Message as _;
use proto::receipt::{Role, SubjectKind};
use proto::schema::OperationKind;

use crate::codes;
use crate::fact::{Fact, Line};
use crate::key::{UnitKey, uid_key};
use crate::place::TRIPS;
use crate::record::codec::Count;
use crate::record::unit::{Flow, PackedAt, Sums, UnitRow, day_of};
use crate::state::{Queue, Rows, StateFault};
use crate::trace::lineage::containment_key;
use crate::trace::papers::{SAMPLINGS, sample_of, sampling_entry};

use count::{add_totals, count_agency, count_day, has_part};
use meaning::{Lines, Meaning, Moved, flows, meaning};

/// Whether effects are added or taken back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sign {
    /// The event comes into force.
    Add,
    /// A correction takes it back.
    TakeBack,
}

impl Sign {
    /// 1 or -1.
    pub(crate) const fn factor(self) -> i64 {
        match self {
            Self::Add => 1,
            Self::TakeBack => -1,
        }
    }
}

/// Entry of the goods that R12 looks at: it changed which codes they have, or what they lie in.
pub(crate) const EVERY: u8 = b'E';

/// Entry of the goods that R12 looks at: their sums over all places changed, which count where they
/// were packed.
pub(crate) const SUMS: u8 = b'S';

/// Entry of the units that R01 looks at: one that moved, or whose origin changed.
pub(crate) const WAY: u8 = b'U';

/// Entry of the units that R01 looks at: one whose papers or codes changed, or whether it is imported.
pub(crate) const PAPERS: u8 = b'P';

/// Entry of the units that R01 looks at: a declaration, all of whose units are to be looked at.
pub(crate) const DECLARATION: u8 = b'D';

/// Notes something that begins with a byte in a queue.
pub(crate) fn touch(state: &mut Rows<'_>, queue: Queue, byte: u8, key: &[u8]) {
    queue.put(state, &[&[byte], key].concat(), Vec::new());
}

/// Adds the effects of an event to every record, or takes them back.
pub(crate) fn apply(state: &mut Rows<'_>, fact: &Fact, sign: Sign) -> Result<(), StateFault> {
    let meaning = meaning(fact.kind);
    let moved = flows(fact, &meaning);
    let mut deltas = named(fact);
    for one in &moved {
        let sums = &mut deltas.entry(one.unit).or_default().sums;
        let sum = sums.entry(one.amount.uom).or_default();
        sum.add(one.flow, one.amount.milli.wrapping_mul(sign.factor()));
    }
    for line in described(fact, &meaning) {
        let delta = deltas.entry(&line.unit).or_default();
        delta.imported = i64::from(fact.lot.as_ref().is_some_and(|lot| lot.imported));
        delta.commissions = i64::from(fact.kind == OperationKind::Commission);
    }
    for (unit, delta) in deltas {
        write(state, fact, unit, (&delta, sign.factor()))?;
    }
    lots(state, fact, &meaning, sign)?;
    handlers(state, fact, sign)?;
    for one in &moved {
        places::add(state, fact, one, sign)?;
    }
    descend(state, fact, &meaning, sign)?;
    contain(state, fact, &meaning, sign)?;
    papers::cite(state, fact, sign)?;
    if let Some(side) = meaning.side {
        delivery::state(state, fact, side, sign)?;
        trip(state, fact, sign)?;
    }
    sample(state, fact, sign)?;
    note_ways(state, fact, &moved);
    Ok(())
}

/// Notes a stated version of an event that is not in force: its units are known, nothing is counted.
pub(crate) fn note(state: &mut Rows<'_>, fact: &Fact) -> Result<(), StateFault> {
    for (unit, delta) in named(fact) {
        write(state, fact, unit, (&delta, 0))?;
    }
    Ok(())
}

/// The additions of one event to the fields of one unit.
#[derive(Default)]
struct Delta<'a> {
    text: &'a str,
    commissions: i64,
    imported: i64,
    sums: BTreeMap<i32, Sums>,
}

fn named(fact: &Fact) -> BTreeMap<&UnitKey, Delta<'_>> {
    let mut deltas: BTreeMap<&UnitKey, Delta<'_>> = BTreeMap::new();
    for line in fact.lines() {
        deltas.entry(&line.unit).or_default().text = &line.text;
        if let Some(counterpart) = &line.counterpart {
            deltas.entry(counterpart).or_default().text = &line.counterpart_text;
        }
    }
    deltas
}

/// The units that the event's lot describes.
fn described<'a>(fact: &'a Fact, meaning: &Meaning) -> &'a [Line] {
    match meaning.described {
        Lines::Items => &fact.items,
        Lines::Outputs => &fact.outputs,
    }
}

fn write(
    state: &mut Rows<'_>,
    fact: &Fact,
    unit: &UnitKey,
    (delta, factor): (&Delta<'_>, i64),
) -> Result<(), StateFault> {
    let row = state.edit::<UnitRow>(unit)?.row;
    let is_new = row.first.is_none();
    let moment = fact.moment();
    if row.first.is_none_or(|first| moment < first) {
        row.first = Some(moment);
        delta.text.clone_into(&mut row.text);
    }
    row.last = row.last.max(Some(moment));
    row.imported = row.imported.wrapping_add(delta.imported.wrapping_mul(factor));
    row.commissions = row.commissions.wrapping_add(delta.commissions.wrapping_mul(factor));
    if delta.imported > 0 || delta.commissions > 0 {
        count_day(&mut row.coded, day_of(fact.occurred_ms), factor);
    }
    let agency = fact.agency.value().into();
    let had_part = has_part(row, agency);
    count_agency(&mut row.agencies, agency, factor);
    for (uom, sums) in &delta.sums {
        add_totals(&mut row.totals, *uom, sums);
    }
    let is_spoken_anew = has_part(row, agency) != had_part && !row.matches.is_empty();
    if is_new {
        codes::note_unit(state, unit);
    }
    if is_spoken_anew {
        Queue::PARTS.put(state, unit, Vec::new());
    }
    Ok(())
}

fn lots(
    state: &mut Rows<'_>,
    fact: &Fact,
    meaning: &Meaning,
    sign: Sign,
) -> Result<(), StateFault> {
    let Some(lot) = &fact.lot else { return Ok(()) };
    let encoded = lot.encode_to_vec();
    for line in described(fact, meaning) {
        let add = |count: &mut Count| count.add(sign.factor());
        state.update(UnitRow::LOTS, &line.unit, &encoded, add)?;
    }
    Ok(())
}

fn handlers(state: &mut Rows<'_>, fact: &Fact, sign: Sign) -> Result<(), StateFault> {
    let vehicle = (SubjectKind::Vehicle, fact.vehicle.as_bytes());
    let person = (SubjectKind::Person, fact.person.as_bytes());
    for (kind, subject) in [vehicle, person].into_iter().filter(|(_, key)| !key.is_empty()) {
        let key = [&[kind.code()], subject].concat();
        for line in fact.items.iter().chain(&fact.outputs) {
            let add = |count: &mut Count| count.add(sign.factor());
            state.update(UnitRow::HANDLERS, &line.unit, &key, add)?;
        }
    }
    Ok(())
}

/// A process of a hundred inputs and a hundred outputs is one event that two hundred units point to,
/// not ten thousand edges.
fn descend(
    state: &mut Rows<'_>,
    fact: &Fact,
    meaning: &Meaning,
    sign: Sign,
) -> Result<(), StateFault> {
    let Some((from, to)) = meaning.lineage else { return Ok(()) };
    let event = uid_key(fact.agency, fact.uid);
    for (role, lines) in [(from, &fact.items), (to, &fact.outputs)] {
        let key = [&[role.code()], &*event].concat();
        for line in lines {
            let add = |count: &mut Count| count.add(sign.factor());
            state.update(UnitRow::LINEAGE, &line.unit, &key, add)?;
        }
    }
    Ok(())
}

fn contain(
    state: &mut Rows<'_>,
    fact: &Fact,
    meaning: &Meaning,
    sign: Sign,
) -> Result<(), StateFault> {
    // The container of any other event is where the goods stand, not what happens to them.
    let (Some(packs), Some(container)) = (meaning.packs, &fact.container) else { return Ok(()) };
    let at = PackedAt { occurred_ms: fact.occurred_ms, packs, count: sign.factor() };
    for line in fact.packed() {
        for (unit, role, other) in [
            (&container.unit, Role::Content, &line.unit),
            (&line.unit, Role::Container, &container.unit),
        ] {
            let key = containment_key(role, other);
            state.update(UnitRow::CONTAINMENT, unit, &key, |packing| packing.add(at))?;
        }
    }
    Ok(())
}

fn trip(state: &mut Rows<'_>, fact: &Fact, sign: Sign) -> Result<(), StateFault> {
    if fact.vehicle.is_empty() {
        return Ok(());
    }
    let event = uid_key(fact.agency, fact.uid);
    TRIPS.update(state, &fact.vehicle, &event, |count| count.add(sign.factor()))
}

/// Keeps which events sample under a document, for results that name it.
fn sample(state: &mut Rows<'_>, fact: &Fact, sign: Sign) -> Result<(), StateFault> {
    if fact.kind != OperationKind::Sampling || fact.document.is_empty() {
        return Ok(());
    }
    let entry = sampling_entry(&sample_of(fact.agency, &fact.document));
    let event = uid_key(fact.agency, fact.uid);
    SAMPLINGS.update(state, &entry, &event, |count| count.add(sign.factor()))
}

/// Notes what the rules R01 and R12 look at because of an event.
fn note_ways(state: &mut Rows<'_>, fact: &Fact, moved: &[Moved<'_>]) {
    for one in moved {
        match one.flow {
            Flow::Opening
            | Flow::Made
            | Flow::Sold
            | Flow::Used
            | Flow::Disposed
            | Flow::Consumed
            | Flow::Divided => touch(state, Queue::GOODS, SUMS, one.unit),
            // A move between places changes no total of the unit.
            Flow::Received | Flow::StoredIn | Flow::Shipped | Flow::StoredOut => (),
        }
        // Going on is what R01 asks of goods: being there is not.
        if matches!(one.flow, Flow::Shipped | Flow::Sold | Flow::Used) {
            touch(state, Queue::PAPERS, WAY, one.unit);
        }
    }
    if fact.container.is_some() {
        fact.packed().iter().for_each(|line| touch(state, Queue::GOODS, EVERY, &line.unit));
    }
    let is_imported = fact.lot.as_ref().is_some_and(|lot| lot.imported);
    if is_imported || !fact.certificates.is_empty() || !fact.declaration.is_empty() {
        fact.lines().for_each(|line| touch(state, Queue::PAPERS, PAPERS, &line.unit));
    }
    // A correction can cut a unit off from its sources, so both the unit and its descendants are
    // judged again.
    let sides = fact.made().iter().chain(fact.consumed());
    for line in sides.chain(fact.packed()).chain(&fact.container) {
        touch(state, Queue::PAPERS, WAY, &line.unit);
    }
}
