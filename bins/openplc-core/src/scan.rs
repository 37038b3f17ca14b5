//! The scan thread, and the one place where it and everybody else meet: the [`ScanSlot`].
//!
//! The slot's mutex is held for the whole of a scan, and by others only for a bounded copy (a debug frame, an exchange of
//! programs). So a debugger never sees a torn value, and a scan is never delayed by more than one such copy.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use openplc_engine::schedule::Schedule;
use openplc_program::Fault;
use openplc_rt::alarm::Alarm;
use openplc_rt::pi_mutex::{PiGuard, PiMutex};
use openplc_rt::{clock, scheduling};

use crate::loaded::Loaded;
use crate::real_time::SCAN_PRIORITY;

/// Stack of the scan thread, in bytes. Programs keep their variables elsewhere, but texts that a function block computes
/// and the arrays of C blocks lie here.
const STACK: usize = 4 << 20;

/// The program in scan, if any.
#[derive(Default)]
pub struct Active {
    /// The program, also while it is stopped: a debugger may still look at it.
    pub loaded: Option<Loaded>,
    /// Whether scans are executed.
    pub running: bool,
    /// Why scans ended by themselves.
    pub fault: Option<Fault>,
}

/// Where the scan thread finds its program.
pub struct ScanSlot {
    active: PiMutex<Active>,
    /// Wakes the scan thread before its deadline.
    alarm: Alarm,
    /// Start (ns) of the scan in progress, or 0.
    scan_since: AtomicU64,
    /// Longest time (ns) that a scan may take before it counts as hanging.
    allowance: AtomicU64,
    faulted: AtomicBool,
}

/// A hanging scan: none of its program's data can be reached.
#[derive(Debug, thiserror::Error)]
#[error("the scan in progress does not end")]
pub struct ScanHangs;

impl ScanSlot {
    /// An empty slot and its thread. The second value is what became of the thread's real-time priority.
    ///
    /// # Errors
    /// When the mutex or the thread cannot be made.
    pub fn start() -> io::Result<(Arc<Self>, io::Result<()>)> {
        let slot = Arc::new(Self {
            active: PiMutex::new(Active::default())?,
            alarm: Alarm::default(),
            scan_since: AtomicU64::new(0),
            allowance: AtomicU64::new(u64::MAX),
            faulted: AtomicBool::new(false),
        });
        let (sender, priority) = mpsc::channel();
        thread::Builder::new()
            .name("scan".into())
            .stack_size(STACK)
            .spawn({
                let slot = slot.clone();
                move || {
                    let priority = scheduling::set_fifo(SCAN_PRIORITY);
                    // Only matters where the priority was refused; harmless if it fails too.
                    let _ = scheduling::set_least_timer_slack();
                    // The thread needs its capability no longer, and the program must never have it.
                    let _ = caps::clear(None, caps::CapSet::Effective);
                    let _ = caps::clear(None, caps::CapSet::Permitted);
                    let _ = caps::clear(None, caps::CapSet::Inheritable);
                    let _ = sender.send(priority);
                    slot.scan_for_ever();
                }
            })?;
        let priority = priority.recv().map_err(io::Error::other)?;
        Ok((slot, priority))
    }

    /// Access to the program between two scans.
    ///
    /// # Errors
    /// [`ScanHangs`] when no scan ends within `patience`.
    pub fn between_scans(&self, patience: Duration) -> Result<PiGuard<'_, Active>, ScanHangs> {
        self.active.lock_within(patience).ok_or(ScanHangs)
    }

    /// Exchanges the program between two scans and returns the one before. When both run at the same interval, the
    /// deadlines go on in phase, so that not one is missed; otherwise the first scan is due at once.
    ///
    /// # Errors
    /// [`ScanHangs`], and then nothing was exchanged: `new` comes back.
    pub fn exchange(
        &self,
        mut new: Loaded,
        run: bool,
        patience: Duration,
    ) -> Result<Option<Loaded>, (ScanHangs, Box<Loaded>)> {
        let allowance = new.scan_allowance();
        let old = {
            let Some(mut active) = self.active.lock_within(patience) else {
                return Err((ScanHangs, Box::new(new)));
            };
            match &active.loaded {
                Some(old) if active.running && old.interval() == new.interval() => {
                    new.schedule = old.schedule.clone();
                }
                _ => new.schedule = Schedule::new(new.interval(), clock::now()),
            }
            active.running = run;
            active.fault = None;
            // While the scan thread waits for us: a fault in its very first scan must not be overwritten.
            self.faulted.store(false, Ordering::Relaxed);
            self.allowance.store(allowance, Ordering::Relaxed);
            active.loaded.replace(new)
        };
        self.alarm.ring();
        Ok(old)
    }

    /// Ends the scans; the program stays for debuggers.
    ///
    /// # Errors
    /// [`ScanHangs`].
    pub fn stop(&self, patience: Duration) -> Result<(), ScanHangs> {
        self.between_scans(patience)?.running = false;
        Ok(())
    }

    /// Takes the program out. Scans must have been stopped.
    ///
    /// # Errors
    /// [`ScanHangs`].
    pub fn take(&self, patience: Duration) -> Result<Option<Loaded>, ScanHangs> {
        let mut active = self.between_scans(patience)?;
        active.running = false;
        Ok(active.loaded.take())
    }

    /// Whether scans ended by themselves since the last exchange; told once.
    pub fn take_fault(&self) -> Option<Fault> {
        self.faulted
            .swap(false, Ordering::Acquire)
            .then(|| self.active.lock().fault.clone())?
    }

    /// For how long (ns) the scan in progress has been overdue, if it is.
    pub fn hanging_for(&self) -> Option<u64> {
        let since = self.scan_since.load(Ordering::Relaxed);
        let elapsed = clock::now().saturating_sub(since);
        (since != 0 && elapsed > self.allowance.load(Ordering::Relaxed)).then_some(elapsed)
    }

    fn scan_for_ever(&self) {
        loop {
            let rings = self.alarm.rings();
            let due = self.scan();
            self.alarm.sleep(due, rings);
        }
    }

    /// Executes the scan that is due, if any, and returns the next deadline.
    fn scan(&self) -> Option<u64> {
        let mut active = self.active.lock();
        let Active {
            loaded: Some(loaded),
            running: true,
            ..
        } = &mut *active
        else {
            return None;
        };
        let started = clock::now();
        let deadline = loaded.schedule.deadline();
        if started < deadline {
            // Woken early, or for another program than the one that runs now.
            return Some(deadline);
        }
        self.scan_since.store(started, Ordering::Relaxed);
        let result = loaded.scan();
        let ended = clock::now();
        self.scan_since.store(0, Ordering::Relaxed);
        let skipped = loaded.schedule.advance(ended);
        loaded.recorder.record(deadline, started, ended, skipped);
        let next = loaded.schedule.deadline();
        if let Err(fault) = result {
            active.fault = Some(fault);
            active.running = false;
            self.faulted.store(true, Ordering::Release);
            return None;
        }
        Some(next)
    }
}
