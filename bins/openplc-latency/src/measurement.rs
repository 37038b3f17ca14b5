//! The engine's own loop with a program that does nothing.

use std::io;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use openplc_engine::cycle::Cycle;
use openplc_engine::statistics::{self, Reader};
use openplc_rt::alarm::Alarm;
use openplc_rt::clock;
use openplc_rt::memory::{self, LockError};
use openplc_rt::pi_mutex::PiMutex;
use openplc_rt::scheduling::{self, Children, Policy};

use crate::arguments::Wish;

/// What the measuring thread got of what the engine's has.
pub struct Granted {
    /// Result of asking for SCHED_FIFO.
    pub scheduling: io::Result<()>,
    /// Result of locking the memory.
    pub memory: Result<(), LockError>,
}

/// A measurement that is going on.
pub struct Measurement {
    /// Its figures at any time.
    pub figures: Reader,
    granted: Granted,
    task: Arc<Task>,
    thread: JoinHandle<()>,
}

struct Task {
    /// As in the engine, where others look at the program between scans.
    cycle: PiMutex<Cycle>,
    alarm: Alarm,
    ended: AtomicBool,
}

impl Measurement {
    /// Starts measuring.
    ///
    /// # Errors
    /// When the thread cannot be made, or may not run on the wished CPU.
    pub fn start(wish: &Wish) -> io::Result<Self> {
        let interval = u64::try_from(wish.period.as_nanos())
            .ok()
            .and_then(NonZeroU64::new)
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let (recorder, figures) = statistics::channel();
        let task = Arc::new(Task {
            cycle: PiMutex::new(Cycle::new(interval, recorder))?,
            alarm: Alarm::default(),
            ended: AtomicBool::new(false),
        });
        let (priority, cpu) = (wish.priority, wish.cpu);
        let (sender, granted) = mpsc::channel();
        let thread = thread::Builder::new().name("scan".into()).spawn({
            let task = task.clone();
            move || {
                let affinity = cpu.map_or(Ok(()), |cpu| scheduling::set_affinity(&[cpu]));
                let usable = affinity.is_ok();
                let granted = affinity.map(|()| Granted {
                    scheduling: scheduling::set(Policy::Fifo, priority, Children::Ordinary),
                    memory: memory::lock_all(),
                });
                // Only matters where the priority was refused; harmless if it fails too.
                let _ = scheduling::set_least_timer_slack();
                memory::touch_stack::<{ 256 << 10 }>();
                // Nobody waits for it only if `start` has given up.
                let _ = sender.send(granted);
                if usable {
                    task.scan_until_ended();
                }
            }
        })?;
        let granted = granted.recv().map_err(io::Error::other)??;
        Ok(Self {
            figures,
            granted,
            task,
            thread,
        })
    }

    /// Ends the measurement. Returns what it got, and its figures.
    pub fn end(self) -> (Granted, Reader) {
        self.task.ended.store(true, Ordering::Relaxed);
        self.task.alarm.ring();
        // It cannot have panicked: in a release build that ends the process.
        let _ = self.thread.join();
        (self.granted, self.figures)
    }
}

impl Task {
    fn scan_until_ended(&self) {
        // What has to happen once happens in this first, immediate scan, as when a program has been loaded.
        self.cycle.lock().start(clock::now());
        while !self.ended.load(Ordering::Relaxed) {
            let rings = self.alarm.rings();
            let due = self.scan();
            self.alarm.sleep(Some(due), rings);
        }
    }

    /// The scan that is due, if any. Returns the next deadline.
    fn scan(&self) -> u64 {
        let mut cycle = self.cycle.lock();
        let started = clock::now();
        if let Some(deadline) = cycle.rest(started) {
            return deadline;
        }
        cycle.complete(started, clock::now())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn wish(cpu: Option<usize>) -> Wish {
        Wish {
            period: Duration::from_millis(2),
            duration: Duration::from_secs(1),
            priority: 10,
            cpu,
            load: false,
        }
    }

    #[test]
    fn every_period_is_a_scan_or_is_counted_as_missed() {
        let before = Instant::now();
        let measurement = Measurement::start(&wish(None)).unwrap();
        let early = Instant::now();
        while measurement.figures.read().scans < 20 {
            thread::yield_now();
        }
        let least = early.elapsed();
        let figures = measurement.end().1.read();
        let most = before.elapsed();
        let periods = figures.scans + figures.skipped;
        assert!(
            u128::from(periods) <= most.as_millis() / 2 + 1,
            "{figures:?} in {most:?}"
        );
        assert!(
            u128::from(periods) + 2 >= least.as_millis() / 2,
            "{figures:?} in {least:?}"
        );
        assert!(figures.latency.count >= figures.scans);
    }

    #[test]
    fn a_cpu_that_does_not_exist_is_refused() {
        assert!(Measurement::start(&wish(Some(1023))).is_err());
    }
}
