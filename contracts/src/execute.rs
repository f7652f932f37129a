//! The second gate: what an admissible operation does to the state. Total: an operation is accepted,
//! was recorded before, or is refused with a reason; only a storage that fails stops the block.

use proto::codec::{Canonical as _, Reader, Writer};
use proto::limits::{ALERTS_MAX, SUBJECT_BYTES_MAX};
use proto::operation::{OpUid, Operation};
use proto::receipt::{Alerts, Subject, TooMany};
use proto::schema::{Body, OperationKind};
use proto::submitter::{SubmitterRecord, SubmitterRole};
use proto::trie::Namespace;
use proto::{AgencyIndex, Hash};

pub use crate::context::{BlockContext, OpContext, Outcome, Step};

use crate::codes::Codes;
use crate::context::Raised;
use crate::correction::{self, Recorded};
use crate::links::{self, Naming};
use crate::matching::act::Decision;
use crate::matching::{self, settle};
use crate::record::step::StepKind;
use crate::refusal::Refusal;
use crate::state::{Overlay, State as _, StateFault};
use crate::{backfill, due, evaluation, governance, queue, registry, release, risk, step};

/// Deadlines handled in a block; the rest waits for the next one.
const DEADLINES_MAX: usize = 1_024;

/// How one operation ends that is not refused by a fault of the storage.
pub(crate) type Verdict = Result<Result<Outcome, Refusal>, StateFault>;

/// Executes one admissible operation. What it writes is merged whole or dropped whole.
pub fn execute(
    operation: &Operation,
    context: &OpContext<'_>,
    state: &mut Overlay<'_>,
) -> Result<Outcome, StateFault> {
    let Some(submitter) = submitter(context, state)? else {
        return Ok(Outcome::refused(Refusal::UnknownSubmitter, None));
    };
    let key = uid_key(submitter.agency, operation.uid);
    let leaf = operation.leaf();
    if let Some(first) = state.get(Namespace::OpUid, &key)? {
        return repeated(&first, &key, &leaf, &submitter);
    }
    let mut child = state.child();
    match attempt(operation, context, &submitter, &mut child)? {
        Ok(outcome) => {
            let mut value = Writer::default();
            value.u64(context.block.height.value()).u32(context.receipt_index).hash(&leaf);
            child.put(Namespace::OpUid, &key, value.into_bytes());
            let changes = child.into_changes();
            state.merge(changes)?;
            Ok(outcome)
        }
        Err(refusal) => Ok(Outcome::refused(refusal, Some(&submitter.party))),
    }
}

/// Ends a block: matches whose evidence changed, OPAQUE units that a new scheme reads, deadlines that
/// are due, and a bounded number of steps of the risk rules' searches.
///
/// `state` is the overlay that every operation of the block was executed over or merged into: what
/// they left to be looked at lies in it.
pub fn end_of_block(
    context: &BlockContext,
    state: &mut Overlay<'_>,
) -> Result<Vec<Step>, StateFault> {
    let codes = Codes::load(state)?;
    let mut steps = settle::settle(context, state)?;
    // The search moves what was judged, and what it moved is judged again under its new name.
    steps.extend(backfill::run(context, &codes, state)?);
    steps.extend(settle::settle(context, state)?);
    for payload in due::take(state, context.time, DEADLINES_MAX)? {
        risk::on_due(&payload, state);
    }
    let raised = risk::end_of_block(context, &codes, state)?;
    steps.extend(step::of_raised(context, StepKind::RiskJob, &[], raised));
    queue::leave(state)?;
    Ok(steps)
}

/// State key of an operation's identity.
pub fn uid_key(agency: AgencyIndex, uid: OpUid) -> Vec<u8> {
    let mut key = Writer::default();
    key.u16(agency.value()).raw(&uid.0);
    key.into_bytes()
}

fn submitter(
    context: &OpContext<'_>,
    state: &Overlay<'_>,
) -> Result<Option<SubmitterRecord>, StateFault> {
    let key = context.submitter.as_bytes();
    let Some(value) = state.get(Namespace::Key, key)? else { return Ok(None) };
    let record = SubmitterRecord::decode(&value);
    record.map(Some).map_err(|error| StateFault::record(Namespace::Key, key, &error))
}

fn repeated(
    first: &[u8],
    key: &[u8],
    leaf: &Hash,
    submitter: &SubmitterRecord,
) -> Result<Outcome, StateFault> {
    let mut input = Reader::new(first);
    let mut read = || -> Result<(u64, Hash), proto::codec::DecodeError> {
        let height = input.u64("height")?;
        input.u32("receipt index")?;
        Ok((height, input.hash("op_leaf")?))
    };
    let (height, recorded) =
        read().map_err(|error| StateFault::record(Namespace::OpUid, key, &error))?;
    if recorded == *leaf {
        Ok(Outcome::already_recorded())
    } else {
        Ok(Outcome::refused(Refusal::OpUidReused { height }, Some(&submitter.party)))
    }
}

