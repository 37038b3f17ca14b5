//! Retained variables: taken between two scans, kept on disk, and given to the next instance of the program or to the one
//! that takes its place, before its first scan.
//!
//! A thread of normal priority does it all. All values of one moment belong to the same scan: they are copied at once, while
//! no scan executes, and what is done with them is done later.

mod began;
mod disk;
mod pace;
mod retained;

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use std::{io, mem};

use openplc_retain::{Taken, Transfer};
use openplc_wire::retain::RetainStatus;

pub use began::Began;
use disk::{Disk, Snapshot};
use pace::Pace;
use retained::Handover;
pub use retained::Retained;

use crate::daemon::STACK;
use crate::loaded::Loaded;
use crate::log_ring::unix_ms;
use crate::scan::{ExchangeError, GAP, ScanSlot};

/// How long a look at the values waits for a scan to end.
const SCAN_PATIENCE: Duration = Duration::from_millis(200);
/// Copies of up to this many bytes are made between two scans in any case, as a debug frame's are. Larger ones only where they fit
/// into the time until the next scan is due.
const SMALL: usize = 4096;

/// What keeps the retained variables.
pub struct Retention {
    slot: Arc<ScanSlot>,
    interval: Duration,
    memory: Mutex<Memory>,
    /// Rings when there is something to write at once, and when it has been written.
    bell: Condvar,
    disk: Mutex<Disk>,
}

#[derive(Default)]
struct Memory {
    /// Those of the program in the slot.
    current: Option<Arc<Retained>>,
    /// The newest values known, whichever program they belong to.
    latest: Option<Arc<Snapshot>>,
    /// The values from before the newest program took its place, and whether they still have to be written.
    before: Option<Arc<Snapshot>>,
    before_is_due: bool,
    /// How often somebody has asked to have everything on disk, and how often that was so.
    wanted: u64,
    written: u64,
    /// Whether values did not fit between two scans the last time.
    cramped: bool,
    raw: Vec<u8>,
    began: Began,
}

/// How a program comes into its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Succession {
    /// It may have to make way again: the values before are what the program before then goes on with.
    Newcomer,
    /// It was there before.
    Return,
}

impl Memory {
    /// Another program is in the slot.
    fn exchanged(
        &mut self,
        retained: Option<Arc<Retained>>,
        mut began: Began,
        handover: Option<Handover>,
        succession: Succession,
    ) {
        let before = self.current.take().zip(handover.and_then(Handover::done));
        if let Some((before, (values, taken, transfer))) = before {
            let last = Arc::new(Snapshot {
                layout: before.layout.clone(),
                values,
                taken,
            });
            began = Began::restored(transfer.report(), &last);
            self.latest = Some(last);
        }
        if succession == Succession::Newcomer {
            self.before = self.latest.clone();
            self.before_is_due = self.before.is_some();
        }
        if let Some(initial) = began.initial.take() {
            self.latest = Some(initial);
        }
        if retained.is_some() {
            began.log();
        }
        self.began = began;
        self.current = retained;
    }
}

