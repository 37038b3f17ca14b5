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
    let left = remains(Path::new("/dev/shm"), &own).filter(|area| !is_in_use(area, &own));
    left.for_each(|area| drop(fs::remove_file(area)));
}

/// Whether the scan engine that has made this area is still there: the same user may run several.
fn is_in_use(area: &Path, prefix: &str) -> bool {
    let name = area.file_name().unwrap_or_default().to_string_lossy();
    let process = name.strip_prefix(prefix).and_then(|rest| rest.split('-').next());
    let command = process.map(|process| fs::read_to_string(format!("/proc/{process}/comm")));
    command.is_some_and(|command| command.is_ok_and(|command| command.trim_end() == "openplc-core"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_uses_is_left_over() {
        let area = |process: &str| PathBuf::from(format!("/dev/shm/openplc-block-7-{process}-00ff"));
        let prefix = "openplc-block-7-";
        // This process is no scan engine, and neither is one that does not exist.
        assert!(!is_in_use(&area(&std::process::id().to_string()), prefix));
        assert!(!is_in_use(&area("4194999"), prefix));
        assert!(!is_in_use(Path::new("/dev/shm/openplc-block-7-00ff"), prefix));
    }
}
