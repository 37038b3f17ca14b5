//! Sleeping until a deadline with a way to be woken before it: what a scan thread does between two scans.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::clock::timespec;

/// Wakes its one sleeper at a deadline or by [`Alarm::ring`], whichever comes first.
#[derive(Debug, Default)]
pub struct Alarm {
    /// Counts the rings; the sleeper waits for it to change.
    rings: AtomicU32,
}

impl Alarm {
    /// How often it has rung. Take it before deciding how long to sleep: a ring after that is not missed.
    #[must_use]
    pub fn rings(&self) -> u32 {
        self.rings.load(Ordering::Acquire)
    }

    /// Wakes the sleeper, or the next one that has not seen this ring.
    pub fn ring(&self) {
        self.rings.fetch_add(1, Ordering::Release);
        // SAFETY: the address is that of a live, aligned u32; FUTEX_WAKE reads no further argument than the count.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.rings.as_ptr(),
                libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
                1,
            )
        };
    }

    /// Sleeps until `deadline` (ns of the monotonic clock, for ever when absent) unless it has rung since `seen`. May
    /// return early for no reason.
    pub fn sleep(&self, deadline: Option<u64>, seen: u32) {
        let time = deadline.map(timespec);
        let time = time.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: the address is that of a live, aligned u32, the time is null or a timespec that outlives the call, and
        // with FUTEX_WAIT_BITSET it is absolute and of the monotonic clock. Every way to return is fine: the caller looks
        // at the clock.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.rings.as_ptr(),
                libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG,
                seen,
                time,
                std::ptr::null::<u32>(),
                libc::FUTEX_BITSET_MATCH_ANY,
            )
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn a_deadline_ends_the_sleep() {
        let alarm = Alarm::default();
        let deadline = clock::now() + 2_000_000;
        while clock::now() < deadline {
            alarm.sleep(Some(deadline), alarm.rings());
        }
        alarm.sleep(Some(0), alarm.rings());
    }

    #[test]
    fn a_ring_ends_the_sleep_and_is_not_missed() {
        let alarm = Alarm::default();
        let seen = alarm.rings();
        alarm.ring();
        alarm.sleep(None, seen);
        std::thread::scope(|scope| {
            let (alarm, seen) = (&alarm, alarm.rings());
            let sleeper = scope.spawn(move || {
                while alarm.rings() == seen {
                    alarm.sleep(None, seen);
                }
            });
            alarm.ring();
            sleeper.join().expect("the sleeper wakes");
        });
    }
}
