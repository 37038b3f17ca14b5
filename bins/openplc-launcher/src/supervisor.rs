//! The event loop: waits for signals, notifications, output, build connections and deadlines, and acts on them.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;

use crate::builds::{self, Builds};
use crate::children::Ended;
use crate::console::{Console, Priority};
use crate::log_stream::LogStream;
use crate::memory_events::Kills;
use crate::notify::NotifySocket;
use crate::orphans;
use crate::plugins::Plugins;
use crate::service::Change;
use crate::unit::Unit;

/// A delay of the launcher itself that is worth forgiving its services.
const PAUSE: Duration = Duration::from_millis(500);
/// Signals within this time are one: `timeout`, `sudo` and terminals send some of them twice.
const ONE_SIGNAL: Duration = Duration::from_secs(1);
/// Notifications that are read in one turn.
const NOTIFICATIONS_AT_ONCE: usize = 100;
/// Longest sleep without a deadline, so that no arithmetic can overflow.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// From now on the signals that concern us are read from a descriptor.
///
/// # Errors
/// The error of `sigprocmask(2)` or `signalfd(2)`.
pub fn receive_signals() -> Result<SignalFd> {
    let mask: SigSet = [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]
        .into_iter()
        .collect();
    mask.thread_block().context("Cannot block signals")?;
    SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        .context("Cannot receive signals")
}

/// Everything that the launcher watches over.
#[derive(Debug)]
pub struct Supervisor {
    console: Arc<Console>,
    signals: SignalFd,
    notify: NotifySocket,
    builds: Builds,
    plugins: Plugins,
    /// In the order in which they are stopped.
    units: Vec<Unit>,
    streams: Vec<LogStream>,
    /// Units that have been told to stop: the first so many.
    stopping: usize,
    ready: Option<String>,
    /// When the last signal to stop came.
    signalled: Option<Instant>,
    kills: Kills,
}

impl Supervisor {
    /// Watches over `units`, which are stopped one after the other in this order. `ready` is printed when all of them
    /// run for the first time.
    pub fn new(
        console: Arc<Console>,
        signals: SignalFd,
        notify: NotifySocket,
        builds: Builds,
        plugins: Plugins,
        units: Vec<Unit>,
        ready: String,
    ) -> Self {
        let streams = Vec::new();
        Self {
            console,
            signals,
            notify,
            builds,
            plugins,
            units,
            streams,
            stopping: 0,
            ready: Some(ready),
            signalled: None,
            kills: Kills::default(),
        }
    }

    /// Runs until a signal has asked to stop and everything has stopped.
    ///
    /// # Errors
    /// When waiting fails.
    pub fn run(mut self) -> Result<()> {
        let mut before = Instant::now();
        let mut allowed = LONGEST_SLEEP;
        loop {
            let now = Instant::now();
            let pause = (now - before).saturating_sub(allowed);
            if pause > PAUSE {
                let units = self.units.iter_mut().chain(self.plugins.units());
                units.for_each(|unit| unit.service.forgive(pause));
            }
            before = now;
            self.act_on_deadlines(now);
            if self.stopping > 0 && self.continue_stopping() {
                return Ok(());
            }
            let deadlines = self.units.iter().map(|unit| unit.service.deadline());
            let deadline = deadlines.chain([self.plugins.deadline()]).flatten().min();
            allowed = deadline.map_or(LONGEST_SLEEP, |time| {
                time.saturating_duration_since(Instant::now())
            });
            self.wait(allowed.min(LONGEST_SLEEP))?;
        }
    }

