//! The stored ring against the reference of `proto`, height after height.

use std::collections::BTreeMap;

use proto::hash::{Hash, Tag};
use proto::namespace::Namespace;
use proto::ring::{Ring as Reference, TWIG_LEAVES, state_key, value_hash};
use proto::types::Height;

use super::check::{Told, check};
use super::rows::Row;
use super::{PastError, Ring, Written};
use crate::memory::MemoryStore;
use crate::schema::WINDOW_HEIGHTS;
use crate::sealed;
use crate::store::{Batch, Column, Durability, Store as _, StoreError, StoreRead as _};

type Values = BTreeMap<Vec<u8>, Vec<u8>>;

/// A stored ring, the reference beside it, and what each height held.
struct World {
    store: MemoryStore,
    ring: Ring,
    reference: Reference,
    values: Vec<Values>,
    roots: Vec<Hash>,
    dice: u64,
}

impl World {
    fn new() -> Self {
        let ring = Ring::empty();
        let (store, reference) = (MemoryStore::default(), Reference::default());
        Self { store, ring, reference, values: Vec::new(), roots: Vec::new(), dice: 0 }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.dice += 1;
        let hash = Tag::OpSalt.hash(&self.dice.to_be_bytes());
        u64::from_be_bytes(hash.as_bytes()[..8].try_into().unwrap()) % bound
    }

    fn head(&self) -> Height {
        Height::new(u64::try_from(self.roots.len()).unwrap()).minus(1)
    }

    /// Random changes of up to `most` keys out of `keys`; one in five goes.
    fn changes(&mut self, most: u64, keys: u64) -> BTreeMap<Vec<u8>, Option<Vec<u8>>> {
        let count = self.below(most + 1);
        (0..count).map(|_| (key(self.below(keys)), self.value())).collect()
    }

    fn value(&mut self) -> Option<Vec<u8>> {
        match self.below(5) {
            0 => None,
            _ => Some(self.below(7).to_be_bytes().to_vec()),
        }
    }

    fn prepare(&self, changes: &BTreeMap<Vec<u8>, Option<Vec<u8>>>) -> (Batch, Hash) {
        let mut batch = Batch::default();
        let height = Height::new(u64::try_from(self.roots.len()).unwrap());
        let keys: Vec<Vec<u8>> = changes.keys().cloned().collect();
        let rows = Ring::rows(&self.store, &keys).unwrap();
        let written = changes.iter().zip(rows).map(|((key, value), row)| Written {
            key: key.clone(),
            row,
            value: value.clone(),
        });
        let root = self.ring.apply(&self.store, height, written.collect(), &mut batch).unwrap();
        (batch, root)
    }

    fn apply(&mut self, changes: &BTreeMap<Vec<u8>, Option<Vec<u8>>>) {
        let (batch, root) = self.prepare(changes);
        self.store.write(batch, Durability::Synced).unwrap();
        let mut values = self.values.last().cloned().unwrap_or_default();
        for (key, value) in changes {
            match value {
                Some(value) => drop(values.insert(key.clone(), value.clone())),
                None => drop(values.remove(key)),
            }
        }
        self.values.push(values);
        self.roots.push(root);
        let hashed = |value: &Option<Vec<u8>>| value.as_deref().map(value_hash);
        self.reference.apply(&changes.iter().map(|(k, v)| (k.clone(), hashed(v))).collect());
    }

    fn agrees(&self) {
        assert_eq!(self.ring.size(), self.reference.size(), "at {}", self.head());
        assert_eq!(self.ring.root(), self.reference.root(), "at {}", self.head());
    }

    /// Values and proofs of some keys at a height, there and not there.
    fn proves(&self, ring: &Ring, height: Height, keys: u64) {
        let at = usize::try_from(height.value()).unwrap();
        let (values, root) = (&self.values[at], &self.roots[at]);
        let past = ring.at(height).unwrap();
        for number in 0..keys {
            let key = key(number);
            let expected = values.get(&key);
            let case = format!("key {number} at {height} of {}", self.head());
            assert_eq!(past.value(&self.store, &key).unwrap().as_ref(), expected, "{case}");
            let proof = past.proof(&self.store, &key).unwrap();
            let value = expected.map(Vec::as_slice);
            let verified = proof.verify(Namespace::Party, &key[1..], value, root);
            assert_eq!(verified, Ok(()), "{case}");
        }
    }
}

