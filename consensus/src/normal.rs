//! The normal case: receiving proposals and votes, preparing, locking, committing.

use std::sync::Arc;

use proto::block::BlockHeader;
use proto::certificate::{Certificate, CommitCertificate, Vote};
use proto::limits::{BUFFER_HEIGHTS_MAX, BUFFER_VIEWS_MAX};
use proto::message::{Commit, Message, Prepare, Proposal, ViewChangeMessage};
use proto::verified::Signed;
use proto::{BlockHash, Hash, ValidatorIndex, View};

use crate::durable::{Draft, Own, Positioned as _, Record};
use crate::event::{Action, Mode, NotVoting, Timer};
use crate::evidence::{BadProposal, Evidence, Misbehaviour, hides, justified};
use crate::limits::{BLOCK_AGE_MS_MIN, CLOCK_SKEW_MS_MAX};
use crate::pool::Bodies;
use crate::replica::{Alarm, Replica};
use crate::safety::{Position, Step};
use crate::tally::{Counted, Insertion};

impl Replica {
    pub(crate) fn on_message(
        &mut self,
        from: ValidatorIndex,
        message: Message,
        actions: &mut Vec<Action>,
    ) {
        if matches!(self.mode, Mode::Halted(_)) {
            self.on_message_halted(from, &message, actions);
            return;
        }
        match message {
            Message::PrePrepare(proposal) => self.on_pre_prepare(from, proposal, actions),
            Message::Prepare(signed) => self.on_prepare(from, &signed, actions),
            Message::Commit(signed) => self.on_commit(from, &signed, actions),
            Message::ViewChange(change) => self.on_view_change(from, &change, actions),
            Message::Checkpoint(signed) => self.on_checkpoint(&signed, actions),
            Message::Status(status) => self.on_status(from, status, actions),
            Message::Decided(decided) => self.on_decided(from, &decided, actions),
        }
    }

    /// L2, L3, L7: whether a vote is one to look at; answers one for a decided height.
    pub(crate) fn admits(
        &mut self,
        from: ValidatorIndex,
        signer: ValidatorIndex,
        position: Position,
        actions: &mut Vec<Action>,
    ) -> bool {
        if position.epoch != self.config.descriptor.epoch {
            actions.push(Action::Report(Misbehaviour::Epoch { signer }));
            return false;
        }
        if signer == self.config.me {
            if self.may_sign(position) {
                // L81: it signed above all that this replica remembers: memory was lost, or the
                // key is used elsewhere.
                self.stop_voting(NotVoting::SignatureAhead, actions);
            }
            return false;
        }
        if position.height <= self.tip.height {
            self.answer_decided(from, position.height, actions);
            return false;
        }
        signer.value() < self.quorum.validators()
            && position.height <= self.tip.height.plus(BUFFER_HEIGHTS_MAX)
    }

    /// L4: views beyond are dropped, so that one liar cannot fill the memory or choose the view.
    pub(crate) fn view_max(&self) -> View {
        self.own_view().plus(BUFFER_VIEWS_MAX)
    }

    fn on_pre_prepare(
        &mut self,
        from: ValidatorIndex,
        proposal: Proposal,
        actions: &mut Vec<Action>,
    ) {
        let Signed { statement, signer, .. } = proposal.signed.clone();
        let (height, view) = (statement.height, statement.view);
        if !self.admits(from, signer, statement.position(), actions)
            || (view > self.view_max() && !self.is_exempt(&proposal))
        {
            return;
        }
        let primary = self.config.descriptor.primary(height, view);
        if signer != primary {
            let reason = BadProposal::NotPrimary { signer, primary };
            actions.push(Action::Report(Misbehaviour::Proposal { height, view, reason }));
            return;
        }
        let slot = self.slots.entry(height).or_default();
        if let Some(known) = slot.proposals.get(&view) {
            if known.signed.statement != statement && slot.accused.insert((view, signer)) {
                let (first, second) = (known.signed.clone(), proposal.signed);
                let evidence = Evidence::DoublePrePrepare { first, second };
                actions.push(Action::Evidence(Box::new(evidence)));
                if height == self.open.height {
                    self.on_proof_against_primary(view, actions);
                }
            }
            return;
        }
        if slot.refused.contains(&view) {
            return;
        }
        if height > self.open.height {
            slot.proposals.insert(view, Arc::new(proposal));
            return; // judged when its height opens
        }
        match self.check_proposal(&proposal) {
            Ok(()) => self.accept_proposal(proposal),
            Err(reason) => {
                self.refuse_proposal(&proposal, reason, actions);
                self.on_proof_against_primary(view, actions);
            }
        }
    }

