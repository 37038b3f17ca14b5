//! Numbers of bytes as people write them: `512MiB`, `4GiB`.

/// Units by their number of bytes, the largest first.
const UNITS: [(&str, u64); 2] = [("GiB", 1 << 30), ("MiB", 1 << 20)];

/// The bytes that `text` says: one whole number and one unit.
pub fn parse(text: &str) -> Option<u64> {
    let (name, bytes) = UNITS.iter().find(|(name, _)| text.ends_with(name))?;
    let number: u64 = text.strip_suffix(name)?.trim().parse().ok()?;
    number.checked_mul(*bytes)
}

/// `bytes`, whole MiB, in the largest unit that expresses them.
pub fn show(bytes: u64) -> String {
    let (name, size) = UNITS
        .iter()
        .find(|(_, size)| bytes.is_multiple_of(*size))
        .unwrap_or(&UNITS[1]);
    format!("{}{name}", bytes / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_shown() {
        for (text, bytes) in [("512MiB", 512 << 20), ("4GiB", 4 << 30)] {
            assert_eq!(parse(text), Some(bytes));
            assert_eq!(show(bytes), text);
        }
        for wrong in ["", "4", "GiB", "4G", "4GB", "-1MiB", "18446744073709551615GiB"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
