//! The full mesh of validators: TCP, Noise, Yamux, request-response, an allow-list of peer ids.
//!
//! The only module that names libp2p. It moves bytes between members of the genesis document and
//! judges nothing: what a frame says is checked by whoever it is handed to. Public for the tests, whose lying
//! validator speaks through it.

mod codec;
mod frame;
mod lane;
mod mesh;
mod swarm;

use std::sync::Arc;

use proto::ValidatorIndex;
use tokio::sync::mpsc;

pub use frame::{DecidedBytes, Fetch, Request, Response};
pub use mesh::Channel;
pub use swarm::{Bound, NetworkError, Peer, Settings, bind};

/// Commands that may wait for the network task, which never waits itself. A full queue drops: every sender
/// resends.
const OUTBOUND_QUEUE: usize = 4_096;

/// Events that may wait for the node. The network task waits where this is full: back pressure.
const INBOUND_QUEUE: usize = 1_024;

/// What the network tells the node.
#[derive(Debug)]
pub enum Event {
    /// A consensus message of a validator, canonical bytes.
    Message {
        /// Who sends it.
        from: ValidatorIndex,
        /// The message.
        bytes: Arc<[u8]>,
    },
    /// A request of a validator; answered through the channel.
    Request {
        /// Who asks.
        from: ValidatorIndex,
        /// What it asks.
        request: Request,
        /// Where the answer goes.
        channel: Channel,
    },
    /// What became of a fetch of ours. Each that was taken in ends so, once.
    Fetched {
        /// Who was asked.
        from: ValidatorIndex,
        /// What it was asked.
        asked: Fetch,
        /// Its answer.
        answer: Result<Response, Lost>,
    },
    /// A validator is connected.
    Connected(ValidatorIndex),
    /// A validator is not connected any more.
    Disconnected(ValidatorIndex),
    /// A connected validator speaks no protocol of ours: it has another genesis document, or another
    /// version of this software.
    Foreign(ValidatorIndex),
}

/// Why a fetch got no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lost {
    /// The time was over before the answer was here.
    Late,
    /// It was not sent, or refused, or its connection closed.
    Failed,
}

/// What the node tells the network.
#[derive(Debug)]
enum Command {
    Message { to: ValidatorIndex, bytes: Arc<[u8]> },
    Bodies { to: ValidatorIndex, bodies: Vec<Arc<[u8]>> },
    Fetch { to: ValidatorIndex, fetch: Fetch },
    Answer { channel: Channel, response: Response },
}

/// The sending half of the network.
#[derive(Clone, Debug)]
pub struct Network {
    commands: mpsc::Sender<Command>,
}

impl Network {
    /// Sends a consensus message; it is lost where the validator is not connected or answers nothing.
    pub fn send(&self, to: ValidatorIndex, bytes: Arc<[u8]>) {
        self.command(Command::Message { to, bytes });
    }

    /// Sends bodies, in as many frames as they need; they are lost where the validator is not connected, and
    /// those that find no room behind others.
    pub fn forward(&self, to: ValidatorIndex, bodies: Vec<Arc<[u8]>>) {
        self.command(Command::Bodies { to, bodies });
    }

    /// Asks for something; `false` where nothing will come of it, not even an [`Event::Fetched`].
    pub fn fetch(&self, to: ValidatorIndex, fetch: Fetch) -> bool {
        self.command(Command::Fetch { to, fetch })
    }

    /// Answers a request; the answer is lost where the asker has too many under way.
    pub fn answer(&self, channel: Channel, response: Response) {
        self.command(Command::Answer { channel, response });
    }

    fn command(&self, command: Command) -> bool {
        let taken = self.commands.try_send(command).is_ok();
        if !taken {
            tracing::debug!("outbound queue full, a command is dropped");
        }
        taken
    }
}
