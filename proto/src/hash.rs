//! Domain-separated hashing: suite 0 is BLAKE3-256 in `derive_key` mode, the tag is the context.
//!
//! A tag is never a prefix of the input, so a tree node (64 bytes) is one compression.

use std::fmt;
use std::sync::LazyLock;

// Hidden in the documentation of the crate, whose exact version the lock file names: BLAKE3 itself
// hashes its chunks by it. `hash_many_agrees_with_one_hash_after_the_other` holds it to `hash`.
use blake3::IncrementCounter;
use blake3::platform::Platform;

/// Cipher suite 0: BLAKE3-256 in `derive_key` mode and Ed25519 (RFC 8032), strictly verified.
pub const SUITE: u8 = 0;

/// A 32-byte digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, std::hash::Hash, Default)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The all-zero digest: an empty state, "none" where a format says so.
    pub const ZERO: Self = Self([0; 32]);

    /// A digest read from outside.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Parses 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let bytes = hex::decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a tag's context string is turned into, once.
struct Keyed {
    hasher: blake3::Hasher,
    words: [u32; 8],
}

impl Keyed {
    fn new(text: &str) -> Self {
        let key = blake3::hazmat::hash_derive_key_context(text);
        let mut words = [0; 8];
        for (word, bytes) in words.iter_mut().zip(key.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        Self { hasher: blake3::Hasher::new_derive_key(text), words }
    }
}

macro_rules! tags {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// What is being hashed. Each tag is its own hash function.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Tag { $($(#[$doc])* $variant,)* }

        impl Tag {
            /// Every tag, for vectors.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The context string of `derive_key`.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            fn keyed(self) -> &'static Keyed {
                match self {
                    $(Self::$variant => {
                        static KEYED: LazyLock<Keyed> = LazyLock::new(|| Keyed::new($text));
                        &KEYED
                    })*
                }
            }
        }
    };
}

tags! {
    /// Inner node of an RFC 9162 tree.
    Node = "jjj/node/v1",
    /// Root of a tree without leaves.
    Empty = "jjj/empty/v1",
    /// Leaf of an operation tree.
    Op = "jjj/op/v1",
    /// Leaf of a transaction tree.
    Tx = "jjj/tx/v1",
    /// Leaf of an evidence tree.
    Evidence = "jjj/evidence/v1",
    /// Leaf of a receipt tree.
    Receipt = "jjj/receipt/v1",
    /// Leaf of the history tree.
    History = "jjj/history/v1",
    /// Leaf of a subject log.
    Log = "jjj/log/v1",
    /// Leaf of a subject's directory of days.
    LogDirectory = "jjj/logdir/v1",
    /// Leaf that stands for a SYSTEM step in place of an operation.
    Step = "jjj/step/v1",
    /// Key of an entry, as it is spread over the pages of a set.
    Key = "jjj/key/v1",
    /// Value of a proved key.
    Value = "jjj/value/v1",
    /// Leaf of the ring of proved keys.
    RingLeaf = "jjj/ring-leaf/v1",
    /// Which leaves of a twig are active.
    TwigBits = "jjj/twig-bits/v1",
    /// A twig: the root over its leaves and the digest of its bits.
    Twig = "jjj/twig/v1",
    /// The state root: the size of the ring and the root over its twigs.
    Ring = "jjj/ring/v1",
    /// A row of the working state.
    WorkingRow = "jjj/working-row/v1",
    /// The sum over all rows of the working state.
    Working = "jjj/working/v1",
    /// A row as a store keeps it, for its checksum; never sent.
    StoredRow = "jjj/stored-row/v1",
    /// The genesis document: its hash is the chain id.
    Genesis = "jjj/genesis/v1",
    /// An epoch descriptor on its chain.
    Epoch = "jjj/epoch/v1",
    /// A block header.
    Block = "jjj/block/v1",
    /// A transaction header.
    TxId = "jjj/txid/v1",
    /// The links of a receipt.
    Links = "jjj/links/v1",
    /// The alerts of a receipt.
    Alerts = "jjj/alerts/v1",
    /// The view changes that justify a new view.
    Justification = "jjj/just/v1",
    /// A hand-off from one epoch to the next.
    Handoff = "jjj/handoff/v1",
    /// The role table that links are derived by.
    RoleTable = "jjj/role-table/v1",
    /// A commitment to a record that stays off the ledger.
    Commitment = "jjj/commitment/v1",
    /// Identity of an operation, derived from its source's own identity.
    OpUid = "jjj/op-uid/v1",
    /// Salt of an operation, derived from a secret of the submitter.
    OpSalt = "jjj/op-salt/v1",
    /// The bytes under a vote's signature, as the safety record remembers them; never sent.
    Signed = "jjj/signed/v1",
}

