//! What is known of each plugin that is, or was, attached.

use std::collections::BTreeMap;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use openplc_image::{PeerId, PeerStatistics};
use openplc_wire::image::{MAX_MESSAGE, Order};
use openplc_wire::transport::Connection;
use serde_json::Value;

/// Commands that wait for a plugin's answer at most.
const MAX_COMMANDS: usize = 8;
/// How many may be attached who only look on: the other places are for plugins.
pub const MAX_READERS: usize = openplc_image::MAX_PEERS / 4;

/// Why a plugin does not get a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// It is not attached.
    #[error("plugin `{0}` is not at work")]
    Absent(String),
    /// Others have not been answered.
    #[error("plugin `{0}` has {MAX_COMMANDS} commands to answer already")]
    Busy(String),
    /// The plugin could not read it.
    #[error("the command is longer than the {MAX_MESSAGE} bytes that a plugin takes")]
    TooLong,
}

/// A plugin's answer to a command.
#[derive(Debug)]
pub struct Reply {
    /// A JSON document.
    pub document: Value,
    /// Descriptors that came with it.
    pub descriptors: Vec<OwnedFd>,
}

/// A plugin's answer that is waited for, as long as this is there.
pub struct Awaited {
    replies: Receiver<Reply>,
    _waits: Arc<()>,
}

impl Awaited {
    /// The answer, once it is there.
    ///
    /// # Errors
    /// When it is not there yet, or when there will be none.
    pub fn try_receive(&self) -> Result<Reply, TryRecvError> {
        self.replies.try_recv()
    }

    /// Waits for the answer for at most `patience`.
    ///
    /// # Errors
    /// When it has not come.
    pub fn receive(&self, patience: Duration) -> Result<Reply, RecvTimeoutError> {
        self.replies.recv_timeout(patience)
    }
}

/// A command that has been sent.
struct Sent {
    replies: SyncSender<Reply>,
    /// Gone when nobody waits for the answer any more.
    waits: Weak<()>,
}

/// Why nobody can attach by a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTaken {
    /// Somebody has it.
    Twice,
    /// It is one of those who only look on, of whom there are [`MAX_READERS`].
    TooManyReaders,
}

/// A plugin that is attached.
pub struct Peer {
    /// To end the conversation with.
    pub stream: UnixStream,
    /// To send orders with.
    pub orders: Arc<Mutex<Connection>>,
    /// Its process.
    pub process: i32,
    /// Its name in the image.
    pub id: PeerId,
}

/// Why a plugin has to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dismissal {
    /// It is wanted no longer.
    Ended,
    /// Another one of its name takes its place.
    Replaced,
}

/// One plugin, by its name.
#[derive(Default)]
struct Record {
    /// Whether somebody has this name now, attached or about to be.
    taken: bool,
    /// Whether that is somebody who only looks on.
    reads_only: bool,
    /// Whether what it has left behind is not cleared away yet.
    lingers: bool,
    peer: Option<Peer>,
    /// Why the peer has to leave.
    dismissal: Option<Dismissal>,
    attached: u64,
    failure: Option<String>,
    statistics: Option<Value>,
    /// What had become of its writes when it left.
    writes: PeerStatistics,
    next_command: u64,
    commands: BTreeMap<u64, Sent>,
}

/// What is known of one plugin.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginRecord {
    /// Its name.
    pub name: String,
    /// Its process and its name in the image, while it is attached.
    pub peer: Option<(i32, PeerId)>,
    /// How often it has attached.
    pub attached: u64,
    /// What went wrong last.
    pub failure: Option<String>,
    /// Its own figures.
    pub statistics: Option<Value>,
    /// What had become of its writes when it left last.
    pub writes: PeerStatistics,
}

/// All plugins that have ever been attached.
#[derive(Default)]
pub struct Register(Mutex<BTreeMap<String, Record>>);

