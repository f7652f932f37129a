//! The second gate: what the admissible operations of a block do to the state. Total: an operation is
//! accepted, was recorded before, or is refused with a reason; only a storage that fails stops the
//! block.
//!
//! Everything that can refuse an operation is decided before anything of it is written.

mod ahead;

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use proto::Hash;
use proto::codec::Canonical as _;
use proto::limits::{ALERTS_MAX, SUBJECT_BYTES_MAX};
use proto::operation::Operation;
use proto::receipt::{Alerts, Links, Subject};
use proto::schema::roles::Field;
use proto::schema::{Body, OperationKind};
use proto::sign::PublicKey;
use proto::submitter::{SubmitterRecord, SubmitterRole};
use proto::trie::Namespace;

pub use crate::context::{BlockContext, Outcome, Step};
pub use crate::key::uid_key;

use crate::act::{self, Decision};
use crate::codes::Codes;
use crate::context::Raised;
use crate::correction::{self, Recorded};
use crate::links::{self, Naming};
use crate::record::fact::{Accepted, At, OperationRow};
use crate::record::step::StepKind;
use crate::refusal::Refusal;
use crate::release::Withdrawal;
use crate::state::{Changes, Rows, Said, State, StateFault, leave};
use crate::{backfill, due, evaluation, finding, governance, registry, release, risk, step};

use ahead::Prepared;

/// Deadlines handled in a block; the rest waits for the next one.
const DEADLINES_MAX: usize = 1_024;

/// A block while it is executed: its operations in order, then its end.
pub struct Block<'a> {
    context: &'a BlockContext,
    rows: Rows<'a>,
    /// The active schemes; none after an operation that may have changed them.
    codes: Option<Codes>,
    submitters: BTreeMap<[u8; 32], Option<Rc<SubmitterRecord>>>,
    prepared: VecDeque<Prepared>,
    /// Links of the receipts so far.
    links: usize,
    receipt_index: u32,
}

/// What a block leaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ended {
    /// What the system did at the end of the block, after the steps of its operations.
    pub steps: Vec<Step>,
    /// What the block writes.
    pub changes: Changes,
    /// Whether a search, a deadline or a judgement waits for the next block.
    pub work_left: bool,
}

impl<'a> Block<'a> {
    /// A block over the state below it.
    pub fn new(context: &'a BlockContext, state: &'a dyn State) -> Self {
        Self {
            context,
            rows: Rows::new(state),
            codes: None,
            submitters: BTreeMap::new(),
            prepared: VecDeque::new(),
            links: 0,
            receipt_index: 0,
        }
    }

    /// Executes the next operation, whose receipt is the next of the block; `leaf` is its hash.
    pub fn operation(
        &mut self,
        operation: &Operation,
        leaf: Hash,
        key: &PublicKey,
    ) -> Result<Outcome, StateFault> {
        let prepared = self.prepared.pop_front();
        let submitter = self.submitter(key)?;
        let outcome = match &submitter {
            None => Outcome::refused(Refusal::UnknownSubmitter, None),
            Some(submitter) => {
                let refused = |refusal| Outcome::refused(refusal, Some(&submitter.party));
                let decided = self.decide((operation, leaf), submitter, prepared)?;
                decided.unwrap_or_else(refused)
            }
        };
        self.links += outcome.links.as_slice().len();
        self.receipt_index = self.receipt_index.saturating_add(1);
        Ok(outcome)
    }

    /// Ends the block: matches whose evidence changed, OPAQUE units that a new scheme reads, deadlines
    /// that are due, and a bounded number of steps of the risk rules' searches.
    pub fn end(mut self) -> Result<Ended, StateFault> {
        let (context, state) = (self.context, &mut self.rows);
        let codes = match self.codes.take() {
            Some(codes) => codes,
            None => Codes::load(state)?,
        };
        let mut steps = finding::settle(context, state)?;
        // The search moves what was judged, and what it moved is judged again under its new name.
        steps.extend(backfill::run(context, &codes, state)?);
        steps.extend(finding::settle(context, state)?);
        let taken = due::take(state, context.time, DEADLINES_MAX)?;
        taken.payloads.iter().for_each(|payload| risk::on_due(payload, state));
        let raised = risk::end_of_block(context, &codes, state)?;
        steps.extend(step::of_raised(context, StepKind::RiskJob, &[], raised));
        let is_left = leave(state)?;
        let is_searching = risk::is_searching(state)? || !backfill::pending(state)?.is_empty();
        let work_left = is_left || is_searching || taken.is_cut;
        Ok(Ended { steps, changes: self.rows.into_changes(), work_left })
    }

