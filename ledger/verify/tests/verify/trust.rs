//! C6.3 and C6.4: what the verifier holds against a bundle that is otherwise true.

use std::fmt::Write as _;

use expect_test::expect;
use ledger::bundle::{Bundle, ClaimKind, Direction};
use proto::hash::Hash;
use proto::sign::SecretKey;
use proto::types::{Height, TimeMs};
use verify::{Freshness, Level, Options, PinnedCheckpoint, TrustFile, Witnesses};

use crate::story::{self, a_unit};
use crate::world::{Act, GENESIS_MS, World};
use crate::{accept_with, refusals_with};

fn pinned(world: &World, size: u64) -> Options {
    let pins = vec![PinnedCheckpoint { size, root: world.root(size) }];
    Options { pins, ..Options::default() }
}

#[test]
fn a_pin_is_the_beginning_of_the_history_or_the_bundle_is_refused() {
    let world = story::world();
    let mut bundle = world.bundle(&[0, 1]);
    bundle.pins = vec![world.pin(3), world.pin(7)];
    accept_with(&world, &bundle, &pinned(&world, 7));
    accept_with(&world, &bundle, &pinned(&world, world.size()));
    let out = refusals_with(
        &world,
        &bundle,
        &pinned(&world, 7),
        &[
            ("no pins", |b| b.pins.clear()),
            ("another pin", |b| drop(b.pins.pop())),
            ("pins descend", |b| b.pins.reverse()),
            ("a pin twice", |b| b.pins.push(b.pins[1].clone())),
            ("a byte of the path", |b| b.pins[1].consistency[0][0] ^= 1),
            ("an empty path", |b| b.pins[1].consistency.clear()),
        ],
    );
    let mut other = pinned(&world, 7);
    other.pins[0].root = Hash::new([1; 32]);
    let mut newer = pinned(&world, 7);
    newer.pins[0].size = 11;
    let out = out
        + &refusals_with(&world, &bundle, &other, &[("a pin with another root", |_| ())])
        + &refusals_with(&world, &bundle, &newer, &[("a pin that is newer", |_| ())]);
    expect![[r#"
        no pins
          C6.3 pins: the bundle shows no consistency with your pin at 7
        another pin
          C6.3 pins: the bundle shows no consistency with your pin at 7
        pins descend
          C6.3 pins: the pins: not in strictly ascending order
        a pin twice
          C6.3 pins: the pins: not in strictly ascending order
        a byte of the path
          C6.3 pins: the first 7 heights are not those of the later 10: the path leads to another root
        an empty path
          C6.3 pins: the first 7 heights are not those of the later 10: the path has 0 steps and the tree demands another number
        a pin with another root
          C6.3 pins: the first 7 heights are not those of the later 10: the path leads to another root
        a pin that is newer
          C6.3 pins: the bundle ends at size 10, older than your pin at 11
    "#]].assert_eq(&out);
}

/// A trace of height 4 under a head of height 9.
fn old_trace(world: &World) -> Bundle {
    let mut bundle = world.bundle(&[0, 1]);
    let (item, claim) = world.trace(4, &[a_unit("HB:LOT")], Direction::Both, 100);
    world.say(&mut bundle, item, ClaimKind::Trace(claim));
    bundle
}

#[test]
fn age_and_height_are_demanded_of_the_head_and_of_each_claim() {
    let world = story::world();
    let now = |seconds: u64, max_age_ms: u64| Options {
        freshness: Some(Freshness { now: TimeMs::new(GENESIS_MS + seconds * 1000), max_age_ms }),
        ..Options::default()
    };
    let least =
        |height: u64| Options { min_height: Some(Height::new(height)), ..Options::default() };
    let bundle = old_trace(&world);
    let mut out = String::new();
    for (name, options) in [
        ("6 s old, 6 s allowed", now(10, 6_000)),
        ("6 s old, 5.999 s allowed", now(10, 5_999)),
        ("head 2 s old, 1 s allowed", now(11, 1_000)),
        (
            "head half a second ahead",
            Options {
                freshness: Some(Freshness {
                    now: TimeMs::new(GENESIS_MS + 8_500),
                    max_age_ms: 9_999,
                }),
                ..Options::default()
            },
        ),
        (
            "head 501 ms ahead",
            Options {
                freshness: Some(Freshness {
                    now: TimeMs::new(GENESIS_MS + 8_499),
                    max_age_ms: 9_999,
                }),
                ..Options::default()
            },
        ),
        ("height 4 or more", least(4)),
        ("height 5 or more", least(5)),
        ("height 10 or more", least(10)),
    ] {
        out.push_str(&refusals_with(&world, &bundle, &options, &[(name, |_| ())]));
    }
    expect![[r#"
        6 s old, 6 s allowed
          ACCEPTED CERTIFIED
        6 s old, 5.999 s allowed
          C6.3 claims[0]: height 4 is 6000 ms old, you accept at most 5999
        head 2 s old, 1 s allowed
          C6.3 final_head: height 9 is 2000 ms old, you accept at most 1000
        head half a second ahead
          ACCEPTED CERTIFIED
        head 501 ms ahead
          C6.3 final_head: height 9 is 501 ms ahead of this machine's clock
        height 4 or more
          ACCEPTED CERTIFIED
        height 5 or more
          C6.3 claims[0]: height 4 is below the 5 that you demand
        height 10 or more
          C6.3 final_head: height 9 is below the 10 that you demand
    "#]]
    .assert_eq(&out);
}

#[test]
fn a_level_below_the_one_demanded_is_refused() {
    let world = story::world();
    let mut out = String::new();
    for (name, signers, wanted) in [
        ("certified of 2", &[0, 1][..], Level::Certified),
        ("hardened of 2", &[0, 1], Level::Hardened),
        ("hardened of 3", &[0, 1, 2], Level::Hardened),
        ("anchored of 3", &[0, 1, 2], Level::Anchored),
    ] {
        let options = Options { level: Some(wanted), ..Options::default() };
        let bundle = world.bundle(signers);
        out.push_str(&refusals_with(&world, &bundle, &options, &[(name, |_| ())]));
    }
    expect![[r#"
        certified of 2
          ACCEPTED CERTIFIED
        hardened of 2
          C6.4 final_head: the level is CERTIFIED, below the HARDENED demanded
        hardened of 3
          ACCEPTED HARDENED
        anchored of 3
          C6.4 final_head: the level is HARDENED, below the ANCHORED demanded
    "#]]
    .assert_eq(&out);
}

fn witnesses(seeds: &[u8], needed: usize) -> Options {
    let keys = seeds.iter().map(|seed| SecretKey::from_seed(&[*seed; 32]).public()).collect();
    Options { witnesses: Witnesses { keys, needed }, ..Options::default() }
}

#[test]
fn witnesses_anchor_a_hardened_head_and_nothing_less() {
    let world = story::world();
    let cosigned = |signers: &[u16], seeds: &[u8]| {
        let mut bundle = world.bundle(signers);
        let head = bundle.final_head.as_mut().unwrap();
        let one = |seed: &u8| world.cosign(*seed, head.size, 0, Hash::ZERO);
        let mut cosignatures: Vec<_> = seeds.iter().map(one).collect();
        cosignatures.sort_by(|a, b| a.key.cmp(&b.key));
        head.cosignatures = cosignatures;
        bundle
    };
    for (name, signers, seeds, trusted, needed, level) in [
        ("both trusted", &[0, 1, 2][..], &[51, 52][..], &[51, 52][..], 2, Level::Anchored),
        ("one of two", &[0, 1, 2], &[51], &[51, 52], 1, Level::Anchored),
        ("one where two are needed", &[0, 1, 2], &[51], &[51, 52], 2, Level::Hardened),
        ("nobody trusted", &[0, 1, 2], &[51], &[], 1, Level::Hardened),
        ("not hardened", &[0, 1], &[51], &[51], 1, Level::Certified),
    ] {
        let bundle = cosigned(signers, seeds);
        let report = accept_with(&world, &bundle, &witnesses(trusted, needed));
        assert_eq!(report.level, level, "{name}");
    }
    let out = refusals_with(
        &world,
        &cosigned(&[0, 1, 2], &[51, 52]),
        &witnesses(&[51], 1),
        &[
            ("a bad signature of a trusted witness", |b| {
                for one in &mut b.final_head.as_mut().unwrap().cosignatures {
                    one.signature[0] ^= 1;
                }
            }),
            ("a short one", |b| {
                for one in &mut b.final_head.as_mut().unwrap().cosignatures {
                    one.signature.pop();
                }
            }),
            ("keys descend", |b| b.final_head.as_mut().unwrap().cosignatures.reverse()),
            ("a witness twice", |b| {
                let again = b.final_head.as_ref().unwrap().cosignatures[0].clone();
                b.final_head.as_mut().unwrap().cosignatures.insert(0, again);
            }),
        ],
    );
    expect![[r#"
        a bad signature of a trusted witness
          C6.4 final_head.cosignatures: the cosignature of the witness 17cb79fb2b4120f2b1ec65e4198d6e08b28e813feb01e4a400839b85e18080ce that you trust does not hold
        a short one
          C6.4 final_head.cosignatures: the cosignature of the witness 17cb79fb2b4120f2b1ec65e4198d6e08b28e813feb01e4a400839b85e18080ce that you trust does not hold
        keys descend
          C6.4 final_head.cosignatures: the cosignatures: not in strictly ascending order
        a witness twice
          C6.4 final_head.cosignatures: the cosignatures: not in strictly ascending order
    "#]].assert_eq(&out);
}

#[test]
fn a_weak_hand_off_is_mended_by_its_hash_or_by_witnesses() {
    let mut world = story::world();
    world.change_epoch(&[(0, 31), (1, 32), (2, 33)], &[0, 1]);
    world.block(&[Act::step("later", Vec::new())]);
    let bundle = world.bundle(&[0, 1, 2]);
    assert_eq!(accept_with(&world, &bundle, &Options::default()).level, Level::Certified);
    let next = world.descriptor().hash(world.chain());
    let mut out = proto::codec::Writer::default();
    out.u64(10).hash(&world.root(10)).hash(&next);
    let hash = proto::hash::Tag::Handoff.hash(&out.into_bytes());
    let known = Options { handoff_pins: vec![hash], ..Options::default() };
    assert_eq!(accept_with(&world, &bundle, &known).level, Level::Hardened);
    let mut cosigned = bundle;
    cosigned.handoffs[0].cosignatures = vec![world.cosign(51, 10, 0, next)];
    let report = accept_with(&world, &cosigned, &witnesses(&[51], 1));
    assert_eq!(report.level, Level::Hardened);
    // A cosignature of the same checkpoint as a final one says nothing of the next set.
    cosigned.handoffs[0].cosignatures = vec![world.cosign(51, 10, 0, Hash::ZERO)];
    let text = refusals_with(&world, &cosigned, &witnesses(&[51], 1), &[("as final", |_| ())]);
    expect![[r#"
        as final
          C6.4 handoffs[0].cosignatures: the cosignature of the witness 17cb79fb2b4120f2b1ec65e4198d6e08b28e813feb01e4a400839b85e18080ce that you trust does not hold
    "#]].assert_eq(&text);
}

#[test]
fn trust_files_are_read_strictly() {
    let hex = |byte: &str| byte.repeat(32);
    let key = hex::encode(SecretKey::from_seed(&[51; 32]).public().as_bytes());
    let good = format!(
        r#"{{ "pins": [{{ "size": 3, "root": "{}" }}], "handoffs": ["{}"],
             "witnesses": {{ "needed": 1, "keys": ["{key}", "{key}"] }} }}"#,
        hex("ab"),
        hex("cd")
    );
    let options = TrustFile::parse(&good).unwrap().into_options();
    assert_eq!((options.pins.len(), options.handoff_pins.len()), (1, 1));
    assert_eq!(options.witnesses.keys.len(), 1);
    let mut out = String::new();
    for text in [
        r#"{ "pin": [] }"#.to_owned(),
        r#"{ "pins": [{ "size": 3, "root": "ab" }] }"#.to_owned(),
        r#"{ "handoffs": ["xx"] }"#.to_owned(),
        format!(r#"{{ "witnesses": {{ "needed": 2, "keys": ["{key}", "{key}"] }} }}"#),
        r#"{ "witnesses": { "needed": 0, "keys": [] } }"#.to_owned(),
        format!(r#"{{ "witnesses": {{ "needed": 1, "keys": ["{}"] }} }}"#, hex("00")),
    ] {
        let error = TrustFile::parse(&text).unwrap_err();
        writeln!(out, "{error}").unwrap();
    }
    expect![[r#"
        not the JSON of a pin file
        root: expected 64 hexadecimal digits, found "ab"
        handoffs: expected 64 hexadecimal digits, found "xx"
        witnesses.needed is 2, expected 1 to 1, the number of keys
        witnesses.needed is 0, expected 1 to 0, the number of keys
        witnesses.keys: "0000000000000000000000000000000000000000000000000000000000000000" is not an Ed25519 key
    "#]].assert_eq(&out);
}
