//! Checkpoints: signing what was executed, counting what others signed, and seeing who disagrees.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proto::certificate::{Certificate, CheckpointCertificate, Vote};
use proto::message::{Checkpoint, Message};
use proto::sign::Signature;
use proto::verified::Signed;
use proto::{Hash, Height, ValidatorIndex};

use crate::durable::Draft;
use crate::event::{Action, Halt, Mode, NotVoting, Work};
use crate::evidence::{Evidence, Misbehaviour};
use crate::limits::{CHECKPOINT_SIZES_ABOVE, CHECKPOINT_SIZES_BELOW, REMEMBERED_MAX};
use crate::replica::Replica;
use crate::restore::Head;

/// The signatures of one size, one a signer.
type Signatures = BTreeMap<ValidatorIndex, (Hash, Signature)>;

#[derive(Clone, Debug)]
pub(crate) struct Checkpoints {
    /// The own last checkpoint, signed and durable.
    own: Option<Signed<Checkpoint>>,
    /// Largest size asked of the signer.
    asked: u64,
    /// Own roots by size, above the hardened one.
    roots: BTreeMap<u64, Hash>,
    tallies: BTreeMap<u64, Signatures>,
    certified: Option<CheckpointCertificate>,
    hardened: u64,
    /// The highest certificate beyond what is executed here.
    ahead: Option<CheckpointCertificate>,
    /// Sizes and signers whose disagreement was shown.
    accused: BTreeSet<(u64, ValidatorIndex)>,
}

impl Checkpoints {
    pub(crate) fn new(head: &Head, own: Option<Signed<Checkpoint>>, asked: u64) -> Self {
        Self {
            own,
            asked,
            roots: BTreeMap::from([(head.height.history_size(), head.root)]),
            tallies: BTreeMap::new(),
            certified: head.certified.clone(),
            hardened: head.hardened,
            ahead: None,
            accused: BTreeSet::new(),
        }
    }

    pub(crate) fn certified_size(&self) -> u64 {
        self.certified.as_ref().map_or(0, |certificate| certificate.statement.size)
    }

    pub(crate) fn certified(&self) -> Option<&CheckpointCertificate> {
        self.certified.as_ref()
    }

    pub(crate) fn hardened(&self) -> u64 {
        self.hardened
    }

    pub(crate) fn own(&self) -> Option<&Signed<Checkpoint>> {
        self.own.as_ref()
    }

    /// Whether a size is above every one that this replica signed.
    pub(crate) fn is_above_own(&self, size: u64) -> bool {
        size > self.asked
    }

    /// The largest checkpoint held of `signer`.
    pub(crate) fn of(&self, signer: ValidatorIndex) -> Option<(u64, Hash, Signature)> {
        self.tallies.iter().rev().find_map(|(size, signatures)| {
            let (root, signature) = signatures.get(&signer)?;
            Some((*size, *root, *signature))
        })
    }

    /// Certificates and roots that contradict each other are looked for above the hardened size.
    fn prune(&mut self, executed: Height) {
        let floor = executed.history_size().saturating_sub(CHECKPOINT_SIZES_BELOW);
        self.tallies = self.tallies.split_off(&floor);
        self.accused.retain(|(size, _)| *size >= floor);
        while self.roots.len() > REMEMBERED_MAX {
            self.roots.pop_first();
        }
    }
}

impl Replica {
    pub(crate) fn on_checkpoint(&mut self, signed: &Signed<Checkpoint>, actions: &mut Vec<Action>) {
        let (statement, signer, signature) = (signed.statement, signed.signer, signed.signature);
        let Checkpoint { epoch, size, root } = statement;
        if epoch != self.config.descriptor.epoch || signer.value() >= self.quorum.validators() {
            actions.push(Action::Report(Misbehaviour::Epoch { signer }));
            return;
        }
        if signer == self.config.me {
            if size > self.checkpoints.asked {
                self.stop_voting(NotVoting::SignatureAhead, actions); // L81
            }
            return;
        }
        self.insert_checkpoint(statement, signer, signature, actions);
        if self.checkpoints.roots.contains_key(&size) {
            self.evaluate_checkpoint(size, root, actions);
        }
    }

