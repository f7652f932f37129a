//! What recent heights replaced: rolled back height by height and compared with the history.

use std::collections::BTreeMap;

use proto::codec::DecodeError;
use proto::hash::Hash;
use proto::trie::{key_hash, value_hash};
use proto::types::Height;

use super::state::{below, place_of};
use super::{Place, Progress, Run};
use crate::schema::{self, split_state};
use crate::state::undo_floor;
use crate::store::{Column, StoreError, StoreRead};
use crate::trie::page::{Page, Slot};
use crate::trie::undo::{self, Group};

/// Pages as they were at an older height, where they differ from the newest. As many as the heights
/// of the window touched.
type Rolled = BTreeMap<Vec<u8>, Page>;

/// Value hashes by key hash.
type Leaves = BTreeMap<Hash, Hash>;

/// What one height changed, put together from its groups.
#[derive(Default)]
struct Changed {
    /// Pages, with the slots that were restored.
    pages: Vec<(Vec<u8>, u16)>,
    /// Leaves of these slots after the height.
    newer: Leaves,
    /// Leaves of these slots before it.
    older: Leaves,
    /// Old values as they are stored.
    values: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl<R: StoreRead> Run<'_, '_, R> {
    /// Rolls the pages back height by height. They and the newest pages must be sound.
    pub(super) fn older(&mut self) -> Result<(), StoreError> {
        let head = self.head;
        let floor = undo_floor(head);
        let all = head.next().value().saturating_sub(floor.value());
        let mut rolled = Rolled::default();
        for number in (floor.value()..=head.value()).rev() {
            if self.full() {
                return Ok(());
            }
            let height = Height::new(number);
            let prefix = schema::height(height);
            let mut changed = Changed::default();
            for (row, bytes) in
                self.read().scan_prefix(Column::Undo, &prefix, &prefix, usize::MAX)?
            {
                let rule = "expected old slots and old values";
                let damaged = |_: DecodeError| StoreError::damaged(Column::Undo, &row, rule);
                let group = Group::decode(&bytes).map_err(damaged)?;
                self.roll_back(&row, group, (&mut rolled, &mut changed))?;
            }
            if !self.older_root(height.minus(1), &rolled, &changed)? {
                return Ok(());
            }
            self.older_values(height, changed);
            self.counts.older_states += 1;
            (self.progress)(Progress::OlderStates(self.counts.older_states, all));
        }
        let known = |key: &[u8]| {
            let number = key.split_at_checked(8).map(|(height, _)| height.try_into());
            let height = number.and_then(Result::ok).map(u64::from_be_bytes);
            height.is_some_and(|height| (floor.value()..=head.value()).contains(&height))
        };
        self.strays(Column::Undo, "it holds heights of the window", known)
    }

    /// Puts back what one group of a height replaced.
    fn roll_back(
        &mut self,
        row: &[u8],
        group: Group,
        (rolled, changed): (&mut Rolled, &mut Changed),
    ) -> Result<(), StoreError> {
        let damaged = |rule| StoreError::damaged(Column::Undo, row, rule);
        for (key, old) in group.pages {
            let level = level_of(&key).filter(|level| schema::is_page(*level, &key));
            let level = level.ok_or_else(|| damaged("expected keys of pages"))?;
            if !row.ends_with(&undo::page_group(&key)) {
                return Err(damaged("expected pages of the group"));
            }
            let mut page = match rolled.remove(&key) {
                Some(page) => page,
                None => stored(self.read(), &key)?.unwrap_or_default(),
            };
            let newer = page.clone();
            let touched =
                page.restore(level, &old).map_err(|_| damaged("expected old slots of a page"))?;
            page.refresh(level, touched);
            gather(&newer, touched, &mut changed.newer);
            gather(&page, touched, &mut changed.older);
            rolled.insert(key.clone(), page);
            changed.pages.push((key, touched));
        }
        for (state_key, old) in group.values {
            let path = split_state(&state_key).map(|(namespace, key)| key_hash(namespace, key));
            if path.is_none_or(|path| !row.ends_with(&undo::value_group(&path))) {
                return Err(damaged("expected state keys of the group"));
            }
            changed.values.push((state_key, old));
        }
        Ok(())
    }

    /// Whether the pages as rolled back have the state root of a height. Only what the height above
    /// replaced can have changed: the restored slots and the pages below them.
    fn older_root(
        &mut self,
        height: Height,
        rolled: &Rolled,
        changed: &Changed,
    ) -> Result<bool, StoreError> {
        let expected = self.roots.get(&height).copied().unwrap_or_default();
        let root = page_root(self.read(), &schema::page(0, &Hash::ZERO), rolled)?;
        let rule = "what was replaced leads back to the state root of the height";
        let place = || Place::Height(height);
        if !self.same(Column::Undo, place, rule, (expected, root)) {
            return Ok(false);
        }
        for (key, touched) in &changed.pages {
            let (Some(level), Some(page)) = (level_of(key), rolled.get(key)) else { continue };
            for nibble in page.occupied().filter(|nibble| touched >> nibble & 1 == 1) {
                let Slot::Child(expected) = page.slot(nibble) else { continue };
                let root = page_root(self.read(), &below(level, key, nibble), rolled)?;
                if !self.same(Column::Undo, place, rule, (expected, root)) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// The old values are those of the leaves that the height changed, no more and no fewer.
    fn older_values(&mut self, height: Height, changed: Changed) {
        let Changed { newer, older, values, .. } = changed;
        let shown = |hash: Option<&Hash>| hash.map_or("absent".to_owned(), Hash::to_string);
        let replaced = |what| Place::Replaced { height, what: Box::new(what) };
        let mut named = Leaves::new();
        for (state_key, old) in values {
            let Some((namespace, key)) = split_state(&state_key) else { continue };
            let path = key_hash(namespace, key);
            let found = old.map(|value| value_hash(&value));
            let expected = older.get(&path);
            if expected != found.as_ref() || newer.get(&path) == expected {
                let rule = "the old value hashes to the leaf that the height replaced";
                let (expected, found) = (shown(expected), shown(found.as_ref()));
                self.fault(Column::Undo, replaced(place_of(&state_key)), rule, (expected, found));
            }
            named.insert(path, path);
        }
        let moved = newer.keys().chain(older.keys());
        let lost = moved.filter(|path| newer.get(path) != older.get(path));
        for path in lost.filter(|path| !named.contains_key(path)) {
            let rule = "a leaf that the height replaced has its old value";
            let place = replaced(Place::Key(path.as_bytes().to_vec()));
            self.fault(Column::Undo, place, rule, (shown(older.get(path)), "none"));
        }
    }
}

/// The leaves of some slots.
fn gather(page: &Page, touched: u16, leaves: &mut Leaves) {
    for nibble in page.occupied().filter(|nibble| touched >> nibble & 1 == 1) {
        match page.slot(nibble) {
            Slot::Leaves(found) => leaves.extend(found.iter().map(|leaf| (leaf.key, leaf.value))),
            Slot::Child(_) => (), // its own page tells
        }
    }
}

fn level_of(key: &[u8]) -> Option<usize> {
    key.first().map(|level| usize::from(*level))
}

fn stored(read: &impl StoreRead, key: &[u8]) -> Result<Option<Page>, StoreError> {
    let Some(bytes) = read.get(Column::Pages, key)? else { return Ok(None) };
    let page = Page::decode(level_of(key).unwrap_or_default(), &bytes);
    page.map(Some).map_err(|_| StoreError::damaged(Column::Pages, key, "expected a page"))
}

/// Root of a page, rolled back or newest; of one that is not there, that of an empty one.
fn page_root(read: &impl StoreRead, key: &[u8], rolled: &Rolled) -> Result<Hash, StoreError> {
    match rolled.get(key) {
        Some(page) => Ok(page.root()),
        None => Ok(stored(read, key)?.map_or(Hash::ZERO, |page| page.root())),
    }
}
