//! The task that owns the swarm: dials every other member until it is connected, carries frames, and closes
//! connections on which nothing is answered any more.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use libp2p::futures::StreamExt as _;
use libp2p::multiaddr::Protocol;
use libp2p::request_response::{
    self, InboundRequestId, Message, OutboundFailure, OutboundRequestId, ResponseChannel,
};
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm};
use proto::ValidatorIndex;
use proto::limits::FRAME_BYTES_MAX;
use tokio::sync::mpsc;

use super::frame::{Fetch, Request, Response};
use super::lane::{BODIES, Lane, Tick, VOTES};
use super::swarm::{Behaviour, BehaviourEvent, FETCHES_MAX, Timing};
use super::{Command, Event, Lost};

/// Pause between attempts to reach a member that is not connected, and one tick of the mesh.
const REDIAL_MS: u64 = 300;

/// Requests in a row that were not answered in time before their connection is closed and dialled anew. STATUS
/// goes out each second, so that this is two seconds after the first of them; one alone may have been unlucky.
const SILENT_REQUESTS_MAX: u32 = 3;

/// Time beyond its own after which a request without an end is forgotten.
const GRACE_MS: u64 = 5_000;

/// Bytes of answers that may be under way to one member: as much as it may ask for at once. More are dropped, and
/// it asks another.
const ANSWER_BYTES_MAX: usize = 3 * 8 * 1024 * 1024;

const _: () = assert!(FETCHES_MAX == 3 && FRAME_BYTES_MAX == 8 * 1024 * 1024, "three full answers");

/// Where an answer goes.
#[derive(Debug)]
pub struct Channel {
    to: ValidatorIndex,
    request: InboundRequestId,
    sender: ResponseChannel<Response>,
}

/// Another member, and what is under way to it.
pub(super) struct Member {
    id: PeerId,
    address: Option<Multiaddr>,
    votes: Lane<OutboundRequestId>,
    bodies: Lane<OutboundRequestId>,
    /// What it was asked, and when.
    fetches: BTreeMap<OutboundRequestId, (Fetch, Tick)>,
    /// Bytes of answers that it has not read yet, and since when.
    answers: BTreeMap<InboundRequestId, (usize, Tick)>,
}

impl Member {
    /// A member that nothing is under way to.
    pub(super) fn new(id: PeerId, address: Option<Multiaddr>) -> Self {
        let (votes, bodies) = (Lane::new(VOTES), Lane::new(BODIES));
        Self { id, address, votes, bodies, fetches: BTreeMap::new(), answers: BTreeMap::new() }
    }
}

/// The task.
pub(super) struct Mesh {
    pub(super) swarm: Swarm<Behaviour>,
    members: BTreeMap<ValidatorIndex, Member>,
    by_id: BTreeMap<PeerId, ValidatorIndex>,
    /// Requests in a row that connections left unanswered.
    silent: BTreeMap<ConnectionId, u32>,
    timing: Timing,
    now: Tick,
    /// What the node is told next.
    ready: VecDeque<Event>,
    events: mpsc::Sender<Event>,
}

