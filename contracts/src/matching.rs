//! Which codes of different platforms are one goods. Two declarations that agree confirm a match;
//! people decide the rest; nothing is confirmed by being likely.

pub mod act;
mod circle;
pub mod class;
pub mod delivery;
pub(crate) mod settle;

use std::collections::BTreeSet;

use proto::schema::act::Relation;
use proto::trie::Namespace;

use crate::pages::{Map, Pages};
use crate::record::matching::{MatchRecord, MatchStatus};
use crate::record::{self, joined, load, parted};
use crate::state::{Overlay, State, StateFault};
use crate::trace::unit;

/// In a unit's list of matches the value of one that an agency declared or confirmed, so that these
/// are found among a thousand others.
const SPOKEN: &[u8] = &[1];

/// A match as readers see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Match {
    /// Giving unit.
    pub from: Vec<u8>,
    /// Taking unit.
    pub to: Vec<u8>,
    /// What the state holds of it.
    pub record: MatchRecord,
}

/// Key of the match of two units.
pub fn key(from: &[u8], to: &[u8]) -> Vec<u8> {
    joined(&[from, to])
}

/// The match of two units.
pub fn of(state: &dyn State, from: &[u8], to: &[u8]) -> Result<Option<MatchRecord>, StateFault> {
    load(state, Namespace::Match, &key(from, to))
}

/// Matches of a unit, as giving and as taking one, at most `limit`, ascending.
pub fn of_unit(state: &dyn State, unit: &[u8], limit: usize) -> Result<Vec<Match>, StateFault> {
    let mut matches = Vec::new();
    for found in Pages::of(Namespace::Unit, unit, Map::Matches).scan(state, None, limit)? {
        let record = load(state, Namespace::Match, &found.key)?;
        if let (Some((from, to)), Some(record)) = (parted(&found.key), record) {
            matches.push(Match { from: from.to_vec(), to: to.to_vec(), record });
        }
    }
    matches.sort_by(|a, b| (&a.from, &a.to).cmp(&(&b.from, &b.to)));
    Ok(matches)
}

/// Documents that speak for a match, at most `limit`, ascending.
pub fn documents(
    state: &dyn State,
    from: &[u8],
    to: &[u8],
    limit: usize,
) -> Result<Vec<String>, StateFault> {
    let pages = Pages::of(Namespace::Match, &key(from, to), Map::Documents);
    let found = pages.scan(state, None, limit)?;
    let mut documents: Vec<String> =
        found.iter().map(|found| String::from_utf8_lossy(&found.key).into_owned()).collect();
    documents.sort();
    Ok(documents)
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
    state: &dyn State,
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
        let named = unit::of(state, side)?.map(|known| known.agencies).unwrap_or_default();
        for known in named.iter().filter(|known| known.count > 0) {
            spoken.remove(&known.agency);
        }
    }
    Ok(spoken.into_iter().collect())
}

/// Writes a match and keeps both units' lists of matches; a match that nothing speaks for goes.
pub(crate) fn store(
    state: &mut Overlay<'_>,
    from: &[u8],
    to: &[u8],
    record: &MatchRecord,
) -> Result<(), StateFault> {
    let key = key(from, to);
    let mut record = record.clone();
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
    record::store(state, Namespace::Match, &key, &record)?;
    let is_spoken = !record.declared.is_empty() || !record.confirmed.is_empty();
    let entry = (!is_empty).then(|| if is_spoken { SPOKEN.to_vec() } else { Vec::new() });
    for unit in [from, to] {
        let pages = Pages::of(Namespace::Unit, unit, Map::Matches);
        if pages.get(state, &key)? != entry {
            pages.set(state, &key, entry.clone())?;
        }
    }
    Ok(())
}
