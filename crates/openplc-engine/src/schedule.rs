//! Absolute deadlines of one task. The phase is kept for ever: a late scan never moves the deadlines after it, and a
//! deadline that passes while a scan is still executing is skipped, not made up for.

use std::num::NonZeroU64;

/// Deadlines of one task, in nanoseconds of a monotonic clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    interval: NonZeroU64,
    deadline: u64,
}

impl Schedule {
    /// The first scan is due at `first`, each later one `interval` nanoseconds after the one before.
    #[must_use]
    pub fn new(interval: NonZeroU64, first: u64) -> Self {
        Self {
            interval,
            deadline: first,
        }
    }

    /// When the next scan is due.
    #[must_use]
    pub fn deadline(&self) -> u64 {
        self.deadline
    }

    /// Nanoseconds between deadlines.
    #[must_use]
    pub fn interval(&self) -> NonZeroU64 {
        self.interval
    }

    /// The scan of the current deadline ended at `ended`: moves on to the first deadline after that, and returns how
    /// many deadlines were skipped.
    pub fn advance(&mut self, ended: u64) -> u64 {
        let interval = self.interval.get();
        let skipped = ended.saturating_sub(self.deadline) / interval;
        self.deadline += (skipped + 1) * interval;
        skipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn schedule(interval: u64, first: u64) -> Schedule {
        Schedule::new(NonZeroU64::new(interval).unwrap(), first)
    }

    #[test]
    fn ten_million_late_scans_do_not_move_the_phase() {
        let mut schedule = schedule(1_000_000, 500);
        for scan in 0..10_000_000_u64 {
            assert_eq!(schedule.deadline(), 500 + scan * 1_000_000);
            assert_eq!(schedule.advance(schedule.deadline() + scan % 999_999), 0);
        }
    }

    #[test]
    fn an_overrun_is_skipped_and_counted_not_queued() {
        let mut schedule = schedule(10, 100);
        assert_eq!(schedule.advance(109), 0);
        assert_eq!(
            schedule.advance(145),
            3,
            "120, 130 and 140 passed while the scan of 110 was executing"
        );
        assert_eq!(schedule.deadline(), 150);
    }

    #[test]
    fn a_scan_that_ends_exactly_on_the_next_deadline_skips_it() {
        let mut schedule = schedule(10, 100);
        assert_eq!(schedule.advance(110), 1);
        assert_eq!(schedule.deadline(), 120);
    }

    proptest! {
        #[test]
        fn the_next_deadline_is_the_first_one_in_the_future(
            interval in 1_u64..1 << 40, first in 0_u64..1 << 50, late in 0_u64..1 << 50
        ) {
            let mut schedule = schedule(interval, first);
            let ended = first + late;
            let skipped = schedule.advance(ended);
            prop_assert!(schedule.deadline() > ended);
            prop_assert!(schedule.deadline() - interval <= ended);
            prop_assert_eq!(schedule.deadline(), first + (skipped + 1) * interval);
        }
    }
}
