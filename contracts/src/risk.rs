//! Rules that raise and close alerts: functions of the recorded events, with versioned parameters.
//! The rest of the contracts tells them what changed; they judge at the end of the block, when all of
//! its events are known, so that the order within a block leaves no mark.

pub mod alert;
pub mod conflict;
mod kin;
pub mod missing;
mod over;
pub mod parameter;
pub mod positive;
mod same;
pub mod sentence;

use proto::schema::act::{AlertAcknowledge, RulePropose};
use proto::submitter::SubmitterRecord;
use proto::trie::Namespace;

use crate::codes::Codes;
use crate::context::Raised;
use crate::execute::BlockContext;
use crate::fact::Fact;
use crate::pages::{Map, Pages};
use crate::place;
use crate::record::matching::{Conflict, MatchStatus};
use crate::record::unit::Flow;
use crate::refusal::Refusal;
use crate::state::{Overlay, StateFault};
use crate::trace::{Sign, stock};

use alert::{AlertState, Transition};

/// Version of the rules' text; an alert names it beside its parameters.
const VERSION: u32 = 1;

/// A set of what is to be looked at again at the end of the block.
fn dirty(name: &[u8]) -> Pages {
    Pages::of(Namespace::Sys, name, Map::Dirty)
}

/// The effects of an event were added to the derived records, or taken back.
pub(crate) fn on_effects(
    state: &mut Overlay<'_>,
    fact: &Fact,
    sign: Sign,
) -> Result<(), StateFault> {
    for (line, flow) in stock::flows(fact) {
        over::touch(state, &line.unit, &fact.station, line.amount.uom);
        over::touch_sums(state, &line.unit, flow);
        // Going on is what R01 asks of goods: being there is not.
        if matches!(flow, Flow::Shipped | Flow::Sold | Flow::Used) {
            missing::touch(state, &line.unit);
        }
    }
    if fact.container.is_some() {
        for line in fact.packed() {
            over::touch_goods(state, &line.unit);
        }
    }
    let is_imported = fact.lot.as_ref().is_some_and(|lot| lot.imported);
    if is_imported || !fact.certificates.is_empty() || !fact.declaration.is_empty() {
        fact.lines().for_each(|line| missing::touch_papers(state, &line.unit));
    }
    // Back from what was made are its sources, and forward from them is all that they became; where
    // the event is taken back neither leads to the other any more.
    let sides = fact.made().iter().chain(fact.consumed());
    for line in sides.chain(fact.packed()).chain(&fact.container) {
        missing::touch(state, &line.unit);
    }
    positive::note_sampling(state, fact, sign)?;
    positive::touch(state, fact, sign)
}

/// Papers that a registered certificate covers changed.
pub(crate) fn on_papers(state: &mut Overlay<'_>, units: &[Vec<u8>], declaration: &[u8]) {
    for unit in units {
        missing::touch_papers(state, unit);
    }
    if !declaration.is_empty() {
        missing::touch_declaration(state, declaration);
    }
}

/// A match changed its status.
pub(crate) fn on_match(
    state: &mut Overlay<'_>,
    (from, to): (&[u8], &[u8]),
    now: MatchStatus,
) -> Result<(), StateFault> {
    for unit in [from, to] {
        missing::touch_papers(state, unit);
        over::touch_goods(state, unit);
    }
    let sign = if kin::is_live(now) { Sign::Add } else { Sign::TakeBack };
    positive::touch_match(state, (from, to), sign)
}

/// After an event came into force and its effects are in the derived records.
pub(crate) fn on_event(
    context: &BlockContext,
    fact: &Fact,
    state: &mut Overlay<'_>,
) -> Result<Raised, StateFault> {
    positive::on_result(context, state, (None, Some(fact)))
}

/// After a correction replaced the event in force (`old`, none where it had not arrived) by another
/// (`new`, none where it did not occur).
pub(crate) fn on_correction(
    context: &BlockContext,
    change: (Option<&Fact>, Option<&Fact>),
    state: &mut Overlay<'_>,
) -> Result<Raised, StateFault> {
    positive::on_result(context, state, change)
}

/// When what contradicts a match changed; `now` is empty where nothing does any more.
pub(crate) fn on_match_conflict(
    context: &BlockContext,
    state: &mut Overlay<'_>,
    pair: (&[u8], &[u8]),
    now: &[Conflict],
) -> Result<Raised, StateFault> {
    conflict::run(context, state, pair, now)
}

/// When a match of an OPAQUE unit moves to the unit of a scheme that it is, and the pair goes.
pub(crate) fn on_match_moved(
    context: &BlockContext,
    state: &mut Overlay<'_>,
    pair: (&[u8], &[u8]),
) -> Result<Raised, StateFault> {
    conflict::leave(context, state, pair)
}

/// After everything of an OPAQUE unit moved to the unit of a scheme that it is.
pub(crate) fn on_recognised(
    (opaque, unit): (&[u8], &[u8]),
    state: &mut Overlay<'_>,
) -> Result<(), StateFault> {
    /// Places of one unit whose lists are kept.
    const PLACES_MAX: usize = 1_024;
    for held in stock::places(state, unit, PLACES_MAX)? {
        for side in [opaque, unit] {
            place::list(state, side, &held)?;
            over::touch(state, side, &held.station, held.uom);
        }
    }
    over::touch_goods(state, unit);
    missing::touch_papers(state, opaque);
    missing::touch_papers(state, unit);
    positive::touch_match(state, (opaque, unit), Sign::TakeBack)
}

/// A deadline that [`crate::due::schedule`] noted has come: it is judged at the end of the block.
pub(crate) fn on_due(payload: &[u8], state: &mut Overlay<'_>) {
    if let Some(key) = payload.strip_prefix(over::DUE) {
        over::on_due(state, key);
    }
}

/// The end of a block: what was touched is judged, searches go on; each a bounded number of steps.
pub(crate) fn end_of_block(
    context: &BlockContext,
    codes: &Codes,
    state: &mut Overlay<'_>,
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
    state: &mut Overlay<'_>,
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
    state: &mut Overlay<'_>,
) -> Result<(), StateFault> {
    let name = (&*accepted.parameter, &*accepted.scope);
    parameter::set(state, name, accepted.value, context.height.value())
}
