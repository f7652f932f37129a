//! What only a disk can do: be closed, torn, damaged, taken by another, or hold something else.

use std::fs;
use std::path::{Path, PathBuf};

use ledger::store::{At, Batch, Column, Durability, Store, StoreError, StoreRead as _};
use rocks::{OpenError, RocksStore};

use super::conformance::{all, put};

fn open(path: &Path) -> RocksStore {
    RocksStore::open(path).unwrap()
}

/// Copies a folder, as a crash leaves it: without closing what has it open.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "LOCK" {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn files(path: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    found.sort();
    found
}

/// Writes `count` batches of one pair in each of two columns.
fn write_batches(store: &impl Store, count: u32) {
    for number in 0..count {
        let mut batch = Batch::default();
        batch.put(Column::Blocks, number.to_be_bytes(), vec![7; 300]);
        batch.put(Column::State, number.to_be_bytes(), b"x");
        store.write(batch, Durability::Synced).unwrap();
    }
}

#[test]
fn content_survives_closing_and_opening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep").join("store");
    write_batches(&open(&path), 100);
    let store = open(&path);
    assert_eq!(all(&store, Column::Blocks).len(), 100);
    put(&store, Column::Meta, b"more", b"x");
    drop(store);
    assert_eq!(open(&path).get(Column::Meta, b"more").unwrap().as_deref(), Some(&b"x"[..]));
}

#[test]
fn every_written_batch_survives_a_crash_of_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let (live, crashed) = (folder.path().join("live"), folder.path().join("crashed"));
    let store = open(&live);
    write_batches(&store, 50);
    let mut batch = Batch::default();
    batch.put(Column::Meta, b"buffered", b"x");
    store.write(batch, Durability::Buffered).unwrap();
    copy(&live, &crashed);
    let after = open(&crashed);
    assert_eq!(all(&after, Column::Blocks), all(&store, Column::Blocks));
    assert_eq!(all(&after, Column::State), all(&store, Column::State));
    assert!(after.get(Column::Meta, b"buffered").unwrap().is_some());
}

/// What a power cut, or a file system after one, makes of the end of a file.
fn torn_ends(whole: &[u8]) -> Vec<(String, Vec<u8>, usize)> {
    let mut ends = Vec::new();
    // The last record takes about 370 bytes; each cut inside it leaves exactly 19 batches.
    for cut in [1, 7, 8, 100, 300, 330] {
        let kept = &whole[..whole.len() - cut];
        let garbage: Vec<u8> = (0..cut).map(|at| u8::try_from(at * 37 % 251).unwrap()).collect();
        ends.push((format!("shorter by {cut}"), kept.to_vec(), 19));
        ends.push((format!("{cut} zeros"), [kept, &vec![0; cut]].concat(), 19));
        ends.push((format!("{cut} other bytes"), [kept, &garbage].concat(), 19));
    }
    // The record was whole, and the file had grown further.
    for more in [1, 6, 7, 20, 4_096, 100_000] {
        let garbage: Vec<u8> = (0..more).map(|at| u8::try_from(at * 53 % 251).unwrap()).collect();
        ends.push((format!("{more} zeros behind"), [whole, &vec![0; more]].concat(), 20));
        ends.push((format!("{more} other bytes behind"), [whole, &garbage].concat(), 20));
    }
    ends
}

#[test]
fn a_torn_log_loses_the_last_batch_whole_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    let store = open(&live);
    write_batches(&store, 20);
    let log = files(&live, "log").pop().unwrap();
    let whole = fs::read(&log).unwrap();
    for (number, (case, bytes, batches)) in torn_ends(&whole).into_iter().enumerate() {
        let torn = folder.path().join(format!("torn{number}"));
        copy(&live, &torn);
        fs::write(torn.join(log.file_name().unwrap()), bytes).unwrap();
        let read_only = RocksStore::open_read_only(&torn).expect(&case);
        assert_eq!(all(&read_only, Column::Blocks).len(), batches, "{case}, for reading");
        drop(read_only);
        let after = RocksStore::open(&torn).expect(&case);
        assert_eq!(all(&after, Column::Blocks).len(), batches, "{case}");
        assert_eq!(all(&after, Column::State).len(), batches, "{case}: both columns or none");
        // It goes on: the batch is written again and stays.
        write_batches(&after, 20);
        drop(after);
        assert_eq!(all(&open(&torn), Column::Blocks).len(), 20, "{case}");
        fs::remove_dir_all(torn).unwrap();
    }
}

