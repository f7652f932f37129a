//! What validators send each other: one request or one response, in canonical bytes with limits.

use proto::codec::{Canonical, DecodeError, Reader, Writer};
use proto::limits::{
    BLOCK_BYTES_MAX, FETCH_BLOCKS_MAX, FETCH_BODIES_MAX, FRAME_BYTES_MAX, TX_BYTES_MAX,
    TXS_PER_BLOCK_MAX,
};
use proto::{BlockHash, Hash, Height};

/// A request between validators.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Request {
    /// A consensus message, canonical bytes.
    Message(Vec<u8>),
    /// Transactions that wait to be ordered, canonical bytes each.
    Bodies(Vec<Vec<u8>>),
    /// Decided blocks from a height on.
    FetchBlocks {
        /// First height wanted.
        from: Height,
        /// Blocks wanted.
        count: u16,
    },
    /// A block under way, by its hash.
    FetchBlock {
        /// Hash wanted.
        hash: BlockHash,
    },
    /// Bodies by the leaves that a block lists.
    FetchBodies {
        /// Leaves wanted.
        leaves: Vec<Hash>,
    },
}

/// A decided block with its certificate and its bodies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct DecidedBytes {
    /// Canonical bytes of `proto::message::Decided`.
    pub(crate) decided: Vec<u8>,
    /// Canonical bytes of its transactions, in order.
    pub(crate) bodies: Vec<Vec<u8>>,
}

/// The answer to a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Response {
    /// The request was taken in.
    Received,
    /// Blocks from the height asked for, without a gap; fewer where the frame is full.
    Blocks(Vec<DecidedBytes>),
    /// Those of the bodies asked for that are here.
    Bodies(Vec<Vec<u8>>),
    /// The block asked for, canonical bytes; none where it is not here.
    Block(Option<Vec<u8>>),
}

fn write_list(out: &mut Writer, items: &[Vec<u8>]) {
    out.u32(u32::try_from(items.len()).expect("a block lists at most 1,000 bodies"));
    for item in items {
        out.bytes32(item);
    }
}

fn read_list(input: &mut Reader<'_>, limit: u32) -> Result<Vec<Vec<u8>>, DecodeError> {
    let count = input.u32("count")?;
    if count > limit {
        let (found, limit) = (count.into(), limit.into());
        return Err(DecodeError::TooLong { field: "count", found, limit });
    }
    // Grown as it is read: a claimed count never allocates more than the frame holds.
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(input.bytes32("item", TX_BYTES_MAX)?.to_vec());
    }
    Ok(items)
}

impl Canonical for Request {
    fn encode_to(&self, out: &mut Writer) {
        match self {
            Self::Message(bytes) => {
                out.u8(1).bytes32(bytes);
            }
            Self::Bodies(bodies) => write_list(out.u8(2), bodies),
            Self::FetchBlocks { from, count } => {
                out.u8(3).u64(from.value()).u16(*count);
            }
            Self::FetchBodies { leaves } => {
                out.u8(4).list16(leaves);
            }
            Self::FetchBlock { hash } => {
                out.u8(5).hash(&hash.0);
            }
        }
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match input.u8("request kind")? {
            1 => Ok(Self::Message(input.bytes32("message", FRAME_BYTES_MAX)?.to_vec())),
            2 => Ok(Self::Bodies(read_list(input, FETCH_BODIES_MAX.into())?)),
            3 => {
                let from = Height::new(input.u64("from")?);
                let count = input.u16("count")?;
                if count > FETCH_BLOCKS_MAX {
                    let (found, limit) = (count.into(), FETCH_BLOCKS_MAX.into());
                    return Err(DecodeError::TooLong { field: "count", found, limit });
                }
                Ok(Self::FetchBlocks { from, count })
            }
            4 => Ok(Self::FetchBodies { leaves: input.list16("leaves", FETCH_BODIES_MAX)? }),
            5 => Ok(Self::FetchBlock { hash: BlockHash(input.hash("block hash")?) }),
            _ => Err(DecodeError::Invalid { field: "request kind", rule: "is 1 to 5" }),
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
        let bodies = vec![vec![1, 2, 3], Vec::new()];
        for request in [
            Request::Message(vec![7; 9]),
            Request::Bodies(bodies.clone()),
            Request::FetchBlocks { from: Height::new(7), count: 64 },
            Request::FetchBodies { leaves: vec![Hash::ZERO] },
            Request::FetchBlock { hash: BlockHash::default() },
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
        out.u8(3).u64(1).u16(FETCH_BLOCKS_MAX + 1);
        assert!(Request::decode(&out.into_bytes()).is_err());
        let mut out = Writer::default();
        out.u8(2).u32(u32::MAX);
        assert!(Request::decode(&out.into_bytes()).is_err());
    }
}
