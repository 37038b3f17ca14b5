//! A device and what is exchanged with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use openplc_modbus::Exception;
use openplc_plugin::{Address, Plugin, Write};
use tokio::time::Instant;

use crate::configuration;
use crate::health::Health;
use crate::job::Job;
use crate::line::LineError;
use crate::{plan, values};

/// An exchange and when it is due.
pub struct Scheduled {
    /// The exchange.
    pub job: Job,
    /// When it is due.
    pub due: Instant,
    /// Whether the device has outputs of a running PLC.
    pub is_set: bool,
}

impl Scheduled {
    /// Puts it off to its next turn, in step with the earlier ones; returns how many turns were missed.
    pub fn put_off(&mut self) -> u64 {
        let late = self.due.elapsed();
        let cycle = self.job.cycle;
        // A cycle has at least a millisecond.
        let missed = u32::try_from(late.as_nanos() / cycle.as_nanos().max(1)).unwrap_or(u32::MAX);
        self.due += cycle.saturating_mul(missed.saturating_add(1));
        missed.into()
    }
}

/// A device.
pub struct Device {
    /// What people call it, and where it is.
    pub title: String,
    /// Its number on the line.
    pub unit: u8,
    /// How long it may take to answer.
    pub timeout: Duration,
    /// Its exchanges.
    pub schedule: Vec<Scheduled>,
    health: Arc<Mutex<Health>>,
    /// What was last written into the image: it may not show there yet.
    written: HashMap<Address, u64>,
}

impl Device {
    /// A device whose exchanges are all due at once.
    pub fn new(device: &configuration::Device) -> Self {
        let now = Instant::now();
        let jobs = plan::jobs(&device.points).into_iter();
        let scheduled = |job| Scheduled {
            job,
            due: now,
            is_set: false,
        };
        Self {
            title: format!("{} ({} unit {})", device.name, device.place, device.unit),
            unit: device.unit,
            timeout: device.timeout,
            schedule: jobs.map(scheduled).collect(),
            health: Arc::default(),
            written: HashMap::new(),
        }
    }

    /// Its state, to be looked at by others.
    pub fn shared_health(&self) -> Arc<Mutex<Health>> {
        self.health.clone()
    }

    /// Its state.
    pub fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the next exchange is due, and which one.
    pub fn next(&self) -> Option<(Instant, usize)> {
        let earliest = self.health().earliest();
        let due = |(index, scheduled): (usize, &Scheduled)| {
            (
                earliest.map_or(scheduled.due, |earliest| scheduled.due.max(earliest)),
                index,
            )
        };
        self.schedule.iter().enumerate().map(due).min()
    }

    /// Asks one after the other for what the device refuses to have asked together.
    pub fn take_apart(&mut self, index: usize) {
        let Scheduled { job, due, is_set } = self.schedule.swap_remove(index);
        let scheduled = |job| Scheduled { job, due, is_set };
        self.schedule.extend(plan::apart(&job).into_iter().map(scheduled));
    }

    /// Brings values into the image, as far as they are not there already.
    pub fn update(&mut self, plugin: &Plugin, new: &[Write]) {
        let changed = plugin.read(|view| -> Vec<Write> {
            let differs = |write: &&Write| {
                let before = self.written.get(&write.address);
                view.value(write.address) != Some(write.value)
                    || before.is_some_and(|before| *before != write.value)
            };
            new.iter().filter(differs).copied().collect()
        });
        // While the core is away there is nobody to be told; the next turn finds the difference.
        let Ok(changed) = changed else { return };
        if changed.is_empty() {
            return;
        }
        match plugin.write(&changed) {
            Ok(_) => {
                let values = changed.iter().map(|write| (write.address, write.value));
                self.written.extend(values);
            }
            Err(error) => tracing::debug!("Inputs of {} wait for their next turn: {error}", self.title),
        }
    }

    /// The device has answered, after this time.
    pub fn note_answer(&mut self, latency: Duration) {
        let back = self.health().note_answer(latency);
        if let Some(away) = back {
            tracing::info!(
                "Modbus device {} answers again after {:.1} s",
                self.title,
                away.as_secs_f64()
            );
        }
    }

    /// The device does what is asked.
    pub fn note_consent(&mut self, exchange: usize) {
        let job = &self.schedule[exchange].job;
        self.health().note_consent((job.function, job.range.first()));
    }

    /// The device refuses an exchange: its inputs become zero, where that is declared.
    pub fn note_refusal(&mut self, plugin: &Plugin, exchange: usize, exception: Exception) {
        let job = &self.schedule[exchange].job;
        let (first, count) = (job.range.first(), job.range.count());
        let what = format!(
            "function code {}, {count} from {first} on: {exception}",
            job.function
        );
        let zeroes = values::zeroes(job);
        let new = self.health().note_refusal((job.function, first), exception);
        if new {
            plugin.report_failure(format!("Modbus device {} refuses {what}", self.title));
        }
        self.update(plugin, &zeroes);
    }

    /// The device does not answer: its inputs become zero, where that is declared.
    pub fn note_silence(&mut self, plugin: &Plugin, error: &LineError) {
        let new = self.health().note_silence(error.to_string());
        if new {
            plugin.report_failure(format!("Modbus device {} does not answer: {error}", self.title));
        }
        let reading = self.schedule.iter().filter(|scheduled| !scheduled.job.writes());
        let zeroes: Vec<Write> = reading
            .flat_map(|scheduled| values::zeroes(&scheduled.job))
            .collect();
        self.update(plugin, &zeroes);
    }
}
