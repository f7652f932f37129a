//! The ring by its definition, everything computed anew: for genesis, for verifiers and for tests
//! that hold the ledger's storage to it.

use std::collections::BTreeMap;

use super::{SENTINEL, StateProof, TWIG_BITS_BYTES, TWIG_LEAVES, TwigBits, activate, leaf, twig};
use crate::hash::Hash;
use crate::tree;

/// New values of keys by their hashes, or none where a key goes.
type Changes = BTreeMap<Vec<u8>, Option<Hash>>;

/// The active leaf of a key.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Active {
    position: u64,
    value: Hash,
    next: Vec<u8>,
}

/// Every leaf that was ever appended, and which of them are active.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ring {
    leaves: Vec<Hash>,
    active: BTreeMap<Vec<u8>, Active>,
}

impl Ring {
    /// The ring of a genesis: its keys with the hashes of their values.
    pub fn genesis(entries: impl IntoIterator<Item = (Vec<u8>, Hash)>) -> Self {
        let mut ring = Self::default();
        ring.apply(&entries.into_iter().map(|(key, value)| (key, Some(value))).collect());
        ring
    }

    /// Applies what one height changed: each key whose value or next key differs from before gets a
    /// new leaf, in ascending order of the keys; the leaf that it had is active no longer.
    pub fn apply(&mut self, changes: &Changes) {
        let mut values: BTreeMap<Vec<u8>, Hash> =
            self.active.iter().map(|(key, active)| (key.clone(), active.value)).collect();
        values.insert(SENTINEL.to_vec(), Hash::ZERO);
        for (key, value) in changes {
            match value {
                Some(value) => values.insert(key.clone(), *value),
                None => values.remove(key),
            };
        }
        let nexts = values.keys().skip(1).map(Vec::as_slice).chain([SENTINEL]);
        let mut after = BTreeMap::new();
        for ((key, value), next) in values.iter().zip(nexts) {
            let before = self.active.get(key);
            let kept = before.filter(|before| before.value == *value && before.next == next);
            let active = kept.cloned().unwrap_or_else(|| {
                self.leaves.push(leaf(key, value, next));
                Active { position: self.size() - 1, value: *value, next: next.to_vec() }
            });
            after.insert(key.clone(), active);
        }
        self.active = after;
    }

    /// Leaves ever appended.
    pub fn size(&self) -> u64 {
        u64::try_from(self.leaves.len()).expect("memory holds far fewer than 2^64 leaves")
    }

    /// The state root.
    pub fn root(&self) -> Hash {
        super::root(self.size(), &tree::root(&self.twigs()))
    }

    /// The leaf that shows the presence or the absence of a key, with its way to the root.
    pub fn prove(&self, key: &[u8]) -> Option<StateProof> {
        let (found, active) = self.active.range(..=key.to_vec()).next_back()?;
        let index = usize::try_from(active.position / TWIG_LEAVES).ok()?;
        let within = usize::try_from(active.position % TWIG_LEAVES).ok()?;
        Some(StateProof {
            size: self.size(),
            position: active.position,
            key: found.clone(),
            value: active.value,
            next: active.next.clone(),
            leaf_path: tree::inclusion_path(self.leaves_of().nth(index)?, within)?,
            bits: Box::new(*self.bits().get(index)?),
            twig_path: tree::inclusion_path(&self.twigs(), index)?,
        })
    }

    fn leaves_of(&self) -> impl Iterator<Item = &[Hash]> {
        self.leaves.chunks(usize::try_from(TWIG_LEAVES).expect("2,048 fits"))
    }

    fn bits(&self) -> Vec<TwigBits> {
        let mut bits = vec![[0; TWIG_BITS_BYTES]; self.leaves_of().count()];
        for Active { position, .. } in self.active.values() {
            let index = usize::try_from(position / TWIG_LEAVES).expect("it is among the leaves");
            activate(bits.get_mut(index).expect("it is among the leaves"), *position);
        }
        bits
    }

    fn twigs(&self) -> Vec<Hash> {
        let bits = self.bits();
        self.leaves_of().zip(&bits).map(|(leaves, bits)| twig(&tree::root(leaves), bits)).collect()
    }
}
