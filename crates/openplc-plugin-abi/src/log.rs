//! Log lines of a plugin, as log.c has formatted them.

use std::ffi::{CStr, c_char, c_int};

/// # Safety
/// `line` points to a text that ends with a zero.
#[unsafe(no_mangle)]
unsafe extern "C" fn openplc_plugin_log_line(level: c_int, line: *const c_char) {
    // SAFETY: the caller's promise.
    let line = unsafe { CStr::from_ptr(line) };
    let line = line.to_string_lossy();
    let line = line.trim_end();
    match level {
        0 => tracing::debug!("{line}"),
        1 => tracing::info!("{line}"),
        2 => tracing::warn!("{line}"),
        _ => tracing::error!("{line}"),
    }
}
