//! Transactions that wait to be ordered: bounded, each held once.
//!
//! What is in here has been admitted; what is decided leaves. Nothing here is promised to anybody:
//! a submitter is answered when its transaction has been executed.

use std::collections::BTreeMap;

use proto::{Hash, TimeMs, TxId};
use thiserror::Error;

use crate::bodies::AdmittedBody;

/// Transactions that may wait. At 100 events each this is a day's upload of a province.
const TRANSACTIONS_MAX: usize = 20_000;

/// Bytes that may wait.
const BYTES_MAX: usize = 256 * 1024 * 1024;

/// Why a transaction cannot wait here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub(crate) enum MempoolError {
    /// No room.
    #[error("待上链队列已满 the mempool is full: {transactions} transactions, {bytes} bytes")]
    Full {
        /// Transactions waiting.
        transactions: usize,
        /// Bytes waiting.
        bytes: usize,
    },
}

/// The waiting transactions.
#[derive(Debug, Default)]
pub(crate) struct Mempool {
    by_leaf: BTreeMap<Hash, AdmittedBody>,
    by_id: BTreeMap<TxId, Hash>,
    bytes: usize,
}

impl Mempool {
    /// Takes a transaction in; `false` where it waits already.
    pub(crate) fn insert(&mut self, body: AdmittedBody) -> Result<bool, MempoolError> {
        let (leaf, id, length) = (body.0.leaf(), body.0.tx_id(), body.0.bytes().len());
        if self.by_leaf.contains_key(&leaf) {
            return Ok(false);
        }
        if self.by_leaf.len() >= TRANSACTIONS_MAX || self.bytes + length > BYTES_MAX {
            return Err(MempoolError::Full { transactions: self.by_leaf.len(), bytes: self.bytes });
        }
        self.bytes += length;
        self.by_id.insert(id, leaf);
        self.by_leaf.insert(leaf, body);
        Ok(true)
    }

    /// Takes transactions out: they are decided, or their time is over.
    pub(crate) fn remove(&mut self, leaf: &Hash) -> Option<AdmittedBody> {
        let waiting = self.by_leaf.remove(leaf)?;
        self.by_id.remove(&waiting.0.tx_id());
        self.bytes -= waiting.0.bytes().len();
        Some(waiting)
    }

    /// The leaves whose last time is before `now`.
    pub(crate) fn expired(&self, now: TimeMs) -> Vec<Hash> {
        self.by_leaf
            .iter()
            .filter(|(_, waiting)| waiting.0.header().valid_until < now)
            .map(|(leaf, _)| *leaf)
            .collect()
    }

    /// A waiting transaction.
    pub(crate) fn get(&self, leaf: &Hash) -> Option<&AdmittedBody> {
        self.by_leaf.get(leaf)
    }

    /// Whether a transaction waits.
    pub(crate) fn holds_id(&self, id: &TxId) -> bool {
        self.by_id.contains_key(id)
    }

    /// Transactions waiting.
    pub(crate) fn len(&self) -> usize {
        self.by_leaf.len()
    }

    /// Bytes waiting.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use proto::ChainId;
    use proto::operation::{OpUid, Operation, Salt};
    use proto::sign::SecretKey;
    use proto::transaction::Transaction;

    use super::*;

    fn body(number: u8) -> AdmittedBody {
        let operation = Operation {
            kind: 1,
            version: 1,
            uid: OpUid([number; 16]),
            salt: Salt([0; 16]),
            body: vec![number],
        };
        let key = SecretKey::from_seed(&[7; 32]);
        let until = TimeMs::new(1_000 + u64::from(number));
        AdmittedBody(Transaction::sign(ChainId::default(), &key, until, vec![operation]).unwrap())
    }

    #[test]
    fn a_transaction_waits_once_and_leaves_when_it_is_removed_or_expired() {
        let mut pool = Mempool::default();
        for number in [1, 2, 3, 2] {
            pool.insert(body(number)).unwrap();
        }
        assert_eq!(pool.len(), 3);
        let AdmittedBody(second) = body(2);
        assert!(pool.holds_id(&second.tx_id()));
        assert!(pool.remove(&second.leaf()).is_some());
        assert!(pool.remove(&second.leaf()).is_none());
        assert!(!pool.holds_id(&second.tx_id()));
        assert_eq!(pool.expired(TimeMs::new(1_002)).len(), 1);
        for leaf in pool.expired(TimeMs::new(u64::MAX)) {
            pool.remove(&leaf);
        }
        assert_eq!((pool.len(), pool.bytes()), (0, 0));
    }
}