impl Tag {
    /// The digest of `bytes` under this tag.
    pub fn hash(self, bytes: &[u8]) -> Hash {
        let mut hasher = self.keyed().hasher.clone();
        hasher.update(bytes);
        Hash(*hasher.finalize().as_bytes())
    }

    /// The digest of the parts one after the other, without putting them together first.
    pub fn hash_parts(self, parts: &[&[u8]]) -> Hash {
        let mut hasher = self.keyed().hasher.clone();
        for part in parts {
            hasher.update(part);
        }
        Hash(*hasher.finalize().as_bytes())
    }

    /// The digest of `left || right` under this tag.
    pub fn hash_pair(self, left: &Hash, right: &Hash) -> Hash {
        let mut joined = [0u8; 64];
        let (head, tail) = joined.split_at_mut(32);
        head.copy_from_slice(&left.0);
        tail.copy_from_slice(&right.0);
        self.hash(&joined)
    }

    /// The digests of independent messages of one length, appended to `out`: as [`Self::hash`] of
    /// each, and several times faster, for as many are hashed at once as the processor has lanes.
    ///
    /// A message is whole blocks of 64 bytes and at most one chunk of BLAKE3, 1,024 bytes.
    pub fn hash_many<const N: usize>(self, messages: &[&[u8; N]], out: &mut Vec<Hash>) {
        const {
            assert!(N > 0 && N.is_multiple_of(64) && N <= 1024, "whole blocks of one chunk");
        }
        let words = &self.keyed().words;
        let mut digests = [[0u8; 32]; LANES_MAX];
        out.reserve(messages.len());
        for part in messages.chunks(LANES_MAX) {
            PLATFORM.hash_many(
                part,
                words,
                0,
                IncrementCounter::No,
                DERIVE_KEY_MATERIAL,
                CHUNK_START,
                CHUNK_END | ROOT,
                digests.as_flattened_mut(),
            );
            out.extend(digests.iter().take(part.len()).map(|digest| Hash(*digest)));
        }
    }

    /// The digests of neighbours: of the first and the second, the third and the fourth, and so on,
    /// appended to `out`. The last of an odd number has no neighbour and is left out.
    pub fn hash_neighbours(self, hashes: &[Hash], out: &mut Vec<Hash>) {
        let (pairs, _) = hashes.as_chunks::<2>();
        let mut joined = [[0u8; 64]; LANES_MAX];
        for part in pairs.chunks(LANES_MAX) {
            for (place, [left, right]) in joined.iter_mut().zip(part) {
                let (head, tail) = place.split_at_mut(32);
                head.copy_from_slice(&left.0);
                tail.copy_from_slice(&right.0);
            }
            let messages: [&[u8; 64]; LANES_MAX] = joined.each_ref();
            let (messages, _) = messages.split_at(part.len());
            self.hash_many(messages, out);
        }
    }
}

/// Messages that one call hashes at once: as many as AVX-512 has lanes of 32 bits.
const LANES_MAX: usize = 16;

/// How this processor hashes many messages.
static PLATFORM: LazyLock<Platform> = LazyLock::new(Platform::detect);

// The flags of BLAKE3's specification, section 2.1, table 3.
const CHUNK_START: u8 = 1 << 0;
const CHUNK_END: u8 = 1 << 1;
const ROOT: u8 = 1 << 3;
const DERIVE_KEY_MATERIAL: u8 = 1 << 6;
