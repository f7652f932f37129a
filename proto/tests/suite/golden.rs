//! Golden vectors, one file for each family of structures: what is hashed or signed never changes
//! unnoticed. `UPDATE_EXPECT=1` rewrites the files; a changed line is a new version of a format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use expect_test::{ExpectFile, expect_file};
use proto::certificate::Certificate;
use proto::codec::Canonical;
use proto::hash::Tag;
use proto::history::{DayEntry, HistoryLeaf, LogEntry, LogHead, LogKey, StateRoots};
use proto::message::{
    Checkpoint, Decided, Message, Proposal, Seen, StatusMessage, justification_hash,
};
use proto::namespace::Namespace;
use proto::operation::Operation;
use proto::receipt::SubjectKind;
use proto::ring::{self, Ring, SENTINEL};
use proto::schema::OperationKind;
use proto::schema::roles::{table_bytes, table_hash};
use proto::set_hash::{RowHash, SetHash};
use proto::sign::PublicKey;
use proto::submitter::{SubmitterRecord, SubmitterRole};
use proto::tree::{Frontier, consistency_path, inclusion_path, root};
use proto::types::{AgencyIndex, Height, TimeMs, View};
use proto::verified::{SetVerifier, Statement, Verifiable};
use proto::{Hash, schema};

use super::{sample, signatures};

/// Lines of `key: value`.
#[derive(Default)]
struct Vectors(String);

impl Vectors {
    fn text(&mut self, key: &str, value: impl std::fmt::Display) {
        writeln!(self.0, "{key}: {value}").expect("strings are writable");
    }

    fn bytes(&mut self, key: &str, bytes: &[u8]) {
        self.text(key, hex::encode(bytes));
    }

    fn hash(&mut self, key: &str, hash: &Hash) {
        self.text(key, hash);
    }

    fn hashes(&mut self, key: &str, hashes: &[Hash]) {
        let words: Vec<String> = hashes.iter().map(ToString::to_string).collect();
        self.text(key, if words.is_empty() { "-".to_owned() } else { words.join(" ") });
    }

    /// The encoding of a structure, after checking that it reads back.
    fn encoding<T: Canonical + PartialEq + std::fmt::Debug>(&mut self, key: &str, value: &T) {
        let bytes = value.encode();
        assert_eq!(T::decode(&bytes).as_ref(), Ok(value), "{key}");
        self.bytes(key, &bytes);
    }

    fn check(&self, file: &ExpectFile) {
        file.assert_eq(&self.0);
    }
}

#[test]
fn every_tag_on_fixed_inputs() {
    let mut vectors = Vectors::default();
    for tag in Tag::ALL {
        vectors.hash(&format!("{} of nothing", tag.text()), &tag.hash(b""));
        vectors.hash(&format!("{} of \"abc\"", tag.text()), &tag.hash(b"abc"));
        let pair = tag.hash_pair(&sample::hash(1), &sample::hash(2));
        vectors.hash(&format!("{} of 01.. 02..", tag.text()), &pair);
    }
    vectors.check(&expect_file!["../golden/tags.txt"]);
}

#[test]
fn tree_roots_and_paths() {
    let mut vectors = Vectors::default();
    let all: Vec<Hash> = (0..17u8).map(|index| Tag::Log.hash(&[index])).collect();
    let mut frontier = Frontier::default();
    for size in 0..=all.len() {
        let leaves = &all[..size];
        vectors.hash(&format!("root of {size}"), &root(leaves));
        vectors.hashes(&format!("peaks of {size}"), frontier.peaks());
        for index in 0..size {
            let path = inclusion_path(leaves, index).expect("inside");
            vectors.hashes(&format!("inclusion of {index} in {size}"), &path);
        }
        for old in 1..=size {
            let path = consistency_path(leaves, old).expect("1 to size");
            vectors.hashes(&format!("consistency of {old} with {size}"), &path);
        }
        if let Some(next) = all.get(size) {
            frontier.append(*next, |_, _, _| ());
        }
    }
    vectors.check(&expect_file!["../golden/trees.txt"]);
}

/// A key of the vectors for the state, and its value at a height.
fn entry(number: u8, height: u8) -> (Namespace, [u8; 2], [u8; 2]) {
    (Namespace::ALL[usize::from(number) % 23], [number, 1], [number, height])
}