    /// L4: whether a proposal brings its own reason to look at a view far above: only at the open
    /// height, where it is judged at once, and once for each primary whose reason does not hold.
    fn is_exempt(&self, proposal: &Proposal) -> bool {
        let Signed { statement, signer, .. } = &proposal.signed;
        let convicted = self.known().is_some_and(|slot| slot.unjustified.contains(signer));
        statement.height == self.open.height
            && proposal.justification.len() >= usize::from(self.quorum.votes())
            && !convicted
    }

    fn accept_proposal(&mut self, proposal: Proposal) {
        let slot = self.slot();
        slot.add_block(&proposal.block);
        slot.proposals.insert(proposal.signed.statement.view, Arc::new(proposal));
    }

    pub(crate) fn refuse_proposal(
        &mut self,
        proposal: &Proposal,
        reason: BadProposal,
        actions: &mut Vec<Action>,
    ) {
        let statement = &proposal.signed.statement;
        let (height, view) = (statement.height, statement.view);
        self.slot().refused.insert(view);
        actions.push(Action::Report(Misbehaviour::Proposal { height, view, reason }));
        match reason {
            BadProposal::Unjustified(_) if !proposal.justification.is_empty() => {
                if self.slot().unjustified.insert(proposal.signed.signer) {
                    let evidence = Evidence::InvalidNewView(proposal.clone());
                    actions.push(Action::Evidence(Box::new(evidence)));
                }
            }
            BadProposal::Unjustified(_)
            | BadProposal::NotPrimary { .. }
            | BadProposal::Header { .. }
            | BadProposal::BelowBase { .. }
            | BadProposal::JustifiedBase
            | BadProposal::LowPrepared { .. }
            | BadProposal::Leaves => (), // no contradiction that a stranger could check
        }
    }

    /// Everything about a proposal that depends on the chain alone: neither clock nor bodies.
    pub(crate) fn check_proposal(&self, proposal: &Proposal) -> Result<(), BadProposal> {
        let (view, base) = (proposal.signed.statement.view, self.open.base);
        let header = proposal.block.header();
        self.check_header(header, view)?;
        let leaves = proposal.block.tx_leaves();
        let distinct: std::collections::BTreeSet<&Hash> = leaves.iter().collect();
        let count_max = usize::try_from(proto::limits::TXS_PER_BLOCK_MAX).unwrap_or(usize::MAX);
        if leaves.len() > count_max || distinct.len() != leaves.len() {
            return Err(BadProposal::Leaves);
        }
        if view > base {
            // L70, L71
            justified(proposal, self.quorum.votes())?;
            let low = |change: &&ViewChangeMessage| {
                change.signed.statement.prepared.is_some_and(|(view, _)| view < base)
            };
            if let Some(change) = proposal.justification.iter().find(low) {
                let signer = change.signed.signer;
                return Err(BadProposal::LowPrepared { signer, base });
            }
            return Ok(());
        }
        if !proposal.justification.is_empty() {
            return Err(BadProposal::JustifiedBase);
        }
        if header.view == view { Ok(()) } else { Err(BadProposal::Header { field: "view" }) }
    }

    fn check_header(&self, header: &BlockHeader, view: View) -> Result<(), BadProposal> {
        let (descriptor, height) = (&self.config.descriptor, self.open.height);
        if view < self.open.base {
            return Err(BadProposal::BelowBase { view, base: self.open.base });
        }
        for (field, holds) in [
            ("chain", header.chain == self.config.chain),
            ("epoch", header.epoch == descriptor.epoch),
            ("epoch_hash", header.epoch_hash == self.epoch_hash),
            ("height", header.height == height),
            ("view", header.view >= self.open.base && header.view <= view),
            ("primary", header.primary == descriptor.primary(height, header.view)),
            ("parent", header.parent == self.tip.hash),
            ("time", header.time > self.tip.time),
        ] {
            if !holds {
                return Err(BadProposal::Header { field });
            }
        }
        Ok(())
    }

