//! The ledger's one writer: opens a store, appends decided blocks and checkpoint certificates.
//!
//! A block is one synced batch. It decides nothing: what is appended was decided by consensus.

use std::sync::{Arc, OnceLock};

use contracts::execute::BlockContext;
use contracts::refusal::Refusal;
use contracts::state::{Changes, StateFault};
use contracts::version::UnknownVersion;
use genesis::Genesis;
use proto::certificate::{Certificate, CheckpointCertificate};
use proto::codec::Canonical;
use proto::epoch::Descriptor;
use proto::hash::Hash;
use proto::history::HistoryLeaf;
use proto::message::{Checkpoint, Decided};
use proto::receipt::Receipt;
use proto::transaction::Transaction;
use proto::tree::{self, Frontier};
use proto::types::{BlockHash, ChainId, Height, TimeMs};
use proto::verified::{Refused, SetVerifier, Verifiable as _};
use thiserror::Error;

use crate::execute::Executed;
use crate::history;
use crate::logs::{self, Appends};
use crate::reader::Reader;
use crate::receipts::{self, Origin};
use crate::schema::{self, FORMAT, TxPlace, meta};
use crate::state::{StateView, StateWriter, read_sum};
use crate::store::{Batch, Column, Durability, Store, StoreError, StoreRead};
use crate::version::Versions;

