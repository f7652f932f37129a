//! Domain-separated hashing: suite 0 is BLAKE3-256 in `derive_key` mode, the tag is the context.
//!
//! A tag is never a prefix of the input, so a tree node (64 bytes) is one compression.

use std::fmt;
use std::sync::LazyLock;

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

    /// Bit `index` of the digest, most significant first; the path of a key in the state trie.
    ///
    /// # Panics
    /// Where `index` is 256 or more.
    pub fn bit(&self, index: usize) -> bool {
        let byte = self.0.get(index / 8).expect("a digest has 256 bits");
        byte >> (7 - index % 8) & 1 == 1
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

            fn hasher(self) -> &'static blake3::Hasher {
                match self {
                    $(Self::$variant => {
                        static KEYED: LazyLock<blake3::Hasher> =
                            LazyLock::new(|| blake3::Hasher::new_derive_key($text));
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
    /// Path of a key in the state trie.
    Key = "jjj/key/v1",
    /// Value in the state trie.
    Value = "jjj/value/v1",
    /// Leaf of the state trie.
    StateLeaf = "jjj/state-leaf/v1",
    /// Inner node of the state trie.
    StateNode = "jjj/state-node/v1",
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
        let mut hasher = self.hasher().clone();
        hasher.update(bytes);
        Hash(*hasher.finalize().as_bytes())
    }

    /// The digest of the parts one after the other, without putting them together first.
    pub fn hash_parts(self, parts: &[&[u8]]) -> Hash {
        let mut hasher = self.hasher().clone();
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
}
