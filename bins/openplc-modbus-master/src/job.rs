//! One exchange with a device that is repeated: the coils or registers, and what they are in the image.

use std::time::Duration;

use openplc_modbus::{Range, function};
use openplc_plugin::{Address, Table};

use crate::configuration::OnFailure;

/// An exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Function code.
    pub function: u8,
    /// Coils or registers.
    pub range: Range,
    /// Time between two exchanges.
    pub cycle: Duration,
    /// What they are in the image, one after the other without gaps.
    pub pieces: Vec<Piece>,
}

/// Values of the image that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Their table.
    pub table: Table,
    /// The first, counted as [`Address::index`] does.
    pub index: u32,
    /// How many.
    pub count: u32,
    /// What becomes of them when they cannot be read.
    pub on_failure: OnFailure,
}

impl Piece {
    /// The address of each value.
    pub fn addresses(&self) -> impl Iterator<Item = Address> {
        let table = self.table;
        let per_slot = table.width().values_per_slot();
        // The configuration was checked against the size of the table.
        (self.index..self.index + self.count).filter_map(move |index| {
            let bit = (index % per_slot) as u8;
            Address::in_table(table, index / per_slot, bit).ok()
        })
    }
}

impl Job {
    /// Whether it brings outputs to the device, instead of values of the device into the image.
    pub fn writes(&self) -> bool {
        function::writes(self.function)
    }
}