    fn on_prepare(
        &mut self,
        from: ValidatorIndex,
        signed: &Signed<Prepare>,
        actions: &mut Vec<Action>,
    ) {
        let (statement, signer, signature) = (signed.statement, signed.signer, signed.signature);
        let Prepare { height, view, block_hash, .. } = statement;
        if !self.admits(from, signer, statement.position(), actions) || view > self.view_max() {
            return;
        }
        if signer == self.config.descriptor.primary(height, view) {
            let report = Misbehaviour::PrimaryPrepare { signer, height, view };
            actions.push(Action::Report(report));
            return;
        }
        let slot = self.slots.entry(height).or_default();
        match slot.prepares.insert(view, Counted { signer, block_hash, signature }) {
            Insertion::Contradicts(known) if slot.accused.insert((view, signer)) => {
                let Counted { block_hash, signature, .. } = known;
                let before = Prepare { block_hash, ..statement };
                let first = Signed { statement: before, signer, signature };
                let second = signed.clone();
                let evidence = Evidence::DoublePrepare { first, second };
                actions.push(Action::Evidence(Box::new(evidence)));
            }
            // Counted where it is looked at, sent again, or shown before.
            Insertion::New | Insertion::Known | Insertion::Contradicts(_) => (),
        }
    }

    fn on_commit(
        &mut self,
        from: ValidatorIndex,
        signed: &Signed<Commit>,
        actions: &mut Vec<Action>,
    ) {
        let (statement, signer, signature) = (signed.statement, signed.signer, signed.signature);
        let Commit { height, view, block_hash, .. } = statement;
        if !self.admits(from, signer, statement.position(), actions) || view > self.view_max() {
            return;
        }
        let slot = self.slots.entry(height).or_default();
        match slot.commits.insert(view, Counted { signer, block_hash, signature }) {
            Insertion::New => {
                let change = slot.view_changes.get(&signer).map(|change| change.signed.clone());
                if let Some(view_change) = change.filter(|it| hides(&it.statement, &statement)) {
                    let commit = Signed { statement, signer, signature };
                    self.accuse_hidden(commit, view_change, actions);
                }
                self.count_commits(statement, actions);
            }
            Insertion::Contradicts(known) if slot.accused.insert((view, signer)) => {
                accuse_commits(known, signed.clone(), actions);
            }
            Insertion::Known | Insertion::Contradicts(_) => (), // sent again, or shown before
        }
    }

    /// L6: a commit in a certificate contradicts one that came by itself as much as another does.
    pub(crate) fn compare_commits(
        &mut self,
        certificate: &CommitCertificate,
        actions: &mut Vec<Action>,
    ) {
        let statement = certificate.statement;
        let Commit { height, view, block_hash, .. } = statement;
        let Some(slot) = self.slots.get_mut(&height) else { return };
        for Vote { signer, signature } in &certificate.votes {
            let known = slot.commits.of(*signer).find(|(at, _)| *at == view).map(|(_, vote)| *vote);
            let Some(known) = known.filter(|known| known.block_hash != block_hash) else {
                continue;
            };
            // A vote of ours that this replica does not know is no proof against another: L81.
            if *signer != self.config.me && slot.accused.insert((view, *signer)) {
                let second = Signed { statement, signer: *signer, signature: *signature };
                accuse_commits(known, second, actions);
            }
        }
    }

    pub(crate) fn accuse_hidden(
        &mut self,
        commit: Signed<Commit>,
        view_change: Signed<proto::message::ViewChange>,
        actions: &mut Vec<Action>,
    ) {
        let statement = &commit.statement;
        let slot = self.slots.entry(statement.height).or_default();
        if slot.accused.insert((statement.view, commit.signer)) {
            let evidence = Evidence::LockHidden { commit, view_change };
            actions.push(Action::Evidence(Box::new(evidence)));
        }
    }

    /// L50: q COMMITs of one (height, view, block); views are never added up.
    fn count_commits(&mut self, statement: Commit, actions: &mut Vec<Action>) {
        let Commit { height, view, block_hash, .. } = statement;
        let Some(slot) = self.slots.get(&height) else { return };
        if self.quorum.reached(slot.commits.count(view, block_hash, None)) {
            let votes = slot.commits.signatures(view, block_hash, None);
            self.learn_certificate(Certificate::new(statement, votes), actions);
        }
    }

