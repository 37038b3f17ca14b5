//! Lengths of time as people write them: `90s`, `15min`, `8h`, `30d`.

use std::time::Duration;

/// Units by their length in seconds, the longest first.
const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];

/// The time that `text` says: one whole number and one unit.
pub fn parse(text: &str) -> Option<Duration> {
    let (name, seconds) = UNITS.iter().find(|(name, _)| text.ends_with(name))?;
    let number: u64 = text.strip_suffix(name)?.trim().parse().ok()?;
    Some(Duration::from_secs(number.checked_mul(*seconds)?))
}

/// `time` in the largest unit that expresses it.
pub fn show(time: Duration) -> String {
    let seconds = time.as_secs();
    let (name, length) = UNITS
        .iter()
        .find(|(_, length)| seconds != 0 && seconds.is_multiple_of(*length))
        .unwrap_or(&("s", 1));
    format!("{}{name}", seconds / length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_shown() {
        for (text, seconds) in [
            ("0s", 0),
            ("90s", 90),
            ("15min", 900),
            ("8h", 28_800),
            ("30d", 2_592_000),
        ] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
            assert_eq!(show(Duration::from_secs(seconds)), text);
        }
        assert_eq!(parse("10 min"), Some(Duration::from_secs(600)));
        for wrong in [
            "",
            "10",
            "min",
            "-1s",
            "1.5h",
            "1h30min",
            "18446744073709551615d",
            "5m",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
