//! What the thread of one task and those who watch it tell each other without a lock, and when that thread is overdue.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering, fence};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering, fence};

/// The thread of a task as others see it. Times are nanoseconds of one monotonic clock.
#[derive(Debug, Default)]
pub struct Watch {
    /// Number of the newest scan.
    scan: AtomicU64,
    /// Start of the scan in progress, or 0.
    since: AtomicU64,
    /// Deadline that is slept for, or 0.
    due: AtomicU64,
    /// Time between deadlines; 0 until there is a program.
    interval: AtomicU64,
    /// Longest time that a scan may take, or that its thread may be late.
    allowance: AtomicU64,
    /// Longest scan of the program.
    longest: AtomicU64,
    /// Start of the scan that was given up, or 0. No other scan takes it for its own.
    given_up: AtomicU64,
}

/// What a thread that owes something does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// It executes a scan.
    Scan,
    /// It has not begun one that is due.
    Sleep,
}

/// Something that a thread owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Debt {
    /// What it does instead.
    pub activity: Activity,
    /// Since when: the start of the scan, or the deadline.
    pub since: u64,
    /// For how long.
    pub elapsed: u64,
    /// Whether that is longer than is allowed.
    pub is_overdue: bool,
}

impl Watch {
    /// Another program takes its place: a scan of this task is `due`, the others in steps of `interval`, and each may take as long
    /// as `allowance`.
    pub fn exchange(&self, due: u64, interval: u64, allowance: u64) {
        self.interval.store(interval, Ordering::Relaxed);
        self.allowance.store(allowance, Ordering::Relaxed);
        self.longest.store(0, Ordering::Relaxed);
        self.due.store(due, Ordering::Relaxed);
    }

    /// A scan begins.
    #[inline]
    pub fn begin(&self, scan: u64, now: u64) {
        self.scan.store(scan, Ordering::Relaxed);
        self.since.store(now, Ordering::Release);
    }

    /// The scan that began at `began` has ended; returns whether it was given up.
    #[inline]
    pub fn end(&self, began: u64, ended: u64) -> bool {
        let length = ended.saturating_sub(began);
        if length > self.longest.load(Ordering::Relaxed) {
            self.longest.store(length, Ordering::Relaxed);
        }
        // Whoever gives it up does it the other way round. So one of us sees what the other has done.
        self.since.store(0, Ordering::Release);
        fence(Ordering::SeqCst);
        self.given_up.load(Ordering::Relaxed) == began && self.forgive(began)
    }

    /// The thread sleeps until this deadline, or for ever.
    #[inline]
    pub fn rest(&self, deadline: Option<u64>) {
        self.due.store(deadline.unwrap_or(0), Ordering::Relaxed);
    }

    /// What the thread owes.
    #[must_use]
    pub fn debt(&self, now: u64) -> Option<Debt> {
        let (activity, since) = match self.since.load(Ordering::Acquire) {
            0 => (Activity::Sleep, self.due.load(Ordering::Relaxed)),
            since => (Activity::Scan, since),
        };
        let elapsed = now.checked_sub(since).filter(|_| since != 0)?;
        let is_overdue = elapsed > self.allowance.load(Ordering::Relaxed);
        Some(Debt {
            activity,
            since,
            elapsed,
            is_overdue,
        })
    }

    /// Gives up the scan that began at `began`, unless it has ended just now; returns its number. When it ends after all,
    /// [`Self::end`] says so.
    pub fn give_up(&self, began: u64) -> Option<u64> {
        self.given_up.store(began, Ordering::Release);
        fence(Ordering::SeqCst);
        let since = self.since.load(Ordering::Acquire);
        if since != began && self.forgive(began) {
            return None;
        }
        Some(self.scan.load(Ordering::Relaxed))
    }

    /// The scan that began then is given up no longer. Of those who say so only one is told that it was.
    fn forgive(&self, began: u64) -> bool {
        let forgiven = self
            .given_up
            .compare_exchange(began, 0, Ordering::AcqRel, Ordering::Relaxed);
        forgiven.is_ok()
    }

    /// Whether the scan in progress was given up.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire) != 0
    }

    /// When the scan in progress, or the one that is due within `length`, is expected to have ended: after the longest time that
    /// one has taken until now. `None`: the thread sleeps for longer.
    #[must_use]
    pub fn busy_until(&self, now: u64, length: u64) -> Option<u64> {
        let begin = match (
            self.since.load(Ordering::Relaxed),
            self.due.load(Ordering::Relaxed),
        ) {
            (0, 0) => return None,
            (0, due) if due >= now.saturating_add(length) => return None,
            (0, due) => due,
            (since, _) => since,
        };
        Some(begin.saturating_add(self.longest.load(Ordering::Relaxed)))
    }

    /// Whether there ever was a program.
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.interval.load(Ordering::Relaxed) != 0
    }

    /// The first moment from `wished` on that is at least `guard` away from every deadline; `wished` where they leave no such
    /// moment.
    #[must_use]
    pub fn beside_deadlines(&self, wished: u64, guard: u64) -> u64 {
        let (due, interval) = (
            self.due.load(Ordering::Relaxed),
            self.interval.load(Ordering::Relaxed),
        );
        if due == 0 || 2 * guard >= interval {
            return wished;
        }
        // Since the latest moment from which on one has to keep away from a deadline.
        let phase = (wished + guard + interval - due % interval) % interval;
        wished + (2 * guard).saturating_sub(phase)
    }

    /// How long a scan takes, as far as that is known: the longest one until now.
    #[must_use]
    pub fn scan_length(&self, now: u64) -> u64 {
        let in_progress = match self.since.load(Ordering::Relaxed) {
            0 => 0,
            since => now.saturating_sub(since),
        };
        in_progress.max(self.longest.load(Ordering::Relaxed))
    }
}

