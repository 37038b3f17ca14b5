//! Code of a program that does not come to its end while it is loaded or ended: what runs goes on, and what does not run begins anew
//! in another process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod core_process;

use core_process::gate::Gate;
use core_process::{Client, Core, DONE, MD5_REQUEST, build, refusal_text, until};
use openplc_wire::control::{Answer, PlcState, Request};

const OTHER: &str = "-DMD5=\"ffffffffffffffffffffffffffffffff\"";

/// The program goes on, and nothing else is loaded.
fn runs_on_alone(client: &mut Client, why: &str) {
    let refused = refusal_text(client.load(&build(&["-DINTERVAL_NS=2000000"])));
    assert!(refused.contains(why), "{refused}");
    let before = client.scans();
    until("it scans on", || (client.scans() > before + 500).then_some(()));
    assert_eq!(client.debug(&MD5_REQUEST)[..2], [0x45, 0x7E]);
    assert_eq!(client.status().state, PlcState::Running);
}

/// A stop lets the process make way for another one, in which everything is possible again.
fn begins_anew_after_a_stop(core: &mut Core) {
    assert_eq!(core.connect().ask(&Request::Stop), DONE);
    assert!(!core.restart_after_death().success());
    let mut client = core.connect();
    client.wait_for(PlcState::Stopped);
    client.is_told("The scan engine ended, because program");
    assert_eq!(client.ask(&Request::Start), DONE);
    assert_eq!(client.status().state, PlcState::Running);
}

#[test]
fn a_program_that_hangs_while_it_is_loaded_leaves_the_one_before_alone() {
    let mut core = Core::start();
    let mut client = core.connect();
    let good = build(&[]);
    client.load(&good);
    let gate = Gate::new();
    let mut uploader = core.connect();
    uploader.send_load(&gate.build("-DHOLDS_UP_LOADING"));
    gate.is_reached();
    let why = "hangs by what it does when it is loaded";
    let refused = refusal_text(uploader.0.receive::<Answer>().unwrap().0);
    assert!(refused.contains(why), "{refused}");
    runs_on_alone(&mut client, why);
    assert_eq!(client.status().program.unwrap().program, good.manifest.program);
    begins_anew_after_a_stop(&mut core);
}

#[test]
fn a_program_that_hangs_when_it_is_ended_leaves_the_one_after_it_alone() {
    let mut core = Core::start();
    let mut client = core.connect();
    let gate = Gate::new();
    // On trial it ends well, because it has not scanned there.
    client.load(&gate.build("-DHOLDS_UP_ENDING=0"));
    until("it scans", || (client.scans() > 0).then_some(()));
    assert_eq!(client.load(&build(&[OTHER])), DONE);
    gate.is_reached();
    client.is_told("No program can be loaded");
    runs_on_alone(&mut client, "hangs by what it does when it is ended");
    begins_anew_after_a_stop(&mut core);
}

#[test]
fn a_program_that_hangs_while_it_is_resumed_is_not_started_a_third_time() {
    let mut core = Core::start();
    let gate = Gate::new();
    gate.open();
    assert_eq!(core.connect().load(&gate.build("-DHOLDS_UP_LOADING")), DONE);
    gate.close();
    core.kill_and_restart();
    for _ in 0..2 {
        assert!(!core.restart_after_death().success());
    }
    let mut client = core.connect();
    let error = client.wait_for(PlcState::Error).error.unwrap();
    assert!(error.starts_with("the program faulted twice"), "{error}");
    assert!(error.contains("when it is loaded and initialised"), "{error}");
    gate.open();
    assert_eq!(client.ask(&Request::Start), DONE, "somebody may insist");
    assert_eq!(client.status().state, PlcState::Running);
}
