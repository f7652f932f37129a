//! The one verification function and the key decoder at the edges that implementations differ on.

use proto::codec::{Canonical, DecodeError};
use proto::sign::{PublicKey, SecretKey, Signature};

use super::sample;

/// The eight points of small order in canonical form (torsion subgroup of the curve).
pub(super) const SMALL_ORDER: [&str; 8] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];

/// Encodings with y >= p, or with a sign bit where x = 0; the last three are points of
/// large order.
pub(super) const NOT_CANONICAL: [&str; 9] = [
    "0100000000000000000000000000000000000000000000000000000000000080",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "f1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// The order of the base point, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text).expect("hexadecimal")
}

/// S + L: the same scalar modulo the order, encoded a second time.
pub(super) fn with_second_s(signature: &Signature) -> Signature {
    let mut bytes = *signature.as_bytes();
    let mut carry = 0u16;
    for (byte, addend) in bytes[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(addend) + carry;
        *byte = u8::try_from(sum & 0xff).expect("masked");
        carry = sum >> 8;
    }
    assert_eq!(carry, 0, "S + L stays below 2^256");
    Signature::new(bytes)
}

#[test]
fn rfc_8032_vectors_hold() {
    for (seed, public, message, signature) in [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ] {
        let key = SecretKey::from_seed(&unhex(seed).try_into().expect("32 bytes"));
        assert_eq!(key.public().to_string(), public);
        let message = unhex(message);
        let signed = key.sign(&message);
        assert_eq!(hex::encode(signed.as_bytes()), signature);
        assert!(key.public().verify(&message, &signed).is_ok());
        assert!(key.public().verify(b"another", &signed).is_err());
        assert!(sample::key(1).public().verify(&message, &signed).is_err(), "another key");
    }
}

#[test]
fn keys_of_small_order_and_in_second_forms_are_refused_where_they_are_decoded() {
    for text in SMALL_ORDER {
        let found = PublicKey::from_bytes(&unhex(text));
        let rule = "is a point of small order";
        assert_eq!(found, Err(DecodeError::Invalid { field: "public key", rule }), "{text}");
    }
    for text in NOT_CANONICAL {
        assert!(PublicKey::from_bytes(&unhex(text)).is_err(), "{text}");
    }
    for length in [0, 31, 33, 64] {
        assert!(PublicKey::from_bytes(&vec![9; length]).is_err(), "{length} bytes");
    }
}

#[test]
fn a_key_of_another_algorithm_is_refused() {
    let mut bytes = sample::key(1).public().encode();
    for algorithm in [0, 2, 255] {
        bytes[0] = algorithm;
        assert!(PublicKey::decode(&bytes).is_err(), "algorithm {algorithm}");
    }
}

#[test]
fn a_second_s_for_the_same_signature_is_refused() {
    let key = sample::key(2);
    for message in [&b"first"[..], b"second", b"third"] {
        let signature = key.sign(message);
        assert!(key.public().verify(message, &signature).is_ok());
        assert!(key.public().verify(message, &with_second_s(&signature)).is_err());
    }
}

#[test]
fn an_r_of_small_order_or_in_a_second_form_is_refused() {
    let key = sample::key(3);
    for text in SMALL_ORDER.iter().chain(&NOT_CANONICAL) {
        let mut bytes = *key.sign(b"message").as_bytes();
        bytes[..32].copy_from_slice(&unhex(text));
        assert!(key.public().verify(b"message", &Signature::new(bytes)).is_err(), "R = {text}");
        bytes[32..].fill(0);
        assert!(key.public().verify(b"message", &Signature::new(bytes)).is_err(), "S = 0, {text}");
    }
}

#[test]
fn any_flipped_bit_of_a_signature_is_noticed() {
    let key = sample::key(4);
    let signature = key.sign(b"message");
    for bit in 0..512 {
        let mut bytes = *signature.as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(key.public().verify(b"message", &Signature::new(bytes)).is_err(), "bit {bit}");
    }
}

#[test]
fn a_secret_key_does_not_print_itself() {
    let key = SecretKey::from_seed(&[0xab; 32]);
    assert!(!format!("{key:?}").contains("abab"), "the debug form names the public key only");
    assert_eq!(*key.seed(), [0xab; 32]);
}
