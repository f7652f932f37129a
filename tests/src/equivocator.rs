//! A validator that lies: wherever it is primary it signs two blocks for one height, shows the one to some
//! members and the other to the rest, and commits to both.
//!
//! It speaks through the node's own mesh with the validator's own keys. It executes nothing, signs no
//! checkpoint and checks nothing: what the others decide it believes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use genesis::home::Home;
use genesis::keys::KeyPurpose;
use genesis::keystore;
use genesis::password::Password;
use node::network::{self, Event, Fetch, Network, Request, Response, Settings};
use proto::block::{Block, BlockHeader};
use proto::codec::Canonical as _;
use proto::epoch::Descriptor;
use proto::hash::Hash;
use proto::limits::FETCH_BLOCKS_MAX;
use proto::message::{Commit, Decided, Message, PrePrepare, Proposal};
use proto::sign::SecretKey;
use proto::transaction::Transaction;
use proto::verified::{Signed, Statement};
use proto::{BlockHash, ChainId, Height, TimeMs, ValidatorIndex, View};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use crate::devnet::now;

/// How often it looks whether there is something to lie about.
const TICK: Duration = Duration::from_millis(20);

/// After how long it says the same lies again, in case one was lost.
const RESEND: Duration = Duration::from_millis(250);

/// After how long without a transaction it proposes all the same, as an honest primary does.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// The two lies about one height.
#[derive(Debug)]
struct Lies {
    blocks: [Block; 2],
    messages: Vec<(ValidatorIndex, Arc<[u8]>)>,
    sent: Instant,
    /// Others that committed to each block.
    commits: BTreeMap<BlockHash, BTreeSet<ValidatorIndex>>,
}

/// The top of the chain that the others agree on.
#[derive(Debug)]
struct Tip {
    height: Height,
    hash: BlockHash,
    view: View,
    time: TimeMs,
    reached: Instant,
}

/// The lying validator.
#[derive(Debug)]
pub struct Equivocator {
    chain: ChainId,
    descriptor: Descriptor,
    me: ValidatorIndex,
    key: SecretKey,
    /// Who sees the one block, and who the other.
    groups: [Vec<ValidatorIndex>; 2],
    network: Network,
    connected: BTreeSet<ValidatorIndex>,
    tip: Tip,
    lies: Option<Lies>,
    /// Bodies in no decided block, by their leaf.
    waiting: BTreeMap<Hash, Arc<[u8]>>,
    ordered: BTreeSet<Hash>,
    is_fetching: bool,
}

impl Equivocator {
    /// Joins the mesh with the keys of `home`.
    pub fn join(
        home: &Home,
        password: &Password,
        groups: [Vec<ValidatorIndex>; 2],
    ) -> anyhow::Result<(Self, mpsc::Receiver<Event>)> {
        let (genesis, config) = (home.read_genesis()?, home.read_config()?);
        let open = |purpose| keystore::open(&home.key_file(purpose), purpose, password);
        let (key, transport) = (open(KeyPurpose::Validator)?, open(KeyPurpose::Transport)?);
        let descriptor = genesis.descriptor().clone();
        let me = descriptor.index_of(&key.public()).context("the key is no validator's")?;
        let chain = genesis.chain();
        let settings = Settings::of(&genesis, &config, me, transport);
        let (network, events) = network::bind(&settings)?.start();
        let tip = Tip {
            height: Height::GENESIS,
            hash: chain.genesis_block(),
            view: View::ZERO,
            time: genesis.time(),
            reached: Instant::now(),
        };
        let liar = Self {
            chain,
            descriptor,
            me,
            key,
            groups,
            network,
            connected: BTreeSet::new(),
            tip,
            lies: None,
            waiting: BTreeMap::new(),
            ordered: BTreeSet::new(),
            is_fetching: false,
        };
        Ok((liar, events))
    }

