//! One secret key in a file, sealed with a password: Argon2id derives the key of
//! XChaCha20-Poly1305, and everything else in the file is authenticated with it.

use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use proto::codec::{DecodeError, Writer};
use proto::sign::{KeyId, PublicKey, SecretKey};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::files::{self, Access, FileError};
use crate::keys::{self, EntropyError, KeyPurpose};
use crate::limits::{KDF_LANES_MAX, KDF_MEMORY_KIB_MAX, KDF_PASSES_MAX, TEXT_BYTES_MAX};
use crate::password::Password;

/// Name and version of the file format.
const FORMAT: &str = "jjj-keystore/1";

/// Opens the authenticated bytes, so that no other use of the cipher is taken for a keystore.
const SEAL_TAG: &str = "jjj/keystore/v1";

const CIPHER: &str = "xchacha20poly1305";
const DERIVATION: &str = "argon2id";

/// Bytes of Argon2id's output: 32 are the cipher's key, 16 tell a wrong password from a damaged file.
const DERIVED_BYTES: usize = 48;

/// What a guess at the password costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for Cost {
    /// RFC 9106, section 4, second recommended option: 64 MiB, 3 passes, 4 lanes.
    fn default() -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 }
    }
}

impl Cost {
    /// The least that Argon2id takes, for tests that open many keystores.
    pub const LEAST: Self = Self { memory_kib: 8, passes: 1, lanes: 1 };
}

/// The random parts of a seal, each used once.
#[derive(Clone, Debug)]
pub struct SealRandomness {
    /// Salt of the derivation.
    pub salt: [u8; 16],
    /// Nonce of the cipher.
    pub nonce: [u8; 24],
}

impl SealRandomness {
    /// Draws new ones from the operating system.
    pub fn draw() -> Result<Self, EntropyError> {
        let mut drawn = Self { salt: [0; 16], nonce: [0; 24] };
        keys::draw(&mut drawn.salt)?;
        keys::draw(&mut drawn.nonce)?;
        Ok(drawn)
    }
}

/// A sealed key as it stands in its file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keystore {
    purpose: KeyPurpose,
    public_key: PublicKey,
    cost: Cost,
    salt: [u8; 16],
    nonce: [u8; 24],
    check: [u8; 16],
    sealed: Vec<u8>,
}