/// Keys of different lengths, some the beginning of others.
fn key(number: u64) -> Vec<u8> {
    let digits = format!("{}", number * number % 9_973);
    state_key(Namespace::Party, digits.as_bytes())
}

#[test]
fn every_height_has_the_root_of_the_reference_and_proves_every_key() {
    let mut world = World::new();
    for _ in 0..40 {
        let changes = world.changes(30, 40);
        world.apply(&changes);
        world.agrees();
    }
    let opened = Ring::open(&world.store, world.head()).unwrap();
    assert_eq!(opened.root(), world.ring.root());
    for height in (0..=world.head().value()).map(Height::new) {
        world.proves(&world.ring, height, 45);
        if height.value() % 7 == 0 {
            world.proves(&opened, height, 45);
        }
    }
}

#[test]
fn a_window_moves_over_many_twigs_and_each_height_in_it_stays_provable() {
    let mut world = World::new();
    let heights = WINDOW_HEIGHTS + 200;
    for height in 0..heights {
        let changes = world.changes(12, 300);
        world.apply(&changes);
        if height % 97 == 0 {
            world.agrees();
            world.ring = Ring::open(&world.store, world.head()).unwrap();
            world.agrees();
        }
    }
    world.agrees();
    assert!(world.ring.size() > 3 * TWIG_LEAVES, "several twigs: {}", world.ring.size());
    let head = world.head();
    for below in [0, 1, 2, 5, 63, 64, 500, WINDOW_HEIGHTS - 1, WINDOW_HEIGHTS] {
        world.proves(&world.ring, head.minus(below), 12);
    }
    let before = world.ring.at(Height::new(1));
    assert!(matches!(before, Err(PastError::Forgotten { .. })), "{before:?}");
}

#[test]
fn leaves_that_no_height_of_the_window_needs_are_removed() {
    let mut world = World::new();
    // Every key changes at every height, so that old twigs have no active leaf.
    let keys: Vec<Vec<u8>> = (0..64).map(|number| state_key(Namespace::Party, &[number])).collect();
    for height in 0..WINDOW_HEIGHTS + 150 {
        let value = Some(height.to_be_bytes().to_vec());
        world.apply(&keys.iter().map(|key| (key.clone(), value.clone())).collect());
        if height == 900 || height == WINDOW_HEIGHTS + 100 {
            world.ring = Ring::open(&world.store, world.head()).unwrap();
        }
    }
    world.agrees();
    let first = world.store.scan_prefix(Column::Leaves, &[], &[], 1).unwrap();
    let first = u64::from_be_bytes(first[0].0.as_slice().try_into().unwrap());
    let kept = (WINDOW_HEIGHTS + 2 * TWIG_LEAVES / 64) * 64;
    assert!(first > 0 && world.ring.size() - first <= kept, "{first} of {}", world.ring.size());
    world.proves(&world.ring, world.head().minus(WINDOW_HEIGHTS), 3);
}

#[test]
fn a_batch_that_is_lost_leaves_the_ring_of_the_height_before() {
    let mut world = World::new();
    for step in 0..150 {
        let changes = world.changes(40, 90);
        if step % 3 == 0 {
            // The machine stops before the batch is written, or before it is synced.
            let (batch, _) = world.prepare(&changes);
            if step % 2 == 0 {
                world.store.write(batch, Durability::Buffered).unwrap();
            }
            world.store.crash();
            if world.roots.is_empty() {
                world.ring = Ring::empty();
                continue;
            }
            world.ring = Ring::open(&world.store, world.head()).unwrap();
        }
        world.apply(&changes);
        world.agrees();
    }
    world.proves(&world.ring, world.head().minus(20), 95);
}

#[test]
fn a_reader_of_an_older_head_sees_that_head_while_the_ring_moves_on() {
    let mut world = World::new();
    for _ in 0..20 {
        let changes = world.changes(40, 90);
        world.apply(&changes);
    }
    let (head, snapshot) = (world.head(), world.store.snapshot());
    for _ in 0..20 {
        let changes = world.changes(40, 90);
        world.apply(&changes);
    }
    for height in [head, head.minus(7)] {
        let past = world.ring.at(height).unwrap();
        let at = usize::try_from(height.value()).unwrap();
        for number in 0..95 {
            let key = key(number);
            let value = world.values[at].get(&key).map(Vec::as_slice);
            let proof = past.proof(&snapshot, &key).unwrap();
            let found = proof.verify(Namespace::Party, &key[1..], value, &world.roots[at]);
            assert_eq!(found, Ok(()), "key {number} at {height}");
        }
    }
}

