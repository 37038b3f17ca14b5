//! What a program logs from its scans: a bounded queue that never waits, and the thread-side that empties it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_queue::ArrayQueue;
use openplc_program::Severity;
use openplc_text::one_line;

/// Lines that wait at most.
const CAPACITY: usize = 256;
/// Longest line, in bytes.
const MAX_LINE: usize = 240;
/// A line that repeats the one before is shown again after this time, with a count.
const REPEAT_AFTER: Duration = Duration::from_secs(60);

/// One line, as large as it can be: nothing is allocated when it is written.
struct Line {
    severity: Severity,
    length: usize,
    text: [u8; MAX_LINE],
}

/// The queue between scan threads and [`Drain`].
pub struct ProgramLog {
    lines: ArrayQueue<Line>,
    dropped: AtomicU64,
}

impl Default for ProgramLog {
    fn default() -> Self {
        Self {
            lines: ArrayQueue::new(CAPACITY),
            dropped: AtomicU64::new(0),
        }
    }
}

impl ProgramLog {
    /// Adds a line, cut to [`MAX_LINE`] bytes; when the queue is full it is dropped and counted.
    pub fn push(&self, severity: Severity, text: &[u8]) {
        let length = text.len().min(MAX_LINE);
        let mut line = Line {
            severity,
            length,
            text: [0; MAX_LINE],
        };
        line.text[..length].copy_from_slice(&text[..length]);
        if self.lines.push(line).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Empties a [`ProgramLog`] and sums up what repeats.
#[derive(Default)]
pub struct Drain {
    last: Option<(Severity, String, Instant)>,
    repeated: u64,
}

impl Drain {
    /// Hands every waiting line to `emit`, except repetitions of the line before.
    pub fn run(&mut self, log: &ProgramLog, now: Instant, emit: &mut dyn FnMut(Severity, &str)) {
        while let Some(line) = log.lines.pop() {
            let text = one_line(&String::from_utf8_lossy(&line.text[..line.length]));
            match &self.last {
                Some((_, last, since)) if *last == text && now.duration_since(*since) < REPEAT_AFTER => {
                    self.repeated += 1;
                }
                _ => {
                    self.tell_repetitions(emit);
                    emit(line.severity, &text);
                    self.last = Some((line.severity, text, now));
                }
            }
        }
        let dropped = log.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            emit(
                Severity::Warning,
                &format!("{dropped} log lines of the program were dropped: it logs too much"),
            );
        }
    }

    fn tell_repetitions(&mut self, emit: &mut dyn FnMut(Severity, &str)) {
        if let (Some((severity, last, _)), 1..) = (&self.last, self.repeated) {
            emit(*severity, &format!("{last} (repeated {} times)", self.repeated));
        }
        self.repeated = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(drain: &mut Drain, log: &ProgramLog, now: Instant) -> Vec<String> {
        let mut lines = Vec::new();
        drain.run(log, now, &mut |_, line| lines.push(line.to_owned()));
        lines
    }

    #[test]
    fn repetitions_are_summed_up() {
        let (log, mut drain, now) = (ProgramLog::default(), Drain::default(), Instant::now());
        for line in ["same\n", "same\n", "same\n", "other"] {
            log.push(Severity::Info, line.as_bytes());
        }
        assert_eq!(
            drained(&mut drain, &log, now),
            ["same", "same (repeated 2 times)", "other"]
        );
        log.push(Severity::Info, b"other");
        assert!(drained(&mut drain, &log, now).is_empty());
        log.push(Severity::Info, b"other");
        let later = now + REPEAT_AFTER;
        assert_eq!(
            drained(&mut drain, &log, later),
            ["other (repeated 1 times)", "other"]
        );
    }

    #[test]
    fn a_line_does_nothing_to_who_reads_it() {
        let (log, mut drain) = (ProgramLog::default(), Drain::default());
        log.push(Severity::Info, "two\nlines\u{1b}[2J\u{202e}".as_bytes());
        assert_eq!(
            drained(&mut drain, &log, Instant::now()),
            ["two lines\\u001b[2J\\u202e"]
        );
    }

    #[test]
    fn a_flood_is_bounded_and_counted() {
        let (log, mut drain) = (ProgramLog::default(), Drain::default());
        for line in 0..CAPACITY + 7 {
            log.push(Severity::Info, format!("{line}").as_bytes());
        }
        log.push(Severity::Info, &[b'x'; 1000]);
        let lines = drained(&mut drain, &log, Instant::now());
        assert_eq!(lines.len(), CAPACITY + 1);
        assert!(lines[CAPACITY].starts_with("8 log lines"), "{}", lines[CAPACITY]);
    }
}
