//! A mutex with priority inheritance: while a real-time thread waits, the holder runs at its priority, so the wait is
//! never longer than the holder's critical section.
//!
//! JUSTIFICATION: neither the standard library nor a maintained crate offers one. That of the C library lies elsewhere in memory
//! than what it protects, and takes ten times as many instructions when nobody waits: a scan locks three.

use std::cell::{Cell, UnsafeCell};
use std::io;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::process;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::clock::{self, timespec};
use crate::fault_record;

/// Time between two tries of [`PiMutex::lock_within`] on kernels that cannot queue with a deadline.
const RETRY: Duration = Duration::from_micros(20);
/// In the word of a mutex that nobody holds. Otherwise it has the holder's thread id, and a bit of the kernel's when others wait.
const FREE: u32 = 0;

thread_local! {
    /// Id of this thread, once it is known.
    static THREAD: Cell<u32> = const { Cell::new(0) };
}

/// A mutex with priority inheritance around a value.
pub struct PiMutex<T> {
    /// As `futex(2)` says of priority inheritance.
    word: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: the mutex grants one thread at a time access to `value`, so sharing the lock only moves the value's use between
// threads, which `T: Send` allows.
unsafe impl<T: Send> Sync for PiMutex<T> {}

impl<T> PiMutex<T> {
    /// A free mutex.
    ///
    /// # Errors
    /// When the kernel has no priority inheritance for mutexes.
    pub fn new(value: T) -> io::Result<Self> {
        let mutex = Self {
            word: AtomicU32::new(FREE),
            value: UnsafeCell::new(value),
        };
        // What is not held cannot be unlocked; a kernel that can do it at all says so.
        match mutex.call(libc::FUTEX_UNLOCK_PI, None) {
            Err(libc::ENOSYS) => Err(io::Error::from_raw_os_error(libc::ENOSYS)),
            _ => Ok(mutex),
        }
    }

    /// Waits for the mutex.
    #[inline]
    pub fn lock(&self) -> PiGuard<'_, T> {
        if !self.take() {
            self.wait();
        }
        self.guard()
    }

    fn guard(&self) -> PiGuard<'_, T> {
        PiGuard {
            lock: self,
            of_this_thread: PhantomData,
        }
    }

    /// Takes the mutex if nobody holds it.
    #[inline]
    fn take(&self) -> bool {
        self.word
            .compare_exchange(FREE, this_thread(), Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    #[cold]
    fn wait(&self) {
        loop {
            match self.call(libc::FUTEX_LOCK_PI, None) {
                Ok(()) => return,
                // A signal came, or the holder is about to end.
                Err(libc::EINTR | libc::EAGAIN) => {}
                Err(error) => {
                    // The holder has ended, or waits for this thread: what is protected cannot be reached any more.
                    fault_record::note_defect(&format!("a lock will never be free (error {error})"));
                    process::abort()
                }
            }
        }
    }

    /// Waits for the mutex for at most `patience`; `None` when that was not enough.
    ///
    /// The wait is a place in the queue: whoever unlocks hands the mutex over, so a holder that locks it again and again
    /// cannot keep it to itself.
    pub fn lock_within(&self, patience: Duration) -> Option<PiGuard<'_, T>> {
        if self.take() {
            return Some(self.guard());
        }
        let patience = u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX);
        let deadline = clock::now().saturating_add(patience);
        let time = timespec(deadline);
        loop {
            match self.call(libc::FUTEX_LOCK_PI2, Some(&time)) {
                Ok(()) => return Some(self.guard()),
                Err(libc::EINTR | libc::EAGAIN) => {}
                // It came with Linux 5.14. The time of day, which older ones count in, may jump.
                Err(libc::ENOSYS) => return self.try_until(deadline),
                Err(_) => return None,
            }
        }
    }

    fn try_until(&self, deadline: u64) -> Option<PiGuard<'_, T>> {
        while !self.take() {
            if clock::now() >= deadline {
                return None;
            }
            std::thread::sleep(RETRY);
        }
        Some(self.guard())
    }

    #[inline]
    fn unlock(&self) {
        let thread = this_thread();
        let unlocked = self
            .word
            .compare_exchange(thread, FREE, Ordering::Release, Ordering::Relaxed);
        if unlocked.is_err() {
            self.hand_over();
        }
    }

    #[cold]
    fn hand_over(&self) {
        // The kernel gives it to the most urgent of those who wait. It cannot fail for the holder.
        let _ = self.call(libc::FUTEX_UNLOCK_PI, None);
    }

    /// Asks the kernel, until a moment of the monotonic clock where there is one.
    fn call(&self, operation: libc::c_int, until: Option<&libc::timespec>) -> Result<(), libc::c_int> {
        let until = until.map_or(ptr::null(), ptr::from_ref);
        // SAFETY: the address is that of a live, aligned u32; the time is null or outlives the call. Other arguments are not read.
        let result = unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.word.as_ptr(),
                operation | libc::FUTEX_PRIVATE_FLAG,
                0,
                until,
            )
        };
        match result {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error().raw_os_error().unwrap_or(0)),
        }
    }
}

/// Id of the calling thread, as the kernel knows it.
#[inline]
fn this_thread() -> u32 {
    let known = THREAD.get();
    if known != 0 { known } else { look_up_thread() }
}

#[cold]
fn look_up_thread() -> u32 {
    // SAFETY: gettid(2) is always allowed. A thread's id is positive.
    let thread = unsafe { libc::gettid() }.cast_unsigned();
    THREAD.set(thread);
    thread
}

/// Access to the value for as long as the mutex is held.
pub struct PiGuard<'a, T> {
    lock: &'a PiMutex<T>,
    /// Only the thread that holds it can unlock it.
    of_this_thread: PhantomData<*const ()>,
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
    #[inline]
    fn drop(&mut self) {
        self.lock.unlock();
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
