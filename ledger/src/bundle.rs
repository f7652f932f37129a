//! The proof bundle (`ledger/PROOFS.md`, C5): everything that a stranger needs to check claims offline, as
//! protobuf and, with the same names, as JSON with hexadecimal bytes.
//!
//! It owns the format and its strictness; it decides nothing about truth, which is `verify`'s task.
//! Every hashed thing stands here as its exact bytes. Lists that have an order are refused in any
//! other by the verifier, so that one answer has one bundle.

pub mod claims;
mod hex_json;
mod weight;

use prost::Message as _;
use proto::certificate::CheckpointCertificate;
use proto::codec::Canonical as _;
use proto::hash::{Hash, SUITE};
use proto::namespace::Namespace;
use proto::receipt::{Receipt, Subject as SubjectKey, SubjectKind};
use proto::ring::StateProof;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Bytes of a bundle. The complete trace of 10,000 units with eight events each takes about 60 MiB;
/// above this limit a reader refuses before it decodes, a prover truncates its answer.
pub const BUNDLE_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Characters of a bundle in JSON: two for each byte, and the names.
pub const BUNDLE_JSON_CHARS_MAX: usize = 3 * BUNDLE_BYTES_MAX;

/// Key, in namespace SYS, of the list of schemes whose derived relations are still being written.
pub const BACKFILL_KEY: &[u8] = b"backfill";

/// Why bytes are not a bundle.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum BundleError {
    /// Larger than any reader accepts.
    #[error("the bundle has {found} bytes, at most {limit} are read")]
    TooLarge {
        /// Bytes found.
        found: usize,
        /// Largest number read.
        limit: usize,
    },
    /// So many parts, most of them empty, that they would take far more memory than the bundle.
    #[error(
        "the parts of the bundle would take more than {limit} bytes of memory, the most for its length"
    )]
    TooManyParts {
        /// Memory that the parts of a bundle of this length may take.
        limit: usize,
    },
    /// Not protobuf of a bundle.
    #[error("not the protobuf of a bundle: {detail}")]
    Malformed {
        /// What the decoder says.
        detail: String,
    },
    /// Protobuf, but not the one encoding of its content.
    #[error("the bytes are not the one encoding of a bundle (unknown field, order or default)")]
    NotCanonical,
    /// Not the JSON of a bundle.
    #[error("not the JSON of a bundle: {detail}")]
    Json {
        /// What the parser says, with line and column.
        detail: String,
    },
}

/// A proof bundle.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// The genesis document, canonical bytes. Its hash is what the verifier trusts.
    #[prost(bytes = "vec", tag = "1")]
    #[serde(with = "hex_json::bytes")]
    pub genesis: Vec<u8>,
    /// Steps from one epoch to the next, in order, from epoch 0.
    #[prost(message, repeated, tag = "2")]
    pub handoffs: Vec<Handoff>,
    /// The checkpoint that everything else is proven against.
    #[prost(message, optional, tag = "3")]
    pub final_head: Option<FinalHead>,
    /// Consistency of older checkpoints, which the verifier may hold, with the final one; ascending.
    #[prost(message, repeated, tag = "4")]
    pub pins: Vec<Pin>,
    /// What is proven, one height each.
    #[prost(message, repeated, tag = "5")]
    pub items: Vec<Item>,
    /// What is said about it.
    #[prost(message, repeated, tag = "6")]
    pub claims: Vec<Claim>,
}

/// The signatures of a checkpoint; its size and root stand beside it.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointVotes {
    /// Suite of the signed prefix.
    #[prost(uint32, tag = "1")]
    pub suite: u32,
    /// Epoch of the signed prefix.
    #[prost(uint32, tag = "2")]
    pub epoch: u32,
    /// Signatures by strictly ascending signer.
    #[prost(message, repeated, tag = "3")]
    pub votes: Vec<VoteBytes>,
}

/// One signature with its signer: an index in a validator set, or of an agency in a recovery document.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoteBytes {
    /// Index of the signer.
    #[prost(uint32, tag = "1")]
    pub signer: u32,
    /// The signature.
    #[prost(bytes = "vec", tag = "2")]
    #[serde(with = "hex_json::bytes")]
    pub signature: Vec<u8>,
}

