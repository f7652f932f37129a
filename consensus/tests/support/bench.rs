//! One replica on a bench: lines of a script go in as inputs, its actions come out as text.
//!
//! The bench plays signer, journal and executor. Signatures are not checked here: that is `proto`'s.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use consensus::{
    Action, Body, Config, Draft, Evidence, Halt, Head, Input, Mode, Own, Record, Replica,
    SafetyRecord, StatusDraft, Timer, Voting, restore,
};
use expect_test::Expect;
use proto::block::{Block, BlockHeader};
use proto::certificate::{Certificate, PreparedCertificate, Vote};
use proto::codec::Canonical as _;
use proto::epoch::{BlockLimits, Descriptor, Validator};
use proto::hash::Tag;
use proto::message::{
    Checkpoint, Commit, Decided, Message, PrePrepare, Prepare, Proposal, Seen, Status,
    StatusMessage, ViewChange, ViewChangeMessage, justification_hash,
};
use proto::quorum::Mode as Counting;
use proto::sign::{SecretKey, Signature};
use proto::verified::{Signed, TrustAll, Verified};
use proto::{
    AgencyIndex, BlockHash, ChainId, Epoch, Hash, Height, TimeMs, TxId, ValidatorIndex, View,
};

/// Genesis time of every test.
pub(crate) const GENESIS: TimeMs = TimeMs::new(1_000_000);
const NONCE: [u8; 16] = [7; 16];

pub(crate) fn chain() -> ChainId {
    ChainId(Tag::Genesis.hash(b"bench"))
}

pub(crate) fn descriptor(members: u16) -> Descriptor {
    Descriptor {
        epoch: Epoch::ZERO,
        first_height: Height::new(1),
        mode: Counting::Standard,
        rotation_blocks: 1024,
        lag: 4,
        limits: BlockLimits::default(),
        contracts: 1,
        role_table: Hash::ZERO,
        validators: (0..members)
            .map(|index| Validator {
                agency: AgencyIndex::new(index),
                key: SecretKey::from_seed(&[u8::try_from(index).unwrap() + 1; 32]).public(),
            })
            .collect(),
    }
}

pub(crate) fn member(index: u16) -> ValidatorIndex {
    ValidatorIndex::new(index)
}

pub(crate) fn signature(signer: ValidatorIndex) -> Signature {
    Signature::new([u8::try_from(signer.value()).unwrap(); 64])
}

pub(crate) fn signed<T>(statement: T, signer: u16) -> Signed<T> {
    Signed { statement, signer: member(signer), signature: signature(member(signer)) }
}

fn leaf(name: &str) -> Hash {
    Tag::Tx.hash(name.as_bytes())
}

fn root(name: &str) -> Hash {
    Tag::History.hash(name.as_bytes())
}

/// Who is on the bench.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) members: u16,
    pub(crate) me: u16,
    pub(crate) voting: Voting,
}

pub(crate) struct Bench {
    setup: Setup,
    replica: Replica,
    now: TimeMs,
    blocks: BTreeMap<String, Block>,
    drafts: Vec<Draft>,
    /// Journal records that a sync covered.
    synced: Vec<Record>,
    unsynced: Vec<Record>,
    safety: SafetyRecord,
    decided: BTreeMap<Height, Arc<Decided>>,
    head: Head,
    timers: BTreeMap<Timer, u64>,
    show_timers: bool,
}

/// Runs a transcript again: what stands left of `=>` goes in, and what comes out must stand right
/// of it. `UPDATE_EXPECT=1` rewrites the right side.
pub(crate) fn check(members: u16, me: u16, expect: &Expect) {
    let script: Vec<&str> =
        expect.data.lines().map(|line| line.split("=>").next().unwrap_or_default()).collect();
    let setup = Setup { members, me, voting: Voting::Allowed };
    expect.assert_eq(&transcript(setup, &script.join("\n")));
}

