//! What the build is at, for `systemctl status`.

use openplc_service::{NotifyState, ServiceManager};
use openplc_wire::manifest::ProgramId;

/// What is told, and to whom.
#[derive(Debug, Default)]
pub struct Stage {
    manager: ServiceManager,
    program: Option<ProgramId>,
}

impl Stage {
    /// The service manager that there is. To be called before the sandbox is closed, in which there are no sockets.
    pub fn new() -> Self {
        Self {
            manager: ServiceManager::from_environment(),
            program: None,
        }
    }

    /// From here on it is known which program is built.
    pub fn identified(&mut self, program: ProgramId) {
        self.program = Some(program);
    }

    /// What the build does now.
    pub fn show(&self, text: &str) {
        let text = match &self.program {
            Some(program) => format!("Program {}: {text}", program.short()),
            None => text.to_owned(),
        };
        self.manager.notify(&NotifyState::Status(&text));
    }
}
