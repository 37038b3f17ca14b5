//! What a program may call: the Rust side of `openplc_host`.

use std::ffi::{c_char, c_void};
use std::net::{Ipv4Addr, SocketAddrV4};

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
    /// A connection of a communication block, while it is being made in the background: its number, the same for every call
    /// until it is closed. `None` when it failed, or there are too many.
    fn connect(&self, address: SocketAddrV4, protocol: Protocol) -> Option<i32>;
    /// Sends; how many bytes were taken, of a datagram all. `None` when there is no room now, or no such connection.
    fn send(&self, connection: i32, bytes: &[u8]) -> Option<usize>;
    /// How many bytes were received into `buffer`; 0 when the other side has ended the connection, `None` when there is
    /// nothing now, or no such connection.
    fn receive(&self, connection: i32, buffer: &mut [u8]) -> Option<usize>;
    /// Ends a connection. `None` when there is no such one.
    fn disconnect(&self, connection: i32) -> Option<()>;
}

/// How a communication block reaches the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// A stream of bytes.
    Tcp,
    /// Datagrams.
    Udp,
}

/// Longest text of an IPv4 address, in bytes.
const LONGEST_ADDRESS: usize = 15;

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
                connect,
                send,
                receive,
                disconnect,
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

/// What a function of the C interface returns: a number that is not negative, or -1.
fn outcome(result: Option<usize>) -> i32 {
    result.and_then(|number| i32::try_from(number).ok()).unwrap_or(-1)
}

extern "C" fn connect(context: *mut c_void, address: *const c_char, port: u16, method: i32) -> i32 {
    let protocol = match method {
        0 => Protocol::Tcp,
        1 => Protocol::Udp,
        _ => return -1,
    };
    if address.is_null() {
        return -1;
    }
    let mut text = [0; LONGEST_ADDRESS];
    let mut length = 0;
    loop {
        // SAFETY: by the ABI `address` ends with NUL, which was not there yet, so this is at most one byte behind it.
        let place = unsafe { address.add(length) };
        // SAFETY: as above, it belongs to the text or is its end.
        let byte = unsafe { *place.cast::<u8>() };
        if byte == 0 {
            break;
        }
        let Some(place) = text.get_mut(length) else {
            return -1;
        };
        *place = byte;
        length += 1;
    }
    let address = text.get(..length).and_then(|text| std::str::from_utf8(text).ok());
    let Some(address) = address.and_then(|text| text.trim().parse::<Ipv4Addr>().ok()) else {
        return -1;
    };
    // SAFETY: a program passes the context of its own table, which outlives it (field order in `Program`).
    let host = unsafe { host_of(context) };
    host.connect(SocketAddrV4::new(address, port), protocol)
        .unwrap_or(-1)
}

extern "C" fn send(context: *mut c_void, connection: i32, bytes: *const c_void, length: u32) -> i32 {
    if bytes.is_null() {
        return -1;
    }
    // SAFETY: a program passes the context of its own table, which outlives it (field order in `Program`).
    let host = unsafe { host_of(context) };
    // SAFETY: by the ABI `bytes` has `length` bytes that are valid during the call.
    let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length as usize) };
    outcome(host.send(connection, bytes))
}

extern "C" fn receive(context: *mut c_void, connection: i32, buffer: *mut c_void, length: u32) -> i32 {
    if buffer.is_null() {
        return -1;
    }
    // SAFETY: a program passes the context of its own table, which outlives it (field order in `Program`).
    let host = unsafe { host_of(context) };
    // SAFETY: by the ABI `buffer` has `length` bytes that are the call's alone, and were written by the program's loader or
    // the program: bytes of any value.
    let buffer = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length as usize) };
    outcome(host.receive(connection, buffer))
}

extern "C" fn disconnect(context: *mut c_void, connection: i32) -> i32 {
    // SAFETY: a program passes the context of its own table, which outlives it (field order in `Program`).
    let host = unsafe { host_of(context) };
    outcome(host.disconnect(connection).map(|()| 0))
}
