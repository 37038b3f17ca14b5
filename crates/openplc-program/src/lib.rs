//! The flat program ABI: the C header and shims that a build compiles with a program ([`sources`]), the loader that turns
//! the built object into a safe [`Program`], and the hand-over of Python blocks from scan to supervisor ([`python`]).
//!
//! This crate must not know of tasks' timing, of files other than the object, or of what is done with the values.

mod abi;
mod description;
mod host;
mod located;
mod object;
mod program;
pub mod python;
mod selected;
pub mod sources;
mod table;

pub use description::{Fault, Faulted, ForceError, LoadError, Located, Task};
pub use host::{Host, Protocol, Severity};
pub use located::LocatedValues;
pub use program::{MAX_TASKS, Program, TaskRun};
pub use selected::Selection;
