//! `program.zip` as the OpenPLC Editor uploads it: checks, unpacking and what the sources say about the program.
//!
//! Everything here is untrusted input. [`archive::unpack`] applies every rule for the zip and returns its files in memory;
//! [`Bundle::read`] tells the generation and reads the tables that came with the sources. Tables that are not needed to
//! build are read leniently: what cannot be understood becomes a warning.
//!
//! This crate must not know how a program is compiled, and touches no file system.
#![forbid(unsafe_code)]

pub mod archive;
pub mod bundle;
pub mod conf;
pub mod entry_name;
pub mod limits;
pub mod matiec;
mod program;
pub mod strucpp;

pub use archive::{Files, ZipViolation, unpack};
pub use bundle::{Bundle, BundleError};
pub use program::{C_BLOCKS, Program};
