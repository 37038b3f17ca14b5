//! Gives up scans that hang, and sees to it that the watchdog of the service manager is fed.
//!
//! Being fed is a promise that scans make progress: when one hangs there is no more food, and the manager ends the process.
//! The thread that looks is real-time and more urgent than any scan, because it has to act while one hangs, be it on the only
//! processor. It takes a few microseconds twenty times a second. To send a message takes much longer, so another thread does it
//! that is less urgent than any scan, and still real-time: a computer that is busy with ordinary work does not starve it, for
//! that must not end a plant.
//!
//! What cannot happen unless the engine itself is broken ends the process at once: a task that is not woken for its scan, and
//! housekeeping that stands still, without which no fault would be noticed.

mod feeding;

use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use openplc_engine::watch::{Activity, Vigil};
use openplc_program::MAX_TASKS;
use openplc_rt::{clock, fault_record};
use openplc_service::ServiceManager;

use crate::scan::{ScanSlot, Urgency};
use feeding::{Feeding, Starving};

/// Name of the thread that looks ...
pub const THREAD: &str = "watchdog";
/// ... and of the one that feeds.
pub const FEEDING_THREAD: &str = "feeding";

/// Time (ns) between two looks, or a little more.
const LOOK_EVERY: u64 = 50_000_000;
/// What is overdue must have been there at so many looks: half a second in which this computer did not stand still.
const LEAST_LOOKS: u32 = 10;
/// Looks at which housekeeping may be in the same round: a minute. It has ordinary priority and may wait for a disk.
const MOST_LOOKS: u32 = 1200;

/// Counts the rounds of housekeeping.
#[derive(Debug, Default)]
pub struct Pulse(AtomicU64);

impl Pulse {
    /// One more.
    pub fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether housekeeping goes on.
#[derive(Debug, Default)]
struct Heart {
    beats: u64,
    looks: u32,
}

impl Heart {
    /// Looks at it; says whether it stands still.
    fn has_stopped(&mut self, pulse: &Pulse) -> bool {
        let beats = pulse.0.load(Ordering::Relaxed);
        self.looks = if beats == self.beats { self.looks + 1 } else { 0 };
        self.beats = beats;
        self.looks > MOST_LOOKS
    }
}

/// Starts the threads.
///
/// # Errors
/// When there are none to be had.
pub fn start(slot: Arc<ScanSlot>, pulse: Arc<Pulse>, manager: ServiceManager) -> io::Result<()> {
    let feeding = sd_notify::watchdog_enabled().map(|limit| Arc::new(Feeding::within(limit, manager)));
    if let Some(feeding) = feeding.clone() {
        slot.spawn(FEEDING_THREAD, Urgency::BelowScans, move || {
            feeding.feed_for_ever()
        })?;
    }
    let watching = slot.clone();
    slot.spawn(THREAD, Urgency::AboveScans, move || {
        watch_for_ever(&watching, &pulse, feeding.as_deref());
    })
}

fn watch_for_ever(slot: &ScanSlot, pulse: &Pulse, feeding: Option<&Feeding>) {
    let mut starving = Starving::default();
    let mut heart = Heart::default();
    let mut vigils: [Vigil; MAX_TASKS] = std::array::from_fn(|_| Vigil::default());
    loop {
        let mut hangs = false;
        for (task, (debt, vigil)) in slot.debts().zip(&mut vigils).enumerate() {
            let Some(debt) = vigil.look(debt, LEAST_LOOKS) else {
                continue;
            };
            match debt.activity {
                Activity::Scan => {
                    hangs = true;
                    // Each time anew: giving up twice changes nothing.
                    slot.give_up(task, debt.since);
                }
                Activity::Sleep => {
                    let late = debt.elapsed / 1_000_000;
                    end(
                        slot,
                        &format!("task {task} was not woken for a scan that was due {late} ms before"),
                    );
                }
            }
        }
        if heart.has_stopped(pulse) {
            end(slot, "its housekeeping stands still");
        }
        if let Some(feeding) = feeding
            && !hangs
        {
            feeding.note_progress();
            // A scan that is long and allowed to be has kept the other thread from the only processor.
            if starving.look(feeding) {
                feeding.feed();
            }
        }
        let now = clock::now();
        // Where no scan waits for it.
        let next = slot.beside_deadlines(now + LOOK_EVERY);
        thread::sleep(Duration::from_nanos(next - now));
    }
}

/// Ends the process because of a defect of its own. The next one tells the log.
fn end(slot: &ScanSlot, defect: &str) -> ! {
    slot.end_in_error(slot.newest());
    fault_record::note_defect(defect);
    process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn housekeeping_may_take_a_minute_and_not_longer() {
        let (pulse, mut heart) = (Pulse::default(), Heart::default());
        for _ in 0..3 {
            pulse.beat();
            assert!((0..=MOST_LOOKS).all(|_| !heart.has_stopped(&pulse)));
        }
        assert!(heart.has_stopped(&pulse));
    }
}
