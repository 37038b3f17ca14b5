//! The core as a process: what clients may expect of it, and what they cannot do to it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod core_process;

use std::io::Write;
use std::time::Duration;

use core_process::{Core, DONE, MD5_REQUEST, build, built, refusal, until};
use openplc_wire::control::{Answer, PlcState, Refusal, Request};
use openplc_wire::frame::Kind;

#[test]
fn a_program_is_loaded_runs_stops_and_starts_afresh() {
    let core = Core::start();
    let mut client = core.connect();
    assert_eq!(client.status().state, PlcState::Empty);
    assert_eq!(refusal(client.ask(&Request::Start)), Refusal::Empty);
    assert_eq!(client.debug(&MD5_REQUEST), [0x45, 0x83]);

    assert_eq!(client.load(&build(&[])), DONE);
    let status = client.status();
    assert_eq!(
        status.state,
        PlcState::Running,
        "it runs when the answer comes, not some time later"
    );
    assert_eq!(status.program.unwrap().md5, "0123456789abcdef0123456789abcdef");
    assert_eq!(
        client.debug(&MD5_REQUEST),
        b"\x45\x7E0123456789abcdef0123456789abcdef"
    );
    until("scans are counted", || (client.scans() > 10).then_some(()));
    assert_eq!(refusal(client.ask(&Request::Start)), Refusal::AlreadyRunning);

    assert_eq!(client.ask(&Request::Stop), DONE);
    let counter = client.debug(&[0x44, 0, 1, 0, 0]);
    let stopped_at = client.scans();
    assert_eq!(
        counter[10..],
        (stopped_at as u32).to_le_bytes(),
        "a stopped program still shows its last values"
    );
    assert_eq!(refusal(client.ask(&Request::Stop)), Refusal::NotRunning);
    assert_eq!(client.scans(), stopped_at);

    assert_eq!(client.ask(&Request::Start), DONE);
    until("it scans again", || (client.scans() > 0).then_some(()));
    assert_eq!(client.ask(&Request::Stop), DONE);
    let counter = client.debug(&[0x44, 0, 1, 0, 0]);
    let scans = client.scans() as u32;
    assert_eq!(
        counter[10..],
        scans.to_le_bytes(),
        "it started from its initial values"
    );
}

#[test]
fn what_cannot_be_loaded_leaves_the_running_program_untouched() {
    let mut core = Core::start();
    let mut client = core.connect();
    client.load(&build(&[]));
    let mut damaged = build(&["-DMD5=\"ffffffffffffffffffffffffffffffff\""]);
    damaged.object[100] ^= 1;
    let mut foreign = build(&["-DMD5=\"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee\""]);
    foreign.manifest.format += 1;
    for bad in [
        damaged,
        foreign,
        built(b"no ELF".to_vec()),
        built(Vec::new()),
        build(&["-DFAILS"]),
        build(&["-DCRASHES"]),
        build(&["-DHANGS"]),
    ] {
        let before = client.scans();
        assert!(matches!(client.load(&bad), Answer::Refused { .. }));
        assert_eq!(client.status().state, PlcState::Running);
        assert_eq!(
            client.debug(&MD5_REQUEST)[2..],
            *b"0123456789abcdef0123456789abcdef"
        );
        until("it scans on", || (client.scans() > before).then_some(()));
    }
    assert_eq!(
        refusal(client.ask(&Request::Load)),
        Refusal::Invalid,
        "no descriptors"
    );
    assert!(core.is_alive(), "it is still the same process");
}

#[test]
fn a_program_may_print_a_lot_when_it_is_initialised() {
    let core = Core::start();
    let mut client = core.connect();
    let message = |answer| match answer {
        Answer::Refused { message, .. } => message,
        other => panic!("{other:?}"),
    };
    let silent = message(client.load(&build(&["-DFAILS"])));
    let talkative = message(client.load(&build(&["-DPRINTS=OPENPLC_FAILED"])));
    assert_eq!(talkative, silent, "the reason is none of what it prints");
    assert_eq!(client.load(&build(&["-DPRINTS=OPENPLC_OK"])), DONE);
}

#[test]
fn an_exchange_keeps_the_phase_and_misses_no_scan() {
    let core = Core::start();
    let mut client = core.connect();
    let first = build(&[]);
    let second = build(&["-DMD5=\"ffffffffffffffffffffffffffffffff\""]);
    client.load(&first);
    client.load(&second);
    for _ in 0..10 {
        for program in [&first, &second] {
            assert_eq!(
                client.ask(&Request::Activate {
                    program: program.manifest.program.clone()
                }),
                DONE
            );
            // The first scan was due at the very next deadline of the program before.
            until("two scans, and one in time", || {
                let task = client.status().tasks.pop()?;
                (task.scan_count > 1 && task.cycle_latency?.min_ns < 1_000_000).then_some(())
            });
            assert_eq!(client.debug(&MD5_REQUEST)[2..], *program_md5(&program.object));
        }
    }
    assert_eq!(client.status().state, PlcState::Running);
    // The same program again: a fresh instance, not the one in memory.
    until("many scans", || (client.scans() > 50).then_some(()));
    client.ask(&Request::Activate {
        program: second.manifest.program.clone(),
    });
    assert!(client.scans() < 50);
    let counter = client.debug(&[0x44, 0, 1, 0, 0]);
    assert!(u32::from_le_bytes(counter[10..14].try_into().unwrap()) < 50);
}

fn program_md5(object: &[u8]) -> &'static [u8; 32] {
    let ours: &[u8; 32] = b"ffffffffffffffffffffffffffffffff";
    if object.windows(32).any(|window| window == ours) {
        ours
    } else {
        b"0123456789abcdef0123456789abcdef"
    }
}

