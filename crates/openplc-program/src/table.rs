//! Reading the table that an object exports: nothing in it is believed that can be checked.

use std::ffi::{CStr, c_char};
use std::num::NonZeroU64;

use crate::abi;
use crate::description::{LoadError, Located, Task};
use crate::located::LocatedStorage;
use crate::program::MAX_TASKS;

/// Most debug arrays that a program may have; more is rubbish, not a program.
const MAX_ARRAYS: u32 = 256;
const MAX_LOCATED: u32 = 1 << 20;

/// The functions of the table, all present.
#[derive(Clone, Copy)]
pub struct Functions {
    pub run: unsafe extern "C" fn(u32, u64) -> i32,
    pub fault_text: unsafe extern "C" fn() -> *const c_char,
    pub variable_size: unsafe extern "C" fn(u32) -> u32,
    pub variable_read: unsafe extern "C" fn(u32, *mut std::ffi::c_void, u32) -> u32,
    pub variable_force: unsafe extern "C" fn(u32, u32, *mut u8, u32) -> i32,
    pub set_byte_order: unsafe extern "C" fn(u32),
    /// Absent in programs that an older version has built.
    pub variable_storage: Option<unsafe extern "C" fn(u32) -> *mut std::ffi::c_void>,
    /// Absent where the sizes are those of `variable_size`.
    pub variable_storage_size: Option<unsafe extern "C" fn(u32) -> u32>,
}

impl Functions {
    /// Those of the table at `address`, of which `table` is what every version has.
    ///
    /// # Errors
    /// Where one is missing that every version has.
    pub fn of(address: *const abi::Program, table: &abi::Program) -> Result<Self, LoadError> {
        Ok(Self {
            run: table.run.ok_or(LoadError::Broken("run is missing"))?,
            fault_text: table
                .fault_text
                .ok_or(LoadError::Broken("fault_text is missing"))?,
            variable_size: table
                .variable_size
                .ok_or(LoadError::Broken("variable_size is missing"))?,
            variable_read: table
                .variable_read
                .ok_or(LoadError::Broken("variable_read is missing"))?,
            variable_force: table
                .variable_force
                .ok_or(LoadError::Broken("variable_force is missing"))?,
            set_byte_order: table
                .set_byte_order
                .ok_or(LoadError::Broken("set_byte_order is missing"))?,
            variable_storage: storage(address).and_then(|storage| storage.variable_storage),
            variable_storage_size: stored_sizes(address).and_then(|sizes| sizes.variable_storage_size),
        })
    }
}

/// What the first programs lack.
fn storage<'a>(table: *const abi::Program) -> Option<&'a abi::Storage> {
    // SAFETY: the caller has found the table and at least its version and size.
    if (unsafe { (*table).size } as usize) < size_of::<abi::WithStorage>() {
        return None;
    }
    // SAFETY: the size says that this part is there too; like the table it is static in the object.
    Some(unsafe { &(*table.cast::<abi::WithStorage>()).storage })
}

/// What programs lack that were built before there were those of STruC++.
pub fn stored_sizes<'a>(table: *const abi::Program) -> Option<&'a abi::StoredSizes> {
    // SAFETY: as in `storage`.
    if (unsafe { (*table).size } as usize) < size_of::<abi::WithStoredSizes>() {
        return None;
    }
    // SAFETY: as in `storage`.
    Some(unsafe { &(*table.cast::<abi::WithStoredSizes>()).sizes })
}

pub fn text(function: unsafe extern "C" fn() -> *const c_char) -> String {
    // SAFETY: takes nothing; by the ABI it returns a NUL-terminated text.
    let pointer = unsafe { function() };
    // SAFETY: as above; null is handled.
    unsafe { string(pointer) }.unwrap_or_else(|| "no reason was given".into())
}

/// # Safety
/// `pointer` must be null or a NUL-terminated text.
pub unsafe fn string(pointer: *const c_char) -> Option<String> {
    // SAFETY: not null here; the rest is the caller's contract.
    (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned())
}

/// # Safety
/// `pointer` must be null, or have `count` elements that live as long as the program.
unsafe fn list<'a, T>(pointer: *const T, count: u32, most: u32) -> Result<&'a [T], LoadError> {
    match (count, pointer.is_null()) {
        (0, _) => Ok(&[]),
        (_, true) => Err(LoadError::Broken("a list is missing")),
        (count, _) if count > most => Err(LoadError::Broken("a list is too long")),
        // SAFETY: not null, and by contract `count` elements are there.
        (count, _) => Ok(unsafe { std::slice::from_raw_parts(pointer, count as usize) }),
    }
}

pub fn tasks(table: &abi::Program) -> Result<Vec<Task>, LoadError> {
    // SAFETY: by the ABI the list has as many elements as the table says after init.
    let tasks = unsafe { list(table.tasks, table.task_count, MAX_TASKS as u32) }?;
    if tasks.is_empty() {
        return Err(LoadError::Broken("it has no task"));
    }
    let convert = |task: &abi::Task| {
        let interval_ns =
            NonZeroU64::new(task.interval_ns).ok_or(LoadError::Broken("a task has no interval"))?;
        // SAFETY: by the ABI a NUL-terminated text, or null.
        let name = unsafe { string(task.name) }.ok_or(LoadError::Broken("a task has no name"))?;
        Ok(Task {
            name,
            interval_ns,
            priority: task.priority,
        })
    };
    tasks.iter().map(convert).collect()
}

fn located_list(table: &abi::Program) -> Result<&[abi::Located], LoadError> {
    // SAFETY: by the ABI the list has as many elements as the table says after init.
    unsafe { list(table.located, table.located_count, MAX_LOCATED) }
}

pub fn located_storage(
    table: &abi::Program,
    variable_storage: Option<unsafe extern "C" fn(u32) -> *mut std::ffi::c_void>,
    tasks: usize,
) -> Result<LocatedStorage, LoadError> {
    let mut located = LocatedStorage::new(located_list(table)?, tasks)?;
    if let Some(storage) = variable_storage
        && table.located_count > 0
    {
        for (array, length) in (0..).zip(array_lengths(table)?) {
            let addresses = (0..length.min(1 << 16)).map(|element| array << 16 | element);
            // SAFETY: the addresses exist, init was called, and nothing else of the program runs yet.
            let place = |address| unsafe { storage(address) }.cast_const().cast();
            located.add_debug_addresses(addresses.map(|address| (address, place(address))));
        }
    }
    Ok(located)
}

pub fn located(table: &abi::Program, storage: &LocatedStorage) -> Result<Vec<Located>, LoadError> {
    let convert = |(number, variable): (usize, &abi::Located)| Located {
        area: variable.area.into(),
        width: variable.width.into(),
        slot: variable.slot,
        bit: variable.bit,
        task: storage.task(number).map(|task| task as usize),
    };
    Ok(located_list(table)?.iter().enumerate().map(convert).collect())
}

pub fn array_lengths(table: &abi::Program) -> Result<Vec<u32>, LoadError> {
    // SAFETY: by the ABI the list has as many elements as the table says after init.
    unsafe { list(table.array_lengths, table.array_count, MAX_ARRAYS) }.map(<[u32]>::to_vec)
}
