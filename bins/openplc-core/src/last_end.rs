//! How the process before this one ended, as the service manager saw it. Some ends leave no record of their own
//! ([`openplc_rt::fault_record`]): the kernel wanted the memory, the stack of a thread that the program has started was full, or
//! the program called `_exit`.
//!
//! systemd tells it to the command of `ExecStopPost=`, which is [`note`]; `openplc-launcher` tells it to the next process itself.
//! Either uses the variables SERVICE_RESULT, EXIT_CODE and EXIT_STATUS of systemd.exec(5).

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use nix::sys::signal::Signal;

/// The argument of a process that only notes how the service ended.
pub const ARGUMENT: &str = "note-end";
/// Exit status of a scan engine that cannot run, which is nobody's fault (EX_UNAVAILABLE).
pub const CANNOT_RUN: u8 = 69;
/// The file in the runtime directory.
const FILE: &str = "end";
/// Signals that a faulting program causes. Others are sent by people.
const OF_FAULTS: [Signal; 8] = [
    Signal::SIGSEGV,
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGILL,
    Signal::SIGABRT,
    Signal::SIGTRAP,
    Signal::SIGSYS,
    Signal::SIGXCPU,
];

/// An end that a program is to blame for when it is not recorded otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastEnd {
    /// The kernel ended it, because memory was used up.
    OutOfMemory,
    /// It gave no sign of life, not even when it was aborted.
    Silent,
    /// A signal ended it.
    Signal(Signal),
    /// It exited with this status.
    Exit(u8),
}

impl LastEnd {
    /// What the service manager has told of the process before this one. Told once.
    pub fn take() -> Option<Self> {
        if let Some(told) = from_environment() {
            return Self::parse(&told);
        }
        let path = file()?;
        let told = fs::read_to_string(&path).ok()?;
        // What cannot be removed is in a directory that ends with the service.
        let _ = fs::remove_file(path);
        Self::parse(&told)
    }

    fn parse(told: &str) -> Option<Self> {
        let mut words = told.split_whitespace();
        let (result, code, status) = (words.next()?, words.next()?, words.next()?);
        match (result, code) {
            ("oom-kill", _) => Some(Self::OutOfMemory),
            (_, "exited") => status
                .parse()
                .ok()
                .filter(|status| *status != CANNOT_RUN)
                .map(Self::Exit),
            ("watchdog", _) if status == "KILL" => Some(Self::Silent),
            (_, "killed" | "dumped") => {
                let signal = Signal::from_str(&format!("SIG{status}")).ok()?;
                OF_FAULTS.contains(&signal).then_some(Self::Signal(signal))
            }
            _ => None,
        }
    }
}

/// Notes for the next process how this service ended.
pub fn note() -> ExitCode {
    let (Some(told), Some(path)) = (from_environment(), file()) else {
        eprintln!("openplc-core {ARGUMENT} is for ExecStopPost= of its unit");
        return ExitCode::from(2);
    };
    match fs::write(&path, told) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!(
                "How the scan engine ended cannot be noted in {}: {error}",
                path.display()
            );
            ExitCode::FAILURE
        }
    }
}

fn from_environment() -> Option<String> {
    let words = ["SERVICE_RESULT", "EXIT_CODE", "EXIT_STATUS"].map(|name| env::var(name).ok());
    let [Some(result), Some(code), Some(status)] = words else {
        return None;
    };
    Some(format!("{result} {code} {status}"))
}

fn file() -> Option<PathBuf> {
    let directory = env::var_os("RUNTIME_DIRECTORY")?;
    Some(Path::new(OsStr::new(&directory)).join(FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_from_programs() {
        for (told, end) in [
            ("oom-kill killed KILL", Some(LastEnd::OutOfMemory)),
            ("signal killed SEGV", Some(LastEnd::Signal(Signal::SIGSEGV))),
            ("core-dump dumped ABRT", Some(LastEnd::Signal(Signal::SIGABRT))),
            ("watchdog killed KILL", Some(LastEnd::Silent)),
            ("exit-code exited 3", Some(LastEnd::Exit(3))),
            ("success exited 0", Some(LastEnd::Exit(0))),
            ("exit-code exited 69", None),
            // Somebody with systemctl kill, or at a reboot.
            ("signal killed KILL", None),
            ("signal killed HUP", None),
            ("success killed TERM", None),
            ("", None),
            ("signal killed", None),
        ] {
            assert_eq!(LastEnd::parse(told), end, "{told}");
        }
    }
}