impl Mesh {
    pub(super) fn new(
        swarm: Swarm<Behaviour>,
        members: BTreeMap<ValidatorIndex, Member>,
        timing: Timing,
        events: mpsc::Sender<Event>,
    ) -> Self {
        let by_id = members.iter().map(|(at, member)| (member.id, *at)).collect();
        let (silent, ready) = (BTreeMap::new(), VecDeque::new());
        Self { swarm, members, by_id, silent, timing, now: 0, ready, events }
    }

    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut redial = tokio::time::interval(Duration::from_millis(REDIAL_MS));
        redial.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.carry_out(command),
                    None => return, // the node is shutting down
                },
                event = self.swarm.select_next_some() => self.on_event(event),
                _ = redial.tick() => {
                    self.now += 1;
                    self.dial_missing();
                    self.give_up();
                }
            }
            while let Some(event) = self.ready.pop_front() {
                if self.events.send(event).await.is_err() {
                    return;
                }
            }
        }
    }

    fn dial_missing(&mut self) {
        for Member { id, address, .. } in self.members.values() {
            let Some(address) = address.as_ref().filter(|_| !self.swarm.is_connected(id)) else {
                continue;
            };
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

    /// Requests whose end libp2p owes for too long: their room would be lost for ever.
    fn give_up(&mut self) {
        let pause = Duration::from_millis(REDIAL_MS).as_millis();
        let before = |limit: Duration| {
            let ticks = (limit + Duration::from_millis(GRACE_MS)).as_millis() / pause;
            self.now.saturating_sub(Tick::try_from(ticks).unwrap_or(Tick::MAX))
        };
        let (vote, bulk) = (before(self.timing.vote), before(self.timing.bulk));
        for (&from, member) in &mut self.members {
            member.votes.give_up(vote);
            member.bodies.give_up(bulk);
            member.answers.retain(|_, (_, since)| *since >= bulk);
            let late = member.fetches.extract_if(.., |_, (_, since)| *since < bulk);
            for (_, (asked, _)) in late {
                self.ready.push_back(Event::Fetched { from, asked, answer: Err(Lost::Late) });
            }
        }
        let members: Vec<ValidatorIndex> = self.members.keys().copied().collect();
        for to in members {
            self.send_waiting(to);
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Message { to, bytes } => {
                if let Some(member) = self.connected(to) {
                    note_dropped(to, usize::from(!member.votes.push(bytes)));
                    self.send_waiting(to);
                }
            }
            Command::Bodies { to, bodies } => {
                if let Some(member) = self.connected(to) {
                    let dropped =
                        bodies.into_iter().filter(|it| !member.bodies.push(Arc::clone(it)));
                    note_dropped(to, dropped.count());
                    self.send_waiting(to);
                }
            }
            Command::Fetch { to, fetch } => self.fetch(to, fetch),
            Command::Answer { channel, response } => self.answer(channel, response),
        }
    }

    fn connected(&mut self, to: ValidatorIndex) -> Option<&mut Member> {
        let swarm = &self.swarm;
        self.members.get_mut(&to).filter(|member| swarm.is_connected(&member.id))
    }

    /// Sends what waits and may go.
    fn send_waiting(&mut self, to: ValidatorIndex) {
        let Some(member) = self.members.get_mut(&to) else { return };
        let (behaviour, now) = (self.swarm.behaviour_mut(), self.now);
        while let Some(messages) = member.votes.next_frame() {
            for message in messages {
                member.votes.sent(behaviour.votes.send_request(&member.id, message), now);
            }
        }
        while let Some(bodies) = member.bodies.next_frame() {
            let request = Request::Bodies(bodies);
            member.bodies.sent(behaviour.bulk.send_request(&member.id, request), now);
        }
    }

    fn fetch(&mut self, to: ValidatorIndex, fetch: Fetch) {
        if self.connected(to).is_none() {
            let answer = Err(Lost::Failed);
            self.ready.push_back(Event::Fetched { from: to, asked: fetch, answer });
            return;
        }
        if let Some(member) = self.members.get_mut(&to) {
            let request = Request::Fetch(fetch.clone());
            let id = self.swarm.behaviour_mut().bulk.send_request(&member.id, request);
            member.fetches.insert(id, (fetch, self.now));
        }
    }

    fn answer(&mut self, channel: Channel, response: Response) {
        let Channel { to, request, sender } = channel;
        let Some(member) = self.members.get_mut(&to) else { return };
        let bytes = response.bytes();
        let under_way: usize = member.answers.values().map(|(bytes, _)| *bytes).sum();
        if under_way.saturating_add(bytes) > ANSWER_BYTES_MAX {
            tracing::debug!(validator = to.value(), "too many answers under way, one is dropped");
            return;
        }
        member.answers.insert(request, (bytes, self.now));
        if self.swarm.behaviour_mut().bulk.send_response(sender, response).is_err() {
            member.answers.remove(&request);
            tracing::debug!("the asker went away before it was answered");
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "libp2p's event is non-exhaustive")]
    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Votes(event)) => self.on_vote(event),
            SwarmEvent::Behaviour(BehaviourEvent::Bulk(event)) => self.on_bulk(event),
            SwarmEvent::ConnectionEstablished { peer_id, num_established, .. } => {
                let first = num_established.get() == 1;
                let member = self.by_id.get(&peer_id).filter(|_| first);
                self.ready.extend(member.map(|at| Event::Connected(*at)));
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, num_established, .. } => {
                self.silent.remove(&connection_id);
                self.on_closed(peer_id, num_established);
            }
            SwarmEvent::IncomingConnectionError { error, .. } => {
                tracing::debug!(%error, "incoming connection refused");
            }
            SwarmEvent::ListenerError { error, .. } => tracing::warn!(%error, "listener"),
            SwarmEvent::ListenerClosed { reason, .. } => {
                tracing::error!(?reason, "no longer listening");
            }
            // The rest is libp2p's own business, and the enum grows with its features.
            _ => (),
        }
    }

    fn on_closed(&mut self, id: PeerId, connections_left: u32) {
        let Some(at) = self.by_id.get(&id).copied().filter(|_| connections_left == 0) else {
            return;
        };
        if let Some(member) = self.members.get_mut(&at) {
            member.votes.clear();
            member.bodies.clear();
        }
        self.ready.push_back(Event::Disconnected(at));
    }

    fn on_vote(&mut self, event: request_response::Event<Arc<[u8]>, ()>) {
        match event {
            request_response::Event::Message { peer, connection_id, message } => match message {
                Message::Request { request, channel, .. } => {
                    let Some(&from) = self.by_id.get(&peer) else { return };
                    // Answered here, so that its sender learns at once that this connection lives.
                    if self.swarm.behaviour_mut().votes.send_response(channel, ()).is_err() {
                        tracing::debug!("the sender went away before it was answered");
                    }
                    self.ready.push_back(Event::Message { from, bytes: request });
                }
                Message::Response { request_id, response: () } => {
                    self.silent.remove(&connection_id);
                    self.vote_ended(peer, request_id);
                }
            },
            request_response::Event::OutboundFailure { peer, connection_id, request_id, error } => {
                tracing::debug!(%peer, %error, "a vote was not answered");
                self.note_failure(peer, connection_id, &error);
                self.vote_ended(peer, request_id);
            }
            request_response::Event::InboundFailure { peer, error, .. } => {
                tracing::debug!(%peer, %error, "a vote was not read");
            }
            request_response::Event::ResponseSent { .. } => (), // nothing waits for it
        }
    }

    fn vote_ended(&mut self, peer: PeerId, request: OutboundRequestId) {
        let Some(&at) = self.by_id.get(&peer) else { return };
        if let Some(member) = self.members.get_mut(&at) {
            member.votes.ended(&request);
        }
        self.send_waiting(at);
    }

    /// Counts what a connection leaves unanswered, and closes it in time; the next tick dials anew.
    fn note_failure(&mut self, peer: PeerId, connection: ConnectionId, error: &OutboundFailure) {
        let Some(&at) = self.by_id.get(&peer) else { return };
        match error {
            OutboundFailure::UnsupportedProtocols => self.ready.push_back(Event::Foreign(at)),
            OutboundFailure::Timeout => {
                // A long answer may hold up all others on a slow link; its own end counts then.
                if self.members.get(&at).is_some_and(|member| member.fetches.is_empty()) {
                    self.note_silence(at, connection);
                }
            }
            // The connection is closed, or lives and refused this one.
            OutboundFailure::DialFailure
            | OutboundFailure::ConnectionClosed
            | OutboundFailure::Io(_) => (),
        }
    }

    fn note_silence(&mut self, at: ValidatorIndex, connection: ConnectionId) {
        let silent = self.silent.entry(connection).or_default();
        *silent = silent.saturating_add(1);
        if *silent >= SILENT_REQUESTS_MAX {
            tracing::warn!(validator = at.value(), "nothing is answered, connecting anew");
            self.swarm.close_connection(connection);
        }
    }

    fn on_bulk(&mut self, event: request_response::Event<Request, Response>) {
        match event {
            request_response::Event::Message { peer, connection_id, message } => {
                let Some(&from) = self.by_id.get(&peer) else { return };
                match message {
                    Message::Request { request_id, request, channel } => {
                        let channel = Channel { to: from, request: request_id, sender: channel };
                        self.ready.push_back(Event::Request { from, request, channel });
                    }
                    Message::Response { request_id, response } => {
                        self.silent.remove(&connection_id);
                        self.bulk_ended(from, request_id, Ok(response));
                    }
                }
            }
            request_response::Event::OutboundFailure { peer, connection_id, request_id, error } => {
                tracing::debug!(%peer, %error, "a request failed");
                let Some(&from) = self.by_id.get(&peer) else { return };
                let lost = match error {
                    OutboundFailure::Timeout => {
                        self.note_silence(from, connection_id);
                        Lost::Late
                    }
                    OutboundFailure::DialFailure
                    | OutboundFailure::ConnectionClosed
                    | OutboundFailure::UnsupportedProtocols
                    | OutboundFailure::Io(_) => Lost::Failed,
                };
                self.bulk_ended(from, request_id, Err(lost));
            }
            request_response::Event::InboundFailure { peer, request_id, error, .. } => {
                tracing::debug!(%peer, %error, "a request was not answered");
                self.answer_ended(peer, request_id);
            }
            request_response::Event::ResponseSent { peer, request_id, .. } => {
                self.answer_ended(peer, request_id);
            }
        }
    }

    fn bulk_ended(
        &mut self,
        from: ValidatorIndex,
        request: OutboundRequestId,
        answer: Result<Response, Lost>,
    ) {
        let Some(member) = self.members.get_mut(&from) else { return };
        match member.fetches.remove(&request) {
            Some((asked, _)) => self.ready.push_back(Event::Fetched { from, asked, answer }),
            None => member.bodies.ended(&request), // what it answers to bodies says nothing
        }
        self.send_waiting(from);
    }

    fn answer_ended(&mut self, peer: PeerId, request: InboundRequestId) {
        let member = self.by_id.get(&peer).and_then(|at| self.members.get_mut(at));
        if let Some(member) = member {
            member.answers.remove(&request);
        }
    }
}

