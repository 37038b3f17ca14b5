//! The scan threads, and the one place where they and everybody else meet: the [`ScanSlot`].
//!
//! Each task of the program has a thread and a lock of its own, which is held for the whole of a scan; so no task waits for
//! another. Others hold all of these locks, and only for a bounded copy (a debug frame, an exchange of programs). So a
//! debugger never sees a torn value, and a scan is never delayed by more than one such copy.

mod end;
mod exchange;
mod gap;
mod spawner;
mod threads;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use openplc_engine::watch::{Debt, Watch};
use openplc_image::{Address, PlcState};
use openplc_plugin_abi::InScan;
use openplc_program::MAX_TASKS;
use openplc_rt::alarm::Alarm;
use openplc_rt::clock;
use openplc_rt::task_lock::{AllGuard, TaskLock};
use openplc_settings::core::RealTime;

use crate::loaded::{Loaded, ScanTask};
use crate::process_image::ProcessImage;
use crate::real_time::Scheduling;
pub use exchange::ExchangeError;
pub use gap::GAP;
use spawner::Spawner;
pub use spawner::Urgency;

/// The program in scan, if any, also while it is stopped: a debugger may still look at it.
type Active = Option<Loaded>;

/// The thread of one task as others see it; in a cache line of its own, so that no two tasks get in each other's way.
#[derive(Default)]
#[repr(align(64))]
struct ScanThread {
    /// Wakes it before its deadline.
    alarm: Alarm,
    watch: Watch,
}

/// Where the scan threads find their program.
pub struct ScanSlot {
    lock: Arc<TaskLock<Active, Option<ScanTask>>>,
    /// One for each possible task, the most urgent first.
    scan_threads: Box<[ScanThread]>,
    /// Number of the newest program: they are counted as they come.
    newest: AtomicU64,
    /// Number of the program whose scans are executed, or 0. Set while no task executes; cleared at any time, by which scans come to
    /// an end.
    running: AtomicU64,
    /// Whether the PLC was commanded to stop, and [`Self::stop`] has not come to its end yet: no exchange begins scans.
    stop_wanted: AtomicBool,
    /// Whether a stop has ended scans whose last values nobody has asked for yet.
    has_last_values: AtomicBool,
    /// Whether scans have ended by themselves.
    faulted: AtomicBool,
    /// Whether it was by a fault that they ended last.
    in_error: AtomicBool,
    image: Arc<ProcessImage>,
    /// The plugin whose hooks are executed with the scans of the most urgent task, if the administrator has chosen one.
    plugin: OnceLock<Arc<InScan>>,
    /// Whether it was executed when a scan of that task was given up.
    plugin_hangs: AtomicBool,
    /// Where the newest program that was running, and those since, had their located variables.
    bound: Mutex<Vec<Address>>,
    spawner: Spawner,
    /// How many scan threads there are. They stay: those that the program has no task for sleep.
    threads: Mutex<usize>,
}

/// A hanging scan: none of its program's data can be reached.
#[derive(Debug, thiserror::Error)]
#[error("the scan in progress does not end")]
pub struct ScanHangs;

/// The time between scans: no task executes while this exists.
pub struct Pause<'a> {
    all: AllGuard<'a, Active, Option<ScanTask>>,
    running: &'a AtomicU64,
}

/// TIME (ns) of the next scan of any of these tasks.
fn iec_time<'a>(tasks: impl Iterator<Item = &'a mut Option<ScanTask>>) -> u64 {
    let times = tasks.filter_map(|task| Some(task.as_ref()?.cycle.time()));
    times.min().unwrap_or(0)
}

impl Pause<'_> {
    /// The program, whether it is running or not.
    pub fn loaded(&mut self) -> Option<&mut Loaded> {
        self.all.parts().0.as_mut()
    }

    /// Whether it is running.
    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire) != 0
    }

    /// TIME (ns) of the program's next scan.
    pub fn iec_time(&mut self) -> u64 {
        iec_time(self.all.parts().1)
    }

    /// Time (ns) until the next scan is due.
    pub fn idle_time(&mut self) -> u64 {
        let now = clock::now();
        let tasks = self.all.parts().1;
        let rests = tasks.filter_map(|task| Some(task.as_ref()?.cycle.rest(now).unwrap_or(now) - now));
        rests.min().unwrap_or(u64::MAX)
    }
}

