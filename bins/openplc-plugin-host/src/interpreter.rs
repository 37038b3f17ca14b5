//! Python plugins: the interpreter of the plugin's own environment takes the place of this process.
//!
//! It gets our Python files as an archive in memory, so that they are always those of this very program, and loads the library
//! with the C interface.

use std::env;
use std::io::{Cursor, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Error, Result};
use openplc_settings::plugins::{AbiLayout, Entry};
use openplc_wire::{VENV_FOLDER, VENV_FOLDER_VARIABLE, memory_file};
use rustix::io::{FdFlags, fcntl_setfd};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The interpreter for plugins that have no environment of their own.
const SYSTEM_PYTHON: &str = "/usr/bin/python3";
/// The library with the C interface, beside this program or where packages put it.
const LIBRARY: &str = "libopenplc_plugin.so";
const PACKAGE_FOLDER: &str = "/usr/lib/openplc-runtime";
/// What the interpreter executes: the archive is on its path from then on.
const BEGINNING: &str =
    "import sys; sys.path.insert(0, sys.argv[1]); import plugin_runner; plugin_runner.main()";

/// Our Python files.
const FILES: [(&str, &str); 9] = [
    ("plugin_runner.py", include_str!("../python/plugin_runner.py")),
    (
        "python_plugin_types.py",
        include_str!("../python/python_plugin_types.py"),
    ),
    ("shared/__init__.py", include_str!("../python/shared/__init__.py")),
    (
        "shared/iec_types.py",
        include_str!("../python/shared/iec_types.py"),
    ),
    (
        "shared/plugin_runtime_args.py",
        include_str!("../python/shared/plugin_runtime_args.py"),
    ),
    (
        "shared/capsule_extraction.py",
        include_str!("../python/shared/capsule_extraction.py"),
    ),
    (
        "shared/safe_buffer_access.py",
        include_str!("../python/shared/safe_buffer_access.py"),
    ),
    (
        "shared/safe_logging_access.py",
        include_str!("../python/shared/safe_logging_access.py"),
    ),
    (
        "shared/python_plugin_types.py",
        include_str!("../python/shared/python_plugin_types.py"),
    ),
];

/// Becomes the interpreter; returns only when that failed.
pub fn execute(entry: &Entry) -> Error {
    match prepare(entry) {
        Ok(mut command) => {
            let interpreter = command.get_program().to_owned();
            Error::new(command.exec()).context(format!("executing {}", interpreter.display()))
        }
        Err(error) => error,
    }
}

fn prepare(entry: &Entry) -> Result<Command> {
    let library = library()?;
    let archive = memory_file::sealed("openplc-plugin-python", &archive()?).context("making the archive")?;
    // It stays open in the interpreter.
    fcntl_setfd(&archive, FdFlags::empty()).context("handing on the archive")?;
    let mut command = Command::new(interpreter(entry));
    // Isolated from the environment, but not from the site packages of the environment; no bytecode, as it can write nowhere;
    // unbuffered, so that what is printed is in the log at once.
    command.args(["-I", "-B", "-u", "-c", BEGINNING]);
    command.arg(format!("/proc/self/fd/{}", archive.as_raw_fd()));
    command.arg(&entry.name).arg(&entry.path).arg(library);
    command.arg(match entry.layout {
        AbiLayout::Newest => "newest",
        AbiLayout::January2026 => "2026-01",
    });
    // For the life of the interpreter.
    std::mem::forget(archive);
    Ok(command)
}

fn archive() -> Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in FILES {
        archive.start_file(name, options)?;
        archive.write_all(content.as_bytes())?;
    }
    Ok(archive.finish()?.into_inner())
}

/// That of the environment that `plugins.conf` names, of the one that has the plugin's name, or of the system.
fn interpreter(entry: &Entry) -> PathBuf {
    let of = |environment: &Path| environment.join("bin/python3");
    if let Some(environment) = &entry.environment {
        return of(environment);
    }
    let folder = env::var_os(VENV_FOLDER_VARIABLE).map_or_else(|| VENV_FOLDER.into(), PathBuf::from);
    let own = of(&folder.join(&entry.name));
    if own.exists() { own } else { SYSTEM_PYTHON.into() }
}

fn library() -> Result<PathBuf> {
    let program = env::current_exe().context("finding this program")?;
    let beside = program.parent().unwrap_or(Path::new("/"));
    [beside, Path::new(PACKAGE_FOLDER)]
        .into_iter()
        .map(|folder| folder.join(LIBRARY))
        .find(|path| path.is_file())
        .with_context(|| {
            format!(
                "{LIBRARY} is neither in {} nor in {PACKAGE_FOLDER}",
                beside.display()
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_has_every_python_file() {
        let archive = zip::ZipArchive::new(Cursor::new(archive().unwrap())).unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
        let mut files = Vec::new();
        for part in ["", "shared"] {
            for file in std::fs::read_dir(folder.join(part)).unwrap() {
                let path = file.unwrap().path();
                if path.extension().is_some_and(|extension| extension == "py") {
                    let name = path.strip_prefix(&folder).unwrap();
                    files.push(name.to_str().unwrap().to_owned());
                }
            }
        }
        let mut packed: Vec<_> = archive
            .file_names()
            .map(|name| name.unwrap().into_owned())
            .collect();
        packed.sort();
        files.sort();
        assert_eq!(packed, files);
    }
}
