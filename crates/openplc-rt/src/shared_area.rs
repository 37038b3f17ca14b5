//! POSIX shared memory areas, which a Python block opens by name.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::{check, check_number};

/// A zeroed area of shared memory that exists under its name until it is dropped.
#[derive(Debug)]
pub struct SharedArea {
    name: CString,
    address: *mut libc::c_void,
    size: usize,
}

// SAFETY: the area is plain memory without a thread of its own; whoever writes through `address` answers for it.
unsafe impl Send for SharedArea {}
// SAFETY: as above; no method but `address` gives access to the memory.
unsafe impl Sync for SharedArea {}

impl SharedArea {
    /// Creates the area `/name` with `size` bytes (at least one), all zero, for this user only.
    ///
    /// # Errors
    /// `AlreadyExists` when the name is taken; otherwise the error of `shm_open(3)`, `posix_fallocate(3)`, where there is no
    /// room for it `StorageFull`, or `mmap(2)`.
    pub fn create(name: &str, size: usize) -> io::Result<Self> {
        let size = size.max(1);
        let name = CString::new(format!("/{name}"))?;
        // SAFETY: the name is NUL-terminated and valid for the whole call.
        let descriptor = check(unsafe {
            libc::shm_open(
                name.as_ptr(),
                libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_CLOEXEC,
                0o600,
            )
        })?;
        // SAFETY: shm_open returned a descriptor that nobody else owns.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        // From here on the name is removed again whatever fails.
        let mut area = Self {
            name,
            address: libc::MAP_FAILED,
            size,
        };
        let length = libc::off_t::try_from(size).map_err(io::Error::other)?;
        // Not only its size: whoever touches memory for which there is no room is ended by SIGBUS.
        // SAFETY: takes a descriptor that is open, and a place and a length in it.
        check_number(unsafe { libc::posix_fallocate(descriptor.as_raw_fd(), 0, length) })?;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory in use.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                size,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_POPULATE,
                descriptor.as_raw_fd(),
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        area.address = address;
        Ok(area)
    }

    /// Where the area begins in this process. Valid until the area is dropped.
    #[must_use]
    pub fn address(&self) -> *mut libc::c_void {
        self.address
    }
}

impl Drop for SharedArea {
    fn drop(&mut self) {
        if self.address != libc::MAP_FAILED {
            // SAFETY: the mapping was made by `create` with this size; by contract nobody uses `address` any more.
            unsafe { libc::munmap(self.address, self.size) };
        }
        // SAFETY: the name is NUL-terminated. That the other side removed it already is no error.
        unsafe { libc::shm_unlink(self.name.as_ptr()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_exists_zeroed_under_its_name_until_dropped() {
        let name = format!("openplc-test-{}", std::process::id());
        let path = format!("/dev/shm/{name}");
        let area = SharedArea::create(&name, 100).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), vec![0; 100]);
        assert!(SharedArea::create(&name, 100).is_err());
        assert!(
            std::path::Path::new(&path).exists(),
            "a failed creation must not remove the first area"
        );
        drop(area);
        assert!(!std::path::Path::new(&path).exists());
    }
}
