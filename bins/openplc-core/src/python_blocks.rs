//! Python blocks of one program: each instance is a process of its own with two areas of shared memory.
//!
//! A supervisor thread sees what the scans ask for and starts the interpreters, so that no scan ever starts a process.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use openplc_program::python::{Request, Requests};
use openplc_rt::shared_area::SharedArea;
use tempfile::TempDir;

use crate::daemon::STACK;
use crate::program_output::for_each_line;
use crate::{python_process, python_script};

/// How often the supervisor looks for requests and for interpreters that ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_millis(100);
/// Largest area, in bytes: a block's variables are far smaller, and the areas are memory that stays.
const MAX_AREA: usize = 16 << 20;

/// Why a block cannot run.
#[derive(Debug, thiserror::Error)]
enum BlockError {
    #[error("its script is not one that the Editor makes: the three placeholders at its end are missing")]
    Placeholders,
    #[error("its variables need {0} bytes, more than the {MAX_AREA} allowed")]
    TooLarge(usize),
    #[error("{0}: {1}")]
    System(&'static str, io::Error),
}

/// The blocks of one program. Must be dropped after the program, which writes into their memory in its scans.
pub struct PythonBlocks {
    end: Sender<()>,
    supervisor: Option<JoinHandle<Vec<SharedArea>>>,
    /// Shared memory of the blocks that have ended.
    areas: Vec<SharedArea>,
}

impl PythonBlocks {
    /// Starts the supervisor.
    pub fn start(requests: Arc<Requests>) -> Self {
        let (end, ended) = mpsc::channel();
        let supervise = move || {
            let mut supervisor = Supervisor {
                requests,
                folder: None,
                areas: Vec::new(),
                blocks: Vec::new(),
            };
            while ended.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                supervisor.look();
            }
            supervisor.end()
        };
        let supervisor = thread::Builder::new()
            .name("python-blocks".into())
            .stack_size(STACK)
            .spawn(supervise);
        if let Err(error) = &supervisor {
            tracing::error!("Python blocks will not run: no thread for them: {error}");
        }
        Self {
            end,
            supervisor: supervisor.ok(),
            areas: Vec::new(),
        }
    }

    /// Ends every interpreter and removes its script. Takes up to [`GRACE`]; a second call changes nothing.
    pub fn end(&mut self) {
        if let Some(supervisor) = self.supervisor.take() {
            // Only a supervisor that panicked does not listen, and it leaves nothing to end.
            let _ = self.end.send(());
            self.areas = supervisor.join().unwrap_or_default();
        }
    }
}

struct Block {
    name: String,
    interpreter: Child,
    ended: bool,
}

struct Supervisor {
    requests: Arc<Requests>,
    /// Where the scripts are; made with the first block.
    folder: Option<TempDir>,
    areas: Vec<SharedArea>,
    blocks: Vec<Block>,
}

impl Supervisor {
    fn look(&mut self) {
        let requests = self.requests.clone();
        for request in requests.waiting() {
            if let Err(error) = self.start_block(&request) {
                tracing::error!("Python block {} cannot run: {error}", request.script_name);
                requests.refuse(request.number);
            }
        }
        for block in &mut self.blocks {
            if let (false, Ok(Some(status))) = (block.ended, block.interpreter.try_wait()) {
                block.ended = true;
                let remedy = match status.code() {
                    Some(python_process::NO_INTERPRETER) => "python3 is not installed: apt install python3",
                    _ => "its outputs stay as they are until the PLC is started again",
                };
                tracing::error!("Python block {} ended ({status}); {remedy}", block.name);
            }
        }
    }

