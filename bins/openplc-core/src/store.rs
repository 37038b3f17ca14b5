//! Programs and the commanded state on disk. Every write is atomic: after a power cut there is the old content or the
//! new, never half of one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use openplc_wire::manifest::{FORMAT, Manifest, ProgramId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use thiserror::Error;

/// Programs kept besides the current and the previous one, so that going back to one needs no build.
const KEPT: usize = 6;
/// Beginning of the names of files that are being written.
const UNFINISHED: &str = ".tmp";

/// Why the store cannot do what it was asked for.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// A file is not what was written.
    #[error("{path} is damaged ({why}); upload the program again")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// How that shows.
        why: String,
    },
    /// Object and manifest do not belong together.
    #[error("the built program does not match its manifest: {0}")]
    Mismatch(String),
}

/// What the PLC was last commanded to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commanded {
    /// Whether it was commanded to run.
    pub run: bool,
    /// Its program.
    pub current: Option<ProgramId>,
    /// The program before.
    pub previous: Option<ProgramId>,
    /// The current program has not yet executed its first scans: if it faults in them, the one before takes its place.
    #[serde(default)]
    pub proving: bool,
    /// Whether the program before was running when the current one took its place.
    #[serde(default)]
    pub previous_ran: bool,
}

/// The core's state directory. Clones are the same.
#[derive(Clone)]
pub struct Store {
    directory: PathBuf,
}

impl Store {
    /// Opens the store in `directory`, which must exist.
    ///
    /// # Errors
    /// When the folder for programs cannot be made.
    pub fn open(directory: PathBuf) -> Result<Self, StoreError> {
        let store = Self { directory };
        let programs = store.programs();
        fs::create_dir_all(&programs).map_err(|error| StoreError::File {
            path: programs,
            error,
        })?;
        store.remove_unfinished();
        Ok(store)
    }

