//! The worker's end of the build conversation.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use openplc_bundle::limits;
use openplc_wire::build::{Order, Report};
use openplc_wire::control::Level;
use openplc_wire::frame;
use openplc_wire::manifest::{Generation, ProgramId};
use openplc_wire::memory_file;
use openplc_wire::transport::{Connection, TransportError};

/// Longest time that a client may take to say or to hear something.
const PATIENCE: Duration = Duration::from_secs(60);

/// The client, as the worker sees it.
#[derive(Debug)]
pub struct Conversation {
    connection: Connection,
}

impl Conversation {
    /// Speaks over `stream`.
    ///
    /// # Errors
    /// When the stream takes no time-outs.
    pub fn new(stream: UnixStream) -> io::Result<Self> {
        // A client that says nothing must not hold one of the few places for builds.
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            connection: Connection::new(stream, frame::MAX_REQUEST),
        })
    }

    /// The stream, to notice a hang-up.
    pub fn stream(&self) -> &UnixStream {
        self.connection.stream()
    }

    /// Waits for the order to build. The inner error is one for the client.
    pub fn upload(&mut self) -> Result<Result<Vec<u8>, String>, TransportError> {
        let (order, mut descriptors) = self.connection.receive::<Order>()?;
        let descriptor: OwnedFd = match (order, descriptors.pop()) {
            (Order::Build, Some(descriptor)) if descriptors.is_empty() => descriptor,
            _ => return Ok(Err("The order to build did not come with one upload.".into())),
        };
        Ok(memory_file::read_sealed(descriptor, limits::ARCHIVE_SIZE)
            .map_err(|error| format!("The upload cannot be read: {error}.")))
    }

    /// Waits until the client wants the program compiled.
    pub fn proceed(&mut self) -> Result<(), TransportError> {
        match self.connection.receive::<Order>()? {
            (Order::Proceed, _) => Ok(()),
            (Order::Build, _) => Err(TransportError::WrongKind),
        }
    }

    /// Adds a line to the build log. An error is not reported: the client is gone, and the hang-up ends the build.
    pub fn log(&mut self, level: Level, line: impl Into<String>) {
        let _ = self.connection.send(&Report::Log {
            level,
            line: line.into(),
        });
    }

    /// The zip is sound.
    pub fn identified(&mut self, program: ProgramId, generation: Generation) -> Result<(), TransportError> {
        self.connection.send(&Report::Identified { program, generation })
    }

    /// The zip breaks a rule. The last report.
    pub fn rejected(&mut self, reason: String) -> Result<(), TransportError> {
        self.connection.send(&Report::Rejected { reason })
    }

    /// The build failed. The last report.
    pub fn failed(&mut self, reason: String) -> Result<(), TransportError> {
        self.connection.send(&Report::Failed { reason })
    }

    /// The build succeeded. The last report.
    pub fn built(&mut self, object: &File, manifest: &File) -> Result<(), TransportError> {
        self.connection
            .send_with(&Report::Built, &[object.as_fd(), manifest.as_fd()])
    }
}