#[test]
fn a_flipped_byte_of_any_row_is_named_with_its_column_and_key() {
    let mut world = World::new();
    for _ in 0..120 {
        let changes = world.changes(40, 90);
        world.apply(&changes);
    }
    for column in [Column::Leaves, Column::Turns, Column::Twigs, Column::Undo, Column::State] {
        let rows = world.store.scan_prefix(column, &[], &[], usize::MAX).unwrap();
        assert!(!rows.is_empty(), "{column}");
        for (row, value) in rows.iter().step_by(1 + rows.len() / 20) {
            let at = usize::try_from(world.below(u64::try_from(value.len()).unwrap())).unwrap();
            let mut value = value.clone();
            value[at] ^= 1 << world.below(8);
            let found = sealed::open(column, row, &value);
            let Err(StoreError::Changed { column: found, key, .. }) = found else {
                panic!("{column}: {found:?}");
            };
            assert_eq!((found, &key), (column, row));
        }
    }
}

/// What a check finds after one row was put in the place of another with a right checksum.
fn found(world: &World, change: impl FnOnce(&mut Batch)) -> Vec<(Column, &'static str)> {
    let fork = world.store.fork();
    let mut batch = Batch::default();
    change(&mut batch);
    fork.write(batch, Durability::Synced).unwrap();
    let root_of =
        |height: Height| world.roots.get(usize::try_from(height.value()).unwrap()).copied();
    let mut found = Vec::new();
    let checked = check(&fork, world.head(), &root_of, &mut |told| {
        if let Told::Wrong(finding) = told {
            found.push((finding.column, finding.rule));
        }
        std::ops::ControlFlow::Continue(())
    });
    match checked {
        Ok(checked) => assert_eq!(checked.older, world.head().value()),
        Err(StoreError::Damaged { column, rule, .. }) => found.push((column, rule)),
        Err(other) => panic!("{other}"),
    }
    found
}

#[test]
fn a_check_finds_what_checksums_cannot() {
    let mut world = World::new();
    for _ in 0..120 {
        let changes = world.changes(40, 90);
        world.apply(&changes);
    }
    assert_eq!(found(&world, |_| ()), []);
    let rows = |column| world.store.scan_prefix(column, &[], &[], usize::MAX).unwrap();
    let (key, bytes) = rows(Column::State).remove(9);
    let bytes = sealed::opened(Column::State, &key, bytes).unwrap();
    let row = Row::parse(&key, &bytes).unwrap();
    let put = |row: Row<'_>| {
        found(&world, |batch| {
            sealed::put(batch, (Column::State, &key), |out| row.write_to(out));
        })
    };
    let leaf = (Column::State, "the row is that of its leaf");
    assert_eq!(put(Row { value: b"another value", ..row }), [leaf]);
    assert!(put(Row { next: b"\x08another", ..row }).contains(&leaf));
    assert!(put(Row { position: row.position - 1, ..row }).contains(&leaf));
    let outside = (Column::State, "each row has a leaf of its own in the ring");
    assert!(put(Row { position: u64::MAX, ..row }).contains(&outside));
    let gone = found(&world, |batch| batch.delete(Column::State, &key));
    let order = (Column::State, "its key is the one that the row before names as next");
    assert!(gone.contains(&order), "{gone:?}");
    let (first, leaves) = rows(Column::Leaves).remove(3);
    let leaves = sealed::opened(Column::Leaves, &first, leaves).unwrap();
    let other = found(&world, |batch| {
        sealed::put(batch, (Column::Leaves, &first), |out| out.extend(leaves.iter().rev()));
    });
    let twig = (Column::Leaves, "the leaves of a twig hash to its root");
    assert!(other.contains(&twig), "{other:?}");
    for column in [Column::Undo, Column::Leaves, Column::Turns] {
        let (middle, _) = rows(column).remove(5);
        let lost = found(&world, |batch| batch.delete(column, &middle));
        assert!(!lost.is_empty(), "{column}");
    }
    let (group, bits) = rows(Column::Twigs).remove(0);
    let bits = sealed::opened(Column::Twigs, &group, bits).unwrap();
    let other = found(&world, |batch| {
        sealed::put(batch, (Column::Twigs, &group), |out| {
            out.extend_from_slice(&bits);
            out[8 + 32] ^= 0xff;
        });
    });
    let active = (Column::Twigs, "the active leaves of a twig are those of the rows");
    assert!(other.contains(&active), "{other:?}");
}
