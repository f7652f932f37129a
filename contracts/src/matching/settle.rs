//! The end of a block for matching: deliveries that were touched are judged, matches whose evidence
//! changed get their status, classes are searched for contradictions. Bounded; what does not fit
//! goes on in the next block.

use std::collections::{BTreeMap, BTreeSet};

use proto::Hash;
use proto::receipt::{AlertNotice, Role};
use proto::schema::act::Relation;
use proto::trie::Namespace;

use super::class::{self, Pair, pair_of, verdict_byte};
use super::{SPOKEN, bystanders, delivery, key, status_of, store};
use crate::execute::{BlockContext, Step};
use crate::links::unit_link;
use crate::pages::{Map, Pages};
use crate::queue::Queue;
use crate::record::matching::{Conflict, MatchRecord, MatchStatus};
use crate::record::shipment::{LegSum, ShipmentRecord, Verdict};
use crate::record::step::{StepKind, StepRecord};
use crate::record::{load_or_default, parted};
use crate::risk;
use crate::state::{Overlay, StateFault};
use crate::step;
use crate::trace::value_of;

/// Pairs of codes that are judged in a block: ten full lorries, some milliseconds.
const PAIRS_MAX: usize = 4_096;

/// Units and matches that are looked at in a block to search classes for contradictions; the matches
/// whose classes it does not get to wait for the next one.
pub(super) const LOOKED_MAX: usize = 16_384;

/// Deliveries that are to be judged.
const SHIPMENTS: Queue = Queue::of(b"shipments");

/// Entries of units' lists of matches that are looked at in a block for those that agencies spoke of:
/// the lists of eight lots of a thousand boxes.
const LISTED_MAX: usize = 8_192;

/// Units where it changed who has a part in them.
const PARTS: Queue = Queue::of(b"parts");

/// Matches that are to be judged.
const MATCHES: Queue = Queue::of(b"matches");

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

/// Notes that a delivery is to be judged at the end of the block.
pub(crate) fn touch_shipment(state: &mut Overlay<'_>, key: &[u8]) {
    SHIPMENTS.put(state, key, Vec::new());
}

/// Notes that a match is to be judged at the end of the block.
pub(crate) fn touch_match(state: &mut Overlay<'_>, from: &[u8], to: &[u8]) {
    MATCHES.put(state, &key(from, to), Vec::new());
}

/// Judges what was touched.
pub(crate) fn settle(
    context: &BlockContext,
    state: &mut Overlay<'_>,
) -> Result<Vec<Step>, StateFault> {
    let mut budget = PAIRS_MAX;
    for found in SHIPMENTS.scan(state, PAIRS_MAX)? {
        if budget == 0 {
            break;
        }
        judge(state, &found.key, &found.value, &mut budget)?;
    }
    spoken(state)?;
    let mut pairs = Vec::new();
    for found in MATCHES.scan(state, PAIRS_MAX)? {
        MATCHES.remove(state, &found.key)?;
        pairs.extend(pair_of(&found.key));
    }
    let changes = review(context, state, &pairs, LOOKED_MAX)?;
    let mut steps = Vec::new();
    for (pair, change) in changes {
        steps.extend(step_of(context, state, &pair, change)?);
    }
    Ok(steps)
}

/// Judges one delivery and tells its pairs.
fn judge(
    state: &mut Overlay<'_>,
    key: &[u8],
    cursor: &[u8],
    budget: &mut usize,
) -> Result<(), StateFault> {
    let Some((document, from)) = pair_of(key) else { return SHIPMENTS.remove(state, key) };
    let verdict = delivery::verdict(state, key)?;
    let crosses = crosses_agencies(state, key)?;
    let after = <[u8; 32]>::try_from(cursor).ok().map(Hash::new);
    let takers = Pages::of(Namespace::Shipment, key, Map::Takers);
    let found = takers.scan(state, after, *budget)?;
    *budget -= found.len();
    for taker in &found {
        let sum: LegSum = value_of(&taker.key, &taker.value)?;
        // One code on both sides needs no match; across a border it is recorded as carried.
        let is_pair = taker.key != from || crosses && verdict != Verdict::OneSided;
        let speaks = (sum.count > 0 && is_pair).then_some(verdict);
        set_document(state, (&from, &taker.key), &document, speaks)?;
    }
    let unfinished = found.last().filter(|_| *budget == 0);
    SHIPMENTS.set(state, key, unfinished.map(|last| last.place.as_bytes().to_vec()))
}

