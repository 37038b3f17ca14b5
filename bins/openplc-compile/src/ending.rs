//! Why compilers were ended from outside: the client hung up, or time ran out.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use crate::guard;

const NOT_ENDED: u8 = 0;
const CANCELLED: u8 = 1;
const OUT_OF_TIME: u8 = 2;

/// Set once by whoever is first; shared by everybody who waits for compilers.
#[derive(Debug, Clone)]
pub struct Ending {
    state: Arc<AtomicU8>,
    group: i32,
}

impl Ending {
    /// Nothing has ended yet. `group` is the process group of the compilers.
    pub fn new(group: i32) -> Self {
        Self {
            state: Arc::new(AtomicU8::new(NOT_ENDED)),
            group,
        }
    }

    /// Whether the client hung up.
    pub fn is_cancelled(&self) -> bool {
        self.state.load(Ordering::Acquire) == CANCELLED
    }

    /// Whether the build took too long.
    pub fn is_out_of_time(&self) -> bool {
        self.state.load(Ordering::Acquire) == OUT_OF_TIME
    }

    /// Whether nothing more is to be started.
    pub fn has_come(&self) -> bool {
        self.state.load(Ordering::Acquire) != NOT_ENDED
    }

    fn come(&self, why: u8) {
        let first = self
            .state
            .compare_exchange(NOT_ENDED, why, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
        if first {
            guard::end_compilers(self.group);
        }
    }

    /// Ends the build when the client closes `connection`. A client has nothing to say while it waits, so anything else
    /// that arrives ends the build as well.
    pub fn at_hang_up(&self, connection: &UnixStream) -> io::Result<()> {
        let mut connection = connection.try_clone()?;
        connection.set_read_timeout(None)?;
        let ending = self.clone();
        let watch = move || {
            let _ = connection.read(&mut [0; 1]);
            ending.come(CANCELLED);
        };
        thread::Builder::new().spawn(watch).map(drop)
    }

    /// Ends the build after `limit`.
    pub fn after(&self, limit: Duration) -> io::Result<()> {
        let ending = self.clone();
        let watch = move || {
            thread::sleep(limit);
            ending.come(OUT_OF_TIME);
        };
        thread::Builder::new().spawn(watch).map(drop)
    }
}
