//! One attachment to the core, from connecting to the end of the connection.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use openplc_image::{FormatError, ImageReader, JournalWriter, WriteError};
use openplc_rt::shared_memory::SharedMemory;
use openplc_wire::image::{Attach, Attached, MAX_MESSAGE};
use openplc_wire::transport::{Connection, TransportError};
use thiserror::Error;

/// How long the core may take to answer, or to take what is sent.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no attachment.
#[derive(Debug, Error)]
pub(crate) enum AttachError {
    #[error("the scan engine (openplc-core) cannot be reached: {0}")]
    Connect(io::Error),
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("the scan engine sent no memory to share")]
    NoMemory,
    #[error(transparent)]
    Memory(#[from] io::Error),
    #[error(transparent)]
    Image(#[from] FormatError),
    #[error(transparent)]
    Journal(#[from] WriteError),
}

/// What the core has handed out.
#[derive(Debug)]
pub(crate) struct Session {
    /// Tells sessions apart.
    pub number: u64,
    pub image: ImageReader<SharedMemory>,
    journal: Mutex<JournalWriter<SharedMemory>>,
}

impl Session {
    /// Connects and introduces itself. The connection is for reports and orders.
    pub fn attach(socket: &Path, plugin: &str, number: u64) -> Result<(Self, Connection), AttachError> {
        let stream = UnixStream::connect(socket).map_err(AttachError::Connect)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut connection = Connection::new(stream, MAX_MESSAGE);
        let plugin = plugin.to_owned();
        connection.send(&Attach { plugin })?;
        let (answer, descriptors) = connection.receive()?;
        if let Attached::Refused { message } = answer {
            return Err(AttachError::Refused(message));
        }
        let [image, journal] = <[_; 2]>::try_from(descriptors).map_err(|_| AttachError::NoMemory)?;
        let session = Self {
            number,
            image: ImageReader::new(SharedMemory::open(image, false)?)?,
            journal: Mutex::new(JournalWriter::new(SharedMemory::open(journal, true)?)?),
        };
        Ok((session, connection))
    }

    /// Only one thread at a time may append.
    pub fn journal(&self) -> MutexGuard<'_, JournalWriter<SharedMemory>> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
