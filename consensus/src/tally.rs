//! Votes of one kind at one height: one a signer and view, counted by block. Votes of different
//! views are never added up.

use std::collections::BTreeMap;

use proto::certificate::Vote;
use proto::sign::Signature;
use proto::{BlockHash, ValidatorIndex, View};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    pub(crate) signer: ValidatorIndex,
    pub(crate) block_hash: BlockHash,
    pub(crate) signature: Signature,
}

/// What a vote was to the tally.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Insertion {
    /// The signer's first vote in this view.
    New,
    /// It was here before.
    Known,
    /// The signer voted for another block in this view; the new vote is not counted.
    Contradicts(Counted),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    views: BTreeMap<View, Vec<Counted>>,
}

impl Tally {
    pub(crate) fn insert(&mut self, view: View, vote: Counted) -> Insertion {
        let votes = self.views.entry(view).or_default();
        match votes.iter().find(|known| known.signer == vote.signer) {
            None => {
                votes.push(vote);
                Insertion::New
            }
            Some(known) if known.block_hash == vote.block_hash => Insertion::Known,
            Some(known) => Insertion::Contradicts(*known),
        }
    }

    fn votes(&self, view: View, hash: BlockHash) -> impl Iterator<Item = &Counted> {
        let votes = self.views.get(&view).map_or(&[][..], Vec::as_slice);
        votes.iter().filter(move |vote| vote.block_hash == hash)
    }

    /// Distinct signers for `hash` in `view`, `except` not counted.
    pub(crate) fn count(
        &self,
        view: View,
        hash: BlockHash,
        except: Option<ValidatorIndex>,
    ) -> usize {
        self.votes(view, hash).filter(|vote| Some(vote.signer) != except).count()
    }

    /// The votes for `hash` in `view` without those of `except`, in the order of their signers.
    pub(crate) fn signatures(
        &self,
        view: View,
        hash: BlockHash,
        except: Option<ValidatorIndex>,
    ) -> Vec<Vote> {
        let mut votes: Vec<Vote> = self
            .votes(view, hash)
            .filter(|vote| Some(vote.signer) != except)
            .map(|vote| Vote { signer: vote.signer, signature: vote.signature })
            .collect();
        votes.sort_by_key(|vote| vote.signer);
        votes
    }

    /// The votes of one signer, ascending by view.
    pub(crate) fn of(&self, signer: ValidatorIndex) -> impl Iterator<Item = (View, &Counted)> {
        self.views.iter().filter_map(move |(view, votes)| {
            Some((*view, votes.iter().find(|vote| vote.signer == signer)?))
        })
    }

    /// Whether `signer` voted in `view`.
    pub(crate) fn has(&self, view: View, signer: ValidatorIndex) -> bool {
        self.views.get(&view).is_some_and(|votes| votes.iter().any(|vote| vote.signer == signer))
    }
}
