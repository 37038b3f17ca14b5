//! The plugin within the scan, if the administrator has chosen one (`[in-scan-plugin]` of core.toml).
//!
//! It is loaded and initialised once, before this process gives up its privileges and the right to open sockets, and never because
//! of an upload. While the PLC runs it is at work: the scans of the most urgent task execute its hooks.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use openplc_image::PlcState;
use openplc_plugin_abi::{Engine, InScan, Level};
use openplc_program::Severity;
use openplc_rt::fault_record::PLUGIN_THREAD;
use openplc_settings::core;
use openplc_wire::control;
use openplc_wire::plugins::{PluginState, PluginStatus, WriteCounters};
use openplc_wire::retain::Start;

use crate::machine::LOAD_STACK;
use crate::machine::Machine;
use crate::process_image::ProcessImage;
use crate::program_log::ProgramLog;
use crate::real_time;

/// How long its `init` may take: what it does there must not keep the PLC from running.
const INIT_TIME: Duration = Duration::from_secs(10);
/// How long its end may take.
const END_TIME: Duration = Duration::from_secs(3);
/// Time between two looks at the state of the PLC.
const ROUND: Duration = Duration::from_millis(5);
/// Writable for the group or for others.
const WRITABLE: u32 = 0o022;

/// What its thread is told.
enum Order {
    /// From now on the PLC is there to be followed.
    Follow(Arc<Machine>, Arc<ProcessImage>),
    /// The process ends; whoever sends this waits for an answer.
    End(Sender<()>),
}

/// The plugin that was chosen, whether it could be loaded or not.
pub struct InScanPlugin {
    name: String,
    hooks: Option<Arc<InScan>>,
    failure: Arc<Mutex<Option<String>>>,
    orders: Sender<Order>,
}

/// What it has of the scan engine.
struct Surroundings {
    name: String,
    log: Arc<ProgramLog>,
    state: AtomicU8,
    /// Whether it has asked for a stop, and for a start.
    wants_stop: AtomicBool,
    wants_start: AtomicBool,
}

impl InScanPlugin {
    /// Loads and initialises the plugin; `None` where none is chosen. One that fails is said in the log, and the PLC runs without.
    pub fn load(settings: &core::InScanPlugin, log: Arc<ProgramLog>) -> Option<Self> {
        if settings.path.as_os_str().is_empty() {
            return None;
        }
        let name = settings.path.file_stem().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let failure = Arc::default();
        let (orders, received) = mpsc::channel();
        let (initialised, outcome) = mpsc::channel();
        let surroundings = Surroundings {
            name: name.clone(),
            log,
            state: AtomicU8::new(PlcState::Stopped as u8),
            wants_stop: AtomicBool::new(false),
            wants_start: AtomicBool::new(false),
        };
        let (settings, shown) = (settings.clone(), Arc::clone(&failure));
        let work = move || {
            let surroundings: &'static Surroundings = Box::leak(Box::new(surroundings));
            let hooks = initialise(&settings, surroundings);
            // Whatever it needed privileges for it has by now.
            real_time::drop_capabilities();
            let hooks = hooks.map(Arc::new);
            let _ = initialised.send(hooks.clone());
            if let Ok(hooks) = hooks {
                follow(&hooks, surroundings, &received, &shown);
            }
        };
        let thread = thread::Builder::new()
            .name(PLUGIN_THREAD.into())
            .stack_size(LOAD_STACK);
        let hooks = match thread.spawn(work) {
            Ok(_) => outcome.recv_timeout(INIT_TIME).unwrap_or_else(|_| {
                Err(format!(
                    "its init has not returned within {} s",
                    INIT_TIME.as_secs()
                ))
            }),
            Err(error) => Err(format!("there is no thread for it: {error}")),
        };
        let plugin = Self {
            hooks: hooks.inspect_err(|why| fail(&failure, &name, why)).ok(),
            name,
            failure,
            orders,
        };
        if plugin.hooks.is_some() {
            tracing::warn!(
                "Plugin {} is part of the scan engine: what it does wrong stops the PLC",
                plugin.name
            );
        }
        Some(plugin)
    }

    /// For the scans.
    pub fn hooks(&self) -> Option<Arc<InScan>> {
        self.hooks.clone()
    }

    /// From now on it works while the PLC runs.
    pub fn follow(&self, machine: Arc<Machine>, image: Arc<ProcessImage>) {
        // A thread that is not there has failed before.
        let _ = self.orders.send(Order::Follow(machine, image));
    }

