//! The control socket: a thread for each client, so that none can hold up another.
//!
//! Threads wait for clients, and not clients for a thread to be made: while code of a program is executed within `dlopen` or
//! `dlclose`, which may take long, a new thread waits for the end of that. Who wants to stop the PLC must not.

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::connection;
use crate::daemon::STACK;
use crate::log_ring::LogRing;
use crate::machine::Machine;
use crate::plugins::Plugins;

/// Clients served at once; the API needs about a dozen. Others wait until one of them leaves.
const MAX_CLIENTS: usize = 64;
/// Threads that wait for clients, at least; at most twice as many stay. Locked memory holds their stacks.
const WAITING: usize = 8;
/// Pause after a failed accept: it may be for want of descriptors, which only time gives back.
const RECOVERY: Duration = Duration::from_millis(100);

struct Server {
    listener: UnixListener,
    machine: Arc<Machine>,
    plugins: Option<Arc<Plugins>>,
    log: LogRing,
    /// Its threads, and how many of them wait for a client.
    threads: AtomicUsize,
    waiting: AtomicUsize,
}

/// Accepts clients for the life of the process, on threads of its own.
///
/// # Errors
/// When these cannot be made.
pub fn start(
    listener: UnixListener,
    machine: Arc<Machine>,
    plugins: Option<Arc<Plugins>>,
    log: LogRing,
) -> io::Result<()> {
    let server = Arc::new(Server {
        listener,
        machine,
        plugins,
        log,
        threads: AtomicUsize::new(0),
        waiting: AtomicUsize::new(0),
    });
    (0..WAITING).try_for_each(|_| server.add_thread())
}

impl Server {
    /// Adds a thread, unless there is one for each client that may be served.
    fn add_thread(self: &Arc<Self>) -> io::Result<()> {
        if self.threads.fetch_add(1, Ordering::Relaxed) >= MAX_CLIENTS {
            self.threads.fetch_sub(1, Ordering::Relaxed);
            return Ok(());
        }
        let server = self.clone();
        let started = thread::Builder::new()
            .name("client".into())
            .stack_size(STACK)
            .spawn(move || {
                become_able_to_start_threads();
                server.accept_while_needed();
                server.threads.fetch_sub(1, Ordering::Relaxed);
            });
        started.map(drop).inspect_err(|_| {
            self.threads.fetch_sub(1, Ordering::Relaxed);
        })
    }

    /// Serves one client after the other, until more threads than enough wait for them.
    fn accept_while_needed(self: &Arc<Self>) {
        while self.waiting.fetch_add(1, Ordering::Relaxed) < 2 * WAITING {
            let accepted = self.listener.accept();
            let others = self.waiting.fetch_sub(1, Ordering::Relaxed) - 1;
            match accepted {
                Ok((stream, _)) => self.serve(stream, others),
                Err(error) => {
                    tracing::error!("No control client can be accepted: {error}");
                    thread::sleep(RECOVERY);
                }
            }
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// Serves a client. So many `others` wait for the next one.
    fn serve(self: &Arc<Self>, stream: UnixStream, others: usize) {
        if others < WAITING
            && let Err(error) = self.add_thread()
        {
            tracing::error!("There is no further thread for control clients: {error}");
        }
        connection::serve(stream, &self.machine, self.plugins.as_deref(), &self.log);
    }
}

/// When a thread starts another one for the first time it registers something with the dynamic linker. A client's command must not wait
/// for that while code of a program is executed there: so it is done before.
fn become_able_to_start_threads() {
    let first = thread::Builder::new().name("client".into()).stack_size(STACK);
    // Where there is no thread to be had there will be none for a program either.
    let _ = first.spawn(|| {}).map(JoinHandle::join);
}
