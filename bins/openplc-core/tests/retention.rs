//! Retained variables: over stop and start, exchange, crash and rollback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod core_process;

use std::fs;

use core_process::{Built, Client, Core, build, until};
use openplc_wire::control::{Answer, Level, PlcState, Request};
use openplc_wire::manifest::Variable;
use openplc_wire::retain::{RetainStatus, Start};

const DONE: Answer = Answer::Done;
/// Number, path and type of the probe's variables.
const COUNTER: (u32, &str, &str) = (0, "CONFIG0.COUNTER", "UDINT");
const MISBEHAVIOUR: (u32, &str, &str) = (1, "CONFIG0.MISBEHAVIOUR", "USINT");

/// The probe with retained variables.
fn retaining(definitions: &[&str], variables: &[(u32, &str, &str)]) -> Built {
    let mut built = build(definitions);
    built.manifest.variables = variables
        .iter()
        .map(|(index, path, iec_type)| Variable {
            index: *index,
            path: (*path).into(),
            iec_type: (*iec_type).into(),
            retain: true,
            location: None,
        })
        .collect();
    built
}

/// The counter of the probe and the scans of this instance, which belong together.
fn counter_and_scans(client: &mut Client) -> (u32, u32) {
    let reply = client.debug(&[0x44, 0, 1, 0, 0]);
    assert_eq!((reply[0], reply[1], reply.len()), (0x44, 0x7E, 14));
    let tick = u32::from_be_bytes(reply[4..8].try_into().unwrap());
    (u32::from_le_bytes(reply[10..14].try_into().unwrap()), tick)
}

/// What the counter was before the first scan of this instance.
fn began_with(client: &mut Client) -> u32 {
    let (counter, scans) = counter_and_scans(client);
    counter - scans
}

fn status(client: &mut Client) -> RetainStatus {
    match client.ask(&Request::Retain) {
        Answer::Retain(status) => *status,
        other => panic!("{other:?}"),
    }
}

/// Waits until values that were taken after this call are on disk, and returns the counter at the time of the call.
fn stored(client: &mut Client) -> u32 {
    let (counter, _) = counter_and_scans(client);
    // The one in progress may have been taken before.
    for _ in 0..2 {
        let before = status(client).store.map(|store| store.taken_ms);
        until("newer values are stored", || {
            (status(client).store.map(|store| store.taken_ms) > before).then_some(())
        });
    }
    counter
}

/// A core that runs the probe with its counter retained, and has counted a little.
fn counting() -> (Core, Client) {
    let core = Core::start();
    let mut client = core.connect();
    assert_eq!(client.load(&retaining(&[], &[COUNTER])), DONE);
    stored(&mut client);
    (core, client)
}

#[test]
fn a_stop_and_a_start_lose_no_scan() {
    let (_core, mut client) = counting();
    assert_eq!(client.ask(&Request::Stop), DONE);
    let (last, _) = counter_and_scans(&mut client);
    assert_eq!(client.ask(&Request::Start), DONE);
    assert_eq!(began_with(&mut client), last);
    let status = status(&mut client);
    assert_eq!(status.start, Start::Warm);
    assert_eq!(status.variables, [(COUNTER.1.to_owned(), COUNTER.2.to_owned())]);
    assert_eq!(status.restored.unwrap().restored, 1);
}

#[test]
fn an_end_in_order_loses_no_scan() {
    let (mut core, mut client) = counting();
    let (last, _) = counter_and_scans(&mut client);
    assert_eq!(client.ask(&Request::Stop), DONE);
    let (stopped, _) = counter_and_scans(&mut client);
    assert!(stopped >= last);
    assert!(core.restart().success());
    let mut client = core.connect();
    client.wait_for(PlcState::Stopped);
    assert_eq!(client.ask(&Request::Start), DONE);
    assert_eq!(began_with(&mut client), stopped);
}

#[test]
fn a_running_program_ends_with_its_last_values_stored() {
    let (mut core, mut client) = counting();
    let (last, _) = counter_and_scans(&mut client);
    core.restart();
    let mut client = core.connect();
    client.wait_for(PlcState::Running);
    assert!(began_with(&mut client) >= last);
}

