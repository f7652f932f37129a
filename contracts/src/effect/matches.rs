//! Matches as records: what speaks for and against two codes being one goods, where that leaves them,
//! and what each of both units knows of it. Who judges them, and when, is `matching`'s business.

use std::collections::BTreeSet;

use proto::schema::act::Relation;

use crate::key::{match_key, parted};
use crate::record::codec::Byte;
use crate::record::matching::{MatchRecord, MatchRow, MatchStatus, Matched};
use crate::record::shipment::Verdict;
use crate::record::unit::UnitRow;
use crate::state::{Queue, Range, Rows, StateFault};

/// In a unit's list of matches, one in which it gives.
pub(crate) const GIVES: u8 = 0;

/// In a unit's list of matches, one in which it takes.
pub(crate) const TAKES: u8 = 1;

/// Notes that a match is to be judged at the end of the block.
pub(crate) fn touch(state: &mut Rows<'_>, from: &[u8], to: &[u8]) {
    Queue::MATCHES.put(state, &match_key(from, to), Vec::new());
}

/// Touches a match of a unit whose papers changed: one that stands is enough to search the class.
pub(crate) fn touch_class(state: &mut Rows<'_>, unit: &[u8]) -> Result<(), StateFault> {
    /// Matches of one unit that are looked at for one that stands.
    const LOOKED_MAX: usize = 256;
    for (key, held) in state.scan(UnitRow::MATCHES, unit, None, LOOKED_MAX)? {
        let Some((side, other)) = key.split_first() else { continue };
        if stands(held.status) && other != unit {
            let (from, to) = if *side == GIVES { (unit, other) } else { (other, unit) };
            touch(state, from, to);
            break;
        }
    }
    Ok(())
}

/// Where a match stands, by everything that speaks for and against it.
pub(crate) fn status_of(record: &MatchRecord) -> MatchStatus {
    if record.voided_height > 0 {
        return MatchStatus::Voided;
    }
    if !record.disputed.is_empty() {
        return MatchStatus::InDoubt;
    }
    // Once a person has spoken and two agencies say so, or the one that it concerns alone, it is
    // settled, whatever the papers say.
    let has_act = !record.declared.is_empty() || !record.confirmed.is_empty();
    if has_act && (record.own_matter || voices(record).len() > 1) {
        return MatchStatus::Confirmed;
    }
    if record.disagreeing > 0 {
        MatchStatus::InDoubt
    } else if record.agreeing > 0 {
        MatchStatus::Confirmed
    } else if record.one_sided > 0 || has_act || !voices(record).is_empty() {
        MatchStatus::OneSided
    } else {
        MatchStatus::Unspecified
    }
}

/// Whether a match with this status makes its codes one class.
pub(crate) const fn stands(status: MatchStatus) -> bool {
    match status {
        MatchStatus::OneSided | MatchStatus::Confirmed | MatchStatus::InDoubt => true,
        MatchStatus::Unspecified | MatchStatus::Voided => false,
    }
}

/// Agencies that say that both codes are one goods, and have had a part in them.
pub(crate) fn voices(record: &MatchRecord) -> BTreeSet<u32> {
    let claims = record.claimants.iter().filter(|claim| claim.count > 0);
    let acts = record.declared.iter().chain(&record.confirmed).copied();
    let acts = acts.filter(|agency| !record.bystanders.contains(agency));
    claims.map(|claim| claim.agency).chain(acts).collect()
}

/// Agencies that declared or confirmed a match though no event of theirs names either unit. Who ships
/// or receives a unit names it, and who receives it under a code of his own names both.
pub(crate) fn bystanders(
    state: &Rows<'_>,
    (from, to): (&[u8], &[u8]),
    record: &MatchRecord,
) -> Result<Vec<u32>, StateFault> {
    let mut spoken: BTreeSet<u32> =
        record.declared.iter().chain(&record.confirmed).copied().collect();
    // Of nearly every match nobody has said anything, and this is all it costs to know.
    if spoken.is_empty() {
        return Ok(Vec::new());
    }
    for side in [from, to] {
        let row = state.row::<UnitRow>(side)?;
        for known in row.agencies.iter().filter(|known| known.count > 0) {
            spoken.remove(&known.agency);
        }
    }
    Ok(spoken.into_iter().collect())
}

