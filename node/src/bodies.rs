//! Transaction bodies of this node: those that wait for a block, and those that blocks under way
//! need. Shared by the submission service, the network and the consensus task.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use proto::limits::FETCH_BODIES_MAX;
use proto::transaction::Transaction;
use proto::{Hash, Height, TimeMs, TxId};

use crate::mempool::{Mempool, MempoolError};

/// Leaves that may be asked for at once: four requests full of them, 128 KiB.
const ASKED_MAX: usize = 4_000;

const _: () = assert!(FETCH_BODIES_MAX == 1_000, "ASKED_MAX is four times as many");

/// A body that passed admission here, or that a quorum passed. A clone is a count.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AdmittedBody(pub(crate) Transaction);

/// A body that blocks need.
#[derive(Debug)]
struct Kept {
    /// The last height of a block that lists it.
    height: Height,
    body: AdmittedBody,
    stage: Stage,
}

/// How far a kept body has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// A block lists it that may yet lose.
    Proposed,
    /// It is ordered, and waits for nothing any more.
    Decided,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: Mempool,
    /// Bodies of proposals and decided blocks, until the journal is released past their height.
    kept: BTreeMap<Hash, Kept>,
    /// Names of the kept ones: a caller's question must not walk them all under the lock that ordering
    /// uses.
    kept_ids: BTreeSet<(TxId, Hash)>,
    /// Leaves that this node asked others for and that have not come yet.
    asked: BTreeSet<Hash>,
}

impl Inner {
    fn keep(&mut self, body: AdmittedBody, height: Height) {
        let (id, leaf) = (body.0.tx_id(), body.0.leaf());
        self.kept_ids.insert((id, leaf));
        let kept = Kept { height, body, stage: Stage::Proposed };
        let entry = self.kept.entry(leaf).or_insert(kept);
        entry.height = entry.height.max(height);
    }
}

/// The bodies, behind a lock that is never held across an await.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bodies(Arc<Mutex<Inner>>);

impl Bodies {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while the lock was held has already ended the node's main task.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes in an admitted body that waits for a block; `false` where it waits or is ordered already.
    pub(crate) fn insert(&self, body: AdmittedBody) -> Result<bool, MempoolError> {
        let mut inner = self.lock();
        let kept = inner.kept.get(&body.0.leaf());
        if kept.is_some_and(|kept| kept.stage == Stage::Decided) {
            return Ok(false);
        }
        // One that a block lists waits too: the block may lose against another.
        inner.waiting.insert(body)
    }

    /// Keeps a body for a block at `height`, whether or not the mempool has room.
    pub(crate) fn keep(&self, body: AdmittedBody, height: Height) {
        self.lock().keep(body, height);
    }

    /// Keeps a body that is kept already for a later height too.
    pub(crate) fn raise_to(&self, leaf: &Hash, height: Option<Height>) {
        if let (Some(kept), Some(height)) = (self.lock().kept.get_mut(leaf), height) {
            kept.height = height.max(kept.height);
        }
    }

    /// A decided block's bodies leave the mempool; they stay kept until they are released.
    pub(crate) fn decided(&self, leaves: &[Hash], height: Height) {
        let mut inner = self.lock();
        for leaf in leaves {
            if let Some(body) = inner.waiting.remove(leaf) {
                inner.keep(body, height);
            }
            let kept = inner.kept.get_mut(leaf);
            let kept = kept.expect("a block is handed to execution with its bodies here");
            (kept.height, kept.stage) = (kept.height.max(height), Stage::Decided);
        }
    }

    /// Notes which bodies others are asked for.
    pub(crate) fn ask(&self, leaves: &[Hash]) {
        let mut inner = self.lock();
        if inner.asked.len() > ASKED_MAX {
            inner.asked.clear(); // what is still missing is asked for again
        }
        inner.asked.extend(leaves);
    }

    /// Whether a body was asked for and has not come yet; it has come now.
    pub(crate) fn take_asked(&self, leaf: &Hash) -> bool {
        self.lock().asked.remove(leaf)
    }

    /// Forgets what was kept for heights below `floor`, and says which bodies are not here any more.
    pub(crate) fn release_below(&self, floor: Height) -> Vec<Hash> {
        let mut inner = self.lock();
        let released = inner.kept.extract_if(.., |_, kept| kept.height < floor);
        let released: Vec<(TxId, Hash)> =
            released.map(|(leaf, kept)| (kept.body.0.tx_id(), leaf)).collect();
        for named in &released {
            inner.kept_ids.remove(named);
        }
        let released = released.into_iter().map(|(_, leaf)| leaf);
        released.filter(|leaf| inner.waiting.get(leaf).is_none()).collect()
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
        if let Some(kept) = inner.kept.get(leaf) {
            return Some(kept.body.clone());
        }
        inner.waiting.get(leaf).cloned()
    }

    /// Whether a body is here.
    pub(crate) fn holds(&self, leaf: &Hash) -> bool {
        let inner = self.lock();
        inner.kept.contains_key(leaf) || inner.waiting.get(leaf).is_some()
    }

    /// Whether a transaction waits or is under way.
    pub(crate) fn holds_id(&self, id: &TxId) -> bool {
        let inner = self.lock();
        let named = (*id, Hash::ZERO)..=(*id, Hash::new([0xff; 32]));
        inner.waiting.holds_id(id) || inner.kept_ids.range(named).next().is_some()
    }

    /// Transactions and bytes that wait.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.waiting.len(), inner.waiting.bytes())
    }
}
