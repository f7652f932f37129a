//! What may be appended, what a restart keeps, and what the next block sees.

use ledger::ledger::{AppendError, OpenError};
use ledger::store::{Batch, Column, Durability, Store as _, StoreRead as _};
use ledger::{Ledger, MemoryStore};
use proto::codec::Canonical as _;
use proto::operation::OpUid;
use proto::receipt::{CODE_ACCEPTED, CODE_ALREADY_RECORDED, CODE_OP_UID_REUSED};
use proto::schema::{Body, OperationKind};
use proto::types::{BlockHash, Height};

use crate::chain::{BEIJING, Chain, EVENT_DAY, event, item, operation, story};

fn sale(code: &str) -> Body {
    Body::Event(event(EVENT_DAY, "91110000700000002B", "BJ-SHOP-7", vec![item(code, 1_000)]))
}

#[test]
fn a_block_is_read_back_with_everything_that_follows_from_it() {
    let mut chain = Chain::new();
    let op = chain.operation(OperationKind::Sale, &sale("BJ-1"));
    let body = chain.transaction(0, vec![op.clone()]);
    let decided = chain.decide(std::slice::from_ref(&body));
    let appended = chain.ledger.append(&decided, std::slice::from_ref(&body)).unwrap();
    assert_eq!(appended.receipts[0].code, CODE_ACCEPTED);

    let reader = chain.ledger.reader();
    let view = reader.view().unwrap();
    let height = Height::new(1);
    assert_eq!(view.head(), height);
    assert_eq!(view.decided(height).unwrap().unwrap(), decided);
    assert_eq!(view.height_of(decided.block.hash()).unwrap(), Some(height));
    assert_eq!(view.bodies(height).unwrap(), vec![body.clone()]);
    let place = view.transaction(body.tx_id()).unwrap().unwrap();
    assert_eq!((place.height, place.position, place.first_receipt), (height, 0, 0));
    assert_eq!(view.receipts(height, 0, 100).unwrap(), appended.receipts);
    let found = view.operation(height, 0).unwrap().unwrap();
    assert_eq!(found.bytes, op.encode());
    assert_eq!(view.recorded(BEIJING, op.uid).unwrap(), Some((height, 0)));
    assert_eq!(view.leaf(height).unwrap().unwrap(), appended.leaf);
    assert_eq!(view.history_root(2).unwrap(), Some(appended.checkpoint.root));
    assert_eq!(view.history_root(3).unwrap(), None);
}

#[test]
fn a_block_that_does_not_follow_the_head_is_refused_and_changes_nothing() {
    let mut chain = Chain::new();
    chain.block(0, vec![]);
    let head = chain.ledger.head().clone();
    let later = head.time.plus_ms(1_000);
    let decided = chain.decide_on(Height::new(3), head.block_hash, later, &[]);
    let error = chain.ledger.append(&decided, &[]).unwrap_err();
    assert_eq!(error.to_string(), "block 3 does not follow head 1");

    let decided = chain.decide_on(Height::new(2), BlockHash::default(), later, &[]);
    let error = chain.ledger.append(&decided, &[]).unwrap_err();
    assert!(matches!(error, AppendError::Parent { .. }), "{error}");

    let decided = chain.decide_on(Height::new(2), head.block_hash, head.time, &[]);
    let error = chain.ledger.append(&decided, &[]).unwrap_err();
    assert_eq!(error.to_string(), "block 2: its time is later than its parent's");

    let op = chain.operation(OperationKind::Sale, &sale("BJ-1"));
    let body = chain.transaction(0, vec![op]);
    let decided = chain.decide(std::slice::from_ref(&body));
    let error = chain.ledger.append(&decided, &[]).unwrap_err();
    assert_eq!(error.to_string(), "block 2: the bodies are those that it lists");

    let mut decided = chain.decide(&[]);
    decided.certificate.statement.block_hash = BlockHash::default();
    let error = chain.ledger.append(&decided, &[]).unwrap_err();
    assert_eq!(error.to_string(), "block 2: its certificate names the block");

    assert_eq!(*chain.ledger.head(), head, "nothing was appended");
    chain.block(0, vec![]);
}

