//! Values that a debugger holds.

use crate::layout::Place;

/// The set of forced values, by where they lie.
#[derive(Debug)]
pub(crate) struct Forces {
    /// A bit for each byte of the image at which a forced value begins.
    forced: Box<[u64]>,
    count: usize,
}

impl Forces {
    /// No value of an image of this many bytes.
    pub fn none(bytes: usize) -> Self {
        Self {
            forced: vec![0; bytes.div_ceil(64)].into(),
            count: 0,
        }
    }

    /// Whether a value is forced.
    pub fn contain(&self, offset: u32) -> bool {
        self.count > 0 && self.forced[offset as usize / 64] & bit(offset) != 0
    }

    /// Whether no value is forced.
    pub fn are_none(&self) -> bool {
        self.count == 0
    }

    /// Adds a value.
    pub fn add(&mut self, place: Place) {
        let word = &mut self.forced[place.offset as usize / 64];
        self.count += usize::from(*word & bit(place.offset) == 0);
        *word |= bit(place.offset);
    }

    /// Removes a value.
    pub fn remove(&mut self, place: Place) {
        let word = &mut self.forced[place.offset as usize / 64];
        self.count -= usize::from(*word & bit(place.offset) != 0);
        *word &= !bit(place.offset);
    }

    /// Removes all values.
    pub fn clear(&mut self) {
        if self.count > 0 {
            self.forced.fill(0);
            self.count = 0;
        }
    }
}

fn bit(offset: u32) -> u64 {
    1 << (offset % 64)
}
