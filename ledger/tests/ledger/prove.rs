//! Proofs, checked with the functions of `proto` alone; the verifier's own rules are tested there.

use std::collections::BTreeMap;

use contracts::walk::Direction;
use ledger::bundle::{Bundle, ClaimKind, Item, Log, StatePath, StateValue, parse_hash};
use ledger::prove::{Bodies, ProveError, Prover, TraceQuery};
use ledger::reader::ReadError;
use proto::codec::Canonical as _;
use proto::hash::{Hash, Tag};
use proto::history::{DayEntry, HistoryLeaf, LogEntry, LogHead};
use proto::receipt::{ReceiptPayload, Subject, SubjectKind};
use proto::ring::StateProof;
use proto::tree;
use proto::trie::Namespace;
use proto::types::Height;

use crate::chain::{EVENT_DAY, count, story};

fn hashes(list: &[Vec<u8>]) -> Vec<Hash> {
    list.iter().map(|bytes| parse_hash(bytes).unwrap()).collect()
}

fn state_proof(path: &StatePath) -> StateProof {
    StateProof {
        size: path.size,
        position: path.position,
        key: path.key.clone(),
        value: parse_hash(&path.value).unwrap(),
        next: path.next.clone(),
        leaf_path: hashes(&path.leaf_path),
        bits: Box::new(path.bits.as_slice().try_into().unwrap()),
        twig_path: hashes(&path.twig_path),
    }
}

/// The history leaf of an item, proven against the final root.
fn proven_leaf(bundle: &Bundle, item: &Item) -> HistoryLeaf {
    let head = bundle.final_head.as_ref().unwrap();
    let (leaf, root) = (HistoryLeaf::decode(&item.leaf).unwrap(), parse_hash(&head.root).unwrap());
    let path = hashes(&item.path);
    tree::verify_inclusion(&leaf.hash(), leaf.height.value(), head.size, &path, &root).unwrap();
    leaf
}

fn check_state(leaf: &HistoryLeaf, state: &StateValue) {
    let namespace = Namespace::from_code(u8::try_from(state.namespace).unwrap()).unwrap();
    let proof = state_proof(state.proof.as_ref().unwrap());
    proof.verify(namespace, &state.key, state.value.as_deref(), &leaf.state_root).unwrap();
}

/// A complete log against the state root, as a verifier rebuilds it.
fn check_log(leaf: &HistoryLeaf, log: &Log) {
    let kind = SubjectKind::from_code(u8::try_from(log.kind).unwrap()).unwrap();
    let key = proto::history::LogKey { kind, bucket: log.bucket, subject: log.subject.clone() };
    let proof = state_proof(log.proof.as_ref().unwrap());
    proof.verify(Namespace::Log, &key.state_key(), log.head.as_deref(), &leaf.state_root).unwrap();
    let mut leaves = Vec::new();
    for entry in &log.entries {
        let payload = ReceiptPayload::decode(&entry.receipt).unwrap();
        assert_eq!(Tag::Links.hash(&entry.links), payload.links_hash);
        assert_eq!(Tag::Alerts.hash(&entry.alerts), payload.alerts_hash);
        if let Some(body) = &entry.body {
            let found = [Tag::Op, Tag::Step].map(|tag| tag.hash(body));
            assert!(found.contains(payload.source.leaf()), "a body hashes to its receipt's leaf");
        }
        let height = Height::new(entry.height);
        let receipt_leaf = payload.leaf();
        leaves.push(LogEntry { height, receipt_index: entry.receipt_index, receipt_leaf }.leaf());
    }
    for day in &log.days {
        leaves.push(DayEntry { bucket: day.bucket, height: Height::new(day.height) }.leaf());
    }
    match &log.head {
        None => assert!(leaves.is_empty()),
        Some(head) => {
            let head = LogHead::decode(head).unwrap();
            assert_eq!((head.size(), head.root()), (count(leaves.len()), tree::root(&leaves)));
        }
    }
}