/// A witness's signature over a checkpoint and, for a hand-off, the next epoch.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cosignature {
    /// The witness's Ed25519 key.
    #[prost(bytes = "vec", tag = "1")]
    #[serde(with = "hex_json::bytes")]
    pub key: Vec<u8>,
    /// The signature.
    #[prost(bytes = "vec", tag = "2")]
    #[serde(with = "hex_json::bytes")]
    pub signature: Vec<u8>,
}

/// The agencies' agreement on how a chain without quorum goes on.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    /// The signed bytes, which begin with `T("jjj/recovery/v1")`.
    #[prost(bytes = "vec", tag = "1")]
    #[serde(with = "hex_json::bytes")]
    pub document: Vec<u8>,
    /// Signatures of governance keys by strictly ascending agency.
    #[prost(message, repeated, tag = "2")]
    pub signatures: Vec<VoteBytes>,
}

/// The last checkpoint of one epoch and the descriptor of the next.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handoff {
    /// Signatures of the old set; exactly one of this and `recovery`.
    #[prost(message, optional, tag = "1")]
    pub certificate: Option<CheckpointVotes>,
    /// Recovery document instead; exactly one of this and `certificate`.
    #[prost(message, optional, tag = "2")]
    pub recovery: Option<Recovery>,
    /// Leaves of the history.
    #[prost(uint64, tag = "3")]
    pub size: u64,
    /// Root over them.
    #[prost(bytes = "vec", tag = "4")]
    #[serde(with = "hex_json::bytes")]
    pub root: Vec<u8>,
    /// Payload of the leaf of height `size - 1`.
    #[prost(bytes = "vec", tag = "5")]
    #[serde(with = "hex_json::bytes")]
    pub leaf: Vec<u8>,
    /// Its inclusion under `root`.
    #[prost(bytes = "vec", repeated, tag = "6")]
    #[serde(with = "hex_json::list")]
    pub path: Vec<Vec<u8>>,
    /// Descriptor of the next epoch.
    #[prost(bytes = "vec", tag = "7")]
    #[serde(with = "hex_json::bytes")]
    pub descriptor: Vec<u8>,
    /// Consistency with the next checkpoint of the bundle: the next hand-off, or the final one.
    #[prost(bytes = "vec", repeated, tag = "8")]
    #[serde(with = "hex_json::list")]
    pub consistency: Vec<Vec<u8>>,
    /// Cosignatures of witnesses.
    #[prost(message, repeated, tag = "9")]
    pub cosignatures: Vec<Cosignature>,
}

/// The checkpoint that everything is proven against.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinalHead {
    /// Signatures of the set of the last epoch.
    #[prost(message, optional, tag = "1")]
    pub certificate: Option<CheckpointVotes>,
    /// Leaves of the history.
    #[prost(uint64, tag = "2")]
    pub size: u64,
    /// Root over them.
    #[prost(bytes = "vec", tag = "3")]
    #[serde(with = "hex_json::bytes")]
    pub root: Vec<u8>,
    /// Payload of the leaf of height `size - 1`.
    #[prost(bytes = "vec", tag = "4")]
    #[serde(with = "hex_json::bytes")]
    pub leaf: Vec<u8>,
    /// Its inclusion under `root`.
    #[prost(bytes = "vec", repeated, tag = "5")]
    #[serde(with = "hex_json::list")]
    pub path: Vec<Vec<u8>>,
    /// Cosignatures of witnesses.
    #[prost(message, repeated, tag = "6")]
    pub cosignatures: Vec<Cosignature>,
}

/// Consistency of an older checkpoint with the final one.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Leaves of the older checkpoint.
    #[prost(uint64, tag = "1")]
    pub size: u64,
    /// The path.
    #[prost(bytes = "vec", repeated, tag = "2")]
    #[serde(with = "hex_json::list")]
    pub consistency: Vec<Vec<u8>>,
}

