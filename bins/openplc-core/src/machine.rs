//! The PLC as its clients see it: programs are loaded, started and stopped here, one command at a time, while status and
//! debug requests are answered at any time.

mod commands;
mod exchange;
mod load;
mod resume;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use openplc_engine::debug::{self, Dialect, MAX_FRAME, Malformed};
use openplc_engine::lifecycle;
use openplc_wire::control::{PlcState, ProgramSummary, Refusal, Status};
use openplc_wire::figures::Detail;
use openplc_wire::manifest::{Generation, Manifest, ProgramId, Variable};
use openplc_wire::retain::RetainStatus;

use crate::fault_history::FaultHistory;
use crate::loaded::{Loaded, Services};
use crate::retention::Retention;
use crate::scan::ScanSlot;
use crate::store::{Commanded, Store};
use crate::view::{View, shown};
pub use load::LOAD_STACK;

/// How long a command waits for a scan to end.
const SCAN_PATIENCE: Duration = Duration::from_secs(3);
/// How long a debug request waits for a scan to end; the API gives up after 4 s, the Editor after 5.
const DEBUG_PATIENCE: Duration = Duration::from_millis(3500);
/// How often a debug request is begun again because the program was exchanged.
const DEBUG_TRIES: usize = 3;

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
    retention: Arc<Retention>,
    store: Store,
    faults: FaultHistory,
    services: Services,
    /// Held while a command is carried out; inside is what is recorded on disk.
    commanded: Mutex<Commanded>,
    /// Whether a stop waits for the last scan to end, or for another command: outputs are safe already.
    stop_is_unfinished: AtomicBool,
    /// Held while the record on disk is written.
    recording: Mutex<()>,
    /// Whether the log says that code is stuck.
    stuck_is_told: AtomicBool,
    /// Programs whose end was tried, and is harmless.
    end_well: Mutex<BTreeSet<ProgramId>>,
    /// Held while a program is tried and loaded; taken before `commanded`.
    loading: Mutex<()>,
    /// The program before, as it was stopped, while the current one proves itself. Only used while `commanded` is held.
    fallback: Mutex<Option<Loaded>>,
    view: Mutex<View>,
    real_time: String,
    settings_problems: Vec<String>,
    since: Instant,
}

impl Machine {
    /// A PLC in state INIT.
    pub fn new(
        slot: Arc<ScanSlot>,
        retention: Arc<Retention>,
        store: Store,
        services: Services,
        real_time: String,
        settings_problems: Vec<String>,
    ) -> Self {
        Self {
            slot,
            retention,
            faults: FaultHistory::new(&store),
            store,
            services,
            commanded: Mutex::new(Commanded::default()),
            stop_is_unfinished: AtomicBool::new(false),
            recording: Mutex::new(()),
            stuck_is_told: AtomicBool::new(false),
            end_well: Mutex::default(),
            loading: Mutex::new(()),
            fallback: Mutex::new(None),
            view: Mutex::new(View::default()),
            real_time,
            settings_problems,
            since: Instant::now(),
        }
    }

    /// Notices that scans have ended by themselves, or after a stop. A program that is still proving itself makes way for the one before it.
    /// While a command is carried out it is left for the next time: the command may exchange the program that faulted.
    pub fn notice_fault(&self) {
        let Ok(mut commanded) = self.commanded.try_lock() else {
            return;
        };
        if !self.finish_stop(&mut commanded, Duration::ZERO) {
            return;
        }
        let Some(fault) = self.slot.take_fault() else {
            return;
        };
        let reason = fault.to_string();
        if !fault.is_of_plugin() && self.roll_back(&mut commanded, &reason).is_some() {
            return;
        }
        tracing::error!(state = PlcState::Error.as_str(), "The PLC is stopped: {reason}");
        self.view().show_error(reason);
        self.end_surroundings();
    }

    /// Answers one debug request, in the dialect of the program's debugger, which sends numbers big-endian, as the Editor does, or
    /// `little_endian`.
    ///
    /// # Errors
    /// [`Refused`] where the debug protocol itself has no answer.
    pub fn debug(&self, frame: &[u8], little_endian: bool) -> Result<Vec<u8>, Refused> {
        let mut generation = self.view().manifest().map(|manifest| manifest.generation);
        // The program may be exchanged for one of the other generation meanwhile, but not for ever.
        for _ in 0..DEBUG_TRIES {
            let dialect = match generation {
                Some(Generation::Matiec) => Dialect::Matiec,
                // Without a program any request gets the same answer, whatever dialect it is in.
                Some(Generation::Strucpp) | None => Dialect::Strucpp,
            };
            let parsed = debug::Request::parse(dialect, frame);
            let mut answer = [0; MAX_FRAME];
            let mut pause = self.slot.in_a_gap(DEBUG_PATIENCE).map_err(|hangs| Refused {
                reason: Refusal::Busy,
                message: hangs.to_string(),
            })?;
            let Some(loaded) = pause.loaded() else {
                return not_loaded(frame, parsed);
            };
            if generation != Some(loaded.manifest.generation) {
                generation = Some(loaded.manifest.generation);
                continue;
            }
            let request = match parsed {
                Ok(request) => request,
                Err(malformed) => {
                    drop(pause);
                    return malformed_answer(&malformed);
                }
            };
            let scans = loaded.scans();
            let reverse = little_endian != cfg!(target_endian = "little");
            loaded.program.set_byte_order(reverse);
            let (mut variables, md5) = loaded.debug_variables(self.slot.process_image());
            let length = request.execute(&mut variables, md5, scans, &mut answer);
            drop(pause);
            return Ok(answer[..length].to_vec());
        }
        Err(Refused {
            reason: Refusal::Busy,
            message: "programs are being exchanged".into(),
        })
    }

    /// Name of a task by its place in the order of urgency.
    pub fn task_name(&self, task: usize) -> Option<String> {
        self.view().task_name(task)
    }

    /// State and figures.
    pub fn status(&self, detail: Detail) -> Status {
        let uptime = self.since.elapsed();
        // Housekeeping must not wait for those who ask for many figures.
        let view = self.view().clone();
        view.status(detail, &self.real_time, &self.settings_problems, uptime)
    }

    /// State and program.
    pub fn current(&self) -> (PlcState, Option<Arc<Manifest>>) {
        let view = self.view();
        (shown(view.state()), view.manifest())
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

    /// Everything about retained variables.
    pub fn retain_status(&self) -> RetainStatus {
        self.retention.status()
    }

    /// Whether a program is kept.
    pub fn holds(&self, program: &ProgramId) -> bool {
        self.store.holds(program)
    }

    fn fallback(&self) -> MutexGuard<'_, Option<Loaded>> {
        self.fallback.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer to a request that is none.
fn malformed_answer(malformed: &Malformed) -> Result<Vec<u8>, Refused> {
    malformed.reply().ok_or_else(|| Refused {
        reason: Refusal::Invalid,
        message: malformed.to_string(),
    })
}

/// The answer to a request while there is no program.
fn not_loaded(frame: &[u8], parsed: Result<debug::Request, Malformed>) -> Result<Vec<u8>, Refused> {
    match parsed {
        Err(malformed) if malformed.reply().is_none() => malformed_answer(&malformed),
        _ => Ok(debug::not_loaded(frame)),
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