/// Writes a match and keeps both units' lists of matches; a match that nothing speaks for goes.
pub(crate) fn store(
    state: &mut Rows<'_>,
    (from, to): (&[u8], &[u8]),
    mut record: MatchRecord,
) -> Result<(), StateFault> {
    let is_empty = record.agreeing == 0
        && record.one_sided == 0
        && record.disagreeing == 0
        && record.claimants.is_empty()
        && record.declared.is_empty()
        && record.confirmed.is_empty()
        && record.disputed.is_empty()
        && record.voided_height == 0
        && record.status() == MatchStatus::Unspecified
        && record.conflicts.is_empty();
    if is_empty {
        record = MatchRecord::default();
    } else if record.relation() == Relation::Unspecified {
        record.relation = if from == to { Relation::Carry } else { Relation::Same }.into();
    }
    let is_spoken = !record.declared.is_empty() || !record.confirmed.is_empty();
    let entry = (!is_empty).then(|| Matched { status: status_of(&record), is_spoken });
    state.edit::<MatchRow>(&match_key(from, to))?.row.record = record;
    let sides = [(GIVES, from, to), (TAKES, to, from)];
    // A unit that keeps its code over a delivery is on both sides, and its list names it once.
    let sides = if from == to { sides.get(..1) } else { sides.get(..) };
    for (side, unit, other) in sides.into_iter().flatten() {
        let key = [&[*side], *other].concat();
        if state.entry(UnitRow::MATCHES, unit, &key)? != entry {
            state.set(UnitRow::MATCHES, unit, &key, entry)?;
        }
    }
    Ok(())
}

/// Sets what a document says of a pair; none where it says nothing any more.
pub(crate) fn set_document(
    state: &mut Rows<'_>,
    (from, to): (&[u8], &[u8]),
    document: &[u8],
    verdict: Option<Verdict>,
) -> Result<(), StateFault> {
    let key = match_key(from, to);
    let before = state.entry(MatchRow::DOCUMENTS, &key, document)?.map(|byte| byte.0);
    let now = verdict.filter(|verdict| *verdict != Verdict::Unspecified).map(Verdict::code);
    if before != now {
        let mut record = state.row::<MatchRow>(&key)?.record.clone();
        count_verdict(&mut record, before, -1);
        count_verdict(&mut record, now, 1);
        state.set(MatchRow::DOCUMENTS, &key, document, now.map(Byte))?;
        store(state, (from, to), record)?;
    }
    // Quantities may have changed under the same verdict, and with them what contradicts the match.
    if before.is_some() || verdict.is_some() {
        touch(state, from, to);
    }
    Ok(())
}

fn count_verdict(record: &mut MatchRecord, byte: Option<u8>, count: i64) {
    let Some(byte) = byte else { return };
    let sum = match Verdict::try_from(i32::from(byte)).unwrap_or_default() {
        Verdict::Unspecified => return,
        Verdict::OneSided => &mut record.one_sided,
        Verdict::Confirmed => &mut record.agreeing,
        Verdict::QuantityDiffers | Verdict::PartyDiffers | Verdict::TooMany => {
            &mut record.disagreeing
        }
    };
    *sum = sum.wrapping_add(count);
}

/// Units that standing matches give a unit's goods to or from, at most `limit` looked at.
pub(crate) fn beside(
    state: &Rows<'_>,
    unit: &[u8],
    side: u8,
    limit: usize,
) -> Result<Vec<Vec<u8>>, StateFault> {
    let range = Range { prefix: &[side], after: None };
    let found = state.scan_below(UnitRow::MATCHES, unit, range, limit)?;
    let live = found.into_iter().filter(|(_, held)| stands(held.status));
    let others = live.filter_map(|(key, _)| Some(key.split_first()?.1.to_vec()));
    Ok(others.filter(|other| other != unit).collect())
}

/// Giving and taking unit in the key of a match.
pub(crate) fn pair_of(key: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    parted(key).map(|(from, to)| (from.to_vec(), to.to_vec()))
}
