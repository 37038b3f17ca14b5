//! The values of located variables, where the program keeps them.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use crate::abi;
use crate::description::LoadError;

/// Where one value lies. Small, because a scan goes through all of them.
#[derive(Clone, Copy)]
struct Value {
    start: NonNull<u8>,
    /// 1, 2, 4 or 8 bytes.
    size: u8,
    /// 1 + number of the one task that uses it; 0: several.
    task: u8,
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
    /// The values of a program with so many tasks.
    ///
    /// # Errors
    /// [`LoadError::Broken`] when a value is missing, has a width or a task that does not exist, or is shared by tasks and lies
    /// where it cannot be read as a whole.
    pub fn new(variables: &[abi::Located], tasks: usize) -> Result<Self, LoadError> {
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
            let task = task_of(variable, tasks).ok_or(LoadError::Broken("a located variable has no task"))?;
            if task == 0 && start.addr().get() % usize::from(size) != 0 {
                return Err(LoadError::Broken(
                    "a located variable of several tasks is not aligned",
                ));
            }
            Ok(Value { start, size, task })
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

    /// The one task that uses the variable with this number.
    pub fn task(&self, variable: usize) -> Option<u32> {
        self.values[variable].task.checked_sub(1).map(u32::from)
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

/// 1 + number of the one task that uses the variable; 0: several. `None`: there is no such task.
fn task_of(variable: &abi::Located, tasks: usize) -> Option<u8> {
    match variable.task {
        _ if tasks == 1 => Some(1),
        task => (usize::from(task) <= tasks).then_some(task),
    }
}

/// Which values may be accessed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All, because no task executes.
    All,
    /// Those that this task alone uses, because it does not execute.
    Task(u32),
    /// Those that several tasks use. They may execute: each value is read and written as a whole.
    Shared,
}

/// Access to the values of some of a program's located variables.
pub struct LocatedValues<'a> {
    storage: &'a LocatedStorage,
    scope: Scope,
}

impl<'a> LocatedValues<'a> {
    /// # Safety
    /// The object that the values belong to is loaded, and during `'a` nothing of it is executed that `scope` does not allow.
    pub(crate) unsafe fn new(storage: &'a LocatedStorage, scope: Scope) -> Self {
        Self { storage, scope }
    }

    /// The value of a variable, in the machine's byte order.
    ///
    /// # Panics
    /// When there is no such variable, it may not be accessed here, or its size is not `N`.
    #[must_use]
    #[inline]
    pub fn read<const N: usize>(&self, variable: usize) -> [u8; N] {
        let place = self.place::<N>(variable);
        if self.scope == Scope::Shared {
            // SAFETY: by the ABI `N` bytes of the object's data lie there, as aligned as was checked when it was loaded.
            return unsafe { load(place) };
        }
        // SAFETY: by the ABI `N` bytes of the object's data lie there; nobody uses them (see `new`). An array of bytes needs
        // no alignment.
        unsafe { place.read() }
    }

    /// Gives a variable a value in the machine's byte order.
    ///
    /// # Panics
    /// As [`Self::read`].
    #[inline]
    pub fn write<const N: usize>(&mut self, variable: usize, value: [u8; N]) {
        let place = self.place::<N>(variable);
        if self.scope == Scope::Shared {
            // SAFETY: as in `read`; a variable's value may be written.
            unsafe { store(place, value) };
            return;
        }
        // SAFETY: as in `read`; a variable's value may be written.
        unsafe { place.write(value) };
    }

