//! Sets of any size in a state that knows only single keys: a trie of pages, spread by hash. Its form
//! is a function of the entries alone, so it does not remember in which order they came and went.

use proto::Hash;
use proto::codec::Writer;
use proto::hash::Tag;
use proto::trie::Namespace;

use crate::record;
use crate::state::{Overlay, State, StateFault};

/// Entries of a page. A page is read and written whole: 32 entries of 100 bytes are 3 KB, and a set
/// of ten thousand has pages two levels deep.
const ENTRIES_MAX: usize = 32;

/// Children of an inner page: one for each value of four bits of the hash.
const FANOUT: usize = 16;

/// Which set of its owner. Bytes are fixed for ever.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Map {
    /// Of a unit: role byte, agency u16, `op_uid` of the events that made or consumed it.
    Lineage,
    /// Of a unit: role byte, other unit; value [`record::unit::Packing`].
    Containers,
    /// Of a unit: unit of measure byte, u16 length, station, party; value [`record::unit::Sums`].
    Places,
    /// Of a unit: keys of its shipments as the sender's code.
    Shipments,
    /// Of a unit: keys of its matches, both as giving and as taking unit; value the byte 1 where an
    /// agency declared or confirmed it.
    Matches,
    /// Of a unit: what covers it ([`crate::trace::papers`]). Of a declaration: its certificates.
    Papers,
    /// Of a unit: encoded lots that events state for it.
    Lots,
    /// Of a unit: kind byte and key of the persons and vehicles that handled it.
    Handlers,
    /// Of a unit of a scheme: OPAQUE units that it was before.
    Aliases,
    /// Of a certificate or a declaration: units that name it themselves.
    Units,
    /// Of a certificate: agency u16, `op_uid` of the events that name it.
    Events,
    /// Of a shipment: encoded [`record::shipment::Leg`]; value [`record::shipment::LegSum`].
    Legs,
    /// Of a shipment: receiving units; value [`record::shipment::LegSum`].
    Takers,
    /// Of a match: documents; value the verdict.
    Documents,
    /// Of the system: OPAQUE units.
    Opaque,
    /// Of the system: what is to be looked at again at the end of the block.
    Dirty,
    /// Of a second: deadlines.
    Deadlines,
    /// Of an alert: kind byte and key of what it concerns; value [`crate::risk::positive::Affected`].
    Affected,
    /// Of an alert: what its search has still to visit.
    Open,
    /// Of a unit or a declaration: identifiers of its alerts.
    Alerts,
    /// Of the system: identifiers of alerts, notices, results.
    Listed,
    /// Of a station or a party: units that are there ([`crate::place`]).
    Stock,
    /// Of a vehicle: agency u16, `op_uid` of the events that it had a part in.
    Trips,
    /// Of a unit: units that came from it of which, or of what came from them, some was shipped.
    Gone,
    /// Of a unit: units that came from it of which, or of what came from them, some was sold or used.
    Ended,
    /// Of a sampling document of an agency: agency u16, `op_uid` of the events that sample under it.
    Samplings,
}

impl Map {
    /// The byte in keys.
    pub const fn code(self) -> u8 {
        match self {
            Self::Lineage => 1,
            Self::Containers => 2,
            Self::Places => 3,
            Self::Shipments => 4,
            Self::Matches => 5,
            Self::Papers => 6,
            Self::Lots => 7,
            Self::Handlers => 8,
            Self::Aliases => 9,
            Self::Units => 10,
            Self::Legs => 11,
            Self::Takers => 12,
            Self::Documents => 13,
            Self::Opaque => 14,
            Self::Dirty => 15,
            Self::Deadlines => 16,
            Self::Events => 17,
            Self::Affected => 18,
            Self::Open => 19,
            Self::Alerts => 20,
            Self::Listed => 21,
            Self::Stock => 22,
            Self::Trips => 23,
            Self::Gone => 24,
            Self::Ended => 25,
            Self::Samplings => 26,
        }
    }
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
struct Entry {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
struct Page {
    /// Of a leaf: its entries, ascending by hash.
    #[prost(message, repeated, tag = "1")]
    entries: Vec<Entry>,
    /// Of an inner page: entries below each child.
    #[prost(uint64, repeated, tag = "2")]
    counts: Vec<u64>,
}

/// One entry of a set, with the place that a later scan can go on after.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Place in the order of a scan.
    pub place: Hash,
    /// Key of the entry.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
}

impl Found {
    /// An entry with its place.
    pub(crate) fn new(key: &[u8], value: Vec<u8>) -> Self {
        Self { place: place_of(key), key: key.to_vec(), value }
    }
}

/// A set: whose and which.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pages {
    prefix: Vec<u8>,
}

