//! The process image: IEC addresses, the tables of inputs, outputs and memory, how the core publishes them to other
//! processes, and how those write into them.
//!
//! The core owns an [`Image`]. For each program it makes a [`Binding`], and in each scan it drains the journals, copies in, runs the
//! program, copies out and publishes. A plugin reads with an [`ImageReader`] and writes with a [`JournalWriter`]; both work on
//! memory that the core handed out, and nothing that a plugin does there can stop, delay or crash the core.
//! docs/process-image.md explains the shared memory.
//!
//! This crate must not know what a plugin does, how a program is loaded, or how descriptors travel.
#![forbid(unsafe_code)]

#[cfg(not(target_endian = "little"))]
compile_error!("the process image is defined as little-endian memory");

mod address;
mod atomics;
mod binding;
mod dirty;
mod forces;
mod format;
mod image;
pub mod journal;
mod layout;
mod peers;
mod publication;
mod reader;
mod rights;
mod safe_outputs;
// The model checker has memory of its own.
#[cfg(not(loom))]
mod shared;
mod sizes;
mod table;
mod tables;

pub use address::{Address, AddressError, Area, MAX_SLOTS, Width};
pub use binding::{Binding, LocatedValues, OutsideImage};
pub use format::{FormatError, Moment, PlcState};
pub use image::{AbandonedInputs, Departed, Image, Journal};
pub use journal::{JournalWriter, Write, WriteError};
pub use layout::Layout;
pub use peers::{MAX_PEERS, PeerId, PeerStatistics};
pub use reader::{Disturbed, ImageReader, View};
pub use rights::WriteRights;
pub use safe_outputs::{OutputPolicy, PolicyError, SafeOutputs, SafeValue};
pub use sizes::{Sizes, SizesError};
pub use table::Table;
