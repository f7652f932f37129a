//! The edges of every limit: the largest that is allowed is, one more is not; and rules between fields.

use proto::block::Block;
use proto::codec::{Canonical, DecodeError, Writer};
use proto::epoch::{BlockLimits, Descriptor, DescriptorError};
use proto::hash::{Hash, Tag};
use proto::limits::{
    FRAME_BYTES_MAX, LINKS_MAX, OPERATION_BYTES_MAX, OPERATIONS_PER_TX_MAX, SUBJECT_BYTES_MAX,
    TX_BYTES_MAX, TXS_PER_BLOCK_MAX, VALIDATORS_MAX,
};
use proto::message::{Seen, StatusMessage, ViewChange};
use proto::operation::Operation;
use proto::receipt::{Ascending, Link, Links, ReceiptPayload, Role, Subject, TooMany};
use proto::ring::{Ring, StateProof};
use proto::transaction::{Transaction, TransactionError, TxHeader};
use proto::types::{TimeMs, View};

use super::dice::Dice;
use super::sample;

fn operation(body_bytes: usize) -> Operation {
    Operation { body: vec![1; body_bytes], ..Dice(1).operation() }
}

fn sign(operations: Vec<Operation>) -> Result<Transaction, TransactionError> {
    Transaction::sign(sample::chain(), &sample::key(1), TimeMs::new(9), operations)
}

#[test]
fn an_operation_holds_64_kib_with_its_envelope() {
    let most = usize::try_from(OPERATION_BYTES_MAX).expect("usize") - 36;
    let bytes = operation(most).encode();
    assert_eq!(Operation::decode(&bytes), Ok(operation(most)));
    assert!(sign(vec![operation(most)]).is_ok());
    assert!(Operation::decode(&operation(most + 1).encode()).is_err());
    let found = most + 1 + 36;
    let expected = TransactionError::OperationTooLarge { index: 1, found };
    assert_eq!(sign(vec![operation(1), operation(most + 1)]), Err(expected));
}

#[test]
fn a_transaction_holds_1_to_1000_operations() {
    assert_eq!(sign(Vec::new()), Err(TransactionError::OperationCount { found: 0 }));
    let most = usize::from(OPERATIONS_PER_TX_MAX);
    let full = sign(vec![operation(1); most]).expect("within the limit");
    assert_eq!(Transaction::decode(&full.encode()).as_ref(), Ok(&full));
    let found = most + 1;
    assert_eq!(sign(vec![operation(1); found]), Err(TransactionError::OperationCount { found }));
    for op_count in [0, OPERATIONS_PER_TX_MAX + 1] {
        let header = TxHeader { op_count, ..sample::tx_header() };
        assert!(TxHeader::decode(&header.encode()).is_err(), "{op_count} operations");
    }
}

#[test]
fn a_transaction_above_1_mib_is_neither_made_nor_read() {
    let body = usize::try_from(OPERATION_BYTES_MAX).expect("usize") - 36;
    assert!(sign(vec![operation(body); 15]).is_ok());
    let operations = vec![operation(body); 17];
    assert!(matches!(sign(operations.clone()), Err(TransactionError::TooLarge { .. })));
    let leaves: Vec<Hash> = operations.iter().map(Operation::leaf).collect();
    let header =
        TxHeader { op_count: 17, op_root: proto::tree::root(&leaves), ..sample::tx_header() };
    let mut out = Writer::default();
    header.encode_to(&mut out);
    sample::key(1).sign(&header.signed_bytes()).encode_to(&mut out);
    for operation in &operations {
        out.bytes32(&operation.encode());
    }
    let refused = Transaction::decode(&out.into_bytes());
    assert!(
        matches!(refused, Err(DecodeError::TooLong { field: "transaction", limit, .. })
            if limit == u64::from(TX_BYTES_MAX)),
        "{refused:?}"
    );
}

#[test]
fn operations_other_than_the_signed_ones_are_no_transaction() {
    let transaction = Dice(7).transaction();
    let mut bytes = transaction.encode();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let rule = "the operations are not the ones that were signed for";
    assert_eq!(Transaction::decode(&bytes), Err(DecodeError::Invalid { field: "op_root", rule }));
}

#[test]
fn a_bad_signature_condemns_the_leaf_and_not_the_tx_id() {
    let good = sample::transaction();
    assert!(good.signed().verify().is_ok());
    let mut bad = good.signed().clone();
    bad.signature = Dice(1).signature();
    assert!(bad.verify().is_err());
    assert_eq!(bad.header.tx_id(), good.tx_id());
    assert_ne!(bad.leaf(), good.leaf());
}

