//! The text format of Prometheus, version 0.0.4.

use std::fmt::{Display, Write};

use openplc_wire::figures::{Bucket, Spread};

/// What a server of this text says it is.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper bounds of the buckets of every histogram, in nanoseconds: from 1 µs to 10 s.
const BOUNDS: [u64; 22] = [
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
    200_000_000,
    500_000_000,
    1_000_000_000,
    2_000_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// Nanoseconds as seconds, the unit of all times here.
pub fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

/// What a metric is.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A text that grows metric by metric.
#[derive(Debug, Default)]
pub struct Exposition(String);

/// A metric, whose samples follow its head.
pub struct Metric<'a> {
    text: &'a mut String,
    name: &'a str,
}

impl Exposition {
    /// Begins a metric. `help` is one line without backslashes.
    pub fn metric<'a>(&'a mut self, name: &'a str, kind: Kind, help: &str) -> Metric<'a> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.0 += &format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
        let text = &mut self.0;
        Metric { text, name }
    }

    /// The whole text.
    pub fn into_text(self) -> String {
        self.0
    }
}

impl Metric<'_> {
    /// Adds a sample.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.line("", labels, value);
    }

    /// Adds a histogram. Those whose count lies around a bound are counted above it, so no duration is told too short.
    pub fn histogram(&mut self, labels: &[(&str, &str)], spread: &Spread) {
        let buckets = spread.histogram.as_deref().unwrap_or_default();
        let up_to = |bound: u64| -> u64 {
            let within = buckets.iter().filter(|bucket| end(bucket) <= bound);
            within.map(|bucket: &Bucket| bucket.count).sum()
        };
        for bound in BOUNDS {
            self.bucket(labels, &seconds(bound).to_string(), up_to(bound));
        }
        self.bucket(labels, "+Inf", up_to(u64::MAX));
        self.line("_sum", labels, seconds(spread.sum_ns));
        self.line("_count", labels, up_to(u64::MAX));
    }

    fn bucket(&mut self, labels: &[(&str, &str)], bound: &str, count: u64) {
        self.line("_bucket", &[labels, &[("le", bound)]].concat(), count);
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        *self.text += self.name;
        *self.text += suffix;
        for (at, (name, value)) in labels.iter().enumerate() {
            let before = if at == 0 { '{' } else { ',' };
            // Writing to a text cannot fail.
            let _ = write!(self.text, "{before}{name}=\"{}\"", escape(value));
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{end} {value}");
    }
}

/// Where a bucket ends at the latest (ns): they are a 64th wide at most. The last one's own end moves with the longest duration
/// so far, and a count that once was within a bound must stay there.
fn end(bucket: &Bucket) -> u64 {
    bucket.least_ns.saturating_add(bucket.least_ns / 64)
}

/// The value of a label as it stands between quotes.
fn escape(value: &str) -> String {
    value
        .replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_has_a_head_and_samples() {
        let mut text = Exposition::default();
        text.metric("up", Kind::Gauge, "Whether it is up.").sample(&[], 1);
        let mut counter = text.metric("scans_total", Kind::Counter, "Scans.");
        counter.sample(&[("task", "a \"b\"\\\nc"), ("kind", "x")], 7);
        assert_eq!(
            text.into_text(),
            "# HELP up Whether it is up.\n# TYPE up gauge\nup 1\n\
             # HELP scans_total Scans.\n# TYPE scans_total counter\n\
             scans_total{task=\"a \\\"b\\\"\\\\\\nc\",kind=\"x\"} 7\n"
        );
    }

    #[test]
    fn buckets_are_cumulative_and_never_flatter() {
        let spread = Spread {
            count: 4,
            min_ns: 900,
            max_ns: 20_000_000_000,
            mean_ns: 5e9,
            sum_ns: 20_000_003_000,
            percentiles: None,
            // The second lies around 1 µs: it may be longer.
            histogram: Some(vec![
                (900, 900, 1).into(),
                (992, 1_007, 2).into(),
                (19_000_000_000, 20_000_000_000, 1).into(),
            ]),
        };
        // The longest so far lies in the bucket around 1 µs, on this side of it: the next may lie on the other.
        let mut first = spread.clone();
        first.histogram = Some(vec![(900, 900, 1).into(), (992, 995, 2).into()]);
        let mut text = Exposition::default();
        text.metric("f", Kind::Histogram, "F.").histogram(&[], &first);
        assert!(text.into_text().contains("f_bucket{le=\"0.000001\"} 1\n"));
        let mut text = Exposition::default();
        text.metric("t", Kind::Histogram, "T.")
            .histogram(&[("task", "m")], &spread);
        let text = text.into_text();
        for line in [
            "t_bucket{task=\"m\",le=\"0.000001\"} 1",
            "t_bucket{task=\"m\",le=\"0.000002\"} 3",
            "t_bucket{task=\"m\",le=\"10\"} 3",
            "t_bucket{task=\"m\",le=\"+Inf\"} 4",
            "t_sum{task=\"m\"} 20.000003",
            "t_count{task=\"m\"} 4",
        ] {
            assert!(
                text.lines().any(|written| written == line),
                "{line} is not in {text}"
            );
        }
    }
}
