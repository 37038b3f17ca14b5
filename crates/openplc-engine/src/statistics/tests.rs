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
    let scan_time = Total {
        min: 10,
        max: 60,
        sum: 90,
        count: 3,
    };
    assert_eq!(figures.scan_time, scan_time);
    assert_eq!(figures.scan_time.mean(), Some(30.0));
    let cycle_time = Total {
        min: 1000,
        max: 1000,
        sum: 2000,
        count: 2,
    };
    assert_eq!(figures.cycle_time, cycle_time);
    assert_eq!(figures.latency.mean(), Some(5.0));
}

#[test]
fn an_overrun_is_one_scan_however_many_deadlines_it_skips() {
    let (mut recorder, reader) = channel();
    recorder.record(0, 0, 35, 3);
    recorder.record(40, 40, 45, 0);
    let figures = reader.read();
    assert_eq!((figures.scans, figures.overruns, figures.skipped), (2, 1, 3));
    assert_eq!(figures.latency.count, 2, "the thread slept through none of them");
}

#[test]
fn a_stall_is_late_for_every_deadline_that_it_slept_through() {
    let (mut recorder, reader) = channel();
    recorder.record(0, 3, 4, 0);
    // Woken 35 late at interval 10; the scan itself then runs over the deadline at 50.
    recorder.record(10, 45, 52, 4);
    recorder.record(60, 61, 62, 0);
    let (figures, histograms) = reader.read_with_histograms();
    let latencies: Vec<u64> = histograms.latency.buckets().map(|bucket| bucket.least).collect();
    assert_eq!(latencies, [1, 3, 5, 15, 25, 35]);
    let total = Total {
        min: 1,
        max: 35,
        sum: 1 + 3 + 5 + 15 + 25 + 35,
        count: 6,
    };
    assert_eq!(figures.latency, total);
    assert_eq!((figures.scans, figures.overruns, figures.skipped), (3, 1, 4));
}

#[test]
fn a_stall_of_a_year_is_recorded_in_a_bounded_number_of_steps() {
    const YEAR: u64 = 31_536_000_000_000_000;
    const INTERVAL: u64 = 50_000;
    let (mut recorder, reader) = channel();
    recorder.record(0, YEAR, YEAR, YEAR / INTERVAL);
    recorder.record(YEAR + INTERVAL, YEAR + INTERVAL, YEAR + INTERVAL, 0);
    let (figures, histograms) = reader.read_with_histograms();
    assert_eq!(figures.latency.count, YEAR / INTERVAL + 2);
    assert_eq!(histograms.latency.count(), figures.latency.count);
    assert_eq!(histograms.latency.percentile(9990), Some(YEAR));
}

#[test]
fn senseless_times_are_no_panic() {
    let (mut recorder, reader) = channel();
    recorder.record(u64::MAX, 0, u64::MAX, 7);
    recorder.record(0, u64::MAX, 0, 1 << 40);
    recorder.record(1, u64::MAX, u64::MAX, 1);
    recorder.record(u64::MAX, u64::MAX, 0, 0);
    assert_eq!(reader.read().scans, 4);
}

#[test]
fn histograms_hold_what_the_figures_count() {
    let (mut recorder, reader) = channel();
    for scan in 0..1000 {
        let deadline = scan * 1_000_000;
        recorder.record(deadline, deadline + scan, deadline + scan + 100, 0);
    }
    let (figures, histograms) = reader.read_with_histograms();
    let counts =
        [&histograms.scan_time, &histograms.cycle_time, &histograms.latency].map(Distribution::count);
    assert_eq!(counts, [1000, 999, 1000]);
    assert_eq!(histograms.scan_time.percentile(9999), Some(100));
    let p99 = histograms.latency.percentile(9900).unwrap();
    assert!((989..=1004).contains(&p99), "{p99}");
    assert_eq!(histograms.latency.percentile(10_000), Some(figures.latency.max));
}

#[test]
fn a_reader_never_sees_half_a_scan_nor_more_than_is_counted() {
    const SCANS: u64 = if cfg!(miri) { 60 } else { 200_000 };
    let (mut recorder, reader) = channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for scan in 0..SCANS {
                recorder.record(scan * 10, scan * 10 + 1, scan * 10 + 3 + scan, 0);
            }
        });
        let mut before = 0;
        while before < SCANS {
            let at_least = reader.read().scans;
            let (figures, histograms) = reader.read_with_histograms();
            assert_eq!(figures.latency.sum, figures.scans);
            assert_eq!(figures.scan_time.count, figures.scans);
            for distribution in [&histograms.scan_time, &histograms.latency] {
                assert!(distribution.count() <= figures.scans);
                assert!(
                    distribution.count() + 1 >= at_least,
                    "more than the scan in progress is missing"
                );
            }
            if let Some(greatest) = histograms.scan_time.percentile(10_000) {
                assert!(greatest <= figures.scan_time.max);
            }
            before = figures.scans;
        }
    });
}
