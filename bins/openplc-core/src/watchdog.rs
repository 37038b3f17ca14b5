//! Gives up scans that hang, and feeds the watchdog of the service manager.
//!
//! Being fed is a promise that scans make progress: when one hangs there is no more food, and the manager ends the process.
//! The thread is real-time, but less urgent than any scan. So scans that leave nothing to others starve it too, while a
//! computer that is busy with ordinary work does not: that must not end a plant.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use crate::housekeeping::notify;
use crate::scan::ScanSlot;

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Starts the thread.
///
/// # Errors
/// When there is none to be had.
pub fn start(slot: Arc<ScanSlot>) -> io::Result<()> {
    let feed_every = sd_notify::watchdog_enabled().map(|limit| limit / 4);
    let watching = slot.clone();
    slot.spawn_least_urgent("watchdog", move || watch_for_ever(&watching, feed_every))
}

fn watch_for_ever(slot: &ScanSlot, feed_every: Option<Duration>) {
    let (mut given_up, mut fed) = (None, None::<Instant>);
    loop {
        let hanging = slot.hanging().map(|(task, _)| task);
        if let Some(task) = hanging
            && given_up != hanging
        {
            slot.give_up(task);
        }
        given_up = hanging;
        if let Some(every) = feed_every
            && hanging.is_none()
            && fed.is_none_or(|fed| fed.elapsed() >= every)
        {
            notify(&[NotifyState::Watchdog]);
            fed = Some(Instant::now());
        }
        thread::sleep(LOOK_EVERY);
    }
}
