//! The output of one process, cut into lines.

use std::io::{PipeReader, Read};
use std::os::fd::{AsFd, BorrowedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::unistd::Pid;

use crate::console::{Console, Priority};

/// A longer line is printed in pieces.
const LONGEST_LINE: usize = 8192;

/// Standard output and standard error of a process.
#[derive(Debug)]
pub struct LogStream {
    pipe: PipeReader,
    identifier: String,
    pid: Pid,
    lines: Lines,
}

impl LogStream {
    /// Reads what the process `pid` writes to the other end of `pipe`.
    pub fn new(pipe: PipeReader, identifier: impl Into<String>, pid: Pid) -> Self {
        Self {
            pipe,
            identifier: identifier.into(),
            pid,
            lines: Lines::default(),
        }
    }

    /// For polling.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }

    /// The process.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Prints what is there to be read; `false` when nothing will follow. Blocks unless the descriptor is readable.
    pub fn forward(&mut self, console: &Console) -> bool {
        let mut bytes = [0; 16 * 1024];
        let count = match self.pipe.read(&mut bytes) {
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return true,
            Err(_) => 0,
        };
        let print = |line: &[u8]| {
            let text = String::from_utf8_lossy(line);
            let (priority, message) = Priority::split_from(&text);
            console.line(
                &self.identifier,
                self.pid.as_raw().unsigned_abs(),
                priority,
                message,
            );
        };
        if count == 0 {
            self.lines.end(print);
        } else {
            self.lines.add(&bytes[..count], print);
        }
        count > 0
    }

    /// Prints everything written so far, without waiting for more.
    pub fn drain(&mut self, console: &Console) {
        loop {
            let mut ready = [PollFd::new(self.pipe.as_fd(), PollFlags::POLLIN)];
            if !matches!(nix::poll::poll(&mut ready, PollTimeout::ZERO), Ok(1..)) || !self.forward(console) {
                return;
            }
        }
    }
}

/// Cuts bytes into lines.
#[derive(Debug, Default)]
struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    fn add(&mut self, bytes: &[u8], mut line: impl FnMut(&[u8])) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(piece);
            if self.begun.last() == Some(&b'\n') {
                self.begun.pop();
                line(&self.begun);
                self.begun.clear();
            }
            while self.begun.len() >= LONGEST_LINE {
                line(&self.begun[..LONGEST_LINE]);
                self.begun.drain(..LONGEST_LINE);
            }
        }
    }

    fn end(&mut self, mut line: impl FnMut(&[u8])) {
        if !self.begun.is_empty() {
            line(&std::mem::take(&mut self.begun));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut lines = Lines::default();
        let mut out = Vec::new();
        for piece in pieces {
            lines.add(piece, |line| out.push(line.to_vec()));
        }
        lines.end(|line| out.push(line.to_vec()));
        out
    }

    #[test]
    fn lines_are_joined_over_reads_and_the_last_needs_no_end() {
        assert_eq!(
            cut(&[b"on", b"e\n\ntwo\nth", b"ree"]),
            [&b"one"[..], b"", b"two", b"three"]
        );
    }

    #[test]
    fn an_endless_line_is_printed_in_pieces() {
        let lines = cut(&[&[b'x'; 3 * LONGEST_LINE + 5]]);
        assert_eq!(
            lines.iter().map(Vec::len).collect::<Vec<_>>(),
            [LONGEST_LINE, LONGEST_LINE, LONGEST_LINE, 5]
        );
    }
}
