//! A new program's initialisation is tried in a process of its own first: what crashes or hangs there must not do so in
//! the process that runs the plant.

use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use openplc_program::python::Requests;
use openplc_program::{Host, Program, Severity};
use openplc_rt::fault_record;
use rustix::event::{PollFd, PollFlags, Timespec};
use thiserror::Error;

/// First argument of a process that tries a program; the second is the path of its object.
pub const ARGUMENT: &str = "try-program";
/// Longest time that an initialisation may take, in seconds.
const LIMIT: Duration = Duration::from_secs(5);

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

/// Tries the object at `path`.
///
/// # Errors
/// [`TrialError`].
pub fn attempt(path: &Path) -> Result<(), TrialError> {
    let mut trial = Command::new("/proc/self/exe")
        .arg(ARGUMENT)
        .arg(path)
        .env_remove("NOTIFY_SOCKET")
        .env_remove("LISTEN_FDS")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let output = read_until_end(&mut trial);
    if output.is_err() {
        // It has ended already, or ends now.
        let _ = trial.kill();
    }
    let status = trial.wait()?;
    let output = output?;
    match (status.success(), status.signal()) {
        (true, _) => Ok(()),
        (_, Some(signal)) => Err(TrialError::Crashed(signal)),
        // The reason is what was written last; the program may have printed before.
        _ => Err(TrialError::Refused(
            output.lines().last().unwrap_or("no reason was given").to_owned(),
        )),
    }
}

fn read_until_end(trial: &mut Child) -> Result<String, TrialError> {
    let Some(mut output) = trial.stdout.take() else {
        return Ok(String::new());
    };
    let (mut text, mut piece) = (Vec::new(), [0; 4096]);
    let deadline = Instant::now() + LIMIT;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec {
            tv_sec: left.as_secs() as i64,
            tv_nsec: left.subsec_nanos().into(),
        };
        let mut waiting = [PollFd::new(&output, PollFlags::IN)];
        if rustix::event::poll(&mut waiting, Some(&left)).map_err(io::Error::from)? == 0 {
            return Err(TrialError::Hangs);
        }
        match output.read(&mut piece)? {
            0 => return Ok(String::from_utf8_lossy(&text).into_owned()),
            // What a program prints without end is not kept.
            count if text.len() < 64 << 10 => text.extend_from_slice(&piece[..count]),
            _ => return Err(TrialError::Hangs),
        }
    }
}

/// The trial: loads and initialises the object at `path` in this process, and ends.
pub fn run(path: &Path) -> ExitCode {
    match Program::load(path, Box::new(Alone(Requests::default()))) {
        Ok(program) => {
            // What the program would do at its end is not on trial.
            std::mem::forget(program);
            ExitCode::SUCCESS
        }
        Err(error) => {
            // Nobody listens any more when this fails.
            let _ = write!(io::stdout(), "\n{error}");
            ExitCode::FAILURE
        }
    }
}

/// A host that does nothing.
struct Alone(Requests);

impl Host for Alone {
    fn log(&self, _: Severity, _: &[u8]) {}

    fn python(&self) -> &Requests {
        &self.0
    }
}
