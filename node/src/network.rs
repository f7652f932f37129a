//! The full mesh of validators: TCP, Noise, Yamux, request-response, an allow-list of peer ids.
//!
//! The only module that names libp2p. It moves bytes between members of the genesis document and
//! judges nothing: what a frame says is checked by whoever it is handed to.

mod codec;
mod frame;
mod swarm;

use proto::ValidatorIndex;
use tokio::sync::mpsc;

pub(crate) use frame::{DecidedBytes, Request, Response};
pub(crate) use swarm::{Channel, NetworkError, Peer, Settings, spawn};

/// Frames that may wait for the network task. A full queue drops: every sender resends.
const OUTBOUND_QUEUE: usize = 4_096;

/// Events that may wait for the node. The network task waits where this is full: back pressure.
const INBOUND_QUEUE: usize = 1_024;

/// What the network tells the node.
#[derive(Debug)]
pub(crate) enum Event {
    /// A request of a validator; answered through the channel.
    Request {
        /// Who asks.
        from: ValidatorIndex,
        /// What it asks.
        request: Request,
        /// Where the answer goes.
        channel: Channel,
    },
    /// The answer to a request of ours.
    Response {
        /// Who answers.
        from: ValidatorIndex,
        /// Its answer.
        response: Response,
    },
    /// A validator is connected.
    Connected(ValidatorIndex),
    /// A validator is not connected any more.
    Disconnected(ValidatorIndex),
    /// A connected validator speaks no protocol of ours: it has another genesis document, or another
    /// version of this software.
    Foreign(ValidatorIndex),
}

/// What the node tells the network.
#[derive(Debug)]
enum Command {
    Send { to: ValidatorIndex, request: Request },
    Answer { channel: Channel, response: Response },
}

/// The sending half of the network.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    commands: mpsc::Sender<Command>,
}

impl Network {
    /// Sends a request; it is lost where the queue is full or the validator is not connected.
    pub(crate) fn send(&self, to: ValidatorIndex, request: Request) {
        if self.commands.try_send(Command::Send { to, request }).is_err() {
            tracing::debug!(validator = to.value(), "outbound queue full, request dropped");
        }
    }

    /// Answers a request.
    pub(crate) fn answer(&self, channel: Channel, response: Response) {
        if self.commands.try_send(Command::Answer { channel, response }).is_err() {
            tracing::debug!("outbound queue full, answer dropped");
        }
    }
}
