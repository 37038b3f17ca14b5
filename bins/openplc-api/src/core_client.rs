//! Conversations with `openplc-core`: a few connections, each with one request at a time, each request with a limit.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use openplc_wire::control::{Answer, Request};
use openplc_wire::frame::{self, FrameError, HEADER, Kind};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// Longest wait for what the core answers from memory.
const SHORT: Duration = Duration::from_secs(2);
/// Longest wait for a start or a stop, which take as long as a scan. The Editor waits for 5 s.
const LONG: Duration = Duration::from_secs(4);
/// Longest wait for a plugin, to which the core gives ten seconds.
const LONGEST: Duration = Duration::from_secs(12);
/// Connections kept for later.
const MAX_IDLE: usize = 16;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum CoreError {
    /// Nobody listens, or the connection broke.
    #[error("the scan engine (openplc-core) is not reachable: {0}")]
    Connection(#[from] io::Error),
    /// The core took too long.
    #[error("the scan engine (openplc-core) did not answer in time")]
    Late,
    /// The answer was not understood.
    #[error("the scan engine (openplc-core) gave an answer that was not understood: {0}")]
    Protocol(String),
}

impl From<FrameError> for CoreError {
    fn from(error: FrameError) -> Self {
        Self::Protocol(error.to_string())
    }
}

/// The answer to a debug frame.
#[derive(Debug, PartialEq)]
pub enum DebugReply {
    /// The frame that the Editor expects.
    Frame(Vec<u8>),
    /// The core did not take the request, for this reason.
    Refused(String),
}

/// Client of the core's control socket.
pub struct CoreClient {
    socket: PathBuf,
    idle: Mutex<Vec<UnixStream>>,
}

impl CoreClient {
    pub fn new(socket: PathBuf) -> Self {
        Self {
            socket,
            idle: Mutex::default(),
        }
    }

    /// Sends a request and waits for its answer.
    pub async fn ask(&self, request: &Request) -> Result<Answer, CoreError> {
        let payload = serde_json::to_vec(request).map_err(|error| CoreError::Protocol(error.to_string()))?;
        let command = match request {
            Request::Start | Request::ColdStart | Request::Stop => Some(LONG),
            Request::PluginCommand { .. } => Some(LONGEST),
            _ => None,
        };
        let (kind, payload) = if let Some(limit) = command {
            // A command must not be sent twice, so it gets a connection that cannot be stale.
            limited(
                limit,
                self.exchange(UnixStream::connect(&self.socket).await?, Kind::Message, &payload),
            )
            .await?
        } else {
            limited(SHORT, self.query(Kind::Message, &payload)).await?
        };
        answer(kind, &payload)
    }

    /// Sends a debug frame of this kind and waits for its reply.
    pub async fn debug(&self, kind: Kind, request: &[u8]) -> Result<DebugReply, CoreError> {
        match limited(SHORT, self.query(kind, request)).await? {
            (Kind::Debug | Kind::DebugLittleEndian, payload) => Ok(DebugReply::Frame(payload)),
            (kind, payload) => match answer(kind, &payload)? {
                Answer::Refused { message, .. } => Ok(DebugReply::Refused(message)),
                other => Err(CoreError::Protocol(format!("{other:?} to a debug frame"))),
            },
        }
    }

    /// One exchange that may be repeated: a kept connection may have ended with an earlier core.
    async fn query(&self, kind: Kind, payload: &[u8]) -> Result<(Kind, Vec<u8>), CoreError> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(stream) = kept {
            match self.exchange(stream, kind, payload).await {
                Err(CoreError::Connection(_)) => {
                    self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
                }
                other => return other,
            }
        }
        self.exchange(UnixStream::connect(&self.socket).await?, kind, payload)
            .await
    }

    /// One exchange. The connection is kept only when it succeeded: a late answer can never be taken for a later one.
    async fn exchange(
        &self,
        mut stream: UnixStream,
        kind: Kind,
        payload: &[u8],
    ) -> Result<(Kind, Vec<u8>), CoreError> {
        stream.write_all(&frame::encode(kind, payload)?).await?;
        let mut received = Vec::with_capacity(4096);
        let (kind, length) = loop {
            if let Some(header) = received.first_chunk::<HEADER>() {
                break frame::parse_header(*header, frame::MAX_PAYLOAD)?;
            }
            read_some(&mut stream, &mut received).await?;
        };
        while received.len() < HEADER + length {
            received.reserve(HEADER + length - received.len());
            read_some(&mut stream, &mut received).await?;
        }
        if received.len() > HEADER + length {
            return Err(CoreError::Protocol("more than one answer to one request".into()));
        }
        received.drain(..HEADER);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(stream);
        }
        Ok((kind, received))
    }
}

async fn read_some(stream: &mut UnixStream, into: &mut Vec<u8>) -> io::Result<()> {
    match stream.read_buf(into).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

async fn limited<T>(
    limit: Duration,
    exchange: impl Future<Output = Result<T, CoreError>>,
) -> Result<T, CoreError> {
    tokio::time::timeout(limit, exchange)
        .await
        .map_err(|_| CoreError::Late)?
}

fn answer(kind: Kind, payload: &[u8]) -> Result<Answer, CoreError> {
    if kind != Kind::Message {
        return Err(CoreError::Protocol("a debug frame to a request".into()));
    }
    serde_json::from_slice(payload).map_err(|error| CoreError::Protocol(error.to_string()))
}
