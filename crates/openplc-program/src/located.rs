//! The values of located variables, where the program keeps them.

use std::ptr::NonNull;

use crate::abi;
use crate::program::LoadError;

/// Where one value lies.
#[derive(Clone, Copy)]
struct Value {
    start: NonNull<u8>,
    /// 1, 2, 4 or 8 bytes.
    size: u8,
}

/// Where the values of all located variables lie, in the order of the program's list.
pub(crate) struct LocatedStorage {
    values: Box<[Value]>,
    /// Numbers of the values in the order of where they lie.
    by_address: Box<[u32]>,
    /// Debug addresses, ascending, with the numbers of the values that they show.
    debug_addresses: Vec<(u32, u32)>,
}

// SAFETY: the pointers lead into the static data of a loaded object, which any thread may use; who may when is said where a
// `LocatedValues` is made.
unsafe impl Send for LocatedStorage {}
// SAFETY: as above.
unsafe impl Sync for LocatedStorage {}

impl LocatedStorage {
    /// # Errors
    /// [`LoadError::Broken`] when a value is missing or has a width that does not exist.
    pub fn new(variables: &[abi::Located]) -> Result<Self, LoadError> {
        let value = |variable: &abi::Located| {
            let size = match variable.width {
                b'X' | b'B' => 1,
                b'W' => 2,
                b'D' => 4,
                b'L' => 8,
                _ => return Err(LoadError::Broken("a located variable has no width")),
            };
            let start = NonNull::new(variable.value.cast());
            let start = start.ok_or(LoadError::Broken("a located variable has no value"))?;
            Ok(Value { start, size })
        };
        let values: Box<[_]> = variables.iter().map(value).collect::<Result<_, _>>()?;
        let mut by_address: Box<[_]> = (0..values.len() as u32).collect();
        by_address.sort_by_key(|number| values[*number as usize].start.addr());
        Ok(Self {
            values,
            by_address,
            debug_addresses: Vec::new(),
        })
    }

    /// Notes which debug addresses show located variables. They come in ascending order, each with the place of its value.
    pub fn add_debug_addresses(&mut self, addresses: impl Iterator<Item = (u32, *const u8)>) {
        for (address, start) in addresses {
            if let Some(number) = self.find(start) {
                self.debug_addresses.push((address, number));
            }
        }
    }

    /// The number of the variable that this debug address shows.
    pub fn at_debug_address(&self, address: u32) -> Option<usize> {
        let found = self
            .debug_addresses
            .binary_search_by_key(&address, |(address, _)| *address);
        Some(self.debug_addresses[found.ok()?].1 as usize)
    }

    /// The number of the variable whose value begins here.
    fn find(&self, start: *const u8) -> Option<u32> {
        let address = |number: &u32| self.values[*number as usize].start.addr().get();
        let found = self
            .by_address
            .binary_search_by_key(&start.addr(), address)
            .ok()?;
        Some(self.by_address[found])
    }
}

/// Access to the values of a program's located variables between two of its scans.
pub struct LocatedValues<'a> {
    storage: &'a LocatedStorage,
}

impl<'a> LocatedValues<'a> {
    /// # Safety
    /// The object that the values belong to is loaded, and nothing of it is executed during `'a`.
    pub(crate) unsafe fn new(storage: &'a LocatedStorage) -> Self {
        Self { storage }
    }

    /// The value of a variable, in the machine's byte order.
    ///
    /// # Panics
    /// When there is no such variable, or its size is not `N`.
    #[must_use]
    pub fn read<const N: usize>(&self, variable: usize) -> [u8; N] {
        let place = self.place::<N>(variable);
        // SAFETY: by the ABI `N` bytes of the object's data lie there; it is loaded and not executed (see `new`). An array of
        // bytes needs no alignment.
        unsafe { place.read() }
    }

    /// Gives a variable a value in the machine's byte order.
    ///
    /// # Panics
    /// As [`Self::read`].
    pub fn write<const N: usize>(&mut self, variable: usize, value: [u8; N]) {
        let place = self.place::<N>(variable);
        // SAFETY: as in `read`; a variable's value may be written.
        unsafe { place.write(value) };
    }

    fn place<const N: usize>(&self, variable: usize) -> NonNull<[u8; N]> {
        let value = self.storage.values[variable];
        assert_eq!(
            usize::from(value.size),
            N,
            "located variable {variable} has another size"
        );
        value.start.cast()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(width: u8, value: *mut u8) -> abi::Located {
        abi::Located {
            area: b'M',
            width,
            bit: 0,
            reserved: 0,
            slot: 0,
            value: value.cast(),
        }
    }

    #[test]
    fn values_are_read_written_and_found_where_they_lie() {
        let mut memory = [0_u8; 16];
        let start = memory.as_mut_ptr();
        let at = |offset: usize| start.wrapping_add(offset);
        let variables = [located(b'L', at(8)), located(b'X', at(1)), located(b'W', at(3))];
        let mut storage = LocatedStorage::new(&variables).unwrap();
        // SAFETY: nothing else uses the memory.
        let mut values = unsafe { LocatedValues::new(&storage) };
        values.write(0, [1, 2, 3, 4, 5, 6, 7, 8]);
        values.write(1, [9]);
        values.write(2, [10, 11]);
        assert_eq!(values.read::<8>(0), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(values.read::<2>(2), [10, 11]);
        storage.add_debug_addresses(
            [(4, at(4)), (5, at(3))]
                .map(|(address, start)| (address, start.cast_const()))
                .into_iter(),
        );
        storage.add_debug_addresses(std::iter::once((1 << 16, at(8).cast_const())));
        assert_eq!(storage.at_debug_address(5), Some(2));
        assert_eq!(storage.at_debug_address(1 << 16), Some(0));
        assert_eq!(storage.at_debug_address(4), None, "no value begins there");
        assert_eq!(memory, [0, 9, 0, 10, 11, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn a_list_that_breaks_the_abi_is_refused() {
        let mut value = 0_u8;
        assert!(LocatedStorage::new(&[located(b'W', std::ptr::null_mut())]).is_err());
        assert!(LocatedStorage::new(&[located(b'Z', &raw mut value)]).is_err());
    }

    #[test]
    #[should_panic(expected = "another size")]
    fn a_value_of_another_size_is_never_written() {
        let mut value = [0_u8; 8];
        let storage = LocatedStorage::new(&[located(b'B', value.as_mut_ptr())]).unwrap();
        // SAFETY: nothing else uses the memory.
        unsafe { LocatedValues::new(&storage) }.write(0, [1; 8]);
    }
}
