//! How many lines a program may add to the log: a block that prints without end must not push out everything else.

use std::time::{Duration, Instant};

/// Lines that are logged in one [`WINDOW`].
const LINES: u32 = 50;
/// See [`LINES`].
const WINDOW: Duration = Duration::from_secs(1);

/// The lines of one source.
pub struct LineBudget {
    since: Instant,
    spent: u32,
    dropped: u64,
}

impl LineBudget {
    /// A full budget.
    pub fn new(now: Instant) -> Self {
        Self {
            since: now,
            spent: 0,
            dropped: 0,
        }
    }

    /// Whether one more line may be logged at `now`. If so, and lines were dropped before it, their number.
    pub fn spend(&mut self, now: Instant) -> Option<u64> {
        if now.duration_since(self.since) >= WINDOW {
            self.since = now;
            self.spent = 0;
        }
        if self.spent == LINES {
            self.dropped += 1;
            return None;
        }
        self.spent += 1;
        Some(std::mem::take(&mut self.dropped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_and_counted() {
        let start = Instant::now();
        let mut budget = LineBudget::new(start);
        let logged = (0..1000).filter(|_| budget.spend(start).is_some()).count();
        assert_eq!(logged, LINES as usize);
        assert_eq!(budget.spend(start + WINDOW), Some(1000 - u64::from(LINES)));
        assert_eq!(budget.spend(start + WINDOW), Some(0), "told once");
    }
}