impl ScanSlot {
    /// An empty slot with one scan thread. The second value is what scan threads got of `wished`.
    ///
    /// # Errors
    /// When a mutex or a thread cannot be made.
    pub fn start(wished: &RealTime, image: Arc<ProcessImage>) -> io::Result<(Arc<Self>, Scheduling)> {
        let (spawner, scheduling) = Spawner::start(wished)?;
        let slot = Self::vacant(spawner, image)?;
        slot.provide_threads(1)?;
        Ok((slot, scheduling))
    }

    /// An empty slot without threads.
    fn vacant(spawner: Spawner, image: Arc<ProcessImage>) -> io::Result<Arc<Self>> {
        let vacant = (0..MAX_TASKS).map(|_| None);
        let slot = Self {
            lock: Arc::new(TaskLock::new(None, vacant)?),
            scan_threads: (0..MAX_TASKS).map(|_| ScanThread::default()).collect(),
            newest: AtomicU64::new(0),
            running: AtomicU64::new(0),
            stop_wanted: AtomicBool::new(false),
            has_last_values: AtomicBool::new(false),
            faulted: AtomicBool::new(false),
            in_error: AtomicBool::new(false),
            image,
            plugin: OnceLock::new(),
            plugin_hangs: AtomicBool::new(false),
            bound: Mutex::default(),
            spawner,
            threads: Mutex::new(0),
        };
        slot.make_outputs_safe(0, PlcState::Stopped);
        Ok(Arc::new(slot))
    }

    /// From now on the plugin's hooks are executed with the scans of the most urgent task, while it is working. Once.
    pub fn set_plugin(&self, plugin: Arc<InScan>) {
        // A second one there is not.
        let _ = self.plugin.set(plugin);
    }

    /// Access to the program between two scans.
    ///
    /// # Errors
    /// [`ScanHangs`] when a scan does not end within `patience`.
    pub fn between_scans(&self, patience: Duration) -> Result<Pause<'_>, ScanHangs> {
        if self.given_up().is_some() {
            return Err(ScanHangs);
        }
        let now = clock::now();
        let length = |task: usize| self.scan_threads[task].watch.scan_length(now);
        let all = self.lock.all(patience, length).ok_or(ScanHangs)?;
        Ok(Pause {
            all,
            running: &self.running,
        })
    }

    /// The process image.
    pub fn process_image(&self) -> &ProcessImage {
        &self.image
    }

    /// Takes what plugins write while there are no scans, so that they see each other's values.
    pub fn idle(&self) {
        if !self.is_running() {
            self.image.idle(self.moment(), || self.is_running());
        }
    }

    /// The threads that ever had a task, the most urgent first.
    fn watches(&self) -> impl Iterator<Item = &Watch> {
        let watches = self.scan_threads.iter().map(|thread| &thread.watch);
        watches.take_while(|watch| watch.is_used())
    }

    /// What the thread of each task owes, the most urgent first.
    pub fn debts(&self) -> impl Iterator<Item = Option<Debt>> {
        let now = clock::now();
        self.watches().map(move |watch| watch.debt(now))
    }

    /// The most urgent task whose scan in progress was given up, and for how long (ns) it has been executing.
    pub fn given_up(&self) -> Option<(usize, u64)> {
        let given_up = |thread: &ScanThread| thread.watch.is_given_up();
        let task = self.scan_threads.iter().position(given_up)?;
        let debt = self.scan_threads[task].watch.debt(clock::now());
        Some((task, debt.map_or(0, |debt| debt.elapsed)))
    }

    /// Whether a program is running.
    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire) != 0
    }
}

#[cfg(test)]
pub mod tests;
