//! The process image as plugins see it: whole scans, and safe outputs as soon as scans end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod core_process;

use core_process::witness::Witness;
use core_process::{Client, Core, Image, build, times, until};
use openplc_image::PlcState as Published;
use openplc_rt::clock;
use openplc_wire::control::{Answer, PlcState, Request};

const OUTPUTS: [&str; 2] = ["%QD0", "%QX0.3"];
const OFF: [u64; 2] = [0, 0];

fn running(core: &Core, definitions: &[&str]) -> (Client, Image) {
    let mut client = core.connect();
    let image = core.image();
    assert_eq!(image.values(OUTPUTS).1, OFF);
    assert_eq!(client.load(&build(definitions)), Answer::Done);
    let (moment, values) = image.values(OUTPUTS);
    assert_eq!(moment.state, Published::Running);
    assert_eq!(values, [moment.scan, 1], "the outputs of the scan that is named");
    (client, image)
}

#[test]
fn what_is_published_belongs_to_one_scan() {
    let core = Core::start();
    let (_client, image) = running(&core, &[]);
    let mut newest = 0;
    while newest < 500 {
        let (moment, [first, second, output]) = image.values(["%MD0", "%MD1", "%QD0"]);
        assert_eq!([first, second, output], [moment.scan; 3]);
        assert!(moment.scan >= newest);
        newest = moment.scan;
    }
}

#[test]
fn a_forced_output_is_held_until_it_is_let_go() {
    let core = Core::start();
    let (mut client, image) = running(&core, &[]);
    let force = |client: &mut Client, forced: u8| {
        assert_eq!(
            client.debug(&[0x42, 0, 4, forced, 0, 4, 9, 0, 0, 0]),
            [0x42, 0x7E]
        );
        image.values(OUTPUTS).0.scan
    };
    let since = force(&mut client, 1);
    until("ten scans", || {
        (image.values(OUTPUTS).0.scan > since + 10).then_some(())
    });
    assert_eq!(image.values(["%QD0"]).1, [9], "though the program counts on");
    force(&mut client, 0);
    until("the program's own value", || {
        let (moment, [value]) = image.values(["%QD0"]);
        (value == moment.scan).then_some(())
    });
}

#[test]
fn outputs_are_off_when_the_plc_is_stopped_and_come_back_with_the_start() {
    let core = Core::start();
    let (mut client, image) = running(&core, &[]);
    assert_eq!(client.ask(&Request::Stop), Answer::Done);
    let (moment, values) = image.values(OUTPUTS);
    assert_eq!((moment.state, values), (Published::Stopped, OFF));
    assert_eq!(client.ask(&Request::Start), Answer::Done);
    let (moment, values) = image.values(OUTPUTS);
    assert_eq!((moment.state, values), (Published::Running, [moment.scan, 1]));
}

#[test]
fn a_debugger_switches_no_output_of_a_stopped_plc_on() {
    let core = Core::start();
    let (mut client, image) = running(&core, &[]);
    assert_eq!(client.ask(&Request::Stop), Answer::Done);
    let published = image.reader.publication();
    for forced in [1, 0] {
        let answer = client.debug(&[0x42, 0, 4, forced, 0, 4, 9, 0, 0, 0]);
        assert_eq!(answer, [0x42, 0x7E]);
        until("two more publications", || {
            (image.reader.publication() > published + 2 * u32::from(2 - forced)).then_some(())
        });
        assert_eq!(image.values(OUTPUTS).1, OFF);
    }
}

#[test]
fn a_program_that_follows_a_stopped_one_begins_with_its_own_values() {
    let core = Core::start();
    let (mut client, image) = running(&core, &[]);
    assert_eq!(client.ask(&Request::Stop), Answer::Done);
    client.load(&build(&["-DMD5=\"ffffffffffffffffffffffffffffffff\""]));
    let (moment, [memory, output]) = image.values(["%MD0", "%QD0"]);
    assert_eq!([memory, output], [moment.scan; 2]);
}

#[test]
fn a_program_that_takes_its_place_again_has_the_outputs_that_it_had() {
    let core = Core::start();
    let (mut client, image) = running(&core, &["-DLATCHES"]);
    until("some scans", || (client.scans() > 20).then_some(()));
    // The answer depends on whether the load is done before the fault.
    client.load(&build(&["-DFAULTS_IN_SCAN=5"]));
    client.is_told("takes its place again");
    until("a scan of it", || {
        let (moment, [latched]) = image.values(["%QX0.3"]);
        (moment.state == Published::Running && latched == 1).then_some(())
    });
}

#[test]
fn what_is_forced_in_a_program_is_held_when_it_takes_its_place_again() {
    let core = Core::start();
    let (mut client, image) = running(&core, &[]);
    assert_eq!(client.debug(&[0x42, 0, 4, 1, 0, 4, 9, 0, 0, 0]), [0x42, 0x7E]);
    client.load(&build(&["-DFAULTS_IN_SCAN=5"]));
    client.is_told("takes its place again");
    let since = image.values(OUTPUTS).0.scan;
    until("ten scans", || {
        (image.values(OUTPUTS).0.scan > since + 10).then_some(())
    });
    assert_eq!(image.values(["%QD0"]).1, [9], "though the program counts on");
}

