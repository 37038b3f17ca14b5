//! The newest values on disk, and those of the program before.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use openplc_retain::{Layout, RetainFile, Stored, Taken};
use openplc_wire::retain::Store;

use crate::log_ring::unix_ms;

/// The values of one program at one moment.
#[derive(Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Names and types.
    pub layout: Arc<Layout>,
    /// In the order of the layout.
    pub values: Vec<u8>,
    /// When they were taken.
    pub taken: Taken,
}

impl From<Stored> for Snapshot {
    fn from(stored: Stored) -> Self {
        Self {
            layout: Arc::new(stored.layout),
            values: stored.values,
            taken: stored.taken,
        }
    }
}

/// The two files in the state directory.
pub struct Disk {
    newest: PathBuf,
    before: PathBuf,
    /// Program whose values are in the newest file.
    program: Option<String>,
    open: Option<(RetainFile, Arc<Snapshot>)>,
    /// When the program's values were last known to be on disk, in ms since 1970.
    same_ms: u64,
    problem: Option<String>,
}

impl Disk {
    /// The files in this directory, and what they hold: the newest values, and those of the program before. A file that
    /// cannot be used is said in the log and made anew.
    pub fn open(directory: &Path) -> (Self, Option<Snapshot>, Option<Snapshot>) {
        let (newest, before) = (directory.join("retain"), directory.join("retain.before"));
        let (newest_values, before_values) = (read(&newest), read(&before));
        let disk = Self {
            newest,
            before,
            program: newest_values
                .as_ref()
                .map(|values| values.layout.program().to_owned()),
            open: None,
            same_ms: newest_values.as_ref().map_or(0, |values| values.taken.unix_ms),
            problem: None,
        };
        (disk, newest_values, before_values)
    }

    /// Sees to it that these values are on disk as the newest ones. What fails is said once, until it succeeds again.
    pub fn keep(&mut self, snapshot: &Arc<Snapshot>) {
        let began_ms = unix_ms();
        let result = self.write(snapshot);
        if self.succeeded(result) {
            self.same_ms = began_ms;
        }
    }

    /// Sees to it that these values are on disk as those before the newest program; says whether they are.
    #[must_use]
    pub fn keep_before(&mut self, snapshot: &Arc<Snapshot>) -> bool {
        let result = self.write_before(snapshot);
        self.succeeded(result)
    }

    /// The values before the newest program are the newest again, in one step. They take the place of its file even on a disk
    /// that is full.
    pub fn put_back(&mut self, before: &Arc<Snapshot>) {
        let program = before.layout.program();
        if self.program.as_deref() != Some(program) {
            self.open = None;
            let on_disk = read(&self.before);
            if on_disk.is_some_and(|on_disk| on_disk.layout.program() == program)
                && fs::rename(&self.before, &self.newest)
                    .and_then(|()| sync_directory(&self.newest))
                    .is_ok()
            {
                self.program = Some(program.to_owned());
            }
        }
        self.keep(before);
    }

    fn succeeded(&mut self, result: io::Result<()>) -> bool {
        match (&result, &self.problem) {
            (Ok(()), Some(_)) => {
                tracing::info!("Retained variables are written again");
                self.problem = None;
            }
            (Err(error), None) => {
                let path = self.newest.display();
                tracing::error!(
                    "Retained variables cannot be written to {path}: {error}. Scans go on, and so do the attempts; until one \
                     succeeds, a loss of power loses what changes"
                );
                self.problem = Some(format!("{path}: {error}"));
            }
            _ => {}
        }
        result.is_ok()
    }

    fn write(&mut self, snapshot: &Arc<Snapshot>) -> io::Result<()> {
        if let Some((file, on_disk)) = &mut self.open
            && on_disk.layout == snapshot.layout
        {
            if on_disk.values != snapshot.values {
                file.write(snapshot.taken, &snapshot.values)?;
                *on_disk = snapshot.clone();
            }
            return Ok(());
        }
        self.open = None;
        let file = RetainFile::open(&self.newest, &snapshot.layout, snapshot.taken, &snapshot.values)?;
        self.program = Some(snapshot.layout.program().to_owned());
        self.open = Some((file, snapshot.clone()));
        Ok(())
    }

    fn write_before(&mut self, snapshot: &Arc<Snapshot>) -> io::Result<()> {
        // Where the newest file is still that program's they have a place in it, whether the disk has room for another or not.
        if self.program.as_deref() == Some(snapshot.layout.program()) {
            self.write(snapshot)?;
        }
        RetainFile::open(&self.before, &snapshot.layout, snapshot.taken, &snapshot.values)?;
        Ok(())
    }

    /// What is on disk, and why values cannot be written at the moment.
    pub fn status(&self) -> (Option<Store>, Option<String>) {
        let store = self.open.as_ref().map(|(file, on_disk)| Store {
            file_bytes: file.bytes(),
            taken_ms: on_disk.taken.unix_ms,
            age_ms: unix_ms().saturating_sub(self.same_ms),
        });
        (store, self.problem.clone())
    }
}

fn read(path: &Path) -> Option<Snapshot> {
    openplc_retain::read(path)
        .inspect_err(|error| {
            tracing::error!("Retained variables in {} are lost: {error}", path.display());
        })
        .ok()?
        .map(Snapshot::from)
}

/// Makes renames in the directory of `path` outlast a power loss.
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests;
