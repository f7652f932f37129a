//! Lists without a record that owns them: an entry is a row, and no row counts them, so that nobody's
//! change meets another's. What stands at a station, the trips of a vehicle, the alerts of a ledger.

use std::marker::PhantomData;

use super::rows::{entries, prefix, value_of};
use super::{Range, Rows, StateFault};
use crate::record::codec::Value;
use proto::trie::Namespace;

/// Stands in keys where the lists of records have the namespace of their owner.
const NOBODY: u8 = 0;

/// Which list. Bytes are fixed for ever.
pub(crate) struct Index<V> {
    code: u8,
    values: PhantomData<V>,
}

impl<V> Clone for Index<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Index<V> {}

impl<V> Index<V> {
    /// The list with this byte.
    pub(crate) const fn new(code: u8) -> Self {
        Self { code, values: PhantomData }
    }
}

impl<V: Value> Index<V> {
    /// The value of an entry.
    pub(crate) fn get(
        self,
        rows: &Rows<'_>,
        owner: &[u8],
        key: &[u8],
    ) -> Result<Option<V>, StateFault> {
        let key = [&*self.prefix(owner), key].concat();
        let found = rows.raw.get(Namespace::List, &key)?;
        found.map(|bytes| value_of(&key, &bytes)).transpose()
    }

    /// Up to `limit` entries of an owner whose keys come after `after`, ascending.
    pub(crate) fn scan(
        self,
        rows: &Rows<'_>,
        owner: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, V)>, StateFault> {
        entries(&rows.raw, &self.prefix(owner), Range { prefix: &[], after }, limit)
    }

    /// Number of entries of an owner, counted up to `limit`.
    pub(crate) fn count(
        self,
        rows: &Rows<'_>,
        owner: &[u8],
        limit: usize,
    ) -> Result<usize, StateFault> {
        let prefix = self.prefix(owner);
        let range = Range { prefix: &prefix, after: None };
        Ok(rows.raw.scan(Namespace::List, &range, limit)?.len())
    }

    /// Whether an owner may have entries; where not, it has none. Costs one reading a block.
    pub(crate) fn is_used(self, rows: &Rows<'_>, owner: &[u8]) -> Result<bool, StateFault> {
        let prefix = self.prefix(owner);
        if let Some(used) = rows.raw.used.borrow().get(&prefix) {
            return Ok(*used);
        }
        let range = Range { prefix: &prefix, after: None };
        let is_used = !rows.raw.scan(Namespace::List, &range, 1)?.is_empty();
        rows.raw.used.borrow_mut().insert(prefix, is_used);
        Ok(is_used)
    }

    /// Whether an owner has no entry.
    pub(crate) fn is_empty(self, rows: &Rows<'_>, owner: &[u8]) -> Result<bool, StateFault> {
        Ok(!self.is_used(rows, owner)? || self.scan(rows, owner, None, 1)?.is_empty())
    }

    /// Writes an entry.
    pub(crate) fn put(self, rows: &mut Rows<'_>, owner: &[u8], key: &[u8], value: &V) {
        let prefix = self.prefix(owner);
        rows.raw.put(Namespace::List, [&*prefix, key].concat(), value.to_bytes());
        rows.raw.used.get_mut().insert(prefix, true);
    }

    /// Removes an entry.
    pub(crate) fn remove(
        self,
        rows: &mut Rows<'_>,
        owner: &[u8],
        key: &[u8],
    ) -> Result<(), StateFault> {
        let prefix = self.prefix(owner);
        if rows.raw.used.get_mut().get(&prefix) == Some(&false) {
            return Ok(());
        }
        rows.raw.delete(Namespace::List, &[&*prefix, key].concat())
    }

    /// Writes an entry where `value` is some, removes it where none.
    pub(crate) fn set(
        self,
        rows: &mut Rows<'_>,
        owner: &[u8],
        key: &[u8],
        value: Option<&V>,
    ) -> Result<(), StateFault> {
        match value {
            Some(value) => {
                self.put(rows, owner, key, value);
                Ok(())
            }
            None => self.remove(rows, owner, key),
        }
    }

    /// Changes the value of an entry; an entry that says nothing any more goes.
    pub(crate) fn update(
        self,
        rows: &mut Rows<'_>,
        owner: &[u8],
        key: &[u8],
        change: impl FnOnce(&mut V),
    ) -> Result<(), StateFault> {
        let mut value = self.get(rows, owner, key)?.unwrap_or_default();
        change(&mut value);
        let value = (!value.is_nothing()).then_some(value);
        self.set(rows, owner, key, value.as_ref())
    }

    fn prefix(self, owner: &[u8]) -> Vec<u8> {
        prefix(NOBODY, self.code, owner)
    }
}