    #[inline]
    fn place<const N: usize>(&self, variable: usize) -> NonNull<[u8; N]> {
        let value = self.storage.values[variable];
        assert_eq!(
            usize::from(value.size),
            N,
            "located variable {variable} has another size"
        );
        let allowed = match self.scope {
            Scope::All => true,
            Scope::Task(task) => u32::from(value.task) == task + 1,
            Scope::Shared => value.task == 0,
        };
        assert!(allowed, "located variable {variable} belongs to another task");
        value.start.cast()
    }
}

/// # Safety
/// `N` bytes lie there, aligned to `N`, which is 1, 2, 4 or 8.
unsafe fn load<const N: usize>(place: NonNull<[u8; N]>) -> [u8; N] {
    let start = place.as_ptr();
    let mut whole = [0; 8];
    match N {
        1 => {
            // SAFETY: the caller's contract.
            let value = unsafe { AtomicU8::from_ptr(start.cast()) };
            whole[0] = value.load(Ordering::Relaxed);
        }
        2 => {
            // SAFETY: the caller's contract.
            let value = unsafe { AtomicU16::from_ptr(start.cast()) };
            whole[..2].copy_from_slice(&value.load(Ordering::Relaxed).to_ne_bytes());
        }
        4 => {
            // SAFETY: the caller's contract.
            let value = unsafe { AtomicU32::from_ptr(start.cast()) };
            whole[..4].copy_from_slice(&value.load(Ordering::Relaxed).to_ne_bytes());
        }
        _ => {
            // SAFETY: the caller's contract.
            let value = unsafe { AtomicU64::from_ptr(start.cast()) };
            whole = value.load(Ordering::Relaxed).to_ne_bytes();
        }
    }
    let mut bytes = [0; N];
    bytes.copy_from_slice(&whole[..N]);
    bytes
}

/// # Safety
/// As [`load`], and the bytes may be written.
unsafe fn store<const N: usize>(place: NonNull<[u8; N]>, bytes: [u8; N]) {
    let start = place.as_ptr();
    let mut whole = [0; 8];
    whole[..N].copy_from_slice(&bytes);
    let [a, b, c, d, ..] = whole;
    match N {
        1 => {
            // SAFETY: the caller's contract.
            let value = unsafe { AtomicU8::from_ptr(start.cast()) };
            value.store(a, Ordering::Relaxed);
        }
        2 => {
            // SAFETY: the caller's contract.
            let value = unsafe { AtomicU16::from_ptr(start.cast()) };
            value.store(u16::from_ne_bytes([a, b]), Ordering::Relaxed);
        }
        4 => {
            // SAFETY: the caller's contract.
            let value = unsafe { AtomicU32::from_ptr(start.cast()) };
            value.store(u32::from_ne_bytes([a, b, c, d]), Ordering::Relaxed);
        }
        _ => {
            // SAFETY: the caller's contract.
            let value = unsafe { AtomicU64::from_ptr(start.cast()) };
            value.store(u64::from_ne_bytes(whole), Ordering::Relaxed);
        }
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
            task: 0,
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
        let mut storage = LocatedStorage::new(&variables, 1).unwrap();
        // SAFETY: nothing else uses the memory.
        let mut values = unsafe { LocatedValues::new(&storage, Scope::All) };
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
        assert!(LocatedStorage::new(&[located(b'W', std::ptr::null_mut())], 1).is_err());
        assert!(LocatedStorage::new(&[located(b'Z', &raw mut value)], 1).is_err());
    }

    #[test]
    #[should_panic(expected = "another size")]
    fn a_value_of_another_size_is_never_written() {
        let mut value = [0_u8; 8];
        let storage = LocatedStorage::new(&[located(b'B', value.as_mut_ptr())], 1).unwrap();
        // SAFETY: nothing else uses the memory.
        unsafe { LocatedValues::new(&storage, Scope::All) }.write(0, [1; 8]);
    }

    #[test]
    fn a_task_reaches_its_own_values_and_those_of_several_tasks_are_whole() {
        let mut memory = [0_u64; 4];
        let start: *mut u8 = memory.as_mut_ptr().cast();
        let of = |task: u8, width: u8, offset: usize| abi::Located {
            task,
            ..located(width, start.wrapping_add(offset))
        };
        let variables = [
            of(1, b'W', 0),
            of(2, b'W', 2),
            of(0, b'L', 8),
            of(0, b'D', 4),
            of(0, b'W', 16),
            of(0, b'X', 18),
        ];
        assert!(
            LocatedStorage::new(&variables[..2], 1).is_ok(),
            "of the only task, whatever it says"
        );
        let storage = LocatedStorage::new(&variables, 2).unwrap();
        // SAFETY: nothing else uses the memory.
        let mut shared = unsafe { LocatedValues::new(&storage, Scope::Shared) };
        shared.write(2, [1, 2, 3, 4, 5, 6, 7, 8]);
        shared.write(3, [1, 2, 3, 4]);
        shared.write(4, [1, 2]);
        shared.write(5, [1]);
        assert_eq!(shared.read::<8>(2), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(shared.read::<4>(3), [1, 2, 3, 4]);
        assert_eq!(shared.read::<2>(4), [1, 2]);
        assert_eq!(shared.read::<1>(5), [1]);
        assert_eq!(
            (storage.task(0), storage.task(1), storage.task(2)),
            (Some(0), Some(1), None)
        );
        assert!(LocatedStorage::new(&[of(3, b'W', 0)], 2).is_err(), "no such task");
        assert!(LocatedStorage::new(&[of(0, b'L', 4)], 2).is_err(), "not aligned");
        // SAFETY: as above.
        let own = unsafe { LocatedValues::new(&storage, Scope::Task(0)) };
        assert_eq!(own.read::<2>(0), [0, 0]);
        let others = std::panic::catch_unwind(|| {
            // SAFETY: as above.
            unsafe { LocatedValues::new(&storage, Scope::Task(0)) }.read::<2>(1)
        });
        assert!(others.is_err());
    }
}
