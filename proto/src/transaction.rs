//! Transactions: one signed header over a tree of operations, so that one operation can be shown alone.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use crate::codec::{Canonical, DecodeError, Reader, Writer};
use crate::hash::{Hash, SUITE, Tag};
use crate::limits::{OPERATION_BYTES_MAX, OPERATIONS_PER_TX_MAX, TX_BYTES_MAX};
use crate::operation::Operation;
use crate::sign::{BadSignature, PublicKey, SecretKey, Signature};
use crate::tree;
use crate::types::{ChainId, TimeMs, TxId};

/// What the submitter signs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TxHeader {
    /// Chain that the transaction is for.
    pub chain: ChainId,
    /// Key that signs.
    pub submitter: PublicKey,
    /// Last block time at which it may be ordered.
    pub valid_until: TimeMs,
    /// Operations, 1 to 1,000.
    pub op_count: u16,
    /// Root over the operations' leaves.
    pub op_root: Hash,
}

impl TxHeader {
    /// The name of the submission, whatever its signature.
    pub fn tx_id(&self) -> TxId {
        TxId(Tag::TxId.hash(&self.encode()))
    }

    /// The bytes under the signature.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.tag("jjj/tx-sign/v1");
        self.encode_to(&mut out);
        out.into_bytes()
    }
}

impl Canonical for TxHeader {
    fn encode_to(&self, out: &mut Writer) {
        out.u8(SUITE).hash(&self.chain.0);
        self.submitter.encode_to(out);
        out.u64(self.valid_until.value()).u16(self.op_count).hash(&self.op_root);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        expect_suite(input)?;
        let chain = ChainId(input.hash("chain")?);
        let submitter = PublicKey::decode_from(input)?;
        let valid_until = TimeMs::new(input.u64("valid_until")?);
        let op_count = input.u16("op_count")?;
        if op_count == 0 || op_count > OPERATIONS_PER_TX_MAX {
            return Err(DecodeError::Invalid { field: "op_count", rule: "is 1 to 1,000" });
        }
        Ok(Self { chain, submitter, valid_until, op_count, op_root: input.hash("op_root")? })
    }
}

/// Reads the suite byte; only suite 0 is known.
pub(crate) fn expect_suite(input: &mut Reader<'_>) -> Result<(), DecodeError> {
    if input.u8("suite")? == SUITE {
        Ok(())
    } else {
        Err(DecodeError::Invalid { field: "suite", rule: "only suite 0 is known" })
    }
}

/// A header with its signature: what a block lists, by its leaf.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedTxHeader {
    /// What was signed.
    pub header: TxHeader,
    /// The submitter's signature.
    pub signature: Signature,
}

impl SignedTxHeader {
    /// Leaf in the block's transaction tree. A bad signature condemns the leaf, not the tx id.
    pub fn leaf(&self) -> Hash {
        Tag::Tx.hash(&self.encode())
    }

    /// Checks the submitter's signature.
    pub fn verify(&self) -> Result<(), BadSignature> {
        self.header.submitter.verify(&self.header.signed_bytes(), &self.signature)
    }
}

impl Canonical for SignedTxHeader {
    fn encode_to(&self, out: &mut Writer) {
        self.header.encode_to(out);
        self.signature.encode_to(out);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            header: TxHeader::decode_from(input)?,
            signature: Signature::decode_from(input)?,
        })
    }
}

/// A transaction with its operations. Decoding checks that they are the ones that were signed for,
/// not the signature itself.
///
/// It is decoded and hashed once, where it enters a process, and shared from there on: a clone is a
/// count, and its leaf, name, operations' leaves and bytes are looked up, not computed.
#[derive(Clone, PartialEq, Eq)]
pub struct Transaction(Arc<Parts>);

/// What a transaction is, and what follows from it.
#[derive(PartialEq, Eq)]
struct Parts {
    signed: SignedTxHeader,
    operations: Vec<Operation>,
    tx_id: TxId,
    leaf: Hash,
    /// Leaves of the operations, in their order.
    op_leaves: Vec<Hash>,
    /// The encoding.
    bytes: Arc<[u8]>,
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("signed", &self.0.signed)
            .field("operations", &self.0.operations)
            .finish_non_exhaustive()
    }
}

