//! One client's connection: frames in, answers out, and no patience with clients that are stuck.

use std::io;
use std::time::Duration;

use openplc_modbus::tcp::{self, Frame, FrameError, MAX_FRAME};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::task::yield_now;
use tokio::time::{Instant, timeout, timeout_at};

use crate::clients::Place;
use crate::counters::Counters;
use crate::device::{Device, Outcome};
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
            let mut was_served = false;
            while let Some(frame) = received.frame()? {
                if !answers.is_empty() {
                    // Who sends many requests at once takes turns with the others at each of them.
                    yield_now().await;
                }
                tcp::encode(frame.header, &mut answers, |answer| {
                    let outcome = device.answer(frame.pdu, answer);
                    was_served |= !matches!(outcome, Outcome::Refused(_));
                    counters.count(outcome);
                });
            }
            if !answers.is_empty() {
                place.note_request(was_served);
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
    /// How many of them are the frame that was looked at last.
    taken: usize,
    /// When the frame began that is incomplete.
    begun: Option<Instant>,
}

impl Default for Received {
    fn default() -> Self {
        Self {
            bytes: Vec::with_capacity(BUFFER),
            taken: 0,
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

    /// The next complete frame.
    fn frame(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        let taken = std::mem::take(&mut self.taken);
        self.bytes.drain(..taken);
        let frame = Frame::parse(&self.bytes)?;
        match &frame {
            Some(frame) => {
                self.taken = frame.bytes;
                self.begun = None;
            }
            None if self.bytes.is_empty() => self.begun = None,
            None => self.begun = Some(self.begun.unwrap_or_else(Instant::now)),
        }
        Ok(frame)
    }
}
