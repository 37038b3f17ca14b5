//! Plugins: one process for each configuration that the core publishes, as `.path` units would have it.
//!
//! The folder of the configurations belongs to the core, in which uploaded programs run: a file there starts a plugin that this
//! computer has, and nothing else.

mod pace;

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::unistd::{Pid, Uid, User};

use crate::console::{Console, Priority};
use crate::log_stream::LogStream;
use crate::notify::Notification;
use crate::places::private_folder;
use crate::service::Service;
use crate::spawn::{Recipe, find_program};
use crate::unit::Unit;
use pace::Pace;

/// Plugins that come with the runtime, and their programs. Others are the affair of the plugin host.
const OWN: [(&str, &str); 2] = [
    ("modbus_slave", "openplc-modbus-slave"),
    ("modbus_master", "openplc-modbus-master"),
];
const HOST: &str = "openplc-plugin-host";
/// Plugins at work at one time: the scan engine has places for no more.
const MOST: usize = 32;
/// Longest time from the end of its configuration to the end of a plugin.
const LEAVE_TIME: Duration = Duration::from_secs(3);
/// Plugins show no signs of life to the launcher: ten years.
const NO_WATCHDOG: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// How all plugins are started.
#[derive(Debug)]
pub struct Circumstances {
    /// Where the core publishes configurations.
    pub folder: PathBuf,
    /// Where each plugin has a folder of its own, for what it keeps.
    pub state: PathBuf,
    /// User of the plugins.
    pub user: Option<User>,
    /// Where `plugins.conf` is.
    pub settings: PathBuf,
    /// What they run with, but for program, arguments and state.
    pub recipe: Recipe,
}

/// One plugin.
#[derive(Debug)]
struct Plugin {
    name: String,
    unit: Unit,
}

/// The plugins that work, or are to.
#[derive(Debug)]
pub struct Plugins {
    circumstances: Circumstances,
    changes: Inotify,
    plugins: Vec<Plugin>,
    /// Names of those of which was told that they cannot be started: once.
    told: BTreeSet<String>,
    /// How often each was started.
    paces: BTreeMap<String, Pace>,
    /// Whether all end: whatever configuration is still there, nothing is started.
    ending: bool,
}

impl Plugins {
    /// Watches the folder, which exists.
    ///
    /// # Errors
    /// The error of `inotify_init(2)` or `inotify_add_watch(2)`.
    pub fn new(circumstances: Circumstances) -> Result<Self> {
        let watch = || -> nix::Result<Inotify> {
            let changes = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
            let flags = AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_DELETE;
            changes.add_watch(&circumstances.folder, flags)?;
            Ok(changes)
        };
        let changes =
            watch().with_context(|| format!("Cannot watch the folder {}", circumstances.folder.display()))?;
        Ok(Self {
            circumstances,
            changes,
            plugins: Vec::new(),
            told: BTreeSet::new(),
            paces: BTreeMap::new(),
            ending: false,
        })
    }