/// One height with what is shown of it. A part stands only on the parts that it needs: an
/// operation on a transaction, a transaction on a header.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Payload of the history leaf.
    #[prost(bytes = "vec", tag = "1")]
    #[serde(with = "hex_json::bytes")]
    pub leaf: Vec<u8>,
    /// Its inclusion under the final root.
    #[prost(bytes = "vec", repeated, tag = "2")]
    #[serde(with = "hex_json::list")]
    pub path: Vec<Vec<u8>>,
    /// The block header; never at height 0.
    #[prost(bytes = "vec", optional, tag = "3")]
    #[serde(with = "hex_json::optional", default, skip_serializing_if = "Option::is_none")]
    pub header: Option<Vec<u8>>,
    /// A transaction of the block.
    #[prost(message, optional, tag = "4")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx: Option<TxProof>,
    /// An operation of the transaction.
    #[prost(message, optional, tag = "5")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<OpProof>,
    /// A receipt of the height; of the operation, where one is shown.
    #[prost(message, optional, tag = "6")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<ReceiptProof>,
    /// Values of the state, strictly ascending by (namespace, key).
    #[prost(message, repeated, tag = "7")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<StateValue>,
    /// Logs, strictly ascending by (kind, bucket, subject).
    #[prost(message, repeated, tag = "8")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<Log>,
}

/// A transaction in its block.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TxProof {
    /// Position in the block.
    #[prost(uint32, tag = "1")]
    pub index: u32,
    /// Signed header: the payload of the transaction's leaf.
    #[prost(bytes = "vec", tag = "2")]
    #[serde(with = "hex_json::bytes")]
    pub payload: Vec<u8>,
    /// Inclusion under `tx_root`.
    #[prost(bytes = "vec", repeated, tag = "3")]
    #[serde(with = "hex_json::list")]
    pub path: Vec<Vec<u8>>,
}

/// An operation in its transaction.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpProof {
    /// Position in the transaction.
    #[prost(uint32, tag = "1")]
    pub index: u32,
    /// The operation as submitted.
    #[prost(bytes = "vec", tag = "2")]
    #[serde(with = "hex_json::bytes")]
    pub bytes: Vec<u8>,
    /// Inclusion under `op_root`.
    #[prost(bytes = "vec", repeated, tag = "3")]
    #[serde(with = "hex_json::list")]
    pub path: Vec<Vec<u8>>,
}

/// A receipt at its height.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptProof {
    /// Position among the receipts of the height.
    #[prost(uint32, tag = "1")]
    pub index: u32,
    /// The receipt's payload.
    #[prost(bytes = "vec", tag = "2")]
    #[serde(with = "hex_json::bytes")]
    pub payload: Vec<u8>,
    /// Its links, canonical bytes.
    #[prost(bytes = "vec", tag = "3")]
    #[serde(with = "hex_json::bytes")]
    pub links: Vec<u8>,
    /// Its alerts, canonical bytes.
    #[prost(bytes = "vec", tag = "4")]
    #[serde(with = "hex_json::bytes")]
    pub alerts: Vec<u8>,
    /// Inclusion under `receipts_root`.
    #[prost(bytes = "vec", repeated, tag = "5")]
    #[serde(with = "hex_json::list")]
    pub path: Vec<Vec<u8>>,
}

/// The leaf of the ring that answers for a key, and its way to the state root.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatePath {
    /// Leaves of the ring.
    #[prost(uint64, tag = "1")]
    pub size: u64,
    /// Position of the leaf.
    #[prost(uint64, tag = "2")]
    #[serde(default, skip_serializing_if = "is_zero")]
    pub position: u64,
    /// Key of the leaf, its namespace first.
    #[prost(bytes = "vec", tag = "3")]
    #[serde(with = "hex_json::bytes")]
    pub key: Vec<u8>,
    /// Hash of its value.
    #[prost(bytes = "vec", tag = "4")]
    #[serde(with = "hex_json::bytes")]
    pub value: Vec<u8>,
    /// The key that follows.
    #[prost(bytes = "vec", tag = "5")]
    #[serde(with = "hex_json::bytes")]
    pub next: Vec<u8>,
    /// Siblings of the leaf in its twig, nearest first.
    #[prost(bytes = "vec", repeated, tag = "6")]
    #[serde(with = "hex_json::list")]
    pub leaf_path: Vec<Vec<u8>>,
    /// Which leaves of the twig are active, 256 bytes.
    #[prost(bytes = "vec", tag = "7")]
    #[serde(with = "hex_json::bytes")]
    pub bits: Vec<u8>,
    /// Siblings of the twig, nearest first.
    #[prost(bytes = "vec", repeated, tag = "8")]
    #[serde(with = "hex_json::list")]
    pub twig_path: Vec<Vec<u8>>,
}

