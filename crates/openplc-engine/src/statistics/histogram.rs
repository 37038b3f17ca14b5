//! Distribution of a duration over logarithmic steps with linear buckets in each (as HDR histograms have): of fixed size,
//! and never off by more than a 64th of the value.
//!
//! The crate `hdrhistogram` was weighed: its histogram cannot be read while it is written, and its synchronised form
//! allocates and lets the reader wait for the next scan. Reading without either is the point here.

use std::sync::atomic::{AtomicU64, Ordering};

/// Buckets of each power of two, as a power of two. Values below twice that many are exact.
const PRECISION: u32 = 6;
/// The last bucket takes everything from 127/128 of 2^36 ns on, 68.2 s.
const RANGE: u32 = 36;
/// Number of buckets.
const BUCKETS: usize = ((RANGE - PRECISION + 1) as usize) << PRECISION;

/// The bucket of a duration.
fn index(duration: u64) -> usize {
    let duration = duration.min((1 << RANGE) - 1);
    let shift = (duration | 1).ilog2().saturating_sub(PRECISION);
    ((shift as usize) << PRECISION) + (duration >> shift) as usize
}

/// Least and greatest duration of a bucket.
fn bounds(index: usize) -> (u64, u64) {
    let shift = (index >> PRECISION).saturating_sub(1);
    let least = ((index - (shift << PRECISION)) as u64) << shift;
    let greatest = if index == BUCKETS - 1 {
        u64::MAX
    } else {
        least + (1 << shift) - 1
    };
    (least, greatest)
}

/// Durations `greatest`, `greatest - step`, `greatest - 2 * step` and so on, `count` of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Series {
    pub greatest: u64,
    pub step: u64,
    pub count: u64,
}

/// Where one thread counts and any thread reads. Its memory is touched when it is made, so counting faults no page in.
pub(super) struct Histogram(Box<[AtomicU64]>);

impl Histogram {
    pub fn new() -> Self {
        Self((0..BUCKETS).map(|_| AtomicU64::new(0)).collect())
    }

    /// Counts one duration. Only one thread may do so, hence no read-modify-write.
    pub fn add(&self, duration: u64) {
        self.add_to(index(duration), 1);
    }

    /// Counts a series in at most as many steps as there are buckets, however long it is.
    pub fn add_series(&self, series: Series) {
        let Series {
            greatest: mut duration,
            step,
            count: mut left,
        } = series;
        while left > 0 {
            let index = index(duration);
            let within = (duration - bounds(index).0)
                .checked_div(step)
                .map_or(left, |steps| left.min(steps + 1));
            self.add_to(index, within);
            left -= within;
            duration = duration.saturating_sub(within.saturating_mul(step));
        }
    }

    fn add_to(&self, index: usize, times: u64) {
        let count = &self.0[index];
        // Release: whoever reads this count also sees the totals that were published before it.
        count.store(count.load(Ordering::Relaxed) + times, Ordering::Release);
    }

    /// The buckets that hold anything at about this moment, ascending. The caller fences before it reads what must be as new as
    /// these.
    pub fn load(&self) -> Vec<Bucket> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        let filled = counts.enumerate().filter(|(_, count)| *count > 0);
        filled
            .map(|(index, count)| {
                let (least, greatest) = bounds(index);
                Bucket {
                    least,
                    greatest,
                    count,
                }
            })
            .collect()
    }
}

/// A histogram that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    buckets: Vec<Bucket>,
    count: u64,
}

/// Durations of about the same length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// Least duration (ns) that is counted here.
    pub least: u64,
    /// Greatest duration (ns) that is counted here.
    pub greatest: u64,
    /// How many are.
    pub count: u64,
}

impl Distribution {
    /// `max` is the exact greatest duration.
    pub(super) fn new(mut buckets: Vec<Bucket>, max: u64) -> Self {
        if let Some(last) = buckets.last_mut() {
            last.greatest = last.greatest.min(max);
        }
        let count = buckets.iter().map(|bucket| bucket.count).sum();
        Self { buckets, count }
    }

