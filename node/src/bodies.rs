//! Transaction bodies of this node: those that wait for a block, and those that blocks under way
//! need. Shared by the submission service, the network and the consensus task.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use proto::transaction::Transaction;
use proto::{Hash, Height, TimeMs, TxId};

use crate::mempool::{Mempool, MempoolError, Waiting};

/// A body with its canonical bytes, admitted.
#[derive(Clone, Debug)]
pub(crate) struct AdmittedBody {
    /// The transaction.
    pub(crate) transaction: Arc<Transaction>,
    /// Its canonical bytes.
    pub(crate) bytes: Arc<[u8]>,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: Mempool,
    /// Bodies of proposals and decided blocks, until the journal is released past their height.
    kept: BTreeMap<Hash, (Height, AdmittedBody)>,
}

/// The bodies, behind a lock that is never held across an await.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bodies(Arc<Mutex<Inner>>);

impl Bodies {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while the lock was held has already ended the node's main task.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes in an admitted body that waits for a block; `false` where it is here already.
    pub(crate) fn insert(&self, body: AdmittedBody) -> Result<bool, MempoolError> {
        let mut inner = self.lock();
        if inner.kept.contains_key(&body.transaction.leaf()) {
            return Ok(false);
        }
        inner.waiting.insert(body.transaction, body.bytes)
    }

    /// Keeps a body for a block at `height`, whether or not the mempool has room.
    pub(crate) fn keep(&self, body: AdmittedBody, height: Height) {
        let mut inner = self.lock();
        let leaf = body.transaction.leaf();
        let kept_for = inner.kept.get(&leaf).map_or(height, |(before, _)| height.max(*before));
        inner.kept.insert(leaf, (kept_for, body));
    }

    /// Keeps a body that is kept already for a later height too.
    pub(crate) fn raise_to(&self, leaf: &Hash, height: Option<Height>) {
        if let (Some((kept_for, _)), Some(height)) = (self.lock().kept.get_mut(leaf), height) {
            *kept_for = height.max(*kept_for);
        }
    }

    /// Keeps the waiting bodies that a block at `height` lists, and says which are not here.
    pub(crate) fn keep_listed(&self, leaves: &[Hash], height: Height) -> Vec<Hash> {
        let mut inner = self.lock();
        let mut missing = Vec::new();
        for leaf in leaves {
            if let Some((kept_for, _)) = inner.kept.get_mut(leaf) {
                *kept_for = height.max(*kept_for);
            } else if let Some(Waiting { transaction, bytes }) = inner.waiting.get(leaf) {
                let body =
                    AdmittedBody { transaction: Arc::clone(transaction), bytes: Arc::clone(bytes) };
                inner.kept.insert(*leaf, (height, body));
            } else {
                missing.push(*leaf);
            }
        }
        missing
    }

    /// A decided block's bodies leave the mempool; they stay kept until they are released.
    pub(crate) fn decided(&self, leaves: &[Hash], height: Height) {
        let missing = self.keep_listed(leaves, height);
        assert!(missing.is_empty(), "a block is handed to execution with its bodies here");
        let mut inner = self.lock();
        for leaf in leaves {
            inner.waiting.remove(leaf);
        }
    }

    /// Forgets what was kept for heights below `floor`, and says which bodies are not here any more.
    pub(crate) fn release_below(&self, floor: Height) -> Vec<Hash> {
        let mut inner = self.lock();
        let released = inner.kept.extract_if(.., |_, (height, _)| *height < floor);
        let released: Vec<Hash> = released.map(|(leaf, _)| leaf).collect();
        released.into_iter().filter(|leaf| inner.waiting.get(leaf).is_none()).collect()
    }

    /// Drops waiting bodies whose last time is before `now`, and says which.
    pub(crate) fn drop_expired(&self, now: TimeMs) -> Vec<Hash> {
        let mut inner = self.lock();
        let expired = inner.waiting.expired(now);
        for leaf in &expired {
            inner.waiting.remove(leaf);
        }
        expired.into_iter().filter(|leaf| !inner.kept.contains_key(leaf)).collect()
    }

    /// A body.
    pub(crate) fn get(&self, leaf: &Hash) -> Option<AdmittedBody> {
        let inner = self.lock();
        if let Some((_, body)) = inner.kept.get(leaf) {
            return Some(body.clone());
        }
        let Waiting { transaction, bytes } = inner.waiting.get(leaf)?;
        Some(AdmittedBody { transaction: Arc::clone(transaction), bytes: Arc::clone(bytes) })
    }

    /// Whether a transaction waits or is under way.
    pub(crate) fn holds_id(&self, id: &TxId) -> bool {
        let inner = self.lock();
        inner.waiting.holds_id(id)
            || inner.kept.values().any(|(_, body)| body.transaction.tx_id() == *id)
    }

    /// Transactions and bytes that wait.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.waiting.len(), inner.waiting.bytes())
    }
}
