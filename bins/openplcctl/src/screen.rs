//! Output that goes on: text that is replaced in place on a terminal, and follows line by line elsewhere.

use std::io::{IsTerminal, Write};

use openplc_text::escape_invisible;
use rustix::termios;

/// Characters of a terminal; each at least one.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// In a line.
    pub columns: usize,
    /// Lines.
    pub rows: usize,
}

/// Standard output.
#[derive(Debug)]
pub struct Screen {
    terminal: bool,
    shown: usize,
}

impl Screen {
    /// Nothing shown yet.
    pub fn new() -> Self {
        Self {
            terminal: std::io::stdout().is_terminal(),
            shown: 0,
        }
    }

    /// Whether text can be replaced.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Its size, if it is a terminal.
    pub fn size(&self) -> Option<Size> {
        let size = self.terminal.then(|| termios::tcgetwinsize(std::io::stdout()));
        // What a terminal does not know of itself is taken to be what it always was.
        let or = |value: u16, usual| if value == 0 { usual } else { value.into() };
        size.map(|size| {
            let (columns, rows) = size.map_or((0, 0), |size| (size.ws_col, size.ws_row));
            Size {
                columns: or(columns, 80),
                rows: or(rows, 24),
            }
        })
    }

    /// Shows these lines in place of the previous ones. Ends the program when nobody reads it any more.
    pub fn show(&mut self, lines: &[String]) {
        // What has scrolled off the screen cannot be replaced: the rest is left out while there is more to come.
        let fitting = self.size().map_or(lines.len(), |size| size.rows - 1);
        let lines = &lines[..lines.len().min(fitting)];
        let mut text = String::new();
        if self.terminal && self.shown > 0 {
            text = format!("\x1b[{}A\x1b[J", self.shown);
        }
        text += &printable(lines);
        self.shown = lines.len();
        // A line that wraps would take two lines on the screen: cut it at the margin instead.
        print(&if self.terminal {
            format!("\x1b[?7l{text}\x1b[?7h")
        } else {
            text
        });
    }
}

/// Prints lines. Ends the program when nobody reads them any more.
pub fn lines(lines: &[String]) {
    print(&printable(lines));
}

/// Prints one line. Ends the program when nobody reads it any more. Whatever the runtime says, it is text: what a terminal would
/// obey is escaped, in JSON too.
pub fn line(text: &str) {
    print(&printable(&[text.to_owned()]));
}

/// Lines that do nothing to a terminal but to show their text.
fn printable(lines: &[String]) -> String {
    let lines = lines.iter().map(|line| escape_invisible(line) + "\n");
    lines.collect()
}

/// Prints to standard error, as [`line`] does; there may be several lines.
pub fn complain(text: &str) {
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    eprint!("{}", printable(&lines));
}

fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
        // As every tool does whose output is piped into `head`.
        std::process::exit(0);
    }
}

/// Columns, each as wide as its widest cell.
pub fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    rows.iter()
        .map(|row| {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            cells.join("  ").trim_end().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_runtime_says_is_text_to_the_terminal() {
        let lines = ["\u{1b}[2J", "\u{9b}31m\nforged", "µs\tok"].map(str::to_owned);
        assert_eq!(printable(&lines), "\\u001b[2J\n\\u009b31m\\u000aforged\nµs\tok\n");
        let document = serde_json::json!({ "label": "\u{1b}\u{9b}\u{202e}" });
        let shown = printable(&[document.to_string()]);
        assert!(shown.trim_end().chars().all(openplc_text::is_visible), "{shown}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&shown).unwrap(),
            document
        );
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let lines = table(&[row(&["a", "µs", "c"]), row(&["long", "b", ""])]);
        assert_eq!(lines, ["a     µs  c", "long  b"]);
    }
}
