//! Starting and ending, in Rust for the plugin host and in C for interpreters that load the library.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use openplc_plugin::{Plugin, Started};
use openplc_settings::plugins::AbiLayout;
use serde_json::Value;

use crate::arguments::Arguments;
use crate::attached::Attached;
use crate::functions;
use crate::local_image::LocalImage;

/// A plugin of OpenPLC Runtime v4 that is attached.
pub struct Host {
    /// What it gets.
    pub arguments: Arguments,
    started: Started,
    attached: &'static Attached,
}

// SAFETY: the structure behind the arguments is never changed, and its functions may be called on any thread.
unsafe impl Send for Host {}

impl Host {
    /// The plugin.
    #[must_use]
    pub fn plugin(&self) -> &Plugin {
        &self.started.plugin
    }

    /// Whether the plugin has to be started anew, as the image has another size now.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        self.attached.is_outdated()
    }

    /// Sends what waits to the core.
    pub fn end(self) {
        self.started.end();
    }
}

/// Attaches as plugin `name`; once in a process, while it has one thread. `None` where there is nothing to do.
///
/// # Errors
/// When there is no configuration to be read, or the core does not answer.
pub fn open(name: &str, layout: AbiLayout) -> io::Result<Option<Host>> {
    // The name of a log has to last as long as the process.
    let identifier = Box::leak(format!("openplc-plugin@{name}").into_boxed_str());
    let Some(started) = openplc_plugin::start(name, identifier)? else {
        return Ok(None);
    };
    let plugin = &started.plugin;
    let away = |error| io::Error::other(format!("{error}"));
    let image = LocalImage::new(plugin.layout().map_err(away)?);
    let period = plugin.read(|view| view.moment().period_ns).unwrap_or(0);
    let arguments = Arguments::new(&image, layout, plugin.configuration_path(), period);
    let attached = Box::leak(Box::new(Attached::new(plugin.clone(), image)));
    if !functions::set(attached) {
        return Err(io::Error::other("a process can be one plugin only"));
    }
    Ok(Some(Host {
        arguments,
        started,
        attached,
    }))
}

/// Whether [`open`] has succeeded in this process.
#[must_use]
pub fn is_open() -> bool {
    functions::get().is_some()
}

/// The host of a process that speaks C.
static HOST: Mutex<Option<Host>> = Mutex::new(None);

fn with_host<T>(work: impl FnOnce(&Host) -> T) -> Option<T> {
    HOST.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .as_ref()
        .map(work)
}

/// # Safety
/// `text` is null or ends with a zero.
unsafe fn text(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(text) };
    Some(text.to_string_lossy().into_owned())
}

/// See openplc_plugin.h.
///
/// # Safety
/// `name` is null or ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn openplc_plugin_open(name: *const c_char, layout: c_int) -> c_int {
    // SAFETY: the caller's promise.
    let Some(name) = (unsafe { text(name) }) else {
        return -1;
    };
    let layout = if layout == 1 {
        AbiLayout::January2026
    } else {
        AbiLayout::Newest
    };
    match open(&name, layout) {
        Ok(Some(host)) => {
            *HOST.lock().unwrap_or_else(PoisonError::into_inner) = Some(host);
            0
        }
        Ok(None) => 1,
        Err(error) => {
            tracing::error!("The plugin cannot work: {error}");
            -1
        }
    }
}

/// See openplc_plugin.h.
#[unsafe(no_mangle)]
pub extern "C" fn openplc_plugin_arguments() -> *mut c_void {
    with_host(|host| host.arguments.address()).unwrap_or(std::ptr::null_mut())
}

/// See openplc_plugin.h.
#[unsafe(no_mangle)]
pub extern "C" fn openplc_plugin_wait_until_leaving(milliseconds: c_int) -> c_int {
    let patience = Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0));
    // Not while the host is held: it may take long.
    let Some(plugin) = with_host(|host| host.plugin().clone()) else {
        return 1;
    };
    if with_host(Host::is_outdated).unwrap_or(false) {
        return 2;
    }
    c_int::from(plugin.wait_until_leaving(patience))
}

/// See openplc_plugin.h.
///
/// # Safety
/// `document` is null or ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn openplc_plugin_set_statistics(document: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    let document = unsafe { text(document) };
    let Some(document) = document.and_then(|text| serde_json::from_str::<Value>(&text).ok()) else {
        return -1;
    };
    with_host(|host| host.plugin().set_statistics_document(document)).map_or(-1, |()| 0)
}

/// See openplc_plugin.h.
///
/// # Safety
/// `message` is null or ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn openplc_plugin_report_failure(message: *const c_char) {
    // SAFETY: the caller's promise.
    if let Some(message) = unsafe { text(message) } {
        with_host(|host| host.plugin().report_failure(message));
    }
}

/// See openplc_plugin.h.
#[unsafe(no_mangle)]
pub extern "C" fn openplc_plugin_close() {
    let host = HOST.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(host) = host {
        host.end();
    }
}
