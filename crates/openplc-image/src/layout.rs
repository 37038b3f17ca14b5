//! Where each value lies in the memory of an image.

use std::ops::Range;

use crate::address::{Address, Area, Width};
use crate::sizes::Sizes;
use crate::table::Table;

/// Bytes of a line: what is published at once, and the alignment of every table. The model checker has to do with less.
pub const LINE: usize = if cfg!(loom) { 8 } else { 64 };

/// Tables in the order of their memory: each area is one piece.
const ORDER: [Table; Table::COUNT] = [
    Table::BoolInput,
    Table::ByteInput,
    Table::IntInput,
    Table::DintInput,
    Table::LintInput,
    Table::BoolOutput,
    Table::ByteOutput,
    Table::IntOutput,
    Table::DintOutput,
    Table::LintOutput,
    Table::BoolMemory,
    Table::IntMemory,
    Table::DintMemory,
    Table::LintMemory,
];

/// Where a value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Byte in the image; a multiple of the value's size.
    pub offset: u32,
    /// Its size.
    pub width: Width,
}

/// The arrangement of an image: sizes of the tables, and where each begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    sizes: Sizes,
    starts: [u32; Table::COUNT],
    /// Bytes of inputs, of inputs and outputs, of everything.
    ends: [u32; 3],
}

impl Layout {
    /// The arrangement of tables of these sizes.
    #[must_use]
    pub fn new(sizes: &Sizes) -> Self {
        let mut layout = Self {
            sizes: sizes.clone(),
            starts: [0; Table::COUNT],
            ends: [0; 3],
        };
        let mut end = 0;
        for table in ORDER {
            layout.starts[table as usize] = end;
            let bytes = sizes.values(table) * table.width().bytes() as u32;
            end += bytes.next_multiple_of(LINE as u32);
            layout.ends[table.area() as usize] = end;
        }
        layout
    }

    /// Sizes of the tables.
    #[must_use]
    pub fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    /// Where a table begins, in bytes.
    #[must_use]
    pub fn start(&self, table: Table) -> u32 {
        self.starts[table as usize]
    }

    /// Bytes of all tables; a multiple of [`LINE`].
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.ends[Area::Memory as usize] as usize
    }

    /// Words of memory in which an image of this layout is published.
    #[must_use]
    pub fn shared_words(&self) -> usize {
        crate::format::total_words(self)
    }

    /// Bytes of an area.
    pub(crate) fn area(&self, area: Area) -> Range<usize> {
        let start = match area {
            Area::Input => 0,
            Area::Output => self.ends[Area::Input as usize],
            Area::Memory => self.ends[Area::Output as usize],
        };
        start as usize..self.ends[area as usize] as usize
    }

    /// Where a value lies; `None` when its table has no such slot.
    pub(crate) fn place(&self, address: Address) -> Option<Place> {
        let table = address.table();
        (address.slot() < self.sizes.slots(table)).then(|| Place {
            offset: self.start(table) + address.index() * table.width().bytes() as u32,
            width: table.width(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn values_neither_overlap_nor_leave_the_image(slots in prop::array::uniform14(0_u32..5)) {
            let mut sizes = Sizes::uniform(0);
            for (table, slots) in Table::ALL.into_iter().zip(slots) {
                if slots > 0 {
                    sizes.cover(Address::in_table(table, slots - 1, 0).unwrap());
                }
            }
            let layout = Layout::new(&sizes);
            let mut used = vec![false; layout.bytes()];
            for table in Table::ALL {
                let bits = if table.width() == Width::Bit { 8 } else { 1 };
                for (slot, bit) in (0..5).flat_map(|slot| (0..bits).map(move |bit| (slot, bit))) {
                    let place = layout.place(Address::in_table(table, slot, bit).unwrap());
                    prop_assert_eq!(place.is_some(), slot < sizes.slots(table));
                    let Some(place) = place else { continue };
                    let bytes = place.offset as usize..place.offset as usize + place.width.bytes();
                    prop_assert_eq!(bytes.start % place.width.bytes(), 0);
                    let area = layout.area(table.area());
                    prop_assert!(area.start <= bytes.start && bytes.end <= area.end);
                    for byte in &mut used[bytes] {
                        prop_assert!(!std::mem::replace(byte, true));
                    }
                }
            }
        }
    }
}
