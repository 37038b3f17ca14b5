//! Memory that two processes map: a memory file of fixed size, seen as atomic words.
//!
//! The other side may change every word at any time. Words are therefore only ever loaded and stored atomically, and the file
//! is sealed against shrinking before anybody else gets it: touching a page that a peer has cut off would end the process.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;

use crate::check;

/// Bytes of a word.
const WORD: usize = size_of::<AtomicU32>();
/// Seals that fix the size for ever.
const FIXED_SIZE: libc::c_int = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW;

/// Who may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writers {
    /// Only the process that created the memory, through its own mapping.
    Creator,
    /// Everybody who gets the descriptor.
    Everybody,
}

/// A mapping of a memory file.
#[derive(Debug)]
pub struct SharedMemory {
    address: NonNull<AtomicU32>,
    words: usize,
    descriptor: OwnedFd,
}

// SAFETY: the mapping belongs to no thread, and all access goes through atomics.
unsafe impl Send for SharedMemory {}
// SAFETY: as above.
unsafe impl Sync for SharedMemory {}

impl SharedMemory {
    /// Creates zeroed memory of `words` words (at least one) and maps it. `name` is shown in `/proc/PID/maps`.
    ///
    /// # Errors
    /// The error of `memfd_create(2)`, `ftruncate(2)`, `mmap(2)` or `fcntl(2)`.
    pub fn create(name: &std::ffi::CStr, words: usize, writers: Writers) -> io::Result<Self> {
        let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
        // SAFETY: the name is NUL-terminated and valid for the whole call.
        let descriptor = check(unsafe { libc::memfd_create(name.as_ptr(), flags) })?;
        // SAFETY: memfd_create returned a descriptor that nobody else owns.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        let words = words.max(1);
        let bytes = libc::off_t::try_from(words * WORD).map_err(io::Error::other)?;
        // SAFETY: takes an open descriptor and a length.
        check(unsafe { libc::ftruncate(descriptor.as_raw_fd(), bytes) })?;
        let address = map(&descriptor, words, libc::PROT_READ | libc::PROT_WRITE)?;
        let mut memory = Self {
            address,
            words,
            descriptor,
        };
        if writers == Writers::Creator {
            // Kernels before 5.1 do not know this seal. There, the read-only descriptor and the file's mode have to do:
            // another user cannot open the file for writing again, and a mapping of it cannot become writable.
            let _ = memory.add_seals(libc::F_SEAL_FUTURE_WRITE);
        }
        memory.add_seals(FIXED_SIZE | libc::F_SEAL_SEAL)?;
        if writers == Writers::Creator {
            // SAFETY: takes an open descriptor and a mode.
            check(unsafe { libc::fchmod(memory.descriptor.as_raw_fd(), 0o400) })?;
            let path = format!("/proc/self/fd/{}", memory.descriptor.as_raw_fd());
            memory.descriptor = std::fs::File::open(path)?.into();
        }
        Ok(memory)
    }

    /// Maps memory that another process created, writable if `write`.
    ///
    /// # Errors
    /// `InvalidData` when the file is no memory file of fixed size; otherwise the error of `fstat(2)` or `mmap(2)`.
    pub fn open(descriptor: OwnedFd, write: bool) -> io::Result<Self> {
        let invalid = |why| io::Error::new(io::ErrorKind::InvalidData, why);
        // SAFETY: takes an open descriptor.
        let seals = check(unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_GET_SEALS) })
            .map_err(|_| invalid("a descriptor was received that is no memory file"))?;
        if seals & FIXED_SIZE != FIXED_SIZE {
            return Err(invalid("a memory file was received whose size may change"));
        }
        let file = std::fs::File::from(descriptor);
        let bytes = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        let descriptor = OwnedFd::from(file);
        let words = bytes / WORD;
        if words == 0 {
            return Err(invalid("an empty memory file was received"));
        }
        let protection = if write {
            libc::PROT_READ | libc::PROT_WRITE
        } else {
            libc::PROT_READ
        };
        Ok(Self {
            address: map(&descriptor, words, protection)?,
            words,
            descriptor,
        })
    }

    /// The memory.
    ///
    /// Storing into memory that was opened without `write` ends the process by SIGSEGV.
    #[must_use]
    pub fn words(&self) -> &[AtomicU32] {
        // SAFETY: the mapping has this many words, is aligned to pages, lives as long as `self`, cannot lose pages (sealed
        // against shrinking), and atomics may be changed by others.
        unsafe { std::slice::from_raw_parts(self.address.as_ptr(), self.words) }
    }

    /// The descriptor to hand to others: read-only where only the creator may write.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }

    fn add_seals(&self, seals: libc::c_int) -> io::Result<()> {
        // SAFETY: takes an open descriptor and flags.
        check(unsafe { libc::fcntl(self.descriptor.as_raw_fd(), libc::F_ADD_SEALS, seals) }).map(drop)
    }
}

