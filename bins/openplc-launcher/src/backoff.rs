//! How long a failed service waits before its next start.

use std::time::Duration;

const SHORTEST: Duration = Duration::from_millis(100);
/// While the scan engine waits the plant stands still, and the program that made it fail may be another one by then.
const LONGEST: Duration = Duration::from_secs(2);
/// A service that ran for this long is not caught in a loop of failures.
const RAN_WELL: Duration = Duration::from_secs(10);

/// Delays that double from 100 ms to 2 s while a service keeps failing.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: SHORTEST }
    }
}

impl Backoff {
    /// The delay before the next start of a service that has just ended after running for `ran`.
    pub fn delay_after(&mut self, ran: Duration) -> Duration {
        if ran >= RAN_WELL {
            self.next = SHORTEST;
        }
        let delay = self.next;
        self.next = (delay * 2).min(LONGEST);
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_two_seconds_while_a_service_keeps_failing() {
        let mut backoff = Backoff::default();
        let delays: Vec<_> = (0..9)
            .map(|_| backoff.delay_after(Duration::ZERO).as_millis())
            .collect();
        assert_eq!(delays, [100, 200, 400, 800, 1600, 2000, 2000, 2000, 2000]);
    }

    #[test]
    fn a_service_that_ran_well_starts_quickly_again() {
        let mut backoff = Backoff::default();
        for _ in 0..5 {
            backoff.delay_after(Duration::from_secs(1));
        }
        assert_eq!(backoff.delay_after(RAN_WELL), SHORTEST);
        assert_eq!(backoff.delay_after(Duration::ZERO), SHORTEST * 2);
    }
}
