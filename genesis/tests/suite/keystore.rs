//! Keystores: opened by their password alone, and only as they were sealed.

use std::fs;

use genesis::keys::KeyPurpose;
use genesis::keystore::{self, Cost, Keystore, KeystoreError, SealRandomness};
use genesis::password::{Password, PasswordError};
use proptest::prelude::*;
use proto::sign::SecretKey;
use proto::submitter::SubmitterRole;

use super::password;

fn key() -> SecretKey {
    SecretKey::from_seed(&[9; 32])
}

fn sealed(purpose: KeyPurpose) -> Keystore {
    let randomness = SealRandomness { salt: [3; 16], nonce: [5; 24] };
    Keystore::seal(purpose, &key(), &password("correct horse"), Cost::LEAST, &randomness).unwrap()
}

#[test]
fn a_key_opens_with_its_password_for_each_purpose() {
    for purpose in KeyPurpose::ALL {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.key");
        sealed(purpose).write(&path).unwrap();
        let opened = keystore::open(&path, purpose, &password("correct horse")).unwrap();
        assert_eq!(opened.public(), key().public(), "{}", purpose.name());
        assert_eq!(KeyPurpose::from_name(purpose.name()), Some(purpose));
        assert_eq!(Keystore::read(&path).unwrap().public_key(), key().public());
    }
}

#[test]
fn the_default_cost_opens_too() {
    let randomness = SealRandomness::draw().unwrap();
    let (purpose, word) = (KeyPurpose::Validator, password("correct horse"));
    let keystore = Keystore::seal(purpose, &key(), &word, Cost::default(), &randomness).unwrap();
    let read = Keystore::from_text(&keystore.to_text()).unwrap();
    assert_eq!(read.open(&word).unwrap().public(), key().public());
}

#[test]
fn a_wrong_password_is_called_one() {
    let keystore = sealed(KeyPurpose::Validator);
    for wrong in ["correct hors", "correct horse ", "Correct horse", "x"] {
        let error = keystore.open(&password(wrong)).unwrap_err();
        assert!(matches!(error, KeystoreError::WrongPassword { .. }), "{wrong:?}: {error}");
        let expected = format!("wrong password for the validator key {}", key().public());
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_key_for_another_purpose_is_refused_before_the_password_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("validator.key");
    sealed(KeyPurpose::Submitter(SubmitterRole::Platform)).write(&path).unwrap();
    let error = keystore::open(&path, KeyPurpose::Validator, &password("wrong")).unwrap_err();
    assert_eq!(error.to_string(), "keystore purpose: expected validator, found platform");
}

#[test]
fn the_text_keeps_its_form() {
    expect_test::expect_file!["../golden/keystore.toml"]
        .assert_eq(&sealed(KeyPurpose::Validator).to_text());
}

#[test]
fn every_change_of_the_file_is_refused() {
    let text = sealed(KeyPurpose::Validator).to_text();
    let other = SecretKey::from_seed(&[1; 32]).public().to_string();
    let own = key().public().to_string();
    for (from, to, words) in [
        ("jjj-keystore/1", "jjj-keystore/2", "format: expected \"jjj-keystore/1\", found"),
        ("\"validator\"", "\"transport\"", "was changed after it was sealed"),
        ("\"validator\"", "\"admin\"", "purpose: is validator, transport"),
        (&own, &other, "was changed after it was sealed"),
        (&own, "00", "public_key: is lower-case"),
        ("argon2id", "scrypt", "derivation.name: expected \"argon2id\", found \"scrypt\""),
        ("xchacha20poly1305", "none", "cipher.name: expected \"xchacha20poly1305\""),
        ("memory_kib = 8", "memory_kib = 9", "wrong password"),
        ("memory_kib = 8", "memory_kib = 7", "derivation.memory_kib: expected 8 to"),
        ("memory_kib = 8", "memory_kib = 4294967295", "derivation.memory_kib: expected 8 to"),
        ("passes = 1", "passes = 0", "derivation.passes: expected 1 to 64, found 0"),
        ("passes = 1", "passes = 1000000", "derivation.passes: expected 1 to 64"),
        ("lanes = 1", "lanes = 0", "derivation.lanes: expected 1 to 64, found 0"),
        ("lanes = 1", "lanes = 2", "derivation.memory_kib: expected 16 to"),
        ("salt = \"03", "salt = \"04", "wrong password"),
        ("check = \"", "check = \"x", "derivation.check: is lower-case"),
        ("nonce = \"05", "nonce = \"06", "was changed after it was sealed"),
        ("nonce = \"05", "nonce = \"0505", "cipher.nonce: is lower-case"),
        ("sealed = \"", "sealed = \"00", "cipher.sealed: is lower-case"),
        ("[cipher]", "[cipher]\nextra = 1", "unknown field `extra`"),
        ("[derivation]", "[other]", "unknown field `other`"),
    ] {
        assert!(text.contains(from), "the case {from:?} no longer fits the file");
        let changed = text.replacen(from, to, 1);
        let refused = Keystore::from_text(&changed)
            .and_then(|keystore| keystore.open(&password("correct horse")).map(drop))
            .expect_err(to)
            .to_string();
        assert!(refused.contains(words), "{from:?} -> {to:?}: {refused}");
    }
}

#[test]
fn text_that_is_no_keystore_is_refused() {
    for text in ["", "format = 1", "{}", "format = \"jjj-keystore/1\""] {
        assert!(matches!(Keystore::from_text(text), Err(KeystoreError::Text(_))), "{text:?}");
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_a_keystore() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("validator.key");
    fs::write(&path, "left by somebody, readable by all").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    sealed(KeyPurpose::Validator).write(&path).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "no temporary file is left");
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nowhere").join("validator.key");
    let error = Keystore::read(&path).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}: cannot open: ", path.display())), "{error}");
    let error = sealed(KeyPurpose::Validator).write(&path).unwrap_err().to_string();
    assert!(error.contains("cannot create"), "{error}");
}

