//! The state trie's hash: a binary trie over key hashes, in which a subtree with one leaf is that leaf.
//!
//! The root is a function of the set of (key, value) alone. How nodes are stored is the ledger's
//! business; this module knows the hashes, the proof and the reference root.

use thiserror::Error;

use crate::codec::{Canonical, DecodeError, Reader, Writer};
use crate::hash::{Hash, Tag};

/// The part of the state that a key belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, std::hash::Hash, Debug)]
#[repr(u8)]
pub enum Namespace {
    /// Size and root of each subject log.
    Log = 1,
    /// Values of the system itself.
    Sys = 2,
    /// Traced units.
    Unit = 3,
    /// Identities of recorded operations.
    OpUid = 4,
    /// Submitter keys.
    Key = 5,
    /// Certificates.
    Certificate = 6,
    /// Customs declarations.
    Declaration = 7,
    /// Parties.
    Party = 8,
    /// Stations.
    Station = 9,
    /// Products.
    Product = 10,
    /// Vehicles.
    Vehicle = 11,
    /// Code schemes.
    Scheme = 12,
    /// Matches between codes.
    Match = 13,
    /// Alerts.
    Alert = 14,
    /// Incidents.
    Incident = 15,
    /// Information releases.
    Release = 16,
    /// Evaluation results.
    Evaluation = 17,
    /// Votes of agencies.
    Governance = 18,
    /// Parameters of the risk rules.
    Rule = 19,
    /// Deadlines.
    Due = 20,
    /// Shipments, by document.
    Shipment = 21,
    /// Entries of lists that are too long for their record, and of lists that no record owns.
    List = 22,
}

/// How a key of the state is authenticated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// By a proof of its own against the state root: somebody is shown it.
    Proved,
    /// With all others of its class by one hash of their set: it follows from the recorded events, and
    /// is never shown as proven.
    Working,
}

impl Namespace {
    /// Every namespace.
    pub const ALL: [Self; 22] = [
        Self::Log,
        Self::Sys,
        Self::Unit,
        Self::OpUid,
        Self::Key,
        Self::Certificate,
        Self::Declaration,
        Self::Party,
        Self::Station,
        Self::Product,
        Self::Vehicle,
        Self::Scheme,
        Self::Match,
        Self::Alert,
        Self::Incident,
        Self::Release,
        Self::Evaluation,
        Self::Governance,
        Self::Rule,
        Self::Due,
        Self::Shipment,
        Self::List,
    ];

    /// The byte of the namespace.
    #[expect(clippy::as_conversions, reason = "the discriminants are u8 by declaration")]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The namespace of a byte.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|namespace| namespace.code() == code)
    }

    /// The class of its keys.
    pub const fn class(self) -> Class {
        match self {
            Self::Log
            | Self::Sys
            | Self::Key
            | Self::Certificate
            | Self::Declaration
            | Self::Party
            | Self::Station
            | Self::Product
            | Self::Vehicle
            | Self::Scheme
            | Self::Alert
            | Self::Incident
            | Self::Release
            | Self::Evaluation
            | Self::Governance
            | Self::Rule => Class::Proved,
            Self::Unit | Self::OpUid | Self::Match | Self::Due | Self::Shipment | Self::List => {
                Class::Working
            }
        }
    }
}

/// Bytes of a key: its length stands in two bytes where it is hashed. A longer one has no path, so
/// that nothing can be proven of it.
pub const KEY_BYTES_MAX: usize = 65_535;

/// Path of a key.
///
/// # Panics
/// Where the key is longer than [`KEY_BYTES_MAX`]: whoever takes a key from a stranger checks it.
pub fn key_hash(namespace: Namespace, key: &[u8]) -> Hash {
    let mut out = Writer::default();
    out.u8(namespace.code()).bytes16(key);
    Tag::Key.hash(&out.into_bytes())
}

/// Hash of a value.
pub fn value_hash(value: &[u8]) -> Hash {
    Tag::Value.hash(value)
}