    /// For polling: readable when configurations have come or gone.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.changes.as_fd()
    }

    /// Starts what has a configuration, ends what has none.
    pub fn follow(&mut self, console: &Console) {
        while self.changes.read_events().is_ok_and(|events| !events.is_empty()) {}
        let now = Instant::now();
        for plugin in &mut self.plugins {
            if !is_published(&self.circumstances.folder, &plugin.name)
                && let Some(action) = plugin.unit.service.stop(now)
            {
                plugin.unit.act(action, console);
            }
        }
        self.forget_stopped();
        if self.ending {
            return;
        }
        for name in known(&self.circumstances.settings) {
            let is_there = self.plugins.iter().any(|plugin| plugin.name == name);
            if is_there || !is_published(&self.circumstances.folder, &name) {
                continue;
            }
            let begin = self.paces.entry(name.clone()).or_default().start(now);
            match self.unit(&name, begin) {
                Ok(unit) => self.plugins.push(Plugin { name, unit }),
                Err(error) if self.told.insert(name.clone()) => console.say(
                    Priority::ERROR,
                    &format!("Plugin {name} cannot be started: {error:#}"),
                ),
                Err(_) => {}
            }
        }
    }

    /// All services, for deadlines.
    pub fn units(&mut self) -> impl Iterator<Item = &mut Unit> {
        self.plugins.iter_mut().map(|plugin| &mut plugin.unit)
    }

    /// When a service will next have something to do.
    pub fn deadline(&self) -> Option<Instant> {
        let deadlines = self.plugins.iter().map(|plugin| plugin.unit.service.deadline());
        deadlines.flatten().min()
    }

    /// Does what has become due, and returns the output of processes that were started.
    pub fn act_on_deadlines(&mut self, now: Instant, console: &Console) -> Vec<LogStream> {
        let mut streams = Vec::new();
        for unit in self.units() {
            while let Some(action) = unit.service.due(now) {
                streams.extend(unit.act(action, console));
                // A plugin need not report that it is ready.
                let ready = Notification {
                    ready: true,
                    ..Notification::default()
                };
                unit.service.notified(ready, now);
            }
        }
        streams
    }

    /// Whether this is the process of a plugin.
    pub fn is_process(&self, pid: Pid) -> bool {
        self.plugins.iter().any(|plugin| plugin.unit.is(pid))
    }

    /// The user that plugins, and nothing else, run as.
    pub fn user(&self) -> Option<Uid> {
        self.circumstances.user.as_ref().map(|user| user.uid)
    }

    /// The process of a plugin has ended.
    pub fn ended(&mut self, pid: Pid, succeeded: bool, outcome: &str, console: &Console) {
        let Some(unit) = self.units().find(|unit| unit.is(pid)) else {
            return;
        };
        let delay = unit.service.exited(Instant::now());
        let priority = if succeeded {
            Priority::INFO
        } else {
            Priority::ERROR
        };
        console.say(priority, &format!("{}: main process {outcome}", unit.name));
        unit.announce_restart(delay, console);
        // Its configuration may be back already.
        self.follow(console);
    }

    /// Ends all plugins; `true` when they have ended.
    pub fn stop(&mut self, console: &Console) -> bool {
        self.ending = true;
        let now = Instant::now();
        for unit in self.units() {
            if let Some(action) = unit.service.stop(now) {
                unit.act(action, console);
            }
        }
        self.forget_stopped();
        self.plugins.is_empty()
    }

    fn forget_stopped(&mut self) {
        self.plugins.retain(|plugin| !plugin.unit.service.is_stopped());
    }

    fn unit(&self, name: &str, begin: Instant) -> Result<Unit> {
        ensure!(
            self.plugins.len() < MOST,
            "{MOST} plugins are at work, the most that there can be"
        );
        let Circumstances {
            state, user, recipe, ..
        } = &self.circumstances;
        let own = OWN.iter().find(|(plugin, _)| *plugin == name);
        let program = own.map_or(HOST, |(_, program)| program);
        let folder = state.join(name);
        private_folder(&folder, user.as_ref())
            .with_context(|| format!("Cannot use the folder {}", folder.display()))?;
        let mut recipe = recipe.clone();
        recipe.program = find_program(program)?;
        recipe.arguments = own.is_none().then(|| name.into()).into_iter().collect();
        recipe.environment.push(("STATE_DIRECTORY", folder.into()));
        Ok(Unit {
            name: match own {
                Some((_, program)) => (*program).to_owned(),
                None => format!("openplc-plugin@{name}"),
            },
            recipe,
            sockets: Vec::new(),
            user: user.as_ref().map_or_else(nix::unistd::geteuid, |user| user.uid),
            service: Service::new(NO_WATCHDOG, LEAVE_TIME, begin),
        })
    }
}

/// The plugins that this computer has: those that come with the runtime, and the administrator's.
fn known(settings: &Path) -> Vec<String> {
    let own = OWN.iter().map(|(name, _)| (*name).to_owned());
    // The scan engine tells what is wrong in the file.
    let (entries, _) = openplc_settings::plugins::load_from(settings);
    let others = entries.into_iter().map(|entry| entry.name);
    own.chain(others).collect()
}

/// Whether this folder has a configuration of the plugin.
fn is_published(folder: &Path, name: &str) -> bool {
    folder.join(format!("{name}.json")).is_file()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn own_plugins_and_those_of_the_administrator_are_known() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(known(folder.path()), ["modbus_slave", "modbus_master"]);
        let lines = "mine,mine.py,1,0,\n../other,x,1,0,\nmodbus_slave,x,0,1,\n";
        fs::write(folder.path().join("plugins.conf"), lines).unwrap();
        assert_eq!(
            known(folder.path()),
            ["modbus_slave", "modbus_master", "mine", "modbus_slave"]
        );
    }

    #[test]
    fn configurations_and_nothing_else_are_published() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mine.json"), "{}").unwrap();
        fs::create_dir(folder.path().join("folder.json")).unwrap();
        let published = |name| is_published(folder.path(), name);
        assert!(published("mine") && !published("folder") && !published("other"));
        assert!(!is_published(Path::new("/nowhere"), "mine"));
    }
}
