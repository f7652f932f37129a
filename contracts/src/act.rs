//! What people decide about matches: declare, confirm, dispute, withdraw. Acts, not facts: they are
//! refused where the state says otherwise.

use proto::schema::OperationKind;
use proto::schema::act::{MatchDecision, MatchDeclare, Relation};
use proto::schema::event::Uom;
use proto::schema::roles::Normaliser;

use crate::codes;
use crate::context::{BlockContext, Raised};
use crate::effect::matches::{bystanders, status_of, store, voices};
use crate::finding;
use crate::key::{match_key, shipment_key};
use crate::links::{self, Naming};
use crate::matching::class::{self, Pair};
use crate::matching::{delivery, of_unit};
use crate::record::matching::{DeclaredAmount, MatchRecord, MatchRow, MatchStatus};
use crate::record::shipment::{Amount, ShipmentRow, add_amount};
use crate::record::unit::Flow;
use crate::refusal::Refusal;
use crate::state::{Rows, StateFault};
use crate::trace::stock::{self, Status};
use crate::trace::unit;

type Decided = Result<Result<Raised, Refusal>, StateFault>;

/// Shipments and statements of a match that are searched for the agencies concerned.
const SEARCHED_MAX: usize = 16;

/// Matches of the giving unit whose quantities are added up, and places of it that are asked for what
/// is left. What lies beyond is not seen, as in a class of that many units.
const ADDED_MAX: usize = 256;

/// Declares that two codes are one goods.
pub(crate) fn declare(
    state: &mut Rows<'_>,
    context: &BlockContext,
    naming: &Naming<'_>,
    act: &MatchDeclare,
) -> Decided {
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
    if let Some(consumed) = consumed(state, &from)? {
        return Ok(Err(Refusal::MatchSourceConsumed { from: words(&from), consumed }));
    }
    let claimed = claimed(agency, act);
    if let Some(claimed) = &claimed
        && let Err(refusal) = within_shipment(state, &(from.clone(), to.clone()), claimed)?
    {
        return Ok(Err(refusal));
    }
    // What was withdrawn begins anew: nobody's old word counts.
    if record.voided_height > 0 {
        record.voided_height = 0;
        record.declared.clear();
        record.confirmed.clear();
        record.disputed.clear();
        record.declared_amounts.clear();
        record.own_matter = false;
    }
    record.relation = act.relation().into();
    record.own_matter = act.relation() == Relation::Relabel && is_alone(state, &from, agency)?;
    insert(&mut record.declared, agency);
    record.declared_amounts.retain(|known| known.agency != u32::from(agency));
    record.declared_amounts.extend(claimed);
    record.declared_amounts.sort();
    for unit in [&from, &to] {
        codes::note_unit(state, unit);
    }
    decide(state, context, &(from, to), record)
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
    state: &mut Rows<'_>,
    context: &BlockContext,
    naming: &Naming<'_>,
    (decision, act): (Decision, &MatchDecision),
) -> Decided {
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
            record.bystanders = bystanders(state, (&from, &to), &record)?;
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
            record.declared_amounts.retain(|known| known.agency != u32::from(agency));
            insert(&mut record.disputed, agency);
        }
        Decision::Void => {
            record.voided_height = context.height.value();
        }
    }
    decide(state, context, &(from, to), record)
}

/// Writes what was decided, with everything that follows.
fn decide(
    state: &mut Rows<'_>,
    context: &BlockContext,
    pair: &Pair,
    record: MatchRecord,
) -> Decided {
    store(state, (&pair.0, &pair.1), record)?;
    let pairs = std::slice::from_ref(pair);
    let mut changes = finding::review(context, state, pairs, finding::LOOKED_MAX)?;
    // The operation's own receipt tells of its own match.
    let own = changes.remove(pair).unwrap_or_default();
    let mut raised = Raised { links: Vec::new(), alerts: own.alerts, steps: own.steps };
    for (other, change) in changes {
        raised.steps.extend(finding::step_of(context, state, &other, change)?);
    }
    Ok(Ok(raised))
}

