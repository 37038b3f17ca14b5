//! Scheduling of the calling thread.

use std::io;

use crate::check;

/// Makes the calling thread SCHED_FIFO with this priority (1 lowest, 99 highest). Threads and processes that it starts
/// are ordinary again (SCHED_RESET_ON_FORK).
///
/// # Errors
/// `PermissionDenied` without CAP_SYS_NICE and with an RLIMIT_RTPRIO below `priority`.
pub fn set_fifo(priority: i32) -> io::Result<()> {
    let parameters = libc::sched_param {
        sched_priority: priority,
    };
    // SAFETY: `parameters` is valid for the whole call; thread 0 is the caller.
    check(unsafe {
        libc::sched_setscheduler(
            0,
            libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK,
            &raw const parameters,
        )
    })
    .map(drop)
}

/// Lets timers of the calling thread expire as exactly as the kernel can. It matters where the thread is not real-time:
/// the kernel's default is 50 µs late.
///
/// # Errors
/// The error of `prctl(2)`.
pub fn set_least_timer_slack() -> io::Result<()> {
    let one_nanosecond: libc::c_ulong = 1;
    // SAFETY: PR_SET_TIMERSLACK takes one number and no pointer.
    check(unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, one_nanosecond) }).map(drop)
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_impossible_priority_is_an_error() {
        assert!(super::set_fifo(1000).is_err());
    }
}
