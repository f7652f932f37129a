//! Trees: every proof that should hold does, and nothing beside it.

use proto::Hash;
use proto::hash::Tag;
use proto::namespace::Namespace;
use proto::tree::{
    Frontier, TreeError, consistency_path, empty_root, inclusion_path, root, verify_consistency,
    verify_inclusion,
};

const SIZE_MAX: usize = 70;

fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|index| Tag::Log.hash(&index.to_be_bytes())).collect()
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).expect("64 bits")
}

fn flipped(hash: &Hash, bit: usize) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[bit / 8] ^= 0x80 >> (bit % 8);
    Hash::new(bytes)
}

/// RFC 9162, 2.1.1, word by word: the reference that shares nothing with the crate's own root.
fn reference_root(leaves: &[Hash]) -> Hash {
    match leaves.len() {
        0 => Hash::new(blake3::derive_key("jjj/empty/v1", b"")),
        1 => leaves[0],
        count => {
            let mut split = 1;
            while split * 2 < count {
                split *= 2;
            }
            let left = reference_root(&leaves[..split]);
            let right = reference_root(&leaves[split..]);
            let both = [*left.as_bytes(), *right.as_bytes()].concat();
            Hash::new(blake3::derive_key("jjj/node/v1", &both))
        }
    }
}

#[test]
fn every_tag_is_blake3_in_derive_key_mode_with_its_text_as_context() {
    for tag in Tag::ALL {
        for input in [&b""[..], b"abc", &[7; 2_000]] {
            assert_eq!(tag.hash(input).as_bytes(), &blake3::derive_key(tag.text(), input));
        }
    }
    let texts: std::collections::BTreeSet<&str> = Tag::ALL.iter().map(|tag| tag.text()).collect();
    assert_eq!(texts.len(), Tag::ALL.len(), "no two tags share a context");
}

#[test]
fn the_root_has_the_shape_of_rfc_9162_and_the_frontier_agrees() {
    let mut frontier = Frontier::default();
    for size in 0..=SIZE_MAX {
        let all = leaves(size);
        assert_eq!(root(&all), reference_root(&all), "size {size}");
        assert_eq!(frontier.root(), root(&all), "size {size}");
        assert_eq!(frontier.size(), wide(size));
        let stored = Frontier::from_parts(frontier.size(), frontier.peaks().to_vec());
        assert_eq!(stored.as_ref(), Some(&frontier), "size {size} from storage");
        let mut one_more = frontier.peaks().to_vec();
        one_more.push(Hash::ZERO);
        assert_eq!(Frontier::from_parts(frontier.size(), one_more), None, "size {size}");
        frontier.append(leaves(size + 1)[size], |level, index, filled| {
            let width = 1usize << level;
            let first = usize::try_from(index).expect("small") * width;
            let expected = root(&leaves(first + width)[first..]);
            assert_eq!(filled, expected, "subtree {index} of level {level}");
        });
    }
}

#[test]
fn an_inclusion_path_holds_for_its_leaf_index_size_and_root_only() {
    for size in 1..=SIZE_MAX {
        let all = leaves(size);
        let top = root(&all);
        for index in 0..size {
            let path = inclusion_path(&all, index).expect("inside");
            let verify = |leaf: &Hash, index: usize, size: usize, path: &[Hash], top: &Hash| {
                verify_inclusion(leaf, wide(index), wide(size), path, top)
            };
            assert_eq!(verify(&all[index], index, size, &path, &top), Ok(()), "{index}/{size}");
            for other in (0..size).filter(|other| *other != index) {
                let found = verify(&all[index], other, size, &path, &top);
                assert!(found.is_err(), "{index} shown as {other} of {size}");
            }
            let bit = (index * 7 + size) % 256;
            assert!(verify(&flipped(&all[index], bit), index, size, &path, &top).is_err());
            assert!(verify(&all[index], index, size, &path, &flipped(&top, bit)).is_err());
            for step in 0..path.len() {
                let mut wrong = path.clone();
                wrong[step] = flipped(&wrong[step], bit);
                assert!(verify(&all[index], index, size, &wrong, &top).is_err());
                wrong.remove(step);
                assert!(verify(&all[index], index, size, &wrong, &top).is_err());
            }
            let mut longer = path.clone();
            longer.push(Hash::ZERO);
            assert!(verify(&all[index], index, size, &longer, &top).is_err());
        }
        assert_eq!(inclusion_path(&all, size), None);
        let outside = TreeError::Outside { index: wide(size), size: wide(size) };
        assert_eq!(verify_inclusion(&all[0], wide(size), wide(size), &[], &top), Err(outside));
    }
    assert_eq!(inclusion_path(&[], 0), None);
    let outside = TreeError::Outside { index: 0, size: 0 };
    assert_eq!(verify_inclusion(&Hash::ZERO, 0, 0, &[], &empty_root()), Err(outside));
}

