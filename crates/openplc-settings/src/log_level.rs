//! How much a process logs.

use crate::Section;

/// Least severity that is logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// And what somebody should look at.
    Warn,
    /// And normal operation.
    #[default]
    Info,
    /// And what helps to find a fault.
    Debug,
}

const WORDS: [(&str, LogLevel); 4] = [
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
];

impl LogLevel {
    /// The word for it, as in the files.
    pub fn word(self) -> &'static str {
        WORDS
            .iter()
            .find(|(_, level)| *level == self)
            .map_or("info", |(word, _)| word)
    }

    pub(crate) fn read(&mut self, file: &mut Section<'_>) {
        file.word("log-level", &WORDS, self);
    }
}