    fn insert_checkpoint(
        &mut self,
        statement: Checkpoint,
        signer: ValidatorIndex,
        signature: Signature,
        actions: &mut Vec<Action>,
    ) {
        let Checkpoint { size, root, .. } = statement;
        let here = self.executed.history_size();
        if size.saturating_add(CHECKPOINT_SIZES_BELOW) < here
            || size > here.saturating_add(CHECKPOINT_SIZES_ABOVE)
        {
            return; // the sender signs a later size, or sends this one again
        }
        let signatures = self.checkpoints.tallies.entry(size).or_default();
        match signatures.get(&signer) {
            None => {
                signatures.insert(signer, (root, signature));
            }
            Some((known, _)) if *known == root => (), // sent again
            Some((known, before)) => {
                let (known, before) = (*known, *before);
                if self.checkpoints.accused.insert((size, signer)) {
                    let first = Checkpoint { root: known, ..statement };
                    let first = Signed { statement: first, signer, signature: before };
                    let second = Signed { statement, signer, signature };
                    let evidence = Evidence::DoubleCheckpoint { first, second };
                    actions.push(Action::Evidence(Box::new(evidence)));
                }
            }
        }
    }

    /// L92-L95: what the signatures of a size say about the own root of it. `changed` is the root
    /// whose count changed.
    fn evaluate_checkpoint(&mut self, size: u64, changed: Hash, actions: &mut Vec<Action>) {
        let Some(own) = self.checkpoints.roots.get(&size).copied() else { return };
        let Some(signatures) = self.checkpoints.tallies.get(&size) else { return };
        let agree = signatures.values().filter(|(root, _)| *root == changed).count();
        if changed != own {
            self.on_other_root(size, changed, agree, actions);
            return;
        }
        let members = usize::from(self.quorum.validators());
        let certifies = self.quorum.reached(agree) && size > self.checkpoints.certified_size();
        let hardens = agree == members && size > self.checkpoints.hardened;
        if !certifies && !hardens {
            return;
        }
        let votes = signatures
            .iter()
            .filter(|(_, (root, _))| *root == own)
            .map(|(signer, (_, signature))| Vote { signer: *signer, signature: *signature })
            .collect();
        let statement = Checkpoint { epoch: self.config.descriptor.epoch, size, root: own };
        self.adopt_checkpoint(Certificate::new(statement, votes), actions);
    }

    /// L94, L95: others executed to another root. A minority is reported, and stops nobody.
    fn on_other_root(&mut self, size: u64, root: Hash, agree: usize, actions: &mut Vec<Action>) {
        if self.quorum.reached(agree) {
            self.halt(Halt::Divergence, actions);
            return;
        }
        let Some(signatures) = self.checkpoints.tallies.get(&size) else { return };
        let signers = signatures.iter().filter(|(_, (signed, _))| *signed == root);
        for signer in signers.map(|(signer, _)| *signer).collect::<Vec<_>>() {
            if self.checkpoints.accused.insert((size, signer)) {
                actions.push(Action::Report(Misbehaviour::MinorityRoot { signer, size }));
            }
        }
    }

    /// A certificate of the own root: stored where it says more than those before.
    fn adopt_checkpoint(&mut self, certificate: CheckpointCertificate, actions: &mut Vec<Action>) {
        let size = certificate.statement.size;
        let hardens = certificate.is_unanimous(self.quorum.validators());
        if size > self.checkpoints.certified_size() {
            actions.push(Action::Certified(certificate.clone()));
            self.checkpoints.certified = Some(certificate.clone());
        }
        if hardens && size > self.checkpoints.hardened {
            if size == self.checkpoints.certified_size() {
                self.checkpoints.certified = Some(certificate.clone());
            }
            self.checkpoints.hardened = size;
            // What all members signed cannot fork any more: nothing below it is looked at again.
            self.checkpoints.roots = self.checkpoints.roots.split_off(&size);
            self.hashes = self.hashes.split_off(&Height::new(size.saturating_sub(1)));
            actions.push(Action::Hardened(certificate));
        }
    }

