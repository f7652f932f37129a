//! The swarm of the mesh: its transport, its two protocols, who may connect, where it listens. What is done with
//! it is the mesh's.

use std::collections::BTreeMap;
use std::time::Duration;

use genesis::Genesis;
use genesis::home::NodeConfig;
use libp2p::allow_block_list::{self, AllowedPeers};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::core::Transport as _;
use libp2p::core::upgrade::Version;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::{self, NetworkBehaviour};
use libp2p::{Multiaddr, PeerId, Swarm, TransportError, identity, noise, tcp, yamux};
use proto::sign::{PublicKey, SecretKey};
use proto::{ChainId, ValidatorIndex};
use socket2::{SockRef, TcpKeepalive};
use thiserror::Error;
use tokio::sync::mpsc;

use super::codec::{BulkCodec, VoteCodec, protocols, vote_bytes_max};
use super::lane::{BODIES, VOTES};
use super::mesh::{Member, Mesh};
use super::{Command, Event, INBOUND_QUEUE, Network, OUTBOUND_QUEUE};

/// A vote is answered as soon as it is read: one that was not by then is lost, and sent again by consensus.
const VOTE_TIMEOUT_MS: u64 = 5_000;

/// Longest time of a bulk request with its answer. Whoever fetches asks for less the next time.
const BULK_TIMEOUT_MS: u64 = 10_000;

/// Fetches that one member may have under way at another: blocks, a block, bodies.
pub(super) const FETCHES_MAX: usize = 3;

/// Streams of votes of one connection, both ways. A message has about 128 KiB at most (see the codec), so that a
/// member can make this node buffer 8 MiB through one connection.
const VOTE_STREAMS_MAX: usize = 2 * VOTES.frames_under_way;

/// Streams of bulk requests of one connection, both ways. A request has about 1 MiB at most, and larger answers come
/// only to own fetches, so that a member can make this node buffer 15 MiB through one connection.
const BULK_STREAMS_MAX: usize = 2 * (BODIES.frames_under_way + FETCHES_MAX);

/// Connections of one member: one each way when both dial at once, and one that is just closing.
const CONNECTIONS_PER_PEER_MAX: u32 = 3;

/// Connections that have not proven who they are yet.
const PENDING_INCOMING_MAX: u32 = 64;

/// Time to connect, to prove who one is and to agree on a multiplexer.
const CONNECT_TIMEOUT_MS: u64 = 10_000;

/// A connection ends when what was sent on it is not acknowledged for so long. The system's own limit is a quarter
/// of an hour, for which one that is being closed would still be taken for open.
const UNACKNOWLEDGED_MS: u64 = 10_000;

/// Silence after which the system asks whether the other end is there; STATUS goes out each second, but only on one
/// of several connections.
const KEEPALIVE_MS: u64 = 5_000;

/// Another member of the mesh.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its index.
    pub validator: ValidatorIndex,
    /// Its transport key, from genesis.
    pub transport: PublicKey,
    /// Where it listens, as a multiaddress; `None` where it only dials.
    pub address: Option<String>,
}

/// What the mesh is made from.
#[derive(Debug)]
pub struct Settings {
    /// The chain: nodes of another one have no protocol in common with this one.
    pub chain: ChainId,
    /// Own transport key.
    pub key: SecretKey,
    /// Where to listen, as multiaddresses.
    pub listen: Vec<String>,
    /// The other members.
    pub peers: Vec<Peer>,
}

impl Settings {
    /// What the mesh of validator `me` is made from: its own key of transport, the other members of the genesis
    /// document, and where its configuration says that they listen.
    pub fn of(genesis: &Genesis, config: &NodeConfig, me: ValidatorIndex, key: SecretKey) -> Self {
        let members = (0..).map(ValidatorIndex::new).zip(genesis.transport_keys());
        let others = members.filter(|(validator, _)| *validator != me);
        let peers = others.map(|(validator, transport)| {
            let configured = config.peers.iter().find(|peer| peer.index() == validator);
            let address = configured.map(|peer| peer.address.clone());
            Peer { validator, transport: *transport, address }
        });
        let (peers, listen) = (peers.collect(), config.listen.clone());
        Self { chain: genesis.chain(), key, listen, peers }
    }
}

/// Why the mesh cannot start.
#[derive(Debug, Error)]
pub enum NetworkError {
    /// An address of the configuration is not a multiaddress.
    #[error("{address} is not a multiaddress such as /ip4/127.0.0.1/tcp/7100")]
    Address {
        /// The address.
        address: String,
    },
    /// A transport key of genesis is not a libp2p key.
    #[error("the transport key of validator {validator} is not an Ed25519 key")]
    TransportKey {
        /// The validator.
        validator: ValidatorIndex,
    },
    /// The transport could not be set up.
    #[error("the transport could not be set up: {reason}")]
    Transport {
        /// What libp2p says.
        reason: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {reason}; is another node running on this port?")]
    Listen {
        /// The address.
        address: String,
        /// What the system says.
        reason: String,
    },
}

#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    limits: connection_limits::Behaviour,
    pub(super) allowed: allow_block_list::Behaviour<AllowedPeers>,
    pub(super) votes: request_response::Behaviour<VoteCodec>,
    pub(super) bulk: request_response::Behaviour<BulkCodec>,
}

/// How long requests may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// A vote with its answer.
    pub(super) vote: Duration,
    /// Any other request with its answer.
    pub(super) bulk: Duration,
}

