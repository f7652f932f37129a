//! Storage of the state trie: pages of four levels, updated by many keys in one pass, bottom-up.
//!
//! The root is `proto::trie::root` of the set of leaves; nothing else of the storage shows outside.
//! The pages of the first levels stay in memory, whoever updates; readers read them from the store.

pub(crate) mod page;
#[cfg(test)]
mod tests;
pub(crate) mod undo;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto::hash::Hash;
use proto::trie::StateProof;
use proto::types::Height;

use self::page::{End, LEVELS_MAX, Leaf, Page, SLOT_LEAVES_MAX, Slot, nibble, write_old};
use self::undo::{Folded, Undo};
use crate::schema;
use crate::sealed;
use crate::store::{Batch, Column, Pair, StoreError, StoreRead};

/// Levels of pages that an updating trie keeps in memory: at most 69,905 pages of 1.4 KB, and that
/// only above a million keys. Below lies about one page for each changed key, read when it changes.
const LEVELS_IN_MEMORY: usize = 5;

/// A key, hashed, with the hash of its new value, or none where it is deleted.
pub(crate) type Changed = (Hash, Option<Hash>);

/// The trie as its one writer sees it.
#[derive(Debug, Default)]
pub(crate) struct Trie {
    /// By level, then by the number that the path spells; grown when first used.
    levels: [Vec<Option<Box<Page>>>; LEVELS_IN_MEMORY],
}

/// What a pass writes, and the pages it has already read.
struct Pass<'a, S> {
    store: &'a S,
    batch: &'a mut Batch,
    undo: &'a mut Undo,
    /// Pages just below memory, in the order in which they will be asked for.
    fetched: VecDeque<Pair>,
    /// A page and a list of old slots that were used before: most changed keys need one of each.
    spare: Option<Box<Page>>,
    old: Vec<u8>,
}

/// A page under way.
struct Open {
    page: Box<Page>,
    nodes: Nodes,
}

/// Which nodes of a page are computed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nodes {
    /// All of them.
    Known,
    /// Those that were stored with it.
    AsStored,
}

/// What stands for a page in the slot above it.
enum Above {
    /// So few leaves that they need no page.
    Leaves(Vec<Leaf>),
    /// The page, by its root.
    Child(Hash),
}

impl Default for Above {
    fn default() -> Self {
        Self::Leaves(Vec::new())
    }
}

impl Above {
    fn slot(&self) -> Slot<'_> {
        match self {
            Self::Leaves(leaves) => Slot::Leaves(leaves),
            Self::Child(root) => Slot::Child(*root),
        }
    }
}

impl Trie {
    /// Applies changes, strictly ascending by key: writes the new pages into `batch`, what they
    /// replace into `undo`, and returns the new root.
    pub(crate) fn update(
        &mut self,
        store: &impl StoreRead,
        changes: &[Changed],
        batch: &mut Batch,
        undo: &mut Undo,
    ) -> Result<Hash, StoreError> {
        assert!(changes.is_sorted_by(|a, b| a.0 < b.0), "changes ascend, no key twice");
        if changes.is_empty() {
            let kept = self.place(0, &Hash::ZERO).and_then(Option::as_deref).map(Page::root);
            return match kept {
                Some(root) => Ok(root),
                None => stored_root(store),
            };
        }
        let fetched = self.fetch(store, changes)?;
        let mut pass = Pass { store, batch, undo, fetched, spare: None, old: Vec::new() };
        let page = self.take(&mut pass, 0, &Hash::ZERO)?;
        Ok(match self.descend(&mut pass, 0, changes, page)? {
            Above::Leaves(leaves) => page::leaves_root(&leaves, 0),
            Above::Child(root) => root,
        })
    }

