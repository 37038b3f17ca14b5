//! The functions that a plugin gets. Each may be called on any thread, at any time; before the plugin is attached they do nothing.

use std::ffi::{CStr, c_char, c_int, c_uint, c_ulonglong, c_void};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use openplc_plugin::{Address, PlcState, Plugin, Table, Write};

use crate::local_image::LocalImage;
use crate::lock::RecursiveLock;
use crate::overlay::Overlay;

/// What the functions work on.
pub(crate) struct Shared {
    pub plugin: Plugin,
    lock: RecursiveLock,
    state: Mutex<State>,
}

struct State {
    image: LocalImage,
    overlay: Overlay,
}

static SHARED: OnceLock<Shared> = OnceLock::new();

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
pub(crate) fn set(plugin: Plugin, image: LocalImage) -> bool {
    let state = Mutex::new(State {
        image,
        overlay: Overlay::default(),
    });
    let lock = RecursiveLock::default();
    SHARED.set(Shared { plugin, lock, state }).is_ok()
}

pub(crate) fn get() -> Option<&'static Shared> {
    SHARED.get()
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The plugin's pointers to the values of a table.
    pub fn pointers(&self, table: Table) -> *mut *mut u8 {
        self.state().image.pointers(table)
    }

    /// Slots of every table.
    pub fn slots(&self) -> u32 {
        self.state().image.slots()
    }

    /// Whether the image has another size than the plugin was told.
    pub fn is_outdated(&self) -> bool {
        let layout = self.plugin.layout();
        layout.is_ok_and(|layout| layout != *self.state().image.layout())
    }

    fn lock(&self) {
        if !self.lock.take() {
            return;
        }
        let State { image, overlay } = &mut *self.state();
        // The number is older than the copy at most: what it has is not forgotten too early.
        let publication = self.plugin.publication().unwrap_or(0);
        if self.plugin.copy(image.copy()).is_err() {
            image.switch_outputs_off();
        }
        for write in overlay.pending(&self.plugin, publication) {
            image.overlay(write);
        }
        image.show();
    }

    fn unlock(&self) {
        if self.lock.is_last() {
            let changes = self.state().image.changes();
            if !changes.is_empty() {
                self.write(&changes);
            }
        }
        self.lock.give();
    }

    fn write(&self, writes: &[Write]) -> c_int {
        match self.plugin.write(writes) {
            Ok(ticket) => {
                self.state().overlay.add(writes, ticket);
                0
            }
            // Counted there, and reported by the core.
            Err(_) => -1,
        }
    }
}

/// Copies the published image to where the plugin's pointers point, and keeps it so until [`image_unlock`].
pub extern "C" fn image_lock() {
    if let Some(shared) = get() {
        shared.lock();
    }
}

/// Writes what the plugin has changed there, and lets others lock.
pub extern "C" fn image_unlock() {
    if let Some(shared) = get() {
        shared.unlock();
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
    let (Some(shared), Ok(table), Ok(slot), Ok(bit)) =
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
    shared.write(&[Write { address, value }])
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
        String::new()
    } else {
        // SAFETY: the caller's promise.
        unsafe { CStr::from_ptr(reason) }.to_string_lossy().into_owned()
    };
    if let Some(shared) = get() {
        shared.plugin.switch_plc(run, reason);
    }
}

/// The runtime has no position of a switch to keep: a plugin asks for the start or stop that it wants.
pub(crate) extern "C" fn set_switch_position(position: c_int) {
    let word = if position == 0 { "STOP" } else { "RUN" };
    tracing::info!("The mode switch is at {word}");
}

pub(crate) extern "C" fn get_plc_state() -> c_int {
    let state = get().and_then(|shared| shared.plugin.read(|view| view.moment().state).ok());
    match state {
        Some(PlcState::Running) => 1,
        Some(PlcState::Error) => 2,
        Some(PlcState::Stopped) | None => 0,
    }
}
