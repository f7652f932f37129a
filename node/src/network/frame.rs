//! What validators send each other beside consensus messages: one request or one response, in canonical bytes
//! with limits.

use std::sync::Arc;

use proto::codec::{Canonical, DecodeError, Reader, Writer};
use proto::limits::{
    BLOCK_BYTES_MAX, FETCH_BLOCKS_MAX, FETCH_BODIES_MAX, FRAME_BYTES_MAX, TX_BYTES_MAX,
    TXS_PER_BLOCK_MAX,
};
use proto::{BlockHash, Hash, Height};

/// Canonical bytes, shared by all whom they are sent to.
type Shared = Arc<[u8]>;

/// A request between validators.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    /// Transactions that wait to be ordered, canonical bytes each.
    Bodies(Vec<Shared>),
    /// Something that the asker lacks.
    Fetch(Fetch),
}

/// What a validator may lack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fetch {
    /// Decided blocks from a height on.
    Blocks {
        /// First height wanted.
        first: Height,
        /// Blocks wanted.
        count: u16,
    },
    /// A block under way, by its hash.
    Block {
        /// Hash wanted.
        hash: BlockHash,
    },
    /// Bodies by the leaves that a block lists.
    Bodies {
        /// Leaves wanted.
        leaves: Vec<Hash>,
    },
}

/// A decided block with its certificate and its bodies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecidedBytes {
    /// Canonical bytes of `proto::message::Decided`.
    pub decided: Vec<u8>,
    /// Canonical bytes of its transactions, in order.
    pub bodies: Vec<Shared>,
}

/// The answer to a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Response {
    /// The request was taken in.
    Received,
    /// Blocks from the height asked for, without a gap; fewer where the frame is full.
    Blocks(Vec<DecidedBytes>),
    /// Those of the bodies asked for that are here.
    Bodies(Vec<Shared>),
    /// The block asked for, canonical bytes; none where it is not here.
    Block(Option<Vec<u8>>),
}

impl Response {
    /// Bytes of its content: what it takes while it is under way.
    pub(super) fn bytes(&self) -> usize {
        let sum = |items: &[Shared]| items.iter().map(|item| item.len()).sum::<usize>();
        match self {
            Self::Received | Self::Block(None) => 0,
            Self::Blocks(blocks) => {
                blocks.iter().map(|block| block.decided.len() + sum(&block.bodies)).sum()
            }
            Self::Bodies(bodies) => sum(bodies),
            Self::Block(Some(block)) => block.len(),
        }
    }
}

fn write_list(out: &mut Writer, items: &[Shared]) {
    out.u32(u32::try_from(items.len()).expect("a block lists at most 1,000 bodies"));
    for item in items {
        out.bytes32(item);
    }
}

fn read_list(input: &mut Reader<'_>, limit: u32) -> Result<Vec<Shared>, DecodeError> {
    let count = input.u32("count")?;
    if count > limit {
        let (found, limit) = (count.into(), limit.into());
        return Err(DecodeError::TooLong { field: "count", found, limit });
    }
    // Grown as it is read: a claimed count never allocates more than the frame holds.
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(input.bytes32("item", TX_BYTES_MAX)?.into());
    }
    Ok(items)
}

impl Canonical for Request {
    fn encode_to(&self, out: &mut Writer) {
        match self {
            Self::Bodies(bodies) => write_list(out.u8(1), bodies),
            Self::Fetch(Fetch::Blocks { first, count }) => {
                out.u8(2).u64(first.value()).u16(*count);
            }
            Self::Fetch(Fetch::Bodies { leaves }) => {
                out.u8(3).list16(leaves);
            }
            Self::Fetch(Fetch::Block { hash }) => {
                out.u8(4).hash(&hash.0);
            }
        }
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match input.u8("request kind")? {
            1 => Ok(Self::Bodies(read_list(input, FETCH_BODIES_MAX.into())?)),
            2 => {
                let first = Height::new(input.u64("first")?);
                let count = input.u16("count")?;
                if count > FETCH_BLOCKS_MAX {
                    let (found, limit) = (count.into(), FETCH_BLOCKS_MAX.into());
                    return Err(DecodeError::TooLong { field: "count", found, limit });
                }
                Ok(Self::Fetch(Fetch::Blocks { first, count }))
            }
            3 => {
                let leaves = input.list16("leaves", FETCH_BODIES_MAX)?;
                Ok(Self::Fetch(Fetch::Bodies { leaves }))
            }
            4 => Ok(Self::Fetch(Fetch::Block { hash: BlockHash(input.hash("block hash")?) })),
            _ => Err(DecodeError::Invalid { field: "request kind", rule: "is 1 to 4" }),
        }
    }
}

impl Canonical for DecidedBytes {
    fn encode_to(&self, out: &mut Writer) {
        write_list(out.bytes32(&self.decided), &self.bodies);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let decided = input.bytes32("decided", FRAME_BYTES_MAX)?.to_vec();
        Ok(Self { decided, bodies: read_list(input, TXS_PER_BLOCK_MAX)? })
    }
}

impl Canonical for Response {
    fn encode_to(&self, out: &mut Writer) {
        match self {
            Self::Received => {
                out.u8(0);
            }
            Self::Blocks(blocks) => {
                out.u8(1).list16(blocks);
            }
            Self::Bodies(bodies) => write_list(out.u8(2), bodies),
            Self::Block(None) => {
                out.u8(3);
            }
            Self::Block(Some(block)) => {
                out.u8(4).bytes32(block);
            }
        }
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match input.u8("response kind")? {
            0 => Ok(Self::Received),
            1 => Ok(Self::Blocks(input.list16("blocks", FETCH_BLOCKS_MAX)?)),
            2 => Ok(Self::Bodies(read_list(input, FETCH_BODIES_MAX.into())?)),
            3 => Ok(Self::Block(None)),
            4 => Ok(Self::Block(Some(input.bytes32("block", BLOCK_BYTES_MAX)?.to_vec()))),
            _ => Err(DecodeError::Invalid { field: "response kind", rule: "is 0 to 4" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_survive_the_wire_and_nothing_else_does() {
        let bodies: Vec<Shared> = vec![vec![1, 2, 3].into(), Vec::new().into()];
        for request in [
            Request::Bodies(bodies.clone()),
            Request::Fetch(Fetch::Blocks { first: Height::new(7), count: 64 }),
            Request::Fetch(Fetch::Bodies { leaves: vec![Hash::ZERO] }),
            Request::Fetch(Fetch::Block { hash: BlockHash::default() }),
        ] {
            let bytes = request.encode();
            assert_eq!(Request::decode(&bytes), Ok(request.clone()));
            for cut in 0..bytes.len() {
                assert!(Request::decode(&bytes[..cut]).is_err(), "{request:?} cut at {cut}");
            }
            assert!(Request::decode(&[bytes, vec![0]].concat()).is_err(), "{request:?} and more");
        }
        for response in [
            Response::Received,
            Response::Bodies(bodies.clone()),
            Response::Block(None),
            Response::Block(Some(vec![9])),
            Response::Blocks(vec![DecidedBytes { decided: vec![1], bodies }]),
        ] {
            assert_eq!(Response::decode(&response.encode()), Ok(response));
        }
    }

    #[test]
    fn a_claimed_count_is_refused_before_it_allocates() {
        let mut out = Writer::default();
        out.u8(2).u64(1).u16(FETCH_BLOCKS_MAX + 1);
        assert!(Request::decode(&out.into_bytes()).is_err());
        let mut out = Writer::default();
        out.u8(1).u32(u32::MAX);
        assert!(Request::decode(&out.into_bytes()).is_err());
    }
}
