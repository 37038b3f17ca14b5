//! What a program may call: the Rust side of `openplc_host`.

use std::ffi::{c_char, c_void};

use crate::abi;
use crate::python::{Answer, Requests};

/// Severity of a line that a program logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// For developers.
    Debug,
    /// Normal operation.
    Info,
    /// Somebody should look.
    Warning,
    /// Something failed.
    Error,
}

/// What a program may ask of its host. Called from scan threads: an implementation neither blocks, allocates nor enters
/// the kernel.
pub trait Host: Send + Sync {
    /// Adds a line to the log; the text is cut and copied.
    fn log(&self, severity: Severity, text: &[u8]);
    /// Where Python blocks are asked for.
    fn python(&self) -> &Requests;
}

/// The host table of one loaded program. The program keeps a pointer to it, so it must not move: it lives in a box.
pub(crate) struct HostTable {
    pub(crate) table: abi::Host,
    /// What `table.context` points to: a box around the fat pointer, because C takes a thin one.
    _host: Box<Box<dyn Host>>,
}

// SAFETY: the context pointer refers to `_host`, which is Send and Sync itself.
unsafe impl Send for HostTable {}
// SAFETY: as above; nothing in it changes after it was made.
unsafe impl Sync for HostTable {}

impl HostTable {
    pub(crate) fn new(host: Box<dyn Host>) -> Box<Self> {
        let mut host = Box::new(host);
        let context: *mut Box<dyn Host> = &raw mut *host;
        Box::new(Self {
            table: abi::Host {
                abi: abi::ABI,
                size: size_of::<abi::Host>() as u32,
                context: context.cast(),
                log,
                python_block,
            },
            _host: host,
        })
    }
}

/// # Safety
/// `context` must be what [`HostTable::new`] put into a table that still exists.
unsafe fn host_of<'a>(context: *mut c_void) -> &'a dyn Host {
    // SAFETY: by contract the pointer is that of a live Box<dyn Host>, which is only ever used through shared references.
    unsafe { (*context.cast::<Box<dyn Host>>()).as_ref() }
}

extern "C" fn log(context: *mut c_void, severity: u32, text: *const c_char, length: u32) {
    if text.is_null() {
        return;
    }
    // SAFETY: a program passes the context of its own table, which outlives it (field order in `Program`).
    let host = unsafe { host_of(context) };
    // SAFETY: by the ABI `text` has `length` bytes that are valid during the call.
    let text = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), length as usize) };
    let severity = match severity {
        0 => Severity::Debug,
        1 => Severity::Info,
        2 => Severity::Warning,
        _ => Severity::Error,
    };
    host.log(severity, text);
}

extern "C" fn python_block(
    context: *mut c_void,
    script_name: *const c_char,
    script_template: *const c_char,
    input_size: u64,
    output_size: u64,
    input: *mut *mut c_void,
    output: *mut *mut c_void,
) -> i32 {
    if script_name.is_null() || script_template.is_null() || input.is_null() || output.is_null() {
        return -2;
    }
    // SAFETY: a program passes the context of its own table, which outlives it (field order in `Program`).
    let host = unsafe { host_of(context) };
    match host
        .python()
        .ask(script_name, script_template, input_size, output_size)
    {
        Answer::Ready {
            input: input_area,
            output: output_area,
        } => {
            // SAFETY: checked above not to be null; by the ABI it is where the program wants the address.
            unsafe { input.write(input_area) };
            // SAFETY: as above.
            unsafe { output.write(output_area) };
            0
        }
        Answer::NotYet => -1,
        Answer::Never => -2,
    }
}
