//! Knows when this computer stood still: on each processor a real-time thread, as a rule of higher priority than any scan, which notes
//! each time that it was woken late itself. What delayed it delayed scans too; nothing else excuses them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use openplc_rt::clock;
use openplc_rt::scheduling::{self, Children, Policy};

/// Above the watchdog's 81: only what delays that too is an excuse.
const ABOVE_ALL: i32 = 90;
/// That of scans: another process that scans without end is an excuse too.
const OF_SCANS: i32 = 80;
/// Time (ns) between two looks at the clock.
const PERIOD: u64 = 500_000;
/// Later (ns) than this is a stall.
const SHORTEST: u64 = 200_000;

/// Its threads, and the stalls that they have seen: beginning and end (ns).
pub struct Witness {
    stalls: Arc<Mutex<Vec<(u64, u64)>>>,
    is_real_time: bool,
    enough: Arc<AtomicBool>,
    threads: Vec<JoinHandle<bool>>,
}

impl Witness {
    pub fn start() -> Self {
        Self::with_priority(ABOVE_ALL)
    }

    /// One that is as urgent as the scans of the most urgent task. What these delay themselves must not matter.
    pub fn beside_scans() -> Self {
        Self::with_priority(OF_SCANS)
    }

    fn with_priority(priority: i32) -> Self {
        let (stalls, enough) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<AtomicBool>::default());
        let threads: Vec<_> = scheduling::affinity()
            .unwrap()
            .into_iter()
            .map(|cpu| {
                let (stalls, enough) = (stalls.clone(), enough.clone());
                thread::spawn(move || {
                    scheduling::set_affinity(&[cpu]).unwrap();
                    let is_real_time = scheduling::set(Policy::Fifo, priority, Children::Ordinary).is_ok();
                    while is_real_time && !enough.load(Ordering::Relaxed) {
                        let due = clock::now() + PERIOD;
                        thread::sleep(Duration::from_nanos(PERIOD));
                        let woken = clock::now();
                        if woken > due + SHORTEST {
                            stalls.lock().unwrap().push((due, woken));
                        }
                    }
                    is_real_time
                })
            })
            .collect();
        // Those that are refused end at once.
        thread::sleep(Duration::from_millis(50));
        Self {
            is_real_time: threads.iter().all(|thread| !thread.is_finished()),
            stalls,
            enough,
            threads,
        }
    }

    /// How many deadlines of a task with this interval stalls have cost at most between two moments (ns).
    pub fn excused(&self, since: u64, until: u64, interval: u64) -> u64 {
        if !self.is_real_time {
            return u64::MAX;
        }
        // What has woken up late tells it a moment later.
        thread::sleep(Duration::from_nanos(2 * PERIOD));
        let stalls = self.stalls.lock().unwrap();
        let meanwhile = stalls
            .iter()
            .filter(|(began, ended)| *began < until && *ended > since);
        meanwhile
            .map(|(began, ended)| (ended - began) / interval + 1)
            .sum()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.enough.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| {
            let _ = thread.join();
        });
    }
}
