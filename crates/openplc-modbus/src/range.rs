//! Consecutive coils or registers.

use crate::Exception;

/// At least one coil or register, none of them beyond 65,535.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    first: u16,
    count: u16,
}

impl Range {
    /// `count` of them from `first` on, of which one request may name `most`.
    ///
    /// # Errors
    /// [`Exception::ILLEGAL_DATA_VALUE`] for none or too many, [`Exception::ILLEGAL_DATA_ADDRESS`] for some beyond 65,535.
    pub fn new(first: u16, count: u16, most: u16) -> Result<Self, Exception> {
        if count == 0 || count > most {
            return Err(Exception::ILLEGAL_DATA_VALUE);
        }
        match first.checked_add(count - 1) {
            Some(_) => Ok(Self { first, count }),
            None => Err(Exception::ILLEGAL_DATA_ADDRESS),
        }
    }

    /// The first.
    #[must_use]
    pub const fn first(self) -> u16 {
        self.first
    }

    /// How many.
    #[must_use]
    pub const fn count(self) -> u16 {
        self.count
    }

    /// Their numbers.
    pub fn numbers(self) -> impl Iterator<Item = u16> {
        self.first..=self.first + (self.count - 1)
    }
}
