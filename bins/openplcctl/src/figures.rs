//! Figures of a task as text.

use openplc_wire::figures::{Spread, TaskStatistics};

use crate::histogram::{self, duration};
use crate::screen;

/// Counters and percentiles.
pub fn lines(task: &TaskStatistics) -> Vec<String> {
    let mut lines = vec![format!(
        "Task {}, every {}: {} scans, {} overruns, {} skipped",
        task.name,
        duration(task.interval_ns),
        task.scan_count,
        task.overruns,
        task.skipped
    )];
    let head = [
        "", "least", "p50", "p90", "p99", "p99.9", "p99.99", "greatest", "mean",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (name, spread) in durations(task) {
        rows.push(row(name, spread));
    }
    lines.extend(screen::table(&rows));
    lines
}

/// How long wake-ups and scans took; cycles say little more.
pub fn histograms(task: &TaskStatistics, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, spread) in durations(task).into_iter().take(2) {
        let Some(spread) = spread else { continue };
        let buckets = spread.histogram.as_deref().unwrap_or_default();
        lines.push(String::new());
        lines.push(format!("{name} of {}, {} in all", task.name, spread.count));
        lines.extend(histogram::draw(buckets, columns));
    }
    lines
}

/// The most important in one line.
pub fn one_line(task: &TaskStatistics) -> String {
    let mut text = format!(
        "{}: {} scans, {} overruns, {} skipped",
        task.name, task.scan_count, task.overruns, task.skipped
    );
    for (name, spread) in durations(task).into_iter().take(2) {
        if let Some((spread, percentiles)) = spread.and_then(|spread| Some((spread, spread.percentiles?))) {
            text += &format!(
                ", {} p50 {} p99.9 {} greatest {}",
                name.to_lowercase(),
                duration(percentiles.p50_ns),
                duration(percentiles.p99_9_ns),
                duration(spread.max_ns)
            );
        }
    }
    text
}

fn durations(task: &TaskStatistics) -> [(&'static str, Option<&Spread>); 3] {
    [
        ("Wake-up latency", task.cycle_latency.as_ref()),
        ("Scan time", task.scan_time.as_ref()),
        ("Cycle time", task.cycle_time.as_ref()),
    ]
}

fn row(name: &str, spread: Option<&Spread>) -> Vec<String> {
    let mut row = vec![name.to_owned()];
    let Some(spread) = spread else {
        row.resize(9, "-".to_owned());
        return row;
    };
    row.push(duration(spread.min_ns));
    let percentiles = spread
        .percentiles
        .map(|all| [all.p50_ns, all.p90_ns, all.p99_ns, all.p99_9_ns, all.p99_99_ns]);
    row.extend(percentiles.map_or_else(|| vec!["-".to_owned(); 5], |all| all.map(duration).to_vec()));
    row.push(duration(spread.max_ns));
    row.push(duration(spread.mean_ns.round() as u64));
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use openplc_wire::figures::Percentiles;

    fn task() -> TaskStatistics {
        let spread = Spread {
            count: 3,
            min_ns: 900,
            max_ns: 31_000,
            mean_ns: 12_345.6,
            sum_ns: 37_037,
            percentiles: Some(Percentiles {
                p50_ns: 5_000,
                p90_ns: 31_000,
                p99_ns: 31_000,
                p99_9_ns: 31_000,
                p99_99_ns: 31_000,
            }),
            histogram: Some(vec![(900, 900, 1).into(), (30_720, 31_000, 2).into()]),
        };
        TaskStatistics {
            name: "fast".into(),
            interval_ns: 1_500_000,
            scan_count: 3,
            overruns: 1,
            skipped: 4,
            scan_time: None,
            cycle_time: None,
            cycle_latency: Some(spread),
        }
    }

    #[test]
    fn percentiles_are_a_table() {
        let lines = lines(&task());
        assert_eq!(
            lines[0],
            "Task fast, every 1.5 ms: 3 scans, 1 overruns, 4 skipped"
        );
        let cells: Vec<&str> = lines[2]
            .split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .collect();
        let expected = [
            "Wake-up latency",
            "900 ns",
            "5 µs",
            "31 µs",
            "31 µs",
            "31 µs",
            "31 µs",
            "31 µs",
            "12.3 µs",
        ];
        assert_eq!(cells, expected);
        assert_eq!(lines[3].matches(" -").count(), 8, "no scan time yet: {lines:#?}");
    }

    #[test]
    fn histograms_are_those_that_exist() {
        let drawn = histograms(&task(), 80);
        assert_eq!(drawn[1], "Wake-up latency of fast, 3 in all");
        assert!(
            drawn
                .iter()
                .any(|line| line.contains("≤ 50 µs") && line.contains('█')),
            "{drawn:#?}"
        );
        assert!(!drawn.iter().any(|line| line.contains("Scan time")));
    }

    #[test]
    fn one_line_tells_the_tail() {
        assert_eq!(
            one_line(&task()),
            "fast: 3 scans, 1 overruns, 4 skipped, wake-up latency p50 5 µs p99.9 31 µs greatest 31 µs"
        );
    }
}
