//! Debug requests of the Editor. Each generation of programs has a dialect of its own: [`matiec`] numbers variables by 16 bits,
//! [`strucpp`] by an array and a place in it.
//!
//! A request is [parsed](Request::parse) before the program is touched and [executed](Request::execute) between two
//! scans; the answer is written into memory that was reserved before, so nothing but copying happens meanwhile. Fields
//! are big-endian, values as the machine has them.

pub mod matiec;
pub mod strucpp;

use thiserror::Error;

/// Longest frame in either direction, in bytes.
pub const MAX_FRAME: usize = 4096;

const INFO: u8 = 0x41;
const FORCE: u8 = 0x42;
const RANGE: u8 = 0x43;
const LIST: u8 = 0x44;
const MD5: u8 = 0x45;
/// Number of the device, and writing and reading of the licence that a vendor sells for it.
const LICENCE: std::ops::RangeInclusive<u8> = 0x48..=0x4A;

const SUCCESS: u8 = 0x7E;
const OUT_OF_BOUNDS: u8 = 0x81;
const OUT_OF_MEMORY: u8 = 0x82;
const NOT_LOADED: u8 = 0x83;
const UNSUPPORTED: u8 = 0x85;
const READ_ONLY: u8 = 0x87;

/// The variables of a program as a debugger sees them, by their addresses (`array << 16 | element`).
pub trait Variables {
    /// Lengths of the arrays.
    fn arrays(&self) -> &[u32];
    /// Size in bytes; `None` when there is no such variable.
    fn size(&mut self, address: u32) -> Option<usize>;
    /// Copies a value to the start of `into` and returns its size; `None` when there is no such variable or no room.
    fn read(&mut self, address: u32, into: &mut [u8]) -> Option<usize>;
    /// Forces a value or releases it (`None`).
    ///
    /// # Errors
    /// [`NotForced`].
    fn force(&mut self, address: u32, value: Option<&[u8]>) -> Result<(), NotForced>;
}

/// Why a variable was not forced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotForced {
    /// There is no such variable.
    OutOfBounds,
    /// The value is too short or too long for it.
    WrongLength,
    /// It can only be read.
    ReadOnly,
}

/// Whose debugger it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// That of MatIEC programs.
    Matiec,
    /// That of STruC++ programs.
    Strucpp,
}

/// A request that is sound in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// In the dialect of MatIEC programs.
    Matiec(matiec::Request),
    /// In the dialect of STruC++ programs.
    Strucpp(strucpp::Request),
}

/// A frame that is no request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Malformed {
    /// Answered by a frame that says so, as debuggers expect.
    #[error("debug request with function code {0:#04X} is malformed")]
    Answered(u8, u8),
    /// No byte at all.
    #[error("the debug request is empty")]
    Empty,
    /// More bytes than a frame may have.
    #[error("the debug request has {0} bytes, more than the {MAX_FRAME} allowed")]
    TooLong(usize),
    /// A function code that this dialect does not have.
    #[error("debug function code {0:#04X} is not known")]
    UnknownFunction(u8),
}

impl Malformed {
    /// The frame to answer with, where the dialect has one.
    #[must_use]
    pub fn reply(&self) -> Option<Vec<u8>> {
        match self {
            Self::Answered(function, status) => Some(vec![*function, *status]),
            _ => None,
        }
    }
}

/// The answer to any request while no program is loaded.
#[must_use]
pub fn not_loaded(frame: &[u8]) -> Vec<u8> {
    vec![frame.first().copied().unwrap_or(0), NOT_LOADED]
}

impl Request {
    /// Reads a frame.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(dialect: Dialect, frame: &[u8]) -> Result<Self, Malformed> {
        if frame.len() > MAX_FRAME {
            return Err(Malformed::TooLong(frame.len()));
        }
        let (&function, rest) = frame.split_first().ok_or(Malformed::Empty)?;
        match dialect {
            Dialect::Matiec => matiec::Request::parse(function, rest).map(Self::Matiec),
            Dialect::Strucpp => strucpp::Request::parse(function, rest).map(Self::Strucpp),
        }
    }

    /// Carries the request out and writes the answer into `answer`. Returns the answer's length. `tick` is the scan counter, of
    /// which the answer has the low 32 bits.
    pub fn execute(
        &self,
        variables: &mut dyn Variables,
        md5: &str,
        tick: u64,
        answer: &mut [u8; MAX_FRAME],
    ) -> usize {
        match self {
            Self::Matiec(request) => request.execute(variables, md5, tick, answer),
            Self::Strucpp(request) => request.execute(variables, md5, tick, answer),
        }
    }
}

/// Function code, status, last variable, tick, size of the data.
const VALUES_HEADER: usize = 10;

/// Completes an answer whose values lie behind its header up to `end`.
fn values_header(answer: &mut [u8; MAX_FRAME], function: u8, last: u16, tick: u64, end: usize) -> usize {
    let size = (end - VALUES_HEADER) as u16;
    put(
        answer,
        &[
            &[function, SUCCESS],
            &last.to_be_bytes(),
            &(tick as u32).to_be_bytes(),
            &size.to_be_bytes(),
        ],
    );
    end
}

/// The MD5 as an answer has it.
fn md5_bytes(md5: &str) -> &[u8] {
    &md5.as_bytes()[..md5.len().min(64)]
}

/// Writes the parts to the start of `answer` and returns their length.
fn put(answer: &mut [u8; MAX_FRAME], parts: &[&[u8]]) -> usize {
    let mut end = 0;
    for part in parts {
        answer[end..end + part.len()].copy_from_slice(part);
        end += part.len();
    }
    end
}