    fn submitter(&mut self, key: &PublicKey) -> Result<Option<Rc<SubmitterRecord>>, StateFault> {
        if let Some(known) = self.submitters.get(key.as_bytes()) {
            return Ok(known.clone());
        }
        let value = self.rows.get(Namespace::Key, key.as_bytes())?;
        let record = value.map(|value| SubmitterRecord::decode(&value)).transpose();
        let record = record
            .map_err(|error| StateFault::record(Namespace::Key, key.as_bytes(), &error))?
            .map(Rc::new);
        self.submitters.insert(*key.as_bytes(), record.clone());
        Ok(record)
    }

    fn codes(&mut self) -> Result<Codes, StateFault> {
        let codes = match self.codes.take() {
            Some(codes) => codes,
            None => Codes::load(&self.rows)?,
        };
        self.codes = Some(codes.clone());
        Ok(codes)
    }

    /// Refuses an operation, or records it.
    fn decide(
        &mut self,
        (operation, leaf): (&Operation, Hash),
        submitter: &SubmitterRecord,
        prepared: Option<Prepared>,
    ) -> Result<Result<Outcome, Refusal>, StateFault> {
        let key = uid_key(submitter.agency, operation.uid);
        if let Some(first) = self.rows.row::<OperationRow>(&key)?.accepted {
            return Ok(if first.leaf == leaf {
                Ok(Outcome::already_recorded())
            } else {
                Err(Refusal::OpUidReused { height: first.at.height.value() })
            });
        }
        let codes = self.codes()?;
        let prepared = match prepared {
            Some(prepared) => prepared,
            None => Prepared::of(operation),
        };
        let Some(said) = prepared.said else { return Ok(Err(Refusal::Malformed)) };
        if !may_submit(submitter.role, said.kind) {
            return Ok(Err(Refusal::role(submitter.role, said.kind)));
        }
        let naming = Naming::knowing(submitter.agency, &codes, prepared.names);
        let judged = match self.judge(&naming, &said)? {
            Ok(judged) => judged,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let at = At { height: self.context.height, receipt_index: self.receipt_index };
        let order = Order { at, context: self.context, submitter, naming: &naming, said: &said };
        self.rows.note_operation(at, Rc::clone(&said));
        let raised = match contract(&order, &judged, &mut self.rows)? {
            Ok(raised) => raised,
            Err(refusal) => {
                self.rows.forget_operation(at);
                return Ok(Err(refusal));
            }
        };
        self.rows.edit::<OperationRow>(&key)?.row.accepted = Some(Accepted { at, leaf });
        if matches!(said.kind, OperationKind::Approve | OperationKind::SchemePropose) {
            self.codes = None;
        }
        Ok(Ok(self.told(&order, judged, raised)))
    }

    /// What can be said of an operation by its bytes, its names and the notice that it withdraws.
    fn judge(
        &self,
        naming: &Naming<'_>,
        said: &Said,
    ) -> Result<Result<Judged, Refusal>, StateFault> {
        let subjects = naming.subjects(&said.body);
        // Admission lets none through: such a receipt could be written and never read again.
        let fits = |subject: &Subject| subject.key.len() <= usize::from(SUBJECT_BYTES_MAX);
        if !subjects.iter().all(|(_, subject)| fits(subject)) {
            return Ok(Err(Refusal::Malformed));
        }
        let withdrawal = match &said.body {
            Body::ReleaseWithdraw(act) => {
                match release::judge_withdrawal(self.context, naming, act, &self.rows)? {
                    Ok(withdrawal) => Some(withdrawal),
                    Err(refusal) => return Ok(Err(refusal)),
                }
            }
            Body::Party(_)
            | Body::Station(_)
            | Body::Product(_)
            | Body::Vehicle(_)
            | Body::Certificate(_)
            | Body::Declaration(_)
            | Body::Event(_)
            | Body::Observation(_)
            | Body::Correction(_)
            | Body::MatchDeclare(_)
            | Body::MatchDecision(_)
            | Body::AlertAcknowledge(_)
            | Body::ReleasePublish(_)
            | Body::Evaluation(_)
            | Body::SchemePropose(_)
            | Body::RulePropose(_)
            | Body::Approve(_) => None,
        };
        let more = withdrawal.iter().flat_map(|withdrawal| withdrawal.links.clone()).collect();
        let limit = self.context.limits.max_links;
        let links = match links::collect(&subjects, stated_kind(said.kind, &said.body), more, limit)
        {
            Ok(links) => links,
            Err(many) => {
                return Ok(Err(Refusal::TooManySubjects { found: many.found, limit }));
            }
        };
        if !self.has_room(links.as_slice().len()) {
            let limit = self.context.limits.max_block_links;
            return Ok(Err(Refusal::BlockFull { limit }));
        }
        Ok(Ok(Judged { subjects, links, withdrawal }))
    }

    fn has_room(&self, links: usize) -> bool {
        let total = u32::try_from(self.links.saturating_add(links));
        total.is_ok_and(|total| total <= self.context.limits.max_block_links)
    }

    /// The outcome of an operation that was recorded. What a correction relates stands in its receipt
    /// where there is room, else in steps.
    fn told(&self, order: &Order<'_>, judged: Judged, mut raised: Raised) -> Outcome {
        let body = &order.said.body;
        let mut links = judged.links;
        if !raised.links.is_empty() {
            let kind = stated_kind(order.said.kind, body);
            let limit = self.context.limits.max_links;
            let related = std::mem::take(&mut raised.links);
            let all = links::collect(&judged.subjects, kind, related.clone(), limit);
            if let Some(all) = all.ok().filter(|all| self.has_room(all.as_slice().len())) {
                links = all;
            } else {
                let cause = uid_key(order.submitter.agency, order.said.uid);
                let apart = correction::apart(self.context, (&cause, event_day(body)), related);
                raised.steps.extend(apart);
            }
        }
        let alerts = Alerts::collect(raised.alerts, ALERTS_MAX);
        let alerts =
            alerts.expect("the rules of one operation raise fewer alerts than a receipt holds");
        let outcome = Outcome::accepted(links, alerts, event_day(body));
        Outcome { steps: raised.steps, ..outcome }
    }
}

/// An operation that its own words do not forbid.
struct Judged {
    subjects: Vec<(Field, Subject)>,
    links: Links,
    withdrawal: Option<Withdrawal>,
}

/// An operation that is handed to its contract.
struct Order<'a> {
    at: At,
    context: &'a BlockContext,
    submitter: &'a SubmitterRecord,
    naming: &'a Naming<'a>,
    said: &'a Said,
}

