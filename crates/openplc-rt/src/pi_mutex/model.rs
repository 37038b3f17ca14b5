//! The mutex for model checkers: mutual exclusion alone, and nobody's patience ends.

#[cfg(loom)]
use loom::sync::{Mutex, MutexGuard};
#[cfg(not(loom))]
use std::sync::{Mutex, MutexGuard};

use std::io;
use std::sync::PoisonError;
use std::time::Duration;

/// A mutex around a value.
pub struct PiMutex<T>(Mutex<T>);

/// Access to the value for as long as the mutex is held.
pub type PiGuard<'a, T> = MutexGuard<'a, T>;

impl<T> PiMutex<T> {
    /// A free mutex.
    ///
    /// # Errors
    /// None.
    pub fn new(value: T) -> io::Result<Self> {
        Ok(Self(Mutex::new(value)))
    }

    /// Waits for the mutex.
    pub fn lock(&self) -> PiGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the mutex, however long that is.
    pub fn lock_within(&self, _patience: Duration) -> Option<PiGuard<'_, T>> {
        Some(self.lock())
    }
}