/// A key of the state with its value, or with its absence.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateValue {
    /// Namespace.
    #[prost(uint32, tag = "1")]
    pub namespace: u32,
    /// Key.
    #[prost(bytes = "vec", tag = "2")]
    #[serde(with = "hex_json::bytes")]
    pub key: Vec<u8>,
    /// Value; none where the key is absent.
    #[prost(bytes = "vec", optional, tag = "3")]
    #[serde(with = "hex_json::optional", default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Vec<u8>>,
    /// The proof under the leaf's state root.
    #[prost(message, optional, tag = "4")]
    pub proof: Option<StatePath>,
}

/// The log of a subject, complete or in part.
///
/// Complete: `first` is 0, `cover` is empty and every entry (or, in bucket 0 of kinds 4 to 7, every
/// day) stands here. A part shows entries `first..first + entries` and, in `cover`, the roots of the
/// maximal subtrees that hold none of them, left to right.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Kind of the subject.
    #[prost(uint32, tag = "1")]
    pub kind: u32,
    /// Bucket: 0, or the event day.
    #[prost(uint32, tag = "2")]
    pub bucket: u32,
    /// Key of the subject.
    #[prost(bytes = "vec", tag = "3")]
    #[serde(with = "hex_json::bytes")]
    pub subject: Vec<u8>,
    /// Value of the log's key in namespace LOG; none where the log is empty.
    #[prost(bytes = "vec", optional, tag = "4")]
    #[serde(with = "hex_json::optional", default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Vec<u8>>,
    /// The proof of it under the leaf's state root.
    #[prost(message, optional, tag = "5")]
    pub proof: Option<StatePath>,
    /// Entries in order; none in a directory.
    #[prost(message, repeated, tag = "6")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<LogEntry>,
    /// Days in the order of their first use; only in a directory.
    #[prost(message, repeated, tag = "7")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,
    /// Position of the first entry shown.
    #[prost(uint64, tag = "8")]
    #[serde(default, skip_serializing_if = "is_zero")]
    pub first: u64,
    /// Roots of the subtrees that hold no entry shown.
    #[prost(bytes = "vec", repeated, tag = "9")]
    #[serde(with = "hex_json::list", default, skip_serializing_if = "Vec::is_empty")]
    pub cover: Vec<Vec<u8>>,
}

/// One entry of a log with the receipt that it stands for.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogEntry {
    /// Position in the log, from 0. It proves nothing; it lets a reader name what was left out.
    #[prost(uint64, tag = "1")]
    pub index: u64,
    /// Height of the receipt.
    #[prost(uint64, tag = "2")]
    pub height: u64,
    /// Position among the receipts of that height.
    #[prost(uint32, tag = "3")]
    pub receipt_index: u32,
    /// The receipt's payload.
    #[prost(bytes = "vec", tag = "4")]
    #[serde(with = "hex_json::bytes")]
    pub receipt: Vec<u8>,
    /// Its links, canonical bytes.
    #[prost(bytes = "vec", tag = "5")]
    #[serde(with = "hex_json::bytes")]
    pub links: Vec<u8>,
    /// Its alerts, canonical bytes.
    #[prost(bytes = "vec", tag = "6")]
    #[serde(with = "hex_json::bytes")]
    pub alerts: Vec<u8>,
    /// Operation bytes or SYSTEM record; none where the body is withheld.
    #[prost(bytes = "vec", optional, tag = "7")]
    #[serde(with = "hex_json::optional", default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Vec<u8>>,
}

