//! Sealed memory files: how one process hands bytes to another that cannot change afterwards.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use rustix::fs::{MemfdFlags, SealFlags};

/// Everything that could still change the file.
const ALL_SEALS: SealFlags = SealFlags::WRITE
    .union(SealFlags::GROW)
    .union(SealFlags::SHRINK)
    .union(SealFlags::SEAL);

/// An empty memory file that can be written and later sealed. `name` is shown in `/proc/PID/maps`.
///
/// # Errors
/// The error of `memfd_create(2)`.
pub fn create(name: &str) -> io::Result<File> {
    Ok(File::from(rustix::fs::memfd_create(
        name,
        MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING,
    )?))
}

/// Forbids every later change of the file, by anybody.
///
/// # Errors
/// The error of `fcntl(2)`, for example when the file is mapped writable.
pub fn seal(file: &File) -> io::Result<()> {
    Ok(rustix::fs::fcntl_add_seals(file, ALL_SEALS)?)
}

/// A sealed memory file with these bytes.
///
/// # Errors
/// As [`create`], writing and [`seal`].
pub fn sealed(name: &str, content: &[u8]) -> io::Result<File> {
    let mut file = create(name)?;
    file.write_all(content)?;
    seal(&file)?;
    Ok(file)
}

/// Reads a received memory file whole, from its start.
///
/// The sender keeps a descriptor too, so only a file that is sealed against writing and resizing is accepted: what was
/// checked here must be what is used later.
///
/// # Errors
/// `InvalidData` when the file is not sealed or larger than `limit` bytes; otherwise the error of reading.
pub fn read_sealed(descriptor: OwnedFd, limit: u64) -> io::Result<Vec<u8>> {
    let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    let seals = rustix::fs::fcntl_get_seals(&descriptor)
        .map_err(|_| invalid("a descriptor was received that is no memory file".into()))?;
    if !seals.contains(SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW) {
        return Err(invalid(
            "a memory file was received that its sender can still change".into(),
        ));
    }
    let file = File::from(descriptor);
    let size = file.metadata()?.len();
    if size > limit {
        return Err(invalid(format!(
            "a memory file of {size} bytes was received, more than the {limit} allowed"
        )));
    }
    let mut content = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
    // By position: the sender's descriptor shares our file offset.
    file.read_exact_at(&mut content, 0)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_file_reads_back_and_cannot_be_changed() {
        let mut file = sealed("test", b"program").unwrap();
        assert!(file.write_all(b"x").is_err());
        assert!(file.set_len(0).is_err());
        assert_eq!(read_sealed(file.into(), 100).unwrap(), b"program");
    }

    #[test]
    fn an_unsealed_or_oversized_file_is_refused() {
        let mut open = create("test").unwrap();
        open.write_all(b"program").unwrap();
        assert!(read_sealed(open.into(), 100).is_err());
        assert!(read_sealed(sealed("test", b"program").unwrap().into(), 3).is_err());
    }

    #[test]
    fn a_file_on_disk_is_refused() {
        let null = File::open("/dev/null").unwrap();
        assert!(read_sealed(null.into(), 100).is_err());
    }
}
