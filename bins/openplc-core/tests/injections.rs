//! Faults by the dozen, or as many as OPENPLC_INJECTIONS says: outputs are safe in time each time, and nothing is left behind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod core_process;

use std::fs;
use std::sync::{Mutex, PoisonError};

use core_process::witness::Witness;
use core_process::{Client, Core, Image, build, times, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use openplc_image::{Moment, PlcState as Published};
use openplc_rt::clock;
use openplc_wire::control::{Answer, PlcState, Request};

/// Interval of the probe.
const INTERVAL_NS: u64 = 1_000_000;
/// When (ns) a scan that does not end is given up, at the latest: after its allowance, at the second look of the watchdog. One may be
/// missed, because the kernel keeps real-time threads from using a processor alone.
const GIVEN_UP_NS: u64 = 1_000_000_000 + 2 * 50_000_000;
/// Tests of times take turns: a scan without end keeps a processor from those of the others.
static TURN: Mutex<()> = Mutex::new(());

/// Starts the program again, which somebody has to do after a fault.
fn start(client: &mut Client) {
    assert_eq!(client.ask(&Request::Start), Answer::Done);
    client.wait_for(PlcState::Running);
}

/// Watches until outputs are off. Returns the newest scan that was `seen`, and when (ns) they were still seen on.
fn watch(image: &Image, mut seen: Moment) -> (Moment, u64) {
    let mut on = seen.time_ns;
    loop {
        let now = clock::now();
        let (moment, values) = image.values(["%QD0", "%QX0.3"]);
        match moment.state {
            Published::Running => (seen, on) = (moment, now),
            _ => {
                assert_eq!((moment.state, values), (Published::Error, [0, 0]));
                return (seen, on);
            }
        }
        std::thread::yield_now();
    }
}

/// How long (ns) after the beginning of the faulty `scan` outputs were still on. Unless this computer stood still that is within two
/// intervals of the decision, which falls `decided` (ns) after that beginning.
fn delay((seen, on): (Moment, u64), scan: u64, witness: &Witness, decided: u64) -> u64 {
    // Who watches may have missed those in between.
    let begun = seen.time_ns + (scan - seen.scan) * INTERVAL_NS;
    let delay = on.saturating_sub(begun);
    let in_time = decided + 2 * INTERVAL_NS;
    if delay > in_time {
        let stalls = witness.excused(seen.time_ns, on, INTERVAL_NS);
        let excused = stalls.saturating_mul(INTERVAL_NS);
        assert!(
            delay <= in_time.saturating_add(excused),
            "{delay} ns after scan {scan} has begun, {stalls} intervals by stalls"
        );
    }
    delay
}

/// Threads, open files and resident memory (KiB) of a process.
fn footprint(pid: u32) -> [usize; 3] {
    let count = |what| fs::read_dir(format!("/proc/{pid}/{what}")).unwrap().count();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    let resident = resident.trim().trim_end_matches(" kB").parse().unwrap();
    [count("task"), count("fd"), resident]
}

/// Faults that the process survives.
fn contained(times: usize, misbehaviour: u8, name: &str, witness: &Witness, decided: u64) {
    let core = Core::start();
    let mut client = core.connect();
    let image = core.image();
    client.load(&build(&[]));
    let mut delays = Vec::new();
    let mut before = None;
    for time in 0..times {
        let now = image.values([]).0;
        let watched = std::thread::scope(|scope| {
            let watch = scope.spawn(|| watch(&image, now));
            client.misbehave(misbehaviour);
            watch.join().unwrap()
        });
        let faulty = client.wait_for(PlcState::Error).tasks[0].scan_count;
        delays.push(delay(watched, faulty, witness, decided));
        start(&mut client);
        if time == times / 2 {
            before = Some(footprint(core.pid()));
        }
    }
    client.ask(&Request::Stop);
    let kept = |entry: &openplc_wire::control::LogEntry| entry.message.contains("stays in memory");
    assert!(!client.logs().iter().any(kept), "each program is unloaded");
    let [threads, files, resident] = footprint(core.pid());
    let [threads_before, files_before, resident_before] = before.unwrap();
    assert!(
        threads <= threads_before + 1,
        "threads: {threads_before}, then {threads}"
    );
    assert!(
        files <= files_before + 1,
        "open files: {files_before}, then {files}"
    );
    assert!(
        resident < resident_before + 2048,
        "KiB: {resident_before}, then {resident}"
    );
    delays.sort_unstable();
    println!(
        "{times} times {name}: outputs seen on for {:.0} µs in the middle, {:.0} µs at most, {:.2} intervals; {resident} KiB",
        delays[times / 2] as f64 / 1e3,
        delays[times - 1] as f64 / 1e3,
        delays[times - 1] as f64 / INTERVAL_NS as f64,
    );
}

/// Faults that take the process with them.
fn fatal(times: usize) {
    for misbehaviour in [2, 4, 5, 6, 9, 11, 12] {
        let mut core = Core::start();
        core.connect().load(&build(&[]));
        for _ in 0..times {
            core.connect().misbehave_fatally(misbehaviour);
            core.restart_after_death();
            let mut client = core.connect();
            // Before it answers anybody, outputs are off or those of a program that runs again.
            let status = until("the state is known", || {
                Some(client.status()).filter(|status| status.state != PlcState::Init)
            });
            if status.state == PlcState::Error {
                assert_eq!(core.image().values(["%QD0", "%QX0.3"]).1, [0, 0]);
                start(&mut client);
            }
        }
        let left = fs::read_dir(core.state_directory()).unwrap().count();
        println!("fault {misbehaviour} {times} times: {left} files in the state directory");
        assert!(left < 10, "{left} files are left behind");
    }
}

/// Scans without end: outputs are off while they hang, and then the service manager ends the process.
fn endless(times: usize, witness: &Witness) {
    let mut core = Core::start();
    core.connect().load(&build(&[]));
    let mut before = None;
    for time in 0..times {
        let image = core.image();
        let now = until("a scan", || {
            let moment = image.values([]).0;
            (moment.state == Published::Running).then_some(moment)
        });
        core.connect().misbehave_fatally(3);
        let watched = watch(&image, now);
        let status = core.connect().status();
        assert_eq!(status.state, PlcState::Running, "the scan still hangs");
        delay(watched, status.tasks[0].scan_count + 1, witness, GIVEN_UP_NS);
        let process = Pid::from_raw(core.pid().cast_signed());
        kill(process, Signal::SIGABRT).unwrap();
        core.restart_after_death();
        let mut client = core.connect();
        until("the state is known", || {
            Some(client.status().state).filter(|state| *state != PlcState::Init)
        });
        if client.status().state == PlcState::Error {
            start(&mut client);
        }
        if time == times / 2 {
            before = Some(footprint(core.pid()));
        }
    }
    let left = fs::read_dir(core.state_directory()).unwrap().count();
    assert!(left < 10, "{left} files are left behind");
    println!(
        "{times} times a scan without end: {:?}, then {:?}",
        before.unwrap(),
        footprint(core.pid())
    );
}

#[test]
fn exceptions_leave_nothing_behind() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let witness = Witness::beside_scans();
    contained(times("OPENPLC_INJECTIONS", 30), 1, "an exception", &witness, 0);
}

#[test]
fn scans_that_take_too_long_leave_nothing_behind() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let times = times("OPENPLC_INJECTIONS", 2);
    contained(
        times,
        10,
        "a scan that takes too long",
        &Witness::start(),
        GIVEN_UP_NS,
    );
}

#[test]
fn scans_without_end_leave_nothing_behind() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    endless(times("OPENPLC_INJECTIONS", 1), &Witness::start());
}

#[test]
fn fatal_faults_leave_nothing_behind() {
    fatal(times("OPENPLC_INJECTIONS", 3));
}
