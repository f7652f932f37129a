//! How far a lot has come. A walk sees the first of its boxes only, so each unit that moved, or of which
//! something moved, is kept at everything that it came from.

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use super::{BACK_MAX, FORWARD_MAX};
use crate::goods::{Walker, Way};
use crate::record::codec::Mark;
use crate::record::list::Field;
use crate::record::unit::{Flow, UnitRow};
use crate::state::{Rows, StateFault};
use crate::trace::unit;

/// Ancestors of a unit that cost as much to tell as looking up a unit's neighbours does.
const TOLD_PER_LOOKUP: usize = 8;

/// Kept units that are asked whether they, or what is kept at them, still moved: what was kept once
/// may have been corrected since.
const ASKED_MAX: usize = 64;

/// Former names of a unit that are asked.
const NAMES_MAX: usize = 8;

/// How far a lot has come.
#[derive(Default)]
pub(super) struct Moved {
    /// Whether any of it was sold or used.
    pub(super) is_consumed: bool,
    /// Agencies whose platforms know it.
    pub(super) addressees: BTreeSet<u32>,
}

/// How far one unit has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// Nothing of it went anywhere.
    Still,
    /// Some was shipped.
    Gone,
    /// Some was sold or used.
    Ended,
}

impl Stage {
    fn of(record: &UnitRow) -> Self {
        let any = |flow| record.totals.iter().any(|sums| sums.sum(flow) > 0);
        if any(Flow::Sold) || any(Flow::Used) {
            Self::Ended
        } else if any(Flow::Shipped) {
            Self::Gone
        } else {
            Self::Still
        }
    }
}

/// Of a unit: units that came from it and, they or what came from them, were shipped, or were sold or
/// used.
const fn kept(stage: Stage) -> Option<Field<UnitRow, Mark>> {
    match stage {
        Stage::Still => None,
        Stage::Gone => Some(UnitRow::GONE),
        Stage::Ended => Some(UnitRow::ENDED),
    }
}

/// Keeps at everything that a unit came from how far it has come, it or what came from it.
pub(super) fn keep(
    walker: &mut Walker<'_>,
    state: &mut Rows<'_>,
    unit: &[u8],
    ancestors: &BTreeSet<Vec<u8>>,
) -> Result<(), StateFault> {
    walker.spend(ancestors.len() / TOLD_PER_LOOKUP);
    let own = unit::of(state, unit)?.map_or(Stage::Still, |record| Stage::of(&record));
    let mut furthest = own;
    for stage in [Stage::Ended, Stage::Gone] {
        if furthest < stage && witness(walker, state, unit, stage)?.is_some() {
            furthest = stage;
        }
    }
    for ancestor in ancestors.iter().filter(|ancestor| *ancestor != unit) {
        for stage in [Stage::Gone, Stage::Ended] {
            let Some(field) = kept(stage) else { continue };
            let is_kept = state.entry(field, ancestor, unit)?.is_some();
            if is_kept != (stage == furthest) {
                state.set(field, ancestor, unit, (stage == furthest).then_some(Mark))?;
            }
        }
    }
    Ok(())
}

/// Whether anything of a lot was shipped, sold or used, and which agencies' platforms know it.
pub(super) fn moved(
    walker: &mut Walker<'_>,
    state: &Rows<'_>,
    origin: &[u8],
) -> Result<Option<Moved>, StateFault> {
    let mut furthest = Stage::Still;
    let mut moved = Moved::default();
    let reached = walker.walk(state, origin, (Way::Forward, FORWARD_MAX))?;
    for unit in &reached {
        let Some(record) = unit::of(state, unit)? else { continue };
        furthest = furthest.max(Stage::of(&record));
        moved.addressees.extend(agencies(&record));
    }
    // The walk has seen all of it, or may have stopped before what has come further.
    let beyond = if reached.len() < FORWARD_MAX { BTreeSet::new() } else { reached };
    for stage in [Stage::Ended, Stage::Gone] {
        for unit in &beyond {
            walker.spend(1);
            if furthest >= stage {
                break;
            }
            if let Some(record) = witness(walker, state, unit, stage)? {
                furthest = stage;
                moved.addressees.extend(agencies(&record));
            }
        }
    }
    moved.is_consumed = furthest == Stage::Ended;
    Ok((furthest > Stage::Still).then_some(moved))
}

/// A unit that came from `unit` and has itself come as far as `stage`, by what is kept.
fn witness(
    walker: &mut Walker<'_>,
    state: &Rows<'_>,
    unit: &[u8],
    stage: Stage,
) -> Result<Option<Rc<UnitRow>>, StateFault> {
    let mut asked: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut open = VecDeque::from([unit.to_vec()]);
    while let Some(at) = open.pop_front() {
        for name in names(state, at)? {
            let Some(field) = kept(stage) else { continue };
            for (found, _) in state.scan(field, &name, None, ASKED_MAX)? {
                let found = unit::resolved(state, &found)?;
                if asked.len() == ASKED_MAX || !asked.insert(found.clone()) {
                    continue;
                }
                walker.spend(1);
                let Some(record) = unit::of(state, &found)? else { continue };
                if Stage::of(&record) == stage
                    && walker.walk(state, &found, (Way::Back, BACK_MAX))?.contains(unit)
                {
                    return Ok(Some(record));
                }
                open.push_back(found);
            }
        }
    }
    Ok(None)
}

/// A unit and what it was called before.
fn names(state: &Rows<'_>, unit: Vec<u8>) -> Result<Vec<Vec<u8>>, StateFault> {
    let former = state.scan(UnitRow::ALIASES, &unit, None, NAMES_MAX)?;
    let mut names = vec![unit];
    names.extend(former.into_iter().map(|(name, _)| name));
    Ok(names)
}

fn agencies(record: &UnitRow) -> impl Iterator<Item = u32> {
    record.agencies.iter().filter(|count| count.count > 0).map(|count| count.agency)
}
