//! Builds: one process for each connection to the compile socket.

use std::fs::{self, Permissions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, Uid, User};

use crate::console::{Console, Priority};
use crate::log_stream::LogStream;
use crate::places::{private_folder, remove_folder};
use crate::spawn::Recipe;

/// Name in the log.
pub const IDENTIFIER: &str = "openplc-compile";
/// Builds at the same time. Further connections wait in the socket's queue.
const MOST: usize = 2;

#[derive(Debug)]
struct Build {
    worker: Pid,
    folder: PathBuf,
}

/// The compile socket and the builds in progress.
#[derive(Debug)]
pub struct Builds {
    listener: UnixListener,
    recipe: Recipe,
    user: Option<User>,
    folders: PathBuf,
    running: Vec<Build>,
    next: u64,
}

impl Builds {
    /// Serves `listener` with processes made by `recipe`, each with a working folder of its own in `folders`.
    ///
    /// # Errors
    /// When what an earlier run left in `folders` cannot be removed, or the folder not be created.
    pub fn new(listener: UnixListener, recipe: Recipe, user: Option<User>, folders: PathBuf) -> Result<Self> {
        let prepare = || -> io::Result<()> {
            remove_folder(&folders)?;
            fs::create_dir(&folders)?;
            // Workers pass through to their own folder and see no other.
            std::os::unix::fs::chown(&folders, None, user.as_ref().map(|user| user.gid.as_raw()))?;
            fs::set_permissions(&folders, Permissions::from_mode(0o710))
        };
        prepare().with_context(|| format!("Cannot prepare the folder {}", folders.display()))?;
        Ok(Self {
            listener,
            recipe,
            user,
            folders,
            running: Vec::new(),
            next: 1,
        })
    }

    /// For polling; none while no further build may start.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        (self.running.len() < MOST).then(|| self.listener.as_fd())
    }

    /// Takes one connection and starts its build.
    ///
    /// # Errors
    /// When the process cannot be started; the connection is closed then.
    pub fn accept(&mut self) -> Result<LogStream> {
        let (connection, _) = self.listener.accept().context("Cannot accept a build")?;
        let folder = self.folders.join(self.next.to_string());
        self.next += 1;
        private_folder(&folder, self.user.as_ref())
            .with_context(|| format!("Cannot create the folder {}", folder.display()))?;
        let mut recipe = self.recipe.clone();
        recipe
            .environment
            .push(("RUNTIME_DIRECTORY", folder.clone().into()));
        let (worker, output) = recipe.spawn(Some(OwnedFd::from(connection)), Vec::new())?;
        self.running.push(Build { worker, folder });
        Ok(LogStream::new(output, IDENTIFIER, worker))
    }

    /// The user that builds, and nothing else, run as.
    pub fn user(&self) -> Option<Uid> {
        self.user.as_ref().map(|user| user.uid)
    }

    /// Whether `pid` is a build in progress.
    pub fn is_worker(&self, pid: Pid) -> bool {
        self.running.iter().any(|build| build.worker == pid)
    }

    /// The build of the worker `pid` has ended, and so have all processes of it.
    pub fn ended(&mut self, pid: Pid, console: &Console) {
        if let Some(position) = self.running.iter().position(|build| build.worker == pid) {
            let build = self.running.swap_remove(position);
            if let Err(error) = remove_folder(&build.folder) {
                let text = format!("Cannot remove {}: {error}", build.folder.display());
                console.say(Priority::WARNING, &text);
            }
        }
    }

    /// Ends all builds.
    pub fn kill(&self) {
        for build in &self.running {
            let _ = killpg(build.worker, Signal::SIGKILL);
        }
    }
}
