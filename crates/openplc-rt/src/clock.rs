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

/// Sleeps until [`now`] is at least `deadline` (ns). A deadline in the past returns at once.
pub fn sleep_until(deadline: u64) {
    let time = libc::timespec {
        tv_sec: (deadline / NANOSECONDS) as libc::time_t,
        tv_nsec: (deadline % NANOSECONDS) as libc::c_long,
    };
    // SAFETY: `time` is a valid timespec with less than a second of nanoseconds; no remainder is asked for.
    while unsafe {
        libc::clock_nanosleep(
            libc::CLOCK_MONOTONIC,
            libc::TIMER_ABSTIME,
            &raw const time,
            std::ptr::null_mut(),
        )
    } == libc::EINTR
    {}
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_sleep_never_ends_before_its_deadline() {
        let deadline = super::now() + 2_000_000;
        super::sleep_until(deadline);
        assert!(super::now() >= deadline);
        super::sleep_until(0);
    }
}
