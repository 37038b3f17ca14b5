//! What is wrong with a file, in one line for the log.

use std::fmt;
use std::path::{Path, PathBuf};

/// One thing that could not be used, and what is used instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    file: PathBuf,
    line: Option<usize>,
    what: String,
}

impl Problem {
    pub(crate) fn of_file(file: &Path, what: String) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            what,
        }
    }

    pub(crate) fn at_line(file: &Path, line: usize, what: String) -> Self {
        Self {
            file: file.to_owned(),
            line: Some(line),
            what,
        }
    }

    /// The line, counted from 1, if it is about one.
    pub(crate) fn line(&self) -> Option<usize> {
        self.line
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(formatter, ", line {line}")?;
        }
        write!(formatter, ": {}", self.what)
    }
}
