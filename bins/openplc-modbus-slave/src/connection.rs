//! One client's connection: frames in, answers out, and no patience with clients that are stuck.

use std::io;
use std::time::Duration;

use openplc_modbus::tcp::{self, Frame, FrameError, MAX_FRAME};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use crate::clients::Place;
use crate::counters::Counters;
use crate::device::Device;
use crate::points::Points;

/// Bytes that are received at once: some frames, of a client that does not wait for answers.
const BUFFER: usize = 4 * MAX_FRAME;

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Between two requests; zero: for ever.
    pub idle: Duration,
    /// For the rest of a request that has begun, and to take an answer.
    pub frame: Duration,
}

/// Why a connection ended.
#[derive(Debug, Error)]
pub enum End {
    /// The client has closed it.
    #[error("closed by the client")]
    Closed,
    /// Somebody else needs the place.
    #[error("its place was needed by another client")]
    Dismissed,
    /// No request for too long.
    #[error("no request for {} s", .0.as_secs())]
    Idle(Duration),
    /// Half a request, and then nothing.
    #[error("a request was not finished")]
    Unfinished,
    /// Answers are not taken.
    #[error("answers are not read")]
    Unread,
    /// No Modbus.
    #[error("{0}")]
    Frame(#[from] FrameError),
    /// The connection failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Serves a client until it goes, or has to.
pub async fn serve<P: Points>(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    device: &Device<P>,
    counters: &Counters,
    place: &Place,
    patience: Patience,
) -> End {
    let served = async {
        let mut received = Received::default();
        let mut answers = Vec::with_capacity(MAX_FRAME);
        loop {
            received.more(&mut stream, patience).await?;
            answers.clear();
            received.take_frames(|frame| {
                tcp::encode(frame.header, &mut answers, |answer| {
                    counters.count(device.answer(frame.pdu, answer));
                });
            })?;
            if !answers.is_empty() {
                place.note_request();
                let written = timeout(patience.frame, stream.write_all(&answers)).await;
                written.map_err(|_| End::Unread)??;
            }
        }
    };
    tokio::select! {
        ended = served => {
            let Err::<std::convert::Infallible, End>(end) = ended;
            end
        }
        () = place.dismissed() => End::Dismissed,
    }
}

/// What was received and is not answered yet.
struct Received {
    bytes: Vec<u8>,
    /// When the frame began that is incomplete.
    begun: Option<Instant>,
}

impl Default for Received {
    fn default() -> Self {
        Self {
            bytes: Vec::with_capacity(BUFFER),
            begun: None,
        }
    }
}

impl Received {
    /// Receives at least one byte.
    async fn more(&mut self, stream: &mut (impl AsyncRead + Unpin), patience: Patience) -> Result<(), End> {
        // Never full: there is more room than for the longest frame.
        let mut room = (&mut *stream).take((BUFFER - self.bytes.len()) as u64);
        let reading = room.read_buf(&mut self.bytes);
        let count = match self.begun {
            Some(begun) => {
                let read = timeout_at(begun + patience.frame, reading).await;
                read.map_err(|_| End::Unfinished)??
            }
            None if patience.idle.is_zero() => reading.await?,
            None => {
                let read = timeout(patience.idle, reading).await;
                read.map_err(|_| End::Idle(patience.idle))??
            }
        };
        if count == 0 {
            return Err(End::Closed);
        }
        Ok(())
    }

    /// Calls `handle` with each complete frame.
    fn take_frames(&mut self, mut handle: impl FnMut(Frame<'_>)) -> Result<(), FrameError> {
        let mut taken = 0;
        while let Some(frame) = Frame::parse(&self.bytes[taken..])? {
            taken += frame.bytes;
            handle(frame);
        }
        self.bytes.drain(..taken);
        self.begun = match self.begun {
            _ if self.bytes.is_empty() => None,
            Some(begun) if taken == 0 => Some(begun),
            _ => Some(Instant::now()),
        };
        Ok(())
    }
}
