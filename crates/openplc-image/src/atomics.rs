//! The atomics that the lock-free parts are made of: the machine's, or those of the model checker.

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, Ordering, fence};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU32, Ordering, fence};

/// Stores a 64-bit number in two words, the lower half first.
pub(crate) fn store_u64(words: &[AtomicU32], value: u64) {
    words[0].store(value as u32, Ordering::Relaxed);
    words[1].store((value >> 32) as u32, Ordering::Relaxed);
}

/// Loads what [`store_u64`] has stored. The halves may be of different numbers: the caller must know better.
pub(crate) fn load_u64(words: &[AtomicU32]) -> u64 {
    u64::from(words[0].load(Ordering::Relaxed)) | u64::from(words[1].load(Ordering::Relaxed)) << 32
}
