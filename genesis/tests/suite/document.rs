//! The canonical bytes of a document and each of its rules, kept and broken.

use expect_test::expect_file;
use genesis::ceremony::{self, Duty, Plan, PlannedAgency};
use genesis::document::{ReadError, transport_state_key};
use genesis::limits::{GENESIS_BYTES_MAX, TIME_MS_MAX, TIME_MS_MIN, TTL_MS_MAX};
use genesis::{Document, Genesis, StateEntry};
use proptest::prelude::*;
use proto::codec::{Canonical as _, DecodeError};
use proto::hash::Tag;
use proto::quorum::Mode;
use proto::sign::SecretKey;
use proto::submitter::{SubmitterRecord, SubmitterRole};
use proto::trie::Namespace;
use proto::{AgencyIndex, Epoch, Hash, Height, TimeMs, ValidatorIndex};

use super::{AGENCIES, fixed, made};

#[test]
fn the_golden_document_keeps_its_bytes_and_its_chain() {
    let genesis = fixed();
    let bytes = genesis.encode();
    expect_file!["../golden/genesis.txt"].assert_eq(&format!(
        "bytes: {}\nchain: {}\nepoch_hash: {}\n",
        hex::encode(&bytes),
        genesis.chain(),
        genesis.descriptor().hash(genesis.chain()),
    ));
    assert_eq!(genesis.chain().0, Tag::Genesis.hash(&bytes), "the chain is the hash of the bytes");
    assert_eq!(Genesis::read(&bytes), Ok(genesis));
}

#[test]
fn a_document_says_who_may_do_what() {
    let made = made(2);
    let genesis = &made.genesis;
    let names: Vec<&str> = genesis.agencies().iter().map(|agency| agency.name.as_str()).collect();
    assert_eq!(names, AGENCIES.map(|(name, _)| name));
    assert_eq!(genesis.recovery_threshold(), 2);
    assert_eq!(genesis.transport_keys().len(), 3);
    assert_eq!(genesis.submitters().len(), 9);
    for keys in &made.agencies {
        for (purpose, key) in &keys.keys {
            use genesis::keys::KeyPurpose::{Governance, Submitter, Transport, Validator};
            let public = key.public();
            let held = match purpose {
                Validator => genesis.descriptor().index_of(&public) == Some(keys.validator),
                Transport => genesis.transport_keys()[keys.validator.position()] == public,
                Governance => genesis.agency(keys.agency).unwrap().governance_key == public,
                Submitter(role) => genesis.submitters().get(&public).is_some_and(|record| {
                    record.agency == keys.agency
                        && record.role == *role
                        && record.party
                            == ceremony::party_name(AGENCIES[keys.agency.position()].1, *role)
                }),
            };
            assert!(held, "agency {} {}", keys.agency, purpose.name());
        }
    }
    assert_eq!(genesis.check_role_table(), Ok(()));
    assert!(fixed().check_role_table().is_err(), "another role table cannot be executed here");
}

/// Gives the last submitter another party.
fn rename(document: &mut Document, party: &str) {
    let entry = document.state.last_mut().unwrap();
    let party = party.to_owned();
    entry.value =
        SubmitterRecord { party, ..SubmitterRecord::decode(&entry.value).unwrap() }.encode();
}

