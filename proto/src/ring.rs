//! The ring of proved keys: an append-only log of leaves that together say what each key's value is.
//!
//! Every key has one active leaf, which names the key that follows it; so presence and absence are
//! shown by the same proof. How leaves are stored is the ledger's business; this module knows the
//! hashes, the proof and a reference ring.

mod reference;

use thiserror::Error;

pub use self::reference::Ring;
use crate::codec::{Canonical, DecodeError, Reader, Writer};
use crate::hash::{Hash, Tag};
use crate::namespace::Namespace;
use crate::tree::{self, TreeError};

/// Leaves of a twig: 64 KiB of hashes, which a proof reads and hashes in well under a millisecond.
pub const TWIG_LEAVES: u64 = 2_048;

/// Bytes of a twig's bits, one bit for each leaf.
pub const TWIG_BITS_BYTES: usize = 256;

/// Which leaves of a twig are active: bit 0 is the most significant of the first byte.
pub type TwigBits = [u8; TWIG_BITS_BYTES];

/// The key that stands before every other and follows the last: no namespace has the byte 0.
pub const SENTINEL: &[u8] = &[0];

/// Bytes of a key with its namespace: its length stands in two bytes where it is hashed. Nothing can
/// be proven of a longer one.
pub const STATE_KEY_BYTES_MAX: usize = 65_535;

/// Siblings of a leaf in its twig: 2 to the 11th is 2,048.
const LEAF_PATH_MAX: u16 = 11;

/// Siblings of a twig: 2^53 twigs hold 2^64 leaves.
const TWIG_PATH_MAX: u16 = 53;

/// A key with its namespace, as the ring orders it.
pub fn state_key(namespace: Namespace, key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + key.len());
    out.push(namespace.code());
    out.extend_from_slice(key);
    out
}

/// Hash of a value.
pub fn value_hash(value: &[u8]) -> Hash {
    Tag::Value.hash(value)
}

/// Leaf of a key, the hash of its value, and the key that follows. The sentinel's value is 32 zero
/// bytes, which no value hashes to.
///
/// # Panics
/// Where a key is longer than [`STATE_KEY_BYTES_MAX`]: whoever takes a key from a stranger checks it.
pub fn leaf(key: &[u8], value: &Hash, next: &[u8]) -> Hash {
    let length = |key: &[u8]| {
        u16::try_from(key.len()).expect("a key of the state has at most 65,535 bytes").to_be_bytes()
    };
    Tag::RingLeaf.hash_parts(&[&length(key), key, value.as_bytes(), &length(next), next])
}

/// Root of a twig.
pub fn twig(leaves_root: &Hash, bits: &TwigBits) -> Hash {
    Tag::Twig.hash_pair(leaves_root, &Tag::TwigBits.hash(bits))
}

/// Root of the state: the number of leaves ever appended, and the root over the twigs.
pub fn root(size: u64, twigs_root: &Hash) -> Hash {
    let mut out = Writer::default();
    out.u64(size).hash(twigs_root);
    Tag::Ring.hash(&out.into_bytes())
}

/// Whether a leaf's bit is set.
pub fn is_active(bits: &TwigBits, position: u64) -> bool {
    let (byte, mask) = place_of_bit(position);
    bits.get(byte).is_some_and(|byte| byte & mask != 0)
}

/// Sets a leaf's bit.
pub fn activate(bits: &mut TwigBits, position: u64) {
    let (byte, mask) = place_of_bit(position);
    if let Some(byte) = bits.get_mut(byte) {
        *byte |= mask;
    }
}

/// Clears a leaf's bit.
pub fn retire(bits: &mut TwigBits, position: u64) {
    let (byte, mask) = place_of_bit(position);
    if let Some(byte) = bits.get_mut(byte) {
        *byte &= !mask;
    }
}

/// The byte of a leaf's bit in the bits of its twig, and the bit in it.
fn place_of_bit(position: u64) -> (usize, u8) {
    let index = usize::try_from(position % TWIG_LEAVES).expect("a twig has 2,048 leaves");
    (index / 8, 0x80 >> (index % 8))
}

/// Whether a leaf of `key` with `next` says that there is no key `asked`, which lies between them.
pub fn encloses(key: &[u8], next: &[u8], asked: &[u8]) -> bool {
    key < asked && (asked < next || next == SENTINEL)
}

