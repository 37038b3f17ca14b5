//! Processes that a service has left behind. Under systemd its control group would hold them; here they become our children
//! when their parents end, because the launcher is PID 1 or asks for them.

use std::fs;
use std::time::Duration;

use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, getpid};

/// Whoever forks faster than this often is left to the next time.
const ATTEMPTS: usize = 100;
/// Until a killed process has ended, and its children are ours.
const PAUSE: Duration = Duration::from_millis(1);

/// From now on descendants whose parent has ended are our children. PID 1 has them without asking.
///
/// # Errors
/// The error of `prctl(2)`: emulators of another processor do not know it.
pub fn adopt() -> nix::Result<()> {
    if getpid() == Pid::from_raw(1) {
        return Ok(());
    }
    prctl::set_child_subreaper(true)
}

/// Kills the children of ours that run as `user` and that `is_known` does not know, and what these leave behind in turn.
pub fn kill_all(user: Uid, is_known: impl Fn(Pid) -> bool) {
    for _ in 0..ATTEMPTS {
        let orphans: Vec<_> = children(user).into_iter().filter(|pid| !is_known(*pid)).collect();
        if orphans.is_empty() {
            return;
        }
        for orphan in orphans {
            let _ = kill(orphan, Signal::SIGKILL);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Our children that run as `user` and have not ended.
fn children(user: Uid) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .map(Pid::from_raw)
        .filter(|pid| {
            // Gone meanwhile, perhaps.
            fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|status| is_child(&status, user))
        })
        .collect()
}

/// Whether the text of `/proc/PID/status` is that of such a child.
fn is_child(status: &str, user: Uid) -> bool {
    let field = |name: &str| {
        let value = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.and_then(|value| value.split_whitespace().next())
    };
    field("PPid") == Some(&getpid().to_string())
        && field("Uid") == Some(&user.to_string())
        && !matches!(field("State"), Some("Z" | "X"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_known_from_the_kernel() {
        let user = Uid::from_raw(7);
        let text = |state: &str, parent: i32, uid: u32| {
            format!("Name:\tsleep\nState:\t{state} (x)\nPid:\t9\nPPid:\t{parent}\nUid:\t{uid}\t0\t0\t0\n")
        };
        let us = getpid().as_raw();
        assert!(is_child(&text("S", us, 7), user));
        assert!(!is_child(&text("Z", us, 7), user), "it has ended");
        assert!(!is_child(&text("S", us + 1, 7), user), "another's");
        assert!(!is_child(&text("S", us, 70), user), "another user's");
    }
}
