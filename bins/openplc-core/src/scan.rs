//! The scan threads, and the one place where they and everybody else meet: the [`ScanSlot`].
//!
//! Each task of the program has a thread and a lock of its own, which is held for the whole of a scan; so no task waits for
//! another. Others hold all of these locks, and only for a bounded copy (a debug frame, an exchange of programs). So a
//! debugger never sees a torn value, and a scan is never delayed by more than one such copy.

mod gap;
mod spawner;
mod threads;

use std::io;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use openplc_engine::watch::{Debt, Watch};
use openplc_image::{Address, Moment, PlcState};
use openplc_plugin_abi::InScan;
use openplc_program::MAX_TASKS;
use openplc_rt::alarm::Alarm;
use openplc_rt::task_lock::{AllGuard, TaskLock};
use openplc_rt::{clock, fault_record};
use openplc_settings::core::RealTime;

use crate::loaded::{Loaded, ScanTask, TaskFault};
use crate::process_image::{ProcessImage, Replacement};
use crate::real_time::Scheduling;
pub use gap::GAP;
use spawner::Spawner;
pub use spawner::Urgency;

/// How long [`ScanSlot::take_fault`] waits for the other tasks.
const FAULT_PATIENCE: Duration = Duration::from_millis(20);

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
    /// Whether scans are executed. Set while no task executes; cleared at any time, by which scans come to an end.
    running: AtomicBool,
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

/// Why programs were not exchanged.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// Of the program before.
    #[error("{ScanHangs}. The watchdog will restart the scan engine; then upload again")]
    Hangs,
    /// The program has more tasks than there are scan threads.
    #[error("there is no thread for each of the program's tasks: {0}")]
    Threads(io::Error),
    /// The program wants a process image of another size.
    #[error("there is no memory for a process image of the size that the program needs: {0}")]
    Image(io::Error),
    /// The new program was to run.
    #[error("the PLC was commanded to stop meanwhile")]
    Stopped,
}

