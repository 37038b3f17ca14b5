//! How often a program may take the process with it, and when a newcomer has proved itself.

use std::time::{Duration, Instant};

/// A program that faults this often within [`WINDOW_MS`] is not started again by itself.
const MOST: usize = 2;
/// See [`MOST`]; in milliseconds.
const WINDOW_MS: u64 = 60_000;
/// A program of which each task has executed this many scans has proved itself; one that faults before makes way for the one
/// before it.
const PROVING_SCANS: u64 = 10;
/// Nor has it to prove itself for longer than this after the first scan of each task.
const PROVING_TIME: Duration = Duration::from_secs(60);

/// Whether a program may be started again by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Again,
    /// It has faulted too often; somebody has to want it.
    Stop,
}

/// Counts a fault at `now_ms` among the `earlier` ones of the same program (milliseconds since 1970, ascending), from which
/// those of long ago are removed. One that seems to lie in the future counts: a clock that was put back forgives nothing.
pub fn count(earlier: &mut Vec<u64>, now_ms: u64) -> Verdict {
    earlier.retain(|time| now_ms.saturating_sub(*time) < WINDOW_MS);
    earlier.push(now_ms);
    if earlier.len() < MOST {
        Verdict::Again
    } else {
        Verdict::Stop
    }
}

/// The first scans of a program.
#[derive(Debug, Default)]
pub struct Probation {
    /// When each task had executed a scan.
    since: Option<Instant>,
}

impl Probation {
    /// Whether it is over: `scans` is the least that any task has executed until `now`.
    pub fn is_over(&mut self, scans: u64, now: Instant) -> bool {
        if scans == 0 {
            return false;
        }
        let since = *self.since.get_or_insert(now);
        // One more, because the one in which it faults is counted too.
        scans > PROVING_SCANS || now.duration_since(since) >= PROVING_TIME
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_proves_itself_by_ten_scans_or_a_minute_after_the_first() {
        let start = Instant::now();
        let mut fast = Probation::default();
        assert!(!fast.is_over(10, start));
        assert!(fast.is_over(11, start));
        let mut slow = Probation::default();
        assert!(!slow.is_over(0, start + 10 * PROVING_TIME), "it has not scanned");
        assert!(!slow.is_over(1, start + 10 * PROVING_TIME));
        assert!(!slow.is_over(1, start + 11 * PROVING_TIME - Duration::from_millis(1)));
        assert!(slow.is_over(1, start + 11 * PROVING_TIME));
    }

    #[test]
    fn the_second_fault_within_a_minute_is_one_too_many() {
        let mut times = Vec::new();
        for (now, verdict) in [
            (1_000_000, Verdict::Again),
            (1_060_000, Verdict::Again),
            (1_119_999, Verdict::Stop),
            (1_179_998, Verdict::Stop),
            (1_300_000, Verdict::Again),
            // The clock was put back.
            (1_000_000, Verdict::Stop),
        ] {
            assert_eq!(count(&mut times, now), verdict, "{now}");
        }
    }
}
