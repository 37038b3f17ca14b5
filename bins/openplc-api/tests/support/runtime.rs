//! The real `openplc-api` with sockets and a state directory of its own.

use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};

use command_fds::{CommandFdExt, FdMapping};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::http::Client;
use super::{core, wait_for, worker};

pub const PASSWORD: &str = "secret";

/// A running API.
pub struct Runtime {
    directory: TempDir,
    sockets: Sockets,
    child: Child,
}

/// What a supervisor opens.
struct Sockets {
    listener: TcpListener,
    discovery: UdpSocket,
}

impl Runtime {
    /// With a core that runs a program and a worker that builds.
    pub fn start() -> Self {
        let runtime = Self::start_alone();
        core::serve(&runtime.core_socket(), core::running);
        worker::serve(&runtime.compile_socket(), worker::builds);
        runtime
    }

    /// With nobody on the other sockets.
    pub fn start_alone() -> Self {
        Self::start_with(&[])
    }

    /// With nobody on the other sockets, in an environment with these additions.
    pub fn start_with(environment: &[(&str, &OsStr)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("state")).unwrap();
        let sockets = Sockets {
            listener: TcpListener::bind("127.0.0.1:0").unwrap(),
            discovery: UdpSocket::bind("127.0.0.1:0").unwrap(),
        };
        let child = spawn(directory.path(), &sockets, environment);
        let runtime = Self {
            directory,
            sockets,
            child,
        };
        wait_for("the certificate", || {
            runtime.state().join("cert.pem").exists().then_some(())
        });
        runtime
    }

    /// Ends the process as a supervisor does and starts another on the same listener and state.
    pub fn restart(&mut self) {
        assert!(self.stop().success());
        self.restart_after_stop();
    }

    pub fn restart_after_stop(&mut self) {
        self.child = spawn(self.directory.path(), &self.sockets, &[]);
    }

    /// Waits for an end that nobody asked for, and starts a fresh process as a socket unit would.
    pub fn restart_after_own_end(&mut self) -> ExitStatus {
        let status = wait_for("an end of its own", || self.child.try_wait().unwrap());
        self.restart_after_stop();
        status
    }

    /// SIGTERM.
    pub fn stop(&mut self) -> ExitStatus {
        kill(self.pid(), Signal::SIGTERM).unwrap();
        wait_for("the end after SIGTERM", || self.child.try_wait().unwrap())
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }

    pub fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    pub fn core_socket(&self) -> PathBuf {
        self.directory.path().join("core.socket")
    }

    pub fn compile_socket(&self) -> PathBuf {
        self.directory.path().join("compile.socket")
    }

    pub fn address(&self) -> SocketAddr {
        self.sockets.listener.local_addr().unwrap()
    }

    /// Where Editors look for it.
    pub fn discovery(&self) -> SocketAddr {
        self.sockets.discovery.local_addr().unwrap()
    }

    /// Somebody unknown.
    pub fn stranger(&self) -> Client {
        Client::new(self.address(), &self.state().join("cert.pem"))
    }

    /// The first user, an admin, made when there is none.
    pub fn engineer(&self) -> Client {
        let mut client = self.stranger();
        if client.get("/api/get-users-info").status == 404 {
            assert_eq!(
                client
                    .credentials("/api/create-user", "engineer", PASSWORD)
                    .status,
                201
            );
        }
        client.log_in("engineer", PASSWORD);
        client
    }

    /// A figure of `/proc/PID/status` in kB.
    pub fn memory(&self, name: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_matches([':', ' ', '\t', 'k', 'B']).parse().unwrap()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The order of the sockets is that of systemd's choice: the other way round than one might expect.
fn spawn(directory: &Path, sockets: &Sockets, environment: &[(&str, &OsStr)]) -> Child {
    let inherited: [OwnedFd; 2] = [
        sockets.discovery.try_clone().unwrap().into(),
        sockets.listener.try_clone().unwrap().into(),
    ];
    let mappings = inherited.into_iter().zip(3..);
    Command::new(env!("CARGO_BIN_EXE_openplc-api"))
        .arg("--core-socket")
        .arg(directory.join("core.socket"))
        .arg("--compile-socket")
        .arg(directory.join("compile.socket"))
        .env("STATE_DIRECTORY", directory.join("state"))
        .env("LISTEN_FDS", "2")
        .env("LISTEN_FDNAMES", "discovery:https")
        .envs(environment.iter().copied())
        .fd_mappings(
            mappings
                .map(|(parent_fd, child_fd)| FdMapping { parent_fd, child_fd })
                .collect(),
        )
        .unwrap()
        .spawn()
        .unwrap()
}