/// Whether platforms of different agencies speak of a delivery.
fn crosses_agencies(state: &Overlay<'_>, key: &[u8]) -> Result<bool, StateFault> {
    let legs = delivery::legs(state, key, 16)?;
    let agencies: BTreeSet<u32> =
        legs.iter().filter(|(_, sum)| sum.count > 0).map(|(leg, _)| leg.agency).collect();
    Ok(agencies.len() > 1)
}

/// Sets what a document says of a pair; none where it says nothing any more.
pub(crate) fn set_document(
    state: &mut Overlay<'_>,
    (from, to): (&[u8], &[u8]),
    document: &[u8],
    verdict: Option<Verdict>,
) -> Result<(), StateFault> {
    let match_key = key(from, to);
    let pages = Pages::of(Namespace::Match, &match_key, Map::Documents);
    let before = pages.get(state, document)?;
    let now = verdict
        .filter(|verdict| *verdict != Verdict::Unspecified)
        .map(|verdict| vec![verdict_byte(verdict)]);
    if before != now {
        let mut record: MatchRecord = load_or_default(state, Namespace::Match, &match_key)?;
        count_verdict(&mut record, before.as_deref(), -1);
        count_verdict(&mut record, now.as_deref(), 1);
        pages.set(state, document, now)?;
        store(state, from, to, &record)?;
    }
    // Quantities may have changed under the same verdict, and with them what contradicts the match.
    if before.is_some() || verdict.is_some() {
        touch_match(state, from, to);
    }
    Ok(())
}

fn count_verdict(record: &mut MatchRecord, byte: Option<&[u8]>, count: i64) {
    let Some([byte]) = byte else { return };
    let sum = match Verdict::try_from(i32::from(*byte)).unwrap_or_default() {
        Verdict::Unspecified => return,
        Verdict::OneSided => &mut record.one_sided,
        Verdict::Confirmed => &mut record.agreeing,
        Verdict::QuantityDiffers | Verdict::PartyDiffers | Verdict::TooMany => {
            &mut record.disagreeing
        }
    };
    *sum = sum.wrapping_add(count);
}

/// Gives each match its status, and each class of them its contradictions. Classes are searched until
/// `room` units and matches were looked at; the matches of the rest are noted again.
pub(crate) fn review(
    context: &BlockContext,
    state: &mut Overlay<'_>,
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
                touch_match(state, &pair.0, &pair.1);
                break;
            }
            let found = class::of(state, side)?;
            room = room.saturating_sub(found.looked);
            let conflicts = found.conflicts(state)?;
            for member in found.matches.keys() {
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
    state: &mut Overlay<'_>,
    (from, to): &Pair,
) -> Result<(MatchStatus, MatchStatus), StateFault> {
    let mut record: MatchRecord = load_or_default(state, Namespace::Match, &key(from, to))?;
    let bystanders = bystanders(state, (from, to), &record)?;
    let is_other = record.bystanders != bystanders;
    record.bystanders = bystanders;
    let (before, now) = (record.status(), status_of(&record));
    record.status = now.into();
    if is_other || before != now {
        store(state, from, to, &record)?;
    }
    Ok((before, now))
}

/// Notes what contradicts a match, and tells the risk rules where that changed.
fn contradict(
    context: &BlockContext,
    state: &mut Overlay<'_>,
    pair: &Pair,
    now: &[Conflict],
    changes: &mut BTreeMap<Pair, Change>,
) -> Result<(), StateFault> {
    let mut record: MatchRecord = load_or_default(state, Namespace::Match, &key(&pair.0, &pair.1))?;
    let before: Vec<Conflict> = record.conflicts().collect();
    if before == now {
        return Ok(());
    }
    record.conflicts = now.iter().map(|conflict| i32::from(*conflict)).collect();
    store(state, &pair.0, &pair.1, &record)?;
    let raised = risk::on_match_conflict(context, state, (&pair.0, &pair.1), now)?;
    let change = changes.entry(pair.clone()).or_default();
    change.alerts.extend(raised.alerts);
    change.steps.extend(raised.steps);
    Ok(())
}

