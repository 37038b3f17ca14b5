//! Debug requests of the Editor in the dialect of MatIEC programs: 16-bit variable indexes.
//!
//! A request is [parsed](Request::parse) before the program is touched and [executed](Request::execute) between two
//! scans; the answer is written into memory that was reserved before, so nothing but copying happens meanwhile. Fields
//! are big-endian, values as the machine has them.

use thiserror::Error;

/// Longest frame in either direction, in bytes.
pub const MAX_FRAME: usize = 4096;
/// Most indexes in one list.
pub const MAX_LIST: usize = 256;

const INFO: u8 = 0x41;
const FORCE: u8 = 0x42;
const RANGE: u8 = 0x43;
const LIST: u8 = 0x44;
const MD5: u8 = 0x45;

const SUCCESS: u8 = 0x7E;
const OUT_OF_BOUNDS: u8 = 0x81;
const OUT_OF_MEMORY: u8 = 0x82;
const NOT_LOADED: u8 = 0x83;

/// Bytes of a STRING: a length byte and 126 characters. It is the one type whose values may be given in part.
const STRING_SIZE: usize = 127;
const STRING_MAX_LENGTH: u8 = 126;

/// The variables of a program as a debugger sees them.
pub trait Variables {
    /// How many there are.
    fn count(&self) -> u32;
    /// Size in bytes; `None` when there is no such variable.
    fn size(&mut self, index: u32) -> Option<usize>;
    /// Copies a value to the start of `into` and returns its size; `None` when there is no such variable or no room.
    fn read(&mut self, index: u32, into: &mut [u8]) -> Option<usize>;
    /// Forces a value or releases it (`None`). Whether that was possible.
    fn force(&mut self, index: u32, value: Option<&[u8]>) -> bool;
    /// Byte order of forced values: the machine's or the reverse.
    fn set_byte_order(&mut self, reverse: bool);
}

