//! The file of what a verifier already trusts, beside the genesis hash: JSON, strict.

use proto::hash::Hash;
use proto::sign::PublicKey;
use serde::Deserialize;
use thiserror::Error;

use crate::demand::{Options, PinnedCheckpoint, Witnesses};

/// Why a trust file is refused.
#[derive(Debug, Error)]
pub enum TrustFileError {
    /// Not the JSON of a trust file.
    #[error("not the JSON of a pin file")]
    Json(#[source] serde_json::Error),
    /// A digest that is not 64 hexadecimal digits.
    #[error("{field}: expected 64 hexadecimal digits, found {found:?}")]
    Digest {
        /// The field.
        field: &'static str,
        /// What stands there.
        found: String,
    },
    /// A key that is none.
    #[error("witnesses.keys: {found:?} is not an Ed25519 key")]
    Key {
        /// What stands there.
        found: String,
    },
    /// More witnesses demanded than are named, or none.
    #[error("witnesses.needed is {needed}, expected 1 to {keys}, the number of keys")]
    Needed {
        /// Number demanded.
        needed: usize,
        /// Keys named.
        keys: usize,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    pins: Vec<RawPin>,
    #[serde(default)]
    handoffs: Vec<String>,
    #[serde(default)]
    witnesses: Option<RawWitnesses>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPin {
    size: u64,
    root: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWitnesses {
    needed: usize,
    keys: Vec<String>,
}

/// Pinned checkpoints, known hand-offs and trusted witnesses.
///
/// ```
/// let text = format!(r#"{{ "pins": [ {{ "size": 7, "root": "{}" }} ] }}"#, "ab".repeat(32));
/// let options = verify::TrustFile::parse(&text)?.into_options();
/// assert_eq!(options.pins.len(), 1);
/// # Ok::<(), verify::TrustFileError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrustFile {
    pins: Vec<PinnedCheckpoint>,
    handoffs: Vec<Hash>,
    witnesses: Witnesses,
}

impl TrustFile {
    /// Reads the file's text.
    pub fn parse(text: &str) -> Result<Self, TrustFileError> {
        let raw: Raw = serde_json::from_str(text).map_err(TrustFileError::Json)?;
        let pins: Result<Vec<_>, _> = raw
            .pins
            .iter()
            .map(|pin| Ok(PinnedCheckpoint { size: pin.size, root: digest("root", &pin.root)? }))
            .collect();
        let handoffs: Result<Vec<_>, _> =
            raw.handoffs.iter().map(|text| digest("handoffs", text)).collect();
        let witnesses = match raw.witnesses {
            None => Witnesses::default(),
            Some(named) => {
                let keys: Result<Vec<_>, _> = named.keys.iter().map(|text| key(text)).collect();
                let mut keys = keys?;
                keys.sort();
                keys.dedup();
                let needed = named.needed;
                if needed == 0 || needed > keys.len() {
                    return Err(TrustFileError::Needed { needed, keys: keys.len() });
                }
                Witnesses { keys, needed }
            }
        };
        Ok(Self { pins: pins?, handoffs: handoffs?, witnesses })
    }

    /// The demands that follow from the file; age, height and level are the caller's.
    pub fn into_options(self) -> Options {
        Options {
            pins: self.pins,
            handoff_pins: self.handoffs,
            witnesses: self.witnesses,
            ..Options::default()
        }
    }
}

fn digest(field: &'static str, text: &str) -> Result<Hash, TrustFileError> {
    let unreadable = || TrustFileError::Digest { field, found: text.to_owned() };
    Hash::from_hex(text).ok_or_else(unreadable)
}

fn key(text: &str) -> Result<PublicKey, TrustFileError> {
    let unreadable = || TrustFileError::Key { found: text.to_owned() };
    let bytes = hex::decode(text).map_err(|_| unreadable())?;
    PublicKey::from_bytes(&bytes).map_err(|_| unreadable())
}
