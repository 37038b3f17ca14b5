//! A plugin in a process of its own: it reads what the scan engine publishes, and writes by its journal.

use std::ffi::CStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use openplc_plugin::{PlcState, Plugin, Write};

use crate::functions::{Level, Runtime};
use crate::local_image::LocalImage;
use crate::lock::RecursiveLock;
use crate::overlay::Overlay;

/// The plugin's connection with the scan engine.
pub(crate) struct Attached {
    plugin: Plugin,
    lock: RecursiveLock,
    state: Mutex<State>,
}

struct State {
    image: LocalImage,
    overlay: Overlay,
}

impl Attached {
    pub fn new(plugin: Plugin, image: LocalImage) -> Self {
        let overlay = Overlay::default();
        Self {
            plugin,
            lock: RecursiveLock::default(),
            state: Mutex::new(State { image, overlay }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the image has another size than the plugin was told.
    pub fn is_outdated(&self) -> bool {
        let layout = self.plugin.layout();
        layout.is_ok_and(|layout| layout != *self.state().image.layout())
    }

    fn write_all(&self, writes: &[Write]) -> bool {
        match self.plugin.write(writes) {
            Ok(ticket) => {
                self.state().overlay.add(writes, ticket);
                true
            }
            // Counted there, and reported by the core.
            Err(_) => false,
        }
    }
}

impl Runtime for Attached {
    fn lock(&'static self) {
        if !self.lock.take() {
            return;
        }
        let State { image, overlay } = &mut *self.state();
        // The number is older than the copy at most: what it has is not forgotten too early.
        let publication = self.plugin.publication().unwrap_or(0);
        if self.plugin.copy(image.copy()).is_err() {
            image.switch_outputs_off();
        }
        for write in overlay.pending(&self.plugin, publication) {
            image.overlay(write);
        }
        image.show();
    }

    fn unlock(&self) {
        if self.lock.is_last() {
            let mut changes = Vec::new();
            self.state().image.changes(|write| changes.push(write));
            if !changes.is_empty() {
                self.write_all(&changes);
            }
        }
        self.lock.give();
    }

    fn write(&self, write: Write) -> bool {
        self.write_all(&[write])
    }

    fn switch_plc(&self, run: bool, reason: &CStr) {
        self.plugin.switch_plc(run, reason.to_string_lossy().into_owned());
    }

    fn state(&self) -> PlcState {
        let state = self.plugin.read(|view| view.moment().state);
        state.unwrap_or(PlcState::Stopped)
    }

    fn log(&self, level: Level, line: &CStr) {
        let line = line.to_string_lossy();
        let line = line.trim_end();
        match level {
            Level::Debug => tracing::debug!("{line}"),
            Level::Info => tracing::info!("{line}"),
            Level::Warning => tracing::warn!("{line}"),
            Level::Error => tracing::error!("{line}"),
        }
    }
}
