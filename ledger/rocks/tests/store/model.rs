//! Any history of writes leaves both stores with the same content, through reopening too.

use ledger::memory::MemoryStore;
use ledger::store::{Batch, Column, Durability, Store, StoreRead as _};
use proptest::prelude::*;
use rocks::RocksStore;

use super::conformance::{all, range};

#[derive(Clone, Debug)]
enum Step {
    Put(Column, Vec<u8>, Vec<u8>),
    Delete(Column, Vec<u8>),
    DeleteRange(Column, Vec<u8>, Vec<u8>),
    /// Ends the batch.
    Write(Durability),
    /// Closes and opens the store on disk.
    Reopen,
}

fn column() -> impl Strategy<Value = Column> {
    prop_oneof![Just(Column::State), Just(Column::Logs), Just(Column::Undo)]
}

/// Few keys, so that they meet: up to three bytes of an alphabet of four.
fn key() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![Just(0), Just(b'a'), Just(b'b'), Just(0xff)], 0..4)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (column(), key(), proptest::collection::vec(any::<u8>(), 0..9))
            .prop_map(|(column, key, value)| Step::Put(column, key, value)),
        3 => (column(), key()).prop_map(|(column, key)| Step::Delete(column, key)),
        2 => (column(), key(), key())
            .prop_map(|(column, from, until)| Step::DeleteRange(column, from, until)),
        4 => prop_oneof![Just(Durability::Synced), Just(Durability::Buffered)].prop_map(Step::Write),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn both_stores_agree_after_any_history(steps in proptest::collection::vec(step(), 1..80), from in key(), until in key()) {
        let folder = tempfile::tempdir().unwrap();
        let memory = MemoryStore::default();
        let mut disk = Some(RocksStore::open(folder.path()).unwrap());
        let mut batch = Batch::default();
        for step in steps {
            match step {
                Step::Put(column, key, value) => batch.put(column, key, value),
                Step::Delete(column, key) => batch.delete(column, key),
                Step::DeleteRange(column, from, until) => batch.delete_range(column, from, until),
                Step::Write(durability) => {
                    memory.write(batch.clone(), durability).unwrap();
                    let disk = disk.as_ref().unwrap();
                    disk.write(std::mem::take(&mut batch), durability).unwrap();
                }
                Step::Reopen => {
                    // Closed before it is opened: one process holds a store once.
                    drop(disk.take());
                    disk = Some(RocksStore::open(folder.path()).unwrap());
                }
            }
        }
        let disk = disk.unwrap();
        for column in Column::ALL {
            prop_assert_eq!(all(&disk, *column), all(&memory, *column));
            let bounded = range(&disk, *column, &from, Some(&until));
            prop_assert_eq!(&bounded, &range(&memory, *column, &from, Some(&until)));
            for (key, value) in bounded {
                prop_assert_eq!(disk.get(*column, &key).unwrap(), Some(value));
            }
        }
    }
}
