//! The end of a block for matching: deliveries that were touched are judged, matches whose evidence
//! changed get their status, classes are searched for contradictions, and the rules are told. Bounded;
//! what does not fit goes on in the next block.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use proto::receipt::{AlertNotice, Role};
use proto::schema::act::Relation;

use crate::context::{BlockContext, Step};
use crate::effect::matches::GIVES;
use crate::effect::matches::{bystanders, pair_of, set_document, stands, status_of, store, touch};
use crate::key::{match_key, parted, shipment_key};
use crate::links::unit_link;
use crate::matching::class::{self, Pair};
use crate::matching::delivery;
use crate::record::matching::{Conflict, MatchRow, MatchStatus};
use crate::record::shipment::{Judged, LegSum, Reach, ShipmentRow, Verdict};
use crate::record::step::{StepKind, StepRecord};
use crate::record::unit::UnitRow;
use crate::risk;
use crate::state::{Noted, Queue, Rows, StateFault};
use crate::step;

/// Pairs of codes that are judged in a block: ten full lorries, some milliseconds.
const PAIRS_MAX: usize = 4_096;

/// Units and matches that are looked at in a block to search classes for contradictions; the matches
/// whose classes it does not get to wait for the next one.
pub(crate) const LOOKED_MAX: usize = 16_384;

/// Entries of units' lists of matches that are looked at in a block for those that agencies spoke of:
/// the lists of eight lots of a thousand boxes.
const LISTED_MAX: usize = 8_192;

/// Of a delivery in the queue that an earlier block told in part: its takers are told from this one on.
const TOLD: &[u8] = &[1];

/// What changed at a match.
#[derive(Default)]
pub(crate) struct Change {
    /// Status before and from now on.
    pub(crate) status: Option<(MatchStatus, MatchStatus)>,
    /// What the risk rules say to it.
    pub(crate) alerts: Vec<AlertNotice>,
    /// What the risk rules did because of it.
    pub(crate) steps: Vec<Step>,
}

/// Judges what was touched.
pub(crate) fn settle(
    context: &BlockContext,
    state: &mut Rows<'_>,
) -> Result<Vec<Step>, StateFault> {
    let mut budget = PAIRS_MAX;
    for found in Queue::SHIPMENTS.scan(state, PAIRS_MAX)? {
        if budget == 0 {
            break;
        }
        judge(state, &found, &mut budget)?;
    }
    for found in Queue::TAKERS.scan(state, PAIRS_MAX)? {
        Queue::TAKERS.remove(state, &found.key)?;
        let Some((key, taker)) = parted(&found.key) else { continue };
        let judged = state.row::<ShipmentRow>(key)?.judged;
        if let Some(sum) = state.entry(ShipmentRow::TAKERS, key, taker)? {
            tell(state, (key, judged), taker, &sum)?;
        }
    }
    spoken(state)?;
    let mut pairs = Vec::new();
    for found in Queue::MATCHES.scan(state, PAIRS_MAX)? {
        Queue::MATCHES.remove(state, &found.key)?;
        pairs.extend(pair_of(&found.key));
    }
    let changes = review(context, state, &pairs, LOOKED_MAX)?;
    let mut steps = Vec::new();
    for (pair, change) in changes {
        steps.extend(step_of(context, state, &pair, change)?);
    }
    Ok(steps)
}

/// Judges one delivery, and tells all its pairs where it comes to something else than before.
fn judge(state: &mut Rows<'_>, found: &Noted, budget: &mut usize) -> Result<(), StateFault> {
    let key = &found.key;
    let judged = delivery::judged(state, key)?;
    if state.row::<ShipmentRow>(key)?.judged == judged && !found.is_left {
        return Queue::SHIPMENTS.remove(state, key);
    }
    state.edit::<ShipmentRow>(key)?.row.judged = judged;
    let after = found.value.strip_prefix(TOLD);
    let takers = state.scan(ShipmentRow::TAKERS, key, after, *budget)?;
    *budget -= takers.len();
    for (taker, sum) in &takers {
        tell(state, (key, judged), taker, sum)?;
    }
    let unfinished = takers.last().filter(|_| *budget == 0);
    let cursor = unfinished.map(|(last, _)| [TOLD, last].concat());
    Queue::SHIPMENTS.set(state, key, cursor)
}

