//! Rules that raise and close alerts. The rest of the contracts calls them by the functions below.

use proto::schema::act::{AlertAcknowledge, RulePropose};
use proto::schema::Body;
use proto::submitter::SubmitterRecord;

use crate::codes::Codes;
use crate::context::Raised;
use crate::execute::BlockContext;
use crate::fact::Fact;
use crate::record::matching::Conflict;
use crate::refusal::Refusal;
use crate::state::{Overlay, StateFault};

/// After an event came into force and its effects are in the derived records.
pub(crate) fn on_event(
    _context: &BlockContext,
    _codes: &Codes,
    _fact: &Fact,
    _state: &mut Overlay<'_>,
) -> Result<Raised, StateFault> {
    Ok(Raised::default())
}

/// After a correction replaced the event in force (`old`, none where it had not arrived) by another
/// (`new`, none where it did not occur).
pub(crate) fn on_correction(
    _context: &BlockContext,
    _codes: &Codes,
    _change: (Option<&Fact>, Option<&Fact>),
    _state: &mut Overlay<'_>,
) -> Result<Raised, StateFault> {
    Ok(Raised::default())
}

/// After a registry entry was written.
pub(crate) fn on_registry(
    _context: &BlockContext,
    _codes: &Codes,
    _body: &Body,
    _state: &mut Overlay<'_>,
) -> Result<Raised, StateFault> {
    Ok(Raised::default())
}

/// When what contradicts a match changed; `now` is empty where nothing does any more.
pub(crate) fn on_match_conflict(
    _context: &BlockContext,
    _state: &mut Overlay<'_>,
    _pair: (&[u8], &[u8]),
    _now: &[Conflict],
) -> Result<Raised, StateFault> {
    Ok(Raised::default())
}

/// After everything of an OPAQUE unit moved to the unit of a scheme that it is.
pub(crate) fn on_recognised(
    _context: &BlockContext,
    _codes: &Codes,
    _pair: (&[u8], &[u8]),
    _state: &mut Overlay<'_>,
) -> Result<Raised, StateFault> {
    Ok(Raised::default())
}

/// A deadline that [`crate::due::schedule`] noted has come.
pub(crate) fn on_due(
    _context: &BlockContext,
    _codes: &Codes,
    _payload: &[u8],
    _state: &mut Overlay<'_>,
) -> Result<Raised, StateFault> {
    Ok(Raised::default())
}

/// The end of a block: a bounded number of steps of unfinished searches.
pub(crate) fn end_of_block(
    _context: &BlockContext,
    _codes: &Codes,
    _state: &mut Overlay<'_>,
) -> Result<Raised, StateFault> {
    Ok(Raised::default())
}

/// A duty officer takes note of an alert.
pub(crate) fn acknowledge(
    _context: &BlockContext,
    _submitter: &SubmitterRecord,
    _act: &AlertAcknowledge,
    _state: &mut Overlay<'_>,
) -> Result<Result<Raised, Refusal>, StateFault> {
    Ok(Ok(Raised::default()))
}

/// Whether a proposed parameter exists and may have this scope and value.
pub(crate) fn check_parameter(
    _context: &BlockContext,
    _proposed: &RulePropose,
) -> Result<(), Refusal> {
    Ok(())
}

/// Puts an accepted parameter into force.
pub(crate) fn set_parameter(
    _context: &BlockContext,
    _accepted: &RulePropose,
    _state: &mut Overlay<'_>,
) -> Result<(), StateFault> {
    Ok(())
}
