//! What a client asks for.

use crate::function;
use crate::identification::{self, Level};
use crate::{
    Bits, Exception, MAX_READ_BITS, MAX_READ_REGISTERS, MAX_READ_WRITE_REGISTERS, MAX_WRITE_COILS,
    MAX_WRITE_REGISTERS, Range, Registers,
};

/// A coil that is to be on, as it is transmitted ...
const ON: u16 = 0xFF00;
/// ... and one that is to be off.
const OFF: u16 = 0;

/// The two tables of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BitTable {
    /// Can be read and written.
    Coils,
    /// Can be read.
    DiscreteInputs,
}

/// The two tables of registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RegisterTable {
    /// Can be read and written.
    HoldingRegisters,
    /// Can be read.
    InputRegisters,
}

/// A request. Those that [`Request::parse`] returns are consistent in themselves and within the limits of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// Function codes 1 and 2.
    ReadBits(BitTable, Range),
    /// Function codes 3 and 4.
    ReadRegisters(RegisterTable, Range),
    /// Function code 5: number of the coil, and whether it is to be on.
    WriteCoil(u16, bool),
    /// Function code 6: number of the register, and its value.
    WriteRegister(u16, u16),
    /// Function code 15: first coil, and the values.
    WriteCoils(u16, Bits<'a>),
    /// Function code 16: first register, and the values.
    WriteRegisters(u16, Registers<'a>),
    /// Function code 22: the register becomes (itself AND `and`) OR (`or` AND NOT `and`).
    MaskRegister {
        /// Number of the register.
        register: u16,
        /// Bits that stay.
        and: u16,
        /// Values of the others.
        or: u16,
    },
    /// Function code 23: writes first, then reads.
    ReadWriteRegisters {
        /// What is read.
        read: Range,
        /// First register that is written.
        first: u16,
        /// The values.
        values: Registers<'a>,
    },
    /// Function code 43, read device identification: how much, and from which object on.
    ReadIdentification(Level, u8),
}

impl<'a> Request<'a> {
    /// Takes a protocol data unit apart.
    ///
    /// # Errors
    /// The [`Exception`] to answer with.
    pub fn parse(pdu: &'a [u8]) -> Result<Self, Exception> {
        let (&function, data) = pdu.split_first().ok_or(Exception::ILLEGAL_FUNCTION)?;
        match function {
            function::READ_COILS => read_bits(BitTable::Coils, data),
            function::READ_DISCRETE_INPUTS => read_bits(BitTable::DiscreteInputs, data),
            function::READ_HOLDING_REGISTERS => read_registers(RegisterTable::HoldingRegisters, data),
            function::READ_INPUT_REGISTERS => read_registers(RegisterTable::InputRegisters, data),
            function::WRITE_SINGLE_COIL => match words(data)? {
                [coil, ON] => Ok(Self::WriteCoil(coil, true)),
                [coil, OFF] => Ok(Self::WriteCoil(coil, false)),
                _ => Err(Exception::ILLEGAL_DATA_VALUE),
            },
            function::WRITE_SINGLE_REGISTER => {
                words(data).map(|[register, value]| Self::WriteRegister(register, value))
            }
            function::WRITE_MULTIPLE_COILS => {
                let ([first, count], packed) = counted(data)?;
                let range = Range::new(first, count, MAX_WRITE_COILS)?;
                let bits = Bits::new(packed, count).ok_or(Exception::ILLEGAL_DATA_VALUE)?;
                Ok(Self::WriteCoils(range.first(), bits))
            }
            function::WRITE_MULTIPLE_REGISTERS => {
                let ([first, count], values) = counted(data)?;
                let values = registers(first, count, values, MAX_WRITE_REGISTERS)?;
                Ok(Self::WriteRegisters(first, values))
            }
            function::MASK_WRITE_REGISTER => {
                words(data).map(|[register, and, or]| Self::MaskRegister { register, and, or })
            }
            function::READ_WRITE_MULTIPLE_REGISTERS => {
                let ([read_first, read_count, first, count], values) = counted(data)?;
                let read = Range::new(read_first, read_count, MAX_READ_REGISTERS)?;
                let values = registers(first, count, values, MAX_READ_WRITE_REGISTERS)?;
                Ok(Self::ReadWriteRegisters { read, first, values })
            }
            function::ENCAPSULATED_INTERFACE => match data {
                [identification::TRANSPORT, level, object] => {
                    let level = Level::from_code(*level).ok_or(Exception::ILLEGAL_DATA_VALUE)?;
                    Ok(Self::ReadIdentification(level, *object))
                }
                [identification::TRANSPORT, ..] => Err(Exception::ILLEGAL_DATA_VALUE),
                _ => Err(Exception::ILLEGAL_FUNCTION),
            },
            _ => Err(Exception::ILLEGAL_FUNCTION),
        }
    }

    /// Appends the protocol data unit.
    pub fn encode(&self, pdu: &mut Vec<u8>) {
        pdu.push(self.function());
        match *self {
            Self::ReadBits(_, range) | Self::ReadRegisters(_, range) => {
                put(pdu, &[range.first(), range.count()]);
            }
            Self::WriteCoil(coil, on) => put(pdu, &[coil, if on { ON } else { OFF }]),
            Self::WriteRegister(register, value) => put(pdu, &[register, value]),
            Self::WriteCoils(first, bits) => {
                put(pdu, &[first, bits.count()]);
                put_counted(pdu, bits.packed());
            }
            Self::WriteRegisters(first, values) => {
                put(pdu, &[first, values.len() as u16]);
                put_counted(pdu, values.bytes());
            }
            Self::MaskRegister { register, and, or } => put(pdu, &[register, and, or]),
            Self::ReadWriteRegisters { read, first, values } => {
                put(pdu, &[read.first(), read.count(), first, values.len() as u16]);
                put_counted(pdu, values.bytes());
            }
            Self::ReadIdentification(level, object) => {
                pdu.extend([identification::TRANSPORT, level as u8, object]);
            }
        }
    }

    /// The function code.
    #[must_use]
    pub const fn function(&self) -> u8 {
        match self {
            Self::ReadBits(BitTable::Coils, _) => function::READ_COILS,
            Self::ReadBits(BitTable::DiscreteInputs, _) => function::READ_DISCRETE_INPUTS,
            Self::ReadRegisters(RegisterTable::HoldingRegisters, _) => function::READ_HOLDING_REGISTERS,
            Self::ReadRegisters(RegisterTable::InputRegisters, _) => function::READ_INPUT_REGISTERS,
            Self::WriteCoil(..) => function::WRITE_SINGLE_COIL,
            Self::WriteRegister(..) => function::WRITE_SINGLE_REGISTER,
            Self::WriteCoils(..) => function::WRITE_MULTIPLE_COILS,
            Self::WriteRegisters(..) => function::WRITE_MULTIPLE_REGISTERS,
            Self::MaskRegister { .. } => function::MASK_WRITE_REGISTER,
            Self::ReadWriteRegisters { .. } => function::READ_WRITE_MULTIPLE_REGISTERS,
            Self::ReadIdentification(..) => function::ENCAPSULATED_INTERFACE,
        }
    }
}

fn read_bits<'a>(table: BitTable, data: &[u8]) -> Result<Request<'a>, Exception> {
    let [first, count] = words(data)?;
    Ok(Request::ReadBits(table, Range::new(first, count, MAX_READ_BITS)?))
}

fn read_registers<'a>(table: RegisterTable, data: &[u8]) -> Result<Request<'a>, Exception> {
    let [first, count] = words(data)?;
    Ok(Request::ReadRegisters(
        table,
        Range::new(first, count, MAX_READ_REGISTERS)?,
    ))
}

/// The `N` words that `data` is.
fn words<const N: usize>(data: &[u8]) -> Result<[u16; N], Exception> {
    let words = Registers::new(data).filter(|words| words.len() == N);
    let mut words = words.ok_or(Exception::ILLEGAL_DATA_VALUE)?.iter();
    Ok([(); N].map(|()| words.next().unwrap_or_default()))
}

/// `N` words, the number of bytes after it, and these bytes.
fn counted<const N: usize>(data: &[u8]) -> Result<([u16; N], &[u8]), Exception> {
    let (head, rest) = data
        .split_at_checked(2 * N)
        .ok_or(Exception::ILLEGAL_DATA_VALUE)?;
    match rest.split_first() {
        Some((bytes, rest)) if rest.len() == usize::from(*bytes) => Ok((words(head)?, rest)),
        _ => Err(Exception::ILLEGAL_DATA_VALUE),
    }
}

/// The registers that are written.
fn registers(first: u16, count: u16, values: &[u8], most: u16) -> Result<Registers<'_>, Exception> {
    let range = Range::new(first, count, most)?;
    let values = Registers::new(values).filter(|values| values.len() == usize::from(range.count()));
    values.ok_or(Exception::ILLEGAL_DATA_VALUE)
}

