//! Exception codes: why a server does not do what it was asked.

use std::fmt;

/// An exception code, as it is transmitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Exception(pub u8);

impl Exception {
    /// The server does not know the function, or does not allow it.
    pub const ILLEGAL_FUNCTION: Self = Self(1);
    /// There is no such coil or register.
    pub const ILLEGAL_DATA_ADDRESS: Self = Self(2);
    /// The request contradicts itself.
    pub const ILLEGAL_DATA_VALUE: Self = Self(3);
    /// The server has failed while it did it.
    pub const SERVER_DEVICE_FAILURE: Self = Self(4);
    /// The server has no time for it now; ask again later.
    pub const SERVER_DEVICE_BUSY: Self = Self(6);
}

impl fmt::Display for Exception {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meaning = match self.0 {
            1 => "illegal function",
            2 => "illegal data address",
            3 => "illegal data value",
            4 => "server device failure",
            5 => "acknowledge",
            6 => "server device busy",
            8 => "memory parity error",
            10 => "gateway path unavailable",
            11 => "gateway target device failed to respond",
            _ => "unknown",
        };
        write!(formatter, "exception {} ({meaning})", self.0)
    }
}
