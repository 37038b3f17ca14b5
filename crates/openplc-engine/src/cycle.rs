//! What the thread of one task does: scan when it is due, and sleep until the next deadline.

use std::num::NonZeroU64;

use crate::schedule::Schedule;
use crate::statistics::Recorder;

/// The scan cycle of one task. Times are nanoseconds of one monotonic clock.
pub struct Cycle {
    schedule: Schedule,
    /// When TIME was `origin`.
    first: u64,
    /// TIME (ns) of the scan that was due then.
    origin: u64,
    recorder: Recorder,
}

impl Cycle {
    /// A cycle that is due from the very beginning of time; see [`Self::start`].
    #[must_use]
    pub fn new(interval: NonZeroU64, recorder: Recorder) -> Self {
        Self {
            schedule: Schedule::new(interval, 0),
            first: 0,
            origin: 0,
            recorder,
        }
    }

    /// The next scan is due at `first`; TIME goes on.
    pub fn start(&mut self, first: u64) {
        self.origin = self.time();
        self.schedule = Schedule::new(self.schedule.interval(), first);
        self.first = first;
    }

    /// The next scan has this TIME (ns).
    pub fn set_time(&mut self, time: u64) {
        self.origin = time;
        self.first = self.schedule.deadline();
    }

    /// Goes on where `before` ends: with the same interval in its phase, so that no deadline is missed. Otherwise the next
    /// scan is due at `now`. TIME is not that of `before`, but goes on where this cycle has been itself.
    pub fn follow(&mut self, before: Option<&Self>, now: u64) {
        match before {
            Some(before) if before.schedule.interval() == self.schedule.interval() => {
                self.origin = self.time();
                self.schedule = before.schedule.clone();
                self.first = self.schedule.deadline();
            }
            _ => self.start(now),
        }
    }

    /// The deadline to sleep until; `None` when the scan is due.
    #[must_use]
    pub fn rest(&self, now: u64) -> Option<u64> {
        let deadline = self.schedule.deadline();
        (now < deadline).then_some(deadline)
    }

    /// The due scan was executed from `started` to `ended`. Returns the next deadline.
    pub fn complete(&mut self, started: u64, ended: u64) -> u64 {
        let deadline = self.schedule.deadline();
        let skipped = self.schedule.advance(ended);
        self.recorder.record(deadline, started, ended, skipped);
        self.schedule.deadline()
    }

    /// Scans executed so far.
    #[must_use]
    pub fn scans(&self) -> u64 {
        self.recorder.scans()
    }

    /// TIME (ns) of the scan that is due: how long after the first one, unless [`Self::set_time`] has said otherwise. Deadlines that were skipped count, so that timers
    /// of a task that takes too long keep time.
    #[must_use]
    pub fn time(&self) -> u64 {
        let since = self.schedule.deadline().saturating_sub(self.first);
        self.origin.saturating_add(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::channel;

    const INTERVAL: NonZeroU64 = NonZeroU64::new(1_000).unwrap();

    fn cycle(interval: NonZeroU64) -> Cycle {
        Cycle::new(interval, channel().0)
    }

    #[test]
    fn a_cycle_rests_until_its_deadline_and_not_longer() {
        let mut cycle = cycle(INTERVAL);
        cycle.start(5_000);
        assert_eq!(cycle.rest(4_999), Some(5_000));
        assert_eq!(cycle.rest(5_000), None);
        assert_eq!(cycle.complete(5_010, 5_400), 6_000);
        assert_eq!(cycle.rest(5_400), Some(6_000));
        assert_eq!((cycle.scans(), cycle.time()), (1, 1_000));
        assert_eq!(cycle.complete(6_010, 8_400), 9_000);
        assert_eq!(
            (cycle.scans(), cycle.time()),
            (2, 4_000),
            "skipped deadlines count"
        );
    }

    #[test]
    fn a_follower_with_the_same_interval_keeps_the_phase() {
        let mut before = cycle(INTERVAL);
        before.start(5_000);
        before.complete(5_000, 5_500);
        let mut after = cycle(INTERVAL);
        after.follow(Some(&before), 5_600);
        assert_eq!(after.rest(5_600), Some(6_000));
        assert_eq!(
            (after.scans(), after.time()),
            (0, 0),
            "its figures and its time are its own"
        );
        let mut faster = cycle(NonZeroU64::new(100).unwrap());
        faster.follow(Some(&before), 5_600);
        assert_eq!(faster.rest(5_600), None, "due at once");
        after.complete(6_000, 6_100);
        assert_eq!(after.time(), 1_000);
        after.follow(None, 7_000);
        assert_eq!((after.rest(6_999), after.rest(7_000)), (Some(7_000), None));
        assert_eq!(after.time(), 1_000, "one that has scanned before keeps its time");
        after.follow(Some(&before), 7_000);
        assert_eq!(after.time(), 1_000);
        after.set_time(50_000);
        after.complete(6_000, 6_100);
        assert_eq!(after.time(), 51_000);
    }
}
