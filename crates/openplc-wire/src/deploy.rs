//! From an upload to a running program: one build, then one load. Used by whoever receives an upload.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::build::{Order, Report};
use crate::control::{Answer, Level, Request};
use crate::manifest::{Generation, ProgramId};
use crate::transport::{Connection, TransportError};

/// Longest silence of a build worker. It limits its own compilers, so this only ends a worker that is stuck.
const BUILD_SILENCE: Duration = Duration::from_secs(20 * 60);
/// Longest time in which the core loads, checks and exchanges a program.
const LOAD_TIME: Duration = Duration::from_secs(60);

/// Where builds and the core are reached.
#[derive(Debug, Clone)]
pub struct Deployer {
    /// Socket on which a supervisor starts builds.
    pub compile_socket: PathBuf,
    /// Control socket of the core.
    pub core_socket: PathBuf,
}

/// How a program is to be deployed.
#[derive(Debug, Default, Clone, Copy)]
pub struct Wishes<'a> {
    /// Build in any case, and everything anew.
    pub clean: bool,
    /// What an earlier deployment of the same user has left.
    pub left_over: Option<&'a File>,
}

/// A program that runs.
#[derive(Debug)]
pub struct Deployed {
    /// Its identity.
    pub program: ProgramId,
    /// What its build has left for the next deployment of the same user: none where it was not built.
    pub left_over: Option<File>,
}

/// What is reported while a deployment goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The zip is sound: the upload may be answered.
    Identified {
        /// Identity of its program.
        program: ProgramId,
        /// Generation of its sources.
        generation: Generation,
    },
    /// One line of the build log.
    Log {
        /// Severity.
        level: Level,
        /// The line.
        line: String,
    },
}

/// Why the program does not run.
#[derive(Debug, Error)]
pub enum DeployError {
    /// The zip breaks a rule.
    #[error("{0}")]
    Rejected(String),
    /// No build could be started. Nothing of the upload was looked at.
    #[error("{0}")]
    Unavailable(String),
    /// The build, or the core's check of its result, failed. The running program runs on.
    #[error("{0}")]
    Failed(String),
}

fn failed(what: &str, error: impl std::fmt::Display) -> DeployError {
    DeployError::Failed(format!("{what}: {error}"))
}

impl Deployer {
    /// Builds the zip in the sealed memory file `upload` unless its program is kept already, has the core load it, and
    /// returns when it runs. Blocks for as long as that takes.
    ///
    /// # Errors
    /// [`DeployError`]; the core's program and state are then what they were.
    pub fn deploy(
        &self,
        upload: &File,
        wishes: Wishes<'_>,
        report: &mut dyn FnMut(Event),
    ) -> Result<Deployed, DeployError> {
        let mut worker = Connection::open(&self.compile_socket, BUILD_SILENCE).map_err(|error| {
            DeployError::Unavailable(format!(
                "No build can be started on {}: {error}. Is openplc-compile.socket active?",
                self.compile_socket.display()
            ))
        })?;
        let left_over = wishes.left_over.filter(|_| !wishes.clean);
        let descriptors: Vec<_> = [Some(upload), left_over]
            .into_iter()
            .flatten()
            .map(AsFd::as_fd)
            .collect();
        worker
            .send_with(&Order::Build, &descriptors)
            .map_err(build_refused)?;
        let mut program = None;
        let mut began = false;
        loop {
            let received = worker.receive::<Report>();
            let (message, descriptors) = received.map_err(|error| {
                if began {
                    build_ended(error)
                } else {
                    build_refused(error)
                }
            })?;
            began = true;
            match message {
                Report::Log { level, line } => report(Event::Log { level, line }),
                Report::Rejected { reason } => return Err(DeployError::Rejected(reason)),
                Report::Failed { reason } => return Err(DeployError::Failed(reason)),
                Report::Identified {
                    program: id,
                    generation,
                } => {
                    report(Event::Identified {
                        program: id.clone(),
                        generation,
                    });
                    if !wishes.clean && self.holds(&id)? {
                        let line = format!("Program {} is unchanged: not built again", id.short());
                        report(Event::Log {
                            level: Level::Info,
                            line,
                        });
                        self.ask_core(&Request::Activate { program: id.clone() }, &[])?;
                        return Ok(Deployed {
                            program: id,
                            left_over: None,
                        });
                    }
                    program = Some(id);
                    worker.send(&Order::Proceed).map_err(build_ended)?;
                }
                Report::Built => {
                    let id =
                        program.ok_or_else(|| failed("The build", "ended without naming its program"))?;
                    let mut descriptors = descriptors;
                    let left_over = descriptors
                        .split_off(descriptors.len().min(2))
                        .pop()
                        .map(File::from);
                    self.ask_core(&Request::Load, &descriptors)?;
                    return Ok(Deployed {
                        program: id,
                        left_over,
                    });
                }
            }
        }
    }

    fn holds(&self, program: &ProgramId) -> Result<bool, DeployError> {
        match self.ask_core(
            &Request::Holds {
                program: program.clone(),
            },
            &[],
        )? {
            Answer::Holds { held } => Ok(held),
            _ => Ok(false),
        }
    }

    fn ask_core(&self, request: &Request, descriptors: &[OwnedFd]) -> Result<Answer, DeployError> {
        let mut core = Connection::open(&self.core_socket, LOAD_TIME).map_err(|error| core_ended(&error))?;
        let borrowed: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
        core.send_with(request, &borrowed)
            .map_err(|error| core_ended(&error))?;
        match core.receive::<Answer>().map_err(|error| core_ended(&error))?.0 {
            Answer::Refused { message, .. } => Err(DeployError::Failed(message)),
            answer => Ok(answer),
        }
    }
}

fn core_ended(error: &dyn std::fmt::Display) -> DeployError {
    failed("The scan engine (openplc-core) did not take the program", error)
}

/// Why a build ended before it said anything. A supervisor that runs as many builds as it may closes the connection.
fn build_refused(error: TransportError) -> DeployError {
    const REFUSED: &str = "The build did not begin: either as many builds run already as openplc-compile.socket allows \
                           (MaxConnections=), or its process was killed or could not be started. \
                           The running program was not touched. Upload again; if it happens again, see the system's log.";
    if is_end(&error) {
        DeployError::Failed(REFUSED.into())
    } else {
        build_ended(error)
    }
}

fn build_ended(error: TransportError) -> DeployError {
    const KILLED: &str = "The build process ended without a result: it was killed, probably for want of memory. \
                          The running program was not touched. Upload again; if it happens again, see the system's log.";
    match error {
        error if is_end(&error) => DeployError::Failed(KILLED.into()),
        TransportError::Io(error) if error.kind() == io::ErrorKind::WouldBlock => {
            DeployError::Failed("The build process has been silent for too long and was given up.".into())
        }
        other => failed("The build process broke off", other),
    }
}

/// Whether the other side has closed the connection. How that shows depends on what was being sent at that moment.
fn is_end(error: &TransportError) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    match error {
        TransportError::Closed => true,
        TransportError::Io(error) => matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof),
        _ => false,
    }
}
