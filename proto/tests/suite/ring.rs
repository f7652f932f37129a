//! The ring of proved keys, trees by levels, and many hashes at once: each against the plain one.

use std::collections::BTreeMap;

use proto::Hash;
use proto::hash::Tag;
use proto::namespace::Namespace;
use proto::ring::{self, Ring, SENTINEL, StateProof, StateProofError, TWIG_LEAVES, value_hash};
use proto::tree::{self, Levels, TreeError};

use super::dice::Dice;

type Values = BTreeMap<Vec<u8>, Vec<u8>>;

/// A ring that a few heights changed, with what it should hold and the roots of its heights.
struct World {
    ring: Ring,
    values: Values,
}

impl World {
    fn new(dice: &mut Dice, heights: usize, changes: usize) -> Self {
        let mut world = Self { ring: Ring::genesis([]), values: Values::new() };
        for _ in 0..heights {
            let mut changed = BTreeMap::new();
            for _ in 0..dice.below(changes + 1) {
                let bytes = dice.below(3);
                let key = [vec![Namespace::Party.code()], dice.bytes(bytes + 1)].concat();
                let value = (dice.below(4) > 0).then(|| dice.bytes(30));
                changed.insert(key.clone(), value.as_deref().map(value_hash));
                match value {
                    Some(value) => world.values.insert(key, value),
                    None => world.values.remove(&key),
                };
            }
            world.ring.apply(&changed);
        }
        world
    }
}

#[test]
fn hash_many_agrees_with_one_hash_after_the_other() {
    let mut dice = Dice(11);
    for count in [0, 1, 2, 3, 7, 8, 15, 16, 17, 33, 100] {
        let hashes: Vec<Hash> = (0..count).map(|_| dice.hash()).collect();
        for tag in Tag::ALL {
            let mut found = vec![Hash::ZERO];
            tag.hash_neighbours(&hashes, &mut found);
            let pairs = hashes.as_chunks::<2>().0;
            let expected = pairs.iter().map(|[left, right]| tag.hash_pair(left, right));
            assert_eq!(found[1..], expected.collect::<Vec<_>>(), "{count} hashes, {tag:?}");
        }
        let long: Vec<[u8; 256]> = (0..count)
            .map(|_| std::array::from_fn(|_| u8::try_from(dice.below(256)).expect("a byte")))
            .collect();
        let mut found = Vec::new();
        Tag::TwigBits.hash_many(&long.iter().collect::<Vec<_>>(), &mut found);
        let expected: Vec<Hash> = long.iter().map(|bytes| Tag::TwigBits.hash(bytes)).collect();
        assert_eq!(found, expected, "{count} messages of 256 bytes");
    }
}

#[test]
fn a_tree_by_levels_has_the_roots_and_paths_of_the_plain_one() {
    let mut dice = Dice(12);
    let mut leaves: Vec<Hash> = Vec::new();
    let mut levels = Levels::default();
    let check = |levels: &Levels, leaves: &[Hash]| {
        let size = leaves.len();
        assert_eq!(levels.root(), tree::root(leaves), "{size} leaves");
        for index in 0..size {
            assert_eq!(
                levels.path(index),
                tree::inclusion_path(leaves, index),
                "{index} of {size}"
            );
        }
        assert_eq!(levels.path(size), None);
        assert_eq!(*levels, Levels::of(leaves.to_vec()), "{size} leaves, made at once");
    };
    for _ in 0..120 {
        match dice.below(4) {
            0 | 1 => {
                let more: Vec<Hash> = (0..dice.below(20)).map(|_| dice.hash()).collect();
                levels.extend(&more);
                leaves.extend(more);
            }
            2 => {
                let kept = dice.below(leaves.len() + 1);
                levels.truncate(kept);
                leaves.truncate(kept);
            }
            _ => {
                let mut set = BTreeMap::new();
                for _ in 0..dice.below(9).min(leaves.len()) {
                    set.insert(dice.below(leaves.len()), dice.hash());
                }
                for (index, hash) in &set {
                    leaves[*index] = *hash;
                }
                levels.set(&set.into_iter().collect::<Vec<_>>());
            }
        }
        if leaves.is_empty() {
            assert_eq!(levels.root(), tree::empty_root());
        } else {
            check(&levels, &leaves);
        }
    }
}

