//! The PLC as its clients see it: programs are loaded, started and stopped here, one command at a time, while status and
//! debug requests are answered at any time.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use openplc_engine::debug::{self, MAX_FRAME, Malformed};
use openplc_engine::lifecycle::{self, Command, State};
use openplc_program::Program;
use openplc_wire::control::{ProgramSummary, Refusal, Status};
use openplc_wire::manifest::{Manifest, ProgramId, Variable};

use crate::fault_history::FaultHistory;
use crate::loaded::{DebugVariables, Loaded};
use crate::log_ring::unix_ms;
use crate::program_log::ProgramLog;
use crate::scan::ScanSlot;
use crate::store::{Commanded, Store};
use crate::trial;
use crate::view::View;

/// How long a command waits for a scan to end.
const COMMAND_PATIENCE: Duration = Duration::from_secs(3);
/// How long a debug request waits for a scan to end; the Editor gives up after 5 s.
const DEBUG_PATIENCE: Duration = Duration::from_millis(1500);

/// A request that was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// For programs.
    pub reason: Refusal,
    /// For people.
    pub message: String,
}

impl Refused {
    fn failed(message: impl Into<String>) -> Self {
        Self {
            reason: Refusal::Failed,
            message: message.into(),
        }
    }
}

impl From<lifecycle::Refusal> for Refused {
    fn from(refusal: lifecycle::Refusal) -> Self {
        let reason = match refusal {
            lifecycle::Refusal::AlreadyRunning => Refusal::AlreadyRunning,
            lifecycle::Refusal::NotRunning => Refusal::NotRunning,
            lifecycle::Refusal::Busy => Refusal::Busy,
            lifecycle::Refusal::Empty => Refusal::Empty,
        };
        Self {
            reason,
            message: refusal.to_string(),
        }
    }
}

/// The PLC.
pub struct Machine {
    slot: Arc<ScanSlot>,
    store: Store,
    faults: FaultHistory,
    log: Arc<ProgramLog>,
    /// Held while a command is carried out; inside is what is recorded on disk.
    commanded: Mutex<Commanded>,
    view: Mutex<View>,
    real_time: String,
    since: Instant,
}

impl Machine {
    /// A PLC in state INIT.
    pub fn new(slot: Arc<ScanSlot>, store: Store, log: Arc<ProgramLog>, real_time: String) -> Self {
        Self {
            slot,
            faults: FaultHistory::new(&store),
            store,
            log,
            commanded: Mutex::new(Commanded::default()),
            view: Mutex::new(View::default()),
            real_time,
            since: Instant::now(),
        }
    }

    /// Resumes what the PLC was last commanded to do. `signal` is what ended the process before, if it faulted.
    pub fn resume(&self, signal: Option<i32>) {
        let mut commanded = self.commanded.lock().unwrap_or_else(PoisonError::into_inner);
        match self.store.commanded() {
            Ok(recorded) => *commanded = recorded,
            Err(error) => {
                tracing::error!("The last command is not known: {error}");
                self.view()
                    .show_error(format!("the last command is not known: {error}"));
                return;
            }
        }
        let Some(current) = commanded.current.clone() else {
            self.view().show(State::Empty);
            return;
        };
        if let Some(signal) = signal {
            let cause = openplc_rt::fault_record::describe(signal);
            tracing::error!("Program {} ended the scan engine by {cause}", current.short());
            if self.faults.count(&current, unix_ms()) {
                let reason = format!(
                    "the program faulted twice within a minute ({cause}); it is not started again by itself. \
                     Upload a corrected program, or start the PLC to try once more"
                );
                tracing::error!("The PLC stays stopped: {reason}");
                self.view().show_error(reason);
                return;
            }
        }
        let shown = if commanded.run {
            State::Running
        } else {
            State::Stopped
        };
        let resumed = self
            .load_object(&current)
            .and_then(|loaded| self.exchange(loaded, commanded.run));
        match resumed {
            Ok(()) => {
                self.view().show(shown);
                tracing::info!(
                    "Program {} is {} as before",
                    current.short(),
                    if commanded.run { "running" } else { "stopped" }
                );
            }
            Err(refused) => {
                tracing::error!(
                    "Program {} cannot be resumed: {}",
                    current.short(),
                    refused.message
                );
                self.view().show_error(refused.message);
            }
        }
    }

