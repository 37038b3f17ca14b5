//! Which values a peer may write.

use std::ops::Range;

use crate::address::{Address, Area};
use crate::table::Table;

/// The values that a peer may write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WriteRights {
    /// For each table, ranges of values as [`Address::index`] counts them.
    ranges: [Vec<Range<u32>>; Table::COUNT],
}

impl WriteRights {
    /// Everything: what plugins of OpenPLC Runtime v4 may do. Outputs are among it because a Modbus client may set a coil.
    #[must_use]
    pub fn all() -> Self {
        Self::of_areas(&[Area::Input, Area::Output, Area::Memory])
    }

    /// All of these areas.
    #[must_use]
    pub fn of_areas(areas: &[Area]) -> Self {
        let mut rights = Self::default();
        for table in Table::ALL {
            if areas.contains(&table.area()) {
                rights.grant(table, 0..u32::MAX);
            }
        }
        rights
    }

    /// Adds values of a table, counted as [`Address::index`] does.
    pub fn grant(&mut self, table: Table, values: Range<u32>) {
        self.ranges[table as usize].push(values);
    }

    /// Whether a value may be written.
    #[must_use]
    pub fn allow(&self, address: Address) -> bool {
        self.ranges[address.table() as usize]
            .iter()
            .any(|range| range.contains(&address.index()))
    }
}