impl Pages {
    /// The set `map` of the owner at `key` in `namespace`.
    pub fn of(namespace: Namespace, key: &[u8], map: Map) -> Self {
        let mut prefix = Writer::default();
        prefix.u8(namespace.code()).u8(map.code()).bytes16(key);
        Self { prefix: prefix.into_bytes() }
    }

    /// The value of an entry.
    pub fn get(&self, state: &dyn State, key: &[u8]) -> Result<Option<Vec<u8>>, StateFault> {
        let hash = place_of(key);
        for depth in 0..=64 {
            let Some(page) = self.load(state, &hash, depth)? else { return Ok(None) };
            if page.counts.is_empty() {
                let found = page.entries.into_iter().find(|entry| entry.key == key);
                return Ok(found.map(|entry| entry.value));
            }
        }
        Ok(None)
    }

    /// Number of entries.
    pub fn len(&self, state: &dyn State) -> Result<u64, StateFault> {
        let root = self.load(state, &Hash::ZERO, 0)?;
        Ok(root.map_or(0, |page| page.total()))
    }

    /// Up to `limit` entries that follow `after` in the order of their hashes.
    pub fn scan(
        &self,
        state: &dyn State,
        after: Option<Hash>,
        limit: usize,
    ) -> Result<Vec<Found>, StateFault> {
        let mut found = Vec::new();
        self.scan_below(state, &mut Vec::new(), &Scan { after, limit }, &mut found)?;
        Ok(found)
    }

    /// Writes an entry.
    pub(crate) fn put(
        &self,
        state: &mut Overlay<'_>,
        key: &[u8],
        value: Vec<u8>,
    ) -> Result<(), StateFault> {
        let hash = place_of(key);
        let entry = Entry { key: key.to_vec(), value };
        self.put_below(state, &hash, 0, entry).map(|_| ())
    }

    /// Removes an entry.
    pub(crate) fn remove(&self, state: &mut Overlay<'_>, key: &[u8]) -> Result<(), StateFault> {
        self.remove_below(state, &place_of(key), 0, key).map(|_| ())
    }

    /// Writes an entry where `value` is some, removes it where none.
    pub(crate) fn set(
        &self,
        state: &mut Overlay<'_>,
        key: &[u8],
        value: Option<Vec<u8>>,
    ) -> Result<(), StateFault> {
        match value {
            Some(value) => self.put(state, key, value),
            None => self.remove(state, key),
        }
    }

    fn key(&self, hash: &Hash, depth: usize) -> Vec<u8> {
        let mut key = self.prefix.clone();
        key.extend((0..depth).map(|level| nibble(hash, level)));
        key
    }

    fn load(
        &self,
        state: &dyn State,
        hash: &Hash,
        depth: usize,
    ) -> Result<Option<Page>, StateFault> {
        record::load(state, Namespace::Page, &self.key(hash, depth))
    }

    fn store(
        &self,
        state: &mut Overlay<'_>,
        hash: &Hash,
        depth: usize,
        page: &Page,
    ) -> Result<(), StateFault> {
        record::store(state, Namespace::Page, &self.key(hash, depth), page)
    }

    /// Whether the entry is new.
    fn put_below(
        &self,
        state: &mut Overlay<'_>,
        hash: &Hash,
        depth: usize,
        entry: Entry,
    ) -> Result<bool, StateFault> {
        let mut page = self.load(state, hash, depth)?.unwrap_or_default();
        if !page.counts.is_empty() {
            let added = self.put_below(state, hash, depth + 1, entry)?;
            if added {
                page.count(nibble(hash, depth), 1);
                self.store(state, hash, depth, &page)?;
            }
            return Ok(added);
        }
        let position = page.entries.binary_search_by_key(hash, |present| place_of(&present.key));
        let added = position.is_err();
        match position {
            Ok(position) => {
                if let Some(present) = page.entries.get_mut(position) {
                    *present = entry;
                }
            }
            Err(position) => page.entries.insert(position, entry),
        }
        self.write_subtree(state, hash, depth, page.entries)?;
        Ok(added)
    }

