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

use crate::left_over::{self, LeftOver};

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

    /// Waits for the order to build, with the upload and what an earlier build has left. The inner error is one for the client.
    pub fn upload(&mut self) -> Result<Result<(Vec<u8>, LeftOver), String>, TransportError> {
        let (order, descriptors) = self.connection.receive::<Order>()?;
        let mut descriptors = descriptors.into_iter();
        let (upload, left_over): (OwnedFd, Option<OwnedFd>) =
            match (order, descriptors.next(), descriptors.next(), descriptors.next()) {
                (Order::Build, Some(upload), left_over, None) => (upload, left_over),
                _ => return Ok(Err("The order to build did not come with one upload.".into())),
            };
        let left_over = left_over.and_then(|file| memory_file::read_sealed(file, left_over::MOST_FILE).ok());
        let left_over = left_over
            .map(|bytes| LeftOver::decode(&bytes))
            .unwrap_or_default();
        Ok(memory_file::read_sealed(upload, limits::ARCHIVE_SIZE)
            .map(|upload| (upload, left_over))
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
    pub fn built(
        &mut self,
        object: &File,
        manifest: &File,
        left_over: Option<&File>,
    ) -> Result<(), TransportError> {
        let files = [Some(object), Some(manifest), left_over];
        let descriptors: Vec<_> = files.into_iter().flatten().map(AsFd::as_fd).collect();
        self.connection.send_with(&Report::Built, &descriptors)
    }
}
