//! Hashing of passwords: slow on purpose, so it runs beside the event loop, few at a time and with a short queue.

use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use tokio::sync::Semaphore;

use crate::answers::{self, Answer};
use crate::places::Places;

/// Requests that may wait while others are hashed.
const QUEUE: usize = 64;
/// Those of one address.
const QUEUE_PER_ADDRESS: usize = 16;
/// Longest wait: the Editor gives a login up after 5 s.
const PATIENCE: Duration = Duration::from_secs(4);

/// A bounded place to hash.
pub struct PasswordWork {
    workers: Arc<Semaphore>,
    queue: Arc<Places>,
}

impl PasswordWork {
    /// Leaves half of the processors to everybody else.
    pub fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            workers: Arc::new(Semaphore::new((processors / 2).max(1))),
            queue: Places::new(QUEUE, QUEUE_PER_ADDRESS),
        }
    }

    /// Runs `work`, which hashes for `peer`, on a thread of its own. The answer 429 says that too many others do.
    pub async fn run<T: Send + 'static>(
        &self,
        peer: SocketAddr,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Answer> {
        let busy = || {
            answers::message(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many logins at this moment. Try again in a few seconds",
            )
        };
        let place = self.queue.take(peer).ok_or_else(busy)?;
        let worker = tokio::time::timeout(PATIENCE, Arc::clone(&self.workers).acquire_owned())
            .await
            .ok()
            .and_then(Result::ok)
            .ok_or_else(busy)?;
        drop(place);
        let result = tokio::task::spawn_blocking(move || {
            let result = work();
            // Held to the end of the work, even when the client is gone by then.
            drop(worker);
            result
        });
        result.await.map_err(|error| {
            tracing::error!("The hashing of a password broke off: {error}");
            answers::message(
                StatusCode::INTERNAL_SERVER_ERROR,
                "The password could not be processed",
            )
        })
    }
}