    /// Removes what a process that was killed had begun to write.
    fn remove_unfinished(&self) {
        for folder in [self.directory.clone(), self.programs()] {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            let unfinished =
                entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED));
            // What cannot be removed only takes up room.
            unfinished.for_each(|entry| drop(fs::remove_file(entry.path())));
        }
    }

    /// The directory itself.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The file that records a fatal signal.
    pub fn fault_record(&self) -> PathBuf {
        self.directory.join("fault")
    }

    /// The file that counts faults.
    pub fn fault_history(&self) -> PathBuf {
        self.directory.join("faults.json")
    }

    /// Faults of the plugin within the scan engine.
    pub fn fault_history_of_plugin(&self) -> PathBuf {
        self.directory.join("faults-of-plugin.json")
    }

    /// Where the object of a program is, or would be.
    pub fn object(&self, program: &ProgramId) -> PathBuf {
        self.programs().join(format!("{program}.so"))
    }

    /// Whether a program is kept.
    pub fn holds(&self, program: &ProgramId) -> bool {
        self.object(program).is_file() && self.manifest(program).is_file()
    }

    /// Keeps a program; one that is kept already is replaced.
    ///
    /// # Errors
    /// [`StoreError`]; what was kept before is still whole.
    pub fn keep(&self, object: &[u8], manifest: &[u8]) -> Result<Manifest, StoreError> {
        let parsed = parse(manifest).map_err(StoreError::Mismatch)?;
        check_hash(object, &parsed).map_err(StoreError::Mismatch)?;
        // The object first: with its manifest it counts as kept.
        write_atomically(&self.object(&parsed.program), object)?;
        write_atomically(&self.manifest(&parsed.program), manifest)?;
        Ok(parsed)
    }

    /// The manifest of a kept program whose object is what was kept.
    ///
    /// # Errors
    /// [`StoreError`], in particular when one bit of the object has changed.
    pub fn verify(&self, program: &ProgramId) -> Result<Manifest, StoreError> {
        let path = self.manifest(program);
        let manifest = parse(&read(&path)?).map_err(|why| StoreError::Damaged { path, why })?;
        let path = self.object(program);
        let object = read(&path)?;
        check_hash(&object, &manifest).map_err(|why| StoreError::Damaged { path, why })?;
        Ok(manifest)
    }

    /// A copy of a program's object under another name, for loading it a second time: the dynamic linker takes a file
    /// that it has loaded already for the one in memory.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub fn copy_of_object(&self, program: &ProgramId) -> Result<NamedTempFile, StoreError> {
        let path = self.object(program);
        let fail = |error| StoreError::File {
            path: path.clone(),
            error,
        };
        let mut copy = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .suffix(".so")
            .tempfile_in(self.programs())
            .map_err(fail)?;
        io::copy(&mut File::open(&path).map_err(fail)?, &mut copy).map_err(fail)?;
        Ok(copy)
    }

    /// What the PLC was last commanded to do; nothing yet when there is no record.
    ///
    /// # Errors
    /// [`StoreError`] when there is a record that cannot be read.
    pub fn commanded(&self) -> Result<Commanded, StoreError> {
        let path = self.commanded_file();
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Commanded::default()),
            Err(error) => Err(StoreError::File { path, error }),
            Ok(text) => serde_json::from_slice(&text).map_err(|error| StoreError::Damaged {
                path,
                why: error.to_string(),
            }),
        }
    }

    /// Records what the PLC was commanded to do.
    ///
    /// # Errors
    /// [`StoreError::File`]; the record before is still whole.
    pub fn set_commanded(&self, commanded: &Commanded) -> Result<(), StoreError> {
        write_json(&self.commanded_file(), commanded)
    }

    /// Removes the programs that were kept longest ago, except these two and the newest few. What cannot be removed stays.
    pub fn prune(&self, commanded: &Commanded) {
        let Ok(entries) = fs::read_dir(self.programs()) else {
            return;
        };
        let mut objects: Vec<_> = entries
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let program = ProgramId::try_from(name.strip_suffix(".so")?.to_owned()).ok()?;
                let in_use = [&commanded.current, &commanded.previous]
                    .into_iter()
                    .flatten()
                    .any(|id| *id == program);
                (!in_use).then_some((entry.metadata().ok()?.modified().ok()?, program))
            })
            .collect();
        objects.sort();
        let surplus = objects.len().saturating_sub(KEPT);
        for (_, program) in &objects[..surplus] {
            let _ = fs::remove_file(self.manifest(program));
            let _ = fs::remove_file(self.object(program));
        }
    }

    fn programs(&self) -> PathBuf {
        self.directory.join("programs")
    }

    fn manifest(&self, program: &ProgramId) -> PathBuf {
        self.programs().join(format!("{program}.json"))
    }

    fn commanded_file(&self) -> PathBuf {
        self.directory.join("commanded.json")
    }
}

/// Writes a value as JSON, atomically.
///
/// # Errors
/// [`StoreError::File`].
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), StoreError> {
    let text = serde_json::to_vec_pretty(value).map_err(|error| StoreError::File {
        path: path.to_owned(),
        error: io::Error::other(error),
    })?;
    write_atomically(path, &text)
}

fn write_atomically(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let write = || {
        let directory = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(directory)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(directory)?.sync_all()
    };
    write().map_err(|error| StoreError::File {
        path: path.to_owned(),
        error,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, StoreError> {
    fs::read(path).map_err(|error| StoreError::File {
        path: path.to_owned(),
        error,
    })
}

fn parse(manifest: &[u8]) -> Result<Manifest, String> {
    let manifest: Manifest = serde_json::from_slice(manifest).map_err(|error| error.to_string())?;
    match manifest.format {
        FORMAT => Ok(manifest),
        other => Err(format!("manifest format {other}, {FORMAT} is expected")),
    }
}

fn check_hash(object: &[u8], manifest: &Manifest) -> Result<(), String> {
    let hash: String = Sha256::digest(object)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if hash == manifest.object_sha256 {
        Ok(())
    } else {
        Err(format!("its SHA-256 is {hash}"))
    }
}

#[cfg(test)]
mod tests;