/// Tells a pair what its delivery comes to.
fn tell(
    state: &mut Rows<'_>,
    (key, judged): (&[u8], Judged),
    taker: &[u8],
    sum: &LegSum,
) -> Result<(), StateFault> {
    let Some((document, from)) = parted(key) else { return Ok(()) };
    // One code on both sides needs no match; across a border it is recorded as carried.
    let is_carried = judged.reach == Reach::Agencies && judged.verdict != Verdict::OneSided;
    let speaks = sum.count > 0 && (taker != from || is_carried);
    set_document(state, (from, taker), document, speaks.then_some(judged.verdict))
}

/// Gives each match its status, and each class of them its contradictions. Classes are searched until
/// `room` units and matches were looked at; the matches of the rest are noted again.
pub(crate) fn review(
    context: &BlockContext,
    state: &mut Rows<'_>,
    pairs: &[Pair],
    mut room: usize,
) -> Result<BTreeMap<Pair, Change>, StateFault> {
    let mut changes: BTreeMap<Pair, Change> = BTreeMap::new();
    let mut live = Vec::new();
    for pair in pairs {
        let change = rejudge(state, pair)?;
        let (before, now) = change;
        if before != now {
            changes.entry(pair.clone()).or_default().status = Some(change);
            risk::on_match(state, (&pair.0, &pair.1), now)?;
        }
        live.push(stands(now));
    }
    let mut seen: BTreeSet<Vec<u8>> = BTreeSet::new();
    for (pair, is_live) in pairs.iter().zip(live).filter(|(pair, _)| pair.0 != pair.1) {
        // A live match stands in one class, whichever side it is searched from.
        let sides: &[&Vec<u8>] = if !is_live {
            &[&pair.0, &pair.1]
        } else if seen.contains(&pair.1) {
            &[]
        } else {
            &[&pair.0]
        };
        for side in sides.iter().copied() {
            if seen.contains(side) {
                continue;
            }
            if room == 0 {
                touch(state, &pair.0, &pair.1);
                break;
            }
            let found = class::of(state, side)?;
            room = room.saturating_sub(found.looked);
            let conflicts = found.conflicts(state)?;
            for member in &found.matches {
                let now = conflicts.get(member).cloned().unwrap_or_default();
                contradict(context, state, member, &now, &mut changes)?;
            }
            seen.extend(found.units);
        }
        if !is_live {
            contradict(context, state, pair, &[], &mut changes)?;
        }
    }
    Ok(changes)
}

/// Gives a match its status; what it was before, and what it is now.
fn rejudge(
    state: &mut Rows<'_>,
    (from, to): &Pair,
) -> Result<(MatchStatus, MatchStatus), StateFault> {
    let row = state.row::<MatchRow>(&match_key(from, to))?;
    // Of most matches nothing changes but what their deliveries come to.
    let mut record = row.record.clone();
    drop(row);
    let bystanders = bystanders(state, (from, to), &record)?;
    let is_other = record.bystanders != bystanders;
    record.bystanders = bystanders;
    let (before, now) = (record.status(), status_of(&record));
    record.status = now.into();
    if is_other || before != now {
        store(state, (from, to), record)?;
    }
    Ok((before, now))
}