#[test]
fn the_same_operation_again_is_already_recorded_and_another_under_its_identity_is_refused() {
    let mut chain = Chain::new();
    let uid = OpUid::of_record("bj", "1");
    let first = operation(uid, OperationKind::Sale, &sale("BJ-1"));
    let other = operation(uid, OperationKind::Sale, &sale("BJ-2"));
    let codes: Vec<u16> =
        [first.clone(), first, other].map(|op| chain.block(0, vec![op]).receipts[0].code).to_vec();
    assert_eq!(codes, [CODE_ACCEPTED, CODE_ALREADY_RECORDED, CODE_OP_UID_REUSED]);
    let view = chain.ledger.reader();
    let view = view.view().unwrap();
    assert_eq!(view.recorded(BEIJING, uid).unwrap(), Some((Height::new(1), 0)));
}

#[test]
fn operations_above_the_links_of_a_block_are_refused_and_fit_into_the_next() {
    let limits = proto::epoch::BlockLimits { max_block_links: 7, ..Default::default() };
    let mut chain = Chain::with_limits(limits);
    let ops: Vec<_> =
        (0..3).map(|at| chain.operation(OperationKind::Sale, &sale(&format!("BJ-{at}")))).collect();
    let first = chain.block(0, ops.clone());
    let codes: Vec<u16> = first.receipts.iter().take(3).map(|receipt| receipt.code).collect();
    assert_eq!(codes[0], CODE_ACCEPTED);
    assert_eq!(codes[2], 14, "BLOCK_FULL");
    let refused = first.receipts[2].links.as_slice();
    assert_eq!(refused.len(), 1, "the submitter's party");
    let again = chain.block(0, vec![ops[2].clone()]);
    assert_eq!(again.receipts[0].code, CODE_ACCEPTED, "its identity was not used up");
}

#[test]
fn a_crash_keeps_every_acknowledged_block() {
    let mut chain = story();
    let head = chain.ledger.head().clone();
    let (root, certified) = {
        let reader = chain.ledger.reader();
        let view = reader.view().unwrap();
        let root = view.history_root(head.height.history_size()).unwrap();
        (root, view.certified_size().unwrap())
    };
    chain.store.crash();
    chain.reopen();
    assert_eq!(*chain.ledger.head(), head);
    let reader = chain.ledger.reader();
    let view = reader.view().unwrap();
    assert_eq!(view.history_root(head.height.history_size()).unwrap(), root);
    // Certificates are not synced: the others send again what was lost.
    assert!(view.certified_size().unwrap() <= certified);
    chain.checkpoint(&[0, 1]);
    chain.block(1, vec![]);
    assert_eq!(chain.ledger.head().height, head.height.next());
}

#[test]
fn a_failed_write_stops_the_ledger_until_it_is_opened_anew() {
    let mut chain = Chain::new();
    let mut untouched = Chain::new();
    chain.store.fail_after(1);
    chain.block(0, vec![]);
    let op = chain.operation(OperationKind::Sale, &sale("BJ-1"));
    let body = chain.transaction(0, vec![op]);
    let error = chain.append(std::slice::from_ref(&body)).unwrap_err();
    assert!(matches!(error, AppendError::Store(_)), "{error}");
    assert!(matches!(chain.append(&[]).unwrap_err(), AppendError::Stopped));

    chain.store.crash();
    chain.reopen();
    assert_eq!(chain.ledger.head().height, Height::new(1));
    let after = chain.append(std::slice::from_ref(&body)).unwrap();
    untouched.block(0, vec![]);
    let expected = untouched.append(&[body]).unwrap();
    assert_eq!(after.leaf, expected.leaf, "the failed attempt left no trace");
}

#[test]
fn a_data_folder_of_another_chain_or_format_is_refused() {
    let chain = Chain::new();
    let plan = genesis::ceremony::Plan::for_agencies(&[("甲", 11)], 1_760_000_000_001);
    let other =
        genesis::ceremony::hold(&plan, &mut genesis::ceremony::seeds_for_tests(9)).unwrap().genesis;
    let error = Ledger::open_or_create(chain.store.clone(), &other).unwrap_err();
    let expected = format!(
        "the data folder holds chain {}, the genesis document is chain {}",
        chain.genesis().chain(),
        other.chain()
    );
    assert_eq!(error.to_string(), expected);
    assert!(matches!(Ledger::open(MemoryStore::default()).unwrap_err(), OpenError::Empty));

    let mut batch = Batch::default();
    batch.put(Column::Meta, *b"format", 7u32.to_be_bytes());
    let store = chain.store.fork();
    store.write(batch, Durability::Synced).unwrap();
    let error = Ledger::open(store).unwrap_err();
    assert_eq!(error.to_string(), FORMAT_7);
}

