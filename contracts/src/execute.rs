//! The second gate: what an admissible operation does to the state. Total: an operation is accepted,
//! was recorded before, or is refused with a reason; only a storage that fails stops the block.

use proto::codec::{Canonical as _, Reader, Writer};
use proto::operation::{OpUid, Operation};
use proto::receipt::Alerts;
use proto::schema::{Body, OperationKind};
use proto::submitter::{SubmitterRecord, SubmitterRole};
use proto::trie::Namespace;
use proto::{AgencyIndex, Hash};

pub use crate::context::{BlockContext, OpContext, Outcome, Step};

use crate::codes::Codes;
use crate::links::{self, Naming};
use crate::refusal::Refusal;
use crate::state::{Overlay, State as _, StateFault};

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

/// Ends a block: deadlines that are due, and a bounded number of steps of the jobs.
pub fn end_of_block(
    _context: &BlockContext,
    _state: &mut Overlay<'_>,
) -> Result<Vec<Step>, StateFault> {
    Ok(Vec::new())
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
    let limit = context.block.limits.max_links;
    match links::collect(&subjects, kind, Vec::new(), limit) {
        Ok(links) => Ok(Ok(Outcome::accepted(links, Alerts::default(), event_day(&body)))),
        Err(many) => Ok(Err(Refusal::TooManySubjects { found: many.found, limit })),
    }
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
