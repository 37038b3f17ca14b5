//! The guard: a process that leads the process group of the compilers, ends them and cleans up.
//!
//! A worker can be killed at any moment, and a compiler must not run on for minutes after that. The kernel offers no safe
//! way to tie a whole tree of processes to its parent, but a pipe ends with its writer: the guard waits for the end of its
//! standard input, then ends its group and removes the work folder. It is outside of the worker's sandbox, which has no
//! right to remove that folder.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{SigSet, Signal, killpg};
use nix::unistd::{Pid, getpgrp};

/// How often the guard tries to remove the work folder.
const CLEANING_ATTEMPTS: u32 = 50;
/// Time between two attempts.
const CLEANING_PAUSE: Duration = Duration::from_millis(20);

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

/// Ends every compiler of the group. They run none of the user's code, so nothing makes them ignore this signal; only the
/// guard does.
pub fn end_compilers(group: i32) {
    // Nothing to do when they have ended by themselves.
    let _ = killpg(Pid::from_raw(group), Signal::SIGTERM);
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // When this returns the work folder is gone, and no zombie is left in a container whose first process reaps none.
        let _ = self.process.wait();
    }
}

/// The guard's own life.
pub fn watch(folder: &Path) -> ExitCode {
    let mut immune = SigSet::empty();
    immune.add(Signal::SIGTERM);
    let _ = immune.thread_block();
    let mut nothing = [0; 1];
    while !matches!(std::io::stdin().read(&mut nothing), Ok(0) | Err(_)) {}
    let group = getpgrp();
    let _ = killpg(group, Signal::SIGTERM);
    // A compiler that is just ending may still write a file.
    for _ in 0..CLEANING_ATTEMPTS {
        if std::fs::remove_dir_all(folder).is_ok() || !folder.exists() {
            break;
        }
        std::thread::sleep(CLEANING_PAUSE);
    }
    // Whatever is left of the group, and with it this process.
    let _ = killpg(group, Signal::SIGKILL);
    ExitCode::SUCCESS
}