#[test]
fn every_receipt_of_the_story_is_proven_to_the_history_root() {
    let chain = story();
    let reader = chain.ledger.reader();
    let view = reader.view().unwrap();
    let prover = Prover::new(&view, &[]);
    let mut proven = 0;
    for height in (1..=view.head().value()).map(Height::new) {
        for index in 0..view.leaf(height).unwrap().unwrap().receipts_count {
            let bundle = prover.receipt(height, index).unwrap();
            let item = bundle.items.last().unwrap();
            let leaf = proven_leaf(&bundle, item);
            let shown = item.receipt.as_ref().unwrap();
            let payload = ReceiptPayload::decode(&shown.payload).unwrap();
            let (total, path) = (leaf.receipts_count.into(), hashes(&shown.path));
            let root = &leaf.receipts_root;
            tree::verify_inclusion(&payload.leaf(), index.into(), total, &path, root).unwrap();
            assert!(!bundle.claims[0].words_zh.is_empty() && !bundle.claims[0].words_en.is_empty());
            proven += 1;
        }
    }
    assert!(proven >= 6, "{proven}");
}

#[test]
fn an_event_is_proven_with_its_transaction_and_the_record_of_its_key() {
    let chain = story();
    let reader = chain.ledger.reader();
    let view = reader.view().unwrap();
    let bundle = Prover::new(&view, &[3, 5]).event(Height::new(3), 0).unwrap();
    let [below, item] = bundle.items.as_slice() else { panic!("two items") };
    let (below_leaf, leaf) = (proven_leaf(&bundle, below), proven_leaf(&bundle, item));
    assert_eq!((below_leaf.height, leaf.height), (Height::new(2), Height::new(3)));
    check_state(&below_leaf, &below.states[0]);
    assert!(below.states[0].value.is_some());

    let header = proto::block::BlockHeader::decode(item.header.as_ref().unwrap()).unwrap();
    assert_eq!(header.hash(), leaf.block_hash);
    let tx = item.tx.as_ref().unwrap();
    let signed = proto::transaction::SignedTxHeader::decode(&tx.payload).unwrap();
    signed.verify().unwrap();
    let (total, path) = (header.tx_count.into(), hashes(&tx.path));
    tree::verify_inclusion(&signed.leaf(), tx.index.into(), total, &path, &header.tx_root).unwrap();
    let op = item.op.as_ref().unwrap();
    let (total, path) = (signed.header.op_count.into(), hashes(&op.path));
    let op_leaf = Tag::Op.hash(&op.bytes);
    let root = &signed.header.op_root;
    tree::verify_inclusion(&op_leaf, op.index.into(), total, &path, root).unwrap();

    let head = bundle.final_head.as_ref().unwrap();
    let root = parse_hash(&head.root).unwrap();
    for pin in &bundle.pins {
        let old = view.history_root(pin.size).unwrap().unwrap();
        let path = hashes(&pin.consistency);
        tree::verify_consistency(pin.size, head.size, &old, &root, &path).unwrap();
    }
    assert_eq!(bundle.pins.len(), 2);
    assert_eq!(Bundle::from_bytes(&bundle.to_bytes()).unwrap(), bundle);
}

#[test]
fn a_proof_stands_on_the_hardened_checkpoint_where_that_covers_it() {
    let chain = story();
    let reader = chain.ledger.reader();
    let view = reader.view().unwrap();
    assert_eq!((view.hardened_size().unwrap(), view.certified_size().unwrap()), (13, 15));
    let prover = Prover::new(&view, &[]);
    let size = |at| {
        let bundle = prover.state(Namespace::Sys, b"nothing", Some(Height::new(at))).unwrap();
        bundle.final_head.unwrap().size
    };
    assert_eq!([size(5), size(12), size(13), size(14)], [13, 13, 15, 15]);
    let error = prover.state(Namespace::Sys, b"nothing", Some(Height::new(15))).unwrap_err();
    assert_eq!(error.to_string(), "height 15 is not certified yet: certified are 15 heights");
}

