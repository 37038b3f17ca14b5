//! Programs that misbehave: what becomes of the PLC, and of the program before.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod core_process;

use core_process::{Core, DONE, MD5_REQUEST, build, refusal, until};
use openplc_wire::control::{Answer, Level, PlcState, Refusal, Request};
use openplc_wire::frame::Kind;

#[test]
fn an_exception_stops_the_plc_and_says_why() {
    let core = Core::start();
    let mut client = core.connect();
    client.load(&build(&[]));
    client.misbehave(1);
    let status = client.wait_for(PlcState::Error);
    assert!(status.error.unwrap().contains("the probe was told to fail"));
    assert!(
        client
            .logs()
            .iter()
            .any(|entry| entry.level == Level::Error && entry.message.contains("told to fail"))
    );
    assert_eq!(client.ask(&Request::Start), DONE);
    client.wait_for(PlcState::Running);
}

#[test]
fn a_program_that_crashes_twice_is_not_started_a_third_time() {
    for (misbehaviour, signal, function) in [
        (2, "SIGSEGV", "in run"),
        // It faults in the C library, on behalf of the program.
        (4, "SIGABRT", "in run"),
        (5, "SIGFPE", "in run"),
        (9, "SIGSEGV", "in overflow"),
    ] {
        let mut core = Core::start();
        core.connect().load(&build(&[]));
        core.connect().misbehave_fatally(misbehaviour);
        assert!(!core.restart_after_death().success());
        core.connect().wait_for(PlcState::Running);
        core.connect().misbehave_fatally(misbehaviour);
        core.restart_after_death();
        let error = core.connect().wait_for(PlcState::Error).error.unwrap();
        for told in [signal, "in scan ", " of task probe, ", function] {
            assert!(error.contains(told), "{told}: {error}");
        }
        assert_eq!(core.connect().ask(&Request::Start), DONE, "somebody may insist");
        core.connect().wait_for(PlcState::Running);
    }
}

#[test]
fn a_scan_that_never_ends_leaves_the_core_answering() {
    let core = Core::start();
    let mut client = core.connect();
    client.load(&build(&[]));
    client.misbehave(3);
    client.is_told("has not ended");
    assert_eq!(client.ask(&Request::Stop), DONE);
    client.0.send_frame(Kind::Debug, &MD5_REQUEST, &[]).unwrap();
    assert_eq!(refusal(client.0.receive::<Answer>().unwrap().0), Refusal::Busy);
    assert_eq!(client.status().state, PlcState::Stopped);
    assert_eq!(refusal(client.ask(&Request::Start)), Refusal::Busy);
}

#[test]
fn a_program_that_faults_in_its_first_scans_makes_way_for_the_one_before() {
    let mut core = Core::start();
    let good = build(&[]);
    core.connect().load(&good);
    let faulty = build(&["-DFAULTS_AT_ONCE"]);
    match core.connect().load(&faulty) {
        Answer::Refused { message, .. } => {
            assert!(message.contains("the probe was told to fail"), "{message}")
        }
        other => panic!("{other:?}"),
    }
    let status = core.connect().wait_for(PlcState::Running);
    assert_eq!(status.program.unwrap().program, good.manifest.program);

    let object = build(&["-DCRASHES_AT_ONCE"]);
    let mut client = core.connect();
    client.send_load(&object);
    assert!(!core.restart_after_death().success());
    let status = core.connect().wait_for(PlcState::Running);
    assert_eq!(status.program.unwrap().program, good.manifest.program);
    core.connect().is_told("takes its place again");
}

