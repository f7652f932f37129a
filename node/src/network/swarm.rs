//! The task that owns the swarm: listens, dials every other member until it is connected, and
//! carries frames.

use std::collections::BTreeMap;
use std::time::Duration;

use libp2p::allow_block_list::{self, AllowedPeers};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::futures::StreamExt as _;
use libp2p::multiaddr::Protocol;
use libp2p::request_response::{self, Message, OutboundFailure, ProtocolSupport, ResponseChannel};
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, SwarmBuilder, identity, noise, tcp, yamux};
use proto::sign::{PublicKey, SecretKey};
use proto::{ChainId, ValidatorIndex};
use thiserror::Error;
use tokio::sync::mpsc;

use super::codec::{FrameCodec, protocol};
use super::frame::{Request, Response};
use super::{Command, Event, INBOUND_QUEUE, Network, OUTBOUND_QUEUE};

/// Pause between attempts to reach a member that is not connected.
const REDIAL_MS: u64 = 300;

/// A request that got no answer by then is given up; consensus resends what matters.
const REQUEST_TIMEOUT_MS: u64 = 10_000;

/// Streams that one connection may have open: a busy second of bodies and votes. A frame is 8 MiB at most.
const STREAMS_MAX: usize = 256;

/// Connections of one member: one each way when both dial at once, and one that is just closing.
const CONNECTIONS_PER_PEER_MAX: u32 = 3;

/// Connections that have not proven who they are yet.
const PENDING_INCOMING_MAX: u32 = 64;

/// Where an answer goes.
pub(crate) type Channel = ResponseChannel<Response>;

/// Another member of the mesh.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// Its index.
    pub(crate) validator: ValidatorIndex,
    /// Its transport key, from genesis.
    pub(crate) transport: PublicKey,
    /// Where it listens, as a multiaddress; `None` where it only dials.
    pub(crate) address: Option<String>,
}

/// What the mesh is made from.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The chain: nodes of another one have no protocol in common with this one.
    pub(crate) chain: ChainId,
    /// Own transport key.
    pub(crate) key: SecretKey,
    /// Where to listen, as multiaddresses.
    pub(crate) listen: Vec<String>,
    /// The other members.
    pub(crate) peers: Vec<Peer>,
}

/// Why the mesh cannot start.
#[derive(Debug, Error)]
pub(crate) enum NetworkError {
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
struct Behaviour {
    limits: connection_limits::Behaviour,
    allowed: allow_block_list::Behaviour<AllowedPeers>,
    frames: request_response::Behaviour<FrameCodec>,
}

/// Starts the mesh; listening has succeeded when this returns.
pub(crate) fn spawn(settings: &Settings) -> Result<(Network, mpsc::Receiver<Event>), NetworkError> {
    let transport = |reason: String| NetworkError::Transport { reason };
    let mut seed = settings.key.seed();
    let keypair = identity::Keypair::ed25519_from_bytes(&mut *seed)
        .map_err(|error| transport(error.to_string()))?;
    let mut swarm = build(keypair, settings.chain)?;
    let mut members = BTreeMap::new();
    let mut addresses = BTreeMap::new();
    for peer in &settings.peers {
        let validator = peer.validator;
        let key = identity::ed25519::PublicKey::try_from_bytes(peer.transport.as_bytes())
            .map_err(|_| NetworkError::TransportKey { validator })?;
        let id = PeerId::from_public_key(&key.into());
        swarm.behaviour_mut().allowed.allow_peer(id);
        members.insert(id, validator);
        if let Some(address) = &peer.address {
            addresses.insert(validator, (id, parse(address)?));
        }
    }
    for address in &settings.listen {
        swarm.listen_on(parse(address)?).map_err(|error| NetworkError::Listen {
            address: address.clone(),
            reason: error.to_string(),
        })?;
    }
    let (commands, command_queue) = mpsc::channel(OUTBOUND_QUEUE);
    let (events, event_queue) = mpsc::channel(INBOUND_QUEUE);
    let ids = members.iter().map(|(id, validator)| (*validator, *id)).collect();
    let mesh = Mesh { swarm, members, ids, addresses, events };
    tokio::spawn(mesh.run(command_queue));
    Ok((Network { commands }, event_queue))
}

fn parse(address: &str) -> Result<Multiaddr, NetworkError> {
    address.parse().map_err(|_| NetworkError::Address { address: address.to_owned() })
}

fn build(keypair: identity::Keypair, chain: ChainId) -> Result<Swarm<Behaviour>, NetworkError> {
    let limits = ConnectionLimits::default()
        .with_max_pending_incoming(Some(PENDING_INCOMING_MAX))
        .with_max_established_per_peer(Some(CONNECTIONS_PER_PEER_MAX));
    let frames = request_response::Config::default()
        .with_request_timeout(Duration::from_millis(REQUEST_TIMEOUT_MS))
        .with_max_concurrent_streams(STREAMS_MAX);
    let behaviour = Behaviour {
        limits: connection_limits::Behaviour::new(limits),
        allowed: allow_block_list::Behaviour::default(),
        frames: request_response::Behaviour::with_codec(
            FrameCodec,
            [(protocol(chain), ProtocolSupport::Full)],
            frames,
        ),
    };
    let tcp = tcp::Config::default().nodelay(true);
    let builder = SwarmBuilder::with_existing_identity(keypair)
        .with_tokio()
        .with_tcp(tcp, noise::Config::new, yamux::Config::default)
        .map_err(|error| NetworkError::Transport { reason: error.to_string() })?
        .with_behaviour(|_| behaviour)
        .map_err(|error| NetworkError::Transport { reason: error.to_string() })?;
    // The mesh is permanent: a quiet connection is kept.
    Ok(builder
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::MAX))
        .build())
}

