//! The dialect of STruC++ programs: a variable has an array and a place in it.

use super::{
    FORCE, INFO, LICENCE, LIST, MAX_FRAME, MD5, Malformed, NOT_LOADED, NotForced, OUT_OF_BOUNDS,
    OUT_OF_MEMORY, RANGE, READ_ONLY, SUCCESS, UNSUPPORTED, VALUES_HEADER, Variables, md5_bytes, put,
    values_header,
};

/// Most variables in one list.
pub const MAX_LIST: usize = 1024;
/// Bytes of a variable's address in a list.
const ADDRESS: usize = 3;

/// A request that is sound in itself. Addresses are `array << 16 | element`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// How many arrays are there, and how long are they?
    Info,
    /// Force a variable to a value or release it.
    Force {
        /// Variable.
        address: u32,
        /// Value in the machine's byte order; `None` releases.
        value: Option<Vec<u8>>,
    },
    /// Values of consecutive variables of one array, both ends included.
    Range {
        /// Array.
        array: u8,
        /// First element.
        first: u16,
        /// Last element.
        last: u16,
    },
    /// Values of these variables.
    List(Vec<u32>),
    /// MD5 of the program, and the byte order of the machine.
    Md5,
}

fn address(array: u8, element: [u8; 2]) -> u32 {
    u32::from(array) << 16 | u32::from(u16::from_be_bytes(element))
}

impl Request {
    /// Reads what follows the function code.
    pub(super) fn parse(function: u8, rest: &[u8]) -> Result<Self, Malformed> {
        let refuse = |status| Err(Malformed::Answered(function, status));
        match (function, rest) {
            (INFO, _) => Ok(Self::Info),
            (FORCE, [array, a, b, forced, c, d, value @ ..]) => {
                let address = address(*array, [*a, *b]);
                let length = usize::from(u16::from_be_bytes([*c, *d]));
                match (forced, value.get(..length)) {
                    (0, _) => Ok(Self::Force { address, value: None }),
                    (_, Some(value)) => Ok(Self::Force {
                        address,
                        value: Some(value.to_vec()),
                    }),
                    _ => refuse(OUT_OF_BOUNDS),
                }
            }
            (RANGE, [array, a, b, c, d, ..]) => Ok(Self::Range {
                array: *array,
                first: u16::from_be_bytes([*a, *b]),
                last: u16::from_be_bytes([*c, *d]),
            }),
            (LIST, [a, b, addresses @ ..]) => {
                let count = usize::from(u16::from_be_bytes([*a, *b]));
                if count > MAX_LIST {
                    return refuse(OUT_OF_MEMORY);
                }
                match addresses.get(..count * ADDRESS) {
                    Some(addresses) if count > 0 => Ok(Self::List(
                        addresses
                            .chunks_exact(ADDRESS)
                            .map(|part| address(part[0], [part[1], part[2]]))
                            .collect(),
                    )),
                    _ => refuse(OUT_OF_BOUNDS),
                }
            }
            (MD5, [_, _, ..]) => Ok(Self::Md5),
            (MD5, _) => refuse(NOT_LOADED),
            (FORCE | RANGE | LIST, _) => refuse(OUT_OF_BOUNDS),
            (function, _) if LICENCE.contains(&function) => refuse(UNSUPPORTED),
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
            Self::Info => info(variables, answer),
            Self::Force { address, value } => {
                let status = match variables.force(*address, value.as_deref()) {
                    Ok(()) => SUCCESS,
                    Err(NotForced::OutOfBounds) => OUT_OF_BOUNDS,
                    Err(NotForced::WrongLength) => OUT_OF_MEMORY,
                    Err(NotForced::ReadOnly) => READ_ONLY,
                };
                put(answer, &[&[FORCE, status]])
            }
            Self::Range { array, first, last } => range(variables, (*array, *first, *last), tick, answer),
            Self::List(addresses) => {
                let numbered = (0_u16..).zip(addresses.iter().copied());
                values(variables, LIST, numbered, tick, answer)
            }
            // The debugger sees from the order in which these two bytes come in which order values come.
            Self::Md5 => put(
                answer,
                &[&[MD5, SUCCESS], md5_bytes(md5), &0xDEAD_u16.to_ne_bytes()],
            ),
        }
    }
}

fn info(variables: &dyn Variables, answer: &mut [u8; MAX_FRAME]) -> usize {
    let arrays = variables.arrays();
    let count = u8::try_from(arrays.len()).unwrap_or(u8::MAX);
    let mut end = put(answer, &[&[INFO, count, SUCCESS]]);
    for length in arrays.iter().take(usize::from(count)) {
        let length = u16::try_from(*length).unwrap_or(u16::MAX);
        answer[end..end + 2].copy_from_slice(&length.to_be_bytes());
        end += 2;
    }
    end
}

fn range(
    variables: &mut dyn Variables,
    (array, first, last): (u8, u16, u16),
    tick: u64,
    answer: &mut [u8; MAX_FRAME],
) -> usize {
    let length = variables.arrays().get(usize::from(array)).copied().unwrap_or(0);
    if first > last || u32::from(last) >= length {
        return put(answer, &[&[RANGE, OUT_OF_BOUNDS]]);
    }
    let elements = (first..=last).map(|element| (element, u32::from(array) << 16 | u32::from(element)));
    values(variables, RANGE, elements, tick, answer)
}

/// Values back to back, each with the number by which the answer names the last one. A variable that does not exist has no
/// bytes, but counts; what does not fit is left to the next request, which the last number says.
fn values(
    variables: &mut dyn Variables,
    function: u8,
    numbered: impl Iterator<Item = (u16, u32)>,
    tick: u64,
    answer: &mut [u8; MAX_FRAME],
) -> usize {
    let mut end = VALUES_HEADER;
    let mut last = 0;
    for (number, address) in numbered {
        if let Some(size) = variables.size(address) {
            if end + size > MAX_FRAME {
                break;
            }
            end += variables.read(address, &mut answer[end..]).unwrap_or(0);
        }
        last = number;
    }
    values_header(answer, function, last, tick, end)
}

#[cfg(test)]
mod tests;
