//! Which plugins shall be at work.
//!
//! A plugin is enabled by the program, which brings its configuration (`conf/NAME.json`), or by the administrator, in
//! `plugins.conf`. While the PLC runs, the configuration of each enabled plugin is in a folder where a supervisor waits for
//! it and starts the plugin; when it goes, the plugin ends. A plugin whose configuration stays the same over an exchange of
//! programs works on.

mod folder;
mod plan;
mod start;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::sync::mpsc::TryRecvError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use openplc_image::{PeerStatistics, WriteRights};
use openplc_settings::core;
use openplc_wire::communication::{self, Connect, Protocol};
use openplc_wire::control::PlcState;
use openplc_wire::manifest::Manifest;
use openplc_wire::plugins::{PluginState, PluginStatus, WriteCounters};
use serde_json::Value;

use crate::communication::{NotConnected, Outcome};
use crate::daemon::STACK;
use crate::image_server::{Dismissal, Grade, ImageServer, PluginRecord, PluginRules, Reply};
use crate::in_scan_plugin::InScanPlugin;
use crate::machine::Machine;
use crate::process_image::ProcessImage;
use folder::Folder;
use plan::{Part, plan, privileged_port};
pub use start::start;

/// Time between two looks at the state of the PLC.
const ROUND: Duration = Duration::from_millis(20);
/// A plugin that has to leave is sent away after this time; its own library has ended it before.
const LEAVE_TIME: Duration = Duration::from_secs(8);

/// What is said where a communication block asks for a connection and nobody makes any.
const NO_CONNECTOR: &str = "plugin `communication` is not at work; the administrator enables it in plugins.conf and says in communication.json \
    where programs may connect to (docs/plugins.md)";

/// Names of the plugins that shall be at work. Clones are the same set.
#[derive(Debug, Clone, Default)]
pub struct Enabled(Arc<Mutex<BTreeSet<String>>>);

impl Enabled {
    /// What somebody may do who attaches by this name: plugins write what plugins of OpenPLC Runtime v4 may, others look on.
    pub fn rules(&self, name: &str, settings: &core::Plugins) -> PluginRules {
        let enabled = lock(&self.0).contains(name);
        PluginRules {
            grade: if enabled { Grade::Plugin } else { Grade::Reader },
            rights: if enabled {
                WriteRights::all()
            } else {
                WriteRights::default()
            },
            abandoned: settings.lost_inputs,
            abandoned_after: settings.lost_after,
        }
    }
}

/// All plugins, of the program and of the administrator.
pub struct Plugins {
    server: Arc<ImageServer<ProcessImage>>,
    enabled: Enabled,
    folder: Folder,
    /// Where `plugins.conf` is.
    settings: Option<PathBuf>,
    within_scan: Option<Arc<InScanPlugin>>,
    now: Mutex<Now>,
}

/// What is so now.
#[derive(Default)]
struct Now {
    /// Whether the PLC runs, and which program that was planned for.
    planned: Option<(bool, Option<Arc<Manifest>>)>,
    /// Every plugin that the program or the administrator names.
    parts: BTreeMap<String, Part>,
    /// What has been said of parts that cannot work: told once.
    said: BTreeSet<String>,
    /// Plugins that have to leave: their process, and since when.
    leaving: BTreeMap<String, (i32, Instant)>,
    /// Whether the process ends: whatever state it still shows, no plugin is to work.
    ended: bool,
}

impl Plugins {
    /// Plugins that attach at `server`, whose configurations go into `folder`.
    pub fn new(
        server: Arc<ImageServer<ProcessImage>>,
        enabled: Enabled,
        folder: PathBuf,
        settings: Option<PathBuf>,
        within_scan: Option<Arc<InScanPlugin>>,
    ) -> Self {
        Self {
            server,
            enabled,
            folder: Folder::new(folder),
            settings,
            within_scan,
            now: Mutex::default(),
        }
    }

