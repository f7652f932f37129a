//! The form of lists: a function of their entries, in whatever order these came and went.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proto::trie::Namespace;

use super::{Changes, Index, Queue, Rows, leave};
use crate::record::codec::{Byte, Mark};
use crate::record::list::INLINE_MAX;
use crate::record::matching::MatchRow;

type Entries = BTreeMap<(Namespace, Vec<u8>), Vec<u8>>;

const OWNER: &[u8] = b"owner";

fn apply(entries: &mut Entries, changes: Changes) {
    for (key, value) in changes {
        match value {
            Some(value) => entries.insert(key, value),
            None => entries.remove(&key),
        };
    }
}

/// The rows of a list that is filled at once.
fn filled(model: &BTreeMap<u16, u8>) -> Entries {
    let mut entries = Entries::new();
    let base = Entries::new();
    let mut rows = Rows::new(&base);
    for (key, value) in model {
        let set = |held: &mut Byte| *held = Byte(*value);
        rows.update(MatchRow::DOCUMENTS, OWNER, &key.to_be_bytes(), set).unwrap();
    }
    apply(&mut entries, rows.into_changes());
    entries
}

proptest! {
    #[test]
    fn the_rows_of_a_list_are_a_function_of_its_entries(
        blocks in prop::collection::vec(
            prop::collection::vec((0u16..40, prop::option::weighted(0.55, 1u8..9)), 0..60),
            0..8,
        ),
    ) {
        let (mut entries, mut model) = (Entries::new(), BTreeMap::new());
        for steps in blocks {
            let base = entries.clone();
            let mut rows = Rows::new(&base);
            for (key, value) in steps {
                let bytes = key.to_be_bytes();
                rows.set(MatchRow::DOCUMENTS, OWNER, &bytes, value.map(Byte)).unwrap();
                match value {
                    Some(value) => model.insert(key, value),
                    None => model.remove(&key),
                };
                let found = rows.entry(MatchRow::DOCUMENTS, OWNER, &bytes).unwrap();
                prop_assert_eq!(found.map(|byte| byte.0), model.get(&key).copied());
            }
            let count = rows.len(MatchRow::DOCUMENTS, OWNER).unwrap();
            prop_assert_eq!(count, u64::try_from(model.len()).unwrap());
            apply(&mut entries, rows.into_changes());
            prop_assert_eq!(&entries, &filled(&model));
        }
        let spilled = entries.keys().filter(|(namespace, _)| *namespace == Namespace::List);
        let expected = if model.len() > INLINE_MAX { model.len() } else { 0 };
        prop_assert_eq!(spilled.count(), expected);
    }

    #[test]
    fn a_scan_goes_on_where_it_stopped_over_what_is_stored_and_what_is_new(
        stored in prop::collection::btree_set(0u16..300, 0..80),
        changed in prop::collection::btree_map(0u16..300, any::<bool>(), 0..80),
        limit in 1usize..20,
    ) {
        let base = filled(&stored.iter().map(|key| (*key, 1)).collect());
        let mut rows = Rows::new(&base);
        let mut expected = stored;
        for (key, is_put) in changed {
            let value = is_put.then_some(Byte(2));
            rows.set(MatchRow::DOCUMENTS, OWNER, &key.to_be_bytes(), value).unwrap();
            if is_put { expected.insert(key) } else { expected.remove(&key) };
        }
        let (mut found, mut after) = (Vec::new(), None::<Vec<u8>>);
        loop {
            let piece =
                rows.scan(MatchRow::DOCUMENTS, OWNER, after.as_deref(), limit).unwrap();
            prop_assert!(piece.len() <= limit);
            let Some((last, _)) = piece.last() else { break };
            after = Some(last.clone());
            found.extend(piece.iter().map(|(key, _)| u16::from_be_bytes([key[0], key[1]])));
        }
        prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn lists_of_one_owner_and_of_like_owners_are_apart() {
    const ONE: Index<Mark> = Index::new(200);
    const OTHER: Index<Mark> = Index::new(201);
    let base = Entries::new();
    let mut rows = Rows::new(&base);
    ONE.put(&mut rows, b"unit", b"x", &Mark);
    for (index, owner) in [(OTHER, &b"unit"[..]), (ONE, b"uni"), (ONE, b"unit\0"), (ONE, b"")] {
        assert_eq!(index.get(&rows, owner, b"x").unwrap(), None);
        assert!(index.is_empty(&rows, owner).unwrap());
        assert_eq!(index.count(&rows, owner, 9).unwrap(), 0);
    }
    assert!(!ONE.is_empty(&rows, b"unit").unwrap());
    ONE.remove(&mut rows, b"unit", b"x").unwrap();
    assert!(ONE.is_empty(&rows, b"unit").unwrap());
    assert!(rows.into_changes().is_empty(), "what came and went leaves nothing");
}

#[test]
fn a_row_that_is_changed_back_is_no_change() {
    let base = filled(&BTreeMap::from([(1, 1)]));
    let mut rows = Rows::new(&base);
    for value in [Some(Byte(2)), None, Some(Byte(1))] {
        rows.set(MatchRow::DOCUMENTS, OWNER, &1u16.to_be_bytes(), value).unwrap();
    }
    assert!(rows.into_changes().is_empty());
    let mut rows = Rows::new(&base);
    rows.set(MatchRow::DOCUMENTS, OWNER, &1u16.to_be_bytes(), None).unwrap();
    let key = (Namespace::Match, OWNER.to_vec());
    assert_eq!(rows.into_changes(), Changes::from([(key, None)]), "no empty row stays");
}

fn noted(rows: &Rows<'_>, limit: usize) -> Vec<String> {
    let found = Queue::MATCHES.scan(rows, limit).unwrap().into_iter();
    found.map(|noted| String::from_utf8(noted.key).unwrap()).collect()
}

#[test]
fn what_is_looked_at_in_its_block_never_comes_into_the_state() {
    let base = Entries::new();
    let mut rows = Rows::new(&base);
    Queue::MATCHES.put(&mut rows, b"a", Vec::new());
    Queue::MATCHES.put(&mut rows, b"a", Vec::new());
    assert_eq!(noted(&rows, 9), ["a"]);
    Queue::MATCHES.remove(&mut rows, b"a").unwrap();
    assert!(!leave(&mut rows).unwrap());
    assert!(rows.into_changes().is_empty());
}

#[test]
fn what_is_left_is_what_the_next_block_begins_with() {
    let mut base = Entries::new();
    let mut rows = Rows::new(&base);
    for key in [b"a", b"b", b"c"] {
        Queue::MATCHES.put(&mut rows, key, Vec::new());
    }
    Queue::MATCHES.set(&mut rows, b"b", Some(b"half".to_vec())).unwrap();
    Queue::MATCHES.set(&mut rows, b"c", Some(b"half".to_vec())).unwrap();
    assert!(leave(&mut rows).unwrap());
    let changes = rows.into_changes();
    apply(&mut base, changes);
    let mut rows = Rows::new(&base);
    for key in [b"0", b"b"] {
        Queue::MATCHES.put(&mut rows, key, Vec::new());
    }
    assert_eq!(noted(&rows, 3), ["a", "b", "c"]);
    assert_eq!(noted(&rows, 9), ["a", "b", "c", "0"], "b stands once");
    let found = Queue::MATCHES.scan(&rows, 9).unwrap();
    let value = |key: &[u8]| found.iter().find(|found| found.key == key).unwrap().value.clone();
    assert_eq!(value(b"c"), b"half", "what was not noted again goes on where it stopped");
    assert_eq!(value(b"b"), b"", "what was begins from the beginning");
}
