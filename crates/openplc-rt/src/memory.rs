//! Memory that is there when a scan needs it.

use std::io;

use crate::check;

/// Why memory was not locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Locking would succeed now and make later allocations fail.
    #[error("RLIMIT_MEMLOCK is {0} bytes; unlimited is needed (LimitMEMLOCK=infinity, --ulimit memlock=-1)")]
    Limited(libc::rlim_t),
    /// `mlockall(2)` failed.
    #[error("mlockall: {0}")]
    Refused(#[from] io::Error),
}

/// Keeps every page of this process, now and in future, in memory.
///
/// # Errors
/// [`LockError::Limited`] where the limit cannot be lifted: with a limit, an allocation or a program loaded later would
/// fail once the limit is reached, which is worse than a page fault.
pub fn lock_all() -> Result<(), LockError> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a valid rlimit for the whole call.
    check(unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut limit) })?;
    if limit.rlim_cur != libc::RLIM_INFINITY {
        let unlimited = libc::rlimit {
            rlim_cur: libc::RLIM_INFINITY,
            rlim_max: libc::RLIM_INFINITY,
        };
        // SAFETY: `unlimited` is a valid rlimit for the whole call.
        check(unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const unlimited) })
            .map_err(|_| LockError::Limited(limit.rlim_cur))?;
    }
    // SAFETY: takes two flags and no pointer.
    check(unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE) })?;
    Ok(())
}

/// Has the kernel provide the next `BYTES` of the calling thread's stack now rather than in the middle of a scan. Where
/// memory is locked they are there already.
#[inline(never)]
pub fn touch_stack<const BYTES: usize>() {
    std::hint::black_box(&mut [0_u8; BYTES]);
}

/// Makes the C library serve all threads from one heap. A heap for each thread would be locked into memory as a whole.
pub fn use_one_heap() {
    // SAFETY: takes two numbers; called before other threads exist.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}
