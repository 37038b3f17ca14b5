//! The image socket: plugins come for the process image and for a journal of their own.
//!
//! A thread for each plugin waits for its end and reports what became of its writes. The memory that a plugin gets is all that it
//! has of the core: see the crate `openplc-image` for why nothing that it does there matters to others.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use openplc_image::{AbandonedInputs, Image, Journal, PeerId, PeerStatistics, WriteRights};
use openplc_rt::clock;
use openplc_wire::image::{Attach, Attached, MAX_MESSAGE};
use openplc_wire::transport::{Connection, TransportError};

use crate::daemon::STACK;

/// A plugin that has not said who it is after this time is given up.
const PATIENCE: Duration = Duration::from_secs(5);
/// Time between two looks at what became of a plugin's writes.
const REPORT_INTERVAL: Duration = Duration::from_secs(5);
/// Pause after a failed accept, and between tries to get hold of an image whose scan hangs.
const RECOVERY: Duration = Duration::from_millis(100);
/// Connections at once: more than plugins, so that one that connects again does not have to wait for its own end.
const MAX_CONNECTIONS: usize = 2 * openplc_image::MAX_PEERS;
/// Longest name of a plugin, in bytes.
const MAX_NAME: usize = 64;

/// Whoever keeps the image.
pub trait ImageKeeper: Send + Sync + 'static {
    /// Gives `work` the image while no scan uses it, and returns its result; `None` when a scan hangs. `work` takes no longer
    /// than a bounded copy.
    fn with_image<T>(&self, work: impl FnOnce(&mut Image) -> T) -> Option<T>;
}

/// What a plugin may do.
#[derive(Debug, Clone)]
pub struct PluginRules {
    /// What it may write.
    pub rights: WriteRights,
    /// What becomes of its inputs when it goes.
    pub abandoned: AbandonedInputs,
}

/// Finds the rules of a plugin by its name.
pub type RulesOf = dyn Fn(&str) -> Option<PluginRules> + Send + Sync;

/// Whom the server admits.
pub struct Admission {
    /// Users whose processes may be plugins.
    pub users: Vec<u32>,
    /// The rules of the plugin of this name; `None` turns it away.
    pub rules: Box<RulesOf>,
}

/// A plugin that is attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginReport {
    /// Its name.
    pub name: String,
    /// Its process.
    pub process: i32,
    /// What became of its writes.
    pub statistics: PeerStatistics,
}

/// A connection that has been accepted.
struct Peer {
    stream: UnixStream,
    process: i32,
    id: PeerId,
}

