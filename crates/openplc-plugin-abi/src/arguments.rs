//! `plugin_runtime_args_t`, in both layouts that are in use. The order of the fields is the interface.

use std::ffi::{c_char, c_int, c_uint, c_ulonglong, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use openplc_plugin::Table;
use openplc_settings::plugins::AbiLayout;

use crate::functions::{self as f, BUFFER_MUTEX};
use crate::local_image::LocalImage;

/// Longest path of a configuration, with its final zero.
const MAX_PATH: usize = 256;

unsafe extern "C" {
    fn openplc_plugin_log_info(format: *const c_char, ...);
    fn openplc_plugin_log_debug(format: *const c_char, ...);
    fn openplc_plugin_log_warn(format: *const c_char, ...);
    fn openplc_plugin_log_error(format: *const c_char, ...);
}

type Log = unsafe extern "C" fn(*const c_char, ...);
type Mutex = *mut libc::pthread_mutex_t;
/// To the plugin it has the type of its table.
type Pointers = *mut *mut u8;

#[repr(C)]
struct Tables {
    bool_input: Pointers,
    bool_output: Pointers,
    byte_input: Pointers,
    byte_output: Pointers,
    int_input: Pointers,
    int_output: Pointers,
    dint_input: Pointers,
    dint_output: Pointers,
    lint_input: Pointers,
    lint_output: Pointers,
    int_memory: Pointers,
    dint_memory: Pointers,
    lint_memory: Pointers,
    bool_memory: Pointers,
}

#[repr(C)]
struct Logs {
    info: Log,
    debug: Log,
    warn: Log,
    error: Log,
}

#[repr(C)]
struct Journal {
    bool: extern "C" fn(c_int, c_int, c_int, c_int) -> c_int,
    byte: extern "C" fn(c_int, c_int, c_int) -> c_int,
    int: extern "C" fn(c_int, c_int, c_int) -> c_int,
    dint: extern "C" fn(c_int, c_int, c_uint) -> c_int,
    lint: extern "C" fn(c_int, c_int, c_ulonglong) -> c_int,
}

/// That of OpenPLC Runtime 4.3.
#[repr(C)]
struct Newest {
    tables: Tables,
    image_lock: extern "C" fn(),
    image_unlock: extern "C" fn(),
    debug_array_count: extern "C" fn() -> u8,
    debug_elem_count: extern "C" fn(u8) -> u16,
    debug_size: extern "C" fn(u8, u16) -> u16,
    debug_read: extern "C" fn(u8, u16, *mut u8) -> u16,
    debug_set: extern "C" fn(u8, u16, bool, *const u8, u16) -> u8,
    debug_write: extern "C" fn(u8, u16, *const u8, u16) -> u8,
    configuration_path: [c_char; MAX_PATH],
    buffer_size: c_int,
    bits_per_buffer: c_int,
    logs: Logs,
    journal: Journal,
    request_plc_stop: unsafe extern "C" fn(*const c_char),
    base_tick_ns: c_ulonglong,
    request_plc_start: unsafe extern "C" fn(*const c_char),
    set_switch_position: extern "C" fn(c_int),
    get_plc_state: extern "C" fn() -> c_int,
}

/// That of OpenPLC Runtime 4.0, January 2026.
#[repr(C)]
struct January2026 {
    tables: Tables,
    mutex_take: unsafe extern "C" fn(Mutex) -> c_int,
    mutex_give: unsafe extern "C" fn(Mutex) -> c_int,
    buffer_mutex: Mutex,
    get_var_list: unsafe extern "C" fn(usize, *mut usize, *mut *mut c_void),
    get_var_size: extern "C" fn(usize) -> usize,
    get_var_count: extern "C" fn() -> u16,
    configuration_path: [c_char; MAX_PATH],
    buffer_size: c_int,
    bits_per_buffer: c_int,
    logs: Logs,
    journal: Journal,
}

/// The structure that a plugin gets. It stays where it is for the life of the process.
pub struct Arguments(*mut c_void);

impl Arguments {
    /// `base_tick_ns` is the time between scans.
    pub(crate) fn new(
        image: &LocalImage,
        layout: AbiLayout,
        configuration: &Path,
        base_tick_ns: u64,
    ) -> Self {
        let tables = tables(image);
        let configuration_path = path(configuration);
        let buffer_size = c_int::try_from(image.slots()).unwrap_or(c_int::MAX);
        let logs = Logs {
            info: openplc_plugin_log_info,
            debug: openplc_plugin_log_debug,
            warn: openplc_plugin_log_warn,
            error: openplc_plugin_log_error,
        };
        let journal = Journal {
            bool: f::journal_write_bool,
            byte: f::journal_write_byte,
            int: f::journal_write_int,
            dint: f::journal_write_dint,
            lint: f::journal_write_lint,
        };
        Self(match layout {
            AbiLayout::Newest => kept(Newest {
                tables,
                image_lock: f::image_lock,
                image_unlock: f::image_unlock,
                debug_array_count: f::debug_array_count,
                debug_elem_count: f::debug_elem_count,
                debug_size: f::debug_size,
                debug_read: f::debug_read,
                debug_set: f::debug_set,
                debug_write: f::debug_write,
                configuration_path,
                buffer_size,
                bits_per_buffer: 8,
                logs,
                journal,
                request_plc_stop: f::request_plc_stop,
                base_tick_ns,
                request_plc_start: f::request_plc_start,
                set_switch_position: f::set_switch_position,
                get_plc_state: f::get_plc_state,
            }),
            AbiLayout::January2026 => kept(January2026 {
                tables,
                mutex_take: f::mutex_take,
                mutex_give: f::mutex_give,
                buffer_mutex: BUFFER_MUTEX.address(),
                get_var_list: f::get_var_list,
                get_var_size: f::get_var_size,
                get_var_count: f::get_var_count,
                configuration_path,
                buffer_size,
                bits_per_buffer: 8,
                logs,
                journal,
            }),
        })
    }

    /// For the plugin's `init`.
    #[must_use]
    pub fn address(&self) -> *mut c_void {
        self.0
    }
}

fn kept<T>(structure: T) -> *mut c_void {
    std::ptr::from_mut(Box::leak(Box::new(structure))).cast()
}

fn tables(image: &LocalImage) -> Tables {
    let pointers = |table| image.pointers(table);
    Tables {
        bool_input: pointers(Table::BoolInput),
        bool_output: pointers(Table::BoolOutput),
        byte_input: pointers(Table::ByteInput),
        byte_output: pointers(Table::ByteOutput),
        int_input: pointers(Table::IntInput),
        int_output: pointers(Table::IntOutput),
        dint_input: pointers(Table::DintInput),
        dint_output: pointers(Table::DintOutput),
        lint_input: pointers(Table::LintInput),
        lint_output: pointers(Table::LintOutput),
        int_memory: pointers(Table::IntMemory),
        dint_memory: pointers(Table::DintMemory),
        lint_memory: pointers(Table::LintMemory),
        bool_memory: pointers(Table::BoolMemory),
    }
}

/// Cut, where it is too long to be one.
fn path(path: &Path) -> [c_char; MAX_PATH] {
    let mut text = [0; MAX_PATH];
    for (to, from) in text[..MAX_PATH - 1].iter_mut().zip(path.as_os_str().as_bytes()) {
        *to = *from as c_char;
    }
    text
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;
    use std::mem::{offset_of, size_of};

    #[test]
    fn fields_are_where_plugins_look_for_them() {
        assert_eq!(offset_of!(Newest, image_lock), 14 * 8);
        assert_eq!(offset_of!(Newest, configuration_path), 22 * 8);
        assert_eq!(offset_of!(Newest, buffer_size), 22 * 8 + 256);
        assert_eq!(offset_of!(Newest, logs), 22 * 8 + 264);
        assert_eq!(offset_of!(Newest, base_tick_ns), 22 * 8 + 264 + 10 * 8);
        assert_eq!(size_of::<Newest>(), 22 * 8 + 264 + 14 * 8);
        assert_eq!(offset_of!(January2026, configuration_path), 20 * 8);
        assert_eq!(size_of::<January2026>(), 20 * 8 + 264 + 9 * 8);
    }

    #[test]
    fn a_long_path_ends_with_a_zero() {
        let text = path(Path::new(&"x".repeat(300)));
        assert_eq!((text[254], text[255]), (b'x' as c_char, 0));
    }
}
