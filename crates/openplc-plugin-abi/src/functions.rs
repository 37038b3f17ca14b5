//! The functions that a plugin gets. Each may be called on any thread, at any time; before the plugin is attached they do nothing.

use std::ffi::{CStr, c_char, c_int, c_uint, c_ulonglong, c_void};
use std::sync::OnceLock;

use openplc_plugin::{Address, PlcState, Table, Write};

/// What the functions work on.
pub(crate) trait Runtime: Sync {
    /// Has the plugin's pointers show the image, and keeps others away until [`Self::unlock`].
    fn lock(&'static self);
    /// Takes what the plugin has changed.
    fn unlock(&self);
    /// Writes a value; false where that cannot be.
    fn write(&self, write: Write) -> bool;
    /// Asks for a start or a stop of the PLC, and says why.
    fn switch_plc(&self, run: bool, reason: &CStr);
    /// What the PLC does.
    fn state(&self) -> PlcState;
    /// Logs a line.
    fn log(&self, level: Level, line: &CStr);
}

/// Severity of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// For those who look for a mistake.
    Debug,
    /// What happens.
    Info,
    /// What should not happen.
    Warning,
    /// What went wrong.
    Error,
}

static RUNTIME: OnceLock<&'static dyn Runtime> = OnceLock::new();

/// The structure of OpenPLC Runtime 4.0 has a mutex.
pub(crate) static BUFFER_MUTEX: BufferMutex =
    BufferMutex(std::cell::UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER));

/// A mutex of C.
pub(crate) struct BufferMutex(std::cell::UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: it is only used by the functions of pthread.
unsafe impl Sync for BufferMutex {}

impl BufferMutex {
    pub fn address(&self) -> *mut libc::pthread_mutex_t {
        self.0.get()
    }
}

/// From now on the functions work. False when they do already.
pub(crate) fn set(runtime: &'static dyn Runtime) -> bool {
    RUNTIME.set(runtime).is_ok()
}

pub(crate) fn get() -> Option<&'static dyn Runtime> {
    RUNTIME.get().copied()
}

/// Copies the published image to where the plugin's pointers point, and keeps it so until [`image_unlock`].
pub extern "C" fn image_lock() {
    if let Some(runtime) = get() {
        runtime.lock();
    }
}

/// Writes what the plugin has changed there, and lets others lock.
pub extern "C" fn image_unlock() {
    if let Some(runtime) = get() {
        runtime.unlock();
    }
}

/// `mutex_take` of OpenPLC Runtime 4.0.
///
/// # Safety
/// `mutex` is the buffer mutex, or another one of the plugin's.
pub(crate) unsafe extern "C" fn mutex_take(mutex: *mut libc::pthread_mutex_t) -> c_int {
    if mutex.is_null() || mutex == BUFFER_MUTEX.address() {
        image_lock();
        return 0;
    }
    // SAFETY: the caller's promise.
    unsafe { libc::pthread_mutex_lock(mutex) }
}

/// `mutex_give` of OpenPLC Runtime 4.0.
///
/// # Safety
/// As [`mutex_take`].
pub(crate) unsafe extern "C" fn mutex_give(mutex: *mut libc::pthread_mutex_t) -> c_int {
    if mutex.is_null() || mutex == BUFFER_MUTEX.address() {
        image_unlock();
        return 0;
    }
    // SAFETY: the caller's promise.
    unsafe { libc::pthread_mutex_unlock(mutex) }
}

fn journal(table: c_int, slot: c_int, bit: c_int, value: u64) -> c_int {
    let (Some(runtime), Ok(table), Ok(slot), Ok(bit)) =
        (get(), u8::try_from(table), u32::try_from(slot), u8::try_from(bit))
    else {
        return -1;
    };
    let address = Table::from_number(table).and_then(|table| Address::in_table(table, slot, bit).ok());
    let Some(address) = address else {
        return -1;
    };
    // As the conversion to the type of the table would do in C.
    let value = value & address.table().width().max();
    if runtime.write(Write { address, value }) {
        0
    } else {
        -1
    }
}

/// Whether a number is that of a table with these widths.
fn is_of(table: c_int, numbers: &[c_int]) -> bool {
    numbers.contains(&table)
}

