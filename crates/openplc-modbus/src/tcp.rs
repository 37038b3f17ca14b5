//! Modbus TCP: each data unit is preceded by a header of seven bytes.

use thiserror::Error;

use crate::MAX_PDU;

/// Bytes of the header.
pub const HEADER: usize = 7;
/// Longest frame in bytes.
pub const MAX_FRAME: usize = HEADER + MAX_PDU;

/// Bytes of the header that count as part of what follows its field of length: the unit.
const UNIT: usize = 1;

/// What stands in the header for the other end to recognise its request by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The client's number of the request.
    pub transaction: u16,
    /// The device behind a gateway.
    pub unit: u8,
}

/// A frame within received bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Header.
    pub header: Header,
    /// Protocol data unit: at least a function code.
    pub pdu: &'a [u8],
    /// Bytes that the frame takes.
    pub bytes: usize,
}

/// What was received is no Modbus TCP, and where a next frame would begin is unknown: close the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The field of the protocol is not 0.
    #[error("the header names protocol {0} instead of 0, which is Modbus")]
    Protocol(u16),
    /// The field of length is impossible.
    #[error("the header announces {0} bytes instead of 2 to {most}", most = UNIT + MAX_PDU)]
    Length(u16),
}

impl<'a> Frame<'a> {
    /// The frame at the beginning of `received`; `None` as long as it is incomplete.
    ///
    /// # Errors
    /// [`FrameError`], as soon as it shows.
    pub fn parse(received: &'a [u8]) -> Result<Option<Self>, FrameError> {
        let Some((&[t1, t2, p1, p2, l1, l2, unit], rest)) = received.split_first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let protocol = u16::from_be_bytes([p1, p2]);
        if protocol != 0 {
            return Err(FrameError::Protocol(protocol));
        }
        let length = u16::from_be_bytes([l1, l2]);
        let pdu_bytes = usize::from(length).wrapping_sub(UNIT);
        if !(1..=MAX_PDU).contains(&pdu_bytes) {
            return Err(FrameError::Length(length));
        }
        let transaction = u16::from_be_bytes([t1, t2]);
        Ok(rest.get(..pdu_bytes).map(|pdu| Self {
            header: Header { transaction, unit },
            pdu,
            bytes: HEADER + pdu_bytes,
        }))
    }
}

/// Appends a frame with the data unit that `pdu` appends, at most [`MAX_PDU`] bytes.
pub fn encode(header: Header, frame: &mut Vec<u8>, pdu: impl FnOnce(&mut Vec<u8>)) {
    let start = frame.len();
    frame.extend(header.transaction.to_be_bytes());
    frame.extend([0, 0, 0, 0, header.unit]);
    pdu(frame);
    let length = (frame.len() - start - HEADER + UNIT) as u16;
    frame[start + 4..start + 6].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_frame_is_found_when_it_is_complete() {
        let header = Header {
            transaction: 0x1501,
            unit: 0xFF,
        };
        let mut bytes = Vec::new();
        encode(header, &mut bytes, |pdu| pdu.extend([3, 0, 4, 0, 1]));
        assert_eq!(bytes, [0x15, 1, 0, 0, 0, 6, 0xFF, 3, 0, 4, 0, 1]);
        for length in 0..bytes.len() {
            assert_eq!(Frame::parse(&bytes[..length]), Ok(None), "{length}");
        }
        bytes.push(0);
        let pdu = &[3, 0, 4, 0, 1][..];
        let bytes_of_frame = 12;
        assert_eq!(
            Frame::parse(&bytes),
            Ok(Some(Frame {
                header,
                pdu,
                bytes: bytes_of_frame
            }))
        );
    }

    #[test]
    fn what_is_no_modbus_is_refused_by_its_header() {
        let header = |protocol, length| [0, 1, 0, protocol, 0, length, 1];
        assert_eq!(Frame::parse(&header(1, 6)), Err(FrameError::Protocol(1)));
        assert_eq!(Frame::parse(&header(0, 0)), Err(FrameError::Length(0)));
        assert_eq!(Frame::parse(&header(0, 1)), Err(FrameError::Length(1)));
        assert_eq!(Frame::parse(&header(0, 255)), Err(FrameError::Length(255)));
        assert_eq!(Frame::parse(b"GET / HTTP/1.1"), Err(FrameError::Protocol(0x5420)));
        assert_eq!(Frame::parse(&header(0, 254)), Ok(None));
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_frame_an_error_or_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(Some(frame)) = Frame::parse(&bytes) {
                prop_assert!(frame.bytes <= bytes.len() && frame.bytes <= MAX_FRAME && !frame.pdu.is_empty());
            }
        }
    }
}