#[test]
fn a_new_leaf_goes_to_each_key_whose_value_or_next_key_differs_and_to_no_other() {
    let key = |byte: u8| vec![1, byte];
    let change = |byte: u8, value: Option<&[u8]>| (key(byte), value.map(value_hash));
    let mut ring = Ring::genesis([(key(5), value_hash(b"five"))]);
    for (what, changes, leaves) in [
        ("the sentinel and the key of genesis", vec![], 2),
        ("the same value again", vec![change(5, Some(b"five"))], 0),
        ("another value", vec![change(5, Some(b"5"))], 1),
        ("a key behind: its own leaf and its predecessor's", vec![change(9, Some(b"9"))], 2),
        ("two neighbours: one predecessor", vec![change(6, Some(b"")), change(7, Some(b"7"))], 3),
        ("one in front of all: the sentinel's", vec![change(1, Some(b"1"))], 2),
        ("a key that goes: its predecessor's", vec![change(6, None)], 1),
        ("a key that was never there", vec![change(6, None)], 0),
        (
            "neighbours go, and the key before changes",
            vec![change(5, None), change(7, None), change(1, Some(b"one"))],
            1,
        ),
        ("all go: the sentinel closes the ring alone", vec![change(1, None), change(9, None)], 1),
    ] {
        let before = if what.starts_with("the sentinel and") { 0 } else { ring.size() };
        ring.apply(&changes.into_iter().collect());
        assert_eq!(ring.size() - before, leaves, "{what}");
    }
    let proof = ring.prove(&key(5)).expect("the sentinel is there");
    assert_eq!((proof.key.as_slice(), proof.next.as_slice()), (SENTINEL, SENTINEL));
    assert_eq!(proof.verify(Namespace::Log, &[5], None, &ring.root()), Ok(()));
}

#[test]
fn a_proof_shows_presence_with_the_value_or_absence_and_nothing_else() {
    let mut dice = Dice(13);
    for (heights, changes) in [(0, 0), (1, 1), (3, 5), (30, 20), (20, 200)] {
        let World { ring, values } = World::new(&mut dice, heights, changes);
        let root = ring.root();
        let asked = values.keys().cloned().chain((0..60).map(|_| {
            let bytes = dice.below(4);
            [vec![Namespace::Party.code()], dice.bytes(bytes)].concat()
        }));
        for key in asked.step_by(1 + changes / 20).collect::<Vec<_>>() {
            let proof = ring.prove(&key).expect("the sentinel stands before every key");
            let bare = &key[1..];
            let verify = |value: Option<&[u8]>| proof.verify(Namespace::Party, bare, value, &root);
            let value = values.get(&key).map(Vec::as_slice);
            assert_eq!(verify(value), Ok(()), "{key:?}");
            assert_eq!(StateProof::of_bytes(&proof), proof);
            match value {
                Some(value) => {
                    assert_eq!(verify(None), Err(StateProofError::NotEnclosed));
                    let other = [value, &[0]].concat();
                    assert_eq!(verify(Some(&other)), Err(StateProofError::OtherValue));
                }
                None => assert_eq!(verify(Some(b"x")), Err(StateProofError::OtherKey)),
            }
            let elsewhere = proof.verify(Namespace::Alert, bare, value, &root);
            assert!(value.is_none() || elsewhere == Err(StateProofError::OtherKey));
        }
    }
}

/// Encoding and back.
trait OfBytes {
    fn of_bytes(of: &Self) -> Self;
}

impl OfBytes for StateProof {
    fn of_bytes(of: &Self) -> Self {
        use proto::codec::Canonical as _;
        Self::decode(&of.encode()).expect("it was encoded")
    }
}

