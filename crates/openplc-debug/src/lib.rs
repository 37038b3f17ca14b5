//! The client's side of the debug protocol of the OpenPLC Editor, in the dialects of both generations of programs: requests,
//! answers, and values of IEC types as text.
//!
//! It knows nothing of how a frame travels, nor of the names of variables.
#![forbid(unsafe_code)]

pub mod dialect;
pub mod frame;
pub mod hexadecimal;
pub mod iec_type;
mod literal;
pub mod value;
