//! The folder in which a build works. The guard removes it when the build ends.

use std::io;
use std::path::{Component, Path, PathBuf};

use openplc_bundle::Bundle;

/// The folder: `src` holds the upload, `runtime` our own sources, `out` what the compilers write, `tmp` their leftovers.
#[derive(Debug)]
pub struct Workspace {
    folder: PathBuf,
}

impl Workspace {
    /// Makes the folder where the supervisor says, else where temporary files go.
    ///
    /// # Errors
    /// As creating folders.
    pub fn create() -> io::Result<Self> {
        let parent = std::env::var_os("RUNTIME_DIRECTORY")
            .and_then(|list| std::env::split_paths(&list).next())
            .filter(|path| path.is_absolute())
            .unwrap_or_else(std::env::temp_dir);
        let folder = tempfile::Builder::new()
            .prefix("openplc-build-")
            .tempdir_in(parent)?
            .keep();
        let workspace = Self { folder };
        for folder in [
            workspace.sources(),
            workspace.runtime(),
            workspace.output(),
            workspace.temporary(),
        ] {
            std::fs::create_dir(folder)?;
        }
        Ok(workspace)
    }

    /// The whole folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Where the upload lies. Compilers work in here, so that the names in their messages are those of the upload.
    pub fn sources(&self) -> PathBuf {
        self.path().join("src")
    }

    /// Where our own sources lie.
    pub fn runtime(&self) -> PathBuf {
        self.path().join("runtime")
    }

    /// Where the compilers write.
    pub fn output(&self) -> PathBuf {
        self.path().join("out")
    }

    /// Where the compilers keep temporary files.
    pub fn temporary(&self) -> PathBuf {
        self.path().join("tmp")
    }

    /// Writes the sources of the upload, and ours.
    ///
    /// # Errors
    /// As writing files.
    pub fn fill(&self, bundle: &Bundle, ours: &[(String, String)]) -> io::Result<()> {
        for (path, content) in bundle.sources() {
            write(&self.sources(), path, content)?;
        }
        for (path, content) in ours {
            write(&self.runtime(), path, content.as_bytes())?;
        }
        Ok(())
    }
}

fn write(folder: &Path, path: &str, content: &[u8]) -> io::Result<()> {
    let path = Path::new(path);
    // The rules for names have seen to that; it costs nothing to look again where it matters.
    if !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a path leads out of the work folder",
        ));
    }
    let target = folder.join(path);
    if let Some(parent) = target.parent().filter(|parent| *parent != folder) {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(target, content)
}
