//! The image socket: plugins come for the process image and for a journal of their own.
//!
//! A thread for each plugin listens to it and waits for its end. The memory that a plugin gets is all that it has of the core:
//! see the crate `openplc-image` for why nothing that it does there matters to others.

mod conversation;
mod register;

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use openplc_image::{AbandonedInputs, Image, Journal, PeerId, PeerStatistics, WriteRights};
use openplc_rt::clock;
use openplc_wire::image::{Attach, Attached, MAX_MESSAGE, MAX_NAME, is_name};
use openplc_wire::transport::{Connection, TransportError};
use serde_json::Value;

use crate::daemon::STACK;
use crate::log_ring::LogRing;
use conversation::Conversation;
pub use register::{Awaited, Dismissal, PluginRecord, Reply};
use register::{MAX_READERS, NotTaken, Peer, Register};

/// A plugin that has not said who it is after this time is given up.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a plugin may take to answer a command, as in OpenPLC Runtime v4.
const COMMAND_PATIENCE: Duration = Duration::from_secs(10);
/// Pause after a failed accept, and between tries to get hold of an image whose scan hangs.
const RECOVERY: Duration = Duration::from_millis(100);
/// How long the inputs of a plugin stay whose place another one of its name takes, if it has not written them by then.
const SUCCESSION: Duration = Duration::from_secs(10);
/// Connections at once: more than plugins, so that one that connects again does not have to wait for its own end.
const MAX_CONNECTIONS: usize = 2 * openplc_image::MAX_PEERS;

/// Whoever keeps the image.
pub trait ImageKeeper: Send + Sync + 'static {
    /// Gives `work` the image while no scan uses it, and returns its result; `None` when a scan hangs. `work` takes no longer
    /// than a bounded copy.
    fn with_image<T>(&self, work: impl FnOnce(&mut Image) -> T) -> Option<T>;
}

/// What somebody who attaches is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// A plugin that shall be at work.
    Plugin,
    /// Somebody who only looks on: nothing that it writes or says counts.
    Reader,
}

/// What a plugin may do.
#[derive(Debug, Clone)]
pub struct PluginRules {
    /// What it is.
    pub grade: Grade,
    /// What it may write.
    pub rights: WriteRights,
    /// What becomes of its inputs when it breaks ...
    pub abandoned: AbandonedInputs,
    /// ... after this time.
    pub abandoned_after: Duration,
}

/// Finds the rules of a plugin by its name.
pub type RulesOf = dyn Fn(&str) -> Option<PluginRules> + Send + Sync;

/// Whom the server admits, and for what.
pub struct Admission {
    /// Users whose processes may be plugins.
    pub users: Vec<u32>,
    /// A group whose processes may be plugins, too.
    pub group: Option<u32>,
    /// The rules of the plugin of this name; `None` turns it away.
    pub rules: Box<RulesOf>,
    /// Starts or stops the PLC where a plugin asks for it.
    pub switch: Box<dyn Fn(bool) + Send + Sync>,
}

/// Hands out the image.
pub struct ImageServer<K> {
    keeper: Arc<K>,
    admission: Admission,
    register: Register,
    /// The log that the Editor shows.
    log: LogRing,
    /// Where the memory of the image was when it was last looked; 0 before.
    image: AtomicUsize,
}

