//! Whether a computer is suitable for a period, from the figures alone.

use openplc_engine::statistics::Figures;
use serde::Serialize;

/// A wake-up that uses up more than this share (%) of its period leaves little of it to the program.
const COMFORTABLE: u64 = 20;
/// Periods (ms) that people choose.
const USUAL_PERIODS: [u64; 10] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
const MILLISECOND: u64 = 1_000_000;

/// What the figures mean for the wished period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every scan was started early in its period.
    Suitable,
    /// Every scan was started in its period, some of them late.
    Tight,
    /// Scans would have been missed.
    Unsuitable,
}

impl Verdict {
    /// Judges the figures of a task of this period (ns).
    pub fn of(figures: &Figures, period: u64) -> Self {
        if figures.skipped > 0 {
            Self::Unsuitable
        } else if figures.latency.max.saturating_mul(100) > period.saturating_mul(COMFORTABLE) {
            Self::Tight
        } else {
            Self::Suitable
        }
    }
}

/// The shortest usual period (ns) that would have missed nothing with a worst wake-up as late as this (ns).
pub fn period_without_a_miss(worst: u64) -> Option<u64> {
    let mut usual = USUAL_PERIODS.iter().map(|period| period * MILLISECOND);
    usual.find(|period| *period > worst)
}

#[cfg(test)]
mod tests {
    use openplc_engine::statistics;

    use super::*;

    /// Figures after one scan that was this late.
    fn late(latency: u64, skipped: u64) -> Figures {
        let (mut recorder, reader) = statistics::channel();
        recorder.record(0, latency, latency, skipped);
        reader.read()
    }

    #[test]
    fn the_worst_wake_up_decides() {
        assert_eq!(Verdict::of(&late(200_000, 0), MILLISECOND), Verdict::Suitable);
        assert_eq!(Verdict::of(&late(200_001, 0), MILLISECOND), Verdict::Tight);
        assert_eq!(Verdict::of(&late(2_000_000, 2), MILLISECOND), Verdict::Unsuitable);
    }

    #[test]
    fn a_longer_period_is_named_where_there_is_one() {
        assert_eq!(period_without_a_miss(0), Some(MILLISECOND));
        assert_eq!(period_without_a_miss(MILLISECOND), Some(2 * MILLISECOND));
        assert_eq!(period_without_a_miss(6_812_000), Some(10 * MILLISECOND));
        assert_eq!(period_without_a_miss(1000 * MILLISECOND), None);
    }
}