/// A script with what each line caused.
pub(crate) fn transcript(setup: Setup, script: &str) -> String {
    let mut bench = Bench::new(setup);
    let mut out = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let effects = bench.line(line);
        let effects = if effects.is_empty() { "-".to_owned() } else { effects.join("; ") };
        writeln!(out, "{line} => {effects}").unwrap();
    }
    out
}

impl Bench {
    pub(crate) fn new(setup: Setup) -> Self {
        let head = Head::genesis(chain(), GENESIS, root("genesis"));
        Self {
            setup,
            replica: replica(setup, head.clone(), Vec::new(), SafetyRecord::default()),
            now: GENESIS.plus_ms(1_000),
            blocks: BTreeMap::new(),
            drafts: Vec::new(),
            synced: Vec::new(),
            unsynced: Vec::new(),
            safety: SafetyRecord::default(),
            decided: BTreeMap::new(),
            head,
            timers: BTreeMap::new(),
            show_timers: false,
        }
    }

    /// Carries out one line of a script.
    pub(crate) fn line(&mut self, line: &str) -> Vec<String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["block", name, rest @ ..] => self.define(name, rest),
            ["timers"] => {
                self.show_timers = true;
                Vec::new()
            }
            ["wait", ms] => {
                self.now = self.now.plus_ms(ms.parse().unwrap());
                Vec::new()
            }
            ["start"] => self.step(Input::Start),
            ["vote"] => {
                // All that comes before the first vote, for scripts that are not about it.
                let mut out = self.step(Input::Start);
                let me = self.setup.me;
                for index in (0..self.setup.members).filter(|index| *index != me) {
                    out.extend(self.status(index, &["echo"]));
                }
                out.extend(self.sign());
                out.retain(|effect| effect.starts_with("mode"));
                out
            }
            ["timer", name] => self.fire(name),
            ["body", name] => self.body(name, 100),
            ["body", name, bytes] => self.body(name, bytes.parse().unwrap()),
            ["drop", name] => self.step(Input::BodyDropped(leaf(name))),
            ["fetched", name] => {
                let block = self.blocks[*name].clone();
                self.step(Input::BlockFetched(Box::new(block)))
            }
            ["sign"] => self.sign(),
            ["unasked"] => {
                let own = own_commit(1, 0, self.setup.me);
                self.step(Input::Signed(own))
            }
            ["halt"] => self.step(Input::Halt(Halt::Operator)),
            ["executed", height, name] => self.executed(height.parse().unwrap(), root(name)),
            ["restart"] => self.restart(),
            ["wipe"] => {
                self.synced.clear();
                self.restart()
            }
            ["standing"] => vec![self.standing()],
            [from, rest @ ..] => self.message(from.parse().unwrap(), rest),
            [] => Vec::new(),
        }
    }

    fn define(&mut self, name: &str, rest: &[&str]) -> Vec<String> {
        let mut header = BlockHeader {
            chain: chain(),
            epoch: Epoch::ZERO,
            epoch_hash: descriptor(self.setup.members).hash(chain()),
            height: Height::new(1),
            view: View::ZERO,
            primary: member(0),
            parent: chain().genesis_block(),
            time: self.now,
            tx_count: 0,
            tx_root: Hash::ZERO,
            evidence_count: 0,
            evidence_root: Hash::ZERO,
        };
        let mut leaves = Vec::new();
        for word in rest {
            match word.split_once('=') {
                Some(("on", parent)) => {
                    let parent = &self.blocks[parent];
                    header.parent = parent.hash();
                    header.height = parent.header().height.next();
                    header.time = header.time.max(parent.header().time.plus_ms(1));
                }
                Some(("time", late)) => header.time = self.now.plus_ms(late.parse().unwrap()),
                Some(("old", early)) => header.time = self.now.minus_ms(early.parse().unwrap()),
                Some(("primary", index)) => header.primary = member(index.parse().unwrap()),
                Some(("tx", name)) => leaves.push(leaf(name)),
                Some(_) | None => header.view = view(word),
            }
        }
        if !rest.iter().any(|word| word.starts_with("primary=")) {
            header.primary = descriptor(self.setup.members).primary(header.height, header.view);
        }
        self.blocks.insert(name.to_owned(), Block::new(header, leaves));
        Vec::new()
    }

    fn body(&mut self, name: &str, bytes: u32) -> Vec<String> {
        // Names that differ only in a final quote are one transaction with two signatures.
        let tx_id = TxId(Tag::TxId.hash(name.trim_end_matches('\'').as_bytes()));
        let valid_until = self.now.plus_ms(3_600_000);
        self.step(Input::BodyHeld(Body {
            leaf: leaf(name),
            tx_id,
            bytes,
            operations: 1,
            valid_until,
            received: self.now,
        }))
    }

    fn fire(&mut self, name: &str) -> Vec<String> {
        let timer = match name {
            "view-change" => Timer::ViewChange,
            "resend" => Timer::Resend,
            "status" => Timer::Status,
            "propose" => Timer::Propose,
            "new-view" => Timer::NewView,
            "start" => Timer::Start,
            "fetch" => Timer::Fetch,
            other => panic!("no timer {other}"),
        };
        if let Some(after) = self.timers.remove(&timer) {
            self.now = self.now.plus_ms(after);
        }
        self.step(Input::Timer(timer))
    }

    /// The signer: admits, signs, journals, syncs, and feeds back in order.
    fn sign(&mut self) -> Vec<String> {
        let mut out = Vec::new();
        for draft in std::mem::take(&mut self.drafts) {
            match self.safety.admit(draft.claim(chain())) {
                Ok(record) => self.safety = record,
                Err(refusal) => {
                    out.push(format!("signer refuses: {refusal}"));
                    continue;
                }
            }
            let me = member(self.setup.me);
            let own = draft.complete(me, signature(me));
            self.unsynced.push(Record::Own(own.clone()));
            self.synced.append(&mut self.unsynced);
            out.extend(self.step(Input::Signed(own)));
        }
        out
    }

    fn executed(&mut self, height: u64, root: Hash) -> Vec<String> {
        let height = Height::new(height);
        if let Some(decided) = self.decided.get(&height) {
            let header = decided.block.header();
            self.head = Head {
                height,
                block_hash: decided.block.hash(),
                view: header.view,
                time: header.time,
                root,
                certificate: Some(decided.certificate.clone()),
                certified: self.head.certified.clone(),
                hardened: self.head.hardened,
            };
        }
        self.step(Input::Executed { height, root })
    }

    /// Kills the replica and starts it again with what was synced.
    fn restart(&mut self) -> Vec<String> {
        self.drafts.clear();
        self.unsynced.clear();
        self.timers.clear();
        let records = self.synced.iter().map(|record| {
            // What comes back is what the bytes say.
            Record::decode(&record.encode()).expect("a record decodes to itself")
        });
        self.replica = replica(self.setup, self.head.clone(), records.collect(), self.safety);
        Vec::new()
    }

    fn standing(&self) -> String {
        let it = self.replica.standing();
        let waits: Vec<String> = it.waits_for.iter().map(ToString::to_string).collect();
        format!(
            "h{} v{} {:?}, decided {}, executed {}, certified {}, hardened {}, {} bodies, waits for {}",
            it.height,
            it.view,
            it.phase,
            it.decided,
            it.executed,
            it.certified,
            it.hardened,
            it.bodies,
            if waits.is_empty() { "nobody".to_owned() } else { waits.join(" ") },
        )
    }

    fn step(&mut self, input: Input) -> Vec<String> {
        let mut actions = Vec::new();
        self.replica.step(self.now, input, &mut actions);
        actions.into_iter().filter_map(|action| self.effect(action)).collect()
    }

    fn effect(&mut self, action: Action) -> Option<String> {
        let text = self.describe(&action);
        match action {
            Action::Journal(record) => {
                let urgent = record.is_urgent();
                self.unsynced.push(record);
                if urgent {
                    self.synced.append(&mut self.unsynced);
                }
            }
            Action::Sign(draft) => self.drafts.push(draft),
            Action::Decide(decided) => {
                self.decided.insert(decided.block.header().height, decided);
            }
            Action::Certified(certificate) => self.head.certified = Some(certificate),
            Action::SetTimer { timer, after_ms } => {
                self.timers.insert(timer, after_ms);
                return self.show_timers.then_some(text);
            }
            Action::CancelTimer(timer) => {
                self.timers.remove(&timer);
                return self.show_timers.then_some(text);
            }
            Action::Send { .. }
            | Action::Broadcast(_)
            | Action::SendStatus(_)
            | Action::Serve { .. }
            | Action::ForwardBodies(_)
            | Action::FetchBodies { .. }
            | Action::FetchBlock { .. }
            | Action::FetchBlocks { .. }
            | Action::Hardened(_)
            | Action::Release { .. }
            | Action::Evidence(_)
            | Action::Report(_)
            | Action::ModeChanged(_) => (), // the text is all there is to it
        }
        Some(text)
    }

    fn describe(&mut self, action: &Action) -> String {
        match action {
            Action::Journal(record) => format!("journal {}", self.record(record)),
            Action::Sign(draft) => format!("sign {}", self.draft(draft)),
            Action::Send { to, message } => format!("send to {to} {}", self.text(message)),
            Action::Broadcast(message) => format!("send {}", self.text(message)),
            Action::SendStatus(draft) => self.status_text(draft),
            Action::Serve { to, height } => format!("serve h{height} to {to}"),
            Action::SetTimer { timer, after_ms } => format!("set {timer:?} {after_ms}"),
            Action::CancelTimer(timer) => format!("cancel {timer:?}"),
            Action::ForwardBodies(leaves) => format!("forward {} bodies", leaves.len()),
            Action::FetchBodies { from, leaves } => {
                format!("fetch {} bodies from {from}", leaves.len())
            }
            Action::FetchBlock { from, hash } => {
                format!("fetch block {} from {from}", self.block_name(*hash))
            }
            Action::FetchBlocks { from, first, count } => {
                format!("fetch {count} blocks at h{first} from {from}")
            }
            Action::Decide(decided) => {
                format!("decide h{} {}", decided.block.header().height, self.name(decided))
            }
            Action::Certified(it) => format!("certified {}", it.statement.size),
            Action::Hardened(it) => format!("hardened {}", it.statement.size),
            Action::Release { below } => format!("release below h{below}"),
            Action::Evidence(evidence) => self.evidence(evidence),
            Action::Report(report) => format!("report: {report}"),
            Action::ModeChanged(mode) => match mode {
                Mode::NotVoting(reason) => format!("mode not voting: {reason}"),
                Mode::Halted(reason) => format!("mode halted: {reason}"),
                Mode::Starting | Mode::Voting => format!("mode {mode:?}").to_lowercase(),
            },
        }
    }

    fn status_text(&self, draft: &StatusDraft) -> String {
        let mut text = format!("status to {}", draft.to);
        if draft.decided.is_some() {
            text.push_str(" with decided");
        }
        if draft.certified.is_some() {
            text.push_str(" with certified");
        }
        if let Some(checkpoint) = &draft.checkpoint {
            write!(text, " with checkpoint {}", checkpoint.statement.size).unwrap();
        }
        for seen in &draft.seen {
            write!(text, " seen {}", self.seen(seen)).unwrap();
        }
        text
    }

    /// Evidence is worth showing only if a stranger reads it and sees the contradiction.
    fn evidence(&self, evidence: &Evidence) -> String {
        let read = Evidence::decode(&evidence.encode()).expect("evidence decodes to itself");
        assert_eq!(read, *evidence);
        let seen = Verified::check(read, &TrustAll, &descriptor(self.setup.members));
        assert!(seen.is_ok(), "a stranger sees the contradiction: {seen:?}");
        format!("evidence: {evidence}")
    }

    fn name(&mut self, decided: &Decided) -> String {
        self.blocks
            .entry(format!("own{}", decided.block.header().height))
            .or_insert_with(|| decided.block.clone());
        self.block_name(decided.block.hash())
    }

    fn block_name(&self, hash: BlockHash) -> String {
        let named = self.blocks.iter().find(|(_, block)| block.hash() == hash);
        named.map_or_else(|| "?".to_owned(), |(name, _)| name.clone())
    }

    fn record(&self, record: &Record) -> String {
        match record {
            Record::Proposal(it) => format!(
                "proposal v{} {} with {} bodies",
                it.signed.statement.view,
                self.block_name(it.block.hash()),
                record.bodies().len()
            ),
            Record::Own(own) => self.text(&own.message()),
            Record::Prepared(it) => {
                let statement = &it.pre_prepare.statement;
                format!("prepared v{} {}", statement.view, self.block_name(statement.block_hash))
            }
            Record::Decided(it) => {
                format!(
                    "decided h{} {}",
                    it.block.header().height,
                    self.block_name(it.block.hash())
                )
            }
            Record::NotVoting(_) => "not voting".to_owned(),
        }
    }

    fn draft(&mut self, draft: &Draft) -> String {
        if let Draft::PrePrepare { block, .. } = draft {
            let header = block.header();
            let name = format!("own{}.{}", header.height, header.view);
            if self.block_name(block.hash()) == "?" {
                self.blocks.insert(name, Block::clone(block));
            }
        }
        let me = member(self.setup.me);
        self.text(&draft.clone().complete(me, signature(me)).message())
    }

    fn vote(&self, kind: &str, (height, view): (Height, View), hash: BlockHash) -> String {
        format!("{kind} h{height} v{view} {}", self.block_name(hash))
    }

    fn text(&self, message: &Message) -> String {
        match message {
            Message::PrePrepare(it) => {
                let kind = if it.justification.is_empty() { "propose" } else { "new-view" };
                let statement = &it.signed.statement;
                let text =
                    self.vote(kind, (statement.height, statement.view), statement.block_hash);
                format!("{text} ({} tx)", it.block.tx_leaves().len())
            }
            Message::Prepare(it) => {
                let it = &it.statement;
                self.vote("prepare", (it.height, it.view), it.block_hash)
            }
            Message::Commit(it) => {
                let it = &it.statement;
                self.vote("commit", (it.height, it.view), it.block_hash)
            }
            Message::ViewChange(it) => self.change(&it.signed.statement),
            Message::Checkpoint(it) => format!("checkpoint {}", it.statement.size),
            Message::Status(_) => "status".to_owned(),
            Message::Decided(it) => {
                format!(
                    "decided h{} {}",
                    it.block.header().height,
                    self.block_name(it.block.hash())
                )
            }
        }
    }

    fn change(&self, change: &ViewChange) -> String {
        let prepared = change.prepared.map_or_else(String::new, |(view, hash)| {
            format!(" prepared v{view} {}", self.block_name(hash))
        });
        format!("view-change h{} v{}{prepared}", change.height, change.view)
    }

    fn seen(&self, seen: &Seen) -> String {
        match seen {
            Seen::PrePrepare(it) => format!("propose v{}", it.statement.view),
            Seen::Prepare(it) => format!("prepare v{}", it.statement.view),
            Seen::Commit(it) => format!("commit h{} v{}", it.statement.height, it.statement.view),
            Seen::ViewChange(it) => self.change(&it.statement),
            Seen::Checkpoint(it) => format!("checkpoint {}", it.statement.size),
        }
    }

    /// A message of another member, as `SIGNER KIND ARGUMENTS`.
    fn message(&mut self, from: u16, words: &[&str]) -> Vec<String> {
        let message = match words {
            ["propose", v, name] => Message::PrePrepare(self.proposal(from, view(v), name, &[])),
            ["new-view", v, name, set @ ..] => {
                let set: Vec<ViewChangeMessage> =
                    set.iter().map(|text| self.set_member(view(v), name, text)).collect();
                Message::PrePrepare(self.proposal(from, view(v), name, &set))
            }
            ["prepare", v, name] => Message::Prepare(signed(self.prepare(view(v), name), from)),
            ["commit", v, name] => Message::Commit(signed(self.commit(view(v), name), from)),
            ["view-change", h, v] => Message::ViewChange(self.view_change(from, (h, v), None)),
            ["view-change", h, v, "prepared", pv, name] => {
                let prepared = Some((view(pv), *name));
                Message::ViewChange(self.view_change(from, (h, v), prepared))
            }
            ["checkpoint", size, name] => {
                let size = size.parse().unwrap();
                Message::Checkpoint(signed(checkpoint(size, root(name)), from))
            }
            ["decided", v, name] => Message::Decided(self.decided(view(v), name)),
            ["status", rest @ ..] => return self.status(from, rest),
            other => panic!("no message {other:?}"),
        };
        self.deliver(from, &message)
    }

    fn deliver(&mut self, from: u16, message: &Message) -> Vec<String> {
        let message = Message::decode(&message.encode()).expect("a message decodes to itself");
        let verified = Verified::check(message, &TrustAll, &descriptor(self.setup.members));
        let message = Box::new(verified.expect("scripts send what a verifier accepts"));
        self.step(Input::Message { from: member(from), message })
    }

    fn status(&mut self, from: u16, words: &[&str]) -> Vec<String> {
        let mut status = Status {
            epoch: Epoch::ZERO,
            height: Height::new(1),
            view: View::ZERO,
            decided: Height::GENESIS,
            decided_hash: chain().genesis_block(),
            executed: Height::GENESIS,
            certified: 0,
            voting: true,
            nonce: [u8::try_from(from).unwrap() + 100; 16],
            echo: [0; 16],
            clock: self.now,
        };
        let mut message = StatusMessage {
            signed: signed(status, from),
            decided: None,
            certified: None,
            checkpoint: None,
            seen: Vec::new(),
        };
        let me = self.setup.me;
        let mut rest = words;
        while let [word, tail @ ..] = rest {
            rest = tail;
            match (*word, tail) {
                ("echo", _) => status.echo = NONCE,
                ("asks", _) => status.nonce = [99; 16],
                ("mute", _) => status.voting = false,
                ("decided", [v, name, tail @ ..]) => {
                    let decided = self.decided(view(v), name);
                    status.decided = decided.block.header().height;
                    message.decided = Some(decided.certificate);
                    rest = tail;
                }
                ("certified", [size, name, tail @ ..]) => {
                    status.certified = size.parse().unwrap();
                    message.certified =
                        Some(self.certificate(checkpoint(status.certified, root(name))));
                    rest = tail;
                }
                ("checkpoint", [size, name, tail @ ..]) => {
                    let size = size.parse().unwrap();
                    message.checkpoint = Some(signed(checkpoint(size, root(name)), from));
                    rest = tail;
                }
                ("seen", ["prepare", v, name, tail @ ..]) => {
                    message.seen.push(Seen::Prepare(signed(self.prepare(view(v), name), me)));
                    rest = tail;
                }
                ("seen", ["checkpoint", size, name, tail @ ..]) => {
                    let statement = checkpoint(size.parse().unwrap(), root(name));
                    message.seen.push(Seen::Checkpoint(signed(statement, me)));
                    rest = tail;
                }
                other => panic!("no status {other:?}"),
            }
        }
        message.signed = signed(status, from);
        self.deliver(from, &Message::Status(message))
    }

    fn prepare(&self, view: View, name: &str) -> Prepare {
        let block = &self.blocks[name];
        let height = block.header().height;
        Prepare { epoch: Epoch::ZERO, height, view, block_hash: block.hash() }
    }

    fn commit(&self, view: View, name: &str) -> Commit {
        let Prepare { epoch, height, view, block_hash } = self.prepare(view, name);
        Commit { epoch, height, view, block_hash }
    }

    fn proposal(&self, from: u16, view: View, name: &str, set: &[ViewChangeMessage]) -> Proposal {
        let Prepare { epoch, height, view, block_hash } = self.prepare(view, name);
        let just_hash = if set.is_empty() { Hash::ZERO } else { justification_hash(set) };
        let statement = PrePrepare { epoch, height, view, block_hash, just_hash };
        let block = self.blocks[name].clone();
        Proposal { signed: signed(statement, from), block, justification: set.to_vec() }
    }

    /// `2` or `2:v0:a`: a view change of member 2, with a block prepared or without.
    fn set_member(&self, target: View, proposed: &str, text: &str) -> ViewChangeMessage {
        let parts: Vec<&str> = text.split(':').collect();
        let height = self.blocks[proposed].header().height.to_string();
        let target = format!("v{target}");
        let at = (height.as_str(), target.as_str());
        match parts.as_slice() {
            [signer] => self.view_change(signer.parse().unwrap(), at, None),
            [signer, pv, name] => {
                self.view_change(signer.parse().unwrap(), at, Some((view(pv), *name)))
            }
            other => panic!("no view change {other:?}"),
        }
    }

    fn view_change(
        &self,
        from: u16,
        (height, target): (&str, &str),
        prepared: Option<(View, &str)>,
    ) -> ViewChangeMessage {
        let height = Height::new(height.trim_start_matches('h').parse().unwrap());
        let parent = height
            .previous()
            .filter(|below| *below > Height::GENESIS)
            .map_or(chain().genesis_block(), |below| {
                self.decided.get(&below).map_or_else(BlockHash::default, |it| it.block.hash())
            });
        let certificate = prepared.map(|(view, name)| self.prepared(view, name));
        let statement = ViewChange {
            epoch: Epoch::ZERO,
            height,
            view: view(target),
            parent,
            prepared: prepared.map(|(view, name)| (view, self.blocks[name].hash())),
        };
        ViewChangeMessage { signed: signed(statement, from), certificate }
    }

    fn prepared(&self, view: View, name: &str) -> PreparedCertificate {
        let descriptor = descriptor(self.setup.members);
        let primary = descriptor.primary(self.blocks[name].header().height, view);
        let proposal = self.proposal(primary.value(), view, name, &[]);
        let others = (0..self.setup.members).filter(|index| *index != primary.value());
        let needed = usize::from(descriptor.quorum().votes()) - 1;
        let prepares = others
            .rev()
            .take(needed)
            .map(|index| Vote { signer: member(index), signature: signature(member(index)) })
            .collect::<Vec<_>>();
        let mut prepares = prepares;
        prepares.sort_by_key(|vote| vote.signer);
        PreparedCertificate { pre_prepare: proposal.signed, prepares }
    }

    fn certificate<T: proto::verified::Statement>(&self, statement: T) -> Certificate<T> {
        let votes = descriptor(self.setup.members).quorum().votes();
        let others = (0..self.setup.members).rev().take(votes.into());
        let votes = others
            .map(|index| Vote { signer: member(index), signature: signature(member(index)) })
            .collect();
        Certificate::new(statement, votes)
    }

    fn decided(&self, view: View, name: &str) -> Decided {
        let certificate = self.certificate(self.commit(view, name));
        Decided { block: self.blocks[name].clone(), certificate }
    }
}

fn checkpoint(size: u64, root: Hash) -> Checkpoint {
    Checkpoint { epoch: Epoch::ZERO, size, root }
}

fn view(word: &str) -> View {
    View::new(word.trim_start_matches('v').parse().unwrap())
}

fn replica(setup: Setup, head: Head, records: Vec<Record>, safety: SafetyRecord) -> Replica {
    let mut config = Config::new(chain(), descriptor(setup.members), member(setup.me), NONCE);
    config.voting = setup.voting;
    Replica::new(config, restore(chain(), head, records, safety))
}

/// An own message, for tests that feed back what was not asked for.
pub(crate) fn own_commit(height: u64, view: u32, me: u16) -> Own {
    let statement = Commit {
        epoch: Epoch::ZERO,
        height: Height::new(height),
        view: View::new(view),
        block_hash: BlockHash::default(),
    };
    Own::Commit(signed(statement, me))
}