/// The steps of a change that nobody's operation made.
pub(crate) fn step_of(
    context: &BlockContext,
    state: &Overlay<'_>,
    (from, to): &Pair,
    change: Change,
) -> Result<Vec<Step>, StateFault> {
    let record: MatchRecord = load_or_default(state, Namespace::Match, &key(from, to))?;
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
        shipped: shipment.shipped,
        received: shipment.received,
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
    state: &Overlay<'_>,
    from: &[u8],
    to: &[u8],
) -> Result<Option<(String, ShipmentRecord)>, StateFault> {
    let pages = Pages::of(Namespace::Match, &key(from, to), Map::Documents);
    let Some(first) = pages.scan(state, None, 1)?.pop() else { return Ok(None) };
    let document = String::from_utf8_lossy(&first.key).into_owned();
    let shipment = delivery::shipment(state, &delivery::shipment_key(&document, from))?;
    Ok(Some((document, shipment.unwrap_or_default())))
}

/// Notes that it changed who has a part in a unit: whose word counts at its matches.
pub(crate) fn touch_spoken(state: &mut Overlay<'_>, unit: &[u8]) -> Result<(), StateFault> {
    if matches_of(unit).len(state)? > 0 {
        PARTS.put(state, unit, Vec::new());
    }
    Ok(())
}

/// Touches the matches that agencies spoke of, of units where it changed who has a part in them.
fn spoken(state: &mut Overlay<'_>) -> Result<(), StateFault> {
    let mut room = LISTED_MAX;
    for found in PARTS.scan(state, PAIRS_MAX)? {
        if room == 0 {
            break;
        }
        let after = <[u8; 32]>::try_from(&*found.value).ok().map(Hash::new);
        let listed = matches_of(&found.key).scan(state, after, room)?;
        room -= listed.len();
        for entry in listed.iter().filter(|entry| entry.value == SPOKEN) {
            MATCHES.put(state, &entry.key, Vec::new());
        }
        let unfinished = listed.last().filter(|_| room == 0);
        PARTS.set(state, &found.key, unfinished.map(|last| last.place.as_bytes().to_vec()))?;
    }
    Ok(())
}

/// Touches a match of a unit whose papers changed: one that stands is enough to search the class.
pub(crate) fn touch_unit(state: &mut Overlay<'_>, unit: &[u8]) -> Result<(), StateFault> {
    /// Matches of one unit that are looked at for one that stands, and how many at once.
    const LOOKED_MAX: usize = 256;
    const CHUNK: usize = 8;
    let mut after = None;
    for _ in 0..LOOKED_MAX / CHUNK {
        let listed = matches_of(unit).scan(state, after, CHUNK)?;
        for found in &listed {
            let Some((from, to)) = parted(&found.key).filter(|(from, to)| from != to) else {
                continue;
            };
            let record: MatchRecord = load_or_default(state, Namespace::Match, &found.key)?;
            if stands(status_of(&record)) {
                touch_match(state, from, to);
                return Ok(());
            }
        }
        let Some(last) = listed.last().filter(|_| listed.len() == CHUNK) else { break };
        after = Some(last.place);
    }
    Ok(())
}

fn matches_of(unit: &[u8]) -> Pages {
    Pages::of(Namespace::Unit, unit, Map::Matches)
}

/// Whether a match with this status makes its codes one class.
const fn stands(status: MatchStatus) -> bool {
    match status {
        MatchStatus::OneSided | MatchStatus::Confirmed | MatchStatus::InDoubt => true,
        MatchStatus::Unspecified | MatchStatus::Voided => false,
    }
}