#[test]
fn secrets_are_never_printed() {
    let secret = hex::encode(*key().seed());
    let keystore = sealed(KeyPurpose::Validator);
    for text in
        [format!("{:?}", password("correct horse")), format!("{keystore:?}"), keystore.to_text()]
    {
        assert!(!text.contains("correct horse") && !text.contains(&secret), "{text}");
    }
}

#[test]
fn a_password_is_the_first_line_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    for (content, expected) in [
        ("secret", Ok("secret")),
        ("secret\n", Ok("secret")),
        ("secret\r\nsecond line\n", Ok("secret")),
        (" two words ", Ok(" two words ")),
        ("口令很长\n", Ok("口令很长")),
        ("", Err("the first line must hold the password")),
        ("\nsecret", Err("the first line must hold the password")),
    ] {
        fs::write(&path, content).unwrap();
        match (Password::from_file(&path), expected) {
            (Ok(read), Ok(word)) => assert_eq!(read.as_bytes(), word.as_bytes(), "{content:?}"),
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
            (read, _) => panic!("{content:?}: {read:?}"),
        }
    }
    fs::write(&path, "x".repeat(1025)).unwrap();
    let error = Password::from_file(&path).unwrap_err();
    assert!(matches!(error, PasswordError::TooLong { found: 1025 }), "{error}");
    fs::write(&path, [0x70, 0xff]).unwrap();
    let error = Password::from_file(&path).unwrap_err().to_string();
    assert!(error.ends_with("byte 1 is not UTF-8"), "{error}");
    fs::write(&path, "x".repeat(100_000)).unwrap();
    assert!(Password::from_file(&path).unwrap_err().to_string().contains("expected at most"));
}

#[test]
fn new_keys_want_eight_characters() {
    assert!(password("七个字的密码啊").check_strength().is_err(), "seven characters");
    assert!(password("八个字的密码可以").check_strength().is_ok(), "eight characters");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_seed_and_password_open_again(seed: [u8; 32], word in "\\PC{1,40}", salt: [u8; 16], nonce: [u8; 24]) {
        let key = SecretKey::from_seed(&seed);
        let randomness = SealRandomness { salt, nonce };
        let sealed = Keystore::seal(KeyPurpose::Governance, &key, &password(&word), Cost::LEAST, &randomness);
        let read = Keystore::from_text(&sealed.unwrap().to_text()).unwrap();
        prop_assert_eq!(read.open(&password(&word)).unwrap().public(), key.public());
        let longer = password(&(word + "x"));
        prop_assert!(read.open(&longer).is_err());
    }
}