    /// Applies changes that share the path of a page, and returns what stands for it above.
    fn descend<S: StoreRead>(
        &mut self,
        pass: &mut Pass<'_, S>,
        level: usize,
        changes: &[Changed],
        open: Option<Open>,
    ) -> Result<Above, StoreError> {
        assert!(level < LEVELS_MAX, "different keys differ within 256 bits");
        let Some((path, _)) = changes.first().copied() else { return Ok(Above::default()) };
        let existed = open.is_some();
        let Open { mut page, nodes } =
            open.unwrap_or_else(|| Open { page: Box::default(), nodes: Nodes::Known });
        let mut old = std::mem::take(&mut pass.old);
        old.clear();
        let mut touched = 0u16;
        for part in changes.chunk_by(|a, b| nibble(&a.0, level) == nibble(&b.0, level)) {
            let Some((key, _)) = part.first() else { continue };
            let at = nibble(key, level);
            write_old(at, page.slot(at), &mut old);
            touched |= 1 << at;
            match part {
                // Most changes are of one key that is there already.
                [(key, Some(value))] if page.set_value(at, key, value) => (),
                part => {
                    let above = self.slot(pass, level, part, page.slot(at))?;
                    page.set(at, above.slot());
                }
            }
        }
        match nodes {
            Nodes::Known => page.refresh(level, touched),
            // What stays in memory will be asked for every node.
            Nodes::AsStored if level < LEVELS_IN_MEMORY => page.refresh(level, u16::MAX),
            Nodes::AsStored => page.refresh_filled(level, touched),
        }
        let stored = schema::page(level, &path);
        // The root has its page as soon as there is a key; every other page needs its leaves.
        let few = page.few_leaves().filter(|few| level > 0 || few.is_empty()).map(<[Leaf]>::to_vec);
        let above = if let Some(few) = few {
            if existed {
                // Nothing of the page stays: the slots that did not change are remembered too.
                for at in page.occupied().filter(|at| touched >> at & 1 == 0) {
                    write_old(at, page.slot(at), &mut old);
                }
                pass.undo.page(&stored, &old);
                pass.batch.delete(Column::Pages, stored);
            }
            Above::Leaves(few)
        } else {
            let root = page.root();
            pass.undo.page(&stored, &old);
            pass.batch.put_with(Column::Pages, stored, |out| page.encode_to(out));
            pass.spare = self.keep(level, &path, page);
            Above::Child(root)
        };
        pass.old = old;
        Ok(above)
    }

    /// What stands in a slot after changes below it.
    fn slot<S: StoreRead>(
        &mut self,
        pass: &mut Pass<'_, S>,
        level: usize,
        changes: &[Changed],
        slot: Slot<'_>,
    ) -> Result<Above, StoreError> {
        let Some((key, _)) = changes.first() else { return Ok(Above::default()) };
        match slot {
            Slot::Child(_) => {
                let child = self.take(pass, level + 1, key)?;
                let child = child.ok_or_else(|| missing(level + 1, key))?;
                self.descend(pass, level + 1, changes, Some(child))
            }
            Slot::Leaves(leaves) => {
                let merged = merge(leaves, changes);
                if merged.len() <= SLOT_LEAVES_MAX {
                    return Ok(Above::Leaves(merged));
                }
                let put = |leaf: &Leaf| (leaf.key, Some(leaf.value));
                let all: Vec<Changed> = merged.iter().map(put).collect();
                self.descend(pass, level + 1, &all, None)
            }
        }
    }

    /// Reads at once the pages just below memory that the changes will need.
    fn fetch(
        &mut self,
        store: &impl StoreRead,
        changes: &[Changed],
    ) -> Result<VecDeque<Pair>, StoreError> {
        let below = changes.iter().map(|(key, _)| key).filter(|key| {
            let above = self.place(LEVELS_IN_MEMORY - 1, key).and_then(Option::as_deref);
            let slot = above.map(|page| page.slot(nibble(key, LEVELS_IN_MEMORY - 1)));
            matches!(slot, Some(Slot::Child(_)))
        });
        let mut keys: Vec<Vec<u8>> = below.map(|key| schema::page(LEVELS_IN_MEMORY, key)).collect();
        keys.dedup();
        let pages = store.get_many(Column::Pages, &keys)?;
        Ok(keys.into_iter().zip(pages).filter_map(|(key, page)| Some((key, page?))).collect())
    }

