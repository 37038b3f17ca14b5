//! How a value of 32 or 64 bits lies in consecutive registers.

/// Which of the registers has the high bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WordOrder {
    /// The first.
    #[default]
    HighFirst,
    /// The last.
    LowFirst,
}

impl WordOrder {
    /// Register `part` of the `count` that `value` takes.
    #[must_use]
    pub const fn register(self, value: u64, part: u32, count: u32) -> u16 {
        (value >> self.shift(part, count)) as u16
    }

    /// `value` with another content of register `part` of the `count` that it takes.
    #[must_use]
    pub const fn with_register(self, value: u64, part: u32, count: u32, register: u16) -> u64 {
        let shift = self.shift(part, count);
        value & !(0xFFFF << shift) | (register as u64) << shift
    }

    /// The value that these registers, at most four, are.
    #[must_use]
    pub fn value(self, registers: &[u16]) -> u64 {
        let count = registers.len() as u32;
        let parts = (0..count).zip(registers);
        parts.fold(0, |value, (part, register)| {
            self.with_register(value, part, count, *register)
        })
    }

    const fn shift(self, part: u32, count: u32) -> u32 {
        let place = match self {
            Self::HighFirst => count.saturating_sub(part + 1),
            Self::LowFirst => part,
        };
        // Four registers are the most that a value has.
        16 * (place & 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_goes_into_registers_and_back() {
        let value = 0x1122_3344_5566_7788;
        let registers = |order: WordOrder| [0, 1, 2, 3].map(|part| order.register(value, part, 4));
        assert_eq!(registers(WordOrder::HighFirst), [0x1122, 0x3344, 0x5566, 0x7788]);
        assert_eq!(registers(WordOrder::LowFirst), [0x7788, 0x5566, 0x3344, 0x1122]);
        for order in [WordOrder::HighFirst, WordOrder::LowFirst] {
            assert_eq!(order.value(&registers(order)), value);
        }
    }

    #[test]
    fn one_register_of_a_value_changes_alone() {
        let changed = WordOrder::HighFirst.with_register(0x1122_3344, 1, 2, 0xABCD);
        assert_eq!(changed, 0x1122_ABCD);
        let changed = WordOrder::LowFirst.with_register(0x1122_3344, 1, 2, 0xABCD);
        assert_eq!(changed, 0xABCD_3344);
    }
}
