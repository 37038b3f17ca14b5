//! The source project that an Editor may send along with a program, to be fetched from the device later.
//!
//! It is stored as OpenPLC Runtime v4 stores it: `project_snapshot/project.zip` and what is known of it in `project.json`.
//! Nobody here looks into the archive.

mod details;
mod download;
mod staged;

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use details::Details;
pub use download::Download;
use serde_json::Value;
pub use staged::{StageError, Staged};

const FOLDER: &str = "project_snapshot";
const ARCHIVE: &str = "project.zip";
const DETAILS: &str = "project.json";
/// Beginning of the names of files that are still being received.
const STAGED: &str = "staged.";

/// The one stored project.
#[derive(Debug)]
pub struct ProjectStore {
    folder: PathBuf,
    /// Held while the pair of files is changed or opened.
    turn: Mutex<()>,
}

/// A project that arrived with an upload, and has no program yet.
#[derive(Debug)]
pub struct Project {
    pub details: Details,
    pub archive: Staged,
}

/// A stored project, opened: it stays readable when another takes its place.
#[derive(Debug)]
pub struct Stored {
    pub details: Details,
    pub archive: File,
    /// Size of the archive in bytes.
    pub size: u64,
}

impl ProjectStore {
    /// The store below `state_directory`. What broke off while it was being received is removed.
    pub fn open(state_directory: &Path) -> Self {
        let folder = state_directory.join(FOLDER);
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(STAGED) {
                // It costs space only.
                let _ = fs::remove_file(entry.path());
            }
        }
        Self {
            folder,
            turn: Mutex::new(()),
        }
    }

    /// A place for an archive that is about to arrive.
    ///
    /// # Errors
    /// That of the file system.
    pub fn stage(&self) -> io::Result<Staged> {
        // Archives are as confidential as what they are sources of.
        match fs::DirBuilder::new().mode(0o700).create(&self.folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        Staged::create(&self.folder, STAGED)
    }

    /// Stores `project` in place of the one that is stored; with `None` nothing is stored any longer. After a power
    /// failure the old, the new, or no project is there, never a mixture.
    ///
    /// # Errors
    /// That of the file system. The old project may be gone then: it belongs to a program that is no longer there.
    pub fn replace(&self, project: Option<Project>) -> io::Result<()> {
        let _turn = self.turn();
        match fs::remove_file(self.folder.join(DETAILS)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Err(_) if project.is_none() => return Ok(()),
            _ => self.sync()?,
        }
        let archive = self.folder.join(ARCHIVE);
        let Some(project) = project else {
            return fs::remove_file(archive);
        };
        project.archive.persist(&archive)?;
        self.sync()?;
        let mut details = tempfile::Builder::new()
            .prefix(STAGED)
            .tempfile_in(&self.folder)?;
        serde_json::to_writer(&mut details, &project.details)?;
        details.as_file().sync_all()?;
        details
            .persist(self.folder.join(DETAILS))
            .map_err(|error| error.error)?;
        self.sync()
    }

    /// The stored project, if there is one.
    ///
    /// # Errors
    /// That of the file system; `InvalidData` when what is stored cannot be understood.
    pub fn stored(&self) -> io::Result<Option<Stored>> {
        let _turn = self.turn();
        let text = match fs::read(self.folder.join(DETAILS)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        let document: Value = serde_json::from_slice(&text)?;
        let details = Details::from_document(&document)
            .map_err(|error| io::Error::new(ErrorKind::InvalidData, error.to_string()))?;
        let archive = match File::open(self.folder.join(ARCHIVE)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            archive => archive?,
        };
        let size = archive.metadata()?.len();
        Ok(Some(Stored {
            details,
            archive,
            size,
        }))
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        // The files are what counts, and they are never half changed.
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn project(store: &ProjectStore, name: &str, content: &[u8]) -> Project {
        let mut archive = store.stage().unwrap();
        archive.write_now(content).unwrap();
        let document = serde_json::json!({ "formatVersion": 1, "projectName": name });
        Project {
            details: Details::from_document(&document).unwrap(),
            archive,
        }
    }

    fn names(store: &ProjectStore) -> Vec<String> {
        let entries = fs::read_dir(&store.folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn one_project_is_kept_until_another_or_none_takes_its_place() {
        let directory = tempfile::tempdir().unwrap();
        let store = ProjectStore::open(directory.path());
        assert!(store.stored().unwrap().is_none());
        store.replace(None).unwrap();
        store.replace(Some(project(&store, "Mill", b"PK old"))).unwrap();
        let mut reading = store.stored().unwrap().unwrap();
        store.replace(Some(project(&store, "Press", b"PK new"))).unwrap();
        let mut text = String::new();
        reading.archive.read_to_string(&mut text).unwrap();
        assert_eq!(text, "PK old", "who reads on gets what he began with");
        let stored = ProjectStore::open(directory.path()).stored().unwrap().unwrap();
        assert_eq!((stored.details.project_name.as_str(), stored.size), ("Press", 6));
        assert_eq!(names(&store), [DETAILS, ARCHIVE]);
        store.replace(None).unwrap();
        assert!(store.stored().unwrap().is_none());
        assert_eq!(names(&store), [""; 0]);
    }

    #[test]
    fn what_broke_off_is_removed_and_half_a_pair_is_no_project() {
        let directory = tempfile::tempdir().unwrap();
        let store = ProjectStore::open(directory.path());
        std::mem::forget(store.stage().unwrap());
        fs::write(store.folder.join(ARCHIVE), b"PK").unwrap();
        assert_eq!(names(&store).len(), 2);
        let store = ProjectStore::open(directory.path());
        assert_eq!(names(&store), [ARCHIVE]);
        assert!(store.stored().unwrap().is_none());
        fs::write(store.folder.join(DETAILS), b"{}").unwrap();
        assert_eq!(store.stored().unwrap_err().kind(), ErrorKind::InvalidData);
        fs::write(store.folder.join(DETAILS), b"{").unwrap();
        store.stored().unwrap_err();
        store.replace(None).unwrap();
        assert_eq!(names(&store), [""; 0]);
    }
}