/// Hands out the image.
pub struct ImageServer<K> {
    keeper: Arc<K>,
    admission: Admission,
    peers: Mutex<BTreeMap<String, Option<Peer>>>,
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
    #[error("no memory can be shared: {0}")]
    Memory(io::Error),
    #[error("the scan in progress does not end")]
    Hangs,
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl<K: ImageKeeper> ImageServer<K> {
    /// Accepts plugins for the life of the process, on a thread of its own.
    ///
    /// # Errors
    /// When that thread cannot be made.
    pub fn start(listener: UnixListener, keeper: Arc<K>, admission: Admission) -> io::Result<Arc<Self>> {
        let server = Arc::new(Self {
            keeper,
            admission,
            peers: Mutex::default(),
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

    /// The plugins that are attached, by name.
    #[cfg_attr(not(test), expect(dead_code, reason = "no plugin is packaged yet"))]
    pub fn plugins(&self) -> Vec<PluginReport> {
        let statistics = self.statistics();
        let report = |(name, peer): (&String, &Option<Peer>)| {
            let peer = peer.as_ref()?;
            let found = statistics.iter().find(|(id, _)| *id == peer.id);
            Some(PluginReport {
                name: name.clone(),
                process: peer.process,
                statistics: found.map_or_else(PeerStatistics::default, |(_, statistics)| *statistics),
            })
        };
        self.peers().iter().filter_map(report).collect()
    }

    /// Sends all plugins away, who then come again for an image that has replaced the one they have.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "programs with an image.conf are not built yet")
    )]
    pub fn disconnect_all(&self) {
        for peer in self.peers().values().flatten() {
            // One that fails is closed already.
            let _ = peer.stream.shutdown(std::net::Shutdown::Both);
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
        match self.attach(&mut connection, &name, &rules) {
            Ok(id) => {
                tracing::info!("Plugin {name} is attached to the process image");
                self.watch(&connection, &name, id);
                let statistics = self.detach(id, rules.abandoned);
                tracing::info!(
                    "Plugin {name} has left; {} of its writes were applied",
                    statistics.applied
                );
            }
            Err(refusal) => refuse(&mut connection, &refusal),
        }
        self.peers().remove(&name);
    }

    /// Learns who the plugin is, and takes its name for it.
    fn introduce(&self, connection: &mut Connection) -> Result<(String, PluginRules), Refusal> {
        let stream = connection.stream();
        stream
            .set_read_timeout(Some(PATIENCE))
            .map_err(TransportError::Io)?;
        stream
            .set_write_timeout(Some(PATIENCE))
            .map_err(TransportError::Io)?;
        let user = credentials(stream)?.uid.as_raw();
        if !self.admission.users.contains(&user) {
            return Err(Refusal::User(user));
        }
        let (Attach { plugin: name }, _) = connection.receive()?;
        let rules = (self.admission.rules)(&name).filter(|_| is_name(&name));
        let rules = rules.ok_or_else(|| Refusal::Unknown(name.escape_debug().take(MAX_NAME).collect()))?;
        match self.peers().entry(name.clone()) {
            Entry::Occupied(_) => Err(Refusal::Twice(name)),
            Entry::Vacant(place) => {
                place.insert(None);
                Ok((name, rules))
            }
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
        // Before the answer: whoever has it finds itself in the report.
        self.peers()
            .insert(name.to_owned(), Some(Peer { stream, process, id }));
        let sent = published.map_err(TransportError::Io).and_then(|published| {
            connection.send_with(&Attached::Done, &[published.as_fd(), for_peer.as_fd()])
        });
        if let Err(error) = sent {
            self.detach(id, rules.abandoned);
            return Err(error.into());
        }
        Ok(id)
    }
}

impl<K: ImageKeeper> ImageServer<K> {
    /// Waits until the plugin goes, and reports meanwhile what it loses.
    fn watch(&self, connection: &Connection, name: &str, id: PeerId) {
        let mut stream = connection.stream();
        if let Err(error) = stream.set_read_timeout(Some(REPORT_INTERVAL)) {
            tracing::warn!("Plugin {name} cannot be watched: {error}");
            return;
        }
        let mut reported = PeerStatistics::default();
        loop {
            match stream.read(&mut [0]) {
                Ok(0) => return,
                Ok(_) => {
                    tracing::warn!("Plugin {name} is sent away: it said more than its name");
                    return;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let statistics = self.statistics();
                    if let Some((_, now)) = statistics.iter().find(|(other, _)| *other == id) {
                        report_losses(name, &reported, now);
                        reported = *now;
                    }
                }
                Err(_) => return,
            }
        }
    }

    fn detach(&self, id: PeerId, abandoned: AbandonedInputs) -> PeerStatistics {
        loop {
            let departed = self
                .keeper
                .with_image(|image| image.detach(id, abandoned, clock::now()));
            match departed {
                Some(departed) => return departed.map(|departed| departed.statistics).unwrap_or_default(),
                // The watchdog will end this process if the scan does not end.
                None => thread::sleep(RECOVERY),
            }
        }
    }

    fn statistics(&self) -> Vec<(PeerId, PeerStatistics)> {
        let mut statistics = Vec::with_capacity(openplc_image::MAX_PEERS);
        self.keeper.with_image(|image| statistics.extend(image.peers()));
        statistics
    }

    fn peers(&self) -> MutexGuard<'_, BTreeMap<String, Option<Peer>>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name such as the files of plugins have, which can be logged as it is.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(allowed)
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

fn report_losses(name: &str, before: &PeerStatistics, now: &PeerStatistics) {
    for (count, what) in [
        (
            now.dropped.wrapping_sub(before.dropped),
            "did not fit its journal: it writes more than the scans take",
        ),
        (
            now.invalid - before.invalid,
            "were refused: no such address, or a value too large for it",
        ),
        (
            now.forbidden - before.forbidden,
            "were refused: it may not write there",
        ),
    ] {
        if count > 0 {
            tracing::warn!("Plugin {name}: {count} writes {what}");
        }
    }
    if now.corrupt > before.corrupt {
        tracing::warn!("Plugin {name} has damaged its journal; what it had written there is lost");
    }
}

#[cfg(test)]
mod tests;
