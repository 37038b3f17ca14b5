//! What outputs are set to when the program does not run: off, held, or a value, for each of them.

use std::collections::BTreeMap;
use std::ops::Range;

use thiserror::Error;

use crate::address::{Address, Area};
use crate::layout::{Layout, Place};
use crate::tables::Tables;

/// What becomes of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SafeValue {
    /// It becomes zero.
    Off,
    /// It keeps the value that the program gave it last.
    Hold,
    /// It becomes this unsigned number.
    Value(u64),
}

/// Why a safe value cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// Only outputs have safe values.
    #[error("{0} is no output: a safe value belongs to a %Q address")]
    NoOutput(Address),
    /// It does not fit the output.
    #[error("the safe value of {0} is larger than the output's type")]
    TooLarge(Address),
}

/// What becomes of each output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutputPolicy {
    hold_others: bool,
    outputs: BTreeMap<Address, SafeValue>,
}

impl OutputPolicy {
    /// All outputs become zero.
    #[must_use]
    pub fn off() -> Self {
        Self::default()
    }

    /// All outputs keep their values.
    #[must_use]
    pub fn hold() -> Self {
        Self {
            hold_others: true,
            ..Self::default()
        }
    }

    /// Makes an exception for one output.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn set(&mut self, address: Address, value: SafeValue) -> Result<(), PolicyError> {
        if address.table().area() != Area::Output {
            return Err(PolicyError::NoOutput(address));
        }
        if matches!(value, SafeValue::Value(value) if value > address.table().width().max()) {
            return Err(PolicyError::TooLarge(address));
        }
        self.outputs.insert(address, value);
        Ok(())
    }

    /// What becomes of one output.
    #[must_use]
    pub fn of(&self, address: Address) -> SafeValue {
        let other = if self.hold_others {
            SafeValue::Hold
        } else {
            SafeValue::Off
        };
        self.outputs.get(&address).copied().unwrap_or(other)
    }

    /// Prepares the policy for images of a layout. Outputs that it does not have are left out.
    #[must_use]
    pub fn prepare(&self, layout: &Layout) -> SafeOutputs {
        let mut held = Vec::new();
        let mut values = Vec::new();
        for (address, value) in &self.outputs {
            match (layout.place(*address), value) {
                (None, _) => {}
                (Some(place), SafeValue::Hold) => held.push(place),
                (Some(place), SafeValue::Off) => values.push((place, 0)),
                (Some(place), SafeValue::Value(value)) => values.push((place, *value)),
            }
        }
        let zeroed = if self.hold_others {
            Vec::new()
        } else {
            gaps(layout.area(Area::Output), held)
        };
        SafeOutputs {
            layout: layout.clone(),
            zeroed,
            values,
        }
    }
}

/// The ranges of `whole` between these places.
fn gaps(whole: Range<usize>, mut places: Vec<Place>) -> Vec<Range<usize>> {
    places.sort_by_key(|place| place.offset);
    let mut gaps = Vec::new();
    let mut start = whole.start;
    for place in places {
        let offset = place.offset as usize;
        gaps.push(start..offset);
        start = offset + place.width.bytes();
    }
    gaps.push(start..whole.end);
    gaps.retain(|gap| !gap.is_empty());
    gaps
}

/// An [`OutputPolicy`] made ready for one layout: applying it takes no allocation and a bounded time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafeOutputs {
    layout: Layout,
    zeroed: Vec<Range<usize>>,
    values: Vec<(Place, u64)>,
}

impl SafeOutputs {
    /// Sets all outputs. For an image of another layout than that of the preparation, all of them become zero.
    pub(crate) fn apply(&self, tables: &mut Tables) {
        if self.layout != tables.layout {
            tables.zero(tables.layout.area(Area::Output));
            return;
        }
        for bytes in &self.zeroed {
            tables.zero(bytes.clone());
        }
        for (place, value) in &self.values {
            tables.store(*place, *value);
        }
    }
}
