//! A service together with how its process is made.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::unistd::{Pid, Uid};

use crate::children;
use crate::console::{Console, Priority};
use crate::log_stream::LogStream;
use crate::service::{Action, Service};
use crate::spawn::{Inherited, Recipe};

/// A service and how to start it.
#[derive(Debug)]
pub struct Unit {
    /// Name in the log.
    pub name: String,
    /// How to start its process.
    pub recipe: Recipe,
    /// What its process inherits.
    pub sockets: Vec<Inherited>,
    /// User of its process.
    pub user: Uid,
    /// Its state.
    pub service: Service,
}

impl Unit {
    /// Whether this is its process.
    pub fn is(&self, process: Pid) -> bool {
        self.service.process() == Some(process)
    }

    /// Does what its service asks for. Returns the output of a process that was started.
    pub fn act(&mut self, action: Action, console: &Console) -> Option<LogStream> {
        match action {
            Action::Signal { to, signal, because } => {
                if let Some(reason) = because {
                    let text = format!("{}: {reason}; sending {}", self.name, signal.as_str());
                    console.say(Priority::ERROR, &text);
                }
                children::signal(to, signal);
                None
            }
            Action::Start => match self.spawn() {
                Ok(stream) => Some(stream),
                Err(error) => {
                    console.say(Priority::ERROR, &format!("{}: {error:#}", self.name));
                    let delay = self.service.exited(Instant::now());
                    self.announce_restart(delay, console);
                    None
                }
            },
        }
    }

    /// Says in how long the service starts again, if it does.
    pub fn announce_restart(&self, delay: Option<Duration>, console: &Console) {
        if let Some(delay) = delay {
            let text = format!("{}: starts again in {} ms", self.name, delay.as_millis());
            console.say(Priority::INFO, &text);
        }
    }

    fn spawn(&mut self) -> Result<LogStream> {
        let sockets: std::io::Result<Vec<_>> = self.sockets.iter().map(Inherited::try_clone).collect();
        let sockets = sockets.context("Cannot hand over a socket")?;
        let (pid, output) = self.recipe.spawn(None, sockets)?;
        self.service.started(pid, Instant::now());
        Ok(LogStream::new(output, self.name.clone(), pid))
    }
}
