//! Who starts the scan threads. They must be real-time, but the privilege for that is gone before a program is loaded: so
//! one thread gets real-time scheduling at the very start, and every thread that it starts inherits it.

use std::io;
use std::sync::mpsc::{self, Sender, SyncSender};
use std::thread;

use openplc_rt::memory;
use openplc_rt::scheduling::{self, Children, Policy};
use openplc_settings::core::RealTime;

use crate::daemon;
use crate::real_time::{self, Scheduling};

/// Stack of a scan thread, in bytes. Programs keep their variables elsewhere, but texts that a function block computes
/// and the arrays of C blocks lie here.
const STACK: usize = 4 << 20;

/// What a scan thread executes.
type Work = Box<dyn FnOnce() + Send>;

struct Order {
    name: String,
    /// How much less urgent than the first task's thread.
    rank: i32,
    work: Work,
    done: SyncSender<io::Result<()>>,
}

/// The thread that starts the scan threads.
pub struct Spawner {
    orders: Sender<Order>,
}

impl Spawner {
    /// Starts it with real-time scheduling as far as that is granted.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn start(wished: &RealTime) -> io::Result<(Self, Scheduling)> {
        let (orders, received) = mpsc::channel();
        let (sender, scheduling) = mpsc::sync_channel(1);
        let wished = wished.clone();
        let spawner = thread::Builder::new()
            .name("spawner".into())
            .stack_size(daemon::STACK);
        spawner.spawn(move || {
            let scheduling = Scheduling::obtain(&wished);
            let (policy, priority) = (scheduling.policy(), wished.priority);
            // The capability is needed no longer, and a program must never have it.
            real_time::drop_capabilities();
            let _ = sender.send(scheduling);
            received
                .into_iter()
                .for_each(|order: Order| order.execute(policy, priority));
        })?;
        let scheduling = scheduling.recv().map_err(io::Error::other)?;
        Ok((Self { orders }, scheduling))
    }

    /// Starts a scan thread. `rank` 0 is the most urgent one.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn spawn(&self, rank: usize, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let (done, started) = mpsc::sync_channel(1);
        let order = Order {
            name: format!("scan-{rank}"),
            rank: i32::try_from(rank).unwrap_or(i32::MAX),
            work: Box::new(work),
            done,
        };
        let gone = || io::Error::other("the thread that starts scan threads has ended");
        self.orders.send(order).map_err(|_| gone())?;
        started.recv().map_err(|_| gone())?
    }
}

impl Order {
    fn execute(self, policy: Policy, highest: i32) {
        let Self {
            name,
            rank,
            work,
            done,
        } = self;
        let started = thread::Builder::new()
            .name(name)
            .stack_size(STACK)
            .spawn(move || {
                settle(policy, highest.saturating_sub(rank).max(1));
                work();
            });
        // Whoever ordered it waits for this.
        let _ = done.send(started.map(drop));
    }
}

/// What a scan thread does before its first scan.
fn settle(policy: Policy, priority: i32) {
    // Not higher than what was inherited, so it needs no privilege.
    if let Err(error) = scheduling::set(policy, priority, Children::Ordinary) {
        tracing::warn!("A scan thread has not got {} {priority}: {error}", policy.name());
    }
    // Only matters where the policy is not real-time; harmless if it fails.
    let _ = scheduling::set_least_timer_slack();
    memory::touch_stack();
}
