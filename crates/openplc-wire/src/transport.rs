//! Frames with file descriptors over a blocking Unix stream.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

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
        self.receive_frame_by(None)
    }

    fn receive_frame_by(&mut self, deadline: Option<Instant>) -> Result<Received, TransportError> {
        let mut header = [0; HEADER];
        let mut descriptors = Vec::new();
        if self.fill(&mut header, Some(&mut descriptors), deadline)? == 0 {
            return Err(TransportError::Closed);
        }
        let (kind, length) = frame::parse_header(header, self.limit)?;
        let mut payload = vec![0; length];
        if self.fill(&mut payload, None, deadline)? < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
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
        message(self.receive_frame()?)
    }

    /// As [`Self::receive`], but all of it has to be there by the `deadline`, however little comes at a time. The stream's time-out for
    /// reading is another one afterwards.
    ///
    /// # Errors
    /// As there, and an error of the kind `WouldBlock` or `TimedOut` when it is not.
    pub fn receive_by<M: DeserializeOwned>(
        &mut self,
        deadline: Instant,
    ) -> Result<(M, Vec<OwnedFd>), TransportError> {
        message(self.receive_frame_by(Some(deadline))?)
    }

    /// Reads until `into` is full, and `descriptors` where they are welcome. Returns how much that is: all, or nothing where the other
    /// side has closed the connection before.
    fn fill(
        &self,
        into: &mut [u8],
        mut descriptors: Option<&mut Vec<OwnedFd>>,
        deadline: Option<Instant>,
    ) -> io::Result<usize> {
        let mut filled = 0;
        while filled < into.len() {
            if let Some(deadline) = deadline {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                self.stream.set_read_timeout(Some(left))?;
            }
            let rest = &mut into[filled..];
            let count = match &mut descriptors {
                Some(descriptors) => self.receive_some(rest, descriptors),
                None => (&self.stream).read(rest),
            };
            match count {
                Ok(0) if filled == 0 => break,
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
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

fn message<M: DeserializeOwned>(received: Received) -> Result<(M, Vec<OwnedFd>), TransportError> {
    if received.kind != Kind::Message {
        return Err(TransportError::WrongKind);
    }
    Ok((serde_json::from_slice(&received.payload)?, received.descriptors))
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
    fn a_message_that_comes_byte_by_byte_has_to_be_there_in_time() {
        use std::sync::atomic::{AtomicBool, Ordering};

        let (near, mut far) = pair(1000);
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let bytes = frame::encode(Kind::Message, &[b' '; 500]).unwrap();
            let (over, near) = (&over, &near);
            scope.spawn(move || {
                // Each of them well within the time that there is for all.
                for byte in bytes {
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    (&near.stream).write_all(&[byte]).unwrap();
                    std::thread::sleep(Duration::from_millis(5));
                }
                while !over.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
            });
            let deadline = Instant::now() + Duration::from_millis(100);
            let late = far.receive_by::<Request>(deadline);
            over.store(true, Ordering::Relaxed);
            assert!(matches!(late, Err(TransportError::Io(_))), "{late:?}");
        });
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
