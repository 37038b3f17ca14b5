//! Code of a program that waits until a test lets it go on.

use std::fs::{self, File};

use tempfile::TempDir;

use super::{Built, build, until};

/// Where it waits.
pub struct Gate(TempDir);

impl Gate {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A program that waits there at this point.
    pub fn build(&self, point: &str) -> Built {
        build(&[&format!("-DGATE=\"{}\"", self.0.path().display()), point])
    }

    pub fn is_reached(&self) {
        until("the program waits", || {
            self.0.path().join("reached").exists().then_some(())
        });
    }

    pub fn open(&self) {
        File::create(self.0.path().join("open")).unwrap();
    }

    pub fn close(&self) {
        fs::remove_file(self.0.path().join("open")).unwrap();
    }
}
