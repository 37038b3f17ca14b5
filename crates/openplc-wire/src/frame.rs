//! One frame: payload length (u32, little-endian), kind (one byte), payload.

use thiserror::Error;

/// Bytes before the payload: length and kind.
pub const HEADER: usize = 5;
/// Largest payload that a reader accepts, in bytes. The variables of a program of 65,536 fit; a peer that announces
/// more is broken or hostile.
pub const MAX_PAYLOAD: usize = 16 << 20;
/// Largest payload that the core accepts from a client, in bytes: requests are short.
pub const MAX_REQUEST: usize = 64 << 10;

/// What the payload of a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A JSON document: a request, an answer or a build message.
    Message = 1,
    /// The raw bytes of a debug request or of its answer (contract of the Editor's debugger, function codes 0x41 to 0x45).
    Debug = 2,
    /// As [`Self::Debug`], by a debugger that sends the numbers it forces little-endian, and not big-endian as the Editor does.
    DebugLittleEndian = 3,
}

/// A frame that cannot be understood. The connection must be closed: the reader has lost its place.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FrameError {
    /// The announced payload is larger than the reader allows.
    #[error("a frame of {length} bytes was announced, more than the {limit} allowed")]
    TooLong {
        /// Announced payload length in bytes.
        length: usize,
        /// The reader's limit in bytes.
        limit: usize,
    },
    /// The kind byte is none of [`Kind`].
    #[error("frame of unknown kind {0}")]
    UnknownKind(u8),
}

/// Reads a header and returns the payload's kind and length in bytes.
///
/// # Errors
/// [`FrameError`] if the length exceeds `limit` or the kind is unknown.
pub fn parse_header(header: [u8; HEADER], limit: usize) -> Result<(Kind, usize), FrameError> {
    let [a, b, c, d, kind] = header;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if length > limit {
        return Err(FrameError::TooLong { length, limit });
    }
    match kind {
        1 => Ok((Kind::Message, length)),
        2 => Ok((Kind::Debug, length)),
        3 => Ok((Kind::DebugLittleEndian, length)),
        other => Err(FrameError::UnknownKind(other)),
    }
}

/// A whole frame, ready to be written at once.
///
/// # Errors
/// [`FrameError::TooLong`] if the payload exceeds [`MAX_PAYLOAD`].
pub fn encode(kind: Kind, payload: &[u8]) -> Result<Vec<u8>, FrameError> {
    let length = u32::try_from(payload.len())
        .ok()
        .filter(|length| *length as usize <= MAX_PAYLOAD)
        .ok_or(FrameError::TooLong {
            length: payload.len(),
            limit: MAX_PAYLOAD,
        })?;
    let mut frame = Vec::with_capacity(HEADER + payload.len());
    frame.extend_from_slice(&length.to_le_bytes());
    frame.push(kind as u8);
    frame.extend_from_slice(payload);
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_reads_back_as_written() {
        let frame = encode(Kind::Debug, &[0x45, 0xDE, 0xAD]).unwrap();
        let header: [u8; HEADER] = frame[..HEADER].try_into().unwrap();
        assert_eq!(parse_header(header, MAX_PAYLOAD), Ok((Kind::Debug, 3)));
        assert_eq!(frame[HEADER..], [0x45, 0xDE, 0xAD]);
    }

    #[test]
    fn a_hostile_header_is_refused_before_anything_is_allocated() {
        assert_eq!(
            parse_header([0xFF, 0xFF, 0xFF, 0xFF, 1], MAX_PAYLOAD),
            Err(FrameError::TooLong {
                length: u32::MAX as usize,
                limit: MAX_PAYLOAD
            })
        );
        assert_eq!(
            parse_header([0, 0, 0, 0, 9], MAX_PAYLOAD),
            Err(FrameError::UnknownKind(9))
        );
    }
}