fn put(pdu: &mut Vec<u8>, words: &[u16]) {
    pdu.extend(words.iter().flat_map(|word| word.to_be_bytes()));
}

/// Bytes after their number, which is within the limits of a data unit.
fn put_counted(pdu: &mut Vec<u8>, bytes: &[u8]) {
    pdu.push(bytes.len() as u8);
    pdu.extend(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_examples_of_the_specification_are_understood() {
        let range = |first, count| Range::new(first, count, u16::MAX).unwrap();
        let coils = BitTable::Coils;
        let holding = RegisterTable::HoldingRegisters;
        for (pdu, request) in [
            (
                &[1, 0, 0x13, 0, 0x13][..],
                Request::ReadBits(coils, range(0x13, 0x13)),
            ),
            (
                &[3, 0, 0x6B, 0, 3],
                Request::ReadRegisters(holding, range(0x6B, 3)),
            ),
            (&[5, 0, 0xAC, 0xFF, 0], Request::WriteCoil(0xAC, true)),
            (&[6, 0, 1, 0, 3], Request::WriteRegister(1, 3)),
            (
                &[0x0F, 0, 0x13, 0, 0x0A, 2, 0xCD, 1],
                Request::WriteCoils(0x13, Bits::new(&[0xCD, 1], 10).unwrap()),
            ),
            (
                &[0x10, 0, 1, 0, 2, 4, 0, 0x0A, 1, 2],
                Request::WriteRegisters(1, Registers::new(&[0, 0x0A, 1, 2]).unwrap()),
            ),
            (
                &[0x16, 0, 4, 0, 0xF2, 0, 0x25],
                Request::MaskRegister {
                    register: 4,
                    and: 0xF2,
                    or: 0x25,
                },
            ),
            (
                &[0x17, 0, 3, 0, 6, 0, 0x0E, 0, 3, 6, 0, 0xFF, 0, 0xFF, 0, 0xFF],
                Request::ReadWriteRegisters {
                    read: range(3, 6),
                    first: 0x0E,
                    values: Registers::new(&[0, 0xFF, 0, 0xFF, 0, 0xFF]).unwrap(),
                },
            ),
            (&[0x2B, 0x0E, 1, 0], Request::ReadIdentification(Level::Basic, 0)),
        ] {
            assert_eq!(Request::parse(pdu), Ok(request));
            let mut encoded = Vec::new();
            request.encode(&mut encoded);
            assert_eq!(encoded, pdu);
        }
    }

    #[test]
    fn what_contradicts_itself_gets_the_right_exception() {
        let (function, address, value) = (
            Exception::ILLEGAL_FUNCTION,
            Exception::ILLEGAL_DATA_ADDRESS,
            Exception::ILLEGAL_DATA_VALUE,
        );
        for (pdu, exception) in [
            (&[][..], function),
            (&[0], function),
            (&[7], function),
            (&[0x83, 0, 0, 0, 1], function),
            (&[3], value),
            (&[3, 0, 0, 0], value),
            (&[3, 0, 0, 0, 1, 0], value),
            (&[3, 0, 0, 0, 0], value),
            (&[3, 0, 0, 0, 126], value),
            (&[3, 0xFF, 0xFF, 0, 2], address),
            (&[1, 0, 0, 0x07, 0xD1], value),
            (&[5, 0, 0, 0, 1], value),
            (&[5, 0, 0, 0xFF, 1], value),
            (&[15, 0, 0, 0, 9, 1, 0xFF], value),
            // A quantity far beyond the data is what other decoders have read past the end for.
            (&[15, 0, 0, 0xFF, 0xFF, 1, 0xFF], value),
            (&[16, 0, 0, 0, 1, 3, 0, 0, 0], value),
            (&[16, 0, 0, 0, 2, 2, 0, 0], value),
            (&[16, 0, 0, 0x80, 1, 2, 0, 0], value),
            (&[16, 0xFF, 0xFF, 0, 2, 4, 0, 0, 0, 0], address),
            (&[23, 0, 0, 0, 1, 0, 0, 0, 1, 2, 0], value),
            (&[43, 0x0D, 1, 0], function),
            (&[43, 0x0E, 9, 0], value),
            (&[43, 0x0E], value),
            (&[43], function),
        ] {
            assert_eq!(Request::parse(pdu), Err(exception), "{pdu:x?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_understood_is_encoded_as_it_came(pdu in proptest::collection::vec(any::<u8>(), 0..260)) {
            if let Ok(request) = Request::parse(&pdu) {
                let mut encoded = Vec::new();
                request.encode(&mut encoded);
                prop_assert_eq!(encoded, pdu);
            }
        }

        #[test]
        fn likely_requests_break_nothing(
            function in prop::sample::select(&function::ALL[..]),
            data in proptest::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(2), Just(255), any::<u8>()], 0..20),
        ) {
            let pdu = [&[function][..], &data].concat();
            if let Ok(request) = Request::parse(&pdu) {
                prop_assert_eq!(request.function(), function);
            }
        }
    }
}