    fn start_block(&mut self, request: &Request) -> Result<(), BlockError> {
        let size = request.input_size.max(request.output_size);
        if size > MAX_AREA {
            return Err(BlockError::TooLarge(size));
        }
        let area = random_name()?;
        let script = python_script::fill_in(&request.script_template, std::process::id(), &area)
            .ok_or(BlockError::Placeholders)?;
        let create = |suffix, size| {
            SharedArea::create(&format!("{area}_{suffix}"), size)
                .map_err(|error| BlockError::System("shared memory (/dev/shm)", error))
        };
        let input = create("in", request.input_size)?;
        let output = create("out", request.output_size)?;
        let name = script_file_name(&request.script_name);
        let folder = self.instance_folder(request.number)?;
        let path = folder.join(&name);
        fs::write(&path, script).map_err(|error| BlockError::System("writing its script", error))?;
        let mut interpreter = Command::new("/proc/self/exe")
            .arg(python_process::ARGUMENT)
            .arg(&path)
            .current_dir(&folder)
            .env_remove("NOTIFY_SOCKET")
            .env_remove("WATCHDOG_USEC")
            .env_remove("LISTEN_FDS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own, so that what the block starts ends with it.
            .process_group(0)
            .spawn()
            .map_err(|error| BlockError::System("starting its process", error))?;
        if let Some(output) = interpreter.stdout.take() {
            forward(output, |line| tracing::info!("[Python] {line}"));
        }
        if let Some(errors) = interpreter.stderr.take() {
            forward(errors, |line| tracing::error!("[Python] {line}"));
        }
        tracing::info!("Python block {name} started (process {})", interpreter.id());
        self.requests
            .grant(request.number, input.address(), output.address());
        self.areas.extend([input, output]);
        self.blocks.push(Block {
            name,
            interpreter,
            ended: false,
        });
        Ok(())
    }

    /// A folder for each instance: two instances of one block have scripts of one name.
    fn instance_folder(&mut self, number: usize) -> Result<PathBuf, BlockError> {
        let failed = |error| BlockError::System("making a folder for its script", error);
        if self.folder.is_none() {
            let folder = tempfile::Builder::new()
                .prefix(python_process::FOLDER_PREFIX)
                .tempdir_in(python_process::folders())
                .map_err(failed)?;
            self.folder = Some(folder);
        }
        let folder = self
            .folder
            .as_ref()
            .map(|folder| folder.path().join(number.to_string()))
            .unwrap_or_default();
        fs::create_dir_all(&folder).map_err(failed)?;
        Ok(folder)
    }

    fn end(mut self) -> Vec<SharedArea> {
        let signal = |block: &Block, signal| {
            // Whatever it started may still be in its group when it ended by itself.
            let _ = killpg(Pid::from_raw(block.interpreter.id() as i32), signal);
        };
        self.blocks
            .iter()
            .for_each(|block| signal(block, Signal::SIGTERM));
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline
            && self
                .blocks
                .iter_mut()
                .any(|block| matches!(block.interpreter.try_wait(), Ok(None)))
        {
            thread::sleep(Duration::from_millis(2));
        }
        for block in &mut self.blocks {
            signal(block, Signal::SIGKILL);
            // It was killed: this cannot take long.
            let _ = block.interpreter.wait();
        }
        self.areas
    }
}

/// A name that no other area on this machine has, and that tells whose it is: see [`python_process::clean_up`].
fn random_name() -> Result<String, BlockError> {
    let number =
        getrandom::u64().map_err(|error| BlockError::System("random number", io::Error::other(error)))?;
    let (user, process) = (nix::unistd::getuid(), std::process::id());
    Ok(format!(
        "{}{user}-{process}-{number:016x}",
        python_process::AREA_PREFIX
    ))
}

/// The file name alone, whatever path the program asked for.
fn script_file_name(asked: &str) -> String {
    let name: String = asked
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.'))
        .take(100)
        .collect();
    if name.trim_matches('.').is_empty() {
        "block.py".into()
    } else {
        name
    }
}

fn forward(source: impl io::Read + Send + 'static, emit: fn(&str)) {
    let started = thread::Builder::new()
        .name("python-output".into())
        .stack_size(STACK)
        .spawn(move || for_each_line(source, emit));
    if let Err(error) = started {
        tracing::error!("The output of a Python block is lost: no thread for it: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_cannot_leave_its_folder() {
        assert_eq!(script_file_name("PID.py"), "PID.py");
        assert_eq!(script_file_name("../../etc/cron.d/x"), "x");
        assert_eq!(script_file_name(".."), "block.py");
        assert_eq!(script_file_name(""), "block.py");
    }
}
