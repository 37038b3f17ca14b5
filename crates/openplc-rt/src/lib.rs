//! The real-time system calls of the runtime behind safe functions: clock, scheduling, memory locking, a mutex with
//! priority inheritance, shared memory areas, and the record of a fatal signal.
//!
//! This is the one crate with unsafe system calls; every block says why it is sound. It must not know what a program,
//! a scan or a client is.

pub mod alarm;
pub mod clock;
pub mod fault_record;
pub mod memory;
// A model checker does not know mutexes with priority inheritance; it takes an ordinary one for it.
#[cfg_attr(any(loom, miri), path = "pi_mutex/model.rs")]
pub mod pi_mutex;
pub mod process;
pub mod scheduling;
pub mod shared_area;
pub mod shared_memory;
pub mod task_lock;

use std::io;

/// Turns a result of the C library, where -1 means failure, into [`io::Result`].
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// Turns a result of the pthread functions, which is the error number itself, into [`io::Result`].
fn check_number(result: libc::c_int) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(result))
    }
}
