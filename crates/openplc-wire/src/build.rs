//! The build conversation: the connection is the build, and closing it cancels the build.
//!
//! ```text
//! client                                worker
//! Order + descriptors of the zip and, perhaps, of the objects that an earlier build of the same user has left
//!                                  ->
//!                                  <-   Log …            (any number, at any time)
//!                                  <-   Identified       (or Rejected: end)
//! Proceed (or close: unchanged)    ->
//!                                  <-   Log …
//!                                  <-   Built + descriptors of object, manifest and, perhaps, of objects for a later build
//!                                       (or Failed: end)
//! ```

use serde::{Deserialize, Serialize};

use crate::control::Level;
use crate::manifest::{Generation, ProgramId};

/// What the client tells the worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// Check and build the zip whose sealed memory file comes with this frame. A second one holds what an earlier build has
    /// left for this one.
    Build,
    /// The program is not known yet: compile it.
    Proceed,
}

/// What the worker tells the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "snake_case")]
pub enum Report {
    /// One line of the build log.
    Log {
        /// Severity of the line.
        level: Level,
        /// The line, without line feed and without the paths of the sandbox.
        line: String,
    },
    /// The zip itself breaks a rule; nothing of it was used. The last report.
    Rejected {
        /// One sentence for the user.
        reason: String,
    },
    /// The zip is sound and this is what it holds.
    Identified {
        /// Identity of the program that a build would make.
        program: ProgramId,
        /// Generation of the sources.
        generation: Generation,
    },
    /// The build failed. The last report.
    Failed {
        /// One sentence for the user.
        reason: String,
    },
    /// The build succeeded: object and manifest come with this frame, in this order, as sealed memory files. A third one is to
    /// be handed in again with the next build of the same user, who may then wait for less. The last report.
    Built,
}
