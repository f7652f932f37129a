//! Cost of the ring for each changed key, in blocks of 5,000 changed keys, on the store in
//! memory: `cargo bench -p ledger --bench state -- 1000000`. Beside it one hash. Processor time of
//! this thread, so that what else runs on the machine counts as little as possible.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::Duration;

use contracts::state::{Changes, State as _};
use ledger::MemoryStore;
use ledger::state::{StateView, StateWriter};
use ledger::store::{Batch, Durability, Store as _};
use proto::hash::Tag;
use proto::namespace::Namespace;
use proto::types::Height;

/// Changed keys of a block.
const BLOCK: u64 = 5_000;

/// Blocks measured.
const BLOCKS: u64 = 40;

/// Processor time of this thread so far, as Linux counts it.
fn spent() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat");
    let text = text.expect("a benchmark of this kind needs Linux");
    let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.expect("the first number is nanoseconds on a processor"))
}

fn change(number: u64, version: u64) -> ((Namespace, Vec<u8>), Option<Vec<u8>>) {
    let key = [b"CN110".as_slice(), &number.to_be_bytes()].concat();
    let value = Tag::OpSalt.hash(&[number.to_be_bytes(), version.to_be_bytes()].concat());
    ((Namespace::Certificate, key), Some([value.as_bytes().as_slice(); 3].concat()))
}

/// Measures one thing after the other.
struct Watch(Duration);

impl Default for Watch {
    fn default() -> Self {
        Self(spent())
    }
}

impl Watch {
    /// Time since the last lap.
    fn lap(&mut self) -> Duration {
        let now = spent();
        let lap = now.saturating_sub(self.0);
        self.0 = now;
        lap
    }
}

/// Where the time of a block goes.
#[derive(Clone, Copy, Default)]
struct Spent {
    /// Reading old values, as contracts do before they write.
    read: Duration,
    /// Hashes, leaves, undo: what the ring costs.
    ring: Duration,
    /// The write of the batch.
    write: Duration,
}

impl Spent {
    fn add(&mut self, other: Self) {
        self.read += other.read;
        self.ring += other.ring;
        self.write += other.write;
    }
}

/// Applies one block of changes.
fn apply(
    (store, writer): (&MemoryStore, &mut StateWriter),
    height: Height,
    changes: Changes,
) -> Spent {
    let mut batch = Batch::default();
    let view = StateView::new(store);
    let mut watch = Watch::default();
    for (namespace, key) in changes.keys() {
        view.get(*namespace, key).expect("the store in memory does not fail");
    }
    let read = watch.lap();
    writer.apply(&view, height, changes, &mut batch).expect("the store in memory does not fail");
    let ring = watch.lap();
    store.write(batch, Durability::Synced).expect("the store in memory does not fail");
    Spent { read, ring, write: watch.lap() }
}

fn micros(time: Duration, keys: u64) -> String {
    let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX) / keys.max(1);
    format!("{}.{:02}", nanos / 1000, nanos % 1000 / 10)
}

fn main() {
    let keys: u64 = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(1_000_000);
    let (store, mut writer) = (MemoryStore::default(), StateWriter::default());
    let mut height = Height::GENESIS;
    let mut watch = Watch::default();
    for from in (0..keys).step_by(50_000) {
        let changes = (from..(from + 50_000).min(keys)).map(|number| change(number, 0)).collect();
        apply((&store, &mut writer), height, changes);
        height = height.next();
    }
    let filled = watch.lap();
    println!(
        "{keys} keys inserted in {} ms, {} us a key",
        filled.as_millis(),
        micros(filled, keys)
    );
    let (mut total, mut changed) = (Spent::default(), 0u64);
    for block in 1..=BLOCKS {
        // A step prime to the number of keys visits keys that lie far apart.
        let pick = |at: u64| (at * 7_919 + block * 104_729) % keys;
        let changes: Changes = (0..BLOCK.min(keys)).map(|at| change(pick(at), block)).collect();
        changed += BLOCK.min(keys);
        total.add(apply((&store, &mut writer), height, changes));
        height = height.next();
    }
    println!(
        "blocks of {BLOCK}, a changed key: {} us read, {} us ring, {} us write",
        micros(total.read, changed),
        micros(total.ring, changed),
        micros(total.write, changed)
    );
    let mut watch = Watch::default();
    let mut last = Tag::Empty.hash(&[]);
    for _ in 0..1_000_000 {
        last = Tag::Node.hash_pair(&last, &last);
    }
    println!("one inner node: {} us ({last})", micros(watch.lap(), 1_000_000));
}
