//! Log lines of a plugin, as log.c has formatted them.

use std::ffi::{CStr, c_char, c_int};

use crate::functions::{self, Level};

/// # Safety
/// `line` points to a text that ends with a zero.
#[unsafe(no_mangle)]
unsafe extern "C" fn openplc_plugin_log_line(level: c_int, line: *const c_char) {
    // SAFETY: the caller's promise.
    let line = unsafe { CStr::from_ptr(line) };
    let level = match level {
        0 => Level::Debug,
        1 => Level::Info,
        2 => Level::Warning,
        _ => Level::Error,
    };
    if let Some(runtime) = functions::get() {
        runtime.log(level, line);
    }
}
