//! The process that becomes a Python block's interpreter. What an interpreter must not inherit, and cannot be told by its
//! parent, is set here, in between.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use nix::sys::signal::{SigSet, Signal};

/// First argument of such a process; the second is the path of the script.
pub const ARGUMENT: &str = "python-block";
/// Exit code when there is no interpreter, as shells have it.
pub const NO_INTERPRETER: i32 = 127;
/// Folders with scripts begin with this.
pub const FOLDER_PREFIX: &str = "python-";
/// Names of shared memory areas begin with this.
pub const AREA_PREFIX: &str = "openplc-block-";

/// Becomes the interpreter of the script at `path`.
pub fn run(path: &Path) -> ExitCode {
    let Err(error) = become_interpreter(path);
    // The parent reads it into the log.
    eprintln!("python3 cannot be executed: {error}");
    ExitCode::from(NO_INTERPRETER as u8)
}

fn become_interpreter(path: &Path) -> io::Result<Infallible> {
    // A block that is busy would not notice that the scan engine has gone.
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
    // The scan engine waits for SIGTERM by blocking it.
    SigSet::empty().thread_set_mask()?;
    Err(Command::new("python3").arg("-u").arg(path).exec())
}

/// Where folders with scripts are made.
pub fn folders() -> PathBuf {
    std::env::var_os("RUNTIME_DIRECTORY").map_or_else(std::env::temp_dir, PathBuf::from)
}

/// Removes what the blocks of a process that was killed have left behind.
pub fn clean_up() {
    let remains = |parent: &Path, prefix: &str| {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        let prefix = prefix.to_owned();
        entries
            .filter(move |entry| entry.file_name().to_string_lossy().starts_with(&prefix))
            .map(|entry| entry.path())
    };
    // What cannot be removed belongs to another installation, or is gone.
    if std::env::var_os("RUNTIME_DIRECTORY").is_some() {
        remains(&folders(), FOLDER_PREFIX).for_each(|folder| drop(fs::remove_dir_all(folder)));
    }
    let uid = nix::unistd::getuid().as_raw();
    let own = format!("{AREA_PREFIX}{uid}-");
    remains(Path::new("/dev/shm"), &own).for_each(|area| drop(fs::remove_file(area)));
}