fn note_dropped(to: ValidatorIndex, frames: usize) {
    if frames > 0 {
        tracing::debug!(validator = to.value(), frames, "no room behind others, dropped");
    }
}

#[cfg(test)]
mod tests {
    use proto::sign::SecretKey;
    use proto::{ChainId, Height};

    use super::super::swarm::{Bound, Peer, Settings, bind_with};
    use super::super::{Network, Request};
    use super::*;

    const A: ValidatorIndex = ValidatorIndex::new(0);
    const B: ValidatorIndex = ValidatorIndex::new(1);
    const FETCH: Fetch = Fetch::Blocks { first: Height::new(1), count: 64 };

    /// Short times for what must come, long ones for what must not.
    const FAST: Timing =
        Timing { vote: Duration::from_millis(200), bulk: Duration::from_millis(600) };
    const PATIENT: Timing = Timing { vote: Duration::from_secs(60), bulk: Duration::from_secs(60) };

    fn key(of: ValidatorIndex) -> SecretKey {
        SecretKey::from_seed(&[u8::try_from(of.value()).unwrap() + 1; 32])
    }

    /// A member that listens on a port of its own choice, and dials the other where it is given an address.
    async fn member(
        me: ValidatorIndex,
        other: Option<&Multiaddr>,
        timing: Timing,
    ) -> (Bound, Multiaddr) {
        let validator = if me == A { B } else { A };
        let address = other.map(Multiaddr::to_string);
        let peer = Peer { validator, transport: key(validator).public(), address };
        let mut bound = bind_with(
            &Settings {
                chain: ChainId::default(),
                key: key(me),
                listen: vec!["/ip4/127.0.0.1/tcp/0".to_owned()],
                peers: vec![peer],
            },
            timing,
        )
        .unwrap();
        loop {
            if let SwarmEvent::NewListenAddr { address, .. } =
                bound.mesh.swarm.select_next_some().await
            {
                return (bound, address);
            }
        }
    }