    /// Follows the state of the PLC for the life of the process, on a thread of its own.
    ///
    /// # Errors
    /// When that thread cannot be made.
    pub fn start(self: &Arc<Self>, machine: Arc<Machine>) -> io::Result<()> {
        let plugins = self.clone();
        thread::Builder::new()
            .name("plugins".into())
            .stack_size(STACK)
            .spawn(move || {
                loop {
                    let (state, manifest) = machine.current();
                    plugins.follow(state, manifest);
                    thread::sleep(ROUND);
                }
            })
            .map(drop)
    }

    /// Ends all plugins, because the process ends.
    pub fn end(&self) {
        let mut now = lock(&self.now);
        now.planned = None;
        now.ended = true;
        self.publish(&mut now, &BTreeMap::new());
    }

    /// Hands a command to a plugin.
    ///
    /// # Errors
    /// What went wrong, for people.
    pub fn command(&self, name: &str, command: &str, params: Value) -> Result<Value, String> {
        self.server.command(name, command, params)
    }

    /// Has `openplc-connector` connect to `address`.
    ///
    /// # Errors
    /// Why that cannot be, for people.
    pub fn connect(&self, address: SocketAddrV4, protocol: Protocol) -> Result<Outcome, String> {
        let params =
            serde_json::to_value(Connect { address, protocol }).map_err(|error| error.to_string())?;
        let reply = self
            .server
            .ask(communication::PLUGIN, communication::CONNECT, params)
            .map_err(|_| NO_CONNECTOR.to_owned())?;
        Ok(Box::new(move || match reply.try_receive() {
            Ok(Reply {
                document,
                mut descriptors,
            }) => Some(descriptors.pop().ok_or_else(|| {
                let why = document["error"].as_str();
                NotConnected::Refused(why.unwrap_or("the connector gave no connection").to_owned())
            })),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(NotConnected::Gone)),
        }))
    }

    /// Every plugin that the program or the administrator names, or that is attached, by name; last the one within the scan.
    pub fn status(&self) -> Vec<PluginStatus> {
        let records = self.server.plugins();
        let now = lock(&self.now);
        let running = matches!(&now.planned, Some((true, _)));
        let mut names: BTreeSet<&str> = now.parts.keys().map(String::as_str).collect();
        let attached = records.iter().filter(|record| record.peer.is_some());
        names.extend(attached.map(|record| record.name.as_str()));
        names
            .into_iter()
            .map(|name| {
                let record = records.iter().find(|record| record.name == name);
                let leaves = now.leaving.get(name).map(|(process, _)| *process);
                describe(name, now.parts.get(name), record, running, leaves)
            })
            .chain(self.within_scan.iter().map(|plugin| plugin.status()))
            .collect()
    }

    fn follow(&self, state: PlcState, manifest: Option<Arc<Manifest>>) {
        let mut now = lock(&self.now);
        // One that begins or ends is looked at when it has.
        if !now.ended && !matches!(state, PlcState::Init | PlcState::Transitioning) {
            let wanted = (state == PlcState::Running, manifest);
            if !now
                .planned
                .as_ref()
                .is_some_and(|planned| is_same(planned, &wanted))
            {
                // Only with a program does the image change.
                self.server.send_away_from_replaced();
                self.plan(&mut now, &wanted);
                now.planned = Some(wanted);
            }
        }
        self.send_away(&mut now);
    }

    /// Plans anew and publishes.
    fn plan(&self, now: &mut Now, (running, manifest): &(bool, Option<Arc<Manifest>>)) {
        let (entries, problems) = match &self.settings {
            Some(folder) => openplc_settings::plugins::load_from(folder),
            None => (Vec::new(), Vec::new()),
        };
        let conf = manifest.as_ref().map(|manifest| &manifest.conf);
        now.parts = plan(conf, &entries);
        let mut said = BTreeSet::new();
        if *running {
            said.extend(problems.iter().map(ToString::to_string));
            said.extend(now.parts.iter().filter_map(|(name, part)| part.complaint(name)));
        }
        for line in said.difference(&now.said) {
            tracing::warn!("{line}");
        }
        now.said.extend(said);
        let enabled = |(name, part): (&String, &Part)| match part {
            Part::Enabled(configuration) if *running => Some((name.clone(), configuration.clone())),
            _ => None,
        };
        let wanted = now.parts.iter().filter_map(enabled).collect();
        self.publish(now, &wanted);
    }

    /// Makes the folder have these configurations and no others.
    fn publish(&self, now: &mut Now, wanted: &BTreeMap<String, String>) {
        let gone = match self.folder.published() {
            Ok(published) => published,
            Err(error) => {
                tracing::error!("No plugin can be started or ended: {error}");
                return;
            }
        };
        // Who attaches finds its rights as they are from now on.
        *lock(&self.enabled.0) = wanted.keys().cloned().collect();
        let processes = self.server.plugins();
        for (name, old) in gone {
            if wanted.get(&name) == Some(&old) {
                continue;
            }
            if let Some((process, _)) = processes
                .iter()
                .find(|record| record.name == name)
                .and_then(|record| record.peer)
            {
                now.leaving.insert(name.clone(), (process, Instant::now()));
                let replaced = wanted.contains_key(&name);
                self.server.dismiss(
                    &name,
                    if replaced {
                        Dismissal::Replaced
                    } else {
                        Dismissal::Ended
                    },
                );
            }
            if !wanted.contains_key(&name) {
                let removed = self.folder.remove(&name);
                match removed.and_then(|()| self.folder.require_port(&name, None)) {
                    Ok(()) => tracing::info!("Plugin {name} is to end"),
                    Err(error) => tracing::error!("Plugin {name} cannot be told to end: {error}"),
                }
            }
        }
        for (name, configuration) in wanted {
            let port = privileged_port(name, configuration);
            let required = self.folder.require_port(name, port);
            match required.and_then(|()| self.folder.put(name, configuration)) {
                Ok(false) => {}
                Ok(true) => tracing::info!("Plugin {name} is to work"),
                Err(error) => tracing::error!("Plugin {name} cannot be started: {error}"),
            }
        }
    }

    /// Sends plugins away that do not leave by themselves.
    fn send_away(&self, now: &mut Now) {
        if now.leaving.is_empty() {
            return;
        }
        let records = self.server.plugins();
        now.leaving.retain(|name, (process, since)| {
            let stays = records.iter().any(|record| {
                record.name == *name && record.peer.is_some_and(|(other, _)| other == *process)
            });
            if stays && since.elapsed() > LEAVE_TIME {
                tracing::warn!("Plugin {name} does not leave: it is sent away");
                self.server.disconnect(name);
            }
            stays && since.elapsed() <= LEAVE_TIME
        });
    }
}

