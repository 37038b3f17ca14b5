//! The fourteen tables of the process image.

use crate::address::{Area, Width};

/// A table. The numbers are those that journal entries carry, the same as the buffer types of OpenPLC Runtime v4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Table {
    /// `%IX`
    BoolInput = 0,
    /// `%QX`
    BoolOutput = 1,
    /// `%MX`
    BoolMemory = 2,
    /// `%IB`
    ByteInput = 3,
    /// `%QB`
    ByteOutput = 4,
    /// `%IW`
    IntInput = 5,
    /// `%QW`
    IntOutput = 6,
    /// `%MW`
    IntMemory = 7,
    /// `%ID`
    DintInput = 8,
    /// `%QD`
    DintOutput = 9,
    /// `%MD`
    DintMemory = 10,
    /// `%IL`
    LintInput = 11,
    /// `%QL`
    LintOutput = 12,
    /// `%ML`
    LintMemory = 13,
}

impl Table {
    /// Number of tables.
    pub const COUNT: usize = 14;

    /// All tables, each at the place of its number.
    pub const ALL: [Self; Self::COUNT] = [
        Self::BoolInput,
        Self::BoolOutput,
        Self::BoolMemory,
        Self::ByteInput,
        Self::ByteOutput,
        Self::IntInput,
        Self::IntOutput,
        Self::IntMemory,
        Self::DintInput,
        Self::DintOutput,
        Self::DintMemory,
        Self::LintInput,
        Self::LintOutput,
        Self::LintMemory,
    ];

    /// The table of an area and a width; there is none of memory bytes.
    #[must_use]
    pub fn of(area: Area, width: Width) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|table| table.area() == area && table.width() == width)
    }

    /// The table with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// What it is for.
    #[must_use]
    pub const fn area(self) -> Area {
        match self {
            Self::BoolInput | Self::ByteInput | Self::IntInput | Self::DintInput | Self::LintInput => {
                Area::Input
            }
            Self::BoolOutput | Self::ByteOutput | Self::IntOutput | Self::DintOutput | Self::LintOutput => {
                Area::Output
            }
            Self::BoolMemory | Self::IntMemory | Self::DintMemory | Self::LintMemory => Area::Memory,
        }
    }

    /// Size of its elements.
    #[must_use]
    pub const fn width(self) -> Width {
        match self {
            Self::BoolInput | Self::BoolOutput | Self::BoolMemory => Width::Bit,
            Self::ByteInput | Self::ByteOutput => Width::Byte,
            Self::IntInput | Self::IntOutput | Self::IntMemory => Width::Word,
            Self::DintInput | Self::DintOutput | Self::DintMemory => Width::Double,
            Self::LintInput | Self::LintOutput | Self::LintMemory => Width::Long,
        }
    }

    /// Its name in `image.conf` and in the configuration of plugins.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BoolInput => "bool_input",
            Self::BoolOutput => "bool_output",
            Self::BoolMemory => "bool_memory",
            Self::ByteInput => "byte_input",
            Self::ByteOutput => "byte_output",
            Self::IntInput => "int_input",
            Self::IntOutput => "int_output",
            Self::IntMemory => "int_memory",
            Self::DintInput => "dint_input",
            Self::DintOutput => "dint_output",
            Self::DintMemory => "dint_memory",
            Self::LintInput => "lint_input",
            Self::LintOutput => "lint_output",
            Self::LintMemory => "lint_memory",
        }
    }

    /// The table of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_at_the_place_of_its_number() {
        for (number, table) in Table::ALL.into_iter().enumerate() {
            assert_eq!(table as usize, number);
            assert_eq!(Table::of(table.area(), table.width()), Some(table));
            assert_eq!(Table::from_name(table.name()), Some(table));
        }
        assert_eq!(Table::of(Area::Memory, Width::Byte), None);
        assert_eq!(Table::from_number(14), None);
    }
}
