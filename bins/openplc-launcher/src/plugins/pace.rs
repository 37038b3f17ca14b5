//! How often a plugin may be started because its configuration has come: programs run in the core, and one that has configurations come and
//! go without end must not become a flood of processes and log lines.

use std::time::{Duration, Instant};

/// So many starts need no pause ...
const AT_ONCE: u32 = 20;
/// ... and beyond them there is one in this time.
const PACE: Duration = Duration::from_secs(1);

/// The pace of one plugin.
#[derive(Debug, Default)]
pub struct Pace {
    /// When the starts until now would have been made, had there been a pause after each.
    even: Option<Instant>,
}

impl Pace {
    /// When a start may be made that is wished for `now`.
    pub fn start(&mut self, now: Instant) -> Instant {
        let even = self.even.map_or(now, |even| even.max(now));
        let pause = (even - now).saturating_sub(PACE * AT_ONCE);
        if pause.is_zero() {
            self.even = Some(even + PACE);
        }
        now + pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_without_end_are_slowed_down_and_others_are_not() {
        let begin = Instant::now();
        let mut pace = Pace::default();
        let mut starts = 0;
        for millisecond in 0..60_000 {
            let now = begin + Duration::from_millis(millisecond);
            starts += u32::from(pace.start(now) == now);
        }
        assert!((AT_ONCE + 59..=AT_ONCE + 61).contains(&starts), "{starts}");
        let later = begin + Duration::from_secs(600);
        assert!((0..=AT_ONCE).all(|_| pace.start(later) == later));
        assert_eq!(pace.start(later), later + PACE);
    }
}