/// Why a keystore cannot be read, opened or made.
#[derive(Debug, Error)]
pub enum KeystoreError {
    /// The file itself.
    #[error("{0}")]
    File(#[from] FileError),
    /// Not the text of a keystore.
    #[error("keystore: {0}")]
    Text(#[source] Box<toml::de::Error>),
    /// A version, cipher or derivation that this software does not know.
    #[error("keystore {field}: expected {expected:?}, found {found:?}")]
    Unknown {
        /// The field.
        field: &'static str,
        /// What this software knows.
        expected: &'static str,
        /// What the file says.
        found: String,
    },
    /// A field that is not what it must be.
    #[error("keystore {field}: {rule}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// The public key is none.
    #[error("keystore public_key: {0}")]
    PublicKey(#[source] DecodeError),
    /// A key for something else.
    #[error("keystore purpose: expected {}, found {}", expected.name(), found.name())]
    Purpose {
        /// What the caller needs.
        expected: KeyPurpose,
        /// What the file holds.
        found: KeyPurpose,
    },
    /// The derivation costs more than the machine should give, or nothing.
    #[error("keystore {field}: expected {least} to {most}, found {found}")]
    Cost {
        /// The parameter.
        field: &'static str,
        /// Smallest value allowed.
        least: u32,
        /// Largest value allowed.
        most: u32,
        /// Value of the file.
        found: u32,
    },
    /// The password is not the one that sealed the key.
    #[error("wrong password for the {} key {key}", purpose.name())]
    WrongPassword {
        /// Purpose that the file names.
        purpose: KeyPurpose,
        /// Key that the file names.
        key: KeyId,
    },
    /// The password is right and the content is not what was sealed.
    #[error("the keystore of the {} key {key} was changed after it was sealed", purpose.name())]
    Changed {
        /// Purpose that the file names.
        purpose: KeyPurpose,
        /// Key that the file names.
        key: KeyId,
    },
    /// No randomness for a new seal.
    #[error("{0}")]
    Entropy(#[from] EntropyError),
}

/// The file, field by field; section 4 of the README says what each holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    format: String,
    purpose: String,
    public_key: String,
    derivation: DerivationText,
    cipher: CipherText,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DerivationText {
    name: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    check: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CipherText {
    name: String,
    nonce: String,
    sealed: String,
}

impl Keystore {
    /// Seals a key.
    pub fn seal(
        purpose: KeyPurpose,
        key: &SecretKey,
        password: &Password,
        cost: Cost,
        randomness: &SealRandomness,
    ) -> Result<Self, KeystoreError> {
        let SealRandomness { salt, nonce } = *randomness;
        let public_key = key.public();
        let (check, sealed) = ([0; 16], Vec::new());
        let mut keystore = Self { purpose, public_key, cost, salt, nonce, check, sealed };
        let derived = keystore.derive(password)?;
        keystore.check = derived.check;
        let seed = key.seed();
        let aad = keystore.authenticated();
        keystore.sealed = derived
            .cipher()
            .encrypt(&XNonce::from(nonce), Payload { msg: seed.as_slice(), aad: &aad })
            .expect("32 bytes are far below the cipher's limit");
        Ok(keystore)
    }

    /// What the key is for.
    pub fn purpose(&self) -> KeyPurpose {
        self.purpose
    }

    /// The public half, readable without the password.
    pub fn public_key(&self) -> PublicKey {
        self.public_key
    }

    /// Opens the key.
    pub fn open(&self, password: &Password) -> Result<SecretKey, KeystoreError> {
        let (purpose, key) = (self.purpose, self.public_key.id());
        let derived = self.derive(password)?;
        // Compared in plain time: the check protects nothing that the file does not show.
        if derived.check != self.check {
            return Err(KeystoreError::WrongPassword { purpose, key });
        }
        let aad = self.authenticated();
        let payload = Payload { msg: self.sealed.as_slice(), aad: &aad };
        let seed = derived
            .cipher()
            .decrypt(&XNonce::from(self.nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| KeystoreError::Changed { purpose, key })?;
        let seed: Result<&[u8; 32], _> = seed.as_slice().try_into();
        let opened = seed.map(SecretKey::from_seed).ok();
        opened
            .filter(|opened| opened.public() == self.public_key)
            .ok_or(KeystoreError::Changed { purpose, key })
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        let text = Text {
            format: FORMAT.to_owned(),
            purpose: self.purpose.name().to_owned(),
            public_key: hex::encode(self.public_key.as_bytes()),
            derivation: DerivationText {
                name: DERIVATION.to_owned(),
                memory_kib: self.cost.memory_kib,
                passes: self.cost.passes,
                lanes: self.cost.lanes,
                salt: hex::encode(self.salt),
                check: hex::encode(self.check),
            },
            cipher: CipherText {
                name: CIPHER.to_owned(),
                nonce: hex::encode(self.nonce),
                sealed: hex::encode(&self.sealed),
            },
        };
        toml::to_string(&text).expect("strings and numbers below 2^32 are TOML")
    }

    /// Reads the text of a file.
    pub fn from_text(text: &str) -> Result<Self, KeystoreError> {
        let format: FormatText =
            toml::from_str(text).map_err(|error| KeystoreError::Text(Box::new(error)))?;
        // Before the other fields: a later version may have others.
        expect("format", FORMAT, &format.format)?;
        let text: Text =
            toml::from_str(text).map_err(|error| KeystoreError::Text(Box::new(error)))?;
        expect("derivation.name", DERIVATION, &text.derivation.name)?;
        expect("cipher.name", CIPHER, &text.cipher.name)?;
        let rule = "is validator, transport, governance, platform, regulator or agency";
        let unknown = KeystoreError::Field { field: "purpose", rule };
        let public_key: [u8; 32] = fixed("public_key", &text.public_key)?;
        let DerivationText { memory_kib, passes, lanes, .. } = text.derivation;
        Ok(Self {
            purpose: KeyPurpose::from_name(&text.purpose).ok_or(unknown)?,
            public_key: PublicKey::from_bytes(&public_key).map_err(KeystoreError::PublicKey)?,
            cost: Cost { memory_kib, passes, lanes },
            salt: fixed("derivation.salt", &text.derivation.salt)?,
            nonce: fixed("cipher.nonce", &text.cipher.nonce)?,
            check: fixed("derivation.check", &text.derivation.check)?,
            sealed: fixed::<48>("cipher.sealed", &text.cipher.sealed)?.to_vec(),
        })
    }

    /// Reads a keystore file.
    pub fn read(path: &Path) -> Result<Self, KeystoreError> {
        Self::from_text(&files::read_text(path, TEXT_BYTES_MAX)?)
    }

    /// Writes the keystore's file, readable by its owner alone.
    pub fn write(&self, path: &Path) -> Result<(), KeystoreError> {
        Ok(files::write_durably(path, self.to_text().as_bytes(), Access::Owner)?)
    }

    fn derive(&self, password: &Password) -> Result<Derived, KeystoreError> {
        let Cost { memory_kib, passes, lanes } = self.cost;
        let memory_least = lanes.min(KDF_LANES_MAX).saturating_mul(8).max(8);
        for (field, least, most, found) in [
            ("derivation.memory_kib", memory_least, KDF_MEMORY_KIB_MAX, memory_kib),
            ("derivation.passes", 1, KDF_PASSES_MAX, passes),
            ("derivation.lanes", 1, KDF_LANES_MAX, lanes),
        ] {
            if !(least..=most).contains(&found) {
                return Err(KeystoreError::Cost { field, least, most, found });
            }
        }
        let params = Params::new(memory_kib, passes, lanes, Some(DERIVED_BYTES))
            .expect("checked: within Argon2id's own limits");
        let mut output = Zeroizing::new([0u8; DERIVED_BYTES]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(password.as_bytes(), &self.salt, output.as_mut_slice())
            .expect("password, salt and output have lengths that Argon2id takes");
        let (key, check) = output.split_at(32);
        Ok(Derived {
            key: Zeroizing::new(key.try_into().expect("the first 32 of 48 bytes")),
            check: check.try_into().expect("the last 16 of 48 bytes"),
        })
    }

    /// What the seal binds beside the secret: a file cannot be given another purpose or key.
    fn authenticated(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.tag(SEAL_TAG)
            .tag(self.purpose.name())
            .raw(self.public_key.as_bytes())
            .u32(self.cost.memory_kib)
            .u32(self.cost.passes)
            .u32(self.cost.lanes)
            .raw(&self.salt)
            .raw(&self.nonce)
            .raw(&self.check);
        out.into_bytes()
    }
}

/// Opens the key in `path`, which must be for `purpose`.
pub fn open(
    path: &Path,
    purpose: KeyPurpose,
    password: &Password,
) -> Result<SecretKey, KeystoreError> {
    let keystore = Keystore::read(path)?;
    let found = keystore.purpose;
    if found != purpose {
        return Err(KeystoreError::Purpose { expected: purpose, found });
    }
    keystore.open(password)
}

/// The first field alone, whatever else a version holds.
#[derive(Deserialize)]
struct FormatText {
    format: String,
}

struct Derived {
    key: Zeroizing<[u8; 32]>,
    check: [u8; 16],
}

impl Derived {
    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.key))
    }
}

fn expect(field: &'static str, expected: &'static str, found: &str) -> Result<(), KeystoreError> {
    if found == expected {
        Ok(())
    } else {
        Err(KeystoreError::Unknown { field, expected, found: found.to_owned() })
    }
}

fn fixed<const N: usize>(field: &'static str, text: &str) -> Result<[u8; N], KeystoreError> {
    let rule = "is lower-case hexadecimal of the field's fixed length";
    let bytes: Option<[u8; N]> = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.filter(|bytes| hex::encode(bytes) == text).ok_or(KeystoreError::Field { field, rule })
}
