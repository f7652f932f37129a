//! The ring of proved keys on RocksDB: cost of a changed key in blocks of 5,000 changed keys.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use contracts::state::{Changes, State as _};
use ledger::state::{StateView, StateWriter};
use ledger::store::{Batch, Durability, Store as _};
use proto::Height;
use proto::hash::Tag;
use proto::namespace::Namespace;
use rocks::RocksStore;

use crate::ceilings::Ceilings;
use crate::clock::{self, Watch, each, grouped, timed};
use crate::table::Table;

/// Changed keys of a block.
const BLOCK: u64 = 5_000;

/// Keys inserted at once while the state is filled.
const FILL: u64 = 50_000;

/// Levels of a binary trie over a million keys: hashes that a key far from all others costs.
const fn levels(keys: u64) -> u32 {
    keys.ilog2()
}

fn change(number: u64, version: u64) -> ((Namespace, Vec<u8>), Option<Vec<u8>>) {
    let key = [b"CN110".as_slice(), &number.to_be_bytes()].concat();
    let value = Tag::OpSalt.hash(&[number.to_be_bytes(), version.to_be_bytes()].concat());
    ((Namespace::Certificate, key), Some([value.as_bytes().as_slice(); 3].concat()))
}

#[derive(Clone, Copy, Default)]
struct Spent {
    read: Duration,
    ring: Duration,
    write: Duration,
}

struct State {
    store: RocksStore,
    writer: StateWriter,
    height: Height,
}

impl State {
    fn apply(&mut self, changes: Changes, durability: Durability) -> anyhow::Result<Spent> {
        let mut batch = Batch::default();
        let view = StateView::new(&self.store);
        let keys: Vec<_> = changes.keys().cloned().collect();
        let watch = Watch::start();
        for (namespace, key) in &keys {
            view.get(*namespace, key).context("a read of the state")?;
        }
        let read = watch.elapsed();
        let (ring, root) = timed(|| self.writer.apply(&view, self.height, changes, &mut batch));
        root?;
        let (write, written) = timed(|| self.store.write(batch, durability));
        written?;
        self.height = self.height.next();
        Ok(Spent { read, ring, write })
    }
}

/// Fills a state with `keys` keys and changes 5,000 of them in each of `blocks` blocks.
pub(crate) fn measure(
    (table, ceilings): (&Table, &Ceilings),
    folder: &Path,
    (keys, blocks): (u64, u64),
) -> anyhow::Result<()> {
    table.part(&format!("state of {} keys on RocksDB", grouped(keys)));
    let store = RocksStore::open(&folder.join("state"))?;
    let mut state = State { store, writer: StateWriter::default(), height: Height::GENESIS };
    let watch = Watch::start();
    for from in (0..keys).step_by(usize::try_from(FILL)?) {
        let changes = (from..(from + FILL).min(keys)).map(|number| change(number, 0)).collect();
        state.apply(changes, Durability::Buffered)?;
    }
    let filled = clock::text(each(watch.elapsed(), keys));
    table.row("insert, blocks of 50,000 keys", &format!("{filled} a key"), "");
    let (mut total, mut changed) = (Spent::default(), 0);
    for block in 1..=blocks {
        // A step prime to the number of keys visits keys that lie far apart.
        let pick = |at: u64| (at * 7_919 + block * 104_729) % keys;
        let changes: Changes = (0..BLOCK.min(keys)).map(|at| change(pick(at), block)).collect();
        changed += u64::try_from(changes.len())?;
        let spent = state.apply(changes, Durability::Synced)?;
        total.read += spent.read;
        total.ring += spent.ring;
        total.write += spent.write;
    }
    let figure = |spent| format!("{} a key", clock::text(each(spent, changed)));
    table.row("change, blocks of 5,000: read old", &figure(total.read), "");
    let levels = levels(keys);
    let hashes = clock::text(ceilings.node_hash * levels);
    table.row("  ring, undo", &figure(total.ring), &format!("{hashes}: {levels} hashes"));
    let put = each(ceilings.batch.percentile(50), 1_000);
    table.row("  write, synced", &figure(total.write), &format!("{} a put", clock::text(put)));
    table.row("  together", &figure(total.read + total.ring + total.write), "");
    Ok(())
}
