//! Lengths of time as people write them: `100ms`, `90s`, `15min`, `8h`, `30d`.

use std::time::Duration;

/// Units by their length in milliseconds, the longest first.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("min", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// The time that `text` says: one whole number and one unit.
pub fn parse(text: &str) -> Option<Duration> {
    let number = text.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    let unit = text.strip_prefix(number)?;
    let (_, milliseconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let number: u64 = number.trim_end().parse().ok()?;
    Some(Duration::from_millis(number.checked_mul(*milliseconds)?))
}

/// `time`, whole milliseconds, in the largest unit that expresses it.
pub fn show(time: Duration) -> String {
    let milliseconds = time.as_millis();
    let (name, length) = UNITS
        .iter()
        .find(|(_, length)| milliseconds != 0 && milliseconds.is_multiple_of(u128::from(*length)))
        .unwrap_or(&("s", 1000));
    format!("{}{name}", milliseconds / u128::from(*length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_shown() {
        for (text, milliseconds) in [
            ("0s", 0),
            ("100ms", 100),
            ("1500ms", 1500),
            ("90s", 90_000),
            ("15min", 900_000),
            ("8h", 28_800_000),
            ("30d", 2_592_000_000),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(milliseconds)), "{text}");
            assert_eq!(show(Duration::from_millis(milliseconds)), text);
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