#[test]
fn an_inclusion_path_under_another_size_never_leads_to_that_sizes_root() {
    for size in 1..=SIZE_MAX {
        let all = leaves(size);
        for index in 0..size {
            let path = inclusion_path(&all, index).expect("inside");
            for other in (1..=SIZE_MAX).filter(|other| *other != size) {
                let top = root(&leaves(other));
                let found = verify_inclusion(&all[index], wide(index), wide(other), &path, &top);
                assert!(found.is_err(), "{index} of {size} shown in {other}");
            }
        }
    }
}

#[test]
fn a_consistency_path_holds_for_its_two_sizes_and_roots_only() {
    for new in 1..=SIZE_MAX {
        let all = leaves(new);
        let new_root = root(&all);
        for old in 1..=new {
            let old_root = root(&all[..old]);
            let path = consistency_path(&all, old).expect("1 to size");
            let verify = |old: usize, new: usize, path: &[Hash]| {
                verify_consistency(wide(old), wide(new), &old_root, &new_root, path)
            };
            assert_eq!(verify(old, new, &path), Ok(()), "{old} of {new}");
            let bit = (old * 11 + new) % 256;
            for step in 0..path.len() {
                let mut wrong = path.clone();
                wrong[step] = flipped(&wrong[step], bit);
                assert!(verify(old, new, &wrong).is_err(), "{old} of {new}, step {step}");
                wrong.remove(step);
                assert!(verify(old, new, &wrong).is_err(), "{old} of {new}, step {step}");
            }
            let mut longer = path.clone();
            longer.push(Hash::ZERO);
            assert!(verify(old, new, &longer).is_err(), "{old} of {new}, a step more");
            for (first, second) in [
                (flipped(&old_root, bit), new_root),
                (old_root, flipped(&new_root, bit)),
                (new_root, old_root),
            ] {
                if (first, second) != (old_root, new_root) {
                    let found = verify_consistency(wide(old), wide(new), &first, &second, &path);
                    assert!(found.is_err(), "{old} of {new}, other roots");
                }
            }
        }
        for old in [0, new + 1] {
            assert_eq!(consistency_path(&all, old), None);
            let expected = Err(TreeError::NotPrefix { old: wide(old), new: wide(new) });
            assert_eq!(
                verify_consistency(wide(old), wide(new), &new_root, &new_root, &[]),
                expected
            );
        }
    }
}

#[test]
fn a_tree_whose_past_was_changed_has_no_consistency_path() {
    for new in 2..=SIZE_MAX {
        for old in 1..new {
            let before = leaves(new);
            let mut after = before.clone();
            after[old - 1] = flipped(&after[old - 1], 3);
            let path = consistency_path(&after, old).expect("1 to size");
            let (old_root, new_root) = (root(&before[..old]), root(&after));
            let found = verify_consistency(wide(old), wide(new), &old_root, &new_root, &path);
            assert!(found.is_err(), "{old} of {new}");
        }
    }
}

#[test]
fn namespace_bytes_are_fixed_and_distinct() {
    for (position, namespace) in Namespace::ALL.into_iter().enumerate() {
        assert_eq!(usize::from(namespace.code()), position + 1);
        assert_eq!(Namespace::from_code(namespace.code()), Some(namespace));
    }
    for code in (0..=u8::MAX).filter(|code| !(1..=Namespace::ALL.len()).contains(&(*code).into())) {
        assert_eq!(Namespace::from_code(code), None, "namespace {code}");
    }
}
