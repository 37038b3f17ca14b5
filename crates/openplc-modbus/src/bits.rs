//! Bits as they are transmitted: eight in a byte, the first in the lowest place.

/// Packed bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bits<'a> {
    packed: &'a [u8],
    count: u16,
}

impl<'a> Bits<'a> {
    /// `count` bits; `None` when `packed` has not exactly the bytes for them.
    #[must_use]
    pub fn new(packed: &'a [u8], count: u16) -> Option<Self> {
        let bytes = usize::from(count).div_ceil(8);
        (packed.len() == bytes).then_some(Self { packed, count })
    }

    /// How many.
    #[must_use]
    pub const fn count(self) -> u16 {
        self.count
    }

    /// As they are transmitted.
    #[must_use]
    pub const fn packed(self) -> &'a [u8] {
        self.packed
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = bool> + 'a {
        let bits = self
            .packed
            .iter()
            .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 != 0));
        bits.take(self.count.into())
    }
}

/// Appends `bits`, packed; those of the last byte that are over are 0.
pub fn pack(bits: impl Iterator<Item = bool>, into: &mut Vec<u8>) {
    for (index, bit) in bits.enumerate() {
        if index % 8 == 0 {
            into.push(0);
        }
        if let Some(last) = into.last_mut() {
            *last |= u8::from(bit) << (index % 8);
        }
    }
}