/// Why a plugin is not served.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("processes of user {0} are not admitted to the process image")]
    User(u32),
    #[error("no plugin `{0}` is admitted to the process image")]
    Unknown(String),
    #[error("plugin `{0}` is attached already")]
    Twice(String),
    #[error("{} plugins are attached already", openplc_image::MAX_PEERS)]
    TooMany,
    #[error("{MAX_READERS} are attached already that are no enabled plugins")]
    TooManyReaders,
    #[error("no memory can be shared: {0}")]
    Memory(io::Error),
    #[error("the scan in progress does not end")]
    Hangs,
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl<K: ImageKeeper> ImageServer<K> {
    /// Accepts plugins for the life of the process, on a thread of its own. `log` gets the lines that they log.
    ///
    /// # Errors
    /// When that thread cannot be made.
    pub fn start(
        listener: UnixListener,
        keeper: Arc<K>,
        admission: Admission,
        log: LogRing,
    ) -> io::Result<Arc<Self>> {
        let server = Arc::new(Self {
            keeper,
            admission,
            register: Register::default(),
            log,
            image: AtomicUsize::new(0),
        });
        thread::Builder::new()
            .name("image".into())
            .stack_size(STACK)
            .spawn({
                let server = server.clone();
                move || server.accept_for_ever(&listener)
            })?;
        Ok(server)
    }

    /// Everything known of plugins, and what became of the writes of those that are attached, by name.
    pub fn plugins(&self) -> Vec<PluginRecord> {
        let statistics = self.statistics();
        let mut plugins = self.register.all();
        for plugin in &mut plugins {
            let found = statistics
                .iter()
                .find(|(id, _)| plugin.peer.is_some_and(|(_, peer)| peer == *id));
            if let Some((_, statistics)) = found {
                plugin.writes = *statistics;
            }
        }
        plugins
    }

    /// Hands a command to a plugin and waits for its answer, for ten seconds.
    ///
    /// # Errors
    /// What went wrong, for people.
    pub fn command(&self, name: &str, command: &str, params: Value) -> Result<Value, String> {
        let reply = self.ask(name, command, params)?;
        let reply = reply.receive(COMMAND_PATIENCE);
        let reply = reply.map_err(|_| format!("plugin `{name}` has not answered"))?;
        Ok(reply.document)
    }

    /// Hands a command to a plugin. Its answer can be received where it gives one.
    ///
    /// # Errors
    /// What went wrong, for people.
    pub fn ask(&self, name: &str, command: &str, params: Value) -> Result<Awaited, String> {
        let order = self.register.order(name, command, params);
        order.map_err(|error| error.to_string())
    }

    /// From now on nothing that a plugin writes has any effect, because it has to leave. The inputs of one that ends become zero.
    pub fn dismiss(&self, name: &str, why: Dismissal) {
        if let Some(id) = self.register.dismiss(name, why) {
            self.silence(
                id,
                match why {
                    Dismissal::Ended => AbandonedInputs::Zero,
                    Dismissal::Replaced => AbandonedInputs::Hold,
                },
            );
        }
    }

    /// Sends one plugin away.
    pub fn disconnect(&self, name: &str) {
        self.register.disconnect(name);
    }

    /// Sends all plugins away where another image has taken the place of the one they have, since the last call. They come again.
    pub fn send_away_from_replaced(&self) {
        let address = |image: &mut Image| image.shared().words().as_ptr().addr();
        let Some(now) = self.keeper.with_image(address) else {
            return;
        };
        let before = self.image.swap(now, Ordering::Relaxed);
        if before != now && before != 0 {
            self.register.disconnect_all();
        }
    }

    fn accept_for_ever(self: &Arc<Self>, listener: &UnixListener) {
        let connections = Arc::new(());
        loop {
            let stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::error!("No plugin can be accepted: {error}");
                    thread::sleep(RECOVERY);
                    continue;
                }
            };
            if Arc::strong_count(&connections) > MAX_CONNECTIONS {
                tracing::warn!("A plugin was turned away: {MAX_CONNECTIONS} are connected already");
                continue;
            }
            let (server, place) = (self.clone(), connections.clone());
            let started = thread::Builder::new()
                .name("plugin".into())
                .stack_size(STACK)
                .spawn(move || {
                    let _place = place;
                    server.serve(stream);
                });
            if let Err(error) = started {
                tracing::error!("A plugin was turned away: no thread for it: {error}");
            }
        }
    }

    /// Serves one plugin until it goes.
    fn serve(&self, stream: UnixStream) {
        let mut connection = Connection::new(stream, MAX_MESSAGE);
        let (name, rules) = match self.introduce(&mut connection) {
            Ok(introduced) => introduced,
            Err(refusal) => return refuse(&mut connection, &refusal),
        };
        let forget = rules.grade == Grade::Reader;
        let id = match self.attach(&mut connection, &name, &rules) {
            Ok(id) => id,
            Err(refusal) => {
                self.register.leave(&name, PeerStatistics::default(), forget);
                return refuse(&mut connection, &refusal);
            }
        };
        tracing::info!("Plugin {name} is attached to the process image");
        Conversation::new(self, &name, id, rules.grade).run(&mut connection);
        // Before another of its name may come: who has left does not write.
        self.silence(id, AbandonedInputs::Hold);
        let statistics = self.statistics_of(id).unwrap_or_default();
        let dismissal = self.register.leave(&name, statistics, forget);
        // Whoever it is must not think that it is still attached.
        drop(connection);
        tracing::info!("Plugin {name} has left");
        let (abandoned, after) = match dismissal {
            None => (rules.abandoned, rules.abandoned_after),
            Some(Dismissal::Ended) => (AbandonedInputs::Zero, Duration::ZERO),
            Some(Dismissal::Replaced) => (AbandonedInputs::Zero, SUCCESSION),
        };
        if abandoned == AbandonedInputs::Zero && !after.is_zero() && self.register.begin_lingering(&name) {
            // It may come again meanwhile; what it writes then is no longer abandoned.
            thread::sleep(after);
            self.register.end_lingering(&name);
        }
        self.detach(id, abandoned);
    }

    /// Learns who the plugin is, and takes its name for it.
    fn introduce(&self, connection: &mut Connection) -> Result<(String, PluginRules), Refusal> {
        let stream = connection.stream();
        stream
            .set_write_timeout(Some(PATIENCE))
            .map_err(TransportError::Io)?;
        let who = credentials(stream)?;
        let (user, group) = (who.uid.as_raw(), who.gid.as_raw());
        if !self.admission.users.contains(&user) && self.admission.group != Some(group) {
            return Err(Refusal::User(user));
        }
        // For all of it, however little comes at a time.
        let (Attach { plugin: name }, _) = connection.receive_by(Instant::now() + PATIENCE)?;
        let stream = connection.stream();
        stream
            .set_read_timeout(Some(PATIENCE))
            .map_err(TransportError::Io)?;
        let rules = (self.admission.rules)(&name).filter(|_| is_name(&name));
        let rules = rules.ok_or_else(|| Refusal::Unknown(name.escape_debug().take(MAX_NAME).collect()))?;
        match self.register.take(&name, rules.grade == Grade::Reader) {
            Ok(()) => Ok((name, rules)),
            Err(NotTaken::Twice) => Err(Refusal::Twice(name)),
            Err(NotTaken::TooManyReaders) => Err(Refusal::TooManyReaders),
        }
    }

    /// Gives the plugin its memory. The caller takes the name back.
    fn attach(
        &self,
        connection: &mut Connection,
        name: &str,
        rules: &PluginRules,
    ) -> Result<PeerId, Refusal> {
        let journal = Journal::create().map_err(Refusal::Memory)?;
        let for_peer = journal.memory().descriptor().try_clone_to_owned();
        let for_peer = for_peer.map_err(Refusal::Memory)?;
        let process = credentials(connection.stream())?.pid.as_raw_nonzero().get();
        let stream = connection.stream().try_clone().map_err(Refusal::Memory)?;
        let orders = stream.try_clone().map_err(Refusal::Memory)?;
        let orders = Arc::new(Mutex::new(Connection::new(orders, MAX_MESSAGE)));
        let rights = rules.rights.clone();
        // What does not get attached is dropped out here, not while a scan may be waiting for the image.
        let mut arriving = Some((journal, rights));
        let attached = self.keeper.with_image(|image| {
            let (journal, rights) = arriving.take()?;
            let descriptor = image.shared().descriptor().try_clone_to_owned();
            Some((image.attach(journal, rights), descriptor))
        });
        let (attached, published) = attached.flatten().ok_or(Refusal::Hangs)?;
        let id = attached.map_err(|_journal| Refusal::TooMany)?;
        // Before the answer: whoever has it finds itself in the register.
        let peer = Peer {
            stream,
            orders: orders.clone(),
            process,
            id,
        };
        // Orders wait until it has the answer.
        let waiting = orders.lock().unwrap_or_else(PoisonError::into_inner);
        self.register.attach(name, peer);
        let sent = published.map_err(TransportError::Io).and_then(|published| {
            connection.send_with(&Attached::Done, &[published.as_fd(), for_peer.as_fd()])
        });
        drop(waiting);
        if let Err(error) = sent {
            self.detach(id, rules.abandoned);
            return Err(error.into());
        }
        Ok(id)
    }
}

