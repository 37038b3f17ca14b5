//! One program takes the place of another between two scans.

use std::io;
use std::mem;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use openplc_rt::{clock, fault_record};

use super::gap::GAP;
use super::{Pause, ScanHangs, ScanSlot, iec_time};
use crate::loaded::Loaded;
use crate::process_image::Replacement;

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

impl ScanSlot {
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
        // Scan threads that sleep, perhaps for ever, wake and wait for these locks: so this thread has their priority until it gives
        // the locks back. Were it to wake them afterwards, a busy computer could keep it from that while scans are due.
        self.scan_threads.iter().for_each(|thread| thread.alarm.ring());
        // From here on nothing allocates: a thread in the way would be waited for without its priority being raised.
        let number = self.newest.fetch_add(1, Ordering::AcqRel) + 1;
        let iec_ns = iec_time(all.parts().1);
        let (active, tasks) = all.parts();
        let ran = self.running.load(Ordering::Relaxed) != 0;
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
        self.running.store(if run { number } else { 0 }, Ordering::SeqCst);
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
        if !fits {
            tracing::warn!(
                "The programs were exchanged although that takes longer ({} µs) than the time between two scans: the next \
                 scan may have been late",
                (GAP + hand_over_time) / 1000
            );
        }
        Ok(old)
    }
}
