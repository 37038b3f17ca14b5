//! The scan threads, and what each does: it scans when its task is due, and sleeps until the next deadline.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, mpsc};

use openplc_image::PlcState;
use openplc_program::Faulted;
use openplc_rt::task_lock::Seat;
use openplc_rt::{clock, fault_record, memory};

use super::spawner::{RealTimeThread, Urgency};
use super::{Active, ScanSlot, ScanThread};
use crate::daemon;
use crate::loaded::{ScanTask, TaskFaultCause};

/// Stack of a scan thread, in bytes. Programs keep their variables elsewhere, but texts that a function block computes
/// and the arrays of C blocks lie here.
const STACK: usize = 4 << 20;
/// What a scan may use of it without a page fault, whether memory is locked or not. The rest is for our own frames.
const STACK_OF_SCAN: usize = STACK - (128 << 10);

impl ScanSlot {
    /// Starts a thread that may run on any processor.
    ///
    /// # Errors
    /// When there is none to be had.
    pub fn spawn(
        &self,
        name: &str,
        urgency: Urgency,
        work: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        let thread = RealTimeThread {
            name: name.to_owned(),
            urgency,
            stack: daemon::STACK,
        };
        self.spawner.spawn(thread, work)
    }

    /// Sees to it that there are at least as many scan threads.
    pub(super) fn provide_threads(self: &Arc<Self>, wanted: usize) -> io::Result<()> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        while *threads < wanted {
            let (ready, seated) = mpsc::sync_channel(1);
            let slot = self.clone();
            let thread = RealTimeThread {
                name: format!("scan-{threads}"),
                urgency: Urgency::Scan(*threads),
                stack: STACK,
            };
            self.spawner.spawn(thread, move || {
                memory::touch_stack::<STACK_OF_SCAN>();
                fault_record::watch_thread();
                let seat = slot.lock.sit_down();
                let _ = ready.send(());
                if let Some(seat) = seat {
                    slot.scan_for_ever(seat);
                }
            })?;
            seated.recv().map_err(io::Error::other)?;
            *threads += 1;
        }
        Ok(())
    }

    fn scan_for_ever(&self, mut seat: Seat<Active, Option<ScanTask>>) {
        let ScanThread { alarm, watch } = &self.scan_threads[seat.number()];
        loop {
            let rings = alarm.rings();
            let due = self.scan(&mut seat);
            watch.rest(due);
            alarm.sleep(due, rings);
        }
    }

    /// Executes the scan that is due, if any, and returns the next deadline.
    pub(super) fn scan(&self, seat: &mut Seat<Active, Option<ScanTask>>) -> Option<u64> {
        let number = seat.number();
        let watch = &self.scan_threads[number].watch;
        let mut guard = seat.lock();
        let (Some(loaded), Some(task)) = guard.parts() else {
            return None;
        };
        if !self.is_running() {
            return None;
        }
        let started = clock::now();
        if let Some(deadline) = task.cycle.rest(started) {
            // Woken early, or for another program than the one that runs now.
            return Some(deadline);
        }
        let scan = task.cycle.scans() + 1;
        watch.begin(scan, started);
        fault_record::set_scan(Some((number as u32, scan)));
        // It belongs to the most urgent task.
        let plugin = self.plugin.get().filter(|_| number == 0);
        if let Some(plugin) = plugin {
            plugin.cycle_start(&*self.image);
        }
        let goes_on = || self.is_running();
        let result = loaded.scan(task, &self.image, started, goes_on);
        if let Some(plugin) = plugin.filter(|_| result.is_ok() && goes_on()) {
            plugin.cycle_end(&*self.image);
        }
        fault_record::set_scan(None);
        let ended = clock::now();
        let given_up = watch.end(started, ended);
        let next = task.cycle.complete(started, ended);
        let fault = match result {
            Ok(()) if !given_up => return Some(next),
            Ok(()) => None,
            Err(faulted) => Some(faulted),
        };
        // What one task has left half done, no other may go on with.
        self.running.store(0, Ordering::Release);
        self.make_outputs_safe(self.newest(), PlcState::Error);
        if given_up {
            fault_record::set_hanging(None);
        }
        // From here on nothing is urgent.
        let cause = match fault {
            None if number == 0 && self.plugin_hangs.load(Ordering::Acquire) => {
                TaskFaultCause::OvertimeOfPlugin(ended.saturating_sub(started))
            }
            None => TaskFaultCause::Overtime(ended.saturating_sub(started)),
            Some(Faulted) => TaskFaultCause::Program(loaded.program.fault()),
        };
        task.fault = Some(loaded.fault_of(task, cause));
        self.faulted.store(true, Ordering::Release);
        None
    }
}