impl<K: ImageKeeper> ImageServer<K> {
    fn detach(&self, id: PeerId, abandoned: AbandonedInputs) {
        // Dropped out here, not while a scan may be waiting for the image.
        drop(self.with_image_at_last(|image| image.detach(id, abandoned, clock::now())));
    }

    fn silence(&self, id: PeerId, inputs: AbandonedInputs) {
        self.with_image_at_last(|image| image.dismiss(id, inputs, clock::now()));
    }

    /// The watchdog will end this process if the scan does not end.
    fn with_image_at_last<T>(&self, work: impl Fn(&mut Image) -> T) -> T {
        loop {
            match self.keeper.with_image(&work) {
                Some(done) => return done,
                None => thread::sleep(RECOVERY),
            }
        }
    }

    fn statistics_of(&self, id: PeerId) -> Option<PeerStatistics> {
        let statistics = self.statistics();
        let found = statistics.into_iter().find(|(other, _)| *other == id);
        found.map(|(_, statistics)| statistics)
    }

    fn statistics(&self) -> Vec<(PeerId, PeerStatistics)> {
        let mut statistics = Vec::with_capacity(openplc_image::MAX_PEERS);
        self.keeper.with_image(|image| statistics.extend(image.peers()));
        statistics
    }
}

fn credentials(stream: &UnixStream) -> Result<rustix::net::UCred, TransportError> {
    rustix::net::sockopt::socket_peercred(stream).map_err(|error| TransportError::Io(error.into()))
}

fn refuse(connection: &mut Connection, refusal: &Refusal) {
    match refusal {
        Refusal::Transport(error) => tracing::debug!("A plugin was given up: {error}"),
        _ => {
            tracing::warn!("A plugin was turned away: {refusal}");
            let message = refusal.to_string();
            // It may be gone; then there is nobody to be told.
            let _ = connection.send(&Attached::Refused { message });
        }
    }
}

#[cfg(test)]
mod tests;
