//! What a height of the made-up chain holds, hashed as the ledger would.

use super::*;

impl Content {
    pub(super) fn record(&mut self, placed: &Placed, day: u32) {
        let mut subjects: Vec<SubjectKey> =
            placed.receipt.links.as_slice().iter().map(|link| link.subject.clone()).collect();
        subjects.sort();
        subjects.dedup();
        for subject in subjects {
            let bucket = if subject.kind.has_one_log() { 0 } else { day };
            let key = LogKey { kind: subject.kind, bucket, subject: subject.key.clone() };
            if bucket != 0 && !self.logs.contains_key(&key) {
                let directory = LogKey { bucket: 0, ..key.clone() };
                let entry = DayEntry { bucket, height: Height::new(placed.height) };
                self.days.entry(directory).or_default().push(entry);
            }
            self.logs.entry(key).or_default().push(placed.clone());
        }
    }

    pub(super) fn write_log_heads(&mut self) {
        let heads: Vec<(LogKey, Vec<Hash>, Height)> = self
            .logs
            .iter()
            .map(|(key, entries)| {
                let leaves = entries.iter().map(|placed| {
                    let receipt_leaf = placed.receipt.payload().leaf();
                    let height = Height::new(placed.height);
                    Entry { height, receipt_index: placed.index, receipt_leaf }.leaf()
                });
                (
                    key.clone(),
                    leaves.collect::<Vec<Hash>>(),
                    Height::new(entries.last().unwrap().height),
                )
            })
            .chain(self.days.iter().map(|(key, days)| {
                let leaves = days.iter().map(DayEntry::leaf).collect();
                (key.clone(), leaves, days.last().unwrap().height)
            }))
            .collect();
        for (key, leaves, last_height) in heads {
            let mut head = LogHead::default();
            for leaf in leaves {
                head.append(leaf, last_height);
            }
            self.state.insert((Namespace::Log, key.state_key()), head.encode());
        }
    }

    /// A ring that holds the state and nothing else: a verifier sees no difference from one that came
    /// to it over many heights.
    fn ring(&self) -> Ring {
        Ring::genesis(self.state.iter().map(|((namespace, key), value)| {
            (ring::state_key(*namespace, key), ring::value_hash(value))
        }))
    }

    pub(super) fn root(&self) -> Hash {
        self.ring().root()
    }

    pub(super) fn prove(&self, namespace: Namespace, key: &[u8]) -> StateProof {
        self.ring().prove(&ring::state_key(namespace, key)).unwrap()
    }
}

/// Roots of the maximal subtrees without an index of `first..end`.
pub(super) fn cover(leaves: &[Hash], start: u64, first: u64, end: u64) -> Vec<Hash> {
    let stop = start + count(leaves);
    if start >= end || stop <= first {
        return vec![tree::root(leaves)];
    }
    if leaves.len() == 1 {
        return Vec::new();
    }
    let middle = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(middle);
    let mut found = cover(left, start, first, end);
    found.extend(cover(right, start + u64::try_from(middle).unwrap(), first, end));
    found
}
