//! Ids of log lines go on over restarts, also when the clock was put back meanwhile: who follows the log asks for what comes
//! after the greatest id, and would be shown nothing until the clock had caught up.

use std::fs;
use std::path::Path;

use crate::log_ring::LogRing;
use crate::store::write_json;

/// More lines than one process ever logs. Its successor begins after them.
const RESERVE: u64 = 100_000_000;
/// Far beyond any id of the next thousand years, and far below what JavaScript can count exactly.
const GREATEST: u64 = 1 << 52;

/// Lets `log` go on after what earlier processes with this state directory may have logged.
pub fn go_on(log: &LogRing, directory: &Path) {
    let path = directory.join("log-ids");
    let reserved = fs::read(&path)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .filter(|id| *id < GREATEST)
        .unwrap_or(0);
    let first = log.go_on_from(reserved);
    if let Err(error) = write_json(&path, &(first + RESERVE)) {
        tracing::warn!("Should the clock be put back, a log that is being followed may pause: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_process_begins_after_the_one_before_whatever_the_clock_says() {
        let directory = tempfile::tempdir().unwrap();
        let begin = || {
            let log = LogRing::default();
            go_on(&log, directory.path());
            log.go_on_from(0)
        };
        let (first, second, third) = (begin(), begin(), begin());
        assert!(first + RESERVE <= second && second + RESERVE <= third);
        for damaged in ["", "x", "-1", "18446744073709551615"] {
            fs::write(directory.path().join("log-ids"), damaged).unwrap();
            assert!(begin() < third, "the clock counts again");
        }
    }
}
