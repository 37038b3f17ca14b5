//! Mirror of `include/openplc_program.h`, field by field.

use std::ffi::{c_char, c_void};

/// Version of the ABI that this crate reads and writes.
pub(crate) const ABI: u32 = 1;
/// `OPENPLC_OK`.
pub(crate) const OK: i32 = 0;
/// `OPENPLC_OUT_OF_BOUNDS`.
pub(crate) const OUT_OF_BOUNDS: i32 = 2;
/// `OPENPLC_WRONG_LENGTH`.
pub(crate) const WRONG_LENGTH: i32 = 4;
/// `OPENPLC_READ_ONLY`.
pub(crate) const READ_ONLY: i32 = 5;
/// Bytes that the buffer given to `variable_force` must have.
pub(crate) const FORCE_BUFFER: usize = 256;

#[repr(C)]
pub(crate) struct Host {
    pub abi: u32,
    pub size: u32,
    pub context: *mut c_void,
    pub log: extern "C" fn(*mut c_void, u32, *const c_char, u32),
    pub python_block: extern "C" fn(
        *mut c_void,
        *const c_char,
        *const c_char,
        u64,
        u64,
        *mut *mut c_void,
        *mut *mut c_void,
    ) -> i32,
    pub connect: extern "C" fn(*mut c_void, *const c_char, u16, i32) -> i32,
    pub send: extern "C" fn(*mut c_void, i32, *const c_void, u32) -> i32,
    pub receive: extern "C" fn(*mut c_void, i32, *mut c_void, u32) -> i32,
    pub disconnect: extern "C" fn(*mut c_void, i32) -> i32,
}

#[repr(C)]
pub(crate) struct Task {
    pub name: *const c_char,
    pub interval_ns: u64,
    pub priority: u32,
    pub reserved: u32,
}

#[repr(C)]
pub(crate) struct Located {
    pub area: u8,
    pub width: u8,
    pub bit: u8,
    pub task: u8,
    pub slot: u32,
    pub value: *mut c_void,
}

/// Every function pointer is optional here: an object that leaves one out is refused, not called.
#[repr(C)]
pub(crate) struct Program {
    pub abi: u32,
    pub size: u32,
    pub generation: u32,
    pub reserved: u32,
    pub md5: *const c_char,
    pub init: Option<unsafe extern "C" fn(*const Host) -> i32>,
    pub run: Option<unsafe extern "C" fn(u32, u64) -> i32>,
    pub fault_text: Option<unsafe extern "C" fn() -> *const c_char>,
    pub task_count: u32,
    pub located_count: u32,
    pub tasks: *const Task,
    pub located: *const Located,
    pub array_count: u32,
    pub reserved2: u32,
    pub array_lengths: *const u32,
    pub variable_size: Option<unsafe extern "C" fn(u32) -> u32>,
    pub variable_read: Option<unsafe extern "C" fn(u32, *mut c_void, u32) -> u32>,
    pub variable_force: Option<unsafe extern "C" fn(u32, u32, *mut u8, u32) -> i32>,
    pub set_byte_order: Option<unsafe extern "C" fn(u32)>,
}

/// What the first programs lack. It follows [`Program`] without a gap.
#[repr(C)]
pub(crate) struct Storage {
    pub variable_storage: Option<unsafe extern "C" fn(u32) -> *mut c_void>,
}

/// What programs lack that were built before there were those of STruC++. It follows [`Storage`] without a gap.
#[repr(C)]
pub(crate) struct StoredSizes {
    pub variable_storage_size: Option<unsafe extern "C" fn(u32) -> u32>,
    pub string_layout: u64,
}

/// [`Program`] and [`Storage`] as they lie in memory.
#[repr(C)]
pub(crate) struct WithStorage {
    pub program: Program,
    pub storage: Storage,
}

/// [`WithStorage`] and [`StoredSizes`] as they lie in memory.
#[repr(C)]
pub(crate) struct WithStoredSizes {
    pub before: WithStorage,
    pub sizes: StoredSizes,
}
