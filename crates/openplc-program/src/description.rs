//! What is said of a program: its tasks and located variables, its faults, and why it cannot be used.

use std::num::NonZeroU64;

use thiserror::Error;

use crate::abi;

/// Why an object cannot be used.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The dynamic linker refuses it.
    #[error("the program cannot be linked into the runtime: {}", linker_words(.0))]
    Link(#[from] libloading::Error),
    /// Made for another version of the runtime.
    #[error("the program was built for program ABI {0}, this runtime has {ours}; upload it again", ours = abi::ABI)]
    Version(u32),
    /// The table breaks the ABI.
    #[error("the built object does not keep to the program ABI: {0}")]
    Broken(&'static str),
    /// The program's own initialisation failed.
    #[error("the program's initialisation failed: {0}")]
    Init(String),
}

/// What the dynamic linker itself says: the file and what is wrong with it.
fn linker_words(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// A scan that did not end as it should.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("{0}")]
pub struct Fault(
    /// What the program says of it.
    pub String,
);

/// A scan has ended by a fault.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("the program faulted")]
pub struct Faulted;

/// Why a variable was not forced.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum ForceError {
    /// No variable has this address.
    #[error("no such variable")]
    OutOfBounds,
    /// The value is too short or too long for it.
    #[error("a value of the wrong size")]
    WrongLength,
    /// It is a constant, or has no place for a forced value.
    #[error("the variable can only be read")]
    ReadOnly,
    /// The program cannot force it.
    #[error("the program cannot force it")]
    Failed,
}

/// An IEC task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Name.
    pub name: String,
    /// Interval in nanoseconds.
    pub interval_ns: NonZeroU64,
    /// IEC priority: 0 is the highest.
    pub priority: u32,
}

/// A located variable: area (`I`, `Q`, `M`), width (`X`, `B`, `W`, `D`, `L`), slot and bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Located {
    /// `I`, `Q` or `M`.
    pub area: char,
    /// `X`, `B`, `W`, `D` or `L`.
    pub width: char,
    /// Element of the table of this area and width.
    pub slot: u32,
    /// 0 to 7 for `X`.
    pub bit: u8,
    /// The one of [`Program::tasks`] that uses it; `None`: several.
    pub task: Option<usize>,
}