    fn wait(&mut self, timeout: Duration) -> Result<()> {
        let readable = |descriptor| PollFd::new(descriptor, PollFlags::POLLIN);
        let mut descriptors: Vec<BorrowedFd<'_>> = vec![
            self.signals.as_fd(),
            self.notify.descriptor(),
            self.plugins.descriptor(),
        ];
        descriptors.extend(self.streams.iter().map(LogStream::descriptor));
        descriptors.extend(self.builds.descriptor().filter(|_| self.stopping == 0));
        let mut polled: Vec<PollFd<'_>> = descriptors.into_iter().map(readable).collect();
        // Rounded up: waking too early would mean to spin for the rest of a millisecond.
        let milliseconds = u32::try_from(timeout.as_micros().div_ceil(1000)).unwrap_or(u32::MAX);
        match poll(
            &mut polled,
            PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX),
        ) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error).context("Cannot wait for events"),
        }
        let ready: Vec<bool> = polled.iter().map(|fd| fd.any().unwrap_or(false)).collect();
        let streams = self.streams.len();
        // Signs of life before deadlines, output before the news that its process ended.
        if ready[1] {
            self.take_notifications();
        }
        if ready[2] {
            self.plugins.follow(&self.console);
        }
        let mut output = ready[3..].iter();
        let console = &self.console;
        self.streams
            .retain_mut(|stream| output.next() != Some(&true) || stream.forward(console));
        if ready[0] {
            self.take_signals();
        }
        if ready.get(3 + streams) == Some(&true) && self.stopping == 0 {
            match self.builds.accept() {
                Ok(stream) => self.streams.push(stream),
                Err(error) => self.console.say(Priority::ERROR, &format!("{error:#}")),
            }
        }
        Ok(())
    }

    fn act_on_deadlines(&mut self, now: Instant) {
        for unit in &mut self.units {
            while let Some(action) = unit.service.due(now) {
                self.streams.extend(unit.act(action, &self.console));
            }
        }
        let started = self.plugins.act_on_deadlines(now, &self.console);
        self.streams.extend(started);
    }

    fn take_notifications(&mut self) {
        // Not without end: whoever sends more than we read must not keep us from everything else.
        for _ in 0..NOTIFICATIONS_AT_ONCE {
            let Ok(Some((sender, notification))) = self.notify.receive() else {
                break;
            };
            // A notification from anybody else is not believed.
            let Some(unit) = self.units.iter_mut().find(|unit| unit.is(sender)) else {
                continue;
            };
            let (changes, action) = unit.service.notified(notification, Instant::now());
            for change in changes {
                match change {
                    Change::Started => self
                        .console
                        .say(Priority::INFO, &format!("Started {}", unit.name)),
                    Change::Status(status) => {
                        self.console
                            .say(Priority::INFO, &format!("{}: {status}", unit.name));
                    }
                }
            }
            if let Some(action) = action {
                unit.act(action, &self.console);
            }
        }
        if self.units.iter().all(|unit| unit.service.is_running())
            && let Some(text) = self.ready.take()
        {
            self.console.say(Priority::INFO, &text);
        }
    }

    fn take_signals(&mut self) {
        while let Ok(Some(signal)) = self.signals.read_signal() {
            match Signal::try_from(signal.ssi_signo.cast_signed()) {
                Ok(Signal::SIGCHLD) => {}
                Ok(signal) => self.stop(signal),
                Err(_) => {}
            }
        }
        while let Some(ended) = Ended::next() {
            self.reap(&ended);
        }
    }

    fn reap(&mut self, ended: &Ended) {
        for stream in self.streams.iter_mut().filter(|stream| stream.pid() == ended.pid) {
            stream.drain(&self.console);
        }
        let is_build = self.builds.is_worker(ended.pid);
        let is_plugin = self.plugins.is_process(ended.pid);
        let is_known = |pid: Pid| {
            self.builds.is_worker(pid)
                || self.plugins.is_process(pid)
                || self.units.iter().any(|unit| unit.is(pid))
        };
        let unit = self.units.iter().find(|unit| unit.is(ended.pid));
        if is_build || is_plugin || unit.is_some() {
            ended.kill_group();
        }
        // Whoever has left the group is still of its user.
        let user = unit
            .map(|unit| unit.user)
            .or_else(|| self.builds.user().filter(|_| is_build))
            .or_else(|| self.plugins.user().filter(|_| is_plugin));
        if let Some(user) = user {
            orphans::kill_all(user, is_known);
        }
        ended.forget();
        let out_of_memory = self.kills.more();
        if is_build {
            if !ended.succeeded() {
                let pid = ended.pid.as_raw().unsigned_abs();
                let text = format!("The build {}", ended.outcome());
                self.console
                    .line(builds::IDENTIFIER, pid, Priority::WARNING, &text);
            }
            self.builds.ended(ended.pid, &self.console);
        }
        if is_plugin {
            let outcome = ended.outcome();
            self.plugins
                .ended(ended.pid, ended.succeeded(), &outcome, &self.console);
        }
        if let Some(unit) = self.units.iter_mut().find(|unit| unit.is(ended.pid)) {
            unit.recipe.tell_end(ended.told(out_of_memory));
            let delay = unit.service.exited(Instant::now());
            let priority = if delay.is_none() {
                Priority::INFO
            } else {
                Priority::ERROR
            };
            self.console.say(
                priority,
                &format!("{}: main process {}", unit.name, ended.outcome()),
            );
            unit.announce_restart(delay, &self.console);
        }
    }

    /// The first signal begins the orderly stop. Each further one ends the waiting of the present step.
    fn stop(&mut self, signal: Signal) {
        let now = Instant::now();
        let before = self.signalled.replace(now);
        if self.stopping == 0 {
            self.console
                .say(Priority::INFO, &format!("{}: stopping", signal.as_str()));
            self.stop_next();
        } else if before.is_some_and(|before| now - before >= ONE_SIGNAL) {
            self.console.say(
                Priority::INFO,
                &format!("{}: not waiting any longer", signal.as_str()),
            );
            self.units
                .iter_mut()
                .take(self.stopping)
                .for_each(|unit| unit.service.hurry(now));
        }
    }

    fn stop_next(&mut self) {
        if let Some(unit) = self.units.get_mut(self.stopping)
            && let Some(action) = unit.service.stop(Instant::now())
        {
            unit.act(action, &self.console);
        }
        self.stopping += 1;
    }

    /// Stops the next unit when the ones before it have stopped; `true` when all have.
    fn continue_stopping(&mut self) -> bool {
        while self
            .units
            .iter()
            .take(self.stopping)
            .all(|unit| unit.service.is_stopped())
        {
            // Nobody is left to want its result.
            self.builds.kill();
            if self.stopping >= self.units.len() {
                return self.plugins.stop(&self.console);
            }
            self.stop_next();
        }
        false
    }
}
