//! A new program's initialisation is tried in a process of its own first: what crashes or hangs there must not do so in
//! the process that runs the plant. So is its end: a program that does not end well is let in nevertheless, but never unloaded.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::SocketAddrV4;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::SigSet;
use openplc_program::python::Requests;
use openplc_program::{Host, Program, Protocol, Severity};
use openplc_rt::fault_record;
use rustix::fs::OFlags;
use thiserror::Error;

use crate::foreign_threads;

/// First argument of a process that tries a program; the second is the path of its object.
pub const ARGUMENT: &str = "try-program";
/// Longest time that an initialisation may take.
const LIMIT: Duration = Duration::from_secs(5);
/// Longest time that the end of a program may take.
const END_LIMIT: Duration = Duration::from_secs(1);
/// What the trial writes when the initialisation is done.
const INITIALISED: u8 = b'\n';
/// Bytes of a reason that are read, at most.
const LONGEST_REASON: u64 = 4096;
/// Time between two looks whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Why a program was not let in.
#[derive(Debug, Error)]
pub enum TrialError {
    /// The object cannot be loaded, or says itself that it failed.
    #[error("{0}")]
    Refused(String),
    /// It crashed.
    #[error("the program's initialisation crashed by {}", fault_record::describe(*.0))]
    Crashed(i32),
    /// It did not come to an end.
    #[error("the program's initialisation did not end within {} s", LIMIT.as_secs())]
    Hangs,
    /// The trial itself did not work.
    #[error("the program could not be tried: {0}")]
    System(#[from] io::Error),
}

/// How a program has ended that was initialised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// In order, and soon.
    Clean,
    /// It crashed, or did not come to an end.
    Dirty,
}

/// Tries the object at `path`.
///
/// # Errors
/// [`TrialError`].
pub fn attempt(path: &Path) -> Result<Ending, TrialError> {
    let mut trial = Command::new("/proc/self/exe")
        .arg(ARGUMENT)
        .arg(path)
        .env_remove("NOTIFY_SOCKET")
        .env_remove("LISTEN_FDS")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let Some(status) = wait(&mut trial)? else {
        trial.kill()?;
        trial.wait()?;
        return match report(trial)? {
            report if is_initialised(&report) => Ok(Ending::Dirty),
            _ => Err(TrialError::Hangs),
        };
    };
    let report = report(trial)?;
    match (is_initialised(&report), status.signal()) {
        (true, _) if status.success() => Ok(Ending::Clean),
        (true, _) => Ok(Ending::Dirty),
        (false, Some(signal)) => Err(TrialError::Crashed(signal)),
        (false, None) => Err(TrialError::Refused(reason(&report))),
    }
}

fn is_initialised(report: &[u8]) -> bool {
    report.first() == Some(&INITIALISED)
}

fn wait(trial: &mut Child) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + LIMIT;
    loop {
        match trial.try_wait()? {
            None if Instant::now() < deadline => thread::sleep(LOOK_EVERY),
            status => return Ok(status),
        }
    }
}

/// What a trial that has ended wrote.
fn report(trial: Child) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    if let Some(output) = trial.stdout {
        let mut output = output.take(LONGEST_REASON);
        // What the program may have started can still hold the other end, so there may never be an end to read.
        rustix::fs::fcntl_setfl(output.get_ref(), OFlags::NONBLOCK)?;
        match output.read_to_end(&mut text) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
    }
    Ok(text)
}

fn reason(report: &[u8]) -> String {
    match String::from_utf8_lossy(report).trim() {
        "" => "it ended without a reason".to_owned(),
        reason => reason.to_owned(),
    }
}

/// The trial: loads and initialises the object at `path` in this process, and ends.
pub fn run(path: &Path) -> ExitCode {
    // The scan engine waits for SIGTERM by blocking it; whoever wants to end this process must be able to.
    if let Err(error) = SigSet::empty().thread_set_mask() {
        tracing::warn!("Signals stay blocked: {error}");
    }
    // What the program prints is of no interest now, and nobody reads it: a pipe that is full would hold it up.
    let Ok(mut report) = own_report() else {
        return ExitCode::FAILURE;
    };
    match Program::load(path, Box::new(Alone(Requests::default()))) {
        Ok(program) => {
            // Whoever gets no report takes this for a program that was not initialised.
            let _ = report.write_all(&[INITIALISED]);
            if !foreign_threads::is_alone() {
                // Its code must not vanish beneath the threads that it has started.
                openplc_rt::process::end_at_once(1);
            }
            limit_end();
            drop(program);
            openplc_rt::process::end_at_once(0)
        }
        Err(error) => {
            // Nobody listens any more when this fails.
            let _ = write!(report, "{error}");
            openplc_rt::process::end_at_once(1)
        }
    }
}

/// Ends this process when it has not ended by itself in time.
fn limit_end() {
    let (started, is_there) = mpsc::channel();
    thread::spawn(move || {
        let _ = started.send(());
        thread::sleep(END_LIMIT);
        openplc_rt::process::end_at_once(1);
    });
    // Before code of the program is executed, which may keep a new thread from starting.
    let _ = is_there.recv();
}

/// What was standard output, which becomes nothing.
fn own_report() -> io::Result<File> {
    let report = rustix::io::fcntl_dupfd_cloexec(io::stdout(), 0)?;
    rustix::stdio::dup2_stdout(File::options().write(true).open("/dev/null")?)?;
    Ok(report.into())
}

/// A host that does nothing.
struct Alone(Requests);

impl Host for Alone {
    fn log(&self, _: Severity, _: &[u8]) {}

    fn python(&self) -> &Requests {
        &self.0
    }

    fn connect(&self, _: SocketAddrV4, _: Protocol) -> Option<i32> {
        None
    }

    fn send(&self, _: i32, _: &[u8]) -> Option<usize> {
        None
    }

    fn receive(&self, _: i32, _: &mut [u8]) -> Option<usize> {
        None
    }

    fn disconnect(&self, _: i32) -> Option<()> {
        None
    }
}
