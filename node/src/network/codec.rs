//! Frames on a stream: a length in four bytes, then the bytes, never more than the limit of their kind.

use std::io;
use std::sync::Arc;

use libp2p::futures::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use libp2p::{StreamProtocol, request_response};
use proto::ChainId;
use proto::codec::Canonical;
use proto::limits::{FRAME_BYTES_MAX, TX_BYTES_MAX};

use super::frame::{Request, Response};

/// Bytes of a request: bodies of one largest transaction with the framing of 1,000 small ones. Only answers are
/// larger, and nobody sends one that was not asked for.
pub(super) const REQUEST_BYTES_MAX: u32 = TX_BYTES_MAX + 64 * 1024;

/// The names of a chain's two protocols: votes, which never wait for what is large, and the rest. Another version,
/// or another genesis document, is another name: nodes that differ in either find out when they first ask each
/// other anything.
pub(super) fn protocols(chain: ChainId) -> (StreamProtocol, StreamProtocol) {
    let named = |kind| {
        StreamProtocol::try_from_owned(format!("/jjj/2/{chain}/{kind}"))
            .expect("it begins with a slash")
    };
    (named("votes"), named("bulk"))
}

/// The largest consensus message among `validators`: a NEW-VIEW holds a view change of each, with a certificate of
/// as many votes, each less than 96 bytes; 128 KiB is a block of 1,000 leaves, four times.
pub(super) fn vote_bytes_max(validators: usize) -> u32 {
    let votes = validators.saturating_mul(validators).saturating_mul(96);
    u32::try_from(votes.saturating_add(128 * 1024)).unwrap_or(FRAME_BYTES_MAX).min(FRAME_BYTES_MAX)
}

async fn read_bytes(
    io: &mut (impl AsyncRead + Unpin + Send),
    bytes_max: u32,
) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    io.read_exact(&mut length).await?;
    let length = u32::from_be_bytes(length);
    if length > bytes_max {
        let text = format!("a frame of {length} bytes, at most {bytes_max} are allowed");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    // Read in pieces: a peer that claims much and sends little costs little.
    let mut bytes = Vec::new();
    let found = io.take(length.into()).read_to_end(&mut bytes).await?;
    if u32::try_from(found) == Ok(length) {
        Ok(bytes)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

async fn read_frame<T: Canonical>(
    io: &mut (impl AsyncRead + Unpin + Send),
    bytes_max: u32,
) -> io::Result<T> {
    let bytes = read_bytes(io, bytes_max).await?;
    T::decode(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

async fn write_bytes(
    io: &mut (impl AsyncWrite + Unpin + Send),
    bytes: &[u8],
    bytes_max: u32,
) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= bytes_max);
    let Some(length) = length else {
        let text = format!("a frame of {} bytes is above the limit of {bytes_max}", bytes.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    };
    io.write_all(&length.to_be_bytes()).await?;
    io.write_all(bytes).await?;
    io.close().await
}

/// Carries consensus messages; the answer is empty.
#[derive(Clone, Copy)]
pub(super) struct VoteCodec {
    /// Bytes of a message.
    pub(super) bytes_max: u32,
}

impl request_response::Codec for VoteCodec {
    type Protocol = StreamProtocol;
    type Request = Arc<[u8]>;
    type Response = ();

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Arc<[u8]>>
    where
        T: AsyncRead + Unpin + Send,
    {
        Ok(read_bytes(io, self.bytes_max).await?.into())
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<()>
    where
        T: AsyncRead + Unpin + Send,
    {
        read_bytes(io, 0).await.map(drop)
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        message: Arc<[u8]>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write_bytes(io, &message, self.bytes_max).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, (): ()) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write_bytes(io, &[], 0).await
    }
}

/// Carries bodies, fetches and their answers.
#[derive(Clone, Copy)]
pub(super) struct BulkCodec;

impl request_response::Codec for BulkCodec {
    type Protocol = StreamProtocol;
    type Request = Request;
    type Response = Response;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        read_frame(io, REQUEST_BYTES_MAX).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        read_frame(io, FRAME_BYTES_MAX).await
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Request,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write_bytes(io, &request.encode(), REQUEST_BYTES_MAX).await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        response: Response,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write_bytes(io, &response.encode(), FRAME_BYTES_MAX).await
    }
}
