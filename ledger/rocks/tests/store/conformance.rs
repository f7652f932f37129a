//! What the ledger relies on, run against both stores.

use std::ops::ControlFlow;
use std::sync::Arc;

use ledger::memory::MemoryStore;
use ledger::store::{Batch, Column, Durability, Pair, Store, StoreRead, prefix_end};
use rocks::RocksStore;

/// One rule of a store, as a function over a fresh one.
macro_rules! rules {
    ($($name:ident,)*) => {
        $(
            #[test]
            fn $name() {
                rule::$name(&MemoryStore::default());
                let folder = tempfile::tempdir().unwrap();
                rule::$name(&RocksStore::open(folder.path()).unwrap());
            }
        )*
    };
}

rules! {
    a_new_store_is_empty,
    what_is_put_is_got,
    columns_do_not_mix,
    the_last_change_of_a_batch_counts,
    an_empty_key_and_an_empty_value_are_values,
    deleting_what_is_not_there_is_no_error,
    a_range_is_deleted_without_its_end,
    a_range_that_ends_before_it_begins_is_empty,
    a_scan_ascends_by_bytes_and_keeps_its_bounds,
    a_scan_ends_where_the_visitor_breaks,
    a_prefix_scan_resumes_and_stops_at_its_limit,
    many_values_come_in_the_order_asked,
    a_snapshot_does_not_change,
    a_visitor_may_read_and_write_the_store,
    readers_see_whole_batches,
    a_large_value_comes_back_whole,
}

pub(crate) fn put(store: &impl Store, column: Column, key: &[u8], value: &[u8]) {
    let mut batch = Batch::default();
    batch.put(column, key, value);
    store.write(batch, Durability::Synced).unwrap();
}

pub(crate) fn all(store: &impl StoreRead, column: Column) -> Vec<Pair> {
    range(store, column, b"", None)
}

pub(crate) fn range(
    store: &impl StoreRead,
    column: Column,
    from: &[u8],
    until: Option<&[u8]>,
) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let visit = &mut |key: &[u8], value: &[u8]| {
        pairs.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    store.scan(column, from, until, visit).unwrap();
    pairs
}

fn keys(pairs: &[Pair]) -> Vec<&[u8]> {
    pairs.iter().map(|(key, _)| key.as_slice()).collect()
}

mod rule {
    use super::*;

    pub(super) fn a_new_store_is_empty(store: &impl Store) {
        for column in Column::ALL {
            assert_eq!(all(store, *column), [], "{column}");
            assert_eq!(store.get(*column, b"").unwrap(), None, "{column}");
        }
    }

    pub(super) fn what_is_put_is_got(store: &impl Store) {
        for durability in [Durability::Synced, Durability::Buffered] {
            let mut batch = Batch::default();
            batch.put(Column::State, b"key", b"value");
            store.write(batch, durability).unwrap();
            assert_eq!(store.get(Column::State, b"key").unwrap().as_deref(), Some(&b"value"[..]));
            let mut batch = Batch::default();
            batch.delete(Column::State, b"key");
            store.write(batch, durability).unwrap();
            assert_eq!(store.get(Column::State, b"key").unwrap(), None, "{durability:?}");
        }
    }

    pub(super) fn columns_do_not_mix(store: &impl Store) {
        let mut batch = Batch::default();
        for column in Column::ALL {
            batch.put(*column, b"key", column.name());
        }
        store.write(batch, Durability::Synced).unwrap();
        for column in Column::ALL {
            let expected = vec![(b"key".to_vec(), column.name().as_bytes().to_vec())];
            assert_eq!(all(store, *column), expected, "{column}");
        }
        let mut batch = Batch::default();
        batch.delete_range(Column::State, b"", b"z");
        store.write(batch, Durability::Synced).unwrap();
        assert_eq!(all(store, Column::State), []);
        assert_eq!(all(store, Column::Leaves).len(), 1);
    }

    pub(super) fn the_last_change_of_a_batch_counts(store: &impl Store) {
        put(store, Column::Meta, b"a", b"old");
        put(store, Column::Meta, b"b", b"old");
        let mut batch = Batch::default();
        batch.put(Column::Meta, b"a", b"first");
        batch.put(Column::Meta, b"a", b"second");
        batch.put(Column::Meta, b"b", b"first");
        batch.delete(Column::Meta, b"b");
        batch.delete_range(Column::Meta, b"c", b"d");
        batch.put(Column::Meta, b"c", b"kept");
        store.write(batch, Durability::Synced).unwrap();
        let expected = [(b"a".to_vec(), b"second".to_vec()), (b"c".to_vec(), b"kept".to_vec())];
        assert_eq!(all(store, Column::Meta), expected);
    }

