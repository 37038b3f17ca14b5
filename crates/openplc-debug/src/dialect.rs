//! What differs between the debuggers of the two generations of programs.

/// Whose debugger it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// That of programs made by MatIEC: variables have a number, times are seconds and nanoseconds, and forced values come in
    /// reverse order.
    Matiec,
    /// That of programs made by STruC++: variables have an array and a place in it (`array << 16 | element`), times are
    /// nanoseconds, and forced values come in the machine's order.
    Strucpp,
}

impl Dialect {
    /// Variables asked for in one request, as the Editor does.
    #[must_use]
    pub fn batch(self) -> usize {
        match self {
            Self::Matiec => 60,
            Self::Strucpp => 500,
        }
    }

    /// Whether a variable can have this address.
    #[must_use]
    pub fn has_address(self, address: u32) -> bool {
        match self {
            Self::Matiec => address <= u32::from(u16::MAX),
            Self::Strucpp => address < 1 << 24,
        }
    }

    /// The address as a request has it.
    pub(crate) fn address(self, address: u32) -> Vec<u8> {
        let [_, array, high, low] = address.to_be_bytes();
        match self {
            Self::Matiec => vec![high, low],
            Self::Strucpp => vec![array, high, low],
        }
    }
}
