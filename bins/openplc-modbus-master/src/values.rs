//! Between the values of the image and what is transmitted. Values of 32 and 64 bits have the low register first.

use openplc_modbus::response::Content;
use openplc_modbus::{BitTable, Bits, RegisterTable, Registers, Request, WordOrder, function, pack};
use openplc_plugin::{View, Write};

use crate::configuration::{OnFailure, parts};
use crate::job::{Job, Piece};

const ORDER: WordOrder = WordOrder::LowFirst;

/// The values that the job's pieces have in the image; `None` when the image lacks one.
pub fn of_image(job: &Job, view: &View<'_>, values: &mut Vec<u64>) -> Option<()> {
    values.clear();
    for address in job.pieces.iter().flat_map(Piece::addresses) {
        values.push(view.value(address)?);
    }
    Some(())
}

/// The bytes of the request's values, where it writes some: packed bits or registers.
pub fn encode(job: &Job, values: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if job.function == function::WRITE_MULTIPLE_COILS {
        pack(values.iter().map(|value| *value != 0), &mut bytes);
        return bytes;
    }
    let mut values = values.iter();
    for piece in &job.pieces {
        let parts = parts(piece.table.width());
        for value in values.by_ref().take(piece.count as usize) {
            let registers = (0..parts).map(|part| ORDER.register(*value, part, parts));
            bytes.extend(registers.flat_map(u16::to_be_bytes));
        }
    }
    bytes
}

/// The request of a job; `bytes` are from [`encode`].
pub fn request<'a>(job: &Job, bytes: &'a [u8]) -> Option<Request<'a>> {
    let range = job.range;
    Some(match job.function {
        function::READ_COILS => Request::ReadBits(BitTable::Coils, range),
        function::READ_DISCRETE_INPUTS => Request::ReadBits(BitTable::DiscreteInputs, range),
        function::READ_HOLDING_REGISTERS => Request::ReadRegisters(RegisterTable::HoldingRegisters, range),
        function::READ_INPUT_REGISTERS => Request::ReadRegisters(RegisterTable::InputRegisters, range),
        function::WRITE_SINGLE_COIL => {
            Request::WriteCoil(range.first(), bytes.last().is_some_and(|low| *low != 0))
        }
        function::WRITE_SINGLE_REGISTER => {
            Request::WriteRegister(range.first(), Registers::new(bytes)?.iter().next()?)
        }
        function::WRITE_MULTIPLE_COILS => {
            Request::WriteCoils(range.first(), Bits::new(bytes, range.count())?)
        }
        _ => Request::WriteRegisters(range.first(), Registers::new(bytes)?),
    })
}

/// What was read, as writes into the image.
pub fn decode(job: &Job, content: Content<'_>) -> Vec<Write> {
    let addresses = job.pieces.iter().flat_map(Piece::addresses);
    match content {
        Content::Written => Vec::new(),
        Content::Bits(bits) => addresses
            .zip(bits.iter())
            .map(|(address, bit)| Write {
                address,
                value: bit.into(),
            })
            .collect(),
        Content::Registers(registers) => {
            let mut registers = registers.iter();
            let value = |address: openplc_plugin::Address| {
                let count = parts(address.table().width()) as usize;
                let parts: Vec<u16> = registers.by_ref().take(count).collect();
                Write {
                    address,
                    value: ORDER.value(&parts),
                }
            };
            addresses.map(value).collect()
        }
    }
}

/// The values that become zero when the job fails.
pub fn zeroes(job: &Job) -> Vec<Write> {
    let zeroed = job
        .pieces
        .iter()
        .filter(|piece| piece.on_failure == OnFailure::Zero);
    let zero = |address| Write { address, value: 0 };
    zeroed.flat_map(Piece::addresses).map(zero).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use openplc_modbus::Range;
    use openplc_plugin::Address;

    fn job(function: u8, count: u16, pieces: &[(&str, u32, OnFailure)]) -> Job {
        let piece = |(address, count, on_failure): &(&str, u32, OnFailure)| {
            let address: Address = address.parse().unwrap();
            Piece {
                table: address.table(),
                index: address.index(),
                count: *count,
                on_failure: *on_failure,
            }
        };
        Job {
            function,
            range: Range::new(0, count, count).unwrap(),
            cycle: Duration::from_secs(1),
            pieces: pieces.iter().map(piece).collect(),
        }
    }

    fn written(writes: &[Write]) -> Vec<(String, u64)> {
        writes
            .iter()
            .map(|write| (write.address.to_string(), write.value))
            .collect()
    }

    #[test]
    fn registers_become_values_low_register_first() {
        let job = job(
            3,
            7,
            &[
                ("%IW3", 1, OnFailure::Hold),
                ("%ID0", 1, OnFailure::Zero),
                ("%IL1", 1, OnFailure::Hold),
            ],
        );
        let bytes = [0, 9, 0x22, 0x22, 0x11, 0x11, 0, 1, 0, 2, 0, 3, 0, 4];
        let found = decode(&job, Content::Registers(Registers::new(&bytes).unwrap()));
        let expected = [
            ("%IW3", 9),
            ("%ID0", 0x1111_2222),
            ("%IL1", 0x0004_0003_0002_0001),
        ];
        assert_eq!(
            written(&found),
            expected.map(|(address, value)| (address.into(), value))
        );
        let values: Vec<u64> = found.iter().map(|write| write.value).collect();
        assert_eq!(encode(&job, &values), bytes);
        assert_eq!(written(&zeroes(&job)), [("%ID0".into(), 0)]);
    }

    #[test]
    fn bits_go_to_consecutive_bits_of_the_image() {
        let job = job(2, 3, &[("%IX0.7", 3, OnFailure::Zero)]);
        let found = decode(&job, Content::Bits(Bits::new(&[0b101], 3).unwrap()));
        let expected = [("%IX0.7", 1), ("%IX1.0", 0), ("%IX1.1", 1)];
        assert_eq!(
            written(&found),
            expected.map(|(address, value)| (address.into(), value))
        );
        assert_eq!(zeroes(&job).len(), 3);
    }

    #[test]
    fn every_function_has_its_request() {
        let coils = job(15, 9, &[("%QX0.0", 9, OnFailure::Hold)]);
        let bytes = encode(&coils, &[1, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(
            request(&coils, &bytes),
            Some(Request::WriteCoils(0, Bits::new(&[1, 1], 9).unwrap()))
        );
        let coil = job(5, 1, &[("%QX0.0", 1, OnFailure::Hold)]);
        let bytes = encode(&coil, &[1]);
        assert_eq!(request(&coil, &bytes), Some(Request::WriteCoil(0, true)));
        let register = job(6, 1, &[("%QW0", 1, OnFailure::Hold)]);
        let bytes = encode(&register, &[0x1234]);
        assert_eq!(
            request(&register, &bytes),
            Some(Request::WriteRegister(0, 0x1234))
        );
        let registers = job(16, 2, &[("%QD0", 1, OnFailure::Hold)]);
        let bytes = encode(&registers, &[0x1111_2222]);
        let expected = Registers::new(&[0x22, 0x22, 0x11, 0x11]).unwrap();
        assert_eq!(
            request(&registers, &bytes),
            Some(Request::WriteRegisters(0, expected))
        );
    }
}