    pub(super) fn an_empty_key_and_an_empty_value_are_values(store: &impl Store) {
        put(store, Column::Meta, b"", b"value of nothing");
        put(store, Column::Meta, b"nothing", b"");
        assert_eq!(
            store.get(Column::Meta, b"").unwrap().as_deref(),
            Some(&b"value of nothing"[..])
        );
        assert_eq!(store.get(Column::Meta, b"nothing").unwrap().as_deref(), Some(&b""[..]));
        assert_eq!(keys(&all(store, Column::Meta)), [&b""[..], b"nothing"]);
    }

    pub(super) fn deleting_what_is_not_there_is_no_error(store: &impl Store) {
        let mut batch = Batch::default();
        batch.delete(Column::Logs, b"nowhere");
        batch.delete_range(Column::Logs, b"a", b"z");
        store.write(batch, Durability::Synced).unwrap();
        store.write(Batch::default(), Durability::Synced).unwrap();
        assert_eq!(all(store, Column::Logs), []);
    }

    pub(super) fn a_range_is_deleted_without_its_end(store: &impl Store) {
        for key in [&b"a"[..], b"b", b"b\0", b"c", b"d"] {
            put(store, Column::Undo, key, b"x");
        }
        let mut batch = Batch::default();
        batch.delete_range(Column::Undo, b"b", b"c");
        store.write(batch, Durability::Synced).unwrap();
        assert_eq!(keys(&all(store, Column::Undo)), [&b"a"[..], b"c", b"d"]);
    }

    pub(super) fn a_range_that_ends_before_it_begins_is_empty(store: &impl Store) {
        put(store, Column::Undo, b"b", b"x");
        let mut batch = Batch::default();
        batch.delete_range(Column::Undo, b"c", b"a");
        batch.delete_range(Column::Undo, b"b", b"b");
        store.write(batch, Durability::Synced).unwrap();
        assert_eq!(keys(&all(store, Column::Undo)), [b"b"]);
        assert_eq!(range(store, Column::Undo, b"c", Some(b"a")), []);
        assert_eq!(range(store, Column::Undo, b"b", Some(b"b")), []);
    }

    pub(super) fn a_scan_ascends_by_bytes_and_keeps_its_bounds(store: &impl Store) {
        let written: [&[u8]; 7] = [b"\xff\xff", b"b", b"", b"a\0", b"\x00", b"a", b"\xff"];
        for key in written {
            put(store, Column::Logs, key, key);
        }
        let sorted: [&[u8]; 7] = [b"", b"\x00", b"a", b"a\0", b"b", b"\xff", b"\xff\xff"];
        assert_eq!(keys(&all(store, Column::Logs)), sorted);
        assert_eq!(keys(&range(store, Column::Logs, b"a", Some(b"b"))), [&b"a"[..], b"a\0"]);
        assert_eq!(keys(&range(store, Column::Logs, b"c", None)), [&b"\xff"[..], b"\xff\xff"]);
        assert_eq!(keys(&range(store, Column::Logs, b"\xff\xff\xff", None)), [&b""[..]; 0]);
    }

