//! Plugins that are programs of their own. They attach to the scan engine by themselves; here it is seen to that they end when
//! their configuration goes, also those that do not look at it.

use std::os::fd::AsFd;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;
use openplc_plugin::Configuration;
use openplc_service::{NotifyState, ServiceManager};
use openplc_settings::plugins::Entry;

/// Milliseconds between two looks at the program and at its configuration.
const LOOK: u8 = 100;
/// How long the program may take to end.
const LEAVE_TIME: Duration = Duration::from_secs(5);

/// Runs the program until it is time to end.
pub fn run(entry: &Entry) -> Result<ExitCode> {
    let identifier = Box::leak(format!("openplc-plugin@{}", entry.name).into_boxed_str());
    openplc_logging::init(identifier, "info");
    let Some(configuration) = Configuration::of_plugin(&entry.name)? else {
        return Ok(ExitCode::SUCCESS);
    };
    // Before signals are blocked, which it would inherit.
    let mut child = Command::new(&entry.path)
        // The service manager listens to this process only.
        .env_remove("NOTIFY_SOCKET")
        .spawn()
        .with_context(|| format!("executing {}", entry.path.display()))?;
    let status = format!("The program {} runs", entry.path.display());
    ServiceManager::from_environment().notify(&NotifyState::Status(&status));
    let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGCHLD]);
    signals.thread_block().context("blocking signals")?;
    let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        .context("receiving signals")?;
    let mut leaving = None::<Instant>;
    loop {
        if let Some(status) = child.try_wait().context("looking at the program")? {
            return outcome(status, leaving.is_some());
        }
        if leaving.is_none() && (was_told(&signals) || !configuration.is_current()) {
            leaving = Some(Instant::now());
            signal(&child, Signal::SIGTERM);
        }
        if leaving.is_some_and(|since| since.elapsed() > LEAVE_TIME) {
            tracing::error!(
                "The program did not end within {} s: it is ended",
                LEAVE_TIME.as_secs()
            );
            signal(&child, Signal::SIGKILL);
        }
        let mut descriptors = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        // Interrupted or not, it is looked again.
        let _ = poll(&mut descriptors, PollTimeout::from(LOOK));
    }
}

/// Whether somebody has told us to end since the last look.
fn was_told(signals: &SignalFd) -> bool {
    let mut told = false;
    while let Ok(Some(signal)) = signals.read_signal() {
        told |= signal.ssi_signo != Signal::SIGCHLD as u32;
    }
    told
}

fn signal(child: &Child, signal: Signal) {
    // One that has just ended is seen at the next look.
    let _ = kill(Pid::from_raw(child.id().cast_signed()), signal);
}

/// A program that was to end has ended well, however it did.
fn outcome(status: ExitStatus, told: bool) -> Result<ExitCode> {
    match (status.success(), told) {
        (_, true) => Ok(ExitCode::SUCCESS),
        (true, false) => bail!("the program has ended by itself"),
        (false, false) => bail!("the program has ended: {status}"),
    }
}