fn attempt(
    operation: &Operation,
    context: &OpContext<'_>,
    submitter: &SubmitterRecord,
    state: &mut Overlay<'_>,
) -> Verdict {
    let Some(kind) = OperationKind::from_code(operation.kind) else {
        return Ok(Err(Refusal::Malformed));
    };
    let Ok(body) = Body::decode(kind, &operation.body) else {
        return Ok(Err(Refusal::Malformed));
    };
    if !may_submit(submitter.role, kind) {
        return Ok(Err(Refusal::role(submitter.role, kind)));
    }
    let codes = Codes::load(state)?;
    let naming = Naming { agency: submitter.agency, codes: &codes };
    let subjects = naming.subjects(&body);
    // Admission lets none through: such a receipt could be written and never read again.
    let fits = |subject: &Subject| subject.key.len() <= usize::from(SUBJECT_BYTES_MAX);
    if !subjects.iter().all(|(_, subject)| fits(subject)) {
        return Ok(Err(Refusal::Malformed));
    }
    let limit = context.block.limits.max_links;
    let links_of = |more| links::collect(&subjects, stated_kind(kind, &body), more, limit);
    let too_many = |many: TooMany| Refusal::TooManySubjects { found: many.found, limit };
    // Before anything is written: what is refused here has cost next to nothing.
    let own = match links_of(Vec::new()) {
        Ok(own) => own,
        Err(many) => return Ok(Err(too_many(many))),
    };
    let order = Order { operation, context: context.block, submitter, naming: &naming };
    let mut raised = match contract(&order, kind, &body, state)? {
        Ok(raised) => raised,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let links = match links_of(raised.links.clone()) {
        Ok(links) => links,
        // A fact is recorded whatever the state knows: what a correction relates goes apart.
        Err(_) if is_fact(&body) => {
            let cause = uid_key(submitter.agency, operation.uid);
            let day = event_day(&body);
            raised.steps.extend(correction::apart(context.block, (&cause, day), raised.links));
            own
        }
        Err(many) => return Ok(Err(too_many(many))),
    };
    let alerts = Alerts::collect(raised.alerts, ALERTS_MAX);
    let alerts =
        alerts.expect("the rules of one operation raise fewer alerts than a receipt holds");
    let outcome = Outcome::accepted(links, alerts, event_day(&body));
    Ok(Ok(Outcome { steps: raised.steps, ..outcome }))
}

/// Whether a body states what happened, so that the state cannot refuse it.
const fn is_fact(body: &Body) -> bool {
    match body {
        Body::Event(_) | Body::Observation(_) | Body::Correction(_) => true,
        Body::Party(_)
        | Body::Station(_)
        | Body::Product(_)
        | Body::Vehicle(_)
        | Body::Certificate(_)
        | Body::Declaration(_)
        | Body::MatchDeclare(_)
        | Body::MatchDecision(_)
        | Body::AlertAcknowledge(_)
        | Body::ReleasePublish(_)
        | Body::ReleaseWithdraw(_)
        | Body::Evaluation(_)
        | Body::SchemePropose(_)
        | Body::RulePropose(_)
        | Body::Approve(_) => false,
    }
}

/// An operation with everything that its contract needs.
struct Order<'a> {
    operation: &'a Operation,
    context: &'a BlockContext,
    submitter: &'a SubmitterRecord,
    naming: &'a Naming<'a>,
}

/// Hands a body to the contract that owns it.
fn contract(
    order: &Order<'_>,
    kind: OperationKind,
    body: &Body,
    state: &mut Overlay<'_>,
) -> Result<Result<Raised, Refusal>, StateFault> {
    let Order { operation, context, submitter, naming } = *order;
    let (agency, uid) = (submitter.agency, operation.uid);
    match body {
        Body::Event(_) | Body::Observation(_) => {
            let recorded = correction::record(state, naming, uid, kind, body)?;
            after_fact(context, recorded, state).map(Ok)
        }
        Body::Correction(corrected) => {
            let recorded = correction::correct(state, naming, uid, corrected)?;
            after_fact(context, recorded, state).map(Ok)
        }
        Body::Party(_)
        | Body::Station(_)
        | Body::Product(_)
        | Body::Vehicle(_)
        | Body::Certificate(_)
        | Body::Declaration(_) => {
            let recorded = registry::record(state, context, naming, body)?;
            Ok(recorded.map(|()| Raised::default()))
        }
        Body::MatchDeclare(act) => matching::act::declare(state, context, naming, act),
        Body::MatchDecision(act) => match Decision::of(kind) {
            Some(decision) => matching::act::decide_on(state, context, naming, (decision, act)),
            None => Ok(Err(Refusal::Malformed)),
        },
        Body::AlertAcknowledge(act) => risk::acknowledge(context, submitter, act, state),
        Body::SchemePropose(proposed) => {
            let made = governance::propose_scheme(state, context, (agency, uid), proposed)?;
            Ok(made.map(|()| Raised::default()))
        }
        Body::RulePropose(proposed) => {
            let made = governance::propose_rule(state, context, (agency, uid), proposed)?;
            Ok(made.map(|()| Raised::default()))
        }
        Body::Approve(act) => {
            let approved = governance::approve(state, context, agency, act)?;
            Ok(approved.map(|()| Raised::default()))
        }
        Body::ReleasePublish(act) => release::publish(context, naming, act, state),
        Body::ReleaseWithdraw(act) => release::withdraw(context, naming, act, state),
        Body::Evaluation(act) => evaluation::record_result(context, naming, act, state),
    }
}