#[test]
fn a_record_of_many_pieces_that_is_torn_in_its_middle_is_dropped_whole() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    let store = open(&live);
    write_batches(&store, 3);
    let log = files(&live, "log").pop().unwrap();
    let before = fs::metadata(&log).unwrap().len();
    let mut batch = Batch::default();
    batch.put(Column::Blocks, b"large", vec![9; 300_000]);
    store.write(batch, Durability::Synced).unwrap();
    let torn = folder.path().join("torn");
    copy(&live, &torn);
    let copied = torn.join(log.file_name().unwrap());
    let mut bytes = fs::read(&copied).unwrap();
    // The disk wrote its blocks in another order: the first pieces and the last are there.
    let middle = usize::try_from(before).unwrap() + 100_000;
    bytes[middle..middle + 8_192].fill(0);
    fs::write(&copied, bytes).unwrap();
    let after = open(&torn);
    assert_eq!(all(&after, Column::Blocks).len(), 3);
}

#[test]
fn damage_in_the_middle_of_the_log_is_refused_not_rolled_back() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    let store = open(&live);
    write_batches(&store, 200);
    let log = files(&live, "log").pop().unwrap();
    let whole = fs::read(&log).unwrap();
    // The content of a record, its length, and the first record of all.
    for at in [whole.len() / 2, whole.len() / 2 + 1, whole.len() - 500, 4, 0] {
        let damaged = folder.path().join(format!("damaged{at}"));
        copy(&live, &damaged);
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        fs::write(damaged.join(log.file_name().unwrap()), bytes).unwrap();
        for opened in [RocksStore::open(&damaged), RocksStore::open_read_only(&damaged)] {
            let error = opened.expect_err("acknowledged batches follow the damage");
            let OpenError::Log { damaged: byte, readable, .. } = &error else { panic!("{error}") };
            let at = u64::try_from(at).unwrap();
            assert!(*byte <= at && at < *readable, "{at}: {error}");
            assert!(error.to_string().contains(".log: the log is damaged at byte"), "{error}");
        }
    }
}

#[test]
fn a_damaged_table_is_an_error_and_never_a_wrong_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    write_batches(&open(&path), 500);
    // Opening flushes what the log held into tables.
    drop(open(&path));
    let tables = files(&path, "sst");
    assert!(!tables.is_empty(), "the log was flushed");
    for table in &tables {
        let mut bytes = fs::read(table).unwrap();
        bytes[20] ^= 0xff;
        fs::write(table, bytes).unwrap();
    }
    let store = match RocksStore::open(&path) {
        Ok(store) => store,
        Err(error) => {
            assert!(matches!(error, OpenError::Refused { .. }), "{error}");
            return;
        }
    };
    assert_eq!(store.figures().fault(), None, "nobody has read it yet");
    let mut seen = 0;
    let scanned = store.scan(Column::Blocks, b"", None, &mut |_, value| {
        assert_eq!(value, [7; 300]);
        seen += 1;
        std::ops::ControlFlow::Continue(())
    });
    let error = scanned.expect_err("the first block of the table is damaged");
    assert!(matches!(error, StoreError::Unreadable { .. }), "{seen} values: {error}");
    assert!(seen < 500);
    let said = error.to_string();
    for part in ["column blocks", "key", "Corruption", ".sst"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(store.figures().fault(), Some(said), "whoever watches is told the same");
    let key = 0_u32.to_be_bytes();
    let read = store.get(Column::Blocks, &key).unwrap_err().to_string();
    let many = store.get_many(Column::Blocks, &[key.to_vec()]).unwrap_err().to_string();
    for said in [read, many] {
        assert!(said.starts_with("column blocks, key 00000000: Corruption"), "{said}");
    }
}

#[test]
fn a_scan_says_after_which_key_it_could_not_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = open(&path);
    let mut batch = Batch::default();
    // Values that no compression shortens, so that the middle of the table is the middle of the keys.
    let mut state = 1_u32;
    for number in 0..2_000_u32 {
        let bytes = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        });
        let value: Vec<u8> = bytes.take(300).collect();
        batch.put(Column::State, number.to_be_bytes(), value);
    }
    store.write(batch, Durability::Synced).unwrap();
    drop(store);
    drop(open(&path));
    let table = files(&path, "sst").pop().unwrap();
    let mut bytes = fs::read(&table).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&table, bytes).unwrap();
    let store = open(&path);
    let mut last = Vec::new();
    let scanned = store.scan(Column::State, b"", None, &mut |key, _| {
        last = key.to_vec();
        std::ops::ControlFlow::Continue(())
    });
    let error = scanned.expect_err("the middle is damaged");
    let StoreError::Unreadable { column, at, .. } = error else { panic!("{error}") };
    assert_eq!((column, at), (Column::State, At::After(last.clone())));
    let number = u32::from_be_bytes(last.try_into().unwrap());
    assert!((800..1_200).contains(&number), "{number}");
}