#[test]
fn a_debugger_never_sees_a_torn_value() {
    let core = Core::start();
    core.connect().load(&build(&["-DINTERVAL_NS=50000"]));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut client = core.connect();
                for _ in 0..2000 {
                    let answer = client.debug(&[0x44, 0, 2, 0, 0, 0, 2]);
                    let (counter, pattern) = (&answer[10..14], &answer[14..22]);
                    assert_eq!([counter, counter].concat(), pattern);
                }
            });
        }
    });
    assert_eq!(core.connect().status().state, PlcState::Running);
}

#[test]
fn a_client_that_misbehaves_harms_only_itself() {
    let core = Core::start();
    let mut client = core.connect();
    client.load(&build(&[]));
    let mut silent: Vec<_> = (0..5).map(|_| core.connect()).collect();
    silent[0].0.stream().write_all(&[1, 0, 0]).unwrap();
    silent[1].0.stream().write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(silent[1].0.receive_frame().is_err());
    silent[2]
        .0
        .send_frame(Kind::Message, b"{\"request\":\"explode\"}", &[])
        .unwrap();
    assert_eq!(
        refusal(silent[2].0.receive::<Answer>().unwrap().0),
        Refusal::Invalid
    );
    for frame in [&[][..], &[0x46], &[0x45; 5000]] {
        silent[3].0.send_frame(Kind::Debug, frame, &[]).unwrap();
        assert_eq!(
            refusal(silent[3].0.receive::<Answer>().unwrap().0),
            Refusal::Invalid
        );
    }
    // Asks without end and never reads an answer.
    silent[4]
        .0
        .stream()
        .set_write_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    while silent[4]
        .0
        .send(&Request::Logs {
            from: None,
            level: None,
        })
        .is_ok()
    {}
    let before = client.scans();
    until("it scans on", || (client.scans() > before).then_some(()));
    let mut crowd: Vec<_> = (0..100).map(|_| core.connect()).collect();
    assert_eq!(client.status().state, PlcState::Running);
    crowd.clear();
    until("there is room again", || {
        let mut late = core.connect();
        late.0.send(&Request::Ping).ok()?;
        late.0.receive::<Answer>().ok()
    });
}

#[test]
fn what_was_commanded_survives_the_process() {
    let mut core = Core::start();
    let mut client = core.connect();
    client.load(&build(&[]));
    let newest = client.logs().last().unwrap().id;
    core.kill_and_restart();
    let mut client = core.connect();
    client.wait_for(PlcState::Running);
    assert!(client.logs()[0].id > newest, "ids go on");
    client.ask(&Request::Stop);
    core.kill_and_restart();
    let mut client = core.connect();
    client.wait_for(PlcState::Stopped);
    assert_eq!(client.debug(&MD5_REQUEST)[1], 0x7E);
    client.ask(&Request::Start);
    assert!(core.restart().success(), "an orderly end");
    core.connect().wait_for(PlcState::Running);
}

#[test]
fn a_damaged_program_is_not_run() {
    let mut core = Core::start();
    let program = build(&[]);
    core.connect().load(&program);
    let path = core
        .state_directory()
        .join(format!("programs/{}.so", program.manifest.program));
    let mut object = program.object.clone();
    *object.last_mut().unwrap() ^= 1;
    std::fs::write(path, object).unwrap();
    core.kill_and_restart();
    let status = core.connect().wait_for(PlcState::Error);
    assert!(status.error.unwrap().contains("damaged"));
    assert_eq!(core.connect().load(&program), DONE, "uploading again repairs it");
    core.connect().wait_for(PlcState::Running);
}

#[test]
fn no_capability_is_left_once_programs_may_be_loaded() {
    let core = Core::start();
    core.connect().status();
    let status = std::fs::read_to_string(format!("/proc/{}/status", core.pid())).unwrap();
    for set in ["CapPrm", "CapEff", "CapAmb"] {
        let value = status
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{set}:\t")))
            .unwrap();
        assert_eq!(u64::from_str_radix(value, 16).unwrap(), 0, "{set}");
    }
    let threads = core.of_each_thread("status");
    assert!(threads.iter().any(|status| status.starts_with("Name:\tscan-0\n")));
    for status in threads {
        assert!(status.contains("CapEff:\t0000000000000000"), "{status}");
    }
}

#[test]
fn another_interval_counts_from_the_exchange() {
    let core = Core::start();
    let mut client = core.connect();
    client.load(&build(&["-DINTERVAL_NS=3600000000000"]));
    assert_eq!(client.scans(), 1, "the first scan is due at once");
    assert_eq!(client.load(&build(&[])), DONE);
    assert!(client.scans() >= 1, "it has scanned when the answer comes");
    client.load(&build(&["-DINTERVAL_NS=3600000000000"]));
    for _ in 0..2 {
        assert_eq!(client.ask(&Request::Stop), DONE);
        assert_eq!(client.ask(&Request::Start), DONE);
        assert_eq!(client.scans(), 1);
    }
}

#[test]
fn the_plc_can_be_stopped_while_a_program_is_on_trial() {
    let core = Core::start();
    let mut client = core.connect();
    client.load(&build(&[]));
    std::thread::scope(|scope| {
        let upload = scope.spawn(|| core.connect().load(&build(&["-DHANGS"])));
        while !upload.is_finished() {
            assert_eq!(client.ask(&Request::Stop), DONE);
            assert_eq!(client.ask(&Request::Start), DONE);
        }
        assert_eq!(refusal(upload.join().unwrap()), Refusal::Failed);
    });
}
