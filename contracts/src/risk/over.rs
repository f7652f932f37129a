//! R12: more left a place than came to it. A shortage waits for the platform's settling time, since a
//! missing event may still come; the alert is closed when it comes. What is counted does not depend
//! on the order of arrival.

use std::collections::{BTreeMap, BTreeSet};

use proto::TimeMs;
use proto::receipt::{Role, SubjectKind};
use proto::schema::event::Uom;

use super::alert::{self, AlertRecord, AlertState, AlertSubject, Input, Level, Rule, Transition};
use super::same::{Number, Same};
use super::{VERSION, parameter};
use crate::context::{BlockContext, Raised};
use crate::due;
use crate::effect::EVERY;
use crate::effect::places::{Bit, SHORT_AT, set_short};
use crate::key::parted;
use crate::record::unit::{Flow, SHORT_TOLD, Sums, UnitRow};
use crate::state::{Queue, Rows, StateFault};
use crate::trace::stock::{balance_key, short_key};
use crate::trace::{lineage, stock, unit};

/// Balances that are looked at in a block; the rest waits for the next one.
const BALANCES_MAX: usize = 4_096;

/// Codes that are looked at in a block to reckon those of the same goods together; the rest waits for
/// the next one.
const UNITS_MAX: usize = 16_384;

/// Goods all of whose places are noted in a block; the rest waits for the next one.
const GOODS_MAX: usize = 4_096;

/// Containers around goods, and contents of a container, that are looked at: a pallet of boxes in a
/// lorry.
const NESTED_MAX: usize = 64;

/// Places of one unit that are looked at.
const PLACES_MAX: usize = 64;

/// Units of measure: the balances of a unit at a station.
const UOMS: [Uom; 7] =
    [Uom::Unspecified, Uom::Kgm, Uom::Xbx, Uom::H87, Uom::Xpx, Uom::Ltr, Uom::Xpa];

/// Beginning of the payload of a deadline.
pub(super) const DUE: &[u8] = b"R12:";

/// Notes the balances of a unit from which more went than came, and those with an alert: of the others
/// there is nothing to say, whatever came under another code.
fn touch_places(state: &mut Rows<'_>, unit: &[u8]) -> Result<(), StateFault> {
    for (key, _) in state.scan(UnitRow::SHORT, unit, None, PLACES_MAX)? {
        if let Some((uom, station)) = key.split_first() {
            Queue::BALANCES.put(state, &balance_key(unit, station, i32::from(*uom)), Vec::new());
        }
    }
    Ok(())
}

/// What a block knows and may still do.
struct Work {
    same: Same,
    room: usize,
    /// Classes whose units were looked at at a station.
    explained: BTreeSet<(Number, Vec<u8>)>,
    /// Classes whose places were noted.
    spread: BTreeSet<Number>,
    /// Whether any code of a class lies, or lay, in a container or holds something.
    packed: BTreeMap<Number, bool>,
}

impl Work {
    const fn spend(&mut self, count: usize) {
        self.room = self.room.saturating_sub(count);
    }

    fn class(&mut self, state: &Rows<'_>, unit: &[u8]) -> Result<Number, StateFault> {
        self.same.class(state, unit, &mut self.room)
    }

    fn is_packed(&mut self, state: &Rows<'_>, number: Number) -> Result<bool, StateFault> {
        if let Some(known) = self.packed.get(&number) {
            return Ok(*known);
        }
        let is_packed = any_packed(state, self.same.units(number))?;
        let looked = self.same.units(number).count();
        self.spend(looked);
        self.packed.insert(number, is_packed);
        Ok(is_packed)
    }
}

