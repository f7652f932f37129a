//! The class of a unit: everything that live matches say is the same goods, and what contradicts
//! itself in it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proto::trie::Namespace;

use super::{circle, delivery, of_unit, status_of};
use crate::pages::{Map, Pages};
use crate::record::matching::{Conflict, MatchRecord, MatchStatus};
use crate::record::parted;
use crate::record::shipment::Verdict;
use crate::state::{State, StateFault};
use crate::trace::papers;

/// Units of a class that are looked at: a lot and its boxes. What lies beyond is matched like the
/// rest but not searched for contradictions.
const UNITS_MAX: usize = 256;

/// Matches of one unit that are looked at.
const MATCHES_MAX: usize = 256;

/// Matches that are looked at for a class, each at both of its units: four times what a lot and its
/// boxes have. Above it the class is cut: which part of it is looked at depends on the unit that it is
/// begun at and on nothing else, and what contradicts itself beyond is not found.
const LOOKED_MAX: usize = 2_048;

/// Papers of one unit that are looked at.
const PAPERS_MAX: usize = 32;

/// Deliveries of one match that are looked at for quantities.
const DOCUMENTS_MAX: usize = 32;

/// Deliveries of a class that are looked at for quantities, by ascending match; at a match beyond, the
/// contradiction of quantities stays as it was.
const DELIVERIES_MAX: usize = 1_024;

/// Giving and taking unit of a match.
pub type Pair = (Vec<u8>, Vec<u8>);

/// A class of units.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Class {
    /// Its units.
    pub units: BTreeSet<Vec<u8>>,
    /// The matches that make it, by giving and taking unit.
    pub matches: BTreeMap<Pair, MatchRecord>,
    /// Whether it has more units or matches than are looked at.
    pub is_cut: bool,
    /// Units and matches that were looked at to find it.
    pub looked: usize,
}

/// The class of a unit by the matches that stand, found breadth first.
pub fn of(state: &dyn State, unit: &[u8]) -> Result<Class, StateFault> {
    let mut class = Class::default();
    let mut open = VecDeque::from([unit.to_vec()]);
    class.units.insert(unit.to_vec());
    let mut room = LOOKED_MAX;
    while let Some(unit) = open.pop_front() {
        let limit = MATCHES_MAX.min(room);
        let matches = of_unit(state, &unit, limit)?;
        room -= matches.len();
        class.looked += 1 + matches.len();
        class.is_cut |= matches.len() == limit && matches_of(state, &unit)? > limit;
        for found in matches {
            let is_live = status_of(&found.record) != MatchStatus::Voided;
            if !is_live || found.from == found.to {
                continue;
            }
            for side in [&found.from, &found.to] {
                if class.units.contains(side) {
                    continue;
                }
                if class.units.len() < UNITS_MAX {
                    class.units.insert(side.clone());
                    open.push_back(side.clone());
                } else {
                    class.is_cut = true;
                }
            }
            class.matches.insert((found.from, found.to), found.record);
        }
    }
    Ok(class)
}

/// How many matches a unit has, those that do not stand among them.
fn matches_of(state: &dyn State, unit: &[u8]) -> Result<usize, StateFault> {
    let count = Pages::of(Namespace::Unit, unit, Map::Matches).len(state)?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

impl Class {
    /// What contradicts each match of the class; matches without contradiction are left out.
    pub fn conflicts(
        &self,
        state: &dyn State,
    ) -> Result<BTreeMap<Pair, Vec<Conflict>>, StateFault> {
        let mut conflicts: BTreeMap<Pair, Vec<Conflict>> = BTreeMap::new();
        if let Some(pair) = self.strange_origin(state)? {
            conflicts.entry(pair).or_default().push(Conflict::Origins);
        }
        let pairs: Vec<(&[u8], &[u8])> =
            self.matches.keys().map(|(from, to)| (&**from, &**to)).collect();
        let circles = circle::circles(&pairs);
        let mut deliveries = DELIVERIES_MAX;
        for (pair, record) in &self.matches {
            if circles.get(&*pair.0) == circles.get(&*pair.1) {
                conflicts.entry(pair.clone()).or_default().push(Conflict::Cycle);
            }
            if record.disagreeing > 0 && is_over_allocated(state, (pair, record), &mut deliveries)?
            {
                conflicts.entry(pair.clone()).or_default().push(Conflict::OverAllocated);
            }
        }
        Ok(conflicts)
    }

    /// Whether `to` can be reached from `from` in the direction of the goods.
    pub fn reaches(&self, from: &[u8], to: &[u8]) -> bool {
        let mut seen: BTreeSet<&[u8]> = BTreeSet::from([from]);
        let mut open: Vec<&[u8]> = vec![from];
        while let Some(unit) = open.pop() {
            // The matches are sorted by giving unit: those of one stand together.
            let first = (unit.to_vec(), Vec::new());
            let given = self.matches.range(first..).take_while(|((giver, _), _)| giver == unit);
            for ((_, taker), _) in given {
                if *taker == to {
                    return true;
                }
                if seen.insert(taker) {
                    open.push(taker);
                }
            }
        }
        false
    }

    /// Where the class holds units of different declarations: the first match at a unit whose
    /// declaration is not the least one. One place, so that one contradiction makes one alert.
    fn strange_origin(&self, state: &dyn State) -> Result<Option<Pair>, StateFault> {
        let mut origins: BTreeMap<&[u8], BTreeSet<Vec<u8>>> = BTreeMap::new();
        for unit in &self.units {
            origins.insert(unit, papers::declarations(state, unit, PAPERS_MAX)?);
        }
        let all: BTreeSet<&Vec<u8>> = origins.values().flatten().collect();
        let Some(least) = all.first() else { return Ok(None) };
        if all.len() < 2 {
            return Ok(None);
        }
        let is_strange = |unit: &[u8]| {
            let own = origins.get(unit).and_then(|own| own.first());
            own.is_some_and(|own| own != *least)
        };
        let strange = self.matches.keys().find(|(from, to)| is_strange(from) || is_strange(to));
        // A unit that itself names two declarations is strange by its least one being the least.
        Ok(strange.or_else(|| self.matches.keys().next()).cloned())
    }
}

/// Whether more was received under a match than was sent.
fn is_over_allocated(
    state: &dyn State,
    (pair, record): (&Pair, &MatchRecord),
    deliveries: &mut usize,
) -> Result<bool, StateFault> {
    if *deliveries == 0 {
        return Ok(record.conflicts().any(|known| known == Conflict::OverAllocated));
    }
    let (from, to) = pair;
    let pages = Pages::of(Namespace::Match, &super::key(from, to), Map::Documents);
    for found in pages.scan(state, None, DOCUMENTS_MAX)? {
        *deliveries = deliveries.saturating_sub(1);
        let is_different = found.value == [verdict_byte(Verdict::QuantityDiffers)];
        if !is_different {
            continue;
        }
        let key = crate::record::joined(&[&found.key, from]);
        let shipment = delivery::shipment(state, &key)?.unwrap_or_default();
        let is_more = shipment.received.iter().any(|received| {
            let sent = shipment.shipped.iter().find(|sent| sent.uom == received.uom);
            sent.is_some_and(|sent| received.milli > sent.milli)
        });
        if is_more {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The byte of a verdict in a match's map of documents.
pub(crate) fn verdict_byte(verdict: Verdict) -> u8 {
    u8::try_from(i32::from(verdict)).unwrap_or_default()
}

/// The match at a key.
pub(crate) fn pair_of(key: &[u8]) -> Option<Pair> {
    parted(key).map(|(from, to)| (from.to_vec(), to.to_vec()))
}
