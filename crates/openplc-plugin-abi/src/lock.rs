//! A lock that its holder may take again: hooks of a plugin run while it is held, and may lock the image themselves.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

/// Who holds the lock, and how often.
#[derive(Debug, Default)]
struct Holder {
    thread: Option<ThreadId>,
    depth: u32,
}

/// The lock.
#[derive(Debug, Default)]
pub(crate) struct RecursiveLock {
    holder: Mutex<Holder>,
    free: Condvar,
}

impl RecursiveLock {
    /// Takes the lock; returns whether this thread had not held it before.
    pub fn take(&self) -> bool {
        let this = thread::current().id();
        let mut holder = self.holder();
        while holder.thread.is_some_and(|thread| thread != this) {
            holder = self.free.wait(holder).unwrap_or_else(PoisonError::into_inner);
        }
        holder.thread = Some(this);
        holder.depth += 1;
        holder.depth == 1
    }

    /// Whether this thread is about to give the lock back for good.
    pub fn is_last(&self) -> bool {
        let holder = self.holder();
        holder.thread == Some(thread::current().id()) && holder.depth == 1
    }

    /// Gives the lock back once. A thread that does not hold it changes nothing.
    pub fn give(&self) {
        let mut holder = self.holder();
        if holder.thread != Some(thread::current().id()) {
            return;
        }
        holder.depth -= 1;
        if holder.depth == 0 {
            holder.thread = None;
            drop(holder);
            self.free.notify_one();
        }
    }

    fn holder(&self) -> MutexGuard<'_, Holder> {
        self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn its_holder_takes_it_again_and_others_wait() {
        let lock = Arc::new(RecursiveLock::default());
        assert!(lock.take());
        assert!(!lock.take());
        assert!(!lock.is_last());
        let (other, taken) = (lock.clone(), Arc::new(AtomicBool::new(false)));
        let thread = thread::spawn({
            let taken = taken.clone();
            move || {
                // Not its own: nothing happens.
                other.give();
                assert!(other.take());
                taken.store(true, Ordering::SeqCst);
                other.give();
            }
        });
        lock.give();
        assert!(lock.is_last());
        assert!(!taken.load(Ordering::SeqCst));
        lock.give();
        thread.join().unwrap();
        assert!(taken.load(Ordering::SeqCst));
    }
}
