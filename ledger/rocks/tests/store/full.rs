//! A disk that refuses to write: the error reaches the caller, and what was acknowledged stays.
//!
//! The refusal is made with a limit on file sizes in a process of its own, which is this test binary
//! again: no privilege and no special disk is needed.

use std::path::{Path, PathBuf};
use std::process::Command;

use ledger::store::{Batch, Column, Durability, Store, StoreError};
use rocks::RocksStore;

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
    let this = std::env::current_exe().unwrap();
    let name = "full::what_was_acknowledged_before_the_disk_refused_is_there_afterwards";
    // Blocks of 512 bytes: 1 MiB. The signal is ignored, so that the write fails as on a full disk.
    let script = format!("trap '' XFSZ; ulimit -f 2048; exec \"$0\" --exact {name} --nocapture");
    let output = Command::new("sh")
        .args([std::ffi::OsStr::new("-c"), script.as_ref(), this.as_os_str()])
        .env(FOLDER, &path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
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
