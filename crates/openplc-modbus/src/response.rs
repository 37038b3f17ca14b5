//! What a server answers.

use thiserror::Error;

use crate::{Bits, Exception, Registers, Request, function, pack};

/// Appends the answer to a request for bits.
pub fn bits(function: u8, bits: impl Iterator<Item = bool>, pdu: &mut Vec<u8>) {
    counted(function, pdu, |pdu| pack(bits, pdu));
}

/// Appends the answer to a request for registers.
pub fn registers(function: u8, registers: impl Iterator<Item = u16>, pdu: &mut Vec<u8>) {
    counted(function, pdu, |pdu| {
        pdu.extend(registers.flat_map(u16::to_be_bytes))
    });
}

/// Appends what confirms a request that has written something.
pub fn written(request: &Request<'_>, pdu: &mut Vec<u8>) {
    let start = pdu.len();
    request.encode(pdu);
    if let Request::WriteCoils(..) | Request::WriteRegisters(..) = request {
        // First and count, without the values.
        pdu.truncate(start + 5);
    }
}

/// Appends an exception.
pub fn exception(function: u8, exception: Exception, pdu: &mut Vec<u8>) {
    pdu.extend([function | function::EXCEPTION, exception.0]);
}

/// Function code, number of bytes, and what `data` appends.
fn counted(function: u8, pdu: &mut Vec<u8>, data: impl FnOnce(&mut Vec<u8>)) {
    pdu.extend([function, 0]);
    let start = pdu.len();
    data(pdu);
    // At most 250 bytes: a range is within the limits of a data unit.
    pdu[start - 1] = (pdu.len() - start) as u8;
}

/// What a client has received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// As many bits as were asked for.
    Bits(Bits<'a>),
    /// As many registers as were asked for.
    Registers(Registers<'a>),
    /// What was to be written is written.
    Written,
}

/// Why a response is none to the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ResponseError {
    /// The server refuses.
    #[error("{0}")]
    Exception(Exception),
    /// Something else was received.
    #[error("the response does not belong to the request")]
    Foreign,
}

/// The content of `pdu`, which answers `request`.
///
/// # Errors
/// [`ResponseError`].
pub fn parse<'a>(request: &Request<'_>, pdu: &'a [u8]) -> Result<Content<'a>, ResponseError> {
    let (&function, data) = pdu.split_first().ok_or(ResponseError::Foreign)?;
    if function == request.function() | function::EXCEPTION {
        return Err(match data {
            [code] => ResponseError::Exception(Exception(*code)),
            _ => ResponseError::Foreign,
        });
    }
    if function != request.function() {
        return Err(ResponseError::Foreign);
    }
    let content = match *request {
        Request::ReadBits(_, range) => payload(data)
            .and_then(|packed| Bits::new(packed, range.count()))
            .map(Content::Bits),
        Request::ReadRegisters(_, range) | Request::ReadWriteRegisters { read: range, .. } => payload(data)
            .and_then(Registers::new)
            .filter(|registers| registers.len() == usize::from(range.count()))
            .map(Content::Registers),
        _ => {
            let mut expected = Vec::with_capacity(8);
            written(request, &mut expected);
            (pdu == expected).then_some(Content::Written)
        }
    };
    content.ok_or(ResponseError::Foreign)
}

/// What follows its own number of bytes.
fn payload(data: &[u8]) -> Option<&[u8]> {
    let (bytes, rest) = data.split_first()?;
    (rest.len() == usize::from(*bytes)).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BitTable, MAX_PDU, RegisterTable};
    use proptest::prelude::*;

    fn range(first: u16, count: u16) -> crate::Range {
        crate::Range::new(first, count, u16::MAX).unwrap()
    }

    #[test]
    fn a_client_reads_what_a_server_answers() {
        let request = Request::ReadRegisters(RegisterTable::InputRegisters, range(8, 125));
        let mut pdu = Vec::new();
        registers(4, (0..125).map(|number| number * 500), &mut pdu);
        assert_eq!(pdu.len(), 252);
        let Ok(Content::Registers(found)) = parse(&request, &pdu) else {
            panic!("{pdu:x?}")
        };
        assert!(found.iter().eq((0..125).map(|number| number * 500)));

        let request = Request::ReadBits(BitTable::Coils, range(0, 2000));
        pdu.clear();
        bits(1, (0..2000).map(|number| number % 3 == 0), &mut pdu);
        assert!(pdu.len() <= MAX_PDU);
        let Ok(Content::Bits(found)) = parse(&request, &pdu) else {
            panic!("{pdu:x?}")
        };
        assert!(found.iter().eq((0..2000).map(|number| number % 3 == 0)));
    }

    #[test]
    fn the_answer_to_a_write_names_what_was_written() {
        let request = Request::WriteRegisters(0x1234, Registers::new(&[1, 2, 3, 4]).unwrap());
        let mut pdu = Vec::new();
        written(&request, &mut pdu);
        assert_eq!(pdu, [16, 0x12, 0x34, 0, 2]);
        assert_eq!(parse(&request, &pdu), Ok(Content::Written));
        assert_eq!(
            parse(&request, &[16, 0x12, 0x35, 0, 2]),
            Err(ResponseError::Foreign)
        );
    }

    #[test]
    fn an_exception_is_one_only_of_the_own_function() {
        let request = Request::WriteCoil(3, true);
        let mut pdu = Vec::new();
        exception(5, Exception::ILLEGAL_DATA_ADDRESS, &mut pdu);
        assert_eq!(
            parse(&request, &pdu),
            Err(ResponseError::Exception(Exception::ILLEGAL_DATA_ADDRESS))
        );
        assert_eq!(parse(&request, &[0x86, 2]), Err(ResponseError::Foreign));
        assert_eq!(parse(&request, &[0x85]), Err(ResponseError::Foreign));
    }

    proptest! {
        #[test]
        fn nothing_that_a_server_sends_breaks_a_client(
            pdu in proptest::collection::vec(any::<u8>(), 0..260),
            function in prop::sample::select(&function::ALL[..]),
            rest in any::<[u8; 8]>(),
        ) {
            let asked = [&[function][..], &rest].concat();
            for length in 1..=asked.len() {
                if let Ok(request) = Request::parse(&asked[..length]) {
                    let _ = parse(&request, &pdu);
                }
            }
        }
    }
}
