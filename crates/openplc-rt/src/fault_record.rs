//! The record of how a process ends: a program that faults takes the process with it, and the next process reads here why.

mod context;
mod record;
mod text;

use std::cell::Cell;
use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::IntoRawFd;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use crate::{check, check_number};

pub use record::Record;
pub use text::Fault;

/// Signals by which a faulting program, or the watchdog, ends the process.
const FATAL: [libc::c_int; 8] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGABRT,
    libc::SIGTRAP,
    libc::SIGSYS,
    libc::SIGXCPU,
];

/// Descriptor of the record, or -1.
static RECORD: AtomicI32 = AtomicI32::new(-1);
/// The process whose end is recorded: those that it forks inherit handlers and record.
static PROCESS: AtomicI32 = AtomicI32::new(-1);
/// Whether the process is about to end because it was told to.
static ORDERLY: AtomicBool = AtomicBool::new(false);
/// Whether it is about to end because it found a defect in itself, or something else that says more than a signal.
static BROKEN: AtomicBool = AtomicBool::new(false);
/// Where the code of the program begins and ends that is executed.
static CODE: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];

/// Whether the most urgent task executes a plugin's code within its scan.
static IN_PLUGIN: AtomicBool = AtomicBool::new(false);
/// Name of the thread that a plugin within the scan engine has, and which those inherit that it starts. At most 15 bytes.
pub const PLUGIN_THREAD: &str = "in-scan-plugin";
/// Longest name of a thread with its final zero, in bytes.
const THREAD_NAME: usize = 16;

/// Task and number of the scan that hangs; the number is 0 while none does.
static HANGING_TASK: AtomicU32 = AtomicU32::new(0);
static HANGING_SCAN: AtomicU64 = AtomicU64::new(0);

// Initialised by constants and without destructors, so that a signal handler may read them.
thread_local! {
    /// Number of the task and of the scan that this thread executes, if it does.
    static SCAN: Cell<Option<(u32, u64)>> = const { Cell::new(None) };
    /// Highest address of this thread's stack that may be looked at.
    static STACK_TOP: Cell<usize> = const { Cell::new(0) };
}

/// From now on a fatal signal writes a [`Fault`] to `record` before it ends the process as usual. So does `exit`, with the
/// number 0, unless [`expect_end`] was called before. A signal that somebody else has sent is no fault, unless a scan hangs:
/// then it is the watchdog's.
///
/// # Errors
/// The error of `sigaction(2)`.
pub fn install(record: File) -> io::Result<()> {
    // Stays open for the life of the process: the handler may need it at any time.
    RECORD.store(record.into_raw_fd(), Ordering::SeqCst);
    PROCESS.store(std::process::id().cast_signed(), Ordering::SeqCst);
    for signal in FATAL {
        // SAFETY: a zeroed sigaction is valid: no flags, an empty mask.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut c_void) = on_fatal_signal;
        action.sa_sigaction = handler as usize;
        // On the alternate stack, which the standard library gives every thread, so that a stack overflow is recorded too;
        // once, so that the default action follows.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESETHAND;
        // SAFETY: `action` is fully initialised, and its handler calls async-signal-safe functions only.
        check(unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) })?;
    }
    // SAFETY: the function takes and returns nothing, and is there for the life of the process.
    check_number(unsafe { libc::atexit(on_exit) })
}

/// The process ends because it was told to: its exit is no fault.
pub fn expect_end() {
    ORDERLY.store(true, Ordering::SeqCst);
    write(record::END);
}

/// The process ends because it has found a defect in itself, such as a panic: that is no fault of the program.
pub fn note_defect(text: &str) {
    write(record::defect(text).as_bytes());
    // Of several the last one is told. None is written over by the signal that ends the process.
    BROKEN.store(true, Ordering::SeqCst);
}

/// The process ends because code of a program, outside of scans, does not come to its end. `what` is for [`Record::Stuck`].
pub fn note_stuck(what: &str) {
    write(record::stuck(what).as_bytes());
    BROKEN.store(true, Ordering::SeqCst);
}

/// The calling thread executes scans. What lies on its stack above this call will not be looked at.
pub fn watch_thread() {
    let here = 0_u8;
    STACK_TOP.set((&raw const here).addr());
}

/// The calling thread executes this scan of this task, or none.
#[inline]
pub fn set_scan(scan: Option<(u32, u64)>) {
    SCAN.set(scan);
}

/// The most urgent task executes a plugin's code within its scan from now on, or no longer.
#[inline]
pub fn set_in_plugin(is_in_plugin: bool) {
    IN_PLUGIN.store(is_in_plugin, Ordering::Relaxed);
}

/// Whether the most urgent task executes a plugin's code.
#[must_use]
pub fn is_in_plugin() -> bool {
    IN_PLUGIN.load(Ordering::Relaxed)
}

/// This scan of this task hangs: whatever ends the process now does so on its account. Or none hangs any more.
pub fn set_hanging(scan: Option<(u32, u64)>) {
    let (task, number) = scan.unwrap_or_default();
    HANGING_TASK.store(task, Ordering::SeqCst);
    HANGING_SCAN.store(number, Ordering::SeqCst);
}

