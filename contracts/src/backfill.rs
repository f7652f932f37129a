//! The job that runs when a code scheme becomes active: OPAQUE units that it reads turn out to be
//! units of it. Each gets a SYSTEM receipt that links both, and what was recorded under the one moves
//! to the other, a bounded number of entries in a block.

use std::collections::BTreeSet;

use proto::codec::{Reader, Writer};
use proto::receipt::Role;
use proto::trie::Namespace;

use crate::codes::{Codes, OPAQUE_UNITS};
use crate::context::{BlockContext, Step};
use crate::links::unit_link;
use crate::record::step::{StepKind, StepRecord};
use crate::risk;
use crate::state::{Rows, StateFault};
use crate::step;

mod merge;

use merge::Work;

/// State key, namespace SYS: schemes whose search is not finished, u16 count, then each identifier
/// with its length in two bytes, ascending; absent where none is.
pub const BACKFILL_KEY: &[u8] = b"backfill";

/// State key, namespace SYS: the place in the list of OPAQUE units that the search has reached.
const CURSOR_KEY: &[u8] = b"backfill/cursor";

/// OPAQUE units that are looked at in a block: reading a code takes some microseconds.
const UNITS_MAX: usize = 256;

/// Entries that are moved in a block, about 20 microseconds each.
const MOVES_MAX: usize = 2_048;

/// Bytes of a scheme's identifier in the list.
const ID_BYTES_MAX: u16 = 256;

/// Schemes whose search is not finished.
pub fn pending(state: &Rows<'_>) -> Result<Vec<String>, StateFault> {
    let Some(value) = state.get(Namespace::Sys, BACKFILL_KEY)? else { return Ok(Vec::new()) };
    let mut input = Reader::new(&value);
    let mut read = || -> Result<Vec<String>, proto::codec::DecodeError> {
        let count = input.u16("count")?;
        let mut ids = Vec::new();
        for _ in 0..count {
            let id = input.bytes16("scheme id", ID_BYTES_MAX)?;
            ids.push(String::from_utf8_lossy(id).into_owned());
        }
        Ok(ids)
    };
    read().map_err(|error| StateFault::record(Namespace::Sys, BACKFILL_KEY, &error))
}

/// Starts the search for the units of a scheme, from the beginning of the list.
pub(crate) fn start(state: &mut Rows<'_>, id: &str) -> Result<(), StateFault> {
    let mut ids: BTreeSet<String> = pending(state)?.into_iter().collect();
    ids.insert(id.to_owned());
    let mut value = Writer::default();
    value.u16(u16::try_from(ids.len()).unwrap_or(u16::MAX));
    for id in ids {
        value.bytes16(id.as_bytes());
    }
    state.put(Namespace::Sys, BACKFILL_KEY, value.into_bytes());
    state.delete(Namespace::Sys, CURSOR_KEY)
}

/// Goes on with the search.
pub(crate) fn run(
    context: &BlockContext,
    codes: &Codes,
    state: &mut Rows<'_>,
) -> Result<Vec<Step>, StateFault> {
    if state.get(Namespace::Sys, BACKFILL_KEY)?.is_none() {
        return Ok(Vec::new());
    }
    let mut cursor = state.get(Namespace::Sys, CURSOR_KEY)?;
    let found = OPAQUE_UNITS.scan(state, b"", cursor.as_deref(), UNITS_MAX)?;
    let mut is_finished = found.len() < UNITS_MAX;
    let mut work = Work { context, moves: MOVES_MAX, steps: Vec::new() };
    for (opaque, _) in found {
        if let Some(unit) = codes.recognised(&opaque) {
            if !merge::advance(state, &opaque, &unit, &mut work)? {
                is_finished = false;
                break;
            }
            OPAQUE_UNITS.remove(state, b"", &opaque)?;
            work.steps.push(recognised(context, state, (&opaque, &unit))?);
        }
        cursor = Some(opaque);
    }
    if is_finished {
        state.delete(Namespace::Sys, BACKFILL_KEY)?;
        state.delete(Namespace::Sys, CURSOR_KEY)?;
    } else if let Some(cursor) = cursor {
        state.put(Namespace::Sys, CURSOR_KEY, cursor);
    }
    Ok(work.steps)
}

fn recognised(
    context: &BlockContext,
    state: &mut Rows<'_>,
    (opaque, unit): (&[u8], &[u8]),
) -> Result<Step, StateFault> {
    risk::on_recognised((opaque, unit), state)?;
    let what = StepRecord {
        kind: StepKind::Recognised.into(),
        height: context.height.value(),
        from: opaque.to_vec(),
        to: unit.to_vec(),
        ..StepRecord::default()
    };
    let links = vec![unit_link(Role::Same, opaque), unit_link(Role::Same, unit)];
    Ok(step::of(&what, links, Vec::new()))
}
