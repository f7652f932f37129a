//! Votes of the agencies: a proposal comes into force when more than half of them approve it.

use prost::Message as _;
use proto::AgencyIndex;
use proto::hash::Tag;
use proto::operation::OpUid;
use proto::schema::OperationKind;
use proto::schema::act::{Approve, RulePropose, SchemePropose};
use proto::trie::Namespace;

use crate::backfill;
use crate::codes::{Codes, SCHEMES_KEY, scheme_key};
use crate::execute::{BlockContext, uid_key};
use crate::record::governance::{ActiveScheme, ActiveSchemes, ProposalRecord, SchemeRecord};
use crate::record::{load, load_or_default, store};
use crate::refusal::Refusal;
use crate::risk;
use crate::scheme::Scheme;
use crate::state::{Overlay, State, StateFault};

/// Agencies whose approval puts a proposal into force: more than half.
pub const fn approvals_needed(agencies: u16) -> u16 {
    agencies / 2 + 1
}

/// A proposal by its proposer and identity.
pub fn proposal(
    state: &dyn State,
    proposer: AgencyIndex,
    uid: OpUid,
) -> Result<Option<ProposalRecord>, StateFault> {
    load(state, Namespace::Governance, &uid_key(proposer, uid))
}

/// Proposes a scheme; the proposer approves it by proposing.
pub(crate) fn propose_scheme(
    state: &mut Overlay<'_>,
    context: &BlockContext,
    (agency, uid): (AgencyIndex, OpUid),
    proposed: &SchemePropose,
) -> Result<Result<(), Refusal>, StateFault> {
    if let Err(refusal) = check_scheme(state, proposed)? {
        return Ok(Err(refusal));
    }
    let proposal = proposal_of(context, OperationKind::SchemePropose, proposed.encode_to_vec());
    vote(state, context, &uid_key(agency, uid), proposal, agency)
}

/// Proposes a parameter of the risk rules; the proposer approves it by proposing.
pub(crate) fn propose_rule(
    state: &mut Overlay<'_>,
    context: &BlockContext,
    (agency, uid): (AgencyIndex, OpUid),
    proposed: &RulePropose,
) -> Result<Result<(), Refusal>, StateFault> {
    if let Err(refusal) = risk::check_parameter(context, proposed) {
        return Ok(Err(refusal));
    }
    let proposal = proposal_of(context, OperationKind::RulePropose, proposed.encode_to_vec());
    vote(state, context, &uid_key(agency, uid), proposal, agency)
}

fn proposal_of(context: &BlockContext, kind: OperationKind, body: Vec<u8>) -> ProposalRecord {
    ProposalRecord {
        kind: kind.code().into(),
        body,
        proposed_height: context.height.value(),
        ..ProposalRecord::default()
    }
}

/// Records an approval.
pub(crate) fn approve(
    state: &mut Overlay<'_>,
    context: &BlockContext,
    agency: AgencyIndex,
    approved: &Approve,
) -> Result<Result<(), Refusal>, StateFault> {
    let unknown =
        || Refusal::ProposalUnknown { proposer: u16::try_from(approved.proposer).unwrap_or(0) };
    let uid = <[u8; 16]>::try_from(&*approved.proposal).map(OpUid);
    let proposer = u16::try_from(approved.proposer).map(AgencyIndex::new);
    let (Ok(uid), Ok(proposer)) = (uid, proposer) else { return Ok(Err(unknown())) };
    let Some(found) = proposal(state, proposer, uid)? else { return Ok(Err(unknown())) };
    if found.accepted_height > 0 {
        return Ok(Err(Refusal::ProposalInForce { height: found.accepted_height }));
    }
    if found.approvals.contains(&agency.value().into()) {
        return Ok(Err(Refusal::ProposalApproved {
            agency: agency.value(),
            approvals: found.approvals.len(),
            needed: approvals_needed(context.agencies),
        }));
    }
    vote(state, context, &uid_key(proposer, uid), found, agency)
}

fn vote(
    state: &mut Overlay<'_>,
    context: &BlockContext,
    key: &[u8],
    mut proposal: ProposalRecord,
    agency: AgencyIndex,
) -> Result<Result<(), Refusal>, StateFault> {
    proposal.approvals.push(agency.value().into());
    proposal.approvals.sort_unstable();
    if proposal.approvals.len() >= usize::from(approvals_needed(context.agencies)) {
        proposal.accepted_height = context.height.value();
        if let Err(refusal) = accept(state, context, &proposal)? {
            return Ok(Err(refusal));
        }
    }
    store(state, Namespace::Governance, key, &proposal)?;
    Ok(Ok(()))
}

fn accept(
    state: &mut Overlay<'_>,
    context: &BlockContext,
    proposal: &ProposalRecord,
) -> Result<Result<(), Refusal>, StateFault> {
    if proposal.kind == u32::from(OperationKind::SchemePropose.code()) {
        let Ok(proposed) = SchemePropose::decode(&*proposal.body) else {
            return Ok(Err(Refusal::Malformed));
        };
        // Another scheme may have come into force since it was proposed.
        return match check_scheme(state, &proposed)? {
            Ok(scheme) => activate(state, context, &proposed, &scheme).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        };
    }
    let Ok(proposed) = RulePropose::decode(&*proposal.body) else {
        return Ok(Err(Refusal::Malformed));
    };
    risk::set_parameter(context, &proposed, state).map(Ok)
}

/// Reads a scheme, tests it by its vectors, and looks for one that it would contradict.
fn check_scheme(
    state: &Overlay<'_>,
    proposed: &SchemePropose,
) -> Result<Result<Scheme, Refusal>, StateFault> {
    let scheme = match Scheme::parse(&proposed.definition) {
        Ok(scheme) => scheme,
        Err(error) => return Ok(Err(Refusal::SchemeInvalid { detail: error.to_string() })),
    };
    let (id, version) = (scheme.id().to_owned(), scheme.version());
    if state.get(Namespace::Scheme, &scheme_key(&id, version))?.is_some() {
        return Ok(Err(Refusal::SchemeExists { id, version }));
    }
    let codes = Codes::load(state)?;
    let clash = codes.schemes().iter().find_map(|active| active.clash(&scheme));
    if let Some(clash) = clash {
        return Ok(Err(Refusal::SchemeInvalid { detail: clash.to_string() }));
    }
    Ok(Ok(scheme))
}

/// Puts a scheme into force and starts the search for its units among the OPAQUE ones.
fn activate(
    state: &mut Overlay<'_>,
    context: &BlockContext,
    proposed: &SchemePropose,
    scheme: &Scheme,
) -> Result<(), StateFault> {
    let (id, version) = (scheme.id().to_owned(), scheme.version());
    let definition = proposed.definition.clone();
    let digest = Tag::Value.hash(definition.as_bytes()).as_bytes().to_vec();
    let record = SchemeRecord { definition, active_height: context.height.value() };
    store(state, Namespace::Scheme, &scheme_key(&id, version), &record)?;
    let mut active: ActiveSchemes = load_or_default(state, Namespace::Sys, SCHEMES_KEY)?;
    active.schemes.push(ActiveScheme { id: id.clone(), version, digest });
    active.schemes.sort();
    store(state, Namespace::Sys, SCHEMES_KEY, &active)?;
    backfill::start(state, &id)
}