#[test]
fn a_bit_that_is_forced_is_one_whatever_is_sent() {
    let core = Core::start();
    let (mut client, image) = running(&core, &["-DLATCHES"]);
    let forced_to = |client: &mut Client, value| {
        assert_eq!(client.debug(&[0x42, 0, 5, 1, 0, 1, value]), [0x42, 0x7E]);
        let since = image.values(OUTPUTS).0.scan;
        until("two scans", || {
            (image.values(OUTPUTS).0.scan > since + 2).then_some(())
        });
        image.values(["%QX0.3"]).1
    };
    assert_eq!(forced_to(&mut client, 0), [0]);
    assert_eq!(forced_to(&mut client, 2), [1], "as any number but 0 is true");
}

#[test]
fn outputs_are_off_once_a_fault_is_known() {
    let core = Core::start();
    let (mut client, image) = running(&core, &[]);
    client.misbehave(1);
    client.wait_for(PlcState::Error);
    let (moment, values) = image.values(OUTPUTS);
    assert_eq!((moment.state, values), (Published::Error, OFF));
}

#[test]
fn outputs_are_off_while_a_scan_hangs() {
    let core = Core::start();
    let (mut client, image) = running(&core, &[]);
    client.misbehave(3);
    let values = until("the scan is given up", || {
        let (moment, values) = image.values(OUTPUTS);
        (moment.state == Published::Error).then_some(values)
    });
    assert_eq!(values, OFF);
    assert_eq!(client.status().state, PlcState::Running, "the scan still hangs");
}

/// The scan has real-time priority and keeps the only processor to itself.
#[test]
fn outputs_are_off_while_a_scan_hangs_on_the_only_processor() {
    let core = Core::start_on_one_processor();
    let (mut client, image) = running(&core, &[]);
    client.misbehave_fatally(3);
    let values = until("the scan is given up", || {
        let (moment, values) = image.values(OUTPUTS);
        (moment.state == Published::Error).then_some(values)
    });
    assert_eq!(values, OFF);
}

#[test]
fn a_scan_that_ends_after_it_was_given_up_was_the_last_one() {
    let core = Core::start();
    let mut client = core.connect();
    let image = core.image();
    client.load(&build(&[]));
    client.misbehave(10);
    let error = client.wait_for(PlcState::Error).error.unwrap();
    assert!(error.contains("longer than is allowed"), "{error}");
    let (moment, values) = image.values(OUTPUTS);
    assert_eq!((moment.state, values), (Published::Error, OFF));
}

#[test]
fn a_new_process_begins_with_outputs_that_are_off() {
    let mut core = Core::start();
    let (mut client, _image) = running(&core, &["-DINTERVAL_NS=3600000000000"]);
    client.ask(&Request::Stop);
    core.kill_and_restart();
    core.connect().wait_for(PlcState::Stopped);
    let (moment, values) = core.image().values(OUTPUTS);
    assert_eq!((moment.state, values), (Published::Stopped, OFF));
}

/// Exchanges two programs and watches the counter that they share. No deadline is skipped but for stalls of this computer.
fn exchange(exchanges: u64, interval_ns: u64) {
    let core = Core::start();
    let mut client = core.connect();
    let interval = format!("-DINTERVAL_NS={interval_ns}");
    let programs = ["0", "1"].map(|digit| build(&[&interval, &format!("-DMD5=\"{}\"", digit.repeat(32))]));
    programs.iter().for_each(|program| {
        assert_eq!(client.load(program), Answer::Done);
    });
    let image = core.image();
    let witness = Witness::start();
    let (first, [counted, _]) = image.values(["%MD0", "%MD1"]);
    let (mut skipped, mut excused) = (0, 0);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let (mut newest, mut at) = (counted, first.time_ns);
            while newest < counted + exchanges * 2 {
                let (moment, [value, again]) = image.values(["%MD0", "%MD1"]);
                assert_eq!(value, again, "a torn value");
                assert!(value >= newest, "{value} after {newest}");
                // One more for each scan, whichever program executed it.
                let scans = value - newest;
                assert!(scans == 0 || moment.time_ns > at);
                (newest, at) = (value, moment.time_ns);
            }
        });
        for turn in 0..exchanges {
            let program = programs[turn as usize % 2].manifest.program.clone();
            let since = clock::now();
            assert_eq!(client.ask(&Request::Activate { program }), Answer::Done);
            let task = until("a second scan", || {
                client.status().tasks.pop().filter(|task| task.scan_count > 1)
            });
            if task.skipped > 0 {
                let until = clock::now();
                let stalls = witness.excused(since - interval_ns, until, interval_ns);
                assert!(
                    task.skipped <= stalls,
                    "{} skipped, {stalls} by stalls",
                    task.skipped
                );
                skipped += task.skipped;
                excused += 1;
            }
        }
        watch.join().unwrap();
    });
    let (last, [value, _]) = image.values(["%MD0", "%MD1"]);
    let deadlines = (last.time_ns - first.time_ns + interval_ns / 2) / interval_ns;
    let scans = value - counted;
    println!(
        "{exchanges} exchanges, {scans} scans at {deadlines} deadlines; {skipped} skipped in {excused} exchanges, all by stalls"
    );
    let stalls = witness.excused(first.time_ns, last.time_ns, interval_ns);
    assert!(scans <= deadlines + 1);
    assert!(
        scans.saturating_add(stalls) >= deadlines,
        "{scans} at {deadlines}, {stalls} lost by stalls"
    );
}

/// As many as OPENPLC_EXCHANGES says, at OPENPLC_EXCHANGE_INTERVAL_US.
#[test]
fn an_exchange_skips_no_deadline_and_keeps_memory() {
    let interval_us = times("OPENPLC_EXCHANGE_INTERVAL_US", 200_000);
    exchange(times("OPENPLC_EXCHANGES", 20) as u64, interval_us as u64 * 1000);
}