/// Confirms at regular looks what seems overdue. A computer that has stood still as a whole, as a virtual one does, makes
/// everything seem late at once; but then nobody has looked meanwhile.
#[derive(Debug, Clone, Default)]
pub struct Vigil {
    debt: Option<(Activity, u64)>,
    looks: u32,
}

impl Vigil {
    /// Takes what one look has shown. Returns it if it is overdue and was there at `least` looks.
    pub fn look(&mut self, debt: Option<Debt>, least: u32) -> Option<Debt> {
        let key = debt.map(|debt| (debt.activity, debt.since));
        if key == self.debt {
            self.looks = self.looks.saturating_add(1);
        } else {
            (self.debt, self.looks) = (key, 1);
        }
        debt.filter(|debt| debt.is_overdue && self.looks >= least)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_scan_that_does_not_end_and_one_that_does_not_begin_are_overdue() {
        let watch = Watch::default();
        assert_eq!(watch.debt(1_000), None, "no program");
        watch.exchange(100, 1_000, 50);
        let debt = |now| watch.debt(now).unwrap();
        assert_eq!(
            (debt(120).activity, debt(120).is_overdue),
            (Activity::Sleep, false)
        );
        assert!(debt(151).is_overdue, "its thread was never woken");
        watch.begin(1, 130);
        assert_eq!(
            (debt(180).activity, debt(180).is_overdue),
            (Activity::Scan, false)
        );
        assert_eq!((debt(181).elapsed, debt(181).is_overdue), (51, true));
        assert!(!watch.end(130, 200));
        watch.rest(Some(300));
        assert_eq!(watch.debt(299), None, "nothing is due");
        assert!(!debt(350).is_overdue);
        assert!(debt(351).is_overdue);
        watch.rest(None);
        assert_eq!(watch.debt(u64::MAX), None, "nothing will be due");
    }

    #[test]
    fn who_needs_a_gap_waits_for_the_scan_in_progress_and_for_the_one_that_comes_too_soon() {
        let watch = Watch::default();
        assert_eq!(watch.busy_until(1_000, 50), None, "no program");
        watch.exchange(1_000, 1_000, 500);
        watch.begin(1, 1_000);
        watch.end(1_000, 1_020);
        watch.rest(Some(2_000));
        assert_eq!(watch.busy_until(1_950, 50), None, "just long enough");
        assert_eq!(watch.busy_until(1_951, 50), Some(2_020));
        watch.begin(2, 2_003);
        assert_eq!(watch.busy_until(2_005, 50), Some(2_023));
        watch.end(2_003, 2_010);
        watch.rest(None);
        assert_eq!(watch.busy_until(2_011, u64::MAX), None, "nothing will be due");
    }

    #[test]
    fn a_moment_beside_deadlines_is_neither_close_before_one_nor_close_after() {
        let watch = Watch::default();
        assert!(!watch.is_used());
        assert_eq!(watch.beside_deadlines(7_777, 50), 7_777, "no program");
        watch.exchange(10_300, 1_000, 500);
        assert!(watch.is_used());
        for (wished, moment) in [
            (15_249, 15_249),
            (15_250, 15_350),
            (15_300, 15_350),
            (15_349, 15_350),
            (15_350, 15_350),
            (9_250, 9_350),
        ] {
            assert_eq!(watch.beside_deadlines(wished, 50), moment, "{wished}");
        }
        assert_eq!(watch.beside_deadlines(15_300, 500), 15_300, "there is none");
    }

    #[test]
    fn the_length_of_scans_is_the_longest_one_or_that_in_progress() {
        let watch = Watch::default();
        watch.begin(1, 100);
        assert_eq!(watch.scan_length(130), 30);
        watch.end(100, 140);
        watch.begin(2, 200);
        assert_eq!(watch.scan_length(210), 40);
        assert_eq!(watch.scan_length(250), 50);
        watch.end(200, 201);
        watch.exchange(0, 1_000, 0);
        assert_eq!(watch.scan_length(300), 0, "another program");
    }

    #[test]
    fn only_the_scan_that_is_meant_is_given_up() {
        let watch = Watch::default();
        watch.begin(7, 100);
        assert_eq!(watch.give_up(100), Some(7));
        assert!(watch.is_given_up());
        assert!(watch.end(100, 200));
        assert!(!watch.is_given_up());
        watch.begin(8, 300);
        assert_eq!(watch.give_up(100), None, "it has ended");
        assert!(!watch.end(300, 400));
    }

    #[test]
    fn what_seems_late_after_a_stall_of_the_computer_is_not_overdue() {
        let debt = |since, elapsed| {
            Some(Debt {
                activity: Activity::Sleep,
                since,
                elapsed,
                is_overdue: elapsed > 100,
            })
        };
        let mut vigil = Vigil::default();
        assert_eq!(vigil.look(debt(5, 10_000), 3), None);
        assert_eq!(vigil.look(debt(6, 10_000), 3), None, "something else");
        assert_eq!(vigil.look(debt(6, 10_050), 3), None);
        assert_eq!(vigil.look(debt(6, 10_100), 3), debt(6, 10_100));
        assert_eq!(vigil.look(None, 3), None);
        for elapsed in [10, 60] {
            assert_eq!(vigil.look(debt(7, elapsed), 3), None);
        }
        assert_eq!(
            vigil.look(debt(7, 110), 3),
            debt(7, 110),
            "it was looked at all the time"
        );
    }
}