/// One entry of a directory.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Day {
    /// Days since 1970-01-01 UTC.
    #[prost(uint32, tag = "1")]
    pub bucket: u32,
    /// Height that first used the day.
    #[prost(uint64, tag = "2")]
    pub height: u64,
}

/// A subject in a claim.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Kind.
    #[prost(uint32, tag = "1")]
    pub kind: u32,
    /// Normalised key.
    #[prost(bytes = "vec", tag = "2")]
    #[serde(with = "hex_json::bytes")]
    pub key: Vec<u8>,
}

/// What is said, and the words for it, which the verifier builds anew and compares.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// What is said.
    #[prost(oneof = "ClaimKind", tags = "1, 2, 3, 4, 5")]
    pub kind: Option<ClaimKind>,
    /// The words in Chinese.
    #[prost(string, tag = "6")]
    pub words_zh: String,
    /// The words in English.
    #[prost(string, tag = "7")]
    pub words_en: String,
}

/// The kinds of claims.
#[derive(Clone, PartialEq, Eq, prost::Oneof, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimKind {
    /// An operation stands in a block.
    #[prost(message, tag = "1")]
    Event(ItemClaim),
    /// A receipt stands at a height.
    #[prost(message, tag = "2")]
    Receipt(ItemClaim),
    /// A key of the state has a value, or is absent.
    #[prost(message, tag = "3")]
    State(StateClaim),
    /// A complete trace.
    #[prost(message, tag = "4")]
    Trace(TraceClaim),
    /// Every event of a place, party, vehicle or person on certain days.
    #[prost(message, tag = "5")]
    Window(WindowClaim),
}

/// A claim about one item.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemClaim {
    /// Position in `items`.
    #[prost(uint32, tag = "1")]
    pub item: u32,
}

/// A claim about one value of the state.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateClaim {
    /// Position in `items`.
    #[prost(uint32, tag = "1")]
    pub item: u32,
    /// Position in the item's `states`.
    #[prost(uint32, tag = "2")]
    pub state: u32,
}

/// Which relations of lineage a trace follows.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, prost::Enumeration, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[repr(i32)]
pub enum Direction {
    /// Not stated; refused.
    Unspecified = 0,
    /// To the sources.
    Back = 1,
    /// To where the goods went.
    Forward = 2,
    /// Both.
    Both = 3,
}

/// A trace from `starts`, complete but for `truncated`. The item holds the log of each subject
/// reached and the state of [`BACKFILL_KEY`].
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceClaim {
    /// Position in `items`.
    #[prost(uint32, tag = "1")]
    pub item: u32,
    /// Height t of the whole answer: the height of the item.
    #[prost(uint64, tag = "2")]
    pub height: u64,
    /// Where the trace starts, strictly ascending by (kind, key).
    #[prost(message, repeated, tag = "3")]
    pub starts: Vec<Subject>,
    /// What it follows.
    #[prost(enumeration = "Direction", tag = "4")]
    #[serde(with = "hex_json::direction")]
    pub direction: i32,
    /// Most logs that the answer may use.
    #[prost(uint32, tag = "5")]
    pub unit_limit: u32,
    /// Subjects reached whose logs are not shown, strictly ascending by (kind, key).
    #[prost(message, repeated, tag = "6")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub truncated: Vec<Subject>,
}

/// Every event of a subject of kinds 4 to 7 on the days from `from_day` to `to_day`. The item holds
/// the directory, the log of each day in it, and the state of [`BACKFILL_KEY`].
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowClaim {
    /// Position in `items`.
    #[prost(uint32, tag = "1")]
    pub item: u32,
    /// Height t of the answer: the height of the item.
    #[prost(uint64, tag = "2")]
    pub height: u64,
    /// The subject.
    #[prost(message, optional, tag = "3")]
    pub subject: Option<Subject>,
    /// First day, at least 1.
    #[prost(uint32, tag = "4")]
    pub from_day: u32,
    /// Last day.
    #[prost(uint32, tag = "5")]
    pub to_day: u32,
}

