//! The plugin's configuration, as the core publishes it, and whether it is still the same.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A configuration as it was when the plugin started.
#[derive(Debug)]
pub(crate) struct Configuration {
    path: PathBuf,
    identity: Identity,
    text: String,
}

/// Every change of the file is a new file with another identity.
type Identity = (u64, u64, i64, i64, u64);

impl Configuration {
    /// Reads a configuration.
    pub fn read(path: &Path) -> io::Result<Self> {
        // A file that is exchanged while it is read shows as changed later.
        let identity = identity(&fs::metadata(path)?);
        Ok(Self {
            text: fs::read_to_string(path)?,
            identity,
            path: path.to_owned(),
        })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is still there, and the same.
    pub fn is_current(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| identity(&metadata) == self.identity)
    }
}

fn identity(metadata: &Metadata) -> Identity {
    (
        metadata.dev(),
        metadata.ino(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.size(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_that_was_exchanged_or_removed_is_not_current() {
        let folder = tempfile::tempdir().unwrap();
        let (path, new) = (folder.path().join("a.json"), folder.path().join("new"));
        assert!(Configuration::read(&path).is_err());
        fs::write(&path, "{}").unwrap();
        let configuration = Configuration::read(&path).unwrap();
        assert!(configuration.is_current());
        assert_eq!(configuration.text(), "{}");
        fs::write(&new, "[]").unwrap();
        fs::rename(&new, &path).unwrap();
        assert!(!configuration.is_current());
        let configuration = Configuration::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(!configuration.is_current());
    }
}
