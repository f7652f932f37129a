//! What travels between nodes, and what waits for its time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use consensus::{Body, Timer};
use proto::block::Block;
use proto::message::Message;
use proto::{BlockHash, Hash};

use crate::plan::Micros;

/// The content of a letter.
#[derive(Clone, Debug)]
pub enum Payload {
    /// A message of the protocol.
    Message(Arc<Message>),
    /// Bodies: forwarded, or the answer to a question.
    Bodies(Arc<[Body]>),
    /// A question for bodies.
    AskBodies(Arc<[Hash]>),
    /// A question for a block that is not decided yet.
    AskBlock(Box<BlockHash>),
    /// Its answer.
    Block(Arc<Block>),
    /// A question for decided blocks.
    AskBlocks {
        /// First height.
        first: u64,
        /// How many at most.
        count: u64,
    },
}

/// Something on its way from one node to another.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Node that sent it.
    pub from: usize,
    /// Node that gets it.
    pub to: usize,
    /// What it says.
    pub payload: Payload,
}

impl Letter {
    /// The message of the protocol, if it is one.
    pub fn message(&self) -> Option<&Message> {
        match &self.payload {
            Payload::Message(message) => Some(message),
            Payload::Bodies(_)
            | Payload::AskBodies(_)
            | Payload::AskBlock(_)
            | Payload::Block(_)
            | Payload::AskBlocks { .. } => None,
        }
    }
}

/// What happens at some time.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Deliver(Letter),
    Timer { node: usize, timer: Timer, number: u32 },
    Synced { node: usize, life: u32 },
    Executed { node: usize, life: u32 },
    Restart { node: usize },
    Fault { number: usize },
    Load,
    Heal,
    Probe,
}

#[derive(Debug)]
struct Entry {
    at: Micros,
    number: u64,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// Events by time; those of one time in the order in which they were put in.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Reverse<Entry>>,
    number: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, at: Micros, event: Event) {
        self.number += 1;
        self.heap.push(Reverse(Entry { at, number: self.number, event }));
    }

    /// Time of the next event.
    pub(crate) fn next_at(&self) -> Option<Micros> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    pub(crate) fn pop(&mut self) -> Option<(Micros, Event)> {
        self.heap.pop().map(|Reverse(entry)| (entry.at, entry.event))
    }
}