#[test]
fn every_changed_part_of_a_proof_is_refused() {
    let mut dice = Dice(14);
    let World { ring, values } = World::new(&mut dice, 30, 200);
    assert!(ring.size() > TWIG_LEAVES, "more than one twig");
    let root = ring.root();
    for (key, value) in values.iter().step_by(29) {
        let proof = ring.prove(key).expect("the sentinel stands before every key");
        let refused = |what: &str, proof: &StateProof| {
            let found = proof.verify(Namespace::Party, &key[1..], Some(value), &root);
            assert!(found.is_err(), "{what}: {found:?}");
        };
        type Change = fn(&mut StateProof);
        let changes: [(&str, Change); 12] = [
            ("another size", |proof| proof.size += 1),
            ("a smaller size", |proof| proof.size -= 1),
            ("the next position", |proof| proof.position += 1),
            ("the same place of the next twig", |proof| proof.position += TWIG_LEAVES),
            ("beyond the end", |proof| proof.position = proof.size),
            ("the largest position", |proof| proof.position = u64::MAX),
            ("another next key", |proof| proof.next.push(0)),
            ("another value", |proof| proof.value = Hash::ZERO),
            ("a leaf's sibling less", |proof| proof.leaf_path.truncate(proof.leaf_path.len() - 1)),
            ("a leaf's sibling more", |proof| proof.leaf_path.push(Hash::ZERO)),
            ("a twig's sibling less", |proof| proof.twig_path.truncate(proof.twig_path.len() - 1)),
            ("a twig's sibling more", |proof| proof.twig_path.push(Hash::ZERO)),
        ];
        for (what, change) in changes {
            let mut changed = proof.clone();
            change(&mut changed);
            refused(what, &changed);
        }
        for position in (0..TWIG_LEAVES).step_by(97).chain([proof.position % TWIG_LEAVES]) {
            let mut changed = proof.clone();
            match ring::is_active(&changed.bits, position) {
                true => ring::retire(&mut changed.bits, position),
                false => ring::activate(&mut changed.bits, position),
            }
            refused("another bit", &changed);
        }
    }
}

#[test]
fn a_replaced_leaf_and_one_that_does_not_enclose_the_key_prove_nothing() {
    let change = |byte: u8, value: Option<&[u8]>| ([1, byte].to_vec(), value.map(value_hash));
    let mut ring = Ring::genesis(
        [change(3, Some(b"3")), change(7, Some(b"7"))]
            .map(|(key, value)| (key, value.expect("a value"))),
    );
    let old = ring.prove(&[1, 3]).expect("there");
    ring.apply(&[change(3, Some(b"three"))].into());
    let (root, now) = (ring.root(), ring.prove(&[1, 3]).expect("there"));
    let stale = StateProof { bits: now.bits.clone(), size: now.size, ..old.clone() };
    let found = stale.verify(Namespace::Log, &[3], Some(b"3"), &root);
    assert_eq!(found, Err(StateProofError::Inactive { position: old.position }));
    for (asked, holds) in [(4, true), (6, true), (3, false), (7, false), (8, false), (2, false)] {
        let found = now.verify(Namespace::Log, &[asked], None, &root);
        let expected = if holds { Ok(()) } else { Err(StateProofError::NotEnclosed) };
        assert_eq!(found, expected, "{asked}");
    }
    let last = ring.prove(&[1, 200]).expect("the last key stands before it");
    assert_eq!(last.next, SENTINEL);
    assert_eq!(last.verify(Namespace::Rule, b"behind all", None, &root), Ok(()));
}

#[test]
fn a_key_whose_length_no_leaf_can_hold_is_refused_before_it_is_hashed() {
    let ring = Ring::genesis([]);
    let proof = ring.prove(&[1]).expect("the sentinel stands before every key");
    for (bytes, expected) in [
        (65_534, Ok(())),
        (65_535, Err(StateProofError::KeyTooLong { found: 65_535 })),
        (1 << 20, Err(StateProofError::KeyTooLong { found: 1 << 20 })),
    ] {
        let found = proof.verify(Namespace::Sys, &vec![0; bytes], None, &ring.root());
        assert_eq!(found, expected, "{bytes} bytes");
    }
    let long = StateProof { next: vec![1; 65_536], ..proof.clone() };
    assert_eq!(long.root(), Err(StateProofError::KeyTooLong { found: 65_536 }));
    let path = StateProof { leaf_path: vec![Hash::ZERO; 3], ..proof };
    let found = StateProofError::Path(TreeError::PathLength { found: 3 });
    assert_eq!(path.root(), Err(found));
}
