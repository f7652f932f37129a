//! Rules that raise and close alerts: functions of the recorded events, with versioned parameters.
//! The rest of the contracts tells them what changed; they judge at the end of the block, when all of
//! its events are known, so that the order within a block leaves no mark.

pub mod alert;
pub mod conflict;
pub mod missing;
mod over;
pub mod parameter;
pub mod positive;
mod same;
pub mod sentence;

use proto::schema::act::{AlertAcknowledge, RulePropose};
use proto::submitter::SubmitterRecord;

use crate::codes::Codes;
use crate::context::{BlockContext, Raised};
use crate::effect::matches::stands;
use crate::effect::{EVERY, PAPERS, Sign, touch};
use crate::fact::Fact;
use crate::record::matching::{Conflict, MatchStatus};
use crate::refusal::Refusal;
use crate::state::{Queue, Rows, StateFault};

use alert::{AlertState, Transition};

/// Version of the rules' text; an alert names it beside its parameters.
const VERSION: u32 = 1;

/// The effects of an event were added to the records, or taken back.
pub(crate) fn on_effects(state: &mut Rows<'_>, fact: &Fact, sign: Sign) -> Result<(), StateFault> {
    positive::touch(state, fact, sign)
}

/// A match changed its status.
pub(crate) fn on_match(
    state: &mut Rows<'_>,
    (from, to): (&[u8], &[u8]),
    now: MatchStatus,
) -> Result<(), StateFault> {
    for unit in [from, to] {
        touch(state, Queue::PAPERS, PAPERS, unit);
        touch(state, Queue::GOODS, EVERY, unit);
    }
    let sign = if stands(now) { Sign::Add } else { Sign::TakeBack };
    positive::touch_match(state, (from, to), sign)
}

/// After an event came into force and its effects are in the derived records.
pub(crate) fn on_event(
    context: &BlockContext,
    fact: &Fact,
    state: &mut Rows<'_>,
) -> Result<Raised, StateFault> {
    positive::on_result(context, state, (None, Some(fact)))
}

/// After a correction replaced the event in force (`old`, none where it had not arrived) by another
/// (`new`, none where it did not occur).
pub(crate) fn on_correction(
    context: &BlockContext,
    change: (Option<&Fact>, Option<&Fact>),
    state: &mut Rows<'_>,
) -> Result<Raised, StateFault> {
    positive::on_result(context, state, change)
}

/// When what contradicts a match changed; `now` is empty where nothing does any more.
pub(crate) fn on_match_conflict(
    context: &BlockContext,
    state: &mut Rows<'_>,
    pair: (&[u8], &[u8]),
    now: &[Conflict],
) -> Result<Raised, StateFault> {
    conflict::run(context, state, pair, now)
}

/// When a match of an OPAQUE unit moves to the unit of a scheme that it is, and the pair goes.
pub(crate) fn on_match_moved(
    context: &BlockContext,
    state: &mut Rows<'_>,
    pair: (&[u8], &[u8]),
) -> Result<Raised, StateFault> {
    conflict::leave(context, state, pair)
}

/// After everything of an OPAQUE unit moved to the unit of a scheme that it is.
pub(crate) fn on_recognised(
    (opaque, unit): (&[u8], &[u8]),
    state: &mut Rows<'_>,
) -> Result<(), StateFault> {
    touch(state, Queue::GOODS, EVERY, unit);
    touch(state, Queue::PAPERS, PAPERS, opaque);
    touch(state, Queue::PAPERS, PAPERS, unit);
    positive::touch_match(state, (opaque, unit), Sign::TakeBack)
}

/// Whether a search waits for the next block.
pub(crate) fn is_searching(state: &Rows<'_>) -> Result<bool, StateFault> {
    positive::is_searching(state)
}

/// A deadline that [`crate::due::schedule`] noted has come: it is judged at the end of the block.
pub(crate) fn on_due(payload: &[u8], state: &mut Rows<'_>) {
    if let Some(key) = payload.strip_prefix(over::DUE) {
        over::on_due(state, key);
    }
}

/// The end of a block: what was touched is judged, searches go on; each a bounded number of steps.
pub(crate) fn end_of_block(
    context: &BlockContext,
    codes: &Codes,
    state: &mut Rows<'_>,
) -> Result<Raised, StateFault> {
    let mut raised = over::run(context, state)?;
    raised.extend(missing::run(context, codes, state)?);
    raised.extend(positive::run(context, codes, state)?);
    Ok(raised)
}

/// A duty officer takes note of an alert.
pub(crate) fn acknowledge(
    context: &BlockContext,
    submitter: &SubmitterRecord,
    act: &AlertAcknowledge,
    state: &mut Rows<'_>,
) -> Result<Result<Raised, Refusal>, StateFault> {
    let unknown = || Refusal::AlertUnknown { alert: act.alert.clone() };
    let Some(mut held) = alert::of(state, &act.alert)? else { return Ok(Err(unknown())) };
    match held.state() {
        AlertState::Unspecified => return Ok(Err(unknown())),
        AlertState::Open => (),
        other @ (AlertState::Acknowledged | AlertState::Closed | AlertState::Withdrawn) => {
            let status = other.name().to_owned();
            return Ok(Err(Refusal::AlertNotOpen { alert: act.alert.clone(), status }));
        }
    }
    held.acknowledged_by = u32::from(submitter.agency.value()) + 1;
    held.remark.clone_from(&act.remark);
    alert::inline(context, state, (&act.alert, held), Transition::Acknowledged).map(Ok)
}

/// Whether a proposed parameter exists and may have this scope and value.
pub(crate) fn check_parameter(
    context: &BlockContext,
    proposed: &RulePropose,
) -> Result<(), Refusal> {
    let invalid = |detail: String| Err(Refusal::RuleInvalid { detail });
    let Some(known) = parameter::named(&proposed.parameter) else {
        return invalid(format!("there is no parameter {}", proposed.parameter));
    };
    if !(known.min..=known.max).contains(&proposed.value) {
        let (value, min, max) = (proposed.value, known.min, known.max);
        return invalid(format!("{value} is not between {min} and {max}"));
    }
    let is_agency = |scope: &str| parameter::scope(scope).is_some_and(|at| at < context.agencies);
    if !proposed.scope.is_empty() && !is_agency(&proposed.scope) {
        return invalid(format!("there is no agency {}", proposed.scope));
    }
    Ok(())
}

/// Puts an accepted parameter into force.
pub(crate) fn set_parameter(
    context: &BlockContext,
    accepted: &RulePropose,
    state: &mut Rows<'_>,
) -> Result<(), StateFault> {
    let name = (&*accepted.parameter, &*accepted.scope);
    parameter::set(state, name, accepted.value, context.height.value())
}
