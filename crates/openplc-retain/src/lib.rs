//! Retained variables: what they are called ([`Layout`]), how values find their way into another program
//! ([`Transfer`]), and the file that keeps them over a power loss ([`RetainFile`]).
//!
//! This crate must not know where values come from, when they are taken, or what a scan is.

#![forbid(unsafe_code)]

mod bytes;
mod file;
mod layout;
mod number;
mod slot;
mod transfer;

pub use file::{ReadError, RetainFile, Stored, Taken, read};
pub use layout::{InvalidLayout, Layout, Leaf, MAX_LEAVES, MAX_NAME, MAX_VALUES};
pub use transfer::{Report, Transfer};