    /// Writes entries that share their first `depth` steps: one page, or an inner one and its children.
    fn write_subtree(
        &self,
        state: &mut Overlay<'_>,
        hash: &Hash,
        depth: usize,
        entries: Vec<Entry>,
    ) -> Result<(), StateFault> {
        if entries.len() <= ENTRIES_MAX {
            return self.store(state, hash, depth, &Page { entries, counts: Vec::new() });
        }
        let mut inner = Page { entries: Vec::new(), counts: vec![0; FANOUT] };
        let mut rest = entries.into_iter().peekable();
        while let Some(first) = rest.next() {
            let first_hash = place_of(&first.key);
            let branch = nibble(&first_hash, depth);
            let mut group = vec![first];
            while let Some(entry) =
                rest.next_if(|entry| nibble(&place_of(&entry.key), depth) == branch)
            {
                group.push(entry);
            }
            let size = u64::try_from(group.len()).expect("usize is at most 64 bits");
            inner.count(branch, size);
            self.write_subtree(state, &first_hash, depth + 1, group)?;
        }
        self.store(state, hash, depth, &inner)
    }

    /// Whether there was one.
    fn remove_below(
        &self,
        state: &mut Overlay<'_>,
        hash: &Hash,
        depth: usize,
        key: &[u8],
    ) -> Result<bool, StateFault> {
        let Some(mut page) = self.load(state, hash, depth)? else { return Ok(false) };
        if page.counts.is_empty() {
            let before = page.entries.len();
            page.entries.retain(|entry| entry.key != key);
            let removed = page.entries.len() < before;
            if removed {
                self.store(state, hash, depth, &page)?;
            }
            return Ok(removed);
        }
        if !self.remove_below(state, hash, depth + 1, key)? {
            return Ok(false);
        }
        page.uncount(nibble(hash, depth));
        let total = usize::try_from(page.total()).unwrap_or(usize::MAX);
        if total > ENTRIES_MAX {
            self.store(state, hash, depth, &page)?;
            return Ok(true);
        }
        // What fits one page is one page again, or the form would remember what it once held.
        let mut path: Vec<u8> = (0..depth).map(|level| nibble(hash, level)).collect();
        let mut found = Vec::new();
        self.scan_below(state, &mut path, &Scan { after: None, limit: total }, &mut found)?;
        for branch in page.branches() {
            let mut child = self.key(hash, depth);
            child.push(branch);
            state.delete(Namespace::Page, &child)?;
        }
        let entries =
            found.into_iter().map(|Found { key, value, .. }| Entry { key, value }).collect();
        self.store(state, hash, depth, &Page { entries, counts: Vec::new() })?;
        Ok(true)
    }

    fn scan_below(
        &self,
        state: &dyn State,
        path: &mut Vec<u8>,
        scan: &Scan,
        found: &mut Vec<Found>,
    ) -> Result<(), StateFault> {
        if found.len() >= scan.limit || scan.is_past(path) {
            return Ok(());
        }
        let key = [&*self.prefix, &*path].concat();
        let Some(page) = record::load::<Page>(state, Namespace::Page, &key)? else {
            return Ok(());
        };
        for Entry { key, value } in page.entries.iter().cloned() {
            let place = place_of(&key);
            if found.len() < scan.limit && scan.after.is_none_or(|after| place > after) {
                found.push(Found { place, key, value });
            }
        }
        for branch in page.branches() {
            path.push(branch);
            self.scan_below(state, path, scan, found)?;
            path.pop();
        }
        Ok(())
    }
}

/// What a scan asks for.
struct Scan {
    after: Option<Hash>,
    limit: usize,
}

impl Scan {
    /// Whether everything below `path` stands before the place to go on after.
    fn is_past(&self, path: &[u8]) -> bool {
        let Some(after) = self.after else { return false };
        let place = (0..path.len()).map(|level| nibble(&after, level));
        path.iter().copied().lt(place)
    }
}

impl Page {
    fn total(&self) -> u64 {
        let entries = u64::try_from(self.entries.len()).expect("usize is at most 64 bits");
        self.counts.iter().fold(entries, |sum, count| sum.saturating_add(*count))
    }

