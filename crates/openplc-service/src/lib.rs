//! Tells the service manager how things are, as sd_notify(3) does, over one socket for the life of the process: by the time
//! that there is something to tell, no other may be opened.
//!
//! This crate must not know what is told.
#![forbid(unsafe_code)]

use std::env;
use std::ffi::OsStr;
use std::fmt::Write;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;

pub use sd_notify::NotifyState;

/// The service manager, if there is one.
#[derive(Debug, Clone, Default)]
pub struct ServiceManager {
    socket: Option<Arc<UnixDatagram>>,
}

impl ServiceManager {
    /// The one that `NOTIFY_SOCKET` names; none where it cannot be reached.
    #[must_use]
    pub fn from_environment() -> Self {
        let socket = env::var_os("NOTIFY_SOCKET").and_then(|path| match connected_to(&path) {
            Ok(socket) => Some(Arc::new(socket)),
            Err(error) => {
                tracing::warn!(
                    "The service manager cannot be reached at {}: {error}",
                    path.display()
                );
                None
            }
        });
        Self { socket }
    }

    /// Tells it, or nobody.
    pub fn notify(&self, state: &NotifyState<'_>) {
        let Some(socket) = &self.socket else { return };
        let mut message = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(message, "{state}");
        if let Err(error) = socket.send(message.as_bytes()) {
            tracing::debug!("The service manager cannot be told: {error}");
        }
    }
}

fn connected_to(path: &OsStr) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    Ok(socket)
}