#[test]
fn a_killed_process_loses_no_more_than_what_was_not_stored_yet() {
    let (mut core, mut client) = counting();
    let last = stored(&mut client);
    core.kill_and_restart();
    let mut client = core.connect();
    client.wait_for(PlcState::Running);
    assert!(began_with(&mut client) >= last);
}

#[test]
fn another_program_goes_on_with_the_values_of_the_one_before() {
    let (_core, mut client) = counting();
    let (last, _) = counter_and_scans(&mut client);
    let other = "-DMD5=\"11111111111111111111111111111111\"";
    assert_eq!(client.load(&retaining(&[other], &[COUNTER, MISBEHAVIOUR])), DONE);
    let began = began_with(&mut client);
    assert!(began >= last, "{began} {last}");
    let restored = status(&mut client).restored.unwrap();
    assert_eq!(
        (restored.restored, restored.added),
        (1, vec![MISBEHAVIOUR.1.to_owned()])
    );
}

#[test]
fn values_are_converted_or_dropped_and_both_is_said() {
    let core = Core::start();
    let mut client = core.connect();
    client.load(&retaining(&[], &[COUNTER, MISBEHAVIOUR]));
    assert_eq!(client.ask(&Request::Stop), DONE);
    // The name of the counter for a variable of 8 bytes.
    let other = "-DMD5=\"11111111111111111111111111111111\"";
    client.load(&retaining(&[other], &[(2, COUNTER.1, "ULINT")]));
    let restored = status(&mut client).restored.unwrap();
    assert_eq!(restored.converted, [COUNTER.1]);
    assert_eq!(restored.dropped, [MISBEHAVIOUR.1]);
    let said = client.logs();
    let said = said
        .iter()
        .find(|entry| entry.message.contains("1 converted"))
        .unwrap();
    assert!(said.message.contains(COUNTER.1) && said.message.contains(MISBEHAVIOUR.1));
}

#[test]
fn a_cold_start_begins_with_initial_values_and_stores_them() {
    let (mut core, mut client) = counting();
    client.ask(&Request::Stop);
    let (before, _) = counter_and_scans(&mut client);
    assert_eq!(client.ask(&Request::ColdStart), DONE);
    assert_eq!(began_with(&mut client), 0);
    assert_eq!(status(&mut client).start, Start::Cold);
    assert_eq!(status(&mut client).restored, None);
    core.kill_and_restart();
    let mut client = core.connect();
    client.wait_for(PlcState::Running);
    assert!(began_with(&mut client) < before);
}

#[test]
fn a_program_that_is_rolled_back_finds_its_own_values() {
    let (mut core, mut client) = counting();
    let last = stored(&mut client);
    // It has other variables and takes the process with it in its third scan.
    let crashing = retaining(&["-DCRASHES_IN_SCAN=3"], &[(2, "CONFIG0.OTHER", "ULINT")]);
    client.send_load(&crashing);
    core.restart_after_death();
    let mut client = core.connect();
    client.wait_for(PlcState::Running);
    assert!(began_with(&mut client) >= last);
}

#[test]
fn a_program_that_faults_leaves_the_values_of_its_last_whole_scan() {
    let (_core, mut client) = counting();
    let last = stored(&mut client);
    client.misbehave(1);
    client.wait_for(PlcState::Error);
    assert_eq!(client.ask(&Request::Start), DONE);
    assert!(began_with(&mut client) >= last);
}

/// Counter and block, which is too large to be copied at any moment.
const LARGE: [(u32, &str, &str); 2] = [COUNTER, (3, "CONFIG0.BLOCK", "STRING")];

#[test]
fn a_large_copy_is_of_one_scan() {
    let core = Core::start();
    let mut client = core.connect();
    assert_eq!(client.load(&retaining(&["-DBLOCK=65536"], &LARGE)), DONE);
    for _ in 0..3 {
        stored(&mut client);
        let stored = openplc_retain::read(&core.state_directory().join("retain"));
        let values = stored.unwrap().unwrap().values;
        let (counter, block) = values.split_at(4);
        assert!(
            block.iter().all(|byte| *byte == counter[0]),
            "{counter:?} {:?}",
            &block[..8]
        );
    }
}

