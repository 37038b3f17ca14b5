//! The body of a request: bounded in size where it is read, and in time.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, StatusCode};
use serde_json::Value;
use thiserror::Error;
use tokio::time::{Instant, Sleep};

use crate::answers::{self, Answer};

/// Longest pause within a body.
const IDLE: Duration = Duration::from_secs(15);
/// Longest time in which a JSON body arrives: it holds a connection before anybody is known.
const JSON_TIME: Duration = Duration::from_secs(10);
/// Longest JSON body, in bytes.
const MAX_JSON: usize = 64 << 10;
/// What is read of a refused body, so that the client, which sends first and reads afterwards, sees the answer.
const MAX_DRAINED: u64 = 256 << 20;
/// For how long a refused body is read.
const DRAIN_TIME: Duration = Duration::from_secs(20);

/// Why a body ended early.
#[derive(Debug, Error)]
pub enum BodyError {
    /// The client paused for too long.
    #[error("the client sent nothing for {} seconds", IDLE.as_secs())]
    Idle,
    /// The connection broke.
    #[error(transparent)]
    Connection(#[from] hyper::Error),
}

/// A body that fails when its sender pauses for too long.
#[derive(Debug)]
pub struct RequestBody {
    incoming: Incoming,
    pause: Option<Pin<Box<Sleep>>>,
    /// It took too long as a whole.
    overdue: bool,
}

impl RequestBody {
    pub fn new(incoming: Incoming) -> Self {
        Self {
            incoming,
            pause: None,
            overdue: false,
        }
    }

    /// Reads the JSON document of a request with these headers.
    ///
    /// Only a body that says it is JSON is read: a page in a browser cannot send one to a foreign server unasked.
    pub async fn json(&mut self, headers: &HeaderMap) -> Result<Value, Answer> {
        let is_json = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
        if !is_json {
            return Err(answers::message(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "A JSON body with the header 'Content-Type: application/json' is expected",
            ));
        }
        let collected = Limited::new(&mut *self, MAX_JSON).collect();
        let Ok(collected) = tokio::time::timeout(JSON_TIME, collected).await else {
            self.overdue = true;
            return Err(answers::message(
                StatusCode::REQUEST_TIMEOUT,
                "The body of the request took too long to arrive",
            ));
        };
        let collected = collected.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                answers::message(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "The body of the request is too long",
                )
            } else {
                answers::message(StatusCode::BAD_REQUEST, "The body of the request is incomplete")
            }
        })?;
        serde_json::from_slice(&collected.to_bytes()).map_err(|_| {
            answers::message(
                StatusCode::BAD_REQUEST,
                "The body of the request is not valid JSON",
            )
        })
    }

    /// Reads and forgets what is left of a body, within bounds, while the answer is on its way.
    pub async fn drain(mut self) {
        if self.overdue {
            return;
        }
        let mut left = MAX_DRAINED;
        let drained = tokio::time::timeout(DRAIN_TIME, async {
            while let Some(Ok(frame)) = self.frame().await {
                let size = frame.data_ref().map_or(0, |data| data.len() as u64);
                left = match left.checked_sub(size) {
                    Some(left) => left,
                    None => return,
                };
            }
        });
        // A body that goes on is dropped here, and its connection with it.
        let _ = drained.await;
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.incoming).poll_frame(context) {
            if let Some(pause) = &mut this.pause {
                pause.as_mut().reset(Instant::now() + IDLE);
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(BodyError::from)));
        }
        let pause = this
            .pause
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(IDLE)));
        ready!(pause.as_mut().poll(context));
        Poll::Ready(Some(Err(BodyError::Idle)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
