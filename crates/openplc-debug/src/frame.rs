//! Requests and answers.

use thiserror::Error;

use crate::iec_type::IecType;
use crate::value::Value;

/// Variables asked for in one request, as the Editor does.
pub const BATCH: usize = 60;

const FORCE: u8 = 0x42;
const LIST: u8 = 0x44;
const IDENTIFY: u8 = 0x45;
const OK: u8 = 0x7E;
const OUT_OF_BOUNDS: u8 = 0x81;
const OUT_OF_MEMORY: u8 = 0x82;

/// An answer that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The program has no such variable, or the value has the wrong size for it.
    #[error("the program does not know such a variable or value")]
    OutOfBounds,
    /// The request was too large.
    #[error("the request is too large for the runtime")]
    OutOfMemory,
    /// The answer does not belong to the request.
    #[error("the answer does not fit the request")]
    Malformed,
}

/// Asks for the MD5 of the program, and tells it in which order the bytes of forced values come. To be sent before the
/// first force.
#[must_use]
pub fn identify() -> Vec<u8> {
    vec![IDENTIFY, 0xDE, 0xAD, 0, 0]
}

/// The MD5 in the answer to [`identify`], as 32 hexadecimal digits.
///
/// # Errors
/// [`FrameError`] when there is none.
pub fn parse_identity(answer: &[u8]) -> Result<&str, FrameError> {
    let md5 = body(answer, IDENTIFY)?;
    std::str::from_utf8(md5)
        .map(str::trim_ascii)
        .map_err(|_| FrameError::Malformed)
}

/// Asks for the values of these variables, no more than [`BATCH`] and none twice.
#[must_use]
pub fn list(indexes: &[u16]) -> Vec<u8> {
    let count = u16::try_from(indexes.len()).unwrap_or(u16::MAX);
    let mut frame = vec![LIST];
    frame.extend(count.to_be_bytes());
    frame.extend(indexes.iter().flat_map(|index| index.to_be_bytes()));
    frame
}

/// Values at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Number of the scan, modulo 2³².
    pub tick: u32,
    /// Values of the first variables that were asked for. Fewer than were asked for when the answer was cut off: the
    /// rest must be asked for again.
    pub values: Vec<Value>,
}

/// Understands the answer to [`list`] for these variables.
///
/// # Errors
/// [`FrameError`] when it is an error or no answer to that request.
pub fn parse_list(answer: &[u8], requested: &[(u16, IecType)]) -> Result<Sample, FrameError> {
    let body = body(answer, LIST)?;
    let (header, data) = body.split_at_checked(8).ok_or(FrameError::Malformed)?;
    let [last_high, last_low, t3, t2, t1, t0, size_high, size_low] = *header else {
        return Err(FrameError::Malformed);
    };
    let last = u16::from_be_bytes([last_high, last_low]);
    if data.len() != usize::from(u16::from_be_bytes([size_high, size_low])) {
        return Err(FrameError::Malformed);
    }
    let mut values = Vec::with_capacity(requested.len());
    let mut rest = data;
    for (index, iec_type) in requested {
        let (bytes, after) = rest
            .split_at_checked(iec_type.size())
            .ok_or(FrameError::Malformed)?;
        values.push(Value::decode(*iec_type, bytes).ok_or(FrameError::Malformed)?);
        rest = after;
        if *index == last {
            break;
        }
    }
    if !rest.is_empty() {
        return Err(FrameError::Malformed);
    }
    Ok(Sample {
        tick: u32::from_be_bytes([t3, t2, t1, t0]),
        values,
    })
}

/// Forces a variable to a value as [`Value::encode_force`] gives it.
#[must_use]
pub fn force(index: u16, value: &[u8]) -> Vec<u8> {
    force_frame(index, 1, value)
}

/// Ends the forcing of a variable.
#[must_use]
pub fn release(index: u16) -> Vec<u8> {
    force_frame(index, 0, &[0])
}

fn force_frame(index: u16, forced: u8, value: &[u8]) -> Vec<u8> {
    let mut frame = vec![FORCE];
    frame.extend(index.to_be_bytes());
    frame.push(forced);
    frame.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
    frame.extend(value);
    frame
}

/// Understands the answer to [`force`] and [`release`].
///
/// # Errors
/// [`FrameError`] when it says anything but success.
pub fn parse_force(answer: &[u8]) -> Result<(), FrameError> {
    body(answer, FORCE).map(|_| ())
}

fn body(answer: &[u8], function: u8) -> Result<&[u8], FrameError> {
    match answer {
        [code, status, body @ ..] if *code == function => match *status {
            OK => Ok(body),
            OUT_OF_BOUNDS => Err(FrameError::OutOfBounds),
            OUT_OF_MEMORY => Err(FrameError::OutOfMemory),
            _ => Err(FrameError::Malformed),
        },
        _ => Err(FrameError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_the_bytes_that_the_editor_sends() {
        assert_eq!(identify(), [0x45, 0xDE, 0xAD, 0, 0]);
        assert_eq!(list(&[1, 0x0203]), [0x44, 0, 2, 0, 1, 2, 3]);
        assert_eq!(force(0x0102, &[0xAA, 0xBB]), [0x42, 1, 2, 1, 0, 2, 0xAA, 0xBB]);
        assert_eq!(release(5), [0x42, 0, 5, 0, 0, 1, 0]);
    }

    #[test]
    fn a_list_answer_gives_the_values_in_order() {
        let requested = [(3, IecType::Bool), (9, IecType::Int), (4, IecType::Usint)];
        let answer = [0x44, 0x7E, 0, 4, 0, 0, 1, 0, 0, 4, 1, 0xFE, 0xFF, 7];
        let sample = parse_list(&answer, &requested).unwrap();
        assert_eq!(sample.tick, 256);
        assert_eq!(
            sample.values,
            [Value::Bool(true), Value::Integer(-2), Value::Integer(7)]
        );
    }

    #[test]
    fn a_list_answer_that_was_cut_off_gives_what_it_has() {
        let requested = [(3, IecType::Bool), (9, IecType::Int)];
        let answer = [0x44, 0x7E, 0, 3, 0, 0, 0, 1, 0, 1, 1];
        assert_eq!(
            parse_list(&answer, &requested).unwrap().values,
            [Value::Bool(true)]
        );
    }

    #[test]
    fn errors_and_rubbish_are_told_apart() {
        let requested = [(3, IecType::Bool)];
        assert_eq!(
            parse_list(&[0x44, 0x81], &requested),
            Err(FrameError::OutOfBounds)
        );
        assert_eq!(
            parse_list(&[0x44, 0x82], &requested),
            Err(FrameError::OutOfMemory)
        );
        let good = [0x44, 0x7E, 0, 3, 0, 0, 0, 1, 0, 1, 1];
        for length in 0..good.len() {
            assert_eq!(
                parse_list(&good[..length], &requested),
                Err(FrameError::Malformed),
                "{length}"
            );
        }
        let surplus = [0x44, 0x7E, 0, 3, 0, 0, 0, 1, 0, 2, 1, 1];
        assert_eq!(parse_list(&surplus, &requested), Err(FrameError::Malformed));
        assert_eq!(parse_force(&[0x42, 0x7E]), Ok(()));
        assert_eq!(parse_force(&[0x42, 0x81]), Err(FrameError::OutOfBounds));
        assert_eq!(parse_force(&[0x44, 0x7E]), Err(FrameError::Malformed));
        assert_eq!(parse_identity(b"\x45\x7Eabc "), Ok("abc"));
    }
}