#[test]
fn state_roots_and_proofs() {
    let mut vectors = Vectors::default();
    let mut ring = Ring::default();
    vectors.hash("hash of value 0001", &ring::value_hash(&[0, 1]));
    vectors.hash("leaf of the sentinel alone", &ring::leaf(SENTINEL, &Hash::ZERO, SENTINEL));
    vectors.hash(
        "twig of that leaf",
        &ring::twig(&ring::leaf(SENTINEL, &Hash::ZERO, SENTINEL), &{
            let mut bits = [0; ring::TWIG_BITS_BYTES];
            ring::activate(&mut bits, 0);
            bits
        }),
    );
    let mut heights = vec![("nothing at genesis", BTreeMap::new())];
    let put = |numbers: Range<u8>, height| {
        let written = |number| {
            let (namespace, key, value) = entry(number, height);
            (ring::state_key(namespace, &key), Some(ring::value_hash(&value)))
        };
        numbers.map(written).collect::<BTreeMap<_, _>>()
    };
    heights.push(("keys 0 to 11", put(0..12, 1)));
    heights.push(("keys 5 and 6 again", put(5..7, 2)));
    let gone = |changes: BTreeMap<_, _>| changes.into_keys().map(|key| (key, None)).collect();
    heights.push(("keys 3 and 4 go", gone(put(3..5, 3))));
    for (what, changes) in heights {
        ring.apply(&changes);
        vectors.hash(&format!("root after {what}, {} leaves", ring.size()), &ring.root());
    }
    for number in 0..20u8 {
        let (namespace, key, value) = entry(number, if (5..7).contains(&number) { 2 } else { 1 });
        let proof = ring.prove(&ring::state_key(namespace, &key)).expect("never empty");
        let value = (number < 12 && !(3..5).contains(&number)).then_some(&value[..]);
        assert_eq!(proof.verify(namespace, &key, value, &ring.root()), Ok(()));
        let what = if value.is_some() { "presence" } else { "absence" };
        let name = format!("{what} of namespace {} key {}", namespace.code(), hex::encode(key));
        vectors.encoding(&name, &proof);
    }
    // Height after height over more than one twig.
    for height in 4..=200u8 {
        ring.apply(&put(0..12, height));
    }
    vectors.hash(&format!("root of {} leaves", ring.size()), &ring.root());
    let (namespace, key, value) = entry(0, 200);
    let proof = ring.prove(&ring::state_key(namespace, &key)).expect("never empty");
    assert_eq!(proof.verify(namespace, &key, Some(&value), &ring.root()), Ok(()));
    vectors.encoding("presence in the second twig", &proof);
    vectors.check(&expect_file!["../golden/state.txt"]);
}

#[test]
fn chain_epoch_block_and_transaction() {
    let mut vectors = Vectors::default();
    vectors.hash("chain", &sample::chain().0);
    vectors.encoding("descriptor", &sample::descriptor());
    vectors.hash("epoch_hash", &sample::descriptor().hash(sample::chain()));
    let block = sample::block();
    vectors.encoding("block header", block.header());
    vectors.hash("block hash", &block.hash().0);
    vectors.encoding("block", &block);
    let transaction = sample::transaction();
    vectors.encoding("tx header", transaction.header());
    vectors.hash("tx_id", &transaction.tx_id().0);
    vectors.bytes("tx signed bytes", &transaction.header().signed_bytes());
    vectors.encoding("tx signed header", transaction.signed());
    vectors.hash("tx leaf", &transaction.leaf());
    vectors.encoding("transaction", &transaction);
    for role in SubmitterRole::ALL {
        let agency = AgencyIndex::new(2);
        let record = SubmitterRecord { agency, role, party: "河北省追溯平台".into() };
        vectors.encoding(&format!("submitter {}", role.name()), &record);
    }
    vectors.check(&expect_file!["../golden/chain.txt"]);
}

#[test]
fn one_operation_of_every_type() {
    let mut vectors = Vectors::default();
    for kind in OperationKind::ALL {
        let operation: Operation = sample::operation(*kind);
        let name = kind.name();
        let body = schema::Body::decode(*kind, &operation.body).expect("canonical");
        assert_eq!(body, sample::body(*kind), "{name}");
        vectors.text(&format!("{name} op_uid"), operation.uid);
        vectors.encoding(&format!("{name} operation"), &operation);
        vectors.hash(&format!("{name} leaf"), &operation.leaf());
    }
    vectors.check(&expect_file!["../golden/operations.txt"]);
}