    /// The page on the path of `key`: out of memory, fetched before, or from the store.
    fn take<S: StoreRead>(
        &mut self,
        pass: &mut Pass<'_, S>,
        level: usize,
        key: &Hash,
    ) -> Result<Option<Open>, StoreError> {
        if let Some(page) = self.place_mut(level, key).and_then(Option::take) {
            return Ok(Some(Open { page, nodes: Nodes::Known }));
        }
        let stored = schema::page(level, key);
        let fetched = match pass.fetched.front() {
            Some((next, _)) if *next == stored => pass.fetched.pop_front().map(|(_, page)| page),
            Some(_) | None => pass.store.get(Column::Pages, &stored)?,
        };
        let Some(bytes) = fetched else { return Ok(None) };
        let mut page = pass.spare.take().unwrap_or_default();
        page.fill(level, &bytes).map_err(|_| not_a_page(&stored))?;
        Ok(Some(Open { page, nodes: Nodes::AsStored }))
    }

    /// Keeps a page in memory, or gives it back where its level is not kept.
    fn keep(&mut self, level: usize, key: &Hash, page: Box<Page>) -> Option<Box<Page>> {
        let number = number(level, key);
        let Some(pages) = self.levels.get_mut(level) else { return Some(page) };
        if pages.len() <= number {
            pages.resize_with(number + 1, || None);
        }
        if let Some(place) = pages.get_mut(number) {
            *place = Some(page);
        }
        None
    }

    fn place(&self, level: usize, key: &Hash) -> Option<&Option<Box<Page>>> {
        self.levels.get(level)?.get(number(level, key))
    }

    fn place_mut(&mut self, level: usize, key: &Hash) -> Option<&mut Option<Box<Page>>> {
        self.levels.get_mut(level)?.get_mut(number(level, key))
    }
}

/// The number that the path of a page spells, for the levels in memory.
fn number(level: usize, key: &Hash) -> usize {
    (0..level.min(LEVELS_IN_MEMORY))
        .fold(0, |number, level| number << page::PAGE_BITS | usize::from(nibble(key, level)))
}

/// The newest state root, by the page of level 0 as it is stored.
pub(crate) fn stored_root(store: &impl StoreRead) -> Result<Hash, StoreError> {
    let top = load_stored(store, 0, &schema::page(0, &Hash::ZERO))?;
    Ok(top.map_or(Hash::ZERO, |page| page.root()))
}

fn load_stored(
    store: &impl StoreRead,
    level: usize,
    stored: &[u8],
) -> Result<Option<Page>, StoreError> {
    let Some(bytes) = store.get(Column::Pages, stored)? else { return Ok(None) };
    Page::decode(level, &bytes).map(Some).map_err(|_| not_a_page(stored))
}

fn not_a_page(key: &[u8]) -> StoreError {
    StoreError::damaged(Column::Pages, key, "expected sixteen slots of a page")
}

fn missing(level: usize, key: &Hash) -> StoreError {
    let rule = "expected the page that the one above names";
    StoreError::damaged(Column::Pages, &schema::page(level, key), rule)
}

/// The leaves of a slot after changes, both ascending.
fn merge(leaves: &[Leaf], changes: &[Changed]) -> Vec<Leaf> {
    let mut merged = Vec::with_capacity(leaves.len() + changes.len());
    let mut leaves = leaves.iter().peekable();
    for (key, value) in changes {
        while let Some(leaf) = leaves.next_if(|leaf| leaf.key < *key) {
            merged.push(*leaf);
        }
        leaves.next_if(|leaf| leaf.key == *key);
        merged.extend(value.map(|value| Leaf { key: *key, value }));
    }
    merged.extend(leaves);
    merged
}

/// The trie as of one height: what the heights above it replaced is read and put together once for
/// many proofs.
#[derive(Debug)]
pub(crate) struct Past {
    at: Height,
    head: Height,
    known: Mutex<Known>,
}

/// What a [`Past`] has read. The first two levels are on every path and hold 17 pages; of the groups
/// below, up to 8 MB each for a window of full blocks, only the last is kept.
#[derive(Debug, Default)]
struct Known {
    /// Pages of the first two levels that a height above replaced, as they were.
    top: Option<Arc<BTreeMap<Vec<u8>, Page>>>,
    group: Option<([u8; 2], Arc<Folded>)>,
}

