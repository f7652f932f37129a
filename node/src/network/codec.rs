//! Frames on a stream: a length in four bytes, then the bytes, never more than the limit.

use std::io;

use libp2p::futures::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use libp2p::{StreamProtocol, request_response};
use proto::ChainId;
use proto::codec::Canonical;
use proto::limits::FRAME_BYTES_MAX;

use super::frame::{Request, Response};

/// The protocol name of a chain. Another version, or another genesis document, is another name: nodes
/// that differ in either find out when they first ask each other anything.
pub(super) fn protocol(chain: ChainId) -> StreamProtocol {
    StreamProtocol::try_from_owned(format!("/jjj/1/{chain}")).expect("it begins with a slash")
}

/// Reads and writes capped frames.
#[derive(Clone, Copy)]
pub(super) struct FrameCodec;

async fn read_frame<T: Canonical>(io: &mut (impl AsyncRead + Unpin + Send)) -> io::Result<T> {
    let mut length = [0; 4];
    io.read_exact(&mut length).await?;
    let length = u32::from_be_bytes(length);
    if length > FRAME_BYTES_MAX {
        let text = format!("a frame of {length} bytes, at most {FRAME_BYTES_MAX} are allowed");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    // Read in pieces: a peer that claims much and sends little costs little.
    let mut bytes = Vec::new();
    io.take(length.into()).read_to_end(&mut bytes).await?;
    T::decode(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

async fn write_frame(
    io: &mut (impl AsyncWrite + Unpin + Send),
    value: &(impl Canonical + Sync),
) -> io::Result<()> {
    let bytes = value.encode();
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= FRAME_BYTES_MAX);
    let Some(length) = length else {
        let text = format!("a frame of {} bytes is above the limit", bytes.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    };
    io.write_all(&length.to_be_bytes()).await?;
    io.write_all(&bytes).await?;
    io.close().await
}

impl request_response::Codec for FrameCodec {
    type Protocol = StreamProtocol;
    type Request = Request;
    type Response = Response;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        read_frame(io).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        read_frame(io).await
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
        write_frame(io, &request).await
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
        write_frame(io, &response).await
    }
}