fn load(state: &Rows<'_>, from: &[u8], to: &[u8]) -> Result<MatchRecord, StateFault> {
    Ok(state.row::<MatchRow>(&match_key(from, to))?.record.clone())
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

/// Agencies that a match concerns: those that have a part in it and said something of it, and those
/// whose platforms sent or received the goods; where there is none, those that declared it.
fn concerned(
    state: &Rows<'_>,
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
        if let Some(known) = unit::of(state, side)? {
            agencies.extend(known.agencies.iter().map(|known| known.agency));
        }
    }
    if agencies.is_empty() {
        agencies.extend(&record.declared);
    }
    agencies.sort_unstable();
    agencies.dedup();
    Ok(agencies)
}

/// Whether only this agency's events name a unit.
fn is_alone(state: &Rows<'_>, unit: &[u8], agency: u16) -> Result<bool, StateFault> {
    let known = unit::of(state, unit)?;
    let mut agencies = known.iter().flat_map(|known| &known.agencies);
    Ok(agencies.all(|known| known.agency == u32::from(agency)))
}

/// How much of a unit went into others, where all of it did: then it is no source of anything.
fn consumed(state: &Rows<'_>, unit: &[u8]) -> Result<Option<String>, StateFault> {
    match stock::status(state, unit, ADDED_MAX)? {
        Status::Consumed | Status::Split => (),
        // What was sold, used or disposed of was the goods until then.
        Status::Active | Status::Sold | Status::Used | Status::Disposed => return Ok(None),
    }
    let mut went: Vec<Amount> = Vec::new();
    for sums in unit::of(state, unit)?.iter().flat_map(|known| &known.totals) {
        let milli = sums.sum(Flow::Consumed).saturating_add(sums.sum(Flow::Divided));
        add_amount(&mut went, Amount { uom: sums.uom, milli });
    }
    let went: Vec<String> = went.iter().map(|went| amount(went.milli, went.uom)).collect();
    Ok(Some(went.join(" + ")))
}

/// What a declaration claims of a delivery; none where it names no quantity or no document.
fn claimed(agency: u16, act: &MatchDeclare) -> Option<DeclaredAmount> {
    let quantity = act.quantity.filter(|_| !act.document.is_empty())?;
    let milli = i64::try_from(quantity.milli).unwrap_or(i64::MAX);
    let document = links::document(&act.document);
    Some(DeclaredAmount { agency: agency.into(), document, uom: quantity.uom, milli })
}

/// A declaration must not claim more than was sent under the document that it names, nor may all that
/// is matched under it together.
fn within_shipment(
    state: &Rows<'_>,
    pair: &Pair,
    claimed: &DeclaredAmount,
) -> Result<Result<(), Refusal>, StateFault> {
    let key = shipment_key(claimed.document.as_bytes(), &pair.0);
    let shipment = state.row::<ShipmentRow>(&key)?;
    let Some(sent) = shipment.shipped.iter().find(|sent| sent.uom == claimed.uom) else {
        return Ok(Ok(()));
    };
    let is_same =
        |known: &&DeclaredAmount| known.document == claimed.document && known.uom == claimed.uom;
    let mut matched = claimed.milli;
    for held in of_unit(state, &pair.0, ADDED_MAX)? {
        // Of its own pair the declaration says how much it is, whatever was said before.
        let is_other = held.from == pair.0 && held.to != pair.1;
        if !is_other || status_of(&held.record) == MatchStatus::Voided {
            continue;
        }
        let declared = held.record.declared_amounts.iter().filter(is_same);
        let declared = declared.map(|known| known.milli).max().unwrap_or_default();
        let taken = state.entry(ShipmentRow::TAKERS, &key, &held.to)?;
        let taken = taken.unwrap_or_default().amounts;
        let taken = taken.iter().find(|taken| taken.uom == claimed.uom);
        // Who declares what a platform received says the same thing twice.
        let of_pair = declared.max(taken.map_or(0, |taken| taken.milli));
        matched = matched.saturating_add(of_pair);
    }
    if matched > sent.milli {
        let (shipped, matched) = (amount(sent.milli, sent.uom), amount(matched, sent.uom));
        return Ok(Err(Refusal::MatchOverAllocated { shipped, matched }));
    }
    Ok(Ok(()))
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