const FORMAT_7: &str = "the data folder has format 7, this program reads format 3: move it away and \
                        start with an empty one, the other nodes send what is recorded";

/// What the next block would be built on, changed behind the ledger's back.
#[test]
fn a_head_that_does_not_fit_its_store_is_refused_with_column_and_key() {
    let mut chain = Chain::new();
    chain.block(0, vec![]);
    let op = chain.operation(OperationKind::Sale, &sale("BJ-1"));
    chain.block(0, vec![op]);
    let leaf = chain.ledger.head().clone();
    let height = 2u64.to_be_bytes();
    let node = [&[0], height.as_slice()].concat();
    let rows = |column| chain.store.scan_prefix(column, &[], &[], usize::MAX).unwrap();
    let (turn, bytes) = rows(Column::Turns).pop().unwrap();
    let (_, other) = rows(Column::HistoryNodes).remove(1);
    let of = |change: fn(&mut proto::history::HistoryLeaf)| {
        let mut leaf = leaf.clone();
        change(&mut leaf);
        leaf.encode()
    };
    let history = |value| (Column::History, height.to_vec(), value);
    let sum = b"working".to_vec();
    let mut cut = bytes.clone();
    cut.pop();
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for ((column, key, value), expected) in [
        (history(vec![7]), "column history, key 0000000000000002: expected the leaf of the head"),
        (
            history(of(|leaf| leaf.height = Height::new(1))),
            "column history, key 0000000000000002: expected a leaf of the height that it stands at",
        ),
        (
            history(of(|leaf| leaf.chain.0 = proto::hash::Hash::ZERO)),
            "column history, key 0000000000000002: expected a leaf of the chain of the genesis document",
        ),
        (
            history(of(|leaf| leaf.receipts_count += 1)),
            "column history_nodes, key 000000000000000002: expected the hash of the leaf of the head",
        ),
        (
            (Column::HistoryNodes, node, other),
            "column history_nodes, key 000000000000000002: expected the hash of the leaf of the head",
        ),
        (
            (Column::Meta, sum.clone(), vec![0; 2_048]),
            "column meta, key 776f726b696e67: expected the sum of rows that the leaf of the head names",
        ),
        (
            (Column::Meta, sum, vec![0; 2_047]),
            "column meta, key 776f726b696e67: expected a sum of 1,024 numbers of 2 bytes",
        ),
        (
            (Column::Turns, turn.clone(), cut),
            "column turns, key 0000000000000002: the row has the checksum",
        ),
        (
            (Column::Turns, turn.clone(), vec![0; 7]),
            "column turns, key 0000000000000002: expected a checksum of 8 bytes",
        ),
        (
            (Column::Turns, turn, flipped),
            "column turns, key 0000000000000002: the row has the checksum",
        ),
    ] {
        let store = chain.store.fork();
        let mut batch = Batch::default();
        batch.put(column, key, value);
        store.write(batch, Durability::Synced).unwrap();
        let error = Ledger::open(store).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let store = chain.store.fork();
    let mut batch = Batch::default();
    // Whole rows, of a height that sold something else: only the root tells.
    let mut other = Chain::new();
    other.block(0, vec![]);
    let op = other.operation(OperationKind::Sale, &sale("BJ-2"));
    other.block(0, vec![op]);
    let (key, value) =
        other.store.scan_prefix(Column::Leaves, &[], &[], usize::MAX).unwrap().pop().unwrap();
    assert_eq!(rows(Column::Leaves).pop().unwrap().0, key, "as many leaves");
    batch.put(Column::Leaves, key, value);
    store.write(batch, Durability::Synced).unwrap();
    let error = Ledger::open(store).unwrap_err().to_string();
    let expected = "column turns, key 0000000000000002: expected roots and bits that lead to the state \
                    root of the head";
    assert_eq!(error, expected);
}
