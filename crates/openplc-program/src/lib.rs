//! The flat program ABI: the C header and shims that a build compiles with a program ([`sources`]), the loader that turns
//! the built object into a safe [`Program`], and the hand-over of Python blocks from scan to supervisor ([`python`]).
//!
//! This crate must not know of tasks' timing, of files other than the object, or of what is done with the values.

mod abi;
mod host;
mod located;
mod object;
mod program;
pub mod python;
mod selected;
pub mod sources;

pub use host::{Host, Protocol, Severity};
pub use located::LocatedValues;
pub use program::{Fault, Faulted, ForceError, LoadError, Located, MAX_TASKS, Program, Task, TaskRun};
pub use selected::Selection;
