//! Figures of tasks, as [`crate::control::Status`] carries them. All durations are in nanoseconds.

use serde::{Deserialize, Serialize};

/// How much of the figures is asked for. The less, the cheaper for the core.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// Counters, and of each duration the least, the greatest and the mean.
    #[default]
    Totals,
    /// And percentiles.
    Percentiles,
    /// And the buckets of the histograms that hold anything.
    Histograms,
}

/// Figures of one task since its start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskStatistics {
    /// Name of the task.
    pub name: String,
    /// Interval in nanoseconds.
    pub interval_ns: u64,
    /// Scans executed.
    pub scan_count: u64,
    /// Scans that ended after the next deadline.
    pub overruns: u64,
    /// Deadlines that passed before the scan of an earlier one had ended; they were not made up for.
    pub skipped: u64,
    /// Time in the program.
    pub scan_time: Option<Spread>,
    /// Time from the start of a scan to the start of the next.
    pub cycle_time: Option<Spread>,
    /// Wake-up latency: time from a deadline to the start of the scan. A late wake-up counts for every deadline that it
    /// slept through.
    pub cycle_latency: Option<Spread>,
}

/// How a duration was spread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// How many durations these figures are of.
    pub count: u64,
    /// Least.
    pub min_ns: u64,
    /// Greatest.
    pub max_ns: u64,
    /// Sum divided by count.
    pub mean_ns: f64,
    /// Sum.
    pub sum_ns: u64,
    /// On request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percentiles: Option<Percentiles>,
    /// On request: the buckets that hold anything, ascending. Together they may lack the scan in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Vec<Bucket>>,
}

/// Durations that so many of a hundred did not exceed: never told too low, and too high by a 64th at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Percentiles {
    /// The median.
    pub p50_ns: u64,
    /// 90 of 100.
    pub p90_ns: u64,
    /// 99 of 100.
    pub p99_ns: u64,
    /// 999 of 1,000.
    pub p99_9_ns: u64,
    /// 9,999 of 10,000.
    pub p99_99_ns: u64,
}

/// Durations of about the same length. In JSON an array: least, greatest, count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, u64, u64)", into = "(u64, u64, u64)")]
pub struct Bucket {
    /// Least duration that is counted here.
    pub least_ns: u64,
    /// Greatest duration that is counted here.
    pub greatest_ns: u64,
    /// How many are.
    pub count: u64,
}

impl From<(u64, u64, u64)> for Bucket {
    fn from((least_ns, greatest_ns, count): (u64, u64, u64)) -> Self {
        Self {
            least_ns,
            greatest_ns,
            count,
        }
    }
}

impl From<Bucket> for (u64, u64, u64) {
    fn from(bucket: Bucket) -> Self {
        (bucket.least_ns, bucket.greatest_ns, bucket.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_asked_for_takes_no_room() {
        let spread = Spread {
            count: 2,
            min_ns: 1,
            max_ns: 3,
            mean_ns: 2.0,
            sum_ns: 4,
            percentiles: None,
            histogram: None,
        };
        let text = serde_json::to_string(&spread).unwrap();
        assert_eq!(
            text,
            r#"{"count":2,"min_ns":1,"max_ns":3,"mean_ns":2.0,"sum_ns":4}"#
        );
        assert_eq!(serde_json::from_str::<Spread>(&text).unwrap(), spread);
    }

    #[test]
    fn a_bucket_is_an_array() {
        let bucket = Bucket::from((64, 65, 7));
        let text = serde_json::to_string(&bucket).unwrap();
        assert_eq!(text, "[64,65,7]");
        assert_eq!(serde_json::from_str::<Bucket>(&text).unwrap(), bucket);
    }
}
