//! The trie against the reference root of `proto::trie`, on paths made to collide.
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use expect_test::expect;
use proptest::prelude::*;
use proto::codec::DecodeError;
use proto::hash::Hash;
use proto::trie::{StateProof, inner, leaf, root};
use proto::types::Height;

use super::page::Page;
use super::undo::Undo;
use super::{Changed, Past, Trie, prove};
use crate::memory::MemoryStore;
use crate::store::{Batch, Column, Durability, Store as _, StoreError, StoreRead, Visit};

/// Paths that share their first bits with others: only the bits of `spread` differ.
fn path(number: u16, spread: [usize; 4]) -> Hash {
    let mut bytes = [0u8; 32];
    for (at, start) in spread.into_iter().enumerate() {
        let nibble = u8::try_from(number >> (4 * at) & 0xf).unwrap();
        let bit = start.min(252);
        bytes[bit / 8] |= if bit % 8 < 4 { nibble << 4 } else { nibble };
    }
    Hash::new(bytes)
}

fn value(seed: u8) -> Hash {
    Hash::new([seed; 32])
}

/// What a proof says, folded to a root.
fn folded(proof: &StateProof, key: &Hash, value: Option<&Hash>) -> Hash {
    let end = match (value, &proof.other) {
        (Some(value), None) => leaf(key, value),
        (None, Some((other, value))) => leaf(other, value),
        (None, None) => Hash::ZERO,
        (Some(_), Some(_)) => panic!("a present key needs no other leaf"),
    };
    let siblings = proof.siblings.iter().enumerate().rev();
    siblings.fold(end, |current, (depth, sibling)| {
        if key.bit(depth) { inner(sibling, &current) } else { inner(&current, sibling) }
    })
}

struct World {
    store: MemoryStore,
    trie: Trie,
    /// The set after each height, genesis first.
    sets: Vec<BTreeMap<Hash, Hash>>,
}

impl World {
    fn new() -> Self {
        Self { store: MemoryStore::default(), trie: Trie::default(), sets: vec![BTreeMap::new()] }
    }

    fn head(&self) -> Height {
        Height::new(u64::try_from(self.sets.len() - 1).unwrap())
    }

    fn update(&mut self, changes: &BTreeMap<Hash, Option<Hash>>) -> Hash {
        let (mut batch, mut undo) = (Batch::default(), Undo::default());
        let changed: Vec<Changed> = changes.iter().map(|(key, value)| (*key, *value)).collect();
        let root = self.trie.update(&self.store, &changed, &mut batch, &mut undo).unwrap();
        undo.write(self.head().next(), &mut batch);
        self.store.write(batch, Durability::Synced).unwrap();
        let mut set = self.sets.last().unwrap().clone();
        for (key, value) in changes {
            match value {
                Some(value) => set.insert(*key, *value),
                None => set.remove(key),
            };
        }
        self.sets.push(set);
        root
    }

    fn expected(&self, height: usize) -> Hash {
        let entries: Vec<(Hash, Hash)> =
            self.sets[height].iter().map(|(key, value)| (*key, *value)).collect();
        root(&entries)
    }

    /// The pages of a trie that was built at once from the newest set.
    fn rebuilt_pages(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut other = Self::new();
        let set = self.sets.last().unwrap();
        other.update(&set.iter().map(|(key, value)| (*key, Some(*value))).collect());
        other.pages()
    }

    fn pages(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.store.scan_prefix(Column::Pages, &[], &[], usize::MAX).unwrap()
    }
}

