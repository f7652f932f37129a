//! What rows cost: a changed working row with its part in the sum, and the bytes of a block's batch by
//! column. `cargo bench -p ledger --profile dev --bench rows`. Processor time of this thread.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chain::{EVENT_DAY, event, item};
use contracts::state::Changes;
use ledger::memory::MemorySnapshot;
use ledger::state::{StateView, StateWriter};
use ledger::store::{Batch, Change, Column, Durability, Store, StoreError, StoreRead, Visit};
use ledger::{Ledger, MemoryStore};
use proto::operation::{OpUid, Operation};
use proto::schema::event::Event;
use proto::schema::{Body, OperationKind};
use proto::set_hash::{RowHash, SetHash};
use proto::transaction::Transaction;
use proto::trie::Namespace;
use proto::types::Height;

#[path = "../tests/ledger/chain.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the chain of the tests, of which a part is used"
)]
mod chain;

/// Processor time of this thread so far, as Linux counts it.
fn spent() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat");
    let text = text.expect("a benchmark of this kind needs Linux");
    let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.expect("the first number is nanoseconds on a processor"))
}

fn each(name: &str, count: u64, run: impl FnOnce()) {
    let from = spent();
    run();
    let nanos = u64::try_from(spent().saturating_sub(from).as_nanos()).unwrap_or(u64::MAX) / count;
    println!("{name}: {}.{:02} us", nanos / 1_000, nanos % 1_000 / 10);
}

/// One row, hashed and added to a sum.
fn sums(bytes: usize) {
    const ROWS: u64 = 100_000;
    let (mut sum, mut value) = (SetHash::default(), vec![7; bytes - 30]);
    each(&format!("a row of {bytes} bytes, hashed and added"), ROWS, || {
        for number in 0..ROWS {
            value.splice(..8, number.to_be_bytes());
            sum.add(&RowHash::of(Namespace::Unit, &[5; 30], &value));
        }
    });
    println!("  ({})", sum.root());
}

/// Blocks of changed working rows, each read before it is written.
fn working(bytes: usize) {
    const ROWS: u64 = 100_000;
    const BLOCK: u64 = 5_000;
    let (store, mut writer) = (MemoryStore::default(), StateWriter::default());
    let mut height = Height::GENESIS;
    let mut round = |version: u8| {
        for from in (0..ROWS).step_by(5_000) {
            let row = |number: u64| {
                let key = [b"JJJ-DEMO-BJ:".as_slice(), &number.to_be_bytes()].concat();
                ((Namespace::Unit, key), Some(vec![version; bytes - 20]))
            };
            let changes: Changes = (from..from + BLOCK).map(row).collect();
            let (view, mut batch) = (StateView::new(&store), Batch::default());
            writer
                .apply(&view, height, changes, &mut batch)
                .expect("the memory store does not fail");
            store.write(batch, Durability::Synced).expect("the memory store does not fail");
            height = height.next();
        }
    };
    each(&format!("a new working row of {bytes} bytes, written"), ROWS, || round(0));
    each("a changed one, read and written", ROWS, || round(1));
}

/// A store in memory that counts the bytes of what is put, by column.
#[derive(Clone, Default)]
struct Counting {
    store: MemoryStore,
    bytes: Arc<Mutex<BTreeMap<Column, (u64, u64)>>>,
}

impl StoreRead for Counting {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(column, key)
    }

    fn scan(
        &self,
        column: Column,
        from: &[u8],
        until: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        self.store.scan(column, from, until, visit)
    }
}

impl Store for Counting {
    type Snapshot<'a> = MemorySnapshot;

    fn snapshot(&self) -> MemorySnapshot {
        self.store.snapshot()
    }

    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        for change in batch.changes() {
            if let Change::Put { column, key, value } = change {
                let counted = bytes.entry(*column).or_default();
                counted.0 += 1;
                counted.1 += u64::try_from(key.len() + value.len()).unwrap_or(u64::MAX);
            }
        }
        drop(bytes);
        self.store.write(batch, durability)
    }
}

/// The events of a lot: 20 boxes commissioned one by one, all of them shipped and received.
fn lot(number: u64) -> Vec<(OperationKind, Event)> {
    let boxes: Vec<String> = (0..20).map(|at| format!("HE-LOT-{number}-BOX-{at}")).collect();
    let (port, shop) = ("91130000700000001A", "91110000700000002B");
    let all = || boxes.iter().map(|code| item(code, 20_000)).collect::<Vec<_>>();
    let mut events: Vec<(OperationKind, Event)> = (boxes.iter())
        .map(|code| event(EVENT_DAY, port, "HE-PORT-1", vec![item(code, 20_000)]))
        .map(|event| (OperationKind::Commission, event))
        .collect();
    let document = format!("WB-{number}");
    let ship = Event {
        document: document.clone(),
        counterparty: shop.to_owned(),
        vehicle: "冀A12345".to_owned(),
        ..event(EVENT_DAY + 1, port, "HE-PORT-1", all())
    };
    let receive = Event {
        document,
        counterparty: port.to_owned(),
        ..event(EVENT_DAY + 2, shop, "BJ-SHOP-7", all())
    };
    events.push((OperationKind::Ship, ship));
    events.push((OperationKind::Receive, receive));
    events
}

/// Bytes that blocks of lots put, by column.
fn batches(lots_per_block: u64) {
    const BLOCKS: u64 = 4;
    let made = chain::Chain::new();
    let store = Counting::default();
    let mut ledger =
        Ledger::open_or_create(store.clone(), made.genesis()).expect("an empty store is made");
    store.bytes.lock().unwrap_or_else(PoisonError::into_inner).clear();
    let (mut made, mut events, mut time) = (made, 0u64, Duration::ZERO);
    for block in 0..BLOCKS {
        let operations: Vec<Operation> = (0..lots_per_block)
            .flat_map(|lot_of_block| lot(block * lots_per_block + lot_of_block))
            .map(|(kind, event)| {
                events += 1;
                let uid = OpUid::of_record("bench", &events.to_string());
                chain::operation(uid, kind, &Body::Event(event))
            })
            .collect();
        let bodies: Vec<Transaction> =
            operations.chunks(100).map(|part| made.transaction(2, part.to_vec())).collect();
        let decided = made.decide(&bodies);
        let from = spent();
        ledger.append(&decided, &bodies).expect("the block follows the head");
        time += spent().saturating_sub(from);
        // The chain decides the next block on its own ledger.
        made.ledger.append(&decided, &bodies).expect("the block follows the head");
    }
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX) / events;
    let bytes = store.bytes.lock().unwrap_or_else(PoisonError::into_inner);
    let total: u64 = bytes.values().map(|(_, bytes)| bytes).sum();
    println!(
        "blocks of {} events: {} bytes put an event, {micros} us an event with its contracts",
        events / BLOCKS,
        total / events
    );
    for (column, (rows, bytes)) in bytes.iter() {
        let (tenths, bytes) = (rows * 100 / events, bytes / events);
        println!("  {column}: {}.{:02} rows, {bytes} bytes", tenths / 100, tenths % 100);
    }
}

fn main() {
    for bytes in [100, 400] {
        sums(bytes);
        working(bytes);
    }
    batches(14);
    batches(140);
}
