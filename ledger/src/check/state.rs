//! The newest values of the proved keys, and the pages over them.

use std::ops::ControlFlow;

use proto::hash::Hash;
use proto::trie::{key_hash, value_hash};

use super::{FAULTS_MAX, Place, Progress, Run};
use crate::schema::{self, split_state};
use crate::sealed;
use crate::store::{Column, StoreError, StoreRead};
use crate::trie::page::{End, Page, Slot};

/// Keys between two reports of progress.
pub(super) const PROGRESS_KEYS: u64 = 10_000;

impl<R: StoreRead> Run<'_, '_, R> {
    /// Pages against the state root of the head, values against the pages, then the heights below.
    pub(super) fn state(&mut self) -> Result<(), StoreError> {
        let head = self.head;
        let root = self.roots.get(&head).copied().unwrap_or_default();
        let root_key = schema::page(0, &Hash::ZERO);
        let mut leaves = 0;
        if root != Hash::ZERO || self.read().get(Column::Pages, &root_key)?.is_some() {
            self.page(0, root_key, root, &mut leaves)?;
        }
        self.values()?;
        if self.faults.is_empty() {
            let rows = self.count(Column::Pages)?;
            let rule = "every page is named by the one above";
            let place = || Place::Height(head);
            self.same(Column::Pages, place, rule, (self.counts.pages, rows));
            let rule = "it has as many keys as the pages have leaves";
            self.same(Column::State, place, rule, (leaves, self.counts.state_keys));
            // What the heights replaced is judged by the newest pages, so these must be sound.
            self.older()?;
        }
        Ok(())
    }

    /// A page and everything below, depth first: only one path is in memory.
    fn page(
        &mut self,
        level: usize,
        key: Vec<u8>,
        expected: Hash,
        leaves: &mut u64,
    ) -> Result<(), StoreError> {
        if self.full() {
            return Ok(());
        }
        let bytes = self.read().get(Column::Pages, &key)?.unwrap_or_default();
        let rule = "the page hashes to what stands above it";
        let page = match Page::decode(level, &bytes) {
            Ok(page) => page,
            Err(error) => {
                self.fault(Column::Pages, Place::Page { key }, rule, (expected, error));
                return Ok(());
            }
        };
        self.counts.pages += 1;
        let place = || Place::Page { key: key.clone() };
        self.same(Column::Pages, place, rule, (expected, page.root()));
        for nibble in page.occupied() {
            match page.slot(nibble) {
                Slot::Leaves(found) => *leaves += u64::try_from(found.len()).expect("at most 3"),
                Slot::Child(root) => {
                    self.page(level + 1, below(level, &key, nibble), root, leaves)?;
                }
            }
        }
        Ok(())
    }

    /// Each value against the leaf of its key.
    fn values(&mut self) -> Result<(), StoreError> {
        let mut wrong: Vec<Wrong> = Vec::new();
        let (mut keys, mut failed) = (0u64, None);
        let (read, progress) = (self.view.read(), &mut self.progress);
        read.scan(Column::State, &[], None, &mut |state_key, stored| {
            keys += 1;
            if keys.is_multiple_of(PROGRESS_KEYS) {
                progress(Progress::State(keys));
            }
            match value(read, state_key, stored) {
                Ok(None) => (), // sound
                Ok(Some(found)) => wrong.push(found),
                Err(error) => failed = Some(error),
            }
            if failed.is_some() || wrong.len() >= FAULTS_MAX {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        // A page that cannot be read is a fault already; the values under it are not to blame.
        if let Some(failed @ StoreError::Failed { .. }) = failed {
            return Err(failed);
        }
        self.counts.state_keys = keys;
        for found in wrong {
            match found {
                Wrong::Row(error) => self.unread(error)?,
                Wrong::Value { state_key, expected, found } => {
                    let rule = "the value hashes to the leaf of its key";
                    self.fault(Column::State, place_of(&state_key), rule, (expected, found));
                }
            }
        }
        Ok(())
    }
}

/// What is wrong with a row of the state.
enum Wrong {
    /// Its checksum.
    Row(StoreError),
    /// Its hash.
    Value { state_key: Vec<u8>, expected: String, found: Hash },
}

fn value(
    read: &impl StoreRead,
    state_key: &[u8],
    stored: &[u8],
) -> Result<Option<Wrong>, StoreError> {
    let found = match sealed::open(Column::State, state_key, stored) {
        Ok(value) => value_hash(value),
        Err(error) => return Ok(Some(Wrong::Row(error))),
    };
    let expected = leaf_of(read, state_key)?;
    if expected == Some(found) {
        return Ok(None);
    }
    let expected = expected.map_or("no such key".to_owned(), |hash| hash.to_string());
    Ok(Some(Wrong::Value { state_key: state_key.to_vec(), expected, found }))
}

/// Key of the page below a slot.
pub(super) fn below(level: usize, key: &[u8], nibble: u8) -> Vec<u8> {
    let mut path = key.to_vec();
    if let Some(first) = path.first_mut() {
        *first = u8::try_from(level + 1).expect("a path has 64 levels");
    }
    if level.is_multiple_of(2) {
        path.push(nibble << 4);
    } else if let Some(last) = path.last_mut() {
        *last |= nibble;
    }
    path
}

/// Value hash of a state key's leaf.
fn leaf_of(read: &impl StoreRead, state_key: &[u8]) -> Result<Option<Hash>, StoreError> {
    let Some((namespace, key)) = split_state(state_key) else { return Ok(None) };
    let path = key_hash(namespace, key);
    for level in 0..64 {
        let page_key = schema::page(level, &path);
        let Some(bytes) = read.get(Column::Pages, &page_key)? else { return Ok(None) };
        let page = Page::decode(level, &bytes)
            .map_err(|_| StoreError::damaged(Column::Pages, &page_key, "expected a page"))?;
        match page.walk(level, &path, &mut Vec::new()) {
            End::Empty => return Ok(None),
            End::Leaf(leaf) => return Ok((leaf.key == path).then_some(leaf.value)),
            End::Below => (), // the walk goes on in the next page
        }
    }
    Ok(None)
}

pub(super) fn place_of(state_key: &[u8]) -> Place {
    match split_state(state_key) {
        Some((namespace, key)) => Place::State { namespace, key: key.to_vec() },
        None => Place::Key(state_key.to_vec()),
    }
}
