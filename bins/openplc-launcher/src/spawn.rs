//! The launcher's side of starting a process.

use std::ffi::{OsStr, OsString};
use std::io::PipeReader;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use command_fds::{CommandFdExt, FdMapping};
use nix::unistd::Pid;

/// First of the descriptors that a service inherits, by `sd_listen_fds(3)`.
const FIRST_INHERITED: i32 = 3;
/// Where packages install programs that are not for users to start.
const PACKAGE_FOLDER: &str = "/usr/lib/openplc-runtime";
/// What a service gets of our environment. Nothing else: a user's may hold secrets.
const KEPT_ENVIRONMENT: [&str; 5] = ["PATH", "LANG", "TZ", "OPENPLC_LOG", "RUST_BACKTRACE"];

/// A socket that a process inherits.
#[derive(Debug)]
pub struct Inherited {
    /// What the process knows it by, as `FileDescriptorName=` of a socket unit.
    pub name: &'static str,
    /// The open socket.
    pub socket: OwnedFd,
}

impl Inherited {
    /// The same socket again.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub fn try_clone(&self) -> std::io::Result<Self> {
        Ok(Self {
            name: self.name,
            socket: self.socket.try_clone()?,
        })
    }
}

/// How to start a process.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Added to the clean environment.
    pub environment: Vec<(&'static str, OsString)>,
    /// User to become.
    pub user: Option<String>,
    /// See [`crate::arguments::Confinement::real_time`].
    pub real_time: bool,
    /// See [`crate::arguments::Confinement::expendable`].
    pub expendable: bool,
    /// See [`crate::arguments::Confinement::network`].
    pub network: bool,
}

/// What a process is told of the one before it.
const LAST_END: [&str; 3] = ["SERVICE_RESULT", "EXIT_CODE", "EXIT_STATUS"];

impl Recipe {
    /// The next process is told how the one before it has ended.
    pub fn tell_end(&mut self, end: [String; 3]) {
        self.environment.retain(|(name, _)| !LAST_END.contains(name));
        self.environment
            .extend(LAST_END.into_iter().zip(end.map(OsString::from)));
    }

    /// Starts the process as leader of a process group of its own, with `input` as standard input and `sockets` as
    /// inherited descriptors. Returns its output, both standard output and standard error.
    ///
    /// # Errors
    /// When the process cannot be made; a program that cannot be executed shows as a process that exits.
    pub fn spawn(&self, input: Option<OwnedFd>, sockets: Vec<Inherited>) -> Result<(Pid, PipeReader)> {
        let about = || format!("Cannot start {}", self.program.display());
        let (output, writer) = std::io::pipe().with_context(about)?;
        // Not the path of our file: an update may have replaced it.
        let mut command = Command::new("/proc/self/exe");
        command.arg0("openplc-launcher").arg("confine");
        if let Some(user) = &self.user {
            command.arg("--user").arg(user);
        }
        command.args(self.real_time.then_some("--real-time"));
        command.args(self.expendable.then_some("--expendable"));
        command.args(self.network.then_some("--network"));
        command.arg("--").arg(&self.program).args(&self.arguments);
        command
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| is_kept(name)));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(input.map_or_else(Stdio::null, Stdio::from));
        command
            .stdout(writer.try_clone().with_context(about)?)
            .stderr(writer)
            .process_group(0);
        if !sockets.is_empty() {
            let names: Vec<_> = sockets.iter().map(|inherited| inherited.name).collect();
            command.env("LISTEN_FDS", sockets.len().to_string());
            command.env("LISTEN_FDNAMES", names.join(":"));
            let mappings = sockets.into_iter().zip(FIRST_INHERITED..);
            command.fd_mappings(
                mappings
                    .map(|(inherited, child_fd)| FdMapping {
                        parent_fd: inherited.socket,
                        child_fd,
                    })
                    .collect(),
            )?;
        }
        let child = command.spawn().with_context(about)?;
        Ok((Pid::from_raw(child.id().cast_signed()), output))
    }
}

fn is_kept(name: &OsStr) -> bool {
    KEPT_ENVIRONMENT.iter().any(|kept| name == *kept)
}

/// A program of ours: beside the launcher, else where packages put it, else in `PATH`.
///
/// # Errors
/// When it is in none of these places.
pub fn find_program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("Cannot tell where the launcher is")?;
    let beside = own.parent().unwrap_or(Path::new("/")).to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    [beside.clone(), PACKAGE_FOLDER.into()]
        .into_iter()
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .with_context(|| {
            format!(
                "{name} is neither in {} nor in {PACKAGE_FOLDER} nor in PATH",
                beside.display()
            )
        })
}
