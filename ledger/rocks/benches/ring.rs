//! Cost of a proved key on RocksDB: read, ring, synced write, and the compaction that follows, in
//! blocks of 5,000 keys: `cargo bench --workspace --profile dev --bench ring -- 10000000`. Processor
//! time of the whole process, so that what else runs on the machine counts as little as possible.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::Duration;

use ledger::ring::{Ring, Written};
use ledger::store::{Batch, Durability, Store as _};
use proto::hash::Tag;
use proto::namespace::Namespace;
use proto::ring::state_key;
use proto::types::Height;
use rocks::RocksStore;

/// Keys of a block.
const BLOCK: u64 = 5_000;

/// Blocks measured of each kind.
const BLOCKS: u64 = 200;

/// Processor time of every thread of this process that still runs, as Linux counts it.
fn spent() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").expect("a benchmark of this kind needs Linux");
    let nanos = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

fn key(number: u64) -> Vec<u8> {
    state_key(Namespace::Log, &[b"\x01\0\0\0\0CN110".as_slice(), &number.to_be_bytes()].concat())
}

fn value(number: u64, version: u64) -> Vec<u8> {
    let value = Tag::OpSalt.hash(&[number.to_be_bytes(), version.to_be_bytes()].concat());
    [value.as_bytes().as_slice(); 3].concat()
}

/// Where the time of the writing thread goes.
#[derive(Clone, Copy, Default)]
struct Spent {
    read: Duration,
    ring: Duration,
    write: Duration,
}

struct State {
    store: RocksStore,
    ring: Ring,
    height: Height,
    spent: Spent,
    bytes: u64,
}

impl State {
    /// Applies one block: keys with their new values, ascending.
    fn apply(&mut self, block: Vec<(Vec<u8>, Vec<u8>)>, durability: Durability) {
        let keys: Vec<Vec<u8>> = block.iter().map(|(key, _)| key.clone()).collect();
        let begun = spent();
        let rows = Ring::rows(&self.store, &keys).expect("the disk works");
        let read = spent();
        let mut batch = Batch::default();
        let written = block.into_iter().zip(rows);
        let written = written.map(|((key, value), row)| Written { key, row, value: Some(value) });
        let written = written.collect();
        self.ring.apply(&self.store, self.height, written, &mut batch).expect("the disk works");
        let ring = spent();
        self.bytes += u64::try_from(batch.bytes()).unwrap_or(u64::MAX);
        self.store.write(batch, durability).expect("the disk works");
        self.spent.read += read.saturating_sub(begun);
        self.spent.ring += ring.saturating_sub(read);
        self.spent.write += spent().saturating_sub(ring);
        self.height = self.height.next();
    }

    /// Forgets what was measured, and waits for what is still being compacted.
    fn settle(&mut self) {
        loop {
            let before = spent();
            std::thread::sleep(Duration::from_secs(2));
            if spent().saturating_sub(before) < Duration::from_millis(100) {
                break;
            }
        }
        (self.spent, self.bytes) = (Spent::default(), 0);
    }

    fn report(&mut self, what: &str, keys: u64, begun: Duration) {
        let each = |time: Duration| {
            let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX) / keys.max(1);
            format!("{}.{:02}", nanos / 1000, nanos % 1000 / 10)
        };
        let Spent { read, ring, write } = self.spent;
        let bytes = self.bytes / keys;
        self.settle();
        println!(
            "{what}, a key: {} us in all; while the block waits {} read, {} ring, {} write; {bytes} bytes",
            each(spent().saturating_sub(begun)),
            each(read),
            each(ring),
            each(write)
        );
    }
}

fn main() {
    let keys: u64 = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(1_000_000);
    let folder = std::env::args().skip_while(|arg| arg != "--folder").nth(1);
    let folder = folder.map_or_else(std::env::temp_dir, Into::into).join("bench-ring");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("the folder of an earlier run can be removed");
    }
    let store = RocksStore::open(&folder).expect("a new store");
    let (spent_so_far, height) = (Spent::default(), Height::GENESIS);
    let mut state = State { store, ring: Ring::empty(), height, spent: spent_so_far, bytes: 0 };
    let begun = spent();
    // Even numbers, so that a key that comes later has room between two others.
    for from in (0..keys).step_by(50_000) {
        let block =
            (from..(from + 50_000).min(keys)).map(|number| (key(number * 2), value(number, 0)));
        state.apply(block.collect(), Durability::Buffered);
    }
    state.report("filled", keys, begun);
    // A step prime to the number of keys visits keys that lie far apart.
    let pick = |block: u64, at: u64| ((block * BLOCK + at) * 7_919_317 + 104_729) % keys * 2;
    for (what, odd) in [("changed", 0), ("new, each between two others", 1)] {
        let begun = spent();
        for block in 1..=BLOCKS {
            let mut numbers: Vec<u64> = (0..BLOCK).map(|at| pick(block, at) + odd).collect();
            numbers.sort_unstable();
            numbers.dedup();
            let block = numbers.into_iter().map(|number| (key(number), value(number, block)));
            state.apply(block.collect(), Durability::Synced);
        }
        state.report(what, BLOCK * BLOCKS, begun);
    }
    let begun = spent();
    for at in 0..1_000 {
        let past = state.ring.at(state.height.minus(5)).expect("the height is in the window");
        let proof = past.proof(&state.store, &key(pick(7, at))).expect("the disk works");
        assert!(proof.root().is_ok(), "what is stored is provable");
    }
    println!("a proof: {} us", spent().saturating_sub(begun).as_micros() / 1_000);
    let begun = spent();
    let opened = Ring::open(&state.store, state.height.minus(1)).expect("the ring was written");
    assert_eq!(opened.root(), state.ring.root(), "opening rebuilds the ring");
    println!("opening: {} ms", spent().saturating_sub(begun).as_millis());
    println!("leaves: {}", state.ring.size());
}