    /// Keeps a built program and makes it the running one.
    ///
    /// # Errors
    /// [`Refused`]; the program before runs on.
    pub fn load(&self, object: &[u8], manifest: &[u8]) -> Result<(), Refused> {
        let manifest = self
            .store
            .keep(object, manifest)
            .map_err(|error| Refused::failed(error.to_string()))?;
        self.activate(&manifest.program)
    }

    /// Makes a kept program the running one.
    ///
    /// # Errors
    /// [`Refused`]; the program before runs on.
    pub fn activate(&self, program: &ProgramId) -> Result<(), Refused> {
        let mut commanded = self.begin(Command::Load)?;
        // A program that is kept was tried before, but not necessarily by this version on this system.
        trial::attempt(&self.store.object(program)).map_err(|error| Refused::failed(error.to_string()))?;
        let loaded = self.load_object(program)?;
        let before = commanded.clone();
        let previous = before
            .current
            .clone()
            .filter(|current| current != program)
            .or(before.previous.clone());
        let after = Commanded {
            run: true,
            current: Some(program.clone()),
            previous,
        };
        self.store
            .set_commanded(&after)
            .map_err(|error| Refused::failed(error.to_string()))?;
        if let Err(refused) = self.exchange(loaded, true) {
            if let Err(error) = self.store.set_commanded(&before) {
                tracing::error!("The program before cannot be recorded as current: {error}");
            }
            return Err(refused);
        }
        *commanded = after;
        self.faults.clear();
        self.view().show(State::Running);
        self.store.prune(&commanded);
        tracing::info!("Program {} is running", program.short());
        Ok(())
    }

