//! Who starts the scan threads and the one that watches them. They must be real-time, but the privilege for that is gone before a program is loaded: so
//! one thread gets real-time scheduling at the very start, and every thread that it starts inherits it.

use std::io;
use std::sync::mpsc::{self, Sender, SyncSender};
use std::thread;

use openplc_rt::scheduling::{self, Children, Policy};
use openplc_settings::core::RealTime;

use crate::daemon;
use crate::real_time::{self, Scheduling};

/// Least priority of a real-time thread.
const LEAST_PRIORITY: i32 = 1;

/// What a thread executes.
type Work = Box<dyn FnOnce() + Send>;

/// How urgent a thread is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// More urgent than any scan, on any processor that the process was given.
    AboveScans,
    /// The scans of a task; 0 is the most urgent one.
    Scan(usize),
    /// Not more urgent than any scan, but than everything that is not real-time; on any processor that the process was given.
    BelowScans,
}

/// A thread to be.
pub struct RealTimeThread {
    /// Name, at most 15 bytes.
    pub name: String,
    /// How urgent it is.
    pub urgency: Urgency,
    /// Bytes of stack.
    pub stack: usize,
}

struct Order {
    thread: RealTimeThread,
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
            let given = scheduling::affinity();
            let scheduling = Scheduling::obtain(&wished);
            let policy = scheduling.policy();
            // The capability is needed no longer, and a program must never have it.
            real_time::drop_capabilities();
            let _ = sender.send(scheduling);
            received
                .into_iter()
                .for_each(|order: Order| order.execute(policy, &wished, given.as_ref().ok()));
        })?;
        let scheduling = scheduling.recv().map_err(io::Error::other)?;
        Ok((Self { orders }, scheduling))
    }

    /// Starts a thread.
    ///
    /// # Errors
    /// When there is none to be had.
    pub fn spawn(&self, thread: RealTimeThread, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let (done, started) = mpsc::sync_channel(1);
        let order = Order {
            thread,
            work: Box::new(work),
            done,
        };
        let gone = || io::Error::other("the thread that starts scan threads has ended");
        self.orders.send(order).map_err(|_| gone())?;
        started.recv().map_err(|_| gone())?
    }
}

impl Order {
    /// `given` are the processors that the process was given.
    fn execute(self, policy: Policy, wished: &RealTime, given: Option<&Vec<usize>>) {
        let RealTimeThread { name, urgency, stack } = self.thread;
        let of_scans = wished.priority;
        let (work, done, given) = (self.work, self.done, given.cloned());
        let started = thread::Builder::new()
            .name(name)
            .stack_size(stack)
            .spawn(move || {
                match urgency {
                    // The priority as it was inherited from the spawner.
                    Urgency::AboveScans => settle_on(given.as_deref()),
                    Urgency::Scan(rank) => {
                        let rank = i32::try_from(rank).unwrap_or(i32::MAX);
                        settle(policy, of_scans.saturating_sub(rank).max(LEAST_PRIORITY));
                    }
                    Urgency::BelowScans => {
                        settle(policy, LEAST_PRIORITY);
                        settle_on(given.as_deref());
                    }
                }
                work();
            });
        // Whoever ordered it waits for this.
        let _ = done.send(started.map(drop));
    }
}

/// On all processors that the process was given: what was inherited is the choice for scans.
fn settle_on(given: Option<&[usize]>) {
    let _ = given.map(scheduling::set_affinity);
}

/// Takes the thread's own place among the others.
fn settle(policy: Policy, priority: i32) {
    // Not higher than what was inherited, so it needs no privilege.
    if let Err(error) = scheduling::set(policy, priority, Children::Ordinary) {
        tracing::warn!("A thread has not got {} {priority}: {error}", policy.name());
    }
    // Only matters where the policy is not real-time; harmless if it fails.
    let _ = scheduling::set_least_timer_slack();
}
