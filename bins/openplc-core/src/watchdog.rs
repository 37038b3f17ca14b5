//! Gives up scans that hang, and feeds the watchdog of the service manager.
//!
//! Being fed is a promise that scans make progress: when one hangs there is no more food, and the manager ends the process.
//! The thread is real-time and more urgent than any scan, because it has to act while one hangs, be it on the only processor.
//! It takes a few microseconds twenty times a second. A computer that is busy with ordinary work does not starve it: that
//! must not end a plant.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use crate::scan::ScanSlot;
use crate::service_manager::ServiceManager;

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Starts the thread.
///
/// # Errors
/// When there is none to be had.
pub fn start(slot: Arc<ScanSlot>, manager: ServiceManager) -> io::Result<()> {
    let feed_every = sd_notify::watchdog_enabled().map(|limit| limit / 4);
    let watching = slot.clone();
    slot.spawn_most_urgent("watchdog", move || {
        watch_for_ever(&watching, &manager, feed_every)
    })
}

fn watch_for_ever(slot: &ScanSlot, manager: &ServiceManager, feed_every: Option<Duration>) {
    let mut fed = None::<Instant>;
    loop {
        let hanging = slot.hanging();
        // Each time anew: giving up twice changes nothing.
        if let Some(hanging) = &hanging {
            slot.give_up(hanging);
        }
        if let Some(every) = feed_every
            && hanging.is_none()
            && fed.is_none_or(|fed| fed.elapsed() >= every)
        {
            manager.notify(&NotifyState::Watchdog);
            fed = Some(Instant::now());
        }
        thread::sleep(LOOK_EVERY);
    }
}
