//! Log lines on their way to the core: a bounded queue that never waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_queue::ArrayQueue;
use openplc_wire::control::Level;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Lines that wait at most.
const CAPACITY: usize = 256;
/// Lines that are sent in one [`WINDOW`]: what the core shows of a plugin.
const LINES: u32 = 40;
const WINDOW: Duration = Duration::from_secs(1);

/// Lines that wait to be sent. Clones are the same queue.
#[derive(Clone)]
pub(crate) struct LogQueue(Arc<Queue>);

struct Queue {
    lines: ArrayQueue<(Level, String)>,
    dropped: AtomicU64,
}

impl Default for LogQueue {
    fn default() -> Self {
        Self(Arc::new(Queue {
            lines: ArrayQueue::new(CAPACITY),
            dropped: AtomicU64::new(0),
        }))
    }
}

impl LogQueue {
    pub fn push(&self, level: Level, line: String) {
        if self.0.lines.push((level, line)).is_err() {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<S: Subscriber> Layer<S> for LogQueue {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = match *event.metadata().level() {
            tracing::Level::ERROR => Level::Error,
            tracing::Level::WARN => Level::Warning,
            tracing::Level::INFO => Level::Info,
            tracing::Level::DEBUG | tracing::Level::TRACE => Level::Debug,
        };
        self.push(level, openplc_logging::line_of(event));
    }
}

/// Takes lines out of a queue, not too many in a second.
pub(crate) struct Outlet {
    queue: LogQueue,
    since: Instant,
    spent: u32,
}

impl Outlet {
    pub fn new(queue: LogQueue, now: Instant) -> Self {
        Self {
            queue,
            since: now,
            spent: 0,
        }
    }

    /// The next line to send, if there is one and it may be sent at `now`.
    pub fn next(&mut self, now: Instant) -> Option<(Level, String)> {
        if now.duration_since(self.since) >= WINDOW {
            self.since = now;
            self.spent = 0;
        }
        if self.spent >= LINES {
            return None;
        }
        self.spent += 1;
        let queue = &self.queue.0;
        match queue.dropped.swap(0, Ordering::Relaxed) {
            0 => queue.lines.pop(),
            dropped => Some((
                Level::Warning,
                format!("{dropped} lines are not shown here: too many a second"),
            )),
        }
        .or_else(|| {
            self.spent -= 1;
            None
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_bounded_and_counted() {
        let (queue, start) = (LogQueue::default(), Instant::now());
        for number in 0..CAPACITY + 3 {
            queue.push(Level::Info, number.to_string());
        }
        let mut outlet = Outlet::new(queue, start);
        let mut sent = Vec::new();
        while let Some((_, line)) = outlet.next(start) {
            sent.push(line);
        }
        assert_eq!(sent.len(), LINES as usize);
        assert!(sent[0].starts_with("3 lines"), "{}", sent[0]);
        assert_eq!(sent[1], "0");
        assert!(outlet.next(start + WINDOW).is_some());
    }

    #[test]
    fn an_empty_queue_costs_nothing_of_the_budget() {
        let (queue, start) = (LogQueue::default(), Instant::now());
        let mut outlet = Outlet::new(queue.clone(), start);
        for _ in 0..2 * LINES {
            assert!(outlet.next(start).is_none());
        }
        queue.push(Level::Info, "line".into());
        assert!(outlet.next(start).is_some());
    }
}