    /// A and B, connected; of B only the connections work, so that it never answers.
    async fn beside_a_mute_one() -> (Network, mpsc::Receiver<Event>, Bound) {
        let (mut mute, address) = member(B, None, PATIENT).await;
        let (bound, _) = member(A, Some(&address), FAST).await;
        let (network, mut events) = bound.start();
        let connected = async {
            loop {
                if let SwarmEvent::ConnectionEstablished { .. } =
                    mute.mesh.swarm.select_next_some().await
                {
                    return;
                }
            }
        };
        let (event, ()) = tokio::join!(events.recv(), connected);
        assert!(matches!(event, Some(Event::Connected(B))), "{event:?}");
        (network, events, mute)
    }

    #[tokio::test]
    async fn a_connection_on_which_nothing_is_answered_is_dialled_anew() {
        let (network, mut events, mute) = beside_a_mute_one().await;
        network.send(B, vec![1].into());
        network.send(B, vec![2].into());
        network.fetch(B, FETCH);
        // While a fetch is under way the votes may be held up by its answer: only its own end counts.
        let event = events.recv().await;
        assert!(matches!(event, Some(Event::Fetched { answer: Err(Lost::Late), .. })), "{event:?}");
        for vote in 1..SILENT_REQUESTS_MAX {
            network.send(B, vec![u8::try_from(vote).unwrap()].into());
        }
        let event = events.recv().await;
        assert!(matches!(event, Some(Event::Disconnected(B))), "{event:?}");
        // Its other half works from now on.
        let (other, mut others) = mute.start();
        let event = events.recv().await;
        assert!(matches!(event, Some(Event::Connected(B))), "{event:?}");
        network.send(B, vec![9].into());
        let message = async {
            loop {
                match others.recv().await {
                    Some(Event::Message { from: A, bytes }) if *bytes == [9] => return,
                    Some(_) => (), // what came over the connection that was closed
                    None => panic!("the mesh has ended"),
                }
            }
        };
        message.await;
        drop(other);
    }

