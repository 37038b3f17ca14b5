//! Read device identification: function code 43, transport 14.

use crate::{Exception, MAX_PDU, function};

/// Type of encapsulated interface transport (MEI).
pub const TRANSPORT: u8 = 0x0E;

/// Names of vendor, product and version ...
const BASIC: std::ops::Range<u8> = 0..3;
/// ... and further texts that the specification gives a meaning.
const REGULAR: std::ops::Range<u8> = 0..0x80;
/// Conformity level: regular identification, as a stream or one by one.
const CONFORMITY: u8 = 0x82;
/// Bytes of a response before its objects.
const HEAD: usize = 7;

/// How much of the identification is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Level {
    /// Vendor, product, version.
    Basic = 1,
    /// All that the specification gives a meaning.
    Regular = 2,
    /// And what the vendor has added: nothing here.
    Extended = 3,
    /// One object.
    Individual = 4,
}

impl Level {
    /// The level of this code.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Basic),
            2 => Some(Self::Regular),
            3 => Some(Self::Extended),
            4 => Some(Self::Individual),
            _ => None,
        }
    }
}

/// Appends the answer of a server whose `objects` are these texts by their numbers, in ascending order: as many of them as fit,
/// from object `first` on.
///
/// # Errors
/// [`Exception::ILLEGAL_DATA_ADDRESS`] for a single object that does not exist.
pub fn respond(objects: &[(u8, &str)], level: Level, first: u8, pdu: &mut Vec<u8>) -> Result<(), Exception> {
    let numbers = match level {
        Level::Basic => BASIC,
        Level::Regular | Level::Extended => REGULAR,
        Level::Individual => first..first.saturating_add(1),
    };
    let chosen = || objects.iter().filter(|(number, _)| numbers.contains(number));
    // Somebody who begins with an object that does not exist begins with the first.
    let begins = chosen().any(|(number, _)| *number == first);
    if !begins && level == Level::Individual {
        return Err(Exception::ILLEGAL_DATA_ADDRESS);
    }
    let first = if begins { first } else { 0 };
    let start = pdu.len();
    pdu.extend([
        function::ENCAPSULATED_INTERFACE,
        TRANSPORT,
        level as u8,
        CONFORMITY,
        0,
        0,
        0,
    ]);
    let mut count = 0;
    let mut next = None;
    for (number, text) in chosen().filter(|(number, _)| *number >= first) {
        // A text that fits no data unit at all is cut.
        let text = &text.as_bytes()[..text.len().min(MAX_PDU - HEAD - 2)];
        if pdu.len() - start + 2 + text.len() > MAX_PDU {
            next = Some(*number);
            break;
        }
        pdu.extend([*number, text.len() as u8]);
        pdu.extend(text);
        count += 1;
    }
    if let Some(next) = next {
        pdu[start + 4] = 0xFF;
        pdu[start + 5] = next;
    }
    pdu[start + 6] = count;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECTS: [(u8, &str); 4] = [(0, "maker"), (1, "thing"), (2, "1.0"), (4, "a thing")];

    fn answer(level: Level, first: u8) -> Vec<u8> {
        let mut pdu = Vec::new();
        respond(&OBJECTS, level, first, &mut pdu).unwrap();
        pdu
    }

    #[test]
    fn the_basic_objects_come_as_a_stream() {
        let pdu = answer(Level::Basic, 0);
        assert_eq!(pdu[..7], [43, 14, 1, 0x82, 0, 0, 3]);
        assert_eq!(&pdu[7..14], b"\x00\x05maker");
        assert!(pdu.ends_with(b"\x02\x031.0"));
    }

    #[test]
    fn a_single_object_is_there_or_not() {
        assert!(answer(Level::Individual, 4).ends_with(b"\x01\x04\x07a thing"));
        let missing = respond(&OBJECTS, Level::Individual, 3, &mut Vec::new());
        assert_eq!(missing, Err(Exception::ILLEGAL_DATA_ADDRESS));
    }

    #[test]
    fn what_does_not_fit_follows_in_the_next_answer() {
        let long = "x".repeat(200);
        let objects = [(0, long.as_str()), (1, long.as_str())];
        let mut pdu = Vec::new();
        respond(&objects, Level::Basic, 0, &mut pdu).unwrap();
        assert_eq!(pdu[4..7], [0xFF, 1, 1]);
        pdu.clear();
        respond(&objects, Level::Basic, 1, &mut pdu).unwrap();
        assert_eq!(pdu[4..7], [0, 0, 1]);
        assert!(pdu.len() <= MAX_PDU);
    }
}
