//! C6.1 to C6.3 against forged genesis documents, hand-offs, certificates and recovery documents.

use std::fmt::Write as _;

use expect_test::expect;
use ledger::bundle::{Bundle, CheckpointVotes, ClaimKind, StateClaim};
use proto::hash::Hash;
use proto::trie::Namespace;
use proto::types::ChainId;
use verify::{Level, Options, StepKind};

use crate::story;
use crate::world::{Act, World};
use crate::{accept, accept_with, refusals};

fn votes(bundle: &mut Bundle) -> &mut CheckpointVotes {
    bundle.final_head.as_mut().unwrap().certificate.as_mut().unwrap()
}

#[test]
fn genesis_and_final_certificate_refuse_every_forgery() {
    let world = story::world();
    let bundle = world.bundle(&[0, 1]);
    let text = refusals(
        &world,
        &bundle,
        &[
            ("nothing", |_| ()),
            ("a byte of genesis", |b| b.genesis[40] ^= 1),
            ("genesis is cut", |b| {
                b.genesis.pop();
            }),
            ("no final head", |b| b.final_head = None),
            ("no certificate", |b| b.final_head.as_mut().unwrap().certificate = None),
            ("another suite", |b| votes(b).suite = 1),
            ("another epoch", |b| votes(b).epoch = 1),
            ("one signature short", |b| {
                votes(b).votes.pop();
            }),
            ("a signature twice", |b| {
                let again = votes(b).votes[1].clone();
                votes(b).votes.push(again);
            }),
            ("signers descend", |b| votes(b).votes.reverse()),
            ("a foreign signer", |b| votes(b).votes[1].signer = 3),
            ("a signer far away", |b| votes(b).votes[1].signer = 70_000),
            ("a flipped signature", |b| votes(b).votes[1].signature[5] ^= 1),
            ("a short signature", |b| {
                votes(b).votes[1].signature.pop();
            }),
            ("one signature under another name", |b| votes(b).votes[1].signer = 2),
            ("padded with a bad third", |b| {
                let mut bad = votes(b).votes[1].clone();
                bad.signer = 2;
                votes(b).votes.push(bad);
            }),
            ("another size", |b| b.final_head.as_mut().unwrap().size -= 1),
            ("size zero", |b| b.final_head.as_mut().unwrap().size = 0),
            ("another root", |b| b.final_head.as_mut().unwrap().root[0] ^= 1),
            ("a short root", |b| {
                b.final_head.as_mut().unwrap().root.pop();
            }),
            ("a byte of the head leaf", |b| b.final_head.as_mut().unwrap().leaf[60] ^= 1),
            ("a longer head leaf", |b| b.final_head.as_mut().unwrap().leaf.push(0)),
            ("a longer path", |b| {
                b.final_head.as_mut().unwrap().path.push(vec![0; 32]);
            }),
            ("a shorter path", |b| {
                b.final_head.as_mut().unwrap().path.pop();
            }),
        ],
    );
    expect![[r#"
        nothing
          ACCEPTED CERTIFIED
        a byte of genesis
          C6.1 genesis: the genesis document is another chain's: a940ace9e563a930defef52ef616b828a17c032b9222b7ca716241b3deb70f43, you trust 6cab18f97aa3fcb25744a9ba3c9dd13ae5dae0631081d4184d907f9b0926512c
        genesis is cut
          C6.1 genesis: the genesis document is another chain's: 505bb3ea2acf1815713f364b54db39ea5684995f3e85bfd587e08d202ea2cd28, you trust 6cab18f97aa3fcb25744a9ba3c9dd13ae5dae0631081d4184d907f9b0926512c
        no final head
          C6.3 final_head: the checkpoint: missing
        no certificate
          C6.3 final_head: the certificate: missing
        another suite
          C6.3 final_head.certificate: the certificate: suite is 1, expected 0
        another epoch
          C6.3 final_head.certificate: the certificate: epoch is 1, expected 0
        one signature short
          C6.3 final_head.certificate: signatures found: 1, needed: 2
        a signature twice
          C6.3 final_head.certificate: signer 1 is there twice or out of order
        signers descend
          C6.3 final_head.certificate: signer 0 is there twice or out of order
        a foreign signer
          C6.3 final_head.certificate: signer 3 is no member
        a signer far away
          C6.3 final_head.certificate: signer 70000 is no member
        a flipped signature
          C6.3 final_head.certificate: the signature of signer 1 does not hold
        a short signature
          C6.3 final_head.certificate: the signature of signer 1 does not hold
        one signature under another name
          C6.3 final_head.certificate: the signature of signer 2 does not hold
        padded with a bad third
          C6.3 final_head.certificate: the signature of signer 2 does not hold
        another size
          C6.3 final_head.certificate: the signature of signer 0 does not hold
        size zero
          C6.3 final_head: the checkpoint has size 0, at least 2 is demanded
        another root
          C6.3 final_head.certificate: the signature of signer 0 does not hold
        a short root
          C6.3 final_head.root: a digest: 31 is out of range
        a byte of the head leaf
          C6.3 final_head.leaf: the history leaf: not under the signed root, the path leads to another root
        a longer head leaf
          C6.3 final_head.leaf: the history leaf: malformed, 1 bytes follow the end of the structure
        a longer path
          C6.3 final_head.leaf: the history leaf: not under the signed root, the path has 3 steps and the tree demands another number
        a shorter path
          C6.3 final_head.leaf: the history leaf: not under the signed root, the path has 1 steps and the tree demands another number
    "#]].assert_eq(&text);
}

#[test]
fn another_chain_is_refused_by_its_genesis_hash() {
    let world = story::world();
    let other = ChainId(Hash::new([1; 32]));
    let failure = verify::verify(other, &world.bundle(&[0, 1]), &Options::default()).unwrap_err();
    expect!["C6.1 at genesis: the genesis document is another chain's: 6cab18f97aa3fcb25744a9ba3c9dd13ae5dae0631081d4184d907f9b0926512c, you trust 0101010101010101010101010101010101010101010101010101010101010101"].assert_eq(&failure.to_string());
}

#[test]
fn bytes_that_hash_right_and_are_no_genesis_document_are_refused() {
    let world = story::world();
    let mut bundle = world.bundle(&[0, 1]);
    bundle.genesis = b"not a document".to_vec();
    let hash = ChainId(proto::hash::Tag::Genesis.hash(&bundle.genesis));
    let failure = verify::verify(hash, &bundle, &Options::default()).unwrap_err();
    expect!["C6.1 at genesis: the genesis document breaks a rule: genesis: genesis tag: expected 110 more bytes, found 13"].assert_eq(&failure.to_string());
}

/// Epoch 1 from height 10 on: agency 2's validator is replaced.
fn two_epochs(signers: &[u16]) -> World {
    let mut world = story::world();
    world.change_epoch(&[(0, 31), (1, 32), (2, 33), (2, 34)], signers);
    for _ in 0..3 {
        world.block(&[Act::step("later", Vec::new())]);
    }
    world
}

#[test]
fn a_full_hand_off_keeps_the_level_and_a_partial_one_names_its_signers() {
    for (signers, finals, level, kind) in [
        (&[0, 1, 2][..], &[0, 1, 2, 3][..], Level::Hardened, StepKind::Signed),
        (&[0, 1, 2], &[0, 1, 2], Level::Certified, StepKind::Signed),
        (&[0, 1], &[0, 1, 2, 3], Level::Certified, StepKind::Forced),
    ] {
        let world = two_epochs(signers);
        let report = accept(&world, &world.bundle(finals));
        assert_eq!((report.level, report.steps[0].kind), (level, kind), "{signers:?} {finals:?}");
    }
    let world = two_epochs(&[0, 1]);
    let report = accept(&world, &world.bundle(&[0, 1, 2]));
    expect![[r#"
        信任：北京（#0）、天津（#1）；北京（#0）、天津（#1）、河北（#2）的密钥从未签署两份不同的历史。
        Trust: at no time did the keys of 北京 (#0), 天津 (#1); 北京 (#0), 天津 (#1), 河北 (#2) sign two histories.
    "#]].assert_eq(&format!("{}\n{}\n", report.trust.zh, report.trust.en));
}

/// All members of an epoch that is over can still sign another one after it, and a whole history.
#[test]
fn the_last_line_names_the_signers_of_every_full_step_that_nobody_vouches_for() {
    let world = two_epochs(&[0, 1, 2]);
    let bundle = world.bundle(&[0, 1, 2, 3]);
    let mut known = proto::codec::Writer::default();
    let next = world.descriptor().hash(world.chain());
    known.u64(10).hash(&world.root(10)).hash(&next);
    let known = proto::hash::Tag::Handoff.hash(&known.into_bytes());
    let pinned = Options { handoff_pins: vec![known], ..Options::default() };
    let mut out = String::new();
    for (name, options) in [("nothing known", Options::default()), ("the hand-off known", pinned)] {
        let report = accept_with(&world, &bundle, &options);
        assert_eq!((report.level, &report.weak), (Level::Hardened, &vec![]), "{name}");
        writeln!(out, "{name}\n{}\n{}", report.trust.zh, report.trust.en).unwrap();
    }
    expect![[r#"
        nothing known
        信任：北京（#0）、天津（#1）、河北（#2）；北京（#0）、天津（#1）、河北（#2）、河北（#3）的密钥从未在任何一步中全体签署两份不同的历史。
        Trust: at no time did the keys of 北京 (#0), 天津 (#1), 河北 (#2); 北京 (#0), 天津 (#1), 河北 (#2), 河北 (#3) of any one step all sign two histories.
        the hand-off known
        信任：北京（#0）、天津（#1）、河北（#2）、河北（#3）的密钥从未全体签署两份不同的历史。
        Trust: at no time did the keys of 北京 (#0), 天津 (#1), 河北 (#2), 河北 (#3) all sign two histories.
    "#]].assert_eq(&out);
}

#[test]
fn items_of_both_epochs_are_held_against_their_own_descriptor() {
    let world = two_epochs(&[0, 1, 2]);
    let mut bundle = world.bundle(&[0, 1, 2, 3]);
    for height in [0, 1, 8, 9, 10, 12] {
        let mut item = world.item(height);
        item.states = vec![world.state(height, Namespace::Alert, b"none")];
        world.say(&mut bundle, item, ClaimKind::State(StateClaim { item: 0, state: 0 }));
    }
    accept(&world, &bundle);
}

#[test]
fn hand_offs_refuse_every_forgery() {
    let world = two_epochs(&[0, 1, 2]);
    let bundle = world.bundle(&[0, 1, 2]);
    let text = refusals(
        &world,
        &bundle,
        &[
            ("nothing", |_| ()),
            ("the hand-off is left out", |b| b.handoffs.clear()),
            ("the hand-off twice", |b| b.handoffs.push(b.handoffs[0].clone())),
            ("neither certificate nor recovery", |b| b.handoffs[0].certificate = None),
            ("both", |b| {
                b.handoffs[0].recovery = Some(ledger::bundle::Recovery::default());
            }),
            ("another size", |b| b.handoffs[0].size -= 1),
            ("size of its own first height", |b| b.handoffs[0].size = 1),
            ("another root", |b| b.handoffs[0].root[3] ^= 1),
            ("a flipped signature", |b| {
                b.handoffs[0].certificate.as_mut().unwrap().votes[0].signature[0] ^= 1;
            }),
            ("too few", |b| b.handoffs[0].certificate.as_mut().unwrap().votes.truncate(1)),
            ("a byte of the leaf", |b| b.handoffs[0].leaf[80] ^= 1),
            ("the leaf of another height", |b| {
                b.handoffs[0].leaf.clone_from(&b.final_head.as_ref().unwrap().leaf);
            }),
            ("a byte of the descriptor's parameters", |b| b.handoffs[0].descriptor[30] ^= 1),
            ("a self-appointed member", |b| {
                let own = proto::sign::SecretKey::from_seed(&[99; 32]).public();
                let last = b.handoffs[0].descriptor.len() - 32;
                b.handoffs[0].descriptor.truncate(last);
                b.handoffs[0].descriptor.extend_from_slice(own.as_bytes());
            }),
            ("no consistency with the final head", |b| b.handoffs[0].consistency.clear()),
            ("a byte of the consistency", |b| b.handoffs[0].consistency[0][0] ^= 1),
        ],
    );
    expect![[r#"
        nothing
          ACCEPTED CERTIFIED
        the hand-off is left out
          C6.3 final_head.certificate: the certificate: epoch is 1, expected 0
        the hand-off twice
          C6.2 handoffs[1]: the checkpoint has size 10, at least 11 is demanded
        neither certificate nor recovery
          C6.2 handoffs[0]: a hand-off has exactly one of a certificate and a recovery document
        both
          C6.2 handoffs[0]: a hand-off has exactly one of a certificate and a recovery document
        another size
          C6.2 handoffs[0].certificate: the signature of signer 0 does not hold
        size of its own first height
          C6.2 handoffs[0]: the checkpoint has size 1, at least 2 is demanded
        another root
          C6.2 handoffs[0].certificate: the signature of signer 0 does not hold
        a flipped signature
          C6.2 handoffs[0].certificate: the signature of signer 0 does not hold
        too few
          C6.2 handoffs[0].certificate: signatures found: 1, needed: 2
        a byte of the leaf
          C6.2 handoffs[0].leaf: the history leaf: not under the signed root, the path leads to another root
        the leaf of another height
          C6.2 handoffs[0].leaf: the history leaf: not under the signed root, the path leads to another root
        a byte of the descriptor's parameters
          C6.2 handoffs[0].leaf: the history leaf: next_epoch_hash is 05efec62efc4b7aafc556ab825384acec9fa07fbb3de18249591c092019090bc, expected 749101aa0b5fe5eea1f86914a088e9e26435ea65a2e3e2d9ad6bd6af809cd269
        a self-appointed member
          C6.2 handoffs[0].leaf: the history leaf: next_epoch_hash is 05efec62efc4b7aafc556ab825384acec9fa07fbb3de18249591c092019090bc, expected b5d3eb50be0767e6c911d6774cb7f0963ed4b0702c2997fa29d832a082d000a4
        no consistency with the final head
          C6.3 final_head: the first 10 heights are not those of the later 13: the path has 0 steps and the tree demands another number
        a byte of the consistency
          C6.3 final_head: the first 10 heights are not those of the later 13: the path leads to another root
    "#]].assert_eq(&text);
}

/// A next set that rewrites an old height is betrayed by the consistency with its own hand-off.
#[test]
fn an_old_leaf_rewritten_by_the_new_set_is_refused() {
    let honest = two_epochs(&[0, 1, 2]);
    let mut forged = story::world();
    forged.set(Namespace::Certificate, b"HB:LOT", Some(b"rewritten"));
    forged.change_epoch(&[(0, 31), (1, 32), (2, 33), (2, 34)], &[0, 1, 2]);
    for _ in 0..3 {
        forged.block(&[Act::step("later", Vec::new())]);
    }
    let mut bundle = forged.bundle(&[0, 1, 2, 3]);
    bundle.handoffs[0] = honest.bundle(&[0, 1, 2, 3]).handoffs.remove(0);
    let text = refusals(&honest, &bundle, &[("rewritten", |_| ())]);
    expect![[r#"
        rewritten
          C6.3 final_head: the first 10 heights are not those of the later 13: the path leads to another root
    "#]].assert_eq(&text);
}

#[test]
fn an_epoch_that_the_head_closes_is_said_to_be_closed() {
    let mut world = story::world();
    assert!(!accept(&world, &world.bundle(&[0, 1])).epoch_closed);
    let open = world.bundle(&[0, 1]);
    world.change_epoch(&[(0, 31)], &[0, 1, 2]);
    let mut closed = open;
    let handoff = world.bundle(&[0]).handoffs.remove(0);
    let head = closed.final_head.as_mut().unwrap();
    head.certificate = handoff.certificate;
    (head.root, head.leaf, head.path) = (handoff.root, handoff.leaf, handoff.path);
    assert!(accept(&world, &closed).epoch_closed);
}

/// Heights 7 and later are given up; a new set goes on from height 7.
fn recovered(agencies: &[u16]) -> World {
    let mut world = story::world();
    world.recover(7, &[(0, 41), (1, 42), (2, 43)], agencies);
    for _ in 0..2 {
        world.block(&[Act::step("after the fire", Vec::new())]);
    }
    world
}

#[test]
fn a_recovery_caps_the_level_for_ever_and_names_the_agencies() {
    let world = recovered(&[0, 2]);
    let mut bundle = world.bundle(&[0, 1, 2]);
    for height in [6, 7] {
        let mut item = world.item(height);
        item.states = vec![world.state(height, Namespace::Alert, b"none")];
        world.say(&mut bundle, item, ClaimKind::State(StateClaim { item: 0, state: 0 }));
    }
    let report = accept(&world, &bundle);
    assert_eq!((report.level, report.steps[0].kind), (Level::Recovered, StepKind::Recovered));
    expect![[r#"
        信任：北京（治理）、河北（治理）的密钥从未签署两份不同的历史。
        Trust: at no time did the keys of 北京 (governance), 河北 (governance) sign two histories.
    "#]]
    .assert_eq(&format!("{}\n{}\n", report.trust.zh, report.trust.en));
}

#[test]
fn a_recovery_may_keep_no_height_of_the_epoch_before_it() {
    let mut world = two_epochs(&[0, 1, 2]);
    world.recover(10, &[(0, 41), (1, 42), (2, 43)], &[0, 1, 2]);
    world.block(&[]);
    let mut bundle = world.bundle(&[0, 1, 2]);
    let mut item = world.item(9);
    item.states = vec![world.state(9, Namespace::Alert, b"none")];
    world.say(&mut bundle, item, ClaimKind::State(StateClaim { item: 0, state: 0 }));
    assert_eq!(accept(&world, &bundle).level, Level::Recovered);
}

#[test]
fn recovery_documents_refuse_every_forgery() {
    let world = recovered(&[0, 2]);
    let bundle = world.bundle(&[0, 1, 2]);
    let recovery = |b: &mut Bundle| b.handoffs[0].recovery.take().unwrap();
    drop(recovery(&mut bundle.clone()));
    let text = refusals(
        &world,
        &bundle,
        &[
            ("nothing", |_| ()),
            ("a byte of the document", |b| {
                b.handoffs[0].recovery.as_mut().unwrap().document[50] ^= 1;
            }),
            ("another tag", |b| b.handoffs[0].recovery.as_mut().unwrap().document[3] ^= 1),
            ("a byte more", |b| b.handoffs[0].recovery.as_mut().unwrap().document.push(0)),
            ("a byte of the reason", |b| {
                let document = &mut b.handoffs[0].recovery.as_mut().unwrap().document;
                *document.last_mut().unwrap() ^= 0x40;
            }),
            ("one agency", |b| {
                b.handoffs[0].recovery.as_mut().unwrap().signatures.truncate(1);
            }),
            ("an agency twice", |b| {
                let signatures = &mut b.handoffs[0].recovery.as_mut().unwrap().signatures;
                signatures[1] = signatures[0].clone();
            }),
            ("an agency that is none", |b| {
                b.handoffs[0].recovery.as_mut().unwrap().signatures[1].signer = 3;
            }),
            ("an agency's signature under another name", |b| {
                b.handoffs[0].recovery.as_mut().unwrap().signatures[1].signer = 1;
            }),
            ("another descriptor beside it", |b| {
                let other = b.handoffs[0].descriptor.len() - 1;
                b.handoffs[0].descriptor[other - 40] ^= 1;
            }),
            ("another size beside it", |b| b.handoffs[0].size = 6),
            ("another root beside it", |b| b.handoffs[0].root[0] ^= 1),
        ],
    );
    expect![[r#"
        nothing
          ACCEPTED RECOVERED
        a byte of the document
          C6.2 handoffs[0].recovery: the recovery document: old epoch is 256, expected 0
        another tag
          C6.2 handoffs[0].recovery: the recovery document: malformed, tag: is another structure's tag
        a byte more
          C6.2 handoffs[0].recovery: the recovery document: malformed, 1 bytes follow the end of the structure
        a byte of the reason
          C6.2 handoffs[0].recovery: the recovery document: malformed, reason: is UTF-8
        one agency
          C6.2 handoffs[0].recovery.signatures: signatures found: 1, needed: 2
        an agency twice
          C6.2 handoffs[0].recovery.signatures: signer 0 is there twice or out of order
        an agency that is none
          C6.2 handoffs[0].recovery.signatures: signer 3 is no member
        an agency's signature under another name
          C6.2 handoffs[0].recovery.signatures: the signature of signer 1 does not hold
        another descriptor beside it
          C6.2 handoffs[0].recovery: the epoch descriptor: not what the digest stands for
        another size beside it
          C6.2 handoffs[0].recovery: the recovery document: kept size is 7, expected 6
        another root beside it
          C6.2 handoffs[0].recovery: the recovery document: root is b65310e607cd13e64e417ffa897c461750256d55e61f76c05dcac72a41fcaf7c, expected b75310e607cd13e64e417ffa897c461750256d55e61f76c05dcac72a41fcaf7c
    "#]].assert_eq(&text);
}

#[test]
fn a_recovery_document_with_a_forged_survivor_is_refused() {
    let world = recovered(&[0, 2]);
    let before = story::world();
    let bundle = world.bundle(&[0, 1, 2]);
    let mut out = String::new();
    // The survivor's last signature byte stands before the descriptor and the reason.
    let descriptor = &bundle.handoffs[0].descriptor;
    let from_end = 4 + descriptor.len() + 4 + "火灾".len() + 1;
    for (name, offset, value) in [("signature", from_end, 1_u8), ("view", from_end + 66 + 71, 1)] {
        let mut changed = bundle.clone();
        let mut document = changed.handoffs[0].recovery.clone().unwrap().document;
        let at = document.len() - offset;
        document[at] ^= value;
        changed.handoffs[0].recovery = Some(before.sign_recovery(document, &[0, 2]));
        out.push_str(&refusals(&world, &changed, &[(name, |_| ())]));
    }
    expect![[r#"
        signature
          C6.2 handoffs[0].recovery.survivors: the signature of signer 0 does not hold
        view
          C6.2 handoffs[0].recovery.survivors: the survivors' view changes: view is 4294901759, expected 4294967295
    "#]].assert_eq(&out);
}