#[test]
fn a_block_lists_the_transactions_that_its_header_counts() {
    let most = usize::try_from(TXS_PER_BLOCK_MAX).expect("usize");
    let full = Block::new(sample::header(), vec![Hash::ZERO; most]);
    assert_eq!(Block::decode(&full.encode()).as_ref(), Ok(&full));
    let above = Block::new(sample::header(), vec![Hash::ZERO; most + 1]);
    let expected = DecodeError::TooLong { field: "tx_count", found: 1_001, limit: 1_000 };
    assert_eq!(Block::decode(&above.encode()), Err(expected));
    let block = sample::block();
    let mut bytes = block.encode();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let rule = "is not the root over the listed transactions";
    assert_eq!(Block::decode(&bytes), Err(DecodeError::Invalid { field: "tx_root", rule }));
    let mut header = block.header().clone();
    header.evidence_count = 1;
    let mut out = Writer::default();
    header.encode_to(&mut out);
    block.tx_leaves().iter().for_each(|leaf| leaf.encode_to(&mut out));
    let rule = "blocks carry no evidence in protocol 1";
    assert_eq!(
        Block::decode(&out.into_bytes()),
        Err(DecodeError::Invalid { field: "evidence_root", rule })
    );
}

#[test]
fn the_largest_block_and_the_largest_transaction_fit_a_frame() {
    let block = Block::new(sample::header(), vec![Hash::ZERO; 1_000]).encode().len();
    assert!(u32::try_from(block).expect("small") + TX_BYTES_MAX < FRAME_BYTES_MAX);
}

#[test]
fn receipt_lists_ascend_without_equal_items() {
    let link = |role, key: &str| Link { role, subject: Subject::unit(key) };
    let ordered = [
        link(Role::Input, "b"),
        link(Role::Input, "aa"), // the length stands before the bytes
        link(Role::Input, "ab"),
        link(Role::Output, "a"),
    ];
    let links: Links = Ascending::collect(ordered.iter().rev().cloned(), LINKS_MAX).expect("four");
    assert_eq!(links.as_slice(), &ordered);
    for pair in ordered.windows(2) {
        assert!(pair[0].encode() < pair[1].encode(), "the order is that of the bytes");
    }
    for (what, list) in [
        ("descending", vec![ordered[1].clone(), ordered[0].clone()]),
        ("equal", vec![ordered[0].clone(), ordered[0].clone()]),
    ] {
        let mut out = Writer::default();
        out.list16(&list);
        assert!(Links::decode(&out.into_bytes()).is_err(), "{what}");
    }
    let twice: Links = Ascending::collect([ordered[0].clone(), ordered[0].clone()], 1).expect("1");
    assert_eq!(twice.as_slice().len(), 1);
    let found = Ascending::collect(ordered, 3);
    assert_eq!(found, Err(TooMany { found: 4, limit: 3 }));
}

#[test]
fn a_subject_has_at_most_512_bytes_and_known_role_and_kind() {
    let most = usize::from(SUBJECT_BYTES_MAX);
    for (length, fits) in [(0, true), (most, true), (most + 1, false)] {
        let link = Link { role: Role::Other, subject: Subject::unit(vec![b'x'; length]) };
        assert_eq!(Link::decode(&link.encode()).is_ok(), fits, "{length} bytes");
    }
    for (role, kind) in [(0, 1), (15, 1), (1, 0), (1, 8)] {
        assert!(Link::decode(&[role, kind, 0, 1, b'x']).is_err(), "role {role}, kind {kind}");
    }
}

#[test]
fn a_system_receipt_names_no_transaction() {
    let mut system = sample::receipts()[1].1.payload().encode();
    assert_eq!(system[0], 1);
    system[1] = 1;
    assert!(ReceiptPayload::decode(&system).is_err(), "a transaction in a system receipt");
    system[1] = 0;
    system[34] = 1;
    assert!(ReceiptPayload::decode(&system).is_err(), "an index in a system receipt");
    system[34] = 0;
    assert!(ReceiptPayload::decode(&system).is_ok());
    system[0] = 2;
    assert!(ReceiptPayload::decode(&system).is_err(), "an unknown kind");
}

#[test]
fn a_view_change_without_certificate_has_zero_view_and_hash() {
    let change = ViewChange { prepared: None, ..Dice(2).view_change() };
    let bytes = change.encode();
    let flag = 4 + 8 + 4 + 32;
    assert_eq!(ViewChange::decode(&bytes), Ok(change));
    for (at, what) in [(flag + 4, "a view"), (bytes.len() - 1, "a hash")] {
        let mut wrong = bytes.clone();
        wrong[at] = 1;
        assert!(ViewChange::decode(&wrong).is_err(), "flag 0 with {what}");
    }
    let mut wrong = bytes;
    wrong[flag] = 2;
    assert!(ViewChange::decode(&wrong).is_err(), "flag 2");
}

