//! Hashing of passwords: slow on purpose, so it runs beside the event loop, few at a time. Who asks for many waits for
//! themselves: each origin has one hashed at a time and a short line, and the origins take turns.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use hyper::StatusCode;
use tokio::sync::Semaphore;

use crate::answers::{self, Answer};
use crate::origin::Origin;

/// Requests of one origin that wait or are worked on.
const LINE: usize = 4;
/// Longest wait: the Editor gives a login up after 5 s.
const PATIENCE: Duration = Duration::from_secs(4);

/// One origin's turn, which all of its requests hold on to.
type Line = tokio::sync::Mutex<()>;

/// A bounded place to hash.
pub struct PasswordWork {
    /// They serve in the order of arrival, and one of each origin at most has arrived.
    workers: Arc<Semaphore>,
    lines: Mutex<HashMap<Origin, Weak<Line>>>,
}

impl PasswordWork {
    /// Leaves half of the processors to everybody else.
    pub fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self::with_workers((processors / 2).max(1))
    }

    fn with_workers(workers: usize) -> Self {
        Self {
            workers: Arc::new(Semaphore::new(workers)),
            lines: Mutex::default(),
        }
    }

    /// A place in the line of `peer`, unless the line is too long.
    fn line_up(&self, peer: SocketAddr) -> Option<Arc<Line>> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|_, line| line.strong_count() > 0);
        let known = lines.entry(peer.into()).or_default();
        let line = known.upgrade().unwrap_or_default();
        *known = Arc::downgrade(&line);
        (Arc::strong_count(&line) <= LINE).then_some(line)
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
        let line = self.line_up(peer).ok_or_else(busy)?;
        let turn = async {
            let turn = line.lock_owned().await;
            let worker = Arc::clone(&self.workers).acquire_owned().await;
            worker.map(|worker| (turn, worker))
        };
        let turn = tokio::time::timeout(PATIENCE, turn)
            .await
            .ok()
            .and_then(Result::ok)
            .ok_or_else(busy)?;
        let result = tokio::task::spawn_blocking(move || {
            let result = work();
            // Held to the end of the work, even when the client is gone by then.
            drop(turn);
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

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::sync::mpsc;
    use std::task::{Context, Waker};

    use super::*;

    fn peer(host: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, host], 1))
    }

    #[tokio::test]
    async fn who_asks_for_many_waits_for_themselves() {
        let work = PasswordWork::with_workers(1);
        let (served, order) = mpsc::channel();
        let (go, gone) = mpsc::channel::<()>();
        let run = |host: u8, gone: Option<mpsc::Receiver<()>>| {
            let served = served.clone();
            Box::pin(work.run(peer(host), move || {
                gone.map(|gone| gone.recv());
                served.send(host).unwrap();
            }))
        };
        let mut greedy = vec![run(1, Some(gone))];
        greedy.extend((0..10).map(|_| run(1, None)));
        let mut context = Context::from_waker(Waker::noop());
        let mut refused = 0;
        for attempt in &mut greedy {
            refused += usize::from(attempt.as_mut().poll(&mut context).is_ready());
        }
        assert_eq!(refused, 11 - LINE);
        greedy.truncate(LINE);
        let mut other = run(2, None);
        assert!(other.as_mut().poll(&mut context).is_pending());
        go.send(()).unwrap();
        let (served, other) = tokio::join!(futures_util::future::join_all(greedy), other);
        other.unwrap();
        assert!(served.into_iter().all(|result| result.is_ok()));
        let order: Vec<u8> = order.try_iter().collect();
        assert_eq!(order, [1, 2, 1, 1, 1]);
        assert!(work.line_up(peer(1)).is_some());
    }
}
