//! Which processes have ended.

use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

/// A child that has ended and still holds its process id.
#[derive(Debug)]
pub struct Ended {
    /// The process.
    pub pid: Pid,
    status: WaitStatus,
}

impl Ended {
    /// The next of our children to have ended, our own or an orphan that we were given.
    pub fn next() -> Option<Self> {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        let status = waitid(Id::All, flags).ok()?;
        Some(Self {
            pid: status.pid()?,
            status,
        })
    }

    /// Kills what is left of the process group that it led. No other group can have its id before [`Self::forget`].
    pub fn kill_group(&self) {
        let _ = killpg(self.pid, Signal::SIGKILL);
    }

    /// Gives its process id back.
    pub fn forget(&self) {
        let _ = waitpid(self.pid, Some(WaitPidFlag::WNOHANG));
    }

    /// How it ended, for the log.
    pub fn outcome(&self) -> String {
        match self.status {
            WaitStatus::Exited(_, code) => format!("exited with code {code}"),
            WaitStatus::Signaled(_, signal, _) => format!("was killed by {}", signal.as_str()),
            _ => "ended".to_owned(),
        }
    }

    /// Whether it ended by itself and reported success.
    pub fn succeeded(&self) -> bool {
        matches!(self.status, WaitStatus::Exited(_, 0))
    }
}

/// Sends a signal to a process that may have ended.
pub fn signal(pid: Pid, signal: Signal) {
    let _ = kill(pid, signal);
}
