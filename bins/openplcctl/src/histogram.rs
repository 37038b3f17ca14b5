//! A drawn histogram. Its steps and its bars are logarithmic: what matters of a latency is the one in a million.

use openplc_wire::figures::Bucket;

/// Eighths of a character, from one to all of them.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
/// Upper ends of the steps (ns) are these times powers of ten.
const STEPS: [u64; 3] = [1, 2, 5];
/// Narrowest and widest bar, in characters.
const BAR: std::ops::RangeInclusive<usize> = 8..=60;

/// One line for each step from the shortest duration to the longest, none wider than `width` characters unless that is hardly
/// any. A bucket that lies around the end of a step belongs to the step above.
pub fn draw(buckets: &[Bucket], width: usize) -> Vec<String> {
    let (Some(first), Some(last)) = (buckets.first(), buckets.last()) else {
        return Vec::new();
    };
    let ends = (0..=10)
        .flat_map(|power| STEPS.map(|step| step * 10_u64.pow(power)))
        .skip_while(|end| *end < first.greatest_ns);
    let mut rest = buckets.iter().peekable();
    let mut rows = Vec::new();
    for end in ends {
        let mut count = 0;
        while let Some(bucket) = rest.next_if(|bucket| bucket.greatest_ns <= end) {
            count += bucket.count;
        }
        rows.push((format!("≤ {}", duration(end)), count));
        if rest.peek().is_none() {
            break;
        }
    }
    let beyond: u64 = rest.map(|bucket| bucket.count).sum();
    if beyond > 0 {
        rows.push((format!("≤ {}", duration(last.greatest_ns)), beyond));
    }
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let label = rows
        .iter()
        .map(|(label, _)| label.chars().count())
        .max()
        .unwrap_or(0);
    let digits = most.to_string().len();
    let bar = width
        .saturating_sub(label + digits + 4)
        .clamp(*BAR.start(), *BAR.end());
    rows.into_iter()
        .map(|(name, count)| {
            let line = format!("{name:>label$}  {count:>digits$}  {}", bar_of(count, most, bar));
            line.trim_end().to_owned()
        })
        .collect()
}

/// A bar whose length goes with the logarithm of the count; one of a single duration can still be seen.
fn bar_of(count: u64, most: u64, width: usize) -> String {
    if count == 0 {
        return String::new();
    }
    let share = (count as f64 + 1.0).ln() / (most as f64 + 1.0).ln();
    let eighths = (share * (width * 8) as f64).round().max(1.0) as usize;
    let mut bar = "█".repeat(eighths / 8);
    if let Some(part) = (eighths % 8).checked_sub(1) {
        bar.push(EIGHTHS[part]);
    }
    bar
}

/// Such as `50 µs`; `ns` are nanoseconds.
pub fn duration(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{} µs", short(ns, 1_000)),
        1_000_000..1_000_000_000 => format!("{} ms", short(ns, 1_000_000)),
        _ => format!("{} s", short(ns, 1_000_000_000)),
    }
}

/// Three digits are enough for people.
fn short(ns: u64, unit: u64) -> String {
    let value = ns as f64 / unit as f64;
    let decimals = match value {
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(all: &[(u64, u64, u64)]) -> Vec<Bucket> {
        all.iter().copied().map(Bucket::from).collect()
    }

    #[test]
    fn every_duration_is_in_one_line() {
        let drawn = draw(
            &buckets(&[(900, 900, 1000), (1_984, 2_015, 3), (19_000, 19_200, 1)]),
            40,
        );
        let lines: Vec<Vec<&str>> = drawn
            .iter()
            .map(|line| line.split_whitespace().collect())
            .collect();
        let counts: Vec<(&str, &str)> = lines.iter().map(|line| (line[1], line[3])).collect();
        let expected = [("1", "1000"), ("2", "0"), ("5", "3"), ("10", "0"), ("20", "1")];
        assert_eq!(counts, expected);
        assert_eq!(lines[0][4].chars().count(), 40 - 7 - 4 - 4);
        assert_eq!(lines[1].len(), 4, "no bar");
        assert!(lines[2][4].chars().count() < lines[0][4].chars().count());
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let drawn = draw(&buckets(&[(1, 1, u64::MAX / 2), (1 << 35, u64::MAX, 7)]), 50);
        assert!(drawn.iter().all(|line| line.chars().count() <= 50), "{drawn:#?}");
        assert!(drawn.last().unwrap().contains(" 7 "), "{drawn:#?}");
        assert!(draw(&buckets(&[(1, 1, 5)]), 0)[0].contains('█'));
        assert!(draw(&[], 50).is_empty());
    }

    #[test]
    fn durations_have_three_digits() {
        let texts = [7, 1_000, 1_230, 12_340, 999_900, 20_000_000, 68_700_000_000].map(duration);
        assert_eq!(
            texts,
            ["7 ns", "1 µs", "1.23 µs", "12.3 µs", "1000 µs", "20 ms", "68.7 s"]
        );
    }
}
