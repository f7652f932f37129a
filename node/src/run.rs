//! Owns every task of a node: starts them in order, and ends the process when one of them must.

use std::path::PathBuf;
use std::sync::Arc;

use consensus::{
    Body, Config, Head, Input, NotVoting, Record, Replica, SafetyRecord, Voting, restore,
};
use genesis::Genesis;
use genesis::home::{Home, HomeError, NodeConfig};
use genesis::keys::EntropyError;
use genesis::keystore::KeystoreError;
use genesis::password::Password;
use genesis::words::{self, Language};
use ledger::ledger::{Ledger, OpenError};
use ledger::store::StoreError;
use proto::codec::{Canonical as _, DecodeError};
use proto::sign::KeyId;
use proto::verified::SetVerifier;
use proto::{Height, ValidatorIndex, View};
use rocks::RocksStore;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use crate::api::{Service, serve_api};
use crate::blocks::Blocks;
use crate::bodies::Bodies;
use crate::clock;
use crate::driver::{Driver, DriverError};
use crate::executor::{
    self, DECISIONS_MAX, Executed, ExecutorError, NOTICES_MAX, Outlets, Refusals,
};
use crate::gate::Gate;
use crate::http::{self, Page};
use crate::intake::{Intake, describe};
use crate::journal::{Journal, JournalError, Opened};
use crate::keys::{self, NodeKeys};
use crate::metrics::Metrics;
use crate::network::{self, NetworkError, Peer, Settings};
use crate::records::{self, Entry, Read};

/// Inputs that may wait for the replica; senders wait where it is full.
const INPUTS_MAX: usize = 1_024;

/// Why a node does not start, or stopped.
#[derive(Debug, Error)]
pub enum RunError {
    /// The home folder is not usable.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// A key cannot be opened.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// The system gives no randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The genesis document needs another version of this software.
    #[error("{0}")]
    Genesis(String),
    /// The validator key is not in the genesis document.
    #[error("the key {key} is not a validator of this genesis document; do all agencies use one?")]
    NotAMember {
        /// Own validator key.
        key: KeyId,
    },
    /// The transport key is not the one in the genesis document.
    #[error("the transport key of this home is not the one of validator {validator} in genesis")]
    Transport {
        /// Own index.
        validator: ValidatorIndex,
    },
    /// The query service is reachable from outside without authentication.
    #[error(
        "grpc: {address} is not a loopback address; until the service authenticates its callers \
         by mTLS it listens on loopback only"
    )]
    NotLoopback {
        /// The address.
        address: std::net::SocketAddr,
    },
    /// An address cannot be listened on.
    #[error("{field}: cannot listen on {address}: {source}; is another program using this port?")]
    Listen {
        /// Field of the configuration.
        field: &'static str,
        /// The address.
        address: std::net::SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The database cannot be opened.
    #[error("{path}: {source}")]
    Store {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: rocks::OpenError,
    },
    /// The database cannot be read.
    #[error("the ledger cannot be read: {0}")]
    Read(#[from] StoreError),
    /// The database is not the ledger of this chain.
    #[error("{path}: {source}")]
    Ledger {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: OpenError,
    },
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalFailure),
    /// The mesh cannot start.
    #[error("{0}")]
    Network(String),
    /// The consensus task ended.
    #[error("consensus: {0}")]
    Consensus(String),
    /// The storage task ended.
    #[error("storage: {0}")]
    Storage(String),
    /// A service ended.
    #[error("{service}: {reason}")]
    Service {
        /// Which.
        service: &'static str,
        /// Why.
        reason: String,
    },
}

/// The journal cannot be used.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct JournalFailure(String);

impl From<JournalError> for RunError {
    fn from(error: JournalError) -> Self {
        Self::Journal(JournalFailure(error.to_string()))
    }
}

impl From<NetworkError> for RunError {
    fn from(error: NetworkError) -> Self {
        Self::Network(error.to_string())
    }
}

/// What the journal said.
struct Recovered {
    journal: Journal,
    safety: SafetyRecord,
    records: Vec<Record>,
    live: Vec<Entry>,
    bodies: Vec<Body>,
    voting: Voting,
}

/// Runs the node of a home folder until it is told to stop.
pub async fn run(home: &Home, password: &Password, language: Language) -> Result<(), RunError> {
    let genesis = home.read_genesis()?;
    genesis.check_role_table().map_err(|error| RunError::Genesis(error.to_string()))?;
    let config = home.read_config()?;
    let keys = NodeKeys::open(home, password)?;
    let me = own_index(&genesis, &keys)?;
    if !config.grpc.ip().is_loopback() {
        return Err(RunError::NotLoopback { address: config.grpc });
    }
    for sentence in words::fault_model(genesis.descriptor(), language) {
        tracing::info!("{sentence}");
    }
    // Ports first: a node that cannot serve does not touch its data.
    let grpc = listen("grpc", config.grpc).await?;
    let page = listen("metrics", config.metrics).await?;
    let ledger = open_ledger(home, &genesis)?;
    start(home, (genesis, config, keys, me), ledger, (grpc, page)).await
}

