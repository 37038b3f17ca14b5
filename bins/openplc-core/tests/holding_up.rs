//! Stops that must not wait: neither for a scan in progress nor for a command, nor for code of a program that is being loaded or
//! unloaded, by which no new thread starts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod core_process;

use core_process::gate::Gate;
use core_process::{Client, Core, DONE, Image, build, refusal, until};
use openplc_image::PlcState as Published;
use openplc_wire::control::{Answer, PlcState, Refusal, Request};

const OUTPUTS: [&str; 2] = ["%QD0", "%QX0.3"];
const OTHER: &str = "-DMD5=\"ffffffffffffffffffffffffffffffff\"";

/// Outputs as they must be.
fn assert_off(image: &Image) {
    let (moment, values) = image.values(OUTPUTS);
    assert_eq!((moment.state, values), (Published::Stopped, [0, 0]));
}

/// Starts the PLC as soon as that is possible.
fn start_again(client: &mut Client) {
    let answer = until("it can be started", || {
        let answer = client.ask(&Request::Start);
        let is_busy = matches!(
            &answer,
            Answer::Refused {
                reason: Refusal::Busy,
                ..
            }
        );
        (!is_busy).then_some(answer)
    });
    assert_eq!(answer, DONE);
    assert_eq!(client.status().state, PlcState::Running);
}

#[test]
fn a_stop_does_not_wait_for_a_scan_that_does_not_end() {
    let mut core = Core::start();
    let mut client = core.connect();
    // A scan may take ten intervals.
    client.load(&build(&["-DINTERVAL_NS=500000000"]));
    let image = core.image();
    client.misbehave(3);
    until("a scan executes that does not end", || {
        let state = format!("/proc/{}/task/{}/stat", core.pid(), core.thread("scan-0"));
        let state = std::fs::read_to_string(state).unwrap();
        state.contains("(scan-0) R").then_some(())
    });
    assert_eq!(client.ask(&Request::Stop), DONE);
    assert_off(&image);
    assert_eq!(client.status().state, PlcState::Stopped);
    assert_eq!(refusal(client.ask(&Request::Start)), Refusal::Busy);
    core.kill_and_restart();
    core.connect().wait_for(PlcState::Stopped);
}

#[test]
fn what_belongs_to_a_stop_is_done_when_a_long_scan_has_ended() {
    let core = Core::start();
    let mut client = core.connect();
    client.load(&build(&["-DINTERVAL_NS=400000000"]));
    let image = core.image();
    let scans = client.scans();
    client.misbehave(10);
    until("a scan of two seconds has ended", || {
        (client.scans() > scans + 1).then_some(())
    });
    assert_eq!(client.ask(&Request::Stop), DONE);
    assert_off(&image);
    assert_eq!(client.status().state, PlcState::Stopped);
    start_again(&mut client);
}

#[test]
fn a_stop_does_not_wait_for_a_program_that_is_being_loaded() {
    let core = Core::start();
    let mut client = core.connect();
    let good = build(&[]);
    client.load(&good);
    let image = core.image();
    let gate = Gate::new();
    let mut uploader = core.connect();
    uploader.send_load(&gate.build("-DHOLDS_UP_LOADING"));
    gate.is_reached();
    assert_eq!(core.connect().ask(&Request::Stop), DONE);
    assert_off(&image);
    assert_eq!(core.connect().status().state, PlcState::Stopped);
    gate.open();
    // It is not started: the stop came later.
    let answer = uploader.0.receive::<Answer>().unwrap().0;
    assert_eq!(refusal(answer), Refusal::Failed);
    assert_off(&image);
    let status = client.status();
    assert_eq!(status.state, PlcState::Stopped);
    assert_eq!(status.program.unwrap().program, good.manifest.program);
    start_again(&mut client);
}

#[test]
fn a_stop_beside_a_command_that_does_not_end_is_not_forgotten() {
    let mut core = Core::start();
    core.connect().load(&build(&[]));
    let gate = Gate::new();
    let mut uploader = core.connect();
    uploader.send_load(&gate.build("-DHOLDS_UP_LOADING"));
    gate.is_reached();
    assert_eq!(core.connect().ask(&Request::Stop), DONE);
    core.kill_and_restart();
    core.connect().wait_for(PlcState::Stopped);
}

#[test]
fn a_stop_does_not_wait_for_a_program_that_is_being_unloaded() {
    let core = Core::start();
    let mut client = core.connect();
    let gate = Gate::new();
    // On trial it ends well, because it has not scanned there.
    client.load(&gate.build("-DHOLDS_UP_ENDING=0"));
    until("it scans", || (client.scans() > 0).then_some(()));
    let image = core.image();
    assert_eq!(client.load(&build(&[OTHER])), DONE);
    gate.is_reached();
    assert_eq!(core.connect().ask(&Request::Stop), DONE);
    assert_off(&image);
    assert_eq!(core.connect().status().state, PlcState::Stopped);
    gate.open();
    start_again(&mut client);
}

#[test]
fn a_program_with_threads_from_its_beginning_is_never_unloaded() {
    let mut core = Core::start();
    let mut client = core.connect();
    for definitions in [&["-DSTARTS_A_THREAD"][..], &[OTHER]] {
        assert_eq!(client.load(&build(definitions)), DONE);
    }
    client.is_told("it stays in memory");
    assert_eq!(client.status().state, PlcState::Running);
    assert!(core.is_alive());
}

#[test]
fn a_program_whose_end_hangs_on_trial_is_never_unloaded() {
    let mut core = Core::start();
    let mut client = core.connect();
    let gate = Gate::new();
    client.load(&gate.build("-DHOLDS_UP_ENDING=1"));
    gate.is_reached();
    assert_eq!(client.load(&build(&[OTHER])), DONE);
    client.is_told("it stays in memory");
    assert_eq!(client.ask(&Request::Stop), DONE);
    assert_eq!(client.ask(&Request::Start), DONE);
    assert!(core.restart().success(), "an orderly end");
    core.connect().wait_for(PlcState::Running);
}
