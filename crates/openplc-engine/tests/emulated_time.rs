//! Whole plants in emulated time: several tasks share one processor as the kernel would let them, the more urgent first, for
//! millions of scans in seconds.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that cannot go on has failed"
)]

use std::num::NonZeroU64;

use openplc_engine::cycle::Cycle;
use openplc_engine::statistics::{Figures, Reader, channel};

const MS: u64 = 1_000_000;

/// A task and the time that each of its scans takes.
struct Task {
    cycle: Cycle,
    reader: Reader,
    interval: u64,
    first: u64,
    scan_time: Box<dyn FnMut(u64) -> u64>,
    /// The scan in progress: when it started, and what is left of it.
    scan: Option<(u64, u64)>,
}

impl Task {
    fn new(interval: u64, first: u64, scan_time: impl FnMut(u64) -> u64 + 'static) -> Self {
        let (recorder, reader) = channel();
        let mut cycle = Cycle::new(NonZeroU64::new(interval).unwrap(), recorder);
        cycle.start(first);
        Self {
            cycle,
            reader,
            interval,
            first,
            scan_time: Box::new(scan_time),
            scan: None,
        }
    }

    /// When it wants the processor next.
    fn wakes(&self, now: u64) -> u64 {
        match self.scan {
            Some(_) => now,
            None => self.cycle.rest(now).unwrap_or(now),
        }
    }
}

/// One processor; the tasks in order of urgency. Runs until the first has completed `scans` scans, and returns the time.
fn run(tasks: &mut [Task], scans: u64) -> u64 {
    let mut now = 0;
    while tasks[0].cycle.scans() < scans {
        let Some(chosen) = tasks.iter().position(|task| task.wakes(now) == now) else {
            now = tasks.iter().map(|task| task.wakes(now)).min().unwrap();
            continue;
        };
        let preempted = tasks[..chosen].iter().map(|task| task.wakes(now)).min();
        let task = &mut tasks[chosen];
        let (started, left) = match task.scan.take() {
            Some(scan) => scan,
            None => (now, (task.scan_time)(task.cycle.scans())),
        };
        let slice = left.min(preempted.map_or(u64::MAX, |until| until - now));
        now += slice;
        if slice < left {
            task.scan = Some((started, left - slice));
        } else {
            task.cycle.complete(started, now);
        }
    }
    now
}

/// Every deadline until now was a scan or was counted as skipped, and the next one lies on the grid of the first.
fn check(task: &Task, now: u64) -> Figures {
    let figures = task.reader.read();
    let next = task.cycle.rest(0).unwrap();
    assert_eq!((next - task.first) % task.interval, 0, "the phase has moved");
    assert_eq!(
        figures.scans + figures.skipped,
        (next - task.first) / task.interval,
        "a deadline is missing in the count"
    );
    if task.scan.is_none() {
        assert!(next > now || task.wakes(now) == now);
    }
    figures
}

#[test]
fn ten_million_scans_keep_the_phase() {
    let jitter = |scan: u64| scan.wrapping_mul(6_364_136_223_846_793_005) >> 45;
    let mut tasks = [Task::new(MS, 77, jitter)];
    let now = run(&mut tasks, 10_000_000);
    let figures = check(&tasks[0], now);
    assert_eq!(
        (figures.scans, figures.skipped, figures.latency.max),
        (10_000_000, 0, 0)
    );
    assert_eq!(now / MS, 9_999_999, "no drift");
    let mean = figures.cycle_time.mean().unwrap();
    assert!((mean - MS as f64).abs() < 1e-3, "{mean}");
}

#[test]
fn a_task_is_held_up_by_more_urgent_ones_only() {
    let mut tasks = [
        Task::new(MS, 0, |_| 100_000),
        // Every hundredth scan takes longer than its interval.
        Task::new(10 * MS, 0, |scan| if scan % 100 == 99 { 25 * MS } else { 2 * MS }),
        // Never ends in time.
        Task::new(100 * MS, 0, |_| 350 * MS),
    ];
    let now = run(&mut tasks, 2_000_000);
    let [fast, middle, slow] = [0, 1, 2].map(|task| check(&tasks[task], now));
    assert_eq!(
        (fast.skipped, fast.latency.max),
        (0, 0),
        "nothing holds up the first"
    );
    assert!(middle.latency.max <= 100_000, "only the first: {middle:?}");
    assert_eq!(middle.skipped, middle.scans / 100 * 2);
    assert!(slow.scans > 0 && slow.skipped >= 4 * slow.scans, "{slow:?}");
    assert_eq!(slow.overruns, slow.scans, "each one");
}

#[test]
fn a_machine_that_stands_still_costs_the_deadlines_that_passed_and_no_more() {
    let mut tasks = [Task::new(
        MS,
        0,
        |scan| if scan == 1000 { 3_600_000 * MS } else { 1000 },
    )];
    let now = run(&mut tasks, 5_000);
    let figures = check(&tasks[0], now);
    assert_eq!(figures.skipped, 3_600_000, "an hour of them, not made up for");
    assert_eq!(figures.overruns, 1);
    assert_eq!(figures.latency.min, 0);
}

#[test]
fn an_exchange_between_any_two_scans_misses_no_deadline() {
    for scans in 1..1000 {
        let mut old = [Task::new(MS, 500, |scan| 400_000 + scan)];
        let now = run(&mut old, scans);
        let mut new = Task::new(MS, 0, |_| 1);
        new.cycle.follow(Some(&old[0].cycle), now);
        assert_eq!(old[0].reader.read().skipped, 0);
        assert_eq!(
            new.cycle.rest(0),
            Some(500 + scans * MS),
            "the very next deadline"
        );
    }
}
