//! One loaded program with all that a scan of it needs.

mod failures;

use std::mem;
use std::net::SocketAddrV4;
use std::path::Path;
use std::sync::Arc;

use openplc_engine::cycle::Cycle;
use openplc_engine::statistics::{self, Reader};
use openplc_image::{Address, Binding, Moment, OutputPolicy, PlcState, Sizes};
use openplc_program::python::Requests;
use openplc_program::{Faulted, Host, LocatedValues, MAX_TASKS, Program, Protocol, Severity, Task, TaskRun};
use openplc_rt::clock;
use openplc_wire::manifest::Manifest;

pub use failures::{LoadFailure, TaskFault, TaskFaultCause};

use crate::code_at_work::{CodeAtWork, Work};
use crate::communication;
use crate::debug_variables::DebugVariables;
use crate::foreign_threads;
use crate::located_points::{LocatedPoints, SharedPoints};
use crate::process_image::ProcessImage;
use crate::program_log::ProgramLog;
use crate::python_blocks::PythonBlocks;
use crate::retention::{Began, Retained};

/// Least time (ns) after which a scan counts as hanging.
const LEAST_ALLOWANCE: u64 = 1_000_000_000;
/// A scan counts as hanging after this many intervals, but not before [`LEAST_ALLOWANCE`] ...
const ALLOWANCE_INTERVALS: u64 = 10;
/// ... and after this time (ns) beyond its interval at the latest.
const MOST_OVERTIME: u64 = 10_000_000_000;

/// A loaded program. [`Loaded::unload`] ends it; it must not be dropped on a scan thread.
pub struct Loaded {
    /// What its build said of it.
    pub manifest: Arc<Manifest>,
    /// MD5 of its source as the object itself states it.
    pub md5: String,
    /// Its tasks, the most urgent first, while they are not with the scan threads; as many places as there can be tasks.
    pub tasks: Box<[Option<ScanTask>]>,
    /// Its tasks and their figures, the most urgent first, for anybody.
    pub figures: Vec<(Task, Reader)>,
    /// Its retained variables, if it has any.
    pub retained: Option<Arc<Retained>>,
    /// Whether its end was tried, and is harmless. Otherwise it stays in memory.
    pub ends_well: bool,
    /// How their values came to be.
    pub began: Began,
    /// Its code and data.
    pub program: Program,
    /// Its Python blocks, if it has any. Whoever takes them out to end them puts them back.
    pub python: Option<PythonBlocks>,
    /// What its communication blocks are connected to.
    pub connections: Arc<communication::Connections>,
    requests: Arc<Requests>,
    /// Its located variables in the process image.
    located: LocatedPoints,
    /// Those that several of its tasks use, if there are any.
    shared: Option<SharedPoints>,
    /// What a debugger has forced each of them to, but inputs.
    forced: Box<[Option<u64>]>,
    /// All of them, prepared for the moment in which its scans begin.
    beginning: Option<Binding>,
    code: CodeAtWork,
}

/// What the thread of one task needs for its scans.
pub struct ScanTask {
    /// When they are due, and their figures.
    pub cycle: Cycle,
    /// Longest time (ns) that one may take before it counts as hanging.
    pub allowance: u64,
    /// Why they ended by themselves.
    pub fault: Option<TaskFault>,
    /// The located variables that it alone exchanges with the process image.
    binding: Binding,
    /// Time (ns) between its scans.
    pub period: u64,
    run: TaskRun,
}

/// A program's located variables as the process image sees them.
struct Values<'a>(LocatedValues<'a>);

impl openplc_image::LocatedValues for Values<'_> {
    #[inline]
    fn read<const N: usize>(&self, variable: usize) -> [u8; N] {
        self.0.read(variable)
    }

    #[inline]
    fn write<const N: usize>(&mut self, variable: usize, value: [u8; N]) {
        self.0.write(variable, value);
    }
}

/// What all programs have of the core.
#[derive(Clone, Default)]
pub struct Services {
    /// Where they log.
    pub log: Arc<ProgramLog>,
    /// Whose communication blocks are connected.
    pub communication: communication::Programs,
    /// What is executed of them outside of scans.
    pub code: CodeAtWork,
}

/// What one program has.
struct ProgramHost {
    log: Arc<ProgramLog>,
    requests: Arc<Requests>,
    connections: Arc<communication::Connections>,
}

impl Host for ProgramHost {
    fn log(&self, severity: Severity, text: &[u8]) {
        self.log.push(severity, text);
    }

    fn python(&self) -> &Requests {
        &self.requests
    }