const TIMING: Timing = Timing {
    vote: Duration::from_millis(VOTE_TIMEOUT_MS),
    bulk: Duration::from_millis(BULK_TIMEOUT_MS),
};

/// A mesh that listens and does nothing else yet.
pub struct Bound {
    pub(super) mesh: Mesh,
    network: Network,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Receiver<Event>,
}

impl Bound {
    /// Starts the network task.
    pub fn start(self) -> (Network, mpsc::Receiver<Event>) {
        tokio::spawn(self.mesh.run(self.commands));
        (self.network, self.events)
    }
}

/// Listens on every address of `settings`.
pub fn bind(settings: &Settings) -> Result<Bound, NetworkError> {
    bind_with(settings, TIMING)
}

pub(super) fn bind_with(settings: &Settings, timing: Timing) -> Result<Bound, NetworkError> {
    let transport = |reason: String| NetworkError::Transport { reason };
    let mut seed = settings.key.seed();
    let keypair = identity::Keypair::ed25519_from_bytes(&mut *seed)
        .map_err(|error| transport(error.to_string()))?;
    let mut swarm = build(&keypair, settings, timing)?;
    let mut members = BTreeMap::new();
    for peer in &settings.peers {
        let validator = peer.validator;
        let key = identity::ed25519::PublicKey::try_from_bytes(peer.transport.as_bytes())
            .map_err(|_| NetworkError::TransportKey { validator })?;
        let id = PeerId::from_public_key(&key.into());
        swarm.behaviour_mut().allowed.allow_peer(id);
        let address = peer.address.as_deref().map(parse).transpose()?;
        members.insert(validator, Member::new(id, address));
    }
    for address in &settings.listen {
        swarm.listen_on(parse(address)?).map_err(|error| NetworkError::Listen {
            address: address.clone(),
            reason: match &error {
                TransportError::Other(system) => system.to_string(),
                TransportError::MultiaddrNotSupported(_) => error.to_string(),
            },
        })?;
    }
    let (commands, command_queue) = mpsc::channel(OUTBOUND_QUEUE);
    let (events, event_queue) = mpsc::channel(INBOUND_QUEUE);
    let mesh = Mesh::new(swarm, members, timing, events);
    Ok(Bound { mesh, network: Network { commands }, commands: command_queue, events: event_queue })
}

fn parse(address: &str) -> Result<Multiaddr, NetworkError> {
    address.parse().map_err(|_| NetworkError::Address { address: address.to_owned() })
}

fn build(
    keypair: &identity::Keypair,
    settings: &Settings,
    timing: Timing,
) -> Result<Swarm<Behaviour>, NetworkError> {
    let limits = ConnectionLimits::default()
        .with_max_pending_incoming(Some(PENDING_INCOMING_MAX))
        .with_max_established_per_peer(Some(CONNECTIONS_PER_PEER_MAX));
    let (votes, bulk) = protocols(settings.chain);
    let requests = |timeout, streams| {
        request_response::Config::default()
            .with_request_timeout(timeout)
            .with_max_concurrent_streams(streams)
    };
    let bytes_max = vote_bytes_max(settings.peers.len().saturating_add(1));
    let behaviour = Behaviour {
        limits: connection_limits::Behaviour::new(limits),
        allowed: allow_block_list::Behaviour::default(),
        votes: request_response::Behaviour::with_codec(
            VoteCodec { bytes_max },
            [(votes, ProtocolSupport::Full)],
            requests(timing.vote, VOTE_STREAMS_MAX),
        ),
        bulk: request_response::Behaviour::with_codec(
            BulkCodec,
            [(bulk, ProtocolSupport::Full)],
            requests(timing.bulk, BULK_STREAMS_MAX),
        ),
    };
    let noise = noise::Config::new(keypair)
        .map_err(|error| NetworkError::Transport { reason: error.to_string() })?;
    let transport = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
        .map(|stream, _| watched(stream))
        .upgrade(Version::V1Lazy)
        .authenticate(noise)
        .multiplex(yamux::Config::default())
        .timeout(Duration::from_millis(CONNECT_TIMEOUT_MS))
        .boxed();
    // The mesh is permanent: a quiet connection is kept.
    let config = swarm::Config::with_tokio_executor().with_idle_connection_timeout(Duration::MAX);
    Ok(Swarm::new(transport, behaviour, keypair.public().to_peer_id(), config))
}

/// Lets the system notice that the other end is gone.
fn watched(stream: tcp::tokio::TcpStream) -> tcp::tokio::TcpStream {
    let pause = Duration::from_millis(KEEPALIVE_MS);
    let keepalive = TcpKeepalive::new().with_time(pause).with_interval(pause);
    let socket = SockRef::from(&stream.0);
    let set = socket
        .set_tcp_keepalive(&keepalive)
        .and_then(|()| socket.set_tcp_user_timeout(Some(Duration::from_millis(UNACKNOWLEDGED_MS))));
    if let Err(error) = set {
        tracing::warn!(%error, "a dead connection will be noticed late");
    }
    stream
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_busy_port_is_named_with_what_the_system_says() {
        let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let listen = vec![format!("/ip4/127.0.0.1/tcp/{port}")];
        let (chain, key) = (ChainId::default(), SecretKey::from_seed(&[1; 32]));
        let bound = bind(&Settings { chain, key, listen, peers: Vec::new() });
        let said = bound.err().expect("the port is taken").to_string();
        assert!(said.contains(&port.to_string()), "{said}");
        assert!(said.to_lowercase().contains("in use"), "{said}");
    }
}