fn batches() -> impl Strategy<Value = Vec<BTreeMap<u16, Option<u8>>>> {
    let change = proptest::option::weighted(0.6, any::<u8>());
    // Few enough numbers for the same key to come again, many enough for slots to overflow.
    let batch = proptest::collection::btree_map(0u16..400, change, 0..40);
    proptest::collection::vec(batch, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn root_pages_and_every_kept_height_agree_with_the_set_of_keys(
        batches in batches(),
        spread in prop::sample::select(vec![[0, 4, 8, 12], [0, 120, 248, 252], [8, 12, 16, 20], [20, 24, 28, 240]]),
        forgetful in any::<bool>(),
    ) {
        let mut world = World::new();
        for batch in &batches {
            let changes =
                batch.iter().map(|(number, seed)| (path(*number, spread), seed.map(value))).collect();
            let found = world.update(&changes);
            prop_assert_eq!(found, world.expected(world.sets.len() - 1));
            if forgetful {
                world.trie = Trie::default();
            }
        }
        prop_assert_eq!(world.pages(), world.rebuilt_pages(), "pages are a function of the set");
        let head = world.head();
        for height in 0..world.sets.len() {
            let at = Height::new(u64::try_from(height).unwrap());
            for number in (0..400).step_by(23) {
                let key = path(number, spread);
                let proof = prove(&world.store, &key, &Past::new(at, head)).unwrap();
                let there = world.sets[height].get(&key);
                prop_assert_eq!(proof.other.is_some_and(|(other, _)| other == key), false);
                prop_assert_eq!(folded(&proof, &key, there), world.expected(height));
            }
        }
    }
}

#[test]
fn a_missing_page_is_damage_and_not_an_empty_subtree() {
    let mut world = World::new();
    let changes: BTreeMap<Hash, Option<Hash>> =
        (0..64).map(|number| (path(number, [0, 4, 8, 12]), Some(value(1)))).collect();
    world.update(&changes);
    let (key, _) = world.pages().pop().unwrap();
    let mut batch = Batch::default();
    batch.delete(Column::Pages, key);
    world.store.write(batch, Durability::Synced).unwrap();
    world.trie = Trie::default();
    let (mut batch, mut undo) = (Batch::default(), Undo::default());
    let all: Vec<Changed> = changes.keys().map(|key| (*key, Some(value(2)))).collect();
    let failed = world.trie.update(&world.store, &all, &mut batch, &mut undo).unwrap_err();
    assert!(failed.to_string().contains("expected the page that the one above names"), "{failed}");
}

/// Sixteen codes, four quarters, then leaves and pages below by slot (README, 3.3).
#[test]
fn the_bytes_of_a_page_are_fixed() {
    let mut world = World::new();
    // Slot 1 with one leaf, slot 5 with two, slot 15 with a page of four.
    let keys = [0x10, 0x50, 0x5f, 0xf0, 0xf1, 0xf2, 0xf3];
    let key =
        |first: u8| Hash::new([[first; 1].as_slice(), &[0xee; 31]].concat().try_into().unwrap());
    let changes: BTreeMap<Hash, Option<Hash>> =
        keys.into_iter().map(|first| (key(first), Some(value(first)))).collect();
    let root = world.update(&changes);
    assert_eq!(root, world.expected(1));
    let pages = world.pages();
    let [(top, bytes), (below, _)] = pages.as_slice() else { panic!("two pages") };
    assert_eq!((top.as_slice(), below.as_slice()), ([0].as_slice(), [1, 0xf0].as_slice()));
    let entries: Vec<(Hash, Hash)> = keys.map(|first| (key(first), value(first))).to_vec();
    for (quarter, range) in [(0, 0..1), (1, 1..3), (2, 0..0), (3, 3..7)] {
        let expected = proto::trie::subtree(&entries[range], 2);
        let at = 16 + 32 * quarter;
        assert_eq!(bytes[at..at + 32], *expected.as_bytes(), "quarter {quarter}");
    }
    let lines: Vec<String> = bytes.chunks(32).map(crate::store::hex).collect();
    expect![[r#"
        000100000002000000000000000000ff4f41cd24374332774d99cdf8a9293b37
        1472566011c5e657e2af66c6142e268b3cc796f27830543e67cabb35b8ea597c
        e2b0d801f3c77809cbc0afbec66628b900000000000000000000000000000000
        000000000000000000000000000000009f5f5bd2acd761a1a4f0b4de813b1d72
        02b0c3dce69911a2306f8559396abda810eeeeeeeeeeeeeeeeeeeeeeeeeeeeee
        eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee10101010101010101010101010101010
        1010101010101010101010101010101050eeeeeeeeeeeeeeeeeeeeeeeeeeeeee
        eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee50505050505050505050505050505050
        505050505050505050505050505050505feeeeeeeeeeeeeeeeeeeeeeeeeeeeee
        eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f
        5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5ff0b10bdc05fdec50aa2b5699c35d50d3
        e4e1b439bed63fc9a8b479db63b53b0e
    "#]]
    .assert_eq(&(lines.join("\n") + "\n"));
}

/// A disk that lies below the levels in memory: what a change touches is computed anew, what it does
/// not touch goes into the root as it is stored, where the other replicas see it.
#[test]
fn a_wrong_stored_quarter_shows_in_the_root_until_its_slots_change() {
    let changes = |numbers: std::ops::Range<u16>, seed: u8| -> BTreeMap<Hash, Option<Hash>> {
        numbers.map(|number| (path(number, [20, 24, 28, 240]), Some(value(seed)))).collect()
    };
    for (touched, heals) in [(0, false), (7, false), (12, true), (15, true)] {
        let mut world = World::new();
        world.update(&changes(0..64, 1));
        let (key, mut bytes) =
            world.pages().into_iter().find(|(key, _)| key[0] == 5).expect("a page of level 5");
        bytes[16 + 3 * 32] ^= 1;
        let mut batch = Batch::default();
        batch.put(Column::Pages, &key, &bytes);
        world.store.write(batch, Durability::Synced).unwrap();
        world.trie = Trie::default();
        let damage = prove(
            &world.store,
            &path(0, [20, 24, 28, 240]),
            &Past::new(world.head(), world.head()),
        );
        let damage = damage.unwrap_err().to_string();
        assert!(damage.starts_with("column pages, key 05000000"), "{damage}");
        let root = world.update(&changes(touched..touched + 1, 2));
        assert_eq!(root == world.expected(2), heals, "slot {touched}");
    }
}

#[test]
fn changes_out_of_order_are_refused_in_every_profile() {
    let [low, high] = [1, 2].map(|number| (path(number, [0, 4, 8, 12]), Some(value(1))));
    for changes in [vec![high, low], vec![low, low]] {
        let update = || {
            let (mut batch, mut undo) = (Batch::default(), Undo::default());
            Trie::default().update(&MemoryStore::default(), &changes, &mut batch, &mut undo)
        };
        assert!(std::panic::catch_unwind(update).is_err(), "{changes:?}");
    }
}

/// Bytes that whoever can write to the disk could put in place of a page, or of its old slots.
#[test]
fn leaves_that_a_page_cannot_have_are_damage_and_never_a_panic() {
    let key = |nibbles: &[(usize, u8)]| {
        let mut bytes = [0; 32];
        for (at, nibble) in nibbles {
            bytes[at / 2] |= if at % 2 == 0 { nibble << 4 } else { *nibble };
        }
        Hash::new(bytes)
    };
    let leaves = |keys: &[Hash]| -> Vec<u8> {
        keys.iter().flat_map(|key| [*key.as_bytes(), [7; 32]].concat()).collect()
    };
    let zero = key(&[]);
    for (name, level, slot, code, content, rule) in [
        ("of another slot", 0, 1, 1, leaves(&[zero]), "a leaf stands in the slot of its path"),
        ("descending", 0, 0, 2, leaves(&[key(&[(9, 1)]), zero]), "its leaves ascend by key"),
        ("one key twice", 0, 0, 2, leaves(&[zero, zero]), "its leaves ascend by key"),
        ("one key twice at the end", 63, 0, 2, leaves(&[zero; 2]), "its leaves ascend by key"),
        (
            "equal but for bits above the page",
            63,
            0,
            2,
            leaves(&[zero, key(&[(3, 1)])]),
            "its leaves share the path of the page",
        ),
        ("a page below the last", 63, 0, 0xff, vec![7; 32], "a path ends with the last level"),
    ] {
        let damage = DecodeError::Invalid { field: "page", rule };
        let mut codes = [0; 16];
        codes[slot] = code;
        let stored = [codes.as_slice(), &[0; 128], &content].concat();
        assert_eq!(Page::decode(level, &stored), Err(damage.clone()), "{name}");
        assert_eq!(Page::default().fill(level, &stored), Err(damage.clone()), "{name}");
        let old = [&[u8::try_from(slot).unwrap(), code], content.as_slice()].concat();
        assert_eq!(Page::default().restore(level, &old), Err(damage), "{name}, old slots");
    }
}

/// A store that counts how often old slots are read.
struct Counting<'a> {
    store: &'a MemoryStore,
    undo: Cell<usize>,
}

impl StoreRead for Counting<'_> {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.undo.set(self.undo.get() + usize::from(column == Column::Undo));
        self.store.get(column, key)
    }

    fn scan(
        &self,
        column: Column,
        from: &[u8],
        until: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        self.store.scan(column, from, until, visit)
    }
}

#[test]
fn many_proofs_of_one_height_read_what_was_replaced_above_it_once() {
    // Sixteen groups, each with a page of the third level.
    let spread = [0, 8, 12, 16];
    let mut world = World::new();
    let (heights, keys) = (30, 64);
    for seed in 0..heights {
        world.update(&(0..keys).map(|number| (path(number, spread), Some(value(seed)))).collect());
    }
    let counting = Counting { store: &world.store, undo: Cell::new(0) };
    let past = Past::new(Height::new(1), world.head());
    let groups: BTreeSet<u8> = (0..keys).map(|number| path(number, spread).as_bytes()[0]).collect();
    // In the order of the paths, as each group is kept until the next one is asked for.
    let all: BTreeSet<Hash> = (0..keys).map(|number| path(number, spread)).collect();
    for key in &all {
        let proof = prove(&counting, key, &past).unwrap();
        assert_eq!(folded(&proof, key, Some(&value(0))), world.expected(1));
    }
    let above = usize::from(heights) - 1;
    assert_eq!(counting.undo.get(), above * (1 + groups.len()), "{} groups", groups.len());
}