/// Why operations do not make a transaction.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum TransactionError {
    /// None, or more than one transaction holds.
    #[error("a transaction holds 1 to {OPERATIONS_PER_TX_MAX} operations, not {found}")]
    OperationCount {
        /// Operations given.
        found: usize,
    },
    /// Too many bytes.
    #[error("the transaction has {found} bytes, at most {TX_BYTES_MAX} are allowed")]
    TooLarge {
        /// Bytes of the encoding.
        found: usize,
    },
    /// One operation with too many bytes.
    #[error("operation {index} has {found} bytes, at most {OPERATION_BYTES_MAX} are allowed")]
    OperationTooLarge {
        /// Position in the transaction.
        index: usize,
        /// Bytes of the operation.
        found: usize,
    },
}

impl Transaction {
    /// Builds and signs a transaction.
    pub fn sign(
        chain: ChainId,
        key: &SecretKey,
        valid_until: TimeMs,
        operations: Vec<Operation>,
    ) -> Result<Self, TransactionError> {
        let found = operations.len();
        let op_count = u16::try_from(found)
            .ok()
            .filter(|count| (1..=OPERATIONS_PER_TX_MAX).contains(count))
            .ok_or(TransactionError::OperationCount { found })?;
        let too_large = |bytes: usize, limit: u32| u32::try_from(bytes).map_or(true, |b| b > limit);
        for (index, operation) in operations.iter().enumerate() {
            let found = operation.encode().len();
            if too_large(found, OPERATION_BYTES_MAX) {
                return Err(TransactionError::OperationTooLarge { index, found });
            }
        }
        let op_leaves: Vec<Hash> = operations.iter().map(Operation::leaf).collect();
        let submitter = key.public();
        let op_root = tree::root(&op_leaves);
        let header = TxHeader { chain, submitter, valid_until, op_count, op_root };
        let signature = key.sign(&header.signed_bytes());
        let signed = SignedTxHeader { header, signature };
        let mut out = Writer::default();
        signed.encode_to(&mut out);
        for operation in &operations {
            out.bytes32(&operation.encode());
        }
        let bytes = out.into_bytes();
        let found = bytes.len();
        if too_large(found, TX_BYTES_MAX) {
            return Err(TransactionError::TooLarge { found });
        }
        Ok(Self::new(signed, operations, op_leaves, bytes.into()))
    }

    fn new(
        signed: SignedTxHeader,
        operations: Vec<Operation>,
        op_leaves: Vec<Hash>,
        bytes: Arc<[u8]>,
    ) -> Self {
        let (tx_id, leaf) = (signed.header.tx_id(), signed.leaf());
        Self(Arc::new(Parts { signed, operations, tx_id, leaf, op_leaves, bytes }))
    }

    /// Header and signature.
    pub fn signed(&self) -> &SignedTxHeader {
        &self.0.signed
    }

    /// The header.
    pub fn header(&self) -> &TxHeader {
        &self.0.signed.header
    }

    /// The operations, in the order of their leaves.
    pub fn operations(&self) -> &[Operation] {
        &self.0.operations
    }

    /// Leaves of the operations, in their order.
    pub fn op_leaves(&self) -> &[Hash] {
        &self.0.op_leaves
    }

    /// The name of the submission.
    pub fn tx_id(&self) -> TxId {
        self.0.tx_id
    }

    /// Leaf in a block's transaction tree.
    pub fn leaf(&self) -> Hash {
        self.0.leaf
    }

    /// The encoding.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.0.bytes
    }
}

/// Signed header, then each operation behind its length.
impl Canonical for Transaction {
    fn encode_to(&self, out: &mut Writer) {
        out.raw(&self.0.bytes);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut start = input.clone();
        let before = input.remaining();
        let signed = SignedTxHeader::decode_from(input)?;
        let mut operations = Vec::new();
        let mut op_leaves = Vec::new();
        for _ in 0..signed.header.op_count {
            let bytes = input.bytes32("operation", OPERATION_BYTES_MAX)?;
            let found = u64::try_from(before.saturating_sub(input.remaining()));
            let found = found.expect("usize is at most 64 bits");
            if found > u64::from(TX_BYTES_MAX) {
                let (field, limit) = ("transaction", TX_BYTES_MAX.into());
                return Err(DecodeError::TooLong { field, found, limit });
            }
            op_leaves.push(Tag::Op.hash(bytes));
            operations.push(Operation::decode(bytes)?);
        }
        if tree::root(&op_leaves) != signed.header.op_root {
            return Err(DecodeError::Invalid {
                field: "op_root",
                rule: "the operations are not the ones that were signed for",
            });
        }
        let bytes = start.raw("transaction", before.saturating_sub(input.remaining()))?;
        Ok(Self::new(signed, operations, op_leaves, bytes.into()))
    }
}
