//! The conversation of a plugin with the core on `/run/runtime/image.socket`.
//!
//! The plugin sends one [`Attach`], the core answers with one [`Attached`]. From then on values pass through shared memory; the
//! connection shows that both are there, and whoever closes it leaves. Over it the plugin sends [`Report`]s, and the core
//! [`Order`]s. The core closes it when it replaces the image by one of another size; the plugin then connects again.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::control::Level;

/// Longest message in bytes.
pub const MAX_MESSAGE: usize = 64 << 10;
/// Longest statistics in bytes, as a JSON text.
pub const MAX_STATISTICS: usize = 8192;
/// Reports that the core takes from a plugin in one second. More of them wait in the socket, so that a plugin that floods it
/// stands still, not the core.
pub const REPORTS_PER_SECOND: u32 = 200;
/// Longest name of a plugin, in bytes.
pub const MAX_NAME: usize = 64;

/// What a plugin says first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attach {
    /// The plugin's name.
    pub plugin: String,
}

/// What the core answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Attached {
    /// With two descriptors: the published image, to be mapped for reading, and the plugin's journal, for writing too.
    Done,
    /// The core closes the connection.
    Refused {
        /// Why.
        message: String,
    },
}

/// What an attached plugin tells the core, at any time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "snake_case")]
pub enum Report {
    /// A line for the log that the Editor shows. The plugin writes it to the journal itself.
    Log {
        /// Severity.
        level: Level,
        /// One line.
        message: String,
    },
    /// Figures for people, in place of those before. The Editor shows objects of the form
    /// `{"label": text, "fields": [{"label": text, "value": any, "unit": text}]}`.
    Statistics {
        /// A JSON object.
        document: Value,
    },
    /// What went wrong last.
    Failure {
        /// For people.
        message: String,
    },
    /// The answer to an [`Order::Command`], with the descriptors that belong to it.
    Answer {
        /// Its number.
        number: u64,
        /// Any JSON document.
        document: Value,
    },
    /// The plugin asks that the PLC is stopped, or started.
    Switch {
        /// Whether it shall run.
        run: bool,
        /// Why, for the log.
        reason: String,
    },
}

/// What the core asks of an attached plugin, at any time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// Somebody wants something that only this plugin understands. Answered by [`Report::Answer`].
    Command {
        /// For the answer.
        number: u64,
        /// What is wanted.
        command: String,
        /// A JSON object.
        params: Value,
    },
}

/// Whether this can be the name of a plugin: it is the name of a file, and can be logged as it is.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && name.len() <= MAX_NAME && !name.starts_with('.') && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_safe_as_a_file_name() {
        for name in ["modbus_slave", "a.b-c", "7"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", ".", "..", ".hidden", "a/b", "a b", "ä", &"x".repeat(65)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
