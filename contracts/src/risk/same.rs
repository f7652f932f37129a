//! Codes of the same goods for the rules of one block: each class is searched once, however many of
//! its codes were touched.

use std::collections::{BTreeMap, BTreeSet};

use crate::effect::matches::stands;
use crate::matching::class;
use crate::record::unit::UnitRow;
use crate::state::{Rows, StateFault};

/// Matches of a unit that are asked whether its class is known already.
const ASKED_MAX: usize = 16;

/// The number of a class within a block.
pub(super) type Number = usize;

/// The classes that were searched in a block.
#[derive(Default)]
pub(super) struct Same {
    classes: Vec<Known>,
    numbers: BTreeMap<Vec<u8>, Number>,
}

struct Known {
    units: BTreeSet<Vec<u8>>,
    is_cut: bool,
}

impl Same {
    /// The class of a unit; what was looked at to find it is taken from `room`.
    pub(super) fn class(
        &mut self,
        state: &Rows<'_>,
        unit: &[u8],
        room: &mut usize,
    ) -> Result<Number, StateFault> {
        *room = room.saturating_sub(1);
        if let Some(number) = self.numbers.get(unit) {
            return Ok(*number);
        }
        if let Some(number) = self.beside(state, unit)? {
            self.numbers.insert(unit.to_vec(), number);
            return Ok(number);
        }
        let found = class::of(state, unit)?;
        *room = room.saturating_sub(found.looked);
        let number = self.classes.len();
        for member in &found.units {
            self.numbers.entry(member.clone()).or_insert(number);
        }
        self.classes.push(Known { units: found.units, is_cut: found.is_cut });
        self.numbers.insert(unit.to_vec(), number);
        Ok(number)
    }

    /// The units of a class, without those that lie beyond what is looked at of it.
    pub(super) fn units(&self, number: Number) -> impl Iterator<Item = &Vec<u8>> {
        self.classes.get(number).into_iter().flat_map(|known| &known.units)
    }

    /// The class of a unit together with the unit itself, which may lie beyond what is looked at.
    pub(super) fn goods(&self, number: Number, unit: &[u8]) -> BTreeSet<Vec<u8>> {
        self.units(number).cloned().chain([unit.to_vec()]).collect()
    }

    /// The class that a unit hangs on, where that class is larger than what is looked at: of a lot of
    /// a thousand boxes the class is searched once, not at each box that lies beyond.
    fn beside(&self, state: &Rows<'_>, unit: &[u8]) -> Result<Option<Number>, StateFault> {
        let is_cut = |number: &Number| self.classes.get(*number).is_some_and(|known| known.is_cut);
        if !self.classes.iter().any(|known| known.is_cut) {
            return Ok(None);
        }
        for (key, held) in state.scan(UnitRow::MATCHES, unit, None, ASKED_MAX)? {
            let Some((_, other)) = key.split_first() else { continue };
            let number = self.numbers.get(other).copied().filter(is_cut);
            if number.is_some() && stands(held.status) {
                return Ok(number);
            }
        }
        Ok(None)
    }
}
