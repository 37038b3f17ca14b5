//! What recording a scan costs, beside the same loop without it: `cargo bench -p openplc-engine`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use openplc_engine::statistics::{self, Recorder};

const SCANS: u64 = 1_000_000;
const ROUNDS: usize = 15;
/// Nanoseconds.
const INTERVAL: u64 = 1_000_000;

/// Nanoseconds that a scan takes on average.
fn time(mut each: impl FnMut(u64, u64, u64, u64)) -> f64 {
    let start = Instant::now();
    let mut noise = 1_u64;
    for scan in 0..SCANS {
        // Durations over several powers of ten, so that the buckets change from scan to scan.
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let deadline = black_box(scan * INTERVAL);
        let started = deadline + (noise >> 33) % (1 << (noise >> 60));
        let ended = started + (noise >> 20) % (1 << (noise >> 59));
        each(deadline, started, ended, u64::from(noise >> 54 == 0));
    }
    start.elapsed().as_secs_f64() * 1e9 / SCANS as f64
}

fn time_of_one<T>(mut work: impl FnMut() -> T) -> Duration {
    const TIMES: u32 = 2000;
    let start = Instant::now();
    for _ in 0..TIMES {
        black_box(work());
    }
    start.elapsed() / TIMES
}

fn median(mut times: [f64; ROUNDS]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}

fn main() {
    let (mut recorder, reader): (Recorder, _) = statistics::channel();
    let (mut baseline, mut recorded) = ([0.0; ROUNDS], [0.0; ROUNDS]);
    for round in 0..ROUNDS {
        baseline[round] = time(|deadline, started, ended, skipped| {
            black_box((deadline, started, ended, skipped));
        });
        recorded[round] = time(|deadline, started, ended, skipped| {
            recorder.record(deadline, started, ended, skipped);
        });
    }
    let (baseline, recorded) = (median(baseline), median(recorded));
    println!("loop alone    {baseline:6.1} ns a scan (median of {ROUNDS} rounds of {SCANS} scans)");
    println!("with record   {recorded:6.1} ns");
    println!("record        {:6.1} ns", recorded - baseline);

    println!("read figures     {:?}", time_of_one(|| reader.read()));
    println!(
        "with histograms  {:?}",
        time_of_one(|| reader.read_with_histograms())
    );
}
