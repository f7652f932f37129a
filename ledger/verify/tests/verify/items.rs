//! C6.5 against forged leaves, headers, transactions, operations, receipts and states.

use expect_test::expect;
use ledger::bundle::{Bundle, Claim, ClaimKind, StateClaim};
use proto::codec::Canonical as _;
use proto::history::HistoryLeaf;
use proto::sign::SecretKey;
use proto::trie::Namespace;

use crate::accepted::event;
use crate::refusals;
use crate::story;
use crate::world::World;

#[test]
fn every_part_of_an_event_refuses_every_forgery() {
    let world = story::world();
    let bundle = event(&world, 7, 0);
    let text = refusals(
        &world,
        &bundle,
        &[
            ("nothing", |_| ()),
            ("a byte of the leaf", |b| b.items[1].leaf[50] ^= 1),
            ("a byte of its path", |b| b.items[1].path[0][0] ^= 1),
            ("a path element cut", |b| {
                b.items[1].path[0].pop();
            }),
            ("the leaf of another height", |b| {
                let below = b.items[0].leaf.clone();
                b.items[1].leaf = below;
            }),
            ("no header", |b| b.items[1].header = None),
            ("a byte of the header", |b| b.items[1].header.as_mut().unwrap()[100] ^= 1),
            ("no transaction", |b| b.items[1].tx = None),
            ("another transaction index", |b| b.items[1].tx.as_mut().unwrap().index = 1),
            ("a byte of the transaction", |b| b.items[1].tx.as_mut().unwrap().payload[90] ^= 1),
            ("another operation index", |b| b.items[1].op.as_mut().unwrap().index = 1),
            ("an operation index outside", |b| b.items[1].op.as_mut().unwrap().index = 2),
            ("a byte of the operation", |b| {
                *b.items[1].op.as_mut().unwrap().bytes.last_mut().unwrap() ^= 1;
            }),
            ("a byte of the operation's path", |b| b.items[1].op.as_mut().unwrap().path[0][9] ^= 1),
            ("no operation", |b| b.items[1].op = None),
            ("a byte of the receipt", |b| b.items[1].receipt.as_mut().unwrap().payload[70] ^= 1),
            ("another receipt index", |b| b.items[1].receipt.as_mut().unwrap().index = 1),
            ("a byte of the links", |b| {
                *b.items[1].receipt.as_mut().unwrap().links.last_mut().unwrap() ^= 1;
            }),
            ("the alerts left out", |b| {
                b.items[1].receipt.as_mut().unwrap().alerts = vec![0, 0];
            }),
            ("the receipt left out", |b| b.items[1].receipt = None),
            ("a byte of the submitter's record", |b| {
                b.items[0].states[0].value.as_mut().unwrap()[1] ^= 1;
            }),
            ("the submitter's record left out", |b| b.items[0].states.clear()),
            ("the submitter said to be unknown", |b| b.items[0].states[0].value = None),
        ],
    );
    expect![[r#"
        nothing
          ACCEPTED HARDENED
        a byte of the leaf
          C6.5 items[1].leaf: the history leaf: not under the signed root, the path leads to another root
        a byte of its path
          C6.5 items[1].leaf: the history leaf: not under the signed root, the path leads to another root
        a path element cut
          C6.5 items[1].leaf: a digest: 31 is out of range
        the leaf of another height
          C6.5 items[1].leaf: the history leaf: not under the signed root, the path leads to another root
        no header
          C6.5 items[1]: the block header: missing
        a byte of the header
          C6.5 items[1].header: the block header: not what the digest stands for
        no transaction
          C6.5 items[1]: the transaction: missing
        another transaction index
          C6.5 items[1].tx: the transaction: not under the signed root, leaf 1 is outside a tree of 1 leaves
        a byte of the transaction
          C6.5 items[1].tx: the transaction: not under the signed root, the path leads to another root
        another operation index
          C6.5 items[1].op: the operation: not under the signed root, the path leads to another root
        an operation index outside
          C6.5 items[1].op: the operation: not under the signed root, leaf 2 is outside a tree of 2 leaves
        a byte of the operation
          C6.5 items[1].op: the operation: not under the signed root, the path leads to another root
        a byte of the operation's path
          C6.5 items[1].op: the operation: not under the signed root, the path leads to another root
        no operation
          C6.6 claims[0]: the claim cannot stand: the claim needs the operation, which its item does not show
        a byte of the receipt
          C6.5 items[1].receipt: the receipt: not under the signed root, the path leads to another root
        another receipt index
          C6.5 items[1].receipt: the receipt: not under the signed root, the path leads to another root
        a byte of the links
          C6.5 items[1].receipt.links: the links of the receipt: not what the digest stands for
        the alerts left out
          C6.5 items[1].receipt.alerts: the alerts of the receipt: not what the digest stands for
        the receipt left out
          C6.6 claims[0]: the words are not what is proven, which is: block 7 (2025-10-09T08:53:27.000Z) holds the operation "sale", id b59095ab3dc891c4d30ca69cd52dbb72, signed by key 8b45400ded5ea2ed09e602363c1cd71d8f037d217d6cdc2075c501a7365437c4 (registered as "11:platform" of "北京"): its result is not shown
        a byte of the submitter's record
          C6.5 items[0].states[0]: the state proof does not hold: the siblings lead to another root
        the submitter's record left out
          C6.6 claims[0]: the words are not what is proven, which is: block 7 (2025-10-09T08:53:27.000Z) holds the operation "sale", id b59095ab3dc891c4d30ca69cd52dbb72, signed by key 8b45400ded5ea2ed09e602363c1cd71d8f037d217d6cdc2075c501a7365437c4: recorded; alerts R12 raised "TJ:P1"
        the submitter said to be unknown
          C6.5 items[0].states[0]: the state proof does not hold: the siblings lead to another root
    "#]].assert_eq(&text);
}

#[test]
fn a_receipt_of_another_operation_is_refused() {
    let world = story::world();
    let mut bundle = event(&world, 7, 0);
    bundle.items[1].receipt = Some(world.receipt(7, 1));
    let mut step = event(&world, 5, 0);
    step.items[1].receipt = Some(world.receipt(5, 1));
    let text = refusals(&world, &bundle, &[("of the next operation", |_| ())])
        + &refusals(&world, &step, &[("of a step", |_| ())]);
    expect![[r#"
        of the next operation
          C6.5 items[1].receipt: the receipt: op_index is 1, expected 0
        of a step
          C6.5 items[1].receipt: the transaction: does not belong here
    "#]]
    .assert_eq(&text);
}

#[test]
fn the_submitters_record_counts_only_at_the_height_below_the_block() {
    let world = story::world();
    let mut bundle = event(&world, 7, 0);
    let mut wrong = world.item(7);
    wrong.states = vec![world.state(7, Namespace::Key, &world.submitter_key())];
    bundle.items[0] = wrong;
    let text = refusals(&world, &bundle, &[("at the block's own height", |_| ())]);
    expect![[r#"
        at the block's own height
          C6.6 claims[0]: the words are not what is proven, which is: block 7 (2025-10-09T08:53:27.000Z) holds the operation "sale", id b59095ab3dc891c4d30ca69cd52dbb72, signed by key 8b45400ded5ea2ed09e602363c1cd71d8f037d217d6cdc2075c501a7365437c4: recorded; alerts R12 raised "TJ:P1"
    "#]].assert_eq(&text);
}

fn state_bundle(world: &World) -> Bundle {
    let mut bundle = world.bundle(&[0, 1, 2]);
    let mut item = world.item(8);
    item.states = vec![
        world.state(8, Namespace::Key, &world.submitter_key()),
        world.state(8, Namespace::Rule, b"settling_ms"),
    ];
    world.say(&mut bundle, item.clone(), ClaimKind::State(StateClaim { item: 0, state: 0 }));
    bundle
}

#[test]
fn states_refuse_every_forgery() {
    let world = story::world();
    let text = refusals(
        &world,
        &state_bundle(&world),
        &[
            ("nothing", |_| ()),
            ("another value", |b| b.items[0].states[0].value.as_mut().unwrap()[0] ^= 1),
            ("a present key said to be absent", |b| b.items[0].states[0].value = None),
            ("an absent key said to be present", |b| {
                b.items[0].states[1].value = Some(vec![1]);
            }),
            ("an absent key said to be empty", |b| b.items[0].states[1].value = Some(Vec::new())),
            ("another key, as absent as the first and named by no claim", |b| {
                b.items[0].states[1].key[0] ^= 1;
            }),
            ("another namespace", |b| b.items[0].states[1].namespace = 18),
            ("a namespace of working rows", |b| b.items[0].states[1].namespace = 20),
            ("a namespace that is none", |b| b.items[0].states[1].namespace = 200),
            ("the longest key", |b| b.items[0].states[1].key = vec![0; 65_534]),
            ("a key whose length no leaf can hold", |b| {
                b.items[0].states[1].key = vec![0; 65_535];
            }),
            ("no proof", |b| b.items[0].states[0].proof = None),
            ("a sibling short", |b| {
                drop(b.items[0].states[0].proof.as_mut().unwrap().leaf_path.pop());
            }),
            ("300 siblings", |b| {
                b.items[0].states[0].proof.as_mut().unwrap().leaf_path = vec![vec![0; 32]; 300];
            }),
            ("a twig that is not there", |b| {
                b.items[0].states[0].proof.as_mut().unwrap().twig_path = vec![vec![0; 32]];
            }),
            ("another next key", |b| {
                b.items[0].states[1].proof.as_mut().unwrap().next = vec![0];
            }),
            ("a position beyond the ring", |b| {
                b.items[0].states[0].proof.as_mut().unwrap().position = u64::MAX;
            }),
            ("a larger ring", |b| b.items[0].states[0].proof.as_mut().unwrap().size += 1),
            ("no leaf active", |b| {
                b.items[0].states[0].proof.as_mut().unwrap().bits = vec![0; 256];
            }),
            ("bits cut", |b| {
                drop(b.items[0].states[0].proof.as_mut().unwrap().bits.pop());
            }),
            ("a value's hash cut", |b| {
                drop(b.items[0].states[0].proof.as_mut().unwrap().value.pop());
            }),
            ("one key twice", |b| {
                let again = b.items[0].states[0].clone();
                b.items[0].states.insert(0, again);
            }),
            ("keys descend", |b| b.items[0].states.reverse()),
            ("the claim names another state", |b| {
                let state = StateClaim { item: 0, state: 1 };
                b.claims[0].kind = Some(ClaimKind::State(state));
            }),
            ("the claim names no state", |b| {
                let state = StateClaim { item: 0, state: 2 };
                b.claims[0].kind = Some(ClaimKind::State(state));
            }),
        ],
    );
    expect![[r#"
        nothing
          ACCEPTED HARDENED
        another value
          C6.5 items[0].states[0]: the state proof does not hold: the siblings lead to another root
        a present key said to be absent
          C6.5 items[0].states[0]: the state proof does not hold: the siblings lead to another root
        an absent key said to be present
          C6.5 items[0].states[1]: the state proof does not hold: a present key needs no other leaf
        an absent key said to be empty
          C6.5 items[0].states[1]: the state proof does not hold: a present key needs no other leaf
        another key, as absent as the first and named by no claim
          ACCEPTED HARDENED
        another namespace
          C6.5 items[0].states[1]: the state proof does not hold: the other leaf does not stand on the path of the key
        a namespace of working rows
          C6.5 items[0].states[1]: the state values: 20 is out of range
        a namespace that is none
          C6.5 items[0].states[1]: the state values: 200 is out of range
        the longest key
          ACCEPTED HARDENED
        a key whose length no path can hold
          C6.5 items[0].states[1]: the state proof does not hold: the key has 65536 bytes, a state has keys of at most 65535
        no proof
          C6.5 items[0].states[0].proof: the state values: missing
        a sibling short
          C6.5 items[0].states[0]: the state proof does not hold: the siblings lead to another root
        300 siblings
          C6.5 items[0].states[0]: the state proof does not hold: 300 siblings, a path has at most 256
        another leaf beside a present key
          C6.5 items[0].states[0]: the state proof does not hold: a present key needs no other leaf
        another leaf cut
          C6.5 items[0].states[0].proof: a digest: 63 is out of range
        one key twice
          C6.5 items[0].states: the state values: not in strictly ascending order
        keys descend
          C6.5 items[0].states: the state values: not in strictly ascending order
        the claim names another state
          C6.6 claims[0]: the words are not what is proven, which is: as of height 8 (2025-10-09T08:53:28.000Z): rule parameter "settling_ms" = (absent)
        the claim names no state
          C6.6 claims[0]: the claim cannot stand: the claim needs the state that it names, which its item does not show
    "#]].assert_eq(&text);
}

/// A working row is in no trie, so that a proof of its absence could be built for any of them.
#[test]
fn the_absence_of_a_working_row_is_never_proven() {
    let world = story::world();
    let mut bundle = world.bundle(&[0, 1, 2]);
    let mut item = world.item(8);
    item.states = vec![world.state(8, Namespace::Unit, b"HB:LOT")];
    let kind = ClaimKind::State(StateClaim { item: 0, state: 0 });
    bundle.items.push(item);
    bundle.claims.push(Claim { kind: Some(kind), ..Claim::default() });
    let text = refusals(&world, &bundle, &[("a state of a unit", |_| ())]);
    expect![[r#"
        a state of a unit
          C6.5 items[0].states[0]: the state values: 3 is out of range
    "#]]
    .assert_eq(&text);
}

#[test]
fn leaf_zero_has_no_header_and_follows_from_genesis() {
    let world = story::world();
    let mut bundle = world.bundle(&[0, 1, 2]);
    bundle.items.push(world.item(0));
    let header = world.item_with_op(1, 0).header.unwrap();
    bundle.items[0].header = Some(header);
    let with_header = refusals(&world, &bundle, &[("a header at height 0", |_| ())]);
    // A history whose leaf 0 was signed with another state than the genesis document's.
    let mut forged = World::new();
    forged.set(Namespace::Certificate, b"HB:LOT", Some(b"was always there"));
    forged.block(&[]);
    let mut bundle = forged.bundle(&[0, 1, 2]);
    bundle.items.push(forged.item(0));
    let text = with_header + &refusals(&world, &bundle, &[("another state after genesis", |_| ())]);
    expect![[r#"
        a header at height 0
          C6.5 items[0].leaf: the block header: does not belong here
        another state after genesis
          C6.5 items[0].leaf: the genesis document: not what the digest stands for
    "#]]
    .assert_eq(&text);
}

/// Bytes that validators signed by mistake, or in a conspiracy, are still held to the rules that
/// bytes alone can show.
#[test]
fn leaves_of_another_epoch_chain_or_successor_are_refused_although_signed() {
    let next_epoch: fn(&mut HistoryLeaf) = |leaf| leaf.epoch = leaf.epoch.next();
    let mut out = String::new();
    for (name, change) in [
        ("epoch", next_epoch),
        ("chain", |leaf| leaf.chain.0 = proto::hash::Hash::ZERO),
        ("next epoch", |leaf| leaf.next_epoch_hash = proto::hash::Hash::ZERO),
    ] {
        let mut world = story::world();
        change(world.leaf_mut(5));
        let mut bundle = world.bundle(&[0, 1, 2]);
        bundle.items.push(world.item(5));
        out.push_str(&refusals(&world, &bundle, &[(name, |_| ())]));
    }
    expect![[r#"
        epoch
          C6.5 items[0].leaf: the history leaf: epoch is 1, expected 0
        chain
          C6.5 items[0].leaf: the history leaf: chain is 0000000000000000000000000000000000000000000000000000000000000000, expected 6cab18f97aa3fcb25744a9ba3c9dd13ae5dae0631081d4184d907f9b0926512c
        next epoch
          C6.5 items[0].leaf: the history leaf: next_epoch_hash is 0000000000000000000000000000000000000000000000000000000000000000, expected 081ec90e2442a8bd6fa7550ebcbc1858526f2d380aa0ba03b96b10ec4297ccb6
    "#]].assert_eq(&out);
}

#[test]
fn a_transaction_signed_by_another_key_is_refused() {
    let world = story::world();
    let mut bundle = event(&world, 7, 0);
    let payload = &bundle.items[1].tx.as_ref().unwrap().payload;
    let mut signed = proto::transaction::SignedTxHeader::decode(payload).unwrap();
    let key = SecretKey::from_seed(&[3; 32]);
    signed.signature = key.sign(&signed.header.signed_bytes());
    // The leaf is rebuilt up to the root, so that the signature alone is wrong.
    world.graft_tx(&mut bundle, 1, &signed);
    let text = refusals(&world, &bundle, &[("foreign signature", |_| ())]);
    expect![[r#"
        foreign signature
          C6.5 items[1].tx: the signature of signer 0 does not hold
    "#]]
    .assert_eq(&text);
}
