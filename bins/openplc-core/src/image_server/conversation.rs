//! What an attached plugin says, until it goes. Nothing of it costs the core more than a bounded time.

use std::io;
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

use openplc_image::{PeerId, PeerStatistics};
use openplc_text::one_line;
use openplc_wire::image::{MAX_STATISTICS, REPORTS_PER_SECOND, Report};
use openplc_wire::transport::{Connection, TransportError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::Value;

use super::{Grade, ImageKeeper, ImageServer, Reply};
use crate::line_budget::LineBudget;

/// Time between two looks at what became of a plugin's writes.
const REPORT_INTERVAL: Duration = Duration::from_secs(5);
/// Reports are counted in this time.
const WINDOW: Duration = Duration::from_secs(1);
/// How deep statistics may be nested: they are shown within other documents, whose readers have a limit too.
const MAX_DEPTH: usize = 16;
/// Longest text of a failure, in bytes.
const MAX_FAILURE: usize = 1000;

/// A conversation with one plugin.
pub(super) struct Conversation<'a, K> {
    server: &'a ImageServer<K>,
    name: &'a str,
    id: PeerId,
    grade: Grade,
    lines: LineBudget,
    window: Instant,
    reports: u32,
    reported: PeerStatistics,
    looked: Instant,
}

impl<'a, K: ImageKeeper> Conversation<'a, K> {
    pub fn new(server: &'a ImageServer<K>, name: &'a str, id: PeerId, grade: Grade) -> Self {
        let now = Instant::now();
        Self {
            server,
            name,
            id,
            grade,
            lines: LineBudget::new(now),
            window: now,
            reports: 0,
            reported: PeerStatistics::default(),
            looked: now,
        }
    }

    /// Listens until the plugin goes or says something that is not understood.
    pub fn run(mut self, connection: &mut Connection) {
        loop {
            let readable = match wait(connection, REPORT_INTERVAL) {
                Ok(readable) => readable,
                Err(error) => {
                    tracing::warn!("Plugin {} cannot be listened to: {error}", self.name);
                    return;
                }
            };
            if self.looked.elapsed() >= REPORT_INTERVAL {
                self.looked = Instant::now();
                self.report_losses();
            }
            if !readable {
                continue;
            }
            match connection.receive::<Report>() {
                Ok((report, descriptors)) => self.take(report, descriptors),
                Err(TransportError::Closed) => return,
                Err(error) => {
                    tracing::warn!("Plugin {} is sent away: {error}", self.name);
                    return;
                }
            }
            self.slow_down();
        }
    }

    fn take(&mut self, report: Report, descriptors: Vec<OwnedFd>) {
        // Who only looks on has nothing to say.
        if self.grade == Grade::Reader {
            return;
        }
        let (server, name) = (self.server, self.name);
        match report {
            Report::Log { level, message } => {
                if let Some(dropped) = self.lines.spend(Instant::now()) {
                    if dropped > 0 {
                        let text = format!("{name}: ({dropped} lines were dropped: too many a second)");
                        server.log.push(openplc_wire::control::Level::Warning, text);
                    }
                    server.log.push(level, format!("{name}: {}", one_line(&message)));
                }
            }
            Report::Statistics { document } => {
                if document.is_object()
                    && depth(&document) <= MAX_DEPTH
                    && document.to_string().len() <= MAX_STATISTICS
                {
                    server.register.set_statistics(name, readable(document));
                }
            }
            Report::Failure { message } => {
                let mut message = one_line(&message);
                message.truncate(message.floor_char_boundary(MAX_FAILURE));
                server.register.set_failure(name, message);
            }
            Report::Answer { number, document } => {
                let reply = Reply {
                    document,
                    descriptors,
                };
                server.register.answered(name, number, reply);
            }
            Report::Switch { run, reason } => {
                if self.lines.spend(Instant::now()).is_some() {
                    let word = if run { "start" } else { "stop" };
                    tracing::warn!("Plugin {name} asks to {word} the PLC: {}", one_line(&reason));
                }
                (server.admission.switch)(run);
            }
        }
    }

    /// Leaves the rest of a flood in the socket until the second is over.
    fn slow_down(&mut self) {
        let elapsed = self.window.elapsed();
        if elapsed >= WINDOW {
            self.window = Instant::now();
            self.reports = 0;
        }
        self.reports += 1;
        if self.reports >= REPORTS_PER_SECOND {
            thread::sleep(WINDOW.saturating_sub(elapsed));
        }
    }

    /// Says what the plugin has lost since the last time.
    fn report_losses(&mut self) {
        let Some(now) = self.server.statistics_of(self.id) else {
            return;
        };
        let (name, before) = (self.name, std::mem::replace(&mut self.reported, now));
        for (count, what) in [
            (
                now.dropped.wrapping_sub(before.dropped),
                "did not fit its journal: it writes more than the scans take",
            ),
            (
                now.invalid - before.invalid,
                "were refused: no such address, or a value too large for it",
            ),
            (
                now.forbidden - before.forbidden,
                "were refused: it may not write there",
            ),
        ] {
            if count > 0 {
                tracing::warn!("Plugin {name}: {count} writes {what}");
            }
        }
        if now.corrupt > before.corrupt {
            tracing::warn!("Plugin {name} has damaged its journal; what it had written there is lost");
        }
    }
}

/// Waits until there is something to read, or the other side is gone.
fn wait(connection: &Connection, patience: Duration) -> io::Result<bool> {
    let mut descriptor = [PollFd::new(connection.stream(), PollFlags::IN)];
    let patience = Timespec {
        tv_sec: patience.as_secs().cast_signed(),
        tv_nsec: 0,
    };
    match poll(&mut descriptor, Some(&patience)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// How deep a document is nested. What came by a message is no deeper than its reader allows.
fn depth(document: &Value) -> usize {
    let deepest = match document {
        Value::Array(values) => values.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        _ => return 0,
    };
    1 + deepest.unwrap_or(0)
}

/// A document whose texts can be shown to people.
fn readable(document: Value) -> Value {
    match document {
        Value::String(text) => Value::String(one_line(&text)),
        Value::Array(values) => values.into_iter().map(readable).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (one_line(&name), readable(value)))
            .collect(),
        other => other,
    }
}
