//! The control socket: a thread for each client, so that none can hold up another.

use std::io;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::connection;
use crate::daemon::STACK;
use crate::log_ring::LogRing;
use crate::machine::Machine;
use crate::plugins::Plugins;

/// Clients served at once; the API needs about a dozen.
const MAX_CLIENTS: usize = 64;
/// Pause after a failed accept: it may be for want of descriptors, which only time gives back.
const RECOVERY: Duration = Duration::from_millis(100);

/// Counts a client for as long as it lives.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Accepts clients for the life of the process, on a thread of its own.
///
/// # Errors
/// When that thread cannot be made.
pub fn start(
    listener: UnixListener,
    machine: Arc<Machine>,
    plugins: Option<Arc<Plugins>>,
    log: LogRing,
) -> io::Result<()> {
    thread::Builder::new()
        .name("control".into())
        .stack_size(STACK)
        .spawn(move || accept_for_ever(&listener, &machine, plugins.as_ref(), &log))
        .map(drop)
}

fn accept_for_ever(
    listener: &UnixListener,
    machine: &Arc<Machine>,
    plugins: Option<&Arc<Plugins>>,
    log: &LogRing,
) {
    let clients = Arc::new(AtomicUsize::new(0));
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::error!("No control client can be accepted: {error}");
                thread::sleep(RECOVERY);
                continue;
            }
        };
        let place = Place(clients.clone());
        if clients.fetch_add(1, Ordering::Relaxed) >= MAX_CLIENTS {
            tracing::warn!("A control client was turned away: {MAX_CLIENTS} are connected already");
            continue;
        }
        let (machine, plugins, log) = (machine.clone(), plugins.cloned(), log.clone());
        let started = thread::Builder::new()
            .name("client".into())
            .stack_size(STACK)
            .spawn(move || {
                let _place = place;
                connection::serve(stream, &machine, plugins.as_deref(), &log);
            });
        if let Err(error) = started {
            tracing::error!("A control client was turned away: no thread for it: {error}");
        }
    }
}
