//! The store in memory keeps the promises of every store, and breaks when told to.

use std::ops::ControlFlow;

use ledger::MemoryStore;
use ledger::store::{Batch, Column, Durability, Store as _, StoreRead, prefix_end};

fn put(store: &MemoryStore, pairs: &[(&str, &str)], durability: Durability) {
    let mut batch = Batch::default();
    for (key, value) in pairs {
        batch.put(Column::State, key.as_bytes(), value.as_bytes());
    }
    store.write(batch, durability).unwrap();
}

fn keys(read: &impl StoreRead, from: &str, until: Option<&str>) -> String {
    let mut keys = Vec::new();
    let mut keep = |key: &[u8], _: &[u8]| {
        keys.push(String::from_utf8(key.to_vec()).unwrap());
        ControlFlow::Continue(())
    };
    let until = until.map(str::as_bytes);
    read.scan(Column::State, from.as_bytes(), until, &mut keep).unwrap();
    keys.join(" ")
}

#[test]
fn scans_are_ordered_and_half_open() {
    let store = MemoryStore::default();
    put(&store, &[("b", "1"), ("a", "2"), ("ab", "3"), ("c", "4")], Durability::Synced);
    for (from, until, expected) in [
        ("", None, "a ab b c"),
        ("ab", None, "ab b c"),
        ("a", Some("b"), "a ab"),
        ("b", Some("b"), ""),
        ("c", Some("a"), ""),
        ("d", None, ""),
    ] {
        assert_eq!(keys(&store, from, until), expected, "{from:?} to {until:?}");
    }
    let found = store.scan_prefix(Column::State, b"a", b"", 10).unwrap();
    assert_eq!(found.len(), 2);
    let found = store.scan_prefix(Column::State, b"a", b"aa", 10).unwrap();
    assert_eq!(found, [(b"ab".to_vec(), b"3".to_vec())]);
    assert!(store.scan_prefix(Column::State, b"a", b"", 0).unwrap().is_empty());
    assert_eq!(store.scan_prefix(Column::State, b"", b"", 3).unwrap().len(), 3);
}

#[test]
fn the_end_of_a_prefix_is_the_first_key_above_it() {
    for (prefix, end) in [
        (vec![1, 2], Some(vec![1, 3])),
        (vec![1, 0xff], Some(vec![2])),
        (vec![0xff, 0xff], None),
        (vec![], None),
    ] {
        assert_eq!(prefix_end(&prefix), end, "{prefix:?}");
    }
}

#[test]
fn a_batch_is_made_in_its_order() {
    let store = MemoryStore::default();
    put(&store, &[("a", "1"), ("b", "1"), ("c", "1")], Durability::Synced);
    let mut batch = Batch::default();
    batch.put(Column::State, *b"bb", *b"2");
    batch.delete_range(Column::State, *b"b", *b"c");
    batch.put(Column::State, *b"bc", *b"3");
    batch.delete(Column::State, *b"a");
    batch.delete(Column::State, *b"never there");
    store.write(batch, Durability::Synced).unwrap();
    assert_eq!(keys(&store, "", None), "bc c");
}

#[test]
fn a_snapshot_does_not_see_later_writes() {
    let store = MemoryStore::default();
    put(&store, &[("a", "1")], Durability::Synced);
    let snapshot = store.snapshot();
    put(&store, &[("a", "2"), ("b", "2")], Durability::Synced);
    assert_eq!(snapshot.get(Column::State, b"a").unwrap(), Some(b"1".to_vec()));
    assert_eq!(keys(&snapshot, "", None), "a");
    assert_eq!(store.get(Column::State, b"a").unwrap(), Some(b"2".to_vec()));
    let many = store.get_many(Column::State, &[b"b".to_vec(), b"x".to_vec()]).unwrap();
    assert_eq!(many, [Some(b"2".to_vec()), None]);
}

#[test]
fn a_crash_takes_what_was_written_after_the_last_synced_batch() {
    let store = MemoryStore::default();
    put(&store, &[("a", "1")], Durability::Buffered);
    put(&store, &[("b", "1")], Durability::Synced);
    put(&store, &[("a", "2"), ("c", "1")], Durability::Buffered);
    let mut batch = Batch::default();
    batch.delete_range(Column::State, *b"a", *b"z");
    store.write(batch, Durability::Buffered).unwrap();
    assert_eq!(keys(&store, "", None), "");
    store.crash();
    assert_eq!(keys(&store, "", None), "a b");
    assert_eq!(store.get(Column::State, b"a").unwrap(), Some(b"1".to_vec()));
}

#[test]
fn a_store_told_to_fail_changes_nothing() {
    let store = MemoryStore::default();
    store.fail_after(1);
    put(&store, &[("a", "1")], Durability::Synced);
    let mut batch = Batch::default();
    batch.put(Column::State, *b"b", *b"1");
    let error = store.write(batch, Durability::Synced).unwrap_err();
    assert_eq!(error.to_string(), "the store failed to write a batch: told to fail here");
    assert_eq!((keys(&store, "", None), store.writes()), ("a".to_owned(), 1));
    store.crash();
    put(&store, &[("b", "1")], Durability::Synced);
    assert_eq!(keys(&store, "", None), "a b");
}

#[test]
fn a_fork_goes_its_own_way_and_a_clone_does_not() {
    let store = MemoryStore::default();
    let (fork, clone) = (store.fork(), store.clone());
    put(&store, &[("a", "1")], Durability::Synced);
    assert_eq!(keys(&fork, "", None), "");
    assert_eq!(keys(&clone, "", None), "a");
}
