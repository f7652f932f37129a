//! What people decide about matches: declare, confirm, dispute, withdraw. Acts, not facts: they are
//! refused where the state says otherwise.

use proto::schema::OperationKind;
use proto::schema::act::{MatchDecision, MatchDeclare, Relation};
use proto::schema::event::{Quantity, Uom};
use proto::schema::roles::Normaliser;
use proto::trie::Namespace;

use super::class::{self, Pair};
use super::settle;
use super::{delivery, status_of, store, voices};
use crate::codes;
use crate::context::Raised;
use crate::execute::BlockContext;
use crate::links::{self, Naming};
use crate::record::load_or_default;
use crate::record::matching::{MatchRecord, MatchStatus};
use crate::refusal::Refusal;
use crate::state::{Overlay, StateFault};
use crate::trace::unit;

type Judged = Result<Result<Raised, Refusal>, StateFault>;

/// Shipments and statements of a match that are searched for the agencies concerned.
const SEARCHED_MAX: usize = 16;

/// Declares that two codes are one goods.
pub(crate) fn declare(
    state: &mut Overlay<'_>,
    context: &BlockContext,
    naming: &Naming<'_>,
    act: &MatchDeclare,
) -> Judged {
    let (from, to) = pair_of(naming, &act.from, &act.to);
    let agency = naming.agency.value();
    if from == to && act.relation() != Relation::Carry {
        return Ok(Err(Refusal::MatchSameUnit { unit: words(&from) }));
    }
    let mut record = load(state, &from, &to)?;
    if status_of(&record) == MatchStatus::Confirmed {
        return Ok(Err(Refusal::MatchConfirmed));
    }
    if record.voided_height == 0 && record.declared.contains(&agency.into()) {
        return Ok(Err(Refusal::MatchAlreadySaid { agency }));
    }
    if from != to && class::of(state, &to)?.reaches(&to, &from) {
        return Ok(Err(Refusal::MatchCycle { from: words(&from), to: words(&to) }));
    }
    if let Err(refusal) = within_shipment(state, &from, act)? {
        return Ok(Err(refusal));
    }
    // What was withdrawn begins anew: nobody's old word counts.
    if record.voided_height > 0 {
        record.voided_height = 0;
        record.declared.clear();
        record.confirmed.clear();
        record.disputed.clear();
        record.own_matter = false;
    }
    record.relation = act.relation().into();
    record.own_matter = act.relation() == Relation::Relabel && is_alone(state, &from, agency)?;
    insert(&mut record.declared, agency);
    for unit in [&from, &to] {
        codes::note_unit(state, unit)?;
    }
    decide(state, context, &(from, to), &record)
}

/// What is decided on a match.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Decision {
    /// The two codes are one goods.
    Confirm,
    /// They may not be.
    Dispute,
    /// They are not.
    Void,
}

impl Decision {
    /// The decision of an operation type; none where the type decides nothing.
    pub(crate) fn of(kind: OperationKind) -> Option<Self> {
        let decisions = [
            (OperationKind::MatchConfirm, Self::Confirm),
            (OperationKind::MatchDispute, Self::Dispute),
            (OperationKind::MatchVoid, Self::Void),
        ];
        decisions.into_iter().find(|(of, _)| *of == kind).map(|(_, decision)| decision)
    }
}

/// Confirms, disputes or withdraws a match.
pub(crate) fn decide_on(
    state: &mut Overlay<'_>,
    context: &BlockContext,
    naming: &Naming<'_>,
    (decision, act): (Decision, &MatchDecision),
) -> Judged {
    let (from, to) = pair_of(naming, &act.from, &act.to);
    let agency = naming.agency.value();
    let mut record = load(state, &from, &to)?;
    if status_of(&record) == MatchStatus::Unspecified {
        return Ok(Err(Refusal::MatchUnknown { from: words(&from), to: words(&to) }));
    }
    if record.voided_height > 0 {
        return Ok(Err(Refusal::MatchVoided { height: record.voided_height }));
    }
    let concerned = concerned(state, (&from, &to), &record)?;
    if !concerned.contains(&agency.into()) {
        return Ok(Err(Refusal::MatchNotInvolved { agency }));
    }
    match decision {
        Decision::Confirm => {
            if status_of(&record) == MatchStatus::Confirmed {
                return Ok(Err(Refusal::MatchConfirmed));
            }
            record.disputed.retain(|known| *known != u32::from(agency));
            insert(&mut record.confirmed, agency);
            let has_papers = record.agreeing + record.one_sided + record.disagreeing > 0;
            record.own_matter |= has_papers && concerned == [u32::from(agency)];
            if !record.own_matter && voices(&record).len() < 2 {
                return Ok(Err(Refusal::MatchOwnWord { agency }));
            }
        }
        Decision::Dispute => {
            if record.disputed.contains(&agency.into()) {
                return Ok(Err(Refusal::MatchAlreadySaid { agency }));
            }
            record.confirmed.retain(|known| *known != u32::from(agency));
            record.declared.retain(|known| *known != u32::from(agency));
            insert(&mut record.disputed, agency);
        }
        Decision::Void => {
            record.voided_height = context.height.value();
        }
    }
    decide(state, context, &(from, to), &record)
}