    #[tokio::test]
    async fn a_fetch_ends_once_whatever_becomes_of_it() {
        let (there, address) = member(B, None, PATIENT).await;
        let (bound, _) = member(A, Some(&address), PATIENT).await;
        let (network, mut events) = bound.start();
        // Not connected yet: the other half does not run.
        network.fetch(B, FETCH);
        let event = events.recv().await;
        let expected = matches!(
            &event,
            Some(Event::Fetched { from: B, asked, answer: Err(Lost::Failed) }) if *asked == FETCH
        );
        assert!(expected, "{event:?}");
        let (other, mut others) = there.start();
        assert!(matches!(events.recv().await, Some(Event::Connected(B))));
        // Answered.
        network.fetch(B, FETCH);
        assert!(matches!(others.recv().await, Some(Event::Connected(A))));
        let Some(Event::Request { request: Request::Fetch(asked), channel, .. }) =
            others.recv().await
        else {
            panic!("the fetch arrives")
        };
        assert_eq!(asked, FETCH);
        other.answer(channel, Response::Blocks(Vec::new()));
        let event = events.recv().await;
        assert!(matches!(event, Some(Event::Fetched { answer: Ok(Response::Blocks(_)), .. })));
        // Dropped by the other half, as a full queue does.
        network.fetch(B, FETCH);
        drop(others.recv().await);
        let event = events.recv().await;
        assert!(matches!(event, Some(Event::Fetched { answer: Err(Lost::Failed), .. })));
    }

    #[tokio::test]
    async fn answers_that_are_not_read_cost_a_fixed_amount() {
        let (bound, address) = member(B, None, PATIENT).await;
        let mut mesh = bound.mesh;
        let (asker, _) = member(A, Some(&address), PATIENT).await;
        let (network, mut events) = asker.start();
        let mut channels = Vec::new();
        while channels.len() <= FETCHES_MAX {
            let event = tokio::select! {
                event = mesh.swarm.select_next_some() => event,
                event = events.recv() => {
                    assert!(matches!(event, Some(Event::Connected(B))), "{event:?}");
                    for _ in 0..=FETCHES_MAX {
                        network.fetch(B, FETCH);
                    }
                    continue;
                }
            };
            mesh.on_event(event);
            for event in mesh.ready.drain(..) {
                if let Event::Request { channel, .. } = event {
                    channels.push(channel);
                }
            }
        }
        let full = Response::Block(Some(vec![0; 8 * 1024 * 1024]));
        for channel in channels {
            mesh.answer(channel, full.clone());
        }
        assert_eq!(mesh.members[&A].answers.len(), FETCHES_MAX, "one more is dropped");
    }
}