    fn connect(&self, address: SocketAddrV4, protocol: Protocol) -> Option<i32> {
        let protocol = match protocol {
            Protocol::Tcp => openplc_wire::communication::Protocol::Tcp,
            Protocol::Udp => openplc_wire::communication::Protocol::Udp,
        };
        self.connections.connect(address, protocol)
    }

    fn send(&self, connection: i32, bytes: &[u8]) -> Option<usize> {
        self.connections.send(connection, bytes)
    }

    fn receive(&self, connection: i32, buffer: &mut [u8]) -> Option<usize> {
        self.connections.receive(connection, buffer)
    }

    fn disconnect(&self, connection: i32) -> Option<()> {
        self.connections.close(connection)
    }
}

impl Loaded {
    /// Loads and initialises the object at `path`.
    ///
    /// # Errors
    /// [`LoadFailure`]; nothing is left of it then.
    pub fn load(path: &Path, manifest: Arc<Manifest>, services: &Services) -> Result<Self, LoadFailure> {
        let requests = Arc::new(Requests::default());
        let connections = services.communication.add()?;
        let host = ProgramHost {
            log: services.log.clone(),
            requests: requests.clone(),
            connections: connections.clone(),
        };
        let mut program = Program::load(path, Box::new(host))?;
        program.prefault();
        let located = LocatedPoints::of(&program, manifest.image_conf.as_deref())?;
        let intervals = program.tasks().iter().map(|task| task.interval_ns.get());
        let shared = located.shared(intervals.max().unwrap_or(0))?;
        let mut by_urgency = program.take_runs();
        by_urgency.sort_by_key(|run| {
            let task = &program.tasks()[run.number()];
            // Among equals the one that is due more often, as its deadline is nearer.
            (task.priority, task.interval_ns)
        });
        let mut tasks: Box<[_]> = (0..MAX_TASKS).map(|_| None).collect();
        let mut figures = Vec::with_capacity(by_urgency.len());
        for (place, run) in tasks.iter_mut().zip(by_urgency) {
            let task = program.tasks()[run.number()].clone();
            let (recorder, reader) = statistics::channel();
            *place = Some(ScanTask {
                cycle: Cycle::new(task.interval_ns, recorder),
                allowance: allowance(task.interval_ns.get()),
                fault: None,
                binding: located.of_task(run.number())?,
                period: task.interval_ns.get(),
                run,
            });
            figures.push((task, reader));
        }
        let python = manifest
            .uses_python
            .then(|| PythonBlocks::start(requests.clone()));
        Ok(Self {
            retained: retained_of(&mut program, &manifest).map(Arc::new),
            ends_well: false,
            began: Began::default(),
            manifest,
            md5: program.md5().to_owned(),
            forced: vec![None; located.addresses.len()].into(),
            located,
            shared,
            beginning: None,
            tasks,
            figures,
            program,
            requests,
            python,
            connections,
            code: services.code.clone(),
        })
    }

    /// Sizes of the process image that it needs.
    pub fn image_sizes(&self) -> &Sizes {
        self.located.layout.sizes()
    }

    /// Where the process image has its located variables.
    pub fn located_addresses(&self) -> &[Address] {
        &self.located.addresses
    }

    /// Prepares [`Self::begin`] after a program that had located variables at `before`.
    pub fn prepare_to_begin(&mut self, before: &[Address], policy: &OutputPolicy) {
        // They have been bound before, so they can be bound again.
        let Ok(beginning) = self.located.following(before, policy) else {
            return;
        };
        self.beginning = Some(beginning);
        let tasks = self.tasks.iter_mut().flatten();
        for task in tasks {
            if let Ok(binding) = self.located.of_task(task.run.number()) {
                task.binding = binding;
            }
        }
        let slowest = self
            .program
            .tasks()
            .iter()
            .map(|task| task.interval_ns.get())
            .max();
        if let Ok(shared) = self.located.shared(slowest.unwrap_or(0)) {
            self.shared = shared;
        }
    }

    /// Its scans are about to begin, and none executes: gives the image its initial values, and it those of the image. Outputs and
    /// memory of a program that was `running` until now keep their values where this one has located variables, too. Allocates
    /// nothing.
    pub fn begin(&mut self, image: &ProcessImage, running: bool) {
        // One that goes on where it was stopped finds what plugins have said meanwhile, or last.
        let afresh = !running && self.scans() == 0;
        if let Some(beginning) = &mut self.beginning {
            if !running {
                // What one that does not run has left behind is no start for another.
                beginning.inherit_nothing();
            }
            let values = &mut Values(self.program.all_values());
            let forced = self.located.addresses.iter().zip(&self.forced);
            let forces = forced.filter_map(|(address, value)| Some((*address, (*value)?)));
            image.start(beginning, values, forces, afresh, clock::now());
        }
    }

