//! IEC addresses: `%QX0.3`, `%IW12`, `%MD5`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::table::Table;

/// Slots that a table can have at most.
pub const MAX_SLOTS: u32 = 65_536;

/// What a table is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// `I`: written by plugins, read by the program.
    Input,
    /// `Q`: written by the program, read by plugins.
    Output,
    /// `M`: written by both.
    Memory,
}

impl Area {
    /// The area's letter: `I`, `Q` or `M`.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Input => 'I',
            Self::Output => 'Q',
            Self::Memory => 'M',
        }
    }

    /// The area of this letter, in either case.
    #[must_use]
    pub const fn from_letter(letter: char) -> Option<Self> {
        match letter.to_ascii_uppercase() {
            'I' => Some(Self::Input),
            'Q' => Some(Self::Output),
            'M' => Some(Self::Memory),
            _ => None,
        }
    }
}

/// Size of a table's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Width {
    /// `X`: one bit, kept in a byte of its own; eight make a slot.
    Bit,
    /// `B`: 8 bits.
    Byte,
    /// `W`: 16 bits.
    Word,
    /// `D`: 32 bits.
    Double,
    /// `L`: 64 bits.
    Long,
}

impl Width {
    /// The width's letter: `X`, `B`, `W`, `D` or `L`.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Bit => 'X',
            Self::Byte => 'B',
            Self::Word => 'W',
            Self::Double => 'D',
            Self::Long => 'L',
        }
    }

    /// The width of this letter, in either case.
    #[must_use]
    pub const fn from_letter(letter: char) -> Option<Self> {
        match letter.to_ascii_uppercase() {
            'X' => Some(Self::Bit),
            'B' => Some(Self::Byte),
            'W' => Some(Self::Word),
            'D' => Some(Self::Double),
            'L' => Some(Self::Long),
            _ => None,
        }
    }

    /// Bytes that one value takes in the image.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Bit | Self::Byte => 1,
            Self::Word => 2,
            Self::Double => 4,
            Self::Long => 8,
        }
    }

    /// Values in a slot.
    #[must_use]
    pub const fn values_per_slot(self) -> u32 {
        match self {
            Self::Bit => 8,
            _ => 1,
        }
    }

    /// Largest value, as an unsigned number.
    #[must_use]
    pub const fn max(self) -> u64 {
        match self {
            Self::Bit => 1,
            Self::Byte => u8::MAX as u64,
            Self::Word => u16::MAX as u64,
            Self::Double => u32::MAX as u64,
            Self::Long => u64::MAX,
        }
    }
}

/// Why something is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AddressError {
    /// It has not the form of one.
    #[error(
        "an address looks like %IX0.0, %QW3 or %MD12: percent sign, I, Q or M, then X, B, W, D or L, then numbers"
    )]
    Form,
    /// `%MB` has no table.
    #[error("there is no table of memory bytes (%MB); use %MW")]
    NoTable,
    /// The number of the slot is too large for any image.
    #[error("the largest number of a slot is {last}", last = MAX_SLOTS - 1)]
    Slot,
    /// A bit's address needs a bit from 0 to 7.
    #[error("an address of width X ends with its bit, from .0 to .7")]
    Bit,
    /// Only bits have bits.
    #[error("only an address of width X has a bit")]
    UnexpectedBit,
}

/// The address of one value in the process image. Tables of different widths do not overlap: `%MW10` and `%MD10` have nothing
/// in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    table: Table,
    slot: u16,
    bit: u8,
}

impl Address {
    /// The address of a slot's value; `bit` is 0 for every width but [`Width::Bit`].
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn new(area: Area, width: Width, slot: u32, bit: u8) -> Result<Self, AddressError> {
        let table = Table::of(area, width).ok_or(AddressError::NoTable)?;
        Self::in_table(table, slot, bit)
    }

    /// As [`Self::new`].
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn in_table(table: Table, slot: u32, bit: u8) -> Result<Self, AddressError> {
        match (table.width(), bit) {
            (Width::Bit, 8..) => return Err(AddressError::Bit),
            (Width::Bit, _) | (_, 0) => {}
            _ => return Err(AddressError::UnexpectedBit),
        }
        let slot = u16::try_from(slot).map_err(|_| AddressError::Slot)?;
        Ok(Self { table, slot, bit })
    }

