//! How many slots each table has: 1,024, or what the program's `image.conf` says.

use thiserror::Error;

use crate::address::{Address, MAX_SLOTS, Width};
use crate::table::Table;

/// Slots of a table without `image.conf`.
const DEFAULT_SLOTS: u32 = 1024;
/// The one format that is understood.
const FORMAT: &str = "2";

/// Why an `image.conf` is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SizesError {
    /// The first line states no format, or another one.
    #[error("image.conf must begin with format_version={FORMAT}")]
    Format,
    /// A line has not the form `key=value unit`.
    #[error("line {0} of image.conf does not read `table=number unit`")]
    Form(usize),
    /// There is no such table.
    #[error("line {0} of image.conf names a table that does not exist")]
    Table(usize),
    /// A table is named twice.
    #[error("line {0} of image.conf names a table for the second time")]
    Twice(usize),
    /// The unit is not that of the table.
    #[error("line {line} of image.conf: the size of this table is given in {unit}")]
    Unit {
        /// Number of the line, from 1.
        line: usize,
        /// What it must be.
        unit: &'static str,
    },
    /// More than a table can have.
    #[error("line {line} of image.conf: the table can have at most {most}")]
    TooLarge {
        /// Number of the line, from 1.
        line: usize,
        /// Most values, in the unit of the table.
        most: u32,
    },
}

/// Slots of every table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes([u32; Table::COUNT]);

impl Default for Sizes {
    fn default() -> Self {
        Self([DEFAULT_SLOTS; Table::COUNT])
    }
}

impl Sizes {
    /// Sizes from the text of `image.conf`. A table that is not named has no slot.
    ///
    /// # Errors
    /// [`SizesError`]; the file is refused as a whole.
    pub fn parse(text: &str) -> Result<Self, SizesError> {
        let mut lines = text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line.split('#').next().unwrap_or_default().trim()))
            .filter(|(_, line)| !line.is_empty());
        let format = lines.next().and_then(|(_, line)| line.split_once('='));
        if format.map(|(key, value)| (key.trim(), value.trim())) != Some(("format_version", FORMAT)) {
            return Err(SizesError::Format);
        }
        let mut sizes = [None; Table::COUNT];
        for (number, line) in lines {
            let (key, value) = line.split_once('=').ok_or(SizesError::Form(number))?;
            let table = Table::from_name(key.trim()).ok_or(SizesError::Table(number))?;
            let slots = slots(table, value.trim(), number)?;
            if sizes[table as usize].replace(slots).is_some() {
                return Err(SizesError::Twice(number));
            }
        }
        Ok(Self(sizes.map(Option::unwrap_or_default)))
    }

    /// The same number of slots for every table, at most [`MAX_SLOTS`].
    #[must_use]
    pub fn uniform(slots: u32) -> Self {
        Self([slots.min(MAX_SLOTS); Table::COUNT])
    }

    /// Sets the slots of a table; `None` when there are too many.
    pub(crate) fn set(&mut self, table: Table, slots: u32) -> Option<()> {
        (slots <= MAX_SLOTS).then(|| self.0[table as usize] = slots)
    }

    /// Slots of a table.
    #[must_use]
    pub fn slots(&self, table: Table) -> u32 {
        self.0[table as usize]
    }

    /// Values of a table: eight a slot where they are bits.
    #[must_use]
    pub fn values(&self, table: Table) -> u32 {
        self.slots(table) * table.width().values_per_slot()
    }

    /// Makes a table larger where it must be to contain `address`.
    pub fn cover(&mut self, address: Address) {
        let slots = &mut self.0[address.table() as usize];
        *slots = (*slots).max(address.slot() + 1);
    }
}

/// The slots that `number unit` means for a table.
fn slots(table: Table, value: &str, line: usize) -> Result<u32, SizesError> {
    let (count, unit) = value
        .split_once(char::is_whitespace)
        .ok_or(SizesError::Form(line))?;
    if unit.trim() != unit_of(table) {
        return Err(SizesError::Unit {
            line,
            unit: unit_of(table),
        });
    }
    if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SizesError::Form(line));
    }
    let per_slot = table.width().values_per_slot();
    let most = MAX_SLOTS * per_slot;
    match count.parse() {
        Ok(count) if count <= most => Ok(u32::div_ceil(count, per_slot)),
        _ => Err(SizesError::TooLarge { line, most }),
    }
}

fn unit_of(table: Table) -> &'static str {
    match table.width() {
        Width::Bit => "bits",
        Width::Byte => "bytes",
        Width::Word => "words",
        Width::Double => "dwords",
        Width::Long => "lwords",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_file_sets_what_it_names_and_the_rest_is_empty() {
        let sizes = Sizes::parse(
            "# by the editor\r\nformat_version=2\r\nbool_input=12 bits\nint_memory = 65536 words # all\nlint_output=3\tlwords\n",
        )
        .unwrap();
        assert_eq!(sizes.slots(Table::BoolInput), 2);
        assert_eq!(sizes.values(Table::BoolInput), 16);
        assert_eq!(sizes.slots(Table::IntMemory), MAX_SLOTS);
        assert_eq!(sizes.slots(Table::LintOutput), 3);
        assert_eq!(sizes.slots(Table::IntInput), 0);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let refuse = |lines: &str| Sizes::parse(&format!("format_version=2\n{lines}")).unwrap_err();
        assert_eq!(Sizes::parse(""), Err(SizesError::Format));
        assert_eq!(Sizes::parse("format_version=3\n"), Err(SizesError::Format));
        assert_eq!(Sizes::parse("int_input=1 words\n"), Err(SizesError::Format));
        assert_eq!(refuse("int_input"), SizesError::Form(2));
        assert_eq!(refuse("int_input=5"), SizesError::Form(2));
        assert_eq!(refuse("int_input=-5 words"), SizesError::Form(2));
        assert_eq!(refuse("\nbyte_memory=5 bytes"), SizesError::Table(3));
        assert_eq!(
            refuse("int_input=1 words\nint_input=1 words"),
            SizesError::Twice(3)
        );
        let unit = "words";
        assert_eq!(refuse("int_input=5 bits"), SizesError::Unit { line: 2, unit });
        let most = MAX_SLOTS;
        assert_eq!(
            refuse("int_input=65537 words"),
            SizesError::TooLarge { line: 2, most }
        );
        let most = 524_288;
        assert_eq!(
            refuse("bool_input=524289 bits"),
            SizesError::TooLarge { line: 2, most }
        );
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in "(format_version=2\n)?([a-z_]{0,12}[=# ]{0,2}[0-9]{0,12} ?[a-z]{0,6}\n){0,4}") {
            if let Ok(sizes) = Sizes::parse(&text) {
                prop_assert!(Table::ALL.iter().all(|table| sizes.slots(*table) <= MAX_SLOTS));
            }
        }
    }

    #[test]
    fn a_table_grows_to_cover_an_address() {
        let mut sizes = Sizes::default();
        sizes.cover("%QW2000".parse().unwrap());
        sizes.cover("%QW3".parse().unwrap());
        assert_eq!(sizes.slots(Table::IntOutput), 2001);
        assert_eq!(sizes.slots(Table::IntInput), 1024);
    }
}
