//! Several compilers at a time, the longest first.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError, mpsc};

use crate::compiler::{self, Outcome, Run, Surroundings};

/// One translation unit.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Its name for the user.
    pub name: String,
    /// The compiler.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// More arguments, which a compiler may not know. It is run without them then.
    pub tuning: &'static [&'static str],
    /// Where the object goes.
    pub object: String,
    /// Bytes of source, as a measure of the time that it will take.
    pub weight: usize,
    /// Whether a user wrote it and can act on warnings. There are none of generated code for that reason.
    pub shows_warnings: bool,
    /// Number of the group to which it belongs.
    pub group: usize,
    /// Whether it waits for the header that is compiled once for many.
    pub after_header: bool,
}

/// Compiles all units, up to `parallel` at a time, and calls `report` as each ends. Once `report` has returned false, or the end has come, nothing
/// more is started.
pub fn run(
    mut units: Vec<Unit>,
    parallel: usize,
    surroundings: &Surroundings,
    report: &mut dyn FnMut(Unit, Run) -> bool,
) {
    units.sort_by_key(|unit| std::cmp::Reverse(unit.weight));
    let threads = parallel.min(units.len());
    let queue = Mutex::new(VecDeque::from(units));
    let (sender, receiver) = mpsc::channel::<(Unit, Run)>();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let sender = sender.clone();
            let queue = &queue;
            scope.spawn(move || {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some(unit) = next.filter(|_| !surroundings.ending.has_come()) else {
                        return;
                    };
                    let run = compile(&unit, surroundings);
                    if sender.send((unit, run)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (unit, run) in receiver {
            if !report(unit, run) {
                queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
            }
        }
    });
}

fn compile(unit: &Unit, surroundings: &Surroundings) -> Run {
    let tuned: Vec<String> = (unit.arguments.iter().cloned())
        .chain(unit.tuning.iter().map(|option| (*option).to_owned()))
        .collect();
    let run = compiler::run(&unit.program, &tuned, surroundings);
    if run.outcome == Outcome::UnknownOption && !unit.tuning.is_empty() {
        return compiler::run(&unit.program, &unit.arguments, surroundings);
    }
    run
}

/// How many compilers the machine can take, if each needs so much memory (bytes).
pub fn at_once(memory_of_one: u64) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = available_memory().map_or(usize::MAX, |bytes| (bytes / memory_of_one) as usize);
    processors.min(memory).max(1)
}

/// Memory that is free or can be freed, in bytes, where the system says.
fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}
