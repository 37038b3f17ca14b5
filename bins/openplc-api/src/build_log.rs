//! What `compilation-status` shows: one build's state and its log, which only grows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openplc_wire::control::Level;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Most bytes of a log: the Editor fetches all of it each second.
const MAX_BYTES: usize = 1 << 20;

/// State of a build, in the Editor's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Phase {
    /// Nothing was built since the API started.
    Idle,
    /// The zip is being checked.
    Unzipping,
    /// The program is being compiled, loaded and started.
    Compiling,
    /// The program runs.
    Success,
    /// The program does not run; the one before goes on.
    Failed,
}

/// One build as the Editor sees it.
#[derive(Debug, Serialize)]
pub struct Build {
    status: Phase,
    logs: Vec<String>,
    exit_code: Option<i32>,
    #[serde(skip)]
    bytes: usize,
}

/// The log of one build, written by the build and read by polls.
#[derive(Debug)]
pub struct BuildLog(Mutex<Build>);

impl BuildLog {
    pub fn new(phase: Phase) -> Self {
        Self(Mutex::new(Build {
            status: phase,
            logs: Vec::new(),
            exit_code: None,
            bytes: 0,
        }))
    }

    /// The build as it is now.
    pub fn build(&self) -> MutexGuard<'_, Build> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line.
    pub fn line(&self, level: Level, text: &str) {
        self.build().line(level, text);
    }

    /// The zip is sound.
    pub fn compiling(&self) {
        self.build().status = Phase::Compiling;
    }

    /// The program runs.
    pub fn succeed(&self, text: &str) {
        let mut build = self.build();
        build.line(Level::Info, text);
        build.status = Phase::Success;
        build.exit_code = Some(0);
    }

    /// The program does not run, for this reason.
    pub fn fail(&self, reason: &str) {
        let mut build = self.build();
        // The reason is said whatever came before.
        build.bytes = build.bytes.min(MAX_BYTES - 1);
        build.line(Level::Error, reason);
        build.status = Phase::Failed;
        build.exit_code = Some(1);
    }
}

impl Build {
    fn line(&mut self, level: Level, text: &str) {
        for line in text.lines() {
            if self.bytes >= MAX_BYTES {
                return;
            }
            self.bytes += line.len();
            self.logs
                .push(if self.bytes < MAX_BYTES || level == Level::Error {
                    format!("[{}] {line}\n", level.as_str())
                } else {
                    "[WARNING] The log is too long: its further lines are not shown\n".into()
                });
        }
    }
}

/// The build that is shown, and the right to start one.
#[derive(Debug)]
pub struct Builds {
    shown: Mutex<Arc<BuildLog>>,
    slot: Arc<Semaphore>,
    receptions: Arc<Semaphore>,
}

/// Uploads that can be received at the same time: each takes memory for its whole zip.
const MOST_RECEPTIONS: usize = 4;

impl Builds {
    pub fn new() -> Self {
        Self {
            shown: Mutex::new(Arc::new(BuildLog::new(Phase::Idle))),
            slot: Arc::new(Semaphore::new(1)),
            receptions: Arc::new(Semaphore::new(MOST_RECEPTIONS)),
        }
    }

    /// The right to receive an upload, unless too many others have it.
    pub fn receive(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.receptions).try_acquire_owned().ok()
    }

    /// Whether somebody has the right to build.
    pub fn is_reserved(&self) -> bool {
        self.slot.available_permits() == 0
    }

    /// The right to build, unless somebody else has it.
    pub fn reserve(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.slot).try_acquire_owned().ok()
    }

    /// Shows another build from now on.
    pub fn show(&self, log: &Arc<BuildLog>) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(log);
    }

    /// The build that is shown.
    pub fn shown(&self) -> Arc<BuildLog> {
        Arc::clone(&self.shown.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(log: &BuildLog) -> serde_json::Value {
        serde_json::to_value(&*log.build()).unwrap()
    }

    #[test]
    fn a_build_ends_with_its_reason() {
        let log = BuildLog::new(Phase::Unzipping);
        log.compiling();
        log.line(Level::Warning, "unused variable");
        log.fail("gcc was killed.\nUpload again");
        assert_eq!(
            document(&log),
            serde_json::json!({
                "status": "FAILED",
                "logs": ["[WARNING] unused variable\n", "[ERROR] gcc was killed.\n", "[ERROR] Upload again\n"],
                "exit_code": 1,
            })
        );
    }

    #[test]
    fn a_log_is_bounded_and_still_says_why_it_failed() {
        let log = BuildLog::new(Phase::Compiling);
        for _ in 0..20_000 {
            log.line(Level::Info, &"x".repeat(100));
        }
        log.fail("no space left");
        let document = document(&log);
        let lines = document["logs"].as_array().unwrap();
        assert!(lines.len() < 11_000);
        assert!(lines[lines.len() - 2].as_str().unwrap().contains("too long"));
        assert_eq!(lines[lines.len() - 1], "[ERROR] no space left\n");
    }
}
