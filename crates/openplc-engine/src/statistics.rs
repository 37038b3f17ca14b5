//! Figures of one task: written by its scan thread without ever waiting, read by anybody without disturbing it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};

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
        self.sum += duration;
        self.count += 1;
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
    /// Deadlines skipped because a scan was still executing.
    pub overruns: u64,
    /// Time in the program.
    pub scan_time: Total,
    /// Time from the start of a scan to the start of the next.
    pub cycle_time: Total,
    /// Time from the deadline to the start of the scan.
    pub latency: Total,
}

impl Figures {
    const NONE: Self = Self {
        scans: 0,
        overruns: 0,
        scan_time: Total::NONE,
        cycle_time: Total::NONE,
        latency: Total::NONE,
    };

    fn to_words(self) -> [u64; WORDS] {
        let [s, c, l] = [self.scan_time, self.cycle_time, self.latency];
        [
            self.scans,
            self.overruns,
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
            scan_time: total(2),
            cycle_time: total(6),
            latency: total(10),
        }
    }
}

const WORDS: usize = 14;

/// Where a [`Recorder`] publishes: a sequence lock, whose number is odd while the words are being written.
struct Published {
    sequence: AtomicU64,
    words: [AtomicU64; WORDS],
}

/// The writing end, owned by the scan thread.
pub struct Recorder {
    figures: Figures,
    last_start: Option<u64>,
    published: Arc<Published>,
}

/// The reading end.
#[derive(Clone)]
pub struct Reader(Arc<Published>);

/// A fresh pair of ends, without figures.
#[must_use]
pub fn channel() -> (Recorder, Reader) {
    let published = Arc::new(Published {
        sequence: AtomicU64::new(0),
        words: Figures::NONE.to_words().map(AtomicU64::new),
    });
    let recorder = Recorder {
        figures: Figures::NONE,
        last_start: None,
        published: published.clone(),
    };
    (recorder, Reader(published))
}

impl Recorder {
    /// A scan that was due at `deadline` was executed from `started` to `ended`, and `skipped` deadlines passed meanwhile.
    pub fn record(&mut self, deadline: u64, started: u64, ended: u64, skipped: u64) {
        self.figures.scans += 1;
        self.figures.overruns += skipped;
        self.figures.scan_time.add(ended.saturating_sub(started));
        self.figures.latency.add(started.saturating_sub(deadline));
        if let Some(last) = self.last_start.replace(started) {
            self.figures.cycle_time.add(started.saturating_sub(last));
        }
        self.publish();
    }

    /// Scans executed so far.
    #[must_use]
    pub fn scans(&self) -> u64 {
        self.figures.scans
    }

    fn publish(&self) {
        let sequence = self.published.sequence.load(Ordering::Relaxed);
        self.published.sequence.store(sequence + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        for (word, value) in self.published.words.iter().zip(self.figures.to_words()) {
            word.store(value, Ordering::Relaxed);
        }
        self.published.sequence.store(sequence + 2, Ordering::Release);
    }
}

impl Reader {
    /// The figures after some whole scan, never a mixture of two.
    #[must_use]
    pub fn read(&self) -> Figures {
        loop {
            let before = self.0.sequence.load(Ordering::Acquire);
            let words = std::array::from_fn(|at| self.0.words[at].load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && before == self.0.sequence.load(Ordering::Relaxed) {
                return Figures::from_words(words);
            }
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_sums_divided_by_counts() {
        let (mut recorder, reader) = channel();
        assert_eq!(reader.read().scan_time.mean(), None);
        for (scan, scan_time) in [10_u64, 20, 60].into_iter().enumerate() {
            let deadline = scan as u64 * 1000;
            recorder.record(deadline, deadline + 5, deadline + 5 + scan_time, 0);
        }
        let figures = reader.read();
        assert_eq!(figures.scans, 3);
        assert_eq!(
            figures.scan_time,
            Total {
                min: 10,
                max: 60,
                sum: 90,
                count: 3
            }
        );
        assert_eq!(figures.scan_time.mean(), Some(30.0));
        assert_eq!(
            figures.cycle_time,
            Total {
                min: 1000,
                max: 1000,
                sum: 2000,
                count: 2
            }
        );
        assert_eq!(figures.latency.mean(), Some(5.0));
    }

    #[test]
    fn skipped_deadlines_are_overruns() {
        let (mut recorder, reader) = channel();
        recorder.record(0, 0, 35, 3);
        recorder.record(40, 40, 45, 0);
        assert_eq!((reader.read().scans, reader.read().overruns), (2, 3));
    }

    #[test]
    fn a_reader_never_sees_half_a_scan() {
        let (mut recorder, reader) = channel();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for scan in 0..200_000 {
                    recorder.record(scan * 10, scan * 10 + 1, scan * 10 + 3, 0);
                }
            });
            loop {
                let figures = reader.read();
                assert_eq!(figures.scan_time.sum, figures.scans * 2);
                assert_eq!(figures.latency.sum, figures.scans);
                if figures.scans == 200_000 {
                    break;
                }
            }
        });
    }
}