fn own_index(genesis: &Genesis, keys: &NodeKeys) -> Result<ValidatorIndex, RunError> {
    let key = keys.validator.public();
    let me = genesis
        .descriptor()
        .index_of(&key)
        .ok_or_else(|| RunError::NotAMember { key: key.id() })?;
    if genesis.transport_keys().get(me.position()) != Some(&keys.transport.public()) {
        return Err(RunError::Transport { validator: me });
    }
    Ok(me)
}

async fn listen(
    field: &'static str,
    address: std::net::SocketAddr,
) -> Result<TcpListener, RunError> {
    TcpListener::bind(address).await.map_err(|source| RunError::Listen { field, address, source })
}

/// Folder of the database in a home.
pub(crate) fn ledger_folder(home: &Home) -> PathBuf {
    home.data_folder().join("ledger")
}

fn open_ledger(home: &Home, genesis: &Genesis) -> Result<Ledger<RocksStore>, RunError> {
    let path = ledger_folder(home);
    let store =
        RocksStore::open(&path).map_err(|source| RunError::Store { path: path.clone(), source })?;
    Ledger::open_or_create(store, genesis).map_err(|source| RunError::Ledger { path, source })
}

fn recover(
    home: &Home,
    genesis: &Genesis,
    me: ValidatorIndex,
    head: Height,
    bodies: &Bodies,
) -> Result<Recovered, RunError> {
    let folder = home.data_folder().join("journal");
    let Opened { journal, records: bytes, safety, damage, fresh } =
        Journal::open(&folder, genesis.chain(), me)?;
    let mut voting = Voting::Allowed;
    if fresh && head > Height::GENESIS {
        voting = Voting::Refused(NotVoting::JournalMissing);
    }
    if let Some(damage) = damage {
        tracing::error!(%damage, "journal");
        voting = Voting::Refused(NotVoting::JournalDamaged);
    }
    let unreadable = |error: DecodeError| {
        RunError::Journal(JournalFailure(format!(
            "the journal was written by another version: {error}"
        )))
    };
    let safety = match safety {
        None => SafetyRecord::default(),
        Some(bytes) => SafetyRecord::decode(&bytes).map_err(unreadable)?,
    };
    let (mut found, mut live, mut held) = (Vec::new(), Vec::new(), Vec::new());
    for bytes in bytes {
        let (entry, read) = records::read(&bytes).map_err(unreadable)?;
        live.push(entry);
        match read {
            Read::Record(record) => found.push(record),
            Read::Body(body, height) => {
                held.push(describe(&body, clock::now()));
                bodies.keep(body, height);
            }
        }
    }
    Ok(Recovered { journal, safety, records: found, live, bodies: held, voting })
}

fn head_of(ledger: &Ledger<RocksStore>) -> Result<Head, StoreError> {
    let reader = ledger.reader();
    let view = reader.view()?;
    let height = view.head();
    let checkpoint = ledger.checkpoint();
    let certified = view.certificate(view.certified_size()?)?;
    let hardened = view.hardened_size()?;
    match view.block(height)? {
        Some(block) => Ok(Head {
            certificate: view.commit(height)?,
            height,
            block_hash: block.hash(),
            view: block.header().view,
            time: block.header().time,
            root: checkpoint.root,
            certified,
            hardened,
        }),
        None => Ok(Head {
            certificate: None,
            height,
            block_hash: ledger.chain().genesis_block(),
            view: View::ZERO,
            time: ledger.genesis().time(),
            root: checkpoint.root,
            certified,
            hardened,
        }),
    }
}

type Identity = (Genesis, NodeConfig, NodeKeys, ValidatorIndex);

