//! The handle by which a plugin does everything.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use openplc_image::journal::MAX_GROUP;
use openplc_image::{Layout, Moment, View, Write, WriteError};
use openplc_rt::clock;
use openplc_wire::image::{MAX_STATISTICS, Report};
use serde_json::Value;
use thiserror::Error;

use crate::commands::{Command, Reply};
use crate::link::Shared;
use crate::session::Session;
use crate::statistics::Statistics;

/// Time between two looks at something that is about to happen.
const LOOK: Duration = Duration::from_micros(200);
/// Longest time between two looks at something that may happen at any time.
const LONGEST_LOOK: Duration = Duration::from_millis(20);

/// Why no image could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unavailable {
    /// The core is away, or has just replaced the image by one of another size. It is connected to again by itself.
    #[error("the scan engine (openplc-core) is away")]
    Detached,
    /// This process gets too little processor time.
    #[error("no consistent image could be read: scans follow each other faster than this process can copy")]
    Disturbed,
}

/// Why nothing was written, or not everything of more than 256 values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WriteFailure {
    /// The core is away.
    #[error("the scan engine (openplc-core) is away")]
    Detached,
    /// The core has not yet taken enough of what was written before. Counted as dropped.
    #[error("more is written than the program's scans take")]
    Full,
    /// A value does not fit its address.
    #[error("a value is too large for its address")]
    Value,
}

/// Stands for a write, to learn when the core has taken it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    session: u64,
    number: u32,
}

/// A plugin at work. Clones are the same plugin.
#[derive(Clone)]
pub struct Plugin {
    pub(crate) shared: Arc<Shared>,
}

impl Plugin {
    /// The plugin's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The text of the plugin's configuration. When the file changes, the plugin has to leave, and is started again.
    #[must_use]
    pub fn configuration(&self) -> &str {
        self.shared.configuration.text()
    }

    /// Where the configuration is.
    #[must_use]
    pub fn configuration_path(&self) -> &std::path::Path {
        self.shared.configuration.path()
    }

