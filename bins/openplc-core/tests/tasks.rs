//! Programs with several tasks: each has its own thread, and none holds up a more urgent one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod core_process;

use std::collections::BTreeMap;

use core_process::{Core, build, until};
use openplc_wire::control::{Answer, PlcState, Request};

/// Its scan takes three of its intervals.
const SLOW: &str = "-DSLOW_SCAN_NS=300000000";

#[test]
fn a_slow_task_holds_up_no_faster_one() {
    let core = Core::start();
    let mut client = core.connect();
    assert_eq!(client.load(&build(&[SLOW])), Answer::Done);
    let tasks = until("the slow task has scanned", || {
        Some(client.status().tasks).filter(|tasks| tasks[1].scan_count >= 4)
    });
    let [fast, slow] = &tasks[..] else {
        panic!("{tasks:?}")
    };
    assert_eq!(
        (&*fast.name, &*slow.name),
        ("probe", "slow"),
        "the most urgent first"
    );
    assert!(
        fast.scan_count > 30 * slow.scan_count,
        "hundreds of scans fit into one of the slow task: {tasks:?}"
    );
    assert!(
        slow.skipped >= 2 * slow.scan_count - 2,
        "deadlines in a scan are skipped and counted: {tasks:?}"
    );
}

#[test]
fn debugging_and_commands_find_their_turn_between_scans_of_a_task_that_always_overruns() {
    let core = Core::start();
    let mut client = core.connect();
    client.load(&build(&[SLOW]));
    for _ in 0..3 {
        let answer = client.debug(&[0x44, 0, 2, 0, 0, 0, 2]);
        let (counter, pattern) = (&answer[10..14], &answer[14..22]);
        assert_eq!([counter, counter].concat(), pattern);
    }
    assert_eq!(client.ask(&Request::Stop), Answer::Done);
    assert_eq!(client.ask(&Request::Start), Answer::Done);
    client.wait_for(PlcState::Running);
}

#[test]
fn a_fault_in_one_task_stops_all() {
    let core = Core::start();
    let mut client = core.connect();
    client.load(&build(&["-DSLOW_SCAN_NS=1000000"]));
    client.misbehave(1);
    let status = client.wait_for(PlcState::Error);
    assert!(status.error.unwrap().contains("of task probe"));
    // The slow task may have been in the middle of a scan.
    let ended = until("nothing scans", || {
        let scans = client.status().tasks[1].scan_count;
        std::thread::yield_now();
        (client.status().tasks[1].scan_count == scans).then_some(scans)
    });
    let task = &client.status().tasks[1];
    assert_eq!((task.scan_count, &*task.name), (ended, "slow"));
}

#[test]
fn an_exchange_to_more_and_to_fewer_tasks_keeps_the_threads_in_order() {
    let core = Core::start();
    let mut client = core.connect();
    let (one, two) = (build(&[]), build(&["-DSLOW_SCAN_NS=1000000"]));
    for program in [&one, &two, &one, &two] {
        assert_eq!(client.load(program), Answer::Done);
        until("all tasks scan", || {
            let tasks = client.status().tasks;
            tasks.iter().all(|task| task.scan_count > 2).then_some(())
        });
    }
    let priorities = scan_threads(&core);
    let highest = priorities["scan-0"];
    assert_eq!(priorities.len(), 2, "{priorities:?}");
    // Without the right to real time all are 0.
    assert_eq!(priorities["scan-1"], (highest - 1).max(0));
}

/// Real-time priority of each scan thread (`proc(5)`, field 40 of `stat`).
fn scan_threads(core: &Core) -> BTreeMap<String, i32> {
    core.of_each_thread("stat")
        .into_iter()
        .filter_map(|stat| {
            let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
            let priority = rest.split_whitespace().nth(37)?;
            name.starts_with("scan-")
                .then(|| (name.to_owned(), priority.parse().unwrap()))
        })
        .collect()
}

#[test]
fn a_scan_thread_finds_all_its_memory_in_place() {
    let core = Core::start();
    let mut client = core.connect();
    client.load(&build(&[]));
    // One page may always be moved by the kernel; a scan that touched fresh memory would fault in every window.
    until("hundreds of scans without a page fault", || {
        let (scans, faults) = (client.scans(), page_faults(&core, "scan-0"));
        until("the end of the window", || {
            (client.scans() > scans + 300).then_some(())
        });
        (page_faults(&core, "scan-0") == faults).then_some(())
    });
}

#[test]
fn the_stack_that_a_scan_may_use_is_there_before_it_is_used() {
    let core = Core::start();
    let mut client = core.connect();
    client.load(&build(&[]));
    until("hundreds of scans", || (client.scans() > 300).then_some(()));
    let faults = page_faults(&core, "scan-0");
    client.misbehave(15);
    let scans = client.scans();
    until("scans that use it", || {
        (client.scans() > scans + 100).then_some(())
    });
    let [minor, major] = page_faults(&core, "scan-0");
    // A thousand pages; a few of something else may always be moved by the kernel.
    assert!(
        minor + major < faults[0] + faults[1] + 50,
        "{faults:?}, then {minor} and {major}"
    );
}

/// Minor and major page faults of a thread (`proc(5)`, fields 10 and 12 of `stat`).
fn page_faults(core: &Core, thread: &str) -> [u64; 2] {
    let stats = core.of_each_thread("stat");
    let stat = stats
        .iter()
        .find(|stat| stat.contains(&format!("({thread})")))
        .unwrap();
    let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    [7, 9].map(|field| fields[field].parse().unwrap())
}
