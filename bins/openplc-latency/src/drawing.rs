//! A histogram as people see it.

use openplc_engine::statistics::Bucket;

/// Length of the longest bar.
const WIDTH: f64 = 48.0;

/// One row for each step of 1, 2, 5, 10, … µs that holds anything, and for those between. Bars are logarithmic, so that the
/// few late ones are seen beside the many.
pub fn rows(buckets: impl Iterator<Item = Bucket>) -> Vec<String> {
    let mut steps: Vec<(u64, u64)> = Vec::new();
    for bucket in buckets {
        let limit = step_above(bucket.greatest);
        match steps.last_mut() {
            Some((last, count)) if *last == limit => *count += bucket.count,
            Some((last, _)) => {
                let mut next = step_above(*last + 1);
                while next < limit {
                    steps.push((next, 0));
                    next = step_above(next + 1);
                }
                steps.push((limit, bucket.count));
            }
            None => steps.push((limit, bucket.count)),
        }
    }
    let most = steps.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let counts: Vec<_> = steps.iter().map(|(_, count)| grouped(*count)).collect();
    let width = counts.iter().map(String::len).max().unwrap_or(0);
    steps
        .iter()
        .zip(&counts)
        .map(|((limit, count), text)| {
            let bar = "█".repeat(bar(*count, most));
            format!("  up to {:>7}  {text:>width$}  {bar}", duration(*limit))
                .trim_end()
                .to_owned()
        })
        .collect()
}

/// The least of 1, 2, 5, 10, … µs (in ns) that is not below `value`.
fn step_above(value: u64) -> u64 {
    let mut decade = 1_000_u64;
    loop {
        for factor in [1, 2, 5] {
            let step = decade.saturating_mul(factor);
            if step >= value {
                return step;
            }
        }
        decade = decade.saturating_mul(10);
    }
}

fn bar(count: u64, most: u64) -> usize {
    if count == 0 {
        return 0;
    }
    let share = (count as f64 + 1.0).ln() / (most as f64 + 1.0).ln();
    ((share * WIDTH).round() as usize).max(1)
}

/// A duration (ns) in the unit that people would choose.
pub fn duration(nanoseconds: u64) -> String {
    let (number, unit) = match nanoseconds {
        0..1_000_000 => (nanoseconds as f64 / 1e3, "µs"),
        1_000_000..1_000_000_000 => (nanoseconds as f64 / 1e6, "ms"),
        _ => (nanoseconds as f64 / 1e9, "s"),
    };
    let text = if number < 100.0 {
        format!("{number:.1}")
    } else {
        format!("{number:.0}")
    };
    format!("{} {unit}", text.trim_end_matches(".0"))
}

/// A number with a comma at every third digit.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_between_are_shown_empty() {
        let bucket = |greatest, count| Bucket {
            least: 0,
            greatest,
            count,
        };
        let drawn = rows([bucket(900, 1), bucket(1_000, 998), bucket(4_999, 1)].into_iter());
        assert_eq!(drawn.len(), 3);
        assert!(drawn[0].starts_with("  up to    1 µs  999  ████"), "{}", drawn[0]);
        assert_eq!(drawn[1], "  up to    2 µs    0");
        assert!(
            drawn[2].starts_with("  up to    5 µs    1  █"),
            "one is seen: {}",
            drawn[2]
        );
        assert!(rows(std::iter::empty()).is_empty());
    }

    #[test]
    fn durations_and_numbers_are_for_people() {
        assert_eq!(duration(0), "0 µs");
        assert_eq!(duration(1_500), "1.5 µs");
        assert_eq!(duration(250_000), "250 µs");
        assert_eq!(duration(1_000_000), "1 ms");
        assert_eq!(duration(2_000_000_000), "2 s");
        assert_eq!((grouped(7), grouped(1_234_567)), ("7".into(), "1,234,567".into()));
    }
}
