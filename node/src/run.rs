//! Owns every task of a node: starts them in order, and ends the process when one of them must.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use consensus::{Config, Head, Input, Replica, Standing, restore};
use genesis::Genesis;
use genesis::home::{Home, HomeError, NodeConfig};
use genesis::keys::EntropyError;
use genesis::keystore::KeystoreError;
use genesis::password::Password;
use genesis::words::{self, Language};
use ledger::ledger::{Ledger, OpenError};
use ledger::reader::Reader;
use ledger::store::StoreError;
use ledger::version::Versions;
use proto::epoch::Descriptor;
use proto::sign::{KeyId, SecretKey};
use proto::verified::SetVerifier;
use proto::{ChainId, ValidatorIndex};
use rocks::RocksStore;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinHandle};

use crate::api::{Service, serve_api};
use crate::blocks::Blocks;
use crate::bodies::Bodies;
use crate::driver::{Driver, DriverError};
use crate::executor::{
    self, DECISIONS_MAX, Decision, Executed, ExecutorError, NOTICES_MAX, Outlets, Refusals,
};
use crate::fetches::Fetches;
use crate::gate::Gate;
use crate::http::{self, Page};
use crate::intake::{Connected, Intake, PeerView};
use crate::journal::JournalError;
use crate::keys::{self, NodeKeys};
use crate::metrics::Metrics;
use crate::network::{self, Bound, Network, NetworkError, Settings};
use crate::recovery::{self, Recovered};

/// Inputs that may wait for the replica; senders wait where it is full.
const INPUTS_MAX: usize = 1_024;