    /// Whether it is time to end: the PLC stops, the configuration has changed, or somebody stops the plugin.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.shared.leaving.load(Ordering::Acquire)
    }

    /// Waits until [`Self::is_leaving`], for at most `patience`; returns whether it is.
    pub fn wait_until_leaving(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        self.poll(deadline, || (LONGEST_LOOK, None::<()>));
        self.is_leaving()
    }

    /// Calls `read` with the newest published image, again if it was changed meanwhile, and returns the result of the call
    /// during which it was not: all values that this call has seen are of one and the same scan. Keep `read` short.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn read<T>(&self, read: impl FnMut(&View<'_>) -> T) -> Result<T, Unavailable> {
        let session = self.session()?;
        session.image.consistent(read).map_err(|_| Unavailable::Disturbed)
    }

    /// Copies the whole image as it lies in memory; `into` has [`Layout::bytes`] bytes of [`Self::layout`].
    ///
    /// # Errors
    /// [`Unavailable`]; also [`Unavailable::Detached`] where the image has another size now.
    pub fn copy(&self, into: &mut [u8]) -> Result<Moment, Unavailable> {
        let session = self.session()?;
        if session.image.layout().bytes() != into.len() {
            return Err(Unavailable::Detached);
        }
        session.image.copy(into).map_err(|_| Unavailable::Disturbed)
    }

    /// Sizes and places of the tables. They stay the same until the core connects anew.
    ///
    /// # Errors
    /// [`Unavailable::Detached`].
    pub fn layout(&self) -> Result<Layout, Unavailable> {
        Ok(self.session()?.image.layout().clone())
    }

    /// Number of the newest publication: another number means that something new can be read.
    ///
    /// # Errors
    /// [`Unavailable::Detached`].
    pub fn publication(&self) -> Result<u32, Unavailable> {
        Ok(self.session()?.image.publication())
    }

    /// In how long the next publication is to be expected: the end of the next scan, as far as its begin tells.
    #[must_use]
    pub fn next_publication_in(&self) -> Duration {
        let Ok(moment) = self.read(|view| view.moment()) else {
            return LONGEST_LOOK;
        };
        let due = moment.time_ns.saturating_add(moment.period_ns);
        Duration::from_nanos(due.saturating_sub(clock::now())).clamp(LOOK, LONGEST_LOOK)
    }

    /// Waits for a publication with another number than `seen`, for at most `patience`, and returns the newest number. Returns
    /// early when it is time to leave.
    ///
    /// # Errors
    /// [`Unavailable::Detached`] when the core is away, after `patience`.
    pub fn wait_for_publication(&self, seen: u32, patience: Duration) -> Result<u32, Unavailable> {
        let deadline = Instant::now() + patience;
        let new = self.poll(deadline, || match self.publication() {
            Ok(number) if number != seen => (Duration::ZERO, Some(number)),
            _ => (self.next_publication_in(), None),
        });
        new.map_or_else(|| self.publication(), Ok)
    }

    /// Writes values, which take effect at the beginning of the next scan (at once while the PLC is stopped): up to 256 of them
    /// all together, more in groups of 256 that may fall into successive scans. Never waits.
    ///
    /// # Errors
    /// [`WriteFailure`], and then nothing is written.
    pub fn write(&self, writes: &[Write]) -> Result<Ticket, WriteFailure> {
        let session = self.session().map_err(|_| WriteFailure::Detached)?;
        if writes
            .iter()
            .any(|write| write.value > write.address.table().width().max())
        {
            return Err(WriteFailure::Value);
        }
        let mut journal = session.journal();
        journal.reserve(writes.len()).map_err(|_| WriteFailure::Full)?;
        let now = clock::now();
        let mut number = journal.appended();
        for group in writes.chunks(MAX_GROUP) {
            number = journal.write(now, group).map_err(|error| match error {
                WriteError::Value => WriteFailure::Value,
                WriteError::Full | WriteError::TooMany | WriteError::Format => WriteFailure::Full,
            })?;
        }
        Ok(Ticket {
            session: session.number,
            number,
        })
    }

    /// Whether the core has taken a write: the next image published has it, unless the core has refused it (no such slot) or a
    /// debugger has forced the value.
    ///
    /// # Errors
    /// [`Unavailable::Detached`] when the core was away since: whether the write was taken is not known.
    pub fn is_taken(&self, ticket: &Ticket) -> Result<bool, Unavailable> {
        let session = self.session()?;
        if session.number != ticket.session {
            return Err(Unavailable::Detached);
        }
        Ok(session.journal().is_taken(ticket.number))
    }

    /// Waits until [`Self::is_taken`], for at most `patience`; returns whether it is.
    ///
    /// # Errors
    /// As [`Self::is_taken`].
    pub fn wait_until_taken(&self, ticket: &Ticket, patience: Duration) -> Result<bool, Unavailable> {
        let deadline = Instant::now() + patience;
        let taken = self.poll(deadline, || match self.is_taken(ticket) {
            Ok(false) => (self.next_publication_in(), None),
            other => (Duration::ZERO, Some(other)),
        });
        taken.unwrap_or_else(|| self.is_taken(ticket))
    }

    /// Shows figures in place of those before. At most one set a second is passed on, of 8 KiB: figures beyond are counted only.
    pub fn set_statistics(&self, statistics: &Statistics) {
        self.set_statistics_document(statistics.document(MAX_STATISTICS));
    }

    /// As [`Self::set_statistics`], for a plugin that has a document of its own.
    pub fn set_statistics_document(&self, document: Value) {
        self.shared.set_statistics(document);
    }

    /// Says what went wrong, for `openplcctl plugins` and the log, where the plugin goes on nevertheless.
    pub fn report_failure(&self, message: impl Into<String>) {
        let message = message.into();
        tracing::error!("{message}");
        self.shared.send(Report::Failure { message });
    }

    /// Has `handler` answer commands (`POST /api/plugin-command`), up to four at a time on threads of their own. The answer
    /// is any JSON document; `{"error": text}` by custom where it failed. The caller waits for ten seconds.
    pub fn on_command<R: Into<Reply>>(&self, handler: impl Fn(&Command) -> R + Send + Sync + 'static) {
        self.shared
            .commands
            .set(Arc::new(move |command: &Command| handler(command).into()));
    }

    /// Asks that the PLC is started or stopped, for a plugin that knows a switch. `reason` is logged.
    pub fn switch_plc(&self, run: bool, reason: impl Into<String>) {
        let reason = reason.into();
        self.shared.send(Report::Switch { run, reason });
    }

    fn session(&self) -> Result<Arc<Session>, Unavailable> {
        let session = self.shared.session();
        session
            .filter(|session| !session.image.is_closed())
            .ok_or(Unavailable::Detached)
    }

    /// Calls `look` until it has a result, it is time to leave, or the deadline has come. `look` also says how long to sleep.
    fn poll<T>(&self, deadline: Instant, mut look: impl FnMut() -> (Duration, Option<T>)) -> Option<T> {
        loop {
            let (pause, result) = look();
            let left = deadline.saturating_duration_since(Instant::now());
            if result.is_some() || left.is_zero() || self.is_leaving() {
                return result;
            }
            thread::sleep(pause.max(LOOK).min(left));
        }
    }
}
