//! The monotonic clock: it never jumps, whatever happens to the time of day.

const NANOSECONDS: u64 = 1_000_000_000;

/// Nanoseconds of `CLOCK_MONOTONIC`.
#[must_use]
pub fn now() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid timespec for the whole call, and CLOCK_MONOTONIC exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    // Both fields are never negative for this clock.
    time.tv_sec as u64 * NANOSECONDS + time.tv_nsec as u64
}

/// A moment (ns) as the kernel takes it.
pub(crate) fn timespec(moment: u64) -> libc::timespec {
    libc::timespec {
        tv_sec: (moment / NANOSECONDS) as libc::time_t,
        tv_nsec: (moment % NANOSECONDS) as libc::c_long,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn time_never_goes_back() {
        let before = super::now();
        assert!(super::now() >= before);
        let time = super::timespec(3_000_000_007);
        assert_eq!((time.tv_sec, time.tv_nsec), (3, 7));
    }
}
