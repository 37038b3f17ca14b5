//! The plugin's configuration, as the core publishes it, and whether it is still the same.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use openplc_wire::{PLUGIN_FOLDER, PLUGIN_FOLDER_VARIABLE};

/// A configuration as it was when the plugin started.
#[derive(Debug)]
pub struct Configuration {
    path: PathBuf,
    identity: Identity,
    text: String,
}

/// Every change of the file is a new file with another identity.
type Identity = (u64, u64, i64, i64, u64);

impl Configuration {
    /// Reads the configuration of the plugin `name`. `None` where it has none, so that there is nothing to do.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of_plugin(name: &str) -> io::Result<Option<Self>> {
        let folder = std::env::var_os(PLUGIN_FOLDER_VARIABLE);
        let folder = folder.map_or_else(|| PLUGIN_FOLDER.into(), PathBuf::from);
        let path = folder.join(format!("{name}.json"));
        match Self::read(&path) {
            Ok(configuration) => Ok(Some(configuration)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                tracing::info!("There is nothing to do: {} does not exist", path.display());
                Ok(None)
            }
            Err(error) => {
                let message = format!("{} cannot be read: {error}", path.display());
                Err(io::Error::new(error.kind(), message))
            }
        }
    }

    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        // A file that is exchanged while it is read shows as changed later.
        let identity = identity(&fs::metadata(path)?);
        Ok(Self {
            text: fs::read_to_string(path)?,
            identity,
            path: path.to_owned(),
        })
    }

    /// What it says.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Becomes readable when the file may have gone or changed: look at [`Self::is_current`] then, and now and then
    /// besides, as a change in the very moment of reading it is not noticed.
    ///
    /// # Errors
    /// When the system has no more watches to give.
    pub fn watch(&self) -> io::Result<Inotify> {
        let changes = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let gone = AddWatchFlags::IN_ATTRIB | AddWatchFlags::IN_DELETE_SELF | AddWatchFlags::IN_MOVE_SELF;
        changes.add_watch(&self.path, gone)?;
        Ok(changes)
    }

    /// Whether it is still there, and the same; otherwise it is time to end.
    #[must_use]
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
        let changes = configuration.watch().unwrap();
        assert!(configuration.is_current());
        assert!(changes.read_events().is_err());
        assert_eq!(configuration.text(), "{}");
        fs::write(&new, "[]").unwrap();
        fs::rename(&new, &path).unwrap();
        assert!(!configuration.is_current());
        assert!(changes.read_events().is_ok());
        let configuration = Configuration::read(&path).unwrap();
        let changes = configuration.watch().unwrap();
        fs::remove_file(&path).unwrap();
        assert!(!configuration.is_current());
        assert!(changes.read_events().is_ok());
    }
}