/// Presence or absence of one key under a root: an active leaf, of the key or of the one before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StateProof {
    /// Leaves of the ring.
    pub size: u64,
    /// Position of the leaf.
    pub position: u64,
    /// Key of the leaf, with its namespace.
    pub key: Vec<u8>,
    /// Hash of its value.
    pub value: Hash,
    /// The key that follows.
    pub next: Vec<u8>,
    /// Siblings of the leaf in its twig, nearest first.
    pub leaf_path: Vec<Hash>,
    /// Which leaves of the twig are active.
    pub bits: Box<TwigBits>,
    /// Siblings of the twig, nearest first.
    pub twig_path: Vec<Hash>,
}

/// Why a state proof does not hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum StateProofError {
    /// A key that no state can have: its length does not fit two bytes.
    #[error("the key has {found} bytes, a state has keys of at most 65534")]
    KeyTooLong {
        /// Bytes of the key.
        found: usize,
    },
    /// The leaf stands outside the ring.
    #[error("leaf {position} is outside a ring of {size} leaves")]
    Outside {
        /// Position of the leaf.
        position: u64,
        /// Leaves of the ring.
        size: u64,
    },
    /// The leaf was replaced.
    #[error("leaf {position} is not active")]
    Inactive {
        /// Position of the leaf.
        position: u64,
    },
    /// The leaf of another key was shown beside a value.
    #[error("the leaf is not that of the key")]
    OtherKey,
    /// The leaf has another value.
    #[error("the leaf has another value")]
    OtherValue,
    /// The leaf and the key that follows it do not enclose the key that is to be absent.
    #[error("the key does not lie between the leaf's key and the next")]
    NotEnclosed,
    /// A path does not have the shape of its tree.
    #[error(transparent)]
    Path(TreeError),
    /// The paths lead to another root.
    #[error("the paths lead to another root")]
    Root,
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
        if key.len() >= STATE_KEY_BYTES_MAX {
            return Err(StateProofError::KeyTooLong { found: key.len() });
        }
        let asked = state_key(namespace, key);
        match value {
            Some(_) if self.key != asked => return Err(StateProofError::OtherKey),
            Some(value) if self.value != value_hash(value) => {
                return Err(StateProofError::OtherValue);
            }
            None if !encloses(&self.key, &self.next, &asked) => {
                return Err(StateProofError::NotEnclosed);
            }
            Some(_) | None => (), // the leaf answers the question; whether it is in the ring is next
        }
        if self.root()? == *expected { Ok(()) } else { Err(StateProofError::Root) }
    }

    /// The root of the state that the proof is of, if it is one.
    pub fn root(&self) -> Result<Hash, StateProofError> {
        let Self { size, position, .. } = *self;
        if position >= size {
            return Err(StateProofError::Outside { position, size });
        }
        for key in [&self.key, &self.next] {
            if key.len() > STATE_KEY_BYTES_MAX {
                return Err(StateProofError::KeyTooLong { found: key.len() });
            }
        }
        if !is_active(&self.bits, position) {
            return Err(StateProofError::Inactive { position });
        }
        let index = position / TWIG_LEAVES;
        let leaves = (size - index * TWIG_LEAVES).min(TWIG_LEAVES);
        let leaf = leaf(&self.key, &self.value, &self.next);
        let leaves_root =
            tree::root_by_path(&leaf, position % TWIG_LEAVES, leaves, &self.leaf_path)
                .map_err(StateProofError::Path)?;
        let twig = twig(&leaves_root, &self.bits);
        let twigs = size.div_ceil(TWIG_LEAVES);
        let twigs_root = tree::root_by_path(&twig, index, twigs, &self.twig_path)
            .map_err(StateProofError::Path)?;
        Ok(root(size, &twigs_root))
    }
}

impl Canonical for StateProof {
    fn encode_to(&self, out: &mut Writer) {
        out.u64(self.size).u64(self.position);
        out.bytes16(&self.key).hash(&self.value).bytes16(&self.next);
        out.list16(&self.leaf_path).raw(self.bits.as_slice()).list16(&self.twig_path);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            size: input.u64("size")?,
            position: input.u64("position")?,
            key: input.bytes16("key", u16::MAX)?.to_vec(),
            value: input.hash("value")?,
            next: input.bytes16("next key", u16::MAX)?.to_vec(),
            leaf_path: input.list16("leaf path", LEAF_PATH_MAX)?,
            bits: Box::new(input.array("bits")?),
            twig_path: input.list16("twig path", TWIG_PATH_MAX)?,
        })
    }
}