#[test]
fn values_are_proven_present_or_absent_at_every_height_of_the_window() {
    let chain = story();
    let reader = chain.ledger.reader();
    let view = reader.view().unwrap();
    let prover = Prover::new(&view, &[]);
    let mut sizes = BTreeMap::new();
    let log = proto::history::LogKey {
        kind: SubjectKind::Party,
        bucket: 0,
        subject: b"91130000700000001A".to_vec(),
    };
    for at in 0..view.head().value() {
        for key in [log.state_key(), b"no such key".to_vec()] {
            let bundle = prover.state(Namespace::Log, &key, Some(Height::new(at))).unwrap();
            let item = &bundle.items[0];
            let leaf = proven_leaf(&bundle, item);
            assert_eq!(leaf.height, Height::new(at));
            check_state(&leaf, &item.states[0]);
            let size = item.states[0].value.as_ref().map(|v| LogHead::decode(v).unwrap().size());
            sizes.entry(key).or_insert_with(Vec::new).push(size);
        }
    }
    assert!(sizes[b"no such key".as_slice()].iter().all(Option::is_none));
    let grown = &sizes[&log.state_key()];
    assert_eq!((grown[0], grown[1]), (None, Some(1)), "the directory grows with each new day");
    assert!(grown.is_sorted());
}

fn trace(start: &str, direction: Direction, unit_limit: u32) -> TraceQuery {
    let starts = vec![Subject::unit(start)];
    TraceQuery { starts, direction, at: None, unit_limit, bodies: Bodies::Shown }
}

/// A unit of the story under the key that the ledger gives it.
fn unit(code: &str) -> String {
    format!("OPAQUE:{}:{code}", if code.starts_with("HE") { 2 } else { 0 })
}

#[test]
fn a_trace_shows_the_complete_log_of_every_unit_it_reaches() {
    let chain = story();
    let reader = chain.ledger.reader();
    let view = reader.view().unwrap();
    let prover = Prover::new(&view, &[]);
    for (start, direction, reached) in [
        ("HE-BOX-1", Direction::Back, vec!["HE-BOX-1", "HE-LOT-1", "HE-PALLET-1"]),
        ("HE-BOX-2", Direction::Back, vec!["HE-BOX-2", "HE-LOT-1", "HE-PALLET-1"]),
        ("HE-LOT-1", Direction::Forward, vec!["HE-BOX-1", "HE-BOX-2", "HE-LOT-1", "HE-PALLET-1"]),
        ("HE-LOT-1", Direction::Back, vec!["HE-LOT-1"]),
        ("HE-NOTHING", Direction::Both, vec!["HE-NOTHING"]),
    ] {
        let bundle = prover.trace(&trace(&unit(start), direction, 100)).unwrap();
        let item = &bundle.items[0];
        let leaf = proven_leaf(&bundle, item);
        assert_eq!(leaf.height, Height::new(14), "the newest certified height");
        item.logs.iter().for_each(|log| check_log(&leaf, log));
        item.states.iter().for_each(|state| check_state(&leaf, state));
        let units: Vec<String> =
            item.logs.iter().map(|log| String::from_utf8(log.subject.clone()).unwrap()).collect();
        for code in &reached {
            assert!(units.contains(&unit(code)), "{start} {direction:?}: {code} in {units:?}");
        }
        let Some(ClaimKind::Trace(claim)) = &bundle.claims[0].kind else { panic!("a trace") };
        assert_eq!(claim.truncated, []);
        let logged = item.logs.iter().all(|log| log.entries.iter().all(|e| e.body.is_some()));
        assert!(logged, "bodies are shown");
    }
}

#[test]
fn a_trace_names_what_its_limit_leaves_out_and_withholds_bodies_when_asked() {
    let chain = story();
    let reader = chain.ledger.reader();
    let view = reader.view().unwrap();
    let prover = Prover::new(&view, &[]);
    let query =
        TraceQuery { bodies: Bodies::Withheld, ..trace(&unit("HE-LOT-1"), Direction::Forward, 2) };
    let bundle = prover.trace(&query).unwrap();
    let item = &bundle.items[0];
    assert_eq!(item.logs.len(), 2);
    assert!(item.logs.iter().all(|log| log.entries.iter().all(|entry| entry.body.is_none())));
    let Some(ClaimKind::Trace(claim)) = &bundle.claims[0].kind else { panic!("a trace") };
    assert!(!claim.truncated.is_empty());
    let error = prover.trace(&trace(&unit("HE-LOT-1"), Direction::Back, 0)).unwrap_err();
    assert_eq!(error.to_string(), "1 starts do not fit the limit of 0 logs");
    let starts = vec![Subject { kind: SubjectKind::Station, key: b"HE-PORT-1".to_vec() }];
    let error = prover.trace(&TraceQuery { starts, ..trace("", Direction::Back, 9) }).unwrap_err();
    assert_eq!(error.to_string(), "subjects of kind 5 have logs by day: ask for a window");
}