/// What the rules say to a fact that came into force or was replaced.
fn after_fact(
    context: &BlockContext,
    recorded: Recorded,
    state: &mut Overlay<'_>,
) -> Result<Raised, StateFault> {
    let (old, new) = (recorded.old.as_ref(), recorded.new.as_ref());
    let mut raised = Raised::default();
    if let Some(moved) = &recorded.moved {
        raised.extend(risk::on_correction(context, (Some(moved), None), state)?);
    }
    raised.extend(match new {
        Some(fact) if !recorded.is_corrected => risk::on_event(context, fact, state)?,
        Some(_) | None if old == new => Raised::default(),
        Some(_) | None => risk::on_correction(context, (old, new), state)?,
    });
    raised.links.extend(recorded.links);
    Ok(raised)
}

/// The type whose roles the fields have: a correction's fields are those of the event that it states.
fn stated_kind(kind: OperationKind, body: &Body) -> OperationKind {
    let Body::Correction(correction) = body else { return kind };
    let stated = u16::try_from(correction.kind).ok().and_then(OperationKind::from_code);
    stated.filter(|stated| stated.is_event()).unwrap_or(kind)
}

/// Which role may submit which type.
pub fn may_submit(role: SubmitterRole, kind: OperationKind) -> bool {
    use OperationKind as Kind;
    match kind {
        Kind::Party
        | Kind::Station
        | Kind::Product
        | Kind::Vehicle
        | Kind::Certificate
        | Kind::Declaration => match role {
            SubmitterRole::Platform | SubmitterRole::Regulator => true,
            SubmitterRole::Agency => false,
        },
        Kind::OpeningStock
        | Kind::CustomsInspection
        | Kind::Commission
        | Kind::Sampling
        | Kind::TestResult
        | Kind::Disinfection
        | Kind::StorageIn
        | Kind::StorageOut
        | Kind::Pack
        | Kind::Unpack
        | Kind::Split
        | Kind::Process
        | Kind::Ship
        | Kind::Receive
        | Kind::Sale
        | Kind::Use
        | Kind::Disposal
        | Kind::Observation
        | Kind::Correction => role == SubmitterRole::Platform,
        // A platform may declare what it knows; deciding is for people.
        Kind::MatchDeclare => match role {
            SubmitterRole::Platform | SubmitterRole::Regulator => true,
            SubmitterRole::Agency => false,
        },
        Kind::MatchConfirm | Kind::MatchDispute | Kind::MatchVoid | Kind::AlertAcknowledge => {
            role == SubmitterRole::Regulator
        }
        Kind::ReleasePublish | Kind::ReleaseWithdraw => match role {
            SubmitterRole::Regulator | SubmitterRole::Agency => true,
            SubmitterRole::Platform => false,
        },
        Kind::Evaluation | Kind::SchemePropose | Kind::RulePropose | Kind::Approve => {
            role == SubmitterRole::Agency
        }
    }
}

/// The day of the logs by day: that of the event, the block's where the type has no event time.
pub fn event_day(body: &Body) -> Option<u32> {
    let occurred_ms = match body {
        Body::Event(event) => event.occurred_ms,
        Body::Observation(seen) => seen.occurred_ms,
        Body::Correction(correction) => {
            correction.event.as_ref().map_or(correction.occurred_ms, |event| event.occurred_ms)
        }
        Body::Party(_)
        | Body::Station(_)
        | Body::Product(_)
        | Body::Vehicle(_)
        | Body::Certificate(_)
        | Body::Declaration(_)
        | Body::MatchDeclare(_)
        | Body::MatchDecision(_)
        | Body::AlertAcknowledge(_)
        | Body::ReleasePublish(_)
        | Body::ReleaseWithdraw(_)
        | Body::Evaluation(_)
        | Body::SchemePropose(_)
        | Body::RulePropose(_)
        | Body::Approve(_) => return None,
    };
    Some(proto::TimeMs::new(occurred_ms).day().max(1))
}
