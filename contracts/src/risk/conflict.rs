//! R22: a match that contradicts itself or another one. Matching finds the contradiction; here it
//! becomes an alert, one for each pair of codes and kind of contradiction.

use std::collections::BTreeSet;

use proto::receipt::SubjectKind;

use super::VERSION;
use super::alert::{self, AlertRecord, AlertSubject, Input, Level, Rule, Transition};
use crate::context::{BlockContext, Raised};
use crate::effect::matches::status_of;
use crate::key::match_key;
use crate::record::matching::{Conflict, MatchRow, MatchStatus};
use crate::state::{Rows, StateFault};
use crate::trace::unit;

/// Every kind of contradiction.
const KINDS: [Conflict; 3] = [Conflict::Origins, Conflict::Cycle, Conflict::OverAllocated];

/// Name in files and answers.
pub const fn kind_name(conflict: Conflict) -> &'static str {
    match conflict {
        Conflict::Unspecified => "unspecified",
        Conflict::Origins => "two_origins",
        Conflict::Cycle => "cycle",
        Conflict::OverAllocated => "over_allocated",
    }
}

/// Raises what contradicts a match now and closes what does not any more.
pub(super) fn run(
    context: &BlockContext,
    state: &mut Rows<'_>,
    pair: (&[u8], &[u8]),
    now: &[Conflict],
) -> Result<Raised, StateFault> {
    let mut raised = Raised::default();
    let (from, to) = pair;
    let held = state.row::<MatchRow>(&match_key(from, to))?;
    let is_voided = status_of(&held.record) == MatchStatus::Voided;
    for kind in KINDS {
        let cause = cause_of(pair, kind);
        let (id, held) = known(state, &cause)?;
        let is_active = held.as_ref().is_some_and(|held| held.state().is_active());
        match (now.contains(&kind), held) {
            (true, held) if !is_active => {
                let held = held.unwrap_or_default();
                let alert = described(state, pair, kind, AlertRecord { cause, ..held })?;
                raised.extend(alert::inline(context, state, (&id, alert), Transition::Raised)?);
            }
            (false, Some(held)) if is_active => {
                // Who withdraws the match says that the contradiction never was.
                let how = if is_voided { Transition::Withdrawn } else { Transition::Closed };
                raised.extend(alert::inline(context, state, (&id, held), how)?);
            }
            (true | false, _) => (), // as it was
        }
    }
    Ok(raised)
}

/// Closes what is raised of a pair that goes, because one of its codes has another name now: what
/// contradicts the pair that it is, is found there anew. Each in a step of its own.
pub(super) fn leave(
    context: &BlockContext,
    state: &mut Rows<'_>,
    (from, to): (&[u8], &[u8]),
) -> Result<Raised, StateFault> {
    let mut raised = Raised::default();
    for kind in KINDS {
        let (id, held) = known(state, &cause_of((from, to), kind))?;
        if let Some(held) = held.filter(|held| held.state().is_active()) {
            raised.extend(alert::step(context, state, (&id, held), Transition::Closed)?);
        }
    }
    Ok(raised)
}

/// What the alert of a pair and a kind of contradiction is of.
fn cause_of((from, to): (&[u8], &[u8]), kind: Conflict) -> Vec<u8> {
    let mut cause = match_key(from, to);
    cause.push(u8::try_from(i32::from(kind)).unwrap_or_default());
    cause
}

fn known(state: &Rows<'_>, cause: &[u8]) -> Result<(String, Option<AlertRecord>), StateFault> {
    let id = alert::id_of(state, Rule::MatchConflict, cause)?;
    let held = alert::of(state, &id)?;
    Ok((id, held))
}

fn described(
    state: &Rows<'_>,
    (from, to): (&[u8], &[u8]),
    kind: Conflict,
    held: AlertRecord,
) -> Result<AlertRecord, StateFault> {
    let mut alert = AlertRecord { version: VERSION, ..held };
    alert.set_rule(Rule::MatchConflict);
    alert.set_level(Level::Red);
    let mut addressees = BTreeSet::new();
    for side in [from, to] {
        let record = unit::of(state, side)?;
        let agencies = record.iter().flat_map(|record| &record.agencies);
        addressees.extend(agencies.filter(|a| a.count > 0).map(|a| a.agency));
    }
    alert.addressees = addressees.into_iter().collect();
    alert.subjects =
        [from, to].into_iter().map(|side| AlertSubject::new(SubjectKind::Unit, side)).collect();
    alert.inputs = vec![Input::new("conflict", kind_name(kind))];
    Ok(alert)
}
