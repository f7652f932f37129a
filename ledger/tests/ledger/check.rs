//! A check finds whatever was changed in a store, and names it.

use std::ops::ControlFlow;

use ledger::MemoryStore;
use ledger::check::{CheckReport, Counts, Place, check};
use ledger::reader::Reader;
use ledger::replay::{ReplayError, replay};
use ledger::store::{Batch, Column, Durability, Pair, Store as _, StoreRead as _};
use ledger::version::Versions;
use proto::codec::Canonical as _;
use proto::operation::Operation;
use proto::schema::{Body, OperationKind};
use proto::set_hash::RowHash;
use proto::transaction::Transaction;
use proto::trie::Namespace;
use proto::types::Height;

use crate::chain::{Chain, count, story};

pub(crate) fn rows(store: &MemoryStore, column: Column) -> Vec<Pair> {
    let mut rows = Vec::new();
    let mut keep = |key: &[u8], value: &[u8]| {
        rows.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    store.scan(column, &[], None, &mut keep).unwrap();
    rows
}

fn write(store: &MemoryStore, fill: impl FnOnce(&mut Batch)) {
    let mut batch = Batch::default();
    fill(&mut batch);
    store.write(batch, Durability::Synced).unwrap();
}

/// What a check says of a store, or why the store is refused before it is checked.
fn report(store: &MemoryStore) -> Result<CheckReport, String> {
    let reader = Reader::open(store.clone()).map_err(|error| error.to_string())?;
    check(&reader, &mut |_| ()).map_err(|error| error.to_string())
}

/// The faults of a copy of the store after a change of it.
fn faults(store: &MemoryStore, change: impl FnOnce(&mut Batch)) -> Vec<String> {
    let copy = store.fork();
    write(&copy, change);
    match report(&copy) {
        Ok(report) => report.faults.iter().map(ToString::to_string).collect(),
        Err(refused) => vec![refused],
    }
}

/// Every row of a small column, some of a large one, the ends always.
fn sample(rows: &[Pair]) -> impl Iterator<Item = &Pair> {
    let step = (rows.len() / 7).max(1);
    rows.iter().step_by(step).chain(rows.last())
}

#[test]
fn an_untouched_store_is_sound_and_everything_in_it_was_looked_at() {
    let chain = story();
    let report = report(&chain.store).unwrap();
    assert_eq!(report.faults, []);
    assert_eq!(report.head, chain.ledger.head().height);
    let Counts { heights, transactions, operations, receipts, certificates, .. } = report.counts;
    assert_eq!((heights, transactions, operations), (15, 6, 6));
    assert!(receipts >= operations, "{receipts}");
    assert_eq!(certificates, 14 + 14, "a commit and a checkpoint for each height");
    let Counts { state_keys, pages, older_states, log_entries, .. } = report.counts;
    assert_eq!(older_states, 14);
    let [state, working, logs] = [Column::State, Column::Working, Column::Logs]
        .map(|column| count(rows(&chain.store, column).len()));
    assert_eq!((state_keys, report.counts.working_rows), (state, working));
    assert!(pages >= 1 && log_entries > logs);
    assert!(Column::ALL.iter().all(|column| !rows(&chain.store, *column).is_empty()));
}

#[test]
fn one_flipped_byte_of_any_column_is_found_and_the_column_is_named() {
    let chain = story();
    for column in Column::ALL {
        for (key, value) in sample(&rows(&chain.store, *column)) {
            for at in [0, value.len() / 2, value.len() - 1] {
                let mut flipped = value.clone();
                flipped[at] ^= 0x10;
                let found = faults(&chain.store, |batch| batch.put(*column, key.clone(), flipped));
                let case = format!("{column}, key {key:02x?}, byte {at} of {}", value.len());
                let refused = *column == Column::Meta && !found.is_empty();
                let named = found.iter().any(|fault| fault.starts_with(column.name()));
                assert!(named || refused, "{case}: {found:#?}");
            }
        }
    }
}

/// Every row with a checksum is named by itself, and nothing else is blamed for it.
#[test]
fn a_flipped_byte_of_a_row_with_a_checksum_is_named_with_its_key() {
    let chain = story();
    for (column, place) in [
        (Column::State, "state: "),
        (Column::Working, "working: "),
        (Column::Receipts, "receipts: height "),
        (Column::Logs, "logs: "),
        (Column::Days, "days: "),
    ] {
        for (key, value) in sample(&rows(&chain.store, column)) {
            for at in [0, 7, 8, value.len() / 2, value.len() - 1] {
                let mut flipped = value.clone();
                flipped[at] ^= 1 << (at % 8);
                let found = faults(&chain.store, |batch| batch.put(column, key.clone(), flipped));
                let [fault] = found.as_slice() else {
                    panic!("{column}, key {key:02x?}, byte {at}: {found:#?}")
                };
                let rule = "the row's checksum is that of its bytes; expected ";
                assert!(fault.starts_with(place) && fault.contains(rule), "{fault}");
            }
        }
    }
}

/// Somebody who knows the format writes the right checksum: the hashes still tell.
#[test]
fn a_working_row_with_another_value_and_its_checksum_is_found_by_the_sum() {
    let chain = story();
    let (key, value) = rows(&chain.store, Column::Working).remove(0);
    let other = [&value[8..], b"x"].concat();
    let namespace = Namespace::from_code(key[0]).unwrap();
    let checksum = RowHash::of(namespace, &key[1..], &other).checksum();
    let forged = [checksum.as_slice(), &other].concat();
    let found = faults(&chain.store, |batch| batch.put(Column::Working, key, forged));
    let [fault] = found.as_slice() else { panic!("{found:#?}") };
    let expected = "working: height 14: the rows give the sum that the leaf of the head names";
    assert!(fault.starts_with(expected), "{fault}");
}

#[test]
fn a_row_that_went_or_came_is_found() {
    let chain = story();
    for column in Column::ALL {
        for (key, value) in sample(&rows(&chain.store, *column)) {
            // Certificates come late and one by one: only the highest certified and hardened must be there.
            let may_lack = *column == Column::Checkpoints && key[7] != 13 && key[7] != 15;
            let found = faults(&chain.store, |batch| batch.delete(*column, key.clone()));
            assert!(!found.is_empty() || may_lack, "{column}, key {key:02x?} deleted");
            let mut moved = key.clone();
            *moved.last_mut().unwrap() ^= 0x40;
            let found = faults(&chain.store, |batch| batch.put(*column, moved, value.clone()));
            assert!(!found.is_empty(), "{column}, key {key:02x?} copied beside");
        }
    }
}

/// The story's split with another weight, as somebody with access to the disk would write it.
fn other_weight(chain: &Chain, height: Height) -> (Vec<u8>, Vec<u8>, Operation) {
    let reader = chain.ledger.reader();
    let body = reader.view().unwrap().body(height, 0).unwrap().unwrap();
    let mut operation = body.operations()[0].clone();
    let Ok(Body::Event(mut event)) = Body::decode(OperationKind::Split, &operation.body) else {
        panic!("the story splits a lot at height {height}");
    };
    event.outputs[0].quantity.as_mut().unwrap().milli = 399_000;
    operation.body = Body::Event(event).encode();
    let key = [height.value().to_be_bytes().as_slice(), &[0; 4]].concat();
    let mut bytes = proto::codec::Writer::default();
    body.signed().encode_to(&mut bytes);
    bytes.bytes32(&operation.encode());
    (key, bytes.into_bytes(), operation)
}

#[test]
fn a_changed_weight_is_named_with_its_operation_and_both_hashes() {
    let chain = story();
    let height = Height::new(3);
    let (key, bytes, operation) = other_weight(&chain, height);
    let reader = chain.ledger.reader();
    let before = reader.view().unwrap().body(height, 0).unwrap().unwrap().operations()[0].leaf();
    let copy = chain.store.fork();
    write(&copy, |batch| batch.put(Column::Bodies, key, bytes));
    let report = report(&copy).unwrap();
    let [fault] = report.faults.as_slice() else { panic!("{:#?}", report.faults) };
    let place = Place::Operation { height, position: 0, op_index: 0, receipt_index: 0 };
    assert_eq!((fault.column, &fault.place), (Column::Bodies, &place));
    assert_eq!(fault.expected, before.to_string());
    assert_eq!(fault.found, operation.leaf().to_string());
    let text = fault.to_string();
    assert!(
        text.starts_with(
            "bodies: height 3, transaction 0, operation 0 (receipt 0): \
             the operation hashes to what its receipt names; expected "
        ),
        "{text}"
    );
}

#[test]
fn faults_name_the_column_and_the_place() {
    let chain = story();
    let last = |column| rows(&chain.store, column).pop().unwrap();
    let flip = |column: Column, at: usize| {
        let (key, mut value) = last(column);
        value[at] ^= 1;
        faults(&chain.store, |batch| batch.put(column, key, value)).join("\n")
    };
    for (column, at, expected) in [
        (Column::Blocks, 70, "blocks: height 14: the header of the block hashes to"),
        (Column::Commits, 60, "commits: height 14: a quorum of the epoch signed the commit"),
        (Column::BlockHashes, 7, "block_hashes: height"),
        (Column::History, 60, "history: height 14: its leaf hashes to the node"),
        (Column::HistoryNodes, 3, "history_nodes: level 3, index 0: it is the hash of the two"),
        (Column::Checkpoints, 60, "checkpoints: size 15: a quorum of the epoch signed size"),
        (Column::Receipts, 70, "receipts: height 11, receipts from 0 on: the row's checksum"),
        (Column::Working, 9, "working: "),
        (Column::Transactions, 15, "transactions: height"),
        (Column::Logs, 12, "logs: "),
        (Column::Days, 3, "days: "),
        (Column::Meta, 3, "meta: "),
        (Column::State, 3, "state: "),
        (Column::Undo, 20, "undo: before height 14, rows from "),
        (Column::Leaves, 20, "leaves: leaves from "),
        (Column::Turns, 20, "turns: height 14: the row's checksum"),
    ] {
        let found = flip(column, at);
        assert!(found.contains(expected), "{column}: expected {expected:?} in:\n{found}");
    }
}

#[test]
fn re_execution_gives_the_same_roots_at_every_height() {
    let chain = story();
    let mut heights = Vec::new();
    let replayed =
        replay(&chain.ledger.reader(), Versions::BUILT_IN, &mut |height, _| heights.push(height))
            .unwrap();
    assert_eq!((replayed.heights, replayed.operations, heights.len()), (15, 6, 15));
}

#[test]
fn re_execution_finds_a_history_that_does_not_follow_from_its_operations() {
    let chain = story();
    let copy = chain.store.fork();
    let (key, value) = rows(&copy, Column::History).remove(3);
    let mut leaf = proto::history::HistoryLeaf::decode(&value).unwrap();
    leaf.state_root = proto::hash::Tag::Value.hash(b"another state");
    write(&copy, |batch| batch.put(Column::History, key, leaf.encode()));
    let failed =
        replay(&Reader::open(copy).unwrap(), Versions::BUILT_IN, &mut |_, _| ()).unwrap_err();
    let ReplayError::Differs { height, part, found, .. } = failed else { panic!("{failed}") };
    assert_eq!((height, part), (Height::new(3), "state_root"));
    let reader = chain.ledger.reader();
    let kept = reader.view().unwrap().leaf(height).unwrap().unwrap();
    assert_eq!(found, kept.state_root.to_string());
}

#[test]
fn a_body_swapped_for_another_signed_one_is_found() {
    let chain = story();
    let op = operation_of(&chain);
    let swapped = chain.transaction(0, vec![op]);
    let (key, _) = rows(&chain.store, Column::Bodies).remove(0);
    let found = faults(&chain.store, |batch| batch.put(Column::Bodies, key, swapped.encode()));
    assert!(
        found[0].starts_with(
            "bodies: height 1, transaction 0: header and signature hash to what the block lists"
        ),
        "{found:#?}"
    );
}

fn operation_of(chain: &Chain) -> Operation {
    let reader = chain.ledger.reader();
    let body: Transaction = reader.view().unwrap().body(Height::new(3), 0).unwrap().unwrap();
    body.operations()[0].clone()
}