fn is_same(one: &(bool, Option<Arc<Manifest>>), other: &(bool, Option<Arc<Manifest>>)) -> bool {
    let same_program = match (&one.1, &other.1) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    };
    one.0 == other.0 && same_program
}

/// What clients are told. The process `leaves` has to end, perhaps to make room for one with another configuration: it is attached no
/// longer as far as anybody is concerned.
fn describe(
    name: &str,
    part: Option<&Part>,
    record: Option<&PluginRecord>,
    running: bool,
    leaves: Option<i32>,
) -> PluginStatus {
    let process = record.and_then(|record| record.peer).map(|(process, _)| process);
    let attached = process.is_some() && process != leaves;
    let state = match part {
        _ if attached => PluginState::Attached,
        None | Some(Part::Unknown) => PluginState::Unknown,
        Some(Part::Enabled(_)) if running => PluginState::Missing,
        Some(Part::Enabled(_)) => PluginState::Stopped,
        Some(Part::Disabled | Part::Unreadable(_)) => PluginState::Disabled,
    };
    let failure = record.and_then(|record| record.failure.clone());
    PluginStatus {
        name: name.to_owned(),
        state,
        process,
        attached: record.map_or(0, |record| record.attached),
        last_error: failure.or_else(|| part.and_then(|part| part.complaint(name))),
        writes: record.map_or_else(WriteCounters::default, |record| counters(&record.writes)),
        statistics: record.and_then(|record| record.statistics.clone()),
    }
}

fn counters(statistics: &PeerStatistics) -> WriteCounters {
    WriteCounters {
        applied: statistics.applied,
        invalid: statistics.invalid,
        forbidden: statistics.forbidden,
        forced: statistics.forced,
        corrupt: statistics.corrupt,
        postponed: statistics.postponed,
        dropped: statistics.dropped,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