/// The program whose code lies in these addresses is executed from now on.
pub fn set_code(code: Range<usize>) {
    CODE[0].store(code.start, Ordering::Relaxed);
    CODE[1].store(code.end, Ordering::Relaxed);
}

/// Address within the program's code; `None` outside of it.
fn in_program(address: usize) -> Option<usize> {
    let [start, end] = [0, 1].map(|at| CODE[at].load(Ordering::Relaxed));
    (start..end).contains(&address).then(|| address - start)
}

extern "C" fn on_exit() {
    if !ORDERLY.load(Ordering::SeqCst) && is_recorded() {
        write_fault(&fault(0, None));
    }
}

/// Whether the calling process is the one whose end is recorded, and nothing has been recorded that says more.
fn is_recorded() -> bool {
    // SAFETY: getpid(2) is always allowed and async-signal-safe.
    let process = unsafe { libc::getpid() };
    process == PROCESS.load(Ordering::SeqCst) && !BROKEN.load(Ordering::SeqCst)
}

extern "C" fn on_fatal_signal(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    if is_recorded() {
        // SAFETY: with SA_SIGINFO the kernel passes a siginfo_t that is valid until the handler returns.
        if hanging().is_none() && unsafe { was_sent_by_another(info) } {
            write(record::END);
        } else {
            // SAFETY: of the context as the kernel has passed it.
            unsafe { record_signal(signal, context) };
        }
    }
    // Not synced: outputs stand as they are until the process has ended, and a slow disk must not put that off.
    // SAFETY: raise(3) is async-signal-safe. A fault would repeat by itself; a sent signal would not. The signal is blocked
    // until this handler returns and has its default action by then.
    unsafe { libc::raise(signal) };
}

/// Whether another process has sent the signal. No fault comes that way.
///
/// # Safety
/// The kernel must have filled it in.
unsafe fn was_sent_by_another(info: *const libc::siginfo_t) -> bool {
    // SAFETY: as promised by the caller.
    let info = unsafe { &*info };
    // SAFETY: signals with such a code, which processes send, have the sender's id.
    info.si_code <= 0 && unsafe { info.si_pid() } != PROCESS.load(Ordering::SeqCst)
}

/// # Safety
/// The context must be that of a signal handler which has not returned yet.
unsafe fn record_signal(signal: libc::c_int, context: *mut c_void) {
    // SAFETY: it is a ucontext_t that is valid until the handler returns.
    let registers = unsafe { context::registers(context) };
    let direct = registers.and_then(|(instruction, _)| in_program(instruction));
    // Written before the stack is looked at: that may fault itself, and then this is what remains.
    write_fault(&fault(signal, direct));
    if let (None, Some((_, stack))) = (direct, registers)
        // A function of a library faulted, on the program's behalf: where will it return to?
        // SAFETY: the stack of this thread lies between its stack pointer and what `watch_thread` has noted.
        && let Some(caller) = unsafe { context::find_on_stack(stack, STACK_TOP.get(), in_program) }
    {
        write_fault(&fault(signal, Some(caller)));
    }
}

/// Task and number of the scan that hangs, if one does.
fn hanging() -> Option<(u32, u64)> {
    let scan = HANGING_SCAN.load(Ordering::SeqCst);
    (scan != 0).then(|| (HANGING_TASK.load(Ordering::SeqCst), scan))
}

fn fault(signal: libc::c_int, address: Option<usize>) -> Fault {
    let scan = SCAN.get().or_else(hanging);
    let in_plugin = matches!(scan, Some((0, _))) && IN_PLUGIN.load(Ordering::Relaxed);
    Fault {
        signal,
        scan,
        address: address.map(|address| address as u64),
        plugin: in_plugin || scan.is_none() && is_thread_of_plugin(),
    }
}

/// Whether the calling thread is one of a plugin within the scan engine.
fn is_thread_of_plugin() -> bool {
    let mut name = [0_u8; THREAD_NAME];
    // SAFETY: prctl(2) is async-signal-safe, and this option writes 16 bytes at most.
    let known = unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) } == 0;
    known && name.starts_with(PLUGIN_THREAD.as_bytes())
}

fn write_fault(fault: &Fault) {
    let mut text = [0; text::LONGEST];
    let length = fault.write(&mut text);
    write(&text[..length]);
}

/// Writes over what was recorded before.
fn write(text: &[u8]) {
    // SAFETY: pwrite(2) is async-signal-safe and reads bytes that are there. Its failure changes nothing.
    unsafe { libc::pwrite(RECORD.load(Ordering::SeqCst), text.as_ptr().cast(), text.len(), 0) };
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
        libc::SIGTRAP => "SIGTRAP (a trap instruction)",
        libc::SIGSYS => "SIGSYS (a system call that is not allowed)",
        libc::SIGXCPU => "SIGXCPU (too much processor time)",
        _ => "a fatal signal",
    }
}
