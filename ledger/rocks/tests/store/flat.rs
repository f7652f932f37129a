//! A read costs the same however little of the database the cache holds.

use ledger::store::{Batch, Column, Durability, Store as _, StoreRead as _};
use rocks::{Memory, Reads, RocksStore};

/// Keys: their filters take 250 KiB in each of two columns, and their indexes as much again.
const KEYS: u64 = 200_000;

/// Reads after which the cache holds what it can.
const READS: u64 = 20_000;

/// A cache that holds a quarter of the indexes and filters alone.
const SMALL: Memory = Memory { cache_bytes: 512 * 1024, writes_bytes: 4 * 1024 * 1024 };

/// The key with this number: as hashes are, spread over all keys.
fn key(number: u64) -> [u8; 16] {
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut key = [0; 16];
    key[..8].copy_from_slice(&spread.to_be_bytes());
    key[8..].copy_from_slice(&number.to_be_bytes());
    key
}

fn value(number: u64) -> Vec<u8> {
    number.to_be_bytes().repeat(8)
}

/// Bytes that the cache takes in for one read: `find` is told of each number.
fn loaded_per_read(store: &RocksStore, find: impl Fn(u64)) -> u64 {
    let mut number = 1_u64;
    let mut next = || {
        number =
            number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        number >> 33
    };
    let mut before = Reads::default();
    for at in 0..2 * READS {
        if at == READS {
            before = store.figures().reads();
        }
        find(next());
    }
    let after = store.figures().reads();
    assert_eq!(after.questions - before.questions, READS, "each read is counted");
    (after.loaded_bytes - before.loaded_bytes) / READS
}

#[test]
fn a_read_loads_a_few_blocks_whatever_the_size_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = RocksStore::open_with(folder.path(), SMALL).unwrap();
    for start in (0..KEYS).step_by(2_000) {
        let mut batch = Batch::default();
        for number in start..start + 2_000 {
            batch.put(Column::State, key(number), value(number));
            batch.put(Column::Pages, key(number), value(number));
        }
        store.write(batch, Durability::Buffered).unwrap();
    }
    drop(store);
    let store = RocksStore::open_with(folder.path(), SMALL).unwrap();
    for (column, absent_bytes_max) in [(Column::State, 8 * 1024), (Column::Pages, 16 * 1024)] {
        let present = loaded_per_read(&store, |draw| {
            let number = draw % KEYS;
            let found = store.get(column, &key(number)).unwrap();
            assert_eq!(found, Some(value(number)), "{column} {number}");
        });
        // A block of rows, one of the filter and one of the index, for each of two levels at most.
        assert!((1_000..24 * 1024).contains(&present), "{column}: {present} bytes for a key");
        let absent = loaded_per_read(&store, |draw| {
            assert_eq!(store.get(column, &key(KEYS + draw)).unwrap(), None);
        });
        assert!(absent < absent_bytes_max, "{column}: {absent} bytes for a missing key");
    }
}
