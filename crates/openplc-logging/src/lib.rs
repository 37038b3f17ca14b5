//! Where the processes of the runtime log to: journald where there is one, standard error otherwise.
//!
//! [`init`] decides as systemd documents it: when `JOURNAL_STREAM` names the device and inode of standard error, events
//! go to the journal by its native protocol, with fields `OPENPLC_*`. Otherwise each event is one line on standard
//! error, with the priority prefix `<N>` of sd-daemon(3) unless a person reads along on a terminal.
//!
//! Logging never holds up for long what logs, whether or not anybody takes the lines.
//!
//! This crate must not know what is logged. Scan threads never use it.
#![forbid(unsafe_code)]

mod journal;

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, IsTerminal, Write as _};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use rustix::fs::{FileType, OFlags};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use crate::journal::Journal;

/// Environment variable that chooses the least severity logged, `error`, `warn`, `info` or `debug`, whatever the settings say.
pub const LEVEL_VARIABLE: &str = "OPENPLC_LOG";

/// A further destination of events, beside journal or standard error.
pub type ExtraLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts logging for this process. Call once, before any thread is started.
///
/// `identifier` becomes the journal's `SYSLOG_IDENTIFIER`; `level`, in the words of [`LEVEL_VARIABLE`], is the least severity
/// logged where that says nothing. A second call changes nothing.
pub fn init(identifier: &'static str, level: &str) {
    start(identifier, level, None);
}

/// As [`init`], and hands every event to `extra` as well.
pub fn init_with(identifier: &'static str, level: &str, extra: ExtraLayer) {
    start(identifier, level, Some(extra));
}

fn start(identifier: &'static str, level: &str, extra: Option<ExtraLayer>) {
    let level = std::env::var(LEVEL_VARIABLE)
        .ok()
        .and_then(|text| text.parse().ok())
        .or_else(|| level.parse().ok())
        .unwrap_or(LevelFilter::INFO);
    let journal = is_for_the_journal()
        .then(|| Journal::new(identifier))
        .and_then(Result::ok);
    let lines = journal.is_none().then(|| Lines {
        prefix: !io::stderr().is_terminal(),
        stderr: own_stderr(),
    });
    // Fails only when logging was started before.
    let _ = tracing_subscriber::registry()
        .with(extra)
        .with(journal)
        .with(lines)
        .with(level)
        .try_init();
}

/// Standard error as it is now: a process may redirect the descriptor later.
///
/// Where it is a supervisor's pipe, a line that does not fit is lost: whoever reads slowly, or has stopped, must not hold up
/// what logs.
fn own_stderr() -> Option<File> {
    let stderr = io::stderr();
    let is_pipe = rustix::fs::fstat(&stderr)
        .is_ok_and(|status| FileType::from_raw_mode(status.st_mode) == FileType::Fifo);
    if is_pipe && let Ok(flags) = rustix::fs::fcntl_getfl(&stderr) {
        // Without it logging is merely less safe.
        let _ = rustix::fs::fcntl_setfl(&stderr, flags | OFlags::NONBLOCK);
    }
    // Without one there is nowhere to log to.
    stderr.as_fd().try_clone_to_owned().map(File::from).ok()
}

/// Whether standard error is connected to the journal, see `JOURNAL_STREAM` in systemd.exec(5), or would be if there had
/// been a journald when systemd started this service: then it is the null device, and the journal may come later.
fn is_for_the_journal() -> bool {
    let Ok(stderr) = std::fs::metadata("/proc/self/fd/2") else {
        return false;
    };
    let is_journal = std::env::var("JOURNAL_STREAM")
        .is_ok_and(|stream| stream == format!("{}:{}", stderr.dev(), stderr.ino()));
    let is_nowhere = std::fs::metadata("/dev/null").is_ok_and(|null| stderr.rdev() == null.rdev())
        && stderr.file_type().is_char_device();
    is_journal || is_nowhere && std::env::var_os("INVOCATION_ID").is_some()
}

/// One line for each event: `<6>message`.
///
/// It has nothing that belongs to a thread, as the layer of `tracing_subscriber` has: where a program's own code is executed
/// while it is loaded or unloaded, no thread gets anything that is to be freed at its end.
struct Lines {
    prefix: bool,
    stderr: Option<File>,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = if self.prefix {
            format!("<{}>", syslog_priority(*event.metadata().level()))
        } else {
            String::new()
        };
        line += &line_of(event);
        line.push('\n');
        if let Some(mut stderr) = self.stderr.as_ref() {
            // There is nobody who could be told.
            let _ = stderr.write_all(line.as_bytes());
        }
    }
}

/// Priority of syslog(3) for a severity.
fn syslog_priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

/// The event as one line of text: its message. Fields are for programs and go to the journal only, so a message must tell
/// people all they need. Control characters, which may come from a client, become spaces, so that one event can never
/// look like two.
#[must_use]
pub fn line_of(event: &Event<'_>) -> String {
    let mut message = Message::default();
    event.record(&mut message);
    message
        .0
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect()
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing to a String cannot fail.
            let _ = write!(self.0, "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Heard(Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber> Layer<S> for Heard {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            self.0.lock().unwrap().push(line_of(event));
        }
    }

    #[test]
    fn an_event_is_one_line_whatever_a_client_puts_into_it() {
        let lines = Heard::default();
        let subscriber = tracing_subscriber::registry().with(lines.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(user = "eve", "Login of {} refused", "eve\n<3>forged");
        });
        let lines = lines.0.lock().unwrap();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0], "Login of eve <3>forged refused");
    }
}
