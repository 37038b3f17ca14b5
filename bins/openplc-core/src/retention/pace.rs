//! When values have to be taken so that those on disk never get older than promised.

use std::time::Duration;

/// How much of the longest time that the disk has taken is forgotten with each write, as a fraction.
const FORGET: u32 = 16;

/// The time between two looks at the values: shorter than the promise by what the disk needs.
#[derive(Debug)]
pub struct Pace {
    /// How old values on disk may get.
    promise: Duration,
    /// About the longest time that taking and writing them took lately.
    longest: Duration,
}

impl Pace {
    /// Nothing is known of the disk yet.
    pub fn new(promise: Duration) -> Self {
        Self {
            promise,
            longest: Duration::ZERO,
        }
    }

    /// Values were taken and written in this time. Returns the time from the beginning of that to the next: then it may take
    /// twice as long as it ever did, and the values that are on disk until it has ended keep the promise. Half of the promise
    /// at least, so that a slow disk is not kept busy with nothing else.
    pub fn next(&mut self, took: Duration) -> Duration {
        self.longest = took.max(self.longest - self.longest / FORGET);
        self.promise - (2 * self.longest).min(self.promise / 2)
    }

    /// Whether that takes too long for the promise.
    pub fn is_broken(&self) -> bool {
        self.longest > self.promise / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn values_on_disk_keep_the_promise_even_when_the_disk_gets_twice_as_slow() {
        let mut pace = Pace::new(ms(100));
        assert_eq!(pace.next(ms(0)), ms(100));
        for took in [1, 5, 20] {
            assert!(pace.next(ms(took)) + 2 * ms(took) <= ms(100));
            assert!(!pace.is_broken());
        }
    }

    #[test]
    fn a_slow_write_is_remembered_for_a_while() {
        let mut pace = Pace::new(ms(100));
        let first = pace.next(ms(20));
        let second = pace.next(ms(1));
        assert!(first < second && second < ms(70), "{first:?}, {second:?}");
        for _ in 0..100 {
            pace.next(ms(1));
        }
        assert_eq!(pace.next(ms(1)), ms(98));
    }

    #[test]
    fn a_disk_that_is_too_slow_is_noticed_and_not_asked_for_more() {
        let mut pace = Pace::new(ms(100));
        assert_eq!(pace.next(ms(51)), ms(50));
        assert!(pace.is_broken());
        assert_eq!(pace.next(ms(700)), ms(50));
    }
}
