//! The guard: a process that leads the process group of the compilers and outlives nothing.
//!
//! A worker can be killed at any moment, and a compiler must not run on for minutes after that. The kernel offers no safe
//! way to tie a whole tree of processes to its parent, but a pipe ends with its writer: the guard waits for the end of its
//! standard input, then removes the work folder and kills its group.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::Context;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

/// A running guard, seen from the worker.
#[derive(Debug)]
pub struct Guard {
    process: Child,
}

impl Guard {
    /// Starts a guard for the work folder.
    pub fn start(folder: &Path) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("the path of openplc-compile is not known")?;
        let process = Command::new(program)
            .arg("--guard")
            .arg(folder)
            .env_clear()
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("the guard of the compilers cannot be started")?;
        Ok(Self { process })
    }

    /// The process group in which compilers belong.
    pub fn group(&self) -> i32 {
        self.process.id().cast_signed()
    }
}

/// Kills every process of the group.
pub fn kill_group(group: i32) {
    // Nothing to do when they have ended by themselves.
    let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
}

impl Drop for Guard {
    fn drop(&mut self) {
        kill_group(self.group());
        // A zombie would be left in a container whose first process does not reap.
        let _ = self.process.wait();
    }
}

/// The guard's own life.
pub fn watch(folder: &Path) -> ExitCode {
    let mut nothing = [0; 1];
    while !matches!(std::io::stdin().read(&mut nothing), Ok(0) | Err(_)) {}
    // The worker removes the folder when it ends in good order. First, because the next statement ends this process too.
    let _ = std::fs::remove_dir_all(folder);
    let _ = kill(Pid::from_raw(0), Signal::SIGKILL);
    ExitCode::SUCCESS
}
