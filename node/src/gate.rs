//! Admission at this node: a transaction is taken in only if every member would take it in.
//!
//! What fails is answered to its sender and never forwarded.

use contracts::admission::{self, AdmissionError};
use ledger::reader::Reader;
use ledger::store::StoreError;
use proto::codec::{Canonical as _, DecodeError};
use proto::epoch::BlockLimits;
use proto::sign::{BadSignature, KeyId};
use proto::transaction::Transaction;
use proto::trie::Namespace;
use proto::{ChainId, Height, TimeMs, TxId};
use rocks::RocksStore;
use thiserror::Error;

use crate::bodies::AdmittedBody;

/// Why a transaction is not taken in.
#[derive(Debug, Error)]
pub(crate) enum Inadmissible {
    /// Not the canonical bytes of a transaction.
    #[error("transaction: {0}")]
    Malformed(#[from] DecodeError),
    /// For another chain.
    #[error("chain: the transaction is for {found}, this chain is {expected}")]
    ForeignChain {
        /// Chain of the transaction.
        found: ChainId,
        /// Own chain.
        expected: ChainId,
    },
    /// Too late.
    #[error("valid_until: {valid_until} ms has passed, it is {now} ms")]
    Expired {
        /// Last time of the transaction.
        valid_until: TimeMs,
        /// Clock of this node.
        now: TimeMs,
    },
    /// Valid for too long.
    #[error("valid_until: {valid_until} ms is more than {max_ttl_ms} ms from now")]
    TooFar {
        /// Last time of the transaction.
        valid_until: TimeMs,
        /// Longest life allowed.
        max_ttl_ms: u64,
    },
    /// The signature does not hold.
    #[error("signature: {0}")]
    BadSignature(#[from] BadSignature),
    /// Ordered before.
    #[error("transaction {tx_id} was ordered before")]
    Ordered {
        /// Its name.
        tx_id: TxId,
        /// Where.
        height: Height,
    },
    /// The key is not in the genesis document's list.
    #[error("submitter: the key {key} is not listed on this chain")]
    UnlistedSubmitter {
        /// The key.
        key: KeyId,
    },
    /// An operation breaks a rule.
    #[error(transparent)]
    Operation(#[from] AdmissionError),
    /// The ledger cannot be read.
    #[error("the ledger cannot be read: {0}")]
    Store(#[from] StoreError),
}

/// The gate.
#[derive(Clone)]
pub(crate) struct Gate {
    chain: ChainId,
    limits: BlockLimits,
    reader: Reader<RocksStore>,
}

impl Gate {
    /// The gate of a chain whose ledger stands behind `reader`.
    pub(crate) const fn new(
        chain: ChainId,
        limits: BlockLimits,
        reader: Reader<RocksStore>,
    ) -> Self {
        Self { chain, limits, reader }
    }

    /// Takes in a transaction that another member forwarded.
    pub(crate) fn admit(
        &self,
        transaction: Transaction,
        now: TimeMs,
    ) -> Result<AdmittedBody, Inadmissible> {
        let (valid_until, max_ttl_ms) = (transaction.header().valid_until, self.limits.max_ttl_ms);
        if valid_until < now {
            return Err(Inadmissible::Expired { valid_until, now });
        }
        if valid_until > now.plus_ms(max_ttl_ms) {
            return Err(Inadmissible::TooFar { valid_until, max_ttl_ms });
        }
        self.admit_for_block(transaction)
    }

    /// Takes in a transaction that a block lists: whether its time fits is judged by the time of the
    /// block, which may be long past where the block is locked.
    pub(crate) fn admit_for_block(
        &self,
        transaction: Transaction,
    ) -> Result<AdmittedBody, Inadmissible> {
        let header = transaction.header();
        if header.chain != self.chain {
            let (found, expected) = (header.chain, self.chain);
            return Err(Inadmissible::ForeignChain { found, expected });
        }
        let tx_id = transaction.tx_id();
        if let Some(place) = self.reader.view()?.transaction(tx_id)? {
            return Err(Inadmissible::Ordered { tx_id, height: place.height });
        }
        transaction.signed().verify()?;
        admission::admit_transaction(&transaction, self.chain, &self.limits)?;
        Ok(AdmittedBody(transaction))
    }

    /// Takes in a transaction that a client submits here: its key must be listed too.
    pub(crate) fn admit_submission(
        &self,
        bytes: &[u8],
        now: TimeMs,
    ) -> Result<AdmittedBody, Inadmissible> {
        let body = self.admit(Transaction::decode(bytes)?, now)?;
        let key = body.0.header().submitter;
        match self.reader.view()?.state(Namespace::Key, key.as_bytes())? {
            Some(_) => Ok(body),
            None => Err(Inadmissible::UnlistedSubmitter { key: key.id() }),
        }
    }
}
