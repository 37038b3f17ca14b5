//! The time between two scans in which nobody is waited for.
//!
//! Whoever queues for the lock of a task gets it the moment a scan ends, and keeps it until a processor is free for an ordinary
//! thread: then the next scan may have to wait for that. So others look at the tasks without a lock first, sleep while one executes
//! or is about to, and only queue where tasks never leave a gap.

use std::thread;
use std::time::{Duration, Instant};

use openplc_rt::clock;

use super::{Pause, ScanHangs, ScanSlot};

/// What takes a few microseconds begins this long (ns) before the next scan at the latest, or after it ...
pub const GAP: u64 = 100_000;
/// ... unless tasks leave no such gap several times in succession.
const TRIES: u32 = 10;
/// How far (ns) from deadlines [`ScanSlot::beside_deadlines`] is.
const GUARD: u64 = 50_000;
/// How long (ns) after the expected end of a scan the next look is.
const AFTER_SCAN: u64 = 20_000;

impl ScanSlot {
    /// As [`Self::between_scans`], for what takes a few microseconds and can wait: so early between two scans that none has
    /// to wait for it. To hand a lock over costs a scan more than all of a debug request.
    ///
    /// # Errors
    /// [`ScanHangs`] when a scan does not end within `patience`.
    pub fn in_a_gap(&self, patience: Duration) -> Result<Pause<'_>, ScanHangs> {
        self.in_a_gap_of(GAP, patience).map(|(pause, _)| pause)
    }

    /// As [`Self::in_a_gap`], for what takes `length` ns. Says whether the gap is that long: tasks may never leave one.
    ///
    /// # Errors
    /// As there.
    pub fn in_a_gap_of(&self, length: u64, patience: Duration) -> Result<(Pause<'_>, bool), ScanHangs> {
        let deadline = Instant::now() + patience;
        let left = || deadline.saturating_duration_since(Instant::now());
        for _ in 0..TRIES {
            if let Some(rest) = self.time_until_gap(length) {
                thread::sleep(Duration::from_nanos(rest).min(left()));
                continue;
            }
            let mut pause = self.between_scans(left())?;
            if !pause.is_running() || pause.idle_time() >= length {
                return Ok((pause, true));
            }
        }
        let mut pause = self.between_scans(left())?;
        let fits = !pause.is_running() || pause.idle_time() >= length;
        Ok((pause, fits))
    }

    /// The first moment (ns) from `wished` on that is not close to a deadline: for what is more urgent than scans and can wait.
    pub fn beside_deadlines(&self, wished: u64) -> u64 {
        self.watches()
            .fold(wished, |wished, watch| watch.beside_deadlines(wished, GUARD))
    }

    /// How long (ns) it is until a gap of this length is to be expected; `None`: there is one now, as far as can be seen without
    /// a lock.
    fn time_until_gap(&self, length: u64) -> Option<u64> {
        if !self.is_running() {
            return None;
        }
        let now = clock::now();
        self.watches()
            .filter_map(|watch| watch.busy_until(now, length))
            .map(|end| end.saturating_sub(now) + AFTER_SCAN)
            .max()
    }
}
