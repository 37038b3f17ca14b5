//! What the Editor and `openplcctl plugins` show of the server.

use std::sync::atomic::{AtomicU64, Ordering};

use openplc_plugin::{Field, Statistics};

use crate::device::Outcome;

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Requests that read something.
    reads: AtomicU64,
    /// Requests that wrote something.
    writes: AtomicU64,
    /// Requests that were answered by an exception.
    exceptions: AtomicU64,
    /// Connections that were accepted.
    accepted: AtomicU64,
    /// Connections that were refused, or closed for others.
    turned_away: AtomicU64,
    /// Connections that were closed because of what they sent, or did not send.
    given_up: AtomicU64,
}

impl Counters {
    /// Counts a request.
    pub fn count(&self, outcome: Outcome) {
        add(match outcome {
            Outcome::Read => &self.reads,
            Outcome::Written => &self.writes,
            Outcome::Refused(_) => &self.exceptions,
        });
    }

    /// Counts a connection that is served.
    pub fn count_accepted(&self) {
        add(&self.accepted);
    }

    /// Counts a connection for which there was no place or no permission.
    pub fn count_turned_away(&self) {
        add(&self.turned_away);
    }

    /// Counts a connection that was closed for its behaviour.
    pub fn count_given_up(&self) {
        add(&self.given_up);
    }

    /// Connections that were turned away until now.
    pub fn turned_away(&self) -> u64 {
        self.turned_away.load(Ordering::Relaxed)
    }

    /// All of it; `clients` are connected now.
    pub fn statistics(&self, clients: usize) -> Statistics {
        let field = |label: &str, counter: &AtomicU64| Field::new(label, counter.load(Ordering::Relaxed));
        Statistics {
            label: "Modbus slave".into(),
            fields: vec![
                Field::new("Clients", clients),
                field("Read requests", &self.reads),
                field("Write requests", &self.writes),
                field("Exceptions", &self.exceptions),
                field("Connections accepted", &self.accepted),
                field("Connections turned away", &self.turned_away),
                field("Connections given up", &self.given_up),
            ],
        }
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
