//! How a program comes into memory, and out of it.

use std::mem;
use std::process;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use openplc_program::Program;
use openplc_rt::fault_record;
use openplc_wire::manifest::{Manifest, ProgramId};

use super::{Machine, Refused};
use crate::code_at_work::{LIMIT, Stuck, Work};
use crate::foreign_threads::Loading;
use crate::loaded::{Loaded, Services};
use crate::store::Store;

/// Stack on which programs are loaded and ended, in bytes: the texts of all variables may be made in one function.
pub const LOAD_STACK: usize = 4 << 20;
/// How long a program may take to end where somebody waits for it.
const UNLOAD_PATIENCE: Duration = Duration::from_secs(1);

impl Machine {
    /// Loads a kept program beside whatever runs, on a thread of its own: code of the program that does not come to its end must not
    /// hold up who commands.
    pub(super) fn load_object(&self, program: &ProgramId) -> Result<Loaded, Refused> {
        if let Some((stuck, _)) = self.services.code.stuck() {
            return Err(hindered(&stuck));
        }
        let manifest = self.store.verify(program);
        let manifest = Arc::new(manifest.map_err(|error| Refused::failed(error.to_string()))?);
        self.view().offer(manifest.clone());
        let (store, services) = (self.store.clone(), self.services.clone());
        let execution = services.code.begin(Work::Loading, program);
        let handover = Arc::new(Handover::default());
        let receiver = handover.clone();
        let loader = thread::Builder::new()
            .name("loader".into())
            .stack_size(LOAD_STACK);
        let started = loader.spawn(move || {
            let loaded = load(&store, manifest, &services);
            drop(execution);
            handover.give(loaded);
        });
        started.map_err(|error| Refused::failed(format!("no thread to load a program: {error}")))?;
        let mut loaded = receiver.take(LIMIT).unwrap_or_else(|| {
            let (work, program) = (Work::Loading, program.clone());
            // Its own code perhaps never had its turn, because other code is stuck.
            let stuck = self.services.code.stuck().map(|(stuck, _)| stuck);
            Err(hindered(&stuck.unwrap_or(Stuck { work, program })))
        })?;
        let end_well = self.end_well.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.ends_well = end_well.contains(program);
        Ok(loaded)
    }

    /// As [`Self::load_object`], with what was retained.
    pub(super) fn load_warm(&self, program: &ProgramId) -> Result<Loaded, Refused> {
        let mut loaded = self.load_object(program)?;
        self.retention.restore(&mut loaded);
        Ok(loaded)
    }

    /// Notices code of a program that is stuck outside of scans. The process makes way for another one, unless it runs a program:
    /// that goes on until somebody stops it.
    pub fn notice_stuck_code(&self) {
        let Some((stuck, is_time)) = self.services.code.stuck() else {
            self.stuck_is_told.store(false, Ordering::Relaxed);
            return;
        };
        if !self.stuck_is_told.swap(true, Ordering::Relaxed) {
            tracing::error!("No program can be loaded: {}", hindered(&stuck).message);
        }
        if is_time && !self.slot.is_running() {
            tracing::error!("The scan engine begins anew, because {stuck}");
            fault_record::note_stuck(&stuck.record());
            process::abort();
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
}

/// Hands a loaded program to who waits for it. Not by a channel: its first use in a thread registers something with the dynamic linker,
/// which code that is stuck keeps busy.
#[derive(Default)]
struct Handover {
    stage: Mutex<Stage>,
    bell: Condvar,
}

#[derive(Default)]
enum Stage {
    #[default]
    Awaited,
    Loaded(Box<Result<Loaded, Refused>>),
    Forgone,
}

impl Handover {
    fn give(&self, loaded: Result<Loaded, Refused>) {
        let mut stage = self.stage();
        if matches!(*stage, Stage::Awaited) {
            *stage = Stage::Loaded(Box::new(loaded));
            self.bell.notify_all();
            return;
        }
        drop(stage);
        // It was refused meanwhile.
        let _ = loaded.map(Loaded::unload);
    }

    /// What was given within `patience`. Later it is taken no more.
    fn take(&self, patience: Duration) -> Option<Result<Loaded, Refused>> {
        let waiting = |stage: &mut Stage| matches!(stage, Stage::Awaited);
        let waited = self.bell.wait_timeout_while(self.stage(), patience, waiting);
        let (mut stage, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match mem::replace(&mut *stage, Stage::Forgone) {
            Stage::Loaded(loaded) => Some(*loaded),
            Stage::Awaited | Stage::Forgone => None,
        }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why no program is loaded.
fn hindered(stuck: &Stuck) -> Refused {
    Refused::failed(format!(
        "{stuck}. Until that ends nothing can be loaded by this process of the scan engine, which begins anew as soon as the PLC \
         does not run"
    ))
}

fn load(store: &Store, manifest: Arc<Manifest>, services: &Services) -> Result<Loaded, Refused> {
    let path = store.object(&manifest.program);
    let copy = Program::is_loaded(&path)
        .then(|| store.copy_of_object(&manifest.program))
        .transpose()
        .map_err(|error| Refused::failed(error.to_string()))?;
    let path = copy.as_ref().map_or(&*path, |copy| copy.path());
    let _loading = Loading::begin();
    Loaded::load(path, manifest, services).map_err(|error| Refused::failed(error.to_string()))
}
