//! Requests and answers.

use thiserror::Error;

use crate::dialect::Dialect;
use crate::iec_type::IecType;
use crate::value::Value;

const FORCE: u8 = 0x42;
const LIST: u8 = 0x44;
const IDENTIFY: u8 = 0x45;
const OK: u8 = 0x7E;
const OUT_OF_BOUNDS: u8 = 0x81;
const OUT_OF_MEMORY: u8 = 0x82;
const READ_ONLY: u8 = 0x87;
/// Digits of an MD5.
const MD5_LENGTH: usize = 32;

/// An answer that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The program has no such variable, or the value has the wrong size for it.
    #[error("the program does not know such a variable or value")]
    OutOfBounds,
    /// The request was too large, or the value has the wrong size.
    #[error("the request is too large for the runtime, or the value does not fit the variable")]
    OutOfMemory,
    /// The variable is a constant.
    #[error("the variable can only be read")]
    ReadOnly,
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
    // Behind it some programs tell the order of their bytes.
    let md5 = md5.get(..MD5_LENGTH).unwrap_or(md5);
    std::str::from_utf8(md5)
        .map(str::trim_ascii)
        .map_err(|_| FrameError::Malformed)
}

/// Asks for the values of these variables, no more than [`Dialect::batch`] and none twice.
#[must_use]
pub fn list(dialect: Dialect, addresses: &[u32]) -> Vec<u8> {
    let count = u16::try_from(addresses.len()).unwrap_or(u16::MAX);
    let mut frame = vec![LIST];
    frame.extend(count.to_be_bytes());
    frame.extend(addresses.iter().flat_map(|address| dialect.address(*address)));
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
pub fn parse_list(
    dialect: Dialect,
    answer: &[u8],
    requested: &[(u32, IecType)],
) -> Result<Sample, FrameError> {
    let body = body(answer, LIST)?;
    let (header, data) = body.split_at_checked(8).ok_or(FrameError::Malformed)?;
    let [last_high, last_low, t3, t2, t1, t0, size_high, size_low] = *header else {
        return Err(FrameError::Malformed);
    };
    let last = u32::from(u16::from_be_bytes([last_high, last_low]));
    if data.len() != usize::from(u16::from_be_bytes([size_high, size_low])) {
        return Err(FrameError::Malformed);
    }
    let mut values = Vec::with_capacity(requested.len());
    let mut rest = data;
    for (position, (address, iec_type)) in (0_u32..).zip(requested) {
        let (bytes, after) = rest
            .split_at_checked(iec_type.size())
            .ok_or(FrameError::Malformed)?;
        values.push(Value::decode(dialect, *iec_type, bytes).ok_or(FrameError::Malformed)?);
        rest = after;
        // The last one is named by its number, or by its place in the request.
        let number = match dialect {
            Dialect::Matiec => *address,
            Dialect::Strucpp => position,
        };
        if number == last {
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
pub fn force(dialect: Dialect, address: u32, value: &[u8]) -> Vec<u8> {
    force_frame(dialect, address, 1, value)
}

/// Ends the forcing of a variable.
#[must_use]
pub fn release(dialect: Dialect, address: u32) -> Vec<u8> {
    force_frame(dialect, address, 0, &[0])
}

fn force_frame(dialect: Dialect, address: u32, forced: u8, value: &[u8]) -> Vec<u8> {
    let mut frame = vec![FORCE];
    frame.extend(dialect.address(address));
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
            READ_ONLY => Err(FrameError::ReadOnly),
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
        assert_eq!(list(Dialect::Matiec, &[1, 0x0203]), [0x44, 0, 2, 0, 1, 2, 3]);
        assert_eq!(
            force(Dialect::Matiec, 0x0102, &[0xAA, 0xBB]),
            [0x42, 1, 2, 1, 0, 2, 0xAA, 0xBB]
        );
        assert_eq!(release(Dialect::Matiec, 5), [0x42, 0, 5, 0, 0, 1, 0]);
        let addresses = [1 << 16 | 2, 3];
        assert_eq!(list(Dialect::Strucpp, &addresses), [0x44, 0, 2, 1, 0, 2, 0, 0, 3]);
        assert_eq!(
            force(Dialect::Strucpp, addresses[0], &[7]),
            [0x42, 1, 0, 2, 1, 0, 1, 7]
        );
        assert_eq!(
            release(Dialect::Strucpp, addresses[0]),
            [0x42, 1, 0, 2, 0, 0, 1, 0]
        );
    }

    #[test]
    fn a_list_answer_gives_the_values_in_order() {
        let requested = [(3, IecType::Bool), (9, IecType::Int), (4, IecType::Usint)];
        let answer = [0x44, 0x7E, 0, 4, 0, 0, 1, 0, 0, 4, 1, 0xFE, 0xFF, 7];
        let sample = parse_list(Dialect::Matiec, &answer, &requested).unwrap();
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
            parse_list(Dialect::Matiec, &answer, &requested).unwrap().values,
            [Value::Bool(true)]
        );
    }

    #[test]
    fn the_other_dialect_names_the_last_value_by_its_place() {
        let requested = [
            (1 << 16 | 3, IecType::Bool),
            (9, IecType::Int),
            (4, IecType::Usint),
        ];
        let answer = [0x44, 0x7E, 0, 1, 0, 0, 1, 0, 0, 3, 1, 0xFE, 0xFF];
        let sample = parse_list(Dialect::Strucpp, &answer, &requested).unwrap();
        assert_eq!(sample.values, [Value::Bool(true), Value::Integer(-2)]);
        assert_eq!(
            parse_identity(&[b"\x45\x7E", "ab".repeat(16).as_bytes(), b"\xAD\xDE"].concat()),
            Ok(&*"ab".repeat(16))
        );
        assert_eq!(parse_force(&[0x42, 0x87]), Err(FrameError::ReadOnly));
    }

    #[test]
    fn errors_and_rubbish_are_told_apart() {
        let requested = [(3, IecType::Bool)];
        assert_eq!(
            parse_list(Dialect::Matiec, &[0x44, 0x81], &requested),
            Err(FrameError::OutOfBounds)
        );
        assert_eq!(
            parse_list(Dialect::Matiec, &[0x44, 0x82], &requested),
            Err(FrameError::OutOfMemory)
        );
        let good = [0x44, 0x7E, 0, 3, 0, 0, 0, 1, 0, 1, 1];
        for length in 0..good.len() {
            assert_eq!(
                parse_list(Dialect::Matiec, &good[..length], &requested),
                Err(FrameError::Malformed),
                "{length}"
            );
        }
        let surplus = [0x44, 0x7E, 0, 3, 0, 0, 0, 1, 0, 2, 1, 1];
        assert_eq!(
            parse_list(Dialect::Matiec, &surplus, &requested),
            Err(FrameError::Malformed)
        );
        assert_eq!(parse_force(&[0x42, 0x7E]), Ok(()));
        assert_eq!(parse_force(&[0x42, 0x81]), Err(FrameError::OutOfBounds));
        assert_eq!(parse_force(&[0x44, 0x7E]), Err(FrameError::Malformed));
        assert_eq!(parse_identity(b"\x45\x7Eabc "), Ok("abc"));
    }
}