impl Bundle {
    /// The one encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    /// Reads a bundle strictly: the bytes must be its one encoding, within [`BUNDLE_BYTES_MAX`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() > BUNDLE_BYTES_MAX {
            return Err(BundleError::TooLarge { found: bytes.len(), limit: BUNDLE_BYTES_MAX });
        }
        weight::check_protobuf(bytes)?;
        let bundle = Self::decode(bytes)
            .map_err(|error| BundleError::Malformed { detail: error.to_string() })?;
        // A field that the reader does not know could carry words that nobody checked.
        if bundle.encode_to_vec() == bytes { Ok(bundle) } else { Err(BundleError::NotCanonical) }
    }

    /// The bundle as JSON, bytes in hexadecimal.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("text keys and no floats: always JSON")
    }

    /// Reads the JSON of a bundle; unknown names are refused.
    pub fn from_json(text: &str) -> Result<Self, BundleError> {
        if text.len() > BUNDLE_JSON_CHARS_MAX {
            return Err(BundleError::TooLarge { found: text.len(), limit: BUNDLE_JSON_CHARS_MAX });
        }
        weight::check_json(text)?;
        serde_json::from_str(text).map_err(|error| BundleError::Json { detail: error.to_string() })
    }
}

impl CheckpointVotes {
    /// The signatures of a certificate; its size and root go beside it.
    pub fn of(certificate: &CheckpointCertificate) -> Self {
        let votes = certificate.votes.iter().map(|vote| VoteBytes {
            signer: vote.signer.value().into(),
            signature: vote.signature.as_bytes().to_vec(),
        });
        Self {
            suite: SUITE.into(),
            epoch: certificate.statement.epoch.value(),
            votes: votes.collect(),
        }
    }
}

impl StatePath {
    /// The carried form of a proof.
    pub fn of(proof: &StateProof) -> Self {
        Self {
            size: proof.size,
            position: proof.position,
            key: proof.key.clone(),
            value: proof.value.as_bytes().to_vec(),
            next: proof.next.clone(),
            leaf_path: hash_list(&proof.leaf_path),
            bits: proof.bits.to_vec(),
            twig_path: hash_list(&proof.twig_path),
        }
    }
}

impl StateValue {
    /// A key of the state with its value, or its absence, and the proof.
    pub fn new(
        namespace: Namespace,
        key: Vec<u8>,
        value: Option<Vec<u8>>,
        proof: &StateProof,
    ) -> Self {
        let namespace = namespace.code().into();
        Self { namespace, key, value, proof: Some(StatePath::of(proof)) }
    }
}

impl LogEntry {
    /// The entry of `receipt`, which stands at `index` of its log.
    pub fn new(
        index: u64,
        (height, receipt_index): (u64, u32),
        receipt: &Receipt,
        body: Option<Vec<u8>>,
    ) -> Self {
        Self {
            index,
            height,
            receipt_index,
            receipt: receipt.payload().encode(),
            links: receipt.links.encode(),
            alerts: receipt.alerts.encode(),
            body,
        }
    }
}

impl Log {
    /// The subject of the log, as claims carry it.
    pub fn subject_of(&self) -> Subject {
        Subject { kind: self.kind, key: self.subject.clone() }
    }
}

impl Subject {
    /// The carried form of a subject.
    pub fn of(subject: &SubjectKey) -> Self {
        Self { kind: subject.kind.code().into(), key: subject.key.clone() }
    }

    /// The subject, where its kind is known.
    pub fn parse(&self) -> Option<SubjectKey> {
        let kind = SubjectKind::from_code(u8::try_from(self.kind).ok()?)?;
        Some(SubjectKey { kind, key: self.key.clone() })
    }
}

/// Digests as a bundle carries them.
pub fn hash_list(hashes: &[Hash]) -> Vec<Vec<u8>> {
    hashes.iter().map(|hash| hash.as_bytes().to_vec()).collect()
}

/// A digest as a bundle carries it, where it has 32 bytes.
pub fn parse_hash(bytes: &[u8]) -> Option<Hash> {
    Some(Hash::new(bytes.try_into().ok()?))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if demands it")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}