/// Breaks one rule of a good document and gives the words that name it.
type Breaking = (fn(&mut Document), &'static str);

const BREAKINGS: &[Breaking] = &[
    (|d| d.time = TimeMs::new(TIME_MS_MIN - 1), "time: 86399999 ms is outside"),
    (|d| d.time = TimeMs::new(TIME_MS_MAX + 1), "time: 253370764800000 ms is outside"),
    (|d| d.agencies.clear(), "agencies: expected 1 to 64, found 0"),
    (
        |d| {
            let agency = d.agencies[0].clone();
            d.agencies = vec![agency; 65];
        },
        "agencies: expected 1 to 64, found 65",
    ),
    (|d| d.agencies[1].name.clear(), "agencies[1].name: must not be empty"),
    (|d| d.agencies[1].name = "天".repeat(86), "agencies[1].name: is longer than 256 bytes"),
    (|d| d.agencies[1].name.push(' '), "agencies[1].name: must not begin or end with white space"),
    (|d| d.agencies[2].name = "a\u{7}b".into(), "agencies[2].name: must not hold control"),
    (|d| d.agencies[2].name = "e\u{301}".into(), "agencies[2].name: must be in Unicode"),
    (|d| d.agencies[2].name = "北京".into(), "agencies[2].name: \"北京\" is the name of agency 0"),
    (
        |d| d.agencies[2].governance_key = d.agencies[1].governance_key,
        "agencies[2].governance_key: ",
    ),
    (|d| d.recovery_threshold = 0, "recovery_threshold: expected more than half of 3"),
    (|d| d.recovery_threshold = 1, "recovery_threshold: expected more than half of 3"),
    (|d| d.recovery_threshold = 4, "recovery_threshold: expected more than half of 3"),
    (|d| d.descriptor.validators.clear(), "descriptor: an epoch has 1 to 100 validators, not 0"),
    (
        |d| d.descriptor.validators[2].key = d.descriptor.validators[0].key,
        "descriptor: two validators share the key",
    ),
    (|d| d.descriptor.lag = 0, "descriptor: lag must be above zero"),
    (|d| d.descriptor.contracts = 0, "descriptor: contracts must be above zero"),
    (|d| d.descriptor.rotation_blocks = 0, "descriptor: rotation_blocks must be above zero"),
    (|d| d.descriptor.limits.max_ops = 10_001, "descriptor: max_ops is 10001, at most 10000"),
    (|d| d.descriptor.epoch = Epoch::new(1), "descriptor.epoch: genesis opens epoch 0, found 1"),
    (|d| d.descriptor.first_height = Height::new(2), "descriptor.first_height: epoch 0 begins"),
    (
        |d| d.descriptor.limits.max_ttl_ms = TTL_MS_MAX + 1,
        "descriptor.max_ttl_ms: expected at most",
    ),
    (
        |d| d.descriptor.validators[1].agency = AgencyIndex::new(3),
        "descriptor.validators[1].agency: 3 is not one of 3 agencies",
    ),
    (|d| d.state.swap(0, 1), "state[1]: entries ascend strictly"),
    (|d| d.state.push(d.state.last().unwrap().clone()), "state[12]: entries ascend strictly"),
    (
        |d| {
            let (namespace, key, value) = (Namespace::Unit, b"x".to_vec(), Vec::new());
            d.state.push(StateEntry { namespace, key, value });
            d.state.sort();
        },
        "state[3]: genesis holds only submitter keys (KEY) and transport keys (SYS)",
    ),
    (|d| d.state[0].key = b"transport/".to_vec(), "state[0]: a SYS key is \"transport/\""),
    (|d| d.state[0].key = b"backfill".to_vec(), "state[0]: a SYS key is \"transport/\""),
    (|d| d.state[0].value.truncate(31), "state[0]: a transport key is an Ed25519 public key"),
    (|d| d.state[0].value = vec![0; 32], "state[0]: a transport key is an Ed25519 public key"),
    (
        |d| d.state[2].key = transport_state_key(ValidatorIndex::new(3)),
        "state[2]: a transport key names a validator that is not in the descriptor",
    ),
    (|d| drop(d.state.remove(1)), "state: validator 1 has no transport key"),
    (
        |d| d.state[2].value = d.state[0].value.clone(),
        "state: validators 0 and 2 share the transport key",
    ),
    (|d| d.state[11].key.push(0), "state[11] (submitter): public key: an Ed25519 key has 32 bytes"),
    (|d| d.state[11].value.push(0), "state[11] (submitter): 1 bytes follow the end"),
    (|d| d.state[11].value[2] = 9, "state[11] (submitter): submitter role: is 1, 2 or 3"),
    (|d| d.state[11].value[1] = 3, "state[11] (submitter): agency 3 is not one of 3 agencies"),
    (|d| rename(d, ""), "state[11] (submitter).party: must not be empty"),
    (|d| rename(d, "平台 "), "state[11] (submitter).party: must not begin or end with white space"),
    (|d| rename(d, "１１:platform"), "state[11] (submitter).party: must be in Unicode"),
    (|d| rename(d, &"AB".repeat(32)), "state[11] (submitter).party: a commitment is written in"),
    (
        |d| rename(d, "91130181ma0f12343l"),
        "state[11] (submitter).party: a credit code is written in capitals",
    ),
    (
        |d| rename(d, "91130181-MA0F12343L"),
        "state[11] (submitter).party: a credit code is written in capitals",
    ),
];

#[test]
fn each_broken_rule_is_named_with_its_field() {
    for (position, (break_rule, words)) in BREAKINGS.iter().enumerate() {
        let mut document = made(3).genesis.into_document();
        break_rule(&mut document);
        let refused = Genesis::new(document).expect_err(words).to_string();
        assert!(refused.starts_with(words), "case {position}: {refused}");
    }
}

#[test]
fn a_party_in_its_normal_form_stands_in_a_document() {
    for party in
        ["13:platform", "河北平台", &*"ab".repeat(32), "91130181MA0F12343L", "beijing-platform-1"]
    {
        let mut document = made(3).genesis.into_document();
        rename(&mut document, party);
        assert!(Genesis::new(document).is_ok(), "{party}");
    }
}

#[test]
fn more_state_entries_than_the_limit_are_refused() {
    let mut document = made(3).genesis.into_document();
    let entry = document.state[11].clone();
    document.state = vec![entry; 10_001];
    let error = Genesis::new(document).unwrap_err();
    assert_eq!(error.to_string(), "state: expected at most 10000 entries, found 10001");
}

#[test]
fn bytes_that_break_a_rule_are_refused_by_both_readers() {
    let mut document = made(4).genesis.into_document();
    document.recovery_threshold = 2;
    let good = Genesis::new(document).unwrap().encode();
    // The threshold stands behind the tag (1 + 18 bytes) and the time (8).
    let mut bad = good.clone();
    bad[28] = 1;
    let rule = Genesis::read(&bad).unwrap_err().to_string();
    assert!(rule.starts_with("genesis: recovery_threshold: expected more than half"), "{rule}");
    let (field, rule) = ("genesis", "breaks a rule of the document");
    assert_eq!(Genesis::decode(&bad), Err(DecodeError::Invalid { field, rule }));
    assert!(Genesis::decode(&good).is_ok());
}

#[test]
fn input_that_is_no_document_is_refused() {
    let too_long = vec![0; GENESIS_BYTES_MAX + 1];
    assert_eq!(Genesis::read(&too_long), Err(ReadError::TooLong { found: too_long.len() }));
    for bytes in [&b""[..], b"\x12jjj/genesis-doc/v2", b"PK\x03\x04"] {
        assert!(matches!(Genesis::read(bytes), Err(ReadError::Bytes(_))), "{bytes:?}");
    }
    let mut trailing = fixed().encode();
    trailing.push(0);
    assert_eq!(
        Genesis::read(&trailing),
        Err(ReadError::Bytes(DecodeError::Trailing { extra: 1 })),
        "nothing may follow"
    );
}

#[test]
fn every_truncation_is_refused() {
    let bytes = fixed().encode();
    for length in 0..bytes.len() {
        assert!(Genesis::read(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
    }
}

#[test]
fn every_changed_byte_is_refused_or_makes_another_chain() {
    let genesis = fixed();
    let bytes = genesis.encode();
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        if let Ok(read) = Genesis::read(&changed) {
            assert_ne!(read.chain(), genesis.chain(), "byte {position}");
            assert_eq!(read.encode(), changed, "byte {position}: one encoding only");
        }
    }
}

#[test]
fn plans_that_cannot_be_are_refused() {
    let agency = |name: &str, duty| PlannedAgency { name: name.to_owned(), duty };
    for (agencies, words) in [
        (vec![], "agencies: expected 1 to 64, found 0"),
        (vec![agency("a", Duty::Division(10))], "division 10: expected the first two digits"),
        (vec![agency("a", Duty::Division(83))], "division 83: expected the first two digits"),
        (
            vec![agency("a", Duty::Division(11)), agency("b", Duty::Division(11))],
            "division 11 is given to two agencies",
        ),
        (
            vec![agency("a", Duty::Witness), agency("b", Duty::Witness)],
            "a consortium has at most one witness",
        ),
        (
            vec![agency("a", Duty::Division(11)), agency("a", Duty::Division(12))],
            "agencies[1].name: \"a\" is the name of agency 0 too",
        ),
    ] {
        let plan = Plan::new(agencies, Mode::Standard, TimeMs::new(super::TIME_MS));
        let refused = ceremony::hold(&plan, &mut ceremony::seeds_for_tests(1)).unwrap_err();
        assert!(refused.to_string().starts_with(words), "{refused}");
    }
}

#[test]
fn a_witness_validates_and_submits_nothing() {
    let mut plan = super::plan();
    plan.agencies.push(PlannedAgency { name: "见证".to_owned(), duty: Duty::Witness });
    let made = ceremony::hold(&plan, &mut ceremony::seeds_for_tests(5)).unwrap();
    let quorum = made.genesis.descriptor().quorum();
    assert_eq!((quorum.validators(), quorum.malicious_max(), quorum.votes()), (4, 1, 3));
    assert_eq!(made.genesis.submitters().len(), 9);
    assert_eq!(made.genesis.recovery_threshold(), 3);
}

fn any_document() -> impl Strategy<Value = Document> {
    let names = proptest::collection::btree_set("[a-z北京天津]{1,20}", 1..8);
    (names, any::<u64>(), TIME_MS_MIN..=TIME_MS_MAX, 1..200_u32, 1..9_u16, any::<bool>(), 0..9_u16)
        .prop_map(|(names, seed, time, rotation, lag, unanimous, extra)| {
            let agencies = (11..)
                .zip(names)
                .map(|(division, name)| PlannedAgency { name, duty: Duty::Division(division) })
                .collect();
            let mode = if unanimous { Mode::Unanimous } else { Mode::Standard };
            let mut plan = Plan::new(agencies, mode, TimeMs::new(time));
            (plan.rotation_blocks, plan.lag) = (rotation, lag);
            let made = ceremony::hold(&plan, &mut ceremony::seeds_for_tests(seed)).unwrap();
            let mut document = made.genesis.into_document();
            document.descriptor.role_table = Tag::RoleTable.hash(&seed.to_be_bytes());
            for index in 0..extra {
                let seed = Tag::OpUid.hash(&[index.to_be_bytes(), lag.to_be_bytes()].concat());
                let key = SecretKey::from_seed(seed.as_bytes()).public();
                let party = format!("party {index}");
                let (agency, role) = (AgencyIndex::new(0), SubmitterRole::Regulator);
                let record = SubmitterRecord { agency, role, party };
                document.state.push(StateEntry::submitter(&key, &record));
            }
            document.state.sort();
            document
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_document_reads_back_from_bytes_and_from_its_rendering(document in any_document()) {
        let genesis = Genesis::new(document).unwrap();
        let bytes = genesis.encode();
        prop_assert_eq!(Genesis::read(&bytes), Ok(genesis.clone()));
        prop_assert_eq!(Genesis::decode(&bytes), Ok(genesis.clone()));
        let text = genesis.to_toml();
        prop_assert_eq!(Genesis::from_toml(&text), Ok(genesis.clone()), "{}", text);
        prop_assert_ne!(genesis.chain().0, Hash::ZERO);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut tagged = b"\x12jjj/genesis-doc/v1".to_vec();
        tagged.extend_from_slice(&bytes);
        prop_assert!(Genesis::read(&tagged).is_err());
    }
}