async fn start(
    home: &Home,
    (genesis, config, keys, me): Identity,
    ledger: Ledger<RocksStore>,
    (grpc, page): (TcpListener, TcpListener),
) -> Result<(), RunError> {
    let descriptor = Arc::new(genesis.descriptor().clone());
    let chain = genesis.chain();
    let head = head_of(&ledger)?;
    let bodies = Bodies::default();
    let recovered = recover(home, &genesis, me, head.height, &bodies)?;
    let metrics = Arc::new(Metrics::new(descriptor.quorum()));
    let peers = peers(&genesis, &config, me);
    let others: Vec<ValidatorIndex> = peers.iter().map(|peer| peer.validator).collect();
    let settings = Settings { key: keys.transport, listen: config.listen.clone(), peers };
    let (network, events) = network::spawn(&settings)?;
    let reader = ledger.reader();
    let blocks = Blocks::new(reader.clone());

    let (input_sender, inputs) = mpsc::channel(INPUTS_MAX);
    let (decision_sender, decisions) = mpsc::channel(DECISIONS_MAX);
    let (notice_sender, notices) = mpsc::channel(NOTICES_MAX);
    let certified = head.certified.as_ref().map_or(0, |held| held.statement.size);
    let executed = Executed { height: head.height, root: head.root, certified };
    let (executed_sender, executed) = watch::channel(executed);

    let mut replica_config = Config::new(chain, genesis.descriptor().clone(), me, keys::nonce()?);
    replica_config.voting = recovered.voting;
    let restored = restore(chain, head, recovered.records, recovered.safety);
    let mut replica = Replica::new(replica_config, restored);
    let mut ignored = Vec::new();
    for body in recovered.bodies {
        replica.step(clock::now(), Input::BodyHeld(body), &mut ignored);
    }
    let (standing_sender, standing) = watch::channel(replica.standing());
    let (connected_sender, connected) =
        watch::channel(others.iter().map(|at| (*at, Default::default())).collect());

    let refusals = Refusals::default();
    let outlets = Outlets {
        notices: notice_sender,
        executed: executed_sender,
        refusals: refusals.clone(),
        metrics: Arc::clone(&metrics),
    };
    let gate = Gate::new(chain, descriptor.limits, reader.clone());
    let driver = Driver {
        replica,
        chain,
        me,
        others: others.clone(),
        key: keys.validator,
        journal: recovered.journal,
        safety: recovered.safety,
        live: recovered.live,
        bodies: bodies.clone(),
        blocks: blocks.clone(),
        network: network.clone(),
        executor: decision_sender,
        standing: standing_sender,
        metrics: Arc::clone(&metrics),
    };
    let intake = Intake {
        descriptor: Arc::clone(&descriptor),
        verifier: Arc::new(SetVerifier::new(chain, &descriptor)),
        gate: gate.clone(),
        bodies: bodies.clone(),
        blocks,
        network: network.clone(),
        inputs: input_sender.clone(),
        connected: Arc::new(connected_sender),
        standing: standing.clone(),
        metrics: Arc::clone(&metrics),
    };
    let service = Service {
        me,
        others,
        gate,
        reader,
        bodies: bodies.clone(),
        network,
        inputs: input_sender,
        executed,
        standing: standing.clone(),
        connected,
        refusals,
    };
    let page_content = Page { metrics, standing, bodies };

    let mut storage =
        tokio::task::spawn_blocking(move || executor::run(ledger, decisions, &outlets));
    let mut consensus = tokio::spawn(driver.run(inputs, notices));
    tokio::spawn(intake.run(events));
    let mut metrics_page = tokio::spawn(http::serve(page, page_content));
    let mut api = tokio::spawn(serve_api(grpc, service));
    tracing::info!(validator = me.value(), grpc = %config.grpc, metrics = %config.metrics, "节点已启动 node started");

    let outcome = tokio::select! {
        ended = &mut consensus => ended_consensus(ended),
        ended = &mut storage => ended_storage(ended),
        ended = &mut metrics_page => ended_service("metrics", ended.map(|r| r.map_err(|e| e.to_string()))),
        ended = &mut api => ended_service("grpc", ended.map(|r| r.map_err(|e| e.to_string()))),
        () = stop_signal() => {
            tracing::info!("节点正常停止 stopped");
            Ok(())
        }
    };
    // The storage failure is the cause where consensus ended because of it.
    if matches!(outcome, Err(RunError::Consensus(_))) && storage.is_finished() {
        return ended_storage((&mut storage).await);
    }
    consensus.abort();
    outcome
}

fn peers(genesis: &Genesis, config: &NodeConfig, me: ValidatorIndex) -> Vec<Peer> {
    let mut peers = Vec::new();
    for (position, transport) in genesis.transport_keys().iter().enumerate() {
        let index = u16::try_from(position).expect("an epoch has at most 100 validators");
        let validator = ValidatorIndex::new(index);
        if validator == me {
            continue;
        }
        let configured = config.peers.iter().find(|peer| peer.index() == validator);
        let address = configured.map(|peer| peer.address.clone());
        peers.push(Peer { validator, transport: *transport, address });
    }
    peers
}

type Ended<T> = Result<T, tokio::task::JoinError>;

fn ended_consensus(ended: Ended<Result<(), DriverError>>) -> Result<(), RunError> {
    match ended {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(RunError::Consensus(error.to_string())),
        Err(error) => Err(RunError::Consensus(error.to_string())),
    }
}

fn ended_storage(ended: Ended<Result<(), ExecutorError>>) -> Result<(), RunError> {
    match ended {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(RunError::Storage(error.to_string())),
        Err(error) => Err(RunError::Storage(error.to_string())),
    }
}

fn ended_service(service: &'static str, ended: Ended<Result<(), String>>) -> Result<(), RunError> {
    let reason = match ended {
        Ok(Ok(())) => "ended".to_owned(),
        Ok(Err(reason)) => reason,
        Err(error) => error.to_string(),
    };
    Err(RunError::Service { service, reason })
}

/// Waits for an interrupt or a request to terminate.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => (),
        _ = tokio::signal::ctrl_c() => (),
    }
}