    /// L30-L35: prepares the proposal of the highest view that is not below the own one.
    pub(crate) fn try_prepare(&mut self, actions: &mut Vec<Action>) {
        let Some(slot) = self.known() else { return };
        let floor = self.own_view();
        let Some((view, proposal)) = slot.proposals.range(floor..).next_back() else { return };
        let (view, proposal) = (*view, Arc::clone(proposal));
        let position = self.position(view, Step::Prepare);
        if proposal.signed.signer == self.config.me
            || slot.certificate.is_some()
            || !self.may_sign(position)
            || !self.may_extend()
            || !self.is_timely(proposal.block.header(), view)
            || self.check_bodies(proposal.block.hash(), actions) != Bodies::Ready
        {
            return;
        }
        let block_hash = proposal.block.hash();
        self.journal_proposal(view, actions);
        let (epoch, height) = (self.config.descriptor.epoch, self.open.height);
        let prepare = Prepare { epoch, height, view, block_hash };
        self.ask(position, Draft::Prepare(prepare), actions);
        self.enter_view(view);
    }

    /// L33: a fresh block is of now; one that is proposed again was so once.
    fn is_timely(&self, header: &BlockHeader, view: View) -> bool {
        let age_max = BLOCK_AGE_MS_MIN.max(self.timeout_ms().saturating_mul(2));
        header.view != view
            || (header.time <= self.now.plus_ms(CLOCK_SKEW_MS_MAX)
                && header.time >= self.now.minus_ms(age_max))
    }

    /// L32: the verdict on the bodies of a block, remembered as long as it holds.
    pub(crate) fn check_bodies(&mut self, hash: BlockHash, actions: &mut Vec<Action>) -> Bodies {
        let known = self.open.checks.get(&hash).copied();
        let Some(block) = self.known().and_then(|slot| slot.block(hash)) else {
            return known.unwrap_or(Bodies::Missing { at: 0, leaf: hash.0 });
        };
        let verdict = self.pool.check_on(block, known.as_ref(), &self.config.descriptor.limits);
        if known == Some(verdict) {
            return verdict;
        }
        if let Bodies::Refused(leaf) = verdict {
            let height = self.open.height;
            actions.push(Action::Report(Misbehaviour::Body { height, leaf }));
        }
        self.open.checks.insert(hash, verdict);
        verdict
    }

    /// L34: the proposal with its block and bodies is in the journal before any vote for it.
    fn journal_proposal(&mut self, view: View, actions: &mut Vec<Action>) {
        let slot = self.slot();
        if slot.journaled >= Some(view) {
            return;
        }
        if let Some(proposal) = slot.proposals.get(&view) {
            actions.push(Action::Journal(Record::Proposal(Arc::clone(proposal))));
            slot.journaled = Some(view);
        }
    }

    /// L35: takes part in a view from now on.
    pub(crate) fn enter_view(&mut self, view: View) {
        if self.open.changing.is_some() || self.open.view != view {
            self.open.view = view;
            self.open.changing = None;
            self.open.alarm = Alarm::Off; // the view has a timeout of its own
        }
    }

    /// L40-L42: every certificate that is complete is journaled and locks, also late and while
    /// views change: the next view change speaks of it.
    pub(crate) fn try_lock(&mut self, actions: &mut Vec<Action>) {
        let votes = self.quorum.votes();
        let Some(slot) = self.slots.get_mut(&self.open.height) else { return };
        if slot.certificate.is_some() {
            return;
        }
        let prepared = slot.proposals.keys().rev().find(|view| slot.is_prepared(**view, votes));
        let Some(view) = prepared.copied().filter(|view| slot.lock_view() < Some(*view)) else {
            return;
        };
        let Some(certificate) = slot.prepared(view) else { return };
        actions.push(Action::Journal(Record::Prepared(certificate.clone())));
        slot.raise_lock(certificate);
        if view >= self.own_view() {
            // L42: a quorum works in that view. To leave a lower one now would be to speak of a
            // view below the own lock.
            self.enter_view(view);
        }
    }

