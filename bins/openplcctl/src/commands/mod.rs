//! The commands, one concern a file.

pub mod logs;
pub mod plc;
pub mod plugins;
pub mod project;
pub mod retain;
pub mod session;
pub mod status;
pub mod upload;
pub mod users;
pub mod values;
pub mod venv;

use serde_json::Value;

use crate::screen;

/// How results are printed.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// As JSON.
    pub json: bool,
}

impl Output {
    /// Prints a result: `text` for people, `document` for scripts.
    pub fn result(self, text: &str, document: &Value) {
        if self.json {
            screen::line(&document.to_string());
        } else {
            screen::line(text);
        }
    }
}
