//! Which log an entry goes to, and the bytes of small logs, as golden vectors.

use expect_test::{Expect, expect};
use genesis::keys::KeyPurpose;
use ledger::reader::View;
use ledger::store::StoreRead;
use proto::codec::Canonical as _;
use proto::history::{LogHead, LogKey};
use proto::receipt::{Role, Subject, SubjectKind};
use proto::schema::{Body, OperationKind};
use proto::submitter::SubmitterRole;
use proto::transaction::Transaction;
use proto::trie::Namespace;
use proto::types::Height;

use crate::chain::{Chain, EVENT_DAY, START, count, event, item};

/// Every log with its head, as it stands in the state.
fn heads<R: StoreRead>(view: &View<'_, R>) -> String {
    let rows = view.scan_state(Namespace::Log, &[], &[], usize::MAX).unwrap();
    let lines = rows
        .iter()
        .flat_map(|(key, value)| [hex::encode(key), "  ".to_owned() + &hex::encode(value)]);
    lines.fold(String::new(), |text, line| {
        text + &line
            + "
"
    })
}

fn check(found: &str, expected: &Expect) {
    expected.assert_eq(found);
}

/// A regulator's key may not submit trace events: a refusal, whatever the contracts learn later.
fn refused(chain: &mut Chain) -> Transaction {
    let body = event(EVENT_DAY, "91110000700000002B", "BJ-SHOP-7", vec![item("BJ-1", 1_000)]);
    let operation = chain.operation(OperationKind::Sale, &Body::Event(body));
    let key = chain.key(0, KeyPurpose::Submitter(SubmitterRole::Regulator));
    let until = chain.ledger.head().time.plus_ms(1_000);
    Transaction::sign(chain.ledger.chain(), key, until, vec![operation]).unwrap()
}

#[test]
fn a_refusal_enters_the_log_of_its_submitters_party_on_the_day_of_its_block() {
    let mut chain = Chain::new();
    let bodies = [refused(&mut chain), refused(&mut chain)];
    let appended = chain.append(&bodies).unwrap();
    let receipt = &appended.receipts[0];
    assert_eq!(receipt.code, 11, "ROLE_NOT_ALLOWED");
    let [link] = receipt.links.as_slice() else { panic!("one link") };
    let party = Subject { kind: SubjectKind::Party, key: b"11:regulator".to_vec() };
    assert_eq!((link.role, &link.subject), (Role::Other, &party));

    let reader = chain.ledger.reader();
    let view = reader.view().unwrap();
    let today = u32::try_from(START / 86_400_000).unwrap();
    let days = view.days(&party, view.head()).unwrap();
    assert_eq!(days.iter().map(|day| day.bucket).collect::<Vec<_>>(), [today]);
    let key = LogKey { kind: party.kind, bucket: today, subject: party.key };
    let log = view.log(&key, view.head(), 0, 10).unwrap();
    assert_eq!(log.iter().map(|item| item.index).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(log[0].receipt, *receipt);
    check(
        &heads(&view),
        &expect![[r"
            040000000031313a726567756c61746f72
              00000000000000010000000000000001aaf1f6d20e6f6e99b96db81448dc34c41dd16f9cad2a08e2f25d7d72c3fc7005
            0400004f9231313a726567756c61746f72
              00000000000000020000000000000001528a64521466beb7a1c887a74aa94b125aa00bc7576210def221b43672a75633
        "]],
    );
}

#[test]
fn genesis_has_this_leaf() {
    let chain = Chain::new();
    let reader = chain.ledger.reader();
    let view = reader.view().unwrap();
    let leaf = view.leaf(Height::GENESIS).unwrap().unwrap();
    let root = view.history_root(1).unwrap().unwrap();
    let found = format!("leaf {}\nhash {}\nroot {root}\n", hex::encode(leaf.encode()), leaf.hash());
    check(
        &found,
        &expect![[r"
            leaf 006cab18f97aa3fcb25744a9ba3c9dd13ae5dae0631081d4184d907f9b0926512c00000000000000000000000000000199c82cc0006cab18f97aa3fcb25744a9ba3c9dd13ae5dae0631081d4184d907f9b0926512c8ad029cad5b279aa243905a2befa93fc5e61fd1d9dd0a77b98c0ebecc05bbd5c892e5d914e1e3fd36da1ada44c70fc6db949d69fb12e7f2921b2cfed0238d7ff00000000fcbc2e5965322b99ff7be7d8e5673b0070f787e6695af4220cae1936b18f507e081ec90e2442a8bd6fa7550ebcbc1858526f2d380aa0ba03b96b10ec4297ccb6
            hash 9622820c18d7678666fde2e8b63921d2355d95c27b09de35afe4fda40888f674
            root 9622820c18d7678666fde2e8b63921d2355d95c27b09de35afe4fda40888f674
        "]],
    );
}

#[test]
fn one_receipt_has_one_entry_in_the_log_of_each_distinct_subject() {
    let chain = crate::chain::story();
    let reader = chain.ledger.reader();
    let view = reader.view().unwrap();
    let split = view.receipt(Height::new(3), 0).unwrap().unwrap();
    let mut subjects: Vec<&Subject> =
        split.links.as_slice().iter().map(|link| &link.subject).collect();
    subjects.sort();
    subjects.dedup();
    assert!(subjects.len() > 3, "a lot, two boxes, a party, a station");
    for subject in subjects {
        let bucket = if subject.kind.has_one_log() { 0 } else { EVENT_DAY };
        let key = LogKey { kind: subject.kind, bucket, subject: subject.key.clone() };
        let log = view.log(&key, view.head(), 0, 100).unwrap();
        let here = log.iter().filter(|item| item.place.height == Height::new(3));
        let of_split = here.filter(|item| item.place.receipt_index == 0).count();
        assert_eq!(of_split, 1, "{subject:?}");
        let head = view.log_head(&key).unwrap().unwrap();
        assert_eq!(head.size(), count(log.len()));
        let state = view.at(Height::new(2)).unwrap();
        let before = state.value(Namespace::Log, &key.state_key()).unwrap();
        let before = before.map_or(0, |value| LogHead::decode(&value).unwrap().size());
        assert!(before < head.size());
    }
}

#[test]
fn a_log_reads_as_it_was_at_any_height_and_from_any_entry() {
    let chain = crate::chain::story();
    let reader = chain.ledger.reader();
    let view = reader.view().unwrap();
    let subject = b"91130000700000001A".to_vec();
    let key = LogKey { kind: SubjectKind::Party, bucket: EVENT_DAY, subject };
    let heights = |at: u64, from: u64, limit: usize| -> Vec<u64> {
        let entries = view.log_entries(&key, Height::new(at), from, limit).unwrap();
        entries.iter().map(|(_, place)| place.height.value()).collect()
    };
    assert_eq!(heights(14, 0, 100), [1, 3, 5, 7]);
    assert_eq!(heights(4, 0, 100), [1, 3]);
    assert_eq!(heights(14, 1, 2), [3, 5]);
    assert_eq!(heights(0, 0, 100), [0u64; 0]);
    assert_eq!(heights(14, 9, 100), [0u64; 0]);
}
