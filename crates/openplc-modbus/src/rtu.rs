//! Modbus RTU on a serial line: unit, data unit, checksum.

use crate::{MAX_PDU, function};

/// Longest frame in bytes.
pub const MAX_FRAME: usize = 1 + MAX_PDU + CHECKSUM;

/// Bytes of the checksum.
const CHECKSUM: usize = 2;

/// Appends a frame with the data unit that `pdu` appends, at most [`MAX_PDU`] bytes.
pub fn encode(unit: u8, frame: &mut Vec<u8>, pdu: impl FnOnce(&mut Vec<u8>)) {
    let start = frame.len();
    frame.push(unit);
    pdu(frame);
    let checksum = checksum(&frame[start..]);
    frame.extend(checksum.to_le_bytes());
}

/// Unit and data unit of a whole frame; `None` when it is damaged.
#[must_use]
pub fn parse(frame: &[u8]) -> Option<(u8, &[u8])> {
    let (content, transmitted) = frame.split_last_chunk::<CHECKSUM>()?;
    let (&unit, pdu) = content.split_first()?;
    let intact = u16::from_le_bytes(*transmitted) == checksum(content);
    (intact && !pdu.is_empty() && pdu.len() <= MAX_PDU).then_some((unit, pdu))
}

/// Bytes of the response that begins with `received`; `None` as long as that does not show. A function that is not
/// understood here gives the length of an exception: what follows cannot be its response.
#[must_use]
pub fn response_bytes(received: &[u8]) -> Option<usize> {
    let function = *received.get(1)?;
    Some(match function {
        function::READ_COILS
        | function::READ_DISCRETE_INPUTS
        | function::READ_HOLDING_REGISTERS
        | function::READ_INPUT_REGISTERS
        | function::READ_WRITE_MULTIPLE_REGISTERS => 3 + usize::from(*received.get(2)?) + CHECKSUM,
        function::WRITE_SINGLE_COIL
        | function::WRITE_SINGLE_REGISTER
        | function::WRITE_MULTIPLE_COILS
        | function::WRITE_MULTIPLE_REGISTERS => 6 + CHECKSUM,
        function::MASK_WRITE_REGISTER => 8 + CHECKSUM,
        _ => 3 + CHECKSUM,
    })
}

/// CRC-16/MODBUS.
fn checksum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |checksum, byte| {
        (0..8).fold(checksum ^ u16::from(*byte), |checksum, _| {
            let polynomial = if checksum & 1 == 1 { 0xA001 } else { 0 };
            checksum >> 1 ^ polynomial
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_checksum_is_that_of_the_specification() {
        assert_eq!(checksum(b"123456789"), 0x4B37);
        let mut frame = Vec::new();
        encode(2, &mut frame, |pdu| pdu.push(7));
        assert_eq!(frame, [2, 7, 0x41, 0x12]);
        assert_eq!(parse(&frame), Some((2, &[7][..])));
    }

    #[test]
    fn the_length_of_a_response_shows_early() {
        assert_eq!(response_bytes(&[1]), None);
        assert_eq!(response_bytes(&[1, 3]), None);
        assert_eq!(response_bytes(&[1, 3, 250]), Some(255));
        assert_eq!(response_bytes(&[1, 0x83]), Some(5));
        assert_eq!(response_bytes(&[1, 16]), Some(8));
    }

    proptest! {
        #[test]
        fn one_damaged_byte_is_found(
            pdu in proptest::collection::vec(any::<u8>(), 1..=MAX_PDU),
            place in any::<prop::sample::Index>(),
            damage in 1..=255_u8,
        ) {
            let mut frame = Vec::new();
            encode(9, &mut frame, |bytes| bytes.extend(&pdu));
            prop_assert_eq!(parse(&frame), Some((9, &pdu[..])));
            let place = place.index(frame.len());
            frame[place] ^= damage;
            prop_assert_eq!(parse(&frame), None);
        }
    }
}
