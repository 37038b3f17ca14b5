//! The thread that keeps the plugin attached to the core, and carries everything but values.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_queue::ArrayQueue;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::Inotify;
use nix::sys::signalfd::SignalFd;
use openplc_wire::image::{MAX_STATISTICS, Order, Report};
use openplc_wire::transport::Connection;
use serde_json::Value;

use crate::commands::{Command, Commands};
use crate::configuration::Configuration;
use crate::log_queue::{LogQueue, Outlet};
use crate::session::Session;
use crate::status_line::StatusLine;

/// Time between two looks at the configuration, should nobody tell that it has changed, and between two tries to connect.
const ROUND: Duration = Duration::from_millis(200);
/// Time between two statistics.
const STATISTICS_EVERY: Duration = Duration::from_secs(1);
/// How long a plugin may take to leave.
const LEAVE_TIME: Duration = Duration::from_secs(5);
/// Reports other than log lines that wait at most.
const WAITING: usize = 64;

/// What the plugin's threads and the link share.
pub(crate) struct Shared {
    pub name: String,
    pub configuration: Configuration,
    pub commands: Commands,
    pub leaving: AtomicBool,
    socket: PathBuf,
    session: RwLock<Option<Arc<Session>>>,
    reports: ArrayQueue<(Report, Vec<OwnedFd>)>,
    statistics: Mutex<Option<Value>>,
    ending: AtomicBool,
    bell: UnixStream,
}

impl Shared {
    /// The second value wakes whoever waits for it when a report is there.
    pub fn new(
        name: String,
        configuration: Configuration,
        socket: PathBuf,
    ) -> io::Result<(Self, UnixStream)> {
        let (bell, ear) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        ear.set_nonblocking(true)?;
        let shared = Self {
            name,
            configuration,
            commands: Commands::default(),
            leaving: AtomicBool::new(false),
            socket,
            session: RwLock::new(None),
            reports: ArrayQueue::new(WAITING),
            statistics: Mutex::new(None),
            ending: AtomicBool::new(false),
            bell,
        };
        Ok((shared, ear))
    }

    pub fn session(&self) -> Option<Arc<Session>> {
        self.session
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set_session(&self, session: Option<Arc<Session>>) {
        *self.session.write().unwrap_or_else(PoisonError::into_inner) = session;
    }

    /// Has a report sent. One that does not fit takes the place of the oldest.
    pub fn send(&self, report: Report) {
        self.send_with(report, Vec::new());
    }

    /// As [`Self::send`], with descriptors.
    pub fn send_with(&self, report: Report, descriptors: Vec<OwnedFd>) {
        self.reports.force_push((report, descriptors));
        self.ring();
    }

    pub fn set_statistics(&self, document: Value) {
        *self.statistics.lock().unwrap_or_else(PoisonError::into_inner) = Some(document);
    }

    /// The link sends what waits and ends.
    pub fn end(&self) {
        self.ending.store(true, Ordering::Release);
        self.ring();
    }

    fn ring(&self) {
        // When the pipe is full the link has enough to wake up for.
        let _ = (&self.bell).write(&[0]);
    }
}

/// The thread's own things.
struct Link {
    shared: Arc<Shared>,
    signals: SignalFd,
    ear: UnixStream,
    /// Tells that the configuration has changed, where the system can.
    changes: Option<Inotify>,
    outlet: Outlet,
    connection: Option<Connection>,
    sessions: u64,
    /// Why the last try to attach failed: told once.
    complaint: String,
    statistics_sent: Option<Instant>,
    leaving_since: Option<Instant>,
    status: StatusLine,
}

/// Starts the link.
pub(crate) fn start(
    shared: Arc<Shared>,
    signals: SignalFd,
    ear: UnixStream,
    log: LogQueue,
) -> io::Result<JoinHandle<()>> {
    let changes = shared.configuration.watch();
    let mut link = Link {
        changes: changes.ok(),
        shared,
        signals,
        ear,
        outlet: Outlet::new(log, Instant::now()),
        connection: None,
        sessions: 0,
        complaint: String::new(),
        statistics_sent: None,
        leaving_since: None,
        status: StatusLine::new(),
    };
    link.status.say("Waiting for the scan engine");
    thread::Builder::new()
        .name("link".into())
        .spawn(move || link.run())
}

impl Link {
    fn run(&mut self) {
        let mut round = Instant::now();
        loop {
            let now = Instant::now();
            if now >= round {
                round = now + ROUND;
                self.look_around(now);
            }
            if let Err(error) = self.send_everything(now) {
                self.lose(&error.to_string());
            }
            if self.shared.ending.load(Ordering::Acquire) {
                return;
            }
            self.wait(round.saturating_duration_since(now));
        }
    }