#[test]
fn receipts_links_and_alerts() {
    let mut vectors = Vectors::default();
    for (name, receipt) in sample::receipts() {
        vectors.encoding(&format!("{name} links"), &receipt.links);
        vectors.hash(&format!("{name} links_hash"), &receipt.links.hash());
        vectors.encoding(&format!("{name} alerts"), &receipt.alerts);
        vectors.hash(&format!("{name} alerts_hash"), &receipt.alerts.hash());
        vectors.encoding(&format!("{name} payload"), &receipt.payload());
        vectors.hash(&format!("{name} leaf"), &receipt.payload().leaf());
        vectors.encoding(&format!("{name} receipt"), &receipt);
    }
    vectors.check(&expect_file!["../golden/receipts.txt"]);
}

#[test]
fn history_and_logs() {
    let mut vectors = Vectors::default();
    let (chain, epoch_hash) = (sample::chain(), sample::descriptor().hash(sample::chain()));
    let time = TimeMs::new(1_767_225_600_000);
    let roots = StateRoots { state_root: sample::hash(4), working_root: sample::hash(5) };
    let genesis = HistoryLeaf::genesis(chain, time, roots, epoch_hash);
    let first = HistoryLeaf {
        height: Height::new(1),
        block_hash: sample::block().hash(),
        receipts_count: 3,
        receipts_root: sample::hash(6),
        ..genesis.clone()
    };
    for (name, leaf) in [("genesis", genesis), ("first", first)] {
        vectors.encoding(&format!("{name} history leaf payload"), &leaf);
        vectors.hash(&format!("{name} history leaf"), &leaf.hash());
    }
    let receipt_leaf = sample::receipts()[0].1.payload().leaf();
    let entry = LogEntry { height: Height::new(1), receipt_index: 2, receipt_leaf };
    vectors.encoding("log entry payload", &entry);
    vectors.hash("log entry leaf", &entry.leaf());
    let day = DayEntry { bucket: 20_455, height: Height::new(1) };
    vectors.hash("day entry leaf", &day.leaf());
    for kind in SubjectKind::ALL {
        let bucket = if kind.has_one_log() { 0 } else { 20_455 };
        let key = LogKey { kind: *kind, bucket, subject: b"subject".to_vec() };
        vectors.bytes(&format!("log key of kind {}", kind.code()), &key.state_key());
    }
    let mut entries = Frontier::default();
    for size in 1..=3 {
        entries.append(LogEntry { receipt_index: size, ..entry }.leaf(), |_, _, _| ());
        let head = LogHead { entries: entries.clone(), last_height: Height::new(1) };
        vectors.encoding(&format!("log head of {size}"), &head);
        vectors.hash(&format!("log root of {size}"), &head.root());
    }
    vectors.check(&expect_file!["../golden/history.txt"]);
}

#[test]
fn sums_of_rows() {
    let mut vectors = Vectors::default();
    let mut sum = SetHash::default();
    vectors.hash("root of no rows", &sum.root());
    for (namespace, key, value) in [
        (Namespace::Unit, b"GS1:1".as_slice(), b"a row".as_slice()),
        (Namespace::OpUid, &[0; 18], &[]),
        (Namespace::Balance, b"", &[255; 400]),
    ] {
        let row = RowHash::of(namespace, key, value);
        vectors.bytes(&format!("checksum of a {namespace:?}"), &row.checksum());
        sum.add(&row);
        vectors.hash("root with it", &sum.root());
    }
    let bytes = sum.encode();
    vectors.bytes("first lanes", &bytes[..16]);
    vectors.bytes("last lanes", &bytes[bytes.len() - 16..]);
    vectors.check(&expect_file!["../golden/sums.txt"]);
}

fn signed_bytes<T>(vectors: &mut Vectors, name: &str, statement: T)
where
    T: Statement + Canonical + std::fmt::Debug,
{
    vectors.encoding(&format!("{name} statement"), &statement);
    vectors.bytes(&format!("{name} signed bytes"), &statement.signed_bytes(sample::chain()));
    vectors.encoding(&format!("{name} signed by 1"), &sample::sign(statement, 1));
}

