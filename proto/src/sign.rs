//! Ed25519 (RFC 8032) with one verification function for the whole house.
//!
//! Strict: S < L, A and R canonical and not of small order, no cofactor. Signatures are never
//! verified in batches, whose verdict on a malicious R depends on what else is in the batch.

use std::fmt;

use ed25519_dalek::Signer as _;
use thiserror::Error;

use crate::codec::{Canonical, DecodeError, Reader, Writer};

/// The only signature algorithm of suite 0.
pub const ALGORITHM_ED25519: u8 = 1;

/// A signature that does not hold, without saying why: the reason would help nobody but a forger.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the signature does not verify under {key}")]
pub struct BadSignature {
    /// Key that was expected to have signed.
    pub key: KeyId,
}

/// The bytes of a public key, to name it by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, std::hash::Hash)]
pub struct KeyId([u8; 32]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A verification key, checked for canonical form and order when it was decoded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

impl PublicKey {
    /// A key read from outside; refuses encodings that are not canonical and points of small order.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let invalid = |rule| DecodeError::Invalid { field: "public key", rule };
        let array: &[u8; 32] =
            bytes.try_into().map_err(|_| invalid("an Ed25519 key has 32 bytes"))?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(array)
            .map_err(|_| invalid("is not a point of the curve"))?;
        if key.is_weak() {
            return Err(invalid("is a point of small order"));
        }
        if key.to_edwards().compress().as_bytes() != array {
            return Err(invalid("is not in canonical form"));
        }
        Ok(Self(key))
    }

    /// The 32 bytes of the key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The key's bytes, to name it by.
    pub fn id(&self) -> KeyId {
        KeyId(*self.as_bytes())
    }

    /// The one verification function: strict, over the plain pre-image.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0.verify_strict(message, &signature).map_err(|_| BadSignature { key: self.id() })
    }
}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl std::hash::Hash for PublicKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.id(), f)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Algorithm, length and bytes, as keys stand in every format.
impl Canonical for PublicKey {
    fn encode_to(&self, out: &mut Writer) {
        out.u8(ALGORITHM_ED25519).bytes16(self.as_bytes());
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if input.u8("key algorithm")? != ALGORITHM_ED25519 {
            return Err(DecodeError::Invalid {
                field: "key algorithm",
                rule: "suite 0 knows only 1, Ed25519",
            });
        }
        Self::from_bytes(input.bytes16("public key", 32)?)
    }
}

/// A signing key; wiped from memory when dropped, never printed.
pub struct SecretKey(ed25519_dalek::SigningKey);

impl SecretKey {
    /// The key with this seed. The caller draws the seed; this crate knows no randomness.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The seed, to be sealed in a keystore.
    pub fn seed(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.0.to_bytes())
    }

    /// The key that verifies what this one signs.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs the plain pre-image.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey of {:?}", self.public())
    }
}

/// A 64-byte signature, not yet verified.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, std::hash::Hash)]
pub struct Signature([u8; 64]);

impl Signature {
    /// A signature read from outside.
    pub const fn new(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The 64 bytes.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Length and bytes, as signatures stand in every format.
impl Canonical for Signature {
    fn encode_to(&self, out: &mut Writer) {
        out.bytes16(&self.0);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bytes = input.bytes16("signature", 64)?;
        let array = bytes.try_into().map_err(|_| DecodeError::Invalid {
            field: "signature",
            rule: "an Ed25519 signature has 64 bytes",
        })?;
        Ok(Self(array))
    }
}