/// Leaf of a key with its value.
pub fn leaf(key_hash: &Hash, value_hash: &Hash) -> Hash {
    Tag::StateLeaf.hash_pair(key_hash, value_hash)
}

/// Inner node.
pub fn inner(left: &Hash, right: &Hash) -> Hash {
    Tag::StateNode.hash_pair(left, right)
}

/// Root over (key hash, value hash), ascending by key hash without equal ones: the reference that
/// every storage must agree with.
pub fn root(entries: &[(Hash, Hash)]) -> Hash {
    subtree(entries, 0)
}

/// Root of the entries that share their first `depth` bits.
pub fn subtree(entries: &[(Hash, Hash)], depth: usize) -> Hash {
    match entries {
        [] => Hash::ZERO,
        [(key, value)] => leaf(key, value),
        more => {
            let (left, right) = more.split_at(more.partition_point(|(key, _)| !key.bit(depth)));
            inner(&subtree(left, depth + 1), &subtree(right, depth + 1))
        }
    }
}

/// Presence or absence of one key under a root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StateProof {
    /// Siblings from the root downwards.
    pub siblings: Vec<Hash>,
    /// For an absent key whose place another leaf occupies: that leaf's key hash and value hash.
    pub other: Option<(Hash, Hash)>,
}

/// Why a state proof does not hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum StateProofError {
    /// More siblings than a key hash has bits.
    #[error("{found} siblings, a path has at most 256")]
    TooDeep {
        /// Siblings of the proof.
        found: usize,
    },
    /// Another leaf was shown beside a value.
    #[error("a present key needs no other leaf")]
    OtherBesidePresent,
    /// The other leaf does not stand on the path of the key.
    #[error("the other leaf does not stand on the path of the key")]
    OtherElsewhere,
    /// The siblings lead to another root.
    #[error("the siblings lead to another root")]
    Root,
    /// A key that no state can have: its length does not fit two bytes.
    #[error("the key has {found} bytes, a state has keys of at most 65535")]
    KeyTooLong {
        /// Bytes of the key.
        found: usize,
    },
}

impl StateProof {
    /// Checks that `key` has `value` (or is absent, for `None`) under `expected`.
    pub fn verify(
        &self,
        namespace: Namespace,
        key: &[u8],
        value: Option<&[u8]>,
        expected: &Hash,
    ) -> Result<(), StateProofError> {
        if self.siblings.len() > 256 {
            return Err(StateProofError::TooDeep { found: self.siblings.len() });
        }
        if key.len() > KEY_BYTES_MAX {
            return Err(StateProofError::KeyTooLong { found: key.len() });
        }
        let path = key_hash(namespace, key);
        let end = match (value, &self.other) {
            (Some(value), None) => leaf(&path, &value_hash(value)),
            (Some(_), Some(_)) => return Err(StateProofError::OtherBesidePresent),
            (None, None) => Hash::ZERO,
            (None, Some((other, other_value))) => {
                let shares = (0..self.siblings.len()).all(|at| other.bit(at) == path.bit(at));
                if *other == path || !shares {
                    return Err(StateProofError::OtherElsewhere);
                }
                leaf(other, other_value)
            }
        };
        let found =
            self.siblings.iter().enumerate().rev().fold(end, |current, (depth, sibling)| {
                if path.bit(depth) { inner(sibling, &current) } else { inner(&current, sibling) }
            });
        if found == *expected { Ok(()) } else { Err(StateProofError::Root) }
    }
}

impl Canonical for StateProof {
    fn encode_to(&self, out: &mut Writer) {
        out.list16(&self.siblings);
        match &self.other {
            None => out.u8(0),
            Some((key, value)) => out.u8(1).hash(key).hash(value),
        };
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let siblings = input.list16("siblings", 256)?;
        let other = match input.u8("other leaf")? {
            0 => None,
            1 => Some((input.hash("other key")?, input.hash("other value")?)),
            _ => return Err(DecodeError::Invalid { field: "other leaf", rule: "is 0 or 1" }),
        };
        Ok(Self { siblings, other })
    }
}