/// Whether any of the units lies, or lay, in a container or holds something.
fn any_packed<'a>(
    state: &Rows<'_>,
    units: impl Iterator<Item = &'a Vec<u8>>,
) -> Result<bool, StateFault> {
    for unit in units {
        if !state.row::<UnitRow>(unit)?.containment.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Notes the places of the goods that were touched, under all their codes.
fn spread(state: &mut Rows<'_>, work: &mut Work) -> Result<(), StateFault> {
    for found in Queue::GOODS.scan(state, GOODS_MAX)? {
        if work.room == 0 {
            break;
        }
        Queue::GOODS.remove(state, &found.key)?;
        let Some((kind, unit)) = found.key.split_first() else { continue };
        let mut goods = BTreeSet::from([unit.to_vec()]);
        if *kind == EVERY {
            // What a container came in is what its contents came in.
            goods.extend(nested(state, &goods, Role::Content)?);
        } else {
            // Of most goods no other code is known and no container, so that only places count.
            let row = state.row::<UnitRow>(unit)?;
            if row.matches.is_empty() && row.containment.is_empty() {
                continue;
            }
            let number = work.class(state, unit)?;
            if !work.is_packed(state, number)? && !any_packed(state, goods.iter())? {
                continue;
            }
        }
        for unit in goods {
            let number = work.class(state, &unit)?;
            touch_places(state, &unit)?;
            if work.spread.insert(number) {
                let units: Vec<Vec<u8>> = work.same.units(number).cloned().collect();
                work.spend(units.len());
                for unit in units {
                    touch_places(state, &unit)?;
                }
            }
        }
    }
    Ok(())
}

/// The containers around units or the contents of them, whichever `role` says, at most [`NESTED_MAX`].
fn nested(
    state: &Rows<'_>,
    units: &BTreeSet<Vec<u8>>,
    role: Role,
) -> Result<BTreeSet<Vec<u8>>, StateFault> {
    let mut found = BTreeSet::new();
    let mut open: Vec<Vec<u8>> = units.iter().cloned().collect();
    while let Some(unit) = open.pop() {
        for other in lineage::containments(state, &unit, NESTED_MAX)? {
            if found.len() == NESTED_MAX {
                return Ok(found);
            }
            let is_new = other.role == role && !units.contains(&other.other);
            if is_new && found.insert(other.other.clone()) {
                open.push(other.other);
            }
        }
    }
    Ok(found)
}

/// Whether anything of a unit came to a station, in whatever unit of measure.
fn came(state: &Rows<'_>, unit: &[u8], station: &[u8]) -> Result<bool, StateFault> {
    for uom in UOMS {
        if stock::balance(state, unit, station, uom.into())?.incoming() > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Looks at the balances that were touched.
pub(super) fn run(context: &BlockContext, state: &mut Rows<'_>) -> Result<Raised, StateFault> {
    let mut raised = Raised::default();
    let mut work = Work {
        same: Same::default(),
        room: UNITS_MAX,
        explained: BTreeSet::new(),
        spread: BTreeSet::new(),
        packed: BTreeMap::new(),
    };
    spread(state, &mut work)?;
    let mut judged = BTreeSet::new();
    for found in Queue::BALANCES.scan(state, BALANCES_MAX)? {
        if work.room == 0 {
            break;
        }
        Queue::BALANCES.remove(state, &found.key)?;
        for key in explained(state, &found.key, &mut work)? {
            if judged.insert(key.clone()) {
                raised.extend(judge(context, state, &key, &mut work)?);
            }
        }
    }
    Ok(raised)
}

/// The balance and those that an arrival there may explain: of the same goods at the station under any
/// code and in other units of measure, and of what lies in them under any code.
fn explained(
    state: &Rows<'_>,
    key: &[u8],
    work: &mut Work,
) -> Result<BTreeSet<Vec<u8>>, StateFault> {
    let mut found = BTreeSet::from([key.to_vec()]);
    let Some(place) = Place::of(key) else { return Ok(found) };
    // Where nothing is missing at the station nothing is to be explained, and mostly nothing is.
    let others = SHORT_AT.scan(state, &place.station, None, 2)?;
    if others.iter().all(|(other, _)| other == key) {
        return Ok(found);
    }
    let mut goods = BTreeSet::from([place.unit]);
    goods.extend(nested(state, &goods, Role::Content)?);
    work.spend(goods.len());
    let mut codes = goods.clone();
    for unit in &goods {
        let number = work.class(state, unit)?;
        if work.explained.insert((number, place.station.clone())) {
            codes.extend(work.same.units(number).cloned());
        }
    }
    work.spend(codes.len());
    for unit in codes {
        for (key, _) in state.scan(UnitRow::SHORT, &unit, None, PLACES_MAX)? {
            let here = key.split_first().filter(|(_, station)| **station == *place.station);
            let key = here.map(|(uom, station)| balance_key(&unit, station, i32::from(*uom)));
            found.extend(key);
        }
    }
    Ok(found)
}

/// The settling time of a shortage has passed: it is judged with what the block touched.
pub(super) fn on_due(state: &mut Rows<'_>, key: &[u8]) {
    Queue::BALANCES.put(state, key, Vec::new());
}

/// Raises, closes or settles the alert of one balance.
fn judge(
    context: &BlockContext,
    state: &mut Rows<'_>,
    key: &[u8],
    work: &mut Work,
) -> Result<Raised, StateFault> {
    let Some(place) = Place::of(key) else { return Ok(Raised::default()) };
    // Nearly every balance is in order and has no alert, and this is all it costs to know.
    let short = short_key(&place.station, place.uom);
    if state.entry(UnitRow::SHORT, &place.unit, &short)?.is_none() {
        return Ok(Raised::default());
    }
    let id = alert::id_of(state, Rule::OverQuantity, key)?;
    let held = alert::of(state, &id)?;
    let is_active = held.as_ref().is_some_and(|held| held.state().is_active());
    let shortage = shortage(state, &place, work)?;
    let at = (&*place.unit, &*place.station, place.uom);
    let told = if shortage.is_some() { Bit::Set } else { Bit::Clear };
    set_short(state, at, SHORT_TOLD, told)?;
    match (shortage, held) {
        (None, None) => Ok(Raised::default()),
        (None, Some(held)) if is_active => {
            alert::step(context, state, (&id, held), Transition::Closed)
        }
        (None, Some(held)) => settled(state, &id, held),
        (Some(short), Some(held)) if is_active => {
            alert::store(state, &id, &described(&place, &short, held))?;
            Ok(Raised::default())
        }
        (Some(short), held) => {
            wait(context, state, (&id, key), described(&place, &short, held.unwrap_or_default()))
        }
    }
}

/// A shortage that passed before its time leaves nothing behind.
fn settled(state: &mut Rows<'_>, id: &str, mut held: AlertRecord) -> Result<Raised, StateFault> {
    match held.state() {
        AlertState::Unspecified => held = AlertRecord::default(),
        AlertState::Open
        | AlertState::Acknowledged
        | AlertState::Closed
        | AlertState::Withdrawn => {
            if held.pending_since_ms == 0 {
                return Ok(Raised::default());
            }
            held.pending_since_ms = 0;
        }
    }
    alert::store(state, id, &held)?;
    Ok(Raised::default())
}

/// Raises the alert if its settling time has passed, else waits for it.
fn wait(
    context: &BlockContext,
    state: &mut Rows<'_>,
    (id, key): (&str, &[u8]),
    mut short: AlertRecord,
) -> Result<Raised, StateFault> {
    let now = context.time;
    let agency = short.addressees.first().copied();
    let (settling_ms, _) = parameter::value(state, parameter::SETTLING_MS, agency)?;
    if short.pending_since_ms == 0 {
        short.pending_since_ms = now.value();
    }
    let at = TimeMs::new(short.pending_since_ms).plus_ms(settling_ms);
    if at <= now {
        return alert::step(context, state, (id, short), Transition::Raised);
    }
    alert::store(state, id, &short)?;
    // One deadline, however often it is noted; a longer settling time approved meanwhile moves it.
    due::schedule(state, now, at, &[DUE, key].concat());
    Ok(Raised::default())
}

/// The place of a balance.
struct Place {
    key: Vec<u8>,
    unit: Vec<u8>,
    station: Vec<u8>,
    uom: i32,
}

impl Place {
    fn of(key: &[u8]) -> Option<Self> {
        let (unit, rest) = parted(key)?;
        let (uom, station) = rest.split_first()?;
        let (unit, station) = (unit.to_vec(), station.to_vec());
        Some(Self { key: key.to_vec(), unit, station, uom: i32::from(*uom) })
    }
}

/// What came, what went, and what was let pass.
struct Shortage {
    incoming: i64,
    outgoing: i64,
    tolerance: i64,
    agency: Option<u32>,
    settling_ms: u64,
    parameters_height: u64,
}

fn described(place: &Place, short: &Shortage, held: AlertRecord) -> AlertRecord {
    let mut alert = AlertRecord { version: VERSION, cause: place.key.clone(), ..held };
    alert.set_rule(Rule::OverQuantity);
    alert.set_level(Level::Red);
    alert.parameters_height = short.parameters_height;
    alert.subjects = vec![
        AlertSubject::new(SubjectKind::Unit, &place.unit),
        AlertSubject::new(SubjectKind::Station, &place.station),
    ];
    alert.addressees = short.agency.into_iter().collect();
    alert.inputs = vec![
        Input::new("incoming_milli", short.incoming.to_string()),
        Input::new("outgoing_milli", short.outgoing.to_string()),
        Input::new("tolerance_milli", short.tolerance.to_string()),
        Input::new("uom", place.uom.to_string()),
        Input::new("settling_ms", short.settling_ms.to_string()),
    ];
    alert
}

/// Whether a container of any of the units came to a station.
fn came_inside(
    state: &Rows<'_>,
    units: &BTreeSet<Vec<u8>>,
    station: &[u8],
) -> Result<bool, StateFault> {
    for container in nested(state, units, Role::Container)? {
        if came(state, &container, station)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The shortage at a place; `None` where there is none.
fn shortage(
    state: &Rows<'_>,
    place: &Place,
    work: &mut Work,
) -> Result<Option<Shortage>, StateFault> {
    let own = stock::balance(state, &place.unit, &place.station, place.uom)?;
    // Nearly every balance is in order, and this is all it costs to know.
    if own.outgoing() <= own.incoming() {
        return Ok(None);
    }
    let agency = parameter::agency_of_station(state, &place.station)?;
    let (permille, first) = parameter::value(state, parameter::TOLERANCE_PERMILLE, agency)?;
    let (least, second) = parameter::value(state, parameter::TOLERANCE_MILLI, agency)?;
    let (settling_ms, third) = parameter::value(state, parameter::SETTLING_MS, agency)?;
    let is_over = |incoming: i64, outgoing: i64| {
        let relative = i128::from(incoming.max(0)) * i128::from(permille) / 1_000;
        let tolerance = relative.max(i128::from(least));
        let is_over = i128::from(outgoing) > i128::from(incoming) + tolerance;
        is_over.then(|| i64::try_from(tolerance).unwrap_or(i64::MAX))
    };
    if is_over(own.incoming(), own.outgoing()).is_none() {
        return Ok(None);
    }
    // Goods that came under one code and left under another of the same goods are no shortage.
    let number = work.class(state, &place.unit)?;
    let goods = work.same.goods(number, &place.unit);
    work.spend(goods.len());
    let whole = Whole::of(state, &goods, place)?;
    let (incoming, outgoing) = (whole.here.incoming(), whole.here.outgoing());
    let Some(tolerance) = is_over(incoming, outgoing) else { return Ok(None) };
    // What came by the box and leaves by weight cannot be compared at this place.
    if incoming == 0 && whole.came_here {
        return Ok(None);
    }
    // What came inside a container came without a line of its own: only the whole can be reckoned.
    let was_packed = any_packed(state, goods.iter())?;
    if was_packed && (!whole.came_here || came_inside(state, &goods, &place.station)?) {
        let (made, ended) = whole.anywhere();
        if made == 0 || is_over(made, ended).is_none() {
            return Ok(None);
        }
    }
    let parameters_height = first.max(second).max(third);
    Ok(Some(Shortage { incoming, outgoing, tolerance, agency, settling_ms, parameters_height }))
}

/// Goods under all their codes, in one unit of measure.
#[derive(Default)]
struct Whole {
    here: Sums,
    anywhere: Sums,
    came_here: bool,
}

impl Whole {
    fn of(state: &Rows<'_>, goods: &BTreeSet<Vec<u8>>, place: &Place) -> Result<Self, StateFault> {
        let mut whole = Self::default();
        for unit in goods {
            whole.came_here |= came(state, unit, &place.station)?;
            whole.here.add_all(&stock::balance(state, unit, &place.station, place.uom)?, 1);
            let record = unit::of(state, unit)?;
            let totals = record.iter().flat_map(|record| &record.totals);
            for sums in totals.filter(|sums| sums.uom == place.uom) {
                whole.anywhere.add_all(sums, 1);
            }
        }
        Ok(whole)
    }

    /// What was made of them at all places, and what came to its end.
    fn anywhere(&self) -> (i64, i64) {
        let sum = |flows: &[Flow]| {
            flows.iter().fold(0i64, |sum, flow| sum.saturating_add(self.anywhere.sum(*flow)))
        };
        let ends = [Flow::Sold, Flow::Used, Flow::Disposed, Flow::Consumed, Flow::Divided];
        (sum(&[Flow::Opening, Flow::Made]), sum(&ends))
    }
}
