//! Figures of one task: written by its scan thread without ever waiting, read by anybody without disturbing it.
//!
//! What is guaranteed to readers: [`Figures`] are those after some whole scan. [`Histograms`] that come with them hold no
//! scan that the figures do not count, and lack at most the scans that ended while they were being copied. So a percentile
//! is never beyond the greatest duration.

mod histogram;
mod latch;

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

pub use histogram::{Bucket, Distribution};
use histogram::{Histogram, Series};
use latch::Latch;

/// Least, greatest and sum of a duration (ns).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// Least.
    pub min: u64,
    /// Greatest.
    pub max: u64,
    /// Sum; divide by [`Self::count`] for the mean.
    pub sum: u64,
    /// How many durations were added.
    pub count: u64,
}

impl Total {
    const NONE: Self = Self {
        min: u64::MAX,
        max: 0,
        sum: 0,
        count: 0,
    };

    fn add(&mut self, duration: u64) {
        self.min = self.min.min(duration);
        self.max = self.max.max(duration);
        self.sum = self.sum.saturating_add(duration);
        self.count += 1;
    }

    fn add_series(&mut self, series: Series) {
        let Some(steps) = series.count.checked_sub(1) else {
            return;
        };
        let least = series.greatest.saturating_sub(series.step.saturating_mul(steps));
        self.min = self.min.min(least);
        self.max = self.max.max(series.greatest);
        let sum = (u128::from(series.greatest) + u128::from(least)) * u128::from(series.count) / 2;
        self.sum = self.sum.saturating_add(u64::try_from(sum).unwrap_or(u64::MAX));
        self.count += series.count;
    }

    /// The true mean; `None` when nothing was added.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }
}

/// Figures of one task at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Scans executed.
    pub scans: u64,
    /// Scans that ended after the next deadline.
    pub overruns: u64,
    /// Deadlines that passed before the scan of an earlier one had ended. They were not made up for.
    pub skipped: u64,
    /// Time in the program.
    pub scan_time: Total,
    /// Time from the start of a scan to the start of the next.
    pub cycle_time: Total,
    /// Wake-up latency: time from a deadline to the start of the scan. A late wake-up counts for every deadline that it
    /// slept through, with the delay of each, as if the scans of all had been started at that moment: a stall of ten
    /// intervals is ten late wake-ups, not one. Those that were skipped are added when the next scan is.
    pub latency: Total,
}

const WORDS: usize = 15;

impl Figures {
    const NONE: Self = Self {
        scans: 0,
        overruns: 0,
        skipped: 0,
        scan_time: Total::NONE,
        cycle_time: Total::NONE,
        latency: Total::NONE,
    };

    fn to_words(self) -> [u64; WORDS] {
        let [s, c, l] = [self.scan_time, self.cycle_time, self.latency];
        [
            self.scans,
            self.overruns,
            self.skipped,
            s.min,
            s.max,
            s.sum,
            s.count,
            c.min,
            c.max,
            c.sum,
            c.count,
            l.min,
            l.max,
            l.sum,
            l.count,
        ]
    }

    fn from_words(words: [u64; WORDS]) -> Self {
        let total = |at: usize| Total {
            min: words[at],
            max: words[at + 1],
            sum: words[at + 2],
            count: words[at + 3],
        };
        Self {
            scans: words[0],
            overruns: words[1],
            skipped: words[2],
            scan_time: total(3),
            cycle_time: total(7),
            latency: total(11),
        }
    }
}

/// How the durations of [`Figures`] are distributed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histograms {
    /// Of [`Figures::scan_time`].
    pub scan_time: Distribution,
    /// Of [`Figures::cycle_time`].
    pub cycle_time: Distribution,
    /// Of [`Figures::latency`].
    pub latency: Distribution,
}

/// What both ends share.
struct Shared {
    figures: Latch<WORDS>,
    scan_time: Histogram,
    cycle_time: Histogram,
    latency: Histogram,
}

/// A scan that was recorded.
#[derive(Clone, Copy)]
struct Scan {
    deadline: u64,
    started: u64,
    skipped: u64,
}