    /// The table.
    #[must_use]
    pub const fn table(self) -> Table {
        self.table
    }

    /// The element of the table.
    #[must_use]
    pub const fn slot(self) -> u32 {
        self.slot as u32
    }

    /// 0 to 7 for a bit, otherwise 0.
    #[must_use]
    pub const fn bit(self) -> u8 {
        self.bit
    }

    /// Number of the value within its table: bits are counted through.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.slot() * self.table.width().values_per_slot() + self.bit as u32
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (area, width) = (self.table.area().letter(), self.table.width().letter());
        write!(formatter, "%{area}{width}{}", self.slot)?;
        match self.table.width() {
            Width::Bit => write!(formatter, ".{}", self.bit),
            _ => Ok(()),
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let mut letters = text.strip_prefix('%').ok_or(AddressError::Form)?.chars();
        let area = letters.next().and_then(Area::from_letter);
        let width = letters.next().and_then(Width::from_letter);
        let (Some(area), Some(width)) = (area, width) else {
            return Err(AddressError::Form);
        };
        let (slot, bit) = match letters.as_str().split_once('.') {
            Some((slot, bit)) => (slot, Some(bit)),
            None => (letters.as_str(), None),
        };
        let slot = number(slot)?;
        let bit = match (width, bit.map(number).transpose()?) {
            (Width::Bit, Some(bit)) => u8::try_from(bit).map_err(|_| AddressError::Bit)?,
            (Width::Bit, None) => return Err(AddressError::Bit),
            (_, None) => 0,
            (_, Some(_)) => return Err(AddressError::UnexpectedBit),
        };
        Self::new(area, width, slot, bit)
    }
}

/// A number of decimal digits. One that is too large for a `u32` is too large for everything that it could mean here.
fn number(digits: &str) -> Result<u32, AddressError> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AddressError::Form);
    }
    Ok(digits.parse().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_address() -> impl Strategy<Value = Address> {
        (0..14_usize, 0..MAX_SLOTS, 0..8_u8).prop_map(|(table, slot, bit)| {
            let table = Table::ALL[table];
            let bit = if table.width() == Width::Bit { bit } else { 0 };
            Address::in_table(table, slot, bit).unwrap()
        })
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(address in any_address()) {
            prop_assert_eq!(address.to_string().parse::<Address>(), Ok(address));
            prop_assert_eq!(address.to_string().to_lowercase().parse::<Address>(), Ok(address));
        }

        #[test]
        fn no_text_breaks_the_parser(text in "%?[IQMiqmZ]?[XBWDLxbwdlé]?[0-9.+ -]{0,12}") {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(address.to_string().parse::<Address>(), Ok(address));
            }
        }
    }

    #[test]
    fn addresses_name_table_slot_and_bit() {
        let address: Address = "%QX0.3".parse().unwrap();
        assert_eq!(
            (address.table(), address.slot(), address.bit(), address.index()),
            (Table::BoolOutput, 0, 3, 3)
        );
        let address: Address = "%ML65535".parse().unwrap();
        assert_eq!((address.table(), address.slot()), (Table::LintMemory, 65_535));
    }

    #[test]
    fn what_is_no_address_says_why() {
        for (text, error) in [
            ("", AddressError::Form),
            ("QX0.0", AddressError::Form),
            ("%QX", AddressError::Form),
            ("%QX0.", AddressError::Form),
            ("%QW+1", AddressError::Form),
            ("%KW1", AddressError::Form),
            ("%QX0", AddressError::Bit),
            ("%QX0.8", AddressError::Bit),
            ("%QW0.1", AddressError::UnexpectedBit),
            ("%QW0.0", AddressError::UnexpectedBit),
            ("%MB0", AddressError::NoTable),
            ("%QW65536", AddressError::Slot),
            ("%QW99999999999999999999", AddressError::Slot),
        ] {
            assert_eq!(text.parse::<Address>(), Err(error), "{text}");
        }
    }
}