impl Retention {
    /// Reads what was kept in `directory`, and from now on sees to it that what is on disk gets no older than `interval`.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn start(directory: &Path, slot: Arc<ScanSlot>, interval: Duration) -> io::Result<Arc<Self>> {
        let (disk, latest, before) = Disk::open(directory);
        let retention = Arc::new(Self {
            slot,
            interval,
            memory: Mutex::new(Memory {
                latest: latest.map(Arc::new),
                before: before.map(Arc::new),
                ..Memory::default()
            }),
            bell: Condvar::new(),
            disk: Mutex::new(disk),
        });
        thread::Builder::new()
            .name("retention".into())
            .stack_size(STACK)
            .spawn({
                let retention = retention.clone();
                move || retention.keep_for_ever()
            })?;
        Ok(retention)
    }

    /// Gives a program that was loaded just now the newest values, by name and type.
    pub fn restore(&self, loaded: &mut Loaded) {
        let Some(retained) = loaded.retained.clone() else {
            return;
        };
        let latest = self.memory().latest.clone();
        loaded.began = Began::with_nothing_stored();
        if let Some(latest) = latest {
            let mut transfer = Transfer::new(&latest.layout, &retained.layout);
            transfer.apply(&latest.values, |number, value| {
                loaded.program.write_selected(number, value);
            });
            // By the same clock timers go on where they were.
            loaded.go_on_from(latest.taken.iec_ns);
            loaded.began = Began::restored(transfer.report(), &latest);
        }
    }

    /// Lets a program that was loaded just now begin with its initial values. Once it is in its place, and not before, they
    /// take the place of what was kept.
    pub fn begin_anew(loaded: &mut Loaded) {
        let Some(retained) = loaded.retained.clone() else {
            return;
        };
        let mut raw = Vec::new();
        loaded.program.copy_selected(&mut raw);
        loaded.began = Began::anew(Arc::new(snapshot(&retained, &raw, 0)));
    }

    /// [`ScanSlot::exchange`], in which the values of a running program are handed on to the one that takes its place.
    ///
    /// # Errors
    /// As there.
    pub fn exchange(
        &self,
        new: Loaded,
        run: bool,
        succession: Succession,
        patience: Duration,
    ) -> Result<Option<Loaded>, (ExchangeError, Box<Loaded>)> {
        // Held all the time, so that no look at the values comes in between.
        let mut memory = self.memory();
        let (retained, began) = (new.retained.clone(), new.began.clone());
        let mut handover = memory
            .current
            .as_ref()
            .and_then(|current| Some(Handover::new(current, retained.as_ref()?)));
        let time = handover.as_ref().map_or(0, Handover::time);
        let old = self.slot.exchange(new, run, patience, time, |old, new, iec_ns| {
            if let Some(handover) = &mut handover {
                handover.carry(old, new, iec_ns);
            }
        })?;
        memory.exchanged(retained, began, handover, succession);
        Ok(old)
    }

    /// The values that this faulty program has left make way for those from before it took its place, also on disk.
    pub fn roll_back(&self, faulty: &str) {
        // First of all, so that nothing else is written that was taken before.
        let mut disk = self.disk();
        let mut memory = self.memory();
        let latest = memory.latest.as_ref();
        // Otherwise the faulty one has left no values, or these are already gone.
        if latest.is_some_and(|latest| latest.layout.program() == faulty)
            && let Some(before) = memory.before.clone()
        {
            memory.latest = Some(before.clone());
            memory.before_is_due = false;
            drop(memory);
            disk.put_back(&before);
        }
    }

    /// Takes the values of a program that was stopped after a whole scan, and waits for `patience` until they are on disk.
    pub fn keep_last(&self, patience: Duration) {
        self.take_values(true);
        self.flush(patience);
    }

    /// Waits for `patience` until the newest values are on disk.
    pub fn flush(&self, patience: Duration) {
        let mut memory = self.memory();
        memory.wanted += 1;
        let wanted = memory.wanted;
        self.bell.notify_all();
        let waited = self
            .bell
            .wait_timeout_while(memory, patience, |memory| memory.written < wanted);
        if waited.is_ok_and(|(_, timeout)| timeout.timed_out()) {
            tracing::warn!("The disk is slow: retained variables are not written yet");
        }
    }

    /// Everything about retained variables.
    pub fn status(&self) -> RetainStatus {
        let (store, problem) = self.disk().status();
        let memory = self.memory();
        let mut status = RetainStatus {
            start: memory.began.start,
            interval_ms: self.interval.as_millis() as u64,
            restored: memory.began.restored.clone(),
            store,
            problem,
            ..RetainStatus::default()
        };
        if let Some(current) = &memory.current {
            let leaves = current.layout.leaves().iter();
            status.variables = leaves
                .map(|leaf| (leaf.name.clone(), leaf.iec_type.clone()))
                .collect();
            status.values_bytes = current.layout.values_length();
            status.layout = current.layout.fingerprint();
        }
        if memory.cramped {
            status.problem = Some("the time between two scans is too short for a copy of all values".into());
        }
        status
    }

    fn keep_for_ever(&self) {
        let mut pace = Pace::new(self.interval);
        let mut is_slow = false;
        loop {
            let began = Instant::now();
            let wanted = self.memory().wanted;
            self.take_values(false);
            self.write(wanted);
            let took = began.elapsed();
            let due = began + pace.next(took);
            if pace.is_broken() && !is_slow {
                tracing::warn!(
                    "To take and write retained variables took {} ms: is the disk slow? After a loss of power they may be older \
                     than the {} ms of core.toml",
                    took.as_millis(),
                    self.interval.as_millis()
                );
            }
            is_slow = pace.is_broken();
            let memory = self.memory();
            let rest = due.saturating_duration_since(Instant::now());
            // A poisoned lock has served its purpose all the same.
            let _ = self
                .bell
                .wait_timeout_while(memory, rest, |memory| memory.wanted == memory.written);
        }
    }

    /// Copies the values of the program in the slot. One that has faulted is left alone: it may be half through a scan.
    fn take_values(&self, stopped: bool) {
        let mut memory = self.memory();
        let mut raw = mem::take(&mut memory.raw);
        raw.reserve(memory.current.as_ref().map_or(0, |current| current.raw_bytes()));
        if let Some((retained, iec_ns)) = self.copy(&mut memory, stopped, &mut raw) {
            memory.latest = Some(Arc::new(snapshot(&retained, &raw, iec_ns)));
        }
        memory.raw = raw;
    }

    /// At best in a gap in which no scan has to wait, otherwise where the time suffices, and a small copy between any two scans.
    /// Tells TIME (ns) of the program too.
    fn copy(&self, memory: &mut Memory, stopped: bool, raw: &mut Vec<u8>) -> Option<(Arc<Retained>, u64)> {
        let time = memory.current.as_ref()?.copy_time();
        let mut pause = self.slot.in_a_gap_of(time.max(GAP), SCAN_PATIENCE).ok()?.0;
        if !stopped && !pause.is_running() {
            return None;
        }
        let idle = if stopped { u64::MAX } else { pause.idle_time() };
        let iec_ns = pause.iec_time();
        let loaded = pause.loaded()?;
        let retained = loaded.retained.clone()?;
        if retained.raw_bytes() <= SMALL || retained.copy_time() <= idle {
            loaded.program.copy_selected(raw);
            memory.cramped = false;
            return Some((retained, iec_ns));
        }
        drop(pause);
        if !mem::replace(&mut memory.cramped, true) {
            tracing::warn!(
                "Retained variables are not taken at present: copying them takes longer than the time between two scans. \
                 Retain fewer of them, or lengthen the interval of the task"
            );
        }
        None
    }

    /// Writes what has changed.
    fn write(&self, wanted: u64) {
        let mut disk = self.disk();
        let (before, latest) = {
            let memory = self.memory();
            let due = memory.before_is_due;
            (memory.before.clone().filter(|_| due), memory.latest.clone())
        };
        // First the values from before the newest program took its place: as long as they are on disk nowhere else, nothing
        // may take their place.
        let safe = before.is_none_or(|before| {
            let kept = disk.keep_before(&before);
            let mut memory = self.memory();
            // There may have been another exchange meanwhile.
            if kept
                && memory
                    .before
                    .as_ref()
                    .is_some_and(|now| Arc::ptr_eq(now, &before))
            {
                memory.before_is_due = false;
            }
            kept
        });
        if let Some(latest) = latest.filter(|_| safe) {
            disk.keep(&latest);
        }
        drop(disk);
        self.memory().written = wanted;
        self.bell.notify_all();
    }

    /// Taken before the memory where both are.
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn snapshot(retained: &Retained, raw: &[u8], iec_ns: u64) -> Snapshot {
    Snapshot {
        layout: retained.layout.clone(),
        values: retained.values(raw),
        taken: Taken {
            unix_ms: unix_ms(),
            iec_ns,
        },
    }
}

#[cfg(test)]
mod tests;
