//! How often a program may take the process with it, and when a newcomer has proved itself.

/// A program that faults this often within [`WINDOW_MS`] is not started again by itself.
const MOST: usize = 2;
/// See [`MOST`]; in milliseconds.
const WINDOW_MS: u64 = 60_000;
/// A program of which each task has executed this many scans has proved itself; one that faults before makes way for the one
/// before it.
pub const PROVING_SCANS: u64 = 10;

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

#[cfg(test)]
mod tests {
    use super::*;

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
