//! What the PLC is commanded to do.

use std::mem;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use openplc_engine::lifecycle::{self, Command, State};
use openplc_wire::control::{PlcState, Refusal};
use openplc_wire::manifest::ProgramId;
use openplc_wire::retain::Start;

use super::{Machine, Refused, SCAN_PATIENCE};
use crate::retention::Succession;
use crate::store::{Commanded, StoreError};
use crate::trial::{self, Ending};
use crate::view::shown;

/// How long a command waits for the one before it.
const TURN_PATIENCE: Duration = Duration::from_secs(1);
/// How long a stop waits for the command before it, until it makes the outputs safe beside it.
const STOP_TURN_PATIENCE: Duration = Duration::from_millis(20);
/// How long a stop waits for the last scan to end. What is to be done then is done later if it takes longer.
const LAST_SCAN_PATIENCE: Duration = Duration::from_secs(1);
/// How long a command waits until retained values are on disk. A slow disk must not keep anybody from stopping the PLC.
const DISK_PATIENCE: Duration = Duration::from_secs(1);

impl Machine {
    /// Keeps a built program and makes it the running one.
    ///
    /// # Errors
    /// [`Refused`]; the program before runs on.
    pub fn load(self: &Arc<Self>, object: &[u8], manifest: &[u8]) -> Result<(), Refused> {
        let loading = self.loading.try_lock().map_err(|_| lifecycle::Refusal::Busy)?;
        let manifest = self
            .store
            .keep(object, manifest)
            .map_err(|error| Refused::failed(error.to_string()))?;
        let admitted = self.admit(&manifest.program);
        drop(loading);
        admitted
    }

    /// Makes a kept program the running one.
    ///
    /// # Errors
    /// [`Refused`]; the program before runs on.
    pub fn activate(self: &Arc<Self>, program: &ProgramId) -> Result<(), Refused> {
        let loading = self.loading.try_lock().map_err(|_| lifecycle::Refusal::Busy)?;
        let admitted = self.admit(program);
        drop(loading);
        admitted
    }

    /// Tries, loads and exchanges. The trial comes before this command's turn: meanwhile the PLC may be stopped.
    fn admit(self: &Arc<Self>, program: &ProgramId) -> Result<(), Refused> {
        self.try_out(program)?;
        let mut commanded = self.begin(Command::Load)?;
        let running_before = self.slot.is_running();
        let loaded = self.load_warm(program)?;
        let before = commanded.clone();
        let is_another = before.current.as_ref() != Some(program);
        let after = if is_another {
            Commanded {
                run: true,
                current: Some(program.clone()),
                previous: before.current.clone().or(before.previous.clone()),
                proving: true,
                previous_ran: running_before,
            }
        } else {
            // What it has proved, or still has to, is the same as before: it makes way for no other than it did until now.
            Commanded {
                run: true,
                ..before.clone()
            }
        };
        self.try_to_record(&after)
            .map_err(|error| Refused::failed(error.to_string()))?;
        if is_another {
            // The program of an exchange shortly before, which was still proving itself, is now what this one falls back to.
            self.unload_fallback();
        }
        let old = self
            .exchange(loaded, true, Succession::Newcomer)
            .inspect_err(|_| self.record(&before))?;
        let still_kept = mem::replace(&mut *self.fallback(), old);
        let Some(fault) = self.first_scan_fault() else {
            *commanded = after;
            self.faults.clear();
            self.view().show(State::Running);
            tracing::info!(
                state = PlcState::Running.as_str(),
                program = program.as_str(),
                "Program {} is running",
                program.short()
            );
            self.store.prune(&commanded);
            if is_another {
                self.prove(program.clone());
            } else {
                // Its former instance was needed until its first scan only.
                self.unload_fallback();
                *self.fallback() = still_kept;
            }
            return Ok(());
        };
        still_kept.map(Self::unload_beside);
        let reason = fault.to_string();
        let Some((_, runs)) = self.put_back(running_before, &reason) else {
            *commanded = after;
            self.show_error("The PLC is stopped", reason.clone());
            return Err(Refused::failed(reason));
        };
        self.record(&before);
        self.show_put_back(runs);
        Err(Refused::failed(format!(
            "{reason}. The program before has taken its place again"
        )))
    }