struct Mesh {
    swarm: Swarm<Behaviour>,
    members: BTreeMap<PeerId, ValidatorIndex>,
    ids: BTreeMap<ValidatorIndex, PeerId>,
    addresses: BTreeMap<ValidatorIndex, (PeerId, Multiaddr)>,
    events: mpsc::Sender<Event>,
}

impl Mesh {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut redial = tokio::time::interval(Duration::from_millis(REDIAL_MS));
        redial.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let event = tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => {
                        self.carry_out(command);
                        None
                    }
                    None => return, // the node is shutting down
                },
                event = self.swarm.select_next_some() => self.translate(event),
                _ = redial.tick() => {
                    self.dial_missing();
                    None
                }
            };
            if let Some(event) = event
                && self.events.send(event).await.is_err()
            {
                return;
            }
        }
    }

    fn dial_missing(&mut self) {
        for (id, address) in self.addresses.values() {
            if self.swarm.is_connected(id) {
                continue;
            }
            let with_id = address.clone().with(Protocol::P2p(*id));
            let dial = DialOpts::peer_id(*id)
                .addresses(vec![with_id])
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .build();
            if let Err(error) = self.swarm.dial(dial) {
                tracing::trace!(%id, %error, "not dialled");
            }
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Send { to, request } => {
                let Some(id) = self.ids.get(&to) else { return };
                if self.swarm.is_connected(id) {
                    self.swarm.behaviour_mut().frames.send_request(id, request);
                }
            }
            Command::Answer { channel, response } => {
                if self.swarm.behaviour_mut().frames.send_response(channel, response).is_err() {
                    tracing::debug!("the asker went away before it was answered");
                }
            }
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "libp2p's event is non-exhaustive")]
    fn translate(&self, event: SwarmEvent<BehaviourEvent>) -> Option<Event> {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Frames(event)) => self.frame(event),
            SwarmEvent::ConnectionEstablished { peer_id, num_established, .. } => {
                let first = num_established.get() == 1;
                self.members.get(&peer_id).filter(|_| first).map(|at| Event::Connected(*at))
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                self.members.get(&peer_id).map(|at| Event::Disconnected(*at))
            }
            SwarmEvent::IncomingConnectionError { error, .. } => {
                tracing::debug!(%error, "incoming connection refused");
                None
            }
            SwarmEvent::ListenerError { error, .. } => {
                tracing::warn!(%error, "listener");
                None
            }
            SwarmEvent::ListenerClosed { reason, .. } => {
                tracing::error!(?reason, "no longer listening");
                None
            }
            // The rest is libp2p's own business, and the enum grows with its features.
            _ => None,
        }
    }

    fn frame(&self, event: request_response::Event<Request, Response>) -> Option<Event> {
        match event {
            request_response::Event::Message { peer, message, .. } => {
                let from = *self.members.get(&peer)?;
                Some(match message {
                    Message::Request { request, channel, .. } => {
                        Event::Request { from, request, channel }
                    }
                    Message::Response { response, .. } => Event::Response { from, response },
                })
            }
            request_response::Event::OutboundFailure {
                peer,
                error: OutboundFailure::UnsupportedProtocols,
                ..
            } => self.members.get(&peer).map(|at| Event::Foreign(*at)),
            request_response::Event::OutboundFailure { peer, error, .. } => {
                tracing::debug!(%peer, %error, "request failed");
                None
            }
            request_response::Event::InboundFailure { peer, error, .. } => {
                tracing::debug!(%peer, %error, "request refused");
                None
            }
            request_response::Event::ResponseSent { .. } => None, // nothing waits for it
        }
    }
}
