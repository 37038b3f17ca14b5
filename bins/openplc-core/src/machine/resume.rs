//! What becomes of the PLC when the process begins.

use std::sync::{Arc, PoisonError};

use openplc_engine::faults::Verdict;
use openplc_engine::lifecycle::State;
use openplc_wire::manifest::ProgramId;

use super::Machine;
use crate::code_at_work::{Stuck, Work};
use crate::fault_history::Death;
use crate::fault_location;
use crate::log_ring::unix_ms;
use crate::retention::Succession;
use crate::store::Commanded;
use crate::view::shown;

impl Machine {
    /// Resumes what the PLC was last commanded to do. `death` is what ended the process before, if nobody has ordered that.
    pub fn resume(self: &Arc<Self>, death: Option<Death>) {
        let mut commanded = self.commanded.lock().unwrap_or_else(PoisonError::into_inner);
        match self.store.commanded() {
            Ok(recorded) => *commanded = recorded,
            Err(error) => {
                let reason = format!("the last command is not known: {error}");
                return self.show_error("The PLC is not started", reason);
            }
        }
        if let Some(death) = death
            && let Err(reason) = self.judge_death(&mut commanded, &death)
        {
            return self.show_error("The PLC stays stopped", reason);
        }
        let Some(current) = commanded.current.clone() else {
            return self.view().show(State::Empty);
        };
        let (state, word) = if commanded.run {
            (State::Running, "running")
        } else {
            (State::Stopped, "stopped")
        };
        let resumed = self
            .try_out(&current)
            .and_then(|()| self.load_warm(&current))
            .and_then(|loaded| self.exchange(loaded, commanded.run, Succession::Return));
        match resumed {
            Ok(_) => {
                self.view().show(state);
                tracing::info!(
                    state = shown(state).as_str(),
                    program = current.as_str(),
                    "Program {} is {word} as before",
                    current.short()
                );
                if commanded.proving {
                    self.prove(current);
                }
            }
            Err(refused) => {
                self.show_error(
                    &format!("Program {} cannot be resumed", current.short()),
                    refused.message,
                );
            }
        }
    }

    /// The process before did not end in order. A program that was in its first scans makes way for the program before it; any
    /// other may be started again, but not for ever, whatever it was: an error says why not.
    fn judge_death(&self, commanded: &mut Commanded, death: &Death) -> Result<(), String> {
        if let Death::FaultOfPlugin(fault, verdict) = death {
            return judge_plugin(&fault_location::describe_in_plugin(*fault), *verdict);
        }
        let Some(current) = commanded.current.clone() else {
            match death {
                Death::Defect(text) => {
                    tracing::error!("The scan engine ended by a defect of its own: {text}")
                }
                Death::Stuck(stuck) => tracing::error!("The scan engine ended, because {stuck}"),
                _ => {}
            }
            return Ok(());
        };
        if let Death::Stuck(stuck) = death
            && (!commanded.run || stuck.work == Work::Ending || stuck.program != current)
        {
            return judge_stuck(commanded, &current, stuck);
        }
        let cause = fault_location::describe(&self.store, &current, death);
        let is_defect = matches!(death, Death::Defect(_));
        if !commanded.run && !matches!(death, Death::Fault(_)) {
            // It was not running.
            tracing::error!("The scan engine ended by {cause}");
            return Ok(());
        }
        if is_defect {
            tracing::error!(
                program = current.as_str(),
                "The scan engine ended by a defect of its own, not by a fault of program {}: {cause}. Please report it",
                current.short()
            );
        } else {
            tracing::error!(
                program = current.as_str(),
                "Program {} ended the scan engine by {cause}",
                current.short()
            );
        }
        if commanded.proving
            && let Some(previous) = commanded.previous.take()
        {
            tracing::error!(
                "The scan engine ended in the first scans of program {}: the program before, {}, takes its place again",
                current.short(),
                previous.short()
            );
            self.retention.roll_back(current.as_str());
            *commanded = Commanded {
                run: commanded.run && commanded.previous_ran,
                current: Some(previous),
                ..Commanded::default()
            };
            self.record(commanded);
            return Ok(());
        }
        if self.faults.count(&current, unix_ms()) {
            let (what, remedy) = if is_defect {
                (
                    "the scan engine broke twice within a minute while it ran the program",
                    "another program",
                )
            } else {
                ("the program faulted twice within a minute", "a corrected program")
            };
            return Err(format!(
                "{what} ({cause}); it is not started again by itself. Upload {remedy}, or start the PLC to try once more"
            ));
        }
        Ok(())
    }
}

/// Code of a program was stuck, and not because the `current` one was resumed: no program ran.
fn judge_stuck(commanded: &Commanded, current: &ProgramId, stuck: &Stuck) -> Result<(), String> {
    tracing::error!("The scan engine ended, because {stuck}");
    let would_hang_again = stuck.work == Work::Loading && stuck.program == *current;
    if would_hang_again || commanded.run {
        return Err(format!(
            "{stuck}; no program is started by itself. Upload a corrected program, or start the PLC to try once more"
        ));
    }
    Ok(())
}

/// The plugin within the scan engine has ended the process before, by this `cause`: no program is to blame.
fn judge_plugin(cause: &str, verdict: Verdict) -> Result<(), String> {
    tracing::error!(
        "The plugin within the scan ended the scan engine by {cause}; the program is not to blame for it"
    );
    match verdict {
        Verdict::Again => Ok(()),
        Verdict::Stop => Err(format!(
            "the plugin within the scan faulted twice within a minute ({cause}); neither it nor the PLC is started again by \
             itself. Repair it, or remove [in-scan-plugin] from core.toml, and restart openplc-core"
        )),
    }
}