    /// How many durations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The buckets that hold anything, ascending.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> {
        self.buckets.iter().copied()
    }

    /// The duration (ns) that `parts` of 10,000 durations do not exceed, by nearest rank: 9,990 asks for p99.9. It is
    /// never told too low, and too high by a 64th at most (beyond 68 s the greatest of all is told). `None` when nothing
    /// was counted.
    #[must_use]
    pub fn percentile(&self, parts: u32) -> Option<u64> {
        let rank = (u128::from(self.count) * u128::from(parts))
            .div_ceil(10_000)
            .max(1);
        let mut counted = 0;
        self.buckets()
            .find(|bucket| {
                counted += u128::from(bucket.count);
                counted >= rank
            })
            .map(|bucket| bucket.greatest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn distribution(durations: &[u64]) -> Distribution {
        let histogram = Histogram::new();
        for duration in durations {
            histogram.add(*duration);
        }
        Distribution::new(histogram.load(), durations.iter().copied().max().unwrap_or(0))
    }

    #[test]
    fn buckets_cover_all_durations_without_gap_and_a_64th_wide_at_most() {
        let mut next = 0;
        for bucket in 0..BUCKETS {
            let (least, greatest) = bounds(bucket);
            assert_eq!(least, next, "bucket {bucket}");
            assert_eq!((index(least), index(greatest)), (bucket, bucket));
            if bucket < BUCKETS - 1 {
                assert!((greatest - least) * 64 <= least, "bucket {bucket}");
                next = greatest + 1;
            }
        }
        assert!(next > 60_000_000_000, "more than a minute");
        assert_eq!(bounds(BUCKETS - 1).1, u64::MAX);
    }

    #[test]
    fn percentiles_go_by_nearest_rank() {
        let durations: Vec<u64> = (1..=100).collect();
        let distribution = distribution(&durations);
        let percentiles = [5000, 9000, 9900, 9990, 10_000].map(|parts| distribution.percentile(parts));
        assert_eq!(percentiles, [50, 90, 99, 100, 100].map(Some));
        assert_eq!(distribution.count(), 100);
    }

    #[test]
    fn nothing_has_no_percentiles() {
        assert_eq!(distribution(&[]).percentile(5000), None);
        assert_eq!(distribution(&[]).buckets().count(), 0);
    }

    #[test]
    fn beyond_the_range_the_greatest_is_told() {
        let distribution = distribution(&[3, u64::MAX / 2]);
        assert_eq!(distribution.percentile(9990), Some(u64::MAX / 2));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]

        #[test]
        fn percentiles_are_close_and_never_too_low(
            mut durations in proptest::collection::vec(0..70_000_000_000_u64, 1..300),
            parts in 1..=10_000_u32,
        ) {
            let told = distribution(&durations).percentile(parts).unwrap();
            durations.sort_unstable();
            let rank = (durations.len() * parts as usize).div_ceil(10_000);
            let exact = durations[rank - 1];
            prop_assert!(told >= exact);
            prop_assert!(exact >= bounds(BUCKETS - 1).0 || told - exact <= exact / 64);
        }

        #[test]
        fn a_series_counts_like_its_durations(
            greatest in 0..100_000_000_u64,
            step in 0..1_000_000_u64,
            count in 0..200_u64,
        ) {
            let count = greatest.checked_div(step).map_or(count, |steps| count.min(steps + 1));
            let durations: Vec<u64> = (0..count).map(|at| greatest - at * step).collect();
            let histogram = Histogram::new();
            histogram.add_series(Series { greatest, step, count });
            let one_by_one = Histogram::new();
            for duration in durations {
                one_by_one.add(duration);
            }
            prop_assert_eq!(histogram.load(), one_by_one.load());
        }
    }
}
