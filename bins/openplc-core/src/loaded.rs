//! One loaded program with all that a scan of it needs.

use std::mem;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;

use openplc_engine::debug::Variables;
use openplc_engine::schedule::Schedule;
use openplc_engine::statistics::{self, Reader, Recorder};
use openplc_program::python::Requests;
use openplc_program::{Fault, Host, LoadError, Program, Severity};
use openplc_wire::manifest::Manifest;

use crate::foreign_threads;
use crate::program_log::ProgramLog;
use crate::python_blocks::PythonBlocks;

/// Least time (ns) after which a scan counts as hanging.
const LEAST_ALLOWANCE: u64 = 1_000_000_000;
/// A scan counts as hanging after this many intervals, but not before [`LEAST_ALLOWANCE`] ...
const ALLOWANCE_INTERVALS: u64 = 10;
/// ... and after this time (ns) beyond its interval at the latest.
const MOST_OVERTIME: u64 = 10_000_000_000;

/// A loaded program. [`Loaded::unload`] ends it; it must not be dropped on the scan thread.
pub struct Loaded {
    /// What its build said of it.
    pub manifest: Arc<Manifest>,
    /// MD5 of its source as the object itself states it.
    pub md5: String,
    /// When its scans are due.
    pub schedule: Schedule,
    /// Its figures, written by the scan thread.
    pub recorder: Recorder,
    /// Its figures, for anybody.
    pub figures: Reader,
    /// Its code and data.
    pub program: Program,
    interval: NonZeroU64,
    /// Its Python blocks, if it has any. Whoever takes them out to end them puts them back.
    pub python: Option<PythonBlocks>,
    requests: Arc<Requests>,
}

/// The services of a program's host.
struct ProgramHost {
    log: Arc<ProgramLog>,
    requests: Arc<Requests>,
}

impl Host for ProgramHost {
    fn log(&self, severity: Severity, text: &[u8]) {
        self.log.push(severity, text);
    }

    fn python(&self) -> &Requests {
        &self.requests
    }
}

impl Loaded {
    /// Loads and initialises the object at `path`.
    ///
    /// # Errors
    /// [`LoadError`]; nothing is left of it then.
    pub fn load(path: &Path, manifest: Arc<Manifest>, log: Arc<ProgramLog>) -> Result<Self, LoadError> {
        let requests = Arc::new(Requests::default());
        let host = ProgramHost {
            log,
            requests: requests.clone(),
        };
        let program = Program::load(path, Box::new(host))?;
        let interval = program
            .tasks()
            .first()
            .and_then(|task| NonZeroU64::new(task.interval_ns));
        let interval = interval.ok_or(LoadError::Broken("it has no task"))?;
        let (recorder, figures) = statistics::channel();
        let python = manifest
            .uses_python
            .then(|| PythonBlocks::start(requests.clone()));
        Ok(Self {
            schedule: Schedule::new(interval, 0),
            manifest,
            md5: program.md5().to_owned(),
            recorder,
            figures,
            program,
            interval,
            requests,
            python,
        })
    }

    /// Time between scans.
    pub fn interval(&self) -> NonZeroU64 {
        self.interval
    }

    /// Longest time (ns) that a scan may take before it counts as hanging.
    pub fn scan_allowance(&self) -> u64 {
        let interval = self.interval.get();
        let intervals = interval.saturating_mul(ALLOWANCE_INTERVALS);
        intervals
            .min(interval.saturating_add(MOST_OVERTIME))
            .max(LEAST_ALLOWANCE)
    }

    /// Executes one scan.
    ///
    /// # Errors
    /// The program's [`Fault`].
    pub fn scan(&mut self) -> Result<(), Fault> {
        self.requests.next_scan();
        let since_start = self.recorder.scans().wrapping_mul(self.interval.get());
        self.program.run(0, since_start)
    }

    /// Ends the program: first its Python blocks, then its code, then the memory that both used.
    ///
    /// A program that has started threads stays in memory: its code must not vanish beneath them.
    pub fn unload(mut self) {
        if let Some(python) = &mut self.python {
            python.end();
        }
        if foreign_threads::exist() {
            tracing::warn!(
                "Program {} has started threads of its own that do not end; it stays in memory until the scan engine \
                 is restarted",
                self.manifest.program.short()
            );
            mem::forget((self.program, self.python));
            return;
        }
        drop(self.program);
        drop(self.python);
    }
}

/// A program's variables as the debug protocol sees them: those of its first debug array.
pub struct DebugVariables<'a>(pub &'a mut Program);

impl Variables for DebugVariables<'_> {
    fn count(&self) -> u32 {
        self.0.array_lengths().first().copied().unwrap_or(0)
    }

    fn size(&mut self, index: u32) -> Option<usize> {
        self.0.variable_size(index)
    }

    fn read(&mut self, index: u32, into: &mut [u8]) -> Option<usize> {
        self.0.read(index, into)
    }

    fn force(&mut self, index: u32, value: Option<&[u8]>) -> bool {
        self.0.force(index, value).is_ok()
    }

    fn set_byte_order(&mut self, reverse: bool) {
        self.0.set_byte_order(reverse);
    }
}
