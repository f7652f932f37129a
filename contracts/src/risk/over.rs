//! R12: more left a place than came to it. A shortage waits for the platform's settling time, since a
//! missing event may still come; the alert is closed when it comes. What is counted does not depend
//! on the order of arrival.

use std::collections::BTreeSet;

use proto::TimeMs;
use proto::receipt::{Role, SubjectKind};
use proto::schema::event::Uom;

use super::alert::{self, AlertRecord, AlertState, AlertSubject, Input, Level, Rule, Transition};
use super::{VERSION, parameter};
use crate::context::Raised;
use crate::due;
use crate::execute::BlockContext;
use crate::matching;
use crate::queue::Queue;
use crate::record::parted;
use crate::record::unit::{Flow, Sums};
use crate::state::{Overlay, State, StateFault};
use crate::trace::{lineage, stock, unit};

/// Balances that are looked at in a block; the rest waits for the next one.
const BALANCES_MAX: usize = 4_096;

/// Codes of the same goods that are reckoned together in a block; the rest waits for the next one.
const UNITS_MAX: usize = 8_192;

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

/// Balances that are to be looked at.
const QUEUE: Queue = Queue::of(b"risk/balances");

/// Notes that something came to a place or left it.
pub(super) fn touch(state: &mut Overlay<'_>, unit: &[u8], station: &[u8], uom: i32) {
    // Without a station there is no place that anything could be missing at.
    if !station.is_empty() {
        QUEUE.put(state, &stock::balance_key(unit, station, uom), Vec::new());
    }
}

/// Notes every place of a unit, where another code turned out to be the same goods.
pub(super) fn touch_places(state: &mut Overlay<'_>, unit: &[u8]) -> Result<(), StateFault> {
    for place in stock::places(state, unit, PLACES_MAX)? {
        touch(state, unit, &place.station, place.uom);
    }
    Ok(())
}

/// The containers around units or the contents of them, whichever `role` says, at most [`NESTED_MAX`].
fn nested(
    state: &dyn State,
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
fn came(state: &dyn State, unit: &[u8], station: &[u8]) -> Result<bool, StateFault> {
    for uom in UOMS {
        if stock::balance(state, unit, station, uom.into())?.incoming() > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Looks at the balances that were touched.
pub(super) fn run(context: &BlockContext, state: &mut Overlay<'_>) -> Result<Raised, StateFault> {
    let mut raised = Raised::default();
    let mut units = UNITS_MAX;
    for found in QUEUE.scan(state, BALANCES_MAX)? {
        if units == 0 {
            break;
        }
        QUEUE.remove(state, &found.key)?;
        for key in explained(state, &found.key, &mut units)? {
            raised.extend(judge(context, state, &key, &mut units)?);
        }
    }
    Ok(raised)
}

/// The balance and those that an arrival there may explain: of the same goods at the station in other
/// units of measure, and of what lies in them.
fn explained(
    state: &dyn State,
    key: &[u8],
    units: &mut usize,
) -> Result<BTreeSet<Vec<u8>>, StateFault> {
    let mut found = BTreeSet::from([key.to_vec()]);
    let Some(place) = Place::of(key) else { return Ok(found) };
    let mut goods = BTreeSet::from([place.unit]);
    let inside = nested(state, &goods, Role::Content)?;
    *units = units.saturating_sub(inside.len());
    goods.extend(inside);
    for unit in goods {
        let here = stock::places(state, &unit, PLACES_MAX)?.into_iter();
        let here = here.filter(|other| other.station == place.station);
        found.extend(here.map(|other| stock::balance_key(&unit, &other.station, other.uom)));
    }
    Ok(found)
}

/// The settling time of a shortage has passed: it is judged with what the block touched.
pub(super) fn on_due(state: &mut Overlay<'_>, key: &[u8]) {
    QUEUE.put(state, key, Vec::new());
}

/// Raises, closes or settles the alert of one balance.
fn judge(
    context: &BlockContext,
    state: &mut Overlay<'_>,
    key: &[u8],
    units: &mut usize,
) -> Result<Raised, StateFault> {
    let Some(place) = Place::of(key) else { return Ok(Raised::default()) };
    let id = alert::id_of(state, Rule::OverQuantity, key)?;
    let held = alert::of(state, &id)?;
    let is_active = held.as_ref().is_some_and(|held| held.state().is_active());
    match (shortage(state, &place, units)?, held) {
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
fn settled(state: &mut Overlay<'_>, id: &str, mut held: AlertRecord) -> Result<Raised, StateFault> {
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
    state: &mut Overlay<'_>,
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
    due::schedule(state, now, at, &[DUE, key].concat())?;
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
    state: &dyn State,
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
    state: &dyn State,
    place: &Place,
    units: &mut usize,
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
    let class = matching::class::of(state, &place.unit)?;
    *units = units.saturating_sub(class.units.len());
    let mut here = Sums::default();
    let mut anywhere = Sums::default();
    let mut was_packed = false;
    let mut came_here = false;
    for unit in &class.units {
        came_here |= came(state, unit, &place.station)?;
        here.add_all(&stock::balance(state, unit, &place.station, place.uom)?, 1);
        was_packed |= !lineage::containments(state, unit, 1)?.is_empty();
        let totals = unit::of(state, unit)?.map(|record| record.totals).unwrap_or_default();
        for sums in totals.iter().filter(|sums| sums.uom == place.uom) {
            anywhere.add_all(sums, 1);
        }
    }
    let (incoming, outgoing) = (here.incoming(), here.outgoing());
    let Some(tolerance) = is_over(incoming, outgoing) else { return Ok(None) };
    // What came by the box and leaves by weight cannot be compared at this place.
    if incoming == 0 && came_here {
        return Ok(None);
    }
    // What came inside a container came without a line of its own: only the whole can be reckoned.
    if was_packed && (!came_here || came_inside(state, &class.units, &place.station)?) {
        let made = anywhere.sum(Flow::Opening).saturating_add(anywhere.sum(Flow::Made));
        let ends = [Flow::Sold, Flow::Used, Flow::Disposed, Flow::Consumed, Flow::Divided];
        let ended = ends.into_iter().fold(0i64, |sum, flow| sum.saturating_add(anywhere.sum(flow)));
        if made == 0 || is_over(made, ended).is_none() {
            return Ok(None);
        }
    }
    let parameters_height = first.max(second).max(third);
    Ok(Some(Shortage { incoming, outgoing, tolerance, agency, settling_ms, parameters_height }))
}
