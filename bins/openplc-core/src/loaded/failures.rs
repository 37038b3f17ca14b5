//! Why a program is not loaded, and why its scans end.

use std::io;

use openplc_image::OutsideImage;
use openplc_program::{Fault, LoadError};

use crate::located_points::Unbound;

/// A fault in a scan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} faulted in scan {scan} of task {task}: {cause}", if self.is_of_plugin() { "the plugin within the scan" } else { "the program" })]
pub struct TaskFault {
    pub(super) task: String,
    /// The first scan is number 1.
    pub(super) scan: u64,
    pub(super) cause: TaskFaultCause,
}

/// Why scans ended by themselves.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskFaultCause {
    /// The program says why.
    #[error(transparent)]
    Program(Fault),
    /// The scan took so long (ns) that it was given up.
    #[error("it took {} ms, longer than is allowed", .0 / 1_000_000)]
    Overtime(u64),
    /// The plugin within the scan took so long that the scan (ns) was given up.
    #[error("it took {} ms, longer than is allowed", .0 / 1_000_000)]
    OvertimeOfPlugin(u64),
}

impl TaskFault {
    /// Whether the plugin within the scan is to blame, and not the program.
    pub fn is_of_plugin(&self) -> bool {
        matches!(self.cause, TaskFaultCause::OvertimeOfPlugin(_))
    }
}

/// Why a program was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadFailure {
    /// The object cannot be used.
    #[error(transparent)]
    Object(#[from] LoadError),
    /// Its located variables have no place in a process image.
    #[error(transparent)]
    Located(#[from] Unbound),
    /// A located variable lies outside of the process image.
    #[error(transparent)]
    Outside(#[from] OutsideImage),
    /// There is no memory, or no lock, for its connections.
    #[error("the connections of communication blocks cannot be prepared: {0}")]
    Connections(#[from] io::Error),
}