impl Past {
    /// The state of height `at` of a store whose head is `head`. The caller has checked that `at` is
    /// not below the window of heights kept.
    pub(crate) fn new(at: Height, head: Height) -> Self {
        Self { at, head, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // What is known is whole whenever it is set, whoever ended while holding it.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn group(&self, store: &impl StoreRead, key: &Hash) -> Result<Arc<Folded>, StoreError> {
        let group = undo::value_group(key);
        if let Some((_, known)) = self.known().group.as_ref().filter(|(name, _)| *name == group) {
            return Ok(Arc::clone(known));
        }
        let folded = Arc::new(undo::fold(store, (self.at, self.head), group)?);
        self.known().group = Some((group, Arc::clone(&folded)));
        Ok(folded)
    }

    fn top(&self, store: &impl StoreRead) -> Result<Arc<BTreeMap<Vec<u8>, Page>>, StoreError> {
        if let Some(known) = &self.known().top {
            return Ok(Arc::clone(known));
        }
        let mut pages = BTreeMap::new();
        for (stored, olds) in undo::fold(store, (self.at, self.head), undo::TOP)?.pages {
            let level = stored.first().map_or(LEVELS_MAX, |level| usize::from(*level));
            if level >= undo::TOP_LEVELS || !schema::is_page(level, &stored) {
                let rule = "expected pages of the group";
                return Err(StoreError::damaged(Column::Undo, &stored, rule));
            }
            let page = load_stored(store, level, &stored)?.unwrap_or_default();
            let page = restored(level, &stored, page, &olds)?;
            pages.insert(stored, page);
        }
        let pages = Arc::new(pages);
        self.known().top = Some(Arc::clone(&pages));
        Ok(pages)
    }

    /// The value that a state key had: what a height above replaced, else the newest.
    pub(crate) fn value(
        &self,
        store: &impl StoreRead,
        key: &Hash,
        state_key: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        match self.group(store, key)?.values.get(state_key) {
            Some(old) => Ok(old.clone()),
            None => sealed::get(store, Column::State, state_key),
        }
    }

    /// The page on the path of `key`, as it was; none where neither now nor then was one.
    fn page(
        &self,
        store: &impl StoreRead,
        level: usize,
        key: &Hash,
    ) -> Result<Option<Page>, StoreError> {
        let stored = schema::page(level, key);
        if level < undo::TOP_LEVELS {
            if let Some(page) = self.top(store)?.get(&stored) {
                return Ok(Some(page.clone()));
            }
            return load_stored(store, level, &stored);
        }
        let group = self.group(store, key)?;
        let page = load_stored(store, level, &stored)?;
        match group.pages.get(&stored) {
            None => Ok(page),
            Some(olds) => restored(level, &stored, page.unwrap_or_default(), olds).map(Some),
        }
    }
}

/// A page with old slots put back, those of the newest height first.
fn restored(level: usize, stored: &[u8], page: Page, olds: &[Vec<u8>]) -> Result<Page, StoreError> {
    let mut page = page;
    for old in olds {
        let rule = "expected old slots of a page";
        page.restore(level, old).map_err(|_| StoreError::damaged(Column::Undo, stored, rule))?;
    }
    page.refresh(level, u16::MAX);
    Ok(page)
}

/// The proof of `key` under the state root of a height.
pub(crate) fn prove(
    store: &impl StoreRead,
    key: &Hash,
    past: &Past,
) -> Result<StateProof, StoreError> {
    let mut siblings = Vec::new();
    for level in 0..LEVELS_MAX {
        let page = past.page(store, level, key)?;
        if page.is_none() && level > 0 {
            return Err(missing(level, key));
        }
        let page = page.unwrap_or_default();
        match page.walk(level, key, &mut siblings) {
            End::Empty => return Ok(StateProof { siblings, other: None }),
            End::Leaf(leaf) if leaf.key == *key => {
                return Ok(StateProof { siblings, other: None });
            }
            End::Leaf(leaf) => {
                return Ok(StateProof { siblings, other: Some((leaf.key, leaf.value)) });
            }
            End::Below => (),
        }
    }
    Err(StoreError::damaged(Column::Pages, key.as_bytes(), "expected a path of 64 pages at most"))
}
