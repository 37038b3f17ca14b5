//! In which task, scan, function and line a program has faulted, as far as that is known.

use addr2line::Loader;
use openplc_rt::fault_record::{self, Fault};
use openplc_wire::manifest::{ProgramId, Task};

use crate::fault_history::Death;
use crate::last_end::LastEnd;
use crate::store::Store;

/// What ended the process, in words: `SIGFPE (integer division by zero) in scan 17 of task plc, in PROGRAM0_body__`.
pub fn describe(store: &Store, program: &ProgramId, death: &Death) -> String {
    match death {
        Death::Fault(fault) => describe_fault(store, program, *fault),
        Death::FaultOfPlugin(fault, _) => describe_in_plugin(*fault),
        Death::Unrecorded(LastEnd::OutOfMemory) => {
            "using up the memory, for which the kernel killed it".to_owned()
        }
        Death::Unrecorded(LastEnd::Silent) => {
            "keeping it from every sign of life, for which the watchdog killed it".to_owned()
        }
        Death::Unrecorded(LastEnd::Exit(status)) => format!("a call of _exit (status {status})"),
        Death::Unrecorded(LastEnd::Signal(signal)) => {
            let signal = fault_record::describe(*signal as i32);
            format!("{signal}, probably in a thread that it has started")
        }
        Death::Stuck(stuck) => stuck.cause(),
        Death::Defect(text) => format!("running into a defect of the engine itself: {text}"),
    }
}

/// A fault of the plugin within the scan engine: `SIGSEGV (bad memory access) in scan 17`.
pub fn describe_in_plugin(fault: Fault) -> String {
    let scan = fault.scan.map(|(_, scan)| format!(" in scan {scan}"));
    format!(
        "{}{}",
        fault_record::describe(fault.signal),
        scan.unwrap_or_default()
    )
}

fn describe_fault(store: &Store, program: &ProgramId, fault: Fault) -> String {
    let mut text = fault_record::describe(fault.signal).to_owned();
    if let Some((place, scan)) = fault.scan {
        text += &format!(" in scan {scan}");
        // Only a damaged program has no manifest, and that is somebody else's to complain about.
        let tasks = store.verify(program).map(|manifest| manifest.tasks);
        if let Some(task) = tasks
            .ok()
            .and_then(|tasks| by_urgency(tasks).into_iter().nth(place as usize))
        {
            text += &format!(" of task {}", task.name);
        }
    }
    if let Some(place) = fault.address.and_then(|address| locate(store, program, address)) {
        text += &format!(", {place}");
    }
    text
}

/// The order in which the scan threads take them.
fn by_urgency(mut tasks: Vec<Task>) -> Vec<Task> {
    tasks.sort_by_key(|task| (task.priority, task.interval_ns));
    tasks
}

/// Function, and file and line where the object has lines.
fn locate(store: &Store, program: &ProgramId, address: u64) -> Option<String> {
    // What cannot be read has no names to give.
    let object = Loader::new(store.object(program)).ok()?;
    let function = object
        .find_symbol(address)
        .map(|function| format!("in {function}"));
    let line = object.find_location(address).ok().flatten();
    let line = line.and_then(|location| {
        // Where it was compiled is nobody's business.
        let file = location.file?.rsplit('/').next()?;
        Some(format!("{file} line {}", location.line?))
    });
    let places: Vec<_> = function.into_iter().chain(line).collect();
    (!places.is_empty()).then(|| places.join(", "))
}
