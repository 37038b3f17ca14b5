//! The newest log lines, kept for `GET /api/runtime-logs`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use openplc_text::one_line;
use openplc_wire::control::{Level, LogEntry};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Lines kept, as many as the Editor shows.
const CAPACITY: usize = 1000;
/// Longest line kept, in bytes.
const MAX_LINE: usize = 2000;

/// The newest [`CAPACITY`] lines.
#[derive(Clone)]
pub struct LogRing(Arc<Mutex<Ring>>);

struct Ring {
    entries: VecDeque<LogEntry>,
    next_id: u64,
}

impl Default for LogRing {
    /// Ids go on from the time of day: the Editor's cursor never goes back, also when the core was restarted. What if the
    /// clock goes back is the affair of [`crate::log_ids`].
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Ring {
            entries: VecDeque::new(),
            next_id: unix_ms(),
        })))
    }
}

impl LogRing {
    /// Entries with an id of at least `from` and at least this severity, ascending.
    pub fn read(&self, from: Option<u64>, level: Option<Level>) -> Vec<LogEntry> {
        let ring = self.lock();
        let wanted = |entry: &&LogEntry| {
            from.is_none_or(|from| entry.id >= from) && level.is_none_or(|level| entry.level >= level)
        };
        ring.entries.iter().filter(wanted).cloned().collect()
    }

    /// The next id is at least `id`. Returns which it is.
    pub fn go_on_from(&self, id: u64) -> u64 {
        let mut ring = self.lock();
        ring.next_id = ring.next_id.max(id);
        ring.next_id
    }

    /// Adds a line that somebody else has written to the journal already.
    pub fn push(&self, level: Level, message: String) {
        // What strangers have chosen is in many a line of our own: names, causes, paths.
        let mut message = one_line(&message);
        message.truncate(message.floor_char_boundary(MAX_LINE));
        let mut ring = self.lock();
        if ring.entries.len() == CAPACITY {
            ring.entries.pop_front();
        }
        let id = ring.next_id;
        ring.next_id += 1;
        ring.entries.push_back(LogEntry {
            id,
            time_ms: unix_ms(),
            level,
            message,
        });
    }

    /// A thread that panicked while it held the ring has left it whole: each change is complete or did not begin.
    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for LogRing {
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

/// Milliseconds since 1970-01-01 UTC.
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_is_bounded_and_ids_never_go_back() {
        let ring = LogRing::default();
        for line in 0..CAPACITY + 5 {
            ring.push(
                if line % 2 == 0 { Level::Info } else { Level::Error },
                format!("line {line}"),
            );
        }
        let all = ring.read(None, None);
        assert_eq!(all.len(), CAPACITY);
        assert_eq!(all[0].message, "line 5");
        assert!(all.windows(2).all(|pair| pair[1].id == pair[0].id + 1));
        let newest = all[CAPACITY - 1].id;
        assert_eq!(ring.read(Some(newest), None).len(), 1);
        assert_eq!(ring.read(Some(newest + 1), None), []);
        assert_eq!(ring.read(None, Some(Level::Error)).len(), CAPACITY / 2);
        assert!(newest < 1 << 53, "JavaScript must be able to count on");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let ring = LogRing::default();
        ring.push(Level::Info, "ä".repeat(MAX_LINE));
        assert_eq!(ring.read(None, None)[0].message.len(), MAX_LINE);
    }
}