/// A request that is sound in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// How many variables are there?
    Info,
    /// Force a variable to a value or release it.
    Force {
        /// Variable.
        index: u16,
        /// Value in the byte order of the last [`Request::Md5`]; `None` releases.
        value: Option<Vec<u8>>,
    },
    /// Values of consecutive variables, both ends included.
    Range {
        /// First variable.
        first: u16,
        /// Last variable.
        last: u16,
    },
    /// Values of these variables.
    List(Vec<u16>),
    /// MD5 of the program; also says which byte order the debugger will use for forced values.
    Md5 {
        /// The reverse of the machine's.
        reverse: bool,
    },
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
    pub fn parse(frame: &[u8]) -> Result<Self, Malformed> {
        if frame.len() > MAX_FRAME {
            return Err(Malformed::TooLong(frame.len()));
        }
        let (&function, rest) = frame.split_first().ok_or(Malformed::Empty)?;
        let refuse = |status| Err(Malformed::Answered(function, status));
        match (function, rest) {
            (INFO, _) => Ok(Self::Info),
            (FORCE, [a, b, forced, c, d, value @ ..]) => {
                let index = u16::from_be_bytes([*a, *b]);
                let length = usize::from(u16::from_be_bytes([*c, *d]));
                match (forced, value.get(..length)) {
                    (0, _) => Ok(Self::Force { index, value: None }),
                    (_, Some(value)) if !value.is_empty() => Ok(Self::Force {
                        index,
                        value: Some(value.to_vec()),
                    }),
                    _ => refuse(OUT_OF_BOUNDS),
                }
            }
            (RANGE, [a, b, c, d, ..]) => Ok(Self::Range {
                first: u16::from_be_bytes([*a, *b]),
                last: u16::from_be_bytes([*c, *d]),
            }),
            (LIST, [a, b, indexes @ ..]) => {
                let count = usize::from(u16::from_be_bytes([*a, *b]));
                if count > MAX_LIST {
                    return refuse(OUT_OF_MEMORY);
                }
                match indexes.get(..count * 2) {
                    Some(indexes) if count > 0 => Ok(Self::List(
                        indexes
                            .chunks_exact(2)
                            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                            .collect(),
                    )),
                    _ => refuse(OUT_OF_BOUNDS),
                }
            }
            // The debugger sends the two bytes in its own order; read in ours they say whether the two are the same.
            (MD5, [a, b, ..]) => match u16::from_ne_bytes([*a, *b]) {
                0xDEAD => Ok(Self::Md5 { reverse: false }),
                0xADDE => Ok(Self::Md5 { reverse: true }),
                _ => refuse(OUT_OF_BOUNDS),
            },
            (FORCE | RANGE | LIST | MD5, _) => refuse(OUT_OF_BOUNDS),
            _ => Err(Malformed::UnknownFunction(function)),
        }
    }

    /// Carries the request out and writes the answer into `answer`, which must have [`MAX_FRAME`] bytes. Returns the
    /// answer's length. `tick` is the scan counter, of which the answer has the low 32 bits.
    pub fn execute(
        &self,
        variables: &mut dyn Variables,
        md5: &str,
        tick: u64,
        answer: &mut [u8; MAX_FRAME],
    ) -> usize {
        match self {
            Self::Info => {
                // A MatIEC program cannot have more variables than its 16-bit indexes reach.
                let count = u16::try_from(variables.count()).unwrap_or(u16::MAX);
                put(answer, &[&[INFO], &count.to_be_bytes()])
            }
            Self::Force { index, value } => {
                let done = force(variables, u32::from(*index), value.as_deref());
                put(answer, &[&[FORCE, if done { SUCCESS } else { OUT_OF_BOUNDS }]])
            }
            Self::Range { first, last } if first <= last => {
                values(variables, RANGE, *first..=*last, tick, answer)
            }
            Self::Range { .. } => put(answer, &[&[RANGE, OUT_OF_BOUNDS]]),
            Self::List(indexes) => values(variables, LIST, indexes.iter().copied(), tick, answer),
            Self::Md5 { reverse } => {
                variables.set_byte_order(*reverse);
                put(answer, &[&[MD5, SUCCESS], &md5.as_bytes()[..md5.len().min(64)]])
            }
        }
    }
}

/// Forces a value only when its length is that of the variable: the program's own function trusts it.
fn force(variables: &mut dyn Variables, index: u32, value: Option<&[u8]>) -> bool {
    let Some(size) = variables.size(index) else {
        return false;
    };
    let fits = match value {
        None => true,
        Some([length, ..]) if size == STRING_SIZE => {
            *length <= STRING_MAX_LENGTH && value.is_some_and(|value| value.len() <= STRING_SIZE)
        }
        Some(value) => value.len() == size,
    };
    fits && variables.force(index, value)
}

/// Function code, status, last index, tick, size of the data.
const VALUES_HEADER: usize = 10;

/// Values back to back. An index out of bounds anywhere fails the whole request; what does not fit is left to the next
/// request, which the last index says.
fn values(
    variables: &mut dyn Variables,
    function: u8,
    indexes: impl Iterator<Item = u16> + Clone,
    tick: u64,
    answer: &mut [u8; MAX_FRAME],
) -> usize {
    let count = variables.count();
    if indexes.clone().any(|index| u32::from(index) >= count) {
        return put(answer, &[&[function, OUT_OF_BOUNDS]]);
    }
    let mut end = VALUES_HEADER;
    let mut last = 0;
    for index in indexes {
        let size = variables.size(u32::from(index)).unwrap_or(0);
        if end + size > MAX_FRAME {
            break;
        }
        end += variables.read(u32::from(index), &mut answer[end..]).unwrap_or(0);
        last = index;
    }
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

/// Writes the parts to the start of `answer` and returns their length.
fn put(answer: &mut [u8; MAX_FRAME], parts: &[&[u8]]) -> usize {
    let mut end = 0;
    for part in parts {
        answer[end..end + part.len()].copy_from_slice(part);
        end += part.len();
    }
    end
}

#[cfg(test)]
mod tests;
