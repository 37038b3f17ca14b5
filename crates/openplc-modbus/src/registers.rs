//! Registers as they are transmitted: two bytes each, the high one first.

/// The values of some registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registers<'a>(&'a [[u8; 2]]);

impl<'a> Registers<'a> {
    /// The registers that `bytes` are; `None` when there is an odd number of them.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let (registers, rest) = bytes.as_chunks();
        rest.is_empty().then_some(Self(registers))
    }

    /// How many; a data unit has no room for more than 126.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// As they are transmitted.
    #[must_use]
    pub const fn bytes(self) -> &'a [u8] {
        self.0.as_flattened()
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = u16> + 'a {
        self.0.iter().map(|bytes| u16::from_be_bytes(*bytes))
    }
}