    fn count(&mut self, branch: u8, added: u64) {
        if let Some(count) = self.counts.get_mut(usize::from(branch)) {
            *count = count.saturating_add(added);
        }
    }

    fn uncount(&mut self, branch: u8) {
        if let Some(count) = self.counts.get_mut(usize::from(branch)) {
            *count = count.saturating_sub(1);
        }
    }

    /// Children that hold anything.
    fn branches(&self) -> Vec<u8> {
        let numbered = (0u8..).zip(&self.counts);
        numbered.filter(|(_, count)| **count > 0).map(|(branch, _)| branch).collect()
    }
}

/// Where an entry stands: the hash spreads keys that an adversary chose.
fn place_of(key: &[u8]) -> Hash {
    Tag::Key.hash(key)
}

/// Four bits of the hash at a level.
fn nibble(hash: &Hash, level: usize) -> u8 {
    let byte = hash.as_bytes().get(level / 2).copied().unwrap_or_default();
    if level.is_multiple_of(2) { byte >> 4 } else { byte & 15 }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::state::Changes;

    fn set() -> Pages {
        Pages::of(Namespace::Unit, b"unit", Map::Lineage)
    }

    /// The pages of a set that is filled at once.
    fn filled(model: &BTreeMap<u16, u8>) -> Changes {
        let base = BTreeMap::new();
        let mut state = Overlay::new(&base);
        for (key, value) in model {
            set().put(&mut state, &key.to_be_bytes(), vec![*value]).unwrap();
        }
        state.into_changes()
    }

    proptest! {
        #[test]
        fn the_form_of_a_set_is_a_function_of_its_entries(
            steps in prop::collection::vec((0u16..150, prop::option::weighted(0.6, 0u8..9)), 0..600),
        ) {
            let base = BTreeMap::new();
            let mut state = Overlay::new(&base);
            let mut model = BTreeMap::new();
            for (key, value) in steps {
                let bytes = key.to_be_bytes();
                set().set(&mut state, &bytes, value.map(|value| vec![value])).unwrap();
                match value {
                    Some(value) => model.insert(key, value),
                    None => model.remove(&key),
                };
                let found = set().get(&state, &bytes).unwrap();
                prop_assert_eq!(found, model.get(&key).map(|value| vec![*value]));
            }
            prop_assert_eq!(set().len(&state).unwrap(), u64::try_from(model.len()).unwrap());
            prop_assert_eq!(state.into_changes(), filled(&model));
        }

        #[test]
        fn a_scan_goes_on_where_it_stopped_and_finds_each_entry_once(
            keys in prop::collection::btree_set(0u16..2_000, 0..400),
            limit in 1usize..50,
        ) {
            let base = BTreeMap::new();
            let mut state = Overlay::new(&base);
            for key in &keys {
                set().put(&mut state, &key.to_be_bytes(), Vec::new()).unwrap();
            }
            let all = set().scan(&state, None, usize::MAX).unwrap();
            let mut pieces = Vec::new();
            let mut after = None;
            loop {
                let piece = set().scan(&state, after, limit).unwrap();
                prop_assert!(piece.len() <= limit);
                let Some(last) = piece.last() else { break };
                after = Some(last.place);
                pieces.extend(piece);
            }
            prop_assert_eq!(&pieces, &all);
            prop_assert!(all.windows(2).all(|pair| pair[0].place < pair[1].place));
            prop_assert_eq!(all.len(), keys.len());
        }
    }

    #[test]
    fn sets_of_one_owner_and_of_like_owners_are_apart() {
        let base = BTreeMap::new();
        let mut state = Overlay::new(&base);
        set().put(&mut state, b"x", Vec::new()).unwrap();
        for other in [
            Pages::of(Namespace::Unit, b"unit", Map::Places),
            Pages::of(Namespace::Match, b"unit", Map::Lineage),
            Pages::of(Namespace::Unit, b"uni", Map::Lineage),
            Pages::of(Namespace::Unit, b"unit\0", Map::Lineage),
        ] {
            assert_eq!(other.get(&state, b"x").unwrap(), None);
            assert_eq!(other.len(&state).unwrap(), 0);
        }
    }
}
