//! From the start of the process to its end.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use openplc_wire::{IMAGE_SOCKET, IMAGE_SOCKET_VARIABLE};

use crate::configuration::Configuration;
use crate::link::{self, Shared};
use crate::log_queue::LogQueue;
use crate::plugin::Plugin;

/// How long a plugin waits for the core before it gives up, to be started again later.
const ATTACH_PATIENCE: Duration = Duration::from_secs(30);
/// How long the last log lines may take to get to the core.
const FAREWELL: Duration = Duration::from_secs(1);

/// A plugin that has been started by [`start`].
pub struct Started {
    /// The plugin.
    pub plugin: Plugin,
    link: JoinHandle<()>,
}

impl Started {
    /// Sends what waits to the core, for at most a second, and ends the attachment.
    pub fn end(self) {
        self.plugin.shared.end();
        let deadline = Instant::now() + FAREWELL;
        while !self.link.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Runs the plugin `name`: logs as `identifier`, attaches to the core and calls `work`, whose result becomes the process's
/// exit code. To be called first of all in `main`, while there is one thread.
///
/// Where there is no configuration there is nothing to do, which is a success.
pub fn run<E: Display>(
    name: &str,
    identifier: &'static str,
    work: impl FnOnce(&Plugin) -> Result<(), E>,
) -> ExitCode {
    let started = match start(name, identifier) {
        Ok(Some(started)) => started,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("The plugin cannot work: {error}");
            return ExitCode::FAILURE;
        }
    };
    let plugin = &started.plugin;
    let code = match work(plugin) {
        Ok(()) if plugin.is_leaving() => ExitCode::SUCCESS,
        Ok(()) => {
            plugin.report_failure("The plugin has ended by itself");
            ExitCode::FAILURE
        }
        Err(error) => {
            plugin.report_failure(format!("The plugin ends: {error:#}"));
            ExitCode::FAILURE
        }
    };
    started.end();
    code
}

/// As [`run`], for those who do the rest themselves. `None` where there is nothing to do.
///
/// # Errors
/// When the configuration cannot be read, or the core does not answer within 30 seconds.
pub fn start(name: &str, identifier: &'static str) -> io::Result<Option<Started>> {
    let log = LogQueue::default();
    let signals = receive_signals();
    openplc_logging::init_with(identifier, "info", Box::new(log.clone()));
    std::panic::set_hook(Box::new(|panic| tracing::error!("The plugin broke: {panic}")));
    attach(name, signals?, log)
}

/// Attaches; none where there is no configuration, or no longer.
fn attach(name: &str, signals: SignalFd, log: LogQueue) -> io::Result<Option<Started>> {
    let Some(configuration) = Configuration::of_plugin(name)? else {
        return Ok(None);
    };
    let socket = std::env::var_os(IMAGE_SOCKET_VARIABLE);
    let socket = socket.map_or_else(|| IMAGE_SOCKET.into(), PathBuf::from);
    let (shared, ear) = Shared::new(name.to_owned(), configuration, socket)?;
    let plugin = Plugin {
        shared: Arc::new(shared),
    };
    let link = link::start(plugin.shared.clone(), signals, ear, log)?;
    let deadline = Instant::now() + ATTACH_PATIENCE;
    while plugin.shared.session().is_none() {
        if plugin.is_leaving() {
            return Ok(None);
        }
        if Instant::now() > deadline {
            return Err(io::Error::other("the scan engine (openplc-core) does not answer"));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(Some(Started { plugin, link }))
}

/// From now on SIGTERM and SIGINT are read from a descriptor.
fn receive_signals() -> io::Result<SignalFd> {
    let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    signals.thread_block()?;
    Ok(SignalFd::with_flags(
        &signals,
        SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK,
    )?)
}