    pub(super) fn a_scan_ends_where_the_visitor_breaks(store: &impl Store) {
        for key in [b"a", b"b", b"c"] {
            put(store, Column::Logs, key, b"x");
        }
        let mut seen = Vec::new();
        let visit = &mut |key: &[u8], _: &[u8]| {
            seen.push(key.to_vec());
            if key == b"b" { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        store.scan(Column::Logs, b"", None, visit).unwrap();
        assert_eq!(seen, [b"a", b"b"]);
    }

    pub(super) fn a_prefix_scan_resumes_and_stops_at_its_limit(store: &impl Store) {
        for key in [&b"a"[..], b"p", b"p\x01", b"p\x02", b"p\xff", b"q"] {
            put(store, Column::Days, key, b"x");
        }
        let scan = |prefix, from, limit| {
            let pairs = store.scan_prefix(Column::Days, prefix, from, limit).unwrap();
            pairs.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
        };
        assert_eq!(scan(b"p", b"", 9), [&b"p"[..], b"p\x01", b"p\x02", b"p\xff"]);
        assert_eq!(scan(b"p", b"", 2), [&b"p"[..], b"p\x01"]);
        assert_eq!(scan(b"p", b"p\x02", 9), [&b"p\x02"[..], b"p\xff"]);
        assert_eq!(scan(b"p", b"q", 9), [&b""[..]; 0]);
        assert_eq!(scan(b"p", b"", 0), [&b""[..]; 0]);
        assert_eq!(prefix_end(b"p\xff").as_deref(), Some(&b"q"[..]));
    }

    pub(super) fn many_values_come_in_the_order_asked(store: &impl Store) {
        for key in [b"a", b"b", b"c"] {
            put(store, Column::Leaves, key, key);
        }
        let asked = [b"c", b"x", b"a", b"c"].map(|key| key.to_vec());
        let expected = [Some(b"c".to_vec()), None, Some(b"a".to_vec()), Some(b"c".to_vec())];
        assert_eq!(store.get_many(Column::Leaves, &asked).unwrap(), expected);
        let snapshot = store.snapshot();
        put(store, Column::Leaves, b"x", b"new");
        assert_eq!(snapshot.get_many(Column::Leaves, &asked).unwrap(), expected);
        assert_eq!(store.get_many(Column::Leaves, &[]).unwrap(), []);
    }

    pub(super) fn a_snapshot_does_not_change(store: &impl Store) {
        put(store, Column::State, b"changed", b"old");
        put(store, Column::State, b"deleted", b"old");
        put(store, Column::State, b"in range", b"old");
        let snapshot = store.snapshot();
        let before = all(&snapshot, Column::State);
        let mut batch = Batch::default();
        batch.put(Column::State, b"changed", b"new");
        batch.put(Column::State, b"made", b"new");
        batch.delete(Column::State, b"deleted");
        batch.delete_range(Column::State, b"in", b"io");
        store.write(batch, Durability::Synced).unwrap();
        assert_eq!(all(&snapshot, Column::State), before);
        assert_eq!(snapshot.get(Column::State, b"made").unwrap(), None);
        assert_eq!(snapshot.get(Column::State, b"changed").unwrap().as_deref(), Some(&b"old"[..]));
        assert_eq!(keys(&all(store, Column::State)), [&b"changed"[..], b"made"]);
        assert_eq!(all(&store.snapshot(), Column::State), all(store, Column::State));
    }

    pub(super) fn a_visitor_may_read_and_write_the_store(store: &impl Store) {
        for key in [b"a", b"b"] {
            put(store, Column::State, key, b"x");
        }
        let mut seen = 0;
        let visit = &mut |key: &[u8], _: &[u8]| {
            seen += 1;
            put(store, Column::Leaves, key, b"seen");
            assert!(store.get(Column::State, key).unwrap().is_some());
            ControlFlow::Continue(())
        };
        store.scan(Column::State, b"", None, visit).unwrap();
        assert_eq!((seen, all(store, Column::Leaves).len()), (2, 2));
    }

    pub(super) fn readers_see_whole_batches(store: &impl Store) {
        const ROUNDS: u64 = 200;
        let write = |round: u64| {
            let mut batch = Batch::default();
            for column in [Column::Meta, Column::State, Column::Logs] {
                batch.put(column, b"round", round.to_be_bytes());
            }
            store.write(batch, Durability::Buffered).unwrap();
        };
        let finished = Arc::new(std::sync::atomic::AtomicBool::new(false));
        write(0);
        std::thread::scope(|scope| {
            let done = Arc::clone(&finished);
            scope.spawn(move || {
                (1..=ROUNDS).for_each(write);
                done.store(true, std::sync::atomic::Ordering::Release);
            });
            let mut last = 0;
            loop {
                let finished = finished.load(std::sync::atomic::Ordering::Acquire);
                let view = store.snapshot();
                let values = [Column::Meta, Column::State, Column::Logs].map(|column| {
                    let bytes = view.get(column, b"round").unwrap().expect("written above");
                    u64::from_be_bytes(bytes.try_into().unwrap())
                });
                assert_eq!(values, [values[0]; 3], "a batch is seen whole or not at all");
                assert!(values[0] >= last, "a later snapshot is not older");
                last = values[0];
                if finished {
                    break;
                }
            }
            assert_eq!(last, ROUNDS);
        });
    }

    pub(super) fn a_large_value_comes_back_whole(store: &impl Store) {
        let value: Vec<u8> = (0..8 * 1024 * 1024_u32).map(|at| at.to_le_bytes()[1]).collect();
        put(store, Column::Blocks, b"large", &value);
        assert!(store.get(Column::Blocks, b"large").unwrap().as_ref() == Some(&value));
    }
}
