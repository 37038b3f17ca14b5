//! What clients are shown of the PLC, kept apart from the PLC itself so that looking never waits for a command.

use std::sync::Arc;
use std::time::Duration;

use openplc_engine::lifecycle::State;
use openplc_engine::statistics::Reader;
use openplc_program::Task;
use openplc_text::one_line;
use openplc_wire::control::{PlcState, Status};
use openplc_wire::figures::Detail;
use openplc_wire::manifest::Manifest;

use crate::figures;
use crate::machine::summary;

/// State, program and figures as clients see them. A clone is cheap, and whoever looks at figures at leisure takes one.
#[derive(Clone)]
pub struct View {
    state: State,
    error: Option<String>,
    errors: u64,
    manifest: Option<Arc<Manifest>>,
    /// Of each task, the most urgent first.
    figures: Arc<[(Task, Reader)]>,
}

impl Default for View {
    fn default() -> Self {
        Self {
            state: State::Init,
            error: None,
            errors: 0,
            manifest: None,
            figures: Arc::default(),
        }
    }
}

impl View {
    /// State of the PLC.
    pub fn state(&self) -> State {
        self.state
    }

    /// Manifest of the current program.
    pub fn manifest(&self) -> Option<Arc<Manifest>> {
        self.manifest.clone()
    }

    /// The least that any task of the program has scanned.
    pub fn scans(&self) -> u64 {
        let scans = self.figures.iter().map(|(_, reader)| reader.read().scans);
        scans.min().unwrap_or(0)
    }

    /// Name of a task by its place in the order of urgency.
    pub fn task_name(&self, task: usize) -> Option<String> {
        self.figures.get(task).map(|(task, _)| task.name.clone())
    }

    /// Shows a state without error.
    pub fn show(&mut self, state: State) {
        self.state = state;
        self.error = None;
    }

    /// Shows the state ERROR and why.
    pub fn show_error(&mut self, reason: String) {
        self.state = State::Error;
        // A program says a part of it.
        self.error = Some(one_line(&reason));
        self.errors += 1;
    }

    /// Shows a program that may still fail to load, where none is shown yet.
    pub fn offer(&mut self, manifest: Arc<Manifest>) {
        self.manifest.get_or_insert(manifest);
    }

    /// Shows another program.
    pub fn set_program(&mut self, manifest: Arc<Manifest>, figures: Vec<(Task, Reader)>) {
        self.manifest = Some(manifest);
        self.figures = figures.into();
    }

    /// All of it as the control protocol tells it.
    pub fn status(
        &self,
        detail: Detail,
        real_time: &str,
        settings_problems: &[String],
        uptime: Duration,
    ) -> Status {
        Status {
            state: shown(self.state),
            error: self.error.clone(),
            errors: self.errors,
            program: self.manifest.as_deref().map(summary),
            tasks: self
                .figures
                .iter()
                .map(|(task, reader)| figures::statistics(task, reader, detail))
                .collect(),
            real_time: real_time.to_owned(),
            settings_problems: settings_problems.to_vec(),
            uptime_s: uptime.as_secs(),
        }
    }
}

/// A state as clients know it.
pub fn shown(state: State) -> PlcState {
    match state {
        State::Init => PlcState::Init,
        State::Running => PlcState::Running,
        State::Stopped => PlcState::Stopped,
        State::Error => PlcState::Error,
        State::Empty => PlcState::Empty,
        State::Transitioning => PlcState::Transitioning,
    }
}
