//! The journal, spoken to by its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL) without ever waiting for it for long.
//!
//! A journald that has stopped, because its disk hangs or somebody halted it, takes nothing any more, and an ordinary write to
//! its socket never returns: every process that logs would come to a standstill, and the watchdog would kill a core that
//! scans. So one event waits for [`PATIENCE`] at most; after that events are lost until the journal takes them again, and then
//! their number is logged. What it took is safe whatever becomes of this process.

use std::fmt::{self, Debug, Write as _};
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::{line_of, syslog_priority};

/// Where journald listens.
const SOCKET: &str = "/run/systemd/journal/socket";
/// Far below any watchdog, and longer than a journald at work is ever late.
const PATIENCE: Duration = Duration::from_millis(200);
/// Greatest length of a field in bytes. A datagram has to fit into the socket's buffer.
const LONGEST: usize = 48 << 10;

/// A destination of events: the journal.
pub(crate) struct Journal {
    identifier: &'static str,
    path: PathBuf,
    connection: Mutex<Connection>,
}

struct Connection {
    socket: UnixDatagram,
    /// Events that the journal did not take since the last one it took.
    lost: u64,
}

impl Journal {
    pub(crate) fn new(identifier: &'static str) -> io::Result<Self> {
        Self::at(Path::new(SOCKET), identifier)
    }

    fn at(path: &Path, identifier: &'static str) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            identifier,
            path: path.to_owned(),
            connection: Mutex::new(Connection { socket, lost: 0 }),
        })
    }

    fn send(&self, entry: &Entry) {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if connection.lost > 0 {
            let message = format!(
                "Messages before this one are lost, because the journal did not take them: {}",
                connection.lost
            );
            if connection.deliver(&self.path, &Entry::new(Level::WARN, self.identifier, &message)) {
                connection.lost = 0;
            }
        }
        // Never this one when its predecessors' number could not be told: the journal must not look complete.
        if connection.lost > 0 || !connection.deliver(&self.path, entry) {
            connection.lost += 1;
        }
    }
}

impl Connection {
    /// Whether the journal took it. It may wait, unless it has done so in vain just now.
    fn deliver(&mut self, path: &Path, entry: &Entry) -> bool {
        let taken = self.socket.send_to(&entry.0, path).is_ok();
        // Where this fails an event may wait once more, or is lost a little sooner.
        let _ = self.socket.set_nonblocking(!taken);
        taken
    }
}

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut entry = Entry::new(*metadata.level(), self.identifier, &line_of(event));
        entry.put("TARGET", metadata.target());
        if let (Some(file), Some(line)) = (metadata.file(), metadata.line()) {
            entry.put("CODE_FILE", file);
            entry.put("CODE_LINE", &line.to_string());
        }
        event.record(&mut entry);
        self.send(&entry);
    }
}

/// Fields of one event as the protocol writes them: name, length, value.
struct Entry(Vec<u8>);

impl Entry {
    fn new(level: Level, identifier: &str, message: &str) -> Self {
        let mut entry = Self(Vec::with_capacity(512));
        entry.put("PRIORITY", &syslog_priority(level).to_string());
        entry.put("SYSLOG_IDENTIFIER", identifier);
        entry.put("MESSAGE", message);
        entry
    }

    fn put(&mut self, name: &str, value: &str) {
        let value = &value[..value.floor_char_boundary(LONGEST)];
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'\n');
        self.0.extend_from_slice(&(value.len() as u64).to_le_bytes());
        self.0.extend_from_slice(value.as_bytes());
        self.0.push(b'\n');
    }

    fn put_own(&mut self, field: &Field, value: &str) {
        // The message is there already, as people read it.
        if field.name() != "message" {
            let name = field.name().to_ascii_uppercase().replace('.', "_");
            self.put(&format!("OPENPLC_{name}"), value);
        }
    }
}

impl Visit for Entry {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_own(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _: fmt::Result = write!(text, "{value:?}");
        self.put_own(field, &text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use tracing_subscriber::layer::SubscriberExt;

    /// The fields of one datagram.
    fn fields(mut datagram: &[u8]) -> HashMap<String, String> {
        let mut fields = HashMap::new();
        while !datagram.is_empty() {
            let end = datagram.iter().position(|byte| *byte == b'\n').unwrap();
            let name = String::from_utf8(datagram[..end].to_vec()).unwrap();
            let (length, rest) = datagram[end + 1..].split_at(8);
            let length = u64::from_le_bytes(length.try_into().unwrap()) as usize;
            fields.insert(name, String::from_utf8(rest[..length].to_vec()).unwrap());
            assert_eq!(rest[length], b'\n');
            datagram = &rest[length + 1..];
        }
        fields
    }

    fn receive(socket: &UnixDatagram) -> HashMap<String, String> {
        let mut datagram = vec![0; 1 << 20];
        let length = socket.recv(&mut datagram).unwrap();
        fields(&datagram[..length])
    }

    fn with_journal(path: &Path, work: impl FnOnce()) {
        let journal = Journal::at(path, "openplc-test").unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(journal), work);
    }

    #[test]
    fn an_event_arrives_with_its_fields() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let journald = UnixDatagram::bind(&path).unwrap();
        with_journal(&path, || {
            let client = "[::1]:4711";
            tracing::warn!(user = "eve\nPRIORITY=0", peer = %client, tries = 3, "Login of {}", "eve\nforged");
            tracing::info!("{}", "ä".repeat(1 << 20));
        });
        let entry = receive(&journald);
        let told = |name: &str| entry[name].as_str();
        assert_eq!(told("MESSAGE"), "Login of eve forged");
        assert_eq!(
            (told("PRIORITY"), told("SYSLOG_IDENTIFIER")),
            ("4", "openplc-test")
        );
        assert_eq!(told("OPENPLC_USER"), "eve\nPRIORITY=0");
        assert_eq!((told("OPENPLC_PEER"), told("OPENPLC_TRIES")), ("[::1]:4711", "3"));
        assert!(told("CODE_FILE").ends_with("journal.rs"));
        assert_eq!(receive(&journald)["MESSAGE"].len(), LONGEST);
    }

    #[test]
    fn a_journal_that_takes_nothing_costs_events_and_no_time_and_says_how_many() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let journald = UnixDatagram::bind(&path).unwrap();
        const EVENTS: u64 = 100_000;
        with_journal(&path, || {
            // Were each to wait, this would take hours.
            for number in 0..EVENTS {
                tracing::info!(number, "An event that may be lost");
            }
            journald.set_nonblocking(true).unwrap();
            let mut taken = 0;
            let mut datagram = [0; 4096];
            while let Ok(length) = journald.recv(&mut datagram) {
                assert_eq!(fields(&datagram[..length])["OPENPLC_NUMBER"], taken.to_string());
                taken += 1;
            }
            assert!(0 < taken && taken < EVENTS);
            tracing::info!("The journal is back");
            let lost = format!("did not take them: {}", EVENTS - taken);
            let told = receive(&journald);
            assert!(told["MESSAGE"].ends_with(&lost), "{told:?}");
            assert_eq!(told["PRIORITY"], "4");
            assert_eq!(receive(&journald)["MESSAGE"], "The journal is back");
        });
    }

    #[test]
    fn a_journal_that_is_absent_is_found_when_it_comes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        with_journal(&path, || {
            tracing::info!("Nobody is there");
            let journald = UnixDatagram::bind(&path).unwrap();
            tracing::info!("Now");
            assert!(receive(&journald)["MESSAGE"].ends_with("did not take them: 1"));
            assert_eq!(receive(&journald)["MESSAGE"], "Now");
        });
    }
}