#[test]
fn a_program_that_faults_before_it_has_proved_itself_makes_way_too() {
    let core = Core::start();
    let mut client = core.connect();
    let good = build(&[]);
    client.load(&good);
    let before = client.debug(&[0x44, 0, 1, 0, 0]);
    assert_eq!(client.load(&build(&["-DFAULTS_IN_SCAN=7"])), DONE);
    let status = until("the program before is back", || {
        Some(client.status()).filter(|status| {
            let program = &status.program.as_ref().unwrap().program;
            status.state == PlcState::Running && *program == good.manifest.program
        })
    });
    assert!(status.error.is_none());
    let after = client.debug(&[0x44, 0, 1, 0, 0]);
    assert!(after[10..14] >= before[10..14], "it goes on with its values");
    let told = until("the log says so", || {
        let mut logs = client.logs().into_iter();
        logs.find(|entry| entry.message.contains("takes its place again"))
    });
    let told = told.message;
    assert!(told.contains("scan 7 of task probe"), "{told}");
    assert_eq!(client.ask(&Request::Stop), DONE);

    // One scan later and it has proved itself.
    assert_eq!(client.load(&build(&["-DFAULTS_IN_SCAN=200"])), DONE);
    client.wait_for(PlcState::Error);
}

#[test]
fn a_newcomer_that_outlives_the_process_still_has_to_prove_itself() {
    let mut core = Core::start();
    let good = build(&["-DINTERVAL_NS=1000000000"]);
    core.connect().load(&good);
    let newcomer = build(&["-DINTERVAL_NS=1000000000", "-DFAULTS_IN_SCAN=2"]);
    assert_eq!(core.connect().load(&newcomer), DONE);
    core.kill_and_restart();
    let mut client = core.connect();
    let status = until("the program before is back", || {
        Some(client.status()).filter(|status| {
            let program = &status.program.as_ref().unwrap().program;
            status.state == PlcState::Running && *program == good.manifest.program
        })
    });
    assert!(status.error.is_none());
}

#[test]
fn a_program_that_was_uploaded_again_makes_way_for_none_that_it_did_not_make_way_for_before() {
    let mut core = Core::start();
    core.connect().load(&build(&[]));
    // It faults in its third scan, but at first not in those that prove it.
    let folder = tempfile::tempdir().unwrap();
    let condition = format!("-DCRASH_IF=\"{}/crash\"", folder.path().display());
    let program = build(&["-DCRASHES_IN_SCAN=3", &condition]);
    core.connect().load(&program);
    core.is_proven();
    until("its proof is recorded", || {
        let commanded = std::fs::read_to_string(core.state_directory().join("commanded.json"));
        commanded.unwrap().contains("\"proving\": false").then_some(())
    });
    std::fs::write(folder.path().join("crash"), "").unwrap();
    core.connect().send_load(&program);
    core.restart_after_death();
    core.restart_after_death();
    let error = core.connect().wait_for(PlcState::Error).error.unwrap();
    assert!(error.starts_with("the program faulted twice"), "{error}");
}

#[test]
fn a_first_program_that_faults_at_once_is_an_error() {
    let core = Core::start();
    assert_eq!(
        refusal(core.connect().load(&build(&["-DFAULTS_AT_ONCE"]))),
        Refusal::Failed
    );
    assert!(
        core.connect()
            .wait_for(PlcState::Error)
            .error
            .unwrap()
            .contains("scan 1 of task probe")
    );
    assert_eq!(
        core.connect().ask(&Request::Stop),
        DONE,
        "a faulted PLC can be told not to start again"
    );
    core.connect().wait_for(PlcState::Stopped);
}

#[test]
fn a_program_that_ends_the_process_is_a_faulty_one() {
    let mut core = Core::start();
    core.connect().load(&build(&[]));
    for state in [PlcState::Running, PlcState::Error] {
        core.connect().misbehave_fatally(6);
        core.restart_after_death();
        core.connect().wait_for(state);
    }
    let error = core.connect().status().error.unwrap();
    assert!(error.contains("exit in scan "), "{error}");
}

#[test]
fn what_the_process_cannot_record_itself_counts_too() {
    // A call of _exit, and a full stack in a thread of the program's own.
    for (misbehaviour, cause) in [(13, "_exit (status 3)"), (14, "SIGSEGV")] {
        let mut core = Core::start();
        core.connect().load(&build(&[]));
        for state in [PlcState::Running, PlcState::Error] {
            core.is_proven();
            core.connect().misbehave_fatally(misbehaviour);
            assert!(!core.restart_after_death().success());
            core.connect().wait_for(state);
        }
        let error = core.connect().status().error.unwrap();
        assert!(error.contains(cause), "{error}");
    }
}

