//! A mutex with priority inheritance: while a real-time thread waits, the holder runs at its priority, so the wait is
//! never longer than the holder's critical section.
//!
//! JUSTIFICATION: neither the standard library nor a maintained crate offers one.

use std::cell::UnsafeCell;
use std::io;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use crate::check_number;
use crate::clock::{self, timespec};

unsafe extern "C" {
    /// `pthread_mutex_clocklock(3)` of glibc 2.30, which the libc crate leaves out.
    fn pthread_mutex_clocklock(
        mutex: *mut libc::pthread_mutex_t,
        clock: libc::clockid_t,
        deadline: *const libc::timespec,
    ) -> libc::c_int;
}

/// Time between two tries of [`PiMutex::lock_within`] on kernels that cannot queue with a deadline.
const RETRY: Duration = Duration::from_micros(20);

/// A mutex with priority inheritance around a value.
pub struct PiMutex<T> {
    /// Boxed because a pthread mutex must not move once it has been used.
    mutex: Box<UnsafeCell<libc::pthread_mutex_t>>,
    value: UnsafeCell<T>,
}

// SAFETY: the mutex grants one thread at a time access to `value`, so sharing the lock only moves the value's use between
// threads, which `T: Send` allows.
unsafe impl<T: Send> Sync for PiMutex<T> {}
// SAFETY: the boxed pthread mutex may be used from any thread and does not move with the struct.
unsafe impl<T: Send> Send for PiMutex<T> {}

impl<T> PiMutex<T> {
    /// A free mutex.
    ///
    /// # Errors
    /// The error of `pthread_mutexattr_setprotocol(3)` or `pthread_mutex_init(3)`.
    pub fn new(value: T) -> io::Result<Self> {
        let mut attributes = std::mem::MaybeUninit::uninit();
        // SAFETY: pthread_mutexattr_init initialises the memory it is given.
        check_number(unsafe { libc::pthread_mutexattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: the attributes were initialised above.
        check_number(unsafe {
            libc::pthread_mutexattr_setprotocol(attributes.as_mut_ptr(), libc::PTHREAD_PRIO_INHERIT)
        })?;
        let mutex = Box::new(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER));
        // SAFETY: the memory is valid, not yet shared, and stays where it is; the attributes are initialised.
        check_number(unsafe { libc::pthread_mutex_init(mutex.get(), attributes.as_ptr()) })?;
        // SAFETY: the attributes were initialised above and are not used again.
        unsafe { libc::pthread_mutexattr_destroy(attributes.as_mut_ptr()) };
        Ok(Self {
            mutex,
            value: UnsafeCell::new(value),
        })
    }

    /// Waits for the mutex.
    pub fn lock(&self) -> PiGuard<'_, T> {
        // SAFETY: the mutex is initialised and lives as long as `self`. It is neither recursive nor robust, so the only
        // failure is a thread locking it twice, which deadlocks rather than returns.
        unsafe { libc::pthread_mutex_lock(self.mutex.get()) };
        PiGuard { lock: self }
    }

    /// Waits for the mutex for at most `patience`; `None` when that was not enough.
    ///
    /// The wait is a place in the queue: whoever unlocks hands the mutex over, so a holder that locks it again and again
    /// cannot keep it to itself.
    pub fn lock_within(&self, patience: Duration) -> Option<PiGuard<'_, T>> {
        let patience = u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX);
        let deadline = clock::now().saturating_add(patience);
        let time = timespec(deadline);
        // SAFETY: the mutex is initialised and lives as long as `self`; the time outlives the call.
        match unsafe { pthread_mutex_clocklock(self.mutex.get(), libc::CLOCK_MONOTONIC, &raw const time) } {
            0 => Some(PiGuard { lock: self }),
            // FUTEX_LOCK_PI2 came with Linux 5.14. The time of day, which older ones count in, may jump.
            libc::EINVAL | libc::ENOTSUP | libc::ENOSYS => self.try_until(deadline),
            _ => None,
        }
    }

    fn try_until(&self, deadline: u64) -> Option<PiGuard<'_, T>> {
        loop {
            // SAFETY: the mutex is initialised and lives as long as `self`.
            if unsafe { libc::pthread_mutex_trylock(self.mutex.get()) } == 0 {
                return Some(PiGuard { lock: self });
            }
            if clock::now() >= deadline {
                return None;
            }
            std::thread::sleep(RETRY);
        }
    }
}

impl<T> Drop for PiMutex<T> {
    fn drop(&mut self) {
        // SAFETY: nobody else holds a reference, so the mutex is free and not used again.
        unsafe { libc::pthread_mutex_destroy(self.mutex.get()) };
    }
}

/// Access to the value for as long as the mutex is held.
pub struct PiGuard<'a, T> {
    lock: &'a PiMutex<T>,
}

impl<T> Deref for PiGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: this thread holds the mutex, so nobody else has access.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for PiGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: this thread holds the mutex, so nobody else has access, and the guard is borrowed mutably.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for PiGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: the guard exists only while this thread holds the mutex.
        unsafe { libc::pthread_mutex_unlock(self.lock.mutex.get()) };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn no_increment_is_lost() {
        let counter = PiMutex::new(0_u64).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| *counter.lock() += 1));
            }
        });
        assert_eq!(*counter.lock(), 40_000);
    }

    #[test]
    fn patience_ends() {
        let mutex = PiMutex::new(()).unwrap();
        let held = mutex.lock();
        std::thread::scope(|scope| {
            scope
                .spawn(|| assert!(mutex.lock_within(Duration::from_millis(20)).is_none()))
                .join()
                .expect("the waiting thread must give up");
        });
        drop(held);
        assert!(mutex.lock_within(Duration::from_millis(20)).is_some());
    }

    #[test]
    fn trying_until_a_deadline_ends_too() {
        let mutex = &PiMutex::new(()).unwrap();
        let held = mutex.lock();
        std::thread::scope(|scope| {
            let soon = clock::now() + 20_000_000;
            let tried = scope.spawn(move || mutex.try_until(soon).is_none());
            assert!(tried.join().unwrap());
        });
        drop(held);
        assert!(mutex.try_until(0).is_some());
    }

    #[test]
    fn one_that_locks_again_and_again_does_not_keep_the_others_out() {
        let mutex = PiMutex::new(()).unwrap();
        let enough = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !enough.load(Ordering::Relaxed) {
                    let _held = mutex.lock();
                    let until = clock::now() + 1_000_000;
                    while clock::now() < until {}
                }
            });
            for _ in 0..20 {
                assert!(mutex.lock_within(Duration::from_secs(20)).is_some());
            }
            enough.store(true, Ordering::Relaxed);
        });
    }
}