/// Why a store cannot be opened as the ledger of a genesis document.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store holds another format.
    #[error(
        "the data folder has format {found}, this program reads format {FORMAT}: move it away and \
         start with an empty one, the other nodes send what is recorded"
    )]
    Format {
        /// Version found.
        found: u32,
    },
    /// The store holds another chain.
    #[error("the data folder holds chain {found}, the genesis document is chain {expected}")]
    Chain {
        /// Chain of the genesis document.
        expected: ChainId,
        /// Chain of the store.
        found: ChainId,
    },
    /// The chain is executed by contracts that this program does not have.
    #[error("the genesis document: {0}")]
    Contracts(#[from] UnknownVersion),
    /// There is no ledger in the store.
    #[error("the data folder holds no ledger")]
    Empty,
    /// The genesis document in the store is not one.
    #[error("the genesis document in the data folder: {0}")]
    Genesis(#[source] genesis::document::ReadError),
}

/// Why a block was not appended.
#[derive(Debug, Error)]
pub enum AppendError {
    /// The store failed. The ledger is to be opened anew.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The epoch is executed by contracts that this program does not have.
    #[error(transparent)]
    Contracts(#[from] UnknownVersion),
    /// A record of the state is not what a contract wrote. The data folder is damaged.
    #[error(transparent)]
    State(StateFault),
    /// An earlier write failed; nothing is appended until the ledger is opened anew.
    #[error("a write failed before, the ledger must be opened anew")]
    Stopped,
    /// The block is not the next one.
    #[error("block {got} does not follow head {head}")]
    NotNext {
        /// Height of the newest block.
        head: Height,
        /// Height given.
        got: Height,
    },
    /// The block follows another block.
    #[error("block {height} follows {got}, the head is {head}")]
    Parent {
        /// Height given.
        height: Height,
        /// Newest block.
        head: BlockHash,
        /// Parent that the block names.
        got: BlockHash,
    },
    /// The block does not belong here, or its parts do not belong together.
    #[error("block {height}: {rule}")]
    Block {
        /// Height given.
        height: Height,
        /// What must hold.
        rule: &'static str,
    },
}

/// Why a checkpoint certificate was not stored.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The history here is shorter.
    #[error("the checkpoint has size {size}, the history here has {known}")]
    Ahead {
        /// Size of the checkpoint.
        size: u64,
        /// Leaves of the history here.
        known: u64,
    },
    /// The others certified another history: a divergence.
    #[error("the checkpoint of size {size} certifies root {theirs}, the root here is {ours}")]
    OtherRoot {
        /// Size of the checkpoint.
        size: u64,
        /// Root of the history here.
        ours: Hash,
        /// Root in the certificate.
        theirs: Hash,
    },
    /// Not a valid certificate.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// What a block did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Appended {
    /// Height of the block.
    pub height: Height,
    /// What to sign: size and root of the history with this block.
    pub checkpoint: Checkpoint,
    /// The history's leaf of the block.
    pub leaf: HistoryLeaf,
    /// Receipts of the operations in block order, then those of the system.
    pub receipts: Vec<Receipt>,
    /// Why operations were refused, by receipt index.
    pub refusals: Vec<(u32, Refusal)>,
}

/// The ledger over a store.
#[derive(Debug)]
pub struct Ledger<S> {
    store: Arc<S>,
    genesis: Arc<Genesis>,
    head: HistoryLeaf,
    frontier: Frontier,
    state: StateWriter,
    versions: Versions,
    stopped: bool,
}

impl<S: Store> Ledger<S> {
    /// Opens the ledger of `genesis` in `store`; an empty store becomes height 0.
    pub fn open_or_create(store: S, genesis: &Genesis) -> Result<Self, OpenError> {
        Self::open_or_create_with(store, genesis, Versions::BUILT_IN)
    }

    /// The same, where the program executes other versions of the contracts than the built-in ones.
    pub fn open_or_create_with(
        store: S,
        genesis: &Genesis,
        versions: Versions,
    ) -> Result<Self, OpenError> {
        // Before height 0 is written: a chain that cannot be executed leaves the folder as it was.
        versions.known().check(genesis.descriptor())?;
        let store = Arc::new(store);
        if store.get(Column::Meta, meta::FORMAT)?.is_none() {
            create(store.as_ref(), genesis)?;
        }
        let opened = Self::open_shared(store, versions)?;
        let (expected, found) = (genesis.chain(), opened.genesis.chain());
        if expected == found { Ok(opened) } else { Err(OpenError::Chain { expected, found }) }
    }

    /// Opens the ledger that is in `store`, whichever chain it is of.
    pub fn open(store: S) -> Result<Self, OpenError> {
        Self::open_shared(Arc::new(store), Versions::BUILT_IN)
    }

    fn open_shared(store: Arc<S>, versions: Versions) -> Result<Self, OpenError> {
        let genesis = Arc::new(read_genesis(store.as_ref())?);
        versions.known().check(genesis.descriptor())?;
        let height = read_head(store.as_ref())?;
        let head = read_head_leaf(store.as_ref(), genesis.chain(), height)?;
        let frontier = history::frontier(store.as_ref(), height.history_size())?;
        let state = StateWriter::open(store.as_ref(), height)?;
        if state.ring().root() != head.state_root {
            let rule = "expected roots and bits that lead to the state root of the head";
            let damaged = StoreError::damaged(Column::Turns, &schema::height(height), rule);
            return Err(damaged.into());
        }
        Ok(Self { store, genesis, head, frontier, state, versions, stopped: false })
    }

    /// The genesis document.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The chain.
    pub fn chain(&self) -> ChainId {
        self.genesis.chain()
    }

    /// Parameters and validators of the epoch.
    pub fn descriptor(&self) -> &Descriptor {
        self.genesis.descriptor()
    }

    /// The history's leaf of the newest height.
    pub const fn head(&self) -> &HistoryLeaf {
        &self.head
    }

    /// What a validator signs about the newest height.
    pub fn checkpoint(&self) -> Checkpoint {
        let epoch = self.head.epoch;
        Checkpoint { epoch, size: self.frontier.size(), root: self.frontier.root() }
    }

    /// Queries, in any task, as often as wanted.
    pub fn reader(&self) -> Reader<S> {
        let ring = OnceLock::from(self.state.ring().clone());
        Reader::new(Arc::clone(&self.store), Arc::clone(&self.genesis), ring)
    }

    /// Executes a decided block and makes it durable with everything that follows from it.
    ///
    /// `bodies` are the block's transactions in its order. The caller has verified the certificate
    /// and admitted the bodies; here it is checked that all of them belong together and follow the head.
    pub fn append(
        &mut self,
        decided: &Decided,
        bodies: &[Transaction],
    ) -> Result<Appended, AppendError> {
        if self.stopped {
            return Err(AppendError::Stopped);
        }
        self.check_follows(decided, bodies)?;
        let result = self.append_checked(decided, bodies);
        // What the attempt left in memory is not what is stored.
        self.stopped = result.is_err();
        result
    }

    fn check_follows(&self, decided: &Decided, bodies: &[Transaction]) -> Result<(), AppendError> {
        let header = decided.block.header();
        let (head, height) = (self.head.height, header.height);
        if height != head.next() {
            return Err(AppendError::NotNext { head, got: height });
        }
        if header.parent != self.head.block_hash {
            let (head, got) = (self.head.block_hash, header.parent);
            return Err(AppendError::Parent { height, head, got });
        }
        let broken = |rule| Err(AppendError::Block { height, rule });
        let vote = &decided.certificate.statement;
        if (vote.height, vote.block_hash) != (height, decided.block.hash()) {
            return broken("its certificate names the block");
        }
        let descriptor = self.descriptor();
        if header.chain != self.chain()
            || header.epoch != descriptor.epoch
            || header.epoch_hash != self.head.next_epoch_hash
        {
            return broken("it is of this chain and epoch");
        }
        if header.time <= self.head.time {
            return broken("its time is later than its parent's");
        }
        if !bodies.iter().map(Transaction::leaf).eq(decided.block.tx_leaves().iter().copied()) {
            return broken("the bodies are those that it lists");
        }
        Ok(())
    }

    fn append_checked(
        &mut self,
        decided: &Decided,
        bodies: &[Transaction],
    ) -> Result<Appended, AppendError> {
        let header = decided.block.header();
        let context = block_context(&self.genesis, header.height, header.time);
        let view = StateView::new(self.store.as_ref());
        let execute_block = self.versions.of(self.descriptor())?;
        let executed = match execute_block(&context, bodies, &view) {
            Ok(executed) => executed,
            Err(fault) => {
                let failed = view.into_fault();
                return Err(failed.map_or(AppendError::State(fault), AppendError::Store));
            }
        };
        let mut batch = Batch::default();
        put_block(&mut batch, decided, bodies);
        let Executed { receipts, records, refusals, mut changes, .. } = executed;
        // Each is hashed once: for its root and for the logs.
        let leaves: Vec<Hash> =
            receipts.iter().map(|dated| dated.receipt.payload().leaf()).collect();
        let appends = Appends::of(header.height, header.time, &receipts, &leaves);
        logs::append(&view, &appends, &mut changes, &mut batch)?;
        let roots = self.state.apply(&view, header.height, changes, &mut batch)?;
        let receipts: Vec<Receipt> = receipts.into_iter().map(|dated| dated.receipt).collect();
        put_receipts(&mut batch, header.height, (bodies, records), &receipts);
        let leaf = HistoryLeaf {
            chain: self.chain(),
            epoch: header.epoch,
            height: header.height,
            time: header.time,
            block_hash: decided.block.hash(),
            state_root: roots.state_root,
            working_root: roots.working_root,
            receipts_count: count(receipts.len()),
            receipts_root: tree::root(&leaves),
            next_epoch_hash: self.head.next_epoch_hash,
        };
        let mut frontier = self.frontier.clone();
        put_leaf(&mut batch, &mut frontier, &leaf);
        self.store.write(batch, Durability::Synced)?;
        (self.frontier, self.head) = (frontier, leaf.clone());
        let checkpoint = self.checkpoint();
        Ok(Appended { height: leaf.height, checkpoint, leaf, receipts, refusals })
    }

    /// Stores a certificate of a history that is here; signatures of several certificates of one
    /// checkpoint are put together. Returns what is stored now.
    pub fn add_checkpoint_certificate(
        &mut self,
        certificate: CheckpointCertificate,
    ) -> Result<CheckpointCertificate, CertificateError> {
        let Checkpoint { size, root, .. } = certificate.statement;
        let known = self.frontier.size();
        if size == 0 || size > known {
            return Err(CertificateError::Ahead { size, known });
        }
        let ours = history::root(self.store.as_ref(), size)?;
        if ours != root {
            return Err(CertificateError::OtherRoot { size, ours, theirs: root });
        }
        let descriptor = self.descriptor();
        certificate.check(&SetVerifier::new(self.chain(), descriptor), descriptor)?;
        let key = size.to_be_bytes();
        let held = self.store.get(Column::Checkpoints, &key)?;
        let merged = match held.map(|bytes| CheckpointCertificate::decode(&bytes)) {
            None => certificate,
            Some(Ok(held)) => union(held, certificate),
            Some(Err(_)) => {
                let rule = "expected a checkpoint certificate";
                return Err(StoreError::damaged(Column::Checkpoints, &key, rule).into());
            }
        };
        let mut batch = Batch::default();
        batch.put(Column::Checkpoints, key, merged.encode());
        raise(self.store.as_ref(), &mut batch, meta::CERTIFIED, size)?;
        if merged.is_unanimous(descriptor.quorum().validators()) {
            raise(self.store.as_ref(), &mut batch, meta::HARDENED, size)?;
        }
        // Not synced: what a power cut takes away, the others send again.
        self.store.write(batch, Durability::Buffered)?;
        Ok(merged)
    }
}

/// What the contracts are told of a block.
pub(crate) fn block_context(genesis: &Genesis, height: Height, time: TimeMs) -> BlockContext {
    BlockContext {
        chain: genesis.chain(),
        height,
        time,
        limits: genesis.descriptor().limits,
        agencies: u16::try_from(genesis.agencies().len()).expect("a genesis has at most 64"),
    }
}

/// Both certificates state the same; a signer counts once.
fn union(held: CheckpointCertificate, new: CheckpointCertificate) -> CheckpointCertificate {
    let mut votes = held.votes;
    for vote in new.votes {
        if votes.iter().all(|known| known.signer != vote.signer) {
            votes.push(vote);
        }
    }
    Certificate::new(held.statement, votes)
}

/// Sets a size in `meta` unless it is there already or higher.
fn raise(
    store: &impl StoreRead,
    batch: &mut Batch,
    name: &'static [u8],
    size: u64,
) -> Result<(), StoreError> {
    if read_size(store, name)? < size {
        batch.put(Column::Meta, name, size.to_be_bytes());
    }
    Ok(())
}

/// A number of `meta`, 0 where it was never set.
pub(crate) fn read_size(store: &impl StoreRead, name: &'static [u8]) -> Result<u64, StoreError> {
    let Some(bytes) = store.get(Column::Meta, name)? else { return Ok(0) };
    let number = bytes.try_into().map(u64::from_be_bytes);
    number.map_err(|_| StoreError::damaged(Column::Meta, name, "expected a number of 8 bytes"))
}

/// Height of the newest block.
pub(crate) fn read_head(store: &impl StoreRead) -> Result<Height, StoreError> {
    read_size(store, meta::HEAD).map(Height::new)
}

/// The leaf of the head, held against what else the next block is built on: its height, its chain, its
/// node in the history, the root of the working rows. Not whether the rest of the store is sound: that is
/// [`crate::check`]'s to find out.
fn read_head_leaf(
    store: &impl StoreRead,
    chain: ChainId,
    height: Height,
) -> Result<HistoryLeaf, StoreError> {
    let key = schema::height(height);
    let damaged = |rule| StoreError::damaged(Column::History, &key, rule);
    let bytes = store.get(Column::History, &key)?.unwrap_or_default();
    let leaf = HistoryLeaf::decode(&bytes).map_err(|_| damaged("expected the leaf of the head"))?;
    if leaf.height != height {
        return Err(damaged("expected a leaf of the height that it stands at"));
    }
    if leaf.chain != chain {
        return Err(damaged("expected a leaf of the chain of the genesis document"));
    }
    let node = schema::node(0, height.value());
    let stored = store.get(Column::HistoryNodes, &node)?;
    if stored.as_deref() != Some(leaf.hash().as_bytes().as_slice()) {
        let rule = "expected the hash of the leaf of the head";
        return Err(StoreError::damaged(Column::HistoryNodes, &node, rule));
    }
    if read_sum(store)?.root() != leaf.working_root {
        let rule = "expected the sum of rows that the leaf of the head names";
        return Err(StoreError::damaged(Column::Meta, meta::WORKING, rule));
    }
    Ok(leaf)
}

/// The genesis document of a store, whose format and chain are checked.
pub(crate) fn read_genesis(store: &impl StoreRead) -> Result<Genesis, OpenError> {
    let format = store.get(Column::Meta, meta::FORMAT)?.ok_or(OpenError::Empty)?;
    let found = format.try_into().map_or(0, u32::from_be_bytes);
    if found != FORMAT {
        return Err(OpenError::Format { found });
    }
    let bytes = store.get(Column::Meta, meta::GENESIS)?.ok_or(OpenError::Empty)?;
    let genesis = Genesis::read(&bytes).map_err(OpenError::Genesis)?;
    let rule = "expected the hash of the genesis document";
    let damaged = || StoreError::damaged(Column::Meta, meta::CHAIN, rule);
    let chain = store.get(Column::Meta, meta::CHAIN)?.ok_or_else(damaged)?;
    if chain == genesis.chain().as_bytes() { Ok(genesis) } else { Err(damaged().into()) }
}

/// State, history and head of height 0.
fn create(store: &impl Store, genesis: &Genesis) -> Result<(), StoreError> {
    let mut batch = Batch::default();
    batch.put(Column::Meta, meta::FORMAT, FORMAT.to_be_bytes());
    batch.put(Column::Meta, meta::CHAIN, *genesis.chain().as_bytes());
    batch.put(Column::Meta, meta::GENESIS, genesis.encode());
    let changes: Changes = genesis
        .state()
        .iter()
        .map(|entry| ((entry.namespace, entry.key.clone()), Some(entry.value.clone())))
        .collect();
    let view = StateView::new(store);
    let roots = StateWriter::default().apply(&view, Height::GENESIS, changes, &mut batch)?;
    let chain = genesis.chain();
    let epoch_hash = genesis.descriptor().hash(chain);
    let leaf = HistoryLeaf::genesis(chain, genesis.time(), roots, epoch_hash);
    put_leaf(&mut batch, &mut Frontier::default(), &leaf);
    store.write(batch, Durability::Synced)
}

fn put_leaf(batch: &mut Batch, frontier: &mut Frontier, leaf: &HistoryLeaf) {
    let key = schema::height(leaf.height);
    batch.put(Column::History, key.clone(), leaf.encode());
    batch.put(Column::Meta, meta::HEAD, key);
    history::append(frontier, leaf.hash(), batch);
}

fn put_block(batch: &mut Batch, decided: &Decided, bodies: &[Transaction]) {
    let height = decided.block.header().height;
    let key = schema::height(height);
    batch.put(Column::Blocks, key.clone(), decided.block.encode());
    batch.put(Column::Commits, key.clone(), decided.certificate.encode());
    batch.put(Column::BlockHashes, *decided.block.hash().as_bytes(), key);
    let mut first_receipt = 0;
    for (position, body) in (0u32..).zip(bodies) {
        batch.put(Column::Bodies, schema::placed(height, position), body.encode());
        let place = TxPlace { height, position, first_receipt };
        batch.put(Column::Transactions, *body.tx_id().as_bytes(), place.encode());
        first_receipt += u32::from(body.header().op_count);
    }
}

fn put_receipts(
    batch: &mut Batch,
    height: Height,
    (bodies, records): (&[Transaction], Vec<Vec<u8>>),
    all: &[Receipt],
) {
    let places = (0u32..).zip(bodies).flat_map(|(position, body)| {
        std::iter::repeat_n(position, body.header().op_count.into()).map(Origin::Transaction)
    });
    let origins = places.chain(records.into_iter().map(Origin::Step));
    receipts::put(batch, height, all.iter().zip(origins));
}

fn count(length: usize) -> u32 {
    u32::try_from(length).expect("a block has far fewer than 2^32 receipts")
}
