//! Which coil or register is which value of the process image.

use openplc_modbus::{BitTable, RegisterTable, WordOrder};
use openplc_plugin::{Address, Layout, Table, View, Width};

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

    /// Where `count` bits from number `first` on are; `None` when one is beyond the last.
    pub fn bits(&self, table: BitTable, first: u16, count: usize) -> Option<Places> {
        let segments = match table {
            BitTable::Coils => &self.coils[..],
            BitTable::DiscreteInputs => &self.discrete_inputs,
        };
        Places::within(segments, first, count)
    }

    /// Where `count` registers from number `first` on are; `None` when one is beyond the last.
    pub fn registers(&self, table: RegisterTable, first: u16, count: usize) -> Option<Places> {
        let segments = match table {
            RegisterTable::HoldingRegisters => &self.holding_registers[..],
            RegisterTable::InputRegisters => &self.input_registers,
        };
        Places::within(segments, first, count)
    }
}

/// Consecutive coils or registers of one request.
#[derive(Debug, Clone)]
pub struct Places(Vec<Run>);

/// Those of them that lie in one table of the process image.
#[derive(Debug, Clone, Copy)]
struct Run {
    table: Table,
    /// Registers that each value takes: 1, 2 or 4; 1 for a bit.
    parts: u32,
    /// The first, counted from the beginning of the table.
    first: u32,
    count: u32,
}

impl Places {
    fn within(segments: &[Segment], first: u16, count: usize) -> Option<Self> {
        let (mut first, mut rest) = (u32::from(first), u32::try_from(count).ok()?);
        let mut runs = Vec::with_capacity(segments.len());
        for Segment { table, count } in segments {
            let parts = match table.width() {
                Width::Bit | Width::Byte | Width::Word => 1,
                Width::Double => 2,
                Width::Long => 4,
            };
            let here = (count * parts).saturating_sub(first).min(rest);
            if here > 0 {
                runs.push(Run {
                    table: *table,
                    parts,
                    first,
                    count: here,
                });
            }
            first = first.saturating_sub(count * parts);
            rest -= here;
        }
        (rest == 0).then_some(Self(runs))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.iter().map(|run| run.count as usize).sum()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Place> {
        self.0.iter().flat_map(|run| {
            (run.first..run.first + run.count).map_while(|number| {
                let Run { table, parts, .. } = *run;
                let (index, per_slot) = (number / parts, table.width().values_per_slot());
                let bit = (index % per_slot) as u8;
                let address = Address::in_table(table, index / per_slot, bit).ok()?;
                let part = number % parts;
                Some(Place { address, part, parts })
            })
        })
    }

    /// Appends the value in which each of them lies, as far as the image has it.
    pub fn read(&self, view: &View<'_>, values: &mut Vec<u64>) {
        for run in &self.0 {
            if run.parts == 1 {
                let start = values.len();
                values.resize(start + run.count as usize, 0);
                let present = view.values(run.table, run.first, &mut values[start..]);
                values.truncate(start + present);
            } else {
                let places = Self(vec![*run]);
                values.extend(places.iter().map_while(|place| view.value(place.address)));
            }
        }
    }

    /// The registers that lie in these values, one for each.
    pub fn registers(&self, values: &[u64], order: WordOrder) -> impl Iterator<Item = u16> {
        let parts = self.0.iter().flat_map(|run| {
            let parts = run.parts;
            (run.first..run.first + run.count).map(move |number| (number % parts, parts))
        });
        parts
            .zip(values)
            .map(move |((part, parts), value)| order.register(*value, part, parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openplc_image::Sizes;

    fn map(counts: &Counts, slots: u32) -> AddressMap {
        AddressMap::new(counts, &Layout::new(&Sizes::uniform(slots)))
    }

    fn register(map: &AddressMap, number: u16) -> Option<(String, u32)> {
        let places = map.registers(RegisterTable::HoldingRegisters, number, 1)?;
        let place = places.iter().next()?;
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
            let places = map.bits(BitTable::Coils, number, 1)?;
            Some(places.iter().next()?.address.to_string())
        };
        assert_eq!(bit(11).as_deref(), Some("%QX1.3"));
        assert_eq!(bit(12).as_deref(), Some("%MX0.0"));
        assert_eq!(bit(27).as_deref(), Some("%MX1.7"));
        assert_eq!(bit(28), None);
        let inputs = map.bits(BitTable::DiscreteInputs, 8191, 1).unwrap();
        assert_eq!(inputs.iter().next().unwrap().address.to_string(), "%IX1023.7");
        assert!(map.bits(BitTable::DiscreteInputs, 8191, 2).is_none());
    }

    #[test]
    fn one_request_may_go_over_several_tables() {
        let map = map(&Counts::default(), 1024);
        let places = map.registers(RegisterTable::HoldingRegisters, 2046, 4).unwrap();
        let found: Vec<_> = places
            .iter()
            .map(|place| (place.address.to_string(), place.part))
            .collect();
        let expected = [("%MW1022", 0), ("%MW1023", 0), ("%MD0", 0), ("%MD0", 1)];
        assert_eq!(found, expected.map(|(address, part)| (address.to_owned(), part)));
        assert_eq!(places.count(), 4);
        let values = [1, 2, 0x0003_0004, 0x0003_0004];
        let registers: Vec<_> = places.registers(&values, WordOrder::HighFirst).collect();
        assert_eq!(registers, [1, 2, 3, 4]);
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
