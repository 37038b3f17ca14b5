//! An archive while it arrives: on disk, because several at a time would not fit into the memory of the API.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;
use tempfile::NamedTempFile;
use thiserror::Error;

/// Largest archive in bytes.
const LARGEST: u64 = 100 << 20;
/// What is collected before it is written, in bytes.
const PIECE: usize = 1 << 20;
/// How a zip begins.
const SIGNATURE: &[u8] = b"PK";

/// Why an archive is not kept.
#[derive(Debug, Error)]
pub enum StageError {
    #[error("the project is larger than {} MiB", LARGEST >> 20)]
    TooLarge,
    #[error("the project is no zip file")]
    NoZip,
    #[error("the project could not be written: {0}")]
    Disk(#[from] io::Error),
}

/// A file of our own that vanishes unless it is persisted.
#[derive(Debug)]
pub struct Staged {
    file: NamedTempFile,
    /// Not yet written.
    collected: Vec<u8>,
    size: u64,
}

impl Staged {
    pub(super) fn create(folder: &Path, prefix: &str) -> io::Result<Self> {
        Ok(Self {
            file: tempfile::Builder::new().prefix(prefix).tempfile_in(folder)?,
            collected: Vec::new(),
            size: 0,
        })
    }

    /// Adds a piece. Writes beside the event loop.
    ///
    /// # Errors
    /// When the archive is none, too large, or cannot be written: it is then lost.
    pub async fn add(mut self, piece: &Bytes) -> Result<Self, StageError> {
        self.size += piece.len() as u64;
        if self.size > LARGEST {
            return Err(StageError::TooLarge);
        }
        self.collected.extend_from_slice(piece);
        if self.collected.len() < PIECE {
            return Ok(self);
        }
        self.write().await
    }

    /// The archive is complete.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub async fn complete(self) -> Result<Self, StageError> {
        self.write().await
    }

    async fn write(self) -> Result<Self, StageError> {
        let write = move || {
            let mut staged = self;
            let begins = staged.size == staged.collected.len() as u64;
            if begins && !staged.collected.starts_with(SIGNATURE) {
                return Err(StageError::NoZip);
            }
            staged.file.write_all(&staged.collected)?;
            staged.collected.clear();
            Ok(staged)
        };
        tokio::task::spawn_blocking(write)
            .await
            .unwrap_or_else(|error| Err(StageError::Disk(io::Error::other(error))))
    }

    /// Gives the file its name, once its content is on disk.
    pub(super) fn persist(self, path: &Path) -> io::Result<File> {
        self.file.as_file().sync_all()?;
        self.file.persist(path).map_err(|error| error.error)
    }

    #[cfg(test)]
    pub(super) fn write_now(&mut self, content: &[u8]) -> io::Result<()> {
        self.file.write_all(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn stage(pieces: &[&[u8]]) -> Result<Vec<u8>, StageError> {
        let directory = tempfile::tempdir().unwrap();
        let mut staged = Staged::create(directory.path(), "staged.").unwrap();
        for piece in pieces {
            staged = staged.add(&Bytes::copy_from_slice(piece)).await?;
        }
        let path = directory.path().join("project.zip");
        staged.complete().await?.persist(&path)?;
        Ok(std::fs::read(path)?)
    }

    #[tokio::test]
    async fn pieces_of_any_size_become_one_file() {
        let large = vec![7; PIECE + 1];
        assert_eq!(stage(&[b"P", b"K", b"\x03"]).await.unwrap(), b"PK\x03");
        assert_eq!(stage(&[b"PK", &large, b"end"]).await.unwrap().len(), PIECE + 6);
    }

    #[tokio::test]
    async fn only_zips_up_to_the_limit_are_kept() {
        assert!(matches!(stage(&[]).await, Err(StageError::NoZip)));
        assert!(matches!(stage(&[b"Pk"]).await, Err(StageError::NoZip)));
        let mut many: Vec<&[u8]> = vec![b"PK"];
        let large = vec![0; PIECE];
        many.extend(std::iter::repeat_n(large.as_slice(), 100));
        assert!(matches!(stage(&many).await, Err(StageError::TooLarge)));
    }
}
