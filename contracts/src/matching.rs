//! Which codes of different platforms are one goods. Two declarations that agree confirm a match;
//! people decide the rest; nothing is confirmed by being likely.

mod circle;
pub mod class;
pub mod delivery;

use crate::effect::matches::GIVES;
use crate::key::match_key;
use crate::record::matching::{MatchRecord, MatchRow};
use crate::record::unit::UnitRow;
use crate::state::{Rows, StateFault};

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

/// The match of two units.
pub fn of(state: &Rows<'_>, from: &[u8], to: &[u8]) -> Result<Option<MatchRecord>, StateFault> {
    let row = state.row::<MatchRow>(&match_key(from, to))?;
    Ok(Some(&row.record).filter(|record| **record != MatchRecord::default()).cloned())
}

/// Matches of a unit, as giving and as taking one, at most `limit`, ascending.
pub fn of_unit(state: &Rows<'_>, unit: &[u8], limit: usize) -> Result<Vec<Match>, StateFault> {
    let mut matches = Vec::new();
    for (key, _) in state.scan(UnitRow::MATCHES, unit, None, limit)? {
        let Some((side, other)) = key.split_first() else { continue };
        let (from, to) = if *side == GIVES { (unit, other) } else { (other, unit) };
        if let Some(record) = of(state, from, to)? {
            matches.push(Match { from: from.to_vec(), to: to.to_vec(), record });
        }
    }
    matches.sort_by(|a, b| (&a.from, &a.to).cmp(&(&b.from, &b.to)));
    Ok(matches)
}

/// Number of matches of a unit, as giving and as taking one.
pub fn count_of_unit(state: &Rows<'_>, unit: &[u8]) -> Result<u64, StateFault> {
    state.len(UnitRow::MATCHES, unit)
}

/// Documents that speak for a match, at most `limit`, ascending.
pub fn documents(
    state: &Rows<'_>,
    from: &[u8],
    to: &[u8],
    limit: usize,
) -> Result<Vec<String>, StateFault> {
    let found = state.scan(MatchRow::DOCUMENTS, &match_key(from, to), None, limit)?;
    Ok(found.iter().map(|(key, _)| String::from_utf8_lossy(key).into_owned()).collect())
}

/// Number of documents that speak for a match.
pub fn count_documents(state: &Rows<'_>, from: &[u8], to: &[u8]) -> Result<u64, StateFault> {
    state.len(MatchRow::DOCUMENTS, &match_key(from, to))
}
