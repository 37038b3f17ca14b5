//! How one program takes the place of another.

use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use openplc_program::{Fault, Program};
use openplc_wire::manifest::ProgramId;

use super::{Machine, Refused, SCAN_PATIENCE};
use crate::connection::LOAD_STACK;
use crate::loaded::Loaded;

/// How long the first scan of a program is waited for. It is due within one interval, which may be longer.
const FIRST_SCAN: Duration = Duration::from_secs(1);
/// A program that has executed this many scans has proved itself; one that faults before makes way for the one before it.
const PROVING_SCANS: u64 = 10;
/// How long a program may take to end where somebody waits for it.
const UNLOAD_PATIENCE: Duration = Duration::from_secs(1);

impl Machine {
    /// Loads a kept program beside whatever runs.
    pub(super) fn load_object(&self, program: &ProgramId) -> Result<Loaded, Refused> {
        let failed = |error: &dyn std::fmt::Display| Refused::failed(error.to_string());
        let manifest = Arc::new(self.store.verify(program).map_err(|error| failed(&error))?);
        self.view().offer(manifest.clone());
        let load = |path: &Path| {
            Loaded::load(path, manifest.clone(), self.log.clone()).map_err(|error| failed(&error))
        };
        let path = self.store.object(program);
        if Program::is_loaded(&path) {
            let copy = self
                .store
                .copy_of_object(program)
                .map_err(|error| failed(&error))?;
            return load(copy.path());
        }
        load(&path)
    }

    /// Puts a fresh instance of the current program in the place of the stopped one.
    pub(super) fn restart(&self, current: &ProgramId) -> Result<(), Refused> {
        let stopped = self
            .slot
            .take(SCAN_PATIENCE)
            .map_err(|hangs| Refused::failed(hangs.to_string()))?;
        if let Some(stopped) = stopped {
            Self::wait_for_unload(Self::unload_beside(stopped));
        }
        let loaded = self.load_object(current)?;
        self.exchange(loaded, true)?;
        match self.first_scan_fault() {
            Some(fault) => Err(Refused::failed(format!(
                "the program faulted in its first scan: {fault}"
            ))),
            None => Ok(()),
        }
    }

    /// Exchanges the programs between two scans and returns the one before.
    pub(super) fn exchange(&self, loaded: Loaded, run: bool) -> Result<Option<Loaded>, Refused> {
        let (manifest, task) = (loaded.manifest.clone(), loaded.program.tasks()[0].clone());
        let figures = loaded.figures.clone();
        match self.slot.exchange(loaded, run, SCAN_PATIENCE) {
            Ok(old) => {
                self.view().set_program(manifest, task, figures);
                Ok(old)
            }
            Err((hangs, loaded)) => {
                Self::unload_beside(*loaded);
                Err(Refused::failed(format!(
                    "the running program was not exchanged: {hangs}. The watchdog will restart the scan engine; \
                     then upload again"
                )))
            }
        }
    }

    /// Waits for the first scan of the program that has just been put in place, and says whether it faulted.
    pub(super) fn first_scan_fault(&self) -> Option<Fault> {
        let deadline = Instant::now() + FIRST_SCAN;
        while self.view().scans() == 0 && Instant::now() < deadline {
            thread::sleep(Duration::from_micros(500));
        }
        // The scan is counted a moment before it ends.
        drop(self.slot.between_scans(SCAN_PATIENCE));
        self.slot.take_fault()
    }

    /// What follows an exchange that nobody waits for: the new program proves itself, the old one ends.
    pub(super) fn afterwards(self: &Arc<Self>, program: ProgramId, old: Option<Loaded>) {
        let machine = self.clone();
        let proving = move || {
            machine.await_proof(&program);
            old.into_iter().for_each(Loaded::unload);
        };
        if let Err(error) = thread::Builder::new()
            .name("unload".into())
            .stack_size(LOAD_STACK)
            .spawn(proving)
        {
            tracing::error!("The program before is not ended: no thread for it: {error}");
        }
    }

    fn await_proof(&self, program: &ProgramId) {
        loop {
            thread::sleep(Duration::from_millis(20));
            let mut commanded = self.commanded.lock().unwrap_or_else(PoisonError::into_inner);
            if !commanded.proving || commanded.current.as_ref() != Some(program) {
                return;
            }
            // Stopping it on purpose is no fault either.
            if self.view().scans() >= PROVING_SCANS || !commanded.run {
                commanded.proving = false;
                return self.record(&commanded);
            }
        }
    }

    /// Ends a program beside everything else: what it does at its end is its own affair, and may take long.
    pub(super) fn unload_beside(old: Loaded) -> Option<JoinHandle<()>> {
        let unloading = thread::Builder::new()
            .name("unload".into())
            .stack_size(LOAD_STACK);
        unloading
            .spawn(move || old.unload())
            .inspect_err(|error| tracing::error!("A program is not ended: no thread for it: {error}"))
            .ok()
    }

    /// Waits for the end of a program, but not for ever.
    pub(super) fn wait_for_unload(unloading: Option<JoinHandle<()>>) {
        let deadline = Instant::now() + UNLOAD_PATIENCE;
        while unloading
            .as_ref()
            .is_some_and(|unloading| !unloading.is_finished())
            && Instant::now() < deadline
        {
            thread::sleep(Duration::from_millis(1));
        }
    }

    pub(super) fn end_python(&self) {
        let take = || {
            self.slot
                .between_scans(SCAN_PATIENCE)
                .ok()?
                .loaded
                .as_mut()?
                .python
                .take()
        };
        let Some(mut python) = take() else { return };
        python.end();
        // Back to where it is dropped after the program. A program that is gone meanwhile needs it no longer.
        if let Ok(mut active) = self.slot.between_scans(SCAN_PATIENCE)
            && let Some(loaded) = &mut active.loaded
        {
            loaded.python = Some(python);
        }
    }
}
