//! What the launcher prints: one line for each message, as `journalctl` shows them, above an optional block of live text.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use jiff::Zoned;
use openplc_text::is_visible;

/// Lines that wait for a slow reader.
const QUEUE: usize = 1000;

/// Severity of a line, as in `syslog(3)`: 0 is an emergency, 7 is for developers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Priority(u8);

impl Priority {
    /// Something failed.
    pub const ERROR: Self = Self(3);
    /// Somebody should look.
    pub const WARNING: Self = Self(4);
    /// Normal operation.
    pub const INFO: Self = Self(6);

    /// Splits the prefix `<N>` of `sd-daemon(3)` from a line; a line without it is [`Self::INFO`].
    pub fn split_from(line: &str) -> (Self, &str) {
        match line.as_bytes() {
            [b'<', digit @ b'0'..=b'7', b'>', ..] => (Self(digit - b'0'), &line[3..]),
            _ => (Self::INFO, line),
        }
    }

    /// Escape sequence that starts the colour of this severity.
    fn colour(self) -> &'static str {
        match self.0 {
            0..=3 => "\x1b[1;31m",
            4 => "\x1b[1;33m",
            5 => "\x1b[1m",
            6 => "",
            _ => "\x1b[90m",
        }
    }
}

/// What the writing thread is asked for.
#[derive(Debug)]
enum Output {
    /// A line above the live block.
    Line(String),
    /// A new live block.
    Live(Vec<String>),
    /// Answer this when everything before is written.
    Flush(SyncSender<()>),
}

/// Standard output, shared by the threads. Printing never blocks: a thread of its own writes, and a reader that does not
/// keep up loses lines, because a terminal that is held must not hold a PLC.
#[derive(Debug)]
pub struct Console {
    terminal: bool,
    output: SyncSender<Output>,
    lost: AtomicU64,
}

impl Console {
    /// The process's standard output.
    pub fn open() -> Self {
        let (output, outputs) = sync_channel(QUEUE);
        std::thread::spawn(move || write_all(&outputs));
        Self {
            terminal: std::io::stdout().is_terminal(),
            output,
            lost: AtomicU64::new(0),
        }
    }

    /// Waits until everything is written, for a second at most.
    pub fn flush(&self) {
        let (done, written) = sync_channel(1);
        if self.output.try_send(Output::Flush(done)).is_ok() {
            let _ = written.recv_timeout(Duration::from_secs(1));
        }
    }

    /// Whether somebody looks at a screen, on which text can be replaced.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// A message of the launcher itself.
    pub fn say(&self, priority: Priority, text: &str) {
        self.line("openplc-launcher", std::process::id(), priority, text);
    }

    /// A message of any process.
    pub fn line(&self, identifier: &str, pid: u32, priority: Priority, text: &str) {
        let time = Zoned::now().strftime("%b %d %H:%M:%S").to_string();
        self.note(&format_line(
            &time,
            identifier,
            pid,
            priority,
            text,
            self.terminal,
        ));
    }

    /// Text for people, without time and origin.
    pub fn note(&self, text: &str) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0
            && self
                .output
                .try_send(Output::Line(format!("({lost} lines lost here)")))
                .is_err()
        {
            self.lost.fetch_add(lost + 1, Ordering::Relaxed);
        } else if self.output.try_send(Output::Line(text.to_owned())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Replaces the block below the messages. Only for a terminal.
    pub fn show_live(&self, lines: Vec<String>) {
        let _ = self.output.try_send(Output::Live(lines));
    }
}

fn write_all(outputs: &Receiver<Output>) {
    let mut live: Vec<String> = Vec::new();
    for output in outputs {
        let mut text = erase(live.len());
        match output {
            Output::Line(line) => write_lines(&mut text, &[line]),
            Output::Live(lines) => live = lines,
            Output::Flush(done) => {
                let _ = done.send(());
                continue;
            }
        }
        if !live.is_empty() {
            // A line that wraps would take two lines on the screen: cut it at the margin instead.
            text.push_str("\x1b[?7l");
            write_lines(&mut text, &live);
            text.push_str("\x1b[?7h");
        }
        // A reader that went away is no reason to stop a PLC: errors are ignored.
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

fn write_lines(out: &mut String, lines: &[String]) {
    for line in lines {
        out.push_str(line);
        out.push('\n');
    }
}

/// Moves the cursor up by `lines` lines and erases from there.
fn erase(lines: usize) -> String {
    if lines == 0 {
        String::new()
    } else {
        format!("\x1b[{lines}A\x1b[J")
    }
}

fn format_line(
    time: &str,
    identifier: &str,
    pid: u32,
    priority: Priority,
    text: &str,
    coloured: bool,
) -> String {
    let mut line = format!("{time} {identifier}[{pid}]: ");
    let colour = if coloured { priority.colour() } else { "" };
    line.push_str(colour);
    for character in text.chars() {
        // A message must not be able to move the cursor, change the screen or turn the text around.
        if character == '\t' || is_visible(character) {
            line.push(character);
        } else {
            let _ = write!(line, "{}", character.escape_default());
        }
    }
    if !colour.is_empty() {
        line.push_str("\x1b[0m");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_priority_prefix_is_split_from_a_line() {
        assert_eq!(Priority::split_from("<3>failed"), (Priority::ERROR, "failed"));
        assert_eq!(Priority::split_from("<6>"), (Priority::INFO, ""));
        for plain in ["", "<", "<3", "<8>x", "<33>x", "text <3>", "<é>"] {
            assert_eq!(Priority::split_from(plain), (Priority::INFO, plain));
        }
    }

    #[test]
    fn a_line_looks_as_in_the_journal() {
        let line = format_line(
            "Nov 22 14:00:00",
            "openplc-core",
            123,
            Priority::INFO,
            "text",
            true,
        );
        assert_eq!(line, "Nov 22 14:00:00 openplc-core[123]: text");
    }

    #[test]
    fn severity_is_a_colour_on_a_terminal_only() {
        let plain = format_line("T", "a", 1, Priority::ERROR, "failed", false);
        assert_eq!(plain, "T a[1]: failed");
        let coloured = format_line("T", "a", 1, Priority::ERROR, "failed", true);
        assert_eq!(coloured, "T a[1]: \x1b[1;31mfailed\x1b[0m");
    }

    #[test]
    fn a_message_cannot_control_the_terminal() {
        let line = format_line("T", "a", 1, Priority::INFO, "a\x1b[2Jb\rc\td\u{202e}µ", true);
        assert_eq!(line, "T a[1]: a\\u{1b}[2Jb\\rc\td\\u{202e}µ");
    }
}