#[test]
fn missing_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good");
    write_batches(&open(&good), 100);
    // Opened twice, so that tables and an older log are there.
    write_batches(&open(&good), 100);
    for (case, remove) in [("table", "sst"), ("manifest", "MANIFEST-")] {
        let broken = folder.path().join(case);
        copy(&good, &broken);
        for entry in fs::read_dir(&broken).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.ends_with(remove) || name.starts_with(remove) {
                fs::remove_file(path).unwrap();
            }
        }
        let error = RocksStore::open(&broken).expect_err(case);
        assert!(matches!(error, OpenError::Refused { .. }), "{case}: {error}");
    }
}

#[test]
fn data_without_the_file_that_names_the_current_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_batches(&open(folder.path()), 10);
    fs::remove_file(folder.path().join("CURRENT")).unwrap();
    let before = fs::read_dir(folder.path()).unwrap().count();
    let error = RocksStore::open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::CurrentMissing { .. }), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), before, "nothing was made over it");
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("letter.txt"), "dear").unwrap();
    let error = RocksStore::open(folder.path()).unwrap_err().to_string();
    assert!(
        error.ends_with("expected a store or an empty folder, found \"letter.txt\""),
        "{error}"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let file = folder.path().join("letter.txt");
    assert!(matches!(RocksStore::open(&file), Err(OpenError::Folder { .. })));
}

#[test]
fn what_an_interrupted_creation_leaves_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let before_current = folder.path().join("a");
    fs::create_dir(&before_current).unwrap();
    for name in ["LOG", "IDENTITY", "MANIFEST-000001", "000001.dbtmp"] {
        fs::write(before_current.join(name), "").unwrap();
    }
    put(&open(&before_current), Column::Meta, b"key", b"x");

    let before_columns = folder.path().join("b");
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    drop(rocksdb::DB::open_cf(&options, &before_columns, ["meta", "blocks"]).unwrap());
    put(&open(&before_columns), Column::Days, b"key", b"x");
}

#[test]
fn columns_of_another_version_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);

    let fewer = folder.path().join("fewer");
    let database = rocksdb::DB::open_cf(&options, &fewer, ["meta", "blocks"]).unwrap();
    database.put_cf(database.cf_handle("meta").unwrap(), "format", "0").unwrap();
    drop(database);
    let error = RocksStore::open(&fewer).unwrap_err();
    let OpenError::Columns { missing, unknown, .. } = &error else { panic!("{error}") };
    assert_eq!((missing.len(), unknown.len()), (Column::ALL.len() - 2, 0));

    let more = folder.path().join("more");
    drop(open(&more));
    let names = Column::ALL.iter().map(|column| column.name()).chain(["later"]);
    drop(rocksdb::DB::open_cf(&options, &more, names).unwrap());
    for opened in [RocksStore::open(&more), RocksStore::open_read_only(&more)] {
        let error = opened.unwrap_err();
        let OpenError::Columns { missing, unknown, .. } = &error else { panic!("{error}") };
        assert_eq!((missing.len(), unknown.as_slice()), (0, &["later".to_owned()][..]));
    }
}

#[test]
fn a_store_is_opened_once_for_writing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let error = RocksStore::open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    put(&store, Column::Meta, b"key", b"still works");
    drop(store);
    assert!(open(folder.path()).get(Column::Meta, b"key").unwrap().is_some());
}

#[test]
fn a_store_opened_for_reading_shows_all_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    assert!(matches!(RocksStore::open_read_only(&path), Err(OpenError::Absent { .. })));
    assert!(!path.exists(), "nothing was made");
    write_batches(&open(&path), 30);
    let (first, second) =
        (RocksStore::open_read_only(&path).unwrap(), RocksStore::open_read_only(&path).unwrap());
    assert_eq!(all(&first, Column::Blocks).len(), 30);
    assert_eq!(all(&second.snapshot(), Column::State).len(), 30);
    let mut batch = Batch::default();
    batch.put(Column::Meta, b"key", b"x");
    let refused = first.write(batch, Durability::Synced);
    assert!(matches!(refused, Err(StoreError::Failed { operation: "write a batch", .. })));
    drop((first, second));
    assert_eq!(open(&path).get(Column::Meta, b"key").unwrap(), None);
}