    /// Runs the current program from its initial values.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn start(&self) -> Result<(), Refused> {
        let mut commanded = self.begin(Command::Start)?;
        let current = commanded.current.clone().ok_or(lifecycle::Refusal::Empty)?;
        self.view().show(State::Transitioning);
        if let Err(refused) = self.restart(&current) {
            tracing::error!(
                "Program {} cannot be started: {}",
                current.short(),
                refused.message
            );
            self.view().show_error(refused.message.clone());
            return Err(refused);
        }
        self.faults.clear();
        self.view().show(State::Running);
        tracing::info!("Program {} was started", current.short());
        commanded.run = true;
        self.record(&commanded);
        Ok(())
    }

    /// Ends the scans.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn stop(&self) -> Result<(), Refused> {
        let mut commanded = self.begin(Command::Stop)?;
        self.view().show(State::Transitioning);
        if let Err(hangs) = self.slot.stop(COMMAND_PATIENCE) {
            self.view().show(State::Running);
            return Err(Refused::failed(format!(
                "{hangs}; the watchdog will restart the scan engine"
            )));
        }
        self.end_python();
        self.view().show(State::Stopped);
        tracing::info!("The PLC was stopped");
        commanded.run = false;
        self.record(&commanded);
        Ok(())
    }

    /// Ends the program for good, because the process ends. The command to run stays recorded.
    pub fn shut_down(&self) {
        let _commanded = self.commanded.lock().unwrap_or_else(PoisonError::into_inner);
        match self.slot.take(COMMAND_PATIENCE) {
            Ok(Some(loaded)) => loaded.unload(),
            Ok(None) => {}
            Err(hangs) => tracing::error!("The program is ended by force: {hangs}"),
        }
    }

    /// Notices that scans have ended by themselves. While a command is carried out it is left for the next time: the
    /// command may exchange the program that faulted.
    pub fn notice_fault(&self) {
        let Ok(_commanded) = self.commanded.try_lock() else {
            return;
        };
        let Some(fault) = self.slot.take_fault() else {
            return;
        };
        let reason = format!("the program faulted in scan {}: {fault}", self.view().scans());
        tracing::error!("The PLC is stopped: {reason}");
        self.view().show_error(reason);
        self.end_python();
    }

    /// Answers one debug request.
    ///
    /// # Errors
    /// [`Refused`] where the debug protocol itself has no answer.
    pub fn debug(&self, frame: &[u8]) -> Result<Vec<u8>, Refused> {
        let request = match debug::Request::parse(frame) {
            Ok(request) => request,
            Err(malformed @ Malformed::Answered(..)) => return Ok(malformed.reply().unwrap_or_default()),
            Err(malformed) => {
                return Err(Refused {
                    reason: Refusal::Invalid,
                    message: malformed.to_string(),
                });
            }
        };
        let mut answer = [0; MAX_FRAME];
        let mut active = self.slot.between_scans(DEBUG_PATIENCE).map_err(|hangs| Refused {
            reason: Refusal::Busy,
            message: hangs.to_string(),
        })?;
        let Some(Loaded {
            program,
            recorder,
            md5,
            ..
        }) = &mut active.loaded
        else {
            return Ok(debug::not_loaded(frame));
        };
        let length = request.execute(&mut DebugVariables(program), md5, recorder.scans(), &mut answer);
        drop(active);
        Ok(answer[..length].to_vec())
    }

    /// State and figures.
    pub fn status(&self) -> Status {
        self.view().status(&self.real_time, self.since.elapsed())
    }

    /// Debug variables of the current program.
    pub fn variables(&self) -> (Option<ProgramSummary>, Vec<Variable>) {
        let manifest = self.view().manifest();
        let variables = manifest
            .as_ref()
            .map(|manifest| manifest.variables.clone())
            .unwrap_or_default();
        (manifest.as_deref().map(summary), variables)
    }

    /// Whether a program is kept.
    pub fn holds(&self, program: &ProgramId) -> bool {
        self.store.holds(program)
    }

    /// Takes the right to change the PLC, if the state allows it.
    fn begin(&self, command: Command) -> Result<MutexGuard<'_, Commanded>, Refused> {
        let guard = match self.commanded.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(lifecycle::Refusal::Busy.into()),
        };
        lifecycle::allow(self.view().state(), command)?;
        Ok(guard)
    }

    /// Loads a kept program beside whatever runs.
    fn load_object(&self, program: &ProgramId) -> Result<Loaded, Refused> {
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

    fn restart(&self, current: &ProgramId) -> Result<(), Refused> {
        let stopped = self
            .slot
            .take(COMMAND_PATIENCE)
            .map_err(|hangs| Refused::failed(hangs.to_string()))?;
        if let Some(stopped) = stopped {
            stopped.unload();
        }
        let loaded = self.load_object(current)?;
        self.exchange(loaded, true)
    }

    fn exchange(&self, loaded: Loaded, run: bool) -> Result<(), Refused> {
        let (manifest, task, figures) = (
            loaded.manifest.clone(),
            loaded.program.tasks()[0].clone(),
            loaded.figures.clone(),
        );
        match self.slot.exchange(loaded, run, COMMAND_PATIENCE) {
            Ok(old) => {
                self.view().set_program(manifest, task, figures);
                if let Some(old) = old {
                    old.unload();
                }
                Ok(())
            }
            Err((hangs, loaded)) => {
                loaded.unload();
                Err(Refused::failed(format!(
                    "the running program was not exchanged: {hangs}. The watchdog will restart the scan engine; \
                     then upload again"
                )))
            }
        }
    }

    fn end_python(&self) {
        let take = || {
            self.slot
                .between_scans(COMMAND_PATIENCE)
                .ok()?
                .loaded
                .as_mut()?
                .python
                .take()
        };
        let Some(mut python) = take() else { return };
        python.end();
        // Back to where it is dropped after the program. A program that is gone meanwhile needs it no longer.
        if let Ok(mut active) = self.slot.between_scans(COMMAND_PATIENCE)
            && let Some(loaded) = &mut active.loaded
        {
            loaded.python = Some(python);
        }
    }

    /// A full disk must not keep the PLC from starting or stopping.
    fn record(&self, commanded: &Commanded) {
        if let Err(error) = self.store.set_commanded(commanded) {
            tracing::error!("After a restart the PLC will not know this command: {error}");
        }
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A program in short.
pub fn summary(manifest: &Manifest) -> ProgramSummary {
    ProgramSummary {
        program: manifest.program.clone(),
        generation: manifest.generation,
        md5: manifest.md5.clone(),
    }
}
