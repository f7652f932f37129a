//! Alerts, and what a positive sample concerns.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use proto::AgencyIndex;
use proto::receipt::SubjectKind;

use super::locate::{self, Balance, UnitPlace};
use crate::record::codec::Mark;
use crate::risk::alert::{self, AlertRecord};
use crate::risk::positive::{self, Relation};
use crate::risk::sentence;
use crate::state::{Index, Rows, StateFault};

/// An alert with what it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlertView {
    /// Identifier.
    pub id: String,
    /// What the state holds.
    pub record: AlertRecord,
    /// The sentence in Chinese.
    pub zh: String,
    /// The sentence in English.
    pub en: String,
}

impl AlertView {
    fn new(id: String, record: AlertRecord) -> Self {
        let (zh, en) = (sentence::chinese(&record), sentence::english(&record));
        Self { id, record, zh, en }
    }

    /// Agency whose duty officer took note.
    pub fn acknowledged_by(&self) -> Option<AgencyIndex> {
        let index = self.record.acknowledged_by.checked_sub(1)?;
        u16::try_from(index).ok().map(AgencyIndex::new)
    }
}

/// Which alerts are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Filter {
    /// Those whose cause stands.
    Active,
    /// Every one that was ever raised.
    All,
}

/// Alerts, at most `limit`, the most urgent first and of these the latest.
pub fn alerts(
    state: &Rows<'_>,
    filter: Filter,
    limit: usize,
) -> Result<Vec<AlertView>, StateFault> {
    let list = listed(filter);
    super::first_of((limit, by_urgency), |after, limit| {
        let mut found = Vec::new();
        for (key, _) in list.scan(state, b"", after, limit)? {
            let view = one(state, &String::from_utf8_lossy(&key))?;
            found.push((key, view));
        }
        Ok(found)
    })
}

/// How many alerts there are, counted up to `limit`.
pub fn count(state: &Rows<'_>, filter: Filter, limit: usize) -> Result<usize, StateFault> {
    listed(filter).count(state, b"", limit)
}

const fn listed(filter: Filter) -> Index<Mark> {
    match filter {
        Filter::Active => alert::ACTIVE,
        Filter::All => alert::ALL,
    }
}

fn by_urgency(a: &AlertView, b: &AlertView) -> Ordering {
    let rank = |view: &AlertView| (view.record.level, Reverse(view.record.raised_ms));
    rank(a).cmp(&rank(b)).then_with(|| a.id.cmp(&b.id))
}

/// One alert; `None` where it was never raised.
pub fn one(state: &Rows<'_>, id: &str) -> Result<Option<AlertView>, StateFault> {
    let found = alert::of(state, id)?.filter(|record| record.raised_height > 0);
    Ok(found.map(|record| AlertView::new(id.to_owned(), record)))
}

/// A unit that an alert concerns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AffectedUnit {
    /// What it is to the goods tested.
    pub relation: Relation,
    /// Where it is.
    pub place: UnitPlace,
}

/// What an alert concerns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scope {
    /// Units, the nearest relation first.
    pub units: Vec<AffectedUnit>,
    /// Declaration lines.
    pub declarations: Vec<Vec<u8>>,
    /// What became of all of them together, by unit of measure; containers left out, since what lies
    /// in them is counted itself.
    pub totals: Vec<Balance>,
    /// Where to go on, where there is more: the key of the last entry.
    pub next: Option<Vec<u8>>,
}

/// Entries of each list of a unit that [`scope`] reads. The boxes of a lot have a few; a lot that is
/// delivered under one code has one for each delivery.
pub const UNIT_LIST_MAX: usize = 2_000;

/// What an alert concerns: at most `limit` entries that follow `after`.
pub fn scope(
    state: &Rows<'_>,
    id: &str,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Scope, StateFault> {
    let found = positive::affected(state, id, after, limit)?;
    let next = found.last().filter(|_| found.len() == limit).map(|(last, _)| last.clone());
    let mut units = Vec::new();
    let mut declarations = Vec::new();
    let mut totals: BTreeMap<i32, Balance> = BTreeMap::new();
    for (entry, affected) in found {
        match positive::subject_of(&entry) {
            Some((SubjectKind::Declaration, key)) => declarations.push(key.to_vec()),
            Some((_, key)) => {
                let Some(place) = locate::unit(state, key, UNIT_LIST_MAX)? else { continue };
                let relation = affected.relation;
                if relation != Relation::Carrier {
                    place.balances.iter().for_each(|balance| add(&mut totals, balance));
                }
                units.push(AffectedUnit { relation, place });
            }
            None => (), // no entry that a search writes
        }
    }
    units.sort_by(|a, b| b.relation.cmp(&a.relation).then_with(|| a.place.unit.cmp(&b.place.unit)));
    declarations.sort();
    Ok(Scope { units, declarations, totals: totals.into_values().collect(), next })
}

fn add(totals: &mut BTreeMap<i32, Balance>, added: &Balance) {
    let sum = totals.entry(added.uom).or_default();
    *sum = Balance {
        uom: added.uom,
        origin: sum.origin.saturating_add(added.origin),
        sold: sum.sold.saturating_add(added.sold),
        used: sum.used.saturating_add(added.used),
        disposed: sum.disposed.saturating_add(added.disposed),
        converted: sum.converted.saturating_add(added.converted),
        in_stock: sum.in_stock.saturating_add(added.in_stock),
        in_transit: sum.in_transit.saturating_add(added.in_transit),
    };
}