/// Longest wait for a database that closes after its task has failed: it may write what it holds in memory, 128
/// MiB. After that the process ends without the reason.
const STORAGE_CLOSE_MS: u64 = 10_000;

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
    /// A service is reachable from outside without authentication.
    #[error(
        "{field}: {address} is not a loopback address; until the service authenticates its callers \
         by mTLS it listens on loopback only"
    )]
    NotLoopback {
        /// Field of the configuration.
        field: &'static str,
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
pub struct JournalFailure(pub(crate) String);

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

/// Runs the node of a home folder until it is told to stop.
pub async fn run(home: &Home, password: &Password, language: Language) -> Result<(), RunError> {
    let genesis = home.read_genesis()?;
    genesis.check_role_table().map_err(|error| RunError::Genesis(error.to_string()))?;
    let known = Versions::BUILT_IN.known();
    known.check(genesis.descriptor()).map_err(|error| RunError::Genesis(error.to_string()))?;
    let config = home.read_config()?;
    let keys = NodeKeys::open(home, password)?;
    let me = own_index(&genesis, &keys)?;
    check_loopback(&config)?;
    for sentence in words::fault_model(genesis.descriptor(), language) {
        tracing::info!("{sentence}");
    }
    // Ports first: a node that cannot serve does not touch its data.
    let grpc = listen("grpc", config.grpc).await?;
    let page = listen("metrics", config.metrics).await?;
    let NodeKeys { validator, transport } = keys;
    let settings = Settings::of(&genesis, &config, me, transport);
    let others = settings.peers.iter().map(|peer| peer.validator).collect();
    let mesh = network::bind(&settings)?;
    let ledger = open_ledger(home, &genesis)?;
    tracing::info!(validator = me.value(), grpc = %config.grpc, metrics = %config.metrics, "listening");
    start(home, Identity { genesis, me, others, key: validator }, ledger, (mesh, grpc, page)).await
}

/// Neither service asks who calls, so that neither is reachable from another machine.
fn check_loopback(config: &NodeConfig) -> Result<(), RunError> {
    for (field, address) in [("grpc", config.grpc), ("metrics", config.metrics)] {
        if !address.ip().is_loopback() {
            return Err(RunError::NotLoopback { field, address });
        }
    }
    Ok(())
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

/// Who this node is among which others.
struct Identity {
    genesis: Genesis,
    me: ValidatorIndex,
    others: Vec<ValidatorIndex>,
    key: SecretKey,
}

async fn start(
    home: &Home,
    Identity { genesis, me, others, key }: Identity,
    ledger: Ledger<RocksStore>,
    (mesh, grpc, page): (Bound, TcpListener, TcpListener),
) -> Result<(), RunError> {
    let head = recovery::head_of(&ledger)?;
    let bodies = Bodies::default();
    let recovered = recovery::recover(home, &genesis, me, &ledger, &bodies)?;
    let (network, events) = mesh.start();
    let (parts, queues) = Parts::new(&genesis, &head, (me, others), (network, &ledger, bodies));
    let driver = parts.driver(key, head, recovered)?;
    let standing = driver.standing.subscribe();
    let intake = parts.intake(standing.clone());
    let service = parts.service(standing.clone());
    let outlets = parts.outlets();
    let content = Page { metrics: parts.metrics, standing, bodies: parts.bodies };

    let mut storage =
        tokio::task::spawn_blocking(move || executor::run(ledger, queues.decisions, &outlets));
    let mut consensus = tokio::spawn(driver.run(queues.inputs, queues.notices));
    let mut mesh = tokio::spawn(intake.run(events));
    let mut metrics_page = tokio::spawn(http::serve(page, content));
    let mut api = tokio::spawn(serve_api(grpc, service));
    tracing::info!(validator = me.value(), "节点已启动 node started");

    let outcome = tokio::select! {
        ended = &mut consensus => match ended {
            Ok(Err(DriverError::ExecutorGone)) => ended_without_storage(&mut storage).await,
            ended => ended_consensus(ended),
        },
        ended = &mut storage => ended_storage(ended),
        ended = &mut mesh => ended_service("mesh", ended),
        ended = &mut metrics_page => ended_service("metrics", ended),
        ended = &mut api => ended_service("grpc", ended),
        () = stop_signal() => {
            tracing::info!("节点正常停止 stopped");
            Ok(())
        }
    };
    consensus.abort();
    outcome
}

/// Receiving ends of the queues between tasks.
struct Queues {
    inputs: mpsc::Receiver<Input>,
    decisions: mpsc::Receiver<Decision>,
    notices: mpsc::Receiver<Input>,
}

/// What the tasks share: each takes its own copy of the handles.
struct Parts {
    me: ValidatorIndex,
    others: Vec<ValidatorIndex>,
    chain: ChainId,
    descriptor: Arc<Descriptor>,
    reader: Reader<RocksStore>,
    bodies: Bodies,
    blocks: Blocks,
    fetches: Fetches,
    network: Network,
    gate: Gate,
    metrics: Arc<Metrics>,
    refusals: Refusals,
    inputs: mpsc::Sender<Input>,
    decisions: mpsc::Sender<Decision>,
    notices: mpsc::Sender<Input>,
    executed: Arc<watch::Sender<Executed>>,
    connected: Arc<watch::Sender<Connected>>,
}

impl Parts {
    fn new(
        genesis: &Genesis,
        head: &Head,
        (me, others): (ValidatorIndex, Vec<ValidatorIndex>),
        (network, ledger, bodies): (Network, &Ledger<RocksStore>, Bodies),
    ) -> (Self, Queues) {
        let descriptor = Arc::new(genesis.descriptor().clone());
        let (chain, reader) = (genesis.chain(), ledger.reader());
        let (inputs, input_queue) = mpsc::channel(INPUTS_MAX);
        let (decisions, decision_queue) = mpsc::channel(DECISIONS_MAX);
        let (notices, notice_queue) = mpsc::channel(NOTICES_MAX);
        let certified = head.certified.as_ref().map_or(0, |held| held.statement.size);
        let executed = Executed { height: head.height, root: head.root, certified };
        let connected = others.iter().map(|at| (*at, PeerView::default())).collect();
        let parts = Self {
            me,
            chain,
            blocks: Blocks::new(reader.clone()),
            gate: Gate::new(chain, descriptor.limits, reader.clone()),
            metrics: Arc::new(Metrics::new(descriptor.quorum())),
            fetches: Fetches::default(),
            refusals: Refusals::default(),
            executed: Arc::new(watch::Sender::new(executed)),
            connected: Arc::new(watch::Sender::new(connected)),
            others,
            descriptor,
            reader,
            bodies,
            network,
            inputs,
            decisions,
            notices,
        };
        let queues =
            Queues { inputs: input_queue, decisions: decision_queue, notices: notice_queue };
        (parts, queues)
    }

    fn driver(
        &self,
        key: SecretKey,
        head: Head,
        recovered: Recovered,
    ) -> Result<Driver, EntropyError> {
        let descriptor = Descriptor::clone(&self.descriptor);
        let mut config = Config::new(self.chain, descriptor, self.me, keys::nonce()?);
        config.voting = recovered.voting;
        for record in &recovered.records {
            self.blocks.remember(record);
        }
        self.blocks.release_below(head.height.next());
        let restored = restore(self.chain, head, recovered.records, recovered.safety);
        // The safety record that joins journal and slot: what the signer must never go below.
        let safety = restored.safety();
        let replica = Replica::new(config, restored);
        Ok(Driver {
            held: recovered.bodies,
            standing: watch::Sender::new(replica.standing()),
            replica,
            chain: self.chain,
            me: self.me,
            others: self.others.clone(),
            key,
            journal: recovered.journal,
            safety,
            live: recovered.live,
            bodies: self.bodies.clone(),
            blocks: self.blocks.clone(),
            fetches: self.fetches.clone(),
            network: self.network.clone(),
            executor: self.decisions.clone(),
            metrics: Arc::clone(&self.metrics),
        })
    }

    fn intake(&self, standing: watch::Receiver<Standing>) -> Intake {
        Intake {
            chain: self.chain,
            descriptor: Arc::clone(&self.descriptor),
            verifier: Arc::new(SetVerifier::new(self.chain, &self.descriptor)),
            gate: self.gate.clone(),
            bodies: self.bodies.clone(),
            blocks: self.blocks.clone(),
            fetches: self.fetches.clone(),
            network: self.network.clone(),
            inputs: self.inputs.clone(),
            connected: Arc::clone(&self.connected),
            standing,
            metrics: Arc::clone(&self.metrics),
        }
    }

    fn service(&self, standing: watch::Receiver<Standing>) -> Service {
        Service {
            me: self.me,
            others: self.others.clone(),
            gate: self.gate.clone(),
            reader: self.reader.clone(),
            bodies: self.bodies.clone(),
            network: self.network.clone(),
            inputs: self.inputs.clone(),
            executed: self.executed.subscribe(),
            standing,
            connected: self.connected.subscribe(),
            refusals: self.refusals.clone(),
            lanes: Arc::default(),
        }
    }

    fn outlets(&self) -> Outlets {
        Outlets {
            notices: self.notices.clone(),
            executed: Arc::clone(&self.executed),
            refusals: self.refusals.clone(),
            metrics: Arc::clone(&self.metrics),
        }
    }
}

type Ended<T> = Result<T, JoinError>;

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

/// Consensus sees the end of the storage task by its queues, which close before the database does; the reason
/// is what that task then returns.
async fn ended_without_storage(
    storage: &mut JoinHandle<Result<(), ExecutorError>>,
) -> Result<(), RunError> {
    let closing = Duration::from_millis(STORAGE_CLOSE_MS);
    let gone = || RunError::Consensus(DriverError::ExecutorGone.to_string());
    let ended = tokio::time::timeout(closing, storage).await.map_err(|_| gone())?;
    ended_storage(ended).and_then(|()| Err(gone()))
}

fn ended_service<E: std::fmt::Display>(
    service: &'static str,
    ended: Ended<Result<(), E>>,
) -> Result<(), RunError> {
    let reason = match ended {
        Ok(Ok(())) => "ended".to_owned(),
        Ok(Err(error)) => error.to_string(),
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

#[cfg(test)]
mod tests {
    use ledger::ledger::AppendError;
    use proto::Height;

    use super::*;

    #[test]
    fn a_service_that_authenticates_nobody_is_refused_beyond_loopback_by_its_field() {
        for (grpc, metrics, refused) in [
            ("127.0.0.1:7101", "127.0.0.1:7102", None),
            ("[::1]:7101", "[::1]:7102", None),
            ("0.0.0.0:7101", "127.0.0.1:7102", Some("grpc: 0.0.0.0:7101")),
            ("127.0.0.1:7101", "0.0.0.0:7102", Some("metrics: 0.0.0.0:7102")),
            ("127.0.0.1:7101", "[::]:7102", Some("metrics: [::]:7102")),
            ("127.0.0.1:7101", "192.0.2.1:7102", Some("metrics: 192.0.2.1:7102")),
        ] {
            let (listen, peers) = (vec!["/ip4/127.0.0.1/tcp/7100".to_owned()], Vec::new());
            let (grpc, metrics) = (grpc.parse().unwrap(), metrics.parse().unwrap());
            let config = NodeConfig { listen, grpc, metrics, peers };
            let said = check_loopback(&config).err().map(|error| error.to_string());
            let named = said.as_ref().zip(refused).is_some_and(|(said, it)| said.starts_with(it));
            assert!(named || (said.is_none() && refused.is_none()), "{config:?}: {said:?}");
        }
    }

    #[tokio::test]
    async fn the_storage_tasks_own_reason_is_waited_for() {
        let (close, closing) = tokio::sync::oneshot::channel::<()>();
        let mut storage = tokio::spawn(async move {
            closing.await.expect("the other end waits");
            let (height, source) = (Height::new(7), AppendError::Stopped);
            Err(ExecutorError::Append { height, source })
        });
        let (ended, sent) = tokio::join!(ended_without_storage(&mut storage), async {
            tokio::task::yield_now().await;
            close.send(())
        });
        sent.unwrap();
        let said = ended.unwrap_err().to_string();
        assert!(said.contains("storage") && said.contains("block 7"), "{said}");
    }
}