    /// Ends its work, because the process ends.
    pub fn end(&self) {
        let (ended, waiting) = mpsc::channel();
        if self.hooks.is_some() && self.orders.send(Order::End(ended)).is_ok() {
            // The process ends in any case.
            let _ = waiting.recv_timeout(END_TIME);
        }
    }

    /// What clients are told.
    pub fn status(&self) -> PluginStatus {
        let state = match &self.hooks {
            Some(hooks) if hooks.is_working() => PluginState::Attached,
            Some(_) => PluginState::Stopped,
            None => PluginState::Missing,
        };
        PluginStatus {
            name: self.name.clone(),
            state,
            process: i32::try_from(std::process::id()).ok(),
            attached: u64::from(self.hooks.is_some()),
            last_error: self
                .failure
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            writes: WriteCounters::default(),
            statistics: None,
        }
    }
}

fn initialise(settings: &core::InScanPlugin, surroundings: &'static Surroundings) -> Result<InScan, String> {
    check(&settings.path)?;
    InScan::initialise(
        &settings.path,
        settings.layout,
        &settings.configuration,
        surroundings,
    )
    .map_err(|error| error.to_string())
}

/// Only the administrator may say what becomes a part of the scan engine.
fn check(path: &Path) -> Result<(), String> {
    let metadata = fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?;
    if metadata.permissions().mode() & WRITABLE != 0 {
        return Err(format!(
            "{} can be written by others than its owner: chmod go-w",
            path.display()
        ));
    }
    Ok(())
}

/// Keeps the plugin at work while the PLC runs, until the process ends.
fn follow(
    plugin: &InScan,
    surroundings: &Surroundings,
    orders: &Receiver<Order>,
    failure: &Mutex<Option<String>>,
) {
    let Ok(Order::Follow(machine, image)) = orders.recv() else {
        return plugin.clean_up();
    };
    let mut failed = false;
    let end = loop {
        match orders.recv_timeout(ROUND) {
            Err(RecvTimeoutError::Timeout) => {}
            end => break end,
        }
        let (state, _) = machine.current();
        surroundings.show(state);
        match (state, plugin.is_working()) {
            (control::PlcState::Running, false) if !failed => {
                let code = plugin.start(&*image);
                failed = code != 0;
                if failed {
                    let why = format!("its start_loop has returned {code}");
                    fail(failure, &surroundings.name, &why);
                }
            }
            (control::PlcState::Running, _) => {}
            (_, works) => {
                failed = false;
                if works {
                    plugin.stop(&*image);
                }
            }
        }
        surroundings.do_what_is_wanted(&machine);
    };
    if plugin.is_working() {
        plugin.stop(&*image);
    }
    plugin.clean_up();
    if let Ok(Order::End(ended)) = end {
        // Whoever ended it may have lost patience.
        let _ = ended.send(());
    }
}

fn fail(failure: &Mutex<Option<String>>, name: &str, why: &str) {
    let text = format!("Plugin {name}, which was to be within the scan, does not work: {why}");
    tracing::error!("{text}");
    *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
}

impl Surroundings {
    fn show(&self, state: control::PlcState) {
        let state = match state {
            control::PlcState::Running => PlcState::Running,
            control::PlcState::Error => PlcState::Error,
            _ => PlcState::Stopped,
        };
        self.state.store(state as u8, Ordering::Relaxed);
    }

    fn do_what_is_wanted(&self, machine: &Arc<Machine>) {
        let outcome = if self.wants_stop.swap(false, Ordering::Relaxed) {
            tracing::warn!("Plugin {} has asked that the PLC is stopped", self.name);
            machine.stop()
        } else if self.wants_start.swap(false, Ordering::Relaxed) {
            tracing::warn!("Plugin {} has asked that the PLC is started", self.name);
            machine.start(Start::Warm)
        } else {
            return;
        };
        if let Err(refused) = outcome {
            tracing::warn!(
                "What plugin {} has asked for was not done: {}",
                self.name,
                refused.message
            );
        }
    }
}

impl Engine for Surroundings {
    fn switch_plc(&self, run: bool) {
        let wish = if run { &self.wants_start } else { &self.wants_stop };
        wish.store(true, Ordering::Relaxed);
    }

    fn state(&self) -> PlcState {
        let states = [PlcState::Stopped, PlcState::Running, PlcState::Error];
        let state = self.state.load(Ordering::Relaxed);
        states[usize::from(state).min(states.len() - 1)]
    }

    fn log(&self, level: Level, line: &[u8]) {
        let severity = match level {
            Level::Debug => Severity::Debug,
            Level::Info => Severity::Info,
            Level::Warning => Severity::Warning,
            Level::Error => Severity::Error,
        };
        self.log.push(severity, line);
    }
}