#[test]
fn a_window_shows_the_directory_and_the_complete_log_of_each_day_in_it() {
    let chain = story();
    let reader = chain.ledger.reader();
    let view = reader.view().unwrap();
    let prover = Prover::new(&view, &[]);
    // The station as the contracts name it: the log of a subject is under its normalised key.
    let sale = view.receipt(Height::new(11), 0).unwrap().unwrap();
    let mut subjects = sale.links.as_slice().iter().map(|link| link.subject.clone());
    let shop = subjects.find(|subject| subject.kind == SubjectKind::Station).unwrap();
    for (days, expected) in [
        ((EVENT_DAY, EVENT_DAY + 9), vec![EVENT_DAY + 2, EVENT_DAY + 3]),
        ((EVENT_DAY, EVENT_DAY + 2), vec![EVENT_DAY + 2]),
        ((1, EVENT_DAY), vec![]),
    ] {
        let bundle = prover.window(&shop, days, None, Bodies::Shown).unwrap();
        let item = &bundle.items[0];
        let leaf = proven_leaf(&bundle, item);
        item.logs.iter().for_each(|log| check_log(&leaf, log));
        let buckets: Vec<u32> = item.logs.iter().map(|log| log.bucket).collect();
        assert_eq!(buckets, [vec![0], expected].concat());
    }
    let error = prover.window(&Subject::unit("HE-LOT-1"), (1, 2), None, Bodies::Shown).unwrap_err();
    assert_eq!(error.to_string(), "subjects of kind 1 have one log, without days");
}

#[test]
fn questions_without_an_answer_say_why() {
    let mut chain = crate::chain::Chain::new();
    chain.block(0, vec![]);
    {
        let reader = chain.ledger.reader();
        let view = reader.view().unwrap();
        let error = Prover::new(&view, &[]).state(Namespace::Sys, b"x", None).unwrap_err();
        assert!(matches!(error, ProveError::NotCertified { .. }), "{error}");
    }
    chain.checkpoint(&[0, 1]);
    let reader = chain.ledger.reader();
    let view = reader.view().unwrap();
    let prover = Prover::new(&view, &[]);
    let error = prover.event(Height::new(1), 0).unwrap_err();
    assert_eq!(error.to_string(), "height 1 has no receipt 0");
    let long = vec![b'x'; 65_536];
    assert_eq!(view.state(Namespace::Unit, &long).unwrap(), None);
    assert_eq!(view.state(Namespace::Alert, &long).unwrap(), None);
    let error = prover.state(Namespace::Unit, b"HE-LOT-1", None).unwrap_err();
    let text = "rows of Unit are never proven: they follow from the recorded events";
    assert_eq!(error.to_string(), text);
    let error = prover.state(Namespace::Alert, &long, None).unwrap_err();
    let text = "the state that it names: key: 65536 is above the limit of 65535";
    assert_eq!(error.to_string(), text);
    let error = prover.trace(&trace(&"x".repeat(513), Direction::Back, 9)).unwrap_err();
    assert_eq!(error.to_string(), "its subject: key: 513 is above the limit of 512");
    let station = Subject { kind: SubjectKind::Station, key: long };
    let error = prover.window(&station, (1, 2), None, Bodies::Shown).unwrap_err();
    assert_eq!(error.to_string(), "its subject: key: 65536 is above the limit of 512");
    let error = view.at(Height::new(9)).unwrap_err();
    assert!(matches!(error, ReadError::OutsideWindow { .. }), "{error}");
    assert_eq!(error.to_string(), "the state of height 9 cannot be read: heights 0 to 1 can");
}