impl AsRef<[AtomicU32]> for SharedMemory {
    fn as_ref(&self) -> &[AtomicU32] {
        self.words()
    }
}

impl Drop for SharedMemory {
    fn drop(&mut self) {
        // SAFETY: the mapping was made with this size, and nobody borrows it any more.
        unsafe { libc::munmap(self.address.as_ptr().cast(), self.words * WORD) };
    }
}

/// Maps a file and brings all its pages into memory.
fn map(descriptor: &OwnedFd, words: usize, protection: libc::c_int) -> io::Result<NonNull<AtomicU32>> {
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory in use.
    let address = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            words * WORD,
            protection,
            libc::MAP_SHARED | libc::MAP_POPULATE,
            descriptor.as_raw_fd(),
            0,
        )
    };
    match NonNull::new(address) {
        Some(address) if address.as_ptr() != libc::MAP_FAILED => Ok(address.cast()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt;
    use std::sync::atomic::Ordering::Relaxed;

    fn theirs(memory: &SharedMemory) -> OwnedFd {
        memory.descriptor().try_clone_to_owned().unwrap()
    }

    #[test]
    fn what_one_side_stores_the_other_loads() {
        let ours = SharedMemory::create(c"test", 100, Writers::Everybody).unwrap();
        let peer = SharedMemory::open(theirs(&ours), true).unwrap();
        ours.words()[99].store(7, Relaxed);
        assert_eq!(peer.words()[99].load(Relaxed), 7);
        peer.words()[0].store(8, Relaxed);
        assert_eq!(ours.words()[0].load(Relaxed), 8);
    }

    #[test]
    fn readers_cannot_become_writers() {
        let ours = SharedMemory::create(c"test", 100, Writers::Creator).unwrap();
        let peer = SharedMemory::open(theirs(&ours), false).unwrap();
        ours.words()[5].store(7, Relaxed);
        assert_eq!(peer.words()[5].load(Relaxed), 7);
        assert!(SharedMemory::open(theirs(&ours), true).is_err());
        // Root may open the file for writing in spite of its mode; the seal withstands even that.
        let path = format!("/proc/self/fd/{}", peer.descriptor().as_raw_fd());
        if let Ok(file) = std::fs::OpenOptions::new().read(true).write(true).open(path) {
            assert!(file.write_at(b"x", 0).is_err());
            assert!(SharedMemory::open(file.into(), true).is_err());
        }
    }

    #[test]
    fn nobody_changes_the_size() {
        for writers in [Writers::Creator, Writers::Everybody] {
            let ours = SharedMemory::create(c"test", 100, writers).unwrap();
            let peer = std::fs::File::from(theirs(&ours));
            assert!(peer.set_len(0).is_err());
            assert!(peer.set_len(1000).is_err());
        }
    }

    #[test]
    fn a_file_whose_size_may_change_is_refused() {
        let null = std::fs::File::open("/dev/null").unwrap();
        assert!(SharedMemory::open(null.into(), false).is_err());
        let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        assert!(SharedMemory::open(one.into(), false).is_err());
    }
}
