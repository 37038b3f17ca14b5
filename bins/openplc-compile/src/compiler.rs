//! One run of a compiler or linker.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::diagnostics;
use crate::ending::Ending;
use crate::guard;

/// Output of a compiler beyond this many bytes is read and dropped.
const MOST_OUTPUT: u64 = 1 << 20;

/// How gcc and clang of all ages say that they do not know an option. No message about a source file begins like that.
const UNKNOWN_OPTION: [&str; 4] = [
    "error: unrecognized command",
    "error: invalid '--param'",
    "error: invalid --param",
    "error: unknown argument",
];

/// Where and how compilers run.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Working folder.
    pub folder: PathBuf,
    /// PATH.
    pub search_path: OsString,
    /// Folder for temporary files.
    pub temporary: PathBuf,
    /// Process group.
    pub group: i32,
    /// When everything is to end.
    pub ending: Ending,
}

/// How a run ended.
#[derive(Debug)]
pub struct Run {
    /// What the compiler wrote.
    pub output: String,
    /// How long it took.
    pub time: Duration,
    /// Success or the reason.
    pub outcome: Outcome,
}

/// Success or the kind of failure.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The object is there.
    Success,
    /// The compiler found errors.
    Errors,
    /// The compiler does not know an option, and did nothing.
    UnknownOption,
    /// The compiler, or a part of it, was ended by a signal.
    Killed(Signal),
    /// There was no memory for the compiler.
    OutOfMemory,
    /// There was no space for the compiler's files.
    OutOfSpace,
    /// The compiler could not be started.
    NotStarted(String),
}

/// Runs `program` to its end.
pub fn run(program: &Path, arguments: &[String], surroundings: &Surroundings) -> Run {
    let start = Instant::now();
    let (output, outcome) = match complete(program, arguments, surroundings) {
        Ok((output, status)) => {
            let outcome = outcome(&output, status);
            (output, outcome)
        }
        Err(error) => (String::new(), Outcome::NotStarted(error.to_string())),
    };
    Run {
        output,
        time: start.elapsed(),
        outcome,
    }
}

fn complete(
    program: &Path,
    arguments: &[String],
    surroundings: &Surroundings,
) -> io::Result<(String, ExitStatus)> {
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(&surroundings.folder)
        .env_clear()
        .env("PATH", &surroundings.search_path)
        .env("LC_ALL", "C")
        // Line numbers name the folder by this, so that it does not make each build another one.
        .env("PWD", "/proc/self/cwd")
        .env("TMPDIR", &surroundings.temporary)
        .process_group(surroundings.group)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    // The end may have come between the decision to start and the start; then this one has missed the signal.
    if surroundings.ending.has_come() {
        guard::end_compilers(surroundings.group);
    }
    let mut output = Vec::new();
    if let Some(mut stream) = child.stderr.take() {
        stream.by_ref().take(MOST_OUTPUT).read_to_end(&mut output)?;
        io::copy(&mut stream, &mut io::sink())?;
    }
    Ok((String::from_utf8_lossy(&output).into_owned(), child.wait()?))
}

fn outcome(output: &str, status: ExitStatus) -> Outcome {
    if status.success() {
        return Outcome::Success;
    }
    if let Some(signal) = status.signal() {
        return Outcome::Killed(Signal::try_from(signal).unwrap_or(Signal::SIGKILL));
    }
    // Not in the source lines that a compiler quotes.
    let says = |words: &[&str]| {
        let mut lines = output.lines().filter(|line| !diagnostics::is_quotation(line));
        lines.any(|line| words.iter().any(|word| line.contains(word)))
    };
    if says(&[
        "No space left on device",
        "Disk quota exceeded",
        "File size limit exceeded",
    ]) {
        return Outcome::OutOfSpace;
    }
    if says(&[
        "out of memory",
        "virtual memory exhausted",
        "Cannot allocate memory",
        "memory exhausted",
    ]) {
        return Outcome::OutOfMemory;
    }
    // The driver survives its parts and reports what ended them.
    let ended = |name: &str| says(&[&format!("{name} signal terminated program")]);
    match () {
        () if ended("Killed") => Outcome::Killed(Signal::SIGKILL),
        () if ended("CPU time limit exceeded") => Outcome::Killed(Signal::SIGXCPU),
        () if ended("Terminated") => Outcome::Killed(Signal::SIGTERM),
        () if ended("Segmentation fault") => Outcome::Killed(Signal::SIGSEGV),
        () if says(&UNKNOWN_OPTION) => Outcome::UnknownOption,
        () => Outcome::Errors,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(output: &str) -> Outcome {
        outcome(output, ExitStatus::from_raw(1 << 8))
    }

    #[test]
    fn the_reason_of_a_failure_is_told_apart() {
        assert_eq!(failed("x.c:1:1: error: no"), Outcome::Errors);
        let killed = "gcc: fatal error: Killed signal terminated program cc1\ncompilation terminated.";
        assert_eq!(failed(killed), Outcome::Killed(Signal::SIGKILL));
        assert_eq!(
            failed("gcc: error: unrecognized command-line option '-fno-ipa-modref'"),
            Outcome::UnknownOption
        );
        assert_eq!(
            failed("cc1: out of memory allocating 65536 bytes after a total of 1 bytes"),
            Outcome::OutOfMemory
        );
        assert_eq!(
            failed("fatal error: error writing to /tmp/x.s: No space left on device"),
            Outcome::OutOfSpace
        );
        assert_eq!(
            outcome("", ExitStatus::from_raw(9)),
            Outcome::Killed(Signal::SIGKILL)
        );
        assert_eq!(outcome("warning", ExitStatus::from_raw(0)), Outcome::Success);
    }
}
