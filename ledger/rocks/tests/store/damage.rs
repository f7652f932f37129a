//! A ledger on RocksDB of which one byte was changed: a check names the column and the place.

use std::ops::ControlFlow;

use ledger::check::check;
use ledger::reader::Reader;
use ledger::store::{Batch, Column, Durability, Pair, Store, StoreRead};
use rocks::RocksStore;

#[path = "../../../tests/ledger/chain.rs"]
#[expect(dead_code, reason = "the story of the ledger's own tests, of which one function is used")]
mod chain;

fn rows(store: &impl StoreRead, column: Column) -> Vec<Pair> {
    let mut rows = Vec::new();
    let mut keep = |key: &[u8], value: &[u8]| {
        rows.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    store.scan(column, &[], None, &mut keep).unwrap();
    rows
}

fn put(store: &impl Store, column: Column, (key, value): &Pair) {
    let mut batch = Batch::default();
    batch.put(column, key, value);
    store.write(batch, Durability::Buffered).unwrap();
}

#[test]
fn one_flipped_byte_in_a_row_of_any_column_is_named_by_a_check() {
    let story = chain::story();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = RocksStore::open(&path).unwrap();
    for column in Column::ALL {
        for row in rows(&story.store, *column) {
            put(&store, *column, &row);
        }
    }
    drop(store);
    for column in Column::ALL {
        let store = RocksStore::open(&path).unwrap();
        let row = rows(&store, *column).pop().unwrap();
        let (key, mut value) = row.clone();
        let middle = value.len() / 2;
        value[middle] ^= 1;
        put(&store, *column, &(key, value));
        drop(store);
        let reader = Reader::open(RocksStore::open_read_only(&path).unwrap()).unwrap();
        let report = check(&reader, &mut |_| ()).unwrap();
        assert!(report.faults.iter().any(|fault| fault.column == *column), "{column}: {report:?}");
        drop(reader);
        put(&RocksStore::open(&path).unwrap(), *column, &row);
    }
    let reader = Reader::open(RocksStore::open_read_only(&path).unwrap()).unwrap();
    assert_eq!(check(&reader, &mut |_| ()).unwrap().faults, []);
}