/// Writes what was decided, with everything that follows.
fn decide(
    state: &mut Overlay<'_>,
    context: &BlockContext,
    pair: &Pair,
    record: &MatchRecord,
) -> Judged {
    store(state, &pair.0, &pair.1, record)?;
    let mut changes = settle::review(context, state, std::slice::from_ref(pair))?;
    // The operation's own receipt tells of its own match.
    let own = changes.remove(pair).unwrap_or_default();
    let mut raised = Raised { links: Vec::new(), alerts: own.alerts, steps: own.steps };
    for (other, change) in changes {
        raised.steps.extend(settle::step_of(context, state, &other, change)?);
    }
    Ok(Ok(raised))
}

fn load(state: &Overlay<'_>, from: &[u8], to: &[u8]) -> Result<MatchRecord, StateFault> {
    load_or_default(state, Namespace::Match, &super::key(from, to))
}

fn pair_of(naming: &Naming<'_>, from: &str, to: &str) -> Pair {
    (naming.key(Normaliser::Unit, from), naming.key(Normaliser::Unit, to))
}

fn words(unit: &[u8]) -> String {
    String::from_utf8_lossy(unit).into_owned()
}

fn insert(agencies: &mut Vec<u32>, agency: u16) {
    agencies.push(agency.into());
    agencies.sort_unstable();
    agencies.dedup();
}

/// Agencies that a match concerns: those that said something of it, and those whose platforms sent
/// or received the goods.
fn concerned(
    state: &Overlay<'_>,
    (from, to): (&[u8], &[u8]),
    record: &MatchRecord,
) -> Result<Vec<u32>, StateFault> {
    let mut agencies: Vec<u32> = voices(record).into_iter().collect();
    agencies.extend(&record.disputed);
    for shipment in delivery::shipments(state, from, SEARCHED_MAX)? {
        for (leg, _) in delivery::legs(state, &shipment, SEARCHED_MAX)? {
            agencies.push(leg.agency);
        }
    }
    for side in [from, to] {
        let known = unit::of(state, side)?.map(|known| known.agencies).unwrap_or_default();
        agencies.extend(known.iter().map(|known| known.agency));
    }
    agencies.sort_unstable();
    agencies.dedup();
    Ok(agencies)
}

/// Whether only this agency's events name a unit.
fn is_alone(state: &Overlay<'_>, unit: &[u8], agency: u16) -> Result<bool, StateFault> {
    let agencies = unit::of(state, unit)?.map(|known| known.agencies).unwrap_or_default();
    Ok(agencies.iter().all(|known| known.agency == u32::from(agency)))
}

/// A declaration must not claim more than was sent under the document that it names.
fn within_shipment(
    state: &Overlay<'_>,
    from: &[u8],
    act: &MatchDeclare,
) -> Result<Result<(), Refusal>, StateFault> {
    let (Some(quantity), false) = (&act.quantity, act.document.is_empty()) else {
        return Ok(Ok(()));
    };
    let key = delivery::shipment_key(&links::document(&act.document), from);
    let Some(shipment) = delivery::shipment(state, &key)? else { return Ok(Ok(())) };
    let matched = i64::try_from(quantity.milli).unwrap_or(i64::MAX);
    let sent = shipment.shipped.iter().find(|sent| sent.uom == quantity.uom);
    match sent {
        Some(sent) if matched > sent.milli => Ok(Err(Refusal::MatchOverAllocated {
            shipped: amount(sent.milli, sent.uom),
            matched: stated(quantity),
        })),
        Some(_) | None => Ok(Ok(())),
    }
}

fn stated(quantity: &Quantity) -> String {
    amount(i64::try_from(quantity.milli).unwrap_or(i64::MAX), quantity.uom)
}

/// A quantity in words, such as `12.5 KGM`.
pub(crate) fn amount(milli: i64, uom: i32) -> String {
    let unit = match Uom::try_from(uom).unwrap_or_default() {
        Uom::Unspecified => "",
        Uom::Kgm => " KGM",
        Uom::Xbx => " XBX",
        Uom::H87 => " H87",
        Uom::Xpx => " XPX",
        Uom::Ltr => " LTR",
        Uom::Xpa => " XPA",
    };
    let sign = if milli < 0 { "-" } else { "" };
    let whole = milli.unsigned_abs() / 1_000;
    let rest = format!("{:03}", milli.unsigned_abs() % 1_000);
    match rest.trim_end_matches('0') {
        "" => format!("{sign}{whole}{unit}"),
        rest => format!("{sign}{whole}.{rest}{unit}"),
    }
}