    /// L40: commits what is prepared in the own view.
    pub(crate) fn try_commit(&mut self, actions: &mut Vec<Action>) {
        let view = self.open.view;
        let position = self.position(view, Step::Commit);
        let Some(slot) = self.known() else { return };
        let Some(lock) = &slot.lock else { return };
        let locked = lock.pre_prepare.statement;
        if self.open.changing.is_some()
            || locked.view != view
            || slot.certificate.is_some()
            || !self.may_sign(position)
            || self.check_bodies(locked.block_hash, actions) != Bodies::Ready
        {
            return;
        }
        self.journal_proposal(view, actions);
        let (epoch, height, block_hash) = (locked.epoch, locked.height, locked.block_hash);
        let commit = Commit { epoch, height, view, block_hash };
        self.ask(position, Draft::Commit(commit), actions);
    }

    /// A message of ours came back signed and durable: now it counts, and now it is sent.
    pub(crate) fn on_signed(&mut self, own: &Own, actions: &mut Vec<Action>) {
        if let Own::Checkpoint(signed) = own {
            self.on_own_checkpoint(signed.clone(), actions);
            return;
        }
        let Some(position) = own.position().filter(|it| it.height == self.open.height) else {
            return; // its height was decided meanwhile
        };
        if self.mode != Mode::Voting || self.may_sign(position) {
            return; // it stopped voting meanwhile, or never asked for this
        }
        let slot = self.slots.entry(position.height).or_default();
        if position.step == Step::Commit && slot.lock_view() < Some(position.view) {
            return; // not asked for either
        }
        slot.keep_own(own);
        match own {
            Own::PrePrepare(proposal) => {
                let view = proposal.signed.statement.view;
                slot.add_block(&proposal.block);
                slot.journaled = slot.journaled.max(Some(view));
                slot.proposals.insert(view, Arc::clone(proposal));
                self.check_bodies(proposal.block.hash(), actions); // remembered as ready
            }
            Own::Prepare(Signed { statement, signer, signature }) => {
                let (signer, signature) = (*signer, *signature);
                let vote = Counted { signer, block_hash: statement.block_hash, signature };
                slot.prepares.insert(statement.view, vote);
            }
            Own::Commit(Signed { statement, signer, signature }) => {
                let (signer, signature) = (*signer, *signature);
                let vote = Counted { signer, block_hash: statement.block_hash, signature };
                slot.commits.insert(statement.view, vote);
                self.count_commits(*statement, actions);
            }
            Own::ViewChange(change) => {
                slot.view_changes.insert(change.signed.signer, ViewChangeMessage::clone(change));
            }
            Own::Checkpoint(_) => (), // handled above
        }
        actions.push(Action::Broadcast(Arc::new(own.message())));
    }

    /// L67: sends again what is not decided yet.
    pub(crate) fn resend(&mut self, actions: &mut Vec<Action>) {
        if self.mode != Mode::Voting {
            return;
        }
        let Some(slot) = self.known() else { return };
        let own = &slot.own;
        let proposal = own.proposal.as_ref().map(|it| Message::PrePrepare(Proposal::clone(it)));
        let messages = [
            proposal,
            own.prepare.clone().map(Message::Prepare),
            own.commit.clone().map(Message::Commit),
            own.view_change.clone().map(Message::ViewChange),
        ];
        for message in messages.into_iter().flatten() {
            actions.push(Action::Broadcast(Arc::new(message)));
        }
    }

    /// Whether votes of this height have to be sent again some time.
    pub(crate) fn resends(&self) -> bool {
        self.known().is_some_and(|slot| {
            let own = &slot.own;
            let voted = own.proposal.is_some()
                || own.prepare.is_some()
                || own.commit.is_some()
                || own.view_change.is_some();
            // A proposal that waits for clock or lag is looked at again by the same timer.
            voted || !slot.proposals.is_empty()
        })
    }

    pub(crate) fn arm_resend(&mut self, actions: &mut Vec<Action>) {
        if self.mode == Mode::Voting && self.resends() {
            let pause = (self.timeout_ms() / 4).clamp(1, crate::limits::RESEND_MS_MAX);
            self.ensure_timer(Timer::Resend, pause, actions);
        }
    }
}

fn accuse_commits(known: Counted, second: Signed<Commit>, actions: &mut Vec<Action>) {
    let Counted { signer, block_hash, signature } = known;
    let statement = Commit { block_hash, ..second.statement };
    let first = Signed { statement, signer, signature };
    actions.push(Action::Evidence(Box::new(Evidence::DoubleCommit { first, second })));
}
