//! Defects of the scan engine itself: the process ends, and no program is blamed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod core_process;

use core_process::{Core, build, until};
use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use openplc_wire::control::{LogEntry, PlcState};

#[test]
fn a_task_that_is_not_woken_for_its_scan_is_a_defect_of_the_engine() {
    let mut core = Core::start();
    core.connect().load(&build(&["-DINTERVAL_NS=100000000"]));
    core.is_proven();
    // As if its alarm had never rung.
    let thread = Pid::from_raw(core.thread("scan-0"));
    if let Err(error) = ptrace::seize(thread, ptrace::Options::empty()) {
        return println!("SKIPPED: a task that is not woken: ptrace: {error}");
    }
    ptrace::interrupt(thread).unwrap();
    // First that it stands still, and then that it has ended.
    for what in ["the thread stops", "the process ends"] {
        until(what, || {
            let status = waitpid(thread, Some(WaitPidFlag::__WALL | WaitPidFlag::WNOHANG)).unwrap();
            (status != WaitStatus::StillAlive).then_some(())
        });
    }
    assert!(!core.restart_after_death().success());
    let mut client = core.connect();
    client.wait_for(PlcState::Running);
    let told = |entry: &LogEntry| {
        entry.message.contains("task 0 was not woken") && entry.message.contains("not by a fault of program")
    };
    assert!(client.logs().iter().any(told), "{:?}", client.logs());
}

#[test]
fn a_defect_of_the_engine_is_not_blamed_on_the_program_but_does_not_repeat_for_ever_either() {
    let mut core = Core::start();
    core.connect().load(&build(&[]));
    for state in [PlcState::Running, PlcState::Error] {
        core.is_proven();
        core.kill_and_restart_with_record("defect a panic in scan.rs\n");
        core.connect().wait_for(state);
    }
    let mut client = core.connect();
    let error = client.status().error.unwrap();
    assert!(error.starts_with("the scan engine broke twice"), "{error}");
    assert!(error.contains("a panic in scan.rs"), "{error}");
    assert!(
        client
            .logs()
            .iter()
            .any(|entry| entry.message.contains("not by a fault of program"))
    );
}
