//! What a program prints: standard output and standard error become a pipe that is read into the log. The pipe never blocks
//! its writer, so what a scan prints cannot hold it up, whoever reads the log and however slowly. (Our own log has kept the
//! original standard error.)

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::thread;
use std::time::Instant;

use openplc_text::one_line;
use rustix::fs::OFlags;
use rustix::pipe::PipeFlags;

use crate::line_budget::LineBudget;

/// Longest line that is logged, in bytes; a longer one is split.
const MAX_LINE: u64 = 1000;

/// Redirects standard output and standard error into the log, for the life of the process.
///
/// # Errors
/// When pipe or thread cannot be made.
pub fn capture() -> io::Result<()> {
    let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    rustix::fs::fcntl_setfl(&writer, OFlags::NONBLOCK)?;
    rustix::stdio::dup2_stdout(&writer)?;
    rustix::stdio::dup2_stderr(&writer)?;
    thread::Builder::new()
        .name("program-output".into())
        .stack_size(crate::daemon::STACK)
        .spawn(move || for_each_line(File::from(reader), |line| tracing::info!("{line}")))
        .map(drop)
}

/// Hands each line of `source` to `emit` until the source ends; of a flood only some, and how many were dropped.
pub fn for_each_line(source: impl Read, mut emit: impl FnMut(&str)) {
    let mut source = BufReader::new(source);
    let mut budget = LineBudget::new(Instant::now());
    let mut line = Vec::new();
    while matches!(
        source.by_ref().take(MAX_LINE).read_until(b'\n', &mut line),
        Ok(1..)
    ) {
        let text = one_line(&String::from_utf8_lossy(&line));
        if !text.is_empty()
            && let Some(dropped) = budget.spend(Instant::now())
        {
            if dropped > 0 {
                emit(&format!("({dropped} lines were dropped: too many a second)"));
            }
            emit(&text);
        }
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn lines_are_split_trimmed_and_bounded() {
        let mut lines = Vec::new();
        let text = format!("one\n\n two \n{}\nla\u{1b}st", "x".repeat(1500));
        super::for_each_line(text.as_bytes(), |line| lines.push(line.to_owned()));
        assert_eq!(
            lines,
            ["one", " two", &"x".repeat(1000), &"x".repeat(500), "la\\u001bst"]
        );
    }
}
