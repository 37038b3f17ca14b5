//! Which coil or register is which value of the process image.

use openplc_modbus::{BitTable, RegisterTable};
use openplc_plugin::{Address, Layout, Table, Width};

use crate::configuration::Counts;

/// Slots that a table of OpenPLC Runtime v4 has, which shows no more of it whatever is configured.
const SLOTS_OF_V4: u32 = 1024;

/// Where a coil or register is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The value.
    pub address: Address,
    /// Which of the registers that the value takes ...
    pub part: u32,
    /// ... and how many these are; 1 for a bit.
    pub parts: u32,
}

/// Consecutive coils or registers of one table of the process image.
#[derive(Debug, Clone, Copy)]
struct Segment {
    table: Table,
    /// Values.
    count: u32,
}

/// All coils and registers.
#[derive(Debug, Clone)]
pub struct AddressMap {
    coils: [Segment; 2],
    discrete_inputs: [Segment; 1],
    holding_registers: [Segment; 4],
    input_registers: [Segment; 1],
}

impl AddressMap {
    /// What is configured, as far as the tables of the image go. A table that is smaller than those of OpenPLC Runtime v4 keeps
    /// its place among the others, so that the numbers are those that the Editor shows; what it lacks does not exist.
    pub fn new(counts: &Counts, layout: &Layout) -> Self {
        let segment = |table: Table, count: u32| {
            let most = layout.sizes().slots(table).max(SLOTS_OF_V4) * table.width().values_per_slot();
            Segment {
                table,
                count: count.min(most),
            }
        };
        Self {
            coils: [
                segment(Table::BoolOutput, counts.output_bits),
                segment(Table::BoolMemory, counts.memory_bits),
            ],
            discrete_inputs: [segment(Table::BoolInput, counts.input_bits)],
            holding_registers: [
                segment(Table::IntOutput, counts.output_words),
                segment(Table::IntMemory, counts.memory_words),
                segment(Table::DintMemory, counts.memory_doubles),
                segment(Table::LintMemory, counts.memory_longs),
            ],
            input_registers: [segment(Table::IntInput, counts.input_words)],
        }
    }

    /// The place of a bit; `None` when it is beyond the last.
    pub fn bit(&self, table: BitTable, number: u16) -> Option<Place> {
        locate(
            match table {
                BitTable::Coils => &self.coils,
                BitTable::DiscreteInputs => &self.discrete_inputs,
            },
            number,
        )
    }

    /// The place of a register; `None` when it is beyond the last.
    pub fn register(&self, table: RegisterTable, number: u16) -> Option<Place> {
        locate(
            match table {
                RegisterTable::HoldingRegisters => &self.holding_registers,
                RegisterTable::InputRegisters => &self.input_registers,
            },
            number,
        )
    }
}

fn locate(segments: &[Segment], number: u16) -> Option<Place> {
    let mut rest = u32::from(number);
    for Segment { table, count } in segments {
        let parts = match table.width() {
            Width::Bit | Width::Byte | Width::Word => 1,
            Width::Double => 2,
            Width::Long => 4,
        };
        if rest < count * parts {
            let (index, part) = (rest / parts, rest % parts);
            let per_slot = table.width().values_per_slot();
            let bit = (index % per_slot) as u8;
            let address = Address::in_table(*table, index / per_slot, bit).ok()?;
            return Some(Place { address, part, parts });
        }
        rest -= count * parts;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use openplc_image::Sizes;

    fn map(counts: &Counts, slots: u32) -> AddressMap {
        AddressMap::new(counts, &Layout::new(&Sizes::uniform(slots)))
    }

    fn register(map: &AddressMap, number: u16) -> Option<(String, u32)> {
        let place = map.register(RegisterTable::HoldingRegisters, number)?;
        Some((place.address.to_string(), place.part))
    }

    #[test]
    fn holding_registers_are_outputs_then_memory() {
        let map = map(&Counts::default(), 1024);
        for (number, address, part) in [
            (0, "%QW0", 0),
            (1023, "%QW1023", 0),
            (1024, "%MW0", 0),
            (2048, "%MD0", 0),
            (2049, "%MD0", 1),
            (4095, "%MD1023", 1),
            (4096, "%ML0", 0),
            (8191, "%ML1023", 3),
        ] {
            assert_eq!(register(&map, number), Some((address.into(), part)), "{number}");
        }
        assert_eq!(register(&map, 8192), None);
    }

    #[test]
    fn coils_are_outputs_then_memory() {
        let counts = Counts {
            output_bits: 12,
            memory_bits: 16,
            ..Counts::default()
        };
        let map = map(&counts, 1024);
        let bit = |number| {
            map.bit(BitTable::Coils, number)
                .map(|place| place.address.to_string())
        };
        assert_eq!(bit(11).as_deref(), Some("%QX1.3"));
        assert_eq!(bit(12).as_deref(), Some("%MX0.0"));
        assert_eq!(bit(27).as_deref(), Some("%MX1.7"));
        assert_eq!(bit(28), None);
        let input = map.bit(BitTable::DiscreteInputs, 8191);
        assert_eq!(
            input.map(|place| place.address.to_string()).as_deref(),
            Some("%IX1023.7")
        );
    }

    #[test]
    fn larger_tables_can_be_shown_and_smaller_ones_keep_their_place() {
        let counts = Counts {
            output_words: 2000,
            ..Counts::default()
        };
        assert_eq!(register(&map(&counts, 1024), 1024), Some(("%MW0".into(), 0)));
        assert_eq!(register(&map(&counts, 4096), 1999), Some(("%QW1999".into(), 0)));
        assert_eq!(register(&map(&counts, 4096), 2000), Some(("%MW0".into(), 0)));
        assert_eq!(
            register(&map(&Counts::default(), 10), 1024),
            Some(("%MW0".into(), 0))
        );
    }
}