#[test]
fn a_status_shows_at_most_one_signature_of_each_kind() {
    let seen = Seen::Commit(Dice(1).signed(Dice::commit));
    let status =
        |count| StatusMessage { seen: vec![seen.clone(); count], ..Dice(3).status_message() };
    assert!(StatusMessage::decode(&status(5).encode()).is_ok());
    assert!(StatusMessage::decode(&status(6).encode()).is_err());
}

#[test]
fn a_state_proof_has_no_more_siblings_than_a_ring_has_levels() {
    let proof = Ring::genesis([]).prove(&[1]).expect("the sentinel stands before every key");
    let siblings = |count: usize| vec![Hash::ZERO; count];
    for (leaf, twig, fits) in [(11, 53, true), (12, 53, false), (11, 54, false)] {
        let (leaf_path, twig_path) = (siblings(leaf), siblings(twig));
        let proof = StateProof { leaf_path, twig_path, ..proof.clone() };
        assert_eq!(StateProof::decode(&proof.encode()).is_ok(), fits, "{leaf} and {twig}");
    }
}

fn with(change: impl FnOnce(&mut Descriptor)) -> Descriptor {
    let mut descriptor = sample::descriptor();
    change(&mut descriptor);
    descriptor
}

#[test]
fn a_descriptor_that_breaks_a_rule_is_named_and_not_decoded() {
    let key = sample::key(0).public().id();
    let above = |field, found, limit| DescriptorError::AboveLimit { field, found, limit };
    for (descriptor, expected) in [
        (with(|d| d.validators.clear()), DescriptorError::ValidatorCount { found: 0 }),
        (
            with(|d| d.validators = vec![d.validators[0]; usize::from(VALIDATORS_MAX) + 1]),
            DescriptorError::ValidatorCount { found: 101 },
        ),
        (with(|d| d.validators[1] = d.validators[0]), DescriptorError::KeyTwice { key }),
        (with(|d| d.rotation_blocks = 0), DescriptorError::Zero { field: "rotation_blocks" }),
        (with(|d| d.lag = 0), DescriptorError::Zero { field: "lag" }),
        (with(|d| d.contracts = 0), DescriptorError::Zero { field: "contracts" }),
        (with(|d| d.limits.max_ttl_ms = 0), DescriptorError::Zero { field: "max_ttl_ms" }),
        (with(|d| d.limits.max_block_bytes += 1), above("max_block_bytes", 1_048_577, 1_048_576)),
        (with(|d| d.limits.max_ops += 1), above("max_ops", 10_001, 10_000)),
        (with(|d| d.limits.max_links += 1), above("max_links", 2_049, 2_048)),
        (with(|d| d.limits.max_block_links += 1), above("max_block_links", 200_001, 200_000)),
    ] {
        assert_eq!(descriptor.check(), Err(expected));
        assert!(Descriptor::decode(&descriptor.encode()).is_err(), "{expected}");
    }
    assert_eq!(sample::descriptor().check(), Ok(()));
    assert_eq!(sample::descriptor().limits, BlockLimits::default());
}

#[test]
fn unknown_suites_protocols_and_modes_are_refused() {
    let descriptor = sample::descriptor().encode();
    for (at, what) in [(0, "suite"), (4, "protocol"), (17, "mode")] {
        let mut wrong = descriptor.clone();
        wrong[at] = 9;
        assert!(Descriptor::decode(&wrong).is_err(), "descriptor with unknown {what}");
    }
    let mut header = sample::header().encode();
    header[0] = 1;
    assert!(proto::block::BlockHeader::decode(&header).is_err(), "block of suite 1");
    let mut leaf = Dice(1).history_leaf().encode();
    leaf[0] = 1;
    assert!(proto::history::HistoryLeaf::decode(&leaf).is_err(), "history leaf of suite 1");
}

#[test]
fn the_primary_rotates_with_view_and_height() {
    let descriptor = with(|d| {
        d.rotation_blocks = 10;
        d.first_height = proto::Height::new(100);
    });
    for (height, view, expected) in
        [(100, 0, 0), (109, 0, 0), (110, 0, 1), (100, 1, 1), (130, 3, 2), (149, 4, 0), (0, 0, 0)]
    {
        let found = descriptor.primary(proto::Height::new(height), View::new(view));
        assert_eq!(found.value(), expected, "height {height}, view {view}");
    }
    let far = descriptor.primary(proto::Height::new(u64::MAX), View::new(u32::MAX));
    assert!(far.value() < 4, "no overflow at the end of the numbers");
}

#[test]
fn the_descriptor_hash_binds_the_chain() {
    let descriptor = sample::descriptor();
    let other = proto::ChainId(Tag::Genesis.hash(b"another"));
    assert_ne!(descriptor.hash(sample::chain()), descriptor.hash(other));
}