#[test]
fn a_copy_for_which_there_is_never_time_delays_no_scan() {
    let core = Core::start();
    let mut client = core.connect();
    assert_eq!(
        client.load(&retaining(&["-DBLOCK=65536", "-DINTERVAL_NS=50000"], &LARGE)),
        DONE
    );
    until("the problem is known", || status(&mut client).problem);
    assert!(
        client
            .logs()
            .iter()
            .any(|entry| entry.message.contains("Retain fewer of them"))
    );
    let (_, before) = counter_and_scans(&mut client);
    until("scans go on", || {
        (counter_and_scans(&mut client).1 > before + 1000).then_some(())
    });
    // A stop needs no time between scans.
    assert_eq!(client.ask(&Request::Stop), DONE);
    let (last, _) = counter_and_scans(&mut client);
    assert_eq!(client.ask(&Request::Start), DONE);
    assert_eq!(began_with(&mut client), last);
}

#[test]
fn a_program_of_an_older_version_runs_without_retained_variables() {
    let core = Core::start();
    let mut client = core.connect();
    assert_eq!(client.load(&retaining(&["-DOLD_TABLE"], &[COUNTER])), DONE);
    client.wait_for(PlcState::Running);
    assert!(status(&mut client).variables.is_empty());
    let warned = |entry: &openplc_wire::control::LogEntry| {
        entry.level == Level::Warning && entry.message.contains("older version")
    };
    assert!(client.logs().iter().any(warned));
}

#[test]
fn a_store_that_cannot_be_written_is_said_once_and_tried_again() {
    let core = Core::start();
    let mut client = core.connect();
    let path = core.state_directory().join("retain");
    fs::create_dir(&path).unwrap();
    client.load(&retaining(&[], &[COUNTER]));
    until("the problem is known", || status(&mut client).problem);
    let (_, before) = counter_and_scans(&mut client);
    until("scans go on", || {
        (counter_and_scans(&mut client).1 > before + 300).then_some(())
    });
    let said = |client: &mut Client, text: &str| {
        client
            .logs()
            .iter()
            .filter(|entry| entry.message.contains(text))
            .count()
    };
    assert_eq!(said(&mut client, "cannot be written"), 1);
    fs::remove_dir(&path).unwrap();
    until("it is written", || status(&mut client).store);
    assert_eq!(status(&mut client).problem, None);
    assert_eq!(said(&mut client, "written again"), 1);
}

#[test]
fn a_stopped_program_that_takes_its_place_again_has_not_the_values_of_the_faulty_one() {
    let (mut core, mut client) = counting();
    assert_eq!(client.ask(&Request::Stop), DONE);
    let (last, _) = counter_and_scans(&mut client);
    let first = client.status().program;
    // Slow, so that its values are stored before it has proved itself.
    let slow = retaining(&["-DINTERVAL_NS=300000000"], &[COUNTER]);
    assert_eq!(client.load(&slow), DONE);
    until("it counts on", || {
        (counter_and_scans(&mut client).0 > last).then_some(())
    });
    stored(&mut client);
    client.misbehave(1);
    until("the program before is back", || {
        (client.status().program == first && client.status().state == PlcState::Stopped).then_some(())
    });
    // As after a loss of power right now.
    core.kill_and_restart();
    let mut client = core.connect();
    client.wait_for(PlcState::Stopped);
    assert_eq!(client.ask(&Request::Start), DONE);
    assert_eq!(began_with(&mut client), last);
}

#[test]
fn an_exchange_waits_for_a_gap_that_is_long_enough_for_what_is_handed_on() {
    // What is handed on takes longer than the interval, or not.
    for (interval, fits) in [("-DINTERVAL_NS=200000", false), ("-DINTERVAL_NS=500000000", true)] {
        let core = Core::start();
        let mut client = core.connect();
        let block = "-DBLOCK=65536";
        assert_eq!(client.load(&retaining(&[block, interval], &LARGE)), DONE);
        let (last, _) = counter_and_scans(&mut client);
        let other = "-DMD5=\"11111111111111111111111111111111\"";
        assert_eq!(client.load(&retaining(&[other, block, interval], &LARGE)), DONE);
        let began = began_with(&mut client);
        assert!(began >= last, "{began} {last}");
        let warned = |entry: &openplc_wire::control::LogEntry| entry.message.contains("may have been late");
        assert_eq!(client.logs().iter().any(warned), !fits, "{interval}");
    }
}
