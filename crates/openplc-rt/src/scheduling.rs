//! Scheduling of the calling thread.

use std::io;

use crate::check;

/// How the kernel chooses among threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Real-time; among equals whoever came first runs until it waits (`SCHED_FIFO`).
    Fifo,
    /// Real-time; equals take turns (`SCHED_RR`).
    RoundRobin,
    /// Ordinary (`SCHED_OTHER`).
    Other,
}

impl Policy {
    /// The kernel's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fifo => "SCHED_FIFO",
            Self::RoundRobin => "SCHED_RR",
            Self::Other => "SCHED_OTHER",
        }
    }

    fn number(self) -> libc::c_int {
        match self {
            Self::Fifo => libc::SCHED_FIFO,
            Self::RoundRobin => libc::SCHED_RR,
            Self::Other => libc::SCHED_OTHER,
        }
    }
}

/// What becomes of the threads and processes that a thread starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Children {
    /// They have the same policy and priority. A thread without any privilege can start real-time threads so.
    Inherit,
    /// They are ordinary again (`SCHED_RESET_ON_FORK`).
    Ordinary,
}

/// Gives the calling thread this policy and priority (1 lowest, 99 highest; of no meaning for [`Policy::Other`]).
///
/// # Errors
/// `PermissionDenied` without CAP_SYS_NICE and with an RLIMIT_RTPRIO below `priority`, unless the thread has the policy
/// already and at least this priority.
pub fn set(policy: Policy, priority: i32, children: Children) -> io::Result<()> {
    let parameters = libc::sched_param {
        sched_priority: if policy == Policy::Other { 0 } else { priority },
    };
    let reset = match children {
        Children::Inherit => 0,
        Children::Ordinary => libc::SCHED_RESET_ON_FORK,
    };
    // SAFETY: `parameters` is valid for the whole call; thread 0 is the caller.
    check(unsafe { libc::sched_setscheduler(0, policy.number() | reset, &raw const parameters) }).map(drop)
}

/// Lets the calling thread, and those that it starts, run on these CPUs only.
///
/// # Errors
/// `InvalidInput` when none of them exists or may be used.
pub fn set_affinity(cpus: &[usize]) -> io::Result<()> {
    // SAFETY: a zeroed set is an empty one.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    for cpu in cpus {
        if *cpu >= libc::CPU_SETSIZE as usize {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // SAFETY: the set has room for CPU_SETSIZE bits.
        unsafe { libc::CPU_SET(*cpu, &mut set) };
    }
    // SAFETY: the set is valid for the whole call and of the size given; thread 0 is the caller.
    check(unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) }).map(drop)
}

/// The CPUs that the calling thread may run on.
///
/// # Errors
/// The error of `sched_getaffinity(2)`, for example on a computer with more than 1024 of them.
pub fn affinity() -> io::Result<Vec<usize>> {
    // SAFETY: a zeroed set is an empty one.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set is valid for the whole call and of the size given; thread 0 is the caller.
    check(unsafe { libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) })?;
    let cpus = 0..libc::CPU_SETSIZE as usize;
    // SAFETY: the set has room for CPU_SETSIZE bits.
    Ok(cpus
        .filter(|cpu| unsafe { libc::CPU_ISSET(*cpu, &set) })
        .collect())
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
    use super::*;

    #[test]
    fn an_impossible_priority_is_an_error() {
        assert!(set(Policy::Fifo, 1000, Children::Ordinary).is_err());
        assert!(
            set(Policy::Other, 1000, Children::Ordinary).is_ok(),
            "it has none"
        );
    }

    #[test]
    fn a_cpu_that_does_not_exist_is_an_error() {
        assert!(set_affinity(&[]).is_err());
        assert!(set_affinity(&[1023]).is_err());
        assert!(set_affinity(&[1 << 20]).is_err());
    }

    #[test]
    fn a_thread_stays_on_its_cpu() {
        std::thread::spawn(|| {
            set_affinity(&[0]).unwrap();
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            assert!(status.contains("Cpus_allowed_list:\t0\n"), "{status}");
            assert_eq!(affinity().unwrap(), [0]);
        })
        .join()
        .unwrap();
    }
}
