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

    /// How it ended, as systemd tells the commands of `ExecStopPost=`: SERVICE_RESULT, EXIT_CODE and EXIT_STATUS.
    pub fn told(&self, out_of_memory: bool) -> [String; 3] {
        match self.status {
            WaitStatus::Exited(_, 0) => ["success".into(), "exited".into(), "0".into()],
            WaitStatus::Exited(_, code) => ["exit-code".into(), "exited".into(), code.to_string()],
            WaitStatus::Signaled(_, signal, _) => {
                let out_of_memory = out_of_memory && signal == Signal::SIGKILL;
                let result = if out_of_memory { "oom-kill" } else { "signal" };
                let name = signal.as_str();
                let name = name.strip_prefix("SIG").unwrap_or(name);
                [result.into(), "killed".into(), name.into()]
            }
            _ => ["signal".into(), "killed".into(), String::new()],
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