#[test]
fn a_program_that_uses_up_the_memory_is_a_faulty_one_and_one_that_somebody_kills_is_not() {
    let mut core = Core::start();
    core.connect().load(&build(&[]));
    let killed = ["signal", "killed", "KILL"];
    for end in [killed, killed, killed] {
        core.is_proven();
        core.kill_and_restart_with(end);
        core.connect().wait_for(PlcState::Running);
    }
    // The last one is nothing that a shell or nohup(1) makes its children ignore.
    for signal in ["KILL", "SEGV", "ABRT", "ALRM"] {
        core.is_proven();
        core.signal(signal);
        core.restart_after_death();
        core.connect().wait_for(PlcState::Running);
    }
    for state in [PlcState::Running, PlcState::Error] {
        core.is_proven();
        core.kill_and_restart_with(["oom-kill", "killed", "KILL"]);
        core.connect().wait_for(state);
    }
    let error = core.connect().status().error.unwrap();
    assert!(error.contains("memory"), "{error}");
    // While it is stopped it is to blame for nothing.
    assert_eq!(core.connect().ask(&Request::Stop), DONE);
    for _ in 0..3 {
        core.kill_and_restart_with(["oom-kill", "killed", "KILL"]);
        core.connect().wait_for(PlcState::Stopped);
    }
}

#[test]
fn a_log_that_nobody_reads_holds_up_no_scan() {
    let core = Core::start();
    let mut client = core.connect();
    client.load(&build(&[]));
    client.misbehave(7);
    let before = client.scans();
    until("it scans on", || (client.scans() > before + 500).then_some(()));
    assert!(
        client
            .logs()
            .iter()
            .any(|entry| entry.message.starts_with("00000"))
    );
}

#[test]
fn a_program_that_leaves_threads_behind_does_not_take_the_next_one_with_it() {
    let mut core = Core::start();
    let mut client = core.connect();
    client.load(&build(&[]));
    client.misbehave(8);
    let before = client.scans();
    until("the thread was started", || {
        (client.scans() > before + 5).then_some(())
    });
    assert_eq!(
        client.load(&build(&["-DMD5=\"ffffffffffffffffffffffffffffffff\""])),
        DONE
    );
    client.is_told("threads of its own");
    assert_eq!(client.ask(&Request::Stop), DONE);
    assert_eq!(client.ask(&Request::Start), DONE);
    assert_eq!(client.status().state, PlcState::Running);
    assert!(core.is_alive());
}

#[test]
fn a_program_that_was_stopped_does_not_start_by_the_fault_of_another() {
    let mut core = Core::start();
    let good = build(&[]);
    for faulty in ["-DFAULTS_AT_ONCE", "-DFAULTS_IN_SCAN=5", "-DCRASHES_IN_SCAN=5"] {
        core.connect().load(&good);
        assert_eq!(core.connect().ask(&Request::Stop), DONE);
        let mut client = core.connect();
        if faulty.starts_with("-DCRASHES") {
            client.send_load(&build(&[faulty]));
            core.restart_after_death();
        } else {
            client.load(&build(&[faulty]));
        }
        let status = until("the program before is back", || {
            Some(core.connect().status()).filter(|status| {
                let program = &status.program.as_ref().unwrap().program;
                status.state == PlcState::Stopped && *program == good.manifest.program
            })
        });
        assert!(status.error.is_none(), "{faulty}");
    }
}

#[test]
fn a_stop_while_a_newcomer_faults_stays_a_stop() {
    let core = Core::start();
    let mut client = core.connect();
    client.load(&build(&[]));
    for scan in 2..12 {
        let fault = format!("-DFAULTS_IN_SCAN={scan}");
        client.load(&build(&[&fault]));
        // Either it is there in time to stop the newcomer, or the one that took its place again.
        if client.ask(&Request::Stop) == DONE {
            assert_eq!(client.status().state, PlcState::Stopped);
            let scans = client.scans();
            std::thread::sleep(std::time::Duration::from_millis(120));
            assert_eq!(
                (client.status().state, client.scans()),
                (PlcState::Stopped, scans)
            );
            assert_eq!(client.load(&build(&[])), DONE);
        }
    }
}
