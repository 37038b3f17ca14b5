//! What a scan costs besides the program, without the kernel's part: the body of the scan thread's loop, where deadlines are waited
//! for by looking at the clock. A few scans show that each call of that body is one scan; enough of them to measure:
//! `OPENPLC_OVERHEAD_SCANS=20000 cargo test --release -p openplc-core overhead -- --nocapture`

use std::hint::black_box;

use super::*;

/// Scans of which the median is taken.
fn scans() -> usize {
    let wanted = std::env::var("OPENPLC_OVERHEAD_SCANS");
    wanted.map_or(100, |count| count.parse().unwrap())
}

/// Between two scans of a real task others use the caches: bytes that are read in between.
const OTHERS: usize = 1 << 20;

/// Median time (ns) of `work`, where others use the caches in between or not. It returns when it is due again.
fn median(cold: bool, mut work: impl FnMut() -> u64) -> u64 {
    let others = vec![1_u8; OTHERS];
    let mut due = work();
    let mut times: Vec<_> = (0..scans())
        .map(|_| {
            if cold {
                let lines = others.iter().step_by(64);
                black_box(lines.map(|byte| u64::from(*byte)).sum::<u64>());
            }
            while clock::now() < due {
                std::hint::spin_loop();
            }
            let began = clock::now();
            due = work();
            clock::now() - began
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

#[test]
fn overhead() {
    println!("ns per scan                      warm    cold");
    let row = |what: &str, mut work: Box<dyn FnMut() -> u64 + '_>| {
        println!(
            "{what:<30}{:>7}{:>8}",
            median(false, &mut work),
            median(true, &mut work)
        );
    };
    row("baseline: nothing", Box::new(|| 0));
    row(
        "baseline: two looks at the clock",
        Box::new(|| {
            black_box(clock::now());
            black_box(clock::now());
            0
        }),
    );
    for located in [0, 100, 1_000] {
        let directory = tempfile::tempdir().unwrap();
        let slot = vacant();
        let mut seat = slot.lock.sit_down().unwrap();
        *slot.threads.lock().unwrap() = 1;
        let program = probe(
            directory.path(),
            &["-DINTERVAL_NS=50000", &format!("-DLOCATED={located}")],
        );
        let exchanged = slot.exchange(program, true, Duration::from_secs(20), 0, |_, _, _| {});
        assert!(exchanged.is_ok());
        let (from, mut to) = (vec![1_u8; located * 4], vec![0_u8; located * 4]);
        row(
            &format!("baseline: {located} copied twice"),
            Box::new(|| {
                for _ in 0..2 {
                    to.copy_from_slice(black_box(&from));
                    black_box(&mut to);
                }
                0
            }),
        );
        row(
            &format!("scan with {located} located"),
            Box::new(|| {
                // It runs until the end.
                slot.scan(&mut seat).unwrap()
            }),
        );
        let mut guard = seat.lock();
        let made = guard.parts().1.as_ref().unwrap().cycle.scans();
        // Warm and cold. The call before those that are timed may come before the deadline, and then makes none.
        let timed = 2 * scans() as u64;
        assert!(
            (timed..=timed + 2).contains(&made),
            "{made} scans in {timed} calls that were due"
        );
    }
}
