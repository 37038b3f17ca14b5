//! `retain.conf`: whether variables are retained.
//!
//! Lines `key=value`, `#` begins a comment. The path and the time between two writes that it may state are those of another
//! store; this runtime has its own place, and its administrator chooses the time.

/// Whether retaining is switched on.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn is_enabled(text: &str) -> Result<bool, String> {
    let mut enabled = false;
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    for (number, line) in (1..).zip(lines) {
        if line.is_empty() {
            continue;
        }
        let (key, value) = line
            .split_once('=')
            .ok_or_else(|| format!("line {number} does not read `key=value`"))?;
        let value = value.trim();
        match key.trim() {
            "enabled" => {
                enabled = match value.to_ascii_lowercase().as_str() {
                    "1" | "true" | "yes" | "on" => true,
                    "0" | "false" | "no" | "off" => false,
                    _ => return Err(format!("line {number}: enabled is 1 or 0")),
                }
            }
            "flush_seconds" if !value.is_empty() => {
                let seconds = value.parse::<f64>().ok().filter(|seconds| *seconds >= 1.0);
                seconds.ok_or_else(|| format!("line {number}: flush_seconds is a number, 1 or more"))?;
            }
            _ => (),
        }
    }
    Ok(enabled)
}

#[cfg(test)]
mod tests {
    use super::is_enabled;

    #[test]
    fn it_is_on_when_the_file_says_so() {
        assert_eq!(
            is_enabled("# by the editor\r\nenabled=1\r\npath=\r\nflush_seconds=5\r\n"),
            Ok(true)
        );
        assert_eq!(is_enabled("enabled = TRUE\n"), Ok(true));
        assert_eq!(is_enabled("enabled=1\npath=\nflush_seconds=\n"), Ok(true));
        assert_eq!(is_enabled("enabled=0\n"), Ok(false));
        assert_eq!(is_enabled(""), Ok(false));
    }

    #[test]
    fn a_mistake_is_said_with_its_line() {
        for (text, line) in [
            ("enabled=1\nwhat", "line 2"),
            ("enabled=maybe", "line 1"),
            ("flush_seconds=0", "line 1"),
        ] {
            assert!(is_enabled(text).unwrap_err().contains(line), "{text}");
        }
    }
}
