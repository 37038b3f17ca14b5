//! Debug frames as text: pairs of hexadecimal digits.

use openplc_wire::frame::Kind;
use thiserror::Error;

/// Longest frame in bytes, as in OpenPLC Runtime v4.
pub const MAX_FRAME: usize = 4096;

/// Text that is no debug frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HexError {
    /// There is no digit.
    #[error("Empty command")]
    Empty,
    /// A character is neither a digit nor white space, or a pair is torn or incomplete.
    #[error("The command must be pairs of hexadecimal digits, for example 45 DE AD 00 00")]
    Malformed,
    /// The frame is too long.
    #[error("The command is longer than {MAX_FRAME} bytes")]
    TooLong,
}

/// Reads pairs of digits in either case. White space may stand between pairs.
pub fn parse(text: &str) -> Result<Vec<u8>, HexError> {
    // Six characters a byte leave room for any white space a client may put between pairs.
    if text.len() > MAX_FRAME * 6 {
        return Err(HexError::TooLong);
    }
    let mut frame = Vec::with_capacity(text.len() / 2);
    for word in text.split_whitespace() {
        let digits = word.as_bytes();
        if digits.len() % 2 != 0 {
            return Err(HexError::Malformed);
        }
        for pair in digits.chunks_exact(2) {
            frame.push(digit(pair[0])? << 4 | digit(pair[1])?);
        }
    }
    match frame.len() {
        0 => Err(HexError::Empty),
        1..=MAX_FRAME => Ok(frame),
        _ => Err(HexError::TooLong),
    }
}

/// The kind of this frame and of those that follow it in a session: a request for the MD5 tells the debugger's byte order.
pub fn kind(frame: &[u8], before: Kind) -> Kind {
    match frame {
        [0x45, 0xDE, 0xAD, ..] => Kind::Debug,
        [0x45, 0xAD, 0xDE, ..] => Kind::DebugLittleEndian,
        _ => before,
    }
}

fn digit(character: u8) -> Result<u8, HexError> {
    match character {
        b'0'..=b'9' => Ok(character - b'0'),
        b'a'..=b'f' => Ok(character - b'a' + 10),
        b'A'..=b'F' => Ok(character - b'A' + 10),
        _ => Err(HexError::Malformed),
    }
}

/// Upper case pairs with single spaces between them: the Editor splits at exactly one space.
pub fn format(frame: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut text = String::with_capacity(frame.len() * 3);
    for byte in frame {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_tolerant_and_output_is_strict() {
        for text in ["45 DE AD 00 00", "45dead0000", "  45  de\tAD\n00 00\r\n"] {
            assert_eq!(format(&parse(text).unwrap()), "45 DE AD 00 00");
        }
        assert_eq!(format(&[]), "");
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for (text, error) in [
            ("", HexError::Empty),
            (" \n ", HexError::Empty),
            ("4", HexError::Malformed),
            ("45 D", HexError::Malformed),
            ("4 5", HexError::Malformed),
            ("45 XY", HexError::Malformed),
            ("45 +1", HexError::Malformed),
            ("0x45", HexError::Malformed),
            ("45 é", HexError::Malformed),
            (&"00 ".repeat(MAX_FRAME + 1), HexError::TooLong),
            (&" ".repeat(MAX_FRAME * 6 + 1), HexError::TooLong),
        ] {
            assert_eq!(parse(text), Err(error), "{text:?}");
        }
        assert_eq!(
            parse(&"00 ".repeat(MAX_FRAME)).map(|frame| frame.len()),
            Ok(MAX_FRAME)
        );
    }
}
