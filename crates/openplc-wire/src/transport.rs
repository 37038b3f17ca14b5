//! Frames with file descriptors over a blocking Unix stream.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::frame::{self, FrameError, HEADER, Kind};

/// Most descriptors that one frame carries.
pub const MAX_DESCRIPTORS: usize = 3;

/// A conversation that cannot go on.
#[derive(Debug, Error)]
pub enum TransportError {
    /// The peer closed the connection between two frames.
    #[error("the other side closed the connection")]
    Closed,
    /// Reading or writing failed, or took longer than allowed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The peer sent something that is no frame.
    #[error("the other side does not speak our protocol: {0}")]
    Frame(#[from] FrameError),
    /// The peer sent a message that is not understood here.
    #[error("a message was not understood: {0}")]
    Message(#[from] serde_json::Error),
    /// The peer sent a debug frame where a message was due, or the reverse.
    #[error("a frame of another kind was expected")]
    WrongKind,
}

/// One frame as received.
#[derive(Debug)]
pub struct Received {
    /// What the payload is.
    pub kind: Kind,
    /// The payload.
    pub payload: Vec<u8>,
    /// Descriptors that came with the frame.
    pub descriptors: Vec<OwnedFd>,
}

/// One end of a conversation.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
    limit: usize,
}

impl Connection {
    /// Speaks over `stream` and accepts payloads up to `limit` bytes.
    #[must_use]
    pub fn new(stream: UnixStream, limit: usize) -> Self {
        Self { stream, limit }
    }

    /// Connects to the socket at `path`; neither a read nor a write will block for longer than `patience`.
    ///
    /// # Errors
    /// The error of `connect(2)`.
    pub fn open(path: &Path, patience: Duration) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        Ok(Self::new(stream, frame::MAX_PAYLOAD))
    }

    /// The stream, for polling and time-outs.
    #[must_use]
    pub fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Sends a message without descriptors.
    ///
    /// # Errors
    /// [`TransportError`]; the connection is of no use afterwards.
    pub fn send<M: Serialize>(&mut self, message: &M) -> Result<(), TransportError> {
        self.send_with(message, &[])
    }

    /// Sends a message with up to [`MAX_DESCRIPTORS`] descriptors.
    ///
    /// # Errors
    /// [`TransportError`]; the connection is of no use afterwards.
    pub fn send_with<M: Serialize>(
        &mut self,
        message: &M,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), TransportError> {
        self.send_frame(Kind::Message, &serde_json::to_vec(message)?, descriptors)
    }

    /// Sends one frame.
    ///
    /// # Errors
    /// [`TransportError`]; the connection is of no use afterwards.
    pub fn send_frame(
        &mut self,
        kind: Kind,
        payload: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), TransportError> {
        let bytes = frame::encode(kind, payload)?;
        let mut sent = 0;
        if !descriptors.is_empty() {
            let mut space =
                [const { std::mem::MaybeUninit::uninit() }; rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            if !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
                return Err(io::Error::other("too many descriptors for one frame").into());
            }
            sent = rustix::net::sendmsg(
                &self.stream,
                &[IoSlice::new(&bytes)],
                &mut ancillary,
                SendFlags::NOSIGNAL,
            )
            .map_err(io::Error::from)?;
        }
        self.stream.write_all(&bytes[sent..])?;
        Ok(())
    }

    /// Receives one frame.
    ///
    /// # Errors
    /// [`TransportError::Closed`] when the peer ended the conversation between two frames; otherwise what went wrong.
    pub fn receive_frame(&mut self) -> Result<Received, TransportError> {
        let mut header = [0; HEADER];
        let mut descriptors = Vec::new();
        let mut filled = 0;
        while filled < HEADER {
            let count = self.receive_some(&mut header[filled..], &mut descriptors)?;
            if count == 0 {
                return Err(if filled == 0 {
                    TransportError::Closed
                } else {
                    io::Error::from(io::ErrorKind::UnexpectedEof).into()
                });
            }
            filled += count;
        }
        let (kind, length) = frame::parse_header(header, self.limit)?;
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload)?;
        Ok(Received {
            kind,
            payload,
            descriptors,
        })
    }

    /// Receives a message and the descriptors that came with it.
    ///
    /// # Errors
    /// As [`Self::receive_frame`], and when the frame is no message of type `M`.
    pub fn receive<M: DeserializeOwned>(&mut self) -> Result<(M, Vec<OwnedFd>), TransportError> {
        let received = self.receive_frame()?;
        if received.kind != Kind::Message {
            return Err(TransportError::WrongKind);
        }
        Ok((serde_json::from_slice(&received.payload)?, received.descriptors))
    }

    fn receive_some(&self, into: &mut [u8], descriptors: &mut Vec<OwnedFd>) -> io::Result<usize> {
        let mut space =
            [const { std::mem::MaybeUninit::uninit() }; rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let received = loop {
            match rustix::net::recvmsg(
                self.stream.as_fd(),
                &mut [IoSliceMut::new(into)],
                &mut ancillary,
                RecvFlags::CMSG_CLOEXEC,
            ) {
                Err(rustix::io::Errno::INTR) => {}
                other => break other?,
            }
        };
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                descriptors.extend(rights);
            }
        }
        Ok(received.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Request;
    use crate::memory_file;

    fn pair(limit: usize) -> (Connection, Connection) {
        let (a, b) = UnixStream::pair().unwrap();
        (Connection::new(a, limit), Connection::new(b, limit))
    }

    #[test]
    fn messages_arrive_in_order_with_their_own_descriptors() {
        let (mut near, mut far) = pair(1000);
        let object = memory_file::sealed("object", b"object").unwrap();
        let manifest = memory_file::sealed("manifest", b"manifest").unwrap();
        near.send(&Request::Ping).unwrap();
        near.send_with(&Request::Load, &[object.as_fd(), manifest.as_fd()])
            .unwrap();
        near.send(&Request::Stop).unwrap();
        assert!(matches!(far.receive().unwrap(), (Request::Ping, files) if files.is_empty()));
        let (request, files) = far.receive::<Request>().unwrap();
        assert_eq!(request, Request::Load);
        let contents: Vec<_> = files
            .into_iter()
            .map(|file| memory_file::read_sealed(file, 100).unwrap())
            .collect();
        assert_eq!(contents, [b"object".to_vec(), b"manifest".to_vec()]);
        assert!(matches!(far.receive().unwrap(), (Request::Stop, files) if files.is_empty()));
        drop(near);
        assert!(matches!(far.receive::<Request>(), Err(TransportError::Closed)));
    }

    #[test]
    fn rubbish_is_an_error_and_not_a_panic() {
        let (near, mut far) = pair(1000);
        (&near.stream).write_all(b"GET / HTTP/1.1\r\n").unwrap();
        assert!(matches!(far.receive::<Request>(), Err(TransportError::Frame(_))));
        let (mut near, mut far) = pair(1000);
        near.send_frame(Kind::Message, b"{\"request\":\"explode\"}", &[])
            .unwrap();
        assert!(matches!(
            far.receive::<Request>(),
            Err(TransportError::Message(_))
        ));
    }
}