impl Register {
    /// Takes a name, perhaps for somebody who only looks on.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn take(&self, name: &str, reads_only: bool) -> Result<(), NotTaken> {
        let mut records = self.records();
        if records.get(name).is_some_and(|record| record.taken) {
            return Err(NotTaken::Twice);
        }
        let reads = |record: &&Record| record.taken && record.reads_only;
        if reads_only && records.values().filter(reads).count() >= MAX_READERS {
            return Err(NotTaken::TooManyReaders);
        }
        let record = records.entry(name.to_owned()).or_default();
        record.taken = true;
        record.reads_only = reads_only;
        Ok(())
    }

    /// Whoever has the name is attached.
    pub fn attach(&self, name: &str, peer: Peer) {
        if let Some(record) = self.records().get_mut(name) {
            record.peer = Some(peer);
            record.attached += 1;
            record.statistics = None;
        }
    }

    /// Notes why a plugin has to leave, and returns its name in the image if it is attached.
    pub fn dismiss(&self, name: &str, why: Dismissal) -> Option<PeerId> {
        let mut records = self.records();
        let record = records.get_mut(name)?;
        let peer = record.peer.as_ref()?;
        record.dismissal = Some(why);
        Some(peer.id)
    }

    /// Gives a name back, and says why its owner had to leave, if it had to. Nothing is remembered of one that does not matter
    /// (`forget`).
    pub fn leave(&self, name: &str, writes: PeerStatistics, forget: bool) -> Option<Dismissal> {
        let mut records = self.records();
        if forget {
            records.remove(name);
            return None;
        }
        let record = records.get_mut(name)?;
        record.taken = false;
        record.peer = None;
        record.writes = writes;
        // Whoever waits for an answer learns that there will be none.
        record.commands.clear();
        record.dismissal.take()
    }

    /// Whether what a plugin has left behind may stay for a while: only once at a time, so that one that comes and goes does
    /// not take all places. [`Self::end_lingering`] must follow.
    pub fn begin_lingering(&self, name: &str) -> bool {
        let mut records = self.records();
        let record = records.get_mut(name);
        record.is_some_and(|record| !std::mem::replace(&mut record.lingers, true))
    }

    /// It is cleared away.
    pub fn end_lingering(&self, name: &str) {
        if let Some(record) = self.records().get_mut(name) {
            record.lingers = false;
        }
    }

    /// Keeps a plugin's figures.
    pub fn set_statistics(&self, name: &str, statistics: Value) {
        if let Some(record) = self.records().get_mut(name) {
            record.statistics = Some(statistics);
        }
    }

    /// Keeps what went wrong.
    pub fn set_failure(&self, name: &str, failure: String) {
        if let Some(record) = self.records().get_mut(name) {
            record.failure = Some(failure);
        }
    }

    /// Hands an answer to whoever waits for it.
    pub fn answered(&self, name: &str, number: u64, reply: Reply) {
        let command = self
            .records()
            .get_mut(name)
            .and_then(|record| record.commands.remove(&number));
        if let Some(command) = command {
            // Who has given up waiting needs no answer.
            let _ = command.replies.try_send(reply);
        }
    }

    /// Sends a command. Its answer can be waited for; there is none where the plugin ends.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn order(&self, name: &str, command: &str, params: Value) -> Result<Awaited, CommandError> {
        let absent = || CommandError::Absent(name.to_owned());
        let (sender, replies) = sync_channel(1);
        let waiting = Arc::new(());
        let (order, orders) = {
            let mut records = self.records();
            let record = records.get_mut(name).ok_or_else(absent)?;
            let orders = record.peer.as_ref().ok_or_else(absent)?.orders.clone();
            record.commands.retain(|_, sent| sent.waits.strong_count() > 0);
            if record.commands.len() >= MAX_COMMANDS {
                return Err(CommandError::Busy(name.to_owned()));
            }
            record.next_command += 1;
            let number = record.next_command;
            let command = command.to_owned();
            let order = Order::Command {
                number,
                command,
                params,
            };
            if serde_json::to_vec(&order).is_ok_and(|bytes| bytes.len() > MAX_MESSAGE) {
                return Err(CommandError::TooLong);
            }
            let waits = Arc::downgrade(&waiting);
            record.commands.insert(
                number,
                Sent {
                    replies: sender,
                    waits,
                },
            );
            (order, orders)
        };
        // Not while the register is held: a plugin that does not read makes this wait.
        let sent = orders.lock().unwrap_or_else(PoisonError::into_inner).send(&order);
        if sent.is_err() {
            // What was sent in part spoils all that follows.
            self.disconnect(name);
            return Err(absent());
        }
        Ok(Awaited {
            replies,
            _waits: waiting,
        })
    }

    /// Sends a plugin away.
    pub fn disconnect(&self, name: &str) {
        if let Some(Record { peer: Some(peer), .. }) = self.records().get(name) {
            // One that fails is closed already.
            let _ = peer.stream.shutdown(Shutdown::Both);
        }
    }

    /// Sends all plugins away.
    pub fn disconnect_all(&self) {
        for peer in self.records().values().filter_map(|record| record.peer.as_ref()) {
            let _ = peer.stream.shutdown(Shutdown::Both);
        }
    }

    /// All plugins, by name.
    pub fn all(&self) -> Vec<PluginRecord> {
        let describe = |(name, record): (&String, &Record)| PluginRecord {
            name: name.clone(),
            peer: record.peer.as_ref().map(|peer| (peer.process, peer.id)),
            attached: record.attached,
            failure: record.failure.clone(),
            statistics: record.statistics.clone(),
            writes: record.writes,
        };
        self.records().iter().map(describe).collect()
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<String, Record>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
