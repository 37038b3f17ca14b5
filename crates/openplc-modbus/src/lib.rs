//! The Modbus application protocol (V1.1b3), seen from both ends: requests and responses, TCP and RTU frames, and how values
//! of more than 16 bits lie in registers.
//!
//! A server takes a [`tcp::Frame`] out of what it has received, makes a [`Request`] of its data unit, and encodes what it
//! answers by [`response`]. A client encodes a [`Request`] into a frame and checks what comes back by [`response::parse`].
//! Every input gives a value or an error; nothing panics, and no length is believed before it was checked. Why the frames are
//! taken apart here and not by a crate of others: docs/decisions/0005-modbus-frames.md.
//!
//! This crate must not know sockets, serial ports, the process image, or what a register means.
#![forbid(unsafe_code)]

mod bits;
mod exception;
pub mod function;
pub mod identification;
mod range;
mod registers;
mod request;
pub mod response;
pub mod rtu;
pub mod tcp;
mod word_order;

pub use bits::{Bits, pack};
pub use exception::Exception;
pub use range::Range;
pub use registers::Registers;
pub use request::{BitTable, RegisterTable, Request};
pub use word_order::WordOrder;

/// Longest protocol data unit in bytes: function code and data.
pub const MAX_PDU: usize = 253;
/// Most bits that one request can read.
pub const MAX_READ_BITS: u16 = 2000;
/// Most registers that one request can read.
pub const MAX_READ_REGISTERS: u16 = 125;
/// Most coils that one request can write.
pub const MAX_WRITE_COILS: u16 = 1968;
/// Most registers that one request can write.
pub const MAX_WRITE_REGISTERS: u16 = 123;
/// Most registers that a request can write that reads as well.
pub const MAX_READ_WRITE_REGISTERS: u16 = 121;
