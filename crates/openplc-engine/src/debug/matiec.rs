//! The dialect of MatIEC programs: 16-bit variable indexes.

use super::{
    FORCE, INFO, LIST, MAX_FRAME, MD5, Malformed, OUT_OF_BOUNDS, OUT_OF_MEMORY, RANGE, SUCCESS,
    VALUES_HEADER, Variables, md5_bytes, put, values_header,
};

/// Most indexes in one list.
pub const MAX_LIST: usize = 256;

/// Bytes of a STRING: a length byte and 126 characters. It is the one type whose values may be given in part.
const STRING_SIZE: usize = 127;
const STRING_MAX_LENGTH: u8 = 126;

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
    /// MD5 of the program. It also tells the debugger's byte order, which whoever keeps its session has to know.
    Md5,
}

impl Request {
    /// Reads what follows the function code.
    pub(super) fn parse(function: u8, rest: &[u8]) -> Result<Self, Malformed> {
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
            // In either byte order.
            (MD5, [a, b, ..]) => match u16::from_be_bytes([*a, *b]) {
                0xDEAD | 0xADDE => Ok(Self::Md5),
                _ => refuse(OUT_OF_BOUNDS),
            },
            (FORCE | RANGE | LIST | MD5, _) => refuse(OUT_OF_BOUNDS),
            _ => Err(Malformed::UnknownFunction(function)),
        }
    }

    /// See [`super::Request::execute`].
    pub(super) fn execute(
        &self,
        variables: &mut dyn Variables,
        md5: &str,
        tick: u64,
        answer: &mut [u8; MAX_FRAME],
    ) -> usize {
        match self {
            Self::Info => {
                // A MatIEC program cannot have more variables than its 16-bit indexes reach.
                let count = u16::try_from(count(variables)).unwrap_or(u16::MAX);
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
            Self::Md5 => put(answer, &[&[MD5, SUCCESS], md5_bytes(md5)]),
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
    fits && variables.force(index, value).is_ok()
}

/// All variables lie in the first array.
fn count(variables: &dyn Variables) -> u32 {
    variables.arrays().first().copied().unwrap_or(0)
}

/// Values back to back. An index out of bounds anywhere fails the whole request; what does not fit is left to the next
/// request, which the last index says.
fn values(
    variables: &mut dyn Variables,
    function: u8,
    indexes: impl Iterator<Item = u16> + Clone,
    tick: u64,
    answer: &mut [u8; MAX_FRAME],
) -> usize {
    let count = count(variables);
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
    values_header(answer, function, last, tick, end)
}

#[cfg(test)]
mod tests;