    /// L93, L102: a certificate that somebody showed.
    pub(crate) fn learn_checkpoint(
        &mut self,
        certificate: CheckpointCertificate,
        actions: &mut Vec<Action>,
    ) {
        let Checkpoint { size, root, epoch } = certificate.statement;
        if epoch != self.config.descriptor.epoch || size <= self.checkpoints.hardened {
            return;
        }
        let Some(own) = self.checkpoints.roots.get(&size).copied() else {
            let ahead = self.checkpoints.ahead.as_ref().map_or(0, |it| it.statement.size);
            if size > self.executed.history_size().max(ahead) {
                self.checkpoints.ahead = Some(certificate); // compared once it is executed here
            }
            return;
        };
        if root == own {
            let statement = certificate.statement;
            for vote in &certificate.votes {
                self.insert_checkpoint(statement, vote.signer, vote.signature, actions);
            }
            self.adopt_checkpoint(certificate, actions);
            self.evaluate_checkpoint(size, own, actions);
            return;
        }
        match self.checkpoints.certified.clone() {
            Some(first) if first.statement.size == size => {
                let fork = Evidence::ForkedCheckpoint { first, second: certificate };
                actions.push(Action::Evidence(Box::new(fork)));
                self.halt(Halt::Fork, actions);
            }
            Some(_) | None => self.halt(Halt::Divergence, actions),
        }
    }

    /// The batch of a height is synced.
    pub(crate) fn on_executed(
        &mut self,
        (height, root): (Height, Hash),
        work: Work,
        actions: &mut Vec<Action>,
    ) {
        if height != self.executed.next() || height > self.tip.height {
            return; // heights are executed in order, once
        }
        (self.executed, self.work) = (height, work);
        let size = height.history_size();
        self.checkpoints.roots.insert(size, root);
        self.checkpoints.prune(height);
        // L115: no CHECKPOINT of this size will be signed, so none is waited for. A member that catches up
        // would otherwise keep everything since it was away.
        let keeps = match self.mode {
            Mode::Starting | Mode::Voting => self.is_near_tip(),
            Mode::NotVoting(_) => false,
            Mode::Halted(_) => true, // what it holds may be evidence
        };
        if !keeps {
            actions.push(Action::Release { below: height.next() });
        }
        let roots: BTreeSet<Hash> = self
            .checkpoints
            .tallies
            .get(&size)
            .map(|signatures| signatures.values().map(|(root, _)| *root).collect())
            .unwrap_or_default();
        for root in roots {
            self.evaluate_checkpoint(size, root, actions);
        }
        if self.checkpoints.ahead.as_ref().is_some_and(|ahead| ahead.statement.size <= size)
            && let Some(ahead) = self.checkpoints.ahead.take()
        {
            self.learn_checkpoint(ahead, actions);
        }
    }

    /// L90: whether execution is so close to the tip that its roots are signed.
    fn is_near_tip(&self) -> bool {
        let lag = u64::from(self.config.descriptor.lag);
        self.executed.plus(lag) >= self.tip.height
    }

    /// L90: signs the executed size when it grew and execution is close to the tip.
    pub(crate) fn try_checkpoint(&mut self, actions: &mut Vec<Action>) {
        let size = self.executed.history_size();
        if size <= self.checkpoints.asked || !self.is_near_tip() {
            return;
        }
        let Some(root) = self.checkpoints.roots.get(&size).copied() else { return };
        self.checkpoints.asked = size;
        let epoch = self.config.descriptor.epoch;
        actions.push(Action::Sign(Draft::Checkpoint(Checkpoint { epoch, size, root })));
    }

    /// L91: the own checkpoint is durable: counted, sent, and sent again with every status.
    pub(crate) fn on_own_checkpoint(
        &mut self,
        signed: Signed<Checkpoint>,
        actions: &mut Vec<Action>,
    ) {
        if self.mode != Mode::Voting {
            return; // it stopped voting meanwhile
        }
        let Checkpoint { size, root, .. } = signed.statement;
        let (statement, signer, signature) = (signed.statement, signed.signer, signed.signature);
        actions.push(Action::Broadcast(Arc::new(Message::Checkpoint(signed.clone()))));
        actions.push(Action::Release { below: Height::new(size) });
        self.checkpoints.own = Some(signed);
        self.insert_checkpoint(statement, signer, signature, actions);
        self.evaluate_checkpoint(size, root, actions);
    }

    /// L91: the last own checkpoint counts again after a restart.
    pub(crate) fn resume_checkpoint(&mut self, actions: &mut Vec<Action>) {
        let Some(signed) = self.checkpoints.own.clone() else { return };
        let Signed { statement, signer, signature } = signed;
        self.insert_checkpoint(statement, signer, signature, actions);
        self.evaluate_checkpoint(statement.size, statement.root, actions);
    }
}
