//! The class of a unit: everything that live matches say is the same goods, and what contradicts
//! itself in it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::circle;
use crate::effect::matches::{GIVES, stands};
use crate::key::{match_key, shipment_key};
use crate::record::matching::{Conflict, MatchRow};
use crate::record::shipment::{ShipmentRow, Verdict};
use crate::record::unit::UnitRow;
use crate::state::{Rows, StateFault};
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
    /// The matches that make it.
    pub matches: BTreeSet<Pair>,
    /// Whether it has more units or matches than are looked at.
    pub is_cut: bool,
    /// Units and matches that were looked at to find it.
    pub looked: usize,
}

/// The class of a unit by the matches that stand, found breadth first.
pub fn of(state: &Rows<'_>, unit: &[u8]) -> Result<Class, StateFault> {
    let mut class = Class::default();
    let mut open = VecDeque::from([unit.to_vec()]);
    class.units.insert(unit.to_vec());
    let mut room = LOOKED_MAX;
    while let Some(unit) = open.pop_front() {
        let limit = MATCHES_MAX.min(room);
        let matches = state.scan(UnitRow::MATCHES, &unit, None, limit)?;
        room -= matches.len();
        class.looked += 1 + matches.len();
        class.is_cut |= matches.len() == limit && matches_of(state, &unit)? > limit;
        for (key, held) in matches {
            let Some((side, other)) = key.split_first() else { continue };
            if !stands(held.status) || other == &*unit {
                continue;
            }
            if !class.units.contains(other) {
                if class.units.len() < UNITS_MAX {
                    class.units.insert(other.to_vec());
                    open.push_back(other.to_vec());
                } else {
                    class.is_cut = true;
                }
            }
            let (unit, other) = (unit.clone(), other.to_vec());
            class.matches.insert(if *side == GIVES { (unit, other) } else { (other, unit) });
        }
    }
    Ok(class)
}

/// How many matches a unit has, those that do not stand among them.
fn matches_of(state: &Rows<'_>, unit: &[u8]) -> Result<usize, StateFault> {
    Ok(usize::try_from(state.len(UnitRow::MATCHES, unit)?).unwrap_or(usize::MAX))
}

impl Class {
    /// What contradicts each match of the class; matches without contradiction are left out.
    pub fn conflicts(&self, state: &Rows<'_>) -> Result<BTreeMap<Pair, Vec<Conflict>>, StateFault> {
        let mut conflicts: BTreeMap<Pair, Vec<Conflict>> = BTreeMap::new();
        if let Some(pair) = self.strange_origin(state)? {
            conflicts.entry(pair).or_default().push(Conflict::Origins);
        }
        let pairs: Vec<(&[u8], &[u8])> =
            self.matches.iter().map(|(from, to)| (&**from, &**to)).collect();
        let circles = circle::circles(&pairs);
        let mut deliveries = DELIVERIES_MAX;
        for pair in &self.matches {
            if circles.get(&*pair.0) == circles.get(&*pair.1) {
                conflicts.entry(pair.clone()).or_default().push(Conflict::Cycle);
            }
            if is_over_allocated(state, pair, &mut deliveries)? {
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
            let given = self.matches.range(first..).take_while(|(giver, _)| giver == unit);
            for (_, taker) in given {
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
    /// declarations are not the least one alone. One place, so that one contradiction makes one alert.
    fn strange_origin(&self, state: &Rows<'_>) -> Result<Option<Pair>, StateFault> {
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
            // A unit that itself names two declarations contradicts itself.
            origins.get(unit).is_some_and(|own| own.iter().any(|own| own != *least))
        };
        Ok(self.matches.iter().find(|(from, to)| is_strange(from) || is_strange(to)).cloned())
    }
}

/// Whether more was received under a match than was sent.
fn is_over_allocated(
    state: &Rows<'_>,
    (from, to): &Pair,
    deliveries: &mut usize,
) -> Result<bool, StateFault> {
    let key = match_key(from, to);
    let row = state.row::<MatchRow>(&key)?;
    if row.record.disagreeing <= 0 {
        return Ok(false);
    }
    if *deliveries == 0 {
        return Ok(row.record.conflicts().any(|known| known == Conflict::OverAllocated));
    }
    for (document, verdict) in state.scan(MatchRow::DOCUMENTS, &key, None, DOCUMENTS_MAX)? {
        *deliveries = deliveries.saturating_sub(1);
        let is_different = verdict.0 == Verdict::QuantityDiffers.code();
        if is_different && state.row::<ShipmentRow>(&shipment_key(&document, from))?.is_over() {
            return Ok(true);
        }
    }
    Ok(false)
}
