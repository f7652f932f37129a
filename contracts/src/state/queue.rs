//! What the operations of a block leave to be looked at at its end. Normally all of it is, so it lies
//! in memory; what a block does not get to becomes rows, and the next block begins with it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Index, Rows, StateFault};

/// What earlier blocks left, by queue.
const LEFT: Index<Vec<u8>> = Index::new(1);

/// What the operations of a block noted.
#[derive(Default)]
pub(crate) struct Notes {
    noted: BTreeMap<u8, BTreeMap<Vec<u8>, Vec<u8>>>,
}

/// A queue by its byte, which is fixed for ever.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Queue(u8);

/// What is to be looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Noted {
    /// The key.
    pub(crate) key: Vec<u8>,
    /// Where an earlier block stopped, or what an operation noted.
    pub(crate) value: Vec<u8>,
    /// Whether an earlier block left it, done in part or not at all.
    pub(crate) is_left: bool,
}

/// Every queue.
const ALL: [Queue; 7] = [Queue(1), Queue(2), Queue(3), Queue(4), Queue(5), Queue(6), Queue(7)];

impl Queue {
    /// Deliveries that are to be judged.
    pub(crate) const SHIPMENTS: Self = Self(1);
    /// Takers of deliveries that are to be told again what their delivery comes to.
    pub(crate) const TAKERS: Self = Self(2);
    /// Units where it changed who has a part in them.
    pub(crate) const PARTS: Self = Self(3);
    /// Matches that are to be judged.
    pub(crate) const MATCHES: Self = Self(4);
    /// Balances that the rule R12 is to look at.
    pub(crate) const BALANCES: Self = Self(5);
    /// Goods whose places the rule R12 is to look at.
    pub(crate) const GOODS: Self = Self(6);
    /// Units and declarations that the rule R01 is to look at.
    pub(crate) const PAPERS: Self = Self(7);

    /// Notes a key; a second note of one key replaces the first.
    pub(crate) fn put(self, rows: &mut Rows<'_>, key: &[u8], value: Vec<u8>) {
        rows.notes.noted.entry(self.0).or_default().insert(key.to_vec(), value);
    }

    /// Up to `limit` entries: what earlier blocks left, then what this one noted. What was left half
    /// done and is noted anew begins from the beginning: what was done of it may be out of date.
    pub(crate) fn scan(self, rows: &Rows<'_>, limit: usize) -> Result<Vec<Noted>, StateFault> {
        let mut found = Vec::new();
        let noted = rows.notes.noted.get(&self.0);
        if LEFT.is_used(rows, &[self.0])? {
            for (key, value) in LEFT.scan(rows, &[self.0], None, limit)? {
                let value = noted.and_then(|noted| noted.get(&key)).cloned().unwrap_or(value);
                found.push(Noted { key, value, is_left: true });
            }
        }
        let room = limit.saturating_sub(found.len());
        let left: BTreeSet<&Vec<u8>> = found.iter().map(|left| &left.key).collect();
        let noted = noted.into_iter().flatten().filter(|(key, _)| !left.contains(key));
        let noted = noted.take(room).map(|(key, value)| Noted {
            key: key.clone(),
            value: value.clone(),
            is_left: false,
        });
        let noted: Vec<Noted> = noted.collect();
        found.extend(noted);
        Ok(found)
    }

    /// Takes a key out.
    pub(crate) fn remove(self, rows: &mut Rows<'_>, key: &[u8]) -> Result<(), StateFault> {
        if let Some(noted) = rows.notes.noted.get_mut(&self.0) {
            noted.remove(key);
        }
        if !LEFT.is_used(rows, &[self.0])? {
            return Ok(());
        }
        LEFT.remove(rows, &[self.0], key)
    }

    /// Leaves a key with what is to be gone on with to the next block, or takes it out.
    pub(crate) fn set(
        self,
        rows: &mut Rows<'_>,
        key: &[u8],
        value: Option<Vec<u8>>,
    ) -> Result<(), StateFault> {
        self.remove(rows, key)?;
        if let Some(value) = value {
            LEFT.put(rows, &[self.0], key, &value);
        }
        Ok(())
    }
}

/// Writes what was noted and not looked at as rows. The last thing that a block does. Whether the next
/// block has anything to begin with.
pub(crate) fn leave(rows: &mut Rows<'_>) -> Result<bool, StateFault> {
    let mut is_left = false;
    for queue in ALL {
        for (key, value) in rows.notes.noted.remove(&queue.0).unwrap_or_default() {
            LEFT.put(rows, &[queue.0], &key, &value);
        }
        is_left |= !LEFT.is_empty(rows, &[queue.0])?;
    }
    Ok(is_left)
}