    /// Lies until the mesh ends, and says so line by line on `out`.
    pub async fn run(
        mut self,
        mut events: mpsc::Receiver<Event>,
        out: &mut impl std::io::Write,
    ) -> anyhow::Result<()> {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = events.recv() => self.hear(event.context("the mesh ended")?),
                _ = ticks.tick() => self.lie(out)?,
            }
        }
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Connected(member) => drop(self.connected.insert(member)),
            Event::Disconnected(member) => drop(self.connected.remove(&member)),
            Event::Foreign(_) => (), // none here
            Event::Message { from, bytes } => {
                if let Ok(message) = Message::decode(&bytes) {
                    self.hear_message(from, message);
                }
            }
            Event::Request { request, channel, .. } => {
                let response = self.answer(request);
                self.network.answer(channel, response);
            }
            Event::Fetched { answer, .. } => {
                self.is_fetching = false;
                if let Ok(Response::Blocks(blocks)) = answer {
                    for block in blocks {
                        if let Ok(decided) = Decided::decode(&block.decided) {
                            self.advance(&decided.block);
                        }
                    }
                }
            }
        }
    }

    fn hear_message(&mut self, from: ValidatorIndex, message: Message) {
        match message {
            Message::Commit(commit) => self.hear_commit(&commit),
            Message::Decided(decided) => self.advance(&decided.block),
            Message::Status(status) => {
                if status.signed.statement.decided > self.tip.height && !self.is_fetching {
                    let first = self.tip.height.next();
                    let fetch = Fetch::Blocks { first, count: FETCH_BLOCKS_MAX };
                    self.is_fetching = self.network.fetch(from, fetch);
                }
            }
            Message::PrePrepare(_)
            | Message::Prepare(_)
            | Message::ViewChange(_)
            | Message::Checkpoint(_) => (), // it follows what is decided, not how
        }
    }

    /// Which of its two blocks is decided it learns as everybody does.
    fn hear_commit(&mut self, commit: &Signed<Commit>) {
        let Some(lies) = &mut self.lies else { return };
        let hash = commit.statement.block_hash;
        let Some(block) = lies.blocks.iter().find(|block| block.hash() == hash).cloned() else {
            return;
        };
        let signers = lies.commits.entry(hash).or_default();
        signers.insert(commit.signer);
        // With its own, which whoever committed holds.
        if signers.len() + 1 >= usize::from(self.descriptor.quorum().votes()) {
            self.advance(&block);
        }
    }

    fn answer(&mut self, request: Request) -> Response {
        match request {
            Request::Bodies(bodies) => {
                for bytes in bodies {
                    let Ok(transaction) = Transaction::decode(&bytes) else { continue };
                    let leaf = transaction.leaf();
                    if !self.ordered.contains(&leaf) {
                        self.waiting.insert(leaf, bytes);
                    }
                }
                Response::Received
            }
            Request::Fetch(Fetch::Blocks { .. }) => Response::Blocks(Vec::new()),
            Request::Fetch(Fetch::Block { hash }) => {
                let mut blocks = self.lies.iter().flat_map(|lies| &lies.blocks);
                Response::Block(blocks.find(|block| block.hash() == hash).map(Block::encode))
            }
            Request::Fetch(Fetch::Bodies { leaves }) => {
                let found = leaves.iter().filter_map(|leaf| self.waiting.get(leaf).cloned());
                Response::Bodies(found.collect())
            }
        }
    }

    fn advance(&mut self, block: &Block) {
        let header = block.header();
        if header.height != self.tip.height.next() || header.parent != self.tip.hash {
            return;
        }
        self.tip = Tip {
            height: header.height,
            hash: block.hash(),
            view: header.view,
            time: header.time,
            reached: Instant::now(),
        };
        self.lies = None;
        for leaf in block.tx_leaves() {
            self.waiting.remove(leaf);
            self.ordered.insert(*leaf);
        }
    }

    /// Signs two blocks where it is primary and there is a reason for one; says old lies again.
    fn lie(&mut self, out: &mut impl std::io::Write) -> anyhow::Result<()> {
        if let Some(lies) = &mut self.lies {
            if lies.sent.elapsed() > RESEND {
                lies.sent = Instant::now();
                send(&self.network, &lies.messages);
            }
            return Ok(());
        }
        let (height, view) = (self.tip.height.next(), self.tip.view);
        let is_due = !self.waiting.is_empty()
            || self.tip.height == Height::GENESIS
            || self.tip.reached.elapsed() > HEARTBEAT;
        let everybody = self.groups.iter().map(Vec::len).sum();
        if !is_due || self.connected.len() < everybody {
            return Ok(());
        }
        if self.descriptor.primary(height, view) != self.me {
            return Ok(());
        }
        let time = now()?.max(self.tip.time.plus_ms(1));
        let blocks = [self.block(height, view, time), self.block(height, view, time.plus_ms(1))];
        let mut messages = Vec::new();
        for (block, group) in blocks.iter().zip(&self.groups) {
            for bytes in self.votes(block) {
                messages.extend(group.iter().map(|to| (*to, Arc::clone(&bytes))));
            }
        }
        send(&self.network, &messages);
        let [one, other] = blocks.each_ref().map(Block::hash);
        writeln!(out, "height {height} view {view}: signed {one} and {other}")?;
        self.lies = Some(Lies { blocks, messages, sent: Instant::now(), commits: BTreeMap::new() });
        Ok(())
    }

    fn block(&self, height: Height, view: View, time: TimeMs) -> Block {
        let header = BlockHeader {
            chain: self.chain,
            epoch: self.descriptor.epoch,
            epoch_hash: self.descriptor.hash(self.chain),
            height,
            view,
            primary: self.me,
            parent: self.tip.hash,
            time,
            tx_count: 0,
            tx_root: Hash::ZERO,
            evidence_count: 0,
            evidence_root: Hash::ZERO,
        };
        Block::new(header, self.waiting.keys().copied().collect())
    }

    /// Its proposal of a block and its commit to it.
    fn votes(&self, block: &Block) -> [Arc<[u8]>; 2] {
        let (epoch, block_hash) = (self.descriptor.epoch, block.hash());
        let BlockHeader { height, view, .. } = *block.header();
        let proposed =
            self.sign(PrePrepare { epoch, height, view, block_hash, just_hash: Hash::ZERO });
        let proposal =
            Proposal { signed: proposed, block: block.clone(), justification: Vec::new() };
        let committed = self.sign(Commit { epoch, height, view, block_hash });
        [Message::PrePrepare(proposal), Message::Commit(committed)]
            .map(|message| message.encode().into())
    }

    fn sign<T: Statement>(&self, statement: T) -> Signed<T> {
        let signature = self.key.sign(&statement.signed_bytes(self.chain));
        Signed { statement, signer: self.me, signature }
    }
}

fn send(network: &Network, messages: &[(ValidatorIndex, Arc<[u8]>)]) {
    for (to, bytes) in messages {
        network.send(*to, Arc::clone(bytes));
    }
}