/// Hands a body to the contract that owns it.
fn contract(
    order: &Order<'_>,
    judged: &Judged,
    state: &mut Rows<'_>,
) -> Result<Result<Raised, Refusal>, StateFault> {
    let Order { at, context, submitter, naming, said } = *order;
    let (agency, uid) = (submitter.agency, said.uid);
    let nothing = |()| Raised::default();
    match &said.body {
        Body::Event(_) | Body::Observation(_) => {
            let recorded = correction::record(state, naming, said)?;
            after_fact(context, recorded, state).map(Ok)
        }
        Body::Correction(corrected) => {
            let recorded = correction::correct(state, naming, (uid, at), corrected)?;
            after_fact(context, recorded, state).map(Ok)
        }
        Body::Party(_)
        | Body::Station(_)
        | Body::Product(_)
        | Body::Vehicle(_)
        | Body::Certificate(_)
        | Body::Declaration(_) => {
            Ok(registry::record(state, context, naming, &said.body)?.map(nothing))
        }
        Body::MatchDeclare(act) => act::declare(state, context, naming, act),
        Body::MatchDecision(act) => match Decision::of(said.kind) {
            Some(decision) => act::decide_on(state, context, naming, (decision, act)),
            None => Ok(Err(Refusal::Malformed)),
        },
        Body::AlertAcknowledge(act) => risk::acknowledge(context, submitter, act, state),
        Body::SchemePropose(proposed) => {
            let made = governance::propose_scheme(state, context, (agency, uid), proposed)?;
            Ok(made.map(nothing))
        }
        Body::RulePropose(proposed) => {
            let made = governance::propose_rule(state, context, (agency, uid), proposed)?;
            Ok(made.map(nothing))
        }
        Body::Approve(act) => Ok(governance::approve(state, context, agency, act)?.map(nothing)),
        Body::ReleasePublish(act) => release::publish(context, naming, act, state),
        Body::ReleaseWithdraw(_) => match &judged.withdrawal {
            Some(withdrawal) => release::withdraw(state, withdrawal).map(nothing).map(Ok),
            None => Ok(Err(Refusal::Malformed)),
        },
        Body::Evaluation(act) => evaluation::record_result(context, naming, act, state),
    }
}

/// What the rules say to a fact that came into force or was replaced.
fn after_fact(
    context: &BlockContext,
    recorded: Recorded,
    state: &mut Rows<'_>,
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