#[test]
fn every_statement() {
    let mut vectors = Vectors::default();
    signed_bytes(&mut vectors, "pre-prepare", sample::pre_prepare());
    signed_bytes(&mut vectors, "prepare", sample::prepare());
    signed_bytes(&mut vectors, "commit", sample::commit());
    signed_bytes(&mut vectors, "view-change without block", sample::view_change(None));
    let prepared = Some((View::ZERO, sample::block().hash()));
    signed_bytes(&mut vectors, "view-change with block", sample::view_change(prepared));
    signed_bytes(&mut vectors, "checkpoint", sample::checkpoint());
    signed_bytes(&mut vectors, "status", sample::status());
    vectors.check(&expect_file!["../golden/statements.txt"]);
}

fn verifies(value: &impl Verifiable) {
    let descriptor = sample::descriptor();
    let verifier = SetVerifier::new(sample::chain(), &descriptor);
    assert_eq!(value.check(&verifier, &descriptor), Ok(()));
}

#[test]
fn certificates_and_messages() {
    let mut vectors = Vectors::default();
    let (commit, checkpoint) = (sample::commit_certificate(), sample::checkpoint_certificate());
    let prepared = sample::prepared_certificate();
    verifies(&commit);
    verifies(&checkpoint);
    verifies(&prepared);
    vectors.encoding("commit certificate", &commit);
    vectors.encoding("checkpoint certificate", &checkpoint);
    vectors.encoding("prepared certificate", &prepared);
    let set = sample::justification();
    vectors.hash("just_hash", &justification_hash(&set));
    let mut pre_prepare = sample::pre_prepare();
    pre_prepare.view = View::new(2);
    pre_prepare.just_hash = justification_hash(&set);
    let own: Certificate<Checkpoint> = sample::checkpoint_certificate();
    let status = StatusMessage {
        signed: sample::sign(sample::status(), 1),
        decided: Some(commit.clone()),
        certified: Some(own),
        checkpoint: Some(sample::sign(sample::checkpoint(), 1)),
        seen: vec![Seen::Commit(sample::sign(sample::commit(), 0))],
    };
    let messages = [
        (
            "new view",
            Message::PrePrepare(Proposal {
                signed: sample::sign(pre_prepare, 2),
                block: sample::block(),
                justification: set.clone(),
            }),
        ),
        ("prepare", Message::Prepare(sample::sign(sample::prepare(), 1))),
        ("commit", Message::Commit(sample::sign(sample::commit(), 1))),
        ("view change", Message::ViewChange(set[1].clone())),
        ("checkpoint", Message::Checkpoint(sample::sign(sample::checkpoint(), 1))),
        ("status", Message::Status(status)),
        ("decided", Message::Decided(Decided { block: sample::block(), certificate: commit })),
    ];
    for (name, message) in messages {
        verifies(&message);
        vectors.encoding(&format!("message {name}"), &message);
    }
    vectors.check(&expect_file!["../golden/messages.txt"]);
}

#[test]
fn the_role_table() {
    let mut vectors = Vectors::default();
    for row in table_bytes().chunks(6) {
        let kind = OperationKind::from_code(u16::from_be_bytes([row[0], row[1]])).expect("known");
        let name = format!("{} field {}", kind.name(), row[2]);
        vectors.text(&name, format_args!("role {} kind {} normaliser {}", row[3], row[4], row[5]));
    }
    vectors.hash("role table hash", &table_hash());
    vectors.check(&expect_file!["../golden/roles.txt"]);
}

#[test]
fn ed25519_edges() {
    let mut vectors = Vectors::default();
    for seed in 0..4 {
        let key = sample::key(seed);
        vectors.text(&format!("public key of seed {seed:02x}.."), key.public());
        vectors.encoding(&format!("encoded key of seed {seed:02x}.."), &key.public());
        let signature = key.sign(b"message");
        vectors
            .bytes(&format!("signature of \"message\" by seed {seed:02x}.."), signature.as_bytes());
        let second = signatures::with_second_s(&signature);
        let refused = key.public().verify(b"message", &second).expect_err("S + L");
        vectors.bytes("the same with S + L", second.as_bytes());
        vectors.text("refused", refused);
    }
    for text in signatures::SMALL_ORDER.iter().chain(&signatures::NOT_CANONICAL) {
        let refused = PublicKey::from_bytes(&hex::decode(text).expect("hexadecimal"));
        vectors.text(&format!("key {text}"), refused.expect_err("an edge"));
    }
    vectors.check(&expect_file!["../golden/ed25519.txt"]);
}