    /// What nobody tells us of.
    fn look_around(&mut self, now: Instant) {
        self.look_at_configuration();
        if self.leaving_since.is_some_and(|since| now - since > LEAVE_TIME) {
            tracing::error!(
                "The plugin did not end within {} s: it is ended",
                LEAVE_TIME.as_secs()
            );
            let _ = self.send_everything(now);
            process::exit(0);
        }
        let session = self.shared.session();
        if session.is_some_and(|session| session.image.is_closed()) {
            self.lose("the image has another size now");
        }
        if self.connection.is_none() {
            self.attach();
        }
    }

    fn look_at_configuration(&mut self) {
        if !self.shared.configuration.is_current() {
            self.leave("the configuration has gone or changed");
        }
    }

    fn leave(&mut self, why: &str) {
        if self.leaving_since.is_none() {
            tracing::info!("The plugin ends: {why}");
            self.status.say(&format!("Ending: {why}"));
            self.leaving_since = Some(Instant::now());
            self.shared.leaving.store(true, Ordering::Release);
        }
    }

    fn attach(&mut self) {
        self.sessions += 1;
        match Session::attach(&self.shared.socket, &self.shared.name, self.sessions) {
            Ok((session, connection)) => {
                self.connection = Some(connection);
                self.shared.set_session(Some(Arc::new(session)));
                tracing::debug!("Attached to the process image");
                self.complaint.clear();
                self.statistics_sent = None;
                self.status.attached();
            }
            Err(error) => {
                let error = error.to_string();
                if error != self.complaint {
                    tracing::warn!("Not attached to the process image: {error}");
                    self.complaint = error;
                }
            }
        }
    }

    fn lose(&mut self, why: &str) {
        if self.connection.take().is_some() {
            tracing::debug!("Detached from the process image: {why}");
            self.status.say("Waiting for the scan engine, which is away");
            self.shared.set_session(None);
        }
    }

    fn send_everything(&mut self, now: Instant) -> Result<(), openplc_wire::transport::TransportError> {
        let Some(connection) = &mut self.connection else {
            return Ok(());
        };
        while let Some((report, descriptors)) = self.shared.reports.pop() {
            if let Report::Failure { message } = &report {
                self.status.failure(message);
            }
            let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
            connection.send_with(&report, &descriptors)?;
        }
        while let Some((level, message)) = self.outlet.next(now) {
            connection.send(&Report::Log { level, message })?;
        }
        let due = self
            .statistics_sent
            .is_none_or(|sent| now - sent >= STATISTICS_EVERY);
        if due {
            let mut statistics = self
                .shared
                .statistics
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let document = statistics.take();
            drop(statistics);
            if let Some(document) = document.filter(|document| document.to_string().len() <= MAX_STATISTICS) {
                self.statistics_sent = Some(now);
                self.status.figures(&document);
                connection.send(&Report::Statistics { document })?;
            }
        }
        Ok(())
    }

    fn wait(&mut self, timeout: Duration) {
        let readable = |descriptor| PollFd::new(descriptor, PollFlags::POLLIN);
        // The entry of what is not there is that of the ear once more.
        let connection = self
            .connection
            .as_ref()
            .map(|connection| connection.stream().as_fd());
        let changes = self.changes.as_ref().map(AsFd::as_fd);
        let ear = self.ear.as_fd();
        let mut descriptors = [
            readable(self.signals.as_fd()),
            readable(ear),
            readable(changes.unwrap_or(ear)),
            readable(connection.unwrap_or(ear)),
        ];
        let milliseconds = u16::try_from(timeout.as_millis() + 1).unwrap_or(u16::MAX);
        let _ = poll(&mut descriptors, PollTimeout::from(milliseconds));
        let [signalled, rung, changed, sent] = descriptors.map(|fd| fd.any() == Some(true));
        if signalled {
            // Whichever it was.
            while let Ok(Some(_)) = self.signals.read_signal() {}
            self.leave("it was told to");
        }
        if rung {
            let _ = self.ear.read(&mut [0; 256]);
        }
        if changed && let Some(changes) = &self.changes {
            while changes.read_events().is_ok_and(|events| !events.is_empty()) {}
            self.look_at_configuration();
        }
        if sent {
            self.receive();
        }
    }

    fn receive(&mut self) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        match connection.receive::<Order>() {
            Ok((
                Order::Command {
                    number,
                    command,
                    params,
                },
                _,
            )) => {
                let shared = self.shared.clone();
                let answer = move |report, descriptors| shared.send_with(report, descriptors);
                self.shared
                    .commands
                    .answer(number, Command { command, params }, answer);
            }
            Err(error) => self.lose(&error.to_string()),
        }
    }
}
