//! A disk that refuses to write: the error reaches the caller, and what was acknowledged stays.
//!
//! The refusal is made with a limit on file sizes in a process of its own, which is this test binary
//! again: no privilege and no special disk is needed.

use std::path::{Path, PathBuf};
use std::process::Command;

use ledger::store::{Batch, Column, Durability, Store, StoreError, StoreRead as _};
use rocks::{Memory, RocksStore};

use super::conformance::all;

/// Tells the second process that it is one, and where to write.
const FOLDER: &str = "STORE_TEST_FOLDER";

/// Bytes of a batch: eight of them reach the limit.
const BATCH_BYTES: usize = 128 * 1024;

fn batch(number: u32) -> Batch {
    let mut batch = Batch::default();
    batch.put(Column::Blocks, number.to_be_bytes(), vec![1; BATCH_BYTES]);
    batch.put(Column::State, number.to_be_bytes(), b"x");
    batch
}

#[test]
fn what_was_acknowledged_before_the_disk_refused_is_there_afterwards() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return write_until_refused(&PathBuf::from(folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    drop(RocksStore::open(&path).unwrap());
    let name = "full::what_was_acknowledged_before_the_disk_refused_is_there_afterwards";
    let text = in_little_room(name, &path, 2_048);
    let line = text.lines().find_map(|line| line.split_once("acknowledged ")).unwrap().1;
    let acknowledged: usize = line.trim().parse().unwrap();
    assert!((1..100).contains(&acknowledged), "{acknowledged}");

    let store = RocksStore::open(&path).unwrap();
    let (blocks, states) = (all(&store, Column::Blocks), all(&store, Column::State));
    assert_eq!(blocks.len(), acknowledged, "nothing lost, nothing half applied");
    assert_eq!(states.len(), acknowledged);
    assert!(blocks.iter().all(|(_, value)| value.len() == BATCH_BYTES));
    store.write(batch(u32::MAX), Durability::Synced).expect("there is room again");
}

/// Runs a test of this binary in a process whose files have at most `blocks` of 512 bytes, and returns
/// what it prints. The signal is ignored, so that a write fails as on a full disk.
fn in_little_room(name: &str, path: &Path, blocks: u32) -> String {
    let this = std::env::current_exe().unwrap();
    let script =
        format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" --exact {name} --nocapture");
    let output = Command::new("sh")
        .args([std::ffi::OsStr::new("-c"), script.as_ref(), this.as_os_str()])
        .env(FOLDER, path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// The second process: writes until the disk refuses, and says how often it did not.
fn write_until_refused(path: &Path) {
    let store = RocksStore::open(path).unwrap();
    let mut acknowledged = 0;
    let refused = loop {
        match store.write(batch(acknowledged), Durability::Synced) {
            Ok(()) => acknowledged += 1,
            Err(error) => break error,
        }
        assert!(acknowledged < 1000, "the limit was never reached");
    };
    assert!(matches!(refused, StoreError::Failed { operation: "write a batch", .. }), "{refused}");
    assert!(store.write(batch(2000), Durability::Synced).is_err(), "it does not go on by itself");
    println!("acknowledged {acknowledged}");
}

#[test]
fn a_compaction_that_finds_no_room_is_told_and_loses_nothing() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return write_until_compaction_stops(&PathBuf::from(folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    drop(RocksStore::open_with(&path, SMALL).unwrap());
    let name = "full::a_compaction_that_finds_no_room_is_told_and_loses_nothing";
    // 2 MiB: a log and a flushed table fit, the tables that a compaction makes of several do not.
    let text = in_little_room(name, &path, 4_096);
    let said = text.lines().find_map(|line| line.split_once("fault ")).unwrap().1;
    assert!(said.contains("IO error") && said.contains(".sst"), "{said}");
    let line = text.lines().find_map(|line| line.split_once("acknowledged ")).unwrap().1;
    let acknowledged: u32 = line.trim().parse().unwrap();

    let store = RocksStore::open_with(&path, SMALL).unwrap();
    assert_eq!(store.figures().fault(), None, "there is room again");
    let rows = all(&store, Column::Blocks);
    assert_eq!(rows.len(), usize::try_from(acknowledged).unwrap(), "nothing lost");
    for number in 0..acknowledged {
        let found = store.get(Column::Blocks, &spread(number)).unwrap();
        assert_eq!(found, Some(noise(number)), "{number}");
    }
    store.write(batch(u32::MAX), Durability::Synced).expect("it goes on");
}

/// Memory with which a table is flushed every few rows.
const SMALL: Memory = Memory { cache_bytes: 1024 * 1024, writes_bytes: 4 * 1024 * 1024 };

/// Keys that come in no order, so that each table overlaps the others.
fn spread(number: u32) -> [u8; 4] {
    number.wrapping_mul(0x9e37_79b1).to_be_bytes()
}

/// Bytes that no compression shortens.
fn noise(seed: u32) -> Vec<u8> {
    let mut state = seed;
    let next = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    next.take(16 * 1024).collect()
}

/// The second process: writes until the store says that something went wrong behind its back.
fn write_until_compaction_stops(path: &Path) {
    let store = RocksStore::open_with(path, SMALL).unwrap();
    let figures = store.figures();
    let mut acknowledged = 0;
    let fault = loop {
        if let Some(fault) = figures.fault() {
            break fault;
        }
        let mut batch = Batch::default();
        batch.put(Column::Blocks, spread(acknowledged), noise(acknowledged));
        if let Err(error) = store.write(batch, Durability::Synced) {
            // The compaction stopped before it was asked after.
            break figures.fault().unwrap_or_else(|| format!("no fault but {error}"));
        }
        acknowledged += 1;
        assert!(acknowledged < 20_000, "the limit was never reached");
    };
    println!("acknowledged {acknowledged}");
    println!("fault {fault}");
}