/// Notes what contradicts a match, and tells the risk rules where that changed.
fn contradict(
    context: &BlockContext,
    state: &mut Rows<'_>,
    pair: &Pair,
    now: &[Conflict],
    changes: &mut BTreeMap<Pair, Change>,
) -> Result<(), StateFault> {
    let row = state.row::<MatchRow>(&match_key(&pair.0, &pair.1))?;
    if row.record.conflicts().eq(now.iter().copied()) {
        return Ok(());
    }
    let mut record = row.record.clone();
    record.conflicts = now.iter().map(|conflict| i32::from(*conflict)).collect();
    store(state, (&pair.0, &pair.1), record)?;
    let raised = risk::on_match_conflict(context, state, (&pair.0, &pair.1), now)?;
    let change = changes.entry(pair.clone()).or_default();
    change.alerts.extend(raised.alerts);
    change.steps.extend(raised.steps);
    Ok(())
}

/// The steps of a change that nobody's operation made.
pub(crate) fn step_of(
    context: &BlockContext,
    state: &Rows<'_>,
    (from, to): &Pair,
    change: Change,
) -> Result<Vec<Step>, StateFault> {
    let record = &state.row::<MatchRow>(&match_key(from, to))?.record;
    let (before, now) = change.status.unwrap_or((record.status(), record.status()));
    let evidence = evidence(state, from, to)?;
    let (document, shipment) = evidence.unwrap_or_default();
    let relation = if from == to { Relation::Carry } else { record.relation() };
    let what = StepRecord {
        kind: StepKind::Match.into(),
        height: context.height.value(),
        from: from.clone(),
        to: to.clone(),
        relation: relation.into(),
        status: now.into(),
        status_before: before.into(),
        document,
        shipped: shipment.shipped.clone(),
        received: shipment.received.clone(),
        detail: Vec::new(),
    };
    let role = match now {
        MatchStatus::Voided | MatchStatus::Unspecified => Role::Void,
        MatchStatus::OneSided | MatchStatus::Confirmed | MatchStatus::InDoubt => role_of(relation),
    };
    let links = vec![unit_link(role, from), unit_link(role, to)];
    let mut steps = vec![step::of(&what, links, change.alerts)];
    steps.extend(change.steps);
    Ok(steps)
}

/// The role of both sides of a relation.
const fn role_of(relation: Relation) -> Role {
    match relation {
        Relation::Unspecified | Relation::Same => Role::Same,
        Relation::Relabel => Role::Relabel,
        Relation::Carry => Role::Carry,
    }
}

/// A delivery that speaks for a match.
fn evidence(
    state: &Rows<'_>,
    from: &[u8],
    to: &[u8],
) -> Result<Option<(String, Rc<ShipmentRow>)>, StateFault> {
    let documents = state.scan(MatchRow::DOCUMENTS, &match_key(from, to), None, 1)?;
    let Some((document, _)) = documents.first() else { return Ok(None) };
    let shipment = state.row::<ShipmentRow>(&shipment_key(document, from))?;
    Ok(Some((String::from_utf8_lossy(document).into_owned(), shipment)))
}

/// Touches the matches that agencies spoke of, of units where it changed who has a part in them.
fn spoken(state: &mut Rows<'_>) -> Result<(), StateFault> {
    let mut room = LISTED_MAX;
    for found in Queue::PARTS.scan(state, PAIRS_MAX)? {
        if room == 0 {
            break;
        }
        let after = found.value.strip_prefix(TOLD);
        let listed = state.scan(UnitRow::MATCHES, &found.key, after, room)?;
        room -= listed.len();
        for (key, _) in listed.iter().filter(|(_, held)| held.is_spoken) {
            let Some((side, other)) = key.split_first() else { continue };
            let unit = &*found.key;
            let (from, to) = if *side == GIVES { (unit, other) } else { (other, unit) };
            touch(state, from, to);
        }
        let unfinished = listed.last().filter(|_| room == 0);
        let cursor = unfinished.map(|(last, _)| [TOLD, last].concat());
        Queue::PARTS.set(state, &found.key, cursor)?;
    }
    Ok(())
}