#[test]
fn history_roots_and_paths_of_every_size_agree_with_the_reference() {
    let mut chain = crate::chain::Chain::new();
    (0..36).for_each(|_| drop(chain.block(0, vec![])));
    let reader = chain.ledger.reader();
    let view = reader.view().unwrap();
    let leaves: Vec<Hash> =
        (0..=36).map(|height| view.leaf(Height::new(height)).unwrap().unwrap().hash()).collect();
    for size in 1..=37usize {
        let (part, new) = (&leaves[..size], count(size));
        assert_eq!(view.history_root(new).unwrap(), Some(tree::root(part)), "size {size}");
        for old in 0..=size {
            let at = Height::new(count(old));
            let path = view.history_path(at, new).unwrap();
            assert_eq!(path, tree::inclusion_path(part, old), "leaf {old} of {size}");
            let path = view.consistency_path(count(old), new).unwrap();
            assert_eq!(path, tree::consistency_path(part, old), "{old} to {size}");
        }
    }
    assert_eq!(view.history_path(Height::new(0), 38).unwrap(), None);
    assert_eq!(view.consistency_path(37, 38).unwrap(), None);
}

#[test]
fn a_checkpoint_of_genesis_alone_is_none_for_a_bundle() {
    let mut chain = crate::chain::Chain::new();
    chain.checkpoint(&[0, 1, 2]);
    let ask = |chain: &crate::chain::Chain, at: Option<u64>| {
        let reader = chain.ledger.reader();
        let view = reader.view().unwrap();
        let bundle = Prover::new(&view, &[]).state(Namespace::Sys, b"x", at.map(Height::new));
        bundle.map(|bundle| bundle.final_head.unwrap().size).map_err(|error| error.to_string())
    };
    let none = Err("height 1 is not certified yet: certified are 1 heights".to_owned());
    assert_eq!((ask(&chain, None), ask(&chain, Some(0))), (none.clone(), none));
    chain.block(0, vec![]);
    chain.checkpoint(&[0, 1]);
    let reader = chain.ledger.reader();
    let view = reader.view().unwrap();
    assert_eq!((view.hardened_size().unwrap(), view.certified_size().unwrap()), (1, 2));
    assert_eq!((ask(&chain, None), ask(&chain, Some(0))), (Ok(2), Ok(2)), "not the hardened 1");
}

#[test]
fn a_proof_stands_on_a_checkpoint_that_covers_the_verifiers_pins_and_the_head_it_demands() {
    let chain = story();
    let reader = chain.ledger.reader();
    let view = reader.view().unwrap();
    assert_eq!((view.hardened_size().unwrap(), view.certified_size().unwrap()), (13, 15));
    let none =
        |height| Err(format!("height {height} is not certified yet: certified are 15 heights"));
    for (pins, least_head, expected) in [
        (&[][..], 0, Ok((13, vec![]))),
        (&[3, 13], 0, Ok((13, vec![3, 13]))),
        (&[3, 14], 0, Ok((15, vec![3, 14]))),
        (&[15, 2, 15], 0, Ok((15, vec![2, 15]))),
        // A pin from a node that is ahead: what can be shown is shown.
        (&[5, 16, u64::MAX], 0, Ok((13, vec![5]))),
        (&[0], 0, Ok((13, vec![]))),
        (&[], 12, Ok((13, vec![]))),
        (&[], 13, Ok((15, vec![]))),
        (&[14], 14, Ok((15, vec![14]))),
        (&[], 15, none(15)),
    ] {
        let prover = Prover::new(&view, pins).with_least_head(Height::new(least_head));
        let found = prover.state(Namespace::Sys, b"x", Some(Height::new(4)));
        let found = found.map_err(|error| error.to_string()).map(|bundle| {
            let head = bundle.final_head.as_ref().unwrap();
            let root = parse_hash(&head.root).unwrap();
            proven_leaf(&bundle, &bundle.items[0]);
            for pin in &bundle.pins {
                let old = view.history_root(pin.size).unwrap().unwrap();
                let path = hashes(&pin.consistency);
                tree::verify_consistency(pin.size, head.size, &old, &root, &path).unwrap();
            }
            (head.size, bundle.pins.iter().map(|pin| pin.size).collect::<Vec<_>>())
        });
        assert_eq!(found, expected, "pins {pins:?}, head at {least_head} or above");
    }
}
