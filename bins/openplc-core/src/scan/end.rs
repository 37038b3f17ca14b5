//! How scans come to an end: by order, by a fault, or because one is given up. Outputs are safe at once, and whoever is late with that
//! does not touch a program that has begun since.

use std::mem;
use std::sync::atomic::Ordering;
use std::time::Duration;

use openplc_image::{Moment, PlcState};
use openplc_rt::{clock, fault_record};

use super::{Pause, ScanHangs, ScanSlot};
use crate::loaded::{Loaded, TaskFault};

/// How long [`ScanSlot::take_fault`] waits for the other tasks.
const FAULT_PATIENCE: Duration = Duration::from_millis(20);

impl ScanSlot {
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
        self.make_outputs_safe(self.newest(), PlcState::Stopped);
        let has_last_values = self.has_last_values.swap(false, Ordering::Relaxed);
        let faulted = self.forget_faults(&mut pause);
        self.stop_wanted.store(false, Ordering::SeqCst);
        Ok(has_last_values && !faulted)
    }

    pub(super) fn end_scans(&self) {
        let number = self.running.swap(0, Ordering::SeqCst);
        if number != 0 {
            self.has_last_values.store(true, Ordering::Relaxed);
            self.make_outputs_safe(number, PlcState::Stopped);
        }
    }

    /// Takes the program out, ends its scans and makes the outputs safe.
    ///
    /// # Errors
    /// [`ScanHangs`].
    pub fn take(&self, patience: Duration) -> Result<Option<Loaded>, ScanHangs> {
        let mut pause = self.between_scans(patience)?;
        self.running.store(0, Ordering::Release);
        self.has_last_values.store(false, Ordering::Relaxed);
        self.make_outputs_safe(self.newest(), PlcState::Stopped);
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
        // Before it is known whether the scan still executes: if it does, it is one of this program.
        let number = self.newest();
        let watch = &self.scan_threads[task].watch;
        if let Some(scan) = watch.give_up(began) {
            self.plugin_hangs
                .store(task == 0 && fault_record::is_in_plugin(), Ordering::Release);
            self.end_in_error(number);
            fault_record::set_hanging(Some((task as u32, scan)));
            if !watch.is_given_up() {
                // It has ended meanwhile, and perhaps before this could be taken back.
                fault_record::set_hanging(None);
            }
        }
    }

    /// Number of the newest program, for [`Self::end_in_error`].
    pub fn newest(&self) -> u64 {
        self.newest.load(Ordering::Acquire)
    }

    /// Ends the scans of the program with this number because of something that no scan knows of; not those of a later one.
    pub fn end_in_error(&self, number: u64) {
        // It does not run where somebody else has ended its scans, or begun those of another.
        let _ = self
            .running
            .compare_exchange(number, 0, Ordering::AcqRel, Ordering::Relaxed);
        self.make_outputs_safe(number, PlcState::Error);
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

    /// The PLC is in ERROR for another reason than a fault in a scan.
    pub fn note_error(&self) {
        self.in_error.store(true, Ordering::Relaxed);
    }

    /// Tells plugins that there are no scans, unless a later program than the one with this number may have begun its own. Whoever
    /// calls this has cleared `running`, so that no scan in progress changes the outputs after it.
    pub(super) fn make_outputs_safe(&self, number: u64, state: PlcState) {
        self.image.make_safe(|| {
            (self.newest() == number).then(|| {
                self.in_error.store(state == PlcState::Error, Ordering::Relaxed);
                self.moment()
            })
        });
    }

    /// What plugins are told while there are no scans.
    pub(super) fn moment(&self) -> Moment {
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
