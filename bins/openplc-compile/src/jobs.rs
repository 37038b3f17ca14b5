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
    let work = |sender: mpsc::Sender<(Unit, Run)>| {
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
    };
    std::thread::scope(|scope| {
        let started = (0..threads).filter(|_| {
            let (work, sender) = (&work, sender.clone());
            let thread = std::thread::Builder::new().spawn_scoped(scope, move || work(sender));
            thread.is_ok()
        });
        // The unit may allow no more threads: then this one does it, and says what it comes to.
        match started.count() {
            0 => work(sender),
            _ => drop(sender),
        }
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

/// How many compilers at a time `memory` is enough for, if each needs so much (bytes); where it is not known, one for each processor.
pub fn at_once(memory: Option<u64>, memory_of_one: u64) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let enough_for = memory.map_or(usize::MAX, |bytes| {
        usize::try_from(bytes / memory_of_one).unwrap_or(usize::MAX)
    });
    processors.min(enough_for).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_a_compiler_and_never_more_than_memory_is_there_for() {
        assert_eq!(at_once(Some(0), 1 << 20), 1);
        assert_eq!(at_once(Some(1 << 20), 1 << 20), 1);
        let processors = std::thread::available_parallelism().unwrap().get();
        assert_eq!(at_once(Some(u64::MAX), 1), processors);
        assert_eq!(at_once(None, 1 << 20), processors);
    }
}