    /// Runs the current program afresh: a cold start begins with initial values, any other with what was retained.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn start(&self, start: Start) -> Result<(), Refused> {
        let mut commanded = self.begin(Command::Start)?;
        let current = commanded.current.clone().ok_or(lifecycle::Refusal::Empty)?;
        self.view().show(State::Transitioning);
        if let Err(refused) = self.restart(&current, start) {
            if self.slot.is_stop_wanted() {
                self.view().show(State::Stopped);
                return Err(refused);
            }
            let what = format!("Program {} cannot be started", current.short());
            self.show_error(&what, refused.message.clone());
            return Err(refused);
        }
        self.faults.clear();
        self.view().show(State::Running);
        if start == Start::Cold {
            self.retention.flush(DISK_PATIENCE);
        }
        tracing::info!(
            state = PlcState::Running.as_str(),
            program = current.as_str(),
            "Program {} was started",
            current.short()
        );
        commanded.run = true;
        self.record(&commanded);
        Ok(())
    }

    /// Ends the scans. Outputs are safe when the answer comes, and no other command makes the PLC run again before this one has
    /// come to its end, even if that is later: after a long scan, or after a command that takes long.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn stop(&self) -> Result<(), Refused> {
        if let Some(mut commanded) = self.turn(STOP_TURN_PATIENCE) {
            lifecycle::allow(self.view().state(), Command::Stop)?;
            self.view().show(State::Transitioning);
            self.carry_out_stop(&mut commanded, LAST_SCAN_PATIENCE);
            return Ok(());
        }
        self.slot.want_stop();
        if let Some(mut commanded) = self.turn(TURN_PATIENCE) {
            self.carry_out_stop(&mut commanded, LAST_SCAN_PATIENCE);
            return Ok(());
        }
        self.stop_is_unfinished.store(true, Ordering::SeqCst);
        self.view().show(State::Stopped);
        self.record_unfinished_stop();
        tracing::warn!(
            state = PlcState::Stopped.as_str(),
            "The PLC was stopped while another command is carried out, which takes long"
        );
        Ok(())
    }

    /// Goes on with a stop that could not come to its end when it was commanded, and waits so long for the last scan. Returns whether it has done so now, if there
    /// was one.
    pub(super) fn finish_stop(&self, commanded: &mut Commanded, patience: Duration) -> bool {
        if self.stop_is_unfinished.load(Ordering::SeqCst) {
            self.carry_out_stop(commanded, patience);
        }
        !self.stop_is_unfinished.load(Ordering::SeqCst)
    }

    fn carry_out_stop(&self, commanded: &mut Commanded, patience: Duration) {
        let was_unfinished = self.stop_is_unfinished.load(Ordering::SeqCst);
        let ended = self.slot.stop(patience);
        match &ended {
            Ok(has_last_values) => {
                if *has_last_values {
                    self.retention.keep_last(DISK_PATIENCE);
                }
                self.end_surroundings();
            }
            Err(_) if was_unfinished => {}
            Err(hangs) => tracing::warn!("The PLC is stopped and its outputs are safe, but {hangs}"),
        }
        self.stop_is_unfinished.store(ended.is_err(), Ordering::SeqCst);
        let state = match commanded.current {
            Some(_) => State::Stopped,
            None => State::Empty,
        };
        if self.view().state() == state && !commanded.run {
            return;
        }
        self.view().show(state);
        tracing::info!(state = shown(state).as_str(), "The PLC was stopped");
        commanded.run = false;
        // Nothing takes its place any more.
        commanded.proving = false;
        self.unload_fallback();
        self.record(commanded);
    }

    /// Ends the program for good, because the process ends. The command to run stays recorded.
    pub fn shut_down(&self) {
        self.slot.want_stop();
        // A command that takes longer ends with the process.
        let _commanded = self.turn(SCAN_PATIENCE);
        self.unload_fallback();
        if let Ok(true) = self.slot.stop(SCAN_PATIENCE) {
            self.retention.keep_last(DISK_PATIENCE);
        }
        match self.slot.take(SCAN_PATIENCE) {
            Ok(Some(loaded)) => Self::wait_for_unload(Self::unload_beside(loaded)),
            Ok(None) => {}
            Err(hangs) => tracing::error!("The program is ended by force: {hangs}"),
        }
    }

    /// Takes the right to change the PLC, if the state allows it.
    fn begin(&self, command: Command) -> Result<MutexGuard<'_, Commanded>, Refused> {
        let mut guard = self.turn(TURN_PATIENCE).ok_or(lifecycle::Refusal::Busy)?;
        if !self.finish_stop(&mut guard, SCAN_PATIENCE) {
            return Err(Refused {
                reason: Refusal::Busy,
                message: "the PLC is stopped, but its last scan has not ended yet; try again in a moment"
                    .into(),
            });
        }
        lifecycle::allow(self.view().state(), command)?;
        Ok(guard)
    }

    /// Waits for the right to change the PLC; `None` when another command has it for longer than `patience`.
    fn turn(&self, patience: Duration) -> Option<MutexGuard<'_, Commanded>> {
        lock_within(&self.commanded, patience)
    }

    /// Tries a program's initialisation beside the plant. Nothing of a damaged program is executed, not even there.
    pub(super) fn try_out(&self, program: &ProgramId) -> Result<(), Refused> {
        self.store
            .verify(program)
            .map_err(|error| Refused::failed(error.to_string()))?;
        let ending = trial::attempt(&self.store.object(program))
            .map_err(|error| Refused::failed(error.to_string()))?;
        if ending == Ending::Clean {
            let mut end_well = self.end_well.lock().unwrap_or_else(PoisonError::into_inner);
            end_well.insert(program.clone());
        }
        Ok(())
    }

    /// A full disk must not keep the PLC from starting or stopping.
    pub(super) fn record(&self, commanded: &Commanded) {
        if let Err(error) = self.try_to_record(commanded) {
            tracing::error!("After a restart the PLC will not know this command: {error}");
        }
    }

    /// A stop that came meanwhile is the last command.
    fn try_to_record(&self, commanded: &Commanded) -> Result<(), StoreError> {
        let _recording = self.recording.lock().unwrap_or_else(PoisonError::into_inner);
        let mut commanded = commanded.clone();
        commanded.run &= !self.stop_is_unfinished.load(Ordering::SeqCst);
        self.store.set_commanded(&commanded)
    }

    /// Records a stop beside the command that is carried out, which may never come to its end: the next process must not start
    /// the PLC.
    fn record_unfinished_stop(&self) {
        let recorded = lock_within(&self.recording, DISK_PATIENCE).map(|_recording| {
            let mut commanded = self.store.commanded()?;
            commanded.run = false;
            self.store.set_commanded(&commanded)
        });
        match recorded {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::error!("After a restart the PLC will not know this stop: {error}"),
            None => tracing::warn!("The disk is slow: the stop is not recorded yet"),
        }
    }

    pub(super) fn show_error(&self, what: &str, reason: String) {
        tracing::error!(state = PlcState::Error.as_str(), "{what}: {reason}");
        self.slot.note_error();
        self.view().show_error(reason);
    }
}

/// Waits for a mutex for at most `patience`.
fn lock_within<T>(mutex: &Mutex<T>, patience: Duration) -> Option<MutexGuard<'_, T>> {
    let deadline = Instant::now() + patience;
    loop {
        match mutex.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(1));
            }
            Err(TryLockError::WouldBlock) => return None,
        }
    }
}
