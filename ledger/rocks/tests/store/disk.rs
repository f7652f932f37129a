//! What only a disk can do: be closed, torn, damaged, taken by another, or hold something else.

use std::fs;
use std::path::{Path, PathBuf};

use ledger::store::{Batch, Column, Durability, Store, StoreError, StoreRead as _};
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

#[test]
fn a_torn_log_loses_the_last_batch_whole_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    let store = open(&live);
    write_batches(&store, 20);
    let logs = files(&live, "log");
    let log = logs.last().unwrap().file_name().unwrap().to_owned();
    let length = fs::metadata(live.join(&log)).unwrap().len();
    // The last record takes about 370 bytes; each cut inside it leaves exactly 19 batches.
    for cut in [1, 7, 8, 100, 300, 330] {
        let torn = folder.path().join(format!("torn{cut}"));
        copy(&live, &torn);
        let file = fs::OpenOptions::new().write(true).open(torn.join(&log)).unwrap();
        file.set_len(length - cut).unwrap();
        drop(file);
        let after = open(&torn);
        assert_eq!(all(&after, Column::Blocks).len(), 19, "cut by {cut}");
        assert_eq!(all(&after, Column::State).len(), 19, "cut by {cut}: both columns or none");
        // It goes on: the batch is written again and stays.
        write_batches(&after, 20);
        drop(after);
        assert_eq!(all(&open(&torn), Column::Blocks).len(), 20, "cut by {cut}");
    }
}

#[test]
fn damage_in_the_middle_of_the_log_is_refused_not_rolled_back() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    let store = open(&live);
    write_batches(&store, 200);
    let log = files(&live, "log").pop().unwrap();
    let damaged = folder.path().join("damaged");
    copy(&live, &damaged);
    let copied = damaged.join(log.file_name().unwrap());
    let mut bytes = fs::read(&copied).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&copied, bytes).unwrap();
    let error = RocksStore::open(&damaged).unwrap_err();
    assert!(matches!(error, OpenError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("Corruption"), "{error}");
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
    let mut seen = 0;
    let scanned = store.scan(Column::Blocks, b"", None, &mut |_, value| {
        assert_eq!(value, [7; 300]);
        seen += 1;
        std::ops::ControlFlow::Continue(())
    });
    assert!(matches!(scanned, Err(StoreError::Failed { .. })), "{seen} values, no error");
    assert!(seen < 500);
    assert!(store.get(Column::Blocks, &0_u32.to_be_bytes()).is_err());
    assert!(store.get_many(Column::Blocks, &[0_u32.to_be_bytes().to_vec()]).is_err());
}

/// What an error says, with its causes.
fn words(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(found) = cause {
        told = format!("{told}: {found}");
        cause = found.source();
    }
    told
}

#[test]
fn a_damaged_table_is_named_with_its_column_what_was_expected_and_what_was_found() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good");
    write_batches(&open(&good), 500);
    // Opening flushes what the log held into tables: one of each column that was written.
    drop(open(&good));
    let tables = files(&good, "sst");
    let mut named = Vec::new();
    for table in &tables {
        let file = table.file_name().unwrap().to_str().unwrap().to_owned();
        let path = folder.path().join(&file);
        copy(&good, &path);
        let mut bytes = fs::read(path.join(&file)).unwrap();
        bytes[20] ^= 0xff;
        fs::write(path.join(&file), bytes).unwrap();
        let store = open(&path);
        for column in [Column::Blocks, Column::State] {
            let all =
                store.scan(column, b"", None, &mut |_, _| std::ops::ControlFlow::Continue(()));
            let one = store.get(column, &0_u32.to_be_bytes()).map(drop);
            let many = store.get_many(column, &[0_u32.to_be_bytes().to_vec()]).map(drop);
            for error in [all, one, many].into_iter().filter_map(Result::err) {
                let told = words(&error);
                for part in [column.name(), &file, "expected", "found"] {
                    assert!(told.contains(part), "{part} is not in: {told}");
                }
                named.push(column);
            }
        }
    }
    assert_eq!(named.len(), 6, "three ways of reading each of two columns: {named:?}");
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
