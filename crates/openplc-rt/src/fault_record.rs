//! The record of a fatal signal: a program that faults takes the process with it, and the next process reads here why.

use std::fs::File;
use std::io;
use std::os::fd::IntoRawFd;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use crate::{check, check_number};

/// Signals by which a faulting program, or the watchdog, ends the process.
const FATAL: [libc::c_int; 5] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGABRT,
];

/// Descriptor of the record, or -1.
static RECORD: AtomicI32 = AtomicI32::new(-1);
/// Whether the process is about to end because it was told to.
static ORDERLY: AtomicBool = AtomicBool::new(false);

/// From now on a fatal signal writes its number in decimal digits to `record` before it ends the process as usual. So does
/// `exit`, with the number 0, unless [`expect_end`] was called before.
///
/// # Errors
/// The error of `sigaction(2)`.
pub fn install(record: File) -> io::Result<()> {
    // Stays open for the life of the process: the handler may need it at any time.
    RECORD.store(record.into_raw_fd(), Ordering::SeqCst);
    for signal in FATAL {
        // SAFETY: a zeroed sigaction is valid: no flags, an empty mask.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        let handler: extern "C" fn(libc::c_int) = on_fatal_signal;
        action.sa_sigaction = handler as usize;
        // On the alternate stack, which the standard library gives every thread, so that a stack overflow is recorded too;
        // once, so that the default action follows.
        action.sa_flags = libc::SA_ONSTACK | libc::SA_RESETHAND;
        // SAFETY: `action` is fully initialised, and its handler calls async-signal-safe functions only.
        check(unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) })?;
    }
    // SAFETY: the function takes and returns nothing, and is there for the life of the process.
    check_number(unsafe { libc::atexit(on_exit) })
}

/// The process ends because it was told to: its exit is no fault.
pub fn expect_end() {
    ORDERLY.store(true, Ordering::SeqCst);
}

extern "C" fn on_exit() {
    if !ORDERLY.load(Ordering::SeqCst) {
        // SAFETY: write(2) reads two bytes that are there. Its failure changes nothing.
        unsafe { libc::write(RECORD.load(Ordering::SeqCst), c"00".as_ptr().cast(), 2) };
    }
}

extern "C" fn on_fatal_signal(signal: libc::c_int) {
    let digits = [b'0' + (signal / 10 % 10) as u8, b'0' + (signal % 10) as u8];
    let record = RECORD.load(Ordering::SeqCst);
    // SAFETY: write(2) is async-signal-safe and reads two bytes that are there. Its failure changes nothing.
    unsafe { libc::write(record, digits.as_ptr().cast(), digits.len()) };
    // SAFETY: fsync(2) is async-signal-safe. The record must outlive a machine that goes down with us.
    unsafe { libc::fsync(record) };
    // SAFETY: raise(3) is async-signal-safe. A fault would repeat by itself; a sent signal would not. The signal is blocked
    // until this handler returns and has its default action by then.
    unsafe { libc::raise(signal) };
}

/// Name of a signal that [`install`] records, for people.
#[must_use]
pub fn describe(signal: i32) -> &'static str {
    match signal {
        0 => "a call of exit",
        libc::SIGSEGV => "SIGSEGV (memory access outside of its variables, or too deep recursion)",
        libc::SIGBUS => "SIGBUS (bad memory access)",
        libc::SIGFPE => "SIGFPE (integer division by zero)",
        libc::SIGILL => "SIGILL (illegal instruction)",
        libc::SIGABRT => "SIGABRT (abort, or a scan that did not end)",
        _ => "a fatal signal",
    }
}