pub(crate) extern "C" fn journal_write_bool(table: c_int, slot: c_int, bit: c_int, value: c_int) -> c_int {
    if !is_of(table, &[0, 1, 2]) {
        return -1;
    }
    journal(table, slot, bit, u64::from(value != 0))
}

pub(crate) extern "C" fn journal_write_byte(table: c_int, slot: c_int, value: c_int) -> c_int {
    if !is_of(table, &[3, 4]) {
        return -1;
    }
    journal(table, slot, 0, value as u64)
}

pub(crate) extern "C" fn journal_write_int(table: c_int, slot: c_int, value: c_int) -> c_int {
    if !is_of(table, &[5, 6, 7]) {
        return -1;
    }
    journal(table, slot, 0, value as u64)
}

pub(crate) extern "C" fn journal_write_dint(table: c_int, slot: c_int, value: c_uint) -> c_int {
    if !is_of(table, &[8, 9, 10]) {
        return -1;
    }
    journal(table, slot, 0, value.into())
}

pub(crate) extern "C" fn journal_write_lint(table: c_int, slot: c_int, value: c_ulonglong) -> c_int {
    if !is_of(table, &[11, 12, 13]) {
        return -1;
    }
    journal(table, slot, 0, value)
}

/// Program variables that are not located are not offered to plugins: there are no arrays of them.
pub(crate) extern "C" fn debug_array_count() -> u8 {
    0
}

pub(crate) extern "C" fn debug_elem_count(_array: u8) -> u16 {
    0
}

pub(crate) extern "C" fn debug_size(_array: u8, _element: u16) -> u16 {
    0
}

pub(crate) extern "C" fn debug_read(_array: u8, _element: u16, _into: *mut u8) -> u16 {
    0
}

/// Out of bounds, as of a variable that is not there.
const OUT_OF_BOUNDS: u8 = 0x81;

pub(crate) extern "C" fn debug_set(_: u8, _: u16, _forced: bool, _: *const u8, _length: u16) -> u8 {
    OUT_OF_BOUNDS
}

pub(crate) extern "C" fn debug_write(_: u8, _: u16, _: *const u8, _length: u16) -> u8 {
    OUT_OF_BOUNDS
}

/// # Safety
/// `addresses` has room for `count` pointers.
pub(crate) unsafe extern "C" fn get_var_list(count: usize, _: *mut usize, addresses: *mut *mut c_void) {
    // SAFETY: the caller's promise; null pointers are all zeroes.
    unsafe { addresses.write_bytes(0, count) };
}

pub(crate) extern "C" fn get_var_size(_index: usize) -> usize {
    0
}

pub(crate) extern "C" fn get_var_count() -> u16 {
    0
}

/// # Safety
/// `reason` is null or a text that ends with a zero.
pub(crate) unsafe extern "C" fn request_plc_stop(reason: *const c_char) {
    // SAFETY: the caller's promise.
    unsafe { switch_plc(false, reason) };
}

/// # Safety
/// As [`request_plc_stop`].
pub(crate) unsafe extern "C" fn request_plc_start(reason: *const c_char) {
    // SAFETY: the caller's promise.
    unsafe { switch_plc(true, reason) };
}

/// # Safety
/// As [`request_plc_stop`].
unsafe fn switch_plc(run: bool, reason: *const c_char) {
    let reason = if reason.is_null() {
        c""
    } else {
        // SAFETY: the caller's promise.
        unsafe { CStr::from_ptr(reason) }
    };
    if let Some(runtime) = get() {
        runtime.switch_plc(run, reason);
    }
}

/// The runtime has no position of a switch to keep: a plugin asks for the start or stop that it wants.
pub(crate) extern "C" fn set_switch_position(position: c_int) {
    let line = if position == 0 {
        c"The mode switch is at STOP"
    } else {
        c"The mode switch is at RUN"
    };
    if let Some(runtime) = get() {
        runtime.log(Level::Info, line);
    }
}

pub(crate) extern "C" fn get_plc_state() -> c_int {
    match get().map(|runtime| runtime.state()) {
        Some(PlcState::Running) => 1,
        Some(PlcState::Error) => 2,
        Some(PlcState::Stopped) | None => 0,
    }
}
