//! Figures of a task as the control protocol tells them.

use openplc_engine::statistics::{Distribution, Reader, Total};
use openplc_program::Task;
use openplc_wire::figures::{Bucket, Detail, Percentiles, Spread, TaskStatistics};

/// What is known of a task, in as much detail as was asked for.
pub fn statistics(task: &Task, reader: &Reader, detail: Detail) -> TaskStatistics {
    let (figures, histograms) = match detail {
        Detail::Totals => (reader.read(), None),
        Detail::Percentiles | Detail::Histograms => {
            let (figures, histograms) = reader.read_with_histograms();
            (figures, Some(histograms))
        }
    };
    let of = histograms.as_ref();
    TaskStatistics {
        name: task.name.clone(),
        interval_ns: task.interval_ns.get(),
        scan_count: figures.scans,
        overruns: figures.overruns,
        skipped: figures.skipped,
        scan_time: spread(figures.scan_time, of.map(|all| &all.scan_time), detail),
        cycle_time: spread(figures.cycle_time, of.map(|all| &all.cycle_time), detail),
        cycle_latency: spread(figures.latency, of.map(|all| &all.latency), detail),
    }
}

fn spread(total: Total, distribution: Option<&Distribution>, detail: Detail) -> Option<Spread> {
    total.mean().map(|mean_ns| Spread {
        count: total.count,
        min_ns: total.min,
        max_ns: total.max,
        mean_ns,
        sum_ns: total.sum,
        percentiles: distribution.and_then(percentiles),
        histogram: distribution
            .filter(|_| detail == Detail::Histograms)
            .map(|distribution| distribution.buckets().map(bucket).collect()),
    })
}

fn percentiles(distribution: &Distribution) -> Option<Percentiles> {
    Some(Percentiles {
        p50_ns: distribution.percentile(5_000)?,
        p90_ns: distribution.percentile(9_000)?,
        p99_ns: distribution.percentile(9_900)?,
        p99_9_ns: distribution.percentile(9_990)?,
        p99_99_ns: distribution.percentile(9_999)?,
    })
}

fn bucket(bucket: openplc_engine::statistics::Bucket) -> Bucket {
    Bucket {
        least_ns: bucket.least,
        greatest_ns: bucket.greatest,
        count: bucket.count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU64;

    use openplc_engine::statistics;

    fn figures(detail: Detail) -> TaskStatistics {
        let task = Task {
            name: "fast".into(),
            interval_ns: NonZeroU64::new(1000).unwrap(),
            priority: 0,
        };
        let (mut recorder, reader) = statistics::channel();
        recorder.record(0, 5, 2500, 2);
        recorder.record(3000, 3007, 3050, 0);
        super::statistics(&task, &reader, detail)
    }

    #[test]
    fn only_what_was_asked_for_is_told() {
        let latency = |detail| figures(detail).cycle_latency.unwrap();
        assert_eq!(latency(Detail::Totals).percentiles, None);
        assert_eq!(latency(Detail::Percentiles).histogram, None);
        let all = latency(Detail::Histograms);
        assert_eq!(all.percentiles.unwrap().p50_ns, 5);
        assert_eq!(all.percentiles.unwrap().p99_99_ns, 7);
        let buckets = [(5, 5, 1), (7, 7, 1)].map(Bucket::from);
        assert_eq!(all.histogram.unwrap(), buckets);
        assert_eq!((all.count, all.sum_ns, all.mean_ns), (2, 12, 6.0));
    }

    #[test]
    fn overruns_and_skipped_deadlines_are_told_apart() {
        let figures = figures(Detail::Totals);
        assert_eq!((figures.scan_count, figures.overruns, figures.skipped), (2, 1, 2));
    }
}