impl Scan {
    /// Latencies of the deadlines that passed before this scan was started and that it stood in for, now that the next
    /// deadline tells how far apart they were.
    fn slept_through(self, next_deadline: u64) -> Option<Series> {
        let interval = next_deadline.checked_sub(self.deadline)? / (self.skipped + 1);
        let latency = self.started.checked_sub(self.deadline)?;
        let count = latency.checked_div(interval)?.min(self.skipped);
        (count > 0).then(|| Series {
            greatest: latency - interval,
            step: interval,
            count,
        })
    }
}

/// The writing end, owned by the scan thread.
pub struct Recorder {
    figures: Figures,
    last: Option<Scan>,
    shared: Arc<Shared>,
}

/// The reading end.
#[derive(Clone)]
pub struct Reader(Arc<Shared>);

/// A fresh pair of ends, without figures. All memory (50 KB) is allocated here.
#[must_use]
pub fn channel() -> (Recorder, Reader) {
    let shared = Arc::new(Shared {
        figures: Latch::new(Figures::NONE.to_words()),
        scan_time: Histogram::new(),
        cycle_time: Histogram::new(),
        latency: Histogram::new(),
    });
    let recorder = Recorder {
        figures: Figures::NONE,
        last: None,
        shared: shared.clone(),
    };
    (recorder, Reader(shared))
}

impl Recorder {
    /// A scan that was due at `deadline` was executed from `started` to `ended`, and `skipped` deadlines passed meanwhile
    /// (times in ns of one monotonic clock). Wait-free: no lock, no allocation, no system call.
    pub fn record(&mut self, deadline: u64, started: u64, ended: u64, skipped: u64) {
        let scan_time = ended.saturating_sub(started);
        let latency = started.saturating_sub(deadline);
        let last = self.last.replace(Scan {
            deadline,
            started,
            skipped,
        });
        let cycle_time = last.map(|last| started.saturating_sub(last.started));
        let slept_through = last
            .filter(|last| last.skipped > 0)
            .and_then(|last| last.slept_through(deadline));

        self.figures.scans += 1;
        self.figures.overruns += u64::from(skipped > 0);
        self.figures.skipped += skipped;
        self.figures.scan_time.add(scan_time);
        self.figures.latency.add(latency);
        if let Some(cycle_time) = cycle_time {
            self.figures.cycle_time.add(cycle_time);
        }
        if let Some(series) = slept_through {
            self.figures.latency.add_series(series);
        }

        let shared = &*self.shared;
        // Before the histograms: what these hold is always counted by the figures.
        shared.figures.store(self.figures.to_words());
        shared.scan_time.add(scan_time);
        shared.latency.add(latency);
        if let Some(cycle_time) = cycle_time {
            shared.cycle_time.add(cycle_time);
        }
        if let Some(series) = slept_through {
            shared.latency.add_series(series);
        }
    }

    /// Scans executed so far.
    #[must_use]
    pub fn scans(&self) -> u64 {
        self.figures.scans
    }
}

impl Reader {
    /// The figures after some whole scan, never a mixture of two.
    #[must_use]
    pub fn read(&self) -> Figures {
        Figures::from_words(self.0.figures.load())
    }

    /// The figures and how they are distributed. Goes through 50 KB, so it is for those who ask for it.
    #[must_use]
    pub fn read_with_histograms(&self) -> (Figures, Histograms) {
        let [scan_time, cycle_time, latency] =
            [&self.0.scan_time, &self.0.cycle_time, &self.0.latency].map(Histogram::load);
        // The figures are read after the histograms and are at least as new.
        fence(Ordering::Acquire);
        let figures = self.read();
        let histograms = Histograms {
            scan_time: Distribution::new(scan_time, figures.scan_time.max),
            cycle_time: Distribution::new(cycle_time, figures.cycle_time.max),
            latency: Distribution::new(latency, figures.latency.max),
        };
        (figures, histograms)
    }
}

#[cfg(test)]
mod tests;
