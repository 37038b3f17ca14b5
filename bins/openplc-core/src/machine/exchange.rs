//! How one program takes the place of another.

use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use openplc_engine::faults::Probation;
use openplc_engine::lifecycle::State;
use openplc_wire::manifest::ProgramId;
use openplc_wire::retain::Start;

use super::{Machine, Refused, SCAN_PATIENCE};
use crate::daemon::STACK;
use crate::loaded::{Loaded, TaskFault};
use crate::retention::{Retention, Succession};
use crate::store::Commanded;

/// How long the first scan of a program is waited for. It is due within one interval, which may be longer.
const FIRST_SCAN: Duration = Duration::from_secs(1);

impl Machine {
    /// Puts a fresh instance of the current program in the place of the stopped one.
    pub(super) fn restart(&self, current: &ProgramId, start: Start) -> Result<(), Refused> {
        let stopped = self
            .slot
            .take(SCAN_PATIENCE)
            .map_err(|hangs| Refused::failed(hangs.to_string()))?;
        if let Some(stopped) = stopped {
            Self::wait_for_unload(Self::unload_beside(stopped));
        }
        let loaded = if start == Start::Cold {
            let mut loaded = self.load_object(current)?;
            Retention::begin_anew(&mut loaded);
            loaded
        } else {
            self.load_warm(current)?
        };
        self.exchange(loaded, true, Succession::Return)?;
        match self.first_scan_fault() {
            Some(fault) => Err(Refused::failed(fault.to_string())),
            None => Ok(()),
        }
    }

    /// Exchanges the programs between two scans and returns the one before.
    pub(super) fn exchange(
        &self,
        loaded: Loaded,
        run: bool,
        succession: Succession,
    ) -> Result<Option<Loaded>, Refused> {
        let (manifest, figures) = (loaded.manifest.clone(), loaded.figures.clone());
        match self.retention.exchange(loaded, run, succession, SCAN_PATIENCE) {
            Ok(old) => {
                self.view().set_program(manifest, figures);
                Ok(old)
            }
            Err((error, loaded)) => {
                Self::unload_beside(*loaded);
                Err(Refused::failed(format!(
                    "the running program was not exchanged: {error}"
                )))
            }
        }
    }

    /// Waits for the first scan of the program that has just been put in place, and says whether it faulted.
    pub(super) fn first_scan_fault(&self) -> Option<TaskFault> {
        let deadline = Instant::now() + FIRST_SCAN;
        while self.view().scans() == 0 && self.slot.is_running() && Instant::now() < deadline {
            thread::sleep(Duration::from_micros(500));
        }
        // The scan is counted a moment before it ends.
        drop(self.slot.between_scans(SCAN_PATIENCE));
        self.slot.take_fault()
    }

    /// Waits, beside everything else, until the new program has proved itself, and then ends the one before.
    pub(super) fn prove(self: &Arc<Self>, program: ProgramId) {
        let machine = self.clone();
        let proving = thread::Builder::new()
            .name("proving".into())
            .stack_size(STACK)
            .spawn(move || machine.await_proof(&program));
        if let Err(error) = proving {
            tracing::error!("The program before is not ended: no thread for it: {error}");
        }
    }

    fn await_proof(&self, program: &ProgramId) {
        let mut probation = Probation::default();
        loop {
            thread::sleep(Duration::from_millis(20));
            let mut commanded = self.commanded.lock().unwrap_or_else(PoisonError::into_inner);
            if !commanded.proving || commanded.current.as_ref() != Some(program) {
                // Whoever ended the proof has seen to the program before.
                return;
            }
            // Stopping it on purpose is no fault.
            if probation.is_over(self.view().scans(), Instant::now()) || !commanded.run {
                commanded.proving = false;
                self.unload_fallback();
                return self.record(&commanded);
            }
        }
    }

    /// Puts the program before in the place of the one that faulted while it was proving itself; `None` when that one had
    /// proved itself, or there is none before it.
    pub(super) fn roll_back(&self, commanded: &mut Commanded, reason: &str) -> Option<()> {
        if !commanded.proving {
            return None;
        }
        if self.fallback().is_none() {
            // This process was started after the exchange.
            let previous = commanded.previous.as_ref()?;
            self.retention.roll_back(commanded.current.as_ref()?.as_str());
            let previous = self.load_warm(previous);
            let previous = previous.inspect_err(|refused| tracing::error!("{}", refused.message));
            *self.fallback() = Some(previous.ok()?);
        }
        let run = commanded.previous_ran;
        let (previous, runs) = self.put_back(run, reason)?;
        *commanded = Commanded {
            run,
            current: Some(previous),
            ..Commanded::default()
        };
        self.record(commanded);
        self.show_put_back(runs);
        Some(())
    }

    /// Only when it is recorded, so that it is true after a loss of power too.
    pub(super) fn show_put_back(&self, runs: bool) {
        self.view()
            .show(if runs { State::Running } else { State::Stopped });
    }

    /// Exchanges the program that faulted for the one before it, which goes on where it was stopped if it is to `run`. Returns
    /// which one that is, and whether it runs; [`Self::show_put_back`] is left to the caller.
    pub(super) fn put_back(&self, run: bool, reason: &str) -> Option<(ProgramId, bool)> {
        let fallback = self.fallback().take()?;
        let program = fallback.manifest.program.clone();
        // One that has faulted at the last moment is looked at, not run.
        let run = run && !fallback.has_faulted() && !self.slot.is_stop_wanted();
        let faulty = match self.exchange(fallback, run, Succession::Return) {
            Ok(faulty) => faulty,
            Err(refused) => {
                tracing::error!("{}", refused.message);
                return None;
            }
        };
        tracing::error!(
            "{reason}; the program before, {}, takes its place again",
            program.short()
        );
        if let Some(faulty) = faulty {
            // Before the exchange is recorded: whatever is found after a loss of power belongs together.
            self.retention.roll_back(faulty.manifest.program.as_str());
            Self::unload_beside(faulty);
        }
        Some((program, run))
    }

    /// Ends the program before, if the current one is still proving itself.
    pub(super) fn unload_fallback(&self) {
        self.fallback().take().map(Self::unload_beside);
    }

    /// Ends what a stopped program has begun beside its scans: Python blocks and connections.
    pub(super) fn end_surroundings(&self) {
        let take = || {
            let mut pause = self.slot.between_scans(SCAN_PATIENCE).ok()?;
            let loaded = pause.loaded()?;
            loaded.connections.close_all();
            loaded.python.take()
        };
        let Some(mut python) = take() else { return };
        python.end();
        // Back to where it is dropped after the program. A program that is gone meanwhile needs it no longer.
        if let Ok(mut pause) = self.slot.between_scans(SCAN_PATIENCE)
            && let Some(loaded) = pause.loaded()
        {
            loaded.python = Some(python);
        }
    }
}