/// The time between scans: no task executes while this exists.
pub struct Pause<'a> {
    all: AllGuard<'a, Active, Option<ScanTask>>,
    running: &'a AtomicBool,
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
        self.running.load(Ordering::Acquire)
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
            running: AtomicBool::new(false),
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
        slot.make_outputs_safe(PlcState::Stopped);
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

    /// Exchanges the program between two scans and returns the one before. A task with the same interval as the one in
    /// whose place it comes goes on in its phase, so that not one deadline is missed; otherwise its first scan is due at once.
    /// `hand_over` may copy from a program that was running until now, and whose next scan was due at this TIME (ns), to the one
    /// that takes its place; it must not allocate, and takes `hand_over_time` ns at most.
    ///
    /// # Errors
    /// [`ExchangeError`], and then nothing was exchanged: `new` comes back.
    pub fn exchange(
        self: &Arc<Self>,
        mut new: Loaded,
        run: bool,
        patience: Duration,
        hand_over_time: u64,
        hand_over: impl FnOnce(&mut Loaded, &mut Loaded, u64),
    ) -> Result<Option<Loaded>, (ExchangeError, Box<Loaded>)> {
        if let Err(error) = self.provide_threads(new.figures.len()) {
            return Err((ExchangeError::Threads(error), Box::new(new)));
        }
        let mut resized = match self.image.prepare(new.image_sizes()) {
            Ok(resized) => resized,
            Err(error) => return Err((ExchangeError::Image(error), Box::new(new))),
        };
        let hand_over_time = hand_over_time + resized.as_ref().map_or(0, Replacement::time);
        // Held to the end, because only one exchange at a time knows what it follows.
        let mut bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        new.prepare_to_begin(&bound, self.image.policy());
        let addresses = new.located_addresses().to_vec();
        let Ok((Pause { mut all, .. }, fits)) = self.in_a_gap_of(GAP + hand_over_time, patience) else {
            return Err((ExchangeError::Hangs, Box::new(new)));
        };
        if run && self.is_stop_wanted() {
            drop(all);
            return Err((ExchangeError::Stopped, Box::new(new)));
        }
        // From here on nothing allocates: a thread in the way would be waited for without its priority being raised.
        let iec_ns = iec_time(all.parts().1);
        let (active, tasks) = all.parts();
        let ran = self.running.load(Ordering::Relaxed);
        // A fault in the very first scan of the new program must not be overwritten: its threads wait for us.
        let faulted = self.faulted.swap(false, Ordering::Relaxed);
        if let (Some(old), true) = (&mut *active, ran) {
            hand_over(old, &mut new, iec_ns);
        }
        resized = resized.map(|resized| self.image.replace(resized));
        if run {
            new.begin(&self.image, ran);
        }
        let now = clock::now();
        for ((task, parked), thread) in tasks.zip(&mut new.tasks).zip(&self.scan_threads) {
            if let Some(new) = parked {
                let before = task.as_ref().filter(|_| ran || faulted);
                new.cycle.follow(before.map(|before| &before.cycle), now);
                thread
                    .watch
                    .exchange(new.cycle.rest(now).unwrap_or(now), new.period, new.allowance);
            }
            mem::swap(task, parked);
        }
        fault_record::set_code(new.program.addresses());
        self.has_last_values.store(false, Ordering::Relaxed);
        // Whoever wants a stop does it the other way round. So one of us sees what the other has done.
        self.running.store(run, Ordering::SeqCst);
        if self.stop_wanted.load(Ordering::SeqCst) {
            self.end_scans();
        }
        let mut old = active.replace(new);
        if let (Some(old), Some(new)) = (&mut old, active) {
            mem::swap(&mut old.tasks, &mut new.tasks);
        }
        drop(all);
        // The outputs of one before this one are still as it left them until scans begin.
        if run {
            bound.clear();
        }
        bound.extend(addresses);
        drop(resized);
        self.scan_threads.iter().for_each(|thread| thread.alarm.ring());
        if !fits {
            tracing::warn!(
                "The programs were exchanged although that takes longer ({} µs) than the time between two scans: the next \
                 scan may have been late",
                (GAP + hand_over_time) / 1000
            );
        }
        Ok(old)
    }

    /// The process image.
    pub fn process_image(&self) -> &ProcessImage {
        &self.image
    }

    /// Takes what plugins write while there are no scans, so that they see each other's values.
    pub fn idle(&self) {
        if !self.running.load(Ordering::Acquire) {
            self.image
                .idle(self.moment(), || self.running.load(Ordering::Acquire));
        }
    }

    /// Makes the outputs safe at once, without waiting for a scan in progress or for who holds a lock: that scan is the last
    /// one. What else belongs to a stop is left to [`Self::stop`], and until then no exchange begins scans.
    pub fn want_stop(&self) {
        self.stop_wanted.store(true, Ordering::SeqCst);
        self.end_scans();
    }

    /// Whether a stop is wanted that has not come to its end.
    pub fn is_stop_wanted(&self) -> bool {
        self.stop_wanted.load(Ordering::SeqCst)
    }

    /// Ends the scans and makes the outputs safe, as [`Self::want_stop`] does, and waits for the end of a scan in progress; the
    /// program stays for debuggers. Returns whether its scans have ended by that, so that its values are those of a whole scan.
    ///
    /// # Errors
    /// [`ScanHangs`]: outputs are safe, and the stop is still wanted.
    pub fn stop(&self, patience: Duration) -> Result<bool, ScanHangs> {
        self.want_stop();
        let mut pause = self.between_scans(patience)?;
        // The last scan may have been given up.
        self.make_outputs_safe(PlcState::Stopped);
        let has_last_values = self.has_last_values.swap(false, Ordering::Relaxed);
        let faulted = self.forget_faults(&mut pause);
        self.stop_wanted.store(false, Ordering::SeqCst);
        Ok(has_last_values && !faulted)
    }

    fn end_scans(&self) {
        if self.running.swap(false, Ordering::SeqCst) {
            self.has_last_values.store(true, Ordering::Relaxed);
            self.make_outputs_safe(PlcState::Stopped);
        }
    }

    /// Takes the program out, ends its scans and makes the outputs safe.
    ///
    /// # Errors
    /// [`ScanHangs`].
    pub fn take(&self, patience: Duration) -> Result<Option<Loaded>, ScanHangs> {
        let mut pause = self.between_scans(patience)?;
        self.running.store(false, Ordering::Release);
        self.has_last_values.store(false, Ordering::Relaxed);
        self.make_outputs_safe(PlcState::Stopped);
        self.forget_faults(&mut pause);
        let (active, tasks) = pause.all.parts();
        let mut taken = active.take();
        if let Some(taken) = &mut taken {
            for (task, parked) in tasks.zip(&mut taken.tasks) {
                mem::swap(task, parked);
            }
        }
        Ok(taken)
    }

    /// A fault that nobody has been told of matters no longer: somebody has stopped the PLC. Returns whether there was one.
    fn forget_faults(&self, pause: &mut Pause<'_>) -> bool {
        let tasks = pause.all.parts().1;
        tasks.flatten().for_each(|task| task.fault = None);
        self.faulted.swap(false, Ordering::AcqRel)
    }

    /// Gives up the scan of a task that began at `began` (ns): outputs are made safe at once, and if the scan ends after all, it
    /// was the last one. One that has ended just now is not given up any more.
    pub fn give_up(&self, task: usize, began: u64) {
        if let Some(scan) = self.scan_threads[task].watch.give_up(began) {
            self.plugin_hangs
                .store(task == 0 && fault_record::is_in_plugin(), Ordering::Release);
            self.end_in_error();
            fault_record::set_hanging(task as u32, scan);
        }
    }

    /// Ends the scans because of something that no scan knows of.
    pub fn end_in_error(&self) {
        self.running.store(false, Ordering::Release);
        self.make_outputs_safe(PlcState::Error);
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

    /// Why scans ended by themselves since the last exchange; told once.
    pub fn take_fault(&self) -> Option<TaskFault> {
        if !self.faulted.load(Ordering::Acquire) {
            return None;
        }
        let mut all = self.lock.all(FAULT_PATIENCE, |_| 0)?;
        self.faulted.store(false, Ordering::Relaxed);
        all.parts().1.find_map(|task| task.as_mut()?.fault.take())
    }

    /// Whether a program is running.
    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire)
    }

    /// The PLC is in ERROR for another reason than a fault in a scan.
    pub fn note_error(&self) {
        self.in_error.store(true, Ordering::Relaxed);
    }

    /// Tells plugins that there are no scans. Whoever calls this has cleared `running`, so that no scan in progress changes the
    /// outputs after it.
    fn make_outputs_safe(&self, state: PlcState) {
        self.in_error.store(state == PlcState::Error, Ordering::Relaxed);
        self.image.make_safe(self.moment());
    }

    /// What plugins are told while there are no scans.
    fn moment(&self) -> Moment {
        let in_error = self.in_error.load(Ordering::Relaxed);
        Moment {
            state: if in_error {
                PlcState::Error
            } else {
                PlcState::Stopped
            },
            time_ns: clock::now(),
            ..Moment::default()
        }
    }
}

#[cfg(test)]
pub mod tests;