    /// Its variables for a debugger, and the MD5 of its source.
    pub fn debug_variables<'a>(&'a mut self, image: &'a ProcessImage) -> (DebugVariables<'a>, &'a str) {
        let variables = DebugVariables {
            program: &mut self.program,
            located: &self.located.addresses,
            forced: &mut self.forced,
            image,
        };
        (variables, &self.md5)
    }

    /// Executes one scan of a task that has `started` at this time (ns): inputs in, program, outputs out. Outputs go out only
    /// if it `goes_on` after the scan.
    ///
    /// # Errors
    /// [`Faulted`].
    pub fn scan(
        &self,
        task: &mut ScanTask,
        image: &ProcessImage,
        started: u64,
        goes_on: impl Fn() -> bool,
    ) -> Result<(), Faulted> {
        self.requests.next_scan();
        let scans = task.cycle.scans();
        if let Some(values) = self.program.located_values(&mut task.run) {
            image.before_scan(&mut task.binding, &mut Values(values), started);
        }
        if let Some(shared) = &self.shared {
            shared.before_scan(image, &mut Values(self.program.shared_values()), started);
        }
        let result = self.program.run(&mut task.run, task.cycle.time());
        if let Some(shared) = &self.shared {
            let goes_on = || result.is_ok() && goes_on();
            shared.after_scan(
                image,
                &Values(self.program.shared_values()),
                clock::now(),
                goes_on,
            );
        }
        result?;
        if let Some(values) = self.program.located_values(&mut task.run) {
            let moment = Moment {
                scan: scans + 1,
                time_ns: started,
                period_ns: task.period,
                state: PlcState::Running,
            };
            image.after_scan(&mut task.binding, &Values(values), moment, goes_on);
        }
        Ok(())
    }

    /// TIME of its first scan (ns), instead of 0: with values of timers that began by an earlier clock.
    pub fn go_on_from(&mut self, iec_ns: u64) {
        let tasks = self.tasks.iter_mut().flatten();
        tasks.for_each(|task| task.cycle.set_time(iec_ns));
    }

    /// Whether its scans have ended by a fault that nobody has been told of yet. Where the scan threads have its tasks that is
    /// not known.
    pub fn has_faulted(&self) -> bool {
        self.tasks.iter().flatten().any(|task| task.fault.is_some())
    }

    /// The fault of the scan that `task` has just executed.
    pub fn fault_of(&self, task: &ScanTask, cause: TaskFaultCause) -> TaskFault {
        TaskFault {
            task: self.program.tasks()[task.run.number()].name.clone(),
            scan: task.cycle.scans(),
            cause,
        }
    }

    /// Scans of the most urgent task.
    pub fn scans(&self) -> u64 {
        self.figures.first().map_or(0, |(_, reader)| reader.read().scans)
    }

    /// Ends the program: first its Python blocks, then its code, then the memory that both used.
    ///
    /// A program that has started threads stays in memory: its code must not vanish beneath them. So does one whose end takes
    /// long, because nothing can be loaded meanwhile and no thread started.
    pub fn unload(mut self) {
        if let Some(python) = &mut self.python {
            python.end();
        }
        let why = if !self.ends_well {
            "is not known to come to its end in order and within a second"
        } else if foreign_threads::exist() {
            "has started threads of its own that do not end"
        } else {
            let execution = self.code.begin(Work::Ending, &self.manifest.program);
            drop(self.program);
            drop(execution);
            drop(self.python);
            return;
        };
        tracing::warn!(
            "Program {} {why}; it stays in memory until the scan engine is restarted",
            self.manifest.program.short()
        );
        mem::forget((self.program, self.python));
    }
}

/// The program's retained variables. Without them it can run nevertheless.
fn retained_of(program: &mut Program, manifest: &Manifest) -> Option<Retained> {
    let short = manifest.program.short();
    Retained::of(program, manifest)
        .inspect_err(|error| tracing::warn!("Variables of program {short} are not retained: {error}"))
        .ok()?
}

/// Longest time (ns) that a scan may take before it counts as hanging.
fn allowance(interval: u64) -> u64 {
    interval
        .saturating_mul(ALLOWANCE_INTERVALS)
        .min(interval.saturating_add(MOST_OVERTIME))
        .max(LEAST_ALLOWANCE)
}
