//! Plugins as clients of the core see them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PluginStatus {
    /// Its name.
    pub name: String,
    /// Whether it is at work.
    pub state: PluginState,
    /// Its process, while it is attached.
    pub process: Option<i32>,
    /// How often it has attached since the core started; more than once where it or the PLC was started anew.
    pub attached: u64,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// What became of its writes since it attached last.
    pub writes: WriteCounters,
    /// Its own figures.
    pub statistics: Option<Value>,
}

/// Whether a plugin is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PluginState {
    /// It is configured, and the PLC does not run.
    Stopped,
    /// It should be at work, and is not attached.
    Missing,
    /// It is attached to the process image.
    Attached,
    /// This runtime has no such plugin.
    Unknown,
    /// Its configuration says that it shall not work.
    Disabled,
}

impl PluginState {
    /// A word for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Missing => "missing",
            Self::Attached => "attached",
            Self::Unknown => "unknown",
            Self::Disabled => "disabled",
        }
    }
}

/// What became of the writes of a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WriteCounters {
    /// Applied.
    pub applied: u64,
    /// Refused: no such address, or a value that does not fit it.
    pub invalid: u64,
    /// Refused: not for this plugin.
    pub forbidden: u64,
    /// Without effect because a debugger has forced the value.
    pub forced: u64,
    /// Times that the plugin has damaged its journal.
    pub corrupt: u64,
    /// Scans that left writes for the next one.
    pub postponed: u64,
    /// Dropped by the plugin because its journal was full.
    pub dropped: u64,
}
