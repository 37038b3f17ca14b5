//! The control conversation: one [`Request`], one [`Answer`], in order, on each connection.
//!
//! A request that takes long holds up only its own connection. A [`crate::frame::Kind::Debug`] frame is answered by a
//! debug frame, or by [`Answer::Refused`] when no program is loaded that could answer.

use serde::{Deserialize, Serialize};

use crate::figures::{Detail, TaskStatistics};
use crate::manifest::{Generation, ProgramId, Variable};
use crate::plugins::PluginStatus;
use crate::retain::RetainStatus;

/// What a client asks of the core.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Is anybody there? Answered by [`Answer::Done`].
    Ping,
    /// Answered by [`Answer::Status`].
    Status {
        /// How much of the figures is wanted.
        #[serde(default)]
        detail: Detail,
    },
    /// Run the current program afresh, with what was retained. Answered by [`Answer::Done`] after its first scan (or after a
    /// second, where the interval is longer).
    Start,
    /// Run the current program from its initial values alone, and store them in the place of what was retained.
    ColdStart,
    /// End the scans after the one in progress. Answered by [`Answer::Done`] when they have ended.
    Stop,
    /// Log entries with an id of at least `from`, ascending. Answered by [`Answer::Logs`].
    Logs {
        /// Lowest id wanted; everything that is kept when absent.
        #[serde(default)]
        from: Option<u64>,
        /// Lowest severity wanted; everything when absent.
        #[serde(default)]
        level: Option<Level>,
    },
    /// Debug variables of the current program. Answered by [`Answer::Variables`].
    Variables,
    /// What is retained. Answered by [`Answer::Retain`].
    Retain,
    /// Plugins of the current program and of the administrator. Answered by [`Answer::Plugins`].
    Plugins,
    /// Hand a command to a plugin. Answered by [`Answer::PluginAnswer`] within ten seconds.
    PluginCommand {
        /// Name of the plugin.
        plugin: String,
        /// What is wanted of it.
        command: String,
        /// A JSON object.
        #[serde(default)]
        params: serde_json::Value,
    },
    /// Is the program with this identity kept? Answered by [`Answer::Holds`].
    Holds {
        /// Identity asked for.
        program: ProgramId,
    },
    /// Keep the built program whose object and manifest come with this frame as two sealed memory files, load and check
    /// it beside the running one, exchange the two between scans and run it. Answered by [`Answer::Done`] when it runs;
    /// whatever fails before leaves the running program untouched.
    Load,
    /// As [`Request::Load`], for a program that is kept already.
    Activate {
        /// Identity of the program.
        program: ProgramId,
    },
}

/// What the core answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// The request was carried out.
    Done,
    /// The request was not carried out and nothing has changed, unless `message` says so.
    Refused {
        /// For programs.
        reason: Refusal,
        /// For people: what failed and what to do.
        message: String,
    },
    /// To [`Request::Status`].
    Status(Box<Status>),
    /// To [`Request::Logs`].
    Logs {
        /// Ascending ids.
        entries: Vec<LogEntry>,
    },
    /// To [`Request::Variables`].
    Variables {
        /// The program they belong to; absent when there is none.
        program: Option<ProgramSummary>,
        /// In the order of their addresses.
        variables: Vec<Variable>,
    },
    /// To [`Request::Retain`].
    Retain(Box<RetainStatus>),
    /// To [`Request::Plugins`].
    Plugins {
        /// In the order of their names.
        plugins: Vec<PluginStatus>,
    },
    /// To [`Request::PluginCommand`].
    PluginAnswer {
        /// What the plugin has answered.
        document: serde_json::Value,
    },
    /// To [`Request::Holds`].
    Holds {
        /// Whether the program is kept.
        held: bool,
    },
}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Start while running.
    AlreadyRunning,
    /// Stop while not running.
    NotRunning,
    /// Another start, stop or load is in progress.
    Busy,
    /// There is no program.
    Empty,
    /// The request was understood and could not be carried out.
    Failed,
    /// The request was not understood.
    Invalid,
}

/// State of the PLC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PlcState {
    /// The core is starting.
    Init,
    /// Scans are being executed.
    Running,
    /// A program is there and commanded to stop.
    Stopped,
    /// The program faulted, or could not be started.
    Error,
    /// There is no program.
    Empty,
    /// A start, stop or exchange is in progress.
    Transitioning,
}

impl PlcState {
    /// All states.
    pub const ALL: [Self; 6] = [
        Self::Init,
        Self::Running,
        Self::Stopped,
        Self::Error,
        Self::Empty,
        Self::Transitioning,
    ];

    /// The word that the Editor shows.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Init => "INIT",
            Self::Running => "RUNNING",
            Self::Stopped => "STOPPED",
            Self::Error => "ERROR",
            Self::Empty => "EMPTY",
            Self::Transitioning => "TRANSITIONING",
        }
    }
}

/// The current program in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramSummary {
    /// Identity.
    pub program: ProgramId,
    /// Generation of its sources.
    pub generation: Generation,
    /// MD5 of its `program.st`.
    pub md5: String,
}

/// State and figures of the core at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// State of the PLC.
    pub state: PlcState,
    /// Why the state is [`PlcState::Error`].
    pub error: Option<String>,
    /// How often the state has become [`PlcState::Error`] since the core started.
    #[serde(default)]
    pub errors: u64,
    /// The current program.
    pub program: Option<ProgramSummary>,
    /// One element for each task of the running or last run program.
    pub tasks: Vec<TaskStatistics>,
    /// What the core got of real-time scheduling and memory locking, in one line.
    pub real_time: String,
    /// What of the core's settings file could not be used, a line each.
    pub settings_problems: Vec<String>,
    /// Seconds since the core started.
    pub uptime_s: u64,
}

/// Severity of a log entry, least severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// For developers.
    Debug,
    /// Normal operation.
    Info,
    /// Somebody should look.
    Warning,
    /// Something failed.
    Error,
}

impl Level {
    /// The word that the Editor shows.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
        }
    }
}

/// One line of the core's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Grows with every entry and over restarts of the core: the first id is the core's start in ms since 1970.
    pub id: u64,
    /// Milliseconds since 1970-01-01 UTC.
    pub time_ms: u64,
    /// Severity.
    pub level: Level,
    /// One line.
    pub message: String,
}
